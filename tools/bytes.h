/* SPDX-License-Identifier: MIT */
/* The bytes of a block as a dump, or as numbers of one type. */
#ifndef BYTES_H
#define BYTES_H

#include "node.h"

#include <stdint.h>
#include <stdio.h>

enum { BYTES_PER_ROW = 16 };

typedef struct bytes_type {
  const char *name;
  char kind; /* i, u, f; x for the dump */
  uint32_t size;
  int width; /* of the longest number */
} bytes_type;

/* NULL if there is no such type. */
const bytes_type *bytes_find_type(const char *name);

/* "00000010  68 65 ...  |he...|", without a newline. */
void bytes_put_dump(
    FILE *out, uint64_t offset, const unsigned char *bytes, size_t size);

/* As many whole numbers as there are, with blanks before each. */
void bytes_put_numbers(
    FILE *out, const bytes_type *type, const unsigned char *bytes, size_t size);

json_object *bytes_number_json(
    const bytes_type *type, const unsigned char *bytes);

#endif
