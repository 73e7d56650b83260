/* SPDX-License-Identifier: MIT */
/*
 * Waiting for changes: shm/watch.c, one access a step, with the slots' sequence
 * words as far as they matter here, and the kernel's futex, which compares and
 * falls asleep in one step.
 *
 * A waiter never has enough: when it has seen a change, it waits for the next
 * one. So it comes to an end asleep, and that is an end only if it has seen all
 * there is. If sleeps are not sliced, nothing but a wake wakes it: no wake is
 * lost then. The slices are for the dead alone, and for who found the table
 * full.
 */
#include "watch_model.h"

#include <string.h>

typedef struct entry {
  uint8_t token;
  uint8_t what;
} entry;

typedef struct word {
  uint8_t count;
  uint8_t token;
} word;

/* What comes after a part that several have in common. */
typedef struct actor {
  uint8_t pc;
  uint8_t done; /* changes that were made */
  /* To change a slot, or to repair it. */
  uint8_t slot;
  uint8_t count;
  uint8_t owner;
  uint8_t after_notify;
  /* To go through the table. */
  uint8_t waiting;
  uint8_t index;
  entry found;
  uint8_t is_counted;
  uint8_t slot_woken, list_woken; /* 1 + how many; 0 is: not tried */
  uint8_t after_clear;
  uint8_t round;
  /* To wait. */
  uint8_t seen;
  uint8_t version;
  uint8_t changes;
  uint8_t number; /* 1 + that of the entry */
  uint8_t is_settling;
  uint8_t is_late; /* mutants: has looked already */
} actor;

typedef struct state {
  word words[WATCHED];
  uint8_t waiting; /* a bit for each entry */
  uint8_t changes;
  entry entries[ENTRIES];
  actor actors[WATCHERS];
  uint8_t dead; /* a bit for each token */
  uint8_t deaths;
} state;

enum {
  DONE,
  DEAD,
  /* writers */
  LOCK_LOOK,
  LOCK_TRY,
  OWNER_ASK,
  OWNER_WAIT,
  REPAIR_TAKE,
  CHANGE,
  UNLOCK,
  NOTIFY_LOOK,
  NOTIFY_ENTRY,
  NOTIFY_COUNT,
  NOTIFY_WAKE_LIST,
  NOTIFY_WAKE_SLOT,
  NOTIFY_ASK,
  TAKE_OVER,
  CLEAR_BIT,
  CLEAR_ENTRY,
  /* waiters */
  CALL,
  ENTER_LOOK,
  ENTER_ASK,
  ENTER_TRY,
  ENTER_BIT,
  LOAD_CHANGES,
  LOOK,
  SETTLE_ASK,
  SLEEP,
  ASLEEP,
  STEPS
};

static const watch_scenario *scenario;
static watch_mutant mutant;

static uint8_t token_of(const state *s, const actor *me) {
  return (uint8_t)(1 + (me - s->actors));
}

static const watch_role *role_of(const state *s, const actor *me) {
  return &scenario->roles[me - s->actors];
}

static uint8_t what_of(const state *s, const actor *me) {
  return role_of(s, me)->what[0];
}

static bool is_dead(const state *s, uint8_t token) {
  return (s->dead >> token & 1) != 0;
}

/* ----------------------------------------------------------------- changing */

static void begin_change(const state *s, actor *me) {
  uint8_t done = me->done;
  bool is_over = done == role_of(s, me)->count;
  *me = (actor){.done = done, .pc = is_over ? DONE : LOCK_LOOK};
  me->slot = is_over ? 0 : role_of(s, me)->what[done];
}

static void end_change(const state *s, actor *me) {
  me->done++;
  begin_change(s, me);
}

static void lock_look(state *s, actor *me) {
  me->count = s->words[me->slot].count;
  me->owner = s->words[me->slot].token;
  me->after_notify = 0;
  me->pc = me->owner == 0 ? LOCK_TRY : OWNER_ASK;
}

