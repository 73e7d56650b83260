/* SPDX-License-Identifier: MIT */
/*
 * The first stage: read the log from standard input into the workers' shared
 * segments, cut at line ends, and hand each piece to whoever has room.
 *
 * Started by pipeline.py, which makes and removes every block named here. Each
 * shared slot has one writer. For worker N this program writes PREFIX.ranges.N
 * and the memory of PREFIX.segments.N; the worker writes PREFIX.tally.N, whose
 * first slot counts the ranges it is done with. A segment is ours to overwrite
 * once that count has passed it. A newline on the worker's standard input
 * wakes it; all data travels through shared memory.
 *
 * Standard output is a pipe that is never written: it breaks when the parent
 * is gone, which is our sign to leave, and the workers leave when their pipes
 * close.
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
  LEFT = 3    /* a neighbour is gone; pipeline.py knows more */
};

/* Slots of PREFIX.feed. */
enum { FEED_BYTES, FEED_PEAK, FEED_SHARED };

/* Slots of PREFIX.ranges.N: how many ranges were ever published, then what is
 * in each segment. A span longer than the text is a line that was too long to
 * keep: the text is its beginning. */
enum { RANGES_PUBLISHED, RANGES_FIRST };
enum { RANGE_OFFSET, RANGE_LINE, RANGE_LENGTH, RANGE_SPAN, RANGE_SLOTS };

/* Slots of PREFIX.tally.N. */
enum { TALLY_DONE };

enum {
  KEEP = 101,     /* of a line that is too long: enough for an excerpt */
  PATIENCE = 200, /* ms of a silent input before a part of a segment goes out */
  PAUSE = 1       /* ms between looks for a free segment */
};

typedef struct worker {
  char *segments;
  polyshm_list *ranges;
  polyshm_list *tally;
  int64_t published;
} worker;

