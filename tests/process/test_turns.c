/* SPDX-License-Identifier: MIT */
/*
 * Another's turn between any two instructions. A process makes one call, is
 * held after each of its instructions in turn, and meanwhile somebody else does
 * something to the same list; then it goes on. Both calls must have done what
 * they would have done one after the other, and who waits must be woken.
 */
#include "stepper.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { LEFT, RIGHT, SLOTS, CAPACITY = 40, SKIPPED = 77 };

static const int64_t patience = 5000000000, moment = 1000000;

/* --------------------------------------------------------------- the list */

static const char *name;
static polyshm_list *ours;   /* the test's handle */
static polyshm_list *theirs; /* that of the process that is led */
static void *bytes;          /* the block's */
static uint64_t size;

static int make_list(void **state) {
  (void)state;
  const polyshm_value values[SLOTS] = {int_value(0), int_value(0)};
  const polyshm_list_options options = {
      .struct_size = sizeof options, .slot_capacity = CAPACITY};
  name = fresh_name();
  assert_ok(polyshm_list_create(name, values, SLOTS, 0, &options, &ours));
  assert_ok(polyshm_list_timeout(ours, moment));
  assert_ok(polyshm_block_pin(polyshm_list_block(ours), &bytes, &size));
  return 0;
}

static int drop_list(void **state) {
  (void)state;
  polyshm_block_unpin(polyshm_list_block(ours));
  polyshm_list_free(ours);
  return polyshm_unlink(name);
}

static void set(uint64_t slot, polyshm_value value) {
  assert_ok(polyshm_list_set(ours, slot, &value));
}

static void set_up(void) {
  set(LEFT, int_value(40));
  set(RIGHT, int_value(40));
}

static void set_up_text(void) {
  set(LEFT, string_value("a text of more than a word"));
}

/* -------------------------------------------------- the one that is led */

typedef void acting(void *argument, stepper_stage *stage);

/* It writes and locks once, so that what is done once only is done. */
static void enter(void *argument, stepper_stage *stage) {
  (void)argument;
  (void)stage;
  const polyshm_value zero = int_value(0);
  uint32_t recovered;
  child_check(polyshm_list_open(name, 0, &theirs) == POLYSHM_OK);
  child_check(polyshm_list_timeout(theirs, patience) == POLYSHM_OK);
  child_check(polyshm_list_set(theirs, RIGHT, &zero) == POLYSHM_OK);
  child_check(polyshm_list_lock(theirs, patience, &recovered) == POLYSHM_OK);
  child_check(polyshm_list_unlock(theirs) == POLYSHM_OK);
}

static void enter_and_lock(void *argument, stepper_stage *stage) {
  uint32_t recovered;
  enter(argument, stage);
  child_check(polyshm_list_lock(theirs, patience, &recovered) == POLYSHM_OK);
}

static void act_add(void *argument, stepper_stage *stage) {
  (void)argument;
  stage->status = polyshm_list_add(theirs, LEFT, 1, &stage->number);
}

static void act_swap(void *argument, stepper_stage *stage) {
  (void)argument;
  stage->status = polyshm_list_swap(theirs, LEFT, 40, 42, &stage->number);
}

static void act_set(void *argument, stepper_stage *stage) {
  (void)argument;
  const polyshm_value value = string_value("theirs, which is longer than ours");
  stage->status = polyshm_list_set(theirs, LEFT, &value);
}

static void act_set_number(void *argument, stepper_stage *stage) {
  (void)argument;
  const polyshm_value value = int_value(41);
  stage->status = polyshm_list_set(theirs, LEFT, &value);
}

static void act_get(void *argument, stepper_stage *stage) {
  (void)argument;
  stage->status = polyshm_list_get(
      theirs, LEFT, stage->bytes, sizeof stage->bytes, &stage->values[0]);
}

static void act_snapshot(void *argument, stepper_stage *stage) {
  (void)argument;
  stage->status = polyshm_list_snapshot(
      theirs, LEFT, SLOTS, stage->bytes, sizeof stage->bytes, stage->values);
}

static void act_lock(void *argument, stepper_stage *stage) {
  (void)argument;
  uint32_t recovered;
  stage->status = polyshm_list_lock(theirs, moment, &recovered);
}

static void act_lock_long(void *argument, stepper_stage *stage) {
  (void)argument;
  uint32_t recovered;
  stage->status = polyshm_list_lock(theirs, patience, &recovered);
}

static void act_unlock(void *argument, stepper_stage *stage) {
  (void)argument;
  stage->status = polyshm_list_unlock(theirs);
}

/* Who has waited in vain three times sleeps at once, the next time. */
static void enter_tired(void *argument, stepper_stage *stage) {
  uint64_t version;
  enter(argument, stage);
  child_check(polyshm_list_slot_version(theirs, LEFT, &version) == POLYSHM_OK);
  for (int i = 0; i < 3; i++)
    child_check(
        polyshm_list_slot_wait(theirs, LEFT, version, 1, &version) ==
        POLYSHM_E_TIMEOUT);
}

