/* SPDX-License-Identifier: MIT */
/*
 * The protocols of the slots, of the lock and of waiting, checked exhaustively:
 * every order in which the steps of a few processes can be made, with deaths
 * before any step. Then one mechanism after the other is switched off, and the
 * search must find what it was for.
 *
 * The models know one order of all accesses, that is sequential consistency.
 * What the core's memory orders have to do with it, they do not know.
 *
 * Usage: test_models [--trace]     which tells the way to what is found there
 */
#include "explore.h"
#include "lock_model.h"
#include "slot_model.h"
#include "watch_model.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ------------------------------------------------------------------- slots */

enum {
  NUMBERS_AND_STRING,
  STRINGS,
  STRING_TO_NUMBER,
  TWO_RECORDS,
  TWO_SLOTS,
  THREE_ADD,
  THREE_WRITERS,
  THREE_STRINGS,
  THREADS,
  SNAPSHOT_OF_NUMBERS,
  SNAPSHOT_OF_STRINGS
};

static const slot_scenario slot_scenarios[] = {
    [NUMBERS_AND_STRING] =
        {.name = "add and set; string and add",
         .operations =
             {{{ADD, 0, 1}, {SET_INT, 0, 3}},
              {{SET_STRING, 0, 6}, {ADD, 0, 1}}},
         .records = 1,
         .deaths = 2,
         .gets = 2},
    [STRINGS] =
        {.name = "two strings; string",
         .operations =
             {{{SET_STRING, 0, 5}, {SET_STRING, 0, 6}}, {{SET_STRING, 0, 7}}},
         .records = 1,
         .deaths = 2,
         .gets = 2},
    [STRING_TO_NUMBER] =
        {.name = "a string becomes a number; adds",
         .operations =
             {{{SET_INT, 0, 1}, {ADD, 0, 1}}, {{ADD, 0, 1}, {ADD, 0, 1}}},
         .records = 1,
         .deaths = 2,
         .gets = 2,
         .is_string = true},
    [TWO_RECORDS] =
        {.name = "string, set; string, add; two records",
         .operations =
             {{{SET_STRING, 0, 5}, {SET_INT, 0, 2}},
              {{SET_STRING, 0, 6}, {ADD, 0, 1}}},
         .records = 2,
         .deaths = 2,
         .gets = 2},
    [TWO_SLOTS] =
        {.name = "two slots, one record",
         .operations =
             {{{SET_STRING, 0, 5}, {SET_STRING, 1, 6}},
              {{SET_STRING, 1, 7}, {SET_STRING, 0, 7}}},
         .records = 1,
         .deaths = 2,
         .gets = 2},
    [THREE_ADD] =
        {.name = "three add",
         .operations = {{{ADD, 0, 1}}, {{ADD, 0, 1}}, {{ADD, 0, 1}}},
         .records = 1,
         .deaths = 2,
         .gets = 1},
    [THREE_WRITERS] =
        {.name = "string; string; set",
         .operations =
             {{{SET_STRING, 0, 5}}, {{SET_STRING, 0, 6}}, {{SET_INT, 0, 1}}},
         .records = 1,
         .deaths = 1,
         .gets = 1},
    [THREE_STRINGS] =
        {.name = "three strings, two die",
         .operations =
             {{{SET_STRING, 0, 5}}, {{SET_STRING, 0, 6}}, {{SET_STRING, 0, 7}}},
         .records = 1,
         .deaths = 2,
         .gets = 1},
    [THREADS] =
        {.name = "two threads of a process, and another",
         .operations = {{{ADD, 0, 1}}, {{ADD, 0, 1}}, {{SET_STRING, 0, 7}}},
         .records = 1,
         .deaths = 2,
         .gets = 1,
         .is_process = true},
    [SNAPSHOT_OF_NUMBERS] =
        {.name = "snapshot of numbers",
         .operations = {{{ADD, 0, 1}, {ADD, 1, 1}}, {{ADD, 1, 1}, {ADD, 0, 1}}},
         .records = 1,
         .deaths = 1,
         .gets = 1,
         .is_snapshot = true},
    [SNAPSHOT_OF_STRINGS] =
        {.name = "snapshot of a string and a number",
         .operations =
             {{{SET_STRING, 0, 6}, {ADD, 1, 1}}, {{SET_STRING, 1, 7}}},
         .records = 1,
         .deaths = 2,
         .gets = 1,
         .is_snapshot = true},
};

