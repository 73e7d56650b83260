/* SPDX-License-Identifier: MIT */
#include "shm/watch.h"

#include "faults.h"
#include "states.h"

enum { SLOTS = 5 };
#define ALL                                                                    \
  (UINT64_MAX >> PSHM_TOKEN_BITS) /* what an entry says for a list             \
                                   */

static polyshm_list *make_slots(void) {
  polyshm_value values[SLOTS];
  for (int i = 0; i < SLOTS; i++)
    values[i] = int_value(0);
  polyshm_list *list = make_list(values, SLOTS, 24);
  join(list);
  return list;
}

static uint64_t waiting(const polyshm_list *list) {
  return atomic_load(list->trailer.waiting);
}

static uint64_t entry_at(const polyshm_list *list, uint32_t number) {
  return atomic_load(list->trailer.waiters + number);
}

/* Nobody is entered, and nothing tells writers that somebody is. */
static void check_table_is_empty(const polyshm_list *list) {
  assert_int_equal(waiting(list), 0);
  for (uint32_t i = 0; i < list->trailer.nwaiters; i++)
    assert_int_equal(entry_at(list, i), 0);
}

static int count_waiting(const polyshm_list *list) {
  return __builtin_popcountll(waiting(list));
}

/* Wait for one slot, or for the list. */
enum { WHOLE = -1 };

static polyshm_status wait_for(
    const polyshm_list *list, int index, uint64_t seen, int64_t timeout,
    uint64_t *out_version) {
  return index == WHOLE
             ? polyshm_list_wait(list, seen, timeout, out_version)
             : polyshm_list_slot_wait(
                   list, (uint64_t)index, seen, timeout, out_version);
}

static uint64_t version_of(const polyshm_list *list, int index) {
  return index == WHOLE ? list_version(list)
                        : slot_version(list, (uint64_t)index);
}

/* ------------------------------------------------------------ without sleep */

