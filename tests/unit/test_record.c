/* SPDX-License-Identifier: MIT */
#include "shm/record.h"

#include "states.h"

enum { CAPACITY = 24, SLOTS = 6 };

typedef struct scene {
  polyshm_list *list, *other;
  uint32_t mine, alive;
} scene;

static scene begin(void) {
  polyshm_value values[SLOTS];
  for (int i = 0; i < SLOTS; i++)
    values[i] = int_value(i);
  scene it = {.list = make_list(values, SLOTS, CAPACITY)};
  it.other = open_again(it.list, 0);
  it.mine = join(it.list);
  it.alive = join(it.other);
  assert_int_equal(it.list->trailer.nrecords, 4);
  return it;
}

static void end(scene *it) {
  polyshm_list_free(it->other);
  end_list(it->list);
}

/* Claim and release; which one it was. */
static uint32_t claim_one(polyshm_list *list) {
  pshm_list_patience patience = {0};
  uint32_t number = UINT32_MAX;
  assert_ok(pshm_record_claim(list, &patience, &number));
  assert_int_equal(claim_of(list, number), pshm_list_token(list));
  return number;
}

static polyshm_value text_for(uint64_t index) {
  static const char *const texts[] = {"zero", "one",  "two, with a long text",
                                      "3",    "four", "5"};
  return string_value(texts[index]);
}

/* ---------------------------------------------------------------- claiming */

static void record_is_claimed_and_released(void **state) {
  (void)state;
  scene it = begin();
  bool claimed[4] = {false};
  for (int i = 0; i < 4; i++) {
    uint32_t number = claim_one(i % 2 == 0 ? it.list : it.other);
    assert_in_range(number, 0, 3);
    assert_false(claimed[number]);
    claimed[number] = true;
  }
  for (uint32_t i = 0; i < 4; i++) {
    pshm_record_release(it.list, i);
    assert_int_equal(claim_of(it.list, i), 0);
    assert_int_equal(claim_one(it.list), i);
  }
  end(&it);
}

/* Each begins with another one, so that they seldom meet. */
static void record_first_tried_is_ones_own(void **state) {
  (void)state;
  scene it = begin();
  uint32_t one = claim_one(it.list), other = claim_one(it.other);
  assert_int_equal(one, it.mine % 4);
  assert_int_equal(other, it.alive % 4);
  pshm_record_release(it.list, one);
  pshm_record_release(it.list, other);
  end(&it);
}

static void record_is_given_back_by_every_set(void **state) {
  (void)state;
  scene it = begin();
  for (int i = 0; i < 20; i++) {
    polyshm_value value = text_for((uint64_t)i % SLOTS);
    assert_ok(polyshm_list_set(it.list, (uint64_t)i % SLOTS, &value));
    set_int(it.other, (uint64_t)i % SLOTS, i);
    assert_int_equal(count_claims(it.list), 0);
  }
  polyshm_value too_long = string_value("a text of twenty-five byt");
  assert_fails(polyshm_list_set(it.list, 0, &too_long), POLYSHM_E_SPACE);
  polyshm_value no_text = string_value("\xff");
  assert_fails(polyshm_list_set(it.list, 0, &no_text), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_set(it.list, SLOTS, &too_long), POLYSHM_E_RANGE);
  assert_int_equal(count_claims(it.list), 0);
  end(&it);
}

/* ---------------------------------------------------------- of live owners */

static void record_is_a_timeout_if_the_living_keep_all(void **state) {
  (void)state;
  static const int64_t timeouts[] = {0, 1, 20 * MILLISECOND};
  for (size_t i = 0; i < LENGTH(timeouts); i++) {
    scene it = begin();
    for (uint32_t j = 0; j < 4; j++)
      put_record(it.list, j, it.alive, j, text_for(j));
    assert_ok(polyshm_list_timeout(it.list, timeouts[i]));
    void *image = take_image(it.list);
    int64_t begun = os_clock_now();
    polyshm_value value = string_value("text");
    assert_failure(
        polyshm_list_set(it.list, 0, &value), POLYSHM_E_TIMEOUT, 0,
        "all 4 records of the list");
    assert_true(os_clock_now() - begun >= timeouts[i]);
    check_image(it.list, image);
    for (uint64_t j = 0; j < SLOTS; j++)
      assert_slot(it.list, j, int_value((int64_t)j));
    /* Numbers over numbers need none. */
    int64_t sum;
    set_int(it.list, 0, 5);
    assert_ok(polyshm_list_add(it.list, 0, 1, &sum));
    assert_slot(it.other, 0, int_value(6));
    for (uint32_t j = 0; j < 4; j++) {
      pshm_record_release(it.list, j);
      assert_ok(polyshm_list_set(it.list, 0, &value));
      put_record(it.list, j, it.alive, j, text_for(j));
    }
    end(&it);
  }
}

