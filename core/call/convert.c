/* SPDX-License-Identifier: MIT */
/*
 * Values, to and from what C calls them. Nothing is ever truncated: what does
 * not fit is refused. The one thing that is rounded is a float to an f32.
 */
#include "call/convert.h"

#include "base/error.h"
#include "base/port.h"
#include "base/signature.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

ffi_type *pshm_convert_type(uint32_t type) {
  switch (type) {
  case POLYSHM_TYPE_VOID:
    return &ffi_type_void;
  case POLYSHM_TYPE_I8:
    return &ffi_type_sint8;
  case POLYSHM_TYPE_I16:
    return &ffi_type_sint16;
  case POLYSHM_TYPE_I32:
    return &ffi_type_sint32;
  case POLYSHM_TYPE_I64:
    return &ffi_type_sint64;
  case POLYSHM_TYPE_U8:
    return &ffi_type_uint8;
  case POLYSHM_TYPE_U16:
    return &ffi_type_uint16;
  case POLYSHM_TYPE_U32:
    return &ffi_type_uint32;
  case POLYSHM_TYPE_U64:
    return &ffi_type_uint64;
  case POLYSHM_TYPE_F32:
    return &ffi_type_float;
  case POLYSHM_TYPE_F64:
    return &ffi_type_double;
  case POLYSHM_TYPE_LEN:
  case POLYSHM_TYPE_COUNT:
    return sizeof(size_t) == 8 ? &ffi_type_uint64 : &ffi_type_uint32;
  default:
    return &ffi_type_pointer;
  }
}

int32_t pshm_convert_kind(uint32_t type) {
  if (type >= POLYSHM_TYPE_I8 && type <= POLYSHM_TYPE_I64)
    return POLYSHM_INT;
  if (type >= POLYSHM_TYPE_U8 && type <= POLYSHM_TYPE_U64)
    return POLYSHM_UINT;
  if (type == POLYSHM_TYPE_F32 || type == POLYSHM_TYPE_F64)
    return POLYSHM_FLOAT;
  if (type == POLYSHM_TYPE_PTR)
    return POLYSHM_POINTER;
  return type == POLYSHM_TYPE_STR ? POLYSHM_STRING : POLYSHM_NONE;
}

/* ----------------------------------------------------------------- refusals */

static const char *name_value(int32_t type) {
  static const char *const names[] = {
      [POLYSHM_NONE] = "nothing",        [POLYSHM_BOOL] = "a bool",
      [POLYSHM_INT] = "an integer",      [POLYSHM_FLOAT] = "a float",
      [POLYSHM_STRING] = "a string",     [POLYSHM_BYTES] = "bytes",
      [POLYSHM_POINTER] = "a pointer",   [POLYSHM_VIEW] = "a view",
      [POLYSHM_CALLBACK] = "a callback", [POLYSHM_TEXT] = "a string",
      [POLYSHM_UINT] = "an integer"};
  bool is_known = type >= 0 && (size_t)type < sizeof names / sizeof *names;
  return is_known ? names[type] : "of an unknown type";
}

enum { SUBJECT = 32 /* bytes */ };

/* What a message is about. */
PSHM_COLD static const char *name_subject(unsigned place, char *text) {
  if (place == PSHM_CONVERT_ANSWER)
    return "a callback's answer";
  snprintf(text, SUBJECT, "value %u", place);
  return text;
}

PSHM_COLD polyshm_status
pshm_convert_refuse(uint32_t type, const polyshm_value *value, unsigned place) {
  char subject[SUBJECT];
  return pshm_error_set(
      POLYSHM_E_TYPE, "%s cannot be %s: it is for %s of type %s",
      name_subject(place, subject), name_value(value->type),
      place == PSHM_CONVERT_ANSWER ? "a result" : "a parameter",
      pshm_signature_name(type));
}

PSHM_COLD static polyshm_status refuse_range(
    uint32_t type, const polyshm_value *value, unsigned place) {
  char text[SUBJECT];
  const char *subject = name_subject(place, text);
  const char *name = pshm_signature_name(type);
  if (value->type == POLYSHM_FLOAT)
    return pshm_error_set(
        POLYSHM_E_RANGE, "%s does not fit %s: it is %g", subject, name,
        value->of.f);
  if (value->type == POLYSHM_UINT)
    return pshm_error_set(
        POLYSHM_E_RANGE, "%s does not fit %s: it is %llu", subject, name,
        (unsigned long long)value->of.i);
  return pshm_error_set(
      POLYSHM_E_RANGE, "%s does not fit %s: it is %lld", subject, name,
      (long long)value->of.i);
}

