/* SPDX-License-Identifier: MIT */
#include "polyshm.h"

#include "faults.h"
#include "native/native.h"

#include <errno.h>
#include <malloc.h>

static void libraries_and_symbols_are_found(void **state) {
  (void)state;
  void *address = NULL, *again = NULL;
  assert_ok(polyshm_function_find(POLYSHM_KERNELS, "twice", &address));
  assert_non_null(address);
  assert_ok(polyshm_function_find(POLYSHM_KERNELS, "twice", &again));
  assert_ptr_equal(address, again);
  assert_ok(polyshm_function_find(NULL, "malloc", &address));
  assert_ok(polyshm_function_find(POLYSHM_KERNELS, NULL, &address));
  assert_null(address);
  assert_ok(
      polyshm_function_find(POLYSHM_KERNELS, "constant_number", &address));
  int64_t number;
  memcpy(&number, address, sizeof number);
  assert_int_equal(number, 42);
}

static void the_loader_says_what_is_missing(void **state) {
  (void)state;
  void *address = &address;
  polyshm_function *function;
  assert_fails(
      polyshm_function_find("libnosuch.so.9", NULL, &address),
      POLYSHM_E_NOT_FOUND);
  assert_message("libnosuch.so.9");
  assert_fails(
      polyshm_function_find(POLYSHM_KERNELS, "no_such_symbol", &address),
      POLYSHM_E_NOT_FOUND);
  assert_message("no_such_symbol");
  assert_ptr_equal(address, &address);
  assert_fails(
      polyshm_function_open("libnosuch.so.9", "f", "void()", &function),
      POLYSHM_E_NOT_FOUND);
  assert_fails(
      polyshm_function_open(NULL, "no_such_symbol", "void()", &function),
      POLYSHM_E_NOT_FOUND);
}

static void misuse_is_refused(void **state) {
  (void)state;
  polyshm_function *function;
  void *address;
  uint32_t type;
  assert_fails(polyshm_function_find(NULL, "malloc", NULL), POLYSHM_E_INVALID);
  assert_fails(
      polyshm_function_open(NULL, NULL, "void()", &function),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_function_open(NULL, "malloc", NULL, &function),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_function_open(NULL, "malloc", "ptr(u65)", &function),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_function_open(NULL, "malloc", "ptr(u64)", NULL),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_function_at(NULL, "void()", &function), POLYSHM_E_INVALID);
  assert_fails(
      polyshm_function_at(&address, "void(", &function), POLYSHM_E_INVALID);
  assert_fails(polyshm_function_parameter(NULL, 0, &type), POLYSHM_E_INVALID);
  assert_fails(polyshm_function_guard(NULL, NULL, 0), POLYSHM_E_INVALID);
  assert_fails(
      polyshm_function_call(NULL, NULL, 0, NULL, NULL, NULL),
      POLYSHM_E_INVALID);
  assert_int_equal(polyshm_function_length(NULL), 0);
  polyshm_function_free(NULL);
}

static void the_number_of_values_must_be_right(void **state) {
  (void)state;
  polyshm_function *echo = kernel("echo_i32", "i32(i32)");
  polyshm_value values[2] = {int_value(1), int_value(2)};
  assert_fails(
      polyshm_function_call(echo, values, 0, NULL, NULL, NULL),
      POLYSHM_E_INVALID);
  assert_message("takes 1 value, not 0");
  assert_fails(
      polyshm_function_call(echo, values, 2, NULL, NULL, NULL),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_function_call(echo, values, UINT64_MAX, NULL, NULL, NULL),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_function_call(echo, NULL, 1, NULL, NULL, NULL),
      POLYSHM_E_INVALID);
  assert_ok(polyshm_function_call(echo, values, 1, NULL, NULL, NULL));
  polyshm_function_free(echo);
}

static void it_tells_what_it_takes(void **state) {
  (void)state;
  static const uint32_t expected[] = {
      POLYSHM_TYPE_ARRAY, POLYSHM_TYPE_F64, POLYSHM_TYPE_BUF, POLYSHM_TYPE_FN};
  polyshm_function *function =
      kernel("nothing", "void([f64], count, f64, len, buf, fn void())");
  assert_int_equal(polyshm_function_length(function), LENGTH(expected));
  uint32_t type;
  for (uint64_t i = 0; i < LENGTH(expected); i++) {
    assert_ok(polyshm_function_parameter(function, i, &type));
    assert_int_equal(type, expected[i]);
  }
  assert_fails(polyshm_function_parameter(function, 4, &type), POLYSHM_E_RANGE);
  assert_fails(
      polyshm_function_parameter(function, UINT64_MAX, &type), POLYSHM_E_RANGE);
  assert_fails(
      polyshm_function_parameter(function, 0, NULL), POLYSHM_E_INVALID);
  polyshm_function_free(function);
}