/* One's own, which another thread has, is alive. */
static void record_of_ones_own_is_not_taken(void **state) {
  (void)state;
  scene it = begin();
  for (uint32_t i = 0; i < 4; i++)
    put_record(it.list, i, it.mine, i, text_for(i));
  assert_ok(polyshm_list_timeout(it.list, 5 * MILLISECOND));
  polyshm_value value = string_value("text");
  assert_fails(polyshm_list_set(it.list, 0, &value), POLYSHM_E_TIMEOUT);
  end(&it);
}

static void *set_one_text(void *argument) {
  polyshm_value value = string_value("patient");
  return polyshm_list_set(argument, 0, &value) == POLYSHM_OK ? argument : NULL;
}

static void record_is_waited_for(void **state) {
  (void)state;
  scene it = begin();
  for (uint32_t i = 0; i < 4; i++)
    put_record(it.list, i, it.alive, i, text_for(i));
  assert_ok(polyshm_list_timeout(it.list, POLYSHM_FOREVER));
  pthread_t thread = start_thread(set_one_text, it.list);
  os_clock_sleep(5 * MILLISECOND);
  pshm_record_release(it.list, 2);
  void *result = NULL;
  assert_int_equal(pthread_join(thread, &result), 0);
  assert_non_null(result);
  assert_slot(it.list, 0, string_value("patient"));
  end(&it);
}

/* ---------------------------------------------------------- of dead owners */

/* They died before they had locked a slot with them. */
static void record_of_the_dead_is_taken(void **state) {
  (void)state;
  for (int items = 0; items <= 2; items++) {
    scene it = begin();
    for (uint32_t i = 0; i < 4; i++) {
      put_record(it.list, i, i % 2 == 0 ? DEAD : DEAD_TOO, i, text_for(i));
      if (items == 1) /* not filled yet, or damaged */
        pshm_word_store(
            pshm_record_at(it.list, i) + PSHM_RECORD_ITEM, UINT64_MAX);
      if (items == 2)
        pshm_word_store(pshm_record_at(it.list, i) + PSHM_RECORD_ITEM, SLOTS);
    }
    assert_ok(polyshm_list_timeout(it.list, 0));
    for (uint64_t i = 0; i < SLOTS; i++) {
      polyshm_value value = text_for(i);
      assert_ok(polyshm_list_set(it.list, i, &value));
      assert_slot(it.other, i, value);
      assert_int_equal(slot_version(it.list, i), 1);
    }
    end(&it);
  }
}

static void record_of_no_token_is_taken(void **state) {
  (void)state;
  static const uint64_t claims[] = {
      UINT64_MAX, (uint64_t)PSHM_TOKEN_MAX + 1, (uint64_t)1 << 32,
      (uint64_t)1 << 63};
  scene it = begin();
  for (size_t i = 0; i < LENGTH(claims); i++) {
    for (uint32_t j = 0; j < 4; j++)
      pshm_word_store(pshm_record_at(it.list, j), claims[i]);
    polyshm_value value = text_for(i);
    assert_ok(polyshm_list_set(it.list, 0, &value));
    assert_slot(it.list, 0, value);
  }
  end(&it);
}

/* They died after that: who needs a record finishes their slots first, and each
 * of them has its value. */
static void record_that_is_in_use_is_finished_first(void **state) {
  (void)state;
  for (uint32_t locker = DEAD; locker != 0;
       locker = locker == DEAD ? DEAD_TOO : 0) {
    scene it = begin();
    for (uint32_t i = 0; i < 4; i++) {
      put_record(it.list, i, DEAD, i, text_for(i));
      lock_slot(it.list, i, i + 1, locker);
    }
    assert_ok(polyshm_list_timeout(it.list, 0));
    for (int i = 0; i < 10; i++) {
      polyshm_value value = text_for(i % 2 == 0 ? 2 : 5);
      assert_ok(polyshm_list_set(it.list, 4, &value));
      assert_slot(it.list, 4, value);
    }
    for (uint64_t i = 0; i < 4; i++) {
      assert_slot(it.list, i, text_for(i));
      uint64_t word = atomic_load(sequence_at(it.list, i));
      if (pshm_sequence_is_locked(word)) /* its record was not needed */
        assert_int_equal(claim_of(it.list, (uint32_t)i), DEAD);
      else
        assert_int_equal(word >> 32, 1);
    }
    assert_int_equal(slot_version(it.list, 4), 10);
    end(&it);
  }
}

