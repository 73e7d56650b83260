/* SPDX-License-Identifier: MIT */
#include "shm/slot.h"

#include "support.h"

#include <math.h>
#include <stdlib.h>

/* A list of three slots in memory of exactly its size. The middle one is used,
 * the others tell whether it keeps to itself. */
enum { SLOTS = 3, MIDDLE = 1 };

typedef struct slots {
  pshm_layout layout;
  unsigned char *bytes;
  size_t size;
} slots;

static slots make_slots(uint64_t capacity) {
  uint64_t data_size = 8 + capacity + 8;
  slots made = {.size = (size_t)pshm_layout_size(SLOTS, data_size)};
  made.bytes = malloc(made.size);
  memset(made.bytes, 0, made.size);
  made.layout = pshm_layout_write(made.bytes, SLOTS, data_size);
  atomic_store(made.layout.offsets + 1, 8);
  atomic_store(made.layout.offsets + 2, 8 + capacity);
  atomic_store(made.layout.offsets + 3, data_size);
  polyshm_value value = int_value(-1);
  assert_ok(pshm_slot_write(&made.layout, 0, POLYSHM_INT, &value));
  assert_ok(pshm_slot_write(&made.layout, 2, POLYSHM_INT, &value));
  value = none_value();
  assert_ok(pshm_slot_write(&made.layout, MIDDLE, POLYSHM_NONE, &value));
  return made;
}

static void free_slots(slots *made) {
  free(made->bytes);
}

static unsigned char *data_of(const slots *made) {
  return (unsigned char *)made->layout.data + 8;
}

static unsigned char *format_of(const slots *made) {
  return (unsigned char *)(made->layout.formats + MIDDLE);
}

static unsigned char *code_of(const slots *made) {
  return (unsigned char *)(made->layout.codes + MIDDLE);
}

static void set_format(const slots *made, const char *text, unsigned code) {
  size_t length = strlen(text);
  memset(format_of(made), 0, 8);
  memcpy(format_of(made), text, length < 8 ? length : 8);
  *code_of(made) = (unsigned char)code;
}

static polyshm_status put(const slots *made, polyshm_value value) {
  return pshm_slot_write(&made->layout, MIDDLE, value.type, &value);
}

static void assert_reads(const slots *made, polyshm_value expected) {
  char buffer[64];
  polyshm_value value = {.type = -1, .reserved = 9, .size = 99};
  assert_ok(
      pshm_slot_read(&made->layout, MIDDLE, buffer, sizeof buffer, &value));
  assert_true(same_value(&value, &expected));
  assert_int_equal(value.reserved, 0);
}

static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

/* ------------------------------------------------------------------- size */

static void slot_size_is_that_of_stock(void **state) {
  (void)state;
  static const struct {
    uint64_t length, size;
  } cases[] = {{0, 8},   {1, 8},   {7, 8},   {8, 16},  {9, 16},
               {15, 16}, {16, 24}, {23, 24}, {24, 32}, {25, 32}};
  for (size_t i = 0; i < LENGTH(cases); i++) {
    polyshm_value value = bytes_value(letters, cases[i].length);
    assert_int_equal(pshm_slot_size(POLYSHM_BYTES, &value), cases[i].size);
    assert_int_equal(pshm_slot_size(POLYSHM_STRING, &value), cases[i].size);
  }
  polyshm_value value = none_value();
  assert_int_equal(pshm_slot_size(POLYSHM_NONE, &value), 8);
  assert_int_equal(pshm_slot_size(POLYSHM_BOOL, &value), 8);
  assert_int_equal(pshm_slot_size(POLYSHM_INT, &value), 8);
  assert_int_equal(pshm_slot_size(POLYSHM_FLOAT, &value), 8);
}

/* max(8 * (characters / 8 + 1), 8 * ceil(bytes / 8)) */
static void slot_size_never_cuts_text(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint64_t size;
  } cases[] = {
      {"é", 8},         {"encodés", 8},  /* 7 characters, 8 bytes */
      {"encodées", 16},                  /* 8 characters, 9 bytes */
      {"ééé", 8},       {"éééé", 8},     /* exactly full */
      {"ééééé", 16},    {"ééééééé", 16}, /* stock: 8, cut */
      {"éééééééé", 16}, {"0\xf0\x90\x80\x80\xf0\x90\x80\x80", 16},
      {"😀", 8},         {"😀😀", 8},
      {"😀😀😀😀😀😀😀", 32},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    polyshm_value value = string_value(cases[i].text);
    assert_int_equal(pshm_slot_size(POLYSHM_STRING, &value), cases[i].size);
    /* As bytes, they are so many bytes. */
    assert_int_equal(
        pshm_slot_size(POLYSHM_BYTES, &value), 8 * (value.size / 8 + 1));
  }
}

