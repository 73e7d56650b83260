/* SPDX-License-Identifier: MIT */
/*
 * A slot's sequence word, the records, two writers and a reader: what
 * shm/item.c, sequence.c, record.c and snapshot.c do, one access a step.
 *
 * Values are a format and one or two data words: an integer has one, a string
 * has two that are equal, so that a mixture of two values is no value. What a
 * slot ought to hold is kept beside it, in `ideal`: it changes in the step that
 * is said to make the change, which is the store for a number in place and the
 * lock for a value in a record.
 */
#include "slot_model.h"

#include <string.h>

enum { INT = 0, STRING = 1, STRINGS_FROM = 5, LAST_STRING = 7 };
enum { SOLO_STEPS = 64, REPAIR_STEPS = 300 };

typedef struct word {
  uint8_t count, waited, record, token; /* record: 1 + its number, or 0 */
} word;

typedef struct value {
  uint8_t format, first, second;
} value;

typedef struct record {
  uint8_t claim, item;
  value value;
} record;

typedef struct writer {
  uint8_t pc;
  uint8_t token;
  uint8_t operation; /* how many are done */
  uint8_t record;    /* 1 + the number of the one that is claimed, or 0 */
  uint8_t number;    /* of the one to claim next */
  uint8_t claim;     /* the word of another's */
  uint8_t target;    /* the slot that is being finished */
  uint8_t applied;   /* with this record */
  uint8_t count;     /* of that slot, as it was locked */
  uint8_t held;      /* a loaded word */
  uint8_t format;    /* another */
  uint8_t waited;    /* slept before */
  uint8_t by_record; /* the value does not go in place */
  uint8_t back;      /* where to go on after a repair */
  word seen;
} writer;

typedef struct look {
  word seen;
  uint8_t first;
  value got;
} look;

typedef struct reader {
  uint8_t pc;
  uint8_t gets; /* left */
  uint8_t slot;
  uint8_t is_damaged;
  look looks[SLOTS];
  uint8_t possible[8]; /* what may be got: a bit for each pair of values */
} reader;

typedef struct state {
  word words[SLOTS];
  value area[SLOTS];
  value ideal[SLOTS];
  record records[RECORDS];
  writer writers[WRITERS];
  reader reader;
  uint8_t dead; /* a bit for each token */
  uint8_t deaths;
} state;

static const slot_scenario *scenario;
static slot_mutant mutant;

/* ------------------------------------------------------------------- values */

static bool is_value(value it) {
  return it.format == INT ? it.first < STRINGS_FROM
                          : it.first >= STRINGS_FROM && it.first == it.second;
}

static bool is_same(value one, value other) {
  return one.format == other.format && one.first == other.first;
}

static value value_of(const operation *it) {
  return it->kind == SET_STRING ? (value){STRING, it->operand, it->operand}
                                : (value){INT, it->operand, 0};
}

/* The number in a valid value's first word tells all values apart. */
static void note_possible(state *s) {
  if (scenario->is_snapshot)
    s->reader.possible[s->ideal[1].first] |= (uint8_t)(1u << s->ideal[0].first);
  else
    s->reader.possible[0] |= (uint8_t)(1u << s->ideal[s->reader.slot].first);
}

static void make_ideal(state *s, int slot, value it) {
  s->ideal[slot] = it;
  note_possible(s);
}

/* -------------------------------------------------------------------- words */

static bool is_equal(word one, word other) {
  return memcmp(&one, &other, sizeof one) == 0;
}

static bool is_locked(word it) {
  return it.waited != 0 || it.record != 0 || it.token != 0;
}

static bool exchange_if(word *it, word from, word to) {
  if (!is_equal(*it, from))
    return false;
  *it = to;
  return true;
}

static bool is_dead(const state *s, const writer *me, uint8_t token) {
  if (mutant == LIVENESS_NOT_ASKED)
    return token != me->token;
  if (mutant == DEAD_OWNER_WAITED_FOR)
    return false;
  if (mutant == OWN_TOKEN_TAKEN_FOR_DEAD && token == me->token)
    return true;
  return (s->dead >> token & 1) != 0;
}

/* ------------------------------------------------------------------ writers */

