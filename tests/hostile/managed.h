/* SPDX-License-Identifier: MIT */
/* What a good peer does with a manager that others harm. */
#ifndef POLYSHM_TESTS_HOSTILE_MANAGED_H
#define POLYSHM_TESTS_HOSTILE_MANAGED_H

#include "common.h"

/* Make, use and release a block or a list that belongs to the manager. */
void work_managed(dice *random, const char *peer);

/* Disconnect. */
void managed_end(void);

#endif
