/* SPDX-License-Identifier: MIT */
/*
 * One slot of a list: read, write, compare.
 *
 * Whatever is read from the block is read once, into a local, and checked there
 * before it is used: the bytes may change between two looks. All accesses are
 * atomic words. A value of one word is stored with release and loaded with
 * acquire, so that it publishes what its writer did before.
 */
#include "shm/slot.h"

#include "base/error.h"
#include "base/utf8.h"
#include "base/value.h"

#include <stdbool.h>
#include <string.h>

typedef struct slot {
  uint64_t index;
  uint64_t capacity; /* bytes; a multiple of a word, at least one */
  pshm_word *data;
  pshm_word *format;
  pshm_code *code;
} slot;

/* -------------------------------------------------------- single accesses */

static inline uint64_t load(const pshm_word *word) {
  return atomic_load_explicit(word, memory_order_relaxed);
}

static inline void store(pshm_word *word, uint64_t content) {
  atomic_store_explicit(word, content, memory_order_relaxed);
}

static inline double as_float(uint64_t word) {
  double f;
  memcpy(&f, &word, sizeof f);
  return f;
}

/* A word with its first byte in the lowest bits, whatever the machine. */
static inline uint64_t first_byte_low(uint64_t word) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

/* A bool is a byte behind seven others. */
static inline bool as_bool(uint64_t word) {
  unsigned char bytes[PSHM_WORD];
  memcpy(bytes, &word, sizeof bytes);
  return bytes[PSHM_WORD - 1] != 0;
}