enum {
  DONE,
  DEAD,
  PEEK,
  CLAIM,
  CLAIM_LOOK,
  CLAIM_ASK,
  CLAIM_ITEM,
  CLAIM_REFERENCE,
  CLAIM_TAKE,
  FILL_FIRST,
  FILL_SECOND,
  FILL_ITEM,
  FILL_FORMAT,
  LOCK_LOOK,
  LOCK_TRY,
  GIVE_BACK,
  BUSY_LOOK,
  OWNER_ASK,
  BUSY_MARK,
  BUSY_SLEEP,
  REPAIR_TAKE,
  APPLY_ITEM,
  APPLY_FORMAT,
  APPLY_LOAD_FIRST,
  APPLY_STORE_FIRST,
  APPLY_LOAD_SECOND,
  APPLY_STORE_SECOND,
  APPLY_STORE_FORMAT,
  FINISH,
  RELEASE,
  REPAIR_RELEASE,
  TYPE_CHECK,
  ADD_LOAD,
  STORE,
  UNLOCK,
  FAULTY_FORMAT,
  WRITER_STEPS
};

static const operation *operation_of(const state *s, const writer *me) {
  /* Of no writer: what a survivor does in the end. */
  static const operation last[SLOTS] = {
      {SET_STRING, 0, LAST_STRING}, {SET_STRING, 1, LAST_STRING}};
  return me->token > WRITERS
             ? &last[me->operation]
             : &scenario->operations[me - s->writers][me->operation];
}

static void begin_operation(const state *s, writer *me) {
  writer next = {.token = me->token, .operation = me->operation};
  bool is_over = me->token > WRITERS ? me->operation == SLOTS
                                     : me->operation == OPERATIONS ||
                                           operation_of(s, me)->kind == 0;
  if (is_over)
    next = (writer){.pc = DONE, .token = me->token};
  else {
    uint8_t kind = operation_of(s, me)->kind;
    next.pc = kind == SET_INT ? PEEK : kind == ADD ? LOCK_LOOK : CLAIM;
    next.number = (uint8_t)(me->token % scenario->records);
    next.target = operation_of(s, me)->slot;
  }
  *me = next;
}

static void end_operation(const state *s, writer *me) {
  me->operation++;
  begin_operation(s, me);
}

static uint8_t slot_of(const state *s, const writer *me) {
  return operation_of(s, me)->slot;
}

static void peek(state *s, writer *me) {
  bool is_number = s->area[slot_of(s, me)].format == INT;
  me->pc = is_number || mutant == TYPE_CHANGED_IN_PLACE ? LOCK_LOOK : CLAIM;
}

/* ------------------------------------------------------- claiming a record */

static void claim_next(writer *me) {
  me->number = (uint8_t)((me->number + 1) % scenario->records);
  me->claim = 0;
  me->pc = CLAIM;
}

static void claimed(writer *me) {
  me->back = 0;
  me->record = me->number + 1;
  me->claim = 0;
  me->target = 0;
  me->seen = (word){0};
  me->pc = mutant == LOCKED_BEFORE_FILLED ? LOCK_LOOK : FILL_FIRST;
}

static void claim(state *s, writer *me) {
  me->by_record = 1;
  me->seen = (word){0};
  me->target = 0;
  if (s->records[me->number].claim != 0) {
    me->pc = CLAIM_LOOK;
    return;
  }
  s->records[me->number].claim = me->token;
  claimed(me);
}

static void claim_look(state *s, writer *me) {
  me->claim = s->records[me->number].claim;
  if (me->claim == 0)
    claim_next(me);
  else
    me->pc = mutant == CLAIM_REFERENCE_LOOKED_AT_FIRST ? CLAIM_ITEM : CLAIM_ASK;
}

static void claim_ask(state *s, writer *me) {
  if (!is_dead(s, me, me->claim) || mutant == CLAIM_OF_DEAD_KEPT)
    claim_next(me);
  else if (
      mutant == CLAIM_TAKEN_THOUGH_REFERRED ||
      mutant == CLAIM_REFERENCE_LOOKED_AT_FIRST)
    me->pc = CLAIM_TAKE;
  else
    me->pc = CLAIM_ITEM;
}