/* -------------------------------------------------------------------- lock */

enum {
  NOBODY_DIES,
  NOBODY_IS_POLITE,
  THREADS_LOCK,
  SOME_GIVE_UP,
  SOME_DIE,
  THREADS_DIE,
  DIE_OR_GIVE_UP,
  ONE_LOOKS,
  NO_SLICES
};

static const lock_scenario lock_scenarios[] = {
    [NOBODY_DIES] =
        {.name = "nobody dies, no slices",
         .rounds = {2, 2, 2},
         .is_polite = true},
    [NOBODY_IS_POLITE] =
        {.name = "nobody dies, reservations run out", .rounds = {2, 2, 1}},
    [THREADS_LOCK] =
        {.name = "two threads of a process, no slices",
         .rounds = {2, 2, 1},
         .is_process = true,
         .is_polite = true},
    [SOME_GIVE_UP] =
        {.name = "waiters give up, no slices",
         .rounds = {2, 2, 1},
         .gives_up = true,
         .is_polite = true},
    [SOME_DIE] =
        {.name = "two die",
         .rounds = {2, 2, 1},
         .deaths = 2,
         .has_slices = true,
         .is_polite = true},
    [THREADS_DIE] =
        {.name = "two threads of a process die, and another",
         .rounds = {2, 2, 1},
         .deaths = 2,
         .is_process = true,
         .has_slices = true,
         .is_polite = true},
    [DIE_OR_GIVE_UP] =
        {.name = "two die, waiters give up",
         .rounds = {1, 1, 1},
         .deaths = 2,
         .has_slices = true,
         .gives_up = true},
    [ONE_LOOKS] =
        {.name = "two die, one only looks",
         .rounds = {2, 1, 1},
         .deaths = 2,
         .is_looking = true,
         .has_slices = true,
         .is_polite = true},
    [NO_SLICES] =
        {.name = "one dies, no slices",
         .rounds = {1, 1, 1},
         .deaths = 1,
         .is_polite = true},
};

/* ------------------------------------------------------------------ waiting */

enum {
  WAIT_FOR_SLOT,
  WAIT_FOR_LIST,
  WAIT_FOR_BOTH,
  TABLE_FULL,
  WAIT_TOGETHER,
  WAITER_DIES,
  LIST_WAITER_DIES,
  WRITERS_DIE,
  WRITERS_OF_LIST_DIE,
  ALL_DIE,
  WRITER_DIES_UNHEARD
};

#define MAKES(...)                                                             \
  {                                                                            \
    .kind = WRITES, .count = sizeof((uint8_t[]){__VA_ARGS__}), .what = {       \
      __VA_ARGS__                                                              \
    }                                                                          \
  }
#define MAKES_OR_DIES(...)                                                     \
  {                                                                            \
    .kind = WRITES, .count = sizeof((uint8_t[]){__VA_ARGS__}),                 \
    .what = {__VA_ARGS__}, .may_die = true                                     \
  }
#define AWAITS(which)                                                          \
  {                                                                            \
    .kind = WAITS, .what = { which }                                           \
  }
#define AWAITS_OR_DIES(which)                                                  \
  { .kind = WAITS, .what = {which}, .may_die = true }

