/* SPDX-License-Identifier: MIT */
#include "shm/exact.h"

#include "states.h"

enum { CAPACITY = 24 };

static const unsigned char letters[CAPACITY + 1] = "abcdefghijklmnopqrstuvwx";

static polyshm_list *make_strings(uint64_t nslots) {
  polyshm_value values[4] = {
      string_value(""), string_value(""), string_value(""), string_value("")};
  return make_list(values, nslots, CAPACITY);
}

static pshm_word *exact_at(const polyshm_list *list, uint64_t index) {
  return list->trailer.exacts + index;
}

/* ------------------------------------------------------------- the number */

static void exact_is_zero_without_zeros(void **state) {
  (void)state;
  for (uint64_t size = 0; size <= CAPACITY; size++)
    assert_int_equal(pshm_exact_make(letters, size), 0);
  assert_int_equal(pshm_exact_make((const unsigned char *)"\0\0\0a", 4), 0);
}

static void exact_remembers_every_length(void **state) {
  (void)state;
  unsigned char text[CAPACITY];
  for (uint64_t used = 0; used < CAPACITY; used++)
    for (uint64_t size = used + 1; size <= CAPACITY; size++) {
      memset(text, 0, sizeof text);
      memcpy(text, letters, used);
      uint64_t exact = pshm_exact_make(text, size);
      assert_int_equal(exact >> 32, size);
      assert_int_equal(pshm_exact_length(exact, text, used, CAPACITY), size);
      assert_int_equal(pshm_exact_length(exact, text, used, size), size);
      if (size - 1 > used)
        assert_int_equal(pshm_exact_length(exact, text, used, size - 1), used);
    }
}

/* Each other text of the same length has another checksum. */
static void exact_notices_every_changed_byte(void **state) {
  (void)state;
  unsigned char text[CAPACITY + 2] = {0};
  for (uint64_t used = 1; used <= CAPACITY; used++) {
    memcpy(text, letters, used);
    uint64_t exact = pshm_exact_make(text, used + 2);
    for (uint64_t i = 0; i < used; i++)
      for (unsigned bit = 0; bit < 8; bit++) {
        text[i] ^= (unsigned char)(1u << bit);
        assert_int_equal(
            pshm_exact_length(exact, text, used, sizeof text), used);
        text[i] ^= (unsigned char)(1u << bit);
      }
    assert_int_equal(
        pshm_exact_length(exact, text, used - 1, sizeof text), used - 1);
    assert_int_equal(
        pshm_exact_length(exact, text, used, sizeof text), used + 2);
  }
}

/* ----------------------------------------------------------------- in lists */

/* Only this value is found, and not one with more or fewer zeros. */
static void check_found(
    const polyshm_list *list, const polyshm_value *stored, uint64_t used) {
  unsigned char text[CAPACITY + 1] = {0};
  memcpy(text, stored->of.p, used);
  for (uint64_t size = 0; size <= CAPACITY + 1; size++) {
    polyshm_value sought = *stored;
    sought.of.p = text;
    sought.size = size;
    bool same = size == stored->size;
    uint64_t index = 7;
    for (int i = 0; i < 2; i++) {
      assert_int_equal(
          polyshm_list_find(list, 0, &sought, &index),
          same ? POLYSHM_OK : POLYSHM_E_NOT_FOUND);
      sought.type = POLYSHM_TEXT;
    }
    assert_int_equal(index, same ? 0 : 7);
  }
}

