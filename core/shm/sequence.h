/* SPDX-License-Identifier: MIT */
/*
 * The sequence word of a slot: how often the slot has changed, and who is at
 * work on it.
 *
 *    63                           32 31 30        25 24                      0
 *   +-------------------------------+--+------------+-------------------------+
 *   | count of changes              |W | record + 1 | owner's token |
 *   +-------------------------------+--+------------+-------------------------+
 *
 * A token of 0: nobody is at work, and the lower half is 0. Otherwise the slot
 * is locked by that owner. Without a record, the slot's own bytes hold: at most
 * its one data word is being replaced, which is one store. With a record, the
 * record holds the slot's new value, and the slot's bytes are on their way
 * there; the step that locks the slot with a record is the step that changes
 * its value. W: somebody sleeps on the lower half until it is unlocked. The
 * upper half is what those sleep on who wait for a change.
 *
 * Readers read the word, then the value, then the word again: if it is the same
 * (W aside), what they read is whole. They wait for nobody. Values are stored
 * with release and loaded with acquire, word by word, and not with fences: so
 * who has loaded one word of a newer value sees the changed sequence word too,
 * and race checkers can follow.
 */
#ifndef POLYSHM_SHM_SEQUENCE_H
#define POLYSHM_SHM_SEQUENCE_H

#include "shm/list.h"
#include "shm/watch.h"

#define PSHM_SEQUENCE_WAITED UINT64_C(0x80000000)
#define PSHM_SEQUENCE_COUNT UINT64_C(0xffffffff00000000)
#define PSHM_SEQUENCE_ONE (UINT64_C(1) << 32)

_Static_assert(PSHM_TOKEN_BITS == 25, "the parts of a word meet");
_Static_assert(PSHM_RECORDS_MAX == 63, "the parts of a word meet");

static inline uint32_t pshm_sequence_token(uint64_t word) {
  return (uint32_t)word & PSHM_TOKEN_MAX;
}

/* 1 + the number of the record; 0 for none. */
static inline uint32_t pshm_sequence_record(uint64_t word) {
  return (uint32_t)word >> PSHM_TOKEN_BITS & PSHM_RECORDS_MAX;
}

static inline bool pshm_sequence_is_locked(uint64_t word) {
  return (uint32_t)word != 0;
}

/* The half to sleep on until the slot is unlocked, and the one for changes. */
static inline const void *pshm_word_low(const pshm_word *word) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  return (const unsigned char *)word + 4;
#else
  return word;
#endif
}

static inline const void *pshm_word_high(const pshm_word *word) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  return word;
#else
  return (const unsigned char *)word + 4;
#endif
}

/* One who waits for a slot, over several attempts; zeroed to begin with. */
typedef struct pshm_sequence_waiter {
  pshm_list_patience patience;
  int64_t sleep;
  uint64_t waited; /* W once it has slept: others may sleep, too */
  int spins;
  uint32_t looks;
} pshm_sequence_waiter;

/* Wait until the slot was seen unlocked, or repair what a dead owner left.
 * POLYSHM_E_TIMEOUT. The caller has joined and has nothing claimed. */
PSHM_COLD polyshm_status pshm_sequence_wait(
    polyshm_list *list, uint64_t index, pshm_sequence_waiter *waiter);

/* Lock a slot that is unlocked, with a record (1 + its number) or without (0).
 * *out_mine is the word as it is then. */
static inline bool pshm_sequence_try(
    polyshm_list *list, uint64_t index, uint32_t record, uint64_t waited,
    uint64_t *out_mine) {
  pshm_word *word = list->trailer.sequences + index;
  uint64_t free = pshm_word_load(word) & PSHM_SEQUENCE_COUNT;
  uint64_t mine = free | waited | (uint64_t)record << PSHM_TOKEN_BITS |
                  pshm_list_token(list);
  *out_mine = mine;
  /* Release publishes the record, acquire orders what follows. */
  return atomic_compare_exchange_strong_explicit(
      word, &free, mine, memory_order_acq_rel, memory_order_relaxed);
}

PSHM_COLD polyshm_status
pshm_sequence_lock_busy(polyshm_list *list, uint64_t index, uint64_t *out_mine);

/* Lock a slot without a record. The caller has joined. POLYSHM_E_TIMEOUT. */
static inline polyshm_status pshm_sequence_lock(
    polyshm_list *list, uint64_t index, uint64_t *out_mine) {
  if (PSHM_LIKELY(pshm_sequence_try(list, index, 0, 0, out_mine)))
    return POLYSHM_OK;
  return pshm_sequence_lock_busy(list, index, out_mine);
}

/* Wake who sleeps until the slot is unlocked. */
PSHM_COLD void pshm_sequence_wake(const polyshm_list *list, uint64_t index);

/* Unlock a slot that was left as it was. */
static inline void pshm_sequence_unlock(
    polyshm_list *list, uint64_t index, uint64_t mine) {
  uint64_t before = atomic_exchange_explicit(
      list->trailer.sequences + index, mine & PSHM_SEQUENCE_COUNT,
      memory_order_release);
  if (PSHM_UNLIKELY(before & PSHM_SEQUENCE_WAITED))
    pshm_sequence_wake(list, index);
}

/* Unlock a slot that was changed, and tell those who wait for that. The order
 * is sequentially consistent: a waiter is seen here, or sees the change. */
static inline void pshm_sequence_finish(
    polyshm_list *list, uint64_t index, uint64_t mine) {
  uint64_t before = atomic_exchange_explicit(
      list->trailer.sequences + index,
      (mine & PSHM_SEQUENCE_COUNT) + PSHM_SEQUENCE_ONE, memory_order_seq_cst);
  if (PSHM_UNLIKELY(before & PSHM_SEQUENCE_WAITED))
    pshm_sequence_wake(list, index);
  if (PSHM_UNLIKELY(
          atomic_load_explicit(list->trailer.waiting, memory_order_seq_cst) !=
          0))
    pshm_watch_notify(list, index);
}

/* Finish what the owner of this word began, if it is dead. True if there was
 * something to do, or somebody else was faster. The caller has joined. */
PSHM_COLD bool pshm_sequence_repair(
    polyshm_list *list, uint64_t index, uint64_t word);

#endif
