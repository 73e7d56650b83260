/* SPDX-License-Identifier: MIT */
/* What doctor finds: one line for each thing it looked at. */
#ifndef CHECKS_H
#define CHECKS_H

#include <stdbool.h>

typedef enum checks_result {
  CHECKS_GOOD,
  CHECKS_CARE, /* it works, with a limit that may hurt */
  CHECKS_BAD   /* something will not work */
} checks_result;

/* `detail` is a sentence without its full stop; `hint`, what to do, or NULL. */
__attribute__((format(printf, 4, 5))) void checks_add(
    const char *name, checks_result result, const char *hint,
    const char *detail, ...);

/* Print them; true if none is bad. */
bool checks_show(bool as_json);

/* The groups, in the order in which they are looked at. */
void checks_folder(void);
void checks_kernel(void);
void checks_limits(void);
void checks_session(void);
void checks_library(void);

#endif
