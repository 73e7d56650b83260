/* SPDX-License-Identifier: MIT */
/* Holding by the folder. */
#include "os/os.h"

#include "faults.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Numbers that no file has. */
static const uint64_t far = (uint64_t)1 << 50, farther = (uint64_t)1 << 62;

static void folder_is_known_again(void **state) {
  (void)state;
  int folder = os_folder_open(), other = os_folder_open();
  assert_true(folder >= 0 && other >= 0 && folder != other);
  assert_int_equal(fcntl(folder, F_GETFD), FD_CLOEXEC);
  assert_true(os_folder_is(folder) && os_folder_is(other));
  close(other);
  assert_false(os_folder_is(other));
  assert_int_equal(open("/dev/null", O_RDWR | O_CLOEXEC), other);
  assert_false(os_folder_is(other));
  close(other);
  assert_int_equal(open("/tmp", O_RDONLY | O_CLOEXEC), other);
  assert_false(os_folder_is(other));
  close(other);
  assert_false(os_folder_is(-1));
  close(folder);
}

static void folder_holds_for_all_but_itself(void **state) {
  (void)state;
  int one = os_folder_open(), other = os_folder_open();
  assert_false(os_folder_is_held(other, far));
  assert_ok(os_folder_hold(one, far));
  assert_true(os_folder_is_held(other, far));
  assert_false(os_folder_is_held(one, far));
  assert_false(os_folder_is_held(other, far + 1));
  assert_false(os_folder_is_held(other, far - 1));
  assert_ok(os_folder_hold(other, far)); /* two may */
  assert_true(os_folder_is_held(one, far));
  os_folder_release(other, far);
  assert_false(os_folder_is_held(one, far));
  assert_true(os_folder_is_held(other, far));
  assert_ok(os_folder_hold(one, far)); /* twice is once */
  os_folder_release(one, far);
  assert_false(os_folder_is_held(other, far));
  os_folder_release(one, far);
  close(one);
  close(other);
}

static void folder_holds_any_number(void **state) {
  (void)state;
  static const uint64_t inodes[] = {1, UINT32_MAX, INT64_MAX - 1};
  int one = os_folder_open(), other = os_folder_open();
  for (size_t i = 0; i < LENGTH(inodes); i++) {
    assert_ok(os_folder_hold(one, inodes[i]));
    assert_true(os_folder_is_held(other, inodes[i]));
    os_folder_release(one, inodes[i]);
    assert_false(os_folder_is_held(other, inodes[i]));
  }
  for (uint64_t i = 0; i < 10000; i++)
    assert_ok(os_folder_hold(one, far + i));
  for (uint64_t i = 0; i < 10000; i += 2)
    os_folder_release(one, far + i);
  for (uint64_t i = 0; i < 10000; i++)
    assert_int_equal(os_folder_is_held(other, far + i), i % 2);
  close(one);
  assert_false(os_folder_is_held(other, far + 1));
  close(other);
}

static void hold_and_go(void *argument) {
  child_check(os_folder_hold(*(int *)argument, farther) == POLYSHM_OK);
}

/* All copies of a descriptor hold together, until the last is closed. */
static void folder_is_held_by_copies(void **state) {
  (void)state;
  int one = os_folder_open(), other = os_folder_open();
  assert_int_equal(in_child(hold_and_go, &one), 0);
  assert_true(os_folder_is_held(other, farther));
  int copy = fcntl(one, F_DUPFD_CLOEXEC, 0);
  close(one);
  assert_true(os_folder_is_held(other, farther));
  close(copy);
  assert_false(os_folder_is_held(other, farther));
  close(other);
}

static void folder_says_what_fails(void **state) {
  (void)state;
  int folder = os_folder_open();
  faults_reset();
  faults_fail(FAULT_FCNTL, 1, FOR_EVER, ENOLCK);
  assert_failure(
      os_folder_hold(folder, far), POLYSHM_E_OS, ENOLCK, "cannot hold");
  assert_true(os_folder_is_held(folder, far)); /* for all we know */
  faults_reset();
  faults_fail(FAULT_OPEN, 1, 1, EMFILE);
  assert_int_equal(os_folder_open(), -1);
  assert_message("cannot open /dev/shm");
  assert_int_equal(polyshm_error_os(), EMFILE);
  faults_reset();
  close(folder);
}

typedef struct search {
  const char *name;
  unsigned found;
} search;

