/* SPDX-License-Identifier: MIT */
/* What the unit tests of native calls share. */
#ifndef POLYSHM_TESTS_NATIVE_H
#define POLYSHM_TESTS_NATIVE_H

#include "support.h"

static inline polyshm_value uint_value(uint64_t content) {
  return (polyshm_value){.type = POLYSHM_UINT, .of.i = (int64_t)content};
}

static inline polyshm_value pointer_value(const void *content) {
  return (polyshm_value){.type = POLYSHM_POINTER, .of.p = content};
}

static inline polyshm_value view_value(const polyshm_view *content) {
  return (polyshm_value){.type = POLYSHM_VIEW, .of.p = content};
}

/* The fn of the call for NULL. */
static inline polyshm_value callback_value(const polyshm_callback *content) {
  return (polyshm_value){.type = POLYSHM_CALLBACK, .of.p = content};
}

/* All of a block, as bytes. */
static inline polyshm_view whole(polyshm_block *block) {
  return (polyshm_view){
      .struct_size = sizeof(polyshm_view),
      .on.block = block,
      .nbytes = polyshm_block_size(block)};
}

/* A function of the library of kernels. */
static inline polyshm_function *kernel(
    const char *symbol, const char *signature) {
  polyshm_function *function = NULL;
  assert_ok(
      polyshm_function_open(POLYSHM_KERNELS, symbol, signature, &function));
  return function;
}

/* Open, call, free: for calls that are right. */
static inline polyshm_value call_once(
    const char *symbol, const char *signature, const polyshm_value *values,
    uint64_t nvalues) {
  polyshm_function *function = kernel(symbol, signature);
  polyshm_value result = {.type = -1};
  assert_ok(
      polyshm_function_call(function, values, nvalues, NULL, NULL, &result));
  polyshm_function_free(function);
  return result;
}

#endif