/* A size from memory that nobody initialised must not wrap into a small one,
 * and the text must not be read. */
static void slot_size_of_the_impossible_is_impossible(void **state) {
  (void)state;
  for (uint64_t less = 0; less <= 20; less++) {
    polyshm_value value = {.of.p = "x", .size = UINT64_MAX - less};
    assert_true(pshm_slot_size(POLYSHM_BYTES, &value) > POLYSHM_TEXT_MAX);
    assert_true(pshm_slot_size(POLYSHM_STRING, &value) > POLYSHM_TEXT_MAX);
  }
  polyshm_value value = {.of.p = "x", .size = POLYSHM_TEXT_MAX + 1};
  assert_true(pshm_slot_size(POLYSHM_STRING, &value) > POLYSHM_TEXT_MAX);
}

/* ---------------------------------------------------------------- writing */

static void slot_writes_what_stock_writes(void **state) {
  (void)state;
  static const unsigned char minus_two[8] = {0xfe, 0xff, 0xff, 0xff,
                                             0xff, 0xff, 0xff, 0xff};
  static const unsigned char one_half[8] = {0, 0, 0, 0, 0, 0, 0xe0, 0x3f};
  static const unsigned char truth[8] = {0, 0, 0, 0, 0, 0, 0, 1};
  static const unsigned char zeros[8] = {0};
  const struct {
    polyshm_value value;
    const char *format;
    unsigned code;
    const void *data;
  } cases[] = {
      {int_value(-2), "q\0\0\0\0\0\0", 0, minus_two},
      {float_value(0.5), "d\0\0\0\0\0\0", 0, one_half},
      {bool_value(true), "xxxxxxx?", 0, truth},
      {bool_value(false), "xxxxxxx?", 0, zeros},
      {none_value(), "xxxxxx?x", 3, zeros},
      {string_value("é"), "8s\0\0\0\0\0", 1, "é\0\0\0\0\0"},
      {bytes_value("\xff\0", 2), "8s\0\0\0\0\0", 2, "\xff\0\0\0\0\0\0"},
      {string_value(""), "8s\0\0\0\0\0", 1, zeros},
      {bytes_value("12345678", 8), "8s\0\0\0\0\0", 2, "12345678"},
  };
  /* From each type to each type. */
  for (size_t i = 0; i < LENGTH(cases); i++)
    for (size_t j = 0; j < LENGTH(cases); j++) {
      slots made = make_slots(8);
      assert_ok(put(&made, cases[i].value));
      assert_ok(put(&made, cases[j].value));
      assert_memory_equal(format_of(&made), cases[j].format, 8);
      assert_int_equal(*code_of(&made), cases[j].code);
      assert_memory_equal(data_of(&made), cases[j].data, 8);
      assert_reads(
          &made,
          cases[j].value.type != POLYSHM_BYTES || cases[j].value.size == 8
              ? cases[j].value
              : bytes_value("\xff", 1));
      free_slots(&made);
    }
}

static void slot_keeps_the_tail_behind_a_number(void **state) {
  (void)state;
  slots made = make_slots(24);
  assert_ok(put(&made, bytes_value(letters, 20)));
  assert_ok(put(&made, int_value(0)));
  assert_memory_equal(data_of(&made) + 8, letters + 8, 12);
  assert_memory_equal(format_of(&made), "q\0\0\0\0\0\0", 8);

  assert_ok(put(&made, string_value("z")));
  static const unsigned char zeros[23] = {0};
  assert_int_equal(*data_of(&made), 'z');
  assert_memory_equal(data_of(&made) + 1, zeros, 23);
  assert_memory_equal(format_of(&made), "24s\0\0\0\0", 8);
  free_slots(&made);
}

static void slot_takes_strings_of_every_length(void **state) {
  (void)state;
  slots made = make_slots(24);
  for (uint64_t size = 0; size <= 24; size++) {
    char *exact = malloc(size + 1); /* and not what comes after it */
    memcpy(exact, letters, size);
    exact[size] = '!';
    assert_ok(put(&made, bytes_value(exact, size)));
    assert_reads(&made, bytes_value(exact, size));
    free(exact);
  }
  free_slots(&made);
}

