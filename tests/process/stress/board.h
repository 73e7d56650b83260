/* SPDX-License-Identifier: MIT */
/*
 * What peers say of themselves, where it survives them: memory that C peers
 * inherit, and in which the driver notes what the others write to their pipes.
 */
#ifndef POLYSHM_STRESS_BOARD_H
#define POLYSHM_STRESS_BOARD_H

#include <stdatomic.h>
#include <stdint.h>

/* Each has a letter, which scripts write for one of it. What may be lost with a
 * peer is counted before and after: it has happened as often as one of both
 * says. */
#define COUNT_LETTERS "rwAaSsLlxpv"
enum {
  READS,
  WRITES,
  ADDS_BEGUN,
  ADDS,
  SWAPS_BEGUN,
  SWAPS,
  LOCKS_BEGUN,
  LOCKS,
  RECOVERIES,
  SNAPSHOTS,
  WAITS,
  LETTERS,
  HOPS = LETTERS, /* of ping and pong to one that slept; only C counts them */
  LATE_HOPS,
  KILLS,
  STOPS,
  STARTS,
  COUNTS
};

/* One peer and its successors. */
typedef struct stress_place {
  atomic_ullong counts[COUNTS];
  atomic_llong longest;          /* nanoseconds of a call */
  _Atomic(const char *) slowest; /* which one that was */
  _Atomic(const char *) call;    /* the one it is in, or NULL */
  atomic_llong since;
} stress_place;

enum { PLACES_MOST = 64 };

typedef struct stress_board {
  stress_place places[PLACES_MOST];
  atomic_llong rung[2]; /* when PING and PONG were changed last */
} stress_board;

/* Nanoseconds of a clock that never goes back. */
int64_t board_now(void);

static inline void board_count(stress_place *self, int count) {
  atomic_fetch_add_explicit(&self->counts[count], 1, memory_order_relaxed);
}

#endif
