/* SPDX-License-Identifier: MIT */
/* Values, to and from what C calls them. */
#ifndef POLYSHM_CALL_CONVERT_H
#define POLYSHM_CALL_CONVERT_H

#include "polyshm.h"
#include "base/signature.h"

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

/* The narrower members of a slot are its first bytes, and a register wants the
 * number widened: where the first byte is the lowest, one store does both. */
static inline void pshm_convert_store(
    uint32_t type, int64_t integer, pshm_slot *slot) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  unsigned unused = 64 - 8 * pshm_signature_width(type);
  slot->u64 = (uint64_t)integer << unused;
#else
  (void)type;
  slot->i64 = integer;
#endif
}

enum { PSHM_CONVERT_ANSWER = 0 /* a place that no value has */ };

/* Store a number, a ptr or a str; the failures are those of
 * polyshm_function_call(), in the words "value <place> ...". */
polyshm_status pshm_convert_in(
    uint32_t type, const polyshm_value *value, unsigned place,
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

/* The same two, for the types that are most of all. */
static inline polyshm_status pshm_convert_quickly_in(
    uint32_t type, const polyshm_value *value, unsigned place,
    pshm_slot *out_slot) {
  int64_t integer = value->of.i;
  if (value->type == POLYSHM_INT && type == POLYSHM_TYPE_I64) {
    out_slot->i64 = integer;
    return POLYSHM_OK;
  }
  if (value->type == POLYSHM_INT && type == POLYSHM_TYPE_I32 &&
      integer == (int32_t)integer) {
    pshm_convert_store(type, integer, out_slot);
    return POLYSHM_OK;
  }
  if (value->type == POLYSHM_FLOAT && type == POLYSHM_TYPE_F64) {
    out_slot->f64 = value->of.f;
    return POLYSHM_OK;
  }
  return pshm_convert_in(type, value, place, out_slot);
}

static inline void pshm_convert_quickly_result(
    uint32_t type, const pshm_result *result, polyshm_value *out_value) {
  out_value->reserved = 0;
  out_value->size = 0;
  if (type == POLYSHM_TYPE_I64) {
    out_value->type = POLYSHM_INT;
    out_value->of.i = result->wide.i64;
  } else if (type == POLYSHM_TYPE_F64) {
    out_value->type = POLYSHM_FLOAT;
    out_value->of.f = result->wide.f64;
  } else if (type == POLYSHM_TYPE_VOID) {
    out_value->type = POLYSHM_NONE;
    out_value->of.i = 0;
  } else {
    pshm_convert_result(type, result, out_value);
  }
}

/* Refuse a value for its type. */
polyshm_status pshm_convert_refuse(
    uint32_t type, const polyshm_value *value, unsigned place);

/* Check a value that is to be a C string. */
polyshm_status pshm_convert_check_text(
    const polyshm_value *value, unsigned place);

#endif
