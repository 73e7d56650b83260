/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_SHM_ITEM_H
#define POLYSHM_SHM_ITEM_H

#include "shm/list.h"

/* A slot at the moment at which it was read. */
typedef struct pshm_item_state {
  uint64_t word;  /* its sequence word */
  uint64_t first; /* its first data word just before */
} pshm_item_state;

/* Copy a slot out of a list with a trailer, whole. */
polyshm_status pshm_item_read(
    const polyshm_list *list, uint64_t index, void *buffer, uint64_t capacity,
    polyshm_value *out_value, pshm_item_state *out_state);

/* Whether the slot still is as it was then. */
bool pshm_item_is_unchanged(
    const polyshm_list *list, uint64_t index, const pshm_item_state *state);

/* Copy a slot out that the caller has locked. */
polyshm_status pshm_item_read_locked(
    const polyshm_list *list, uint64_t index, void *buffer, uint64_t capacity,
    polyshm_value *out_value);

#endif
