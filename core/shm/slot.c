/* SPDX-License-Identifier: MIT */
#include "shm/slot.h"

#include "shm/decode.h"
#include "shm/exact.h"
#include "base/error.h"
#include "base/utf8.h"
#include "base/value.h"

static inline double as_float(uint64_t word) {
  double f;
  memcpy(&f, &word, sizeof f);
  return f;
}

static uint64_t from_bool(bool is) {
  unsigned char bytes[PSHM_WORD] = {0};
  bytes[PSHM_WORD - 1] = is;
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

uint64_t pshm_slot_encode(int32_t type, const polyshm_value *value) {
  uint64_t word = 0;
  if (type == POLYSHM_BOOL)
    word = from_bool(value->of.i != 0);
  else if (type != POLYSHM_NONE)
    memcpy(&word, &value->of, sizeof word);
  return word;
}

/* --------------------------------------------------------------- failures */

polyshm_status pshm_slot_fail_index(uint64_t index, uint64_t length) {
  return pshm_error_set(
      POLYSHM_E_RANGE, "slot %llu is not in a list of %llu",
      (unsigned long long)index, (unsigned long long)length);
}

polyshm_status pshm_slot_fail_offsets(uint64_t index) {
  return pshm_error_set(
      POLYSHM_E_CORRUPT, "the offsets of slot %llu leave the list's data",
      (unsigned long long)index);
}

static polyshm_status fail_format(
    uint64_t index, uint64_t slot_capacity, const pshm_kind *kind) {
  char text[PSHM_WORD + 1] = {0};
  memcpy(text, &kind->format, PSHM_WORD);
  for (int i = 0; i < PSHM_WORD && text[i] != 0; i++)
    if (text[i] < ' ' || text[i] > '~')
      text[i] = '?';
  return pshm_error_set(
      POLYSHM_E_CORRUPT,
      "slot %llu has the format '%s' with code %u, which no ShareableList "
      "writes into %llu bytes",
      (unsigned long long)index, text, kind->code,
      (unsigned long long)slot_capacity);
}

polyshm_status pshm_slot_fail_read(
    polyshm_status status, uint64_t index, uint64_t slot_capacity,
    const pshm_kind *kind, uint64_t size, uint64_t capacity) {
  if (status != POLYSHM_E_SPACE)
    return fail_format(index, slot_capacity, kind);
  return pshm_error_set(
      POLYSHM_E_SPACE, "slot %llu holds %llu bytes, the buffer %llu",
      (unsigned long long)index, (unsigned long long)size,
      (unsigned long long)capacity);
}

polyshm_status pshm_slot_at(
    const pshm_layout *layout, uint64_t index, pshm_slot *out_slot) {
  if (PSHM_UNLIKELY(index >= layout->length))
    return pshm_slot_fail_index(index, layout->length);
  polyshm_status status = pshm_slot_locate(layout, index, out_slot);
  return PSHM_UNLIKELY(status != POLYSHM_OK) ? pshm_slot_fail_offsets(index)
                                             : status;
}

polyshm_status pshm_slot_capacity(
    const pshm_layout *layout, uint64_t index, uint64_t *out_capacity) {
  pshm_slot at = {0};
  polyshm_status status = pshm_slot_at(layout, index, &at);
  if (status == POLYSHM_OK)
    *out_capacity = at.capacity;
  return status;
}

/* ------------------------------------------------------------------ types */

/* The format of strings of up to `width` bytes, "%us". */
static uint64_t string_format(uint64_t width) {
  unsigned char text[PSHM_WORD] = {0}, digits[PSHM_WORD];
  int ndigits = 0;
  do {
    digits[ndigits++] = (unsigned char)('0' + width % 10);
    width /= 10;
  } while (width != 0);
  int i = 0;
  while (ndigits > 0)
    text[i++] = digits[--ndigits];
  text[i] = 's';
  uint64_t word;
  memcpy(&word, text, sizeof word);
  return word;
}

/* The longest string that a slot of this capacity can hold. */
static inline uint64_t room_of(uint64_t capacity) {
  return capacity > POLYSHM_TEXT_MAX ? POLYSHM_TEXT_MAX : capacity;
}

void pshm_slot_describe(int32_t type, uint64_t capacity, pshm_kind *kind) {
  switch (type) {
  case POLYSHM_STRING:
  case POLYSHM_BYTES:
    if (pshm_decode_width(kind->format) != room_of(capacity))
      kind->format = string_format(room_of(capacity));
    kind->code = type == POLYSHM_STRING ? PSHM_CODE_STRING : PSHM_CODE_BYTES;
    break;
  case POLYSHM_NONE:
    kind->format = PSHM_FORMAT_NONE;
    kind->code = PSHM_CODE_NONE;
    break;
  default:
    kind->format = type == POLYSHM_INT     ? PSHM_FORMAT_INT
                   : type == POLYSHM_FLOAT ? PSHM_FORMAT_FLOAT
                                           : PSHM_FORMAT_BOOL;
    kind->code = PSHM_CODE_NUMBER;
    break;
  }
}

/* ---------------------------------------------------------------- reading */

uint64_t pshm_slot_restore_zeros(
    uint64_t exact, uint64_t width, unsigned char *buffer, uint64_t capacity,
    uint64_t used) {
  uint64_t size = pshm_exact_length(exact, buffer, used, width);
  if (size <= capacity && size > used)
    memset(buffer + used, 0, (size_t)(size - used));
  return size;
}

polyshm_status pshm_slot_read(
    const pshm_layout *layout, uint64_t index, void *buffer, uint64_t capacity,
    polyshm_value *out_value) {
  pshm_slot at = {0};
  polyshm_status status = pshm_slot_at(layout, index, &at);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  pshm_kind kind = {0};
  polyshm_value value;
  pshm_slot_load_type(at.format, at.code, &kind);
  status = pshm_decode(at.data, at.capacity, &kind, buffer, capacity, &value);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return pshm_slot_fail_read(
        status, index, at.capacity, &kind, value.size, capacity);
  *out_value = value;
  return POLYSHM_OK;
}

/* ---------------------------------------------------------------- writing */

uint64_t pshm_slot_size(int32_t type, const polyshm_value *value) {
  if (type != POLYSHM_STRING && type != POLYSHM_BYTES)
    return PSHM_WORD;
  if (value->size > POLYSHM_TEXT_MAX)
    return value->size; /* fits no slot: not worth reading, and could wrap */
  /* CPython counts characters here and bytes when it stores them, and so cuts
   * text short. Where it does not, this is its own number. */
  uint64_t characters = type == POLYSHM_STRING
                            ? pshm_utf8_count(value->of.p, value->size)
                            : value->size;
  uint64_t stock = PSHM_WORD * (characters / PSHM_WORD + 1);
  uint64_t needed = PSHM_WORD * ((value->size + PSHM_WORD - 1) / PSHM_WORD);
  return stock > needed ? stock : needed;
}

polyshm_status pshm_slot_check_room(
    const pshm_slot *at, const polyshm_value *value) {
  uint64_t room = room_of(at->capacity);
  if (PSHM_LIKELY(value->size <= room))
    return POLYSHM_OK;
  return pshm_error_set(
      POLYSHM_E_SPACE, "%llu bytes do not fit slot %llu, which holds %llu",
      (unsigned long long)value->size, (unsigned long long)at->index,
      (unsigned long long)room);
}

polyshm_status pshm_slot_write(
    const pshm_layout *layout, uint64_t index, int32_t type,
    const polyshm_value *value) {
  pshm_slot at = {0};
  polyshm_status status = pshm_slot_at(layout, index, &at);
  bool is_string = type == POLYSHM_STRING || type == POLYSHM_BYTES;
  if (status == POLYSHM_OK && is_string)
    status = pshm_slot_check_room(&at, value);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;

  pshm_kind kind = {.format = pshm_word_load(at.format)};
  pshm_slot_describe(type, at.capacity, &kind);
  pshm_slot_store_type(&at, kind.format, kind.code);
  if (is_string)
    for (uint64_t offset = 0; offset < at.capacity; offset += PSHM_WORD)
      pshm_slot_store(
          at.data + offset / PSHM_WORD,
          pshm_slot_text_word(value->of.p, value->size, offset));
  else
    pshm_slot_store(at.data, pshm_slot_encode(type, value));
  return POLYSHM_OK;
}

/* -------------------------------------------------------------- comparing */

/* Whether a string of `width` bytes, filled up with zeros, begins with the
 * sought one and holds nothing but zeros behind it. */
static inline bool equal_bytes(
    const pshm_word *data, uint64_t width, const polyshm_value *sought) {
  if (sought->size > width)
    return false;
  for (uint64_t offset = 0; offset < width; offset += PSHM_WORD) {
    uint64_t word = pshm_slot_load(data + offset / PSHM_WORD);
    if (width - offset < PSHM_WORD)
      word = pshm_decode_first_bytes(word, width - offset);
    if (word != pshm_slot_text_word(sought->of.p, sought->size, offset))
      return false;
  }
  return true;
}

static inline bool equal_string(
    const pshm_word *data, uint64_t width, const pshm_kind *kind,
    const polyshm_value *sought) {
  const unsigned char *text = sought->of.p;
  uint64_t used = sought->size;
  if (PSHM_LIKELY(kind->exact == 0) && used > 0 && text[used - 1] == 0)
    return false; /* what such a slot gives back never ends in a zero */
  if (!equal_bytes(data, width, sought))
    return false;
  if (PSHM_LIKELY(kind->exact == 0))
    return true;
  while (used > 0 && text[used - 1] == 0)
    used--;
  return pshm_exact_length(kind->exact, text, used, width) == sought->size;
}

int pshm_slot_equal(
    const pshm_word *data, uint64_t slot_capacity, const pshm_kind *kind,
    const polyshm_value *sought) {
  uint64_t width = 0;
  int32_t type = pshm_decode_type(slot_capacity, kind, &width);
  switch (type) {
  case POLYSHM_INT: {
    int64_t i;
    uint64_t word = pshm_slot_load(data);
    memcpy(&i, &word, sizeof i);
    return pshm_value_equal_int(sought, i);
  }
  case POLYSHM_FLOAT:
    return pshm_value_equal_float(sought, as_float(pshm_slot_load(data)));
  case POLYSHM_BOOL:
    return pshm_value_equal_int(sought, pshm_decode_bool(pshm_slot_load(data)));
  case POLYSHM_NONE:
    return sought->type == POLYSHM_NONE;
  case POLYSHM_STRING:
  case POLYSHM_BYTES:
    return (sought->type == type || sought->type == POLYSHM_TEXT) &&
           equal_string(data, width, kind, sought);
  default:
    return -1;
  }
}

polyshm_status pshm_slot_find(
    const pshm_layout *layout, uint64_t start, const polyshm_value *sought,
    uint64_t *out_index) {
  for (uint64_t i = start; i < layout->length; i++) {
    pshm_slot at;
    if (PSHM_UNLIKELY(pshm_slot_locate(layout, i, &at) != POLYSHM_OK))
      return pshm_slot_fail_offsets(i);
    pshm_kind kind = {0};
    pshm_slot_load_type(at.format, at.code, &kind);
    int equal = pshm_slot_equal(at.data, at.capacity, &kind, sought);
    if (PSHM_UNLIKELY(equal != 0)) {
      if (equal < 0)
        return fail_format(i, at.capacity, &kind);
      *out_index = i;
      return POLYSHM_OK;
    }
  }
  return pshm_error_set(POLYSHM_E_NOT_FOUND, "no slot holds that value");
}
