/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include "values.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SNAPSHOT_ROOM = 3 * VALUE_ROOM };

typedef struct worker {
  const worker_order *order;
  stress_place *place;
  polyshm_list *list;
  uint32_t random;
  char room[SNAPSHOT_ROOM];
} worker;

int64_t board_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

__attribute__((format(printf, 2, 3))) static _Noreturn void fail(
    const worker *self, const char *format, ...) {
  char text[400];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  fprintf(stderr, "stress: C peer %d: %s\n", self->order->number, text);
  _exit(1);
}

static uint32_t draw(worker *self) {
  self->random ^= self->random << 13;
  self->random ^= self->random >> 17;
  self->random ^= self->random << 5;
  return self->random;
}

/* ------------------------------------------------------------------ calls */

static void begin_call(worker *self, const char *call) {
  atomic_store(&self->place->since, board_now());
  atomic_store(&self->place->call, call);
}

static void end_call(worker *self, const char *call, polyshm_status status) {
  int64_t took = board_now() - atomic_load(&self->place->since);
  atomic_store(&self->place->call, NULL);
  if (took > atomic_load(&self->place->longest)) {
    atomic_store(&self->place->longest, took);
    atomic_store(&self->place->slowest, call);
  }
  if (status != POLYSHM_OK)
    fail(
        self, "%s answered %s: %s", call, polyshm_status_name(status),
        polyshm_error_message());
  if (took > CALL_MOST)
    fail(self, "%s took %.1f s", call, (double)took / 1e9);
}

