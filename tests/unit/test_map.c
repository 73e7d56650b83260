/* SPDX-License-Identifier: MIT */
#include "os/os.h"

#include "faults.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE = 4 << 20 }; /* of memory that is reserved at once */

static int reset_faults(void **state) {
  (void)state;
  faults_reset();
  return 0;
}

static os_map make(uint64_t size) {
  os_map map;
  assert_ok(os_map_make(size, 0600, true, &map));
  assert_non_null(map.address);
  assert_int_equal(map.size, size);
  return map;
}

static void refuse_to_make(
    uint64_t size, bool reserve, polyshm_status status, int os,
    const char *part) {
  os_map map, before;
  memset(&map, 0xee, sizeof map);
  before = map;
  holdings held = count_holdings();
  assert_failure(os_map_make(size, 0600, reserve, &map), status, os, part);
  assert_memory_equal(&map, &before, sizeof map);
  assert_int_equal(count_holdings().mappings, held.mappings);
  assert_int_equal(count_holdings().descriptors, held.descriptors);
  assert_int_equal(faults_names(true), 0);
}

static void refuse_to_open(
    const char *name, polyshm_status status, int os, const char *part) {
  for (int read_only = 0; read_only <= 1; read_only++) {
    os_map map, before;
    memset(&map, 0xee, sizeof map);
    before = map;
    holdings held = count_holdings();
    assert_failure(os_map_open(name, read_only, &map), status, os, part);
    assert_message(name);
    assert_memory_equal(&map, &before, sizeof map);
    assert_int_equal(count_holdings().mappings, held.mappings);
    assert_int_equal(count_holdings().descriptors, held.descriptors);
  }
}

/* ------------------------------------------------------- making and naming */

static void map_has_no_name_until_it_is_published(void **state) {
  (void)state;
  const char *name = fresh_name();
  os_map map = make(100);
  assert_int_equal(map.temporary, 0);
  assert_true(map.descriptor >= 0);
  assert_int_equal(faults_names(false), 0);
  assert_false(is_there(name));
  memcpy(map.address, "early", 5);
  assert_ok(os_map_publish(&map, name));
  assert_true(is_there(name));
  assert_true(map.descriptor >= 0);
  os_map_settle(&map);
  assert_int_equal(map.descriptor, -1);

  os_map other;
  assert_ok(os_map_open(name, true, &other));
  assert_memory_equal(other.address, "early", 5);
  os_map_drop(&other);
  os_map_drop(&map);
  assert_null(map.address);
  assert_int_equal(map.descriptor, -1);
  os_map_drop(&map); /* what stands for none may be dropped */
  assert_ok(os_map_unlink(name, NULL));
}

static void map_that_is_dropped_unpublished_is_gone(void **state) {
  (void)state;
  holdings before = count_holdings();
  os_map map = make(100);
  os_map_drop(&map);
  assert_int_equal(count_holdings().mappings, before.mappings);
  assert_int_equal(count_holdings().descriptors, before.descriptors);
  assert_int_equal(faults_names(true), 0);
}

static void map_name_that_is_taken_leaves_another_try(void **state) {
  (void)state;
  const char *name = fresh_name(), *other = fresh_name();
  make_file(name, "theirs", 6);
  os_map map = make(100);
  for (int i = 0; i < 3; i++)
    assert_failure(os_map_publish(&map, name), POLYSHM_E_EXISTS, EEXIST, name);
  assert_ok(os_map_publish(&map, other));
  os_map_drop(&map);
  assert_ok(os_map_unlink(other, NULL));

  os_map theirs;
  assert_ok(os_map_open(name, true, &theirs));
  assert_int_equal(theirs.size, 6);
  assert_memory_equal(theirs.address, "theirs", 6);
  os_map_drop(&theirs);
  assert_ok(os_map_unlink(name, NULL));
}

/* A dangling link is no free name either, and is not followed. */
static void map_publishes_over_nothing_that_is_there(void **state) {
  (void)state;
  const char *name = fresh_name(), *elsewhere = fresh_name();
  assert_int_equal(symlink(path_of(elsewhere), path_of(name)), 0);
  os_map map = make(1);
  assert_fails(os_map_publish(&map, name), POLYSHM_E_EXISTS);
  assert_false(is_there(elsewhere));
  os_map_drop(&map);
  unlink(path_of(name));
}

