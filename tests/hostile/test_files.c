/* SPDX-License-Identifier: MIT */
/*
 * What a hostile neighbour of the same user may do to the file behind a block:
 * locks of each kind, leases, modes, other files under its name, truncation.
 */
#include "scenes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------------------------ locks */

static void hold_flock(const char *name, int ready) {
  if (flock(open_file(name, O_RDONLY), LOCK_EX) != 0)
    _exit(1);
  tell_ready(ready);
  linger();
}

/* By a flock, testers queue for the question who is the last: the neighbour has
 * it open, so it is one who has the block. */
static void a_flock_keeps_a_block_and_nobody_from_it(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_list *list = make(name), *other;
  pid_t neighbour = let_in(hold_flock, name);
  polyshm_info info = {.struct_size = sizeof info};
  uint64_t count;
  assert_takes(0, other = attach(name));
  assert_takes(0, assert_ok(polyshm_inspect(name, &info)));
  assert_true(info.state & POLYSHM_STATE_HELD);
  assert_takes(0, assert_ok(polyshm_gc(0, &count)));
  assert_takes(0, polyshm_list_free(other));
  assert_true(is_there(name));
  assert_takes(0, end(list, name));
  send_away(neighbour);
}

static void lock_all_bytes(const char *name, int ready) {
  struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(open_file(name, O_RDWR), F_OFD_SETLK, &all) != 0)
    _exit(1);
  tell_ready(ready);
  linger();
}

/* Who has no token gets none, and can read; it is well again afterwards. */
static void a_file_lock_keeps_from_writing_only(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_list *list = make(name);
  pid_t neighbour = let_in(lock_all_bytes, name);
  polyshm_list *other = attach(name);
  const polyshm_value number = int_value(9);
  polyshm_value values[3];
  char buffer[64];
  uint32_t recovered;
  int64_t after;
  polyshm_list *lists[] = {list, other};
  for (size_t i = 0; i < LENGTH(lists); i++) {
    assert_takes(
        0, assert_fails(polyshm_list_set(lists[i], 0, &number), POLYSHM_E_OS));
    assert_takes(
        0,
        assert_fails(polyshm_list_add(lists[i], 0, 1, &after), POLYSHM_E_OS));
    assert_takes(
        0, assert_fails(
               polyshm_list_lock(lists[i], TIMEOUT, &recovered), POLYSHM_E_OS));
    assert_takes(
        0,
        assert_ok(polyshm_list_snapshot(lists[i], 0, 3, buffer, 64, values)));
    assert_int_equal(values[0].of.i, 1);
  }
  send_away(neighbour);
  for (size_t i = 0; i < LENGTH(lists); i++) {
    assert_ok(polyshm_list_set(lists[i], 0, &number));
    assert_ok(polyshm_list_lock(lists[i], TIMEOUT, &recovered));
    assert_ok(polyshm_list_unlock(lists[i]));
  }
  polyshm_list_free(other);
  end(list, name);
}

static void lock_list_and_pause(const char *name, int ready) {
  polyshm_list *list;
  uint32_t recovered;
  if (polyshm_list_open(name, 0, &list) != 0 ||
      polyshm_list_lock(list, 0, &recovered) != 0)
    _exit(1);
  tell_ready(ready);
  linger();
}

/* All but what the first few tokens of the list are. */
static void lock_tokens_of_the_dead(const char *name, int ready) {
  int file = open_file(name, O_RDWR);
  int64_t first = INT64_C(1) << 60;
  for (int i = 0; i < 100; i++) {
    struct flock one = {
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_start = first + i,
        .l_len = 1};
    fcntl(file, F_OFD_SETLK, &one);
  }
  tell_ready(ready);
  linger();
}

/* The dead look alive then: waiting ends by the time-out, not by recovery, and
 * recovery comes when the neighbour has gone. */
static void a_file_lock_makes_the_dead_look_alive(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_list *list = make(name);
  uint32_t recovered;
  assert_ok(polyshm_list_lock(list, 0, &recovered)); /* has its token now */
  assert_ok(polyshm_list_unlock(list));
  send_away(let_in(lock_list_and_pause, name));
  pid_t neighbour = let_in(lock_tokens_of_the_dead, name);
  assert_takes(
      TIMEOUT,
      assert_fails(
          polyshm_list_lock(list, TIMEOUT, &recovered), POLYSHM_E_TIMEOUT));
  send_away(neighbour);
  assert_takes(0, assert_ok(polyshm_list_lock(list, TIMEOUT, &recovered)));
  assert_int_equal(recovered, 1);
  assert_ok(polyshm_list_unlock(list));
  end(list, name);
}

