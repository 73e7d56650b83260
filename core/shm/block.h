/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_SHM_BLOCK_H
#define POLYSHM_SHM_BLOCK_H

#include "polyshm.h"
#include "hold/member.h"
#include "os/os.h"

/* The making of a block in two steps, for those who must fill it before anybody
 * can see it. What was made and not published goes away with _free. */
polyshm_status pshm_block_make(
    uint64_t size, uint32_t flags, uint32_t mode, polyshm_block **out_block);

/* A NULL name picks a fresh one. The descriptor stays open, as when a block is
 * attached; settle the block next. */
polyshm_status pshm_block_publish(polyshm_block *block, const char *name);

/* Open what is there, up to settling: a list is looked at first. */
polyshm_status pshm_block_attach(
    const char *name, uint32_t flags, polyshm_block **out_block);

/* The block's descriptor is not needed any more, */
void pshm_block_settle(polyshm_block *block);

/* or it is kept, for a member that writes to a list with this lock word. */
void pshm_block_keep(polyshm_block *block, _Atomic uint64_t *lock);

/* Check the combination of flags that a creator got; it may be one of
 * `allowed`. */
polyshm_status pshm_block_check_flags(uint32_t flags, uint32_t allowed);

/* Whether these flags open a block that is there rather than fail. */
static inline bool pshm_block_may_open(uint32_t flags) {
  return (flags & POLYSHM_CREATE) && !(flags & POLYSHM_EXCLUSIVE);
}

/* Attempts at open-or-create against others who create and unlink the same name
 * all the time; each failed one means that somebody else succeeded. */
enum { PSHM_BLOCK_TRIES = 1000 };

/* -------------------------------------------------------------- private part
 *
 * The list beneath the same roof looks into the handle, so that an element
 * access costs one load to learn that nobody has closed the block. */

struct polyshm_block {
  os_map map;             /* map.address is NULL once closed */
  uint64_t size, id;      /* stay when the map is gone */
  _Atomic uint64_t state; /* number of pins, and CLOSED and FREED of block.c */
  uint32_t flags;
  bool is_held;           /* by the tree of this process */
  bool is_managed;        /* a manager holds it, and not this tree */
  pshm_member member;     /* of a list with a trailer */
  _Atomic uint64_t *lock; /* that list's lock, else NULL */
  char name[POLYSHM_NAME_MAX + 1];
};

#endif
