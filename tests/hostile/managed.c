/* SPDX-License-Identifier: MIT */
#include "managed.h"

#include "calls.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES = 5000 };

static polyshm_manager *manager;

static bool is_connected(void) {
  polyshm_manager_options options = {
      .struct_size = sizeof options, .timeout = INT64_C(4000000000)};
  if (manager != NULL)
    return true;
  call("managed.connect");
  return came(polyshm_manager_connect(
             getenv(MANAGER), KEY, sizeof KEY - 1, &options, &manager)) ==
         POLYSHM_OK;
}

static bool use_block(dice *random, const char *name) {
  polyshm_block *block;
  call("managed.block");
  if (came(polyshm_manager_block(manager, name, BYTES, 0, NULL, &block)) !=
      POLYSHM_OK)
    return false;
  char bytes[BYTES], found[BYTES];
  memset(bytes, (int)dice_below(random, 256), sizeof bytes);
  call("managed.write");
  came(polyshm_block_write(block, 0, bytes, sizeof bytes));
  call("managed.read");
  came(polyshm_block_read(block, 0, found, sizeof found));
  if (memcmp(bytes, found, sizeof bytes) != 0)
    wrong("not the bytes that were stored");
  polyshm_block_free(block);
  return true;
}

static bool use_list(dice *random, const char *name) {
  polyshm_value stored = {
      .type = POLYSHM_INT, .of.i = (int64_t)dice_below(random, 1 << 20)};
  polyshm_value found;
  polyshm_list *list;
  call("managed.list");
  if (came(polyshm_manager_list(manager, name, &stored, 1, 0, NULL, &list)) !=
      POLYSHM_OK)
    return false;
  call("managed.get");
  came(polyshm_list_get(list, 0, NULL, 0, &found));
  if (found.type != POLYSHM_INT || found.of.i != stored.of.i)
    wrong("not the number that was stored");
  polyshm_list_free(list);
  return true;
}

static void look(void) {
  static char names[1 << 16];
  uint64_t size;
  call("managed.segments");
  if (came(polyshm_manager_segments(manager, names, sizeof names, &size)) ==
          POLYSHM_OK &&
      size > 0 && size <= sizeof names && names[size - 1] != 0)
    wrong("a name without an end");
}

void work_managed(dice *random, const char *peer) {
  char name[NAME_ROOM];
  if (!is_connected())
    return;
  own_name(name, peer, (unsigned)dice_below(random, OWN_NAMES));
  if (dice_below(random, 2) ? use_block(random, name)
                            : use_list(random, name)) {
    call("managed.release");
    came(polyshm_manager_release(manager, name));
  }
  if (dice_below(random, 8) == 0)
    look();
  if (dice_below(random, 20) == 0)
    managed_end();
}

void managed_end(void) {
  polyshm_manager_free(manager);
  manager = NULL;
}
