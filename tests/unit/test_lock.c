/* SPDX-License-Identifier: MIT */
#include "shm/lock.h"

#include "faults.h"
#include "states.h"

#define WAITED PSHM_SEQUENCE_WAITED

static polyshm_list *make_counter(void) {
  const polyshm_value values[] = {int_value(0), int_value(0)};
  polyshm_list *list = make_list(values, LENGTH(values), 0);
  join(list);
  return list;
}

static pshm_word *lock_of(const polyshm_list *list) {
  return list->trailer.lock;
}

static uint64_t owner(uint32_t thread, uint32_t token) {
  return (uint64_t)thread << 32 | token;
}

/* Take it; whether it was recovered. */
static uint32_t take(polyshm_list *list, int64_t timeout) {
  uint32_t recovered = 7;
  assert_ok(polyshm_list_lock(list, timeout, &recovered));
  assert_in_range(recovered, 0, 1);
  return recovered;
}

static void give_back(polyshm_list *list) {
  assert_ok(polyshm_list_unlock(list));
}

static void refuse(
    polyshm_list *list, int64_t timeout, polyshm_status status,
    const char *part) {
  uint32_t recovered = 7;
  assert_failure(polyshm_list_lock(list, timeout, &recovered), status, 0, part);
  assert_int_equal(recovered, 7);
}

/* --------------------------------------------------------------- one thread */

static void lock_is_taken_and_given_back(void **state) {
  (void)state;
  static const int64_t timeouts[] = {0,         1,  1000000000,
                                     INT64_MAX, -1, INT64_MIN};
  polyshm_list *list = make_counter();
  for (size_t i = 0; i < LENGTH(timeouts); i++) {
    assert_int_equal(take(list, timeouts[i]), 0);
    assert_int_equal(
        atomic_load(lock_of(list)),
        owner(os_thread_id(), pshm_list_token(list)));
    give_back(list);
    assert_int_equal(atomic_load(lock_of(list)), 0);
    assert_int_equal(atomic_load(list->trailer.reserved), 0);
  }
  end_list(list);
}

static void lock_is_not_taken_twice(void **state) {
  (void)state;
  polyshm_list *list = make_counter();
  take(list, 0);
  refuse(list, 0, POLYSHM_E_BUSY, "this thread has the lock of the list");
  refuse(list, POLYSHM_FOREVER, POLYSHM_E_BUSY, "already");
  atomic_fetch_or(lock_of(list), WAITED);
  refuse(list, POLYSHM_FOREVER, POLYSHM_E_BUSY, "already");
  give_back(list);
  assert_fails(polyshm_list_unlock(list), POLYSHM_E_INVALID);
  assert_message("this thread does not have the lock");
  end_list(list);
}

static void lock_needs_a_list_that_can_be_written(void **state) {
  (void)state;
  polyshm_list *list = make_counter();
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  polyshm_list *closed = open_again(list, 0);
  assert_ok(polyshm_list_close(closed));
  refuse(reader, 0, POLYSHM_E_ACCESS, "reading only");
  refuse(closed, 0, POLYSHM_E_CLOSED, "closed");
  refuse(NULL, 0, POLYSHM_E_INVALID, "NULL");
  assert_fails(polyshm_list_lock(list, 0, NULL), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_unlock(reader), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_unlock(closed), POLYSHM_E_CLOSED);
  assert_fails(polyshm_list_unlock(NULL), POLYSHM_E_INVALID);
  assert_int_equal(atomic_load(lock_of(list)), 0);
  polyshm_list_free(closed);
  polyshm_list_free(reader);
  end_list(list);
}

