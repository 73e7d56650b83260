/* SPDX-License-Identifier: MIT */
/* Blocks seen from outside: what there is, who has it, what nobody has. */
#include "polyshm.h"

#include "shm/layout.h"
#include "shm/trailer.h"
#include "hold/tree.h"
#include "os/os.h"
#include "base/error.h"
#include "base/name.h"
#include "base/options.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static polyshm_status fail_null(void) {
  return pshm_error_set(
      POLYSHM_E_INVALID, "the scan or an output of the call is NULL");
}

/* ---------------------------------------------------------------- inspect */

/* Zeros are an empty list, and what a new block is full of. Only the former has
 * no room for more, or a trailer. */
static bool is_blank(
    const os_map *map, const pshm_layout *layout, const pshm_trailer *trailer) {
  return layout->length == 0 && map->size > pshm_layout_area(layout) &&
         trailer->sequences == NULL;
}

/* A list, if it can be opened as one. A block that cannot be read is a block.
 */
static void look_inside(const char *name, polyshm_info *info) {
  os_map map;
  pshm_error before;
  pshm_error_save(&before);
  info->kind = POLYSHM_KIND_BLOCK;
  if (info->size != 0 && os_map_try(name, true, &map) == POLYSHM_OK) {
    pshm_layout layout;
    pshm_trailer trailer;
    if (pshm_layout_read(&map, name, &layout) == POLYSHM_OK &&
        pshm_trailer_read(
            &map, name, pshm_layout_area(&layout), layout.length, &trailer) ==
            POLYSHM_OK &&
        !is_blank(&map, &layout, &trailer)) {
      info->kind = POLYSHM_KIND_LIST;
      info->length = layout.length;
    }
    os_map_drop(&map);
  }
  pshm_error_restore(&before);
}

static uint32_t find_state(const char *name, const os_file *file) {
  uint32_t state = file->is_marked ? POLYSHM_STATE_TRACKED : 0;
  int folder = pshm_tree_folder();
  if (folder < 0)
    return state | POLYSHM_STATE_UNKNOWN;
  bool in_tree = file->is_marked && os_folder_is_held(folder, file->inode);
  if (in_tree)
    state |= POLYSHM_STATE_TREE;
  switch (os_removal_test(folder, name)) {
  case OS_REMOVAL_IN_USE:
    return state | POLYSHM_STATE_HELD;
  case OS_REMOVAL_DONE:
    return file->is_marked && !in_tree ? state | POLYSHM_STATE_ORPHAN : state;
  default:
    return state | POLYSHM_STATE_UNKNOWN;
  }
}

/* While we have it open, its last holder may leave it to us. An orphan is
 * shown, and not removed, unless somebody left it just now. */
static void collect(const char *name, const os_file *file, bool is_orphan) {
  pshm_error before;
  pshm_error_save(&before);
  os_file now;
  if (!is_orphan || (os_folder_look(name, &now) == POLYSHM_OK &&
                     now.changed_at != file->changed_at))
    pshm_tree_collect(name, file->inode);
  pshm_error_restore(&before);
}

static polyshm_status inspect(const char *name, polyshm_info *out_info) {
  os_file file;
  polyshm_status status = os_folder_look(name, &file);
  if (status != POLYSHM_OK)
    return status;
  polyshm_info info = {
      .struct_size = out_info->struct_size,
      .size = file.size,
      .created_at = file.created_at,
      .mode = file.mode,
      .uid = file.owner,
  };
  strcpy(info.name, name);
  look_inside(name, &info);
  info.state = find_state(name, &file);
  if (file.is_marked)
    collect(name, &file, info.state & POLYSHM_STATE_ORPHAN);
  pshm_options_give(out_info, &info, sizeof info);
  return POLYSHM_OK;
}

polyshm_status polyshm_inspect(const char *name, polyshm_info *out_info) {
  if (out_info == NULL)
    return fail_null();
  polyshm_status status = pshm_options_check_size(out_info);
  const char *plain;
  if (status == POLYSHM_OK)
    status = pshm_name_check(name, &plain);
  return status == POLYSHM_OK ? inspect(plain, out_info) : status;
}

/* ------------------------------------------------------------------- scan */

struct polyshm_scan {
  char **names;
  uint64_t nnames, capacity;
  _Atomic uint64_t next;
  bool is_out_of_memory;
};

static void note(const char *name, void *context) {
  polyshm_scan *scan = context;
  const char *plain;
  if (strlen(name) > POLYSHM_NAME_MAX ||
      pshm_name_check(name, &plain) != POLYSHM_OK)
    return;
  if (scan->nnames == scan->capacity) {
    uint64_t capacity = 2 * scan->capacity + 64;
    char **names = realloc(scan->names, (size_t)capacity * sizeof *names);
    if (names == NULL) {
      scan->is_out_of_memory = true;
      return;
    }
    scan->names = names;
    scan->capacity = capacity;
  }
  size_t size = strlen(name) + 1;
  char *copy = malloc(size);
  if (copy == NULL) {
    scan->is_out_of_memory = true;
    return;
  }
  memcpy(copy, name, size);
  scan->names[scan->nnames++] = copy;
}

