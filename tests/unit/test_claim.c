/* SPDX-License-Identifier: MIT */
#include "os/os.h"

#include "faults.h"
#include "states.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Opened as a list opens its block. */
static int open_file(const char *name) {
  int descriptor = open(path_of(name), O_RDWR | O_CLOEXEC);
  assert_true(descriptor >= 0);
  return descriptor;
}

static os_file_id id_of(int descriptor) {
  struct stat file;
  assert_int_equal(fstat(descriptor, &file), 0);
  return (os_file_id){.device = file.st_dev, .inode = file.st_ino};
}

static polyshm_status separate(int descriptor, const char *name) {
  os_file_id id = id_of(descriptor);
  errno = 0;
  return os_claim_separate(descriptor, &id, name);
}

static void let_go(int descriptor) {
  os_file_id id = id_of(descriptor);
  os_claim_close(descriptor, &id);
}

static const char *make_named(void) {
  const char *name = fresh_name();
  make_file(name, "12345678", 8);
  return name;
}

static void remove_named(const char *name) {
  assert_ok(polyshm_unlink(name));
}

/* ---------------------------------------------------------------- claiming */

static void claim_excludes_other_openings(void **state) {
  (void)state;
  static const uint32_t numbers[] = {1, 3, 77, PSHM_TOKEN_MAX};
  const char *name = make_named();
  int one = open_file(name), other = open_file(name);
  for (size_t i = 0; i < LENGTH(numbers); i++) {
    assert_false(os_claim_is_held(other, numbers[i]));
    assert_true(os_claim_take(one, numbers[i]));
    assert_true(os_claim_is_held(other, numbers[i]));
    assert_false(os_claim_is_held(one, numbers[i])); /* but by itself */
    assert_false(os_claim_take(other, numbers[i]));
    assert_false(os_claim_is_held(other, numbers[i] - 1));
    assert_false(os_claim_is_held(other, numbers[i] + 1));
  }
  let_go(one);
  for (size_t i = 0; i < LENGTH(numbers); i++)
    assert_true(os_claim_take(other, numbers[i]));
  let_go(other);
  remove_named(name);
}

static void claim_is_of_one_file(void **state) {
  (void)state;
  const char *names[] = {make_named(), make_named()};
  int one = open_file(names[0]), other = open_file(names[1]);
  assert_true(os_claim_take(one, 5));
  assert_false(os_claim_is_held(other, 5));
  let_go(one);
  let_go(other);
  remove_named(names[0]);
  remove_named(names[1]);
}

/* Unlike the locks of processes, which end with any descriptor of the file. */
static void claim_outlives_other_descriptors(void **state) {
  (void)state;
  const char *name = make_named();
  int one = open_file(name), other = open_file(name), third = open_file(name);
  assert_true(os_claim_take(one, 5));
  close(third);
  assert_true(os_claim_is_held(other, 5));
  int fourth = dup(other);
  let_go(other);
  assert_true(os_claim_is_held(fourth, 5));
  let_go(one);
  assert_false(os_claim_is_held(fourth, 5));
  close(fourth);
  remove_named(name);
}

static void claim_can_be_asked_for_by_readers(void **state) {
  (void)state;
  const char *name = make_named();
  int one = open_file(name), reader = open(path_of(name), O_RDONLY | O_CLOEXEC);
  assert_false(os_claim_is_held(reader, 9));
  assert_true(os_claim_take(one, 9));
  assert_true(os_claim_is_held(reader, 9));
  close(reader);
  let_go(one);
  remove_named(name);
}

/* Who cannot be asked about is not robbed. */
static void claim_is_held_where_nothing_tells(void **state) {
  (void)state;
  assert_true(os_claim_is_held(-1, 5));
  assert_false(os_claim_take(-1, 5));
}

/* -------------------------------------------------------------- separating */

static void claim_is_separated_from_copies(void **state) {
  (void)state;
  const char *name = make_named();
  int one = open_file(name), copy = dup(one);
  assert_true(os_claim_take(one, 1));
  assert_false(os_claim_is_held(copy, 1)); /* the same opening */
  assert_ok(separate(one, name));
  assert_true(os_claim_take(one, 2));
  assert_true(os_claim_is_held(copy, 2));
  assert_true(os_claim_is_held(one, 1)); /* the copy has it now */
  assert_int_equal(fcntl(one, F_GETFD), FD_CLOEXEC);
  assert_int_equal(fcntl(one, F_GETFL) & O_ACCMODE, O_RDWR);
  let_go(one);
  assert_false(os_claim_is_held(copy, 2));
  close(copy);
  remove_named(name);
}

