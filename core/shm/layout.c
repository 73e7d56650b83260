/* SPDX-License-Identifier: MIT */
#include "shm/layout.h"

#include "base/error.h"

#include <stdbool.h>

static uint64_t load(const pshm_word *word) {
  return atomic_load_explicit(word, memory_order_relaxed);
}

uint64_t pshm_layout_size(uint64_t length, uint64_t data_size) {
  /* Below these bounds the sum cannot wrap; above them no block can be. */
  if (length > INT64_MAX / 32 || data_size > INT64_MAX / 2)
    return 0;
  return PSHM_WORD * (length + 2) + data_size + (PSHM_WORD + 1) * length;
}

static pshm_layout
locate(void *address, uint64_t length, uint64_t data_size) {
  pshm_word *words = address;
  pshm_word *data = words + length + 2;
  pshm_word *formats = data + data_size / PSHM_WORD;
  return (pshm_layout){
      .length = length,
      .data_size = data_size,
      .offsets = words + 1,
      .data = data,
      .formats = formats,
      .codes = (pshm_code *)(formats + length),
  };
}

pshm_layout
pshm_layout_write(void *address, uint64_t length, uint64_t data_size) {
  atomic_store_explicit(
      (pshm_word *)address, length, memory_order_relaxed);
  return locate(address, length, data_size);
}

/* CPython 3.8 wrote n sizes where later ones write n+1 offsets. Sizes are at
 * least one word, so a non-zero first number gives it away, if all of it adds
 * up. Its empty list is a lone zero. */
static bool is_from_38(pshm_word *words, uint64_t size, uint64_t length) {
  if (length == 0)
    return size == PSHM_WORD;
  uint64_t fixed = pshm_layout_size(length, 0);
  if (fixed == 0 || size < fixed - PSHM_WORD)
    return false;
  uint64_t left = size - (fixed - PSHM_WORD);
  for (uint64_t i = 0; i < length; i++) {
    uint64_t slot = load(words + 1 + i);
    if (slot < PSHM_WORD || slot % PSHM_WORD != 0 || slot > left)
      return false;
    left -= slot;
  }
  return true;
}

polyshm_status pshm_layout_read(
    void *address, uint64_t size, const char *name, pshm_layout *out_layout) {
  pshm_word *words = address;
  if (size < PSHM_WORD)
    return pshm_error_set(
        POLYSHM_E_CORRUPT, "the block '%s' of %llu bytes is too small for a "
        "list", name, (unsigned long long)size);

  uint64_t length = load(words);
  uint64_t least = pshm_layout_size(length, 0);
  if (least != 0 && least <= size && load(words + 1) == 0) {
    uint64_t data_size = load(words + 1 + length);
    uint64_t whole = pshm_layout_size(length, data_size);
    if (data_size % PSHM_WORD == 0 && whole != 0 && whole <= size) {
      *out_layout = locate(address, length, data_size);
      return POLYSHM_OK;
    }
  }
  if (is_from_38(words, size, length))
    return pshm_error_set(
        POLYSHM_E_VERSION, "the list '%s' has the layout of CPython 3.8, which "
        "3.9 and later do not read either", name);
  return pshm_error_set(
      POLYSHM_E_CORRUPT,
      "the block '%s' is no list: its count and offsets do not fit its size",
      name);
}
