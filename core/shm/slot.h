/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_SHM_SLOT_H
#define POLYSHM_SHM_SLOT_H

#include "polyshm.h"
#include "shm/layout.h"

/* Bytes that a new slot gets for this value, whose settled type is `type`. */
uint64_t pshm_slot_size(int32_t type, const polyshm_value *value);

/* The four things to do with a slot. `index` is checked, and so is every number
 * that is read from the block on the way. */
polyshm_status pshm_slot_capacity(
    const pshm_layout *layout, uint64_t index, uint64_t *out_capacity);

polyshm_status pshm_slot_read(
    const pshm_layout *layout, uint64_t index, void *buffer, uint64_t capacity,
    polyshm_value *out_value);

/* `type` is the value's settled type. Nothing is written unless it fits. */
polyshm_status pshm_slot_write(
    const pshm_layout *layout, uint64_t index, int32_t type,
    const polyshm_value *value);

/* The first slot from `start` on that equals the (checked) value. */
polyshm_status pshm_slot_find(
    const pshm_layout *layout, uint64_t start, const polyshm_value *value,
    uint64_t *out_index);

#endif