/* `number` is the version that has been seen. */
static void act_wait(void *argument, stepper_stage *stage) {
  (void)argument;
  uint64_t version;
  stage->status = polyshm_list_slot_wait(
      theirs, LEFT, (uint64_t)stage->number, patience, &version);
}

static void act_list_wait(void *argument, stepper_stage *stage) {
  (void)argument;
  uint64_t version;
  stage->status =
      polyshm_list_wait(theirs, (uint64_t)stage->number, patience, &version);
}

static void start(stepper *them, acting *prepare, acting *act) {
  const stepper_part part = {prepare, act, NULL};
  stepper_start(them, &part, bytes, (size_t)size);
}

/* ---------------------------------------------------------------- scenes */

/* A call of theirs, a turn of ours in the midst of it, and what must be true
 * of both. A turn answers whether it took place: it may meet a slot or a lock
 * that they hold. */
typedef struct scene {
  const char *title;
  void (*set_up)(void);
  acting *prepare, *act;
  bool (*turn)(void);
  void (*check)(const stepper_stage *stage, bool took_place);
} scene;

static bool took_place(polyshm_status status) {
  if (status != POLYSHM_E_TIMEOUT)
    assert_ok(status);
  return status == POLYSHM_OK;
}

static stepper_path note_path(const scene *it) {
  stepper_path path = {0};
  stepper them;
  start(&them, it->prepare, it->act);
  it->set_up();
  do
    stepper_note(&them, &path);
  while (stepper_step(&them));
  stepper_kill(&them);
  return path;
}

static void play(const scene *it) {
  unsigned refused = 0;
  stepper_path path = note_path(it);
  for (unsigned step = 0; step <= path.n; step++) {
    stepper them;
    start(&them, it->prepare, it->act);
    it->set_up();
    stepper_jump(&them, &path, step);
    bool took = it->turn();
    stepper_run(&them);
    it->check(them.stage, took);
    stepper_kill(&them);
    refused += !took;
  }
  print_message(
      "%-28s %4u turns, refused in %u of them\n", it->title, path.n + 1,
      refused);
  free(path.places);
}

static bool turn_add(void) {
  int64_t sum;
  return took_place(polyshm_list_add(ours, LEFT, 100, &sum));
}

static bool turn_set(void) {
  const polyshm_value value = string_value("ours, no word");
  return took_place(polyshm_list_set(ours, LEFT, &value));
}

static bool turn_set_often(void) {
  set(LEFT, string_value("the first of three that are set"));
  set(LEFT, string_value("second"));
  set(LEFT, (polyshm_value){.type = POLYSHM_FLOAT, .of.f = 3});
  return true;
}

static bool turn_set_both(void) {
  set(LEFT, int_value(41));
  set(RIGHT, int_value(41));
  return true;
}

static bool turn_change_under_lock(void) {
  uint32_t recovered;
  assert_ok(polyshm_list_lock(ours, patience, &recovered));
  set(RIGHT, string_value("a text"));
  set(LEFT, string_value("a text"));
  assert_ok(polyshm_list_unlock(ours));
  return true;
}

static bool turn_lock(void) {
  uint32_t recovered;
  return took_place(polyshm_list_lock(ours, 0, &recovered));
}

/* ----------------------------------------------------------------- checks */

static void check_add(const stepper_stage *stage, bool took) {
  assert_int_equal(stage->status, POLYSHM_OK);
  assert_true(stage->number == 41 || (took && stage->number == 141));
  assert_slot(ours, LEFT, int_value(took ? 141 : 41));
}

static void check_swap(const stepper_stage *stage, bool took) {
  assert_int_equal(stage->status, POLYSHM_OK);
  assert_true(stage->number == 40 || (took && stage->number == 140));
  bool swapped = stage->number == 40;
  assert_slot(ours, LEFT, int_value((swapped ? 42 : 40) + (took ? 100 : 0)));
}

static void check_get(const stepper_stage *stage, bool took) {
  const polyshm_value *value = &stage->values[0];
  assert_int_equal(stage->status, POLYSHM_OK);
  assert_true(took);
  const polyshm_value whole[] = {
      string_value("a text of more than a word"),
      string_value("ours, no word"),
      string_value("the first of three that are set"),
      string_value("second"),
      {.type = POLYSHM_FLOAT, .of.f = 3}};
  for (size_t i = 0; i < LENGTH(whole); i++)
    if (same_value(value, &whole[i]))
      return;
  fail_msg("torn: type %d, size %d", (int)value->type, (int)value->size);
}