static void hold_lease(const char *name, int ready) {
  signal(SIGIO, SIG_IGN);
  if (fcntl(open_file(name, O_RDWR), F_SETLEASE, F_WRLCK) != 0)
    _exit(1);
  tell_ready(ready);
  linger();
}

/* An untracked block, since nobody else may have it. */
static void a_lease_is_busy_for_a_moment_each(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *block;
  assert_ok(polyshm_block_open(
      name, 100, POLYSHM_CREATE | POLYSHM_UNTRACKED, NULL, &block));
  polyshm_block_free(block);
  pid_t neighbour = let_in(hold_lease, name);
  polyshm_info info = {.struct_size = sizeof info};
  uint64_t pids[4], count;
  polyshm_list *list;
  assert_takes(
      0, assert_fails(
             polyshm_block_open(name, 0, 0, NULL, &block), POLYSHM_E_BUSY));
  assert_takes(
      0, assert_fails(
             polyshm_block_open(name, 9, POLYSHM_CREATE, NULL, &block),
             POLYSHM_E_BUSY));
  assert_takes(
      0, assert_fails(polyshm_list_open(name, 0, &list), POLYSHM_E_BUSY));
  polyshm_status status = POLYSHM_OK;
  assert_takes(0, status = polyshm_inspect(name, &info));
  assert_true(status == POLYSHM_OK || status == POLYSHM_E_BUSY);
  assert_takes(0, assert_ok(polyshm_holders(name, pids, 4, &count)));
  assert_int_equal(count, 1);
  assert_int_equal(pids[0], (uint64_t)neighbour);
  assert_takes(0, assert_ok(polyshm_gc(0, &count)));
  assert_takes(0, assert_ok(polyshm_unlink(name)));
  send_away(neighbour);
}

/* ------------------------------------------------------------------- size */

/* As stock Python leaves it between two calls, but for ever. */
static void an_empty_file_is_not_waited_for_without_end(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *block;
  polyshm_list *list;
  make_file(name, "", 0);
  assert_takes(
      100 * MILLISECOND,
      assert_fails(
          polyshm_block_open(name, 0, 0, NULL, &block), POLYSHM_E_CORRUPT));
  assert_takes(
      100 * MILLISECOND,
      assert_fails(polyshm_list_open(name, 0, &list), POLYSHM_E_CORRUPT));
  assert_int_equal(unlink(path_of(name)), 0);
}

/* ------------------------------------------------------------------ modes */

/* Root may do anything; without its capabilities, modes are for it, too. */
static void drop_privileges(void) {
  struct __user_cap_header_struct head = {
      .version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0}, {0}};
  child_check(syscall(SYS_capset, &head, none) == 0);
}

static void use_without_a_mode(void *argument) {
  const char *name = argument;
  polyshm_block *block;
  polyshm_list *list, *again;
  const polyshm_value number = int_value(4);
  polyshm_value value;
  polyshm_info info = {.struct_size = sizeof info};
  drop_privileges();
  child_check(polyshm_list_open(name, 0, &list) == POLYSHM_OK);
  child_check(chmod(path_of(name), 0) == 0);
  child_check(polyshm_list_open(name, 0, &again) == POLYSHM_E_ACCESS);
  child_check(polyshm_block_open(name, 0, 0, NULL, &block) == POLYSHM_E_ACCESS);
  child_check(
      polyshm_block_open(name, 9, POLYSHM_CREATE, NULL, &block) ==
      POLYSHM_E_ACCESS);
  polyshm_status status = polyshm_inspect(name, &info);
  child_check(status == POLYSHM_OK || status == POLYSHM_E_ACCESS);
  /* What is open stays so. To write, it must be opened once more. */
  child_check(polyshm_list_get(list, 0, NULL, 0, &value) == POLYSHM_OK);
  child_check(polyshm_list_set(list, 0, &number) == POLYSHM_E_OS);
  child_check(polyshm_error_os() == EACCES);
  child_check(chmod(path_of(name), 0600) == 0);
  child_check(polyshm_list_set(list, 0, &number) == POLYSHM_OK);
  child_check(chmod(path_of(name), 0) == 0);
  child_check(polyshm_list_set(list, 0, &number) == POLYSHM_OK);
  child_check(polyshm_list_close(list) == POLYSHM_OK);
  polyshm_list_free(list);
}

static void a_mode_of_nothing_keeps_from_opening(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_list *list = make(name);
  assert_int_equal(in_child(use_without_a_mode, (void *)name), 0);
  end(list, name);
}

