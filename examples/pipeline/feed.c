/* SPDX-License-Identifier: MIT */
/*
 * The first stage: read the log from standard input into shared segments, cut
 * at line ends, and hand out each piece to whichever worker takes it.
 *
 * Started by pipeline.py, which makes and removes the blocks named here: the
 * segments lie in PREFIX.text, and what is in each of them stands in the list
 * PREFIX.ring. A segment is ours to fill while its state is FREE. pipeline.py
 * makes it so again when the counts of its lines have arrived there.
 *
 * Standard output is a pipe that is never written: it breaks when the parent
 * is gone, which is our sign to leave.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <polyshm.h>

#define PROGRAM "polyshm-example-feed"

enum {
  FAILED = 1, /* and said why */
  LEFT = 3    /* pipeline.py is gone */
};

/* Slots of PREFIX.ring, the same as in worker.lua and pipeline.py. The first
 * three are bells: who adds to one wakes those who wait for it. */
enum {
  RING_WORK,  /* there is a range to take, or no more will come */
  RING_ROOM,  /* there is a segment to fill */
  RING_NEWS,  /* for pipeline.py */
  RING_ENDED, /* 1 when no more will come */
  RING_BYTES, /* of input read so far */
  RING_PEAK,
  RING_SHARED,
  RING_FIRST /* of those of the first segment */
};

/* Slots of a segment. A span longer than the text is a line that was too long
 * to keep: the text is its beginning. */
enum {
  RANGE_STATE, /* or the number of the worker that has taken it */
  RANGE_OFFSET,
  RANGE_LINE,
  RANGE_LENGTH,
  RANGE_SPAN,
  RANGE_SLOTS
};
enum { FREE = 0, READY = -1 };

enum {
  KEEP = 101,    /* of a line that is too long: enough for an excerpt */
  PATIENCE = 200 /* ms of a silent input before a part of a segment goes out */
};

/* ns of waiting for room until we look whether the parent is still there. */
static const int64_t SECOND = 1000000000;

typedef struct feeder {
  uint64_t segment, nsegments, longest;
  char *text;
  polyshm_list *ring;

  uint64_t bytes;    /* read so far */
  uint64_t line;     /* number of the next line to hand out */
  uint64_t offset;   /* where it begins in the input */
  bool ended, added; /* the input ended; it lacked the last newline */
  const char *carry; /* read, but not handed out yet */
  uint64_t ncarry;
} feeder;

static _Noreturn void fail(const char *what, const char *why) {
  fprintf(stderr, PROGRAM ": %s: %s\n", what, why);
  exit(FAILED);
}

static void check(polyshm_status status, const char *what) {
  if (status != POLYSHM_OK)
    fail(what, polyshm_error_message());
}

static void set(feeder *it, uint64_t slot, int64_t number) {
  polyshm_value value = {.type = POLYSHM_INT, .of.i = number};
  check(polyshm_list_set(it->ring, slot, &value), "the ring");
}

static int64_t get(const feeder *it, uint64_t slot) {
  polyshm_value value;
  check(polyshm_list_get(it->ring, slot, NULL, 0, &value), "the ring");
  if (value.type != POLYSHM_INT)
    fail("the ring", "a state is not a number");
  return value.of.i;
}

/* After the change that it tells of. */
static void ring_bell(feeder *it, uint64_t slot) {
  int64_t rung;
  check(polyshm_list_add(it->ring, slot, 1, &rung), "the ring");
}

static uint64_t slots_of(uint64_t segment) {
  return RING_FIRST + segment * RANGE_SLOTS;
}

/* ------------------------------------------------------------------ waiting */

/* Nothing more will come. Workers that wait see it, and end. */
static void end(feeder *it) {
  set(it, RING_ENDED, 1);
  ring_bell(it, RING_WORK);
}

/* Sleep until the input has something (if asked for) or the time is over, and
 * leave for good when the parent did. Returns whether the input is ready. */
