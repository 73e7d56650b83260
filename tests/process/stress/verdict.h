/* SPDX-License-Identifier: MIT */
/* What must be true when all peers have gone, and the table of what they did.
 */
#ifndef POLYSHM_STRESS_VERDICT_H
#define POLYSHM_STRESS_VERDICT_H

#include "fleet.h"

#include <polyshm.h>

/* How punctual the driver was: the measure of how busy the processors are. */
typedef struct verdict_sleeps {
  unsigned all, late;
} verdict_sleeps;

/* Each says what is wrong, and whether nothing is. */
bool verdict_of_counts(const stress_fleet *fleet, polyshm_list *list);
bool verdict_of_list(polyshm_list *list);
bool verdict_of_wakes(const stress_fleet *fleet, const verdict_sleeps *sleeps);

void verdict_print(const stress_fleet *fleet);

#endif