static void claim_item(state *s, writer *me) {
  me->target = s->records[me->number].item;
  me->pc = CLAIM_REFERENCE;
}

static void claim_reference(state *s, writer *me) {
  me->seen = s->words[me->target];
  me->back = CLAIM;
  if (me->seen.record == me->number + 1)
    me->pc = OWNER_ASK;
  else
    me->pc = mutant == CLAIM_REFERENCE_LOOKED_AT_FIRST ? CLAIM_ASK : CLAIM_TAKE;
}

static void claim_take(state *s, writer *me) {
  if (s->records[me->number].claim != me->claim) {
    me->pc = CLAIM;
    return;
  }
  s->records[me->number].claim = me->token;
  claimed(me);
}

/* -------------------------------------------------------- filling a record */

static record *mine(state *s, const writer *me) {
  return &s->records[me->record - 1];
}

static void filled(writer *me) {
  me->pc = mutant == LOCKED_BEFORE_FILLED ? APPLY_ITEM : LOCK_LOOK;
}

static void fill_first(state *s, writer *me) {
  value it = value_of(operation_of(s, me));
  mine(s, me)->value.first = it.first;
  me->pc = it.format == STRING ? FILL_SECOND : FILL_ITEM;
}

static void fill_second(state *s, writer *me) {
  mine(s, me)->value.second = value_of(operation_of(s, me)).second;
  me->pc = FILL_ITEM;
}

static void fill_item(state *s, writer *me) {
  if (mutant != ITEM_FILLED_LAST)
    mine(s, me)->item = slot_of(s, me);
  me->pc = FILL_FORMAT;
}

static void fill_format(state *s, writer *me) {
  mine(s, me)->value.format = value_of(operation_of(s, me)).format;
  filled(me);
}

/* ----------------------------------------------------------------- locking */

static void locked(state *s, writer *me) {
  me->target = slot_of(s, me);
  me->applied = me->record;
  me->seen = (word){0};
  me->waited = me->by_record = 0;
  me->back = 0;
  if (me->record == 0) {
    me->pc = TYPE_CHECK;
    return;
  }
  make_ideal(s, me->target, value_of(operation_of(s, me)));
  me->pc = mutant == LOCKED_BEFORE_FILLED ? FILL_FIRST : APPLY_ITEM;
}

static void lock_look(state *s, writer *me) {
  me->count = s->words[slot_of(s, me)].count;
  me->pc = LOCK_TRY;
}

static void lock_try(state *s, writer *me) {
  word from = {.count = me->count};
  word to = {me->count, me->waited, me->record, me->token};
  if (exchange_if(&s->words[slot_of(s, me)], from, to))
    locked(s, me);
  else
    me->pc = me->record != 0 ? GIVE_BACK : BUSY_LOOK;
}

/* Others need it while this one waits. */
static void give_back(state *s, writer *me) {
  s->records[me->record - 1].claim = 0;
  me->record = 0;
  me->pc = BUSY_LOOK;
}

static void busy_look(state *s, writer *me) {
  me->seen = s->words[slot_of(s, me)];
  me->target = slot_of(s, me);
  me->count = 0;
  me->back = BUSY_LOOK;
  if (is_locked(me->seen)) {
    me->pc = OWNER_ASK;
    return;
  }
  me->seen = (word){0};
  me->back = 0;
  me->pc = me->by_record ? CLAIM : LOCK_LOOK;
}

static void owner_ask(state *s, writer *me) {
  if (is_dead(s, me, me->seen.token))
    me->pc = REPAIR_TAKE;
  else if (me->back == CLAIM)
    claim_next(me);
  else
    me->pc = me->seen.waited ? BUSY_SLEEP : BUSY_MARK;
}

static void busy_mark(state *s, writer *me) {
  word to = me->seen;
  to.waited = 1;
  bool is_marked = exchange_if(&s->words[slot_of(s, me)], me->seen, to);
  me->seen.waited = 1;
  me->pc = is_marked ? BUSY_SLEEP : BUSY_LOOK;
}

