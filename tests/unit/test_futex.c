/* SPDX-License-Identifier: MIT */
/*
 * Both implementations: the system's, and the one that looks again and again
 * (-DPOLYSHM_FUTEX=OFF), which does not know whom it woke.
 */
#include "os/os.h"

#include "states.h"

static _Atomic uint32_t word;

static void futex_returns_if_the_word_is_another(void **state) {
  (void)state;
  atomic_store(&word, 5);
  assert_int_equal(os_futex_wait(&word, 4, INT64_MAX), OS_WAKE_MAYBE);
  assert_int_equal(os_futex_wait(&word, 0x10005, 1), OS_WAKE_MAYBE);
}

static void futex_does_not_sleep_without_time(void **state) {
  (void)state;
  atomic_store(&word, 5);
  assert_int_equal(os_futex_wait(&word, 5, 0), OS_WAKE_TIMEOUT);
}

/* A wake without a reason is allowed. */
static void futex_sleeps_as_long_as_it_is_told(void **state) {
  (void)state;
  atomic_store(&word, 5);
  int64_t begin = os_clock_now(), end = begin + 20 * MILLISECOND, left;
  os_wake wake = OS_WAKE_MAYBE;
  while ((left = end - os_clock_now()) > 0)
    wake = os_futex_wait(&word, 5, left);
  assert_int_equal(wake, OS_WAKE_TIMEOUT);
  wake = os_futex_wait(&word, 5, 1);
  assert_true(wake == OS_WAKE_TIMEOUT || wake == OS_WAKE_MAYBE);
}

static void *wait_for_6(void *argument) {
  atomic_int *awake = argument;
  while (atomic_load(&word) != 6)
    if (os_futex_wait(&word, 5, INT64_C(3600000000000)) != OS_WAKE_MAYBE)
      return NULL;
  atomic_fetch_add(awake, 1);
  return argument;
}

static void futex_wakes_all_threads(void **state) {
  (void)state;
  atomic_int awake = 0;
  pthread_t threads[3];
  atomic_store(&word, 5);
  for (size_t i = 0; i < LENGTH(threads); i++)
    threads[i] = start_thread(wait_for_6, &awake);
  os_clock_sleep(5 * MILLISECOND); /* let them sleep, most times */
  atomic_store(&word, 6);
  int woken = os_futex_wake(&word, INT32_MAX);
  assert_in_range(woken + 1, 0, 1 + LENGTH(threads));
  for (size_t i = 0; i < LENGTH(threads); i++)
    end_thread(threads[i]);
  assert_int_equal(atomic_load(&awake), LENGTH(threads));
}

/* How many are woken is told, or that it cannot be told. */
static void futex_counts_whom_it_woke(void **state) {
  (void)state;
  atomic_int awake = 0;
  atomic_store(&word, 5);
  int woken = os_futex_wake(&word, 1);
  bool tells = woken >= 0;
  assert_int_equal(woken, tells ? 0 : -1);
  pthread_t thread = start_thread(wait_for_6, &awake);
  if (tells)
    await((woken = os_futex_wake(&word, 7)) != 0); /* once it sleeps */
  assert_int_equal(woken, tells ? 1 : -1);
  atomic_store(&word, 6);
  os_futex_wake(&word, 1);
  end_thread(thread);
}

static void futex_wakes_readers_of_another_process(void **state) {
  (void)state;
  const polyshm_value zero = int_value(0);
  polyshm_list *list = make_list(&zero, 1, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (pshm_word_load(reader->trailer.changes) == 0)
      if (os_futex_wait(
              pshm_word_low(reader->trailer.changes), 0,
              INT64_C(3600000000000)) != OS_WAKE_MAYBE)
        _exit(1);
    _exit(0);
  }
  os_clock_sleep(5 * MILLISECOND);
  atomic_store(list->trailer.changes, 1);
  os_futex_wake(pshm_word_low(list->trailer.changes), 1);
  end_child(child);
  polyshm_list_free(reader);
  end_list(list);
}

/* ----------------------------------------------------------------- signals */

static void ignore_signal(int number) {
  (void)number;
}

static atomic_bool is_interrupted;

static void *sleep_until_interrupted(void *argument) {
  (void)argument;
  os_wake wake;
  do
    wake = os_futex_wait(&word, 5, INT64_C(3600000000000));
  while (wake == OS_WAKE_MAYBE);
  atomic_store(&is_interrupted, wake == OS_WAKE_INTERRUPTED);
  return NULL;
}

/* Whether or not system calls are to be restarted after this signal. */
static void futex_is_interrupted_by_signals(void **state) {
  (void)state;
  for (int restart = 0; restart <= 1; restart++) {
    struct sigaction action = {
        .sa_handler = ignore_signal, .sa_flags = restart ? SA_RESTART : 0};
    struct sigaction before;
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    atomic_store(&word, 5);
    atomic_store(&is_interrupted, false);
    pthread_t thread = start_thread(sleep_until_interrupted, NULL);
    /* One that arrives before it sleeps is nothing to it. */
    do {
      os_clock_sleep(MILLISECOND);
      pthread_kill(thread, SIGUSR1);
    } while (!atomic_load(&is_interrupted));
    end_thread(thread);
    sigaction(SIGUSR1, &before, NULL);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(futex_returns_if_the_word_is_another),
      cmocka_unit_test(futex_does_not_sleep_without_time),
      cmocka_unit_test(futex_sleeps_as_long_as_it_is_told),
      cmocka_unit_test(futex_wakes_all_threads),
      cmocka_unit_test(futex_counts_whom_it_woke),
      cmocka_unit_test(futex_wakes_readers_of_another_process),
      cmocka_unit_test(futex_is_interrupted_by_signals),
  };
  return run_group(tests);
}