static void claim_separates_files_without_a_name(void **state) {
  (void)state;
  const char *name = make_named();
  int one = open_file(name), other = open_file(name);
  remove_named(name);
  assert_ok(separate(one, name));
  make_file(name, "another", 7); /* has the name now */
  assert_ok(separate(other, name));
  assert_true(os_claim_take(one, 3));
  assert_true(os_claim_is_held(other, 3));
  let_go(one);
  let_go(other);
  remove_named(name);
}

static void claim_separates_what_it_cannot_map(void **state) {
  (void)state;
  const char *name = make_named();
  int reader = open(path_of(name), O_RDONLY | O_CLOEXEC);
  assert_ok(separate(reader, name));
  assert_true(os_claim_take(reader, 3));
  let_go(reader);
  remove_named(name);
}

/* ------------------------------------------------------------------ faults */

/* Where /proc is of no use, the name serves, if it still is the file's. */
static void claim_is_separated_by_name(void **state) {
  (void)state;
  const char *name = make_named();
  int one = open_file(name), other = open_file(name);
  faults_reset();
  faults_fail(FAULT_OPEN, 1, 1, EMFILE);
  assert_ok(separate(one, name));
  assert_int_equal(faults_count(FAULT_OPEN), 2);
  assert_true(os_claim_take(one, 3));
  assert_true(os_claim_is_held(other, 3));
  assert_false(os_claim_is_held(one, 3));

  remove_named(name);
  faults_reset();
  faults_fail(FAULT_OPEN, 1, 1, ENOENT);
  assert_failure(
      separate(one, name), POLYSHM_E_OS, ENOENT,
      "to write to it: No such file or directory");
  make_file(name, "another", 7);
  faults_reset();
  faults_fail(FAULT_OPEN, 1, 1, ENOENT);
  holdings held = count_holdings();
  assert_fails(separate(one, name), POLYSHM_E_OS);
  assert_int_equal(count_holdings().descriptors, held.descriptors);
  assert_true(os_claim_is_held(other, 3)); /* a failure changes nothing */
  faults_reset();
  let_go(one);
  let_go(other);
  remove_named(name);
}

static void claim_faults_leave_the_descriptor(void **state) {
  (void)state;
  static const struct {
    fault_call call;
    unsigned first, count; /* the first fstat is the test's own */
  } faults[] = {
      {FAULT_OPEN, 1, 2},
      {FAULT_FSTAT, 2, 1},
      {FAULT_FSTAT, 3, 1},
      {FAULT_DUP, 1, 1}};
  const char *name = make_named();
  int one = open_file(name), other = open_file(name);
  assert_true(os_claim_take(one, 4));
  holdings held = count_holdings();
  for (size_t i = 0; i < LENGTH(faults); i++) {
    faults_reset();
    faults_fail(faults[i].call, faults[i].first, faults[i].count, EMFILE);
    assert_fails(separate(one, name), POLYSHM_E_OS);
    assert_message("cannot open the list '");
    assert_true(faults_hit(faults[i].call));
    faults_reset();
    assert_int_equal(count_holdings().descriptors, held.descriptors);
    assert_true(os_claim_is_held(other, 4));
  }
  let_go(one);
  let_go(other);
  remove_named(name);
}

/* What is told is the call that failed. */
static void claim_faults_tell_their_reason(void **state) {
  (void)state;
  const char *name = make_named();
  int one = open_file(name);
  faults_reset();
  faults_fail(FAULT_DUP, 1, 1, EMFILE);
  assert_failure(
      separate(one, name), POLYSHM_E_OS, EMFILE, "Too many open files");
  faults_reset();
  faults_fail(FAULT_OPEN, 1, 2, ENFILE);
  assert_failure(
      separate(one, name), POLYSHM_E_OS, ENFILE,
      "Too many open files in system");
  faults_reset();
  let_go(one);
  remove_named(name);
}

/* ------------------------------------------- descriptors closed by strangers
 */

