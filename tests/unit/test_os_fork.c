/* SPDX-License-Identifier: MIT */
#include "os/os.h"

#include "faults.h"
#include "states.h"

#include <errno.h>
#include <sys/syscall.h>

static int called, others;

static void count_call(void) {
  called++;
}

static void count_other(void) {
  others++;
}

/* The first test: nobody watches yet in this process. */
static void fork_cannot_be_watched_without_memory(void **state) {
  (void)state;
  faults_reset();
  faults_fail(FAULT_ATFORK, 1, 1, ENOMEM);
  os_fork_hold();
  polyshm_status status = os_fork_watch(count_other);
  os_fork_release();
  assert_failure(status, POLYSHM_E_MEMORY, ENOMEM, "cannot watch for forks");
  faults_reset();
}

static void check_call(void *argument) {
  (void)argument;
  child_check(called == 1);
  child_check(others == 0);
}

static void fork_calls_the_first_function_in_the_child(void **state) {
  (void)state;
  os_fork_hold();
  assert_ok(os_fork_watch(count_call));
  assert_ok(os_fork_watch(count_other));
  assert_ok(os_fork_watch(count_call));
  os_fork_release();
  assert_int_equal(in_child(check_call, NULL), 0);
  assert_int_equal(called, 0);
}

static void hold_and_release(void *argument) {
  (void)argument;
  os_fork_hold();
  os_fork_release();
  child_check(called == 1);
}

static void fork_child_can_hold(void **state) {
  (void)state;
  assert_int_equal(in_child(hold_and_release, NULL), 0);
  os_fork_hold();
  os_fork_release();
}

static atomic_bool holding;
static bool released; /* guarded by the hold */

static void *hold_for_a_while(void *argument) {
  (void)argument;
  os_fork_hold();
  atomic_store(&holding, true);
  os_clock_sleep(20 * MILLISECOND);
  released = true;
  os_fork_release();
  return NULL;
}

static void check_release(void *argument) {
  child_check(released);
  hold_and_release(argument);
  /* Not _exit, at which the thread sanitizer would miss the other thread. */
  syscall(SYS_exit_group, 0);
}

/* Nobody forks while another thread is at it, so no child sees it half done. */
static void fork_waits_for_who_holds(void **state) {
  (void)state;
  pthread_t thread = start_thread(hold_for_a_while, NULL);
  await(atomic_load(&holding));
  assert_int_equal(in_child(check_release, NULL), 0);
  end_thread(thread);
}

/* ----------------------------------------------------------------- threads */

static void *note_thread(void *argument) {
  *(uint32_t *)argument = os_thread_id();
  return os_thread_id() == *(uint32_t *)argument ? argument : NULL;
}

static void thread_has_a_number_of_its_own(void **state) {
  (void)state;
  uint32_t numbers[2] = {0};
  void *same = NULL;
  assert_int_not_equal(os_thread_id(), 0);
  assert_int_equal(os_thread_id(), os_thread_id());
  for (size_t i = 0; i < LENGTH(numbers); i++) {
    pthread_t thread = start_thread(note_thread, &numbers[i]);
    assert_int_equal(pthread_join(thread, &same), 0);
    assert_ptr_equal(same, &numbers[i]);
    assert_int_not_equal(numbers[i], 0);
    assert_int_not_equal(numbers[i], os_thread_id());
  }
}

static void compare_thread(void *argument) {
  child_check(os_thread_id() == *(uint32_t *)argument);
  os_thread_forget();
  child_check(os_thread_id() != *(uint32_t *)argument);
  child_check(os_thread_id() == (uint32_t)getpid());
}

static void thread_is_another_one_in_a_child(void **state) {
  (void)state;
  uint32_t number = os_thread_id();
  assert_int_equal(in_child(compare_thread, &number), 0);
  assert_int_equal(os_thread_id(), number);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fork_cannot_be_watched_without_memory),
      cmocka_unit_test(fork_calls_the_first_function_in_the_child),
      cmocka_unit_test(fork_child_can_hold),
      cmocka_unit_test(fork_waits_for_who_holds),
      cmocka_unit_test(thread_has_a_number_of_its_own),
      cmocka_unit_test(thread_is_another_one_in_a_child),
  };
  return run_group(tests);
}
