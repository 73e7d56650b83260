/* SPDX-License-Identifier: MIT */
/*
 * Waiting for changes.
 *
 * Who wants to sleep enters itself in the table of waiters: its token and the
 * slot, or ALL. It sets its bit in `waiting`, looks once more, and sleeps on
 * the upper half of the slot's sequence word, or, for the whole list, on
 * `changes`. A writer that has unlocked a slot looks at `waiting`, one load;
 * only if a bit is set, it looks who it is. Both steps of both sides are
 * sequentially consistent: the writer sees the bit, or the waiter sees the
 * change.
 *
 * Entries of waiters that were killed are found by the wake that wakes nobody,
 * and removed. An entry belongs to one token from its claim to its end, so that
 * bit and entry are never taken from under a newer owner.
 *
 * Sleeps are sliced, for a writer that is killed between its change and its
 * wake, or before it unlocked. Who may not write cannot enter the table, and
 * looks more often instead.
 */
#include "shm/watch.h"

#include "shm/sequence.h"
#include "shm/slot.h"
#include "os/os.h"

#include <limits.h>

enum {
  SPINS = 1024,      /* looks before a sleep, some 20 microseconds */
  AGAIN = 1024,      /* one in so many waits spins in any case */
  GLANCE = 256,      /* one in so many passes asks whether a waiter lives */
  SLICE = 100000000, /* nanoseconds */
  READ_ONLY_SLICE = 10000000
};

/* What an entry waits for, above its token. */
#define ALL (UINT64_MAX >> PSHM_TOKEN_BITS)

static inline uint32_t owner_of(uint64_t entry) {
  return (uint32_t)entry & PSHM_TOKEN_MAX;
}

/* ----------------------------------------------------------------- waking */

/* Empty an entry that the caller owns. The bit first: while the entry is there,
 * nobody else sets it. */
static void clear(const polyshm_list *list, uint32_t number) {
  atomic_fetch_and(list->trailer.waiting, ~(UINT64_C(1) << number));
  atomic_store(list->trailer.waiters + number, 0);
}

/* Take over an entry whose owner has died. It still says for what: if we die
 * too, it is found in the same way. */
static bool take_over(
    const polyshm_list *list, uint32_t number, uint64_t entry) {
  return owner_of(entry) != 0 && pshm_list_join(list) == POLYSHM_OK &&
         !pshm_list_is_alive(list, owner_of(entry)) &&
         atomic_compare_exchange_strong(
             list->trailer.waiters + number, &entry,
             entry - owner_of(entry) + pshm_list_token(list));
}

/* An entry that no wake tells about, because its slot is another one or the
 * system does not count, is asked about now and then. */
static bool is_time_to_ask(const polyshm_list *list) {
  polyshm_list *handle = (polyshm_list *)list;
  uint32_t passes =
      atomic_fetch_add_explicit(&handle->passes, 1, memory_order_relaxed);
  return passes % GLANCE == 0;
}

void pshm_watch_notify(const polyshm_list *list, uint64_t index) {
  uint64_t waiting = atomic_load(list->trailer.waiting);
  bool is_counted = false;
  bool is_slot_woken = false;
  int slot_woken = 0, list_woken = 0;
  for (; waiting != 0; waiting &= waiting - 1) {
    uint32_t i = (uint32_t)__builtin_ctzll(waiting);
    if (i >= list->trailer.nwaiters)
      return;
    uint64_t entry = atomic_load(list->trailer.waiters + i);
    uint64_t what = entry >> PSHM_TOKEN_BITS;
    int woken;
    if (what == ALL) {
      if (!is_counted) {
        is_counted = true;
        atomic_fetch_add(list->trailer.changes, 1);
        list_woken =
            os_futex_wake(pshm_word_low(list->trailer.changes), INT_MAX);
      }
      woken = list_woken;
    } else if (what == index) {
      if (!is_slot_woken) {
        is_slot_woken = true;
        slot_woken = os_futex_wake(
            pshm_word_high(list->trailer.sequences + index), INT_MAX);
      }
      woken = slot_woken;
    } else
      woken = -1; /* not our business */
    if ((woken == 0 || (woken < 0 && is_time_to_ask(list))) &&
        take_over(list, i, entry))
      clear(list, i);
  }
}

