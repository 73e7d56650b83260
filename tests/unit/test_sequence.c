/* SPDX-License-Identifier: MIT */
/*
 * Slots that somebody has locked, dead or alive, at every step of a change:
 * what readers see, what writers do about it.
 */
#include "shm/sequence.h"

#include "faults.h"
#include "states.h"

static const char *const OLD = "an old text";
static const char *const NEW = "the new one, longer";

enum { CAPACITY = 24, COUNT = 41 /* changes that the slot has seen */ };

/* Slot 1 is the one, between two that are left alone. `other` is alive. */
typedef struct scene {
  polyshm_list *list, *other, *reader;
  uint32_t alive;
} scene;

static scene begin(polyshm_value old) {
  const polyshm_value values[] = {string_value("left"), old, int_value(7)};
  scene it = {.list = make_list(values, LENGTH(values), CAPACITY)};
  atomic_store(sequence_at(it.list, 1), locked_by(COUNT, 0, 0));
  it.other = open_again(it.list, 0);
  it.reader = open_again(it.list, POLYSHM_READ_ONLY);
  it.alive = join(it.other);
  join(it.list);
  return it;
}

static void end(scene *it) {
  assert_slot(it->list, 0, string_value("left"));
  assert_slot(it->list, 2, int_value(7));
  assert_int_equal(slot_version(it->list, 0), 0);
  assert_int_equal(slot_version(it->list, 2), 0);
  polyshm_list_free(it->reader);
  polyshm_list_free(it->other);
  end_list(it->list);
}

/* How far the copying from the record to the slot had come. */
enum { NOT_BEGUN = 0, TYPE_CHANGED = 98, ALL_DONE = 99 };

static void copy_part(const polyshm_list *list, int nwords) {
  pshm_slot at = slot_at(list, 1);
  const pshm_word *record = pshm_record_at(list, 0);
  for (int i = 0; i < nwords && i < CAPACITY / PSHM_WORD; i++)
    pshm_word_store(at.data + i, pshm_word_load(record + PSHM_RECORD_DATA + i));
  if (nwords >= TYPE_CHANGED)
    pshm_slot_store_type(
        &at, pshm_word_load(record + PSHM_RECORD_FORMAT),
        (unsigned)pshm_word_load(record + PSHM_RECORD_CODE));
  if (nwords == ALL_DONE)
    pshm_word_store(
        list->trailer.exacts + 1, pshm_word_load(record + PSHM_RECORD_EXACT));
}

/* Everybody who reads slot 1 finds this. */
static void check_readers(const scene *it, polyshm_value value) {
  const polyshm_list *lists[] = {it->list, it->other, it->reader};
  for (size_t i = 0; i < LENGTH(lists); i++) {
    assert_slot(lists[i], 1, value);
    uint64_t index = 7;
    assert_ok(polyshm_list_find(lists[i], 1, &value, &index));
    assert_int_equal(index, 1);
    char buffer[CAPACITY];
    polyshm_value found;
    assert_ok(
        polyshm_list_snapshot(lists[i], 1, 1, buffer, sizeof buffer, &found));
    assert_true(same_value(&found, &value));
  }
}

/* --------------------------------------------------------- locked, no record
 */

static void sequence_of_a_live_owner_hides_nothing(void **state) {
  (void)state;
  const polyshm_value values[] = {
      int_value(5), string_value(OLD), none_value(), bytes_value("a\0", 2)};
  for (size_t i = 0; i < LENGTH(values); i++)
    for (int is_waited = 0; is_waited <= 1; is_waited++) {
      scene it = begin(int_value(0));
      assert_ok(polyshm_list_set(it.list, 1, &values[i]));
      assert_ok(polyshm_list_timeout(it.list, POLYSHM_FOREVER));
      lock_slot(it.list, 1, 0, it.alive);
      if (is_waited)
        atomic_fetch_or(sequence_at(it.list, 1), PSHM_SEQUENCE_WAITED);
      void *image = take_image(it.list);
      check_readers(&it, values[i]);
      check_image(it.list, image);
      release_slot(it.list, 1);
      end(&it);
    }
}