typedef struct feeder {
  uint64_t segment, ring, longest;
  worker *workers;
  struct pollfd *watched; /* input, parent, then the workers' pipes */
  uint64_t nworkers;
  polyshm_list *status;

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

static void set(polyshm_list *list, uint64_t index, uint64_t number) {
  polyshm_value value = {.type = POLYSHM_INT, .of.i = (int64_t)number};
  check(polyshm_list_set(list, index, &value), "a shared list");
}

static int64_t get(const polyshm_list *list, uint64_t index) {
  polyshm_value value;
  check(polyshm_list_get(list, index, NULL, 0, &value), "a shared list");
  if (value.type != POLYSHM_INT)
    fail("a shared list", "a count is not a number");
  return value.of.i;
}

/* ------------------------------------------------------------------ waiting */

/* Sleep until the input has something (if asked for) or the time is over, and
 * leave for good when the parent or a worker did. Returns whether the input is
 * ready. */
static bool wait_for_input(feeder *it, bool input, int milliseconds) {
  it->watched[0].fd = input ? STDIN_FILENO : -1;
  int ready = poll(it->watched, 2 + (nfds_t)it->nworkers, milliseconds);
  if (ready < 0 && errno != EINTR)
    fail("waiting", strerror(errno));
  if (ready <= 0)
    return false;
  for (uint64_t i = 1; i < 2 + it->nworkers; i++)
    if (it->watched[i].revents != 0)
      exit(LEFT);
  return it->watched[0].revents != 0;
}

typedef struct place {
  uint64_t worker, segment;
  char *memory;
} place;

/* The next segment of the worker with the least work ahead of it. */
static place wait_for_place(feeder *it) {
  for (;;) {
    uint64_t best = 0, least = it->ring;
    for (uint64_t i = 0; i < it->nworkers; i++) {
      /* A load-acquire: the worker's reads are over before we overwrite. */
      int64_t done = get(it->workers[i].tally, TALLY_DONE);
      uint64_t ahead = (uint64_t)(it->workers[i].published - done);
      if (ahead > it->ring)
        fail("a worker's tally", "more ranges done than published");
      if (ahead < least) {
        least = ahead;
        best = i;
      }
    }
    if (least < it->ring) {
      const worker *its = &it->workers[best];
      uint64_t segment = (uint64_t)its->published % it->ring;
      return (place){best, segment, its->segments + segment * it->segment};
    }
    /* Every worker has a ring of work ahead, so a short sleep costs nothing. */
    wait_for_input(it, false, PAUSE);
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
  set(it->status, FEED_BYTES, it->bytes);
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

static void ring_bell(const feeder *it, uint64_t to, const char *text) {
  size_t size = strlen(text);
  ssize_t count;
  do
    count = write(it->watched[2 + to].fd, text, size);
  while (count < 0 && errno == EINTR);
  if (count != (ssize_t)size)
    exit(LEFT);
}

static void publish(
    feeder *it, const place *at, uint64_t length, uint64_t lines,
    uint64_t span) {
  worker *to = &it->workers[at->worker];
  uint64_t slot = RANGES_FIRST + at->segment * RANGE_SLOTS;
  set(to->ranges, slot + RANGE_OFFSET, it->offset);
  set(to->ranges, slot + RANGE_LINE, it->line);
  set(to->ranges, slot + RANGE_LENGTH, length);
  set(to->ranges, slot + RANGE_SPAN, span);
  /* A store-release, so last: who sees the count sees all of the above. */
  set(to->ranges, RANGES_PUBLISHED, (uint64_t)++to->published);
  ring_bell(it, at->worker, "\n");
  it->offset += span;
  it->line += lines;
}

static void feed(feeder *it) {
  for (;;) {
    place at = wait_for_place(it);
    /* The carried bytes may lie in this very segment. */
    memmove(at.memory, it->carry, (size_t)it->ncarry);
    uint64_t filled = fill(it, at.memory, it->ncarry);
    if (filled == 0)
      return;

    uint64_t lines;
    uint64_t next = whole_lines(it, at.memory, filled, &lines);
    uint64_t length = next;
    if (next == 0) { /* not even one line: the first is too long */
      next = skip_line(it, at.memory, &filled);
      length = KEEP;
      lines = 1;
    }
    it->carry = at.memory + next;
    it->ncarry = filled - next;
    /* Counted from the end, because a skipped line is no longer all here. */
    uint64_t end = it->bytes - it->ncarry;
    if (it->added && it->ncarry > 0)
      end++; /* the newline that is ours is not of the input */
    publish(it, &at, length, lines, end - it->offset);
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

static void name_of(char *name, const char *prefix, const char *what, int n) {
  int length =
      n == 0 ? snprintf(name, POLYSHM_NAME_MAX, "%s.%s", prefix, what)
             : snprintf(name, POLYSHM_NAME_MAX, "%s.%s.%d", prefix, what, n);
  if (length < 0 || length >= POLYSHM_NAME_MAX)
    fail(prefix, "too long");
}

static polyshm_list *open_list(const char *prefix, const char *what, int n) {
  char name[POLYSHM_NAME_MAX];
  polyshm_list *list;
  name_of(name, prefix, what, n);
  check(polyshm_list_open(name, 0, &list), name);
  return list;
}

static void open_worker(feeder *it, const char *prefix, uint64_t index) {
  worker *its = &it->workers[index];
  int n = (int)index + 1;
  char name[POLYSHM_NAME_MAX];
  polyshm_block *block;
  void *memory;
  uint64_t size;
  name_of(name, prefix, "segments", n);
  check(polyshm_block_open(name, 0, 0, NULL, &block), name);
  check(polyshm_block_pin(block, &memory, &size), name);
  if (size / it->ring < it->segment)
    fail(name, "smaller than its segments");
  its->segments = memory;
  its->ranges = open_list(prefix, "ranges", n);
  its->tally = open_list(prefix, "tally", n);
}

/* Peak memory, and how much is shared, in KiB; zeros where there is no /proc.
 * Not getrusage: its peak begins with that of the process that forked us. */
static void report_memory(const feeder *it) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[128];
  if (file == NULL)
    return;
  while (fgets(line, sizeof line, file) != NULL) {
    uint64_t kib;
    if (sscanf(line, "VmHWM: %" SCNu64, &kib) == 1)
      set(it->status, FEED_PEAK, kib);
    else if (sscanf(line, "RssShmem: %" SCNu64, &kib) == 1)
      set(it->status, FEED_SHARED, kib);
  }
  fclose(file);
}

int main(int argc, char **argv) {
  if (argc < 6) {
    fputs(
        "Usage: " PROGRAM " PREFIX SEGMENT RING LONGEST FD...\n"
        "A part of examples/pipeline: start pipeline.py instead.\n",
        stderr);
    return 2;
  }
  const char *prefix = argv[1];
  feeder it = {
      .segment = number(argv[2]),
      .ring = number(argv[3]),
      .longest = number(argv[4]),
      .nworkers = (uint64_t)(argc - 5),
      .line = 1,
      .carry = "",
  };
  if (it.longest < KEEP || it.segment - 1 <= it.longest)
    fail("the segment size", "does not suit the longest line");
  it.workers = calloc((size_t)it.nworkers, sizeof *it.workers);
  it.watched = calloc((size_t)it.nworkers + 2, sizeof *it.watched);
  if (it.workers == NULL || it.watched == NULL)
    fail("starting", strerror(errno));
  it.watched[0].events = POLLIN;
  it.watched[1].fd = STDOUT_FILENO;
  it.status = open_list(prefix, "feed", 0);
  for (uint64_t i = 0; i < it.nworkers; i++) {
    it.watched[2 + i].fd = (int)number(argv[5 + i]);
    open_worker(&it, prefix, i);
  }
  signal(SIGPIPE, SIG_IGN);

  feed(&it);
  for (uint64_t i = 0; i < it.nworkers; i++)
    ring_bell(&it, i, "end\n");
  report_memory(&it);
  return 0;
}
