/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include <stddef.h>
#include <string.h>

static bool continues(unsigned char byte) {
  return (byte & 0xc0) == 0x80;
}

/* Length of the sequence that starts at `s`, 0 if it is not a valid one. The
 * second byte's bounds are what rules out overlong forms (E0, F0), surrogates
 * (ED) and code points that do not exist (F4). */
static size_t sequence(const unsigned char *s, uint64_t left) {
  if (s[0] < 0x80)
    return 1;
  if (s[0] < 0xc2 || s[0] > 0xf4)
    return 0;
  if (s[0] < 0xe0)
    return left >= 2 && continues(s[1]) ? 2 : 0;

  unsigned char lowest = 0x80, highest = 0xbf;
  if (s[0] == 0xe0)
    lowest = 0xa0;
  else if (s[0] == 0xed)
    highest = 0x9f;
  else if (s[0] == 0xf0)
    lowest = 0x90;
  else if (s[0] == 0xf4)
    highest = 0x8f;

  size_t length = s[0] < 0xf0 ? 3 : 4;
  if (left < length || s[1] < lowest || s[1] > highest || !continues(s[2]))
    return 0;
  return length == 3 || continues(s[3]) ? length : 0;
}

bool pshm_utf8_check(const void *bytes, uint64_t nbytes) {
  const unsigned char *s = bytes;
  uint64_t i = 0;
  while (i < nbytes) {
    /* Most text is ASCII: look at eight bytes at a time while it is. */
    uint64_t word;
    while (nbytes - i >= sizeof word) {
      memcpy(&word, s + i, sizeof word);
      if (word & UINT64_C(0x8080808080808080))
        break;
      i += sizeof word;
    }
    if (i == nbytes)
      return true;
    size_t length = sequence(s + i, nbytes - i);
    if (length == 0)
      return false;
    i += length;
  }
  return true;
}

uint64_t pshm_utf8_count(const void *bytes, uint64_t nbytes) {
  const unsigned char *s = bytes;
  uint64_t characters = 0;
  for (uint64_t i = 0; i < nbytes; i++)
    characters += !continues(s[i]);
  return characters;
}
