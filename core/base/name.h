/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_BASE_NAME_H
#define POLYSHM_BASE_NAME_H

#include "polyshm.h"

/* Check a caller's name; *out_plain points past its leading slashes. */
polyshm_status pshm_name_check(const char *name, const char **out_plain);

/* An automatic name as stock Python makes them: "psm_" and the eight
 * hexadecimal digits of `random`. */
void pshm_name_generate(uint32_t random, char name[POLYSHM_NAME_MAX + 1]);

#endif
