/* SPDX-License-Identifier: MIT */
/*
 * Threads against each other, on blocks and on lists. cmocka's assertions are
 * for the main thread alone: the others count what goes wrong.
 */
#include "faults.h"
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 8, ROUNDS = 200, SLOTS = 50 };

static polyshm_block *make_block(void) {
  polyshm_block *block;
  assert_ok(polyshm_block_open(NULL, 8, POLYSHM_CREATE, NULL, &block));
  assert_ok(polyshm_unlink(polyshm_block_name(block)));
  return block;
}

static polyshm_list *make_list(const polyshm_value *values, uint64_t nvalues) {
  polyshm_list *list;
  assert_ok(polyshm_list_create(NULL, values, nvalues, 0, NULL, &list));
  assert_ok(polyshm_unlink(polyshm_block_name(polyshm_list_block(list))));
  return list;
}

static void start(
    pthread_t *threads, size_t nthreads, void *(*body)(void *),
    void *argument) {
  for (size_t i = 0; i < nthreads; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, body, argument), 0);
}

static void join(pthread_t *threads, size_t nthreads) {
  for (size_t i = 0; i < nthreads; i++)
    pthread_join(threads[i], NULL);
}

/* ---------------------------------------------------------- open-or-create */

/* What one thread got in one round; a list's block is the list's. */
typedef struct entry {
  polyshm_status status;
  polyshm_block *block;
  polyshm_list *list;
} entry;

static struct {
  pthread_barrier_t barrier;
  char name[64];
  bool of_lists;
  atomic_size_t next;
  entry entries[THREADS];
} race;

static void enter(entry *it, size_t number) {
  if (!race.of_lists) {
    it->status = polyshm_block_open(
        race.name, 64 + number, POLYSHM_CREATE, NULL, &it->block);
    return;
  }
  polyshm_value values[SLOTS];
  for (size_t i = 0; i < SLOTS; i++)
    values[i] = int_value((int64_t)number);
  it->status = polyshm_list_create(
      race.name, values, SLOTS, POLYSHM_CREATE, NULL, &it->list);
  it->block = polyshm_list_block(it->list);
}

static void *race_to_create(void *argument) {
  (void)argument;
  size_t number = atomic_fetch_add(&race.next, 1);
  for (int round = 0; round < ROUNDS; round++) {
    pthread_barrier_wait(&race.barrier);
    race.entries[number] = (entry){.status = POLYSHM_OK};
    enter(&race.entries[number], number);
    pthread_barrier_wait(&race.barrier);
    pthread_barrier_wait(&race.barrier); /* it has been judged */
  }
  return NULL;
}

/* Whose block or list it is; what is half made is nobody's. */
static size_t creator_of(const entry *it) {
  if (!race.of_lists)
    return (size_t)polyshm_block_size(it->block) - 64;
  size_t creator = THREADS;
  if (polyshm_list_length(it->list) == SLOTS)
    for (uint64_t i = 0; i < SLOTS; i++) {
      polyshm_value value;
      if (polyshm_list_get(it->list, i, NULL, 0, &value) != POLYSHM_OK ||
          (i != 0 && (size_t)value.of.i != creator))
        return THREADS;
      creator = (size_t)value.of.i;
    }
  return creator;
}

/* All got what one of them made, which alone is told so. */
static size_t judge(void) {
  size_t wrong = 0, creators = 0;
  for (size_t i = 0; i < THREADS; i++) {
    entry *it = &race.entries[i];
    if (it->status != POLYSHM_OK) {
      wrong++;
      continue;
    }
    size_t creator = creator_of(it);
    wrong += creator >= THREADS || creator != creator_of(&race.entries[0]);
    if (polyshm_block_flags(it->block) & POLYSHM_CREATE) {
      creators++;
      wrong += creator != i;
    }
  }
  for (size_t i = 0; i < THREADS; i++)
    if (race.of_lists)
      polyshm_list_free(race.entries[i].list);
    else
      polyshm_block_free(race.entries[i].block);
  wrong += polyshm_unlink(race.name) != POLYSHM_OK;
  return wrong + (creators != 1);
}