static void slot_refuses_what_is_too_long_and_keeps_the_old(void **state) {
  (void)state;
  slots made = make_slots(16);
  unsigned char *before = malloc(made.size);
  assert_ok(put(&made, int_value(77)));
  memcpy(before, made.bytes, made.size);
  static const uint64_t sizes[] = {
      17, 18, 24, POLYSHM_TEXT_MAX, POLYSHM_TEXT_MAX + 1, UINT64_MAX};
  for (size_t i = 0; i < LENGTH(sizes); i++) {
    assert_failure(
        put(&made, bytes_value(letters, sizes[i])), POLYSHM_E_SPACE, 0,
        "do not fit slot 1, which holds 16");
    assert_memory_equal(made.bytes, before, made.size);
  }
  free(before);
  free_slots(&made);
}

static void slot_writes_nowhere_else(void **state) {
  (void)state;
  const polyshm_value values[] = {
      none_value(),
      bool_value(true),
      int_value(INT64_MIN),
      float_value(0.1),
      string_value("sixteen bytes ok"),
      string_value(""),
      bytes_value("\xff", 1)};
  for (size_t i = 0; i < LENGTH(values); i++) {
    slots made = make_slots(16);
    unsigned char *before = malloc(made.size);
    memcpy(before, made.bytes, made.size);
    assert_ok(put(&made, values[i]));
    memcpy(data_of(&made), before + (data_of(&made) - made.bytes), 16);
    memcpy(format_of(&made), before + (format_of(&made) - made.bytes), 8);
    *code_of(&made) = before[code_of(&made) - made.bytes];
    assert_memory_equal(made.bytes, before, made.size);
    free(before);
    free_slots(&made);
  }
}

/* ---------------------------------------------------------------- reading */

static void slot_strips_zeros_at_the_end_only(void **state) {
  (void)state;
  slots made = make_slots(24);
  assert_ok(put(&made, bytes_value("a\0b\0\0", 5)));
  assert_reads(&made, bytes_value("a\0b", 3));
  assert_ok(put(&made, bytes_value("\0\0\0\0\0\0\0\0c", 9)));
  assert_reads(&made, bytes_value("\0\0\0\0\0\0\0\0c", 9));
  assert_ok(put(&made, bytes_value("\0", 1)));
  assert_reads(&made, bytes_value("", 0));
  free_slots(&made);
}

static void slot_reads_into_a_buffer_that_just_fits(void **state) {
  (void)state;
  slots made = make_slots(24);
  for (uint64_t size = 0; size <= 24; size++) {
    assert_ok(put(&made, bytes_value(letters, size)));
    for (uint64_t capacity = 0; capacity <= 24; capacity++) {
      char *buffer = malloc(capacity + 1);
      memset(buffer, '#', capacity + 1);
      polyshm_value value = {.type = -7};
      polyshm_status status =
          pshm_slot_read(&made.layout, MIDDLE, buffer, capacity, &value);
      if (size <= capacity) {
        assert_ok(status);
        assert_ptr_equal(value.of.p, buffer);
        assert_int_equal(value.size, size);
        assert_memory_equal(buffer, letters, size);
      } else {
        assert_fails(status, POLYSHM_E_SPACE);
        assert_int_equal(value.type, -7);
        for (uint64_t i = 0; i < capacity; i++)
          assert_int_equal(buffer[i], '#');
      }
      assert_int_equal(buffer[capacity], '#');
      free(buffer);
    }
  }
  assert_message("slot 1 holds 24 bytes, the buffer 23");
  free_slots(&made);
}

static void slot_reads_an_empty_string_without_a_buffer(void **state) {
  (void)state;
  slots made = make_slots(8);
  assert_ok(put(&made, string_value("")));
  polyshm_value value;
  assert_ok(pshm_slot_read(&made.layout, MIDDLE, NULL, 0, &value));
  assert_int_equal(value.size, 0);
  assert_non_null(value.of.p);
  free_slots(&made);
}

/* Widths below the slot's are no width that stock writes for us, but it keeps
 * them when it finds them. */
