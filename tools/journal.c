/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include "text.h"

#include <polyshm.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

static const struct {
  const char *word;
  int priority;
} levels[] = {
    [POLYSHM_LEVEL_NONE] = {"none", LOG_ERR},
    [POLYSHM_LEVEL_ERROR] = {"error", LOG_ERR},
    [POLYSHM_LEVEL_WARNING] = {"warning", LOG_WARNING},
    [POLYSHM_LEVEL_INFO] = {"info", LOG_INFO},
    [POLYSHM_LEVEL_DEBUG] = {"debug", LOG_DEBUG}};

static bool is_syslog;

bool journal_level(const char *word, uint32_t *out_level) {
  for (uint32_t i = 0; i < sizeof levels / sizeof *levels; i++)
    if (strcmp(levels[i].word, word) == 0) {
      *out_level = i;
      return true;
    }
  return false;
}

void journal_open(bool to_syslog) {
  is_syslog = to_syslog;
  if (to_syslog)
    openlog("polyshm", LOG_PID, LOG_DAEMON);
}

/* Names of blocks are those of others. */
void journal_put(uint32_t level, const char *text) {
  char *plain = text_of(text, strlen(text), TEXT_MESSAGE);
  if (is_syslog)
    syslog(levels[level].priority, "%s", plain);
  else
    fprintf(stderr, "polyshm: %s: %s\n", levels[level].word, plain);
  free(plain);
}