static const watch_scenario watch_scenarios[] = {
    [WAIT_FOR_SLOT] =
        {.name = "for a slot, no slices",
         .roles = {MAKES(0, 0), MAKES(0, 0), AWAITS(0)},
         .entries = 1},
    [WAIT_FOR_LIST] =
        {.name = "for the list, no slices",
         .roles = {MAKES(0, 0), MAKES(1, 0), AWAITS(ALL_SLOTS)},
         .entries = 1},
    [WAIT_FOR_BOTH] =
        {.name = "for a slot and for the list",
         .roles = {MAKES(0), MAKES(1), AWAITS(0), AWAITS(ALL_SLOTS)},
         .entries = 2},
    [TABLE_FULL] =
        {.name = "two waiters, one entry",
         .roles = {MAKES(0, 0), AWAITS(0), AWAITS(0)},
         .entries = 1},
    [WAIT_TOGETHER] =
        {.name = "two waiters, one slot",
         .roles = {MAKES(0), MAKES(0), AWAITS(0), AWAITS(0)},
         .entries = 2},
    [WAITER_DIES] =
        {.name = "a waiter dies",
         .roles = {MAKES(0), MAKES(0, 0), AWAITS(0), AWAITS_OR_DIES(0)},
         .entries = 1,
         .deaths = 1},
    [LIST_WAITER_DIES] =
        {.name = "a waiter for the list dies",
         .roles =
             {MAKES(0), MAKES(1), AWAITS(ALL_SLOTS), AWAITS_OR_DIES(ALL_SLOTS)},
         .entries = 1,
         .deaths = 1},
    [WRITERS_DIE] =
        {.name = "writers die",
         .roles = {MAKES_OR_DIES(0, 0), MAKES_OR_DIES(0, 0), AWAITS(0)},
         .entries = 1,
         .deaths = 2,
         .has_slices = true},
    [WRITERS_OF_LIST_DIE] =
        {.name = "writers die, for the list",
         .roles = {MAKES_OR_DIES(0, 1), MAKES_OR_DIES(1), AWAITS(ALL_SLOTS)},
         .entries = 1,
         .deaths = 2,
         .has_slices = true},
    [ALL_DIE] =
        {.name = "a waiter or writers die",
         .roles =
             {MAKES_OR_DIES(0), MAKES_OR_DIES(0), AWAITS_OR_DIES(0), MAKES(0)},
         .entries = 1,
         .deaths = 2,
         .has_slices = true},
    [WRITER_DIES_UNHEARD] =
        {.name = "a writer dies, no slices",
         .roles = {MAKES_OR_DIES(0), AWAITS(0)},
         .entries = 1,
         .deaths = 1},
};

/* ------------------------------------------------------------------ mutants */

typedef enum subject { SLOT, LOCK, WATCH } subject;

static const char *const subjects[] = {
    [SLOT] = "slot", [LOCK] = "lock", [WATCH] = "wait"};

typedef struct mutation {
  const char *text;
  subject subject;
  int mutant;
  size_t scenario;
  const char *property; /* that is broken: how its text begins */
} mutation;