static void run_race(bool of_lists) {
  pthread_t threads[THREADS];
  snprintf(race.name, sizeof race.name, "%s", fresh_name());
  race.of_lists = of_lists;
  atomic_store(&race.next, 0);
  pthread_barrier_init(&race.barrier, NULL, THREADS + 1);
  start(threads, THREADS, race_to_create, NULL);
  size_t wrong = 0;
  for (int round = 0; round < ROUNDS; round++) {
    pthread_barrier_wait(&race.barrier);
    pthread_barrier_wait(&race.barrier);
    wrong += judge();
    pthread_barrier_wait(&race.barrier);
  }
  join(threads, THREADS);
  pthread_barrier_destroy(&race.barrier);
  assert_int_equal(wrong, 0);
}

static void race_to_a_block_has_one_winner(void **state) {
  (void)state;
  run_race(false);
}

static void race_to_a_list_has_one_winner(void **state) {
  (void)state;
  run_race(true);
}

/* A block may be gone at any time, but is never half, and never in the way. */
static void *create_and_unlink(void *argument) {
  atomic_size_t *wrong = argument;
  for (int round = 0; round < ROUNDS; round++) {
    polyshm_block *block = NULL;
    polyshm_status status =
        polyshm_block_open(race.name, 100, POLYSHM_CREATE, NULL, &block);
    *wrong += status != POLYSHM_OK || polyshm_block_size(block) != 100;
    polyshm_block_free(block);
    status = polyshm_unlink(race.name);
    *wrong += status != POLYSHM_OK && status != POLYSHM_E_NOT_FOUND;
  }
  return NULL;
}

static void race_with_unlink_never_fails(void **state) {
  (void)state;
  pthread_t threads[THREADS];
  atomic_size_t wrong = 0;
  snprintf(race.name, sizeof race.name, "%s", fresh_name());
  start(threads, THREADS, create_and_unlink, &wrong);
  join(threads, THREADS);
  assert_int_equal(atomic_load(&wrong), 0);
  assert_false(is_there(race.name));
}

/* --------------------------------------------------------------------- pins */

/* A block that threads pin, and how many of their pins are held for certain. */
static struct {
  pthread_barrier_t barrier;
  polyshm_block *block;
  atomic_int held;
} pinned;

/* It ends by itself, for close has no right to its moment. */
static void *pin_until_closed(void *argument) {
  (void)argument;
  void *address;
  uint64_t size;
  pthread_barrier_wait(&pinned.barrier);
  for (int i = 0; i < 2000; i++) {
    if (polyshm_block_pin(pinned.block, &address, &size) != POLYSHM_OK)
      break;
    atomic_fetch_add(&pinned.held, 1);
    (void)*(volatile char *)address;
    atomic_fetch_sub(&pinned.held, 1);
    polyshm_block_unpin(pinned.block);
  }
  return NULL;
}

/* Every pin holds the mapping or is refused; close takes a moment in which
 * there is none, and there is none afterwards. */
static void race_of_pins_and_close_has_no_gap(void **state) {
  (void)state;
  for (int round = 0; round < 300; round++) {
    pinned.block = make_block();
    pthread_barrier_init(&pinned.barrier, NULL, 3);
    pthread_t threads[2];
    start(threads, LENGTH(threads), pin_until_closed, NULL);
    pthread_barrier_wait(&pinned.barrier);
    polyshm_status status;
    do
      status = polyshm_block_close(pinned.block);
    while (status == POLYSHM_E_BUSY);
    int held = 0;
    for (int i = 0; i < 100; i++)
      held += atomic_load(&pinned.held);
    join(threads, LENGTH(threads));
    assert_ok(status);
    assert_int_equal(held, 0);
    pthread_barrier_destroy(&pinned.barrier);
    polyshm_block_free(pinned.block);
  }
}

static void *unpin(void *argument) {
  polyshm_block_unpin(argument);
  return NULL;
}