static void slot_reads_no_more_than_the_width(void **state) {
  (void)state;
  slots made = make_slots(24);
  memcpy(data_of(&made), letters, 24);
  for (unsigned width = 0; width <= 24; width++) {
    char format[16];
    snprintf(format, sizeof format, "%us", width);
    set_format(&made, format, 2);
    assert_reads(&made, bytes_value(letters, width));
    uint64_t index;
    polyshm_value sought = bytes_value(letters, width);
    assert_ok(pshm_slot_find(&made.layout, 0, &sought, &index));
    sought.size++;
    assert_fails(
        pshm_slot_find(&made.layout, 0, &sought, &index), POLYSHM_E_NOT_FOUND);
  }
  set_format(&made, "0000024s", 2);
  assert_reads(&made, bytes_value(letters, 24));

  /* Written again, the slot is whole again. */
  set_format(&made, "3s", 2);
  assert_ok(put(&made, bytes_value(letters, 24)));
  assert_memory_equal(format_of(&made), "24s\0\0\0\0", 8);
  free_slots(&made);
}

static void slot_reads_bools_and_none_as_stock_does(void **state) {
  (void)state;
  slots made = make_slots(8);
  memset(data_of(&made), 0xff, 7);
  set_format(&made, "xxxxxxx?", 0);
  data_of(&made)[7] = 0;
  assert_reads(&made, bool_value(false));
  data_of(&made)[7] = 0x80;
  assert_reads(&made, bool_value(true));
  set_format(&made, "xxxxxx?x", 3);
  assert_reads(&made, none_value());
  free_slots(&made);
}

static void slot_refuses_formats_that_no_list_has(void **state) {
  (void)state;
  static const struct {
    const char *format;
    unsigned code;
  } cases[] = {
      {"", 0},         {"", 1},         {"", 3},         {"Q", 0},
      {">q", 0},       {"<h", 0},       {"qq", 0},       {"q", 1},
      {"q", 2},        {"q", 3},        {"q", 4},        {"d", 3},
      {"d", 255},      {"xxxxxxx?", 3}, {"xxxxxx?x", 0}, {"xxxxxx?x", 1},
      {"8s", 0},       {"8s", 3},       {"8s", 4},       {"8s", 0x81},
      {"s", 1},        {"8", 1},        {"8sx", 1},      {"8s ", 1},
      {"+8s", 1},      {"-8s", 1},      {" 8s", 1},      {"8p", 1},
      {"9s", 1},       {"16s", 1},      {"9999999s", 1}, {"9999999s", 2},
      {"12345678", 1}, {"99999999", 2}, {"ssssssss", 1}, {"8S", 1},
      {"\xff\xff", 1}, {"7\0s", 1},
  };
  slots made = make_slots(8);
  for (size_t i = 0; i < LENGTH(cases); i++) {
    set_format(&made, cases[i].format, cases[i].code);
    char buffer[64] = "untouched";
    polyshm_value value = {.type = -7};
    assert_failure(
        pshm_slot_read(&made.layout, MIDDLE, buffer, sizeof buffer, &value),
        POLYSHM_E_CORRUPT, 0, "slot 1 has the format '");
    assert_int_equal(value.type, -7);
    assert_string_equal(buffer, "untouched");
    polyshm_value sought = string_value("x");
    uint64_t index = 99;
    assert_fails(
        pshm_slot_find(&made.layout, 0, &sought, &index), POLYSHM_E_CORRUPT);
    assert_int_equal(index, 99);

    /* It can be overwritten, for what it holds does not matter then. */
    assert_ok(put(&made, string_value("mended")));
    assert_reads(&made, string_value("mended"));
  }
  /* An s behind a zero is no string of width 7. */
  memcpy(format_of(&made), "7\0s\0\0\0\0", 8);
  *code_of(&made) = 1;
  polyshm_value value;
  assert_fails(
      pshm_slot_read(&made.layout, MIDDLE, NULL, 0, &value), POLYSHM_E_CORRUPT);
  free_slots(&made);
}

/* A message is for terminals and logs; what a stranger wrote is not. */
static void slot_shows_formats_printably(void **state) {
  (void)state;
  slots made = make_slots(8);
  set_format(&made, "\x1b[2J\n", 5);
  polyshm_value value;
  assert_fails(
      pshm_slot_read(&made.layout, MIDDLE, NULL, 0, &value), POLYSHM_E_CORRUPT);
  assert_message("'?[2J?' with code 5");
  free_slots(&made);
}