/* The dead one had stored its number, or had not: both are whole. */
static void sequence_of_a_dead_owner_is_taken_over(void **state) {
  (void)state;
  for (int is_stored = 0; is_stored <= 1; is_stored++)
    for (int is_waited = 0; is_waited <= 1; is_waited++) {
      scene it = begin(int_value(5));
      lock_slot(it.list, 1, 0, DEAD);
      if (is_waited)
        atomic_fetch_or(sequence_at(it.list, 1), PSHM_SEQUENCE_WAITED);
      if (is_stored)
        pshm_word_store(slot_at(it.list, 1).data, 6);
      void *image = take_image(it.list);
      check_readers(&it, int_value(5 + is_stored));
      check_image(it.list, image);
      int64_t sum = 0;
      assert_ok(polyshm_list_add(it.list, 1, 10, &sum));
      assert_int_equal(sum, 15 + is_stored);
      /* One change may have been the dead one's; that counts. */
      assert_int_equal(
          atomic_load(sequence_at(it.list, 1)), locked_by(COUNT + 2, 0, 0));
      end(&it);
    }
}

/* ------------------------------------------------------- locked with a record
 */

/* All values that a record can bring over all that a slot can have held. */
static const polyshm_value *all_values(size_t *out_count) {
  static polyshm_value values[8];
  values[0] = int_value(-3);
  values[1] = string_value(OLD);
  values[2] = string_value(NEW);
  values[3] = bytes_value("a\0b\0\0", 5);
  values[4] = none_value();
  values[5] = bool_value(true);
  values[6] = float_value(0.5);
  values[7] = string_value("");
  *out_count = LENGTH(values);
  return values;
}

static void check_every_step(
    polyshm_value old, polyshm_value new, uint32_t record_number) {
  static const int steps[] = {NOT_BEGUN, 1, 2, 3, TYPE_CHANGED, ALL_DONE};
  for (size_t i = 0; i < LENGTH(steps); i++)
    for (int by_other = 0; by_other <= 1; by_other++) {
      scene it = begin(int_value(0));
      assert_ok(polyshm_list_set(it.list, 1, &old));
      put_record(it.list, record_number, DEAD, 1, new);
      lock_slot(it.list, 1, record_number + 1, DEAD);
      if (record_number == 0)
        copy_part(it.list, steps[i]);
      void *image = take_image(it.list);
      check_readers(&it, new);
      check_image(it.list, image);
      /* Repaired by the way; then changed. */
      const polyshm_value text = string_value("later");
      polyshm_list *writer = by_other ? it.other : it.list;
      assert_ok(polyshm_list_set(writer, 1, &text));
      check_readers(&it, text);
      assert_int_equal(
          atomic_load(sequence_at(it.list, 1)), locked_by(COUNT + 3, 0, 0));
      end(&it);
    }
}

static void sequence_with_a_record_is_the_new_value(void **state) {
  (void)state;
  size_t nvalues;
  const polyshm_value *values = all_values(&nvalues);
  for (size_t i = 0; i < nvalues; i++)
    for (size_t j = 0; j < nvalues; j++)
      check_every_step(values[i], values[j], 0);
  check_every_step(values[1], values[2], 3);
}

/* What a repair writes is what its writer would have written, to the byte. */
static void sequence_repair_writes_as_the_dead_would_have(void **state) {
  (void)state;
  size_t nvalues;
  const polyshm_value *values = all_values(&nvalues);
  for (size_t i = 0; i < nvalues; i++)
    for (size_t j = 0; j < nvalues; j++) {
      scene dead = begin(int_value(0)), alive = begin(int_value(0));
      assert_ok(polyshm_list_set(dead.list, 1, &values[i]));
      assert_ok(polyshm_list_set(alive.list, 1, &values[i]));
      put_record(dead.list, 0, DEAD, 1, values[j]);
      lock_slot(dead.list, 1, 1, DEAD);
      uint64_t word = atomic_load(sequence_at(dead.list, 1));
      assert_true(pshm_sequence_repair(dead.list, 1, word));
      assert_ok(polyshm_list_set(alive.list, 1, &values[j]));
      size_t area = (size_t)pshm_layout_area(&dead.list->layout);
      assert_memory_equal(
          dead.list->block->map.address, alive.list->block->map.address, area);
      assert_int_equal(
          pshm_word_load(dead.list->trailer.exacts + 1),
          pshm_word_load(alive.list->trailer.exacts + 1));
      assert_int_equal(slot_version(dead.list, 1), slot_version(alive.list, 1));
      end(&dead);
      end(&alive);
    }
}