static void lock_try(state *s, actor *me) {
  word *it = &s->words[me->slot];
  bool is_locked = it->token == 0 && it->count == me->count;
  if (is_locked)
    it->token = token_of(s, me);
  me->pc = is_locked ? CHANGE : LOCK_LOOK;
}

static void owner_ask(state *s, actor *me) {
  me->pc = is_dead(s, me->owner) ? REPAIR_TAKE : OWNER_WAIT;
  me->after_notify = LOCK_LOOK;
}

static bool is_worth_waking(const state *s, const actor *me) {
  const word *it = &s->words[me->slot];
  return it->token != me->owner || it->count != me->count ||
         is_dead(s, me->owner);
}

static void repair_take(state *s, actor *me) {
  word *it = &s->words[me->slot];
  bool is_taken = it->token == me->owner && it->count == me->count;
  if (is_taken)
    it->token = token_of(s, me);
  me->owner = 0;
  me->pc = is_taken ? UNLOCK : me->after_notify;
}

static void end_notify(const state *s, actor *me) {
  uint8_t after = me->after_notify;
  me->waiting = me->index = 0;
  me->found = (entry){0};
  me->is_counted = me->slot_woken = me->list_woken = 0;
  me->after_clear = me->after_notify = 0;
  if (after != 0)
    me->pc = after;
  else if (mutant == WATCH_NOTIFIED_BEFORE_UNLOCK)
    me->pc = UNLOCK;
  else
    end_change(s, me);
}

static void change(actor *me) {
  me->pc = mutant == WATCH_NOTIFIED_BEFORE_UNLOCK ? NOTIFY_LOOK : UNLOCK;
}

static void unlock(state *s, actor *me) {
  s->words[me->slot] = (word){.count = (uint8_t)(me->count + 1)};
  me->count = 0;
  bool is_told = mutant == WATCH_NOTIFIED_BEFORE_UNLOCK;
  if (is_told && me->after_notify == 0)
    end_change(s, me);
  else
    me->pc = NOTIFY_LOOK;
}

/* ---------------------------------------------------------------- notifying */

static void notify_next(const state *s, actor *me) {
  me->found = (entry){0};
  while (me->index < scenario->entries && !(me->waiting >> me->index & 1))
    me->index++;
  if (me->index == scenario->entries)
    end_notify(s, me);
  else
    me->pc = NOTIFY_ENTRY;
}

static void notify_look(state *s, actor *me) {
  me->waiting = s->waiting;
  me->index = 0;
  notify_next(s, me);
}

static void notify_skip(const state *s, actor *me) {
  me->index++;
  notify_next(s, me);
}

static void after_wake(const state *s, actor *me, uint8_t woken) {
  bool is_asked = woken == 1 && me->found.token != 0;
  if (is_asked && mutant != WATCH_DEAD_KEPT)
    me->pc = NOTIFY_ASK;
  else
    notify_skip(s, me);
}

static void notify_entry(state *s, actor *me) {
  me->found = s->entries[me->index];
  if (me->found.token == 0)
    notify_skip(s, me);
  else if (me->found.what == ALL_SLOTS && !me->is_counted)
    me->pc = mutant == WATCH_WAKES_WITHOUT_COUNTING ? NOTIFY_WAKE_LIST
                                                    : NOTIFY_COUNT;
  else if (me->found.what == ALL_SLOTS)
    after_wake(s, me, me->list_woken);
  else if (me->found.what != me->slot)
    notify_skip(s, me);
  else if (me->slot_woken == 0)
    me->pc = NOTIFY_WAKE_SLOT;
  else
    after_wake(s, me, me->slot_woken);
}

static void notify_count(state *s, actor *me) {
  s->changes++;
  me->pc = NOTIFY_WAKE_LIST;
}

/* 1 + how many were woken who sleep because of `what`. */
static uint8_t wake(state *s, uint8_t what) {
  uint8_t woken = 1;
  for (int i = 0; i < WATCHERS; i++) {
    actor *it = &s->actors[i];
    if (it->pc != ASLEEP || what_of(s, it) != what)
      continue;
    if (mutant == WATCH_WAKES_ONE && woken == 2)
      break;
    it->pc = LOAD_CHANGES;
    woken++;
  }
  return woken;
}