/* Where AT_EMPTY_PATH needs a privilege. */
static void map_is_named_through_proc(void **state) {
  (void)state;
  const char *name = fresh_name();
  static const int codes[] = {ENOENT, EPERM, EINVAL};
  for (size_t i = 0; i < LENGTH(codes); i++) {
    faults_reset();
    faults_fail(FAULT_LINK_EMPTY, 1, FOR_EVER, codes[i]);
    os_map map = make(100);
    memcpy(map.address, "proc", 4);
    assert_ok(os_map_publish(&map, name));
    assert_true(faults_hit(FAULT_LINK_EMPTY));
    assert_int_equal(faults_count(FAULT_LINK), 1);
    os_map other;
    assert_ok(os_map_open(name, true, &other));
    assert_memory_equal(other.address, "proc", 4);
    os_map_drop(&other);
    os_map_drop(&map);
    assert_ok(os_map_unlink(name, NULL));
  }
}

static void map_says_what_it_needs_to_be_named(void **state) {
  (void)state;
  const char *name = fresh_name();
  faults_fail(FAULT_LINK_EMPTY, 1, FOR_EVER, ENOENT);
  faults_fail(FAULT_LINK, 1, FOR_EVER, ENOENT);
  os_map map = make(100);
  assert_failure(
      os_map_publish(&map, name), POLYSHM_E_UNSUPPORTED, ENOENT,
      "/proc is not there");
  /* tmpfs counts names, too. */
  faults_fail(FAULT_LINK, 1, FOR_EVER, ENOSPC);
  assert_failure(
      os_map_publish(&map, name), POLYSHM_E_SPACE, ENOSPC, "cannot name");
  faults_fail(FAULT_LINK, 1, FOR_EVER, EACCES);
  assert_failure(
      os_map_publish(&map, name), POLYSHM_E_ACCESS, EACCES, "cannot name");
  faults_reset();
  assert_ok(os_map_publish(&map, name));
  os_map_drop(&map);
  assert_ok(os_map_unlink(name, NULL));
}

/* --------------------------------------- where no file can be without a name
 */

