/* SPDX-License-Identifier: MIT */
/*
 * What the hostile neighbour and the good peers agree on: which names are fair
 * game for what, and what the steady list's slots are for.
 *
 *   steady      a list whose bytes and name nobody harms: only its locks, its
 *               mode and its writers suffer. What peers find in it is exact.
 *   wild.0..3   lists that the neighbour overwrites and replaces
 *   wild.4..5   blocks, likewise
 *   own.P.N     what peer P made for itself, or had a manager own: the
 *               neighbour takes the name away, but a handle still has what its
 *               owner put there
 *
 * The manager has the address that the environment tells, and this key.
 */
#ifndef POLYSHM_TESTS_HOSTILE_COMMON_H
#define POLYSHM_TESTS_HOSTILE_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOLDER "/dev/shm/"
#define STEADY "steady"

#define MANAGER "POLYSHM_HOSTILE_MANAGER"
#define KEY "between friends"

/* What the neighbour puts in place of a peer's block begins with this, so that
 * it can be told from what the peer left behind. */
#define SIGNATURE "hostile\n"

enum {
  WILD_LISTS = 4,
  WILD_BLOCKS = 2,
  WILD_NAMES = WILD_LISTS + WILD_BLOCKS,
  OWN_NAMES = 4, /* of each peer */
  NAME_ROOM = 32,

  /* Slots of the steady list. */
  SUM = 0,   /* each peer adds, and tells in the end how often */
  LEFT = 1,  /* changed under the lock: their sum is 0 */
  RIGHT = 2, /* */
  TEXT = 3,  /* one letter, many times */
  BELL = 4,  /* waited for */
  CONST = 5, /* never changes */
  SLOTS = 6,
  TEXT_ROOM = 400
};

#define CONSTANT "all is well"

typedef struct dice {
  uint64_t state;
} dice;

dice dice_new(uint64_t seed);
uint64_t dice_draw(dice *random);
/* 0 to n - 1. */
uint64_t dice_below(dice *random, uint64_t n);

int64_t now(void); /* nanoseconds */
void nap(int64_t nanoseconds);

void wild_name(char name[NAME_ROOM], unsigned number);
void own_name(char name[NAME_ROOM], const char *peer, unsigned number);

#endif
