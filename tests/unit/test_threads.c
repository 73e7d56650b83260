/* SPDX-License-Identifier: MIT */
/*
 * Threads of one process on one list, through one handle or several, doing
 * everything at once; what they did adds up. cmocka's assertions are for the
 * main thread alone: the others count what goes wrong.
 *
 * Plain memory is written here before something is stored in the list, and read
 * after it was found there: if the list did not order the two, the thread
 * sanitizer tells. It cannot follow two handles, which map the list twice; so
 * plain memory goes with one handle only.
 */
#include "states.h"

enum { THREADS = 4, CAPACITY = 24 };

static atomic_size_t wrong;

#define expect(condition) atomic_fetch_add(&wrong, !(condition))

/* One list, as each thread has it. */
typedef struct scene {
  polyshm_list *lists[THREADS];
  bool is_shared;
} scene;

static scene begin(uint64_t nslots, bool is_shared) {
  polyshm_value values[16];
  for (uint64_t i = 0; i < nslots; i++)
    values[i] = int_value(0);
  scene it = {.is_shared = is_shared};
  it.lists[0] = make_list(values, nslots, CAPACITY);
  assert_ok(polyshm_list_timeout(it.lists[0], POLYSHM_FOREVER));
  for (int i = 1; i < THREADS; i++)
    if (is_shared)
      it.lists[i] = it.lists[0];
    else {
      it.lists[i] = open_again(it.lists[0], 0);
      assert_ok(polyshm_list_timeout(it.lists[i], POLYSHM_FOREVER));
    }
  atomic_store(&wrong, 0);
  return it;
}

static void end(scene *it) {
  assert_int_equal(atomic_load(&wrong), 0);
  const pshm_trailer *trailer = &it->lists[0]->trailer;
  assert_int_equal(atomic_load(trailer->waiting), 0);
  assert_int_equal(atomic_load(trailer->lock), 0);
  assert_int_equal(atomic_load(trailer->reserved), 0);
  assert_int_equal(count_claims(it->lists[0]), 0);
  for (uint64_t i = 0; i < it->lists[0]->layout.length; i++)
    assert_false(
        pshm_sequence_is_locked(atomic_load(sequence_at(it->lists[0], i))));
  for (int i = 1; i < THREADS && !it->is_shared; i++)
    polyshm_list_free(it->lists[i]);
  end_list(it->lists[0]);
}

/* The same in all threads, each with its list. */
static void run(scene *it, void *(*body)(void *)) {
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    threads[i] = start_thread(body, it->lists[i]);
  for (int i = 0; i < THREADS; i++)
    end_thread(threads[i]);
}

static polyshm_status set(
    polyshm_list *list, uint64_t index, polyshm_value value) {
  return polyshm_list_set(list, index, &value);
}

static int64_t get_int(const polyshm_list *list, uint64_t index) {
  polyshm_value value = none_value();
  expect(polyshm_list_get(list, index, NULL, 0, &value) == POLYSHM_OK);
  expect(value.type == POLYSHM_INT);
  return value.of.i;
}

/* ----------------------------------------------------------------- counting */

enum { ADDS = 50000 };

static void *add(void *argument) {
  int64_t sum, last = INT64_MIN;
  for (int i = 0; i < ADDS; i++) {
    expect(polyshm_list_add(argument, 0, 1, &sum) == POLYSHM_OK);
    expect(sum > last);
    last = sum;
    expect(polyshm_list_add(argument, 1, -3, &sum) == POLYSHM_OK);
  }
  return NULL;
}

static void *swap(void *argument) {
  for (int i = 0; i < ADDS / 4; i++) {
    int64_t before = get_int(argument, 0), expected;
    do {
      expected = before;
      expect(
          polyshm_list_swap(argument, 0, expected, expected + 1, &before) ==
          POLYSHM_OK);
    } while (before != expected);
  }
  return NULL;
}

static void threads_lose_no_count(void **state) {
  (void)state;
  for (int is_shared = 0; is_shared <= 1; is_shared++) {
    scene it = begin(2, is_shared);
    run(&it, add);
    assert_slot(it.lists[0], 0, int_value(THREADS * ADDS));
    assert_slot(it.lists[0], 1, int_value(-3 * THREADS * ADDS));
    assert_int_equal(slot_version(it.lists[0], 0), THREADS * ADDS);
    assert_int_equal(list_version(it.lists[0]), 2 * THREADS * ADDS);
    end(&it);
  }
}

static void threads_lose_no_swap(void **state) {
  (void)state;
  for (int is_shared = 0; is_shared <= 1; is_shared++) {
    scene it = begin(1, is_shared);
    run(&it, swap);
    assert_slot(it.lists[0], 0, int_value(THREADS * (ADDS / 4)));
    assert_int_equal(slot_version(it.lists[0], 0), THREADS * (ADDS / 4));
    end(&it);
  }
}

