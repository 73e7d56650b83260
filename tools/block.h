/* SPDX-License-Identifier: MIT */
/* What is known about a block, as words and as JSON. */
#ifndef BLOCK_H
#define BLOCK_H

#include "holders.h"
#include "polyshm.h"

#include <stdbool.h>

/* "list" or "block". */
const char *block_kind(const polyshm_info *info);

/* "orphan", "held", "kept" by its process tree, "free", or "unknown". */
const char *block_state(const polyshm_info *info);

/* Somebody may miss it: it is held or kept, or nobody can tell. */
bool block_is_in_use(const polyshm_info *info);

/* True for an orphan: who closes it is its last holder, and would remove what
 * it was asked to show. The handle stays open until the process ends, which
 * removes nothing. */
bool block_is_left_open(const polyshm_info *info, const void *handle);

/* The user's name, or number; for free(). */
char *block_owner(const polyshm_info *info);
char *block_age(const polyshm_info *info);

json_object *block_json(
    const polyshm_info *info, const holders *all, size_t number);

#endif
