/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include "support.h"

#include <stdlib.h>

/* Encode a code point by the definition; the length. */
static size_t encode(uint32_t point, unsigned char bytes[4]) {
  if (point < 0x80) {
    bytes[0] = (unsigned char)point;
    return 1;
  }
  size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i > 0; i--, point >>= 6)
    bytes[i] = (unsigned char)(0x80 | (point & 0x3f));
  bytes[0] = (unsigned char)((0xf00 >> length & 0xff) | point);
  return length;
}

/* Whether three bytes or fewer are UTF-8, and four with a common end: the
 * sequence is what the definition makes of the code point it stands for. */
static bool is_sequence(const unsigned char *bytes, size_t length) {
  unsigned char again[4];
  uint32_t point = 0;
  if (length == 1)
    return bytes[0] < 0x80;
  static const unsigned char lead[] = {0, 0, 0x1f, 0x0f, 0x07};
  point = bytes[0] & lead[length];
  for (size_t i = 1; i < length; i++)
    point = point << 6 | (bytes[i] & 0x3f);
  if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
    return false;
  return encode(point, again) == length && memcmp(bytes, again, length) == 0;
}

static bool expected(const unsigned char *bytes, size_t nbytes) {
  for (size_t i = 0; i < nbytes;) {
    size_t length = 1;
    while (length <= 4 && i + length <= nbytes &&
           !is_sequence(bytes + i, length))
      length++;
    if (length > 4 || i + length > nbytes)
      return false;
    i += length;
  }
  return true;
}

static void utf8_accepts_every_character(void **state) {
  (void)state;
  for (uint32_t point = 0; point <= 0x110000; point++) {
    unsigned char bytes[4];
    size_t length = encode(point, bytes);
    bool is_character =
        !(point >= 0xd800 && point <= 0xdfff) && point <= 0x10ffff;
    if (pshm_utf8_check(bytes, length) != is_character)
      fail_msg("U+%04X", (unsigned)point);
    if (is_character && pshm_utf8_count(bytes, length) != 1)
      fail_msg("U+%04X is not one", (unsigned)point);
  }
}

static void utf8_judges_all_short_sequences(void **state) {
  (void)state;
  for (uint32_t word = 0; word < 0x1000000; word++) {
    unsigned char bytes[] = {
        (unsigned char)word, (unsigned char)(word >> 8),
        (unsigned char)(word >> 16)};
    /* ASCII in front is the same as nothing in front. */
    if (bytes[0] < 0x80 && bytes[0] != 'a')
      continue;
    for (size_t length = 1; length <= 3; length++)
      if (pshm_utf8_check(bytes, length) != expected(bytes, length))
        fail_msg("%02x %02x %02x", bytes[0], bytes[1], bytes[2]);
  }
}

static void utf8_judges_sequences_of_four(void **state) {
  (void)state;
  static const unsigned char ends[] = {0x00, 0x41, 0x7f, 0x80,
                                       0xbf, 0xc0, 0xe0, 0xff};
  for (unsigned first = 0xe0; first <= 0xff; first++)
    for (unsigned second = 0; second <= 0xff; second++)
      for (size_t i = 0; i < LENGTH(ends) * LENGTH(ends); i++) {
        unsigned char bytes[] = {
            (unsigned char)first, (unsigned char)second, ends[i / LENGTH(ends)],
            ends[i % LENGTH(ends)]};
        if (pshm_utf8_check(bytes, 4) != expected(bytes, 4))
          fail_msg(
              "%02x %02x %02x %02x", bytes[0], bytes[1], bytes[2], bytes[3]);
      }
}

/* Eight bytes at a time must not make a difference, and no byte beyond the end
 * may be read. */
static void utf8_is_the_same_at_every_place(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool is_utf8;
  } cases[] = {
      {"é", true},     {"€", true},         {"😀", true},
      {"\xc3", false}, {"\xe2\x82", false}, {"\xf0\x9f\x98", false},
      {"\xff", false}, {"\x80", false},     {"\xc3\xa9\xc3", false},
  };
  for (size_t i = 0; i < LENGTH(cases); i++)
    for (size_t before = 0; before <= 20; before++)
      for (size_t after = 0; after <= 20; after++) {
        size_t length = strlen(cases[i].text);
        unsigned char *bytes = malloc(before + length + after);
        memset(bytes, 'a', before + length + after);
        memcpy(bytes + before, cases[i].text, length);
        bool is_utf8 = pshm_utf8_check(bytes, before + length + after);
        free(bytes);
        assert_int_equal(is_utf8, cases[i].is_utf8);
      }
}

static void utf8_accepts_nothing_and_zeros(void **state) {
  (void)state;
  assert_true(pshm_utf8_check(NULL, 0));
  assert_true(pshm_utf8_check("\0\0\0\0\0\0\0\0\0", 9));
}

static void utf8_counts_characters(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint64_t characters;
  } cases[] = {
      {"", 0},       {"abc", 3}, {"é", 1},        {"encodés", 7},
      {"日本語", 3}, {"😀a😀", 3}, {"e\xcc\x81", 2} /* a combining accent is a
                                                     character, as in Python */
  };
  for (size_t i = 0; i < LENGTH(cases); i++)
    assert_int_equal(
        pshm_utf8_count(cases[i].text, strlen(cases[i].text)),
        cases[i].characters);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(utf8_accepts_every_character),
      cmocka_unit_test(utf8_judges_all_short_sequences),
      cmocka_unit_test(utf8_judges_sequences_of_four),
      cmocka_unit_test(utf8_is_the_same_at_every_place),
      cmocka_unit_test(utf8_accepts_nothing_and_zeros),
      cmocka_unit_test(utf8_counts_characters),
  };
  return run_group(tests);
}