/* ---------------------------------------------------------------- waiting */

/* Enter the table; the number of the entry, or -1 if it is full. */
static int enter(const polyshm_list *list, uint64_t what) {
  if ((list->block->flags & POLYSHM_READ_ONLY) ||
      pshm_list_join(list) != POLYSHM_OK)
    return -1;
  uint64_t mine = what << PSHM_TOKEN_BITS | pshm_list_token(list);
  for (int round = 0; round < 2; round++)
    for (uint32_t i = 0; i < list->trailer.nwaiters; i++) {
      pshm_word *entry = list->trailer.waiters + i;
      uint64_t found = atomic_load(entry);
      if (found != 0 && (round == 0 || !take_over(list, i, found)))
        continue;
      if (found != 0)
        clear(list, i);
      found = 0;
      if (atomic_compare_exchange_strong(entry, &found, mine)) {
        atomic_fetch_or(list->trailer.waiting, UINT64_C(1) << i);
        return (int)i;
      }
    }
  return -1;
}

static void leave(const polyshm_list *list, int number) {
  if (number >= 0)
    clear(list, (uint32_t)number);
}

/* --------------------------------------------------------------- versions */

/* If a slot's owner has died in the middle of a change, the count after the
 * repair. Who may not repair counts as if it had been done. */
static uint64_t count_locked(
    const polyshm_list *list, uint64_t index, uint64_t word) {
  if (pshm_list_is_alive(list, pshm_sequence_token(word)))
    return word >> 32;
  if ((list->block->flags & POLYSHM_READ_ONLY) ||
      pshm_list_join(list) != POLYSHM_OK)
    return (uint32_t)((word + PSHM_SEQUENCE_ONE) >> 32);
  pshm_sequence_repair((polyshm_list *)list, index, word);
  return atomic_load(list->trailer.sequences + index) >> 32;
}

static inline uint64_t count(
    const polyshm_list *list, uint64_t index, bool settle) {
  uint64_t word = atomic_load(list->trailer.sequences + index);
  if (PSHM_UNLIKELY(settle && pshm_sequence_is_locked(word)))
    return count_locked(list, index, word);
  return word >> 32;
}

static uint64_t sum(const polyshm_list *list, bool settle) {
  uint64_t all = 0;
  for (uint64_t i = 0; i < list->layout.length; i++)
    all += count(list, i, settle);
  return all;
}

/* ------------------------------------------------------- one way to sleep */

/* What to wait for: a slot, or ALL. With `settle`, locked slots are looked
 * into, which readers that may not repair must always do, or their counts would
 * go back and forth. */
static inline uint64_t version_of(
    const polyshm_list *list, uint64_t what, bool settle) {
  settle |= (list->block->flags & POLYSHM_READ_ONLY) != 0;
  return what == ALL ? sum(list, settle) : count(list, what, settle);
}

PSHM_COLD static polyshm_status fail_timeout(void) {
  return pshm_error_set(POLYSHM_E_TIMEOUT, "nothing changed in that time");
}

PSHM_COLD static polyshm_status fail_interrupted(void) {
  return pshm_error_set(
      POLYSHM_E_INTERRUPTED, "a signal arrived before anything changed");
}

static polyshm_status sleep_for(
    const polyshm_list *list, uint64_t what, uint64_t seen, int64_t deadline,
    bool is_entered, uint64_t *out_version) {
  int64_t slice = is_entered ? SLICE : READ_ONLY_SLICE;
  os_wake wake = OS_WAKE_MAYBE;
  for (;;) {
    uint64_t changes = atomic_load(list->trailer.changes);
    uint64_t version = version_of(list, what, wake == OS_WAKE_TIMEOUT);
    if (version != seen) {
      *out_version = version;
      return POLYSHM_OK;
    }
    if (wake == OS_WAKE_INTERRUPTED)
      return fail_interrupted();
    int64_t left = os_clock_left(deadline, slice);
    if (left <= 0)
      return fail_timeout();
    wake = what == ALL ? os_futex_wait(
                             pshm_word_low(list->trailer.changes),
                             (uint32_t)changes, left)
                       : os_futex_wait(
                             pshm_word_high(list->trailer.sequences + what),
                             (uint32_t)seen, left);
  }
}