/* Add and swap work on the value that the dead one was bringing. */
static void sequence_repair_comes_before_counting(void **state) {
  (void)state;
  for (int swaps = 0; swaps <= 1; swaps++) {
    scene it = begin(string_value(OLD));
    put_record(it.list, 2, DEAD, 1, int_value(40));
    lock_slot(it.list, 1, 3, DEAD);
    int64_t number = 0;
    if (swaps)
      assert_ok(polyshm_list_swap(it.list, 1, 40, 42, &number));
    else
      assert_ok(polyshm_list_add(it.list, 1, 2, &number));
    assert_int_equal(number, swaps ? 40 : 42);
    assert_slot(it.other, 1, int_value(42));
    end(&it);
  }
  scene it = begin(int_value(40));
  put_record(it.list, 2, DEAD, 1, string_value(NEW));
  lock_slot(it.list, 1, 3, DEAD);
  int64_t number = 7;
  assert_fails(polyshm_list_add(it.list, 1, 2, &number), POLYSHM_E_TYPE);
  assert_int_equal(number, 7);
  assert_slot(it.list, 1, string_value(NEW));
  assert_int_equal(slot_version(it.list, 1), COUNT + 1);
  end(&it);
}

/* A repairer may die, too, at the same places; its successor does it again. */
static void sequence_repair_of_a_dead_repairer(void **state) {
  (void)state;
  static const int steps[] = {NOT_BEGUN, 1, 2, TYPE_CHANGED, ALL_DONE};
  for (size_t i = 0; i < LENGTH(steps); i++) {
    scene it = begin(string_value(OLD));
    put_record(it.list, 0, DEAD, 1, string_value(NEW));
    lock_slot(it.list, 1, 1, DEAD_TOO); /* has taken over from DEAD */
    atomic_fetch_or(sequence_at(it.list, 1), PSHM_SEQUENCE_WAITED);
    copy_part(it.list, steps[i]);
    check_readers(&it, string_value(NEW));
    uint64_t version = 0;
    assert_ok(
        polyshm_list_slot_wait(it.list, 1, COUNT, POLYSHM_FOREVER, &version));
    assert_int_equal(version, COUNT + 1);
    check_readers(&it, string_value(NEW));
    assert_false(pshm_sequence_is_locked(atomic_load(sequence_at(it.list, 1))));
    /* Its claimer's name stays on it until somebody needs the record. */
    assert_int_equal(claim_of(it.list, 0), DEAD);
    end(&it);
  }
}

static void sequence_repair_leaves_the_living(void **state) {
  (void)state;
  scene it = begin(string_value(OLD));
  put_record(it.list, 0, it.alive, 1, string_value(NEW));
  lock_slot(it.list, 1, 1, it.alive);
  uint64_t word = atomic_load(sequence_at(it.list, 1));
  void *image = take_image(it.list);
  assert_false(pshm_sequence_repair(it.list, 1, word));
  check_image(it.list, image);
  /* What was seen is not there any more: look again. */
  release_slot(it.list, 1);
  image = take_image(it.list);
  assert_true(pshm_sequence_repair(it.list, 1, locked_by(COUNT, 1, DEAD)));
  check_image(it.list, image);
  pshm_record_release(it.list, 0);
  end(&it);
}

/* The count is a number of 32 bits that goes round. */
static void sequence_count_goes_round(void **state) {
  (void)state;
  scene it = begin(int_value(5));
  atomic_store(sequence_at(it.list, 1), PSHM_SEQUENCE_COUNT);
  assert_int_equal(slot_version(it.list, 1), UINT32_MAX);
  set_int(it.list, 1, 6);
  assert_int_equal(slot_version(it.list, 1), 0);
  assert_int_equal(atomic_load(sequence_at(it.list, 1)), 0);

  atomic_store(sequence_at(it.list, 1), PSHM_SEQUENCE_COUNT);
  set_string(it.list, 1, NEW);
  assert_int_equal(atomic_load(sequence_at(it.list, 1)), 0);

  atomic_store(sequence_at(it.list, 1), locked_by(UINT32_MAX, 0, DEAD));
  uint64_t version = 7;
  assert_ok(polyshm_list_slot_wait(
      it.list, 1, UINT32_MAX, POLYSHM_FOREVER, &version));
  assert_int_equal(version, 0);
  atomic_store(sequence_at(it.list, 1), locked_by(UINT32_MAX, 0, DEAD));
  assert_ok(polyshm_list_slot_wait(
      it.reader, 1, UINT32_MAX, POLYSHM_FOREVER, &version));
  assert_int_equal(version, 0);
  end(&it);
}

/* ------------------------------------------------------------ live and stopped
 */

