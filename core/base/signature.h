/* SPDX-License-Identifier: MIT */
/*
 * What a signature string says: "f64(ptr, i64)", taken apart.
 *
 * It is parsed into fixed arrays, so that a function needs one piece of memory
 * and a callback none beyond its function's.
 */
#ifndef POLYSHM_BASE_SIGNATURE_H
#define POLYSHM_BASE_SIGNATURE_H

#include "polyshm.h"

#include <stdbool.h>

enum {
  PSHM_SIGNATURE_LENGTH = 1023,    /* characters of the text */
  PSHM_SIGNATURE_PARAMETERS = 32,  /* of a function */
  PSHM_SIGNATURE_CALLEES = 4,      /* functions among them */
  PSHM_SIGNATURE_CALLEE_TAKES = 16 /* parameters of each of those */
};

/* What native code calls back. */
typedef struct pshm_callee {
  uint8_t result; /* POLYSHM_TYPE_ */
  uint8_t nparameters;
  struct {
    uint8_t type;
    bool is_read; /* it comes by its address */
  } parameters[PSHM_SIGNATURE_CALLEE_TAKES];
} pshm_callee;

typedef struct pshm_parameter {
  uint8_t type;    /* POLYSHM_TYPE_ */
  uint8_t element; /* of an array; that of buf is U8 */
  bool is_const;
  uint8_t other; /* len and count: the place of their block;
                    fn: the place among the callees */
} pshm_parameter;

typedef struct pshm_signature {
  uint8_t result;
  uint8_t nparameters;
  uint8_t ninputs; /* those that a caller gives */
  uint8_t ncallees;
  pshm_parameter parameters[PSHM_SIGNATURE_PARAMETERS];
  pshm_callee callees[PSHM_SIGNATURE_CALLEES];
} pshm_signature;

polyshm_status pshm_signature_parse(
    const char *text, pshm_signature *out_signature);

/* "i32(*i64, *i64)", with "fn" before it or without. */
polyshm_status pshm_signature_parse_callee(
    const char *text, pshm_callee *out_callee);

/* How a type is written; the elements of an array are not said. */
const char *pshm_signature_name(uint32_t type);

/* Bytes of a number; 0 for what is none. */
uint32_t pshm_signature_width(uint32_t type);

static inline bool pshm_signature_is_number(uint32_t type) {
  return type >= POLYSHM_TYPE_I8 && type <= POLYSHM_TYPE_F64;
}

static inline bool pshm_signature_is_float(uint32_t type) {
  return type == POLYSHM_TYPE_F32 || type == POLYSHM_TYPE_F64;
}

static inline bool pshm_signature_is_block(uint32_t type) {
  return type == POLYSHM_TYPE_BUF || type == POLYSHM_TYPE_ARRAY;
}

static inline bool pshm_signature_is_filled(uint32_t type) {
  return type == POLYSHM_TYPE_LEN || type == POLYSHM_TYPE_COUNT;
}

#endif