/* It may wake at any time; it is of use when something has changed. */
static bool is_worth_waking(const state *s, const writer *me) {
  return !is_equal(s->words[slot_of(s, me)], me->seen) ||
         is_dead(s, me, me->seen.token);
}

static void busy_sleep(state *s, writer *me) {
  (void)s;
  me->waited = 1;
  me->pc = BUSY_LOOK;
}

/* --------------------------------------------------------------- finishing */

static void repair_take(state *s, writer *me) {
  word to = {me->seen.count, 1, me->seen.record, me->token};
  if (mutant == REPAIR_FORGETS_RECORD)
    to.record = 0;
  if (!exchange_if(&s->words[me->target], me->seen, to)) {
    me->pc = me->back;
    return;
  }
  me->count = me->seen.count;
  me->applied = me->seen.record;
  me->claim = me->applied == 0 ? 0 : s->records[me->applied - 1].claim;
  if (mutant == REPAIR_DOES_NOT_APPLY)
    me->applied = 0;
  me->pc = me->applied == 0 ? FINISH : APPLY_ITEM;
}

static record *source(state *s, const writer *me) {
  return &s->records[me->applied - 1];
}

static void apply_item(state *s, writer *me) {
  bool is_ours =
      source(s, me)->item == me->target || mutant == ITEM_FILLED_LAST;
  me->pc = is_ours ? APPLY_FORMAT : FINISH;
}

static void apply_format(state *s, writer *me) {
  me->format = source(s, me)->value.format;
  me->pc = APPLY_LOAD_FIRST;
}

static void apply_load_first(state *s, writer *me) {
  me->held = source(s, me)->value.first;
  me->pc = APPLY_STORE_FIRST;
}

static void apply_store_first(state *s, writer *me) {
  s->area[me->target].first = me->held;
  me->held = 0;
  me->pc = me->format == STRING ? APPLY_LOAD_SECOND : APPLY_STORE_FORMAT;
}

static void apply_load_second(state *s, writer *me) {
  me->held = source(s, me)->value.second;
  me->pc = APPLY_STORE_SECOND;
}

static void apply_store_second(state *s, writer *me) {
  s->area[me->target].second = me->held;
  me->held = 0;
  me->pc = APPLY_STORE_FORMAT;
}

static void apply_store_format(state *s, writer *me) {
  s->area[me->target].format = me->format;
  me->format = 0;
  bool is_own = me->back == 0;
  me->pc = mutant == RELEASED_BEFORE_UNLOCKED && is_own ? RELEASE : FINISH;
}

static void finish(state *s, writer *me) {
  word to = {.count = (uint8_t)(me->count + 1)};
  if (mutant == UNLOCKED_WITHOUT_COUNTING)
    to.count = me->count;
  s->words[me->target] = to;
  uint8_t applied = me->applied;
  me->count = me->target = me->applied = 0;
  if (me->back != 0) {
    bool releases = mutant == REPAIR_RELEASES_BLINDLY && applied != 0;
    me->number = releases ? applied - 1 : me->number;
    me->pc = releases ? REPAIR_RELEASE : me->back;
    me->claim = 0;
    me->seen = (word){0};
  } else if (me->record != 0)
    me->pc = RELEASE;
  else
    end_operation(s, me);
}

static void release(state *s, writer *me) {
  mine(s, me)->claim = 0;
  if (mutant == RELEASED_BEFORE_UNLOCKED) {
    me->record = 0;
    me->pc = FINISH;
  } else
    end_operation(s, me);
}

/* What the repairer must not do: by now the record may be another one's. */
static void repair_release(state *s, writer *me) {
  s->records[me->number].claim = 0;
  me->pc = me->back;
}

/* ---------------------------------------------------------------- in place */

static void type_check(state *s, writer *me) {
  bool is_number = s->area[me->target].format == INT;
  uint8_t kind = operation_of(s, me)->kind;
  if (!is_number && s->ideal[me->target].format == INT)
    explore_fail("refusal: a number is there, and is not found");
  if (!is_number && mutant != TYPE_CHECKED_BEFORE_LOCK_ONLY &&
      mutant != TYPE_CHANGED_IN_PLACE)
    me->pc = UNLOCK;
  else
    me->pc = kind == ADD ? ADD_LOAD : STORE;
}

