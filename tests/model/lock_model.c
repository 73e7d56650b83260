/* SPDX-License-Identifier: MIT */
/*
 * The lock of a list: shm/lock.c, one access a step, and the kernel's futex: a
 * wait looks at the lower half of the word and falls asleep in one step, a wake
 * wakes one of those who sleep, whichever, or all.
 *
 * How long somebody waits is not modelled: whoever waits may lose its patience,
 * or its time, at any moment. If sleeps are not sliced, sleepers wake only by a
 * wake, which shows that none is lost; the slices are for the dead alone.
 */
#include "lock_model.h"

#include <string.h>

typedef struct word {
  uint8_t owner; /* 1 + the actor, or 0 */
  uint8_t waited;
} word;

typedef struct locker {
  uint8_t pc;
  uint8_t rounds;      /* left */
  uint8_t waited;      /* W from the first sleep on */
  uint8_t reservation; /* another's, as it was seen */
  uint8_t has_lock;    /* while it cancels its reservation */
  uint8_t dead_owner;  /* from whom a looker has it, who leaves it so */
  word seen;
} locker;

typedef struct state {
  word lock;
  uint8_t reserved;
  locker lockers[LOCKERS];
  uint8_t dead;
  uint8_t deaths;
  uint8_t inside;        /* a bit for each who has the lock and lives */
  uint8_t has_died;      /* the last owner did, with the lock */
  uint8_t has_overtaken; /* a bit for each, since the reservation was made */
} state;

enum {
  DONE,
  DEAD,
  FAST_RESERVED,
  FAST_TRY,
  LOOK,
  RESERVED_LOOK,
  RESERVED_ASK,
  RESERVED_CANCEL,
  TRY,
  OWNER_ASK,
  RECOVER,
  OUT_OF_TIME,
  RESERVE,
  MARK,
  SLEEP,
  ASLEEP,
  CANCEL,
  PASS_ON,
  INSIDE,
  UNLOCK,
  WAKE_LOOK,
  WAKE_ONE,
  WAKE_ALL,
  EARLY_WAKE,
  STEPS
};

static const lock_scenario *scenario;
static lock_mutant mutant;

static uint8_t number_of(const state *s, const locker *me) {
  return (uint8_t)(1 + (me - s->lockers));
}

/* What the lower half of the word says of an owner. */
static uint8_t token_of(uint8_t number) {
  return scenario->is_process && number == 2 ? 1 : number;
}

static bool is_dead(const state *s, const locker *me, uint8_t number) {
  if (mutant == LOCK_OF_OWN_TOKEN_TAKEN &&
      token_of(number) == token_of(number_of(s, me)))
    return true;
  return (s->dead >> number & 1) != 0;
}

static bool is_looker(const state *s, const locker *me) {
  return scenario->is_looking && number_of(s, me) == LOCKERS;
}

static bool is_free(word it) {
  return it.owner == 0;
}

static bool exchange_if(state *s, word from, word to) {
  if (s->lock.owner != from.owner || s->lock.waited != from.waited)
    return false;
  s->lock = to;
  return true;
}

static void set_reserved(state *s, uint8_t number) {
  s->reserved = number;
  s->has_overtaken = 0;
}

static void begin_round(locker *me) {
  uint8_t rounds = me->rounds;
  *me = (locker){.rounds = rounds, .pc = rounds == 0 ? DONE : FAST_RESERVED};
}

static void end_round(locker *me) {
  me->rounds--;
  begin_round(me);
}

/* ---------------------------------------------------------- what must hold */

static void note_locked(state *s, locker *me, bool is_recovered) {
  uint8_t number = number_of(s, me);
  if (s->inside != 0)
    explore_fail("exclusion: two have the lock");
  if (is_recovered && !s->has_died)
    explore_fail("recovery: reported, though nobody died with the lock");
  if (!is_recovered && s->has_died)
    explore_fail("recovery: the death of the last owner is not reported");
  s->inside = (uint8_t)(1u << number);
  if (!is_looker(s, me))
    s->has_died = 0;
  if (is_recovered || s->reserved == 0 || s->reserved == number ||
      (s->dead >> s->reserved & 1) != 0)
    return;
  /* It may have looked at `reserved` before, but only once. */
  if (s->has_overtaken >> number & 1)
    explore_fail("fairness: one overtakes a reservation twice");
  s->has_overtaken |= (uint8_t)(1u << number);
}

