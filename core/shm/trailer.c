/* SPDX-License-Identifier: MIT */
#include "shm/trailer.h"

#include "base/error.h"

#include <stdbool.h>
#include <string.h>

static const char MAGIC[8] = "polyshm";

/* A number that the compiler makes of everything that two libraries must agree
 * on and the header does not say, of the machine's byte order too. */
#define MIX(sum, number) ((uint32_t)((sum)*UINT32_C(16777619) + (number)))
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define BYTE_ORDER_STAMP 2
#else
#define BYTE_ORDER_STAMP 1
#endif
#define STAMP_HEADER                                                           \
  MIX(MIX(MIX(BYTE_ORDER_STAMP, sizeof(pshm_trailer_header)), PSHM_LINE),      \
      sizeof(pshm_word))
#define STAMP_PLACES                                                           \
  MIX(MIX(MIX(MIX(MIX(MIX(STAMP_HEADER, PSHM_TRAILER_LOCK),                    \
                      PSHM_TRAILER_RESERVED),                                  \
                  PSHM_TRAILER_WAITING),                                       \
              PSHM_TRAILER_CHANGES),                                           \
          PSHM_TRAILER_TOKENS),                                                \
      PSHM_TRAILER_WAITERS)
#define STAMP MIX(MIX(STAMP_PLACES, PSHM_RECORD_DATA), PSHM_RECORDS_MAX)

/* How many records, and so how many processes can be changing strings or types
 * at once. A stopped one keeps its record, so there should be several; each has
 * room for the longest slot, so large slots must do with fewer. */
enum {
  RECORDS_SMALL = 4,
  RECORDS_MIDDLE = 2,
  RECORDS_LARGE = 1,
  SMALL = 16 << 10,
  MIDDLE = 256 << 10
};

static uint64_t round_up(uint64_t size) {
  return (size + PSHM_LINE - 1) / PSHM_LINE * PSHM_LINE;
}

pshm_trailer_plan pshm_trailer_measure(
    uint64_t area, uint64_t length, uint64_t largest) {
  pshm_trailer_plan plan = {.begin = round_up(area)};
  /* What the layout allowed leaves room for these sums. */
  uint64_t words = round_up(PSHM_WORD * length);
  uint64_t record = round_up(PSHM_WORD * PSHM_RECORD_DATA + largest);
  uint32_t nrecords = record <= SMALL    ? RECORDS_SMALL
                      : record <= MIDDLE ? RECORDS_MIDDLE
                                         : RECORDS_LARGE;
  pshm_trailer_header *header = &plan.header;
  memcpy(header->magic, MAGIC, sizeof MAGIC);
  header->major = PSHM_TRAILER_MAJOR;
  header->minor = PSHM_TRAILER_MINOR;
  header->stamp = STAMP;
  header->nrecords = nrecords;
  header->nwaiters = PSHM_WAITERS_MADE;
  header->record_size = record;
  header->sequences =
      PSHM_TRAILER_WAITERS + round_up(PSHM_WORD * PSHM_WAITERS_MADE);
  header->exacts = header->sequences + words;
  header->records = header->exacts + words;
  header->size = header->records + nrecords * record;
  return plan;
}

static pshm_trailer locate(
    unsigned char *begin, const pshm_trailer_header *header) {
#define AT(position) ((pshm_word *)(void *)(begin + (position)))
  return (pshm_trailer){
      .sequences = AT(header->sequences),
      .exacts = AT(header->exacts),
      .waiting = AT(PSHM_TRAILER_WAITING),
      .changes = AT(PSHM_TRAILER_CHANGES),
      .tokens = AT(PSHM_TRAILER_TOKENS),
      .waiters = AT(PSHM_TRAILER_WAITERS),
      .lock = AT(PSHM_TRAILER_LOCK),
      .reserved = AT(PSHM_TRAILER_RESERVED),
      .records = AT(header->records),
      .record_words = header->record_size / PSHM_WORD,
      .nrecords = header->nrecords,
      .nwaiters = header->nwaiters,
  };
#undef AT
}

pshm_trailer pshm_trailer_write(void *address, const pshm_trailer_plan *plan) {
  unsigned char *begin = (unsigned char *)address + plan->begin;
  memcpy(begin, &plan->header, sizeof plan->header);
  return locate(begin, &plan->header);
}

/* Whether a part of `count` times `size` bytes is where it can be. */
static bool fits(
    const pshm_trailer_header *header, uint64_t least, uint64_t begin,
    uint64_t count, uint64_t size) {
  return begin % PSHM_LINE == 0 && begin >= least && begin <= header->size &&
         count <= (header->size - begin) / size;
}

/* Parts that fit share no byte: a record that is a slot's sequence word, too,
 * would lock its own claimer out without end. */
static bool are_apart(const pshm_trailer_header *header, uint64_t length) {
  uint64_t words = PSHM_WORD * length;
  uint64_t records_end =
      header->records + header->nrecords * header->record_size;
  uint64_t sequences_end = header->sequences + words;
  uint64_t exacts_end = header->exacts + words;
  return (sequences_end <= header->exacts || exacts_end <= header->sequences) &&
         (sequences_end <= header->records ||
          records_end <= header->sequences) &&
         (exacts_end <= header->records || records_end <= header->exacts);
}

static bool is_consistent(
    const pshm_trailer_header *header, uint64_t room, uint64_t length) {
  uint64_t fixed = PSHM_TRAILER_WAITERS + PSHM_WORD * header->nwaiters;
  return header->size <= room && header->nwaiters <= PSHM_WAITERS_MAX &&
         header->nrecords >= 1 && header->nrecords <= PSHM_RECORDS_MAX &&
         header->record_size % PSHM_LINE == 0 &&
         header->record_size > PSHM_WORD * PSHM_RECORD_DATA &&
         fits(header, fixed, header->sequences, length, PSHM_WORD) &&
         fits(header, fixed, header->exacts, length, PSHM_WORD) &&
         fits(
             header, fixed, header->records, header->nrecords,
             header->record_size) &&
         are_apart(header, length);
}

polyshm_status pshm_trailer_read(
    const os_map *map, const char *name, uint64_t area, uint64_t length,
    pshm_trailer *out_trailer) {
  *out_trailer = (pshm_trailer){0};
  uint64_t begin = round_up(area);
  pshm_trailer_header header;
  if (begin > map->size || !os_map_peek(map, begin, &header, sizeof header) ||
      memcmp(header.magic, MAGIC, sizeof MAGIC) != 0)
    return POLYSHM_OK;
  if (header.major != PSHM_TRAILER_MAJOR)
    return pshm_error_set(
        POLYSHM_E_VERSION,
        "the list '%s' has a trailer of version %u.%u, which this library (%d) "
        "does not know",
        name, (unsigned)header.major, (unsigned)header.minor,
        PSHM_TRAILER_MAJOR);
  if (header.stamp != STAMP)
    return pshm_error_set(
        POLYSHM_E_VERSION,
        "the list '%s' has a trailer that was laid out otherwise (%08lx, not "
        "%08lx)",
        name, (unsigned long)header.stamp, (unsigned long)STAMP);
  if (!is_consistent(&header, map->size - begin, length))
    return pshm_error_set(
        POLYSHM_E_CORRUPT,
        "the list '%s' has a trailer whose parts do not fit it", name);
  *out_trailer = locate((unsigned char *)map->address + begin, &header);
  return POLYSHM_OK;
}
