/* SPDX-License-Identifier: MIT */
/* Values, to and from what C calls them. */
#ifndef POLYSHM_CALL_CONVERT_H
#define POLYSHM_CALL_CONVERT_H

#include "polyshm.h"

#include <ffi.h>
#include <stdbool.h>
#include <stddef.h>

/* An argument where libffi finds it. */
typedef union pshm_slot {
  int8_t i8;
  int16_t i16;
  int32_t i32;
  int64_t i64;
  uint8_t u8;
  uint16_t u16;
  uint32_t u32;
  uint64_t u64;
  float f32;
  double f64;
  const void *address;
  size_t size;
} pshm_slot;

/* A result: libffi widens integers that are narrower than a register. */
typedef union pshm_result {
  ffi_arg narrow;
  pshm_slot wide;
} pshm_result;

ffi_type *pshm_convert_type(uint32_t type);

/* Store a number, a ptr or a str; the failures are those of
 * polyshm_function_call(), in the words "<what> <place> ...". */
polyshm_status pshm_convert_in(
    uint32_t type, const polyshm_value *value, const char *what, unsigned place,
    pshm_slot *out_slot);

/* The same for the result of a callback, where libffi finds that. */
polyshm_status pshm_convert_answer(
    uint32_t type, const polyshm_value *value, void *out_result);

/* The type of value that stands for this type. */
int32_t pshm_convert_kind(uint32_t type);

/* A number, ptr or str at some address. */
void pshm_convert_out(uint32_t type, const void *at, polyshm_value *out_value);

/* The same of what libffi took as the result of a function. */
void pshm_convert_result(
    uint32_t type, const pshm_result *result, polyshm_value *out_value);

/* Refuse a value for its type. */
polyshm_status pshm_convert_refuse(
    uint32_t type, const polyshm_value *value, const char *what,
    unsigned place);

/* Check a value that is to be a C string. */
polyshm_status pshm_convert_check_text(
    const polyshm_value *value, unsigned place);

#endif