/* Also if the same thread has both. */
static void lock_excludes_other_handles(void **state) {
  (void)state;
  static const int64_t timeouts[] = {0, 1, 20 * MILLISECOND};
  polyshm_list *list = make_counter(), *other = open_again(list, 0);
  take(list, 0);
  for (size_t i = 0; i < LENGTH(timeouts); i++) {
    int64_t begun = os_clock_now();
    refuse(
        other, timeouts[i], POLYSHM_E_TIMEOUT, "was locked by others all the");
    assert_true(os_clock_now() - begun >= timeouts[i]);
    assert_fails(polyshm_list_unlock(other), POLYSHM_E_INVALID);
  }
  assert_int_equal(
      atomic_load(lock_of(list)) & ~WAITED,
      owner(os_thread_id(), pshm_list_token(list)));
  assert_int_equal(atomic_load(list->trailer.reserved), 0);
  give_back(list);
  assert_int_equal(take(other, 0), 0);
  refuse(list, 0, POLYSHM_E_TIMEOUT, "was locked by others");
  give_back(other);
  polyshm_list_free(other);
  end_list(list);
}

/* It excludes other lockers and nobody else. */
static void lock_does_not_keep_from_setting(void **state) {
  (void)state;
  polyshm_list *list = make_counter(), *other = open_again(list, 0);
  int64_t number;
  take(list, 0);
  set_int(other, 0, 5);
  assert_ok(polyshm_list_add(other, 0, 1, &number));
  assert_ok(polyshm_list_swap(other, 0, 6, 7, &number));
  assert_slot(other, 0, int_value(7));
  give_back(list);
  polyshm_list_free(other);
  end_list(list);
}

static void lock_is_in_the_way_of_closing(void **state) {
  (void)state;
  polyshm_list *list = make_counter(), *other = open_again(list, 0);
  take(list, 0);
  assert_failure(
      polyshm_list_close(list), POLYSHM_E_BUSY, 0,
      "is locked through this handle");
  assert_fails(polyshm_block_close(polyshm_list_block(list)), POLYSHM_E_BUSY);
  assert_ok(polyshm_list_close(other));
  polyshm_list_free(other);
  set_int(list, 0, 5); /* it is open still */
  give_back(list);
  assert_ok(polyshm_list_close(list));
  end_list(list);
}

/* -------------------------------------------------------------------- death */

static void lock_of_a_freed_handle_is_recovered(void **state) {
  (void)state;
  polyshm_list *list = make_counter(), *other = open_again(list, 0);
  take(other, 0);
  polyshm_list_free(other);
  assert_int_equal(take(list, 0), 1);
  give_back(list);
  assert_int_equal(take(list, 0), 0);
  give_back(list);
  end_list(list);
}

static void lock_of_the_dead_is_recovered(void **state) {
  (void)state;
  static const uint64_t words[] = {
      DEAD,
      (uint64_t)5 << 32 | DEAD,
      (uint64_t)5 << 32 | PSHM_SEQUENCE_WAITED | DEAD,
      PSHM_SEQUENCE_WAITED, /* damaged: nobody's */
      (uint64_t)1 << 32,    /* */
      UINT64_MAX,           /* */
      0x7e000000 | DEAD     /* */
  };
  polyshm_list *list = make_counter();
  for (size_t i = 0; i < LENGTH(words); i++) {
    atomic_store(lock_of(list), words[i]);
    assert_int_equal(take(list, 0), 1);
    give_back(list);
    assert_int_equal(atomic_load(lock_of(list)), 0);
    assert_int_equal(take(list, 0), 0);
    give_back(list);
  }
  end_list(list);
}

static void lock_and_pause(stage *it) {
  uint32_t recovered;
  child_check(
      polyshm_list_lock(it->list, POLYSHM_FOREVER, &recovered) == POLYSHM_OK);
  atomic_store(&it->token, recovered);
  pause_at(it, 1);
}

static atomic_int recoveries, turns;

static void *lock_and_count(void *argument) {
  polyshm_list *list = argument;
  uint32_t recovered = 0;
  if (polyshm_list_lock(list, POLYSHM_FOREVER, &recovered) != POLYSHM_OK)
    return NULL;
  atomic_fetch_add(&recoveries, (int)recovered);
  atomic_fetch_add(&turns, 1);
  polyshm_list_unlock(list);
  return argument;
}

