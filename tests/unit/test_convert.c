/* SPDX-License-Identifier: MIT */
/* Every type there and back, through real functions. */
#include "polyshm.h"

#include "native/native.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* ----------------------------------------------------------------- integers */

typedef struct integer_type {
  const char *name;
  int64_t least;
  uint64_t most;
} integer_type;

static const integer_type integers[] = {
    {"i8", INT8_MIN, INT8_MAX},    {"i16", INT16_MIN, INT16_MAX},
    {"i32", INT32_MIN, INT32_MAX}, {"i64", INT64_MIN, INT64_MAX},
    {"u8", 0, UINT8_MAX},          {"u16", 0, UINT16_MAX},
    {"u32", 0, UINT32_MAX},        {"u64", 0, UINT64_MAX},
};

static polyshm_function *echo_of(const char *name) {
  char symbol[32], signature[32];
  snprintf(symbol, sizeof symbol, "echo_%s", name);
  snprintf(signature, sizeof signature, "%s(%s)", name, name);
  return kernel(symbol, signature);
}

static void assert_echo(
    const char *name, polyshm_value given, polyshm_value expected) {
  polyshm_function *echo = echo_of(name);
  polyshm_value result;
  assert_ok(polyshm_function_call(echo, &given, 1, NULL, NULL, &result));
  assert_true(same_value(&result, &expected));
  polyshm_function_free(echo);
}

static void assert_no_echo(
    const char *name, polyshm_value given, polyshm_status status) {
  polyshm_function *echo = echo_of(name);
  polyshm_value result = {.type = 77};
  assert_fails(
      polyshm_function_call(echo, &given, 1, NULL, NULL, &result), status);
  assert_int_equal(result.type, 77);
  polyshm_function_free(echo);
}

static void integers_cross_with_their_edges(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(integers); i++) {
    const integer_type *type = &integers[i];
    bool is_signed = type->least < 0;
    for (int64_t n = -2; n <= 2; n++) {
      if (n >= 0 || is_signed) {
        polyshm_value small =
            is_signed ? int_value(n) : uint_value((uint64_t)n);
        assert_echo(type->name, int_value(n), small);
      }
      if (n >= 0) {
        int64_t low = type->least + n;
        uint64_t high = type->most - (uint64_t)n;
        assert_echo(
            type->name, int_value(low),
            is_signed ? int_value(low) : uint_value((uint64_t)low));
        assert_echo(
            type->name, uint_value(high),
            is_signed ? int_value((int64_t)high) : uint_value(high));
      }
    }
  }
}

static void integers_that_do_not_fit_are_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(integers); i++) {
    const integer_type *type = &integers[i];
    if (type->least > INT64_MIN) {
      assert_no_echo(type->name, int_value(type->least - 1), POLYSHM_E_RANGE);
      assert_message(type->name);
      assert_no_echo(type->name, int_value(INT64_MIN), POLYSHM_E_RANGE);
    }
    if (type->most < UINT64_MAX) {
      assert_no_echo(type->name, uint_value(type->most + 1), POLYSHM_E_RANGE);
      assert_no_echo(type->name, uint_value(UINT64_MAX), POLYSHM_E_RANGE);
      assert_message("18446744073709551615");
    }
  }
}

/* ------------------------------------------------------------------- floats */

static void floats_cross_with_their_edges(void **state) {
  (void)state;
  static const double both[] = {0.0,      -0.0,      1.5,     -2.25,
                                INFINITY, -INFINITY, FLT_MAX, -FLT_MAX,
                                FLT_MIN,  0x1p-149,  NAN};
  for (size_t i = 0; i < LENGTH(both); i++) {
    assert_echo("f64", float_value(both[i]), float_value(both[i]));
    if (!isnan(both[i])) /* whose bits change on their way */
      assert_echo("f32", float_value(both[i]), float_value(both[i]));
  }
  static const double only[] = {DBL_MAX, -DBL_MAX, DBL_MIN, 0x1p-1074, 0.1};
  for (size_t i = 0; i < LENGTH(only); i++)
    assert_echo("f64", float_value(only[i]), float_value(only[i]));
}

static void floats_are_rounded_to_f32(void **state) {
  (void)state;
  assert_echo("f32", float_value(0.1), float_value((double)0.1f));
  assert_echo("f32", float_value(1e-300), float_value(0.0));
  double nearly = nextafter(0x1.ffffffp127, 0);
  assert_echo("f32", float_value(nearly), float_value(FLT_MAX));
  assert_echo("f32", float_value(-nearly), float_value(-FLT_MAX));
  assert_no_echo("f32", float_value(0x1.ffffffp127), POLYSHM_E_RANGE);
  assert_no_echo("f32", float_value(-DBL_MAX), POLYSHM_E_RANGE);
  polyshm_value nan = float_value(NAN);
  assert_true(isnan(call_once("echo_f32", "f32(f32)", &nan, 1).of.f));
}

