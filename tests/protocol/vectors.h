/* SPDX-License-Identifier: MIT */
/* What stock Pythons say; protocol/table.py makes the tables. */
#ifndef POLYSHM_TESTS_VECTORS_H
#define POLYSHM_TESTS_VECTORS_H

#include <stddef.h>
#include <stdint.h>

typedef struct vector_auth {
  const char *key;
  size_t nkey;
  const char *challenge; /* without "#CHALLENGE#" */
  size_t nchallenge;
  const char *legacy; /* the response of CPython up to 3.11 */
  size_t nlegacy;
  const char *modern;
  size_t nmodern;
} vector_auth;

typedef struct vector_frame {
  uint64_t size;
  const char *header;
  size_t nheader;
} vector_frame;

typedef struct vector_pickle {
  const char *python, *name, *bytes;
  size_t size;
} vector_pickle;

#endif