static bool is_waited_for(const polyshm_list *list) {
  return (atomic_load(lock_of(list)) & WAITED) != 0;
}

/* One of those who wait learns of it, and one only. */
static void lock_of_a_killed_process_is_recovered_once(void **state) {
  (void)state;
  polyshm_list *list = make_counter(), *other = open_again(list, 0);
  for (int round = 0; round < 5; round++) {
    stage *told = make_stage(list);
    pid_t child = start_child(lock_and_pause, told);
    await(atomic_load(&told->step) == 1);
    refuse(list, 0, POLYSHM_E_TIMEOUT, "was locked by others");
    assert_int_equal(kill(child, SIGSTOP), 0); /* alive */
    refuse(list, 3 * MILLISECOND, POLYSHM_E_TIMEOUT, "was locked by others");
    pthread_t threads[4];
    atomic_store(&recoveries, 0);
    atomic_store(&turns, 0);
    for (size_t i = 0; i < LENGTH(threads); i++)
      threads[i] = start_thread(lock_and_count, i % 2 == 0 ? list : other);
    await(is_waited_for(list));
    kill_child(child);
    for (size_t i = 0; i < LENGTH(threads); i++)
      end_thread(threads[i]);
    assert_int_equal(atomic_load(&turns), LENGTH(threads));
    assert_int_equal(atomic_load(&recoveries), 1);
    end_stage(told);
  }
  assert_int_equal(take(list, 0), 0);
  give_back(list);
  polyshm_list_free(other);
  end_list(list);
}

static void lock_is_recovered_by_each_successor_of_a_dead(void **state) {
  (void)state;
  polyshm_list *list = make_counter();
  for (uint32_t i = 0; i < 3; i++) {
    stage *told = make_stage(list);
    pid_t child = start_child(lock_and_pause, told);
    await(atomic_load(&told->step) == 1);
    assert_int_equal(atomic_load(&told->token), i == 0 ? 0 : 1);
    kill_child(child);
    end_stage(told);
  }
  assert_int_equal(take(list, POLYSHM_FOREVER), 1);
  give_back(list);
  end_list(list);
}

/* ------------------------------------------------------------------ threads */

static void *unlock(void *argument) {
  return polyshm_list_unlock(argument) == POLYSHM_E_INVALID ? argument : NULL;
}

static void *lock_without_waiting(void *argument) {
  uint32_t recovered;
  return polyshm_list_lock(argument, 0, &recovered) == POLYSHM_E_TIMEOUT
             ? argument
             : NULL;
}

static void *lock_and_end(void *argument) {
  uint32_t recovered;
  return polyshm_list_lock(argument, 0, &recovered) == POLYSHM_OK ? argument
                                                                  : NULL;
}

static bool succeeds(void *(*body)(void *), polyshm_list *list) {
  void *result = NULL;
  assert_int_equal(pthread_join(start_thread(body, list), &result), 0);
  return result != NULL;
}

static void lock_belongs_to_its_thread(void **state) {
  (void)state;
  polyshm_list *list = make_counter();
  take(list, 0);
  assert_true(succeeds(unlock, list));
  assert_true(succeeds(lock_without_waiting, list));
  give_back(list);
  end_list(list);
}

/* Until its handle is freed, for another handle to find. */
static void lock_stays_when_its_thread_ends(void **state) {
  (void)state;
  polyshm_list *list = make_counter(), *other = open_again(list, 0);
  assert_true(succeeds(lock_and_end, list));
  refuse(list, 5 * MILLISECOND, POLYSHM_E_TIMEOUT, "locked by others");
  refuse(other, 0, POLYSHM_E_TIMEOUT, "locked by others");
  assert_fails(polyshm_list_unlock(list), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_close(list), POLYSHM_E_BUSY);
  end_list(list);
  assert_int_equal(take(other, 0), 1);
  give_back(other);
  polyshm_list_free(other);
}

