/* SPDX-License-Identifier: MIT */
/*
 * The lock of a whole list. One word:
 *
 *    63                           32 31 30        25 24                      0
 *   +-------------------------------+--+------------+-------------------------+
 *   | owner's thread                |W | 0          | owner's token |
 *   +-------------------------------+--+------------+-------------------------+
 *
 * 0 is free. The thread's number tells the threads of one process apart, which
 * share a token; W says that somebody sleeps on the lower half. Taking it is
 * one compare-and-swap, giving it back one exchange. An owner that died is
 * noticed by asking the kernel about its token (member.h) before each sleep.
 *
 * Whoever comes by when the lock is free takes it, which is fast and unfair. So
 * a waiter to whom that has happened for a while writes itself into the word
 * `reserved`; as long as it stands there and lives, others leave the free lock
 * to it; unless it does not come for so long that it must have been stopped.
 */
#include "shm/lock.h"

#include "shm/sequence.h"
#include "os/os.h"

#include <limits.h>

enum {
  SPINS = 100,
  LOOKS = 1024,          /* between two looks at the clock without a sleep */
  PATIENCE = 2000000,    /* nanoseconds until a waiter reserves the lock */
  POLITENESS = 50000000, /* and until others stop respecting that */
  POLL = 100000,         /* between two looks at a free but reserved lock */
  FIRST_SLEEP = 1000000, /* they double up to the longest */
  LONGEST_SLEEP = 16000000
};

#define WAITED UINT64_C(0x80000000)

static inline uint64_t identify(const polyshm_list *list) {
  return (uint64_t)os_thread_id() << 32 | pshm_list_token(list);
}

static inline uint32_t owner_of(uint64_t word) {
  return (uint32_t)word & PSHM_TOKEN_MAX;
}

bool pshm_lock_is_foreign(const polyshm_list *list) {
  uint64_t word =
      atomic_load_explicit(list->trailer.lock, memory_order_acquire);
  return word != 0 && (word & ~WAITED) != identify(list) &&
         pshm_list_is_alive(list, owner_of(word));
}

/* Drop a reservation if it still is this one. */
static void cancel(polyshm_list *list, uint64_t reservation) {
  atomic_compare_exchange_strong_explicit(
      list->trailer.reserved, &reservation, 0, memory_order_relaxed,
      memory_order_relaxed);
}

/* Another waiter's reservation that keeps us from a free lock. */
typedef struct rival {
  uint64_t reservation;
  int64_t deadline;
} rival;

/* Whether to leave a free lock to another one. */
static bool is_reserved(polyshm_list *list, uint64_t me, rival *other) {
  uint64_t reserved = pshm_word_load(list->trailer.reserved);
  if (reserved == 0 || reserved == me)
    return false;
  if (reserved != other->reservation)
    *other = (rival){reserved, os_clock_deadline(POLITENESS)};
  if (pshm_list_is_alive(list, owner_of(reserved)) &&
      os_clock_left(other->deadline, 1) > 0)
    return true;
  cancel(list, reserved);
  return false;
}

static void reserve(polyshm_list *list, uint64_t me) {
  uint64_t nobody = 0;
  atomic_compare_exchange_strong_explicit(
      list->trailer.reserved, &nobody, me, memory_order_relaxed,
      memory_order_relaxed);
}

static bool exchange(polyshm_list *list, uint64_t from, uint64_t to) {
  return atomic_compare_exchange_strong_explicit(
      list->trailer.lock, &from, to, memory_order_acquire,
      memory_order_relaxed);
}

PSHM_COLD static polyshm_status fail_owned(const polyshm_list *list) {
  return pshm_error_set(
      POLYSHM_E_BUSY, "this thread has the lock of the list '%s' already",
      list->block->name);
}

PSHM_COLD static polyshm_status fail_timeout(const polyshm_list *list) {
  return pshm_error_set(
      POLYSHM_E_TIMEOUT, "the list '%s' was locked by others all the time",
      list->block->name);
}

/* Sleep until the lock is given back, or for `left` nanoseconds. */
static os_wake sleep_on(polyshm_list *list, uint64_t word, int64_t left) {
  if (word == 0) { /* reserved for another one, who has been woken */
    os_clock_sleep(left < POLL ? left : POLL);
    return OS_WAKE_MAYBE;
  }
  if (!(word & WAITED) && !exchange(list, word, word | WAITED))
    return OS_WAKE_MAYBE;
  return os_futex_wait(
      pshm_word_low(list->trailer.lock), (uint32_t)(word | WAITED), left);
}

