/* SPDX-License-Identifier: MIT */
#include "shm/lock.h"

#include "faults.h"
#include "states.h"

#include <errno.h>

enum { CAPACITY = 24 };

static polyshm_list *make_mixed(void) {
  const polyshm_value values[] = {
      int_value(5),           string_value("howdy"), bytes_value("a\0\0", 3),
      none_value(),           string_value(""),      float_value(0.5),
      bytes_value("\xff", 1), bool_value(true)};
  return make_list(values, LENGTH(values), CAPACITY);
}

enum { MIXED = 8, MIXED_BYTES = 5 + 3 + 0 + 1 };

static polyshm_list *make_numbers(uint64_t count) {
  polyshm_value values[64];
  for (uint64_t i = 0; i < count; i++)
    values[i] = int_value(0);
  return make_list(values, count, CAPACITY);
}

/* What outputs are before a call that must not write them. */
static void mark(polyshm_value *values, size_t count) {
  for (size_t i = 0; i < count; i++)
    values[i] = int_value(77);
}

static void check_marked(const polyshm_value *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(values[i].type, POLYSHM_INT);
    assert_int_equal(values[i].of.i, 77);
  }
}

/* ------------------------------------------------------------- what it gives
 */

/* Every part of the list, in a buffer that is exactly large enough. */
static void snapshot_packs_strings_one_behind_the_other(void **state) {
  (void)state;
  polyshm_list *list = make_mixed();
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  for (uint64_t first = 0; first <= MIXED; first++)
    for (uint64_t count = 0; first + count <= MIXED; count++) {
      polyshm_value values[MIXED];
      size_t size = 0;
      mark(values, MIXED);
      for (uint64_t i = first; i < first + count; i++) {
        char text[CAPACITY];
        polyshm_value value;
        assert_ok(polyshm_list_get(list, i, text, sizeof text, &value));
        size += (size_t)value.size;
      }
      char *buffer = malloc(size);
      const polyshm_list *from = count % 2 == 0 ? list : reader;
      assert_ok(
          polyshm_list_snapshot(from, first, count, buffer, size, values));
      const char *next = buffer;
      for (uint64_t i = 0; i < count; i++) {
        assert_slot(list, first + i, values[i]);
        assert_int_equal(values[i].reserved, 0);
        if (values[i].type < POLYSHM_STRING)
          continue;
        if (values[i].size != 0)
          assert_ptr_equal(values[i].of.p, next);
        next += values[i].size;
      }
      assert_int_equal(next - buffer, size);
      check_marked(values + count, MIXED - count);
      free(buffer);
    }
  polyshm_list_free(reader);
  end_list(list);
}

static void snapshot_of_numbers_needs_no_buffer(void **state) {
  (void)state;
  polyshm_list *list = make_numbers(3);
  polyshm_value values[3];
  set_int(list, 1, 7);
  assert_ok(polyshm_list_snapshot(list, 0, 3, NULL, 0, values));
  assert_int_equal(values[1].of.i, 7);
  set_string(list, 2, "");
  mark(values, 3);
  assert_ok(polyshm_list_snapshot(list, 0, 3, NULL, 1000, values));
  assert_int_equal(values[2].type, POLYSHM_STRING);
  assert_int_equal(values[2].size, 0);
  assert_non_null(values[2].of.p);
  set_string(list, 2, "a");
  mark(values, 3);
  assert_fails(
      polyshm_list_snapshot(list, 0, 3, NULL, 1000, values), POLYSHM_E_SPACE);
  check_marked(values, 3);
  end_list(list);
}

static void snapshot_refuses_small_buffers(void **state) {
  (void)state;
  polyshm_list *list = make_mixed();
  polyshm_value values[MIXED];
  for (size_t capacity = 0; capacity < MIXED_BYTES; capacity++) {
    char *buffer = malloc(capacity);
    mark(values, MIXED);
    assert_fails(
        polyshm_list_snapshot(list, 0, MIXED, buffer, capacity, values),
        POLYSHM_E_SPACE);
    check_marked(values, MIXED);
    free(buffer);
  }
  /* The sum of the capacities is enough, whatever the slots hold. */
  char text[CAPACITY], buffer[MIXED * CAPACITY];
  memset(text, 'x', sizeof text);
  const polyshm_value full = bytes_value(text, CAPACITY);
  for (uint64_t i = 0; i < MIXED; i++)
    assert_ok(polyshm_list_set(list, i, &full));
  assert_ok(
      polyshm_list_snapshot(list, 0, MIXED, buffer, sizeof buffer, values));
  assert_fails(
      polyshm_list_snapshot(list, 0, MIXED, buffer, sizeof buffer - 1, values),
      POLYSHM_E_SPACE);
  end_list(list);
}

