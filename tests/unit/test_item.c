/* SPDX-License-Identifier: MIT */
#include "shm/item.h"

#include "states.h"

enum { CAPACITY = 24 };

static polyshm_list *make_one(polyshm_value value) {
  const polyshm_value values[] = {int_value(-1), value, int_value(-2)};
  polyshm_list *list = make_list(values, LENGTH(values), CAPACITY);
  join(list);
  return list;
}

/* The neighbours are as they were. */
static void end_one(polyshm_list *list) {
  assert_slot(list, 0, int_value(-1));
  assert_slot(list, 2, int_value(-2));
  assert_int_equal(slot_version(list, 0), 0);
  assert_int_equal(slot_version(list, 2), 0);
  assert_int_equal(count_claims(list), 0);
  end_list(list);
}

static const char zeros[CAPACITY + 1];

static const polyshm_value *all_values(size_t *out_count) {
  static polyshm_value values[22];
  size_t n = 0;
  values[n++] = none_value();
  values[n++] = bool_value(false);
  values[n++] = bool_value(true);
  values[n++] = int_value(0);
  values[n++] = int_value(-1);
  values[n++] = int_value(INT64_MIN);
  values[n++] = int_value(INT64_MAX);
  values[n++] = float_value(0);
  values[n++] = float_value(-0.0);
  values[n++] = float_value(5e-324);
  values[n++] = string_value("");
  values[n++] = string_value("a");
  values[n++] = string_value("eight888");
  values[n++] = string_value("nine99999");
  values[n++] = string_value("twenty-four bytes it has");
  values[n++] = bytes_value("", 0);
  values[n++] = bytes_value("\xff\xfe", 2);
  values[n++] = bytes_value("ends in zeros\0\0", 15);
  values[n++] = bytes_value("\0\0\0", 3);
  values[n++] = bytes_value("twenty-four bytes zero\0", CAPACITY);
  values[n++] = bytes_value(zeros, CAPACITY);
  values[n++] = bytes_value("0123456789abcdef", 16);
  *out_count = n;
  return values;
}

/* ------------------------------------------------------------------ setting */

