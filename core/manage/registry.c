/* SPDX-License-Identifier: MIT */
#include "manage/registry.h"

#include "os/os.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_LEAST = 64 };

/* FNV-1a, from a seed that clients do not know. */
static uint64_t hash(const pshm_registry *registry, const char *name) {
  uint64_t sum = registry->seed;
  for (const unsigned char *at = (const unsigned char *)name; *at != 0; at++)
    sum = (sum ^ *at) * UINT64_C(0x100000001b3);
  return sum ^ sum >> 32;
}

static pshm_segment **chain_of(
    const pshm_registry *registry, const char *name) {
  return registry->table + (hash(registry, name) & (registry->slots - 1));
}

polyshm_status pshm_registry_open(pshm_registry *registry, uint64_t limit) {
  *registry = (pshm_registry){.slots = SLOTS_LEAST, .limit = limit};
  polyshm_status status =
      os_random_fill(&registry->seed, sizeof registry->seed);
  if (status != POLYSHM_OK)
    return status;
  registry->folder = os_folder_open();
  if (registry->folder < 0)
    return POLYSHM_E_OS;
  registry->table = calloc(SLOTS_LEAST, sizeof *registry->table);
  if (registry->table == NULL) {
    os_tree_close(registry->folder);
    return pshm_error_set(
        POLYSHM_E_MEMORY, "out of memory for the manager's blocks");
  }
  return POLYSHM_OK;
}

/* As many slots as segments, or none more if there is no memory: then the
 * chains are longer. */
static void grow(pshm_registry *registry) {
  uint64_t slots = registry->slots * 2;
  pshm_segment **table = calloc((size_t)slots, sizeof *table);
  if (table == NULL)
    return;
  free(registry->table);
  registry->table = table;
  registry->slots = slots;
  /* The later ones come in front, as when they were added. */
  for (pshm_segment *i = registry->first; i != NULL; i = i->later) {
    pshm_segment **chain = chain_of(registry, i->name);
    i->chain = *chain;
    *chain = i;
  }
}

static pshm_segment **find(
    const pshm_registry *registry, const char *name, uint64_t inode) {
  pshm_segment **link = chain_of(registry, name);
  while (*link != NULL && (strcmp((*link)->name, name) != 0 ||
                           (inode != 0 && (*link)->inode != inode)))
    link = &(*link)->chain;
  return link;
}

static void insert(pshm_registry *registry, pshm_segment *segment) {
  if (registry->count >= registry->slots)
    grow(registry);
  pshm_segment **chain = chain_of(registry, segment->name);
  segment->chain = *chain;
  *chain = segment;
  segment->earlier = registry->last;
  segment->later = NULL;
  if (registry->last != NULL)
    registry->last->later = segment;
  else
    registry->first = segment;
  registry->last = segment;
  registry->count++;
}

static void forget(pshm_registry *registry, pshm_segment **link) {
  pshm_segment *segment = *link;
  *link = segment->chain;
  if (segment->earlier != NULL)
    segment->earlier->later = segment->later;
  else
    registry->first = segment->later;
  if (segment->later != NULL)
    segment->later->earlier = segment->earlier;
  else
    registry->last = segment->earlier;
  registry->count--;
  if (segment->inode != 0)
    os_folder_release(registry->folder, segment->inode);
  free(segment);
}

/* What a stock client made has no mark yet, and is there already. */
static uint64_t look(const char *name) {
  pshm_error before;
  pshm_error_save(&before);
  os_file file;
  uint64_t inode = os_folder_look(name, &file) == POLYSHM_OK ? file.inode : 0;
  pshm_error_restore(&before);
  return inode;
}

/* Blocks of this name that were unlinked by others, or the list would grow with
 * each new block of an old name. */
static void forget_gone(
    pshm_registry *registry, const char *name, uint64_t present) {
  pshm_segment **link = find(registry, name, 0);
  while (*link != NULL)
    if (strcmp((*link)->name, name) == 0 && (*link)->inode != present)
      forget(registry, link);
    else
      link = &(*link)->chain;
}

polyshm_status pshm_registry_add(
    pshm_registry *registry, const char *name, uint64_t inode) {
  bool is_announced = inode != 0;
  if (*find(registry, name, 0) != NULL)
    forget_gone(registry, name, look(name));
  if (!is_announced)
    inode = look(name);
  if (*find(registry, name, inode) != NULL)
    return POLYSHM_OK;
  if (registry->count >= registry->limit)
    return pshm_error_set(
        POLYSHM_E_SPACE, "the manager owns %llu blocks, and may own no more",
        (unsigned long long)registry->count);
  size_t size = strlen(name) + 1;
  pshm_segment *segment = malloc(sizeof *segment + size);
  if (segment == NULL)
    return pshm_error_set(
        POLYSHM_E_MEMORY, "out of memory for the manager's blocks");
  *segment = (pshm_segment){.inode = inode};
  memcpy(segment->name, name, size);
  polyshm_status status =
      inode == 0 ? POLYSHM_OK : os_folder_hold(registry->folder, inode);
  if (status != POLYSHM_OK) {
    free(segment);
    return status;
  }
  if (inode != 0 && !is_announced)
    os_folder_mark(registry->folder, name, inode);
  insert(registry, segment);
  return POLYSHM_OK;
}

static polyshm_status fail_unknown(const char *name) {
  return pshm_error_set(
      POLYSHM_E_NOT_FOUND, "the manager does not own a block '%s'", name);
}

polyshm_status pshm_registry_drop(
    pshm_registry *registry, const char *name, uint64_t inode) {
  pshm_segment **link = find(registry, name, inode);
  if (*link == NULL)
    return fail_unknown(name);
  forget(registry, link);
  return POLYSHM_OK;
}

/* The hold goes last: the name is gone then. */
static polyshm_status remove_one(pshm_registry *registry, pshm_segment **link) {
  /* What is in the list has a link: the analyzer cannot know.
   * NOLINTBEGIN(clang-analyzer-core.NullDereference) */
  polyshm_status status =
      os_folder_remove(registry->folder, (*link)->name, (*link)->inode);
  /* NOLINTEND(clang-analyzer-core.NullDereference) */
  forget(registry, link);
  return status;
}

polyshm_status pshm_registry_release(
    pshm_registry *registry, const char *name) {
  pshm_segment **link = find(registry, name, 0);
  return *link == NULL ? fail_unknown(name) : remove_one(registry, link);
}

uint64_t pshm_registry_clear(pshm_registry *registry) {
  uint64_t removed = 0;
  while (registry->first != NULL) {
    const pshm_segment *first = registry->first;
    pshm_segment **link = find(registry, first->name, first->inode);
    removed += remove_one(registry, link) == POLYSHM_OK;
  }
  return removed;
}

/* The kernel ends the holds with the last copy of the descriptor: a fork child
 * that closes its own must not end them. */
void pshm_registry_close(pshm_registry *registry) {
  while (registry->first != NULL) {
    pshm_segment *segment = registry->first;
    registry->first = segment->later;
    free(segment);
  }
  free(registry->table);
  registry->table = NULL;
  os_tree_close(registry->folder);
  registry->folder = -1;
}