static void slot_checks_its_offsets(void **state) {
  (void)state;
  static const uint64_t wrong[][2] = {
      /* begin and end of the middle slot, whose data have 32 bytes */
      {8, 8},
      {16, 8},
      {8, 40},
      {8, 12},
      {4, 24},
      {8, UINT64_MAX},
      {8, UINT64_MAX - 7},
      {UINT64_MAX - 7, 24},
      {UINT64_MAX - 7, 0},
      {(uint64_t)1 << 63, ((uint64_t)1 << 63) + 8},
      {INT64_MAX, 24},
      {32, 40}};
  for (size_t i = 0; i < LENGTH(wrong); i++) {
    slots made = make_slots(16);
    atomic_store(made.layout.offsets + 1, wrong[i][0]);
    atomic_store(made.layout.offsets + 2, wrong[i][1]);
    unsigned char *before = malloc(made.size);
    memcpy(before, made.bytes, made.size);
    char buffer[64];
    polyshm_value value = int_value(1);
    uint64_t out = 99;
    assert_failure(
        pshm_slot_read(&made.layout, MIDDLE, buffer, sizeof buffer, &value),
        POLYSHM_E_CORRUPT, 0, "offsets of slot 1");
    assert_failure(
        pshm_slot_capacity(&made.layout, MIDDLE, &out), POLYSHM_E_CORRUPT, 0,
        "offsets of slot 1");
    assert_failure(
        pshm_slot_write(&made.layout, MIDDLE, POLYSHM_INT, &value),
        POLYSHM_E_CORRUPT, 0, "offsets of slot 1");
    assert_failure(
        pshm_slot_find(&made.layout, MIDDLE, &value, &out), POLYSHM_E_CORRUPT,
        0, "offsets of slot 1");
    assert_int_equal(out, 99);
    assert_memory_equal(made.bytes, before, made.size);
    free(before);
    free_slots(&made);
  }
}

static void slot_checks_its_index(void **state) {
  (void)state;
  static const uint64_t wrong[] = {
      SLOTS,     SLOTS + 1, INT64_MAX, (uint64_t)1 << 61, (uint64_t)1 << 63,
      UINT64_MAX};
  slots made = make_slots(8);
  for (size_t i = 0; i < LENGTH(wrong); i++) {
    polyshm_value value = int_value(1);
    uint64_t capacity;
    assert_fails(
        pshm_slot_read(&made.layout, wrong[i], NULL, 0, &value),
        POLYSHM_E_RANGE);
    assert_fails(
        pshm_slot_write(&made.layout, wrong[i], POLYSHM_INT, &value),
        POLYSHM_E_RANGE);
    assert_fails(
        pshm_slot_capacity(&made.layout, wrong[i], &capacity), POLYSHM_E_RANGE);
  }
  assert_message("slot 18446744073709551615 is not in a list of 3");
  free_slots(&made);
}

/* ---------------------------------------------------------------- finding */

static bool finds(const slots *made, polyshm_value sought) {
  uint64_t index = 99;
  polyshm_status status = pshm_slot_find(&made->layout, 0, &sought, &index);
  if (status == POLYSHM_E_NOT_FOUND)
    assert_int_equal(index, 99);
  else {
    assert_ok(status);
    assert_int_equal(index, MIDDLE);
  }
  return status == POLYSHM_OK;
}

static void slot_finds_strings(void **state) {
  (void)state;
  slots made = make_slots(16);
  assert_ok(put(&made, string_value("0123456789")));
  assert_true(finds(&made, string_value("0123456789")));
  assert_true(finds(&made, text_value("0123456789", 10)));
  assert_false(finds(&made, bytes_value("0123456789", 10)));
  assert_false(finds(&made, string_value("012345678")));
  assert_false(finds(&made, string_value("01234567")));
  assert_false(finds(&made, string_value("0123456789a")));
  assert_false(finds(&made, string_value("0123456789abcdefg")));
  assert_false(finds(&made, string_value("x123456789")));
  assert_false(finds(&made, string_value("012345678x")));
  assert_false(finds(&made, string_value("")));
  assert_false(finds(&made, none_value()));
  assert_false(finds(&made, int_value(0)));

  assert_ok(put(&made, bytes_value("\xff", 1)));
  assert_true(finds(&made, bytes_value("\xff", 1)));
  assert_true(finds(&made, text_value("\xff", 1)));
  assert_false(finds(&made, string_value("\xff"))); /* no error either */

  assert_ok(put(&made, string_value("")));
  assert_true(finds(&made, string_value("")));
  assert_true(finds(&made, text_value(NULL, 0)));
  assert_false(finds(&made, bytes_value(NULL, 0)));
  assert_false(finds(&made, none_value()));

  assert_ok(put(&made, bytes_value("0123456789abcdef", 16)));
  assert_true(finds(&made, bytes_value("0123456789abcdef", 16)));
  assert_false(finds(&made, bytes_value("0123456789abcdefg", 17)));
  free_slots(&made);
}