/* ----------------------------------------------------------------- integers */

/* Whether a value's 64 bits are a number of this type. */
static inline bool fits(uint32_t type, const polyshm_value *value) {
  bool is_negative = value->type == POLYSHM_INT && value->of.i < 0;
  uint64_t bits = (uint64_t)value->of.i;
  switch (type) {
#define SIGNED(TYPE, LEAST, MOST)                                              \
  case TYPE:                                                                   \
    return is_negative ? value->of.i >= (LEAST) : bits <= (MOST);
    SIGNED(POLYSHM_TYPE_I8, INT8_MIN, INT8_MAX)
    SIGNED(POLYSHM_TYPE_I16, INT16_MIN, INT16_MAX)
    SIGNED(POLYSHM_TYPE_I32, INT32_MIN, INT32_MAX)
    SIGNED(POLYSHM_TYPE_I64, INT64_MIN, INT64_MAX)
#undef SIGNED
  case POLYSHM_TYPE_U8:
    return !is_negative && bits <= UINT8_MAX;
  case POLYSHM_TYPE_U16:
    return !is_negative && bits <= UINT16_MAX;
  case POLYSHM_TYPE_U32:
    return !is_negative && bits <= UINT32_MAX;
  default:
    return !is_negative;
  }
}

/* ------------------------------------------------------------------- floats */

/* An integer that is exactly a float of this type; NaN if it is none. */
static double exact_float(uint32_t type, const polyshm_value *value) {
  bool is_signed = value->type == POLYSHM_INT;
  uint64_t bits = (uint64_t)value->of.i;
  double found = is_signed ? (double)value->of.i : (double)bits;
  if (type == POLYSHM_TYPE_F32)
    found = (double)(float)found;
  /* Rounding up may have led out of the integers. */
  if (found >= (is_signed ? 0x1p63 : 0x1p64))
    return NAN;
  bool is_exact =
      is_signed ? (int64_t)found == value->of.i : (uint64_t)found == bits;
  return is_exact ? found : NAN;
}

static polyshm_status float_in(
    uint32_t type, const polyshm_value *value, unsigned place,
    pshm_slot *slot) {
  double number = value->of.f;
  if (value->type != POLYSHM_FLOAT) {
    if (value->type != POLYSHM_INT && value->type != POLYSHM_UINT)
      return pshm_convert_refuse(type, value, place);
    number = exact_float(type, value);
    if (isnan(number))
      return refuse_range(type, value, place);
  }
  if (type == POLYSHM_TYPE_F64) {
    slot->f64 = number;
    return POLYSHM_OK;
  }
  /* From half a step above the greatest f32 on, the nearest is infinity. */
  if (isfinite(number) && fabs(number) >= 0x1.ffffffp127)
    return refuse_range(type, value, place);
  slot->f32 = (float)number;
  return POLYSHM_OK;
}

/* ---------------------------------------------------------------- addresses */

/* C reads to the first zero, and must find the last there. */
polyshm_status pshm_convert_check_text(
    const polyshm_value *value, unsigned place) {
  const char *text = value->of.p;
  if (text == NULL)
    return pshm_error_set(
        POLYSHM_E_INVALID, "value %u is a string at NULL", place);
  if (memchr(text, 0, (size_t)value->size) != NULL)
    return pshm_error_set(
        POLYSHM_E_INVALID,
        "value %u has a zero byte inside, and a str ends at the first", place);
  if (text[value->size] != 0)
    return pshm_error_set(
        POLYSHM_E_INVALID, "value %u has no zero byte at its end", place);
  return POLYSHM_OK;
}

