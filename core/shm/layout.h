/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a ShareableList, as CPython 3.9 and later write them. This file
 * and its .c are the only ones that know positions; what polyshm puts behind
 * them is in trailer.h.
 *
 *   0            D = 8(n+2)        F = D + off[n]      T = F + 8n     T + n
 *   +---+--------+-----------------+-------------------+--------------+- - - -
 *   | n | off[]  | data            | formats           | codes        | trailer
 *   +---+--------+-----------------+-------------------+--------------+- - - -
 *   int64 n, the number of slots
 *   int64 off[n+1], where each slot's data begin, relative to D; off[0] is 0
 *   slot i's data are the bytes [off[i], off[i+1]) of D, a multiple of 8
 *   char[8] per slot: the struct format of its value, padded with zeros
 *   int8 per slot: what the reader does with the unpacked value
 *
 * Everything is in the machine's byte order. The first two parts are written
 * once, by the list's creator; data, formats and codes change with every value,
 * under any process's hands.
 */
#ifndef POLYSHM_SHM_LAYOUT_H
#define POLYSHM_SHM_LAYOUT_H

#include "polyshm.h"
#include "os/os.h"

#include <stdatomic.h>
#include <stdint.h>

enum { PSHM_WORD = 8 };

/* The unit of every access to shared bytes but the codes. Atomic, because
 * others write them at any time; lock-free, because a lock would be private to
 * this process. */
typedef _Atomic uint64_t pshm_word;
typedef _Atomic uint8_t pshm_code;
_Static_assert(sizeof(pshm_word) == PSHM_WORD, "words are bare");
_Static_assert(sizeof(pshm_code) == 1, "codes are bare");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "words need no lock");

static inline uint64_t pshm_word_load(const pshm_word *word) {
  return atomic_load_explicit(word, memory_order_relaxed);
}

static inline void pshm_word_store(pshm_word *word, uint64_t content) {
  atomic_store_explicit(word, content, memory_order_relaxed);
}

/* The format texts of the four types that fill one word, as words. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define PSHM_FORMAT_INT UINT64_C(0x7100000000000000)   /* q */
#define PSHM_FORMAT_FLOAT UINT64_C(0x6400000000000000) /* d */
#define PSHM_FORMAT_BOOL UINT64_C(0x787878787878783f)  /* xxxxxxx? */
#define PSHM_FORMAT_NONE UINT64_C(0x7878787878783f78)  /* xxxxxx?x */
#else
#define PSHM_FORMAT_INT UINT64_C(0x71)
#define PSHM_FORMAT_FLOAT UINT64_C(0x64)
#define PSHM_FORMAT_BOOL UINT64_C(0x3f78787878787878)
#define PSHM_FORMAT_NONE UINT64_C(0x783f787878787878)
#endif

/* The codes. */
enum {
  PSHM_CODE_NUMBER = 0,
  PSHM_CODE_STRING = 1,
  PSHM_CODE_BYTES = 2,
  PSHM_CODE_NONE = 3
};

/* Where the parts of a mapped list are. Everything here was checked against the
 * size of the block and stays as it was then, whatever happens to the bytes. */
typedef struct pshm_layout {
  uint64_t length;
  uint64_t data_words;
  pshm_word *offsets;
  pshm_word *data;
  pshm_word *formats;
  pshm_code *codes;
} pshm_layout;

/* Find the parts of what claims to be a list in a block that is being opened.
 */
polyshm_status pshm_layout_read(
    const os_map *map, const char *name, pshm_layout *out_layout);

/* The size of a list's block; 0 if there is no such number. */
uint64_t pshm_layout_size(uint64_t length, uint64_t data_size);

/* The size of a list's bytes, which its block may exceed. */
static inline uint64_t pshm_layout_area(const pshm_layout *layout) {
  return PSHM_WORD * (layout->length + 2 + layout->data_words) +
         (PSHM_WORD + 1) * layout->length;
}

/* Lay a list out in zeroed bytes that hold it. The offsets are the caller's to
 * write. */
pshm_layout pshm_layout_write(
    void *address, uint64_t length, uint64_t data_size);

#endif