static const mutation mutations[] = {
    {"readers do not look at the word again", SLOT, READER_LOOKS_ONCE, STRINGS,
     "reading: a torn"},
    {"readers ignore the record of a locked slot", SLOT, READER_IGNORES_RECORD,
     STRINGS, "reading: not"},
    {"readers wait for the owner", SLOT, READER_WAITS_FOR_OWNER, STRINGS,
     "waiting"},
    {"the type is checked before the lock only", SLOT,
     TYPE_CHECKED_BEFORE_LOCK_ONLY, NUMBERS_AND_STRING, "reading"},
    {"another type is stored in place", SLOT, TYPE_CHANGED_IN_PLACE,
     STRING_TO_NUMBER, "reading"},
    {"the slot is locked before the record is filled", SLOT,
     LOCKED_BEFORE_FILLED, STRINGS, "reading"},
    {"a change is not counted", SLOT, UNLOCKED_WITHOUT_COUNTING, STRINGS,
     "reading: a torn"},
    {"the record is released before the unlock", SLOT, RELEASED_BEFORE_UNLOCKED,
     STRINGS, "reading"},
    {"slots are taken from the living", SLOT, LIVENESS_NOT_ASKED, THREE_ADD,
     "counting"},
    {"one's own token is taken for dead", SLOT, OWN_TOKEN_TAKEN_FOR_DEAD,
     THREADS, "counting"},
    {"a repairer forgets the record", SLOT, REPAIR_FORGETS_RECORD, STRINGS,
     "reading"},
    {"a repairer does not apply the record", SLOT, REPAIR_DOES_NOT_APPLY,
     STRINGS, "reading"},
    {"a repairer releases the record unseen", SLOT, REPAIR_RELEASES_BLINDLY,
     THREE_STRINGS, "reading"},
    {"a record is claimed though a slot refers to it", SLOT,
     CLAIM_TAKEN_THOUGH_REFERRED, STRINGS, "reading"},
    {"who refers is looked at before the claimer is dead", SLOT,
     CLAIM_REFERENCE_LOOKED_AT_FIRST, STRINGS, "reading"},
    {"records of dead claimers stay theirs", SLOT, CLAIM_OF_DEAD_KEPT,
     TWO_RECORDS, "records"},
    {"the record does not say for which slot it is", SLOT, ITEM_FILLED_LAST,
     TWO_SLOTS, "reading"},
    {"dead owners are waited for", SLOT, DEAD_OWNER_WAITED_FOR, THREE_ADD,
     "repair"},
    {"snapshots trust the word alone", SLOT, SNAPSHOT_TRUSTS_WORD,
     SNAPSHOT_OF_NUMBERS, "snapshot"},
    {"snapshots load what they compare after the value", SLOT,
     SNAPSHOT_LOADS_FIRST_LATE, SNAPSHOT_OF_NUMBERS, "snapshot"},

    {"the lock is taken from the living", LOCK, LOCK_TAKEN_FROM_THE_LIVING,
     NOBODY_DIES, "exclusion"},
    {"one's own token is taken for dead", LOCK, LOCK_OF_OWN_TOKEN_TAKEN,
     THREADS_LOCK, "exclusion"},
    {"dead owners are waited for", LOCK, LOCK_OF_DEAD_WAITED_FOR,
     DIE_OR_GIVE_UP, "progress"},
    {"the lock of the dead is as good as free", LOCK,
     LOCK_OF_DEAD_TAKEN_AS_FREE, SOME_DIE, "recovery"},
    {"who only looks keeps a death to itself", LOCK,
     LOCK_RECOVERED_TO_LOOK_ONLY, ONE_LOOKS, "recovery"},
    {"waiters do not set W", LOCK, LOCK_W_NOT_SET, SOME_GIVE_UP, "progress"},
    {"a woken waiter does not keep W", LOCK, LOCK_W_NOT_KEPT, SOME_GIVE_UP,
     "progress"},
    {"falling asleep does not look at the word", LOCK, LOCK_SLEEPS_UNCHECKED,
     SOME_GIVE_UP, "progress"},
    {"the wake comes before the unlock", LOCK, LOCK_WAKES_BEFORE_UNLOCK,
     SOME_GIVE_UP, "progress"},
    {"nobody is woken", LOCK, LOCK_WAKES_NOBODY, SOME_GIVE_UP, "progress"},
    {"one is woken in spite of a reservation", LOCK,
     LOCK_WAKES_ONE_DESPITE_RESERVATION, SOME_GIVE_UP, "progress"},
    {"who gives up keeps a wake to itself", LOCK, LOCK_WAKE_NOT_PASSED_ON,
     SOME_GIVE_UP, "progress"},
    {"reservations outlive their owners", LOCK, RESERVATION_OF_DEAD_KEPT,
     SOME_DIE, "progress"},
    {"reservations stay when their owners give up", LOCK,
     RESERVATION_KEPT_AFTER_GIVING_UP, SOME_GIVE_UP, "progress"},
    {"reservations are ignored", LOCK, RESERVATION_IGNORED, NOBODY_DIES,
     "fairness"},
    {"sleepers never look by themselves", LOCK, LOCK_INTACT, NO_SLICES,
     "progress"},

    {"the table is entered after the look", WATCH, WATCH_ENTERED_AFTER_LOOK,
     WAIT_FOR_LIST, "progress"},
    {"`changes` is loaded after the look", WATCH,
     WATCH_CHANGES_LOADED_AFTER_LOOK, WAIT_FOR_LIST, "progress"},
    {"falling asleep does not look at the word", WATCH, WATCH_SLEEPS_UNCHECKED,
     WAIT_FOR_SLOT, "progress"},
    {"a full table is slept through", WATCH, WATCH_FULL_TABLE_NOT_POLLED,
     TABLE_FULL, "progress"},
    {"`waiting` is loaded before the unlock", WATCH,
     WATCH_NOTIFIED_BEFORE_UNLOCK, WAIT_FOR_SLOT, "progress"},
    {"one of two waiters is woken", WATCH, WATCH_WAKES_ONE, WAIT_TOGETHER,
     "progress"},
    {"the list's waiters are woken without counting", WATCH,
     WATCH_WAKES_WITHOUT_COUNTING, WAIT_FOR_LIST, "progress"},
    {"an entry is left before its bit", WATCH, WATCH_LEFT_BEFORE_BIT,
     TABLE_FULL, "progress"},
    {"a dead waiter's bit is cleared without its entry", WATCH,
     WATCH_DEAD_NOT_TAKEN_OVER, WAITER_DIES, "progress"},
    {"an entry that is taken over waits for nothing", WATCH,
     WATCH_TAKEN_OVER_FOR_NOTHING, ALL_DIE, "cost"},
    {"dead waiters stay in the table", WATCH, WATCH_DEAD_KEPT, WAIT_FOR_SLOT,
     "cost"},
    {"entries are taken from the living", WATCH, WATCH_LIVENESS_NOT_ASKED,
     WAIT_FOR_SLOT, "cost"},
    {"waiters do not repair", WATCH, WATCH_NOT_SETTLED, WRITERS_DIE,
     "progress"},
    {"sleepers never look by themselves", WATCH, WATCH_INTACT,
     WRITER_DIES_UNHEARD, "progress"},
};