static polyshm_status address_in(
    uint32_t type, const polyshm_value *value, unsigned place,
    pshm_slot *slot) {
  polyshm_status status = POLYSHM_OK;
  slot->address = value->of.p;
  if (type == POLYSHM_TYPE_PTR && value->type == POLYSHM_NONE)
    slot->address = NULL;
  else if (
      type == POLYSHM_TYPE_STR &&
      (value->type == POLYSHM_STRING || value->type == POLYSHM_BYTES ||
       value->type == POLYSHM_TEXT))
    status = pshm_convert_check_text(value, place);
  else if (type != POLYSHM_TYPE_PTR || value->type != POLYSHM_POINTER)
    status = pshm_convert_refuse(type, value, place);
  return status;
}

/* ---------------------------------------------------------------- in and out
 */

polyshm_status pshm_convert_in(
    uint32_t type, const polyshm_value *value, unsigned place,
    pshm_slot *out_slot) {
  if (type >= POLYSHM_TYPE_I8 && type <= POLYSHM_TYPE_U64) {
    if (PSHM_UNLIKELY(
            value->type != POLYSHM_INT && value->type != POLYSHM_UINT))
      return pshm_convert_refuse(type, value, place);
    if (PSHM_UNLIKELY(!fits(type, value)))
      return refuse_range(type, value, place);
    pshm_convert_store(type, value->of.i, out_slot);
    return POLYSHM_OK;
  }
  if (type == POLYSHM_TYPE_F32 || type == POLYSHM_TYPE_F64)
    return float_in(type, value, place, out_slot);
  return address_in(type, value, place, out_slot);
}

polyshm_status pshm_convert_answer(
    uint32_t type, const polyshm_value *value, void *out_result) {
  pshm_slot slot;
  if (type == POLYSHM_TYPE_VOID)
    return POLYSHM_OK;
  polyshm_status status =
      pshm_convert_in(type, value, PSHM_CONVERT_ANSWER, &slot);
  if (status != POLYSHM_OK)
    return status;
  uint32_t width = pshm_signature_width(type);
  if (width != 0 && type <= POLYSHM_TYPE_U64 && width < sizeof(ffi_arg))
    *(ffi_arg *)out_result = (ffi_arg)value->of.i;
  else
    memcpy(out_result, &slot, width == 0 ? sizeof(void *) : width);
  return POLYSHM_OK;
}

void pshm_convert_out(uint32_t type, const void *at, polyshm_value *out_value) {
  *out_value = (polyshm_value){.type = pshm_convert_kind(type)};
  switch (type) {
#define NUMBER(TYPE, T, MEMBER)                                                \
  case TYPE: {                                                                 \
    T number;                                                                  \
    memcpy(&number, at, sizeof number);                                        \
    out_value->of.MEMBER = number;                                             \
    break;                                                                     \
  }
    NUMBER(POLYSHM_TYPE_I8, int8_t, i)
    NUMBER(POLYSHM_TYPE_I16, int16_t, i)
    NUMBER(POLYSHM_TYPE_I32, int32_t, i)
    NUMBER(POLYSHM_TYPE_I64, int64_t, i)
    NUMBER(POLYSHM_TYPE_U8, uint8_t, i)
    NUMBER(POLYSHM_TYPE_U16, uint16_t, i)
    NUMBER(POLYSHM_TYPE_U32, uint32_t, i)
    NUMBER(POLYSHM_TYPE_U64, int64_t, i) /* the same bits */
    NUMBER(POLYSHM_TYPE_F32, float, f)
    NUMBER(POLYSHM_TYPE_F64, double, f)
#undef NUMBER
  case POLYSHM_TYPE_PTR:
  case POLYSHM_TYPE_STR:
    memcpy(&out_value->of.p, at, sizeof out_value->of.p);
    if (out_value->of.p == NULL)
      out_value->type = POLYSHM_NONE;
    else if (type == POLYSHM_TYPE_STR)
      out_value->size = strlen(out_value->of.p);
    break;
  default:
    break;
  }
}

void pshm_convert_result(
    uint32_t type, const pshm_result *result, polyshm_value *out_value) {
  uint32_t width = pshm_signature_width(type);
  if (width != 0 && type <= POLYSHM_TYPE_U64 && width < sizeof(ffi_arg)) {
    pshm_slot slot;
    pshm_convert_store(type, (int64_t)result->narrow, &slot);
    pshm_convert_out(type, &slot, out_value);
  } else {
    pshm_convert_out(type, &result->wide, out_value);
  }
}
