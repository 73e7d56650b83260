/* SPDX-License-Identifier: MIT */
/*
 * The blocks that a manager owns: their names, in the order in which they came.
 * Each is held (os.h) while it is here, so that no sweep takes it for nobody's;
 * and it is marked, so that a sweep may take it when the manager was killed.
 */
#ifndef POLYSHM_MANAGE_REGISTRY_H
#define POLYSHM_MANAGE_REGISTRY_H

#include "polyshm.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct pshm_segment {
  struct pshm_segment *earlier, *later; /* in their order */
  struct pshm_segment *chain;           /* in the table */
  uint64_t inode;                       /* 0 if it was not there */
  char name[];
} pshm_segment;

typedef struct pshm_registry {
  pshm_segment *first, *last;
  pshm_segment **table;
  uint64_t count, slots, limit, seed;
  int folder; /* what they are held by */
} pshm_registry;

polyshm_status pshm_registry_open(pshm_registry *registry, uint64_t limit);

/* Own the block of this name. `inode` is its number if it is known: it may not
 * have its name yet. What is owned already stays so. */
polyshm_status pshm_registry_add(
    pshm_registry *registry, const char *name, uint64_t inode);

/* Disown it, without removing anything; one of the name, if `inode` is 0.
 * POLYSHM_E_NOT_FOUND. */
polyshm_status pshm_registry_drop(
    pshm_registry *registry, const char *name, uint64_t inode);

/* Disown it and remove the block. POLYSHM_E_NOT_FOUND with an OS code if it is
 * the block that is not there, without if the name is not owned. */
polyshm_status pshm_registry_release(pshm_registry *registry, const char *name);

/* The same with all of them; how many blocks were removed. What is not there is
 * nobody's fault. */
uint64_t pshm_registry_clear(pshm_registry *registry);

void pshm_registry_close(pshm_registry *registry);

#endif