/* All are the first to write. */
static pthread_barrier_t barrier;

static void *join_at_once(void *argument) {
  int64_t sum;
  pthread_barrier_wait(&barrier);
  expect(polyshm_list_add(argument, 0, 1, &sum) == POLYSHM_OK);
  return NULL;
}

static void threads_join_once(void **state) {
  (void)state;
  for (int is_shared = 0; is_shared <= 1; is_shared++)
    for (int round = 0; round < 50; round++) {
      scene it = begin(1, is_shared);
      pthread_barrier_init(&barrier, NULL, THREADS);
      run(&it, join_at_once);
      pthread_barrier_destroy(&barrier);
      assert_slot(it.lists[0], 0, int_value(THREADS));
      assert_int_equal(
          atomic_load(it.lists[0]->trailer.tokens), is_shared ? 1 : THREADS);
      for (int i = 1; i < THREADS && !is_shared; i++)
        assert_int_not_equal(
            pshm_list_token(it.lists[i]), pshm_list_token(it.lists[0]));
      end(&it);
    }
}

/* ------------------------------------------------------------ whole values */

/* Values that tell whether they are whole: all bytes of a string are the same,
 * and as many as that byte says; numbers have one pattern. */
static polyshm_value make_whole(unsigned number, char text[CAPACITY]) {
  unsigned size = number % (CAPACITY + 1);
  switch (number / 32 % 5) {
  case 0:
    return int_value((int64_t)(UINT64_C(0x0101010101010101) * (number % 100)));
  case 1:
    return float_value((double)(number % 100) + 0.5);
  case 2:
    return number % 2 == 0 ? none_value() : bool_value(number % 4 == 1);
  default:
    memset(text, (int)('a' + size), size);
    return number % 2 == 0
               ? bytes_value(text, size)
               : (polyshm_value){
                     .type = POLYSHM_STRING, .of.p = text, .size = size};
  }
}

static bool is_whole(const polyshm_value *value) {
  switch (value->type) {
  case POLYSHM_INT:
    return (uint64_t)value->of.i % UINT64_C(0x0101010101010101) == 0;
  case POLYSHM_FLOAT:
    return value->of.f >= 0.5 && value->of.f < 100 &&
           value->of.f - (double)(int)value->of.f == 0.5;
  case POLYSHM_BOOL:
    return value->of.i == 0 || value->of.i == 1;
  case POLYSHM_NONE:
    return true;
  default:
    for (uint64_t i = 0; i < value->size; i++)
      if (((const char *)value->of.p)[i] != (char)('a' + value->size))
        return false;
    return value->size <= CAPACITY;
  }
}

enum { CHANGES = 20000 };

static void *change_types(void *argument) {
  static atomic_uint next;
  for (int i = 0; i < CHANGES; i++) {
    char text[CAPACITY];
    polyshm_value value = make_whole(atomic_fetch_add(&next, 7), text);
    expect(set(argument, (uint64_t)i % 2, value) == POLYSHM_OK);
  }
  return NULL;
}

static void *read_types(void *argument) {
  for (int i = 0; i < CHANGES; i++) {
    char text[2 * CAPACITY];
    polyshm_value values[2] = {none_value(), none_value()};
    expect(
        polyshm_list_get(argument, 0, text, CAPACITY, &values[0]) ==
        POLYSHM_OK);
    expect(is_whole(&values[0]));
    expect(
        polyshm_list_snapshot(argument, 0, 2, text, sizeof text, values) ==
        POLYSHM_OK);
    expect(is_whole(&values[0]) && is_whole(&values[1]));
    uint64_t index;
    values[0] = string_value("no such text");
    expect(
        polyshm_list_find(argument, 0, &values[0], &index) ==
        POLYSHM_E_NOT_FOUND);
  }
  return NULL;
}

static atomic_int turn;

static void *change_or_read_types(void *argument) {
  return atomic_fetch_add(&turn, 1) % 2 == 0 ? change_types(argument)
                                             : read_types(argument);
}

static void threads_see_whole_values(void **state) {
  (void)state;
  for (int is_shared = 0; is_shared <= 1; is_shared++) {
    scene it = begin(2, is_shared);
    run(&it, change_or_read_types);
    assert_int_equal(list_version(it.lists[0]), THREADS / 2 * CHANGES);
    end(&it);
  }
}

/* ------------------------------------------------------------------- order */

enum { MESSAGES = 5000 };

/* Plain memory, written once each. */
static int64_t messages[MESSAGES + 1];

