/* SPDX-License-Identifier: MIT */
/*
 * peer NAME FOLDER PROMISES SEED SECONDS: work with the blocks and lists that
 * common.h tells of, until there is a file `stop` in the folder; say how often
 * which call came to what, and wait for the end of the standard input.
 *
 * peer --make: make the steady list. peer --judge SUM: is it as it must be?
 *
 * peer.lua and peer.py do the same.
 */
#include "calls.h"
#include "common.h"
#include "managed.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  MILLISECOND = 1000000,
  ROOM = 1 << 16,
  OWN_SLOTS = 3,
  OWN_BYTES = 5000,
  BLOCK_BYTES = 4096
};

static dice random_;
static const char *me;
static char buffer[ROOM];
static uint64_t adds;

static uint64_t below(uint64_t n) {
  return dice_below(&random_, n);
}

static polyshm_value integer(int64_t number) {
  return (polyshm_value){.type = POLYSHM_INT, .of.i = number};
}

static polyshm_value text(const char *letters, size_t size) {
  return (polyshm_value){.type = POLYSHM_STRING, .of.p = letters, .size = size};
}

/* A value that came out of a list: it must be one. */
static void check_value(const polyshm_value *value) {
  bool is_number = value->type >= POLYSHM_NONE && value->type <= POLYSHM_FLOAT;
  const char *at = value->of.p;
  if (value->type == POLYSHM_BOOL && (uint64_t)value->of.i > 1)
    wrong("a bool of %lld", (long long)value->of.i);
  if (value->type == POLYSHM_STRING || value->type == POLYSHM_BYTES) {
    if (value->size > ROOM ||
        (value->size != 0 && (at < buffer || at + value->size > buffer + ROOM)))
      wrong(
          "%llu bytes outside of the buffer", (unsigned long long)value->size);
  } else if (!is_number || value->size != 0 || value->reserved != 0)
    wrong("a value of type %d", (int)value->type);
}

/* ------------------------------------------------------- the steady list */

static polyshm_list *steady;

static void check_text(const polyshm_value *value) {
  const char *letters = value->of.p;
  if (value->type != POLYSHM_STRING || value->size == 0 ||
      value->size >= TEXT_ROOM)
    wrong(
        "the text has type %d, size %llu", (int)value->type,
        (unsigned long long)value->size);
  for (uint64_t i = 1; i < value->size; i++)
    if (letters[i] != letters[0])
      wrong("a torn text: %.*s", (int)value->size, letters);
}

static void check_pair(const polyshm_value *left, const polyshm_value *right) {
  if (left->type != POLYSHM_INT || right->type != POLYSHM_INT ||
      left->of.i + right->of.i != 0)
    wrong("%lld and %lld", (long long)left->of.i, (long long)right->of.i);
}

static void steady_text(void) {
  char letters[TEXT_ROOM];
  size_t size = 1 + below(TEXT_ROOM - 1);
  memset(letters, 'a' + (int)below(26), size);
  polyshm_value value = text(letters, size);
  call("steady.text");
  came(polyshm_list_set(steady, TEXT, &value));
  call("steady.get");
  came(polyshm_list_get(steady, TEXT, buffer, ROOM, &value));
  check_text(&value);
  call("steady.get");
  came(polyshm_list_get(steady, CONST, buffer, ROOM, &value));
  if (value.size != sizeof CONSTANT - 1 ||
      memcmp(value.of.p, CONSTANT, value.size) != 0)
    wrong("what is constant has changed");
}

static void steady_add(void) {
  int64_t after;
  call("steady.add");
  if (came(polyshm_list_add(steady, SUM, 1, &after)) == POLYSHM_OK)
    adds++;
  call("steady.add");
  came(polyshm_list_add(steady, BELL, 1, &after));
}

/* The two as they must be, again and again until they are: a peer that gave up
 * here would leave half a change, which nobody is told of. */