static void check_all_lengths(int32_t type) {
  polyshm_list *list = make_strings(1), *other = open_again(list, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  unsigned char text[CAPACITY];
  for (uint64_t used = 0; used <= CAPACITY; used++)
    for (uint64_t size = used; size <= CAPACITY; size++) {
      memset(text, 0, sizeof text);
      memcpy(text, letters, used);
      polyshm_value value = {.type = type, .of.p = text, .size = size};
      assert_ok(polyshm_list_set(list, 0, &value));
      if (type == POLYSHM_TEXT)
        value.type = POLYSHM_STRING;
      assert_slot(list, 0, value);
      assert_slot(other, 0, value);
      assert_slot(reader, 0, value);
      check_found(other, &value, used);
    }
  polyshm_list_free(reader);
  polyshm_list_free(other);
  end_list(list);
}

static void exact_keeps_zeros_of_strings(void **state) {
  (void)state;
  check_all_lengths(POLYSHM_STRING);
}

static void exact_keeps_zeros_of_bytes(void **state) {
  (void)state;
  check_all_lengths(POLYSHM_BYTES);
}

static void exact_keeps_zeros_of_texts(void **state) {
  (void)state;
  check_all_lengths(POLYSHM_TEXT);
}

static void exact_keeps_zeros_of_new_lists(void **state) {
  (void)state;
  const polyshm_value values[] = {
      bytes_value("\0", 1), bytes_value("ab\0\0", 4),
      bytes_value("\0\0\0\0\0\0\0\0\0", 9), string_value("none")};
  polyshm_list *list = make_list(values, LENGTH(values), 0);
  polyshm_list *other = open_again(list, 0);
  for (size_t i = 0; i < LENGTH(values); i++) {
    assert_slot(list, i, values[i]);
    assert_slot(other, i, values[i]);
  }
  polyshm_list_free(other);
  end_list(list);
}

static void exact_is_gone_with_the_value(void **state) {
  (void)state;
  polyshm_list *list = make_strings(1);
  const polyshm_value zeros = bytes_value("ab\0\0", 4);
  const polyshm_value others[] = {
      int_value(0x6261), none_value(), bool_value(false), float_value(0),
      string_value("ab")};
  for (size_t i = 0; i < LENGTH(others); i++) {
    assert_ok(polyshm_list_set(list, 0, &zeros));
    assert_int_not_equal(pshm_word_load(exact_at(list, 0)), 0);
    assert_ok(polyshm_list_set(list, 0, &others[i]));
    assert_int_equal(pshm_word_load(exact_at(list, 0)), 0);
    assert_slot(list, 0, others[i]);
  }
  end_list(list);
}

/* The zeros count: they have to fit, and how many bytes are needed is told. */
static void exact_zeros_need_room(void **state) {
  (void)state;
  polyshm_list *list = make_strings(1);
  const polyshm_value value = bytes_value("ab\0\0\0", 5);
  assert_ok(polyshm_list_set(list, 0, &value));
  char buffer[9];
  for (uint64_t capacity = 0; capacity <= 8; capacity++) {
    polyshm_value found = int_value(7);
    memset(buffer, '#', sizeof buffer);
    if (capacity < 5) {
      assert_failure(
          polyshm_list_get(list, 0, buffer, capacity, &found), POLYSHM_E_SPACE,
          0, capacity < 2 ? "the buffer" : "holds 5 bytes");
      assert_int_equal(found.type, POLYSHM_INT);
    } else {
      assert_ok(polyshm_list_get(list, 0, buffer, capacity, &found));
      assert_true(same_value(&found, &value));
    }
    for (uint64_t i = capacity; i < sizeof buffer; i++)
      assert_int_equal(buffer[i], '#');
  }
  unsigned char long_text[CAPACITY + 1] = "a";
  polyshm_value longer = bytes_value(long_text, CAPACITY + 1);
  assert_fails(polyshm_list_set(list, 0, &longer), POLYSHM_E_SPACE);
  assert_slot(list, 0, value);
  end_list(list);
}

/* ------------------------------------------------------- stock overwrites it
 */

/* As struct.pack_into and the setters of ShareableList do. */
static void store_as_stock(
    const polyshm_list *list, const void *text, size_t size, char code) {
  pshm_slot at = slot_at(list, 0);
  memset((void *)at.data, 0, CAPACITY);
  memcpy((void *)at.data, text, size);
  memcpy((void *)at.format, "24s\0\0\0\0", 8);
  memcpy((void *)at.code, &code, 1);
}

static void exact_notices_stock_writers(void **state) {
  (void)state;
  static const char *texts[] = {"",
                                "a",
                                "ab\1",
                                "ac",
                                "b",
                                "abc",
                                "an unrelated long text..",
                                "abcdefgh",
                                "A",
                                "\1\2",
                                "bbbbbbbb"};
  polyshm_list *list = make_strings(1);
  const polyshm_value zeros = bytes_value("ab\0\0\0", 5);
  for (size_t i = 0; i < LENGTH(texts); i++)
    for (char code = 1; code <= 2; code++) {
      uint64_t index;
      assert_ok(polyshm_list_set(list, 0, &zeros));
      store_as_stock(list, texts[i], strlen(texts[i]), code);
      polyshm_value value = string_value(texts[i]);
      value.type = code == 1 ? POLYSHM_STRING : POLYSHM_BYTES;
      assert_slot(list, 0, value);
      assert_ok(polyshm_list_find(list, 0, &value, &index));
      assert_fails(
          polyshm_list_find(list, 0, &zeros, &index), POLYSHM_E_NOT_FOUND);
    }
  end_list(list);
}

/* Nothing tells that it was stored again, and whose zeros they are. */
static void exact_cannot_notice_the_same_bytes(void **state) {
  (void)state;
  polyshm_list *list = make_strings(1);
  const polyshm_value zeros = bytes_value("ab\0\0\0", 5);
  assert_ok(polyshm_list_set(list, 0, &zeros));
  store_as_stock(list, "ab", 2, 2);
  assert_slot(list, 0, zeros);
  end_list(list);
}

static void exact_does_not_concern_stock_numbers(void **state) {
  (void)state;
  polyshm_list *list = make_strings(1);
  const polyshm_value zeros = bytes_value("a\0\0\0\0", 5);
  assert_ok(polyshm_list_set(list, 0, &zeros));
  store_as_stock(list, "a", 1, 0);
  memcpy((void *)slot_at(list, 0).format, "q\0\0\0\0\0\0", 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  assert_slot(list, 0, int_value('a'));
#endif
  int64_t before;
  assert_ok(polyshm_list_swap(list, 0, 'a', 5, &before));
  assert_ok(polyshm_list_add(list, 0, 1, &before));
  end_list(list);
}

/* ------------------------------------------------------------------- forged */

static void exact_forged_is_harmless(void **state) {
  (void)state;
  polyshm_list *list = make_strings(2);
  const polyshm_value zeros = bytes_value("ab\0\0\0", 5);
  assert_ok(polyshm_list_set(list, 0, &zeros));
  uint32_t checksum = (uint32_t)pshm_word_load(exact_at(list, 0));
  static const uint64_t lengths[] = {
      0,
      1,
      2,
      3,
      CAPACITY - 1,
      CAPACITY,
      CAPACITY + 1,
      CAPACITY + 8,
      1 << 20,
      INT32_MAX,
      UINT32_MAX};
  for (size_t i = 0; i < LENGTH(lengths); i++)
    for (int is_right = 0; is_right <= 1; is_right++) {
      uint64_t exact = lengths[i] << 32 | (is_right ? checksum : ~checksum);
      pshm_word_store(exact_at(list, 0), exact);
      unsigned char text[CAPACITY] = "ab";
      uint64_t size =
          is_right && lengths[i] > 2 && lengths[i] <= CAPACITY ? lengths[i] : 2;
      polyshm_value value = bytes_value(text, size);
      assert_slot(list, 0, value);
      uint64_t index = 7;
      assert_ok(polyshm_list_find(list, 0, &value, &index));
      char small[2];
      assert_int_equal(
          polyshm_list_get(list, 0, small, 2, &value),
          size == 2 ? POLYSHM_OK : POLYSHM_E_SPACE);
    }
  end_list(list);
}

/* Stock's text that fills the slot has no room for zeros. */
static void exact_of_a_full_slot_is_none(void **state) {
  (void)state;
  polyshm_list *list = make_strings(1);
  store_as_stock(list, letters, CAPACITY, 1);
  for (uint64_t length = 0; length <= CAPACITY + 1; length++) {
    pshm_word_store(exact_at(list, 0), length << 32);
    assert_slot(list, 0, string_value((const char *)letters));
  }
  end_list(list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exact_is_zero_without_zeros),
      cmocka_unit_test(exact_remembers_every_length),
      cmocka_unit_test(exact_notices_every_changed_byte),
      cmocka_unit_test(exact_keeps_zeros_of_strings),
      cmocka_unit_test(exact_keeps_zeros_of_bytes),
      cmocka_unit_test(exact_keeps_zeros_of_texts),
      cmocka_unit_test(exact_keeps_zeros_of_new_lists),
      cmocka_unit_test(exact_is_gone_with_the_value),
      cmocka_unit_test(exact_zeros_need_room),
      cmocka_unit_test(exact_notices_stock_writers),
      cmocka_unit_test(exact_cannot_notice_the_same_bytes),
      cmocka_unit_test(exact_does_not_concern_stock_numbers),
      cmocka_unit_test(exact_forged_is_harmless),
      cmocka_unit_test(exact_of_a_full_slot_is_none),
  };
  return run_group(tests);
}
