/* SPDX-License-Identifier: MIT */
/* Starting the manager's program, and what it may be instead. */
#include "os/net.h"

#include "os/os.h"

#include "faults.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAKE_KEY "#!/bin/sh\ndd bs=9000 count=1 <&3 >/dev/null 2>&1\n"
#define MILLISECOND INT64_C(1000000)

static char program[64];

static int setup(void **state) {
  (void)state;
  faults_reset();
  setenv("POLYSHM_MANAGER", POLYSHM_TESTS_MANAGER, 1);
  return 0;
}

/* A program with these words, that takes the manager's place. */
static void pretend(const char *words) {
  strcpy(program, "/tmp/polyshm-test-XXXXXX");
  int file = mkstemp(program);
  assert_true(file >= 0);
  assert_int_equal(write(file, words, strlen(words)), strlen(words));
  assert_int_equal(fchmod(file, 0700), 0);
  close(file);
  setenv("POLYSHM_MANAGER", program, 1);
}

static polyshm_status start(int64_t timeout, polyshm_manager **out_manager) {
  polyshm_manager_options options = {
      .struct_size = sizeof options, .timeout = timeout};
  return polyshm_manager_start(NULL, NULL, 0, &options, out_manager);
}

static void start_survives_each_failure(void **state) {
  (void)state;
  static const struct {
    fault_call call;
    int code;
  } kinds[] = {
      {FAULT_MALLOC, ENOMEM}, {FAULT_RANDOM, EIO},   {FAULT_TALK, EMFILE},
      {FAULT_MMAP, ENOMEM},   {FAULT_CLONE, EAGAIN}, {FAULT_LOOK, EACCES},
  };
  for (size_t i = 0; i < LENGTH(kinds); i++) {
    bool hit = true;
    for (unsigned nth = 1; hit; nth++) {
      polyshm_manager *manager = NULL;
      faults_reset();
      long heap = faults_heap();
      holdings held = count_holdings();
      faults_fail(kinds[i].call, nth, 1, kinds[i].code);
      polyshm_status status = start(60000 * MILLISECOND, &manager);
      hit = faults_hit(kinds[i].call);
      faults_reset();
      if (status == POLYSHM_OK) {
        assert_ok(polyshm_manager_shutdown(manager));
        polyshm_manager_free(manager);
      } else {
        assert_true(hit);
        assert_null(manager);
        assert_string_not_equal(polyshm_error_message(), "");
      }
      assert_int_equal(faults_heap(), heap);
      assert_int_equal(count_holdings().descriptors, held.descriptors);
      assert_true(nth < 100);
    }
  }
}

static void start_needs_a_program(void **state) {
  (void)state;
  polyshm_manager *manager;
  setenv("POLYSHM_MANAGER", "/dev/null", 1);
  assert_failure(
      start(0, &manager), POLYSHM_E_NOT_FOUND, 0, "POLYSHM_MANAGER is no");
  setenv("POLYSHM_MANAGER", "/etc/passwd", 1);
  assert_fails(start(0, &manager), POLYSHM_E_NOT_FOUND);
  char path[5000];
  memset(path, 'x', sizeof path - 1);
  path[sizeof path - 1] = 0;
  setenv("POLYSHM_MANAGER", path, 1);
  assert_fails(start(0, &manager), POLYSHM_E_NOT_FOUND);
  unsetenv("POLYSHM_MANAGER");
  assert_failure(
      start(0, &manager), POLYSHM_E_NOT_FOUND, 0,
      "there is no polyshm-manager");
  faults_reset();
  faults_fail(FAULT_DLADDR, 1, 1, 1);
  assert_failure(
      start(0, &manager), POLYSHM_E_NOT_FOUND, 0, "where the library is");
}

/* What the kernel cannot run. */
static void start_says_why_it_cannot_run_it(void **state) {
  (void)state;
  polyshm_manager *manager;
  pretend("no program\n");
  assert_failure(start(0, &manager), POLYSHM_E_OS, ENOEXEC, program);
  unlink(program);
  pretend("#!/nowhere/sh\n");
  assert_failure(start(0, &manager), POLYSHM_E_OS, ENOENT, program);
  unlink(program);
}

static void start_finds_programs_by_relative_paths(void **state) {
  (void)state;
  polyshm_manager *manager;
  char before[4096];
  pretend(TAKE_KEY);
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(chdir("/tmp"), 0);
  setenv("POLYSHM_MANAGER", program + strlen("/tmp/"), 1);
  assert_failure(start(0, &manager), POLYSHM_E_OS, 0, "has ended");
  faults_reset();
  faults_fail(FAULT_LOOK, 2, 1, ENOENT); /* where that is */
  assert_fails(start(0, &manager), POLYSHM_E_NOT_FOUND);
  assert_true(faults_hit(FAULT_LOOK));
  faults_reset();
  assert_int_equal(chdir("/"), 0);
  setenv("POLYSHM_MANAGER", program + 1, 1);
  assert_failure(start(0, &manager), POLYSHM_E_OS, 0, "has ended");
  assert_int_equal(chdir(before), 0);
  unlink(program);
}