static void watch_versions_tell_what_changed(void **state) {
  (void)state;
  polyshm_list *list = make_slots(), *other = open_again(list, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  for (uint64_t i = 1; i <= 10; i++) {
    set_int(other, 3, 5);
    assert_int_equal(slot_version(list, 3), i);
    assert_int_equal(slot_version(reader, 3), i);
    assert_int_equal(slot_version(list, 2), 0);
    assert_int_equal(list_version(list), i);
    assert_int_equal(list_version(reader), i);
  }
  polyshm_list_free(reader);
  polyshm_list_free(other);
  end_list(list);
}

static void watch_does_not_wait_for_what_happened(void **state) {
  (void)state;
  static const int64_t timeouts[] = {0, 1, POLYSHM_FOREVER, INT64_MIN};
  polyshm_list *list = make_slots();
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  for (int index = WHOLE; index <= 1; index++)
    for (size_t i = 0; i < LENGTH(timeouts); i++) {
      uint64_t seen = version_of(list, index), version = 77;
      set_int(list, 0, 5);
      set_int(list, 1, 5);
      uint64_t now = version_of(list, index);
      assert_ok(wait_for(list, index, seen, timeouts[i], &version));
      assert_int_equal(version, now);
      version = 77;
      assert_ok(wait_for(reader, index, seen, timeouts[i], &version));
      assert_int_equal(version, now);
      /* A version of the future is another one, too. */
      assert_ok(wait_for(list, index, now + 5, timeouts[i], &version));
      assert_ok(wait_for(list, index, UINT64_MAX, timeouts[i], &version));
    }
  check_table_is_empty(list);
  polyshm_list_free(reader);
  end_list(list);
}

static void watch_ends_when_its_time_is_over(void **state) {
  (void)state;
  static const int64_t timeouts[] = {0, 1, 15 * MILLISECOND, 250 * MILLISECOND};
  polyshm_list *list = make_slots();
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  set_int(list, 0, 5);
  for (int index = WHOLE; index <= 0; index++)
    for (size_t i = 0; i < LENGTH(timeouts); i++) {
      uint64_t version = 77, seen = version_of(list, index);
      int64_t begun = os_clock_now();
      assert_failure(
          wait_for(list, index, seen, timeouts[i], &version), POLYSHM_E_TIMEOUT,
          0, "nothing changed in that time");
      assert_true(os_clock_now() - begun >= timeouts[i]);
      begun = os_clock_now();
      assert_fails(
          wait_for(reader, index, seen, timeouts[i], &version),
          POLYSHM_E_TIMEOUT);
      assert_true(os_clock_now() - begun >= timeouts[i]);
      assert_int_equal(version, 77);
      check_table_is_empty(list);
    }
  polyshm_list_free(reader);
  end_list(list);
}

static void watch_refuses_what_it_cannot_watch(void **state) {
  (void)state;
  polyshm_list *list = make_slots(), *closed = open_again(list, 0);
  assert_ok(polyshm_list_close(closed));
  uint64_t version = 77;
  static const uint64_t outside[] = {SLOTS, ALL, UINT64_MAX};
  for (size_t i = 0; i < LENGTH(outside); i++) {
    assert_fails(
        polyshm_list_slot_wait(list, outside[i], 0, 0, &version),
        POLYSHM_E_RANGE);
    assert_fails(
        polyshm_list_slot_version(list, outside[i], &version), POLYSHM_E_RANGE);
  }
  for (int index = WHOLE; index <= 0; index++) {
    assert_fails(wait_for(NULL, index, 0, 0, &version), POLYSHM_E_INVALID);
    assert_fails(wait_for(list, index, 0, 0, NULL), POLYSHM_E_INVALID);
    assert_fails(wait_for(closed, index, 0, 0, &version), POLYSHM_E_CLOSED);
  }
  assert_fails(polyshm_list_version(NULL, &version), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_version(list, NULL), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_version(closed, &version), POLYSHM_E_CLOSED);
  assert_fails(polyshm_list_slot_version(list, 0, NULL), POLYSHM_E_INVALID);
  assert_int_equal(version, 77);
  polyshm_list_free(closed);
  end_list(list);
}

/* ----------------------------------------------------------------- threads */

typedef struct waiter {
  const polyshm_list *list;
  int index;
  uint64_t seen, version;
  int64_t timeout;
  atomic_int status; /* 1 until it has one */
  pthread_t thread;
} waiter;

static void *wait_in_thread(void *argument) {
  waiter *it = argument;
  polyshm_status status =
      wait_for(it->list, it->index, it->seen, it->timeout, &it->version);
  atomic_store(&it->status, status);
  return NULL;
}

static void start_waiter(waiter *it, const polyshm_list *list, int index) {
  it->list = list;
  it->index = index;
  it->seen = version_of(list, index);
  it->version = 77;
  it->timeout = POLYSHM_FOREVER;
  atomic_store(&it->status, 1);
  it->thread = start_thread(wait_in_thread, it);
}

static void end_waiter(waiter *it) {
  end_thread(it->thread);
  assert_int_equal(atomic_load(&it->status), POLYSHM_OK);
  assert_int_equal(it->version, it->seen + 1);
}

static void watch_is_woken_by_every_kind_of_change(void **state) {
  (void)state;
  polyshm_list *list = make_slots(), *other = open_again(list, 0);
  int64_t number;
  for (int index = WHOLE; index <= 2; index += 3)
    for (int kind = 0; kind < 4; kind++) {
      waiter it;
      set_int(list, 2, 5);
      start_waiter(&it, list, index);
      await(waiting(list) != 0);
      uint64_t what = entry_at(list, 0);
      assert_int_equal(what & PSHM_TOKEN_MAX, pshm_list_token(list));
      assert_int_equal(
          what >> PSHM_TOKEN_BITS, index == WHOLE ? ALL : (uint64_t)index);
      os_clock_sleep(MILLISECOND); /* most times, it sleeps now */
      assert_int_equal(atomic_load(&it.status), 1);
      if (kind == 0)
        set_int(other, 2, 6);
      else if (kind == 1)
        set_string(other, 2, "text");
      else if (kind == 2)
        assert_ok(polyshm_list_add(other, 2, 1, &number));
      else
        assert_ok(polyshm_list_swap(other, 2, 5, 9, &number));
      end_waiter(&it);
      check_table_is_empty(list);
    }
  polyshm_list_free(other);
  end_list(list);
}

/* Other slots, failures, and what changes nothing wake nobody for good. */
static void watch_goes_on_until_its_slot_changes(void **state) {
  (void)state;
  polyshm_list *list = make_slots(), *other = open_again(list, 0);
  waiter it;
  int64_t number;
  uint32_t recovered;
  polyshm_value value = bytes_value("", 1000);
  start_waiter(&it, list, 2);
  await(waiting(list) != 0);
  for (int i = 0; i < 100; i++) {
    set_int(other, 1, i);
    set_string(other, 3, "text");
    assert_ok(polyshm_list_swap(other, 2, 77, 78, &number));
    assert_fails(polyshm_list_set(other, 2, &value), POLYSHM_E_SPACE);
    assert_ok(polyshm_list_lock(other, POLYSHM_FOREVER, &recovered));
    assert_ok(polyshm_list_unlock(other));
  }
  assert_int_equal(atomic_load(&it.status), 1);
  set_int(other, 2, 1);
  end_waiter(&it);
  check_table_is_empty(list);
  polyshm_list_free(other);
  end_list(list);
}

/* Those of one slot, of another, and of the list, through two handles and
 * without the right to write: a change wakes all whom it concerns. */
static void watch_wakes_all_whom_it_concerns(void **state) {
  (void)state;
  polyshm_list *list = make_slots(), *other = open_again(list, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  polyshm_list *lists[] = {list, other, reader};
  for (int round = 0; round < 10; round++) {
    waiter first[3], second[3], whole[3];
    for (int i = 0; i < 3; i++) {
      start_waiter(&first[i], lists[i], 0);
      start_waiter(&second[i], lists[i], 1);
      start_waiter(&whole[i], lists[i], WHOLE);
    }
    await(count_waiting(list) == 6);
    set_int(list, 0, round);
    for (int i = 0; i < 3; i++) {
      end_waiter(&first[i]);
      end_waiter(&whole[i]);
      assert_int_equal(atomic_load(&second[i].status), 1);
    }
    assert_int_equal(count_waiting(list), 2);
    set_int(other, 1, round);
    for (int i = 0; i < 3; i++)
      end_waiter(&second[i]);
    check_table_is_empty(list);
  }
  polyshm_list_free(reader);
  polyshm_list_free(other);
  end_list(list);
}

/* More than the table has entries: the rest looks by itself. */
static void watch_works_when_the_table_is_full(void **state) {
  (void)state;
  polyshm_list *list = make_slots(), *other = open_again(list, 0);
  static waiter waiters[40];
  for (size_t i = 0; i < LENGTH(waiters); i++)
    start_waiter(&waiters[i], i % 2 == 0 ? list : other, i % 4 < 2 ? 3 : WHOLE);
  await(waiting(list) == UINT32_MAX);
  os_clock_sleep(5 * MILLISECOND); /* most times, the last ones wait now */
  uint64_t version = 77;
  assert_fails(
      polyshm_list_slot_wait(list, 0, 0, MILLISECOND, &version),
      POLYSHM_E_TIMEOUT);
  assert_int_equal(waiting(list), UINT32_MAX);
  set_int(other, 3, 1);
  for (size_t i = 0; i < LENGTH(waiters); i++)
    end_waiter(&waiters[i]);
  check_table_is_empty(list);
  polyshm_list_free(other);
  end_list(list);
}

/* A change between the look at the version and the sleep is not lost. */
static void *set_many(void *argument) {
  for (int i = 1; i <= 2000; i++) {
    polyshm_value value = int_value(i);
    polyshm_list_set(argument, 0, &value);
  }
  return NULL;
}

static void watch_loses_no_change(void **state) {
  (void)state;
  polyshm_list *list = make_slots(), *other = open_again(list, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  const polyshm_list *lists[] = {list, reader};
  for (int index = WHOLE; index <= 0; index++)
    for (size_t i = 0; i < LENGTH(lists); i++) {
      set_int(list, 0, 0);
      uint64_t version = version_of(list, index);
      uint64_t last = version + 2000;
      pthread_t thread = start_thread(set_many, other);
      while (version < last)
        assert_ok(
            wait_for(lists[i], index, version, POLYSHM_FOREVER, &version));
      end_thread(thread);
      assert_int_equal(version, last);
      assert_slot(lists[i], 0, int_value(2000));
    }
  check_table_is_empty(list);
  polyshm_list_free(reader);
  polyshm_list_free(other);
  end_list(list);
}

/* The waiter sees all that was written before what woke it. */
static void *answer(void *argument) {
  polyshm_list *list = argument;
  uint64_t version = 0;
  int64_t number;
  for (int i = 0; i < 500; i++)
    if (polyshm_list_slot_wait(list, 0, version, POLYSHM_FOREVER, &version) !=
            POLYSHM_OK ||
        polyshm_list_add(list, 1, 1, &number) != POLYSHM_OK)
      return NULL;
  return argument;
}

static void watch_passes_to_and_fro(void **state) {
  (void)state;
  polyshm_list *list = make_slots(), *other = open_again(list, 0);
  pthread_t thread = start_thread(answer, other);
  uint64_t version = 0;
  int64_t number;
  for (int i = 0; i < 500; i++) {
    assert_ok(polyshm_list_add(list, 0, 1, &number));
    assert_ok(
        polyshm_list_slot_wait(list, 1, version, POLYSHM_FOREVER, &version));
    assert_int_equal(version, i + 1);
  }
  void *result = NULL;
  assert_int_equal(pthread_join(thread, &result), 0);
  assert_non_null(result);
  check_table_is_empty(list);
  polyshm_list_free(other);
  end_list(list);
}

/* ----------------------------------------------------------------- signals */

static void ignore_signal(int number) {
  (void)number;
}

static void watch_is_interrupted_by_signals(void **state) {
  (void)state;
  struct sigaction action = {
      .sa_handler = ignore_signal, .sa_flags = SA_RESTART};
  struct sigaction before;
  assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
  polyshm_list *list = make_slots();
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  const polyshm_list *lists[] = {list, reader};
  for (int index = WHOLE; index <= 0; index++)
    for (size_t i = 0; i < LENGTH(lists); i++) {
      waiter it;
      start_waiter(&it, lists[i], index);
      do { /* one that arrives before it sleeps is nothing to it */
        os_clock_sleep(MILLISECOND);
        pthread_kill(it.thread, SIGUSR1);
      } while (atomic_load(&it.status) == 1);
      end_thread(it.thread);
      assert_int_equal(atomic_load(&it.status), POLYSHM_E_INTERRUPTED);
      assert_int_equal(it.version, 77);
      check_table_is_empty(list);
    }
  sigaction(SIGUSR1, &before, NULL);
  polyshm_list_free(reader);
  end_list(list);
}

/* ------------------------------------------------------------------- spins */

enum { MANY = 100 /* looks: a sleep has fewer */ };

/* Who may not write asks at each look whether the owner of a locked slot is
 * alive, and so can be watched while it looks. */
static bool spins_in_vain(const polyshm_list *reader) {
  uint64_t version;
  unsigned before = faults_count(FAULT_ASK);
  assert_fails(
      polyshm_list_slot_wait(reader, 2, 0, 1, &version), POLYSHM_E_TIMEOUT);
  return faults_count(FAULT_ASK) - before > MANY;
}

static void change_slot_2(void *list) {
  atomic_fetch_add(sequence_at(list, 2), PSHM_SEQUENCE_ONE);
}

static int spins_of(const polyshm_list *reader, int waits) {
  int spins = 0;
  for (int i = 0; i < waits; i++)
    spins += spins_in_vain(reader);
  return spins;
}

/* And never gives up, or two who once shared a processor would go on sleeping
 * when they no longer do. */
static void watch_spins_the_more_seldom_the_longer_in_vain(void **state) {
  (void)state;
  polyshm_list *list = make_slots(), *other = open_again(list, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  lock_slot(list, 2, 0, join(other));
  faults_reset();
  assert_int_equal(spins_of(reader, 3), 3);
  assert_in_range(spins_of(reader, 61), 1, 5);
  assert_in_range(spins_of(reader, 960), 1, 4);
  assert_in_range(spins_of(reader, 4096), 4, 6);
  release_slot(list, 2);
  polyshm_list_free(reader);
  polyshm_list_free(other);
  end_list(list);
}

/* A spin that met the change is a reason to spin again; a change that was there
 * before tells nothing. */
static void watch_spins_again_after_one_that_paid(void **state) {
  (void)state;
  polyshm_list *list = make_slots(), *other = open_again(list, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  uint64_t version;
  lock_slot(list, 2, 0, join(other));
  faults_reset();
  spins_of(reader, 63);
  assert_ok(polyshm_list_slot_wait(reader, 2, 7, POLYSHM_FOREVER, &version));
  assert_int_equal(version, 0);
  assert_false(spins_in_vain(reader));
  unsigned asked = faults_count(FAULT_ASK);
  faults_before(FAULT_ASK, asked + MANY, change_slot_2, list);
  assert_ok(polyshm_list_slot_wait(reader, 2, 0, POLYSHM_FOREVER, &version));
  assert_int_equal(version, 1);
  faults_reset();
  atomic_fetch_sub(sequence_at(list, 2), PSHM_SEQUENCE_ONE);
  assert_int_equal(spins_of(reader, 3), 3);
  release_slot(list, 2);
  polyshm_list_free(reader);
  polyshm_list_free(other);
  end_list(list);
}

/* ------------------------------------------------------------ dead waiters */

static void wait_for_slot_3(stage *it) {
  uint64_t version;
  child_check(
      polyshm_list_slot_wait(it->list, 3, 0, POLYSHM_FOREVER, &version) !=
      POLYSHM_OK);
}

static void wait_for_all(stage *it) {
  uint64_t version;
  child_check(
      polyshm_list_wait(it->list, 0, POLYSHM_FOREVER, &version) != POLYSHM_OK);
}

static _Atomic uint32_t nobodys; /* nobody sleeps on it */

/* As long as they are entered, each change wakes them in vain: so a writer that
 * notices removes them. */
static void watch_entries_of_the_killed_are_removed(void **state) {
  (void)state;
  for (int with_living = 0; with_living <= 1; with_living++) {
    polyshm_list *list = make_slots(), *other = open_again(list, 0);
    stage *told = make_stage(list);
    pid_t children[6];
    int nwaiting = LENGTH(children);
    for (size_t i = 0; i < LENGTH(children); i++)
      children[i] =
          start_child(i % 2 == 0 ? wait_for_slot_3 : wait_for_all, told);
    await(count_waiting(list) == nwaiting);
    waiter living, whole;
    if (with_living) {
      start_waiter(&living, list, 0);
      start_waiter(&whole, other, WHOLE);
      await(count_waiting(list) == nwaiting + 2);
    }
    for (size_t i = 0; i < LENGTH(children); i++)
      kill_child(children[i]);
    assert_true(count_waiting(list) >= nwaiting);
    set_int(list, 3, 1);
    if (!with_living) {
      /* Where wakes are not counted, it is asked now and then. */
      bool are_counted = os_futex_wake(&nobodys, 1) >= 0;
      for (int i = 0; i < 1000000 && !are_counted && waiting(list) != 0; i++)
        set_int(list, 3, i);
      check_table_is_empty(list);
    } else {
      end_waiter(&whole);
      /* Of the whole list's, some may have been taken for sleepers. */
      for (int i = 0; i < 1000000 && count_waiting(list) != 1; i++)
        set_int(list, 3, i);
      assert_int_equal(count_waiting(list), 1);
      assert_int_equal(atomic_load(&living.status), 1);
      set_int(list, 0, 1);
      end_waiter(&living);
      check_table_is_empty(list);
    }
    end_stage(told);
    polyshm_list_free(other);
    end_list(list);
  }
}

static void enter_by_hand(
    const polyshm_list *list, uint32_t number, uint64_t what, uint32_t token) {
  atomic_store(list->trailer.waiters + number, what << PSHM_TOKEN_BITS | token);
  atomic_fetch_or(list->trailer.waiting, UINT64_C(1) << number);
}

/* It is alive, though it does not sleep at the moment. */
static void watch_entries_of_the_living_stay(void **state) {
  (void)state;
  polyshm_list *list = make_slots(), *other = open_again(list, 0);
  uint32_t alive = join(other);
  enter_by_hand(list, 0, 3, alive);
  enter_by_hand(list, 7, ALL, alive);
  enter_by_hand(list, 31, 3, pshm_list_token(list));
  for (int i = 0; i < 5; i++)
    set_int(list, 3, i);
  assert_int_equal(waiting(list), UINT64_C(1) << 31 | 1 << 7 | 1);
  assert_int_equal(entry_at(list, 0), UINT64_C(3) << PSHM_TOKEN_BITS | alive);
  polyshm_list_free(other);
  atomic_store(list->trailer.waiting, 0);
  end_list(list);
}

/* One that was killed while it waited for a slot that nobody ever changes. */
static void watch_entries_of_the_dead_do_not_last(void **state) {
  (void)state;
  polyshm_list *list = make_slots();
  enter_by_hand(list, 4, 2, DEAD);
  enter_by_hand(list, 9, ALL - 1, DEAD); /* of no slot at all */
  for (int i = 0; i < 1000000 && waiting(list) != 0; i++)
    set_int(list, 3, i);
  check_table_is_empty(list);
  end_list(list);
}

/* A full table of the dead is no full table. */
static void watch_takes_the_places_of_the_dead(void **state) {
  (void)state;
  polyshm_list *list = make_slots(), *other = open_again(list, 0);
  for (int with_bits = 0; with_bits <= 1; with_bits++) {
    for (uint32_t i = 0; i < 32; i++)
      enter_by_hand(list, i, i % 2 == 0 ? 4 : ALL, DEAD);
    if (!with_bits) /* killed before it had set its bit */
      atomic_store(list->trailer.waiting, 0);
    waiter it;
    start_waiter(&it, list, 1);
    await(
        (entry_at(list, 0) & PSHM_TOKEN_MAX) == pshm_list_token(list) &&
        (waiting(list) & 1));
    set_int(other, 1, 1);
    end_waiter(&it);
    assert_int_equal(entry_at(list, 0), 0);
    assert_int_equal(waiting(list) & 1, 0);
    for (uint32_t i = 0; i < 32; i++)
      atomic_store(list->trailer.waiters + i, 0);
    atomic_store(list->trailer.waiting, 0);
  }
  polyshm_list_free(other);
  end_list(list);
}

/* ------------------------------------------------------------ dead writers */

/* Killed behind its change and before it could tell. */
static void watch_notices_changes_of_the_dead(void **state) {
  (void)state;
  for (int has_record = 0; has_record <= 1; has_record++)
    for (int index = WHOLE; index <= 2; index += 3) {
      polyshm_list *list = make_slots();
      polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
      waiter it, other;
      start_waiter(&it, list, index);
      start_waiter(&other, reader, index);
      await(waiting(list) != 0);
      if (has_record) {
        put_record(list, 0, DEAD, 2, string_value("of the dead"));
        lock_slot(list, 2, 1, DEAD);
      } else {
        lock_slot(list, 2, 0, DEAD);
        pshm_word_store(slot_at(list, 2).data, 9);
      }
      end_waiter(&it);
      end_waiter(&other);
      assert_slot(
          list, 2, has_record ? string_value("of the dead") : int_value(9));
      assert_int_equal(slot_version(list, 2), 1);
      polyshm_list_free(reader);
      end_list(list);
    }
}

/* Killed between its unlocking and its wake. */
static void watch_notices_changes_that_wake_nobody(void **state) {
  (void)state;
  for (int index = WHOLE; index <= 2; index += 3) {
    polyshm_list *list = make_slots();
    waiter it;
    start_waiter(&it, list, index);
    await(waiting(list) != 0);
    os_clock_sleep(2 * MILLISECOND); /* most times, it sleeps now */
    atomic_fetch_add(sequence_at(list, 2), PSHM_SEQUENCE_ONE);
    end_waiter(&it);
    end_list(list);
  }
}

/* Who may not repair counts a change that was begun as made, and once. */
static void watch_without_writing_counts_the_dead_once(void **state) {
  (void)state;
  for (int index = WHOLE; index <= 2; index += 3) {
    polyshm_list *list = make_slots();
    polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
    uint64_t version = 77;
    set_int(list, 2, 5);
    put_record(list, 0, DEAD, 2, int_value(9));
    lock_slot(list, 2, 1, DEAD);
    assert_ok(wait_for(reader, index, 1, POLYSHM_FOREVER, &version));
    assert_int_equal(version, 2);
    assert_fails(
        wait_for(reader, index, 2, 30 * MILLISECOND, &version),
        POLYSHM_E_TIMEOUT);
    assert_int_equal(version_of(reader, index), 2);
    /* And it stays at that when it is repaired. */
    assert_ok(wait_for(list, index, 1, POLYSHM_FOREVER, &version));
    assert_int_equal(version, 2);
    assert_int_equal(version_of(reader, index), 2);
    assert_false(pshm_sequence_is_locked(atomic_load(sequence_at(list, 2))));
    polyshm_list_free(reader);
    end_list(list);
  }
}

/* What a live one has begun is not done before it says so. */
static void watch_does_not_count_what_is_not_done(void **state) {
  (void)state;
  polyshm_list *list = make_slots(), *other = open_again(list, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  lock_slot(list, 2, 0, join(other));
  uint64_t version = 77;
  assert_fails(
      polyshm_list_slot_wait(list, 2, 0, 120 * MILLISECOND, &version),
      POLYSHM_E_TIMEOUT);
  assert_fails(
      polyshm_list_wait(reader, 0, 30 * MILLISECOND, &version),
      POLYSHM_E_TIMEOUT);
  assert_int_equal(version, 77);
  release_slot(list, 2);
  polyshm_list_free(reader);
  polyshm_list_free(other);
  end_list(list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(watch_versions_tell_what_changed),
      cmocka_unit_test(watch_does_not_wait_for_what_happened),
      cmocka_unit_test(watch_ends_when_its_time_is_over),
      cmocka_unit_test(watch_refuses_what_it_cannot_watch),
      cmocka_unit_test(watch_is_woken_by_every_kind_of_change),
      cmocka_unit_test(watch_goes_on_until_its_slot_changes),
      cmocka_unit_test(watch_wakes_all_whom_it_concerns),
      cmocka_unit_test(watch_works_when_the_table_is_full),
      cmocka_unit_test(watch_loses_no_change),
      cmocka_unit_test(watch_passes_to_and_fro),
      cmocka_unit_test(watch_is_interrupted_by_signals),
      cmocka_unit_test(watch_spins_the_more_seldom_the_longer_in_vain),
      cmocka_unit_test(watch_spins_again_after_one_that_paid),
      cmocka_unit_test(watch_entries_of_the_killed_are_removed),
      cmocka_unit_test(watch_entries_of_the_living_stay),
      cmocka_unit_test(watch_entries_of_the_dead_do_not_last),
      cmocka_unit_test(watch_takes_the_places_of_the_dead),
      cmocka_unit_test(watch_notices_changes_of_the_dead),
      cmocka_unit_test(watch_notices_changes_that_wake_nobody),
      cmocka_unit_test(watch_without_writing_counts_the_dead_once),
      cmocka_unit_test(watch_does_not_count_what_is_not_done),
  };
  return run_group(tests);
}