/* `vain` sleeps after the last spin that paid: 0, 1, 2, 4, 8, ..., and one in
 * so many for ever. */
static inline bool is_time_to_spin(uint32_t vain) {
  return (vain & (vain - 1)) == 0 || vain % AGAIN == 0;
}

/* Who changes a slot in answer to another's change is back in a moment, and no
 * writer should pay for a wake before that. Where that is not so, because
 * changes are seldom or both share a processor, spinning is in vain, and done
 * the more seldom the longer that lasts.
 *
 * But it is never given up. Two who have learnt on one processor to sleep for
 * each answer would do so on two, where wake-ups are late, for ever: each
 * answer is late because its giver slept. One spin that meets an answer ends
 * that, for then one of them is awake when the next message comes.
 */
static bool spin(
    const polyshm_list *list, uint64_t what, uint64_t seen,
    uint64_t *out_version) {
  polyshm_list *handle = (polyshm_list *)list;
  uint32_t vain = atomic_load_explicit(&list->vain, memory_order_relaxed);
  uint64_t looks = is_time_to_spin(vain) ? SPINS : 0;
  uint64_t cost = what == ALL ? list->layout.length + 1 : 1;
  for (uint64_t spent = 0; spent <= looks; spent += cost) {
    uint64_t version = version_of(list, what, false);
    if (version != seen) {
      *out_version = version;
      if (spent > 0)
        atomic_store_explicit(&handle->vain, 0, memory_order_relaxed);
      return true;
    }
    os_thread_relax();
  }
  atomic_store_explicit(&handle->vain, vain + 1, memory_order_relaxed);
  return false;
}

static polyshm_status wait(
    const polyshm_list *list, uint64_t what, uint64_t seen, int64_t timeout,
    uint64_t *out_version) {
  int64_t deadline = os_clock_deadline(timeout);
  if (timeout == 0) {
    uint64_t version = version_of(list, what, true);
    if (version == seen)
      return fail_timeout();
    *out_version = version;
    return POLYSHM_OK;
  }
  if (spin(list, what, seen, out_version))
    return POLYSHM_OK;
  int number = enter(list, what);
  polyshm_status status =
      sleep_for(list, what, seen, deadline, number >= 0, out_version);
  leave(list, number);
  return status;
}

static polyshm_status check(const polyshm_list *list, const void *out) {
  polyshm_status status = pshm_list_check(list, out);
  if (status == POLYSHM_OK && pshm_list_is_plain(list))
    status = pshm_list_fail_plain(list);
  return status;
}

static polyshm_status check_slot(
    const polyshm_list *list, uint64_t index, const void *out) {
  polyshm_status status = check(list, out);
  if (status == POLYSHM_OK && index >= list->layout.length)
    status = pshm_slot_fail_index(index, list->layout.length);
  return status;
}

polyshm_status polyshm_list_version(
    const polyshm_list *list, uint64_t *out_version) {
  polyshm_status status = check(list, out_version);
  if (status == POLYSHM_OK)
    *out_version = version_of(list, ALL, true);
  return status;
}

polyshm_status polyshm_list_wait(
    const polyshm_list *list, uint64_t seen, int64_t timeout,
    uint64_t *out_version) {
  polyshm_status status = check(list, out_version);
  return status == POLYSHM_OK ? wait(list, ALL, seen, timeout, out_version)
                              : status;
}

polyshm_status polyshm_list_slot_version(
    const polyshm_list *list, uint64_t index, uint64_t *out_version) {
  polyshm_status status = check_slot(list, index, out_version);
  if (status == POLYSHM_OK)
    *out_version = version_of(list, index, true);
  return status;
}

polyshm_status polyshm_list_slot_wait(
    const polyshm_list *list, uint64_t index, uint64_t seen, int64_t timeout,
    uint64_t *out_version) {
  polyshm_status status = check_slot(list, index, out_version);
  return status == POLYSHM_OK ? wait(list, index, seen, timeout, out_version)
                              : status;
}