/* Each call that changes the slot, made while a live owner does not go on. */
static void refuse_changes(polyshm_list *list, int64_t timeout) {
  const polyshm_value number = int_value(9), text = string_value("nine");
  int64_t out = 7;
  assert_ok(polyshm_list_timeout(list, timeout));
  void *image = take_image(list);
  int64_t begun = os_clock_now();
  assert_fails(polyshm_list_set(list, 1, &number), POLYSHM_E_TIMEOUT);
  assert_message("slot 1 is being changed by another process");
  assert_true(os_clock_now() - begun >= timeout);
  assert_fails(polyshm_list_set(list, 1, &text), POLYSHM_E_TIMEOUT);
  assert_true(os_clock_now() - begun >= 2 * timeout);
  assert_fails(polyshm_list_add(list, 1, 1, &out), POLYSHM_E_TIMEOUT);
  assert_true(os_clock_now() - begun >= 3 * timeout);
  assert_fails(polyshm_list_swap(list, 1, 5, 6, &out), POLYSHM_E_TIMEOUT);
  assert_true(os_clock_now() - begun >= 4 * timeout);
  assert_int_equal(polyshm_error_os(), 0);
  assert_int_equal(out, 7);
  check_image(list, image);
}

static void sequence_of_a_stopped_owner_is_a_timeout(void **state) {
  (void)state;
  static const int64_t timeouts[] = {0, 1, 5 * MILLISECOND, 50 * MILLISECOND};
  for (size_t i = 0; i < LENGTH(timeouts); i++)
    for (int has_record = 0; has_record <= 1; has_record++) {
      scene it = begin(int_value(5));
      if (has_record)
        put_record(it.list, 0, it.alive, 1, string_value(NEW));
      lock_slot(it.list, 1, has_record ? 1 : 0, it.alive);
      refuse_changes(it.list, timeouts[i]);
      check_readers(&it, has_record ? string_value(NEW) : int_value(5));
      /* The other slots do not care. */
      set_int(it.list, 2, 7);
      set_string(it.list, 0, "left");
      assert_int_equal(count_claims(it.list), has_record);
      atomic_store(sequence_at(it.list, 0), 0);
      atomic_store(sequence_at(it.list, 2), 0);
      atomic_store(sequence_at(it.list, 1), locked_by(COUNT, 0, 0));
      pshm_record_release(it.list, 0);
      set_string(it.list, 1, "goes on");
      end(&it);
    }
}

/* In another process, and really stopped; then killed. */
static void lock_slot_and_pause(stage *it) {
  child_check(pshm_list_join(it->list) == POLYSHM_OK);
  lock_slot(it->list, 1, 0, pshm_list_token(it->list));
  pause_at(it, 1);
}

static void sequence_of_a_stopped_process_is_a_timeout(void **state) {
  (void)state;
  scene it = begin(int_value(5));
  stage *told = make_stage(it.list);
  pid_t child = start_child(lock_slot_and_pause, told);
  await(atomic_load(&told->step) == 1);
  assert_int_equal(kill(child, SIGSTOP), 0);
  refuse_changes(it.list, 5 * MILLISECOND);
  refuse_changes(it.other, 5 * MILLISECOND);
  check_readers(&it, int_value(5));
  kill_child(child);
  set_int(it.list, 1, 9);
  check_readers(&it, int_value(9));
  assert_int_equal(slot_version(it.list, 1), COUNT + 2);
  end_stage(told);
  end(&it);
}

/* ----------------------------------------------------------------- waiting */

static void *set_text(void *argument) {
  polyshm_value value = string_value(NEW);
  return polyshm_list_set(argument, 1, &value) == POLYSHM_OK ? argument : NULL;
}

static void *add_one(void *argument) {
  int64_t sum;
  return polyshm_list_add(argument, 1, 1, &sum) == POLYSHM_OK ? argument : NULL;
}

static bool is_waited_for(const polyshm_list *list) {
  return (atomic_load(sequence_at(list, 1)) & PSHM_SEQUENCE_WAITED) != 0;
}

static void check_result(pthread_t thread) {
  void *result = NULL;
  assert_int_equal(pthread_join(thread, &result), 0);
  assert_non_null(result);
}

/* A set that waits for its slot keeps no record from others meanwhile. */
static void sequence_is_waited_for_without_a_record(void **state) {
  (void)state;
  scene it = begin(int_value(5));
  assert_ok(polyshm_list_timeout(it.other, POLYSHM_FOREVER));
  lock_slot(it.list, 1, 0, pshm_list_token(it.list));
  pthread_t threads[6];
  for (size_t i = 0; i < LENGTH(threads); i++)
    threads[i] = start_thread(set_text, it.other);
  await(is_waited_for(it.list));
  assert_ok(polyshm_list_timeout(it.list, 0));
  for (int i = 0; i < 1000; i++) {
    set_string(it.list, 0, "other");
    set_string(it.list, 0, "left");
  }
  await(count_claims(it.list) == 0);
  release_slot(it.list, 1);
  for (size_t i = 0; i < LENGTH(threads); i++)
    check_result(threads[i]);
  check_readers(&it, string_value(NEW));
  assert_int_equal(slot_version(it.list, 1), COUNT + LENGTH(threads));
  atomic_store(sequence_at(it.list, 0), 0);
  end(&it);
}