static void start_does_not_wait_for_ever(void **state) {
  (void)state;
  polyshm_manager *manager;
  /* It takes the key, and waits until nobody is there any more. */
  pretend(TAKE_KEY "read more <&3\n");
  assert_failure(
      start(30 * MILLISECOND, &manager), POLYSHM_E_TIMEOUT, ETIMEDOUT,
      "does not answer");
  faults_reset();
  faults_fail(FAULT_WAIT, 1, 1, EINTR);
  assert_failure(
      start(-1, &manager), POLYSHM_E_INTERRUPTED, 0, "while a manager started");
  faults_reset();
  unlink(program);
}

static void start_believes_no_odd_answer(void **state) {
  (void)state;
  polyshm_manager *manager;
  pretend(TAKE_KEY "printf odd >&3\nread more <&3\n");
  assert_failure(start(0, &manager), POLYSHM_E_OS, 0, "has ended");
  unlink(program);
}

static void start_refuses_wrong_options(void **state) {
  (void)state;
  polyshm_manager *manager;
  polyshm_manager_options options = {
      .struct_size = sizeof options, .flags = 1U << 20};
  assert_failure(
      polyshm_manager_start(NULL, NULL, 0, &options, &manager),
      POLYSHM_E_INVALID, 0, "flags 0x100000");
  options =
      (polyshm_manager_options){.struct_size = sizeof options, .reserved = 1};
  assert_true(polyshm_manager_start(NULL, NULL, 0, &options, &manager) < 0);
  options = (polyshm_manager_options){.struct_size = 4};
  assert_true(polyshm_manager_start(NULL, NULL, 0, &options, &manager) < 0);
  assert_fails(
      polyshm_manager_start(NULL, NULL, 0, NULL, NULL), POLYSHM_E_INVALID);
}

static void start_tells_what_it_would_run(void **state) {
  (void)state;
  char path[4096] = "x";
  assert_failure(
      polyshm_manager_path(path, 3), POLYSHM_E_SPACE, 0, "do not fit");
  assert_fails(polyshm_manager_path(NULL, 4096), POLYSHM_E_SPACE);
  assert_string_equal(path, "x");
  assert_ok(polyshm_manager_path(path, sizeof path));
  assert_string_equal(path, POLYSHM_TESTS_MANAGER);
}

/* ------------------------------------------------------------------ by hand
 */

/* The program with these arguments, and this as its descriptor 3; how it ends.
 */
static int run(const char *path, char *const *arguments, int descriptor) {
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    int null = open("/dev/null", O_RDWR);
    if (null >= 0)
      dup2(null, STDERR_FILENO);
    if (descriptor != 3)
      dup2(descriptor, 3);
    fcntl(3, F_SETFD, 0);
    execv(path, arguments);
    _exit(99);
  }
  int state;
  assert_int_equal(waitpid(child, &state, 0), child);
  assert_true(WIFEXITED(state));
  return WEXITSTATUS(state);
}

static void programs_are_not_for_hands(void **state) {
  (void)state;
  char name[] = "x", zero[] = "0", fresh[] = "-";
  char *none[] = {name, NULL}, *some[] = {name, fresh, zero, zero, NULL};
  int ends[2];
  assert_ok(os_net_pair(ends));
  assert_int_equal(run(POLYSHM_TESTS_MANAGER, none, ends[1]), 2);
  assert_int_equal(run(POLYSHM_TESTS_HELPER, none, ends[1]), 2);
  assert_int_equal(run(POLYSHM_TESTS_HELPER, some, ends[1]), 2);
  char token[] = "1:2:0123456789abcdef";
  char *odd[] = {name, name, NULL}, *homeless[] = {name, token, NULL};
  assert_int_equal(run(POLYSHM_TESTS_HELPER, odd, ends[1]), 2);
  assert_int_equal(run(POLYSHM_TESTS_HELPER, homeless, ends[1]), 2);
  /* No key comes, but something else, and then nobody is there. */
  size_t count;
  assert_int_equal(os_net_write(ends[0], "odd", 3, &count), OS_NET_DONE);
  assert_int_equal(run(POLYSHM_TESTS_MANAGER, some, ends[1]), 2);
  os_net_close(ends[0]);
  assert_int_equal(run(POLYSHM_TESTS_MANAGER, some, ends[1]), 2);
  os_net_close(ends[1]);
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup(test, setup)
  const struct CMUnitTest tests[] = {
      TEST(start_survives_each_failure),
      TEST(start_needs_a_program),
      TEST(start_says_why_it_cannot_run_it),
      TEST(start_finds_programs_by_relative_paths),
      TEST(start_does_not_wait_for_ever),
      TEST(start_believes_no_odd_answer),
      TEST(start_refuses_wrong_options),
      TEST(start_tells_what_it_would_run),
      TEST(programs_are_not_for_hands),
  };
  return run_group(tests);
}