/* Each kind of call that stores something publishes what was before it. */
static void *publish(void *argument) {
  for (int64_t i = 1; i <= MESSAGES; i++) {
    char text[CAPACITY];
    int64_t number;
    uint32_t recovered;
    messages[i] = -i;
    snprintf(text, sizeof text, "%lld", (long long)i);
    expect(set(argument, 0, string_value(text)) == POLYSHM_OK);
    expect(set(argument, 1, int_value(i)) == POLYSHM_OK);
    expect(polyshm_list_add(argument, 2, 1, &number) == POLYSHM_OK);
    expect(polyshm_list_swap(argument, 3, i - 1, i, &number) == POLYSHM_OK);
    expect(
        polyshm_list_lock(argument, POLYSHM_FOREVER, &recovered) == POLYSHM_OK);
    expect(
        set(argument, 4, i % 2 == 0 ? int_value(i) : string_value(text)) ==
        POLYSHM_OK);
    expect(polyshm_list_unlock(argument) == POLYSHM_OK);
  }
  return NULL;
}

static int64_t number_of(const polyshm_value *value) {
  char text[CAPACITY + 1] = "";
  if (value->type == POLYSHM_INT)
    return value->of.i;
  memcpy(text, value->of.p, (size_t)value->size);
  return strtoll(text, NULL, 10);
}

static void *receive(void *argument) {
  static atomic_uint number;
  uint64_t slot = atomic_fetch_add(&number, 1) % 5;
  int64_t last = 0;
  while (last < MESSAGES) {
    char text[CAPACITY];
    polyshm_value value = none_value();
    if (last % 2 == 0)
      expect(
          polyshm_list_get(argument, slot, text, sizeof text, &value) ==
          POLYSHM_OK);
    else
      expect(
          polyshm_list_snapshot(argument, slot, 1, text, sizeof text, &value) ==
          POLYSHM_OK);
    int64_t now = number_of(&value);
    expect(now >= last && now <= MESSAGES);
    last = now < 0 || now > MESSAGES ? MESSAGES : now;
    expect(messages[last] == -last);
  }
  return NULL;
}

static void threads_see_what_was_written_before(void **state) {
  (void)state;
  scene it = begin(5, true);
  pthread_t writer, readers[5];
  memset(messages, 0, sizeof messages);
  writer = start_thread(publish, it.lists[0]);
  for (size_t i = 0; i < LENGTH(readers); i++)
    readers[i] = start_thread(receive, it.lists[0]);
  end_thread(writer);
  for (size_t i = 0; i < LENGTH(readers); i++)
    end_thread(readers[i]);
  end(&it);
}

/* ----------------------------------------------------------------- the lock */

enum { TURNS = 5000 };
static int64_t guarded; /* by the lock */
static atomic_int inside;

static void *count_under_lock(void *argument) {
  uint32_t recovered;
  for (int i = 0; i < TURNS; i++) {
    expect(
        polyshm_list_lock(argument, POLYSHM_FOREVER, &recovered) == POLYSHM_OK);
    guarded++;
    expect(polyshm_list_unlock(argument) == POLYSHM_OK);
  }
  return NULL;
}

/* Read, then write, in slots: exact if nobody else comes in between. */
static void *change_under_lock(void *argument) {
  uint32_t recovered;
  for (int i = 0; i < TURNS; i++) {
    expect(
        polyshm_list_lock(argument, POLYSHM_FOREVER, &recovered) == POLYSHM_OK);
    expect(recovered == 0);
    expect(atomic_fetch_add(&inside, 1) == 0);
    int64_t number = get_int(argument, 0);
    expect(set(argument, 0, int_value(number + 1)) == POLYSHM_OK);
    expect(set(argument, 1, int_value(-number - 1)) == POLYSHM_OK);
    atomic_fetch_sub(&inside, 1);
    expect(polyshm_list_unlock(argument) == POLYSHM_OK);
  }
  return NULL;
}

static void threads_exclude_each_other(void **state) {
  (void)state;
  for (int is_shared = 0; is_shared <= 1; is_shared++) {
    scene it = begin(2, is_shared);
    run(&it, change_under_lock);
    assert_slot(it.lists[0], 0, int_value(THREADS * TURNS));
    assert_slot(it.lists[0], 1, int_value(-THREADS * TURNS));
    end(&it);
  }
  scene it = begin(1, true);
  guarded = 0;
  run(&it, count_under_lock);
  assert_int_equal(guarded, THREADS * TURNS);
  end(&it);
}

/* ------------------------------------------------------- everything at once */

enum {
  COUNTED,      /* all add to it */
  TYPED,        /* all kinds of values */
  LOCKED,       /* three that change under the lock */
  ASKED = 5,    /* who waits asks, */
  ANSWERED = 6, /* and is answered */
  STORM_SLOTS = 7,
  STORM_ROUNDS = 4000
};