/* What it gives for numbers that go up from the first; bit i says that value i
 * is a float. */
static double weigh(
    const char *symbol, const char *signature, uint64_t count, uint64_t floats,
    int64_t first) {
  polyshm_value values[32];
  for (uint64_t i = 0; i < count; i++) {
    int64_t number = first + (int64_t)i;
    values[i] =
        floats >> i & 1 ? float_value((double)number) : int_value(number);
  }
  polyshm_value result = call_once(symbol, signature, values, count);
  return result.type == POLYSHM_FLOAT ? result.of.f : (double)result.of.i;
}

static void arguments_go_where_they_belong(void **state) {
  (void)state;
  static const char fit[] = "f64(f64, i8, f32, u64, f64, i16, f32, u8, f64, "
                            "i32, f32, i64, f64, f32)";
  static const char integers[] = "i8(i8, i8, i8, i8, i8, i8, i8)";
  static const char floats[] =
      "f32(f32, f32, f32, f32, f32, f32, f32, f32, f32)";
  assert_float_equal(weigh("as_many_as_fit", fit, 14, 0x3555, 1), 1015, 0);
  assert_float_equal(weigh("one_more_integer", integers, 7, 0, -5), -28, 0);
  assert_float_equal(weigh("one_more_float", floats, 9, 0x1ff, -5), 15, 0);
  assert_float_equal(weigh("less", "f32(i16, i16)", 2, 0, -32768), -1, 0);
}

/* Numbers and addresses alone are gathered more quickly than what may be a
 * block, too: both ways, whatever is wrong is found, and at its place. */
static void wrong_values_are_found(void **state) {
  (void)state;
  static const char *const signatures[] = {
      "void(i64, f64, i8, ptr, str)",
      "void(i64, f64, i8, ptr, str, const buf)"};
  static const struct {
    uint32_t place;
    int32_t type;
    int64_t number;
    polyshm_status expected;
  } wrong[] = {
      {0, POLYSHM_NONE, 0, POLYSHM_E_TYPE},
      {0, POLYSHM_UINT, INT64_MIN, POLYSHM_E_RANGE},
      {1, POLYSHM_POINTER, 1, POLYSHM_E_TYPE},
      {1, POLYSHM_INT, INT64_MAX, POLYSHM_E_RANGE},
      {2, POLYSHM_INT, 128, POLYSHM_E_RANGE},
      {2, POLYSHM_INT, -129, POLYSHM_E_RANGE},
      {2, POLYSHM_INT, INT64_C(1) << 32, POLYSHM_E_RANGE},
      {2, POLYSHM_FLOAT, 0, POLYSHM_E_TYPE},
      {3, POLYSHM_INT, 0, POLYSHM_E_TYPE},
      {4, POLYSHM_NONE, 0, POLYSHM_E_TYPE},
      {4, POLYSHM_STRING, 0, POLYSHM_E_INVALID}, /* at NULL */
  };
  for (size_t i = 0; i < LENGTH(signatures); i++) {
    polyshm_function *function = kernel("nothing", signatures[i]);
    uint64_t count = polyshm_function_length(function);
    for (size_t j = 0; j <= LENGTH(wrong); j++) {
      polyshm_value values[] = {int_value(1),         float_value(2.5),
                                int_value(-128),      pointer_value(&count),
                                string_value("text"), bytes_value("", 0)};
      if (j == LENGTH(wrong)) {
        assert_ok(
            polyshm_function_call(function, values, count, NULL, NULL, NULL));
        break;
      }
      values[wrong[j].place] =
          (polyshm_value){.type = wrong[j].type, .of.i = wrong[j].number};
      char message[16];
      snprintf(message, sizeof message, "value %u ", wrong[j].place + 1);
      assert_fails(
          polyshm_function_call(function, values, count, NULL, NULL, NULL),
          wrong[j].expected);
      assert_message(message);
    }
    polyshm_function_free(function);
  }
}

static void errno_is_kept(void **state) {
  (void)state;
  errno = EDOM;
  polyshm_value code = int_value(EAGAIN);
  assert_int_equal(
      call_once("swap_errno", "i32(i32)", &code, 1).of.i, 0); /* before */
  errno = EDOM;
  assert_int_equal(polyshm_function_errno(), EAGAIN);
  call_once("nothing", "void()", NULL, 0);
  assert_int_equal(polyshm_function_errno(), 0);
}