static void integers_are_floats_if_they_are_exactly_one(void **state) {
  (void)state;
  assert_echo("f64", int_value(-3), float_value(-3.0));
  assert_echo("f64", int_value(1ll << 53), float_value(0x1p53));
  assert_echo("f64", int_value(INT64_MIN), float_value(-0x1p63));
  assert_echo("f64", uint_value(1ull << 63), float_value(0x1p63));
  assert_echo("f32", int_value(1 << 24), float_value(0x1p24));
  assert_no_echo("f64", int_value((1ll << 53) + 1), POLYSHM_E_RANGE);
  assert_no_echo("f64", int_value(INT64_MAX), POLYSHM_E_RANGE);
  assert_no_echo("f64", uint_value(UINT64_MAX), POLYSHM_E_RANGE);
  assert_no_echo("f32", int_value((1 << 24) + 1), POLYSHM_E_RANGE);
}

/* ---------------------------------------------------------------- addresses */

static void pointers_cross(void **state) {
  (void)state;
  int here = 0;
  assert_echo("ptr", pointer_value(&here), pointer_value(&here));
  assert_echo("ptr", none_value(), none_value());
  assert_echo("ptr", pointer_value(NULL), none_value());
  uintptr_t highest = UINTPTR_MAX;
  void *high;
  memcpy(&high, &highest, sizeof high);
  assert_echo("ptr", pointer_value(high), pointer_value(high));
}

static void strings_cross(void **state) {
  (void)state;
  assert_echo("str", string_value("grün"), string_value("grün"));
  assert_echo("str", string_value(""), string_value(""));
  assert_echo("str", text_value("\xff", 1), string_value("\xff"));
  assert_echo("str", bytes_value("ab", 2), string_value("ab"));
  assert_int_equal(call_once("no_str", "str()", NULL, 0).type, POLYSHM_NONE);
}

static void strings_end_where_they_say(void **state) {
  (void)state;
  assert_no_echo("str", bytes_value("a\0b", 3), POLYSHM_E_INVALID);
  assert_message("zero byte inside");
  assert_no_echo("str", bytes_value("abc", 2), POLYSHM_E_INVALID);
  assert_message("no zero byte at its end");
  assert_no_echo("str", bytes_value(NULL, 0), POLYSHM_E_INVALID);
}

/* -------------------------------------------------------------------- types */

static void other_types_are_refused(void **state) {
  (void)state;
  static const char *const names[] = {"i8", "u64", "f32", "f64", "ptr", "str"};
  polyshm_view view = {.struct_size = sizeof view};
  const polyshm_value values[] = {
      none_value(),        bool_value(true),     int_value(1),
      uint_value(1),       float_value(1),       string_value("1"),
      bytes_value("1", 1), text_value("1", 1),   pointer_value(&view),
      view_value(&view),   callback_value(NULL), {.type = 99},
      {.type = -1}};
  for (size_t i = 0; i < LENGTH(names); i++)
    for (size_t j = 0; j < LENGTH(values); j++) {
      int32_t type = values[j].type;
      bool is_integer = type == POLYSHM_INT || type == POLYSHM_UINT;
      bool is_text = type == POLYSHM_STRING || type == POLYSHM_BYTES ||
                     type == POLYSHM_TEXT;
      bool fits = names[i][0] == 'f' ? is_integer || type == POLYSHM_FLOAT
                  : names[i][0] == 'p'
                      ? type == POLYSHM_POINTER || type == POLYSHM_NONE
                  : names[i][0] == 's' ? is_text
                                       : is_integer;
      if (!fits)
        assert_no_echo(names[i], values[j], POLYSHM_E_TYPE);
    }
}

static void all_registers_are_used(void **state) {
  (void)state;
  polyshm_value values[20];
  double expected = 0;
  for (int i = 0; i < 20; i++) {
    values[i] = int_value(20 - i);
    expected += (i + 1) * (20 - i);
  }
  polyshm_value sum = call_once(
      "many",
      "f64(i8, f64, u16, f32, i32, f64, u64, f32, i64, f64, u8, f64, i16, f32, "
      "u32, f64, f64, f64, i64, f64)",
      values, 20);
  assert_true(sum.of.f == expected);
}

static void no_result_is_none(void **state) {
  (void)state;
  assert_int_equal(call_once("nothing", "void()", NULL, 0).type, POLYSHM_NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(integers_cross_with_their_edges),
      cmocka_unit_test(integers_that_do_not_fit_are_refused),
      cmocka_unit_test(floats_cross_with_their_edges),
      cmocka_unit_test(floats_are_rounded_to_f32),
      cmocka_unit_test(integers_are_floats_if_they_are_exactly_one),
      cmocka_unit_test(pointers_cross),
      cmocka_unit_test(strings_cross),
      cmocka_unit_test(strings_end_where_they_say),
      cmocka_unit_test(other_types_are_refused),
      cmocka_unit_test(all_registers_are_used),
      cmocka_unit_test(no_result_is_none),
  };
  return run_group(tests);
}
