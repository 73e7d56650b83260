/* SPDX-License-Identifier: MIT */
#include "shm/layout.h"

#include "base/error.h"

#include <stdbool.h>

uint64_t pshm_layout_size(uint64_t length, uint64_t data_size) {
  /* Below these bounds the sum cannot wrap; above them no block can be. */
  if (length > INT64_MAX / 32 || data_size > INT64_MAX / 2)
    return 0;
  return PSHM_WORD * (length + 2) + data_size + (PSHM_WORD + 1) * length;
}

static pshm_layout locate(void *address, uint64_t length, uint64_t data_size) {
  pshm_word *words = address;
  pshm_word *data = words + length + 2;
  pshm_word *formats = data + data_size / PSHM_WORD;
  return (pshm_layout){
      .length = length,
      .data_words = data_size / PSHM_WORD,
      .offsets = words + 1,
      .data = data,
      .formats = formats,
      .codes = (pshm_code *)(formats + length),
  };
}

pshm_layout pshm_layout_write(
    void *address, uint64_t length, uint64_t data_size) {
  atomic_store_explicit((pshm_word *)address, length, memory_order_relaxed);
  return locate(address, length, data_size);
}

/* CPython 3.8 wrote n sizes where later ones write n+1 offsets. Sizes are at
 * least one word, so a non-zero first number gives it away, if all of it adds
 * up. Its empty list is a lone zero. The file is read, not the mapping, since
 * somebody may cut it short. */
static bool is_from_38(const os_map *map, uint64_t length) {
  if (length == 0)
    return map->size == PSHM_WORD;
  uint64_t fixed = pshm_layout_size(length, 0);
  if (fixed == 0 || map->size < fixed - PSHM_WORD)
    return false;
  uint64_t left = map->size - (fixed - PSHM_WORD);
  enum { MOST = 256 };
  uint64_t sizes[MOST];
  for (uint64_t i = 0; i < length; i += MOST) {
    size_t count = length - i < MOST ? (size_t)(length - i) : MOST;
    if (!os_map_peek(map, PSHM_WORD * (i + 1), sizes, PSHM_WORD * count))
      return false;
    for (size_t j = 0; j < count; j++) {
      if (sizes[j] < PSHM_WORD || sizes[j] % PSHM_WORD != 0 || sizes[j] > left)
        return false;
      left -= sizes[j];
    }
  }
  return true;
}

polyshm_status pshm_layout_read(
    const os_map *map, const char *name, pshm_layout *out_layout) {
  uint64_t length, first, data_size;
  if (!os_map_peek(map, 0, &length, sizeof length))
    return pshm_error_set(
        POLYSHM_E_CORRUPT,
        "the block '%s' is too small for a list: it has %llu bytes", name,
        (unsigned long long)map->size);

  uint64_t least = pshm_layout_size(length, 0);
  if (least != 0 && least <= map->size &&
      os_map_peek(map, PSHM_WORD, &first, sizeof first) && first == 0 &&
      os_map_peek(
          map, PSHM_WORD * (length + 1), &data_size, sizeof data_size)) {
    uint64_t whole = pshm_layout_size(length, data_size);
    if (data_size % PSHM_WORD == 0 && data_size / PSHM_WORD >= length &&
        whole != 0 && whole <= map->size) {
      *out_layout = locate(map->address, length, data_size);
      return POLYSHM_OK;
    }
  }
  if (is_from_38(map, length))
    return pshm_error_set(
        POLYSHM_E_VERSION,
        "the list '%s' has the layout of CPython 3.8, which 3.9 and later do "
        "not read either",
        name);
  return pshm_error_set(
      POLYSHM_E_CORRUPT,
      "the block '%s' is no list: its count and offsets do not fit its size",
      name);
}