/* Not to the child of a process that has it. */
static void unlock_in_child(stage *it) {
  uint32_t recovered;
  child_check(polyshm_list_unlock(it->list) == POLYSHM_E_INVALID);
  child_check(
      polyshm_list_lock(it->list, MILLISECOND, &recovered) ==
      POLYSHM_E_TIMEOUT);
  child_check(polyshm_list_unlock(it->list) == POLYSHM_E_INVALID);
  child_check(polyshm_list_close(it->list) == POLYSHM_OK);
}

static void lock_is_not_inherited(void **state) {
  (void)state;
  polyshm_list *list = make_counter(), *other = open_again(list, 0);
  stage *told = make_stage(list);
  take(list, 0);
  end_child(start_child(unlock_in_child, told));
  refuse(other, 0, POLYSHM_E_TIMEOUT, "locked by others");
  give_back(list);
  assert_int_equal(take(other, 0), 0);
  give_back(other);
  end_stage(told);
  polyshm_list_free(other);
  end_list(list);
}

static void lock_wakes_who_waits_for_it(void **state) {
  (void)state;
  polyshm_list *list = make_counter(), *other = open_again(list, 0);
  for (int round = 0; round < 20; round++) {
    pthread_t threads[4];
    atomic_store(&recoveries, 0);
    atomic_store(&turns, 0);
    take(list, 0);
    for (size_t i = 0; i < LENGTH(threads); i++)
      threads[i] = start_thread(lock_and_count, i % 2 == 0 ? list : other);
    await(is_waited_for(list));
    assert_int_equal(atomic_load(&turns), 0);
    give_back(list);
    for (size_t i = 0; i < LENGTH(threads); i++)
      end_thread(threads[i]);
    assert_int_equal(atomic_load(&turns), LENGTH(threads));
    assert_int_equal(atomic_load(&recoveries), 0);
    assert_int_equal(atomic_load(lock_of(list)) & ~WAITED, 0);
  }
  polyshm_list_free(other);
  end_list(list);
}

/* ------------------------------------------------------------------ signals */

static void ignore_signal(int number) {
  (void)number;
}

static atomic_int result_of_lock;

static void *lock_and_tell(void *argument) {
  uint32_t recovered = 7;
  polyshm_status status =
      polyshm_list_lock(argument, POLYSHM_FOREVER, &recovered);
  atomic_store(
      &result_of_lock,
      status == POLYSHM_E_INTERRUPTED && recovered == 7 &&
              strstr(polyshm_error_message(), "a signal arrived") != NULL
          ? 1
          : -1);
  return NULL;
}

static void lock_is_interrupted_by_signals(void **state) {
  (void)state;
  polyshm_list *list = make_counter();
  struct sigaction action = {
      .sa_handler = ignore_signal, .sa_flags = SA_RESTART};
  struct sigaction before;
  assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
  take(list, 0);
  atomic_store(&result_of_lock, 0);
  pthread_t thread = start_thread(lock_and_tell, list);
  await(is_waited_for(list));
  do { /* one that arrives before it sleeps is nothing to it */
    pthread_kill(thread, SIGUSR1);
    os_clock_sleep(MILLISECOND);
  } while (atomic_load(&result_of_lock) == 0);
  end_thread(thread);
  assert_int_equal(atomic_load(&result_of_lock), 1);
  assert_int_equal(
      atomic_load(lock_of(list)) & ~WAITED,
      owner(os_thread_id(), pshm_list_token(list)));
  assert_int_equal(atomic_load(list->trailer.reserved), 0);
  give_back(list);
  sigaction(SIGUSR1, &before, NULL);
  end_list(list);
}

/* ----------------------------------------------------------------- fairness */

static void lock_is_not_reserved_for_the_dead(void **state) {
  (void)state;
  static const uint64_t reservations[] = {
      DEAD, (uint64_t)5 << 32 | DEAD, (uint64_t)1 << 32, PSHM_SEQUENCE_WAITED,
      UINT64_MAX};
  polyshm_list *list = make_counter();
  for (size_t i = 0; i < LENGTH(reservations); i++)
    for (int round = 0; round < 2; round++) {
      atomic_store(list->trailer.reserved, reservations[i]);
      assert_int_equal(take(list, 0), 0);
      assert_int_equal(atomic_load(list->trailer.reserved), 0);
      give_back(list);
    }
  end_list(list);
}