static void race_to_release_has_one_winner(void **state) {
  (void)state;
  for (int round = 0; round < ROUNDS; round++) {
    long heap = faults_heap();
    polyshm_block *block = make_block();
    pthread_t threads[3];
    void *address;
    uint64_t size;
    for (size_t i = 0; i < LENGTH(threads); i++)
      assert_ok(polyshm_block_pin(block, &address, &size));
    start(threads, LENGTH(threads), unpin, block);
    polyshm_block_free(block);
    join(threads, LENGTH(threads));
    assert_int_equal(faults_heap(), heap);
  }
}

/* -------------------------------------------------------------------- slots */

enum { MESSAGES = 20000 };

/* Plain memory, written once each: the thread sanitizer tells if the slot did
 * not order the accesses. */
static int64_t messages[MESSAGES + 1];

static void *publish(void *argument) {
  for (int64_t i = 1; i <= MESSAGES; i++) {
    polyshm_value number = int_value(i);
    messages[i] = -i;
    polyshm_list_set(argument, 0, &number);
  }
  return NULL;
}

/* "What was written before it is seen by whoever reads it." */
static void race_of_numbers_keeps_their_order(void **state) {
  (void)state;
  const polyshm_value zero = int_value(0);
  polyshm_list *list = make_list(&zero, 1);
  pthread_t thread;
  start(&thread, 1, publish, list);
  size_t wrong = 0;
  polyshm_value number = zero;
  while (number.of.i < MESSAGES) {
    int64_t before = number.of.i;
    wrong += polyshm_list_get(list, 0, NULL, 0, &number) != POLYSHM_OK;
    wrong += number.of.i < before || messages[number.of.i] != -number.of.i;
  }
  join(&thread, 1);
  assert_int_equal(wrong, 0);
  polyshm_list_free(list);
}

enum { CHANGES = 3000 };

static void *change_types(void *argument) {
  const polyshm_value values[] = {
      int_value(5),     string_value("0123456789abcdef"),
      none_value(),     bytes_value("\xff", 1),
      string_value(""), float_value(0.5)};
  for (size_t i = 0; i < CHANGES; i++)
    polyshm_list_set(argument, 0, &values[i % LENGTH(values)]);
  return NULL;
}

/* It is not atomic, and a reader may be told that the slot is corrupt; but it
 * stays within its buffer, and finds a whole value when the writers rest. */
static void race_of_types_stays_in_bounds(void **state) {
  (void)state;
  const polyshm_value value = string_value("0123456789abcde");
  polyshm_list *list = make_list(&value, 1);
  pthread_t writers[2];
  start(writers, LENGTH(writers), change_types, list);
  size_t wrong = 0;
  for (size_t i = 0; i < CHANGES; i++) {
    char buffer[17];
    buffer[16] = '#';
    polyshm_value out;
    uint64_t index;
    polyshm_status status = polyshm_list_get(list, 0, buffer, 16, &out);
    wrong += status != POLYSHM_OK && status != POLYSHM_E_CORRUPT;
    wrong += status == POLYSHM_OK && out.size > 16;
    wrong += buffer[16] != '#';
    status = polyshm_list_find(list, 0, &value, &index);
    wrong += status != POLYSHM_OK && status != POLYSHM_E_CORRUPT &&
             status != POLYSHM_E_NOT_FOUND;
  }
  join(writers, LENGTH(writers));
  assert_int_equal(wrong, 0);
  assert_ok(polyshm_list_set(list, 0, &value));
  assert_slot(list, 0, value);
  polyshm_list_free(list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(race_to_a_block_has_one_winner),
      cmocka_unit_test(race_to_a_list_has_one_winner),
      cmocka_unit_test(race_with_unlink_never_fails),
      cmocka_unit_test(race_of_pins_and_close_has_no_gap),
      cmocka_unit_test(race_to_release_has_one_winner),
      cmocka_unit_test(race_of_numbers_keeps_their_order),
      cmocka_unit_test(race_of_types_stays_in_bounds),
  };
  return run_group(tests);
}
