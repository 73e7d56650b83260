/* SPDX-License-Identifier: MIT */
/*
 * Handles on blocks.
 *
 * One word holds the number of pins and whether the handle was closed or freed,
 * so that "close unless pinned" and "the last unpin of a freed handle releases
 * it" are single atomic steps. A handle therefore lives until it has been freed
 * and its last pin is gone, in whichever order a garbage collector likes.
 */
#include "shm/block.h"

#include "hold/tree.h"
#include "base/error.h"
#include "base/name.h"
#include "base/options.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CLOSED (UINT64_C(1) << 62)
#define FREED (UINT64_C(1) << 63)

static polyshm_status fail_null(void) {
  return pshm_error_set(
      POLYSHM_E_INVALID, "the block or an output of the call is NULL");
}

static polyshm_status fail_closed(const polyshm_block *block) {
  return pshm_error_set(
      POLYSHM_E_CLOSED, "the block '%s' has been closed", block->name);
}

/* The mapping first: what a member of it has locked is given up last. A tracked
 * block that nobody else has goes with us, unless its tree still holds it; that
 * of this process does, so there is nothing to ask then. */
static void leave(polyshm_block *block) {
  bool is_tracked =
      block->map.is_marked && block->name[0] != 0 && !block->is_held;
  uint64_t inode = block->map.id.inode;
  os_map_drop(&block->map);
  pshm_member_leave(&block->member);
  if (is_tracked)
    pshm_tree_collect(block->name, inode);
}

static void release(polyshm_block *block) {
  leave(block);
  free(block);
}

/* ---------------------------------------------------------------- opening */

polyshm_status pshm_block_check_flags(uint32_t flags, uint32_t allowed) {
  if (flags & ~allowed)
    return pshm_error_set(
        POLYSHM_E_INVALID, "the flags 0x%x are not for this call",
        (unsigned)(flags & ~allowed));
  if ((flags & POLYSHM_CREATE) && (flags & POLYSHM_READ_ONLY))
    return pshm_error_set(
        POLYSHM_E_INVALID, "a block cannot be made read-only");
  return POLYSHM_OK;
}

static polyshm_block *new_handle(uint32_t flags) {
  polyshm_block *block = calloc(1, sizeof *block);
  if (block == NULL) {
    pshm_error_set(POLYSHM_E_MEMORY, "out of memory for a block's handle");
    return NULL;
  }
  block->map.descriptor = -1;
  block->member.descriptor = -1;
  block->flags = flags & (POLYSHM_CREATE | POLYSHM_READ_ONLY);
  return block;
}

polyshm_status pshm_block_make(
    uint64_t size, uint32_t flags, uint32_t mode, polyshm_block **out_block) {
  if (size == 0)
    return pshm_error_set(
        POLYSHM_E_INVALID, "a new block needs a size above zero");
  if (mode > 0777)
    return pshm_error_set(
        POLYSHM_E_INVALID, "the mode 0%o has bits that are no permissions",
        (unsigned)mode);
  polyshm_block *block = new_handle(POLYSHM_CREATE);
  if (block == NULL)
    return POLYSHM_E_MEMORY;
  uint32_t mark = flags & POLYSHM_UNTRACKED ? 0 : OS_MAP_MARKED;
  polyshm_status status = os_map_make(
      size, mark | (mode == 0 ? 0600 : mode), !(flags & POLYSHM_SPARSE),
      &block->map);
  if (status != POLYSHM_OK) {
    free(block);
    return status;
  }
  block->size = size;
  block->id = block->map.id.inode;
  *out_block = block;
  return POLYSHM_OK;
}

/* A name that is taken by what nobody has any more is free. */
static polyshm_status publish_as(polyshm_block *block, const char *name) {
  polyshm_status status = os_map_publish(&block->map, name);
  if (status == POLYSHM_E_EXISTS &&
      pshm_tree_collect(name, 0) == OS_REMOVAL_DONE)
    status = os_map_publish(&block->map, name);
  return status;
}

static polyshm_status publish_fresh(polyshm_block *block) {
  polyshm_status status;
  do {
    uint32_t random;
    status = os_random_fill(&random, sizeof random);
    if (status != POLYSHM_OK)
      return status;
    pshm_name_generate(random, block->name);
    status = publish_as(block, block->name);
  } while (status == POLYSHM_E_EXISTS);
  return status;
}

/* Before it has a name: who finds it and closes it again would remove it if its
 * maker had been killed between the two. A manager holds its own. */
static polyshm_status hold(polyshm_block *block) {
  if (!block->map.is_marked || block->is_managed)
    return POLYSHM_OK;
  polyshm_status status = pshm_tree_hold(block->map.id.inode);
  block->is_held = status == POLYSHM_OK;
  return status;
}

static polyshm_status publish(polyshm_block *block, const char *name) {
  if (name == NULL)
    return publish_fresh(block);
  strcpy(block->name, name);
  return publish_as(block, name);
}

