/* SPDX-License-Identifier: MIT */
/*
 * What a platform must provide. System headers are included below this line of
 * the house and nowhere above it.
 *
 * Every function that can fail answers a polyshm_status and has noted the
 * reason, so that callers only pass it on.
 */
#ifndef POLYSHM_OS_OS_H
#define POLYSHM_OS_OS_H

#include "polyshm.h"

#include <stdbool.h>
#include <stddef.h>

/* -------------------------------------------------------------------- map */

/* A mapped block. Zeroed, it stands for none. */
typedef struct os_map {
  void *address;
  uint64_t size;
  int descriptor;     /* while a block is being made or opened; then -1 */
  uint32_t temporary; /* names the file of such a block where the system knows
                         no nameless ones; else 0 */
} os_map;

/* Make a block of `size` zeroed bytes, mapped for reading and writing, that
 * nobody can find yet. With `reserve`, its memory is there afterwards, whatever
 * others allocate, or the answer is POLYSHM_E_SPACE. `mode` are its POSIX
 * permissions, less the process's umask. */
polyshm_status os_map_make(
    uint64_t size, uint32_t mode, bool reserve, os_map *out_map);

/* Give a made block its name, in one step: whoever finds the name finds the
 * whole block. POLYSHM_E_EXISTS leaves the map as it was, for another try under
 * another name. */
polyshm_status os_map_publish(os_map *map, const char *name);

/* Map the block that has this name. Links, directories and everything else
 * that is no plain block are refused, without being waited for. A block of no
 * bytes is waited for a little while: stock Python names its blocks before it
 * sizes them. */
polyshm_status os_map_open(const char *name, bool read_only, os_map *out_map);

/* Copy bytes of a block that is being opened. Touching them through the mapping
 * would map their page and its neighbours, which costs as much as all the rest
 * of opening. False if the file is shorter than that. */
bool os_map_peek(
    const os_map *map, uint64_t offset, void *bytes, size_t nbytes);

/* The opening is over: from here on the mapping alone keeps the block. */
void os_map_settle(os_map *map);

/* Unmap; what was made and never published is gone. */
void os_map_drop(os_map *map);

polyshm_status os_map_unlink(const char *name);

/* ----------------------------------------------------------------- random */

/* Fill with bytes that nobody can guess. */
polyshm_status os_random_fill(void *bytes, size_t nbytes);

/* ------------------------------------------------------------------ clock */

/* Sleep about this many nanoseconds; signals may cut it short. */
void os_clock_sleep(int64_t nanoseconds);

#endif