/* ------------------------------------------------------------------- steps */

static void fast_reserved(state *s, locker *me) {
  bool is_open = s->reserved == 0 || mutant == RESERVATION_IGNORED;
  me->pc = is_open ? FAST_TRY : LOOK;
}

static void fast_try(state *s, locker *me) {
  word mine = {.owner = number_of(s, me)};
  if (exchange_if(s, (word){0}, mine)) {
    note_locked(s, me, false);
    me->pc = INSIDE;
  } else
    me->pc = LOOK;
}

static void look(state *s, locker *me) {
  me->seen = s->lock;
  me->pc = is_free(me->seen) ? RESERVED_LOOK : OWNER_ASK;
}

static void reserved_look(state *s, locker *me) {
  me->reservation = s->reserved;
  bool is_open = s->reserved == 0 || s->reserved == number_of(s, me) ||
                 mutant == RESERVATION_IGNORED;
  me->pc = is_open ? TRY : RESERVED_ASK;
  if (is_open)
    me->reservation = 0;
}

/* Way 1: it has been so for long. */
static void reserved_ask(state *s, locker *me, int way) {
  bool is_over = way == 1 || (is_dead(s, me, me->reservation) &&
                              mutant != RESERVATION_OF_DEAD_KEPT);
  me->pc = is_over ? RESERVED_CANCEL : OUT_OF_TIME;
  if (!is_over)
    me->reservation = 0;
}

static void reserved_cancel(state *s, locker *me) {
  if (s->reserved == me->reservation)
    set_reserved(s, 0);
  me->reservation = 0;
  me->pc = TRY;
}

static void locked(state *s, locker *me, bool is_recovered) {
  note_locked(s, me, is_recovered);
  bool is_left_so =
      is_recovered && is_looker(s, me) && mutant != LOCK_RECOVERED_TO_LOOK_ONLY;
  me->dead_owner = is_left_so ? me->seen.owner : 0;
  me->seen = (word){0};
  me->waited = 0;
  me->has_lock = 1;
  me->pc = CANCEL;
}

static void try(state *s, locker *me) {
  word mine = {number_of(s, me), me->waited};
  if (mutant == LOCK_W_NOT_KEPT)
    mine.waited = 0;
  if (exchange_if(s, (word){0}, mine))
    locked(s, me, false);
  else
    me->pc = LOOK;
}

static void owner_ask(state *s, locker *me) {
  bool is_over = is_dead(s, me, me->seen.owner);
  if (mutant == LOCK_OF_DEAD_WAITED_FOR)
    is_over = false;
  if (mutant == LOCK_TAKEN_FROM_THE_LIVING)
    is_over = true;
  me->pc = is_over ? RECOVER : OUT_OF_TIME;
}

static void recover(state *s, locker *me) {
  word mine = {number_of(s, me), 1};
  if (exchange_if(s, me->seen, mine))
    locked(s, me, mutant != LOCK_OF_DEAD_TAKEN_AS_FREE);
  else
    me->pc = LOOK;
}

static void give_up(locker *me) {
  me->seen = (word){0};
  me->waited = 0;
  me->pc = mutant == RESERVATION_KEPT_AFTER_GIVING_UP ? PASS_ON : CANCEL;
}

/* Way 0: go on. Way 1: reserve the lock first. Way 2: give up. */
static void out_of_time(locker *me, int way) {
  bool has_time = way != 2;
  me->waited = has_time;
  if (!has_time)
    give_up(me);
  else if (way == 1)
    me->pc = RESERVE;
  else
    me->pc = is_free(me->seen)                             ? LOOK
             : me->seen.waited || mutant == LOCK_W_NOT_SET ? SLEEP
                                                           : MARK;
}

static void reserve(state *s, locker *me) {
  if (s->reserved == 0)
    set_reserved(s, number_of(s, me));
  out_of_time(me, 0);
}

static void mark(state *s, locker *me) {
  word to = {me->seen.owner, 1};
  bool is_marked = exchange_if(s, me->seen, to);
  me->seen = is_marked ? to : (word){0};
  me->pc = is_marked ? SLEEP : LOOK;
}

static bool is_lower_half_same(word one, word other) {
  return token_of(one.owner) == token_of(other.owner) &&
         one.waited == other.waited;
}