static void add_load(state *s, writer *me) {
  me->held = s->area[me->target].first;
  me->pc = STORE;
}

static void store(state *s, writer *me) {
  const operation *it = operation_of(s, me);
  value after = value_of(it);
  value ideal = after;
  if (it->kind == ADD) {
    after.first = (uint8_t)(me->held + it->operand);
    ideal.first = (uint8_t)(s->ideal[me->target].first + it->operand);
    if (!is_same(after, ideal))
      explore_fail("counting: an increment is lost or applied twice");
  }
  s->area[me->target].first = after.first;
  make_ideal(s, me->target, ideal);
  me->held = 0;
  me->pc = mutant == TYPE_CHANGED_IN_PLACE ? FAULTY_FORMAT : FINISH;
}

static void faulty_format(state *s, writer *me) {
  s->area[me->target].format = INT;
  me->pc = FINISH;
}

static void unlock(state *s, writer *me) {
  s->words[me->target] = (word){.count = me->count};
  me->count = me->target = 0;
  if (operation_of(s, me)->kind == SET_INT)
    me->pc = CLAIM;
  else
    end_operation(s, me);
}

static const struct {
  const char *text;
  void (*step)(state *s, writer *me);
} writer_steps[WRITER_STEPS] = {
    [DONE] = {"is done", NULL},
    [DEAD] = {"is dead", NULL},
    [PEEK] = {"loads the slot's format", peek},
    [CLAIM] = {"claims a free record", claim},
    [CLAIM_LOOK] = {"loads the claim of the record", claim_look},
    [CLAIM_ASK] = {"asks whether its claimer lives", claim_ask},
    [CLAIM_ITEM] = {"loads the record's item", claim_item},
    [CLAIM_REFERENCE] = {"loads that slot's word", claim_reference},
    [CLAIM_TAKE] = {"takes the record from its claimer", claim_take},
    [FILL_FIRST] = {"fills the record's first word", fill_first},
    [FILL_SECOND] = {"fills the record's second word", fill_second},
    [FILL_ITEM] = {"fills the record's item", fill_item},
    [FILL_FORMAT] = {"fills the record's format", fill_format},
    [LOCK_LOOK] = {"loads the slot's word", lock_look},
    [LOCK_TRY] = {"locks the slot", lock_try},
    [GIVE_BACK] = {"gives the record back, to wait", give_back},
    [BUSY_LOOK] = {"loads the word of the busy slot", busy_look},
    [OWNER_ASK] = {"asks whether the slot's owner lives", owner_ask},
    [BUSY_MARK] = {"sets W", busy_mark},
    [BUSY_SLEEP] = {"wakes up", busy_sleep},
    [REPAIR_TAKE] = {"takes the slot from its owner", repair_take},
    [APPLY_ITEM] = {"loads the item to apply", apply_item},
    [APPLY_FORMAT] = {"loads the format to apply", apply_format},
    [APPLY_LOAD_FIRST] = {"loads the first word to apply", apply_load_first},
    [APPLY_STORE_FIRST] = {"stores the first word", apply_store_first},
    [APPLY_LOAD_SECOND] = {"loads the second word to apply", apply_load_second},
    [APPLY_STORE_SECOND] = {"stores the second word", apply_store_second},
    [APPLY_STORE_FORMAT] = {"stores the format", apply_store_format},
    [FINISH] = {"unlocks the slot, changed", finish},
    [RELEASE] = {"gives the record back", release},
    [REPAIR_RELEASE] = {"gives the dead one's record back", repair_release},
    [TYPE_CHECK] = {"loads the locked slot's format", type_check},
    [ADD_LOAD] = {"loads the number", add_load},
    [STORE] = {"stores the number", store},
    [FAULTY_FORMAT] = {"stores the format in place", faulty_format},
    [UNLOCK] = {"unlocks the slot, unchanged", unlock},
};

/* ------------------------------------------------------------------- reader */

enum {
  READ_DONE,
  READ_WORD,
  READ_ITEM,
  READ_FORMAT,
  READ_ONCE,
  READ_FIRST,
  READ_SECOND,
  READ_AGAIN,
  RECHECK_FIRST,
  RECHECK_WORD,
  READER_STEPS
};