static void snapshot_refuses_what_is_not_there(void **state) {
  (void)state;
  static const struct {
    uint64_t first, count;
  } outside[] = {{0, MIXED + 1},  {MIXED, 1},      {MIXED + 1, 0},
                 {1, UINT64_MAX}, {UINT64_MAX, 1}, {UINT64_MAX, UINT64_MAX},
                 {MIXED - 1, 2}};
  polyshm_list *list = make_mixed(), *closed = open_again(list, 0);
  assert_ok(polyshm_list_close(closed));
  char buffer[MIXED * CAPACITY];
  polyshm_value values[MIXED];
  mark(values, MIXED);
  for (size_t i = 0; i < LENGTH(outside); i++)
    assert_failure(
        polyshm_list_snapshot(
            list, outside[i].first, outside[i].count, buffer, sizeof buffer,
            values),
        POLYSHM_E_RANGE, 0, "are not in a list of 8");
  assert_fails(
      polyshm_list_snapshot(NULL, 0, 1, buffer, sizeof buffer, values),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_list_snapshot(list, 0, 1, buffer, sizeof buffer, NULL),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_list_snapshot(closed, 0, 1, buffer, sizeof buffer, values),
      POLYSHM_E_CLOSED);
  pshm_word_store(slot_at(list, 2).format, 0x72);
  assert_fails(
      polyshm_list_snapshot(list, 0, MIXED, buffer, sizeof buffer, values),
      POLYSHM_E_CORRUPT);
  assert_message("slot 2 has the format");
  check_marked(values, MIXED);
  assert_ok(polyshm_list_snapshot(list, 3, 5, buffer, sizeof buffer, values));
  polyshm_list_free(closed);
  end_list(list);
}

static void snapshot_changes_nothing(void **state) {
  (void)state;
  polyshm_list *list = make_mixed();
  char buffer[MIXED * CAPACITY];
  polyshm_value values[MIXED];
  void *image = take_image(list);
  assert_ok(
      polyshm_list_snapshot(list, 0, MIXED, buffer, sizeof buffer, values));
  check_image(list, image);
  end_list(list);
}

static void snapshot_faults_of_the_heap_are_told(void **state) {
  (void)state;
  polyshm_list *list = make_numbers(64);
  polyshm_value values[64];
  for (uint64_t count = 1; count <= 64; count++) {
    faults_reset();
    assert_ok(polyshm_list_snapshot(list, 0, count, NULL, 0, values));
    unsigned pieces = faults_count(FAULT_MALLOC);
    for (unsigned nth = 1; nth <= pieces; nth++) {
      long heap = faults_heap();
      mark(values, count);
      faults_reset();
      faults_fail(FAULT_MALLOC, nth, 1, ENOMEM);
      assert_failure(
          polyshm_list_snapshot(list, 0, count, NULL, 0, values),
          POLYSHM_E_MEMORY, 0, "out of memory for a snapshot");
      check_marked(values, count);
      faults_reset();
      assert_int_equal(faults_heap(), heap);
    }
    assert_true(pieces == 1 || count < 64);
  }
  end_list(list);
}

/* ------------------------------------------------------------------- locks */

static uint32_t lock(polyshm_list *list) {
  uint32_t recovered = 7;
  assert_ok(polyshm_list_lock(list, POLYSHM_FOREVER, &recovered));
  return recovered;
}

static void refuse_snapshot(polyshm_list *list, int64_t timeout) {
  polyshm_value values[3];
  mark(values, 3);
  assert_ok(polyshm_list_timeout(list, timeout));
  int64_t begun = os_clock_now();
  assert_failure(
      polyshm_list_snapshot(list, 0, 3, NULL, 0, values), POLYSHM_E_TIMEOUT, 0,
      "was being changed or locked all the time");
  assert_true(os_clock_now() - begun >= timeout);
  check_marked(values, 3);
}

static void *refuse_in_thread(void *argument) {
  polyshm_value values[3];
  return polyshm_list_snapshot(argument, 0, 3, NULL, 0, values) ==
                 POLYSHM_E_TIMEOUT
             ? argument
             : NULL;
}

