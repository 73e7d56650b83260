/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_TESTS_FUZZ_WORLD_H
#define POLYSHM_TESTS_FUZZ_WORLD_H

#include <stdbool.h>

/* Whether a name is one of the harness's own, which may be changed. */
typedef bool (*fuzz_world_owner)(const char *name);

/* Around each run of the command. Whether names are really removed: it makes
 * some to try it. */
void fuzz_world_begin(fuzz_world_owner owner, bool unlinks);
void fuzz_world_end(void);

#endif