/* --------------------------------------------------------------------- main */

static const explore_model *model_of(
    subject which, size_t scenario, int mutant) {
  switch (which) {
  case SLOT:
    return slot_model(&slot_scenarios[scenario], (slot_mutant)mutant);
  case LOCK:
    return lock_model(&lock_scenarios[scenario], (lock_mutant)mutant);
  default:
    return watch_model(&watch_scenarios[scenario], (watch_mutant)mutant);
  }
}

static size_t count_of(subject which) {
  switch (which) {
  case SLOT:
    return COUNT(slot_scenarios);
  case LOCK:
    return NO_SLICES; /* it is one for a mutation */
  default:
    return WRITER_DIES_UNHEARD;
  }
}

static const char *name_of(subject which, size_t scenario) {
  switch (which) {
  case SLOT:
    return slot_scenarios[scenario].name;
  case LOCK:
    return lock_scenarios[scenario].name;
  default:
    return watch_scenarios[scenario].name;
  }
}

static double seconds_since(clock_t begin) {
  return (double)(clock() - begin) / CLOCKS_PER_SEC;
}

/* Whether the protocol, as it is meant to be, holds in all that can happen. */
static bool check_protocol(subject which, size_t scenario) {
  clock_t begin = clock();
  explore_result found = explore(model_of(which, scenario, 0), stdout);
  printf(
      "%s: %-42s %8zu states %9zu steps %6.2f s  %s\n", subjects[which],
      name_of(which, scenario), found.states, found.steps, seconds_since(begin),
      found.violation == NULL ? "holds" : "BROKEN");
  fflush(stdout);
  return found.violation == NULL;
}

static bool check_mutation(const mutation *it, FILE *trace) {
  explore_result found =
      explore(model_of(it->subject, it->scenario, it->mutant), trace);
  bool is_caught =
      found.violation != NULL &&
      strncmp(found.violation, it->property, strlen(it->property)) == 0;
  printf(
      "%s: if %s:\n      %s, %zu states: %s\n", subjects[it->subject], it->text,
      name_of(it->subject, it->scenario), found.states,
      found.violation == NULL ? "NOT NOTICED" : found.violation);
  if (found.violation != NULL && !is_caught)
    printf("      NOT WHAT WAS TO BE EXPECTED: %s\n", it->property);
  fflush(stdout);
  return is_caught;
}

int main(int argc, char **argv) {
  bool is_traced = argc == 2 && strcmp(argv[1], "--trace") == 0;
  if (argc > 1 && !is_traced) {
    fprintf(stderr, "usage: %s [--trace]\n", argv[0]);
    return 2;
  }
  clock_t begin = clock();
  int broken = 0, unnoticed = 0;
  for (int which = SLOT; which <= WATCH; which++)
    for (size_t i = 0; i < count_of((subject)which); i++)
      broken += !check_protocol((subject)which, i);
  for (size_t i = 0; i < COUNT(mutations); i++)
    unnoticed += !check_mutation(&mutations[i], is_traced ? stdout : NULL);
  printf(
      "%d models broken, %d of %zu mutants not noticed, %.1f s\n", broken,
      unnoticed, COUNT(mutations), seconds_since(begin));
  return broken != 0 || unnoticed != 0;
}