static void notify_wake_list(state *s, actor *me) {
  me->is_counted = 1;
  me->list_woken = wake(s, ALL_SLOTS);
  after_wake(s, me, me->list_woken);
}

static void notify_wake_slot(state *s, actor *me) {
  me->slot_woken = wake(s, me->slot);
  after_wake(s, me, me->slot_woken);
}

static void notify_ask(state *s, actor *me) {
  bool is_over =
      is_dead(s, me->found.token) || mutant == WATCH_LIVENESS_NOT_ASKED;
  me->after_clear = NOTIFY_ENTRY;
  if (!is_over)
    notify_skip(s, me);
  else
    me->pc = mutant == WATCH_DEAD_NOT_TAKEN_OVER ? CLEAR_BIT : TAKE_OVER;
}

/* ------------------------------------------------------------- the table */

static void after_clear(const state *s, actor *me) {
  uint8_t after = me->after_clear;
  me->after_clear = 0;
  me->found = (entry){0};
  if (after == NOTIFY_ENTRY)
    notify_skip(s, me);
  else
    me->pc = after;
}

static bool is_entry(const state *s, const actor *me) {
  entry it = s->entries[me->index];
  return it.token == me->found.token && it.what == me->found.what;
}

static void enter_next(actor *me) {
  me->index++;
  me->found = (entry){0};
  me->pc = ENTER_LOOK;
  if (me->index < scenario->entries)
    return;
  me->index = 0;
  me->round++;
  if (me->round == 2) { /* full */
    me->round = 0;
    me->pc = LOAD_CHANGES;
  }
}

static void take_over(state *s, actor *me) {
  if (is_entry(s, me)) {
    bool is_kept = mutant != WATCH_TAKEN_OVER_FOR_NOTHING;
    uint8_t what = is_kept ? me->found.what : NOTHING;
    s->entries[me->index] = (entry){token_of(s, me), what};
    me->pc = CLEAR_BIT;
  } else if (me->after_clear == ENTER_TRY) {
    me->after_clear = 0;
    enter_next(me);
  } else
    notify_skip(s, me);
}

static void clear_bit(state *s, actor *me) {
  s->waiting &= (uint8_t) ~(1u << me->index);
  if (mutant == WATCH_LEFT_BEFORE_BIT)
    after_clear(s, me);
  else
    me->pc = CLEAR_ENTRY;
}

static void clear_entry(state *s, actor *me) {
  if (mutant == WATCH_DEAD_NOT_TAKEN_OVER && me->found.token != 0) {
    if (is_entry(s, me))
      s->entries[me->index] = (entry){0};
  } else
    s->entries[me->index] = (entry){0};
  if (mutant == WATCH_LEFT_BEFORE_BIT)
    me->pc = CLEAR_BIT;
  else
    after_clear(s, me);
}

static void begin_clear(actor *me) {
  me->pc = mutant == WATCH_LEFT_BEFORE_BIT ? CLEAR_ENTRY : CLEAR_BIT;
}

static void enter_look(state *s, actor *me) {
  me->found = s->entries[me->index];
  if (me->found.token == 0)
    me->pc = ENTER_TRY;
  else if (me->round == 0 || mutant == WATCH_DEAD_KEPT)
    enter_next(me);
  else
    me->pc = ENTER_ASK;
}

static void enter_ask(state *s, actor *me) {
  me->after_clear = ENTER_TRY;
  if (is_dead(s, me->found.token))
    me->pc = mutant == WATCH_DEAD_NOT_TAKEN_OVER ? CLEAR_BIT : TAKE_OVER;
  else {
    me->after_clear = 0;
    enter_next(me);
  }
}

