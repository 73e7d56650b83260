/* SPDX-License-Identifier: MIT */
/* Programs of ours that lie beside the library. */
#ifndef POLYSHM_OS_PROGRAM_H
#define POLYSHM_OS_PROGRAM_H

#include "polyshm.h"

#include <stddef.h>

/* Where a program is: `buffer` gets its path. `variable` is the environment's
 * wish for another one. */
polyshm_status os_program_find(
    const char *name, const char *variable, char *buffer, size_t capacity);

typedef struct os_program {
  const char *path;
  char *const *arguments, *const *environment; /* both end in NULL */
  int descriptors[2];                          /* become 3 and 4; -1 for none */
  const int *ignored; /* signals that it ignores; 0 ends them */
} os_program;

/* This process's own, at this moment. */
char *const *os_program_environment(void);

/* Start it. It is no child of this process, in a session of its own, in the
 * root folder, and inherits nothing else: its standard descriptors are
 * /dev/null. */
polyshm_status os_program_start(const os_program *program);

#endif