static void store_pair(int64_t number) {
  polyshm_value left = integer(number), right = integer(-number);
  do
    call("steady.left");
  while (came(polyshm_list_set(steady, LEFT, &left)) != POLYSHM_OK);
  do
    call("steady.right");
  while (came(polyshm_list_set(steady, RIGHT, &right)) != POLYSHM_OK);
}

static void steady_lock(void) {
  uint32_t recovered;
  call("steady.lock");
  if (came(polyshm_list_lock(steady, 300 * MILLISECOND, &recovered)) !=
      POLYSHM_OK)
    return;
  polyshm_value left, right;
  call("steady.get");
  came(polyshm_list_get(steady, LEFT, NULL, 0, &left));
  call("steady.get");
  came(polyshm_list_get(steady, RIGHT, NULL, 0, &right));
  check_pair(&left, &right);
  store_pair((int64_t)below(1000000));
  call("steady.unlock");
  came(polyshm_list_unlock(steady));
}

static void steady_look(void) {
  polyshm_value values[SLOTS];
  call("steady.snapshot");
  if (came(polyshm_list_snapshot(steady, 0, SLOTS, buffer, ROOM, values)) ==
      POLYSHM_OK) {
    check_pair(values + LEFT, values + RIGHT);
    check_text(values + TEXT);
  }
  uint64_t index, version;
  polyshm_value wanted = text(CONSTANT, sizeof CONSTANT - 1);
  call("steady.find");
  if (came(polyshm_list_find(steady, 0, &wanted, &index)) == POLYSHM_OK &&
      index != CONST)
    wrong("found at %llu", (unsigned long long)index);
  call("steady.version");
  came(polyshm_list_slot_version(steady, BELL, &version));
  call("steady.wait");
  came(
      polyshm_list_slot_wait(steady, BELL, version, 5 * MILLISECOND, &version));
}

/* A child goes on with what it inherited, whatever its parent was doing. */
static void steady_fork(void) {
  call("steady.fork");
  pid_t child = fork();
  if (child == 0) {
    polyshm_value value;
    int64_t after;
    polyshm_list_add(steady, BELL, 1, &after);
    polyshm_status status =
        polyshm_list_get(steady, CONST, buffer, ROOM, &value);
    _exit(status != POLYSHM_OK || value.size != sizeof CONSTANT - 1);
  }
  int how = 1;
  while (child > 0 && waitpid(child, &how, 0) < 0 && errno == EINTR)
    continue;
  came(how == 0 ? POLYSHM_OK : POLYSHM_E_INVALID);
}

static void work_steady(void) {
  if (steady == NULL) {
    call("steady.open");
    if (came(polyshm_list_open(STEADY, 0, &steady)) != POLYSHM_OK)
      return;
    polyshm_list_timeout(steady, 300 * MILLISECOND);
  }
  steady_text();
  steady_add();
  steady_lock();
  steady_look();
  if (below(10) == 0)
    steady_fork();
  if (below(20) == 0) {
    call("steady.close");
    came(polyshm_list_close(steady));
    polyshm_list_free(steady);
    steady = NULL;
  }
}

/* -------------------------------------------------------- the wild lists */

static uint64_t any_slot(const polyshm_list *list) {
  uint64_t length = polyshm_list_length(list);
  return below((length < 16 ? length : 16) + 1);
}

static void wild_write(polyshm_list *list) {
  static const char letters[] = "written by a good peer";
  polyshm_value value = integer(7);
  switch (below(3)) {
  case 0:
    value = text(letters, below(sizeof letters));
    break;
  case 1:
    value.type = POLYSHM_NONE;
    break;
  default:
    break;
  }
  int64_t number;
  call("wild.set");
  came(polyshm_list_set(list, any_slot(list), &value));
  call("wild.add");
  came(polyshm_list_add(list, any_slot(list), 1, &number));
  call("wild.swap");
  came(polyshm_list_swap(list, any_slot(list), 7, 8, &number));
}