static void fall_asleep(state *s, locker *me) {
  bool is_same = is_lower_half_same(s->lock, me->seen);
  me->seen = (word){0};
  me->pc = is_same || mutant == LOCK_SLEEPS_UNCHECKED ? ASLEEP : LOOK;
}

/* By itself. Way 0: for a look. Way 1: time is over, or a signal arrived. */
static void wake_up(locker *me, int way) {
  if (way == 0 && scenario->has_slices)
    me->pc = LOOK;
  else
    give_up(me);
}

static void cancel(state *s, locker *me) {
  if (s->reserved == number_of(s, me))
    set_reserved(s, 0);
  me->pc = me->has_lock ? INSIDE : PASS_ON;
  me->has_lock = 0;
  if (me->pc == PASS_ON && mutant == LOCK_WAKE_NOT_PASSED_ON)
    end_round(me);
}

static void leave(locker *me) {
  me->pc = mutant == LOCK_WAKES_BEFORE_UNLOCK ? EARLY_WAKE : UNLOCK;
}

static void unlock(state *s, locker *me) {
  bool is_waited = s->lock.waited != 0;
  s->lock = (word){.owner = me->dead_owner};
  s->inside &= (uint8_t) ~(1u << number_of(s, me));
  if (is_waited && mutant != LOCK_WAKES_BEFORE_UNLOCK &&
      mutant != LOCK_WAKES_NOBODY)
    me->pc = WAKE_LOOK;
  else
    end_round(me);
}

static void wake_look(state *s, locker *me) {
  bool is_all =
      s->reserved != 0 && mutant != LOCK_WAKES_ONE_DESPITE_RESERVATION;
  me->pc = is_all ? WAKE_ALL : WAKE_ONE;
}

static void wake(state *s, int from, int to) {
  for (int i = from; i < to; i++)
    if (s->lockers[i].pc == ASLEEP)
      s->lockers[i].pc = LOOK;
}

static int count_asleep(const state *s) {
  int count = 0;
  for (int i = 0; i < LOCKERS; i++)
    count += s->lockers[i].pc == ASLEEP;
  return count;
}

/* Whichever sleeper the kernel picks. */
static void wake_one(state *s, int way) {
  for (int i = 0; i < LOCKERS; i++)
    if (s->lockers[i].pc == ASLEEP && way-- == 0) {
      wake(s, i, i + 1);
      return;
    }
}

static void step(void *memory, int actor, int way) {
  state *s = memory;
  locker *me = &s->lockers[actor];
  switch (me->pc) {
  case FAST_RESERVED:
    fast_reserved(s, me);
    break;
  case FAST_TRY:
    fast_try(s, me);
    break;
  case LOOK:
    look(s, me);
    break;
  case RESERVED_LOOK:
    reserved_look(s, me);
    break;
  case RESERVED_ASK:
    reserved_ask(s, me, way);
    break;
  case RESERVED_CANCEL:
    reserved_cancel(s, me);
    break;
  case TRY:
    try(s, me);
    break;
  case OWNER_ASK:
    owner_ask(s, me);
    break;
  case RECOVER:
    recover(s, me);
    break;
  case OUT_OF_TIME:
    out_of_time(me, way);
    break;
  case RESERVE:
    reserve(s, me);
    break;
  case MARK:
    mark(s, me);
    break;
  case SLEEP:
    fall_asleep(s, me);
    break;
  case ASLEEP:
    wake_up(me, way);
    break;
  case CANCEL:
    cancel(s, me);
    break;
  case PASS_ON:
    wake_one(s, way);
    end_round(me);
    break;
  case INSIDE:
    leave(me);
    break;
  case UNLOCK:
    unlock(s, me);
    break;
  case WAKE_LOOK:
    wake_look(s, me);
    break;
  case WAKE_ONE:
    wake_one(s, way);
    end_round(me);
    break;
  case WAKE_ALL:
    wake(s, 0, LOCKERS);
    end_round(me);
    break;
  case EARLY_WAKE:
    wake(s, 0, LOCKERS);
    me->pc = UNLOCK;
    break;
  default:
    break;
  }
}

