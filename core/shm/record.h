/* SPDX-License-Identifier: MIT */
/*
 * A record holds a value that is too large to be stored in one step, on its way
 * into a slot. Its writer claims a record, fills it, and locks the slot with
 * it; that step makes the value the slot's. Then it copies it into the slot's
 * own bytes, for CPython and for later readers, unlocks the slot and gives the
 * record back. If it dies, others copy it (again) for it.
 *
 *    0 claim    owner's token, 0 if free
 *    8 item     the slot's index
 *   16 size     bytes of the slot that are replaced, a multiple of 8
 *   24 format   the slot's new format word
 *   32 code     its new code
 *   40 exact    its new exact word
 *   48 data     `size` bytes
 */
#ifndef POLYSHM_SHM_RECORD_H
#define POLYSHM_SHM_RECORD_H

#include "shm/list.h"
#include "shm/slot.h"

static inline pshm_word *pshm_record_at(
    const polyshm_list *list, uint32_t number) {
  return list->trailer.records + number * list->trailer.record_words;
}

/* Bytes that a record has room for. */
static inline uint64_t pshm_record_room(const polyshm_list *list) {
  return PSHM_WORD * (list->trailer.record_words - PSHM_RECORD_DATA);
}

/* Get a record, *out_number counting from 0. POLYSHM_E_TIMEOUT if live owners
 * keep them all. Who has one must not sleep: others need it. */
polyshm_status pshm_record_claim(
    polyshm_list *list, pshm_list_patience *patience, uint32_t *out_number);

void pshm_record_release(polyshm_list *list, uint32_t number);

/* Copy the record that a locked slot's word refers to, if it does, into the
 * slot. */
void pshm_record_apply(polyshm_list *list, uint64_t index, uint64_t word);

#endif