/* The slot that uses it is a live one's by now, who took it over. */
static void record_that_is_repaired_by_the_living_is_left(void **state) {
  (void)state;
  scene it = begin();
  for (uint32_t i = 0; i < 4; i++) {
    put_record(it.list, i, DEAD, i, text_for(i));
    lock_slot(it.list, i, i + 1, it.alive);
  }
  assert_ok(polyshm_list_timeout(it.list, 5 * MILLISECOND));
  void *image = take_image(it.list);
  polyshm_value value = text_for(4);
  assert_fails(polyshm_list_set(it.list, 4, &value), POLYSHM_E_TIMEOUT);
  check_image(it.list, image);
  /* Once it has finished one. */
  atomic_store(sequence_at(it.list, 2), locked_by(1, 0, 0));
  assert_ok(polyshm_list_set(it.list, 4, &value));
  assert_int_equal(claim_of(it.list, 2), 0);
  assert_int_equal(count_claims(it.list), 3);
  end(&it);
}

/* A slot that refers to another record does not keep this one. */
static void record_that_nobody_uses_any_more_is_taken(void **state) {
  (void)state;
  scene it = begin();
  for (uint32_t i = 0; i < 4; i++)
    put_record(it.list, i, DEAD, 1, text_for(i));
  lock_slot(it.list, 1, 3, DEAD_TOO);
  assert_ok(polyshm_list_timeout(it.list, 0));
  for (int i = 0; i < 8; i++) {
    polyshm_value value = text_for(i % 2 == 0 ? 4 : 5);
    assert_ok(polyshm_list_set(it.list, 4, &value));
    assert_slot(it.list, 1, text_for(2));
  }
  end(&it);
}

/* ----------------------------------------------------------------- damaged */

/* What cannot be a record of this slot is not its value, and not copied. */
static void record_that_is_damaged_is_refused(void **state) {
  (void)state;
  static const struct {
    int word;
    uint64_t content;
  } cases[] = {
      {PSHM_RECORD_ITEM, 0},
      {PSHM_RECORD_ITEM, UINT64_MAX},
      {PSHM_RECORD_SIZE, 0},
      {PSHM_RECORD_SIZE, CAPACITY + 8},
      {PSHM_RECORD_SIZE, 80},
      {PSHM_RECORD_SIZE, UINT64_MAX},
      {PSHM_RECORD_SIZE, (uint64_t)1 << 61},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    scene it = begin();
    put_record(it.list, 0, DEAD, 1, text_for(2));
    lock_slot(it.list, 1, 1, DEAD);
    pshm_word_store(
        pshm_record_at(it.list, 0) + cases[i].word, cases[i].content);
    char buffer[CAPACITY];
    polyshm_value found = int_value(77), sought = int_value(1);
    uint64_t index = 77;
    assert_failure(
        polyshm_list_get(it.list, 1, buffer, sizeof buffer, &found),
        POLYSHM_E_CORRUPT, 0, "slot 1 is being changed by a record");
    assert_fails(
        polyshm_list_find(it.list, 1, &sought, &index), POLYSHM_E_CORRUPT);
    assert_fails(
        polyshm_list_snapshot(it.list, 1, 1, buffer, sizeof buffer, &found),
        POLYSHM_E_CORRUPT);
    assert_int_equal(found.of.i, 77);
    assert_int_equal(index, 77);
    /* The next writer mends the slot. */
    polyshm_value value = text_for(5);
    assert_ok(polyshm_list_set(it.list, 1, &value));
    assert_slot(it.list, 1, value);
    assert_slot(it.list, 0, int_value(0));
    assert_slot(it.list, 2, int_value(2));
    end(&it);
  }
}

static void record_that_does_not_exist_is_refused(void **state) {
  (void)state;
  scene it = begin();
  for (uint32_t number = 5; number <= 63; number += 29) {
    lock_slot(it.list, 1, number, DEAD);
    polyshm_value found;
    assert_fails(
        polyshm_list_get(it.list, 1, NULL, 0, &found), POLYSHM_E_CORRUPT);
    set_int(it.list, 1, 6);
    assert_slot(it.list, 1, int_value(6));
  }
  end(&it);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(record_is_claimed_and_released),
      cmocka_unit_test(record_first_tried_is_ones_own),
      cmocka_unit_test(record_is_given_back_by_every_set),
      cmocka_unit_test(record_is_a_timeout_if_the_living_keep_all),
      cmocka_unit_test(record_of_ones_own_is_not_taken),
      cmocka_unit_test(record_is_waited_for),
      cmocka_unit_test(record_of_the_dead_is_taken),
      cmocka_unit_test(record_of_no_token_is_taken),
      cmocka_unit_test(record_that_is_in_use_is_finished_first),
      cmocka_unit_test(record_that_is_repaired_by_the_living_is_left),
      cmocka_unit_test(record_that_nobody_uses_any_more_is_taken),
      cmocka_unit_test(record_that_is_damaged_is_refused),
      cmocka_unit_test(record_that_does_not_exist_is_refused),
  };
  return run_group(tests);
}
