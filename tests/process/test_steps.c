/* SPDX-License-Identifier: MIT */
/*
 * kill -9 at every store. A process does one thing to a list, instruction by
 * instruction, and is killed after each that changed shared bytes or called the
 * system; whoever comes next must find every slot old or new, whole, and all of
 * the list usable. Then whoever repairs is treated the same: what it leaves
 * after each of its stores is examined, for each state that the first left.
 */
#include "stepper.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BEFORE, TARGET, BEHIND, OTHER, SCRATCH, SLOTS };
enum { CAPACITY = 24, IMAGES_MOST = 300, SKIPPED = 77 };

/* More than a list has records for values on their way. */
enum { MANY = 5 };

/* No call of a fresh handle may need longer, whatever the dead left. */
static const int64_t patience = 3000000000;

/* ------------------------------------------------------------- operations */

#define NONE_VALUE                                                             \
  { .type = POLYSHM_NONE }
#define INT_VALUE(n)                                                           \
  { .type = POLYSHM_INT, .of.i = (n) }
#define FLOAT_VALUE(n)                                                         \
  { .type = POLYSHM_FLOAT, .of.f = (n) }
#define STRING_VALUE(text)                                                     \
  { .type = POLYSHM_STRING, .of.p = (text), .size = sizeof(text) - 1 }
#define BYTES_VALUE(text)                                                      \
  { .type = POLYSHM_BYTES, .of.p = (text), .size = sizeof(text) - 1 }

#define LONG_TEXT "all of the 24 bytes here"

typedef struct operation {
  const char *name;
  polyshm_value before, after; /* of the slot */
  polyshm_status (*run)(polyshm_list *list, const struct operation *self);
  /* What the next lock is told, in order of the states that are left, without
   * repetitions: 0, or 1 for a holder that died. */
  const char *recovered;
  polyshm_status status; /* what `run` answers */
  uint64_t slot;
  bool cold;  /* the first thing that its handle does */
  bool locks; /* begins with the lock taken */
  bool again; /* unlike those before it, so that its repairs are killed, too */
} operation;

static polyshm_status do_set(polyshm_list *list, const operation *self) {
  return polyshm_list_set(list, self->slot, &self->after);
}

static polyshm_status do_add(polyshm_list *list, const operation *self) {
  int64_t sum;
  return polyshm_list_add(
      list, self->slot, self->after.of.i - self->before.of.i, &sum);
}

static polyshm_status do_swap(polyshm_list *list, const operation *self) {
  int64_t found;
  return polyshm_list_swap(
      list, self->slot, self->before.of.i, self->after.of.i, &found);
}

static polyshm_status do_lock(polyshm_list *list, const operation *self) {
  (void)self;
  uint32_t recovered;
  return polyshm_list_lock(list, patience, &recovered);
}

static polyshm_status do_unlock(polyshm_list *list, const operation *self) {
  (void)self;
  return polyshm_list_unlock(list);
}

static polyshm_status do_locked_set(polyshm_list *list, const operation *self) {
  polyshm_status status = do_lock(list, self);
  if (status == POLYSHM_OK)
    status = do_set(list, self);
  return status == POLYSHM_OK ? do_unlock(list, self) : status;
}

/* Long enough to sleep when led by the hand. */
static const int64_t nap = 30000000;

static polyshm_status do_wait(polyshm_list *list, const operation *self) {
  uint64_t version;
  polyshm_status status = polyshm_list_slot_version(list, self->slot, &version);
  if (status != POLYSHM_OK)
    return status;
  return polyshm_list_slot_wait(list, self->slot, version, nap, &version);
}

static polyshm_status do_list_wait(polyshm_list *list, const operation *self) {
  (void)self;
  uint64_t version;
  polyshm_status status = polyshm_list_version(list, &version);
  if (status != POLYSHM_OK)
    return status;
  return polyshm_list_wait(list, version, nap, &version);
}

static polyshm_status do_snapshot(polyshm_list *list, const operation *self) {
  (void)self;
  char bytes[SLOTS * CAPACITY];
  polyshm_value values[SLOTS];
  return polyshm_list_snapshot(list, 0, SLOTS, bytes, sizeof bytes, values);
}

#define TO(old, new) .slot = TARGET, .before = old, .after = new
#define SAME TO(INT_VALUE(1), INT_VALUE(1))