static void snapshot_waits_for_the_lock_of_others(void **state) {
  (void)state;
  static const int64_t timeouts[] = {0, 1, 20 * MILLISECOND};
  polyshm_list *list = make_numbers(3), *other = open_again(list, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  polyshm_value values[3];
  lock(list);
  for (size_t i = 0; i < LENGTH(timeouts); i++) {
    refuse_snapshot(other, timeouts[i]);
    refuse_snapshot(reader, timeouts[i]);
  }
  /* One's own lock is fine, another thread's is not one's own. */
  assert_ok(polyshm_list_snapshot(list, 0, 3, NULL, 0, values));
  assert_ok(polyshm_list_timeout(list, MILLISECOND));
  void *result = NULL;
  assert_int_equal(
      pthread_join(start_thread(refuse_in_thread, list), &result), 0);
  assert_non_null(result);
  assert_ok(polyshm_list_unlock(list));
  assert_ok(polyshm_list_snapshot(other, 0, 3, NULL, 0, values));
  assert_ok(polyshm_list_snapshot(reader, 0, 3, NULL, 0, values));
  polyshm_list_free(reader);
  polyshm_list_free(other);
  end_list(list);
}

/* Nobody is in the middle of a change then, and the next locker is told that
 * somebody was. */
static void snapshot_does_not_mind_the_dead(void **state) {
  (void)state;
  polyshm_list *list = make_numbers(3);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  polyshm_value values[3];
  assert_ok(polyshm_list_timeout(list, 0));
  atomic_store(list->trailer.lock, (uint64_t)5 << 32 | DEAD);
  assert_ok(polyshm_list_snapshot(list, 0, 3, NULL, 0, values));
  assert_ok(polyshm_list_snapshot(reader, 0, 3, NULL, 0, values));
  assert_int_equal(lock(list), 1);
  assert_ok(polyshm_list_unlock(list));
  polyshm_list_free(reader);
  end_list(list);
}

/* --------------------------------------------------------------- at one moment
 */

static atomic_bool is_over;

/* Slot 1 follows slot 0, all the time: as a number, or as text. */
static void *set_in_order(void *argument) {
  polyshm_list *list = argument;
  for (int64_t i = 1; !atomic_load(&is_over); i++)
    for (uint64_t slot = 0; slot < 2; slot++) {
      char text[CAPACITY];
      snprintf(text, sizeof text, "%lld", (long long)i);
      polyshm_value value = i % 3 == 0 ? string_value(text) : int_value(i);
      if (polyshm_list_set(list, slot, &value) != POLYSHM_OK)
        return NULL;
    }
  return argument;
}

static int64_t number_of(const polyshm_value *value) {
  char text[CAPACITY + 1] = "";
  if (value->type == POLYSHM_INT)
    return value->of.i;
  memcpy(text, value->of.p, (size_t)value->size);
  return strtoll(text, NULL, 10);
}

enum { SNAPSHOTS = 5000 };

/* Whoever sees a number in slot 1 sees it, or the next one, in slot 0. */
static void snapshot_is_of_one_moment(void **state) {
  (void)state;
  polyshm_list *list = make_numbers(40), *other = open_again(list, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  polyshm_list *lists[] = {list, other, reader};
  static const uint64_t counts[] = {2, 40};
  atomic_store(&is_over, false);
  assert_ok(polyshm_list_timeout(other, POLYSHM_FOREVER));
  assert_ok(polyshm_list_timeout(reader, POLYSHM_FOREVER));
  pthread_t thread = start_thread(set_in_order, list);
  for (int i = 0; i < SNAPSHOTS; i++) {
    char buffer[40 * CAPACITY];
    polyshm_value values[40];
    assert_ok(polyshm_list_snapshot(
        lists[i % 3], 0, counts[i / 3 % 2], buffer, sizeof buffer, values));
    int64_t first = number_of(&values[0]), second = number_of(&values[1]);
    assert_in_range(first - second, 0, 1);
  }
  atomic_store(&is_over, true);
  void *result = NULL;
  assert_int_equal(pthread_join(thread, &result), 0);
  assert_non_null(result);
  polyshm_list_free(reader);
  polyshm_list_free(other);
  end_list(list);
}

/* Several slots under the lock, which is the only way to change them here. */
static void *set_under_lock(void *argument) {
  polyshm_list *list = argument;
  static atomic_int next;
  while (!atomic_load(&is_over)) {
    uint32_t recovered;
    if (polyshm_list_lock(list, POLYSHM_FOREVER, &recovered) != POLYSHM_OK)
      return NULL;
    int64_t i = atomic_fetch_add(&next, 1);
    char text[CAPACITY];
    snprintf(text, sizeof text, "%lld", (long long)i);
    polyshm_value values[] = {int_value(i), string_value(text), int_value(i)};
    for (uint64_t slot = 0; slot < 3; slot++)
      if (polyshm_list_set(list, slot, &values[slot]) != POLYSHM_OK)
        return NULL;
    if (polyshm_list_unlock(list) != POLYSHM_OK)
      return NULL;
  }
  return argument;
}

static void snapshot_sees_locked_changes_whole(void **state) {
  (void)state;
  polyshm_list *list = make_numbers(3), *other = open_again(list, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  polyshm_list *lists[] = {list, other, reader};
  atomic_store(&is_over, false);
  for (size_t i = 0; i < LENGTH(lists); i++)
    assert_ok(polyshm_list_timeout(lists[i], POLYSHM_FOREVER));
  pthread_t threads[] = {
      start_thread(set_under_lock, list), start_thread(set_under_lock, other)};
  for (int i = 0; i < 600; i++) {
    char buffer[3 * CAPACITY];
    polyshm_value values[3];
    assert_ok(polyshm_list_snapshot(
        lists[i % 3], 0, 3, buffer, sizeof buffer, values));
    assert_int_equal(number_of(&values[0]), number_of(&values[1]));
    assert_int_equal(number_of(&values[0]), number_of(&values[2]));
  }
  atomic_store(&is_over, true);
  for (size_t i = 0; i < LENGTH(threads); i++) {
    void *result = NULL;
    assert_int_equal(pthread_join(threads[i], &result), 0);
    assert_non_null(result);
  }
  polyshm_list_free(reader);
  polyshm_list_free(other);
  end_list(list);
}

/* ---------------------------------------------------------- without any rest
 */

/* Slot 0 is changed during each look at the slots, which is when the lock's
 * owner is asked about: a dead one. */
typedef struct scene {
  polyshm_list *list, *other, *reader;
} scene;

#define DEAD_OWNER ((uint64_t)5 << 32 | DEAD)

static scene begin(void) {
  const polyshm_value values[] = {string_value("howdy"), int_value(5)};
  scene it = {.list = make_list(values, 2, 0)};
  it.other = open_again(it.list, 0);
  it.reader = open_again(it.list, POLYSHM_READ_ONLY);
  join(it.list);
  join(it.other);
  assert_ok(polyshm_list_timeout(it.list, POLYSHM_FOREVER));
  atomic_store(it.list->trailer.lock, DEAD_OWNER);
  return it;
}

/* Nothing is locked any more, but that the dead one's lock is there still. */
static void end(scene *it) {
  assert_int_equal(atomic_load(it->list->trailer.lock), DEAD_OWNER);
  for (uint64_t i = 0; i < 2; i++)
    assert_false(
        pshm_sequence_is_locked(atomic_load(sequence_at(it->list, i))));
  assert_int_equal(slot_version(it->list, 1), 0);
  assert_int_equal(lock(it->other), 1);
  assert_ok(polyshm_list_unlock(it->other));
  assert_int_equal(lock(it->other), 0);
  assert_ok(polyshm_list_unlock(it->other));
  polyshm_list_free(it->reader);
  polyshm_list_free(it->other);
  end_list(it->list);
}

static polyshm_status take(const scene *it, const polyshm_list *list) {
  char buffer[8];
  polyshm_value values[2];
  mark(values, 2);
  faults_reset();
  faults_before(FAULT_ASK, 0, change_restless, sequence_at(it->list, 0));
  polyshm_status status =
      polyshm_list_snapshot(list, 0, 2, buffer, sizeof buffer, values);
  assert_true(faults_count(FAULT_ASK) > 100);
  faults_reset();
  if (status == POLYSHM_OK) {
    const polyshm_value howdy = string_value("howdy");
    assert_true(same_value(&values[0], &howdy));
    assert_int_equal(values[1].of.i, 5);
  } else
    check_marked(values, 2);
  return status;
}

/* To take a rest is not to recover: that is for one who can mend things. */
static void snapshot_takes_a_rest_where_there_is_none(void **state) {
  (void)state;
  scene it = begin();
  assert_ok(take(&it, it.list));
  assert_ok(take(&it, it.list));
  end(&it);
}

static void snapshot_cannot_take_a_rest_without_writing(void **state) {
  (void)state;
  scene it = begin();
  assert_ok(polyshm_list_timeout(it.reader, MILLISECOND));
  assert_int_equal(take(&it, it.reader), POLYSHM_E_TIMEOUT);
  assert_message("was being changed or locked all the time");
  end(&it);
}

/* A slot whose owner does not go on cannot be had; what was had is given back.
 */
static void snapshot_gives_back_what_it_took(void **state) {
  (void)state;
  scene it = begin();
  lock_slot(it.list, 1, 0, pshm_list_token(it.other));
  assert_ok(polyshm_list_timeout(it.list, 5 * MILLISECOND));
  assert_int_equal(take(&it, it.list), POLYSHM_E_TIMEOUT);
  assert_message("slot 1 is being changed by another process");
  release_slot(it.list, 1);
  end(&it);
}

/* Who cannot become a writer cannot take a rest. */
static void snapshot_needs_to_join_for_a_rest(void **state) {
  (void)state;
  scene it = begin();
  polyshm_list *list = open_again(it.list, 0);
  assert_ok(take(&it, list));
  assert_int_not_equal(pshm_list_token(list), 0);
  polyshm_list_free(list);
  list = open_again(it.list, 0);
  polyshm_value values[2];
  char buffer[8];
  mark(values, 2);
  faults_reset();
  faults_before(FAULT_ASK, 0, change_restless, sequence_at(it.list, 0));
  faults_fail(FAULT_CLAIM, 1, FOR_EVER, ENOLCK);
  assert_fails(
      polyshm_list_snapshot(list, 0, 2, buffer, sizeof buffer, values),
      POLYSHM_E_OS);
  check_marked(values, 2);
  faults_reset();
  polyshm_list_free(list);
  end(&it);
}

/* Who has the lock has no need to take it. Here, slot 0 changes while slot 1 is
 * copied. */
static void snapshot_takes_a_rest_under_ones_own_lock(void **state) {
  (void)state;
  char *text = malloc(RESTLESS_SIZE), *buffer = malloc(RESTLESS_SIZE);
  memset(text, 'x', RESTLESS_SIZE);
  const polyshm_value values[] = {
      int_value(5), bytes_value(text, RESTLESS_SIZE)};
  polyshm_list *list = make_list(values, 2, 0);
  polyshm_value found[2];
  assert_ok(polyshm_list_timeout(list, POLYSHM_FOREVER));
  lock(list);
  make_restless(list, 0);
  polyshm_status status =
      polyshm_list_snapshot(list, 0, 2, buffer, RESTLESS_SIZE, found);
  end_restless();
  assert_int_equal(status, POLYSHM_OK);
  for (uint64_t i = 0; i < 2; i++) {
    assert_true(same_value(&found[i], &values[i]));
    assert_false(pshm_sequence_is_locked(atomic_load(sequence_at(list, i))));
  }
  assert_ok(polyshm_list_unlock(list));
  end_list(list);
  free(text);
  free(buffer);
}

/* Each look at a long list is dear: few are tried. */
static void snapshot_of_a_long_list_does_not_try_for_long(void **state) {
  (void)state;
  enum { LONG = 100000, ENOUGH = 10 };
  polyshm_value *values = calloc(LONG, sizeof *values);
  for (int i = 0; i < LONG; i++)
    values[i] = int_value(i);
  polyshm_list *list = make_list(values, LONG, 0);
  join(list);
  atomic_store(list->trailer.lock, DEAD_OWNER);
  faults_reset();
  faults_before(FAULT_ASK, 0, change_restless, sequence_at(list, 0));
  assert_ok(polyshm_list_snapshot(list, 0, LONG, NULL, 0, values));
  assert_in_range(faults_count(FAULT_ASK), 2, ENOUGH);
  faults_reset();
  for (int i = 0; i < LONG; i++)
    assert_int_equal(values[i].of.i, i);
  end_list(list);
  free(values);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(snapshot_packs_strings_one_behind_the_other),
      cmocka_unit_test(snapshot_of_numbers_needs_no_buffer),
      cmocka_unit_test(snapshot_refuses_small_buffers),
      cmocka_unit_test(snapshot_refuses_what_is_not_there),
      cmocka_unit_test(snapshot_changes_nothing),
      cmocka_unit_test(snapshot_faults_of_the_heap_are_told),
      cmocka_unit_test(snapshot_waits_for_the_lock_of_others),
      cmocka_unit_test(snapshot_does_not_mind_the_dead),
      cmocka_unit_test(snapshot_is_of_one_moment),
      cmocka_unit_test(snapshot_sees_locked_changes_whole),
      cmocka_unit_test(snapshot_takes_a_rest_where_there_is_none),
      cmocka_unit_test(snapshot_cannot_take_a_rest_without_writing),
      cmocka_unit_test(snapshot_gives_back_what_it_took),
      cmocka_unit_test(snapshot_needs_to_join_for_a_rest),
      cmocka_unit_test(snapshot_takes_a_rest_under_ones_own_lock),
      cmocka_unit_test(snapshot_of_a_long_list_does_not_try_for_long),
  };
  return run_group(tests);
}