static const char *const reader_texts[READER_STEPS] = {
    [READ_DONE] = "is done",
    [READ_WORD] = "loads the slot's word",
    [READ_ITEM] = "loads the record's item",
    [READ_FORMAT] = "loads the format",
    [READ_ONCE] = "loads the first word, to compare it later",
    [READ_FIRST] = "loads the first word",
    [READ_SECOND] = "loads the second word",
    [READ_AGAIN] = "loads the slot's word again",
    [RECHECK_FIRST] = "compares the first word",
    [RECHECK_WORD] = "compares the slot's word",
};

static void begin_get(reader *me) {
  uint8_t gets = me->gets;
  uint8_t slot = scenario->is_snapshot ? 0 : gets % SLOTS;
  /* Slot 1 is of interest only if somebody writes there. */
  bool is_used = false;
  for (int i = 0; i < WRITERS; i++)
    for (int j = 0; j < OPERATIONS; j++)
      is_used |= scenario->operations[i][j].slot == 1;
  memset(me, 0, sizeof *me);
  me->gets = gets;
  me->slot = is_used ? slot : 0;
  me->pc = gets == 0 ? READ_DONE : READ_WORD;
}

/* A get that has ended. */
static void judge_get(reader *me) {
  value got = me->looks[me->slot].got;
  if (me->is_damaged)
    explore_fail("reading: a record that is not the slot's");
  else if (!is_value(got))
    explore_fail("reading: a torn value");
  else if (!(me->possible[0] >> got.first & 1))
    explore_fail("reading: not the slot's value at any moment of the call");
  me->gets--;
  begin_get(me);
}

static void judge_snapshot(reader *me) {
  value one = me->looks[0].got, other = me->looks[1].got;
  if (me->is_damaged || !is_value(one) || !is_value(other))
    explore_fail("snapshot: a torn value");
  else if (!(me->possible[other.first] >> one.first & 1))
    explore_fail("snapshot: two values that never stood together");
  me->gets--;
  begin_get(me);
}

static const value *place_to_read(const state *s, const look *it, int slot) {
  if (it->seen.record == 0 || mutant == READER_IGNORES_RECORD)
    return &s->area[slot];
  return &s->records[it->seen.record - 1].value;
}

static bool is_word_same(const state *s, const look *it, int slot) {
  word now = s->words[slot];
  now.waited = it->seen.waited;
  return is_equal(now, it->seen);
}

static void after_value(reader *me) {
  me->pc = READ_AGAIN;
  if (mutant == READER_LOOKS_ONCE && !scenario->is_snapshot)
    judge_get(me);
}

static void read_word(state *s, reader *me, look *it) {
  if (!scenario->is_snapshot || me->slot == 0) {
    memset(me->possible, 0, sizeof me->possible);
    note_possible(s);
  }
  me->is_damaged = 0;
  *it = (look){.seen = s->words[me->slot]};
  if (mutant == READER_WAITS_FOR_OWNER && is_locked(it->seen))
    return;
  me->pc = it->seen.record == 0 || mutant == READER_IGNORES_RECORD ? READ_FORMAT
                                                                   : READ_ITEM;
}

static void read_again(const state *s, reader *me, const look *it) {
  if (!is_word_same(s, it, me->slot))
    me->pc = READ_WORD;
  else if (!scenario->is_snapshot)
    judge_get(me);
  else if (me->slot == 0) {
    me->slot = 1;
    me->pc = READ_WORD;
  } else {
    me->slot = 0;
    me->pc = RECHECK_FIRST;
  }
}

static void restart_snapshot(reader *me) {
  begin_get(me);
}

static void recheck_word(const state *s, reader *me, const look *it) {
  if (!is_word_same(s, it, me->slot))
    restart_snapshot(me);
  else if (me->slot == 1)
    judge_snapshot(me);
  else {
    me->slot = 1;
    me->pc = RECHECK_FIRST;
  }
}