static void enter_try(state *s, actor *me) {
  entry *it = &s->entries[me->index];
  if (it->token != 0) {
    enter_next(me);
    return;
  }
  *it = (entry){token_of(s, me), what_of(s, me)};
  me->pc = ENTER_BIT;
}

static void enter_bit(state *s, actor *me) {
  s->waiting |= (uint8_t)(1u << me->index);
  me->number = me->index + 1;
  me->index = me->round = 0;
  me->pc = mutant == WATCH_ENTERED_AFTER_LOOK ? SLEEP : LOAD_CHANGES;
}

/* ------------------------------------------------------------------ waiting */

static void call(actor *me) {
  me->version = me->changes = me->index = me->round = 0;
  me->pc = mutant == WATCH_ENTERED_AFTER_LOOK ? LOAD_CHANGES : ENTER_LOOK;
}

static void load_changes(state *s, actor *me) {
  bool is_list = what_of(s, me) == ALL_SLOTS;
  me->changes = is_list ? s->changes : 0;
  if (me->is_late)
    me->pc = SLEEP;
  else {
    me->slot = is_list ? 0 : what_of(s, me);
    me->pc = LOOK;
  }
}

/* The version is new: the call is over. The next one begins. */
static void end_call(actor *me) {
  me->seen = me->version;
  me->version = me->changes = 0;
  me->is_late = 0;
  if (me->number == 0) {
    me->pc = CALL;
    return;
  }
  me->index = me->number - 1;
  me->number = 0;
  me->after_clear = CALL;
  begin_clear(me);
}

static void look_next(const state *s, actor *me) {
  bool is_list = what_of(s, me) == ALL_SLOTS;
  if (is_list && me->slot + 1 < WATCHED) {
    me->slot++;
    me->pc = LOOK;
    return;
  }
  me->slot = 0;
  me->is_settling = 0;
  if (me->version != me->seen) {
    end_call(me);
    return;
  }
  me->version = 0;
  if (mutant == WATCH_CHANGES_LOADED_AFTER_LOOK && is_list) {
    me->is_late = 1;
    me->pc = LOAD_CHANGES;
  } else if (mutant == WATCH_ENTERED_AFTER_LOOK && me->number == 0)
    me->pc = ENTER_LOOK;
  else
    me->pc = SLEEP;
}

static void look(state *s, actor *me) {
  word it = s->words[me->slot];
  if (me->is_settling && it.token != 0 && mutant != WATCH_NOT_SETTLED) {
    me->owner = it.token;
    me->count = it.count;
    me->pc = SETTLE_ASK;
    return;
  }
  me->version = (uint8_t)(me->version + it.count);
  look_next(s, me);
}

static void settle_ask(state *s, actor *me) {
  if (is_dead(s, me->owner)) {
    me->after_notify = LOOK;
    me->pc = REPAIR_TAKE;
    return;
  }
  me->version = (uint8_t)(me->version + me->count);
  me->owner = me->count = 0;
  look_next(s, me);
}

static void fall_asleep(state *s, actor *me) {
  uint8_t what = what_of(s, me);
  bool is_same = what == ALL_SLOTS ? s->changes == me->changes
                                   : s->words[what].count == me->seen;
  me->changes = me->is_late = 0;
  me->pc = is_same || mutant == WATCH_SLEEPS_UNCHECKED ? ASLEEP : LOAD_CHANGES;
}

/* By itself, after a slice. */
static void wake_up(actor *me) {
  me->is_settling = 1;
  me->pc = LOAD_CHANGES;
}

