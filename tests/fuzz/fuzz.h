/* SPDX-License-Identifier: MIT */
/* A harness has this one function. libFuzzer calls it, or driver.c. */
#ifndef POLYSHM_TESTS_FUZZ_H
#define POLYSHM_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold, whatever the input. */
#define FUZZ_CHECK(condition)                                                  \
  do {                                                                         \
    if (!(condition))                                                          \
      __builtin_trap();                                                        \
  } while (0)

#endif
