/* SPDX-License-Identifier: MIT */
#include "bytes.h"

#include "text.h"

#include <inttypes.h>
#include <string.h>

static const bytes_type types[] = {
    {"hex", 'x', 1, 2},  {"i8", 'i', 1, 4},   {"u8", 'u', 1, 3},
    {"i16", 'i', 2, 6},  {"u16", 'u', 2, 5},  {"i32", 'i', 4, 11},
    {"u32", 'u', 4, 10}, {"i64", 'i', 8, 20}, {"u64", 'u', 8, 20},
    {"f32", 'f', 4, 16}, {"f64", 'f', 8, 24}};

const bytes_type *bytes_find_type(const char *name) {
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    if (strcmp(types[i].name, name) == 0)
      return types + i;
  return NULL;
}

void bytes_put_dump(
    FILE *out, uint64_t offset, const unsigned char *bytes, size_t size) {
  fprintf(out, "%08" PRIx64 " ", offset);
  for (size_t i = 0; i < BYTES_PER_ROW; i++) {
    fputs(i == BYTES_PER_ROW / 2 ? "  " : " ", out);
    if (i < size)
      fprintf(out, "%02x", bytes[i]);
    else
      fputs("  ", out);
  }
  fputs("  |", out);
  for (size_t i = 0; i < size; i++)
    fputc(bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.', out);
  fputc('|', out);
}

/* ---------------------------------------------------------------- numbers */

static int64_t signed_of(const bytes_type *type, const unsigned char *bytes) {
  int8_t i8;
  int16_t i16;
  int32_t i32;
  int64_t i64;
  switch (type->size) {
  case 1:
    memcpy(&i8, bytes, sizeof i8);
    return i8;
  case 2:
    memcpy(&i16, bytes, sizeof i16);
    return i16;
  case 4:
    memcpy(&i32, bytes, sizeof i32);
    return i32;
  default:
    memcpy(&i64, bytes, sizeof i64);
    return i64;
  }
}

static uint64_t unsigned_of(
    const bytes_type *type, const unsigned char *bytes) {
  uint64_t wide = (uint64_t)signed_of(type, bytes);
  return type->size == 8 ? wide : wide & ((UINT64_C(1) << 8 * type->size) - 1);
}

static double float_of(const bytes_type *type, const unsigned char *bytes) {
  float f32;
  double f64;
  if (type->size == 8) {
    memcpy(&f64, bytes, sizeof f64);
    return f64;
  }
  memcpy(&f32, bytes, sizeof f32);
  return (double)f32;
}

static void format_number(
    char *buffer, size_t capacity, const bytes_type *type,
    const unsigned char *bytes) {
  if (type->kind == 'i')
    snprintf(buffer, capacity, "%" PRId64, signed_of(type, bytes));
  else if (type->kind == 'u')
    snprintf(buffer, capacity, "%" PRIu64, unsigned_of(type, bytes));
  else
    text_float(buffer, capacity, float_of(type, bytes));
}

void bytes_put_numbers(
    FILE *out, const bytes_type *type, const unsigned char *bytes,
    size_t size) {
  char number[64];
  for (; size >= type->size; bytes += type->size, size -= type->size) {
    format_number(number, sizeof number, type, bytes);
    fprintf(out, "  %*s", type->width, number);
  }
}

json_object *bytes_number_json(
    const bytes_type *type, const unsigned char *bytes) {
  if (type->kind == 'i')
    return node_int(signed_of(type, bytes));
  if (type->kind == 'u')
    return node_uint(unsigned_of(type, bytes));
  return node_float(float_of(type, bytes));
}
