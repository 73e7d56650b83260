/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_TESTS_LOCK_MODEL_H
#define POLYSHM_TESTS_LOCK_MODEL_H

#include "explore.h"

typedef enum lock_mutant {
  LOCK_INTACT,
  LOCK_TAKEN_FROM_THE_LIVING,
  LOCK_OF_OWN_TOKEN_TAKEN,
  LOCK_OF_DEAD_WAITED_FOR,
  LOCK_OF_DEAD_TAKEN_AS_FREE,
  LOCK_RECOVERED_TO_LOOK_ONLY,
  LOCK_W_NOT_SET,
  LOCK_W_NOT_KEPT,
  LOCK_SLEEPS_UNCHECKED,
  LOCK_WAKES_BEFORE_UNLOCK,
  LOCK_WAKES_NOBODY,
  LOCK_WAKES_ONE_DESPITE_RESERVATION,
  LOCK_WAKE_NOT_PASSED_ON,
  RESERVATION_OF_DEAD_KEPT,
  RESERVATION_KEPT_AFTER_GIVING_UP,
  RESERVATION_IGNORED
} lock_mutant;

enum { LOCKERS = 3 };

typedef struct lock_scenario {
  const char *name;
  uint8_t rounds[LOCKERS]; /* how often each takes the lock */
  uint8_t deaths;          /* at most */
  bool is_looking;         /* the last one takes it to look, as snapshots do */
  bool is_process;         /* the first two are threads of one process */
  bool has_slices;         /* sleepers wake by themselves to look again */
  bool gives_up;           /* waiters may run out of time, or get a signal */
  bool is_polite;          /* reservations are left alone while they live */
} lock_scenario;

const explore_model *lock_model(
    const lock_scenario *scenario, lock_mutant mutant);

#endif
