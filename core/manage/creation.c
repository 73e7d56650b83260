/* SPDX-License-Identifier: MIT */
/*
 * Blocks that belong to a manager from their first moment on.
 *
 * A manager of this kind is told name and inode while the block has no name
 * yet, and wakes up while we give it one; it holds the inode, which needs no
 * name, and unlinks the name only if it is that inode's. So it can never own
 * what somebody else has of this name. A stock manager is told the name once
 * the block is there, as stock clients do.
 */
#include "polyshm.h"

#include "manage/client.h"
#include "manage/exchange.h"
#include "manage/message.h"
#include "shm/block.h"
#include "shm/list.h"
#include "hold/tree.h"
#include "base/error.h"
#include "base/name.h"
#include "base/options.h"

#include <string.h>

static polyshm_status fail_null(void) {
  return pshm_error_set(
      POLYSHM_E_INVALID, "the manager or an output of the call is NULL");
}

static polyshm_status check_flags(uint32_t flags) {
  if ((flags & ~(uint32_t)POLYSHM_SPARSE) == 0)
    return POLYSHM_OK;
  return pshm_error_set(
      POLYSHM_E_INVALID, "the flags 0x%x are not for this call",
      (unsigned)(flags & ~(uint32_t)POLYSHM_SPARSE));
}

/* It was published, and the manager does not own it. */
static void take_back(polyshm_block *block) {
  pshm_error failure;
  pshm_error_save(&failure);
  int folder = pshm_tree_folder();
  if (folder >= 0)
    os_folder_remove(folder, block->name, block->map.id.inode);
  pshm_error_restore(&failure);
}

/* The manager owns a name that never came to be. */
static void retract(polyshm_manager *manager, const char *name, int64_t inode) {
  pshm_error failure;
  pshm_error_save(&failure);
  pshm_exchange exchange;
  uint32_t value;
  if (pshm_exchange_open(&exchange, manager) == POLYSHM_OK &&
      pshm_exchange_send(&exchange, PSHM_MESSAGE_RETRACT, name, &inode, 1) ==
          POLYSHM_OK)
    pshm_exchange_receive(&exchange, &value);
  pshm_exchange_close(&exchange);
  pshm_error_restore(&failure);
}

static polyshm_status announce_and_publish(
    pshm_exchange *exchange, polyshm_block *block, const char *name) {
  int64_t numbers[] = {
      (int64_t)block->map.id.inode, (int64_t)block->map.id.device};
  polyshm_status status =
      pshm_exchange_send(exchange, PSHM_MESSAGE_ANNOUNCE, name, numbers, 2);
  if (status != POLYSHM_OK)
    return status;
  polyshm_status published = pshm_block_publish(block, name);
  pshm_error failure;
  pshm_error_save(&failure);
  uint32_t value;
  status = pshm_exchange_receive(exchange, &value);
  if (published == POLYSHM_OK) {
    if (status != POLYSHM_OK)
      take_back(block);
    return status;
  }
  polyshm_manager *manager = exchange->manager;
  pshm_exchange_close(exchange);
  *exchange = (pshm_exchange){.manager = manager};
  if (status == POLYSHM_OK)
    retract(manager, name, numbers[0]);
  pshm_error_restore(&failure);
  return published;
}

/* A stock manager holds nothing, so the block must not look like one that goes
 * away with its last holder. */
static polyshm_status publish_and_track(
    pshm_exchange *exchange, polyshm_block *block, const char *name) {
  os_map_unmark(&block->map);
  polyshm_status status = pshm_block_publish(block, name);
  if (status != POLYSHM_OK)
    return status;
  uint32_t value;
  status = pshm_exchange_send(exchange, "track_segment", name, NULL, 0);
  if (status == POLYSHM_OK)
    status = pshm_exchange_receive(exchange, &value);
  if (status != POLYSHM_OK)
    take_back(block);
  return status;
}

static polyshm_status publish_as(
    polyshm_manager *manager, polyshm_block *block, const char *name) {
  pshm_exchange exchange;
  polyshm_status status = pshm_exchange_open(&exchange, manager);
  if (status == POLYSHM_OK)
    status = exchange.link->is_ours
                 ? announce_and_publish(&exchange, block, name)
                 : publish_and_track(&exchange, block, name);
  pshm_exchange_close(&exchange);
  return status;
}

static polyshm_status publish(
    polyshm_manager *manager, polyshm_block *block, const char *name) {
  block->is_managed = true;
  const char *plain;
  if (name != NULL) {
    polyshm_status status = pshm_name_check(name, &plain);
    return status == POLYSHM_OK ? publish_as(manager, block, plain) : status;
  }
  polyshm_status status;
  do {
    char fresh[POLYSHM_NAME_MAX + 1];
    uint32_t random;
    status = os_random_fill(&random, sizeof random);
    if (status != POLYSHM_OK)
      return status;
    pshm_name_generate(random, fresh);
    status = publish_as(manager, block, fresh);
  } while (status == POLYSHM_E_EXISTS);
  return status;
}

polyshm_status polyshm_manager_block(
    polyshm_manager *manager, const char *name, uint64_t size, uint32_t flags,
    const polyshm_block_options *options, polyshm_block **out_block) {
  if (manager == NULL || out_block == NULL)
    return fail_null();
  polyshm_block_options ours;
  polyshm_status status = pshm_options_copy(&ours, sizeof ours, options);
  if (status == POLYSHM_OK)
    status = pshm_options_check_reserved(ours.reserved);
  if (status == POLYSHM_OK)
    status = check_flags(flags);
  polyshm_block *block;
  if (status == POLYSHM_OK)
    status = pshm_block_make(size, flags, ours.mode, &block);
  if (status != POLYSHM_OK)
    return status;
  status = publish(manager, block, name);
  if (status != POLYSHM_OK) {
    polyshm_block_free(block);
    return status;
  }
  pshm_block_settle(block);
  *out_block = block;
  return POLYSHM_OK;
}

polyshm_status polyshm_manager_list(
    polyshm_manager *manager, const char *name, const polyshm_value *values,
    uint64_t nvalues, uint32_t flags, const polyshm_list_options *options,
    polyshm_list **out_list) {
  if (manager == NULL || out_list == NULL)
    return fail_null();
  polyshm_status status = check_flags(flags);
  polyshm_list *list;
  if (status == POLYSHM_OK)
    status = pshm_list_make(values, nvalues, flags, options, &list);
  if (status != POLYSHM_OK)
    return status;
  status = publish(manager, list->block, name);
  if (status != POLYSHM_OK) {
    polyshm_list_free(list);
    return status;
  }
  pshm_list_settle(list);
  *out_list = list;
  return POLYSHM_OK;
}