/* ------------------------------------------------------------------ names */

/* What is looked at first and opened then may be another block by then: its
 * number tells. A close never removes what came under the name. */
static void another_block_under_the_name_is_another_one(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_list *list = make(name), *other;
  polyshm_info info = {.struct_size = sizeof info};
  assert_ok(polyshm_inspect(name, &info));
  assert_int_equal(info.length, 3);
  assert_int_equal(unlink(path_of(name)), 0);
  const uint64_t plain[] = {1, 0, 8, 42, 0x71, 0};
  make_file(name, plain, 8 * 5 + 1);
  assert_ok(polyshm_list_open(name, 0, &other));
  assert_int_equal(polyshm_list_length(other), 1);
  assert_int_not_equal(
      polyshm_block_id(polyshm_list_block(list)),
      polyshm_block_id(polyshm_list_block(other)));
  assert_slot(list, 0, int_value(1));
  assert_ok(polyshm_list_close(list));
  polyshm_list_free(list);
  assert_true(is_there(name));
  end(other, name);
}

/* -------------------------------------------------------------- truncation */

static void touch(void *argument) {
  char bytes[8];
  signal(SIGBUS, SIG_DFL);
  polyshm_block_read(argument, 5000, bytes, sizeof bytes);
}

/* As core/doc/lifetime.md tells: the size is checked when a block is attached,
 * and no more. */
static void truncation_is_what_the_document_says(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *block, *other;
  char bytes[16];
  assert_ok(polyshm_block_open(name, 8192, POLYSHM_CREATE, NULL, &block));
  assert_ok(polyshm_block_write(block, 0, "0123456789", 10));
  assert_int_equal(truncate(path_of(name), 4096), 0);
  assert_int_equal(polyshm_block_size(block), 8192);
  assert_ok(polyshm_block_read(block, 0, bytes, 10));
  assert_memory_equal(bytes, "0123456789", 10);
  int how = in_child(touch, block);
  assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGBUS);
  /* Who comes now sees the new size, and is not hurt. */
  assert_ok(polyshm_block_open(name, 0, 0, NULL, &other));
  assert_int_equal(polyshm_block_size(other), 4096);
  assert_fails(polyshm_block_read(other, 4090, bytes, 10), POLYSHM_E_RANGE);
  polyshm_block_free(other);
  /* Grown again, it is whole, with zeros where it was cut. */
  assert_int_equal(truncate(path_of(name), 8192), 0);
  assert_ok(polyshm_block_read(block, 5000, bytes, sizeof bytes));
  for (size_t i = 0; i < sizeof bytes; i++)
    assert_int_equal(bytes[i], 0);
  polyshm_block_free(block);
  assert_ok(polyshm_unlink(name));
}

/* A list that was cut before it is opened is none, at every length. */
static void a_cut_list_is_refused(void **state) {
  (void)state;
  const char *name = fresh_name(), *part = fresh_name();
  polyshm_list *list = make(name), *other;
  void *address;
  uint64_t size;
  assert_ok(polyshm_block_address(polyshm_list_block(list), &address, &size));
  for (uint64_t length = 1; length < size; length++) {
    make_file(part, address, length);
    polyshm_status status = polyshm_list_open(part, 0, &other);
    if (status == POLYSHM_OK) { /* up to its trailer, it is stock Python's */
      char buffer[64];
      polyshm_value value;
      assert_int_equal(polyshm_list_length(other), 3);
      for (uint64_t i = 0; i < 3; i++)
        assert_ok(polyshm_list_get(other, i, buffer, sizeof buffer, &value));
      polyshm_list_free(other);
    } else
      assert_int_equal(status, POLYSHM_E_CORRUPT);
    assert_int_equal(unlink(path_of(part)), 0);
  }
  end(list, name);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_flock_keeps_a_block_and_nobody_from_it),
      cmocka_unit_test(a_file_lock_keeps_from_writing_only),
      cmocka_unit_test(a_file_lock_makes_the_dead_look_alive),
      cmocka_unit_test(a_lease_is_busy_for_a_moment_each),
      cmocka_unit_test(an_empty_file_is_not_waited_for_without_end),
      cmocka_unit_test(a_mode_of_nothing_keeps_from_opening),
      cmocka_unit_test(another_block_under_the_name_is_another_one),
      cmocka_unit_test(truncation_is_what_the_document_says),
      cmocka_unit_test(a_cut_list_is_refused),
  };
  return run_group(tests);
}