static void recheck_first(const state *s, reader *me, const look *it) {
  bool is_in_place = is_locked(it->seen) && it->seen.record == 0;
  if (!is_in_place || mutant == SNAPSHOT_TRUSTS_WORD)
    recheck_word(s, me, it); /* no access: the next one at once */
  else if (s->area[me->slot].first != it->first)
    restart_snapshot(me);
  else
    me->pc = RECHECK_WORD;
}

static uint8_t pc_after_format(void) {
  bool is_early = scenario->is_snapshot && mutant != SNAPSHOT_LOADS_FIRST_LATE;
  return is_early ? READ_ONCE : READ_FIRST;
}

static void step_reader(state *s, reader *me) {
  look *it = &me->looks[me->slot];
  const value *from = place_to_read(s, it, me->slot);
  bool is_late = mutant == SNAPSHOT_LOADS_FIRST_LATE && scenario->is_snapshot;
  switch (me->pc) {
  case READ_WORD:
    read_word(s, me, it);
    break;
  case READ_ITEM:
    me->is_damaged = s->records[it->seen.record - 1].item != me->slot &&
                     mutant != ITEM_FILLED_LAST;
    me->pc = READ_FORMAT;
    break;
  case READ_FORMAT:
    it->got.format = from->format;
    me->pc = pc_after_format();
    break;
  case READ_ONCE:
    it->first = s->area[me->slot].first;
    if (is_late)
      after_value(me);
    else
      me->pc = READ_FIRST;
    break;
  case READ_FIRST:
    it->got.first = from->first;
    if (it->got.format == STRING)
      me->pc = READ_SECOND;
    else if (is_late)
      me->pc = READ_ONCE;
    else
      after_value(me);
    break;
  case READ_SECOND:
    it->got.second = from->second;
    if (is_late)
      me->pc = READ_ONCE;
    else
      after_value(me);
    break;
  case READ_AGAIN:
    read_again(s, me, it);
    break;
  case RECHECK_FIRST:
    recheck_first(s, me, it);
    break;
  case RECHECK_WORD:
    recheck_word(s, me, it);
    break;
  default:
    break;
  }
}

/* -------------------------------------------------------------------- model */

enum { READER = WRITERS };

static void begin(void *memory) {
  state *s = memory;
  for (int i = 0; i < SLOTS; i++)
    if (scenario->is_string)
      s->area[i] = (value){STRING, STRINGS_FROM, STRINGS_FROM};
  memcpy(s->ideal, s->area, sizeof s->ideal);
  for (int i = 0; i < WRITERS; i++) {
    bool is_shared = scenario->is_process && i == 1;
    s->writers[i].token = is_shared ? 1 : (uint8_t)(i + 1);
    begin_operation(s, &s->writers[i]);
  }
  s->reader.gets = scenario->gets;
  begin_get(&s->reader);
}

static int ways(const void *memory, int actor) {
  const state *s = memory;
  if (actor == READER)
    return s->reader.pc != READ_DONE;
  const writer *me = &s->writers[actor];
  if (me->pc == BUSY_SLEEP)
    return is_worth_waking(s, me);
  return me->pc != DONE && me->pc != DEAD;
}

static void step(void *memory, int actor, int way) {
  state *s = memory;
  (void)way;
  if (actor == READER)
    step_reader(s, &s->reader);
  else
    writer_steps[s->writers[actor].pc].step(s, &s->writers[actor]);
}

/* The reader leaves no trace in what is shared: its death is of no interest. */
static bool crash(void *memory, int actor) {
  state *s = memory;
  if (actor == READER || s->deaths == scenario->deaths)
    return false;
  uint8_t token = s->writers[actor].token;
  if (s->writers[actor].pc == DONE || (s->dead >> token & 1) != 0)
    return false;
  for (int i = 0; i < WRITERS; i++)
    if (s->writers[i].token == token)
      s->writers[i] = (writer){.pc = DEAD, .token = token};
  s->dead |= (uint8_t)(1u << token);
  s->deaths++;
  return true;
}

static bool is_end(const void *memory) {
  const state *s = memory;
  for (int i = 0; i < WRITERS; i++)
    if (s->writers[i].pc != DONE && s->writers[i].pc != DEAD)
      return false;
  return s->reader.pc == READ_DONE;
}