/* One who was stopped must not keep a free lock from all others for ever. */
static void lock_is_reserved_for_the_living_for_a_while(void **state) {
  (void)state;
  polyshm_list *list = make_counter(), *other = open_again(list, 0);
  uint64_t reservation = owner(12345, join(other));
  atomic_store(list->trailer.reserved, reservation);
  refuse(list, 0, POLYSHM_E_TIMEOUT, "locked by others");
  refuse(list, MILLISECOND, POLYSHM_E_TIMEOUT, "locked by others");
  assert_int_equal(atomic_load(list->trailer.reserved), reservation);
  assert_int_equal(take(list, POLYSHM_FOREVER), 0);
  assert_int_equal(atomic_load(list->trailer.reserved), 0);
  give_back(list);
  polyshm_list_free(other);
  end_list(list);
}

/* Its own reservation does not keep a thread from the lock. */
static void lock_is_reserved_for_whom_it_is_reserved(void **state) {
  (void)state;
  polyshm_list *list = make_counter();
  atomic_store(
      list->trailer.reserved, owner(os_thread_id(), pshm_list_token(list)));
  assert_int_equal(take(list, 0), 0);
  assert_int_equal(atomic_load(list->trailer.reserved), 0);
  give_back(list);
  end_list(list);
}

static bool is_reserved_by(const polyshm_list *list, uint32_t token) {
  uint64_t word = atomic_load(list->trailer.reserved);
  return ((uint32_t)word & PSHM_TOKEN_MAX) == token;
}

static void wait_for_lock(stage *it) {
  uint32_t recovered;
  child_check(pshm_list_join(it->list) == POLYSHM_OK);
  atomic_store(&it->token, pshm_list_token(it->list));
  child_check(
      polyshm_list_lock(it->list, POLYSHM_FOREVER, &recovered) == POLYSHM_OK);
  pause_at(it, 1);
}

/* A waiter that is stopped, then killed, with its reservation. */
static void lock_is_not_kept_by_stopped_waiters(void **state) {
  (void)state;
  polyshm_list *list = make_counter();
  for (int kills = 0; kills <= 1; kills++) {
    stage *told = make_stage(list);
    take(list, 0);
    pid_t child = start_child(wait_for_lock, told);
    await(atomic_load(&told->token) != 0);
    await(is_reserved_by(list, atomic_load(&told->token)));
    if (kills) {
      kill_child(child);
      give_back(list);
      assert_int_equal(take(list, 0), 0);
    } else {
      assert_int_equal(kill(child, SIGSTOP), 0);
      give_back(list);
      assert_int_equal(take(list, POLYSHM_FOREVER), 0);
      assert_int_equal(atomic_load(&told->step), 0);
      kill_child(child);
    }
    give_back(list);
    end_stage(told);
  }
  end_list(list);
}

static atomic_bool is_over;

/* Give the lock back only to take it again. */
static void *keep_locking(void *argument) {
  uint32_t recovered;
  while (!atomic_load(&is_over)) {
    if (polyshm_list_lock(argument, POLYSHM_FOREVER, &recovered) !=
            POLYSHM_OK ||
        recovered != 0)
      return NULL;
    if (polyshm_list_unlock(argument) != POLYSHM_OK)
      return NULL;
  }
  return argument;
}

static void lock_starves_nobody(void **state) {
  (void)state;
  polyshm_list *list = make_counter(), *other = open_again(list, 0);
  atomic_store(&is_over, false);
  pthread_t threads[] = {
      start_thread(keep_locking, list), start_thread(keep_locking, other)};
  for (int i = 0; i < 50; i++) {
    assert_int_equal(take(list, POLYSHM_FOREVER), 0);
    give_back(list);
  }
  atomic_store(&is_over, true);
  for (size_t i = 0; i < LENGTH(threads); i++) {
    void *result = NULL;
    assert_int_equal(pthread_join(threads[i], &result), 0);
    assert_non_null(result);
  }
  assert_int_equal(atomic_load(list->trailer.reserved), 0);
  polyshm_list_free(other);
  end_list(list);
}