static void step(void *memory, int number, int way) {
  state *s = memory;
  actor *me = &s->actors[number];
  (void)way;
  switch (me->pc) {
  case LOCK_LOOK:
    lock_look(s, me);
    break;
  case LOCK_TRY:
    lock_try(s, me);
    break;
  case OWNER_ASK:
    owner_ask(s, me);
    break;
  case OWNER_WAIT:
    me->pc = LOCK_LOOK;
    break;
  case REPAIR_TAKE:
    repair_take(s, me);
    break;
  case CHANGE:
    change(me);
    break;
  case UNLOCK:
    unlock(s, me);
    break;
  case NOTIFY_LOOK:
    notify_look(s, me);
    break;
  case NOTIFY_ENTRY:
    notify_entry(s, me);
    break;
  case NOTIFY_COUNT:
    notify_count(s, me);
    break;
  case NOTIFY_WAKE_LIST:
    notify_wake_list(s, me);
    break;
  case NOTIFY_WAKE_SLOT:
    notify_wake_slot(s, me);
    break;
  case NOTIFY_ASK:
    notify_ask(s, me);
    break;
  case TAKE_OVER:
    take_over(s, me);
    break;
  case CLEAR_BIT:
    clear_bit(s, me);
    break;
  case CLEAR_ENTRY:
    clear_entry(s, me);
    break;
  case CALL:
    call(me);
    break;
  case ENTER_LOOK:
    enter_look(s, me);
    break;
  case ENTER_ASK:
    enter_ask(s, me);
    break;
  case ENTER_TRY:
    enter_try(s, me);
    break;
  case ENTER_BIT:
    enter_bit(s, me);
    break;
  case LOAD_CHANGES:
    load_changes(s, me);
    break;
  case LOOK:
    look(s, me);
    break;
  case SETTLE_ASK:
    settle_ask(s, me);
    break;
  case SLEEP:
    fall_asleep(s, me);
    break;
  case ASLEEP:
    wake_up(me);
    break;
  default:
    break;
  }
}

static int ways(const void *memory, int number) {
  const state *s = memory;
  const actor *me = &s->actors[number];
  switch (me->pc) {
  case DONE:
  case DEAD:
    return 0;
  case OWNER_WAIT:
    return is_worth_waking(s, me);
  case ASLEEP:
    return scenario->has_slices ||
           (me->number == 0 && mutant != WATCH_FULL_TABLE_NOT_POLLED);
  default:
    return 1;
  }
}

/* -------------------------------------------------------------------- model */

static void begin(void *memory) {
  state *s = memory;
  for (int i = 0; i < WATCHERS; i++) {
    actor *me = &s->actors[i];
    if (scenario->roles[i].kind == WRITES)
      begin_change(s, me);
    else
      me->pc = scenario->roles[i].kind == WAITS ? CALL : DONE;
  }
}

static bool crash(void *memory, int number) {
  state *s = memory;
  actor *me = &s->actors[number];
  if (s->deaths == scenario->deaths || !scenario->roles[number].may_die ||
      me->pc == DONE || me->pc == DEAD)
    return false;
  s->dead |= (uint8_t)(1u << token_of(s, me));
  *me = (actor){.pc = DEAD};
  s->deaths++;
  return true;
}

/* Whether a waiter may sleep on for ever. */
static bool has_seen_all(const state *s, const actor *me) {
  uint8_t what = what_of(s, me), version = 0;
  if (me->pc != ASLEEP)
    return false;
  for (uint8_t i = 0; i < WATCHED; i++) {
    if (what != ALL_SLOTS && what != i)
      continue;
    if (s->words[i].token != 0)
      return false;
    version = (uint8_t)(version + s->words[i].count);
  }
  return version == me->seen;
}

static bool is_end(const void *memory) {
  const state *s = memory;
  for (int i = 0; i < WATCHERS; i++) {
    const actor *me = &s->actors[i];
    bool is_over = me->pc == DONE || me->pc == DEAD ||
                   (scenario->roles[i].kind == WAITS && has_seen_all(s, me));
    if (!is_over)
      return false;
  }
  return true;
}

/* ------------------------------------------------- what holds at each end */

enum { CALLS = 400 };

/* Let all waiters die, and a survivor change both slots. Afterwards no bit is
 * left: it would make every change look through the table. */