static void *count_and_type(void *argument) {
  static atomic_uint next;
  for (int i = 0; i < STORM_ROUNDS; i++) {
    char text[CAPACITY];
    int64_t sum;
    expect(polyshm_list_add(argument, COUNTED, 1, &sum) == POLYSHM_OK);
    polyshm_value value = make_whole(atomic_fetch_add(&next, 5), text);
    expect(set(argument, TYPED, value) == POLYSHM_OK);
  }
  return NULL;
}

static void *change_three(void *argument) {
  static atomic_int next;
  for (int i = 0; i < STORM_ROUNDS; i++) {
    uint32_t recovered;
    char text[CAPACITY];
    int64_t number = atomic_fetch_add(&next, 1);
    snprintf(text, sizeof text, "%lld", (long long)number);
    expect(
        polyshm_list_lock(argument, POLYSHM_FOREVER, &recovered) == POLYSHM_OK);
    expect(set(argument, LOCKED, int_value(number)) == POLYSHM_OK);
    expect(set(argument, LOCKED + 1, string_value(text)) == POLYSHM_OK);
    expect(set(argument, LOCKED + 2, int_value(number)) == POLYSHM_OK);
    expect(polyshm_list_unlock(argument) == POLYSHM_OK);
  }
  return NULL;
}

static void *look_at_all(void *argument) {
  for (int i = 0; i < STORM_ROUNDS / 4; i++) {
    char buffer[STORM_SLOTS * CAPACITY];
    polyshm_value values[STORM_SLOTS];
    polyshm_status status = polyshm_list_snapshot(
        argument, 0, STORM_SLOTS, buffer, sizeof buffer, values);
    expect(status == POLYSHM_OK);
    if (status != POLYSHM_OK)
      continue;
    expect(is_whole(&values[TYPED]));
    int64_t number = number_of(&values[LOCKED]);
    expect(number == number_of(&values[LOCKED + 1]));
    expect(number == number_of(&values[LOCKED + 2]));
    expect(values[ASKED].of.i - values[ANSWERED].of.i >= 0);
    expect(values[ASKED].of.i - values[ANSWERED].of.i <= 1);
  }
  return NULL;
}

static void *ask(void *argument) {
  uint64_t version = 0;
  for (int i = 1; i <= STORM_ROUNDS / 4; i++) {
    int64_t sum;
    expect(polyshm_list_add(argument, ASKED, 1, &sum) == POLYSHM_OK);
    expect(
        polyshm_list_slot_wait(
            argument, ANSWERED, version, POLYSHM_FOREVER, &version) ==
        POLYSHM_OK);
    expect(get_int(argument, ANSWERED) == i);
  }
  return NULL;
}

/* By waiting for the whole list. */
static void *give_answers(void *argument) {
  uint64_t version = 0;
  int64_t answered = 0;
  while (answered < STORM_ROUNDS / 4) {
    int64_t sum;
    polyshm_status status =
        polyshm_list_wait(argument, version, POLYSHM_FOREVER, &version);
    expect(status == POLYSHM_OK);
    if (get_int(argument, ASKED) == answered)
      continue;
    answered++;
    expect(polyshm_list_add(argument, ANSWERED, 1, &sum) == POLYSHM_OK);
  }
  return NULL;
}

static void threads_do_everything_at_once(void **state) {
  (void)state;
  static void *(*const bodies[])(void *) = {
      count_and_type, count_and_type, change_three, change_three,
      look_at_all,    look_at_all,    ask,          give_answers};
  for (int is_shared = 0; is_shared <= 1; is_shared++) {
    scene it = begin(STORM_SLOTS, is_shared);
    pthread_t threads[LENGTH(bodies)];
    for (size_t i = 0; i < LENGTH(bodies); i++)
      threads[i] = start_thread(bodies[i], it.lists[i % THREADS]);
    for (size_t i = 0; i < LENGTH(bodies); i++)
      end_thread(threads[i]);
    assert_slot(it.lists[0], COUNTED, int_value(2 * STORM_ROUNDS));
    assert_int_equal(slot_version(it.lists[0], TYPED), 2 * STORM_ROUNDS);
    assert_int_equal(slot_version(it.lists[0], LOCKED), 2 * STORM_ROUNDS);
    end(&it);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(threads_lose_no_count),
      cmocka_unit_test(threads_lose_no_swap),
      cmocka_unit_test(threads_join_once),
      cmocka_unit_test(threads_see_whole_values),
      cmocka_unit_test(threads_see_what_was_written_before),
      cmocka_unit_test(threads_exclude_each_other),
      cmocka_unit_test(threads_do_everything_at_once),
  };
  return run_group(tests);
}
