/* SPDX-License-Identifier: MIT */
/* The library as it is without libffi. */
#include "polyshm.h"

#include "support.h"

static polyshm_status never(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata) {
  (void)parameter;
  (void)values;
  (void)nvalues;
  (void)out_value;
  (void)userdata;
  return POLYSHM_E_INVALID;
}

static void native_calls_are_unsupported(void **state) {
  (void)state;
  polyshm_function *function;
  polyshm_callback *callback;
  void *address;
  uint32_t type;
  assert_int_equal(polyshm_features() & POLYSHM_FEATURE_CALL, 0);
  assert_int_equal(polyshm_features() & POLYSHM_FEATURE_CALLBACKS, 0);
  assert_fails(
      polyshm_function_find(NULL, "malloc", &address), POLYSHM_E_UNSUPPORTED);
  assert_message("libffi");
  assert_fails(
      polyshm_function_open(NULL, "abs", "i32(i32)", &function),
      POLYSHM_E_UNSUPPORTED);
  assert_fails(
      polyshm_function_at(&address, "i32(i32)", &function),
      POLYSHM_E_UNSUPPORTED);
  assert_fails(
      polyshm_function_parameter(NULL, 0, &type), POLYSHM_E_UNSUPPORTED);
  assert_fails(polyshm_function_guard(NULL, NULL, 0), POLYSHM_E_UNSUPPORTED);
  assert_fails(
      polyshm_function_call(NULL, NULL, 0, NULL, NULL, NULL),
      POLYSHM_E_UNSUPPORTED);
  assert_fails(
      polyshm_callback_open("void()", never, NULL, NULL, &callback),
      POLYSHM_E_UNSUPPORTED);
  assert_fails(polyshm_callback_address(NULL, &address), POLYSHM_E_UNSUPPORTED);
  assert_fails(
      polyshm_function_userdata(never, &address), POLYSHM_E_UNSUPPORTED);
  assert_int_equal(polyshm_function_length(NULL), 0);
  assert_int_equal(polyshm_function_errno(), 0);
  polyshm_function_free(NULL);
  polyshm_callback_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(native_calls_are_unsupported),
  };
  return run_group(tests);
}