static void sequence_wakes_who_waits_for_it(void **state) {
  (void)state;
  scene it = begin(int_value(5));
  assert_ok(polyshm_list_timeout(it.other, POLYSHM_FOREVER));
  for (int round = 0; round < 20; round++) {
    pthread_t threads[3];
    uint64_t mine;
    assert_ok(pshm_sequence_lock(it.list, 1, &mine));
    for (size_t i = 0; i < LENGTH(threads); i++)
      threads[i] = start_thread(add_one, it.other);
    await(is_waited_for(it.list));
    if (round % 2 == 0)
      pshm_sequence_unlock(it.list, 1, mine);
    else
      pshm_sequence_finish(it.list, 1, mine);
    for (size_t i = 0; i < LENGTH(threads); i++)
      check_result(threads[i]);
  }
  assert_slot(it.list, 1, int_value(65));
  assert_false(is_waited_for(it.list));
  end(&it);
}

/* Who waits notices a death in its sleep. */
static void sequence_is_repaired_by_who_waits(void **state) {
  (void)state;
  scene it = begin(int_value(5));
  stage *told = make_stage(it.list);
  pid_t child = start_child(lock_slot_and_pause, told);
  await(atomic_load(&told->step) == 1);
  assert_ok(polyshm_list_timeout(it.other, POLYSHM_FOREVER));
  pthread_t threads[3];
  for (size_t i = 0; i < LENGTH(threads); i++)
    threads[i] = start_thread(i == 0 ? add_one : set_text, it.other);
  await(is_waited_for(it.list));
  kill_child(child);
  void *result;
  for (size_t i = 0; i < LENGTH(threads); i++)
    assert_int_equal(pthread_join(threads[i], &result), 0);
  check_readers(&it, string_value(NEW));
  assert_false(pshm_sequence_is_locked(atomic_load(sequence_at(it.list, 1))));
  end_stage(told);
  end(&it);
}

/* ---------------------------------------------------- always another dead one
 */

/* Somebody overwrites the word whenever it is asked about. */
static void put_another_dead(void *word) {
  uint64_t seen = pshm_word_load(word);
  atomic_store(
      (pshm_word *)word,
      locked_by(COUNT, 0, seen % 2 == DEAD % 2 ? DEAD - 1 : DEAD));
}

static void sequence_that_is_never_had_is_a_timeout(void **state) {
  (void)state;
  static const int64_t timeouts[] = {0, 5 * MILLISECOND};
  for (size_t i = 0; i < LENGTH(timeouts); i++) {
    scene it = begin(int_value(5));
    const polyshm_value text = string_value(NEW), number = int_value(6);
    int64_t after = 7;
    assert_ok(polyshm_list_timeout(it.list, timeouts[i]));
    lock_slot(it.list, 1, 0, DEAD);
    faults_reset();
    faults_before(FAULT_ASK, 0, put_another_dead, sequence_at(it.list, 1));
    assert_fails(polyshm_list_set(it.list, 1, &number), POLYSHM_E_TIMEOUT);
    assert_fails(polyshm_list_set(it.list, 1, &text), POLYSHM_E_TIMEOUT);
    assert_fails(polyshm_list_add(it.list, 1, 1, &after), POLYSHM_E_TIMEOUT);
    faults_reset();
    assert_int_equal(after, 7);
    assert_ok(polyshm_list_set(it.list, 1, &number));
    check_readers(&it, number);
    end(&it);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sequence_of_a_live_owner_hides_nothing),
      cmocka_unit_test(sequence_of_a_dead_owner_is_taken_over),
      cmocka_unit_test(sequence_with_a_record_is_the_new_value),
      cmocka_unit_test(sequence_repair_writes_as_the_dead_would_have),
      cmocka_unit_test(sequence_repair_comes_before_counting),
      cmocka_unit_test(sequence_repair_of_a_dead_repairer),
      cmocka_unit_test(sequence_repair_leaves_the_living),
      cmocka_unit_test(sequence_count_goes_round),
      cmocka_unit_test(sequence_of_a_stopped_owner_is_a_timeout),
      cmocka_unit_test(sequence_of_a_stopped_process_is_a_timeout),
      cmocka_unit_test(sequence_is_waited_for_without_a_record),
      cmocka_unit_test(sequence_wakes_who_waits_for_it),
      cmocka_unit_test(sequence_is_repaired_by_who_waits),
      cmocka_unit_test(sequence_that_is_never_had_is_a_timeout),
  };
  return run_group(tests);
}