static polyshm_status never(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata) {
  (void)parameter;
  (void)values;
  (void)nvalues;
  (void)out_value;
  (void)userdata;
  fail_msg("%s", "called back");
  return POLYSHM_E_INVALID;
}

/* A call needs no memory but the stack's. */
static void a_call_allocates_nothing(void **state) {
  (void)state;
  polyshm_block *block;
  assert_ok(polyshm_block_open(
      fresh_name(), 80, POLYSHM_CREATE | POLYSHM_EXCLUSIVE, NULL, &block));
  assert_ok(polyshm_unlink(polyshm_block_name(block)));
  polyshm_function *fill = kernel("fill_f64", "void([f64], count, f64)");
  polyshm_view view = whole(block);
  const polyshm_value values[] = {view_value(&view), float_value(1)};
  faults_reset();
  size_t before = mallinfo2().uordblks; /* of all libraries */
  assert_ok(polyshm_function_call(fill, values, 2, NULL, NULL, NULL));
  assert_int_equal(mallinfo2().uordblks, before);
  assert_int_equal(faults_count(FAULT_MALLOC), 0);
  polyshm_function_free(fill);
  polyshm_block_free(block);
}

static void no_memory_is_no_crash(void **state) {
  (void)state;
  polyshm_function *function = NULL;
  polyshm_callback *callback = NULL;
  faults_reset();
  faults_fail(FAULT_MALLOC, 1, FOR_EVER, ENOMEM);
  polyshm_status status = polyshm_function_open(
      POLYSHM_KERNELS, "repeat", "i64(i64, fn i64(i64))", &function);
  faults_reset();
  assert_int_equal(status, POLYSHM_E_MEMORY);
  assert_null(function);
  faults_fail(FAULT_MALLOC, 1, FOR_EVER, ENOMEM);
  status = polyshm_callback_open("void()", never, NULL, NULL, &callback);
  faults_reset();
  assert_int_equal(status, POLYSHM_E_MEMORY);
  assert_null(callback);
}

/* -------------------------------------------------------------------- guard */

static polyshm_list *make_list(void) {
  polyshm_list *list;
  polyshm_value zero = int_value(0);
  assert_ok(polyshm_list_create(fresh_name(), &zero, 1, 0, NULL, &list));
  return list;
}

static void drop_list(polyshm_list *list) {
  assert_ok(polyshm_unlink(polyshm_block_name(polyshm_list_block(list))));
  assert_ok(polyshm_list_close(list)); /* neither locked nor pinned */
  polyshm_list_free(list);
}

/* Through another handle, as another process has one. */
static polyshm_status try_lock(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata) {
  (void)parameter;
  (void)values;
  (void)nvalues;
  polyshm_list *other;
  polyshm_status status = polyshm_list_open(userdata, 0, &other);
  uint32_t recovered;
  if (status == POLYSHM_OK) {
    out_value->of.i = polyshm_list_lock(other, 0, &recovered);
    polyshm_list_free(other);
  }
  return status;
}

static void a_guard_is_held_during_the_call(void **state) {
  (void)state;
  polyshm_list *list = make_list();
  void *name = (void *)polyshm_block_name(polyshm_list_block(list));
  polyshm_function *call = kernel("call_i64", "i64(i64, fn i64(i64))");
  const polyshm_value values[] = {int_value(1), callback_value(NULL)};
  polyshm_value result;
  assert_ok(polyshm_function_call(call, values, 2, try_lock, name, &result));
  assert_int_equal(result.of.i, POLYSHM_OK);
  uint32_t recovered; /* the callback's handle was freed with the lock */
  assert_ok(polyshm_list_lock(list, POLYSHM_FOREVER, &recovered));
  assert_ok(polyshm_list_unlock(list));

  assert_ok(polyshm_function_guard(call, list, POLYSHM_FOREVER));
  assert_ok(polyshm_function_call(call, values, 2, try_lock, name, &result));
  assert_int_equal(result.of.i, POLYSHM_E_TIMEOUT);
  assert_fails(polyshm_list_unlock(list), POLYSHM_E_INVALID);

  /* Who has it keeps it. */
  assert_ok(polyshm_list_lock(list, 0, &recovered));
  assert_ok(polyshm_function_call(call, values, 2, try_lock, name, &result));
  assert_int_equal(result.of.i, POLYSHM_E_TIMEOUT);
  assert_ok(polyshm_list_unlock(list));

  assert_ok(polyshm_function_guard(call, NULL, 0));
  assert_ok(polyshm_function_call(call, values, 2, try_lock, name, &result));
  assert_int_equal(result.of.i, POLYSHM_OK);
  polyshm_function_free(call);
  assert_ok(polyshm_list_lock(list, POLYSHM_FOREVER, &recovered));
  assert_ok(polyshm_list_unlock(list));
  drop_list(list);
}

