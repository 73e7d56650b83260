/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_BASE_UTF8_H
#define POLYSHM_BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

/* Whether these bytes are UTF-8 as Python's strict decoder understands it: no
 * overlong forms, no surrogates, nothing above U+10FFFF. */
bool pshm_utf8_check(const void *bytes, uint64_t nbytes);

/* Characters in bytes that passed the check. */
uint64_t pshm_utf8_count(const void *bytes, uint64_t nbytes);

#endif
