/* SPDX-License-Identifier: MIT */
/*
 * Several slots as they stood at one moment.
 *
 * Read them all, look at the lock, and look at all of them again: if none has
 * changed since it was read, they all held these values at the moment of the
 * look at the lock, and if nobody had the lock then, that moment is not in the
 * middle of a change to several slots. This costs writers nothing, but needs a
 * moment of rest. If there is none for long, because slots change or because
 * others have the lock at each look, who may write waits for the lock in its
 * turn, locks all slots in their order, copies, and unlocks them. Who may not
 * write must be lucky.
 */
#include "polyshm.h"

#include "shm/item.h"
#include "shm/list.h"
#include "shm/lock.h"
#include "shm/sequence.h"
#include "shm/slot.h"
#include "os/os.h"

#include <stdlib.h>

enum {
  LOOKS = 1000,        /* in vain, at few slots, until there is no rest */
  FEWEST_LOOKS = 3,    /* at many */
  NAPS = 8,            /* 5 ms in all, until the lock is never free */
  FEW = 32,            /* slots that are copied without an allocation */
  FIRST_SLEEP = 20000, /* nanoseconds; they double up to the longest */
  LONGEST_SLEEP = 1000000
};

typedef struct scratch {
  polyshm_value value;
  pshm_item_state state;
} scratch;

typedef struct snapshot {
  const polyshm_list *list;
  uint64_t first, count;
  unsigned char *buffer;
  uint64_t capacity;
  uint64_t used;
  scratch *slots;
} snapshot;

static bool is_string(const polyshm_value *value) {
  return value->type == POLYSHM_STRING || value->type == POLYSHM_BYTES;
}

static void begin(snapshot *taken) {
  taken->used = 0;
}

static void *rest(const snapshot *taken) {
  return taken->buffer == NULL ? NULL : taken->buffer + taken->used;
}

static void count_in(snapshot *taken, uint64_t i) {
  if (is_string(&taken->slots[i].value))
    taken->used += taken->slots[i].value.size;
}

static polyshm_status read_all(snapshot *taken) {
  polyshm_status status = POLYSHM_OK;
  begin(taken);
  for (uint64_t i = 0; i < taken->count && status == POLYSHM_OK; i++) {
    status = pshm_item_read(
        taken->list, taken->first + i, rest(taken),
        taken->capacity - taken->used, &taken->slots[i].value,
        &taken->slots[i].state);
    if (status == POLYSHM_OK)
      count_in(taken, i);
  }
  return status;
}

static bool is_unchanged(const snapshot *taken) {
  for (uint64_t i = 0; i < taken->count; i++)
    if (!pshm_item_is_unchanged(
            taken->list, taken->first + i, &taken->slots[i].state))
      return false;
  return true;
}

/* Locks taken in the order of the slots cannot meet in a circle, and there is
 * one who takes several: the owner of the list's lock. */
static polyshm_status read_frozen(snapshot *taken) {
  polyshm_list *list = (polyshm_list *)taken->list;
  polyshm_status status = POLYSHM_OK;
  uint64_t nlocked = 0;
  while (nlocked < taken->count && status == POLYSHM_OK) {
    status = pshm_sequence_lock(
        list, taken->first + nlocked, &taken->slots[nlocked].state.word);
    nlocked += status == POLYSHM_OK;
  }
  begin(taken);
  for (uint64_t i = 0; i < taken->count && status == POLYSHM_OK; i++) {
    status = pshm_item_read_locked(
        list, taken->first + i, rest(taken), taken->capacity - taken->used,
        &taken->slots[i].value);
    if (status == POLYSHM_OK)
      count_in(taken, i);
  }
  for (uint64_t i = 0; i < nlocked; i++)
    pshm_sequence_unlock(list, taken->first + i, taken->slots[i].state.word);
  return status;
}

static polyshm_status fail_timeout(const polyshm_list *list) {
  return pshm_error_set(
      POLYSHM_E_TIMEOUT,
      "the list '%s' was being changed or locked all the time",
      list->block->name);
}

static polyshm_status freeze(snapshot *taken, pshm_list_patience *patience) {
  polyshm_list *list = (polyshm_list *)taken->list;
  int64_t left = pshm_list_patience_left(list, patience, INT64_MAX);
  uint64_t dead;
  polyshm_status status = pshm_lock_borrow(list, left > 0 ? left : 0, &dead);
  if (status == POLYSHM_E_BUSY)
    return read_frozen(taken);
  if (status == POLYSHM_E_TIMEOUT)
    return fail_timeout(list);
  if (status != POLYSHM_OK)
    return status;
  status = read_frozen(taken);
  pshm_lock_give_back(list, dead);
  return status;
}

static polyshm_status take(snapshot *taken) {
  const polyshm_list *list = taken->list;
  bool may_write = !(list->block->flags & POLYSHM_READ_ONLY);
  pshm_list_patience patience = {0};
  int64_t sleep = FIRST_SLEEP;
  uint64_t cost = 1 + taken->count / FEW, spent = 0;
  for (int looks = 1, naps = 0;; looks++) {
    polyshm_status status = read_all(taken);
    if (status != POLYSHM_OK)
      return status;
    bool is_locked = pshm_lock_is_foreign(list);
    if (!is_locked && is_unchanged(taken))
      return POLYSHM_OK;
    spent += cost;
    if (!is_locked && (spent < LOOKS || looks < FEWEST_LOOKS))
      continue;
    if (may_write && (!is_locked || naps == NAPS))
      return freeze(taken, &patience);
    spent = 0;
    int64_t left = pshm_list_patience_left(list, &patience, sleep);
    if (left <= 0)
      return fail_timeout(list);
    os_clock_sleep(left);
    naps++;
    sleep = sleep < LONGEST_SLEEP ? 2 * sleep : sleep;
  }
}

polyshm_status polyshm_list_snapshot(
    const polyshm_list *list, uint64_t first, uint64_t count, void *buffer,
    uint64_t capacity, polyshm_value *out_values) {
  polyshm_status status = pshm_list_check(list, out_values);
  if (status != POLYSHM_OK)
    return status;
  if (pshm_list_is_plain(list))
    return pshm_list_fail_plain(list);
  if (first > list->layout.length || count > list->layout.length - first)
    return pshm_error_set(
        POLYSHM_E_RANGE, "%llu slots from %llu on are not in a list of %llu",
        (unsigned long long)count, (unsigned long long)first,
        (unsigned long long)list->layout.length);
  if (count == 0)
    return POLYSHM_OK;

  /* Outputs are written when everything has succeeded. */
  scratch small[FEW], *room = small;
  if (count > FEW && (room = malloc((size_t)count * sizeof *room)) == NULL)
    return pshm_error_set(
        POLYSHM_E_MEMORY, "out of memory for a snapshot of %llu slots",
        (unsigned long long)count);
  snapshot taken = {
      .list = list,
      .first = first,
      .count = count,
      .buffer = buffer,
      .capacity = buffer == NULL ? 0 : capacity,
      .slots = room,
  };
  status = take(&taken);
  for (uint64_t i = 0; i < count && status == POLYSHM_OK; i++)
    out_values[i] = room[i].value;
  if (room != small)
    free(room);
  return status;
}
