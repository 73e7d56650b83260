/* SPDX-License-Identifier: MIT */
/*
 * Bytes of others as text that cannot do harm: names and values may hold
 * control characters, or no text at all.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum text_purpose {
  TEXT_NAME,    /* a backslash is doubled, so that escapes are no guesses */
  TEXT_QUOTED,  /* and a double quote escaped */
  TEXT_MESSAGE, /* only what is not printable is escaped */
  TEXT_JSON     /* of a JSON text, which is UTF-8: the same, in JSON's way */
} text_purpose;

void text_put(FILE *out, const void *bytes, size_t size, text_purpose purpose);

/* The same as a string of its own, for free(). */
char *text_of(const void *bytes, size_t size, text_purpose purpose);
char *text_name(const char *name);
__attribute__((format(printf, 1, 2))) char *text_format(
    const char *format, ...);

bool text_is_utf8(const void *bytes, size_t size);

/* UTF-8 with U+FFFD for each byte that is none; for free(). */
char *text_repair(const void *bytes, size_t size, size_t *out_size);

/* Columns on a terminal. */
int text_width(const char *text);

/* How many bytes of it fit into so many columns. */
size_t text_fit(const char *text, int columns);

/* 1536 as "1.5K"; what fits four digits as it is. */
char *text_size(uint64_t bytes);

/* Nanoseconds as "59s", "3m", "5h", "2d". */
char *text_age(int64_t nanoseconds);

/* The fewest digits that mean this number, with a point or an exponent. */
void text_float(char *buffer, size_t capacity, double number);

#endif
