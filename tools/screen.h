/* SPDX-License-Identifier: MIT */
/* A terminal that is drawn over again and again, line by line. */
#ifndef SCREEN_H
#define SCREEN_H

#include "output.h"

#include <stdint.h>

/* Whether standard output can be drawn over. */
bool screen_is_possible(void);

/* How many lines fit. */
uint64_t screen_lines(void);

void screen_begin(void);

/* A line, cut where the screen ends. The text is for free(), and freed. */
void screen_line(output_style style, char *text);
void screen_end(void);

#endif