/* What ends in a zero never comes out of a list, so it equals nothing. */
static void slot_finds_nothing_that_ends_in_zero(void **state) {
  (void)state;
  slots made = make_slots(8);
  assert_ok(put(&made, bytes_value("a\0", 2)));
  assert_reads(&made, bytes_value("a", 1));
  assert_true(finds(&made, bytes_value("a", 1)));
  assert_false(finds(&made, bytes_value("a\0", 2)));
  assert_ok(put(&made, bytes_value("\0", 1)));
  assert_false(finds(&made, bytes_value("\0", 1)));
  assert_true(finds(&made, bytes_value("", 0)));
  free_slots(&made);
}

static void slot_finds_numbers_as_python_does(void **state) {
  (void)state;
  slots made = make_slots(8);
  assert_ok(put(&made, int_value(1)));
  assert_true(finds(&made, int_value(1)));
  assert_true(finds(&made, bool_value(true)));
  assert_true(finds(&made, float_value(1.0)));
  assert_false(finds(&made, bool_value(false)));
  assert_false(finds(&made, string_value("1")));

  assert_ok(put(&made, bool_value(true)));
  assert_true(finds(&made, int_value(1)));
  assert_true(finds(&made, float_value(1.0)));
  assert_false(finds(&made, int_value(2)));

  assert_ok(put(&made, float_value(0x1p53)));
  assert_true(finds(&made, int_value((int64_t)1 << 53)));
  assert_false(finds(&made, int_value(((int64_t)1 << 53) + 1)));
  assert_ok(put(&made, int_value(((int64_t)1 << 53) + 1)));
  assert_false(finds(&made, float_value(0x1p53)));

  assert_ok(put(&made, float_value(-0.0)));
  assert_true(finds(&made, int_value(0)));
  assert_true(finds(&made, float_value(0.0)));
  assert_true(finds(&made, bool_value(false)));
  assert_ok(put(&made, float_value(NAN)));
  assert_false(finds(&made, float_value(NAN)));

  assert_ok(put(&made, none_value()));
  assert_true(finds(&made, none_value()));
  assert_false(finds(&made, int_value(0)));
  assert_false(finds(&made, bool_value(false)));
  free_slots(&made);
}

static void slot_finds_from_the_start_on(void **state) {
  (void)state;
  slots made = make_slots(8);
  polyshm_value sought = int_value(-1);
  uint64_t index;
  assert_ok(pshm_slot_find(&made.layout, 0, &sought, &index));
  assert_int_equal(index, 0);
  assert_ok(pshm_slot_find(&made.layout, 1, &sought, &index));
  assert_int_equal(index, 2);
  assert_ok(pshm_slot_find(&made.layout, 2, &sought, &index));
  assert_int_equal(index, 2);
  assert_fails(
      pshm_slot_find(&made.layout, 3, &sought, &index), POLYSHM_E_NOT_FOUND);
  assert_fails(
      pshm_slot_find(&made.layout, UINT64_MAX, &sought, &index),
      POLYSHM_E_NOT_FOUND);
  free_slots(&made);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(slot_size_is_that_of_stock),
      cmocka_unit_test(slot_size_never_cuts_text),
      cmocka_unit_test(slot_size_of_the_impossible_is_impossible),
      cmocka_unit_test(slot_writes_what_stock_writes),
      cmocka_unit_test(slot_keeps_the_tail_behind_a_number),
      cmocka_unit_test(slot_takes_strings_of_every_length),
      cmocka_unit_test(slot_refuses_what_is_too_long_and_keeps_the_old),
      cmocka_unit_test(slot_writes_nowhere_else),
      cmocka_unit_test(slot_strips_zeros_at_the_end_only),
      cmocka_unit_test(slot_reads_into_a_buffer_that_just_fits),
      cmocka_unit_test(slot_reads_an_empty_string_without_a_buffer),
      cmocka_unit_test(slot_reads_no_more_than_the_width),
      cmocka_unit_test(slot_reads_bools_and_none_as_stock_does),
      cmocka_unit_test(slot_refuses_formats_that_no_list_has),
      cmocka_unit_test(slot_shows_formats_printably),
      cmocka_unit_test(slot_checks_its_offsets),
      cmocka_unit_test(slot_checks_its_index),
      cmocka_unit_test(slot_finds_strings),
      cmocka_unit_test(slot_finds_nothing_that_ends_in_zero),
      cmocka_unit_test(slot_finds_numbers_as_python_does),
      cmocka_unit_test(slot_finds_from_the_start_on),
  };
  return run_group(tests);
}
