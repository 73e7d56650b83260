/* SPDX-License-Identifier: MIT */
/*
 * Standard output and error. What cannot be written is reported, once, and
 * makes the program fail.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum output_style {
  OUTPUT_PLAIN,
  OUTPUT_HEADING,
  OUTPUT_GOOD,
  OUTPUT_CARE,
  OUTPUT_BAD,
  OUTPUT_CHANGED
} output_style;

/* First of all: before anything is opened. */
void output_begin(void);

/* Last of all: the exit code, or that of a failure if not all was written. */
int output_end(int code);

/* Write what waits now; false, and reported, if that fails. */
bool output_flush(void);

/* True once writing has failed, so that long loops can end. */
bool output_is_broken(void);

bool output_is_terminal(void);

/* What begins and ends a style: escape sequences on a terminal that wants
 * colours, nothing otherwise. */
const char *output_on(output_style style);
const char *output_off(output_style style);

/* "polyshm: ..." on standard error. Control characters are escaped. */
__attribute__((format(printf, 1, 2))) void output_error(
    const char *format, ...);

/* Memory that is there: the program ends where there is none. */
void *output_memory(void *memory, size_t size);
__attribute__((noreturn)) void output_no_memory(void);

#endif
