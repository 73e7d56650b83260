/* SPDX-License-Identifier: MIT */
#include "manage/journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void pshm_journal_note(
    pshm_journal *journal, uint32_t level, const char *format, ...) {
  if (level > journal->level)
    return;
  if (journal->count == PSHM_JOURNAL_SIZE) {
    journal->lost++;
    return;
  }
  uint32_t last = (journal->first + journal->count++) % PSHM_JOURNAL_SIZE;
  journal->notes[last].level = level;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(journal->notes[last].text, PSHM_JOURNAL_TEXT, format, arguments);
  va_end(arguments);
}

bool pshm_journal_take(pshm_journal *journal, polyshm_event_info *out_event) {
  if (journal->count == 0)
    return false;
  out_event->level = journal->notes[journal->first].level;
  strcpy(out_event->text, journal->notes[journal->first].text);
  journal->first = (journal->first + 1) % PSHM_JOURNAL_SIZE;
  if (--journal->count == 0 && journal->lost > 0) {
    unsigned long long lost = journal->lost;
    journal->lost = 0;
    pshm_journal_note(
        journal, POLYSHM_LEVEL_WARNING,
        "%llu more events came too fast to be told", lost);
  }
  return true;
}