/* A call that must succeed, and in time; or may answer one failure. */
#define DO(self, call) (begin_call(self, #call), end_call(self, #call, (call)))
#define TRY(self, permitted, call)                                             \
  (begin_call(self, #call), end_call(self, #call, permit((call), (permitted))))

static polyshm_status permit(polyshm_status status, polyshm_status permitted) {
  return status == permitted ? POLYSHM_OK : status;
}

static polyshm_value get(worker *self, uint64_t slot) {
  polyshm_value value;
  DO(self,
     polyshm_list_get(self->list, slot, self->room, sizeof self->room, &value));
  return value;
}

static int64_t get_int(worker *self, uint64_t slot) {
  polyshm_value value = get(self, slot);
  if (value.type != POLYSHM_INT)
    fail(self, "slot %d holds type %d", (int)slot, (int)value.type);
  return value.of.i;
}

static void set(worker *self, uint64_t slot, polyshm_value value) {
  DO(self, polyshm_list_set(self->list, slot, &value));
}

/* ---------------------------------------------------------- whole values */

static const struct {
  uint64_t slot;
  polyshm_value (*make)(uint32_t n, char room[VALUE_ROOM]);
  bool (*is_whole)(const polyshm_value *value);
} whole[] = {
    {TEXT, make_text, is_text},
    {BIG, make_big, is_big},
    {MIXED, make_mixed, is_mixed},
    {BIG, make_big, is_big},
};

enum { WHOLE = sizeof whole / sizeof *whole };

static void check_whole(worker *self, size_t i, const polyshm_value *value) {
  if (!whole[i].is_whole(value))
    fail(
        self, "slot %d is torn: type %d, content %" PRIx64 ", size %" PRIu64,
        (int)whole[i].slot, (int)value->type, (uint64_t)value->of.i,
        value->size);
}

static void read_whole(worker *self) {
  size_t i = draw(self) % WHOLE;
  polyshm_value value = get(self, whole[i].slot);
  check_whole(self, i, &value);
  board_count(self->place, READS);
}

static void write_whole(worker *self) {
  size_t i = draw(self) % WHOLE;
  char room[VALUE_ROOM];
  set(self, whole[i].slot, whole[i].make(draw(self), room));
  board_count(self->place, WRITES);
}

/* Repair what a writer left that died, without writing anew: text is no int. */
static void touch_whole(worker *self) {
  size_t i = draw(self) % WHOLE;
  int64_t sum;
  TRY(self, POLYSHM_E_TYPE,
      polyshm_list_add(self->list, whole[i].slot, 0, &sum));
  polyshm_value value = get(self, whole[i].slot);
  check_whole(self, i, &value);
  board_count(self->place, READS);
}

/* --------------------------------------------------------------- counters */

static void add(worker *self) {
  int64_t sum;
  board_count(self->place, ADDS_BEGUN);
  DO(self, polyshm_list_add(self->list, SUM, 1, &sum));
  board_count(self->place, ADDS);
}

static void swap(worker *self) {
  int64_t expected, found = get_int(self, TURNS);
  board_count(self->place, SWAPS_BEGUN);
  do {
    expected = found;
    DO(self,
       polyshm_list_swap(self->list, TURNS, expected, expected + 1, &found));
  } while (found != expected);
  board_count(self->place, SWAPS);
}

/* --------------------------------------------------------------- the lock */

static void undo(worker *self) {
  int64_t was[3];
  polyshm_value ledger = get(self, LEDGER);
  if (ledger.type != POLYSHM_NONE) {
    if (!read_ledger(&ledger, was))
      fail(self, "the ledger is torn: type %d", (int)ledger.type);
    set(self, LEFT, make_int(was[0]));
    set(self, RIGHT, make_int(was[1]));
    set(self, LEDGER, (polyshm_value){.type = POLYSHM_NONE});
  }
  board_count(self->place, RECOVERIES);
}

static void expect_order(worker *self) {
  int64_t inside = get_int(self, INSIDE);
  if (inside != 0)
    fail(self, "process %" PRId64 " has the lock, too", inside);
  polyshm_value ledger = get(self, LEDGER);
  if (ledger.type != POLYSHM_NONE)
    fail(self, "a holder died, and the lock's next one was not told");
}

static void transfer(worker *self, int64_t amount) {
  int64_t left = get_int(self, LEFT), right = get_int(self, RIGHT);
  if (left + right != TOTAL)
    fail(self, "%" PRId64 " + %" PRId64 " is not the total", left, right);
  char text[64];
  int length = snprintf(
      text, sizeof text, "%" PRId64 " %" PRId64 " %" PRId64, left, right,
      amount);
  set(self, LEDGER,
      (polyshm_value){
          .type = POLYSHM_STRING, .of.p = text, .size = (uint64_t)length});
  set(self, LEFT, make_int(left - amount));
  set(self, RIGHT, make_int(right + amount));
  set(self, LEDGER, (polyshm_value){.type = POLYSHM_NONE});
}

static void lock(worker *self) {
  uint32_t recovered;
  int64_t me = getpid();
  board_count(self->place, LOCKS_BEGUN);
  DO(self, polyshm_list_lock(self->list, CALL_MOST, &recovered));
  if (recovered)
    undo(self);
  else
    expect_order(self);
  set(self, INSIDE, make_int(me));
  transfer(self, (int64_t)(draw(self) % 100));
  set(self, ROUNDS, make_int(get_int(self, ROUNDS) + 1));
  int64_t inside = get_int(self, INSIDE);
  if (inside != me)
    fail(self, "process %" PRId64 " came into the lock", inside);
  set(self, INSIDE, make_int(0));
  DO(self, polyshm_list_unlock(self->list));
  board_count(self->place, LOCKS);
}

/* -------------------------------------------------------------- snapshots */

static void look_at_pair(worker *self) {
  polyshm_value three[3];
  DO(self, polyshm_list_snapshot(
               self->list, LEFT, 3, self->room, sizeof self->room, three));
  if (!is_balanced(three))
    fail(
        self,
        "a snapshot shows %" PRId64 " and %" PRId64 " with a ledger of "
        "type %d",
        three[0].of.i, three[1].of.i, (int)three[2].type);
  board_count(self->place, SNAPSHOTS);
}

static void look_at_trail(worker *self) {
  polyshm_value two[2];
  DO(self, polyshm_list_snapshot(
               self->list, AHEAD, 2, self->room, sizeof self->room, two));
  if (two[0].of.i != two[1].of.i && two[0].of.i != two[1].of.i + 1)
    fail(
        self, "a snapshot shows %" PRId64 " ahead of %" PRId64, two[0].of.i,
        two[1].of.i);
  board_count(self->place, SNAPSHOTS);
}

static void look_at_all(worker *self) {
  polyshm_value all[SLOTS];
  DO(self, polyshm_list_snapshot(
               self->list, 0, SLOTS, self->room, sizeof self->room, all));
  for (size_t i = 0; i < WHOLE; i++)
    check_whole(self, i, &all[whole[i].slot]);
  if (!is_balanced(&all[LEFT]))
    fail(self, "a snapshot of all slots is out of balance");
  board_count(self->place, SNAPSHOTS);
}

/* ---------------------------------------------------------------- waiting */

static void ring(worker *self) {
  int64_t sum;
  DO(self, polyshm_list_add(self->list, BELL, 1, &sum));
  board_count(self->place, WRITES);
}

static void wait_for_bell(worker *self) {
  uint64_t version;
  int64_t before = get_int(self, BELL);
  DO(self, polyshm_list_slot_version(self->list, BELL, &version));
  if (get_int(self, BELL) != before)
    return;
  DO(self,
     polyshm_list_slot_wait(self->list, BELL, version, CALL_MOST, &version));
  board_count(self->place, WAITS);
}

static void wait_for_any(worker *self) {
  uint64_t version;
  DO(self, polyshm_list_version(self->list, &version));
  DO(self, polyshm_list_wait(self->list, version, CALL_MOST, &version));
  board_count(self->place, WAITS);
}

/* Mine follows theirs, and a change of theirs wakes me. */
static void play(worker *self) {
  bool leads = self->order->role == ROLE_PING;
  uint64_t mine = leads ? PING : PONG, theirs = leads ? PONG : PING, version;
  stress_board *board = self->order->board;
  DO(self, polyshm_list_slot_version(self->list, theirs, &version));
  int64_t ours = get_int(self, mine), other = get_int(self, theirs);
  if ((ours == other) == leads) {
    if (leads) /* the processors are for others, and the other one sleeps */
      usleep(500);
    atomic_store(&board->rung[mine - PING], board_now());
    set(self, mine, make_int(leads ? other + 1 : other));
    board_count(self->place, WRITES);
    return;
  }
  int64_t asleep = board_now();
  DO(self,
     polyshm_list_slot_wait(self->list, theirs, version, CALL_MOST, &version));
  int64_t rung = atomic_load(&board->rung[theirs - PING]);
  board_count(self->place, WAITS);
  if (rung < asleep)
    return; /* it was rung before we slept, or by the driver at the end */
  board_count(self->place, HOPS);
  if (board_now() - rung > LATE)
    board_count(self->place, LATE_HOPS);
}

static void lead_trail(worker *self) {
  int64_t next = get_int(self, AHEAD);
  if (get_int(self, BEHIND) == next)
    set(self, AHEAD, make_int(++next));
  set(self, BEHIND, make_int(next));
  board_count(self->place, WRITES);
}

/* ------------------------------------------------------------------ roles */

typedef void doing(worker *self);

/* Repetitions are weights. */
static doing *const worker_does[] = {
    read_whole,  read_whole,   write_whole,   write_whole,
    write_whole, touch_whole,  touch_whole,   touch_whole,
    add,         swap,         lock,          lock,
    ring,        look_at_pair, look_at_trail, NULL};
static doing *const seldom[] = {look_at_all, wait_for_any, wait_for_bell};
static doing *const viewer_does[] = {read_whole,    read_whole,    read_whole,
                                     look_at_pair,  look_at_trail, look_at_all,
                                     wait_for_bell, NULL};
static doing *const trail_does[] = {
    lead_trail, look_at_trail, read_whole, NULL};
static doing *const player_does[] = {play, NULL};

static doing *const *const roles[] = {
    [ROLE_WORKER] = worker_does, [ROLE_VIEWER] = viewer_does,
    [ROLE_TRAIL] = trail_does,   [ROLE_PING] = player_does,
    [ROLE_PONG] = player_does,
};

static doing *choose(worker *self) {
  doing *const *all = roles[self->order->role];
  size_t n = 0;
  if (all == worker_does && draw(self) % 64 == 0)
    return seldom[draw(self) % (sizeof seldom / sizeof *seldom)];
  while (all[n] != NULL)
    n++;
  return all[draw(self) % n];
}

_Noreturn void worker_run(const worker_order *order) {
  worker *self = calloc(1, sizeof *self);
  if (self == NULL)
    _exit(1);
  self->order = order;
  self->place = &order->board->places[order->number];
  self->random = order->seed | 1;
  uint32_t flags = order->role == ROLE_VIEWER ? POLYSHM_READ_ONLY : 0;
  DO(self, polyshm_list_open(order->list, flags, &self->list));
  DO(self, polyshm_list_timeout(self->list, CALL_MOST));
  while (get_int(self, STOP) == 0)
    choose(self)(self);
  polyshm_list_free(self->list);
  free(self);
  _exit(0);
}
