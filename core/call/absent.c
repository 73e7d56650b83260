/* SPDX-License-Identifier: MIT */
/* Native calls where there was no libffi when the library was built. */
#include "polyshm.h"

#include "base/error.h"

#include <stddef.h>

static polyshm_status fail(void) {
  return pshm_error_set(
      POLYSHM_E_UNSUPPORTED,
      "this library was built without libffi, so there are no native calls");
}

uint32_t polyshm_features(void) {
  return 0;
}

polyshm_status polyshm_function_find(
    const char *path, const char *symbol, void **out_address) {
  (void)path;
  (void)symbol;
  (void)out_address;
  return fail();
}

polyshm_status polyshm_function_open(
    const char *path, const char *symbol, const char *signature,
    polyshm_function **out_function) {
  (void)path;
  (void)symbol;
  (void)signature;
  (void)out_function;
  return fail();
}

polyshm_status polyshm_function_at(
    const void *address, const char *signature,
    polyshm_function **out_function) {
  (void)address;
  (void)signature;
  (void)out_function;
  return fail();
}

void polyshm_function_free(polyshm_function *function) {
  (void)function;
}

uint64_t polyshm_function_length(const polyshm_function *function) {
  (void)function;
  return 0;
}

polyshm_status polyshm_function_parameter(
    const polyshm_function *function, uint64_t index, uint32_t *out_type) {
  (void)function;
  (void)index;
  (void)out_type;
  return fail();
}

polyshm_status polyshm_function_guard(
    polyshm_function *function, polyshm_list *list, int64_t timeout) {
  (void)function;
  (void)list;
  (void)timeout;
  return fail();
}

polyshm_status polyshm_function_call(
    const polyshm_function *function, const polyshm_value *values,
    uint64_t nvalues, polyshm_callback_fn fn, void *userdata,
    polyshm_value *out_value) {
  (void)function;
  (void)values;
  (void)nvalues;
  (void)fn;
  (void)userdata;
  (void)out_value;
  return fail();
}

polyshm_status polyshm_function_userdata(
    polyshm_callback_fn fn, void **out_userdata) {
  (void)fn;
  (void)out_userdata;
  return fail();
}

int32_t polyshm_function_errno(void) {
  return 0;
}

polyshm_status polyshm_callback_open(
    const char *signature, polyshm_callback_fn fn, void *userdata,
    polyshm_free_fn free_userdata, polyshm_callback **out_callback) {
  (void)signature;
  (void)fn;
  (void)userdata;
  (void)free_userdata;
  (void)out_callback;
  return fail();
}

polyshm_status polyshm_callback_address(
    const polyshm_callback *callback, void **out_address) {
  (void)callback;
  (void)out_address;
  return fail();
}

void polyshm_callback_free(polyshm_callback *callback) {
  (void)callback;
}