static void wild_read(polyshm_list *list) {
  polyshm_value value = {0};
  uint64_t number, slot = any_slot(list);
  call("wild.capacity");
  came(polyshm_list_capacity(list, slot, &number));
  call("wild.get");
  polyshm_status status = polyshm_list_get(list, slot, buffer, ROOM, &value);
  if (came(status) == POLYSHM_OK)
    check_value(&value);
  value = integer(8);
  call("wild.find");
  if (came(polyshm_list_find(list, 0, &value, &number)) == POLYSHM_OK &&
      number >= polyshm_list_length(list))
    wrong("found at %llu", (unsigned long long)number);
  polyshm_value values[8];
  uint64_t length = polyshm_list_length(list), count = 1 + below(8);
  call("wild.snapshot");
  if (came(polyshm_list_snapshot(
          list, length / 2, count, buffer, ROOM, values)) == POLYSHM_OK)
    for (uint64_t i = 0; i < count; i++)
      check_value(values + i);
}

static void wild_wait(polyshm_list *list) {
  uint64_t version;
  call("wild.version");
  if (came(polyshm_list_version(list, &version)) != POLYSHM_OK)
    return;
  call("wild.wait");
  came(polyshm_list_wait(list, version, 5 * MILLISECOND, &version));
  call("wild.wait");
  came(polyshm_list_slot_wait(
      list, any_slot(list), version, 5 * MILLISECOND, &version));
  uint32_t recovered;
  call("wild.lock");
  if (came(polyshm_list_lock(list, 20 * MILLISECOND, &recovered)) != POLYSHM_OK)
    return;
  call("wild.unlock"); /* or a neighbour has written over it */
  came(polyshm_list_unlock(list));
}

static polyshm_status open_wild(const char *name, polyshm_list **out_list) {
  const polyshm_value values[] = {
      integer(1), integer(2), text("some text", 9), integer(4)};
  polyshm_list_options options = {
      .struct_size = sizeof options,
      .slot_capacity = 8 * below(9),
      .timeout = 50 * MILLISECOND};
  switch (below(4)) {
  case 0:
    call("wild.create");
    return came(polyshm_list_create(
        name, values, 4, POLYSHM_CREATE, &options, out_list));
  case 1:
    call("wild.make");
    return came(polyshm_list_create(
        name, values, 4, POLYSHM_UNTRACKED, &options, out_list));
  case 2:
    call("wild.read-only");
    return came(polyshm_list_open(name, POLYSHM_READ_ONLY, out_list));
  default:
    call("wild.open");
    return came(polyshm_list_open(name, 0, out_list));
  }
}

static void work_wild(void) {
  char name[NAME_ROOM];
  polyshm_list *list;
  wild_name(name, (unsigned)below(WILD_LISTS));
  if (open_wild(name, &list) != POLYSHM_OK)
    return;
  polyshm_list_timeout(list, 50 * MILLISECOND);
  uint64_t rounds = 1 + below(8);
  bool is_writable =
      !(polyshm_block_flags(polyshm_list_block(list)) & POLYSHM_READ_ONLY);
  for (uint64_t i = 0; i < rounds; i++) {
    wild_read(list);
    if (is_writable) {
      wild_write(list);
      wild_wait(list);
    }
  }
  call("wild.close"); /* BUSY if the lock's word looks like ours */
  came(polyshm_list_close(list));
  polyshm_list_free(list);
  if (below(8) == 0) {
    call("wild.unlink");
    came(polyshm_unlink(name));
  }
}

