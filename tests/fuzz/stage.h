/* SPDX-License-Identifier: MIT */
/*
 * A block for harnesses, under a name that only this process uses, whose bytes
 * they change through a mapping of their own, as a hostile neighbour would.
 */
#ifndef POLYSHM_TESTS_FUZZ_STAGE_H
#define POLYSHM_TESTS_FUZZ_STAGE_H

#include "polyshm.h"

#include <stddef.h>
#include <stdint.h>

enum { FUZZ_STAGE_MOST = 64 << 10 };

typedef struct fuzz_stage {
  char name[64];
  int file;
  uint8_t *bytes;
  size_t size;
} fuzz_stage;

/* Have `name` removed when this process ends, however it ends. */
void fuzz_stage_own(const char *name);

/* Make the block `what`, without bytes. */
void fuzz_stage_open(fuzz_stage *stage, const char *what);

/* Let it have these bytes and no others. It is a new size, not a new file. */
void fuzz_stage_fill(fuzz_stage *stage, const uint8_t *bytes, size_t size);

/* The same for a list of all types of values, by the library. */
polyshm_list *fuzz_stage_list(fuzz_stage *stage, const char *what);

/* Change a word as an edit says: where behind `begin` (two bytes), how (one,
 * and one that is not used), and what (eight). Those of the kind that changes
 * each time it is made do so with the number of the round. */
enum { FUZZ_STAGE_EDIT = 12 };
void fuzz_stage_edit(
    const fuzz_stage *stage, size_t begin, const uint8_t *edit, uint64_t round);

/* The rest of the last page shows who writes behind the end. */
void fuzz_stage_check(const fuzz_stage *stage);

#endif
