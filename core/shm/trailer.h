/* SPDX-License-Identifier: MIT */
/*
 * What polyshm keeps behind CPython's bytes, so that slots are whole, can be
 * locked and can be waited for. CPython neither sees nor touches it.
 *
 * It begins at the first multiple of 64 behind CPython's bytes:
 *
 *     0 +-------------------------------------------------------+
 *       | header: what and where, written once by the creator    |
 *    64 +-------------------------------------------------------+
 *       | lock, reserved                                         |
 *   128 +-------------------------------------------------------+
 *       | waiting, changes, tokens                               |
 *   192 +-------------------------------------------------------+
 *       | waiters[nwaiters]                                      |
 *       +-------------------------------------------------------+
 *       | sequences[n]                       one word per slot   |
 *       +-------------------------------------------------------+
 *       | exacts[n]                          one word per slot   |
 *       +-------------------------------------------------------+
 *       | records[nrecords], record_size bytes each              |
 *       +-------------------------------------------------------+
 *
 * Each part begins at a multiple of 64, a line of the processor's caches. Later
 * versions append: parts behind the last one, words in the unused rest of the
 * second and third lines. They say their size, and this version skips them.
 *
 * Words that change, who writes them, and with which memory order:
 *
 *   lock       lock.c. Acquire to take it, release to give it back.
 *   reserved   lock.c, by who has waited for the lock long. Relaxed: it is
 *              politeness, the lock word decides.
 *   waiting    watch.c: bit j says that waiters[j] is in use. Sequentially
 *              consistent, against the sequence words.
 *   changes    watch.c: grows when the list changes while somebody waits for
 *              the whole list. Sequentially consistent.
 *   tokens     member.c: how many were drawn. Relaxed.
 *   waiters    watch.c: who waits for what.
 *   sequences  sequence.c: how often the slot has changed, and who is changing
 *              it. See sequence.h.
 *   exacts     item.c, under the slot's sequence word: how long a string is
 *              that ends in zeros. See exact.h.
 *   records    record.c: values on their way into slots. See record.h.
 */
#ifndef POLYSHM_SHM_TRAILER_H
#define POLYSHM_SHM_TRAILER_H

#include "polyshm.h"
#include "shm/layout.h"
#include "os/os.h"

#include <stddef.h>

enum { PSHM_TRAILER_MAJOR = 1, PSHM_TRAILER_MINOR = 0, PSHM_LINE = 64 };

/* The header as it is in the block. */
typedef struct pshm_trailer_header {
  char magic[8];        /* "polyshm", and a zero */
  uint16_t major;       /* who does not know it must not touch the list */
  uint16_t minor;       /* what it appends may be ignored */
  uint32_t stamp;       /* PSHM_TRAILER_STAMP */
  uint64_t size;        /* of the whole trailer */
  uint64_t sequences;   /* where parts begin, counted from the header */
  uint64_t exacts;      /* */
  uint64_t records;     /* */
  uint64_t record_size; /* a multiple of 64 */
  uint32_t nrecords;
  uint32_t nwaiters;
} pshm_trailer_header;

_Static_assert(offsetof(pshm_trailer_header, major) == 8, "as documented");
_Static_assert(offsetof(pshm_trailer_header, minor) == 10, "as documented");
_Static_assert(offsetof(pshm_trailer_header, stamp) == 12, "as documented");
_Static_assert(offsetof(pshm_trailer_header, size) == 16, "as documented");
_Static_assert(offsetof(pshm_trailer_header, sequences) == 24, "as documented");
_Static_assert(offsetof(pshm_trailer_header, exacts) == 32, "as documented");
_Static_assert(offsetof(pshm_trailer_header, records) == 40, "as documented");
_Static_assert(
    offsetof(pshm_trailer_header, record_size) == 48, "as documented");
_Static_assert(offsetof(pshm_trailer_header, nrecords) == 56, "as documented");
_Static_assert(offsetof(pshm_trailer_header, nwaiters) == 60, "as documented");
_Static_assert(sizeof(pshm_trailer_header) == PSHM_LINE, "as documented");

/* Positions behind the header. */
enum {
  PSHM_TRAILER_LOCK = 64,
  PSHM_TRAILER_RESERVED = 72,
  PSHM_TRAILER_WAITING = 128,
  PSHM_TRAILER_CHANGES = 136,
  PSHM_TRAILER_TOKENS = 144,
  PSHM_TRAILER_WAITERS = 192
};

/* A record: its words, and where the value begins. */
enum {
  PSHM_RECORD_CLAIM = 0,
  PSHM_RECORD_ITEM = 1,
  PSHM_RECORD_SIZE = 2,
  PSHM_RECORD_FORMAT = 3,
  PSHM_RECORD_CODE = 4,
  PSHM_RECORD_EXACT = 5,
  PSHM_RECORD_DATA = 6
};

enum {
  PSHM_RECORDS_MAX = 63, /* what a sequence word can refer to */
  PSHM_WAITERS_MAX = 64, /* bits of `waiting` */
  PSHM_WAITERS_MADE = 32 /* what new lists get */
};

/* The places of one trailer, checked against the block when it was opened.
 * `sequences` is NULL for a list that has none. */
typedef struct pshm_trailer {
  pshm_word *sequences;
  pshm_word *exacts;
  pshm_word *waiting;
  pshm_word *changes;
  pshm_word *tokens;
  pshm_word *waiters;
  pshm_word *lock;
  pshm_word *reserved;
  pshm_word *records;
  uint64_t record_words;
  uint32_t nrecords;
  uint32_t nwaiters;
} pshm_trailer;

/* What a new trailer needs, whose longest slot has `largest` bytes. */
typedef struct pshm_trailer_plan {
  uint64_t begin; /* in the block */
  pshm_trailer_header header;
} pshm_trailer_plan;

/* `area` is the size of CPython's bytes. The block has plan.begin +
 * plan.header.size bytes then; 0 in the latter if there is no such number. */
pshm_trailer_plan pshm_trailer_measure(
    uint64_t area, uint64_t length, uint64_t largest);

/* Lay the trailer out in zeroed bytes. */
pshm_trailer pshm_trailer_write(void *address, const pshm_trailer_plan *plan);

/* Find the trailer of a list that is being opened, if it has one. `area` is the
 * size of CPython's bytes. */
polyshm_status pshm_trailer_read(
    const os_map *map, const char *name, uint64_t area, uint64_t length,
    pshm_trailer *out_trailer);

#endif
