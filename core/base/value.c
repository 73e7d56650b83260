/* SPDX-License-Identifier: MIT */
#include "base/value.h"

#include "base/error.h"
#include "base/utf8.h"

#include <stddef.h>

polyshm_status pshm_value_check(const polyshm_value *value) {
  if (value == NULL)
    return pshm_error_set(POLYSHM_E_INVALID, "the value is NULL");
  switch (value->type) {
  case POLYSHM_NONE:
  case POLYSHM_INT:
  case POLYSHM_FLOAT:
    return POLYSHM_OK;
  case POLYSHM_BOOL:
    if (value->of.i != 0 && value->of.i != 1)
      return pshm_error_set(
          POLYSHM_E_INVALID, "a bool is 0 or 1, not %lld",
          (long long)value->of.i);
    return POLYSHM_OK;
  case POLYSHM_STRING:
  case POLYSHM_BYTES:
  case POLYSHM_TEXT:
    if (value->of.p == NULL && value->size != 0)
      return pshm_error_set(
          POLYSHM_E_INVALID, "a string of %llu bytes has a NULL address",
          (unsigned long long)value->size);
    return POLYSHM_OK;
  default:
    return pshm_error_set(
        POLYSHM_E_INVALID, "lists hold no values of type %d", (int)value->type);
  }
}

polyshm_status pshm_value_settle(
    const polyshm_value *value, int32_t *out_type) {
  polyshm_status status = pshm_value_check(value);
  if (status != POLYSHM_OK)
    return status;

  int32_t type = value->type;
  if (type == POLYSHM_STRING || type == POLYSHM_TEXT) {
    /* Too long for any slot: leave it to that error, without reading it all. */
    bool utf8 = value->size > POLYSHM_TEXT_MAX ||
                pshm_utf8_check(value->of.p, value->size);
    if (type == POLYSHM_TEXT)
      type = utf8 ? POLYSHM_STRING : POLYSHM_BYTES;
    else if (!utf8)
      return pshm_error_set(
          POLYSHM_E_INVALID, "a string is not UTF-8; store it as bytes");
  }
  *out_type = type;
  return POLYSHM_OK;
}

/* A double above 2^53 may stand for an integer that another one rounds to, so
 * the comparison has to be made among integers. The bounds are exact doubles;
 * NaN fails both. */
static bool equal(int64_t i, double f) {
  return f >= -0x1p63 && f < 0x1p63 && (double)(int64_t)f == f &&
         (int64_t)f == i;
}

bool pshm_value_equal_int(const polyshm_value *sought, int64_t stored) {
  switch (sought->type) {
  case POLYSHM_BOOL:
  case POLYSHM_INT:
    return sought->of.i == stored;
  case POLYSHM_FLOAT:
    return equal(stored, sought->of.f);
  default:
    return false;
  }
}

bool pshm_value_equal_float(const polyshm_value *sought, double stored) {
  switch (sought->type) {
  case POLYSHM_BOOL:
  case POLYSHM_INT:
    return equal(sought->of.i, stored);
  case POLYSHM_FLOAT:
    return sought->of.f == stored;
  default:
    return false;
  }
}