static void compare(const char *name, void *context) {
  search *it = context;
  it->found += strcmp(name, it->name) == 0;
}

static unsigned count_in_list(const char *name) {
  search it = {.name = name};
  assert_ok(os_folder_list(compare, &it));
  return it.found;
}

static void folder_lists_files(void **state) {
  (void)state;
  const char *name = fresh_name();
  make_file(name, "", 0);
  assert_int_equal(count_in_list(name), 1);
  unlink(path_of(name));
  assert_int_equal(count_in_list(name), 0);
  assert_int_equal(mkdir(path_of(name), 0700), 0);
  assert_int_equal(count_in_list(name), 0);
  rmdir(path_of(name));
}

static void folder_removes_or_says_why(void **state) {
  (void)state;
  int folder = os_folder_open();
  const char *name = fresh_name();
  make_file(name, "x", 1);
  static const struct {
    int code;
    polyshm_status status;
  } cases[] = {
      {ENOENT, POLYSHM_E_NOT_FOUND},
      {EACCES, POLYSHM_E_ACCESS},
      {EPERM, POLYSHM_E_ACCESS},
      {EIO, POLYSHM_E_OS}};
  static const fault_call calls[] = {FAULT_LOOK, FAULT_REMOVE};
  for (size_t i = 0; i < LENGTH(cases) * LENGTH(calls); i++) {
    faults_reset();
    faults_fail(calls[i % LENGTH(calls)], 1, 1, cases[i / 2].code);
    assert_failure(
        os_folder_remove(folder, name, 0), cases[i / 2].status,
        cases[i / 2].code, name);
    assert_true(is_there(name));
  }
  faults_reset();
  assert_failure(
      os_folder_remove(folder, name, 1), POLYSHM_E_NOT_FOUND, ENOENT, name);
  assert_ok(os_folder_remove(folder, name, 0));
  assert_false(is_there(name));
  close(folder);
}

static void folder_marks_that_file_alone(void **state) {
  (void)state;
  int folder = os_folder_open();
  const char *name = fresh_name();
  struct stat found;
  make_file(name, "x", 1);
  assert_int_equal(stat(path_of(name), &found), 0);
  os_folder_mark(folder, name, found.st_ino + 1);
  faults_reset();
  faults_fail(FAULT_LOOK, 1, 1, EMFILE);
  os_folder_mark(folder, name, found.st_ino);
  faults_reset();
  faults_fail(FAULT_FSTAT, 1, 1, EIO);
  os_folder_mark(folder, name, found.st_ino);
  faults_reset();
  assert_int_equal(stat(path_of(name), &found), 0);
  assert_false(found.st_mode & S_ISVTX);
  for (int i = 0; i < 2; i++) { /* twice is once */
    os_folder_mark(folder, name, found.st_ino);
    assert_int_equal(stat(path_of(name), &found), 0);
    assert_int_equal(found.st_mode & 07777, 01600);
  }
  if (geteuid() == 0) { /* another's is not ours to mark */
    assert_int_equal(chmod(path_of(name), 0600), 0);
    assert_int_equal(chown(path_of(name), 65534, 65534), 0);
    os_folder_mark(folder, name, found.st_ino);
    assert_int_equal(stat(path_of(name), &found), 0);
    assert_false(found.st_mode & S_ISVTX);
  }
  unlink(path_of(name));
  close(folder);
}

static void folder_cannot_be_read(void **state) {
  (void)state;
  os_file_id id = {.inode = 7};
  search it = {.name = ""};
  assert_failure(
      os_folder_identify(-1, &id), POLYSHM_E_OS, EBADF, "cannot look at");
  assert_int_equal(id.inode, 7);
  faults_reset();
  faults_fail(FAULT_LOOK, 1, 1, EMFILE);
  assert_failure(
      os_folder_list(compare, &it), POLYSHM_E_OS, EMFILE, "cannot read");
  faults_reset();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(folder_is_known_again),
      cmocka_unit_test(folder_holds_for_all_but_itself),
      cmocka_unit_test(folder_holds_any_number),
      cmocka_unit_test(folder_is_held_by_copies),
      cmocka_unit_test(folder_says_what_fails),
      cmocka_unit_test(folder_lists_files),
      cmocka_unit_test(folder_removes_or_says_why),
      cmocka_unit_test(folder_marks_that_file_alone),
      cmocka_unit_test(folder_cannot_be_read),
  };
  return run_group(tests);
}