static const operation operations[] = {
    {"int over int", TO(INT_VALUE(1), INT_VALUE(2)), do_set, "0",
     .again = true},
    {"float over int", TO(INT_VALUE(1), FLOAT_VALUE(2.5)), do_set, "0"},
    {"None over float", TO(FLOAT_VALUE(1.5), NONE_VALUE), do_set, "0"},
    {"str over int", TO(INT_VALUE(1), STRING_VALUE("short")), do_set, "0",
     .again = true},
    {"int over str", TO(STRING_VALUE(LONG_TEXT), INT_VALUE(-1)), do_set, "0"},
    {"longer str", TO(STRING_VALUE("short"), STRING_VALUE(LONG_TEXT)), do_set,
     "0"},
    {"shorter str", TO(STRING_VALUE(LONG_TEXT), STRING_VALUE("short")), do_set,
     "0"},
    {"bytes over str", TO(STRING_VALUE("as text"), BYTES_VALUE("as bytes")),
     do_set, "0"},
    {"zeros at the end", TO(STRING_VALUE("none"), STRING_VALUE("three\0\0\0")),
     do_set, "0", .again = true},
    {"other zeros", TO(BYTES_VALUE("one\0"), BYTES_VALUE("one\0\0")), do_set,
     "0"},
    {"no zeros any more", TO(BYTES_VALUE("\0\0\0"), BYTES_VALUE("\0\0\0.")),
     do_set, "0"},
    {"add", TO(INT_VALUE(41), INT_VALUE(42)), do_add, "0"},
    {"swap", TO(INT_VALUE(41), INT_VALUE(-42)), do_swap, "0"},
    {"lock", SAME, do_lock, "01"},
    {"unlock", SAME, do_unlock, "10", .locks = true, .again = true},
    {"lock, set, unlock", TO(INT_VALUE(1), INT_VALUE(2)), do_locked_set, "010"},
    {"lock, set str, unlock", TO(INT_VALUE(1), STRING_VALUE(LONG_TEXT)),
     do_locked_set, "010", .again = true},
    {"first set of a handle", TO(INT_VALUE(1), INT_VALUE(2)), do_set, "0",
     .cold = true, .again = true},
    {"first set, of a str", TO(INT_VALUE(1), STRING_VALUE("first")), do_set,
     "0", .cold = true},
    {"first lock of a handle", SAME, do_lock, "01", .cold = true},
    {"wait for a slot", SAME, do_wait, "0", .status = POLYSHM_E_TIMEOUT,
     .again = true},
    {"wait for the list", SAME, do_list_wait, "0", .status = POLYSHM_E_TIMEOUT},
};

/* What comes next upon the states that those leave. */
static const operation repairs[] = {
    {"int", TO(NONE_VALUE, INT_VALUE(77)), do_set, "0"},
    {"str", TO(NONE_VALUE, STRING_VALUE("repaired")), do_set, "0"},
    {"str elsewhere", .after = STRING_VALUE("a str elsewhere"), .run = do_set,
     .recovered = "0", .slot = OTHER},
    {"lock, set, unlock", TO(NONE_VALUE, INT_VALUE(78)), do_locked_set, "010"},
    {"lock", SAME, do_lock, "01"},
    {"snapshot", SAME, do_snapshot, "0"},
};

static bool changes(const operation *what) {
  return !same_value(&what->before, &what->after);
}

/* --------------------------------------------------------------- the list */

static struct {
  const char *name;
  unsigned char *bytes;    /* the block, past all handles */
  unsigned char *original; /* what they were when the list was made */
  unsigned char *fresh;    /* what they are before an operation */
  size_t size;
  uint64_t version; /* of TARGET then */
} table;

/* Whether the repairs of all operations are killed. */
static bool thorough;

/* Where a test is; printed if it gets no further. */
static char place[200];