/* ------------------------------------------------------------ who else asks */

static void *ask_who_has_it(void *argument) {
  return pshm_lock_is_foreign(argument) ? argument : NULL;
}

static void lock_is_foreign_to_all_but_its_thread(void **state) {
  (void)state;
  polyshm_list *list = make_counter(), *other = open_again(list, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  assert_false(pshm_lock_is_foreign(list));
  assert_false(pshm_lock_is_foreign(reader));
  take(list, 0);
  atomic_fetch_or(lock_of(list), WAITED);
  assert_false(pshm_lock_is_foreign(list));
  assert_true(pshm_lock_is_foreign(other));
  assert_true(pshm_lock_is_foreign(reader));
  assert_true(succeeds(ask_who_has_it, list));
  give_back(list);
  atomic_store(lock_of(list), owner(os_thread_id(), DEAD));
  assert_false(pshm_lock_is_foreign(list));
  assert_false(pshm_lock_is_foreign(reader));
  polyshm_list_free(reader);
  polyshm_list_free(other);
  end_list(list);
}

/* Somebody overwrites the word whenever its owner is asked about. */
static void put_another_dead(void *word) {
  uint64_t seen = pshm_word_load(word);
  atomic_store((pshm_word *)word, seen ^ UINT64_C(1) << 32);
}

static void lock_that_is_never_had_is_a_timeout(void **state) {
  (void)state;
  static const int64_t timeouts[] = {0, 5 * MILLISECOND};
  polyshm_list *list = make_counter();
  uint32_t recovered = 7;
  take(list, 0);
  give_back(list);
  for (size_t i = 0; i < LENGTH(timeouts); i++) {
    atomic_store(lock_of(list), owner(os_thread_id(), DEAD));
    faults_reset();
    faults_before(FAULT_ASK, 0, put_another_dead, lock_of(list));
    assert_fails(
        polyshm_list_lock(list, timeouts[i], &recovered), POLYSHM_E_TIMEOUT);
    faults_reset();
    assert_int_equal(recovered, 7);
  }
  take(list, 1);
  give_back(list);
  end_list(list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lock_is_taken_and_given_back),
      cmocka_unit_test(lock_is_not_taken_twice),
      cmocka_unit_test(lock_needs_a_list_that_can_be_written),
      cmocka_unit_test(lock_excludes_other_handles),
      cmocka_unit_test(lock_does_not_keep_from_setting),
      cmocka_unit_test(lock_is_in_the_way_of_closing),
      cmocka_unit_test(lock_of_a_freed_handle_is_recovered),
      cmocka_unit_test(lock_of_the_dead_is_recovered),
      cmocka_unit_test(lock_of_a_killed_process_is_recovered_once),
      cmocka_unit_test(lock_is_recovered_by_each_successor_of_a_dead),
      cmocka_unit_test(lock_belongs_to_its_thread),
      cmocka_unit_test(lock_stays_when_its_thread_ends),
      cmocka_unit_test(lock_is_not_inherited),
      cmocka_unit_test(lock_wakes_who_waits_for_it),
      cmocka_unit_test(lock_is_interrupted_by_signals),
      cmocka_unit_test(lock_is_not_reserved_for_the_dead),
      cmocka_unit_test(lock_is_reserved_for_the_living_for_a_while),
      cmocka_unit_test(lock_is_reserved_for_whom_it_is_reserved),
      cmocka_unit_test(lock_is_not_kept_by_stopped_waiters),
      cmocka_unit_test(lock_starves_nobody),
      cmocka_unit_test(lock_is_foreign_to_all_but_its_thread),
      cmocka_unit_test(lock_that_is_never_had_is_a_timeout),
  };
  return run_group(tests);
}
