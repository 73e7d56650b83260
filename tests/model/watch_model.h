/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_TESTS_WATCH_MODEL_H
#define POLYSHM_TESTS_WATCH_MODEL_H

#include "explore.h"

typedef enum watch_mutant {
  WATCH_INTACT,
  WATCH_ENTERED_AFTER_LOOK,
  WATCH_CHANGES_LOADED_AFTER_LOOK,
  WATCH_SLEEPS_UNCHECKED,
  WATCH_FULL_TABLE_NOT_POLLED,
  WATCH_NOTIFIED_BEFORE_UNLOCK,
  WATCH_WAKES_ONE,
  WATCH_WAKES_WITHOUT_COUNTING,
  WATCH_LEFT_BEFORE_BIT,
  WATCH_DEAD_NOT_TAKEN_OVER,
  WATCH_TAKEN_OVER_FOR_NOTHING,
  WATCH_DEAD_KEPT,
  WATCH_LIVENESS_NOT_ASKED,
  WATCH_NOT_SETTLED
} watch_mutant;

/* What an actor does: change slots, one after the other; or wait, for ever, for
 * changes of a slot or of all. */
enum { NO_ACTOR, WRITES, WAITS };
enum { SLOT_0, SLOT_1, ALL_SLOTS, NOTHING };

enum { WATCHERS = 4, WATCHED = 2, ENTRIES = 2, CHANGES = 2 };

typedef struct watch_role {
  uint8_t kind;
  uint8_t count;         /* of changes */
  uint8_t what[CHANGES]; /* to change; or the one thing to wait for */
  bool may_die;
} watch_role;

typedef struct watch_scenario {
  const char *name;
  watch_role roles[WATCHERS];
  uint8_t entries; /* of the table of waiters */
  uint8_t deaths;  /* at most */
  bool has_slices; /* sleepers wake by themselves to look again */
} watch_scenario;

const explore_model *watch_model(
    const watch_scenario *scenario, watch_mutant mutant);

#endif