static void check_set(const stepper_stage *stage, bool took) {
  char text[CAPACITY];
  polyshm_value value;
  const polyshm_value one = string_value("ours, no word");
  const polyshm_value other = string_value("theirs, which is longer than ours");
  assert_int_equal(stage->status, POLYSHM_OK);
  assert_ok(polyshm_list_get(ours, LEFT, text, sizeof text, &value));
  assert_true(same_value(&value, &other) || (took && same_value(&value, &one)));
}

static void check_snapshot(const stepper_stage *stage, bool took) {
  const polyshm_value *left = &stage->values[LEFT],
                      *right = &stage->values[RIGHT];
  assert_int_equal(stage->status, POLYSHM_OK);
  assert_true(took && left->type == POLYSHM_INT && right->type == POLYSHM_INT);
  assert_false(left->of.i == 40 && right->of.i == 41);
}

static void check_locked_snapshot(const stepper_stage *stage, bool took) {
  assert_int_equal(stage->status, POLYSHM_OK);
  assert_true(took);
  assert_int_equal(stage->values[LEFT].type, stage->values[RIGHT].type);
}

/* One of us has it, and who has not does not get it. */
static void check_lock(const stepper_stage *stage, bool took) {
  uint32_t recovered;
  assert_int_equal(stage->status, took ? POLYSHM_E_TIMEOUT : POLYSHM_OK);
  if (took)
    assert_ok(polyshm_list_unlock(ours));
  else
    assert_fails(polyshm_list_lock(ours, 0, &recovered), POLYSHM_E_TIMEOUT);
}

static void check_unlock(const stepper_stage *stage, bool took) {
  assert_int_equal(stage->status, POLYSHM_OK);
  uint32_t recovered = 1;
  if (!took)
    assert_ok(polyshm_list_lock(ours, 0, &recovered));
  else
    recovered = 0;
  assert_int_equal(recovered, 0);
  assert_ok(polyshm_list_unlock(ours));
}

static void calls_take_turns(void **state) {
  (void)state;
  static const scene scenes[] = {
      {"add, add", set_up, enter, act_add, turn_add, check_add},
      {"swap, add", set_up, enter, act_swap, turn_add, check_swap},
      {"set str, set str", set_up_text, enter, act_set, turn_set, check_set},
      {"get, set", set_up_text, enter, act_get, turn_set, check_get},
      {"get, many sets", set_up_text, enter, act_get, turn_set_often,
       check_get},
      {"snapshot, two sets", set_up, enter, act_snapshot, turn_set_both,
       check_snapshot},
      {"snapshot, locked sets", set_up, enter, act_snapshot,
       turn_change_under_lock, check_locked_snapshot},
      {"lock, lock", set_up, enter, act_lock, turn_lock, check_lock},
      {"unlock, lock", set_up, enter_and_lock, act_unlock, turn_lock,
       check_unlock},
  };
  for (size_t i = 0; i < LENGTH(scenes); i++)
    play(&scenes[i]);
}

/* ---------------------------------------------------------------- waiting */

typedef struct waiting {
  const char *title;
  acting *act;
  polyshm_status (*version)(uint64_t *out_version);
} waiting;

static polyshm_status slot_version(uint64_t *out_version) {
  return polyshm_list_slot_version(ours, LEFT, out_version);
}

static polyshm_status list_version(uint64_t *out_version) {
  return polyshm_list_version(ours, out_version);
}

static const waiting waitings[] = {
    {"for a slot", act_wait, slot_version},
    {"for the list", act_list_wait, list_version},
};

static void start_waiting(stepper *them, const waiting *it) {
  uint64_t version;
  start(them, enter_tired, it->act);
  assert_ok(it->version(&version));
  them->stage->number = (int64_t)version;
}

/* To the end of its call, in which it must not sleep in vain: the kernel has
 * waited for nothing if its answer is ETIMEDOUT. */
static void refuse_sleep(stepper *them) {
  while (stepper_enter_call(them)) {
    stepper_leave_call(them);
    if (stepper_is_futex(them->call))
      assert_int_not_equal(them->result, -ETIMEDOUT);
  }
  assert_int_equal(them->stage->status, POLYSHM_OK);
}

/* The way up to the call that puts it to sleep. */
static stepper_path note_way_to_sleep(const waiting *it) {
  stepper_path path = {0};
  stepper them;
  start_waiting(&them, it);
  do
    stepper_note(&them, &path);
  while (!stepper_is_futex(stepper_call(&them)) && stepper_step(&them));
  assert_true(stepper_is_futex(stepper_call(&them)));
  stepper_kill(&them);
  return path;
}

