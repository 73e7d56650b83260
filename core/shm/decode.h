/* SPDX-License-Identifier: MIT */
/*
 * From a slot's bytes to a value. In a header, because reading is the hottest
 * of all paths: a call more would cost more than the work.
 */
#ifndef POLYSHM_SHM_DECODE_H
#define POLYSHM_SHM_DECODE_H

#include "shm/slot.h"

/* A word with its first byte in the lowest bits, whatever the machine. */
PSHM_INLINE uint64_t pshm_decode_low_first(uint64_t word) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

/* A bool is a byte behind seven others. */
PSHM_INLINE bool pshm_decode_bool(uint64_t word) {
  unsigned char bytes[PSHM_WORD];
  memcpy(bytes, &word, sizeof bytes);
  return bytes[PSHM_WORD - 1] != 0;
}

/* The width that a format text "%us" says, or a number above every capacity if
 * it says something else. */
PSHM_INLINE uint64_t pshm_decode_width(uint64_t format) {
  uint64_t text = pshm_decode_low_first(format), width = 0;
  unsigned digit;
  unsigned tens = (unsigned)(text & 0xff) - '0';
  unsigned ones = (unsigned)(text >> 8 & 0xff) - '0';
  if (PSHM_LIKELY(text >> 16 == 's' && tens <= 9 && ones <= 9))
    return 10 * tens + ones; /* by far the most */
  while ((digit = (unsigned)(text & 0xff) - '0') <= 9) {
    width = width * 10 + digit;
    text >>= 8;
  }
  /* Digits were seen, and behind them an s and nothing else. */
  return text == 's' && text != pshm_decode_low_first(format) ? width
                                                              : UINT64_MAX;
}

/* What a format and a code say together: one of the types, or
 * PSHM_SLOT_UNKNOWN. For strings, *out_width is how many bytes they may fill.
 */
PSHM_INLINE int32_t pshm_decode_type(
    uint64_t capacity, const pshm_kind *kind, uint64_t *out_width) {
  if (kind->code == PSHM_CODE_NUMBER) {
    if (kind->format == PSHM_FORMAT_INT)
      return POLYSHM_INT;
    if (kind->format == PSHM_FORMAT_FLOAT)
      return POLYSHM_FLOAT;
    return kind->format == PSHM_FORMAT_BOOL ? POLYSHM_BOOL : PSHM_SLOT_UNKNOWN;
  }
  if (kind->code == PSHM_CODE_NONE)
    return kind->format == PSHM_FORMAT_NONE ? POLYSHM_NONE : PSHM_SLOT_UNKNOWN;
  if (kind->code > PSHM_CODE_NONE)
    return PSHM_SLOT_UNKNOWN;
  *out_width = pshm_decode_width(kind->format);
  if (*out_width > capacity)
    return PSHM_SLOT_UNKNOWN;
  return kind->code == PSHM_CODE_STRING ? POLYSHM_STRING : POLYSHM_BYTES;
}

/* The first `nbytes` of a word, the rest zero. */
PSHM_INLINE uint64_t pshm_decode_first_bytes(uint64_t word, uint64_t nbytes) {
  unsigned char bytes[PSHM_WORD] = {0};
  memcpy(bytes, &word, (size_t)nbytes);
  memcpy(&word, bytes, sizeof word);
  return word;
}

/* Bytes of a word up to its last one that is not zero. */
PSHM_INLINE uint64_t pshm_decode_used_bytes(uint64_t word) {
  word = pshm_decode_low_first(word);
  return word == 0 ? 0 : PSHM_WORD - (uint64_t)__builtin_clzll(word) / 8;
}

/* Copy a string without the zeros at its end. Where it ends is decided by one
 * look at its last word, which is then copied from here and not read again. */
PSHM_INLINE polyshm_status pshm_decode_string(
    const pshm_word *data, uint64_t width, unsigned char *buffer,
    uint64_t capacity, uint64_t *out_size) {
  uint64_t nwords = width / PSHM_WORD, last = 0;
  if (PSHM_UNLIKELY(width % PSHM_WORD != 0)) /* no writer known to us */
    last = pshm_decode_first_bytes(
        pshm_slot_load(data + nwords++), width % PSHM_WORD);
  else if (PSHM_LIKELY(nwords > 0))
    last = pshm_slot_load(data + nwords - 1);
  while (last == 0 && nwords > 1)
    last = pshm_slot_load(data + --nwords - 1);
  uint64_t before = nwords == 0 ? 0 : PSHM_WORD * (nwords - 1);
  uint64_t length = before + pshm_decode_used_bytes(last);
  *out_size = length;
  if (PSHM_UNLIKELY(length > capacity))
    return POLYSHM_E_SPACE;

  for (uint64_t done = 0; done < before; done += PSHM_WORD) {
    uint64_t word = pshm_slot_load(data + done / PSHM_WORD);
    memcpy(buffer + done, &word, sizeof word);
  }
  if (PSHM_LIKELY(before + PSHM_WORD <= capacity))
    memcpy(buffer + before, &last, sizeof last);
  else if (length > before)
    memcpy(buffer + before, &last, (size_t)(length - before));
  return POLYSHM_OK;
}

/* Copy a value out of `data`, of which `slot_capacity` bytes are the slot's. No
 * failure sets a message, since what was read may be torn: check that first,
 * then let pshm_slot_fail_read find the words. *out_value is written in any
 * case; for POLYSHM_E_SPACE, its size is the string's. */
PSHM_INLINE polyshm_status pshm_decode(
    const pshm_word *data, uint64_t slot_capacity, const pshm_kind *kind,
    void *buffer, uint64_t capacity, polyshm_value *out_value) {
  polyshm_status status = POLYSHM_OK;
  uint64_t width = 0, word = 0;
  int32_t type = pshm_decode_type(slot_capacity, kind, &width);
  out_value->type = type;
  out_value->reserved = 0;
  out_value->size = 0;
  if (type == POLYSHM_STRING || type == POLYSHM_BYTES) {
    uint64_t size;
    status = pshm_decode_string(data, width, buffer, capacity, &size);
    if (PSHM_UNLIKELY(kind->exact != 0) && status == POLYSHM_OK) {
      size =
          pshm_slot_restore_zeros(kind->exact, width, buffer, capacity, size);
      status = size > capacity ? POLYSHM_E_SPACE : status;
    }
    out_value->size = size;
    out_value->of.p = buffer == NULL ? (const void *)"" : buffer;
    return status;
  }
  if (type == POLYSHM_INT || type == POLYSHM_FLOAT)
    word = pshm_slot_load(data);
  else if (type == POLYSHM_BOOL)
    word = pshm_decode_bool(pshm_slot_load(data));
  else if (type != POLYSHM_NONE)
    status = POLYSHM_E_CORRUPT;
  memcpy(&out_value->of, &word, sizeof word);
  return status;
}

#endif