polyshm_status pshm_block_publish(polyshm_block *block, const char *name) {
  const char *plain = NULL;
  polyshm_status status = POLYSHM_OK;
  if (name != NULL)
    status = pshm_name_check(name, &plain);
  if (status == POLYSHM_OK)
    status = hold(block);
  if (status != POLYSHM_OK)
    return status;
  status = publish(block, plain);
  if (status != POLYSHM_OK) {
    block->name[0] = 0; /* it is not ours to collect */
    if (block->is_held)
      pshm_tree_release(block->map.id.inode);
  }
  return status;
}

polyshm_status pshm_block_attach(
    const char *name, uint32_t flags, polyshm_block **out_block) {
  const char *plain;
  polyshm_status status = pshm_name_check(name, &plain);
  if (status != POLYSHM_OK)
    return status;
  polyshm_block *block = new_handle(flags & POLYSHM_READ_ONLY);
  if (block == NULL)
    return POLYSHM_E_MEMORY;
  status = os_map_open(plain, flags & POLYSHM_READ_ONLY, &block->map);
  if (status != POLYSHM_OK) {
    free(block);
    return status;
  }
  block->size = block->map.size;
  block->id = block->map.id.inode;
  strcpy(block->name, plain);
  if (!(flags & POLYSHM_FOREIGN) && os_map_is_foreign(&block->map)) {
    polyshm_block_free(block);
    return pshm_error_set_os(
        POLYSHM_E_ACCESS, EPERM,
        "the block '%s' was made by another user; POLYSHM_FOREIGN allows that",
        plain);
  }
  if (block->map.is_marked)
    pshm_tree_join();
  *out_block = block;
  return POLYSHM_OK;
}

void pshm_block_settle(polyshm_block *block) {
  os_map_settle(&block->map);
}

void pshm_block_keep(polyshm_block *block, _Atomic uint64_t *lock) {
  block->member.descriptor = block->map.descriptor;
  block->member.id = block->map.id;
  block->map.descriptor = -1;
  block->lock = lock;
}

static polyshm_status attach(
    const char *name, uint32_t flags, polyshm_block **out_block) {
  polyshm_status status = pshm_block_attach(name, flags, out_block);
  if (status == POLYSHM_OK)
    pshm_block_settle(*out_block);
  return status;
}

static polyshm_status open_or_create(
    const char *name, uint64_t size, uint32_t flags, uint32_t mode,
    polyshm_block **out_block) {
  polyshm_block *made = NULL;
  const char *plain;
  polyshm_status status =
      name == NULL ? POLYSHM_OK : pshm_name_check(name, &plain);
  if (status != POLYSHM_OK)
    return status;

  status = POLYSHM_E_EXISTS;
  for (int i = 0; i < PSHM_BLOCK_TRIES && status == POLYSHM_E_EXISTS; i++) {
    if (name != NULL && pshm_block_may_open(flags)) {
      pshm_tree_collect(plain, 0); /* what nobody has is not there */
      status = attach(name, flags, out_block);
      if (status != POLYSHM_E_NOT_FOUND) {
        polyshm_block_free(made);
        return status;
      }
    }
    status = POLYSHM_OK;
    if (made == NULL)
      status = pshm_block_make(size, flags, mode, &made);
    if (status == POLYSHM_OK)
      status = pshm_block_publish(made, name);
    if (!pshm_block_may_open(flags))
      break;
  }
  if (status != POLYSHM_OK) {
    polyshm_block_free(made);
    return status;
  }
  pshm_block_settle(made);
  *out_block = made;
  return POLYSHM_OK;
}

polyshm_status polyshm_block_open(
    const char *name, uint64_t size, uint32_t flags,
    const polyshm_block_options *options, polyshm_block **out_block) {
  if (out_block == NULL)
    return fail_null();
  polyshm_block_options ours;
  polyshm_status status = pshm_options_copy(&ours, sizeof ours, options);
  if (status == POLYSHM_OK)
    status = pshm_options_check_reserved(ours.reserved);
  if (status != POLYSHM_OK)
    return status;
  status = pshm_block_check_flags(
      flags, POLYSHM_CREATE | POLYSHM_EXCLUSIVE | POLYSHM_READ_ONLY |
                 POLYSHM_UNTRACKED | POLYSHM_SPARSE | POLYSHM_FOREIGN);
  if (status != POLYSHM_OK)
    return status;
  if (!(flags & POLYSHM_CREATE)) {
    if (flags & (POLYSHM_EXCLUSIVE | POLYSHM_UNTRACKED | POLYSHM_SPARSE))
      return pshm_error_set(
          POLYSHM_E_INVALID,
          "POLYSHM_EXCLUSIVE, POLYSHM_UNTRACKED and POLYSHM_SPARSE go with "
          "POLYSHM_CREATE");
    return attach(name, flags, out_block);
  }
  return open_or_create(name, size, flags, ours.mode, out_block);
}