static void work_block(void) {
  char name[NAME_ROOM];
  wild_name(name, (unsigned)(WILD_LISTS + below(WILD_BLOCKS)));
  polyshm_block *block;
  polyshm_status status;
  if (below(2)) {
    call("block.create");
    status = came(
        polyshm_block_open(name, BLOCK_BYTES, POLYSHM_CREATE, NULL, &block));
  } else {
    call("block.open");
    status = came(polyshm_block_open(name, 0, 0, NULL, &block));
  }
  if (status != POLYSHM_OK)
    return;
  uint64_t size = polyshm_block_size(block);
  size = size < ROOM ? size : ROOM;
  call("block.read");
  came(polyshm_block_read(block, 0, buffer, size));
  call("block.write");
  came(polyshm_block_write(block, 0, buffer, size / 2));
  call("block.close");
  came(polyshm_block_close(block));
  polyshm_block_free(block);
  if (below(8) == 0) {
    call("block.unlink");
    came(polyshm_unlink(name));
  }
}

/* ---------------------------------------------------------------- its own */

static void own_list(const char *name) {
  const char *letters = "a text of its own";
  polyshm_value values[OWN_SLOTS] = {
      integer((int64_t)below(INT32_MAX)), text(letters, strlen(letters)),
      integer(0)};
  polyshm_list_options options = {
      .struct_size = sizeof options, .timeout = 300 * MILLISECOND};
  polyshm_list *list, *again;
  call("own.create");
  if (came(polyshm_list_create(name, values, OWN_SLOTS, 0, &options, &list)) !=
      POLYSHM_OK)
    return;
  uint64_t id = polyshm_block_id(polyshm_list_block(list));
  int64_t kept = 0;
  for (uint64_t i = below(20); i > 0; i--) {
    polyshm_value value = integer((int64_t)i);
    call("own.set");
    if (came(polyshm_list_set(list, 2, &value)) == POLYSHM_OK)
      kept = (int64_t)i;
    const polyshm_list *from = list;
    call("own.attach");
    polyshm_status status =
        came(polyshm_list_open(name, POLYSHM_READ_ONLY, &again));
    /* Only if it is the one that was made. */
    if (status == POLYSHM_OK &&
        polyshm_block_id(polyshm_list_block(again)) == id)
      from = again;
    call("own.get");
    came(polyshm_list_get(from, 0, buffer, ROOM, &value));
    if (value.type != POLYSHM_INT || value.of.i != values[0].of.i)
      wrong("not the number that was stored");
    call("own.get");
    came(polyshm_list_get(from, 2, buffer, ROOM, &value));
    if (value.type != POLYSHM_INT || value.of.i != kept)
      wrong("%lld, not %lld", (long long)value.of.i, (long long)kept);
    call("own.get");
    came(polyshm_list_get(from, 1, buffer, ROOM, &value));
    if (value.size != strlen(letters) ||
        memcmp(value.of.p, letters, value.size) != 0)
      wrong("not the text that was stored");
    if (status == POLYSHM_OK)
      polyshm_list_free(again);
  }
  call("own.close");
  came(polyshm_list_close(list));
  polyshm_list_free(list);
}

static void own_block(const char *name) {
  polyshm_block *block;
  call("own.block");
  if (came(polyshm_block_open(
          name, OWN_BYTES, POLYSHM_CREATE | POLYSHM_EXCLUSIVE, NULL, &block)) !=
      POLYSHM_OK)
    return;
  char bytes[OWN_BYTES];
  memset(bytes, (int)below(256), sizeof bytes);
  call("own.write");
  came(polyshm_block_write(block, 0, bytes, sizeof bytes));
  usleep((useconds_t)below(2000));
  call("own.read");
  came(polyshm_block_read(block, 0, buffer, sizeof bytes));
  if (memcmp(bytes, buffer, sizeof bytes) != 0)
    wrong("not the bytes that were stored");
  call("own.close");
  came(polyshm_block_close(block));
  polyshm_block_free(block);
}

static void work_own(void) {
  char name[NAME_ROOM];
  own_name(name, me, (unsigned)below(OWN_NAMES));
  if (below(2))
    own_list(name);
  else
    own_block(name);
  call("own.unlink");
  came(polyshm_unlink(name));
}

/* ---------------------------------------------------------------- looking */