static int ways(const void *memory, int actor) {
  const state *s = memory;
  switch (s->lockers[actor].pc) {
  case DONE:
  case DEAD:
    return 0;
  case RESERVED_ASK:
    return scenario->is_polite ? 1 : 2;
  case OUT_OF_TIME:
    return scenario->gives_up ? 3 : 2;
  case ASLEEP:
    /* Of slices alone, way 0; of giving up alone, way 0 is that. */
    return scenario->has_slices + scenario->gives_up;
  case PASS_ON:
  case WAKE_ONE:
    return count_asleep(s) > 1 ? count_asleep(s) : 1;
  default:
    return 1;
  }
}

static bool is_luck(const void *memory, int actor, int way) {
  const state *s = memory;
  uint8_t pc = s->lockers[actor].pc;
  bool gives_up_asleep = pc == ASLEEP && !(way == 0 && scenario->has_slices);
  return gives_up_asleep || (pc == OUT_OF_TIME && way == 2);
}

/* -------------------------------------------------------------------- model */

static void begin(void *memory) {
  state *s = memory;
  for (int i = 0; i < LOCKERS; i++) {
    s->lockers[i].rounds = scenario->rounds[i];
    begin_round(&s->lockers[i]);
  }
}

static bool crash(void *memory, int actor) {
  state *s = memory;
  uint8_t token = token_of((uint8_t)(actor + 1));
  if (s->deaths == scenario->deaths || s->lockers[actor].pc == DONE ||
      s->lockers[actor].pc == DEAD)
    return false;
  for (uint8_t i = 0; i < LOCKERS; i++) {
    uint8_t number = (uint8_t)(i + 1);
    if (token_of(number) != token)
      continue;
    s->lockers[i] = (locker){.pc = DEAD};
    s->dead |= (uint8_t)(1u << number);
    s->inside &= (uint8_t) ~(1u << number);
    if (s->lock.owner == number)
      s->has_died = 1;
  }
  s->deaths++;
  return true;
}

static bool is_end(const void *memory) {
  const state *s = memory;
  for (int i = 0; i < LOCKERS; i++)
    if (s->lockers[i].pc != DONE && s->lockers[i].pc != DEAD)
      return false;
  return true;
}

static const char *const texts[STEPS] = {
    [DONE] = "is done",
    [DEAD] = "is dead",
    [FAST_RESERVED] = "loads `reserved`, before the fast way",
    [FAST_TRY] = "takes the lock the fast way",
    [LOOK] = "loads the lock",
    [RESERVED_LOOK] = "loads `reserved`",
    [RESERVED_ASK] = "asks whether the reservation's owner lives",
    [RESERVED_CANCEL] = "cancels another's reservation",
    [TRY] = "takes the free lock",
    [OWNER_ASK] = "asks whether the lock's owner lives",
    [RECOVER] = "takes the lock from its owner",
    [OUT_OF_TIME] = "looks at the time",
    [RESERVE] = "reserves the lock",
    [MARK] = "sets W",
    [SLEEP] = "goes to sleep, if the word is the same",
    [ASLEEP] = "wakes by itself",
    [CANCEL] = "cancels its reservation",
    [PASS_ON] = "gives up, and passes a wake on",
    [INSIDE] = "has the lock",
    [UNLOCK] = "unlocks",
    [WAKE_LOOK] = "loads `reserved`, to wake",
    [WAKE_ONE] = "wakes one",
    [WAKE_ALL] = "wakes all",
    [EARLY_WAKE] = "wakes all, before it unlocks",
};

static void describe(const void *memory, int actor, FILE *file) {
  const state *s = memory;
  fprintf(file, "locker %d: %s", actor + 1, texts[s->lockers[actor].pc]);
}

static void show(const void *memory, FILE *file) {
  const state *s = memory;
  fprintf(
      file, "[owner %d%s] reserved %d, asleep:", s->lock.owner,
      s->lock.waited ? " W" : "", s->reserved);
  for (int i = 0; i < LOCKERS; i++)
    if (s->lockers[i].pc == ASLEEP)
      fprintf(file, " %d", i + 1);
}

const explore_model *lock_model(const lock_scenario *which, lock_mutant how) {
  static const explore_model it = {
      .size = (sizeof(state) + 7) / 8 * 8,
      .actors = LOCKERS,
      .begin = begin,
      .ways = ways,
      .step = step,
      .is_luck = is_luck,
      .crash = crash,
      .is_end = is_end,
      .describe = describe,
      .show = show,
  };
  scenario = which;
  mutant = how;
  return &it;
}