static void check_end(state *s) {
  actor *me = NULL;
  for (int i = 0; i < WATCHERS; i++)
    if (scenario->roles[i].kind == WAITS) {
      s->dead |= (uint8_t)(1u << token_of(s, &s->actors[i]));
      s->actors[i] = (actor){.pc = DEAD};
    }
  for (int i = 0; i < WATCHERS; i++)
    if (scenario->roles[i].kind == WRITES && s->actors[i].pc == DONE)
      me = &s->actors[i];
  if (me == NULL)
    return;
  for (uint8_t slot = 0; slot < WATCHED; slot++) {
    *me = (actor){.pc = LOCK_LOOK, .slot = slot};
    me->done = role_of(s, me)->count - 1;
    for (int i = 0; i < CALLS && me->pc != DONE; i++)
      step(s, (int)(me - s->actors), 0);
    if (me->pc != DONE)
      explore_fail("repair: a survivor cannot change a slot");
  }
  if (s->waiting != 0)
    explore_fail("cost: the wake of a dead waiter stays switched on");
}

static void inspect(void *memory) {
  if (is_end(memory))
    check_end(memory);
}

static const char *const texts[STEPS] = {
    [DONE] = "is done",
    [DEAD] = "is dead",
    [LOCK_LOOK] = "loads the slot's word",
    [LOCK_TRY] = "locks the slot",
    [OWNER_ASK] = "asks whether the slot's owner lives",
    [OWNER_WAIT] = "wakes up to try again",
    [REPAIR_TAKE] = "takes the slot from its owner",
    [CHANGE] = "changes the slot",
    [UNLOCK] = "unlocks the slot",
    [NOTIFY_LOOK] = "loads `waiting`",
    [NOTIFY_ENTRY] = "loads an entry",
    [NOTIFY_COUNT] = "adds to `changes`",
    [NOTIFY_WAKE_LIST] = "wakes who waits for the list",
    [NOTIFY_WAKE_SLOT] = "wakes who waits for the slot",
    [NOTIFY_ASK] = "asks whether the entry's owner lives",
    [TAKE_OVER] = "takes the entry over",
    [CLEAR_BIT] = "clears the entry's bit",
    [CLEAR_ENTRY] = "clears the entry",
    [CALL] = "begins to wait",
    [ENTER_LOOK] = "loads an entry, to find a free one",
    [ENTER_ASK] = "asks whether that entry's owner lives",
    [ENTER_TRY] = "takes the free entry",
    [ENTER_BIT] = "sets its bit",
    [LOAD_CHANGES] = "loads `changes`",
    [LOOK] = "loads a slot's word, for the version",
    [SETTLE_ASK] = "asks whether that slot's owner lives",
    [SLEEP] = "goes to sleep, if the word is the same",
    [ASLEEP] = "wakes by itself",
};

static void describe(const void *memory, int number, FILE *file) {
  const state *s = memory;
  const actor *me = &s->actors[number];
  fprintf(
      file, "%s %d: %s",
      scenario->roles[number].kind == WRITES ? "writer" : "waiter", number + 1,
      texts[me->pc]);
}

static void show(const void *memory, FILE *file) {
  const state *s = memory;
  for (int i = 0; i < WATCHED; i++)
    fprintf(file, "[%d token %d] ", s->words[i].count, s->words[i].token);
  fprintf(file, "waiting %d, changes %d, entries", s->waiting, s->changes);
  for (int i = 0; i < scenario->entries; i++)
    fprintf(
        file, " {token %d, what %d}", s->entries[i].token, s->entries[i].what);
  fputs(", asleep:", file);
  for (int i = 0; i < WATCHERS; i++)
    if (s->actors[i].pc == ASLEEP)
      fprintf(file, " %d (saw %d)", i + 1, s->actors[i].seen);
}

const explore_model *watch_model(
    const watch_scenario *which, watch_mutant how) {
  static const explore_model it = {
      .size = (sizeof(state) + 7) / 8 * 8,
      .actors = WATCHERS,
      .begin = begin,
      .ways = ways,
      .step = step,
      .crash = crash,
      .is_end = is_end,
      .inspect = inspect,
      .describe = describe,
      .show = show,
  };
  scenario = which;
  mutant = how;
  return &it;
}
