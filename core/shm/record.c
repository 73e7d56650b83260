/* SPDX-License-Identifier: MIT */
#include "shm/record.h"

#include "shm/sequence.h"
#include "os/os.h"

enum {
  SPINS = 100,
  FIRST_SLEEP = 50000, /* nanoseconds; they double up to the longest */
  LONGEST_SLEEP = 2000000
};

static bool take(pshm_word *record, uint64_t from, uint32_t token) {
  return atomic_compare_exchange_strong_explicit(
      record + PSHM_RECORD_CLAIM, &from, token, memory_order_acquire,
      memory_order_relaxed);
}

/* Get a record whose claimer has died. It may have died after it locked a slot
 * with it: that slot must be finished first. If nothing refers to the record
 * now, nothing ever will, since only its claimer could have made it so. */
static bool recover(polyshm_list *list, uint32_t number) {
  pshm_word *record = pshm_record_at(list, number);
  uint64_t claim =
      atomic_load_explicit(record + PSHM_RECORD_CLAIM, memory_order_acquire);
  if (claim == 0 || claim > PSHM_TOKEN_MAX)
    return claim != 0 && take(record, claim, pshm_list_token(list));
  if (pshm_list_is_alive(list, (uint32_t)claim))
    return false;
  uint64_t item = pshm_word_load(record + PSHM_RECORD_ITEM);
  if (item < list->layout.length) {
    uint64_t word = atomic_load_explicit(
        list->trailer.sequences + item, memory_order_acquire);
    if (pshm_sequence_record(word) == number + 1) {
      pshm_sequence_repair(list, item, word);
      return false;
    }
  }
  return take(record, claim, pshm_list_token(list));
}

static polyshm_status fail_timeout(const polyshm_list *list) {
  return pshm_error_set(
      POLYSHM_E_TIMEOUT,
      "all %u records of the list '%s' are in the hands of processes that are "
      "alive and do not go on",
      (unsigned)list->trailer.nrecords, list->block->name);
}

static polyshm_status claim_busy(
    polyshm_list *list, pshm_list_patience *patience, uint32_t *out_number) {
  int64_t sleep = FIRST_SLEEP;
  uint32_t nrecords = list->trailer.nrecords;
  for (int spins = 0;; spins++) {
    for (uint32_t number = 0; number < nrecords; number++)
      if (take(pshm_record_at(list, number), 0, pshm_list_token(list)) ||
          (spins >= SPINS && recover(list, number))) {
        *out_number = number;
        return POLYSHM_OK;
      }
    if (spins < SPINS) {
      os_thread_relax();
      continue;
    }
    if (spins == SPINS)
      continue; /* recovering may have freed one that was in use */
    int64_t left = pshm_list_patience_left(list, patience, sleep);
    if (left <= 0)
      return fail_timeout(list);
    os_clock_sleep(left);
    sleep = sleep < LONGEST_SLEEP ? 2 * sleep : sleep;
  }
}

polyshm_status pshm_record_claim(
    polyshm_list *list, pshm_list_patience *patience, uint32_t *out_number) {
  uint32_t token = pshm_list_token(list);
  uint32_t number = token % list->trailer.nrecords;
  pshm_word *claim = pshm_record_at(list, number);
  if (PSHM_LIKELY(pshm_word_load(claim) == 0 && take(claim, 0, token))) {
    *out_number = number;
    return POLYSHM_OK;
  }
  return claim_busy(list, patience, out_number);
}

void pshm_record_release(polyshm_list *list, uint32_t number) {
  atomic_store_explicit(
      pshm_record_at(list, number) + PSHM_RECORD_CLAIM, 0,
      memory_order_release);
}

void pshm_record_apply(polyshm_list *list, uint64_t index, uint64_t word) {
  uint32_t number = pshm_sequence_record(word);
  if (number == 0 || number > list->trailer.nrecords)
    return;
  const pshm_word *record = pshm_record_at(list, number - 1);
  pshm_slot at;
  uint64_t size = pshm_word_load(record + PSHM_RECORD_SIZE);
  if (pshm_word_load(record + PSHM_RECORD_ITEM) != index ||
      size > pshm_record_room(list) ||
      pshm_slot_locate(&list->layout, index, &at) != POLYSHM_OK ||
      size > at.capacity)
    return; /* nothing of ours: a damaged list */
  const pshm_word *data = record + PSHM_RECORD_DATA;
  for (uint64_t i = 0; i < size / PSHM_WORD; i++)
    pshm_slot_store(at.data + i, pshm_word_load(data + i));
  pshm_slot_store_type(
      &at, pshm_word_load(record + PSHM_RECORD_FORMAT),
      (unsigned)pshm_word_load(record + PSHM_RECORD_CODE));
  pshm_slot_store(
      list->trailer.exacts + index, pshm_word_load(record + PSHM_RECORD_EXACT));
}
