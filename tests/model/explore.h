/* SPDX-License-Identifier: MIT */
/*
 * An explicit-state search over every interleaving of a small model.
 *
 * A model is a few actors that share a state. A state is a row of bytes. Each
 * step of an actor is one atomic access to what is shared, together with the
 * private work up to the next one. The search makes every step of every actor
 * in every state that it finds, and lets processes die before any step, as
 * often as the model allows: kill -9, with all that the process had in its own
 * memory.
 *
 * It knows sequentially consistent interleavings only: the accesses of all
 * actors have one order. That the memory orders in the core suffice for it is
 * argued where they stand (shm/sequence.h, shm/watch.h) and left to tests on
 * real machines and to the race checkers.
 *
 * Three kinds of things are looked for: what a model itself finds wrong while
 * it makes a step; what it finds wrong in a state; and states from which no
 * end can be reached any more unless somebody dies.
 */
#ifndef POLYSHM_TESTS_EXPLORE_H
#define POLYSHM_TESTS_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct explore_model {
  size_t size; /* bytes of a state, a multiple of 8 */
  int actors;

  void (*begin)(void *state);

  /* In how many ways this actor can make its next step: 0 if it is done, dead,
   * asleep, or waits. */
  int (*ways)(const void *state, int actor);

  /* Make one. What is wrong goes to explore_fail. */
  void (*step)(void *state, int actor, int way);

  /* Whether nobody may rely on this step being made, as on a waiter's giving up
   * before it is its turn. May be NULL. */
  bool (*is_luck)(const void *state, int actor, int way);

  /* Let the process of this actor die; false if it cannot, or not any more. */
  bool (*crash)(void *state, int actor);

  /* Whether everybody may stay like this for ever. */
  bool (*is_end)(const void *state);

  /* Look at a state, a copy to play with. May be NULL. */
  void (*inspect)(void *state);

  /* One line: what the actor is about to do. */
  void (*describe)(const void *state, int actor, FILE *file);
  /* One line: what is shared. */
  void (*show)(const void *state, FILE *file);
} explore_model;

typedef struct explore_result {
  const char *violation; /* what was found, or NULL */
  size_t states;
  size_t steps;
} explore_result;

/* Search. The way to a violation goes to `trace`, unless that is NULL. */
explore_result explore(const explore_model *model, FILE *trace);

/* For models: this step, or this state, breaks that property. */
void explore_fail(const char *property);

/* Whether one did since the last call of explore_forget. */
bool explore_has_failed(void);

#endif