static bool wait_for_input(feeder *it, bool input, int milliseconds) {
  struct pollfd watched[] = {
      {.fd = input ? STDIN_FILENO : -1, .events = POLLIN},
      {.fd = STDOUT_FILENO}};
  int ready = poll(watched, 2, milliseconds);
  if (ready < 0 && errno != EINTR)
    fail("waiting", strerror(errno));
  if (ready <= 0)
    return false;
  if (watched[1].revents != 0) {
    end(it);
    exit(LEFT);
  }
  return watched[0].revents != 0;
}

/* A segment to fill. */
static uint64_t wait_for_room(feeder *it) {
  for (;;) {
    /* Asked before the look, so that no change after it is slept through. */
    uint64_t seen;
    check(polyshm_list_slot_version(it->ring, RING_ROOM, &seen), "the ring");
    for (uint64_t i = 0; i < it->nsegments; i++)
      if (get(it, slots_of(i) + RANGE_STATE) == FREE)
        return i;
    polyshm_status status =
        polyshm_list_slot_wait(it->ring, RING_ROOM, seen, SECOND, &seen);
    if (status != POLYSHM_E_TIMEOUT && status != POLYSHM_E_INTERRUPTED)
      check(status, "the ring");
    wait_for_input(it, false, 0);
  }
}

/* ------------------------------------------------------------------ reading */

/* Add what the input has to the `filled` bytes at `memory`, until the segment
 * is full or the input ends, or falls silent with a whole line waiting. */
static uint64_t fill(feeder *it, char *memory, uint64_t filled) {
  /* The last byte is kept for the newline that the last line may lack. */
  while (!it->ended && filled < it->segment - 1) {
    bool waiting = memchr(memory, '\n', (size_t)filled) != NULL;
    if (!wait_for_input(it, true, waiting ? PATIENCE : -1)) {
      if (waiting)
        break;
      continue;
    }
    ssize_t count =
        read(STDIN_FILENO, memory + filled, (size_t)(it->segment - 1 - filled));
    if (count < 0) {
      if (errno == EINTR || errno == EAGAIN)
        continue;
      fail("reading the input", strerror(errno));
    }
    it->ended = count == 0;
    it->bytes += (uint64_t)count;
    filled += (uint64_t)count;
    if (it->ended && filled > 0 && memory[filled - 1] != '\n') {
      memory[filled++] = '\n';
      it->added = true;
    }
  }
  set(it, RING_BYTES, (int64_t)it->bytes);
  return filled;
}

/* How many bytes are whole lines of permitted length; stops before the first
 * that is neither. */
static uint64_t whole_lines(
    const feeder *it, const char *memory, uint64_t filled, uint64_t *lines) {
  uint64_t whole = 0;
  const char *newline;
  *lines = 0;
  while ((newline = memchr(memory + whole, '\n', (size_t)(filled - whole))) !=
         NULL) {
    if ((uint64_t)(newline - (memory + whole)) > it->longest)
      break;
    whole = (uint64_t)(newline + 1 - memory);
    ++*lines;
  }
  return whole;
}

/* Read past the end of the line that begins at `memory`, keeping its beginning.
 * Returns where the next one starts, and moves `filled`. There always is an
 * end, because fill() gives the input a last newline. */
static uint64_t skip_line(feeder *it, char *memory, uint64_t *filled) {
  uint64_t from = KEEP;
  for (;;) {
    const char *newline = memchr(memory + from, '\n', (size_t)(*filled - from));
    if (newline != NULL)
      return (uint64_t)(newline + 1 - memory);
    *filled = fill(it, memory, from);
  }
}

/* ------------------------------------------------------------------ handing */