static void map_has_a_temporary_name_at_need(void **state) {
  (void)state;
  static const int codes[] = {EOPNOTSUPP, EISDIR, EINVAL};
  for (size_t i = 0; i < LENGTH(codes); i++) {
    const char *name = fresh_name();
    const unsigned numbers[] = {own_number()};
    faults_reset();
    faults_random(numbers, 1);
    faults_fail(FAULT_OPEN_NAMELESS, 1, FOR_EVER, codes[i]);
    os_map map = make(100);
    assert_int_equal(map.temporary, numbers[0]);
    char temporary[32];
    snprintf(temporary, sizeof temporary, ".polyshm-%08x", numbers[0]);
    assert_true(is_there(temporary));
    struct stat file;
    assert_int_equal(stat(path_of(temporary), &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);

    make_file(name, "x", 1);
    assert_fails(os_map_publish(&map, name), POLYSHM_E_EXISTS);
    assert_true(is_there(temporary));
    assert_ok(os_map_unlink(name, NULL));
    memcpy(map.address, "whole", 5);
    assert_ok(os_map_publish(&map, name));
    assert_false(is_there(temporary));
    assert_int_equal(map.temporary, 0);
    assert_int_equal(stat(path_of(name), &file), 0);
    assert_int_equal(file.st_nlink, 1);
    os_map_drop(&map);
    assert_true(is_there(name));
    assert_ok(os_map_unlink(name, NULL));
  }
}

/* What a program that is started meanwhile must not inherit. */
static void map_descriptors_close_on_exec(void **state) {
  (void)state;
  const char *name = fresh_name();
  make_file(name, "x", 1);
  os_map maps[4];
  assert_ok(os_map_open(name, false, &maps[0]));
  assert_ok(os_map_open(name, true, &maps[1]));
  maps[2] = make(1);
  faults_fail(FAULT_OPEN_NAMELESS, 1, FOR_EVER, EOPNOTSUPP);
  maps[3] = make(1);
  for (size_t i = 0; i < LENGTH(maps); i++) {
    assert_true(fcntl(maps[i].descriptor, F_GETFD) & FD_CLOEXEC);
    os_map_drop(&maps[i]);
  }
  assert_ok(os_map_unlink(name, NULL));
}

static void map_drops_its_temporary_name(void **state) {
  (void)state;
  faults_fail(FAULT_OPEN_NAMELESS, 1, FOR_EVER, EOPNOTSUPP);
  os_map map = make(100);
  assert_int_equal(faults_names(false), 1);
  os_map_drop(&map);
  assert_int_equal(faults_names(true), 0);
}

static void map_tries_temporary_names_until_one_is_free(void **state) {
  (void)state;
  const unsigned numbers[] = {own_number(), own_number(), own_number() + 1};
  faults_random(numbers, LENGTH(numbers));
  faults_fail(FAULT_OPEN_NAMELESS, 1, FOR_EVER, EOPNOTSUPP);
  os_map one = make(1), other = make(1);
  assert_int_equal(one.temporary, numbers[0]);
  assert_int_equal(other.temporary, numbers[2]);
  os_map_drop(&one);
  os_map_drop(&other);
  assert_int_equal(faults_names(true), 0);
}

/* Zero means that there is none, so it must not become a name: nobody would
 * remove it. */
static void map_has_no_temporary_name_of_zero(void **state) {
  (void)state;
  const unsigned numbers[] = {0, 0, own_number()};
  faults_random(numbers, LENGTH(numbers));
  faults_fail(FAULT_OPEN_NAMELESS, 1, FOR_EVER, EOPNOTSUPP);
  os_map map = make(1);
  assert_int_equal(map.temporary, numbers[2]);
  assert_false(is_there(".polyshm-00000000"));
  os_map_drop(&map);
  assert_int_equal(faults_names(true), 0);
}

static void map_gives_up_on_temporary_names(void **state) {
  (void)state;
  faults_fail(FAULT_OPEN_NAMELESS, 1, FOR_EVER, EOPNOTSUPP);
  faults_fail(FAULT_OPEN, 1, FOR_EVER, EEXIST);
  refuse_to_make(1, true, POLYSHM_E_OS, EEXIST, "temporary names");
  assert_in_range(faults_count(FAULT_OPEN), 2, 1000);
  faults_fail(FAULT_OPEN, 1, FOR_EVER, EACCES);
  refuse_to_make(1, true, POLYSHM_E_ACCESS, EACCES, "/dev/shm");
  faults_fail(FAULT_RANDOM, 1, FOR_EVER, ENOSYS);
  refuse_to_make(1, true, POLYSHM_E_OS, ENOSYS, "random");
}

/* ------------------------------------------------------- what making can meet
 */

static void map_says_why_none_can_be_made(void **state) {
  (void)state;
  static const struct {
    int code;
    polyshm_status status;
    const char *part;
  } cases[] = {
      {ENOENT, POLYSHM_E_UNSUPPORTED, "there is no folder /dev/shm"},
      {ENOTDIR, POLYSHM_E_UNSUPPORTED, "there is no folder /dev/shm"},
      {EACCES, POLYSHM_E_ACCESS, "cannot create a block in '/dev/shm'"},
      {EROFS, POLYSHM_E_ACCESS, "cannot create a block in '/dev/shm'"},
      {EMFILE, POLYSHM_E_OS, "cannot create a block in '/dev/shm'"},
      {ENOMEM, POLYSHM_E_MEMORY, "out of memory"},
      {ENOSPC, POLYSHM_E_SPACE, "cannot create a block in '/dev/shm'"},
      {EDQUOT, POLYSHM_E_SPACE, "cannot create a block in '/dev/shm'"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    faults_reset();
    faults_fail(FAULT_OPEN_NAMELESS, 1, FOR_EVER, cases[i].code);
    refuse_to_make(1, true, cases[i].status, cases[i].code, cases[i].part);
    assert_int_equal(faults_count(FAULT_OPEN), 0);
  }
}

static void map_that_cannot_be_mapped_is_gone(void **state) {
  (void)state;
  static const struct {
    int code;
    polyshm_status status;
  } cases[] = {
      {ENOMEM, POLYSHM_E_MEMORY},
      {EAGAIN, POLYSHM_E_OS},
      {ENODEV, POLYSHM_E_OS},
      {EPERM, POLYSHM_E_OS}};
  for (size_t i = 0; i < LENGTH(cases); i++) {
    faults_reset();
    faults_fail(FAULT_MMAP, 1, FOR_EVER, cases[i].code);
    refuse_to_make(
        100, true, cases[i].status, cases[i].code, "cannot map 100 bytes");
    faults_fail(FAULT_OPEN_NAMELESS, 1, FOR_EVER, EOPNOTSUPP);
    refuse_to_make(
        100, true, cases[i].status, cases[i].code, "cannot map 100 bytes");
  }
}

/* --------------------------------------------------------------- reserving */

static void map_reserves_in_pieces(void **state) {
  (void)state;
  os_map map = make(1);
  os_map_drop(&map);
  assert_int_equal(faults_count(FAULT_FALLOCATE), 1);
  faults_reset();
  map = make(PIECE);
  os_map_drop(&map);
  assert_int_equal(faults_count(FAULT_FALLOCATE), 1);
  faults_reset();
  map = make(2 * PIECE + 1);
  os_map_drop(&map);
  assert_int_equal(faults_count(FAULT_FALLOCATE), 3);
  faults_reset();
  assert_ok(os_map_make(2 * PIECE, 0600, false, &map));
  os_map_drop(&map);
  assert_int_equal(faults_count(FAULT_FALLOCATE), 0);
  assert_int_equal(faults_count(FAULT_FTRUNCATE), 1);
}

static void map_has_no_room(void **state) {
  (void)state;
  static const int codes[] = {ENOSPC, EDQUOT};
  for (size_t i = 0; i < LENGTH(codes); i++)
    for (unsigned piece = 1; piece <= 3; piece++) {
      faults_reset();
      faults_fail(FAULT_FALLOCATE, piece, FOR_EVER, codes[i]);
      refuse_to_make(
          2 * PIECE + 1, true, POLYSHM_E_SPACE, ENOSPC,
          "no room for a block of 8388609 bytes");
      assert_message("bytes are free in /dev/shm");
    }
  faults_reset();
  faults_fail(FAULT_FALLOCATE, 1, 1, EIO);
  refuse_to_make(100, true, POLYSHM_E_OS, EIO, "cannot reserve 100 bytes");
}

/* What cannot fit is not even tried: it would take all memory for a moment. */
static void map_does_not_try_what_cannot_fit(void **state) {
  (void)state;
  /* Should it be tried after all, it must not take the machine down. */
  faults_fail(FAULT_FALLOCATE, 1, FOR_EVER, EIO);
  refuse_to_make(
      (uint64_t)1 << 55, true, POLYSHM_E_SPACE, ENOSPC, "bytes are free");
  assert_int_equal(faults_count(FAULT_FALLOCATE), 0);
  os_map map;
  unsigned bits = is_in_valgrind() ? 32 : 36;
  assert_ok(os_map_make((uint64_t)1 << bits, 0600, false, &map));
  os_map_drop(&map);
}

/* Where nothing can be reserved, the block is sized. */
static void map_is_made_without_reserving_at_need(void **state) {
  (void)state;
  static const int codes[] = {EOPNOTSUPP, EINVAL};
  for (size_t i = 0; i < LENGTH(codes); i++) {
    faults_reset();
    faults_fail(FAULT_FALLOCATE, 1, FOR_EVER, codes[i]);
    os_map map = make(2 * PIECE + 1);
    assert_int_equal(faults_count(FAULT_FTRUNCATE), 1);
    ((char *)map.address)[2 * PIECE] = 'x';
    os_map_drop(&map);
    faults_fail(FAULT_FTRUNCATE, 2, 1, EFBIG);
    refuse_to_make(
        100, true, POLYSHM_E_OS, EFBIG, "cannot make a block of 100 bytes");
  }
  faults_reset();
  faults_fail(FAULT_FTRUNCATE, 1, 1, EFBIG);
  refuse_to_make(
      100, false, POLYSHM_E_OS, EFBIG, "cannot make a block of 100 bytes");
}

/* A program with an interval timer. The pieces must shrink, for else it would
 * never end, and grow again, for else a few signals would leave pieces of a
 * few bytes for all the rest. */
static void map_reserves_under_a_storm_of_signals(void **state) {
  (void)state;
  faults_fail(FAULT_FALLOCATE, 1, 30, EINTR);
  os_map map = make(8 * PIECE);
  struct stat file;
  assert_int_equal(fstat(map.descriptor, &file), 0);
  assert_int_equal(file.st_size, 8 * PIECE);
  assert_int_equal(file.st_blocks * 512, 8 * PIECE);
  os_map_drop(&map);
  assert_in_range(faults_count(FAULT_FALLOCATE), 30 + 8, 30 + 40);
}

static void ignore(int number) {
  (void)number;
}

static void map_reserves_under_a_timer(void **state) {
  (void)state;
  struct sigaction action = {.sa_handler = ignore}, old;
  sigaction(SIGALRM, &action, &old);
  struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &often, NULL);
  os_map map;
  polyshm_status status = os_map_make(16 * PIECE, 0600, true, &map);
  setitimer(ITIMER_REAL, &never, NULL);
  if (!is_in_valgrind()) /* which delivers some later */
    sigaction(SIGALRM, &old, NULL);
  assert_ok(status);
  os_map_drop(&map);
}

static void limit_files(void *argument) {
  rlim_t most = *(rlim_t *)argument;
  struct rlimit limit = {most, RLIM_INFINITY};
  child_check(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  os_map map;
  for (int reserve = 0; reserve <= 1; reserve++) {
    child_check(os_map_make(most, 0600, reserve, &map) == POLYSHM_OK);
    os_map_drop(&map);
    child_check(os_map_make(most + 1, 0600, reserve, &map) == POLYSHM_E_SPACE);
    child_check(polyshm_error_os() == EFBIG);
    child_check(strstr(polyshm_error_message(), "RLIMIT_FSIZE") != NULL);
  }
}

/* Growing a file past the limit kills, unless it is not tried. */
static void map_respects_the_limit_of_files(void **state) {
  (void)state;
  rlim_t most = 12345;
  assert_int_equal(in_child(limit_files, &most), 0);
}

/* ------------------------------------------------------------------ opening */

static void map_is_no_link(void **state) {
  (void)state;
  const char *name = fresh_name(), *target = fresh_name();
  make_file(target, "x", 1);
  assert_int_equal(symlink(path_of(target), path_of(name)), 0);
  refuse_to_open(name, POLYSHM_E_ACCESS, ELOOP, "is a link");
  unlink(path_of(target));
  refuse_to_open(name, POLYSHM_E_ACCESS, ELOOP, "is a link");
  assert_ok(os_map_unlink(name, NULL));
  assert_false(is_there(name));
}

static void map_is_no_folder(void **state) {
  (void)state;
  const char *name = fresh_name();
  assert_int_equal(mkdir(path_of(name), 0700), 0);
  refuse_to_open(name, POLYSHM_E_INVALID, EISDIR, "is not a block");
  assert_failure(
      os_map_unlink(name, NULL), POLYSHM_E_INVALID, EISDIR, "is not a block");
  assert_int_equal(rmdir(path_of(name)), 0);
}

static void open_pipe(void *argument) {
  os_map map;
  alarm(20); /* opening it as files are opened would wait for ever */
  for (int read_only = 0; read_only <= 1; read_only++)
    child_check(os_map_open(argument, read_only, &map) == POLYSHM_E_INVALID);
}

/* Nobody holds its other end. */
static void map_is_no_pipe(void **state) {
  (void)state;
  const char *name = fresh_name();
  assert_int_equal(mkfifo(path_of(name), 0600), 0);
  assert_int_equal(in_child(open_pipe, (void *)(uintptr_t)name), 0);
  refuse_to_open(name, POLYSHM_E_INVALID, EINVAL, "is not a block");
  assert_int_equal(faults_count(FAULT_SLEEP), 0);
  unlink(path_of(name));
}

static void map_is_no_socket(void **state) {
  (void)state;
  const char *name = fresh_name();
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path_of(name));
  assert_int_equal(
      bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
  refuse_to_open(name, POLYSHM_E_INVALID, ENXIO, "is not a block");
  close(descriptor);
  unlink(path_of(name));
}

static void map_says_why_it_cannot_be_opened(void **state) {
  (void)state;
  static const struct {
    int code;
    polyshm_status status;
  } cases[] = {
      {ENOENT, POLYSHM_E_NOT_FOUND}, {EACCES, POLYSHM_E_ACCESS},
      {EPERM, POLYSHM_E_ACCESS},     {EROFS, POLYSHM_E_ACCESS},
      {ENOMEM, POLYSHM_E_MEMORY},    {EMFILE, POLYSHM_E_OS},
      {ENFILE, POLYSHM_E_OS},        {EWOULDBLOCK, POLYSHM_E_BUSY},
      {EINVAL, POLYSHM_E_INVALID},   {ENAMETOOLONG, POLYSHM_E_INVALID}};
  const char *name = fresh_name();
  make_file(name, "x", 1);
  for (size_t i = 0; i < LENGTH(cases); i++) {
    faults_reset();
    faults_fail(FAULT_OPEN, 1, FOR_EVER, cases[i].code);
    refuse_to_open(name, cases[i].status, cases[i].code, "");
  }
  faults_reset();
  faults_fail(FAULT_FSTAT, 1, FOR_EVER, EIO);
  refuse_to_open(name, POLYSHM_E_OS, EIO, "cannot open block");

  faults_reset();
  faults_fail(FAULT_MMAP, 1, FOR_EVER, ENOMEM);
  os_map map;
  assert_failure(
      os_map_open(name, false, &map), POLYSHM_E_MEMORY, ENOMEM,
      "cannot map 1 bytes");
  faults_fail(FAULT_UNLINK, 1, 1, EACCES);
  assert_failure(
      os_map_unlink(name, NULL), POLYSHM_E_ACCESS, EACCES, "cannot unlink");
  assert_true(is_there(name)); /* a failed attach removes nothing */
  assert_ok(os_map_unlink(name, NULL));
}

/* --------------------------------------------- the blocks of stock creators */

static void size_it(void *argument) {
  assert_int_equal(truncate(path_of(argument), 4096), 0);
}

static void unlink_it(void *argument) {
  assert_int_equal(unlink(path_of(argument)), 0);
}

static void map_waits_while_it_is_empty(void **state) {
  (void)state;
  const char *name = fresh_name();
  for (unsigned sleep = 1; sleep <= 100; sleep += 33) {
    faults_reset();
    faults_fail(FAULT_SLEEP, 1, FOR_EVER, EINTR); /* returns at once */
    faults_before(FAULT_SLEEP, sleep, size_it, (void *)(uintptr_t)name);
    make_file(name, "", 0);
    os_map map;
    assert_ok(os_map_open(name, false, &map));
    assert_int_equal(map.size, 4096);
    assert_int_equal(faults_count(FAULT_SLEEP), sleep);
    os_map_drop(&map);
    assert_ok(os_map_unlink(name, NULL));
  }
}

static void give_the_lease_back(void *argument) {
  assert_int_equal(fcntl(*(int *)argument, F_SETLEASE, F_UNLCK), 0);
}

/* Who tests whether anybody has a block keeps those who come waiting, and may
 * itself be kept from going on. */
static void map_of_who_is_tested_is_waited_for(void **state) {
  (void)state;
  const char *name = fresh_name();
  for (unsigned sleep = 1; sleep <= 601; sleep += 300) {
    make_file(name, "x", 1);
    int tester = open(path_of(name), O_RDWR | O_CLOEXEC);
    assert_int_equal(fcntl(tester, F_SETSIG, SIGURG), 0);
    if (fcntl(tester, F_SETLEASE, F_WRLCK) != 0) {
      close(tester);
      unlink(path_of(name));
      skip(); /* no leases here */
    }
    faults_reset();
    faults_fail(FAULT_SLEEP, 1, FOR_EVER, EINTR); /* returns at once */
    faults_before(FAULT_SLEEP, sleep, give_the_lease_back, &tester);
    os_map map;
    assert_ok(os_map_open(name, false, &map));
    assert_int_equal(faults_count(FAULT_SLEEP), sleep);
    os_map_drop(&map);
    close(tester);
    assert_ok(os_map_unlink(name, NULL));
  }
}

static void map_that_stays_empty_is_corrupt(void **state) {
  (void)state;
  const char *name = fresh_name();
  make_file(name, "", 0);
  os_map map;
  assert_failure(
      os_map_open(name, false, &map), POLYSHM_E_CORRUPT, 0, "is empty");
  assert_int_equal(faults_count(FAULT_SLEEP), 100);
  faults_fail(FAULT_SLEEP, 1, FOR_EVER, EINTR);
  refuse_to_open(name, POLYSHM_E_CORRUPT, 0, "is empty");
  /* It stays, but can be removed. */
  assert_true(is_there(name));
  assert_ok(os_map_unlink(name, NULL));
}

static void map_that_goes_while_it_is_empty_is_not_found(void **state) {
  (void)state;
  const char *name = fresh_name();
  faults_before(FAULT_SLEEP, 3, unlink_it, (void *)(uintptr_t)name);
  make_file(name, "", 0);
  os_map map;
  assert_failure(
      os_map_open(name, false, &map), POLYSHM_E_NOT_FOUND, ENOENT, name);
  assert_int_equal(faults_count(FAULT_SLEEP), 3);
}

/* Stock's creator, with its pause between shm_open and ftruncate. */
static void *create_as_stock(void *argument) {
  int descriptor =
      open(path_of(argument), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  usleep(5000);
  int result = ftruncate(descriptor, 100);
  close(descriptor);
  return result == 0 ? argument : NULL;
}

static void map_of_a_stock_creator_is_waited_for(void **state) {
  (void)state;
  for (int round = 0; round < 10; round++) {
    char name[64];
    snprintf(name, sizeof name, "%s", fresh_name());
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, create_as_stock, name), 0);
    os_map map;
    polyshm_status status;
    do
      status = os_map_open(name, false, &map);
    while (status == POLYSHM_E_NOT_FOUND);
    void *made;
    pthread_join(thread, &made);
    assert_non_null(made);
    /* A pause of more than the wait is no failure of ours. */
    if (status == POLYSHM_E_CORRUPT)
      status = os_map_open(name, false, &map);
    assert_ok(status);
    assert_int_equal(map.size, 100);
    os_map_drop(&map);
    assert_ok(os_map_unlink(name, NULL));
  }
}

/* ------------------------------------------------------------------ peeking */

static void map_lets_look_until_it_is_settled(void **state) {
  (void)state;
  const char *name = fresh_name();
  make_file(name, "0123456789", 10);
  os_map map;
  assert_ok(os_map_open(name, true, &map));
  assert_true(map.descriptor >= 0);
  char text[8] = "";
  assert_true(os_map_peek(&map, 2, text, 8));
  assert_memory_equal(text, "23456789", 8);
  assert_false(os_map_peek(&map, 3, text, 8));
  assert_false(os_map_peek(&map, 10, text, 1));
  assert_false(os_map_peek(&map, INT64_MAX, text, 1));
  faults_fail(FAULT_PREAD, 5, 1, EIO);
  assert_false(os_map_peek(&map, 0, text, 1));
  os_map_settle(&map);
  assert_int_equal(map.descriptor, -1);
  os_map_drop(&map);
  assert_ok(os_map_unlink(name, NULL));
}

static void map_random_bytes_differ(void **state) {
  (void)state;
  uint64_t one[2] = {0}, other[2] = {0};
  assert_ok(os_random_fill(one, sizeof one));
  assert_ok(os_random_fill(other, sizeof other));
  assert_memory_not_equal(one, other, sizeof one);
  faults_fail(FAULT_RANDOM, 1, FOR_EVER, EIO);
  assert_failure(os_random_fill(one, sizeof one), POLYSHM_E_OS, EIO, "random");
}

#define test(name)                                                             \
  cmocka_unit_test_setup_teardown(name, reset_faults, reset_faults)

int main(void) {
  const struct CMUnitTest tests[] = {
      test(map_has_no_name_until_it_is_published),
      test(map_that_is_dropped_unpublished_is_gone),
      test(map_name_that_is_taken_leaves_another_try),
      test(map_publishes_over_nothing_that_is_there),
      test(map_is_named_through_proc),
      test(map_says_what_it_needs_to_be_named),
      test(map_has_a_temporary_name_at_need),
      test(map_descriptors_close_on_exec),
      test(map_drops_its_temporary_name),
      test(map_tries_temporary_names_until_one_is_free),
      test(map_has_no_temporary_name_of_zero),
      test(map_gives_up_on_temporary_names),
      test(map_says_why_none_can_be_made),
      test(map_that_cannot_be_mapped_is_gone),
      test(map_reserves_in_pieces),
      test(map_has_no_room),
      test(map_does_not_try_what_cannot_fit),
      test(map_is_made_without_reserving_at_need),
      test(map_reserves_under_a_storm_of_signals),
      test(map_reserves_under_a_timer),
      test(map_respects_the_limit_of_files),
      test(map_is_no_link),
      test(map_is_no_folder),
      test(map_is_no_pipe),
      test(map_is_no_socket),
      test(map_says_why_it_cannot_be_opened),
      test(map_waits_while_it_is_empty),
      test(map_that_stays_empty_is_corrupt),
      test(map_that_goes_while_it_is_empty_is_not_found),
      test(map_of_who_is_tested_is_waited_for),
      test(map_of_a_stock_creator_is_waited_for),
      test(map_lets_look_until_it_is_settled),
      test(map_random_bytes_differ),
  };
  return run_group(tests);
}