static void work_looking(void) {
  char name[NAME_ROOM];
  polyshm_info info = {.struct_size = sizeof info};
  uint64_t pids[8], count;
  wild_name(name, (unsigned)below(WILD_NAMES));
  call("look.inspect");
  came(polyshm_inspect(name, &info));
  if (below(20) == 0) {
    call("look.holders");
    came(polyshm_holders(name, pids, 8, &count));
  }
  if (below(20) == 0) {
    polyshm_scan *scan;
    call("look.scan");
    if (came(polyshm_scan_open(&scan)) != POLYSHM_OK)
      return;
    polyshm_status status;
    while ((status = polyshm_scan_next(scan, &info)) == POLYSHM_OK)
      if (memchr(info.name, 0, sizeof info.name) == NULL)
        wrong("a name without an end");
    polyshm_scan_free(scan);
    if (status != POLYSHM_E_END)
      wrong("%s", polyshm_error_message());
  }
  if (below(20) == 0) {
    call("look.gc");
    came(polyshm_gc(below(2) ? POLYSHM_GC_DRY_RUN : 0, &count));
  }
}

/* ----------------------------------------------------------- the judgement */

static int fail(void) {
  fprintf(stderr, "peer: %s\n", polyshm_error_message());
  return 1;
}

static int make_steady(void) {
  const polyshm_value values[SLOTS] = {
      integer(0),   integer(0), integer(0),
      text("a", 1), integer(0), text(CONSTANT, sizeof CONSTANT - 1)};
  polyshm_list_options options = {
      .struct_size = sizeof options, .slot_capacity = TEXT_ROOM};
  if (polyshm_list_create(
          STEADY, values, SLOTS, POLYSHM_UNTRACKED, &options, &steady) !=
      POLYSHM_OK)
    return fail();
  polyshm_list_free(steady);
  return 0;
}

static int judge(int64_t sum) {
  polyshm_value values[SLOTS];
  uint32_t recovered;
  if (polyshm_list_open(STEADY, 0, &steady) != POLYSHM_OK ||
      polyshm_list_lock(steady, 0, &recovered) != POLYSHM_OK ||
      polyshm_list_snapshot(steady, 0, SLOTS, buffer, ROOM, values) !=
          POLYSHM_OK ||
      polyshm_list_unlock(steady) != POLYSHM_OK ||
      polyshm_unlink(STEADY) != POLYSHM_OK)
    return fail();
  polyshm_list_free(steady);
  check_pair(values + LEFT, values + RIGHT);
  check_text(values + TEXT);
  if (values[SUM].of.i != sum)
    wrong(
        "the peers added %lld, and the sum is %lld", (long long)sum,
        (long long)values[SUM].of.i);
  return 0;
}

static void note(int signal_number) {
  (void)signal_number;
}

int main(int count, char **words) {
  if (count == 2 && strcmp(words[1], "--make") == 0)
    return make_steady();
  me = "judge";
  if (count == 3 && strcmp(words[1], "--judge") == 0)
    return judge(atoll(words[2]));
  if (count != 6) {
    fputs("Usage: peer NAME FOLDER PROMISES SEED SECONDS\n", stderr);
    return 2;
  }
  me = words[1];
  calls_begin(me, words[2], words[3], atof(words[5]));
  random_ = dice_new(strtoull(words[4], NULL, 0));
  const struct sigaction action = {.sa_handler = note};
  sigaction(SIGUSR1, &action, NULL);
  puts("ready");
  fflush(stdout);
  while (!calls_are_over()) {
    work_steady();
    work_wild();
    work_block();
    work_own();
    if (below(3) == 0)
      work_managed(&random_, me);
    work_looking();
  }
  polyshm_list_free(steady);
  managed_end();
  calls_tell();
  printf("adds %llu\ndone\n", (unsigned long long)adds);
  fflush(stdout);
  while (getchar() != EOF)
    continue;
  return 0;
}
