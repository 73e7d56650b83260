/* SPDX-License-Identifier: MIT */
/*
 * The bytes of one slot in CPython's area: what they mean, how they are read
 * and written. Nothing here locks; item.c does, for lists with a trailer.
 *
 * Whatever is read from the block is read once, into a local, and checked there
 * before it is used: the bytes may change between two looks.
 */
#ifndef POLYSHM_SHM_SLOT_H
#define POLYSHM_SHM_SLOT_H

#include "polyshm.h"
#include "shm/layout.h"
#include "base/port.h"

#include <stdbool.h>
#include <string.h>

typedef struct pshm_slot {
  uint64_t index;
  uint64_t capacity; /* bytes; a multiple of a word, at least one */
  pshm_word *data;
  pshm_word *format;
  pshm_code *code;
} pshm_slot;

/* Everything about a slot but its data, as it was at one look; or everything
 * that a writer wants to put there. */
typedef struct pshm_kind {
  uint64_t format;
  uint64_t exact; /* see exact.h; 0 without a trailer */
  unsigned code;
} pshm_kind;

/* A slot's part of the layout, or POLYSHM_E_CORRUPT without a message. */
static inline polyshm_status pshm_slot_locate(
    const pshm_layout *layout, uint64_t index, pshm_slot *out_slot) {
  uint64_t begin = pshm_word_load(layout->offsets + index);
  uint64_t end = pshm_word_load(layout->offsets + index + 1);
  if (PSHM_UNLIKELY(
          begin >= end || end > PSHM_WORD * layout->data_words ||
          (begin | end) % PSHM_WORD != 0))
    return POLYSHM_E_CORRUPT;
  out_slot->index = index;
  out_slot->capacity = end - begin;
  out_slot->data = layout->data + begin / PSHM_WORD;
  out_slot->format = layout->formats + index;
  out_slot->code = layout->codes + index;
  return POLYSHM_OK;
}

/* Where a slot's first data word is, counted in words; not below data_words if
 * the layout has none such. All that a number needs. */
static inline uint64_t pshm_slot_position(
    const pshm_layout *layout, uint64_t index) {
  uint64_t begin = pshm_word_load(layout->offsets + index);
  /* One comparison for both: a bit that should be 0 becomes a high one. */
  return begin >> 3 | begin << 61;
}

/* That word, or NULL. */
static inline pshm_word *pshm_slot_first_word(
    const pshm_layout *layout, uint64_t index) {
  uint64_t position = pshm_slot_position(layout, index);
  return PSHM_LIKELY(position < layout->data_words) ? layout->data + position
                                                    : NULL;
}

/* The single accesses to what changes. See sequence.h for the orders. */
static inline uint64_t pshm_slot_load(const pshm_word *word) {
  return atomic_load_explicit(word, memory_order_acquire);
}

static inline void pshm_slot_store(pshm_word *word, uint64_t content) {
  atomic_store_explicit(word, content, memory_order_release);
}

static inline void pshm_slot_load_type(
    const pshm_word *format, const pshm_code *code, pshm_kind *out_kind) {
  out_kind->format = pshm_slot_load(format);
  out_kind->code = atomic_load_explicit(code, memory_order_acquire);
}

static inline void pshm_slot_store_type(
    const pshm_slot *at, uint64_t format, unsigned code) {
  if (pshm_word_load(at->format) != format)
    pshm_slot_store(at->format, format);
  if (atomic_load_explicit(at->code, memory_order_relaxed) != code)
    atomic_store_explicit(at->code, (uint8_t)code, memory_order_release);
}

enum { PSHM_SLOT_UNKNOWN = -1 /* no type */ };

/* The format and code of a settled type. For strings, those of a slot of this
 * capacity; *kind may hold a guess. */
void pshm_slot_describe(int32_t type, uint64_t capacity, pshm_kind *kind);

/* The one data word of a value that is no string. */
uint64_t pshm_slot_encode(int32_t type, const polyshm_value *value);

/* The word at `offset` of a string, filled up with zeros behind its end. */
static inline uint64_t pshm_slot_text_word(
    const unsigned char *text, uint64_t size, uint64_t offset) {
  uint64_t word = 0;
  if (offset + PSHM_WORD <= size)
    memcpy(&word, text + offset, sizeof word);
  else if (offset < size)
    memcpy(&word, text + offset, (size_t)(size - offset));
  return word;
}

PSHM_COLD polyshm_status pshm_slot_fail_index(uint64_t index, uint64_t length);
PSHM_COLD polyshm_status pshm_slot_fail_offsets(uint64_t index);
PSHM_COLD polyshm_status pshm_slot_fail_read(
    polyshm_status status, uint64_t index, uint64_t slot_capacity,
    const pshm_kind *kind, uint64_t size, uint64_t capacity);

/* Bytes that a new slot gets for this value, whose settled type is `type`. */
uint64_t pshm_slot_size(int32_t type, const polyshm_value *value);

/* POLYSHM_E_SPACE if a string is longer than the slot. */
polyshm_status pshm_slot_check_room(
    const pshm_slot *at, const polyshm_value *value);

/* The length of a string of `used` bytes with the zeros that CPython's area
 * cannot hold, which are put back if they fit the buffer. */
PSHM_COLD uint64_t pshm_slot_restore_zeros(
    uint64_t exact, uint64_t width, unsigned char *buffer, uint64_t capacity,
    uint64_t used);

/* 1 if the data equal the (checked) value, 0 if not, -1 if they are corrupt. */
int pshm_slot_equal(
    const pshm_word *data, uint64_t slot_capacity, const pshm_kind *kind,
    const polyshm_value *sought);

/* Locate, with the failures' messages. */
polyshm_status pshm_slot_at(
    const pshm_layout *layout, uint64_t index, pshm_slot *out_slot);

/* The four things to do with a slot of a list without a trailer, which nobody
 * locks. `index` is checked, too. */
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
