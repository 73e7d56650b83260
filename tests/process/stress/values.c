/* SPDX-License-Identifier: MIT */
#include "values.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 8 };

typedef struct measure {
  uint32_t least, spread; /* of letters */
} measure;

static const measure short_text = {0, 41}, long_text = {12000, 3500};

polyshm_value make_int(int64_t n) {
  return (polyshm_value){.type = POLYSHM_INT, .of.i = n};
}

static polyshm_value make(
    uint32_t n, int32_t type, measure of, char room[VALUE_ROOM]) {
  uint32_t letters = of.least + n % of.spread, zeros = n % 3;
  snprintf(room, VALUE_ROOM, "%08" PRIx32, n);
  memset(room + DIGITS, 'a' + (int)(n % 26), letters);
  memset(room + DIGITS + letters, 0, zeros);
  return (polyshm_value){
      .type = type, .of.p = room, .size = DIGITS + letters + zeros};
}

/* The number in a text. */
static bool find_number(const polyshm_value *value, uint32_t *out_n) {
  char digits[DIGITS + 1] = {0}, *end;
  if ((value->type != POLYSHM_STRING && value->type != POLYSHM_BYTES) ||
      value->size < DIGITS)
    return false;
  memcpy(digits, value->of.p, DIGITS);
  *out_n = (uint32_t)strtoul(digits, &end, 16);
  return end == digits + DIGITS;
}

static bool same(const polyshm_value *value, const polyshm_value *whole) {
  return value->type == whole->type && value->size == whole->size &&
         memcmp(value->of.p, whole->of.p, (size_t)whole->size) == 0;
}

static int32_t type_of_text(uint32_t n) {
  return n % 5 == 0 ? POLYSHM_BYTES : POLYSHM_STRING;
}

static bool is_made(const polyshm_value *value, measure of) {
  uint32_t n;
  char room[VALUE_ROOM];
  if (!find_number(value, &n))
    return false;
  polyshm_value whole = make(n, type_of_text(n), of, room);
  return same(value, &whole);
}

polyshm_value make_text(uint32_t n, char room[VALUE_ROOM]) {
  return make(n, type_of_text(n), short_text, room);
}

polyshm_value make_big(uint32_t n, char room[VALUE_ROOM]) {
  return make(n, type_of_text(n), long_text, room);
}

bool is_text(const polyshm_value *value) {
  return is_made(value, short_text);
}

bool is_big(const polyshm_value *value) {
  return is_made(value, long_text);
}

polyshm_value make_mixed(uint32_t n, char room[VALUE_ROOM]) {
  switch (n % 6) {
  case 0:
    return (polyshm_value){.type = POLYSHM_NONE};
  case 1:
    return (polyshm_value){.type = POLYSHM_BOOL, .of.i = n / 6 % 2};
  case 2:
    return make_int(n);
  case 3:
    return (polyshm_value){.type = POLYSHM_FLOAT, .of.f = n + 0.5};
  case 4:
    return make(n, POLYSHM_STRING, short_text, room);
  default:
    return make(n, POLYSHM_BYTES, short_text, room);
  }
}

bool is_mixed(const polyshm_value *value) {
  uint32_t n;
  double whole;
  char room[VALUE_ROOM];
  switch (value->type) {
  case POLYSHM_NONE:
  case POLYSHM_BOOL:
    return true;
  case POLYSHM_INT:
    return value->of.i >= 0 && value->of.i <= UINT32_MAX &&
           value->of.i % 6 == 2;
  case POLYSHM_FLOAT:
    return modf(value->of.f, &whole) == 0.5 && whole >= 0 &&
           whole <= UINT32_MAX && (uint32_t)whole % 6 == 3;
  default:
    if (!find_number(value, &n) || n % 6 < 4)
      return false;
    polyshm_value expected = make_mixed(n, room);
    return same(value, &expected);
  }
}

bool read_ledger(const polyshm_value *ledger, int64_t out_numbers[3]) {
  char text[64] = {0};
  if (ledger->type != POLYSHM_STRING || ledger->size >= sizeof text)
    return false;
  memcpy(text, ledger->of.p, (size_t)ledger->size);
  return sscanf(
             text, "%" SCNd64 " %" SCNd64 " %" SCNd64, out_numbers,
             out_numbers + 1, out_numbers + 2) == 3;
}

bool is_balanced(const polyshm_value three[3]) {
  if (three[0].type != POLYSHM_INT || three[1].type != POLYSHM_INT)
    return false;
  int64_t left = three[0].of.i, right = three[1].of.i, was[3];
  if (three[2].type == POLYSHM_NONE)
    return left + right == TOTAL;
  /* Somebody died in the midst of a change, or of undoing one. */
  return read_ledger(&three[2], was) && was[0] + was[1] == TOTAL &&
         (left == was[0] || left == was[0] - was[2]) &&
         (right == was[1] || right == was[1] + was[2]);
}