static void a_guard_that_is_not_to_be_had_fails(void **state) {
  (void)state;
  polyshm_list *list = make_list(), *other;
  assert_ok(polyshm_list_open(
      polyshm_block_name(polyshm_list_block(list)), 0, &other));
  polyshm_function *nothing = kernel("nothing", "void()");
  assert_ok(polyshm_function_guard(nothing, list, 1000));
  uint32_t recovered;
  assert_ok(polyshm_list_lock(other, 0, &recovered));
  assert_fails(
      polyshm_function_call(nothing, NULL, 0, NULL, NULL, NULL),
      POLYSHM_E_TIMEOUT);
  polyshm_list_free(other); /* dies with the lock, as a process does */
  for (int i = 0; i < 2; i++) {
    assert_fails(
        polyshm_function_call(nothing, NULL, 0, NULL, NULL, NULL),
        POLYSHM_E_BUSY);
    assert_message("died");
  }
  assert_ok(polyshm_list_lock(list, 0, &recovered));
  assert_int_equal(recovered, 1);
  assert_ok(polyshm_list_unlock(list));
  assert_ok(polyshm_function_call(nothing, NULL, 0, NULL, NULL, NULL));

  assert_ok(polyshm_unlink(polyshm_block_name(polyshm_list_block(list))));
  assert_ok(polyshm_list_close(list));
  assert_fails(
      polyshm_function_call(nothing, NULL, 0, NULL, NULL, NULL),
      POLYSHM_E_CLOSED);
  polyshm_function_free(nothing);
  polyshm_list_free(list);
}

static polyshm_status unlock(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata) {
  (void)parameter;
  (void)values;
  (void)nvalues;
  (void)out_value;
  return polyshm_list_unlock(userdata);
}

static void a_callback_may_unlock_the_guard(void **state) {
  (void)state;
  polyshm_list *list = make_list();
  polyshm_function *call = kernel("call_i64", "i64(i64, fn i64(i64))");
  const polyshm_value values[] = {int_value(1), callback_value(NULL)};
  assert_ok(polyshm_function_guard(call, list, 0));
  assert_ok(polyshm_function_call(call, values, 2, unlock, list, NULL));
  polyshm_function_free(call);
  drop_list(list);
}

static polyshm_status free_list(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata) {
  (void)parameter;
  (void)values;
  (void)nvalues;
  (void)out_value;
  polyshm_list **list = userdata;
  polyshm_list_free(*list);
  *list = NULL;
  return POLYSHM_OK;
}

static void a_guard_may_be_freed(void **state) {
  (void)state;
  polyshm_list *list = make_list(), *other;
  char name[POLYSHM_NAME_MAX + 1];
  strcpy(name, polyshm_block_name(polyshm_list_block(list)));
  polyshm_function *call = kernel("call_i64", "i64(i64, fn i64(i64))");
  const polyshm_value values[] = {int_value(1), callback_value(NULL)};
  polyshm_value result;
  assert_ok(polyshm_function_guard(call, list, 0));
  assert_ok(polyshm_function_call(call, values, 2, free_list, &list, NULL));
  assert_null(list);
  assert_ok(polyshm_function_call(call, values, 2, try_lock, name, &result));
  assert_int_equal(result.of.i, POLYSHM_E_TIMEOUT);
  assert_ok(polyshm_list_open(name, 0, &other));
  polyshm_function_free(call);
  uint32_t recovered;
  assert_ok(polyshm_list_lock(other, 0, &recovered));
  assert_int_equal(recovered, 0);
  assert_ok(polyshm_list_unlock(other));
  drop_list(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(libraries_and_symbols_are_found),
      cmocka_unit_test(the_loader_says_what_is_missing),
      cmocka_unit_test(misuse_is_refused),
      cmocka_unit_test(the_number_of_values_must_be_right),
      cmocka_unit_test(it_tells_what_it_takes),
      cmocka_unit_test(arguments_go_where_they_belong),
      cmocka_unit_test(wrong_values_are_found),
      cmocka_unit_test(errno_is_kept),
      cmocka_unit_test(a_call_allocates_nothing),
      cmocka_unit_test(no_memory_is_no_crash),
      cmocka_unit_test(a_guard_is_held_during_the_call),
      cmocka_unit_test(a_guard_that_is_not_to_be_had_fails),
      cmocka_unit_test(a_callback_may_unlock_the_guard),
      cmocka_unit_test(a_guard_may_be_freed),
  };
  return run_group(tests);
}
