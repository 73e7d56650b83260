/* SPDX-License-Identifier: MIT */
/* The events of a server, on standard error or to syslog. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

/* The level that a word means; false if it is none. */
bool journal_level(const char *word, uint32_t *out_level);

void journal_open(bool to_syslog);
void journal_put(uint32_t level, const char *text);

#endif