static void publish(
    feeder *it, uint64_t segment, uint64_t length, uint64_t lines,
    uint64_t span) {
  uint64_t slots = slots_of(segment);
  set(it, slots + RANGE_OFFSET, (int64_t)it->offset);
  set(it, slots + RANGE_LINE, (int64_t)it->line);
  set(it, slots + RANGE_LENGTH, (int64_t)length);
  set(it, slots + RANGE_SPAN, (int64_t)span);
  /* Last: who sees it sees all that was written before, the text too. */
  set(it, slots + RANGE_STATE, READY);
  ring_bell(it, RING_WORK);
  it->offset += span;
  it->line += lines;
}

static void feed(feeder *it) {
  for (;;) {
    uint64_t segment = wait_for_room(it);
    char *memory = it->text + segment * it->segment;
    /* The carried bytes may lie in this very segment. */
    memmove(memory, it->carry, (size_t)it->ncarry);
    uint64_t filled = fill(it, memory, it->ncarry);
    if (filled == 0)
      return;

    uint64_t lines;
    uint64_t next = whole_lines(it, memory, filled, &lines);
    uint64_t length = next;
    if (next == 0) { /* not even one line: the first is too long */
      next = skip_line(it, memory, &filled);
      length = KEEP;
      lines = 1;
    }
    it->carry = memory + next;
    it->ncarry = filled - next;
    /* Counted from the end, because a skipped line is no longer all here. */
    uint64_t read_to = it->bytes - it->ncarry;
    if (it->added && it->ncarry > 0)
      read_to++; /* the newline that is ours is not of the input */
    publish(it, segment, length, lines, read_to - it->offset);
  }
}

/* -------------------------------------------------------------------- setup */

static uint64_t number(const char *text) {
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno != 0 || *end != '\0' || value == 0)
    fail("not a number", text);
  return value;
}

static void name_of(char *name, const char *prefix, const char *what) {
  int length = snprintf(name, POLYSHM_NAME_MAX, "%s.%s", prefix, what);
  if (length < 0 || length >= POLYSHM_NAME_MAX)
    fail(prefix, "too long");
}

static void open_shared(feeder *it, const char *prefix) {
  char name[POLYSHM_NAME_MAX];
  polyshm_block *block;
  void *memory;
  uint64_t size;
  name_of(name, prefix, "text");
  check(polyshm_block_open(name, 0, 0, NULL, &block), name);
  check(polyshm_block_pin(block, &memory, &size), name);
  if (size / it->nsegments < it->segment)
    fail(name, "smaller than its segments");
  it->text = memory;
  name_of(name, prefix, "ring");
  check(polyshm_list_open(name, 0, &it->ring), name);
  /* A stage may be stopped with Ctrl-Z. */
  check(polyshm_list_timeout(it->ring, POLYSHM_FOREVER), name);
}

/* Peak memory, and how much is shared, in KiB; zeros where there is no /proc.
 * Not getrusage: its peak begins with that of the process that forked us. */
static void report_memory(feeder *it) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[128];
  if (file == NULL)
    return;
  while (fgets(line, sizeof line, file) != NULL) {
    int64_t kib;
    if (sscanf(line, "VmHWM: %" SCNd64, &kib) == 1)
      set(it, RING_PEAK, kib);
    else if (sscanf(line, "RssShmem: %" SCNd64, &kib) == 1)
      set(it, RING_SHARED, kib);
  }
  fclose(file);
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fputs(
        "Usage: " PROGRAM " PREFIX SEGMENTS SIZE LONGEST\n"
        "A part of examples/pipeline: start pipeline.py instead.\n",
        stderr);
    return 2;
  }
  feeder it = {
      .nsegments = number(argv[2]),
      .segment = number(argv[3]),
      .longest = number(argv[4]),
      .line = 1,
      .carry = "",
  };
  if (it.longest < KEEP || it.segment - 1 <= it.longest)
    fail("the segment size", "does not suit the longest line");
  open_shared(&it, argv[1]);

  feed(&it);
  report_memory(&it);
  end(&it);
  return 0;
}
