/* SPDX-License-Identifier: MIT */
/*
 * Slots whose owner is not done: wait for a live one, finish for a dead one.
 *
 * The kernel knows who is alive (member.h). Asking costs a system call, so it
 * is asked after spinning for a while and then once per sleep. Nobody waits for
 * the dead for longer than one sleep.
 */
#include "shm/sequence.h"

#include "shm/record.h"
#include "os/os.h"

enum {
  SPINS = 100,
  LOOKS = 1024,          /* many more than any slot needs that is not damaged */
  FIRST_SLEEP = 1000000, /* nanoseconds; they double up to the longest */
  LONGEST_SLEEP = 16000000
};

void pshm_sequence_wake(const polyshm_list *list, uint64_t index) {
  os_futex_wake(pshm_word_low(list->trailer.sequences + index), 1);
}

bool pshm_sequence_repair(polyshm_list *list, uint64_t index, uint64_t word) {
  uint32_t owner = pshm_sequence_token(word);
  if (pshm_list_is_alive(list, owner))
    return false;
  /* Take its place, with its record: if we die too, the next one sees the same
   * and does the same. W, because somebody may sleep who is not counted. */
  uint64_t mine = word - owner + pshm_list_token(list);
  mine |= PSHM_SEQUENCE_WAITED;
  if (!atomic_compare_exchange_strong_explicit(
          list->trailer.sequences + index, &word, mine, memory_order_acq_rel,
          memory_order_relaxed))
    return true;
  pshm_record_apply(list, index, mine);
  pshm_sequence_finish(list, index, mine);
  return true;
}

static polyshm_status fail_timeout(uint64_t index) {
  return pshm_error_set(
      POLYSHM_E_TIMEOUT,
      "slot %llu is being changed by another process, which is alive and does "
      "not go on",
      (unsigned long long)index);
}

/* A word that is overwritten all the time may be free, or a dead one's, at each
 * look, and not be had. */
static bool is_hopeless(
    const polyshm_list *list, pshm_sequence_waiter *waiter) {
  return ++waiter->looks % LOOKS == 0 &&
         pshm_list_patience_left(list, &waiter->patience, 1) <= 0;
}

polyshm_status pshm_sequence_wait(
    polyshm_list *list, uint64_t index, pshm_sequence_waiter *waiter) {
  pshm_word *word = list->trailer.sequences + index;
  for (;;) {
    if (PSHM_UNLIKELY(is_hopeless(list, waiter)))
      return fail_timeout(index);
    uint64_t seen = pshm_word_load(word);
    if (!pshm_sequence_is_locked(seen))
      return POLYSHM_OK;
    if (waiter->spins < SPINS) {
      waiter->spins++;
      os_thread_relax();
      continue;
    }
    if (pshm_sequence_repair(list, index, seen))
      continue;
    if (waiter->sleep < LONGEST_SLEEP)
      waiter->sleep = waiter->sleep == 0 ? FIRST_SLEEP : 2 * waiter->sleep;
    int64_t left =
        pshm_list_patience_left(list, &waiter->patience, waiter->sleep);
    if (left <= 0) {
      if (waiter->waited != 0)
        pshm_sequence_wake(list, index); /* it may have been meant for us */
      return fail_timeout(index);
    }
    if (!(seen & PSHM_SEQUENCE_WAITED) &&
        !atomic_compare_exchange_weak_explicit(
            word, &seen, seen | PSHM_SEQUENCE_WAITED, memory_order_relaxed,
            memory_order_relaxed))
      continue;
    waiter->waited = PSHM_SEQUENCE_WAITED;
    os_futex_wait(
        pshm_word_low(word), (uint32_t)(seen | PSHM_SEQUENCE_WAITED), left);
  }
}

polyshm_status pshm_sequence_lock_busy(
    polyshm_list *list, uint64_t index, uint64_t *out_mine) {
  pshm_sequence_waiter waiter = {0};
  do {
    polyshm_status status = pshm_sequence_wait(list, index, &waiter);
    if (status != POLYSHM_OK)
      return status;
  } while (!pshm_sequence_try(list, index, 0, waiter.waited, out_mine));
  return POLYSHM_OK;
}
