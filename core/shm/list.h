/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_SHM_LIST_H
#define POLYSHM_SHM_LIST_H

#include "polyshm.h"
#include "shm/block.h"
#include "shm/layout.h"
#include "shm/trailer.h"
#include "hold/member.h"
#include "base/error.h"
#include "base/port.h"

/* The inside of a handle, for the files that share the work on lists. */
struct polyshm_list {
  pshm_layout layout;
  pshm_trailer trailer; /* of zeros if the list has none */
  polyshm_block *block;
  _Atomic int64_t timeout; /* nanoseconds a call may wait for a live owner */
  _Atomic uint32_t vain;   /* sleeps since a spin that paid: see watch.c */
  _Atomic uint32_t passes; /* of a writer over others' waiters: see watch.c */
  _Atomic uint32_t holds;  /* number of pshm_list_hold, and FREED of list.c */
};

/* The making of a list in steps, as that of a block: publish its block, then
 * settle it. */
polyshm_status pshm_list_make(
    const polyshm_value *values, uint64_t nvalues, uint32_t flags,
    const polyshm_list_options *options, polyshm_list **out_list);
void pshm_list_settle(polyshm_list *list);

/* Keep the handle until it is let go, also if it is freed meanwhile. */
void pshm_list_hold(polyshm_list *list);
void pshm_list_let_go(polyshm_list *list);

PSHM_COLD polyshm_status pshm_list_fail_null(void);
PSHM_COLD polyshm_status pshm_list_fail_closed(const polyshm_list *list);
PSHM_COLD polyshm_status pshm_list_fail_read_only(const polyshm_list *list);
PSHM_COLD polyshm_status pshm_list_fail_plain(const polyshm_list *list);

/* Every access begins here. */
static inline polyshm_status pshm_list_check(
    const polyshm_list *list, const void *out) {
  if (PSHM_UNLIKELY(list == NULL || out == NULL))
    return pshm_list_fail_null();
  if (PSHM_UNLIKELY(list->block->map.address == NULL))
    return pshm_list_fail_closed(list);
  return POLYSHM_OK;
}

static inline bool pshm_list_is_plain(const polyshm_list *list) {
  return list->trailer.sequences == NULL;
}

static inline uint32_t pshm_list_token(const polyshm_list *list) {
  return pshm_member_token(&list->block->member);
}

/* Become one who writes. */
static inline polyshm_status pshm_list_join(const polyshm_list *list) {
  if (PSHM_LIKELY(pshm_list_token(list) != 0))
    return POLYSHM_OK;
  return pshm_member_join(
      &list->block->member, list->block->name, list->trailer.tokens);
}

/* The time that a call may sleep, of polyshm_list_timeout(). Zeroed, it has not
 * begun; it begins when it is first asked for. */
typedef struct pshm_list_patience {
  int64_t deadline;
} pshm_list_patience;

/* Nanoseconds that are left of it, but at most `slice`. */
static inline int64_t pshm_list_patience_left(
    const polyshm_list *list, pshm_list_patience *patience, int64_t slice) {
  int64_t timeout = atomic_load_explicit(&list->timeout, memory_order_relaxed);
  if (timeout == 0)
    return 0;
  if (patience->deadline == 0)
    patience->deadline = os_clock_deadline(timeout);
  return os_clock_left(patience->deadline, slice);
}

static inline bool pshm_list_is_alive(
    const polyshm_list *list, uint32_t token) {
  return pshm_member_is_alive(&list->block->member, token);
}

#endif