static polyshm_status wait(
    polyshm_list *list, uint64_t me, int64_t timeout, uint64_t *out_dead) {
  int64_t deadline = os_clock_deadline(timeout), sleep = FIRST_SLEEP;
  int64_t patience = os_clock_deadline(PATIENCE);
  uint64_t waited = 0; /* W from the first sleep on: others may sleep, too */
  rival other = {0};
  uint32_t looks = 0;
  for (int spins = 0;;) {
    /* A word that is overwritten all the time is never had. */
    if (++looks % LOOKS == 0 && os_clock_left(deadline, 1) <= 0)
      return fail_timeout(list);
    uint64_t word = pshm_word_load(list->trailer.lock);
    if (word == 0 && !is_reserved(list, me, &other)) {
      if (!exchange(list, 0, me | waited))
        continue;
      *out_dead = 0;
      return POLYSHM_OK;
    }
    if (spins < SPINS) {
      spins++;
      os_thread_relax();
      continue;
    }
    if (word != 0 && !pshm_list_is_alive(list, owner_of(word))) {
      if (!exchange(list, word, me | WAITED))
        continue;
      *out_dead = word;
      return POLYSHM_OK;
    }
    int64_t left = timeout == 0 ? 0 : os_clock_left(deadline, sleep);
    if (left <= 0)
      return fail_timeout(list);
    if (os_clock_left(patience, 1) <= 0)
      reserve(list, me);
    waited = WAITED;
    if (sleep_on(list, word, left) == OS_WAKE_INTERRUPTED)
      return pshm_error_set(
          POLYSHM_E_INTERRUPTED,
          "a signal arrived while waiting for the lock of the list '%s'",
          list->block->name);
    sleep = sleep < LONGEST_SLEEP ? 2 * sleep : sleep;
  }
}

/* With a reservation, everybody is woken: it must be among them. */
PSHM_COLD static void wake(const polyshm_list *list) {
  bool all = pshm_word_load(list->trailer.reserved) != 0;
  os_futex_wake(pshm_word_low(list->trailer.lock), all ? INT_MAX : 1);
}

/* Take the lock; *out_dead is the word of a dead owner that it was taken from,
 * or 0. The caller has joined. */
static inline polyshm_status take(
    polyshm_list *list, int64_t timeout, uint64_t *out_dead) {
  uint64_t me = identify(list);
  *out_dead = 0;
  if (PSHM_LIKELY(
          pshm_word_load(list->trailer.reserved) == 0 && exchange(list, 0, me)))
    return POLYSHM_OK;
  if ((pshm_word_load(list->trailer.lock) & ~WAITED) == me)
    return fail_owned(list);
  polyshm_status status = wait(list, me, timeout, out_dead);
  cancel(list, me);
  if (status != POLYSHM_OK) /* a wake may have been meant for us */
    os_futex_wake(pshm_word_low(list->trailer.lock), 1);
  return status;
}

/* Give the lock back, free, or to the dead owner that it was taken from. */
static inline void give_back(polyshm_list *list, uint64_t dead) {
  uint64_t word = atomic_exchange_explicit(
      list->trailer.lock, dead & ~WAITED, memory_order_release);
  if (PSHM_UNLIKELY(word & WAITED))
    wake(list);
}

polyshm_status pshm_lock_take(
    polyshm_list *list, int64_t timeout, uint64_t *out_dead) {
  polyshm_status status = pshm_list_check(list, out_dead);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  if (PSHM_UNLIKELY(list->block->flags & POLYSHM_READ_ONLY))
    return pshm_list_fail_read_only(list);
  if (PSHM_UNLIKELY(pshm_list_is_plain(list)))
    return pshm_list_fail_plain(list);
  status = pshm_list_join(list);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  return take(list, timeout, out_dead);
}

polyshm_status polyshm_list_lock(
    polyshm_list *list, int64_t timeout, uint32_t *out_recovered) {
  uint64_t dead;
  if (PSHM_UNLIKELY(out_recovered == NULL))
    return pshm_list_fail_null();
  polyshm_status status = pshm_lock_take(list, timeout, &dead);
  if (PSHM_LIKELY(status == POLYSHM_OK))
    /* NOLINTNEXTLINE(clang-analyzer-core.*): what fails is never POLYSHM_OK */
    *out_recovered = dead != 0;
  return status;
}

polyshm_status pshm_lock_borrow(
    polyshm_list *list, int64_t timeout, uint64_t *out_dead) {
  int64_t deadline = os_clock_deadline(timeout);
  polyshm_status status = pshm_list_join(list);
  if (status == POLYSHM_OK)
    status = take(list, timeout, out_dead);
  while (status == POLYSHM_E_INTERRUPTED) {
    int64_t left = os_clock_left(deadline, INT64_MAX);
    status = take(list, left > 0 ? left : 0, out_dead);
  }
  return status;
}

void pshm_lock_give_back(polyshm_list *list, uint64_t dead) {
  give_back(list, dead);
}

polyshm_status polyshm_list_unlock(polyshm_list *list) {
  polyshm_status status = pshm_list_check(list, list);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  if (PSHM_UNLIKELY(pshm_list_is_plain(list)))
    return pshm_list_fail_plain(list);
  uint64_t word = pshm_word_load(list->trailer.lock);
  if (PSHM_UNLIKELY(
          pshm_list_token(list) == 0 || (word & ~WAITED) != identify(list)))
    return pshm_error_set(
        POLYSHM_E_INVALID,
        "this thread does not have the lock of the list '%s'",
        list->block->name);
  give_back(list, 0);
  return POLYSHM_OK;
}
