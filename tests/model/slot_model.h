/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_TESTS_SLOT_MODEL_H
#define POLYSHM_TESTS_SLOT_MODEL_H

#include "explore.h"

/* Mechanisms that can be switched off, each to show what it is for. */
typedef enum slot_mutant {
  SLOT_INTACT,
  READER_LOOKS_ONCE,
  READER_IGNORES_RECORD,
  READER_WAITS_FOR_OWNER,
  TYPE_CHECKED_BEFORE_LOCK_ONLY,
  TYPE_CHANGED_IN_PLACE,
  LOCKED_BEFORE_FILLED,
  UNLOCKED_WITHOUT_COUNTING,
  RELEASED_BEFORE_UNLOCKED,
  LIVENESS_NOT_ASKED,
  OWN_TOKEN_TAKEN_FOR_DEAD,
  REPAIR_FORGETS_RECORD,
  REPAIR_DOES_NOT_APPLY,
  REPAIR_RELEASES_BLINDLY,
  CLAIM_TAKEN_THOUGH_REFERRED,
  CLAIM_REFERENCE_LOOKED_AT_FIRST,
  CLAIM_OF_DEAD_KEPT,
  ITEM_FILLED_LAST,
  DEAD_OWNER_WAITED_FOR,
  SNAPSHOT_TRUSTS_WORD,
  SNAPSHOT_LOADS_FIRST_LATE
} slot_mutant;

typedef enum operation_kind { SET_INT = 1, SET_STRING, ADD } operation_kind;

typedef struct operation {
  uint8_t kind; /* 0 behind the last one */
  uint8_t slot;
  uint8_t operand; /* a number: they are 0 to 4; or a string: 5 to 7 */
} operation;

enum { SLOTS = 2, RECORDS = 2, WRITERS = 3, OPERATIONS = 3 };

typedef struct slot_scenario {
  const char *name;
  operation operations[WRITERS][OPERATIONS];
  uint8_t records;
  uint8_t deaths;   /* at most */
  uint8_t gets;     /* of the reader, from one slot after the other */
  bool is_snapshot; /* they are snapshots of both */
  bool is_string;   /* what the slots hold at first is the string 5, not 0 */
  bool is_process;  /* the first two writers are threads of one process */
} slot_scenario;

/* The model of one scenario; there is one at a time. */
const explore_model *slot_model(
    const slot_scenario *scenario, slot_mutant mutant);

#endif