static uint64_t from_bool(bool is) {
  unsigned char bytes[PSHM_WORD] = {0};
  bytes[PSHM_WORD - 1] = is;
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

/* The word at `offset` of a string, filled up with zeros behind its end. */
static inline uint64_t word_of(
    const unsigned char *text, uint64_t size, uint64_t offset) {
  uint64_t word = 0;
  if (offset + PSHM_WORD <= size)
    memcpy(&word, text + offset, sizeof word);
  else if (offset < size)
    memcpy(&word, text + offset, (size_t)(size - offset));
  return word;
}

/* --------------------------------------------------------------- failures */

PSHM_COLD static polyshm_status fail_index(uint64_t index, uint64_t length) {
  return pshm_error_set(
      POLYSHM_E_RANGE, "slot %llu is not in a list of %llu",
      (unsigned long long)index, (unsigned long long)length);
}

PSHM_COLD static polyshm_status fail_offsets(uint64_t index) {
  return pshm_error_set(
      POLYSHM_E_CORRUPT, "the offsets of slot %llu leave the list's data",
      (unsigned long long)index);
}

PSHM_COLD static polyshm_status fail_format(
    const slot *at, uint64_t word, unsigned code) {
  char text[PSHM_WORD + 1] = {0};
  memcpy(text, &word, PSHM_WORD);
  for (int i = 0; i < PSHM_WORD && text[i] != 0; i++)
    if (text[i] < ' ' || text[i] > '~')
      text[i] = '?';
  return pshm_error_set(
      POLYSHM_E_CORRUPT,
      "slot %llu has the format '%s' with code %u, which no ShareableList "
      "writes into %llu bytes",
      (unsigned long long)at->index, text, code,
      (unsigned long long)at->capacity);
}

/* ---------------------------------------------------------------- finding */

/* The slot's part of the layout, or POLYSHM_E_CORRUPT without a message. */
static inline polyshm_status locate(
    const pshm_layout *layout, uint64_t index, slot *out_slot) {
  uint64_t begin = load(layout->offsets + index);
  uint64_t end = load(layout->offsets + index + 1);
  if (PSHM_UNLIKELY(
          begin >= end || end > layout->data_size ||
          (begin | end) % PSHM_WORD != 0))
    return POLYSHM_E_CORRUPT;
  out_slot->index = index;
  out_slot->capacity = end - begin;
  out_slot->data = layout->data + begin / PSHM_WORD;
  out_slot->format = layout->formats + index;
  out_slot->code = layout->codes + index;
  return POLYSHM_OK;
}

static inline polyshm_status find_slot(
    const pshm_layout *layout, uint64_t index, slot *out_slot) {
  if (PSHM_UNLIKELY(index >= layout->length))
    return fail_index(index, layout->length);
  polyshm_status status = locate(layout, index, out_slot);
  return PSHM_UNLIKELY(status != POLYSHM_OK) ? fail_offsets(index) : status;
}

/* The width that a format text "%us" says, or a number above every capacity if
 * it says something else. */
static inline uint64_t string_width(uint64_t format) {
  uint64_t text = first_byte_low(format), width = 0;
  unsigned digit;
  while ((digit = (unsigned)(text & 0xff) - '0') <= 9) {
    width = width * 10 + digit;
    text >>= 8;
  }
  /* Digits were seen, and behind them an s and nothing else. */
  return text == 's' && text != first_byte_low(format) ? width : UINT64_MAX;
}

enum { TYPE_UNKNOWN = -1 };

/* The type that a format and a code make together. For strings, *out_width is
 * how many bytes they may fill. */
static inline int32_t type_of(
    const slot *at, uint64_t format, unsigned code, uint64_t *out_width) {
  if (code == PSHM_CODE_NUMBER) {
    if (format == PSHM_FORMAT_INT)
      return POLYSHM_INT;
    if (format == PSHM_FORMAT_FLOAT)
      return POLYSHM_FLOAT;
    return format == PSHM_FORMAT_BOOL ? POLYSHM_BOOL : TYPE_UNKNOWN;
  }
  if (code == PSHM_CODE_NONE)
    return format == PSHM_FORMAT_NONE ? POLYSHM_NONE : TYPE_UNKNOWN;
  if (code > PSHM_CODE_NONE)
    return TYPE_UNKNOWN;
  *out_width = string_width(format);
  if (*out_width > at->capacity)
    return TYPE_UNKNOWN;
  return code == PSHM_CODE_STRING ? POLYSHM_STRING : POLYSHM_BYTES;
}

polyshm_status pshm_slot_capacity(
    const pshm_layout *layout, uint64_t index, uint64_t *out_capacity) {
  slot at = {0};
  polyshm_status status = find_slot(layout, index, &at);
  if (status == POLYSHM_OK)
    *out_capacity = at.capacity;
  return status;
}

/* ---------------------------------------------------------------- reading */

/* The first `nbytes` of a word, the rest zero. */
static inline uint64_t first_bytes(uint64_t word, uint64_t nbytes) {
  unsigned char bytes[PSHM_WORD] = {0};
  memcpy(bytes, &word, (size_t)nbytes);
  memcpy(&word, bytes, sizeof word);
  return word;
}

/* Bytes of a word up to its last one that is not zero. */
static inline uint64_t used_bytes(uint64_t word) {
  word = first_byte_low(word);
  return word == 0 ? 0 : PSHM_WORD - (uint64_t)__builtin_clzll(word) / 8;
}

/* Copy a string without the zeros at its end. Where it ends is decided by one
 * look at its last word, which is then copied from here and not read again. */
static polyshm_status read_string(
    const slot *at, uint64_t width, unsigned char *buffer, uint64_t capacity,
    uint64_t *out_size) {
  uint64_t before = width, last = 0; /* bytes before the last word; that word */
  while (before > 0 && last == 0) {
    uint64_t nbytes = before % PSHM_WORD;
    before -= nbytes == 0 ? PSHM_WORD : nbytes;
    last = load(at->data + before / PSHM_WORD);
    if (nbytes != 0)
      last = first_bytes(last, nbytes);
  }
  uint64_t length = before + used_bytes(last);
  if (PSHM_UNLIKELY(length > capacity))
    return pshm_error_set(
        POLYSHM_E_SPACE, "slot %llu holds %llu bytes, the buffer %llu",
        (unsigned long long)at->index, (unsigned long long)length,
        (unsigned long long)capacity);

  for (uint64_t done = 0; done < before; done += PSHM_WORD) {
    uint64_t word = load(at->data + done / PSHM_WORD);
    memcpy(buffer + done, &word, sizeof word);
  }
  if (PSHM_LIKELY(before + PSHM_WORD <= capacity))
    memcpy(buffer + before, &last, sizeof last);
  else if (length > before)
    memcpy(buffer + before, &last, (size_t)(length - before));
  *out_size = length;
  return POLYSHM_OK;
}

polyshm_status pshm_slot_read(
    const pshm_layout *layout, uint64_t index, void *buffer, uint64_t capacity,
    polyshm_value *out_value) {
  slot at = {0};
  polyshm_status status = find_slot(layout, index, &at);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;

  uint64_t format = load(at.format);
  unsigned code = atomic_load_explicit(at.code, memory_order_relaxed);
  uint64_t word = atomic_load_explicit(at.data, memory_order_acquire);
  uint64_t width, size = 0;
  int32_t type = type_of(&at, format, code, &width);
  switch (type) {
  case POLYSHM_INT:
  case POLYSHM_FLOAT:
    break;
  case POLYSHM_BOOL:
    word = as_bool(word);
    break;
  case POLYSHM_NONE:
    word = 0;
    break;
  case POLYSHM_STRING:
  case POLYSHM_BYTES:
    status = read_string(&at, width, buffer, capacity, &size);
    if (PSHM_UNLIKELY(status != POLYSHM_OK))
      return status;
    break;
  default:
    return fail_format(&at, format, code);
  }

  out_value->type = type;
  out_value->reserved = 0;
  out_value->size = size;
  if (type == POLYSHM_STRING || type == POLYSHM_BYTES)
    out_value->of.p = buffer == NULL ? (const void *)"" : buffer;
  else
    memcpy(&out_value->of, &word, sizeof word);
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

static void set_type(const slot *at, uint64_t format, unsigned code) {
  if (load(at->format) != format)
    store(at->format, format);
  if (atomic_load_explicit(at->code, memory_order_relaxed) != code)
    atomic_store_explicit(at->code, (uint8_t)code, memory_order_relaxed);
}

static polyshm_status write_string(
    const slot *at, int32_t type, const polyshm_value *value) {
  uint64_t room =
      at->capacity > POLYSHM_TEXT_MAX ? POLYSHM_TEXT_MAX : at->capacity;
  if (value->size > room)
    return pshm_error_set(
        POLYSHM_E_SPACE, "%llu bytes do not fit slot %llu, which holds %llu",
        (unsigned long long)value->size, (unsigned long long)at->index,
        (unsigned long long)room);
  uint64_t format = load(at->format);
  set_type(
      at, string_width(format) == room ? format : string_format(room),
      type == POLYSHM_STRING ? PSHM_CODE_STRING : PSHM_CODE_BYTES);
  for (uint64_t offset = 0; offset < at->capacity; offset += PSHM_WORD)
    store(
        at->data + offset / PSHM_WORD,
        word_of(value->of.p, value->size, offset));
  return POLYSHM_OK;
}

polyshm_status pshm_slot_write(
    const pshm_layout *layout, uint64_t index, int32_t type,
    const polyshm_value *value) {
  slot at = {0};
  polyshm_status status = find_slot(layout, index, &at);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;

  uint64_t word = 0;
  switch (type) {
  case POLYSHM_STRING:
  case POLYSHM_BYTES:
    return write_string(&at, type, value);
  case POLYSHM_INT:
  case POLYSHM_FLOAT:
    memcpy(&word, &value->of, sizeof word);
    set_type(
        &at, type == POLYSHM_INT ? PSHM_FORMAT_INT : PSHM_FORMAT_FLOAT,
        PSHM_CODE_NUMBER);
    break;
  case POLYSHM_BOOL:
    word = from_bool(value->of.i != 0);
    set_type(&at, PSHM_FORMAT_BOOL, PSHM_CODE_NUMBER);
    break;
  default:
    set_type(&at, PSHM_FORMAT_NONE, PSHM_CODE_NONE);
    break;
  }
  atomic_store_explicit(at.data, word, memory_order_release);
  return POLYSHM_OK;
}

/* -------------------------------------------------------------- comparing */

static inline bool equal_string(
    const slot *at, uint64_t width, const polyshm_value *sought) {
  const unsigned char *text = sought->of.p;
  if (sought->size > width)
    return false;
  for (uint64_t offset = 0; offset < width; offset += PSHM_WORD) {
    uint64_t word = load(at->data + offset / PSHM_WORD);
    if (width - offset < PSHM_WORD)
      word = first_bytes(word, width - offset);
    if (word != word_of(text, sought->size, offset))
      return false;
  }
  return true;
}

/* 1, 0, or -1 for a corrupt slot. */
static inline int equal_slot(const slot *at, const polyshm_value *sought) {
  uint64_t format = load(at->format);
  unsigned code = atomic_load_explicit(at->code, memory_order_relaxed);
  uint64_t width;
  int32_t type = type_of(at, format, code, &width);
  switch (type) {
  case POLYSHM_INT: {
    int64_t i;
    uint64_t word = load(at->data);
    memcpy(&i, &word, sizeof i);
    return pshm_value_equal_int(sought, i);
  }
  case POLYSHM_FLOAT:
    return pshm_value_equal_float(sought, as_float(load(at->data)));
  case POLYSHM_BOOL:
    return pshm_value_equal_int(sought, as_bool(load(at->data)));
  case POLYSHM_NONE:
    return sought->type == POLYSHM_NONE;
  case POLYSHM_STRING:
  case POLYSHM_BYTES:
    return (sought->type == type || sought->type == POLYSHM_TEXT) &&
           equal_string(at, width, sought);
  default:
    return -1;
  }
}

/* What a list gives back never ends in a zero byte. */
static bool is_findable(const polyshm_value *sought) {
  const unsigned char *text = sought->of.p;
  switch (sought->type) {
  case POLYSHM_STRING:
  case POLYSHM_BYTES:
  case POLYSHM_TEXT:
    return sought->size == 0 || text[sought->size - 1] != 0;
  default:
    return true;
  }
}

polyshm_status pshm_slot_find(
    const pshm_layout *layout, uint64_t start, const polyshm_value *sought,
    uint64_t *out_index) {
  uint64_t length = is_findable(sought) ? layout->length : 0;
  for (uint64_t i = start; i < length; i++) {
    slot at;
    if (PSHM_UNLIKELY(locate(layout, i, &at) != POLYSHM_OK))
      return fail_offsets(i);
    int equal = equal_slot(&at, sought);
    if (PSHM_UNLIKELY(equal != 0)) {
      if (equal < 0)
        return fail_format(
            &at, load(at.format),
            atomic_load_explicit(at.code, memory_order_relaxed));
      *out_index = i;
      return POLYSHM_OK;
    }
  }
  return pshm_error_set(POLYSHM_E_NOT_FOUND, "no slot holds that value");
}
