/* SPDX-License-Identifier: MIT */
/* What a server has to tell, until somebody asks for it: a ring that never
 * grows. What does not fit is counted. */
#ifndef POLYSHM_MANAGE_JOURNAL_H
#define POLYSHM_MANAGE_JOURNAL_H

#include "polyshm.h"
#include "base/port.h"

#include <stdbool.h>

enum { PSHM_JOURNAL_SIZE = 64, PSHM_JOURNAL_TEXT = 360 };

typedef struct pshm_journal {
  uint32_t level; /* what is above it is not noted */
  uint32_t first, count;
  uint64_t lost;
  struct {
    uint32_t level;
    char text[PSHM_JOURNAL_TEXT];
  } notes[PSHM_JOURNAL_SIZE];
} pshm_journal;

PSHM_PRINTF(3, 4)
void pshm_journal_note(
    pshm_journal *journal, uint32_t level, const char *format, ...);

/* Take the oldest; false if there is none. */
bool pshm_journal_take(pshm_journal *journal, polyshm_event_info *out_event);

#endif