static void make_list(const polyshm_value *values, uint64_t nvalues) {
  const polyshm_list_options options = {
      .struct_size = sizeof options, .slot_capacity = CAPACITY};
  polyshm_list *list;
  table.name = fresh_name();
  assert_ok(
      polyshm_list_create(table.name, values, nvalues, 0, &options, &list));
  table.size = polyshm_block_size(polyshm_list_block(list));
  polyshm_list_free(list);
  int file = open(path_of(table.name), O_RDWR | O_CLOEXEC);
  assert_true(file >= 0);
  table.bytes =
      mmap(NULL, table.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  assert_true(table.bytes != MAP_FAILED);
  close(file);
  table.original = malloc(2 * table.size);
  table.fresh = table.original + table.size;
  memcpy(table.original, table.bytes, table.size);
  memcpy(table.fresh, table.bytes, table.size);
}

static int make_table(void **state) {
  (void)state;
  const polyshm_value values[SLOTS] = {
      INT_VALUE(1111), INT_VALUE(0), STRING_VALUE("behind"),
      STRING_VALUE("other"), INT_VALUE(0)};
  make_list(values, SLOTS);
  return 0;
}

static int make_long_table(void **state) {
  (void)state;
  polyshm_value values[MANY + 1];
  for (int i = 0; i < MANY; i++)
    values[i] = string_value("old");
  values[MANY] = int_value(0);
  make_list(values, MANY + 1);
  return 0;
}

static int drop_table(void **state) {
  (void)state;
  if (place[0] != 0)
    print_error("it was at: %s\n", place);
  place[0] = 0;
  munmap(table.bytes, table.size);
  free(table.original);
  return polyshm_unlink(table.name);
}

static polyshm_list *open_table(uint32_t flags) {
  polyshm_list *list;
  assert_ok(polyshm_list_open(table.name, flags, &list));
  assert_ok(polyshm_list_timeout(list, patience));
  return list;
}

static void lay(const unsigned char *image) {
  memcpy(table.bytes, image, table.size);
}

/* Let TARGET hold what the operation begins with, and note the bytes. */
static void set_up(const operation *what) {
  lay(table.original);
  polyshm_list *list = open_table(0);
  assert_ok(polyshm_list_set(list, TARGET, &what->before));
  assert_ok(polyshm_list_slot_version(list, TARGET, &table.version));
  polyshm_list_free(list);
  memcpy(table.fresh, table.bytes, table.size);
}

/* --------------------------------------------------------- the aftermath */

/* What slots may hold, in the order in which they can have got it. */
typedef struct prospects {
  polyshm_value may[SLOTS][3];
  int n[SLOTS];
} prospects;

static void expect(prospects *these, uint64_t slot, polyshm_value value) {
  these->may[slot][these->n[slot]++] = value;
}

static prospects expect_operation(const operation *what) {
  prospects these = {0};
  expect(&these, BEFORE, int_value(1111));
  expect(&these, TARGET, what->before);
  expect(&these, BEHIND, string_value("behind"));
  expect(&these, OTHER, string_value("other"));
  expect(&these, SCRATCH, int_value(0));
  if (changes(what))
    expect(&these, what->slot, what->after);
  return these;
}

static int find_value(
    const prospects *these, uint64_t slot, const polyshm_value *value) {
  for (int i = 0; i < these->n[slot]; i++)
    if (same_value(&these->may[slot][i], value))
      return i;
  print_error(
      "slot %d holds type %d, content %lld, size %d: '%.*s'\n", (int)slot,
      (int)value->type, (long long)value->of.i, (int)value->size,
      (int)value->size, value->size == 0 ? "" : (const char *)value->of.p);
  fail();
  return -1;
}

/* Which of its prospects each slot holds, as both ways to read tell. */
static void look(
    const polyshm_list *list, const prospects *these, int out_found[SLOTS]) {
  char bytes[SLOTS * CAPACITY];
  polyshm_value value, all[SLOTS];
  for (uint64_t slot = 0; slot < SLOTS; slot++) {
    assert_ok(polyshm_list_get(list, slot, bytes, CAPACITY, &value));
    out_found[slot] = find_value(these, slot, &value);
  }
  assert_ok(polyshm_list_snapshot(list, 0, SLOTS, bytes, sizeof bytes, all));
  for (uint64_t slot = 0; slot < SLOTS; slot++)
    assert_int_equal(find_value(these, slot, &all[slot]), out_found[slot]);
}

static uint32_t lock_and_unlock(polyshm_list *list) {
  uint32_t recovered = 2, again = 2;
  assert_ok(polyshm_list_lock(list, patience, &recovered));
  assert_ok(polyshm_list_unlock(list));
  assert_ok(polyshm_list_lock(list, patience, &again));
  assert_int_equal(again, 0);
  assert_ok(polyshm_list_unlock(list));
  return recovered;
}

/* Every slot takes every kind of value, and its version moves. */
static void use_all(polyshm_list *list) {
  const polyshm_value kinds[] = {
      STRING_VALUE(LONG_TEXT), INT_VALUE(5), BYTES_VALUE("\0\0"),
      FLOAT_VALUE(0.5), INT_VALUE(6)};
  uint64_t version, whole;
  int64_t sum;
  assert_ok(polyshm_list_version(list, &whole));
  for (uint64_t slot = 0; slot < SLOTS; slot++) {
    assert_ok(polyshm_list_slot_version(list, slot, &version));
    for (size_t kind = 0; kind < LENGTH(kinds); kind++) {
      assert_ok(polyshm_list_set(list, slot, &kinds[kind]));
      assert_slot(list, slot, kinds[kind]);
      assert_ok(polyshm_list_slot_wait(list, slot, version, 0, &version));
    }
    assert_ok(polyshm_list_add(list, slot, 3, &sum));
    assert_int_equal(sum, 9);
    assert_ok(polyshm_list_slot_wait(list, slot, version, 0, &version));
    assert_ok(polyshm_list_wait(list, whole, 0, &whole));
  }
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* What is left is as it may be, and usable. Answers which of its prospects
 * each slot holds, and whether a holder died. */
static uint32_t examine(const prospects *these, int out_found[SLOTS]) {
  int64_t begin = now();
  int again[SLOTS];
  polyshm_list *view = open_table(POLYSHM_READ_ONLY);
  look(view, these, out_found);
  polyshm_list_free(view);

  polyshm_list *list = open_table(0);
  look(list, these, again);
  assert_memory_equal(again, out_found, sizeof again);
  uint32_t recovered = lock_and_unlock(list);
  look(list, these, again);
  assert_memory_equal(again, out_found, sizeof again);
  use_all(list);
  polyshm_list_free(list);
  assert_true(now() - begin < 5 * patience);
  return recovered;
}

/* ------------------------------------------------------------- the victim */

static polyshm_list *victims;

/* Who has waited in vain three times sleeps at once, the next time. */
static void tire(uint64_t slot) {
  uint64_t version;
  child_check(polyshm_list_slot_version(victims, slot, &version) == POLYSHM_OK);
  for (int i = 0; i < 3; i++)
    child_check(
        polyshm_list_slot_wait(victims, slot, version, 1, &version) ==
        POLYSHM_E_TIMEOUT);
}

static void prepare(void *argument, stepper_stage *stage) {
  (void)stage;
  const operation *what = argument;
  const polyshm_value zero = INT_VALUE(0);
  uint32_t recovered;
  child_check(polyshm_list_open(table.name, 0, &victims) == POLYSHM_OK);
  uint64_t last = polyshm_list_length(victims) - 1;
  if (!what->cold)
    child_check(polyshm_list_set(victims, last, &zero) == POLYSHM_OK);
  if (what->run == do_wait || what->run == do_list_wait)
    tire(what->slot);
  if (what->locks)
    child_check(polyshm_list_lock(victims, 0, &recovered) == POLYSHM_OK);
}

static void act(void *argument, stepper_stage *stage) {
  const operation *what = argument;
  stage->status = what->run(victims, what);
}

static void start(stepper *victim, const operation *what) {
  const stepper_part part = {
      prepare, act, (void *)(uintptr_t)what /* which it only reads */};
  stepper_start(victim, &part, table.bytes, table.size);
}

/* -------------------------------------------------------- kills in order */

/* What was seen in the states that one operation leaves. */
typedef struct history {
  int found[SLOTS];
  char recovered[8];
} history;

/* Values follow each other; so do the answers of the next lock. */
static void record(history *past, const int found[SLOTS], uint32_t recovered) {
  for (int slot = 0; slot < SLOTS; slot++) {
    assert_true(found[slot] >= past->found[slot]);
    past->found[slot] = found[slot];
  }
  size_t length = strlen(past->recovered);
  char answer = (char)('0' + recovered);
  if (length == 0 || past->recovered[length - 1] != answer) {
    assert_true(length + 1 < sizeof past->recovered);
    past->recovered[length] = answer;
  }
}

/* While it stands still in mid-operation, alive, readers are not held up. */
static void look_at_the_living(const prospects *these, const history *past) {
  polyshm_list *view = open_table(POLYSHM_READ_ONLY);
  char bytes[CAPACITY];
  polyshm_value value;
  assert_ok(polyshm_list_timeout(view, 0));
  for (uint64_t slot = 0; slot < SLOTS; slot++) {
    assert_ok(polyshm_list_get(view, slot, bytes, CAPACITY, &value));
    assert_true(find_value(these, slot, &value) >= past->found[slot]);
  }
  polyshm_list_free(view);
}

/* The states that the kills have left. */
typedef struct images {
  unsigned char *all[IMAGES_MOST];
  int n;
} images;

static void keep(images *them) {
  if (them->n > 0 &&
      memcmp(them->all[them->n - 1], table.bytes, table.size) == 0)
    return;
  assert_true(them->n < IMAGES_MOST);
  unsigned char *image = malloc(table.size);
  assert_non_null(image);
  memcpy(image, table.bytes, table.size);
  them->all[them->n++] = image;
}

static void drop(images *them) {
  while (them->n > 0)
    free(them->all[--them->n]);
}

/* Where a call is to be killed: before its first instruction, after each that
 * others can notice, and after its last. */
typedef struct plan {
  stepper_path path;
  unsigned steps[IMAGES_MOST];
  int nkills;
  unsigned stores, calls;
} plan;

static plan make_plan(const operation *what) {
  plan it = {.nkills = 1};
  stepper victim;
  lay(table.fresh);
  start(&victim, what);
  bool more = true;
  while (more) {
    bool call = stepper_call(&victim) >= 0;
    unsigned stores = victim.stores;
    stepper_note(&victim, &it.path);
    more = stepper_step(&victim);
    if (more && !call && victim.stores == stores)
      continue;
    assert_true(it.nkills < IMAGES_MOST);
    it.steps[it.nkills++] = it.path.n;
    it.calls += call;
  }
  it.stores = victim.stores;
  assert_int_equal(victim.stage->status, what->status);
  stepper_kill(&victim);
  return it;
}

static void kill_there(
    const operation *what, const plan *where, int number, history *past,
    images *left) {
  const prospects these = expect_operation(what);
  int found[SLOTS];
  stepper victim;
  snprintf(place, sizeof place, "%s, kill %d", what->name, number);
  lay(table.fresh);
  start(&victim, what);
  stepper_jump(&victim, &where->path, where->steps[number]);
  look_at_the_living(&these, past);
  stepper_kill(&victim);
  keep(left);
  uint32_t recovered = examine(&these, found);
  record(past, found, recovered);
}

/* Who waited is told of the first state with the new value, though the one who
 * changed it has died before it could say so. It may need a slice of sleep. */
static void await_change(const unsigned char *image) {
  uint64_t version;
  lay(image);
  polyshm_list *list = open_table(0);
  assert_ok(
      polyshm_list_slot_wait(list, TARGET, table.version, patience, &version));
  polyshm_list_free(list);
  lay(image);
  list = open_table(POLYSHM_READ_ONLY);
  assert_ok(
      polyshm_list_slot_wait(list, TARGET, table.version, patience, &version));
  polyshm_list_free(list);
}

static void kill_everywhere(const operation *what, images *left) {
  history past = {0};
  set_up(what);
  plan where = make_plan(what);
  bool changed = false;
  for (int i = 0; i < where.nkills; i++) {
    kill_there(what, &where, i, &past, left);
    if (!changed && past.found[TARGET] != 0)
      await_change(left->all[left->n - 1]);
    changed = past.found[TARGET] != 0;
  }
  print_message(
      "%-22s %3d kills: %3u stores, %3u system calls in %5u instructions\n",
      what->name, where.nkills, where.stores, where.calls, where.path.n);
  free(where.path.places);
  assert_true(where.stores >= 1);
  assert_int_equal(past.found[TARGET], changes(what));
  assert_string_equal(past.recovered, what->recovered);
}

static void killed_at_every_store(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(operations); i++) {
    images left = {0};
    kill_everywhere(&operations[i], &left);
    drop(&left);
  }
  place[0] = 0;
}

/* ------------------------------------------------------ kills of repairs */

/* The states that a repair leaves after each of its stores. Its process is
 * dead when they are examined, and they are all that it leaves. */
static void step_through(const operation *repair, images *left) {
  stepper victim;
  start(&victim, repair);
  keep(left);
  while (stepper_store(&victim))
    keep(left);
  assert_int_equal(victim.stage->status, POLYSHM_OK);
  stepper_kill(&victim);
}

/* What locks are told while one who may have recovered the lock dies. */
static void expect_recovered(
    const operation *repair, uint32_t recovered, const char *told) {
  const char *then = repair->recovered + 1;
  char expected[8];
  snprintf(
      expected, sizeof expected, "%u%s", (unsigned)recovered,
      recovered == 1 && then[0] == '1' ? then + 1 : then);
  assert_string_equal(told, expected);
}

static int kill_repair(
    const operation *what, const operation *repair, const unsigned char *from) {
  prospects these = expect_operation(what);
  history past = {0};
  images left = {0};
  int found[SLOTS];
  lay(from);
  uint32_t recovered = examine(&these, found);
  memcpy(past.found, found, sizeof found);
  if (changes(repair))
    expect(&these, repair->slot, repair->after);
  lay(from);
  step_through(repair, &left);
  for (int i = 0; i < left.n; i++) {
    snprintf(
        place, sizeof place, "%s, then %s, store %d", what->name, repair->name,
        i);
    lay(left.all[i]);
    record(&past, found, examine(&these, found));
  }
  if (changes(repair))
    assert_int_equal(past.found[repair->slot], these.n[repair->slot] - 1);
  expect_recovered(repair, recovered, past.recovered);
  int nstates = left.n;
  drop(&left);
  return nstates;
}

/* Kill those who repair what this operation left. */
static int kill_repairs(const operation *what) {
  images left = {0};
  int nstates = 0;
  kill_everywhere(what, &left);
  for (int i = 0; i < left.n; i++)
    for (size_t j = 0; j < LENGTH(repairs); j++)
      nstates += kill_repair(what, &repairs[j], left.all[i]);
  print_message(
      "%-22s %3d states, whose repairs leave %4d states\n", "", left.n,
      nstates);
  drop(&left);
  return nstates;
}

static void repairs_killed_at_every_store(void **state) {
  (void)state;
  int nstates = 0;
  for (size_t i = 0; i < LENGTH(operations); i++)
    if (thorough || operations[i].again)
      nstates += kill_repairs(&operations[i]);
  print_message("%d states left by repairs\n", nstates);
  place[0] = 0;
}

/* ------------------------------------------------------------ many deaths */

/* A writer for each slot, and each dies after so many stores; false if the
 * first came to its end before. */
static bool kill_many(int nstores) {
  bool first = true;
  lay(table.fresh);
  for (uint64_t slot = 0; slot < MANY; slot++) {
    const operation what = {
        .name = "str",
        .after = STRING_VALUE(LONG_TEXT),
        .run = do_set,
        .slot = slot};
    stepper victim;
    bool more = true;
    snprintf(place, sizeof place, "store %d in slot %d", nstores, (int)slot);
    start(&victim, &what);
    for (int i = 0; i < nstores && more; i++)
      more = stepper_store(&victim);
    if (!more)
      assert_int_equal(victim.stage->status, POLYSHM_OK);
    stepper_kill(&victim);
    first = first && (more || slot > 0);
  }
  return first;
}

static void all_records_of_the_dead_serve_again(void **state) {
  (void)state;
  const polyshm_value old = STRING_VALUE("old"), new = STRING_VALUE(LONG_TEXT),
                      last = STRING_VALUE("the last of all");
  int nstores = 0;
  while (kill_many(++nstores)) {
    polyshm_list *list = open_table(0);
    for (uint64_t slot = 0; slot < MANY; slot++) {
      char bytes[CAPACITY];
      polyshm_value value;
      assert_ok(polyshm_list_get(list, slot, bytes, CAPACITY, &value));
      assert_true(same_value(&value, &old) || same_value(&value, &new));
      assert_ok(polyshm_list_set(list, slot, &last));
      assert_slot(list, slot, last);
    }
    polyshm_list_free(list);
  }
  print_message("%d writers died at each of %d stores\n", MANY, nstores - 1);
  assert_true(nstores > 3);
  place[0] = 0;
}

int main(int argc, char **arguments) {
  thorough = argc > 1 && strcmp(arguments[1], "--all") == 0;
  if (!stepper_works(arguments)) {
    puts("skipped: ptrace is not permitted or knows no single steps here");
    return SKIPPED;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(
          killed_at_every_store, make_table, drop_table),
      cmocka_unit_test_setup_teardown(
          repairs_killed_at_every_store, make_table, drop_table),
      cmocka_unit_test_setup_teardown(
          all_records_of_the_dead_serve_again, make_long_table, drop_table),
  };
  return run_group(tests);
}