static void change_before_sleep(const waiting *it) {
  stepper_path path = note_way_to_sleep(it);
  unsigned turns = 0;
  for (unsigned step = 0; step < path.n; step++) {
    stepper them;
    start_waiting(&them, it);
    if (stepper_jump_awake(&them, &path, step)) {
      set(LEFT, int_value((int64_t)step));
      refuse_sleep(&them);
      turns++;
    }
    stepper_kill(&them);
  }
  print_message("wait %-23s %4u turns\n", it->title, turns);
  assert_true(turns > path.n / 2);
  free(path.places);
}

static void change_before_sleep_is_noticed(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(waitings); i++)
    change_before_sleep(&waitings[i]);
}

/* Until it sleeps; false if that was over before it was seen. */
static bool put_to_sleep(stepper *them) {
  do
    assert_true(stepper_enter_call(them));
  while (!stepper_is_futex(them->call) && (stepper_leave_call(them), true));
  stepper_release(them);
  char state;
  do
    state = stepper_state(them);
  while (state != 'S' && state != 't');
  return state == 'S';
}

/* Whether the kernel says that it was woken by our change. It may have slept
 * to the end of its slice instead, if we were too slow. */
static bool is_woken(stepper *them, void (*change)(void)) {
  bool slept = put_to_sleep(them);
  change();
  stepper_await(them);
  bool woken = slept && them->result == 0;
  stepper_run(them);
  assert_int_equal(them->stage->status, POLYSHM_OK);
  stepper_kill(them);
  return woken;
}

static void change_number(void) {
  static int64_t number;
  set(LEFT, int_value(++number));
}

static void change_text(void) {
  set(LEFT, string_value("a text"));
}

static void give_lock(void) {
  assert_ok(polyshm_list_unlock(ours));
}

static void assert_wakes(const waiting *it, void (*change)(void)) {
  for (int attempt = 0; attempt < 20; attempt++) {
    stepper them;
    set_up();
    start_waiting(&them, it);
    if (is_woken(&them, change))
      return;
  }
  fail_msg("who waits %s is never woken", it->title);
}

static void sleepers_are_woken(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(waitings); i++) {
    assert_wakes(&waitings[i], change_number);
    assert_wakes(&waitings[i], change_text);
  }
}

static void sleepers_for_the_lock_are_woken(void **state) {
  (void)state;
  bool woken = false;
  for (int attempt = 0; attempt < 20 && !woken; attempt++) {
    uint32_t recovered;
    stepper them;
    start(&them, enter, act_lock_long);
    assert_ok(polyshm_list_lock(ours, patience, &recovered));
    woken = is_woken(&them, give_lock);
  }
  assert_true(woken);
}

/* ------------------------------------------------------------------ costs */

static unsigned count_calls(acting *prepare, acting *act) {
  unsigned calls = 0;
  stepper them;
  start(&them, prepare, act);
  set_up();
  for (; stepper_enter_call(&them); calls++)
    stepper_leave_call(&them);
  assert_int_equal(them.stage->status, POLYSHM_OK);
  stepper_kill(&them);
  return calls;
}

static void nobody_calls_the_system_for_nobody(void **state) {
  (void)state;
  assert_int_equal(count_calls(enter, act_get), 0);
  assert_int_equal(count_calls(enter, act_set_number), 0);
  assert_int_equal(count_calls(enter, act_set), 0);
  assert_int_equal(count_calls(enter, act_add), 0);
  assert_int_equal(count_calls(enter, act_swap), 0);
  assert_int_equal(count_calls(enter, act_snapshot), 0);
  assert_int_equal(count_calls(enter, act_lock), 0);
  assert_int_equal(count_calls(enter_and_lock, act_unlock), 0);
}

/* More than can be registered die in their sleep. Changes stop to wake them,
 * and there is room for others. */
static void dead_waiters_cost_nothing(void **state) {
  (void)state;
  enum { DEAD = 70 };
  for (size_t i = 0; i < LENGTH(waitings); i++) {
    for (int n = 0; n < DEAD; n++) {
      stepper them;
      start_waiting(&them, &waitings[i]);
      put_to_sleep(&them);
      stepper_kill(&them);
    }
    int nsets = 0;
    while (count_calls(enter, act_set_number) > 0)
      assert_true(++nsets < 2 * DEAD);
    assert_wakes(&waitings[i], change_number);
  }
}

int main(int argc, char **arguments) {
  (void)argc;
  if (!stepper_works(arguments)) {
    puts("skipped: ptrace is not permitted or knows no single steps here");
    return SKIPPED;
  }
#define TEST(function)                                                         \
  cmocka_unit_test_setup_teardown(function, make_list, drop_list)
  const struct CMUnitTest tests[] = {
      TEST(calls_take_turns),
      TEST(change_before_sleep_is_noticed),
      TEST(sleepers_are_woken),
      TEST(sleepers_for_the_lock_are_woken),
      TEST(nobody_calls_the_system_for_nobody),
      TEST(dead_waiters_cost_nothing),
  };
  return run_group(tests);
}