/* ---------------------------------------------------------------- leaving */

polyshm_status polyshm_block_close(polyshm_block *block) {
  if (block == NULL)
    return fail_null();
  uint32_t token = pshm_member_token(&block->member);
  if (token != 0 && (atomic_load(block->lock) & PSHM_TOKEN_MAX) == token)
    return pshm_error_set(
        POLYSHM_E_BUSY, "the list '%s' is locked through this handle",
        block->name);
  uint64_t state = 0;
  if (!atomic_compare_exchange_strong(&block->state, &state, CLOSED)) {
    if (state & CLOSED)
      return POLYSHM_OK;
    return pshm_error_set(
        POLYSHM_E_BUSY, "the block '%s' is pinned %llu times", block->name,
        (unsigned long long)state);
  }
  leave(block);
  return POLYSHM_OK;
}

void polyshm_block_free(polyshm_block *block) {
  if (block == NULL)
    return;
  uint64_t before = atomic_fetch_or(&block->state, FREED);
  if ((before & ~CLOSED) == 0)
    release(block);
}

/* ---------------------------------------------------------- what it tells */

const char *polyshm_block_name(const polyshm_block *block) {
  return block == NULL ? NULL : block->name;
}

uint64_t polyshm_block_size(const polyshm_block *block) {
  return block == NULL ? 0 : block->size;
}

uint32_t polyshm_block_flags(const polyshm_block *block) {
  return block == NULL ? 0 : block->flags;
}

/* All blocks are files of one file system. */
uint64_t polyshm_block_id(const polyshm_block *block) {
  return block == NULL ? 0 : block->id;
}

/* ----------------------------------------------------------------- access */

polyshm_status polyshm_block_pin(
    polyshm_block *block, void **out_address, uint64_t *out_size) {
  if (block == NULL || out_address == NULL || out_size == NULL)
    return fail_null();
  uint64_t state = atomic_load(&block->state);
  do {
    if (state & CLOSED)
      return fail_closed(block);
  } while (!atomic_compare_exchange_weak(&block->state, &state, state + 1));
  *out_address = block->map.address;
  *out_size = block->size;
  return POLYSHM_OK;
}

void polyshm_block_unpin(polyshm_block *block) {
  if (block == NULL)
    return;
  uint64_t state = atomic_load(&block->state);
  do {
    if ((state & ~(CLOSED | FREED)) == 0)
      return; /* one unpin too many */
  } while (!atomic_compare_exchange_weak(&block->state, &state, state - 1));
  if (state == (FREED | 1))
    release(block);
}

polyshm_status polyshm_block_address(
    const polyshm_block *block, void **out_address, uint64_t *out_size) {
  if (block == NULL || out_address == NULL || out_size == NULL)
    return fail_null();
  if (block->map.address == NULL)
    return fail_closed(block);
  *out_address = block->map.address;
  *out_size = block->size;
  return POLYSHM_OK;
}

static polyshm_status check_range(
    const polyshm_block *block, uint64_t offset, const void *memory,
    uint64_t nbytes) {
  if (block == NULL || (memory == NULL && nbytes != 0))
    return fail_null();
  if (block->map.address == NULL)
    return fail_closed(block);
  if (offset > block->size || nbytes > block->size - offset)
    return pshm_error_set(
        POLYSHM_E_RANGE,
        "%llu bytes at offset %llu reach past the end of the block '%s', which "
        "has %llu",
        (unsigned long long)nbytes, (unsigned long long)offset, block->name,
        (unsigned long long)block->size);
  return POLYSHM_OK;
}

polyshm_status polyshm_block_read(
    const polyshm_block *block, uint64_t offset, void *buffer,
    uint64_t capacity) {
  polyshm_status status = check_range(block, offset, buffer, capacity);
  if (status == POLYSHM_OK && capacity != 0)
    memcpy(buffer, (const char *)block->map.address + offset, (size_t)capacity);
  return status;
}

polyshm_status polyshm_block_write(
    polyshm_block *block, uint64_t offset, const void *bytes, uint64_t nbytes) {
  polyshm_status status = check_range(block, offset, bytes, nbytes);
  if (status != POLYSHM_OK)
    return status;
  if (block->flags & POLYSHM_READ_ONLY)
    return pshm_error_set(
        POLYSHM_E_ACCESS, "the block '%s' is open for reading only",
        block->name);
  if (nbytes != 0)
    memcpy((char *)block->map.address + offset, bytes, (size_t)nbytes);
  return POLYSHM_OK;
}

polyshm_status polyshm_unlink(const char *name) {
  const char *plain;
  uint64_t inode;
  polyshm_status status = pshm_name_check(name, &plain);
  if (status == POLYSHM_OK)
    status = os_map_unlink(plain, &inode);
  if (status == POLYSHM_OK)
    pshm_tree_release(inode);
  return status;
}
