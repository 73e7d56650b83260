/* SPDX-License-Identifier: MIT */
/*
 * The last failure of each thread.
 *
 * The buffer is a plain thread-local array: it needs no initialisation, no
 * allocation and no release, so noting an error cannot itself fail.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

/* Macros, for analyzers. */
#undef pshm_error_set
#undef pshm_error_set_os

static _Thread_local pshm_error last;

void pshm_error_save(pshm_error *out_error) {
  *out_error = last;
}

void pshm_error_restore(const pshm_error *error) {
  last = *error;
}

static void note(int code, const char *format, va_list arguments) {
  last.os = code;
  vsnprintf(last.message, sizeof last.message, format, arguments);
}

polyshm_status pshm_error_set(polyshm_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  note(0, format, arguments);
  va_end(arguments);
  return status;
}

polyshm_status pshm_error_set_os(
    polyshm_status status, int code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  note(code, format, arguments);
  va_end(arguments);
  return status;
}

const char *polyshm_error_message(void) {
  return last.message;
}

int32_t polyshm_error_os(void) {
  return last.os;
}

const char *polyshm_status_name(polyshm_status status) {
  switch (status) {
#define NAME(constant)                                                         \
  case constant:                                                               \
    return #constant;
    NAME(POLYSHM_OK)
    NAME(POLYSHM_E_INVALID)
    NAME(POLYSHM_E_MEMORY)
    NAME(POLYSHM_E_OS)
    NAME(POLYSHM_E_NOT_FOUND)
    NAME(POLYSHM_E_EXISTS)
    NAME(POLYSHM_E_ACCESS)
    NAME(POLYSHM_E_CLOSED)
    NAME(POLYSHM_E_BUSY)
    NAME(POLYSHM_E_TIMEOUT)
    NAME(POLYSHM_E_RANGE)
    NAME(POLYSHM_E_TYPE)
    NAME(POLYSHM_E_SPACE)
    NAME(POLYSHM_E_CORRUPT)
    NAME(POLYSHM_E_VERSION)
    NAME(POLYSHM_E_PROTOCOL)
    NAME(POLYSHM_E_UNSUPPORTED)
    NAME(POLYSHM_E_END)
    NAME(POLYSHM_E_INTERRUPTED)
#undef NAME
  default:
    return "an unknown polyshm_status";
  }
}