static void item_takes_every_value_over_every_other(void **state) {
  (void)state;
  size_t nvalues;
  const polyshm_value *values = all_values(&nvalues);
  polyshm_list *list = make_one(none_value()), *other = open_again(list, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  uint64_t version = 0;
  for (size_t i = 0; i < nvalues; i++)
    for (size_t j = 0; j < nvalues; j++) {
      assert_ok(polyshm_list_set(list, 1, &values[i]));
      assert_slot(reader, 1, values[i]);
      assert_ok(polyshm_list_set(other, 1, &values[j]));
      assert_slot(list, 1, values[j]);
      assert_slot(other, 1, values[j]);
      assert_slot(reader, 1, values[j]);
      version += 2;
      assert_int_equal(slot_version(list, 1), version);
    }
  polyshm_list_free(reader);
  polyshm_list_free(other);
  end_one(list);
}

/* Nothing but the version tells that the slots are whole. */
static void item_leaves_the_bytes_that_stock_would(void **state) {
  (void)state;
  size_t nvalues;
  const polyshm_value *values = all_values(&nvalues);
  for (size_t i = 0; i < nvalues; i++)
    for (size_t j = 0; j < nvalues; j++) {
      polyshm_list *list = make_one(values[i]), *plain = NULL;
      size_t area = (size_t)pshm_layout_area(&list->layout);
      const char *name = fresh_name();
      make_file(name, list->block->map.address, area);
      assert_ok(polyshm_list_open(name, 0, &plain));
      assert_ok(polyshm_list_set(list, 1, &values[j]));
      assert_ok(polyshm_list_set(plain, 1, &values[j]));
      assert_memory_equal(
          list->block->map.address, plain->block->map.address, area);
      end_list(plain);
      end_one(list);
    }
}

static void item_refuses_what_does_not_fit(void **state) {
  (void)state;
  polyshm_list *list = make_one(string_value("old"));
  const polyshm_value too_long[] = {
      string_value("twenty-five bytes it has."), bytes_value(zeros, 25),
      text_value(zeros, 25)};
  void *image = take_image(list);
  for (size_t i = 0; i < LENGTH(too_long); i++)
    assert_failure(
        polyshm_list_set(list, 1, &too_long[i]), POLYSHM_E_SPACE, 0,
        "25 bytes do not fit slot 1, which holds 24");
  check_image(list, image);
  end_one(list);
}

static void item_failures_of_set_change_nothing(void **state) {
  (void)state;
  polyshm_list *list = make_one(int_value(5));
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  polyshm_list *closed = open_again(list, 0);
  assert_ok(polyshm_list_close(closed));
  const polyshm_value good = int_value(6), no_text = string_value("\xff");
  const polyshm_value no_type = {.type = 77};
  void *image = take_image(list);
  assert_fails(polyshm_list_set(NULL, 1, &good), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_set(list, 1, NULL), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_set(list, 1, &no_text), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_set(list, 1, &no_type), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_set(list, 3, &good), POLYSHM_E_RANGE);
  assert_fails(polyshm_list_set(list, UINT64_MAX, &good), POLYSHM_E_RANGE);
  assert_fails(polyshm_list_set(reader, 1, &good), POLYSHM_E_ACCESS);
  assert_fails(polyshm_list_set(closed, 1, &good), POLYSHM_E_CLOSED);
  check_image(list, image);
  polyshm_list_free(closed);
  polyshm_list_free(reader);
  end_one(list);
}

/* ----------------------------------------------------------------- counting */

static void item_adds(void **state) {
  (void)state;
  static const struct {
    int64_t before, delta, after;
  } cases[] = {
      {0, 0, 0},
      {0, 1, 1},
      {1, -1, 0},
      {-5, 3, -2},
      {INT64_MAX, 0, INT64_MAX},
      {INT64_MAX - 1, 1, INT64_MAX},
      {INT64_MAX, -1, INT64_MAX - 1},
      {INT64_MAX, INT64_MIN, -1},
      {INT64_MIN, 0, INT64_MIN},
      {INT64_MIN + 1, -1, INT64_MIN},
      {INT64_MIN, 1, INT64_MIN + 1},
      {INT64_MIN, INT64_MAX, -1},
      {0, INT64_MIN, INT64_MIN},
      {0, INT64_MAX, INT64_MAX},
      {-1, INT64_MIN + 1, INT64_MIN},
  };
  polyshm_list *list = make_one(none_value()), *other = open_again(list, 0);
  for (size_t i = 0; i < LENGTH(cases); i++) {
    int64_t after = ~cases[i].after;
    set_int(list, 1, cases[i].before);
    uint64_t version = slot_version(list, 1);
    assert_ok(polyshm_list_add(other, 1, cases[i].delta, &after));
    assert_true(after == cases[i].after);
    assert_slot(list, 1, int_value(cases[i].after));
    assert_int_equal(slot_version(list, 1), version + 1);
  }
  polyshm_list_free(other);
  end_one(list);
}

static void item_does_not_overflow(void **state) {
  (void)state;
  static const struct {
    int64_t before, delta;
  } cases[] = {
      {INT64_MAX, 1},
      {1, INT64_MAX},
      {INT64_MAX, INT64_MAX},
      {INT64_MIN, -1},
      {-1, INT64_MIN},
      {INT64_MIN, INT64_MIN},
      {INT64_MAX / 2 + 1, INT64_MAX / 2 + 1},
  };
  polyshm_list *list = make_one(none_value());
  for (size_t i = 0; i < LENGTH(cases); i++) {
    int64_t after = 77;
    set_int(list, 1, cases[i].before);
    void *image = take_image(list);
    assert_failure(
        polyshm_list_add(list, 1, cases[i].delta, &after), POLYSHM_E_SPACE, 0,
        "leaves the int64");
    assert_int_equal(after, 77);
    check_image(list, image);
  }
  end_one(list);
}

static void item_swaps_what_is_expected(void **state) {
  (void)state;
  static const int64_t numbers[] = {0, 1, -1, INT64_MIN, INT64_MAX};
  polyshm_list *list = make_one(none_value()), *other = open_again(list, 0);
  join(other);
  for (size_t i = 0; i < LENGTH(numbers); i++)
    for (size_t j = 0; j < LENGTH(numbers); j++)
      for (size_t k = 0; k < LENGTH(numbers); k++) {
        int64_t held = numbers[i], expected = numbers[j], desired = numbers[k];
        int64_t before = ~held;
        set_int(list, 1, held);
        void *image = take_image(list);
        uint64_t version = slot_version(list, 1);
        assert_ok(polyshm_list_swap(other, 1, expected, desired, &before));
        assert_true(before == held);
        if (held != expected)
          check_image(list, image);
        else {
          free(image);
          assert_slot(list, 1, int_value(desired));
          assert_int_equal(slot_version(list, 1), version + 1);
        }
      }
  polyshm_list_free(other);
  end_one(list);
}

static void item_counts_ints_only(void **state) {
  (void)state;
  const polyshm_value others[] = {
      none_value(),       bool_value(true),
      bool_value(false),  float_value(1),
      string_value(""),   string_value("1"),
      bytes_value("", 0), bytes_value("\1\0\0\0\0\0\0\0", 8)};
  for (size_t i = 0; i < LENGTH(others); i++) {
    polyshm_list *list = make_one(others[i]);
    int64_t number = 77;
    void *image = take_image(list);
    assert_failure(
        polyshm_list_add(list, 1, 1, &number), POLYSHM_E_TYPE, 0,
        "slot 1 holds no int");
    assert_failure(
        polyshm_list_swap(list, 1, 1, 2, &number), POLYSHM_E_TYPE, 0,
        "slot 1 holds no int");
    assert_int_equal(number, 77);
    check_image(list, image);
    set_int(list, 1, 5);
    assert_ok(polyshm_list_add(list, 1, 1, &number));
    assert_int_equal(number, 6);
    end_one(list);
  }
}

static void item_counts_nothing_damaged(void **state) {
  (void)state;
  polyshm_list *list = make_one(int_value(5));
  int64_t number = 77;
  pshm_slot at = slot_at(list, 1);
  for (int i = 0; i < 2; i++) {
    if (i == 0)
      pshm_word_store(at.format, 0x72);
    else
      atomic_store(at.code, 9);
    void *image = take_image(list);
    assert_fails(polyshm_list_add(list, 1, 1, &number), POLYSHM_E_CORRUPT);
    assert_fails(polyshm_list_swap(list, 1, 5, 6, &number), POLYSHM_E_CORRUPT);
    check_image(list, image);
    pshm_word_store(at.format, PSHM_FORMAT_INT);
  }
  atomic_store(at.code, 0);
  uint64_t begin = pshm_word_load(list->layout.offsets + 1);
  static const uint64_t offsets[] = {1, 4, 8 * 9, 1 << 20, UINT64_MAX - 7};
  for (size_t i = 0; i < LENGTH(offsets); i++) {
    pshm_word_store(list->layout.offsets + 1, offsets[i]);
    assert_fails(polyshm_list_add(list, 1, 1, &number), POLYSHM_E_CORRUPT);
    assert_fails(polyshm_list_swap(list, 1, 5, 6, &number), POLYSHM_E_CORRUPT);
  }
  pshm_word_store(list->layout.offsets + 1, begin);
  assert_int_equal(number, 77);
  assert_slot(list, 1, int_value(5));
  end_one(list);
}

static void item_failures_of_counting_change_nothing(void **state) {
  (void)state;
  polyshm_list *list = make_one(int_value(5));
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  polyshm_list *closed = open_again(list, 0);
  assert_ok(polyshm_list_close(closed));
  const struct {
    polyshm_list *list;
    uint64_t index;
    polyshm_status status;
  } cases[] = {
      {NULL, 1, POLYSHM_E_INVALID},        {list, 3, POLYSHM_E_RANGE},
      {list, UINT64_MAX, POLYSHM_E_RANGE}, {reader, 1, POLYSHM_E_ACCESS},
      {closed, 1, POLYSHM_E_CLOSED},
  };
  int64_t number = 77;
  void *image = take_image(list);
  for (size_t i = 0; i < LENGTH(cases); i++) {
    assert_fails(
        polyshm_list_add(cases[i].list, cases[i].index, 1, &number),
        cases[i].status);
    assert_fails(
        polyshm_list_swap(cases[i].list, cases[i].index, 5, 6, &number),
        cases[i].status);
  }
  assert_fails(polyshm_list_add(list, 1, 1, NULL), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_swap(list, 1, 5, 6, NULL), POLYSHM_E_INVALID);
  assert_int_equal(number, 77);
  check_image(list, image);
  polyshm_list_free(closed);
  polyshm_list_free(reader);
  end_one(list);
}

/* ----------------------------------------------------------------- versions */

static void item_versions_count_changes(void **state) {
  (void)state;
  polyshm_list *list = make_one(none_value());
  char buffer[3 * CAPACITY];
  polyshm_value values[3];
  uint32_t recovered;
  uint64_t index;
  int64_t number;
  const polyshm_value nine = int_value(9);
  assert_int_equal(list_version(list), 0);
  set_string(list, 1, "a");
  set_string(list, 1, "a"); /* an equal value is a change, too */
  set_int(list, 1, 5);
  set_int(list, 1, 5);
  assert_ok(polyshm_list_add(list, 1, 0, &number));
  assert_ok(polyshm_list_swap(list, 1, 5, 5, &number));
  assert_int_equal(slot_version(list, 1), 6);
  assert_int_equal(list_version(list), 6);

  assert_ok(polyshm_list_swap(list, 1, 6, 7, &number));
  assert_slot(list, 1, int_value(5));
  assert_fails(polyshm_list_find(list, 0, &nine, &index), POLYSHM_E_NOT_FOUND);
  assert_ok(polyshm_list_snapshot(list, 0, 3, buffer, sizeof buffer, values));
  assert_ok(polyshm_list_lock(list, 0, &recovered));
  assert_ok(polyshm_list_unlock(list));
  assert_ok(polyshm_list_timeout(list, 0));
  assert_int_equal(slot_version(list, 1), 6);
  assert_int_equal(list_version(list), 6);
  set_int(list, 0, -1);
  assert_int_equal(list_version(list), 7);
  atomic_store(sequence_at(list, 0), 0);
  end_one(list);
}

/* ------------------------------------------------------------------ reading */

static void item_is_unchanged_until_it_changes(void **state) {
  (void)state;
  polyshm_list *list = make_one(int_value(5)), *other = open_again(list, 0);
  uint32_t alive = join(other);
  pshm_item_state seen = {0};
  polyshm_value value;
  assert_ok(pshm_item_read(list, 1, NULL, 0, &value, &seen));
  assert_true(pshm_item_is_unchanged(list, 1, &seen));
  atomic_fetch_or(sequence_at(list, 1), PSHM_SEQUENCE_WAITED);
  assert_true(pshm_item_is_unchanged(list, 1, &seen));
  set_int(list, 1, 5);
  assert_false(pshm_item_is_unchanged(list, 1, &seen));

  /* Locked in place: the word stays, the number does not. */
  lock_slot(list, 1, 0, alive);
  assert_ok(pshm_item_read(list, 1, NULL, 0, &value, &seen));
  assert_true(pshm_item_is_unchanged(list, 1, &seen));
  pshm_word_store(slot_at(list, 1).data, 6);
  assert_false(pshm_item_is_unchanged(list, 1, &seen));
  assert_ok(pshm_item_read(list, 1, NULL, 0, &value, &seen));
  assert_int_equal(value.of.i, 6);
  release_slot(list, 1);
  assert_false(pshm_item_is_unchanged(list, 1, &seen));

  /* With a record, the number changes while it stays the same value. */
  put_record(list, 0, alive, 1, int_value(7));
  lock_slot(list, 1, 1, alive);
  assert_ok(pshm_item_read(list, 1, NULL, 0, &value, &seen));
  assert_int_equal(value.of.i, 7);
  pshm_word_store(slot_at(list, 1).data, 7);
  assert_true(pshm_item_is_unchanged(list, 1, &seen));
  release_slot(list, 1);
  assert_false(pshm_item_is_unchanged(list, 1, &seen));
  pshm_record_release(list, 0);
  polyshm_list_free(other);
  end_one(list);
}

/* Who may write takes its turn; who may not is told. */
static void item_that_never_rests_is_read_in_turn(void **state) {
  (void)state;
  char *text = malloc(RESTLESS_SIZE), *buffer = malloc(RESTLESS_SIZE);
  memset(text, 'x', RESTLESS_SIZE);
  const polyshm_value large = bytes_value(text, RESTLESS_SIZE);
  polyshm_list *list = make_list(&large, 1, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  assert_ok(polyshm_list_timeout(list, POLYSHM_FOREVER));
  assert_ok(polyshm_list_timeout(reader, 5 * MILLISECOND));
  make_restless(list, 0);
  polyshm_value value;
  polyshm_status status =
      polyshm_list_get(list, 0, buffer, RESTLESS_SIZE, &value);
  assert_int_equal(status, POLYSHM_OK);
  assert_true(same_value(&value, &large));
  value = none_value();
  status = polyshm_list_get(reader, 0, buffer, RESTLESS_SIZE, &value);
  end_restless();
  if (status == POLYSHM_OK) /* it may have been lucky */
    assert_true(same_value(&value, &large));
  else {
    assert_int_equal(status, POLYSHM_E_TIMEOUT);
    assert_message("slot 0 is overwritten faster than it can be copied");
    assert_int_equal(value.type, POLYSHM_NONE);
  }
  assert_false(pshm_sequence_is_locked(atomic_load(sequence_at(list, 0))));
  polyshm_list_free(reader);
  end_list(list);
  free(text);
  free(buffer);
}

/* Looks at a slot as long as that are few in a second: time counts, too. */
static void item_that_never_rests_is_not_searched_for_ever(void **state) {
  (void)state;
  enum { SIZE = 8 * RESTLESS_SIZE }; /* no look is quicker than a change */
  char *text = malloc(SIZE);
  memset(text, 'x', SIZE);
  const polyshm_value large = bytes_value(text, SIZE);
  polyshm_list *list = make_list(&large, 1, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  assert_ok(polyshm_list_timeout(reader, 5 * MILLISECOND));
  make_restless(list, 0);
  uint64_t index = 77;
  polyshm_status status = polyshm_list_find(reader, 0, &large, &index);
  end_restless();
  assert_int_equal(status, POLYSHM_E_TIMEOUT);
  assert_message("slot 0 is overwritten faster than it can be copied");
  assert_int_equal(index, 77);
  polyshm_list_free(reader);
  end_list(list);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(item_takes_every_value_over_every_other),
      cmocka_unit_test(item_leaves_the_bytes_that_stock_would),
      cmocka_unit_test(item_refuses_what_does_not_fit),
      cmocka_unit_test(item_failures_of_set_change_nothing),
      cmocka_unit_test(item_adds),
      cmocka_unit_test(item_does_not_overflow),
      cmocka_unit_test(item_swaps_what_is_expected),
      cmocka_unit_test(item_counts_ints_only),
      cmocka_unit_test(item_counts_nothing_damaged),
      cmocka_unit_test(item_failures_of_counting_change_nothing),
      cmocka_unit_test(item_versions_count_changes),
      cmocka_unit_test(item_is_unchanged_until_it_changes),
      cmocka_unit_test(item_that_never_rests_is_read_in_turn),
      cmocka_unit_test(item_that_never_rests_is_not_searched_for_ever),
  };
  return run_group(tests);
}
