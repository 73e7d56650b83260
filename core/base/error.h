/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_BASE_ERROR_H
#define POLYSHM_BASE_ERROR_H

#include "polyshm.h"
#include "base/port.h"

/* This thread's last failure, for those who fail on their way to a success and
 * must leave no trace of that. */
typedef struct pshm_error {
  int32_t os;
  char message[512];
} pshm_error;

void pshm_error_save(pshm_error *out_error);
void pshm_error_restore(const pshm_error *error);

/* Note a failure for this thread and return `status`, so that a function can
 * end with `return pshm_error_set(...)`. */
PSHM_COLD PSHM_PRINTF(2, 3) polyshm_status
    pshm_error_set(polyshm_status status, const char *format, ...);

/* The same for a failure whose cause is a system call; `code` is its errno. */
PSHM_COLD PSHM_PRINTF(3, 4) polyshm_status
    pshm_error_set_os(polyshm_status status, int code, const char *format, ...);

/* An analyzer that reads one file at a time cannot know what they return. */
#ifdef __clang_analyzer__
#define pshm_error_set(status, ...)                                            \
  (pshm_error_set(status, __VA_ARGS__), (status))
#define pshm_error_set_os(status, ...)                                         \
  (pshm_error_set_os(status, __VA_ARGS__), (status))
#endif

#endif
