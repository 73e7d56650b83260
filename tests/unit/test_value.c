/* SPDX-License-Identifier: MIT */
#include "base/value.h"

#include "support.h"

#include <math.h>

static void value_settles_each_type(void **state) {
  (void)state;
  const struct {
    polyshm_value value;
    int32_t type;
  } cases[] = {
      {none_value(), POLYSHM_NONE},
      {bool_value(false), POLYSHM_BOOL},
      {bool_value(true), POLYSHM_BOOL},
      {int_value(INT64_MIN), POLYSHM_INT},
      {float_value(NAN), POLYSHM_FLOAT},
      {string_value("é"), POLYSHM_STRING},
      {bytes_value("\xff", 1), POLYSHM_BYTES},
      {text_value("é", 2), POLYSHM_STRING},
      {text_value("\xc3", 1), POLYSHM_BYTES},
      {text_value(NULL, 0), POLYSHM_STRING},
      {bytes_value(NULL, 0), POLYSHM_BYTES},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    int32_t type = -1;
    assert_ok(pshm_value_settle(&cases[i].value, &type));
    assert_int_equal(type, cases[i].type);
  }
}

static void refuse(const polyshm_value *value, const char *part) {
  int32_t type = 77;
  assert_failure(pshm_value_settle(value, &type), POLYSHM_E_INVALID, 0, part);
  assert_int_equal(type, 77);
}

static void value_refuses_what_is_none(void **state) {
  (void)state;
  refuse(NULL, "NULL");
  static const int32_t types[] = {-1, 6, 7, 8, 10, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < LENGTH(types); i++)
    refuse(&(polyshm_value){.type = types[i]}, "type");
  static const int64_t bools[] = {-1, 2, 256, INT64_MIN};
  for (size_t i = 0; i < LENGTH(bools); i++)
    refuse(
        &(polyshm_value){.type = POLYSHM_BOOL, .of.i = bools[i]},
        "a bool is 0 or 1");
  static const int32_t strings[] = {
      POLYSHM_STRING, POLYSHM_BYTES, POLYSHM_TEXT};
  for (size_t i = 0; i < LENGTH(strings); i++)
    refuse(&(polyshm_value){.type = strings[i], .size = 1}, "NULL address");
}

static void value_refuses_strings_that_are_not_utf8(void **state) {
  (void)state;
  polyshm_value value = string_value("a\xff");
  refuse(&value, "not UTF-8");
}

/* What cannot fit any slot is not worth reading; here it could not be read. */
static void value_does_not_read_what_is_too_long(void **state) {
  (void)state;
  int32_t type;
  polyshm_value value = {
      .type = POLYSHM_STRING, .of.p = "x", .size = POLYSHM_TEXT_MAX + 1};
  assert_ok(pshm_value_settle(&value, &type));
  value.size = UINT64_MAX;
  value.type = POLYSHM_TEXT;
  assert_ok(pshm_value_settle(&value, &type));
}

static void value_check_leaves_text_and_content_alone(void **state) {
  (void)state;
  polyshm_value value = string_value("\xff");
  assert_ok(pshm_value_check(&value));
  value = text_value("\xff", 1);
  assert_ok(pshm_value_check(&value));
  assert_failure(pshm_value_check(NULL), POLYSHM_E_INVALID, 0, "NULL");
}

/* As Python's == answers for these pairs. */
static void value_equals_across_numbers(void **state) {
  (void)state;
  static const int64_t big = (int64_t)1 << 53;
  const struct {
    polyshm_value sought;
    int64_t stored;
    bool equal;
  } ints[] = {
      {int_value(1), 1, true},
      {int_value(1), 2, false},
      {bool_value(true), 1, true},
      {bool_value(false), 0, true},
      {bool_value(true), 2, false},
      {float_value(1.0), 1, true},
      {float_value(1.5), 1, false},
      {float_value(-0.0), 0, true},
      {float_value(0x1p53), big, true},
      {float_value(0x1p53), big + 1, false},
      {float_value(0x1p53 + 2), big + 1, false},
      {float_value(0x1p63), INT64_MAX, false},
      {float_value(-0x1p63), INT64_MIN, true},
      {float_value(-0x1.0000000000001p63), INT64_MIN, false},
      {float_value(INFINITY), INT64_MAX, false},
      {float_value(-INFINITY), INT64_MIN, false},
      {float_value(NAN), 0, false},
      {none_value(), 0, false},
      {string_value(""), 0, false},
      {bytes_value("", 0), 0, false},
      {text_value("", 0), 0, false},
  };
  for (size_t i = 0; i < LENGTH(ints); i++)
    if (pshm_value_equal_int(&ints[i].sought, ints[i].stored) != ints[i].equal)
      fail_msg("pair %zu of the ints", i);

  const struct {
    polyshm_value sought;
    double stored;
    bool equal;
  } floats[] = {
      {int_value(1), 1.0, true},
      {int_value(0), -0.0, true},
      {bool_value(true), 1.0, true},
      {int_value(big + 1), 0x1p53, false},
      {int_value(big), 0x1p53, true},
      {int_value(INT64_MAX), 0x1p63, false},
      {int_value(INT64_MIN), -0x1p63, true},
      {int_value(0), 0.5, false},
      {int_value(INT64_MIN), NAN, false},
      {int_value(INT64_MAX), INFINITY, false},
      {float_value(0.5), 0.5, true},
      {float_value(-0.0), 0.0, true},
      {float_value(NAN), NAN, false},
      {float_value(INFINITY), INFINITY, true},
      {none_value(), 0.0, false},
      {string_value(""), 0.0, false},
  };
  for (size_t i = 0; i < LENGTH(floats); i++)
    if (pshm_value_equal_float(&floats[i].sought, floats[i].stored) !=
        floats[i].equal)
      fail_msg("pair %zu of the floats", i);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(value_settles_each_type),
      cmocka_unit_test(value_refuses_what_is_none),
      cmocka_unit_test(value_refuses_strings_that_are_not_utf8),
      cmocka_unit_test(value_does_not_read_what_is_too_long),
      cmocka_unit_test(value_check_leaves_text_and_content_alone),
      cmocka_unit_test(value_equals_across_numbers),
  };
  return run_group(tests);
}
