/* SPDX-License-Identifier: MIT */
/* A peer in C: what it does to the list until it is killed or told to stop. */
#ifndef POLYSHM_STRESS_WORKER_H
#define POLYSHM_STRESS_WORKER_H

#include "board.h"

typedef enum stress_role {
  ROLE_WORKER, /* everything */
  ROLE_VIEWER, /* everything that a read-only list permits */
  ROLE_TRAIL,  /* AHEAD and BEHIND */
  ROLE_PING,
  ROLE_PONG
} stress_role;

/* No call may take longer, ten times as long as it takes to find out that an
 * owner has died and to repair what it left. */
#define CALL_MOST INT64_C(5000000000)

/* One who was woken at once has gone on by then, unless the processors are too
 * busy; one who was not sleeps longer more often than not. */
#define LATE INT64_C(50000000)

typedef struct worker_order {
  const char *list;
  stress_board *board;
  int number; /* of the place */
  stress_role role;
  uint32_t seed;
} worker_order;

/* In a process of its own. */
_Noreturn void worker_run(const worker_order *order);

#endif