static void claim_is_not_made_in_another_file(void **state) {
  (void)state;
  const char *name = make_named(), *other_name = make_named();
  int one = open_file(name), witness = open_file(other_name);
  os_file_id id = id_of(one);
  close(one);
  assert_failure(
      os_claim_separate(one, &id, name), POLYSHM_E_OS, EBADF,
      "Bad file descriptor");
  os_claim_close(one, &id);
  assert_int_equal(open_file(other_name), one);
  for (int i = 0; i < 2; i++) {
    assert_fails(os_claim_separate(one, &id, name), POLYSHM_E_OS);
    assert_true(os_claim_take(one, 5)); /* it is the same opening still */
    assert_true(os_claim_is_held(witness, 5));
    os_claim_close(one, &id); /* which is not closed */
    assert_true(os_claim_is_held(witness, 5));
  }
  close(one);
  close(witness);
  remove_named(name);
  remove_named(other_name);
}

/* ------------------------------------------------------------------- death */

static const char *claimed;

static void claim_and(stage *it, uint32_t number, int step) {
  int descriptor = open_file(claimed);
  if (!os_claim_take(descriptor, number))
    _exit(1);
  pause_at(it, step);
}

static void claim_5(stage *it) {
  claim_and(it, 5, 1);
}

static void claim_ends_with_the_process(void **state) {
  (void)state;
  claimed = make_named();
  stage *it = make_stage(NULL);
  int other = open_file(claimed);
  pid_t child = start_child(claim_5, it);
  await(atomic_load(&it->step) == 1);
  assert_true(os_claim_is_held(other, 5));
  assert_false(os_claim_take(other, 5));
  assert_true(os_claim_take(other, 6));
  kill_child(child);
  assert_false(os_claim_is_held(other, 5));
  assert_true(os_claim_take(other, 5));
  let_go(other);
  remove_named(claimed);
  end_stage(it);
}

static void claim_and_execute(stage *it) {
  (void)it;
  int descriptor = open_file(claimed);
  if (os_claim_take(descriptor, 5))
    execl("/bin/sleep", "sleep", "1000", (char *)NULL);
  _exit(1);
}

static bool is_sleep(pid_t process) {
  char path[40], text[16] = "";
  snprintf(path, sizeof path, "/proc/%ld/comm", (long)process);
  FILE *file = fopen(path, "re");
  if (file != NULL) {
    if (fgets(text, sizeof text, file) == NULL)
      text[0] = 0;
    fclose(file);
  }
  return strcmp(text, "sleep\n") == 0;
}

static void claim_ends_with_the_program(void **state) {
  (void)state;
  claimed = make_named();
  stage *it = make_stage(NULL);
  int other = open_file(claimed);
  pid_t child = start_child(claim_and_execute, it);
  await(is_sleep(child));
  await(!os_claim_is_held(other, 5)); /* the file is closed after that */
  kill_child(child);
  let_go(other);
  remove_named(claimed);
  end_stage(it);
}

/* A copy in a fork child keeps a claim: that is why copies are separated. */
static void claim_is_kept_by_copies(void **state) {
  (void)state;
  claimed = make_named();
  stage *it = make_stage(NULL);
  int one = open_file(claimed), other = open_file(claimed);
  assert_true(os_claim_take(one, 8));
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pause_at(it, 1);
  }
  await(atomic_load(&it->step) == 1);
  let_go(one);
  assert_true(os_claim_is_held(other, 8));
  kill_child(child);
  assert_false(os_claim_is_held(other, 8));
  let_go(other);
  remove_named(claimed);
  end_stage(it);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(claim_excludes_other_openings),
      cmocka_unit_test(claim_is_of_one_file),
      cmocka_unit_test(claim_outlives_other_descriptors),
      cmocka_unit_test(claim_can_be_asked_for_by_readers),
      cmocka_unit_test(claim_is_held_where_nothing_tells),
      cmocka_unit_test(claim_is_separated_from_copies),
      cmocka_unit_test(claim_separates_files_without_a_name),
      cmocka_unit_test(claim_separates_what_it_cannot_map),
      cmocka_unit_test(claim_is_separated_by_name),
      cmocka_unit_test(claim_faults_leave_the_descriptor),
      cmocka_unit_test(claim_faults_tell_their_reason),
      cmocka_unit_test(claim_is_not_made_in_another_file),
      cmocka_unit_test(claim_ends_with_the_process),
      cmocka_unit_test(claim_ends_with_the_program),
      cmocka_unit_test(claim_is_kept_by_copies),
  };
  return run_group(tests);
}
