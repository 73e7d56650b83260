/* SPDX-License-Identifier: MIT */
#include "shm/exact.h"

#include <string.h>

/* Not a hash against enemies, who could write the slot anyway: it notices a
 * value that was replaced by another. */
static uint32_t checksum(const unsigned char *text, uint64_t size) {
  uint64_t sum = size;
  for (uint64_t i = 0; i < size; i += 8) {
    uint64_t word = 0;
    memcpy(&word, text + i, (size_t)(size - i < 8 ? size - i : 8));
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    sum ^= sum >> 29;
  }
  return (uint32_t)(sum >> 32);
}

uint64_t pshm_exact_make(const unsigned char *text, uint64_t size) {
  if (size == 0 || text[size - 1] != 0)
    return 0;
  uint64_t used = size;
  while (used > 0 && text[used - 1] == 0)
    used--;
  return size << 32 | checksum(text, used);
}

uint64_t pshm_exact_length(
    uint64_t exact, const unsigned char *text, uint64_t size, uint64_t room) {
  uint64_t length = exact >> 32;
  if (length <= size || length > room ||
      (uint32_t)exact != checksum(text, size))
    return size;
  return length;
}