static int compare(const void *one, const void *other) {
  return strcmp(*(char *const *)one, *(char *const *)other);
}

polyshm_status polyshm_scan_open(polyshm_scan **out_scan) {
  if (out_scan == NULL)
    return fail_null();
  polyshm_scan *scan = calloc(1, sizeof *scan);
  if (scan == NULL)
    return pshm_error_set(POLYSHM_E_MEMORY, "out of memory for a scan");
  polyshm_status status = os_folder_list(note, scan);
  if (status == POLYSHM_OK && scan->is_out_of_memory)
    status = pshm_error_set(
        POLYSHM_E_MEMORY, "out of memory for the names of all blocks");
  if (status != POLYSHM_OK) {
    polyshm_scan_free(scan);
    return status;
  }
  if (scan->nnames > 0)
    qsort(scan->names, (size_t)scan->nnames, sizeof *scan->names, compare);
  *out_scan = scan;
  return POLYSHM_OK;
}

polyshm_status polyshm_scan_next(polyshm_scan *scan, polyshm_info *out_info) {
  if (scan == NULL || out_info == NULL)
    return fail_null();
  polyshm_status status = pshm_options_check_size(out_info);
  if (status != POLYSHM_OK)
    return status;
  uint64_t next;
  while ((next = atomic_fetch_add(&scan->next, 1)) < scan->nnames) {
    status = inspect(scan->names[next], out_info);
    if (status == POLYSHM_OK || status == POLYSHM_E_MEMORY)
      return status;
  }
  return pshm_error_set(POLYSHM_E_END, "there are no more blocks");
}

void polyshm_scan_free(polyshm_scan *scan) {
  if (scan == NULL)
    return;
  for (uint64_t i = 0; i < scan->nnames; i++)
    free(scan->names[i]);
  free(scan->names);
  free(scan);
}

/* ---------------------------------------------------------------- holders */

typedef struct found {
  uint64_t *pids;
  uint64_t capacity, count;
} found;

static void add(uint64_t pid, void *context) {
  found *all = context;
  if (all->count < all->capacity)
    all->pids[all->count] = pid;
  all->count++;
}

polyshm_status polyshm_holders(
    const char *name, uint64_t *pids, uint64_t capacity, uint64_t *out_count) {
  if (out_count == NULL || (pids == NULL && capacity != 0))
    return fail_null();
  const char *plain;
  os_file file;
  polyshm_status status = pshm_name_check(name, &plain);
  if (status == POLYSHM_OK)
    status = os_folder_look(plain, &file);
  found all = {.pids = pids, .capacity = capacity};
  if (status == POLYSHM_OK)
    status = os_folder_find_users(&file, add, &all);
  if (status == POLYSHM_OK)
    *out_count = all.count;
  return status;
}

/* --------------------------------------------------------- gc, the helper */

polyshm_status polyshm_gc(uint32_t flags, uint64_t *out_removed) {
  if (out_removed == NULL)
    return fail_null();
  if (flags & ~(uint32_t)POLYSHM_GC_DRY_RUN)
    return pshm_error_set(
        POLYSHM_E_INVALID, "the flags 0x%x are not for this call",
        (unsigned)flags);
  if (!os_removal_is_possible())
    return pshm_error_set(
        POLYSHM_E_UNSUPPORTED,
        "this system does not tell who has a file open (no leases): nothing is "
        "removed by guess");
  return pshm_tree_sweep(flags & POLYSHM_GC_DRY_RUN, out_removed, NULL);
}

static polyshm_status give(const char *text, char *buffer, uint64_t capacity) {
  size_t size = strlen(text) + 1;
  if (buffer == NULL || size > capacity)
    return pshm_error_set(
        POLYSHM_E_SPACE, "%llu bytes do not fit the buffer",
        (unsigned long long)size);
  memcpy(buffer, text, size);
  return POLYSHM_OK;
}

polyshm_status polyshm_tree_enter(char *buffer, uint64_t capacity) {
  char token[OS_TREE_TOKEN_SIZE];
  polyshm_status status = pshm_tree_enter(token);
  return status == POLYSHM_OK ? give(token, buffer, capacity) : status;
}

polyshm_status polyshm_helper_path(char *buffer, uint64_t capacity) {
  char path[4096];
  polyshm_status status = os_tree_find_helper(path, sizeof path);
  return status == POLYSHM_OK ? give(path, buffer, capacity) : status;
}