/* --------------------------------------------------- what holds in each state
 */

/* The reader alone comes to the end of its call, whatever the writers left. */
static void check_reader_alone(state *s) {
  uint8_t gets = s->reader.gets;
  for (int i = 0; i < SOLO_STEPS; i++) {
    if (s->reader.gets != gets || s->reader.pc == READ_DONE)
      return;
    step_reader(s, &s->reader);
  }
  explore_fail("waiting: the reader waits for somebody");
}

static void read_alone(state *s, uint8_t slot) {
  memset(&s->reader, 0, sizeof s->reader);
  s->reader.gets = 1;
  s->reader.slot = slot;
  s->reader.pc = READ_WORD;
  check_reader_alone(s);
}

static bool run_alone(state *s, writer *me) {
  for (int i = 0; i < REPAIR_STEPS; i++) {
    if (me->pc == DONE)
      return true;
    if (me->pc == BUSY_SLEEP && !is_worth_waking(s, me))
      return false;
    writer_steps[me->pc].step(s, me);
  }
  return false;
}

/* Each record can be claimed once more. */
static bool can_claim_all(state *s, writer *me) {
  for (uint8_t number = 0; number < scenario->records; number++) {
    *me = (writer){.pc = CLAIM, .token = WRITERS + 1, .number = number};
    for (int i = 0; me->record == 0; i++) {
      if (i == REPAIR_STEPS)
        return false;
      writer_steps[me->pc].step(s, me);
    }
  }
  return true;
}

/* All have come to an end. A survivor reads, writes, reads, and finds nothing
 * missing. */
static void check_end(state *s) {
  const slot_scenario *as_it_was = scenario;
  slot_scenario plain = *scenario;
  plain.is_snapshot = false;
  scenario = &plain;
  for (uint8_t i = 0; i < SLOTS; i++)
    read_alone(s, i);
  writer *me = &s->writers[0];
  *me = (writer){.token = WRITERS + 1};
  begin_operation(s, me);
  if (!run_alone(s, me))
    explore_fail("repair: a survivor cannot write to the slot");
  for (uint8_t i = 0; i < SLOTS; i++) {
    read_alone(s, i);
    if (is_locked(s->words[i]) || !is_same(s->area[i], s->ideal[i]))
      explore_fail("repair: what a survivor wrote is not there");
  }
  if (!explore_has_failed() && !can_claim_all(s, me))
    explore_fail("records: one is lost for ever");
  scenario = as_it_was;
}

static void inspect(void *memory) {
  state *s = memory;
  if (is_end(s))
    check_end(s);
  else if (s->reader.pc != READ_DONE)
    check_reader_alone(s);
}

/* ------------------------------------------------------------------ telling */

static void describe(const void *memory, int actor, FILE *file) {
  const state *s = memory;
  if (actor == READER)
    fprintf(
        file, "reader, slot %d: %s", s->reader.slot,
        reader_texts[s->reader.pc]);
  else
    fprintf(
        file, "writer %d, call %d: %s", actor + 1,
        s->writers[actor].operation + 1,
        writer_steps[s->writers[actor].pc].text);
}

static void show_value(value it, FILE *file) {
  if (it.format == INT)
    fprintf(file, "int %d", it.first);
  else
    fprintf(file, "string %d%d", it.first, it.second);
}

static void show(const void *memory, FILE *file) {
  const state *s = memory;
  for (int i = 0; i < SLOTS; i++) {
    word it = s->words[i];
    fprintf(
        file, "[%d%s record %d token %d: ", it.count, it.waited ? " W" : "",
        it.record, it.token);
    show_value(s->area[i], file);
    fputs("] ", file);
  }
  for (int i = 0; i < scenario->records; i++) {
    fprintf(
        file, "(claim %d item %d: ", s->records[i].claim, s->records[i].item);
    show_value(s->records[i].value, file);
    fputs(") ", file);
  }
}

const explore_model *slot_model(const slot_scenario *which, slot_mutant how) {
  static const explore_model it = {
      .size = (sizeof(state) + 7) / 8 * 8,
      .actors = WRITERS + 1,
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
