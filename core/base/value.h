/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_BASE_VALUE_H
#define POLYSHM_BASE_VALUE_H

#include "polyshm.h"

#include <stdbool.h>

/* Check a value that a caller wants to store. *out_type is its type, with
 * POLYSHM_TEXT settled as POLYSHM_STRING or POLYSHM_BYTES. */
polyshm_status pshm_value_settle(const polyshm_value *value, int32_t *out_type);

/* Check a value that a caller looks for. POLYSHM_TEXT stays, for it equals
 * either kind, and strings need not be UTF-8: they are merely not found. */
polyshm_status pshm_value_check(const polyshm_value *value);

/* Whether a stored number equals a sought one, exactly and across int, float
 * and bool, as Python compares them. */
bool pshm_value_equal_int(const polyshm_value *sought, int64_t stored);
bool pshm_value_equal_float(const polyshm_value *sought, double stored);

#endif
