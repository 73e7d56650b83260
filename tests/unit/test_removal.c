/* SPDX-License-Identifier: MIT */
/* Removing what nobody has, and nothing else. */
#include "os/os.h"

#include "faults.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int folder;

static uint64_t make(const char *name, mode_t mode) {
  make_file(name, "x", 1);
  struct stat file;
  assert_int_equal(chmod(path_of(name), mode), 0);
  assert_int_equal(stat(path_of(name), &file), 0);
  return file.st_ino;
}

static os_removal try_once(const char *name, uint64_t inode) {
  return os_removal_try(folder, name, inode, false);
}

static void removal_is_of_what_nobody_has(void **state) {
  (void)state;
  const char *name = fresh_name();
  uint64_t inode = make(name, 01600);
  assert_int_equal(os_removal_try(folder, name, inode, true), OS_REMOVAL_DONE);
  assert_true(is_there(name)); /* that was dry */
  assert_int_equal(try_once(name, inode), OS_REMOVAL_DONE);
  assert_false(is_there(name));
  assert_int_equal(try_once(name, inode), OS_REMOVAL_GONE);
  assert_int_equal(try_once(name, 0), OS_REMOVAL_GONE);
  make(name, 01600);
  assert_int_equal(try_once(name, 0), OS_REMOVAL_DONE);
  assert_false(is_there(name));
}

static void removal_is_not_of_what_is_not_marked(void **state) {
  (void)state;
  const char *name = fresh_name(), *link = fresh_name();
  static const mode_t modes[] = {0600, 0666, 02600, 04600};
  for (size_t i = 0; i < LENGTH(modes); i++) {
    make(name, modes[i]);
    assert_int_equal(try_once(name, 0), OS_REMOVAL_UNMARKED);
    assert_true(is_there(name));
    unlink(path_of(name));
  }
  uint64_t inode = make(name, 01600);
  assert_int_equal(try_once(name, inode + 1), OS_REMOVAL_UNMARKED);
  assert_int_equal(symlink(path_of(name), path_of(link)), 0);
  assert_int_equal(try_once(link, 0), OS_REMOVAL_UNMARKED);
  assert_true(is_there(name) && is_there(link));
  unlink(path_of(link));
  assert_int_equal(mkdir(path_of(link), 01700), 0);
  assert_int_equal(try_once(link, 0), OS_REMOVAL_UNMARKED);
  rmdir(path_of(link));
  assert_int_equal(mkfifo(path_of(link), 01600), 0);
  assert_int_equal(try_once(link, 0), OS_REMOVAL_UNMARKED);
  unlink(path_of(link));
  unlink(path_of(name));
}

static void removal_spares_what_is_in_use(void **state) {
  (void)state;
  const char *name = fresh_name();
  static const int ways[] = {O_RDONLY, O_WRONLY, O_RDWR};
  make(name, 01600);
  for (size_t i = 0; i < LENGTH(ways); i++) {
    int descriptor = open(path_of(name), ways[i] | O_CLOEXEC);
    assert_int_equal(try_once(name, 0), OS_REMOVAL_IN_USE);
    assert_int_equal(os_removal_test(folder, name), OS_REMOVAL_IN_USE);
    if (ways[i] != O_WRONLY) {
      int protection = ways[i] == O_RDWR ? PROT_WRITE : PROT_READ;
      void *mapping = mmap(NULL, 1, protection, MAP_SHARED, descriptor, 0);
      close(descriptor);
      assert_int_equal(try_once(name, 0), OS_REMOVAL_IN_USE);
      assert_int_equal(os_removal_test(folder, name), OS_REMOVAL_IN_USE);
      munmap(mapping, 1);
    } else
      close(descriptor);
    assert_true(is_there(name));
    assert_int_equal(os_removal_test(folder, name), OS_REMOVAL_DONE);
  }
  assert_int_equal(try_once(name, 0), OS_REMOVAL_DONE);
}

static void removal_spares_what_a_tree_holds(void **state) {
  (void)state;
  const char *name = fresh_name();
  uint64_t inode = make(name, 01600);
  int tree = os_folder_open();
  assert_ok(os_folder_hold(tree, inode));
  assert_int_equal(try_once(name, inode), OS_REMOVAL_HELD);
  assert_int_equal(try_once(name, 0), OS_REMOVAL_HELD);
  assert_true(is_there(name));
  close(tree);
  assert_int_equal(try_once(name, inode), OS_REMOVAL_DONE);
}

/* What comes between two of the test's steps. */
typedef struct comer {
  const char *name;
  int tree, descriptor;
  uint64_t inode;
} comer;

static void come_and_hold(void *argument) {
  comer *it = argument;
  assert_ok(os_folder_hold(it->tree, it->inode));
}

static void come_and_open(void *argument) {
  comer *it = argument;
  it->descriptor = open(path_of(it->name), O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

/* A tree may take its hold until just before the last question. */
static void removal_asks_for_holds_last(void **state) {
  (void)state;
  comer it = {.name = fresh_name(), .tree = os_folder_open()};
  unsigned spared = 0;
  /* The file's system calls: two for the lease, then the question. */
  for (unsigned nth = 1; nth <= 4; nth++) {
    it.inode = make(it.name, 01600);
    faults_reset();
    faults_before(FAULT_FCNTL, nth, come_and_hold, &it);
    os_removal removal = try_once(it.name, it.inode);
    faults_reset();
    os_folder_release(it.tree, it.inode);
    assert_int_equal(removal, OS_REMOVAL_HELD);
    assert_true(is_there(it.name));
    spared++;
    unlink(path_of(it.name));
  }
  assert_int_equal(spared, 4);
  close(it.tree);
}

/* Whoever opens it meanwhile has it, with its name, or is told to try again. */
static void removal_lets_openers_win(void **state) {
  (void)state;
  comer it = {.name = fresh_name()};
  unsigned kept = 0, refused = 0;
  for (unsigned nth = 1; nth <= 7; nth++) {
    it.inode = make(it.name, 01600);
    it.descriptor = -1;
    faults_reset();
    faults_before(FAULT_FCNTL, nth, come_and_open, &it);
    os_removal removal = try_once(it.name, it.inode);
    faults_reset();
    if (it.descriptor >= 0) {
      kept++;
      assert_int_equal(removal, OS_REMOVAL_IN_USE);
      assert_true(is_there(it.name));
      close(it.descriptor);
      unlink(path_of(it.name));
    } else {
      refused++;
      assert_int_equal(removal, OS_REMOVAL_DONE);
      assert_false(is_there(it.name));
    }
  }
  assert_true(kept > 0 && refused > 0);
}

/* A signal that is death by default must not come. */
static void removal_survives_its_lease(void *argument) {
  comer *it = argument;
  signal(SIGIO, SIG_DFL);
  for (unsigned nth = 1; nth <= 7; nth++) {
    it->descriptor = -1;
    faults_reset();
    faults_before(FAULT_FCNTL, nth, come_and_open, it);
    os_removal_try(folder, it->name, 0, true);
    os_removal_test(folder, it->name);
    if (it->descriptor >= 0)
      close(it->descriptor);
  }
}

static void removal_is_not_killed_by_openers(void **state) {
  (void)state;
  comer it = {.name = fresh_name()};
  make(it.name, 01600);
  assert_int_equal(in_child(removal_survives_its_lease, &it), 0);
  assert_int_equal(try_once(it.name, 0), OS_REMOVAL_DONE);
}

static void removal_leaves_no_trace(void **state) {
  (void)state;
  const char *name = fresh_name();
  make(name, 01600);
  holdings before = count_holdings();
  os_removal_try(folder, name, 0, true);
  os_removal_test(folder, name);
  assert_int_equal(count_holdings().descriptors, before.descriptors);
  int descriptor = open(path_of(name), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  assert_true(descriptor >= 0);
  assert_int_equal(fcntl(descriptor, F_SETLEASE, F_WRLCK), 0);
  close(descriptor);
  unlink(path_of(name));
}

/* Nothing is removed when the system does not answer. */
static void removal_never_guesses(void **state) {
  (void)state;
  static const int codes[] = {EINVAL, ENOSYS, EACCES, ENOLCK, ENOMEM};
  const char *name = fresh_name();
  make(name, 01600);
  for (size_t i = 0; i < LENGTH(codes); i++) {
    unsigned done = 0;
    for (unsigned nth = 1; nth <= 4; nth++) {
      faults_reset();
      faults_fail(FAULT_FCNTL, nth, FOR_EVER, codes[i]);
      done += try_once(name, 0) == OS_REMOVAL_DONE;
      faults_reset();
    }
    assert_int_equal(done, 0);
    assert_true(is_there(name));
    faults_fail(FAULT_FCNTL, 1, FOR_EVER, codes[i]);
    assert_int_equal(os_removal_test(folder, name), OS_REMOVAL_UNKNOWN);
    assert_false(os_removal_is_possible());
    faults_reset();
    assert_true(os_removal_is_possible());
  }
  assert_int_equal(try_once(name, 0), OS_REMOVAL_DONE);
  assert_int_equal(os_removal_test(folder, name), OS_REMOVAL_GONE);
}

/* What another tester does, at the worst moment for us. */
typedef struct tester {
  const char *name;
  int descriptor;
  long word;
} tester;

static void leave_word(void *argument) {
  tester *it = argument;
  const struct timespec word[] = {
      {.tv_nsec = UTIME_OMIT}, {.tv_sec = 1, .tv_nsec = ++it->word}};
  assert_int_equal(utimensat(AT_FDCWD, path_of(it->name), word, 0), 0);
}

static void leave_word_and_go(void *argument) {
  tester *it = argument;
  leave_word(it);
  close(it->descriptor);
}

static void go(void *argument) {
  tester *it = argument;
  close(it->descriptor);
}

enum { LAST_LOOK = 5 }; /* at the file of one who was refused twice */

/* Each was refused because of the other. It goes with the second of them,
 * however long that one was kept from going. */
static void removal_falls_to_the_last_tester(void **state) {
  (void)state;
  tester other = {.name = fresh_name()};
  make(other.name, 01600);
  other.descriptor = open(path_of(other.name), O_RDWR | O_CLOEXEC);
  faults_reset();
  faults_before(FAULT_LOOK, LAST_LOOK, leave_word_and_go, &other);
  os_removal removal = try_once(other.name, 0);
  faults_reset();
  assert_int_equal(removal, OS_REMOVAL_DONE);
  assert_false(is_there(other.name));
}

/* Who is no tester was a holder. */
static void removal_is_not_asked_for_ever(void **state) {
  (void)state;
  tester other = {.name = fresh_name()};
  make(other.name, 01600);
  other.descriptor = open(path_of(other.name), O_RDWR | O_CLOEXEC);
  faults_reset();
  faults_before(FAULT_LOOK, LAST_LOOK, go, &other);
  assert_int_equal(try_once(other.name, 0), OS_REMOVAL_IN_USE);
  assert_int_equal(faults_count(FAULT_SLEEP), 0);
  faults_reset();

  /* A neighbour that changes the word again and again. */
  other.descriptor = open(path_of(other.name), O_RDWR | O_CLOEXEC);
  faults_before(FAULT_LOOK, 0, leave_word, &other);
  faults_fail(FAULT_SLEEP, 1, FOR_EVER, EINTR); /* not to wait for nothing */
  assert_int_equal(try_once(other.name, 0), OS_REMOVAL_IN_USE);
  assert_in_range(faults_count(FAULT_SLEEP), 10, 1000);
  faults_reset();
  close(other.descriptor);
  assert_int_equal(try_once(other.name, 0), OS_REMOVAL_DONE);
}

/* Who only looked was taken for a holder by who left meanwhile. */
static void removal_falls_to_who_looked(void **state) {
  (void)state;
  tester other = {.name = fresh_name()};
  make(other.name, 01600);
  faults_reset();
  faults_before(FAULT_LEASE, 1, leave_word, &other);
  os_removal removal = os_removal_try(folder, other.name, 0, true);
  faults_reset();
  assert_int_equal(removal, OS_REMOVAL_DONE);
  assert_false(is_there(other.name));
}

/* The time of a file is the same but for a part of a second. */
static void removal_leaves_only_a_word(void **state) {
  (void)state;
  const char *name = fresh_name();
  make(name, 01600);
  int descriptor = open(path_of(name), O_RDWR | O_CLOEXEC);
  struct stat before, after;
  assert_int_equal(stat(path_of(name), &before), 0);
  assert_int_equal(try_once(name, 0), OS_REMOVAL_IN_USE);
  assert_int_equal(stat(path_of(name), &after), 0);
  assert_int_equal(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
  assert_int_not_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
  assert_int_equal(after.st_atim.tv_nsec, before.st_atim.tv_nsec);
  close(descriptor);
  assert_int_equal(try_once(name, 0), OS_REMOVAL_DONE);
}

static int open_folder(void **state) {
  folder = os_folder_open();
  return folder < 0 ? -1 : note_holdings(state);
}

/* What the system refuses, and what that says about the file. */
static void removal_is_careful_when_the_system_fails(void **state) {
  (void)state;
  static const struct {
    fault_call call;
    unsigned first, count;
    int code;
    os_removal removal;
  } cases[] = {
      {FAULT_LOOK, 1, 1, ENOENT, OS_REMOVAL_GONE},
      {FAULT_LOOK, 1, 1, EACCES, OS_REMOVAL_UNKNOWN},
      {FAULT_LOOK, 2, 1, ENOENT, OS_REMOVAL_GONE},
      {FAULT_LOOK, 2, 1, EACCES, OS_REMOVAL_UNMARKED},
      {FAULT_FSTAT, 1, 1, EIO, OS_REMOVAL_UNMARKED},
      {FAULT_LEASE, 1, FOR_EVER, EAGAIN, OS_REMOVAL_IN_USE},
      {FAULT_LEASE, 1, 1, EINVAL, OS_REMOVAL_UNKNOWN},
      {FAULT_FSTAT, 2, 1, EIO, OS_REMOVAL_GONE},
      {FAULT_REMOVE, 1, 1, EPERM, OS_REMOVAL_GONE},
  };
  const char *name = fresh_name();
  make(name, 01600);
  for (size_t i = 0; i < LENGTH(cases); i++) {
    faults_reset();
    faults_fail(FAULT_SLEEP, 1, FOR_EVER, EINTR); /* not to wait for nothing */
    faults_fail(cases[i].call, cases[i].first, cases[i].count, cases[i].code);
    os_removal removal = try_once(name, 0);
    assert_true(faults_hit(cases[i].call));
    faults_reset();
    if (removal != cases[i].removal)
      fail_msg("case %zu: %d", i, (int)removal);
    assert_true(is_there(name));
  }
  /* And nothing of this has left a lock or a lease. */
  assert_int_equal(try_once(name, 0), OS_REMOVAL_DONE);
}

static void removal_is_only_looked_at(void **state) {
  (void)state;
  static const struct {
    fault_call call;
    unsigned count;
    int code;
    os_removal removal;
  } cases[] = {
      {FAULT_LOOK, 1, ENOENT, OS_REMOVAL_GONE},
      {FAULT_LOOK, 1, EACCES, OS_REMOVAL_UNKNOWN},
      {FAULT_LOOK, 3, EWOULDBLOCK, OS_REMOVAL_DONE}, /* somebody's lease */
      {FAULT_LOOK, FOR_EVER, EWOULDBLOCK, OS_REMOVAL_UNKNOWN},
      {FAULT_LEASE, 2, EAGAIN, OS_REMOVAL_DONE}, /* somebody's test */
      {FAULT_LEASE, FOR_EVER, EAGAIN, OS_REMOVAL_IN_USE},
      {FAULT_LEASE, 1, EINVAL, OS_REMOVAL_UNKNOWN}, /* and not asked again */
  };
  const char *name = fresh_name();
  make(name, 0600);
  for (size_t i = 0; i < LENGTH(cases); i++) {
    faults_reset();
    faults_fail(FAULT_SLEEP, 1, FOR_EVER, EINTR);
    faults_fail(cases[i].call, 1, cases[i].count, cases[i].code);
    os_removal removal = os_removal_test(folder, name);
    faults_reset();
    if (removal != cases[i].removal)
      fail_msg("case %zu: %d", i, (int)removal);
  }
  assert_true(is_there(name));
  unlink(path_of(name));
}

static void removal_asks_whether_there_are_leases(void **state) {
  (void)state;
  faults_reset();
  bool before = os_removal_is_possible();
  faults_reset();
  faults_fail(FAULT_LEASE, 1, 1, EINVAL);
  assert_false(os_removal_is_possible());
  faults_reset();
  faults_fail(FAULT_OPEN_NAMELESS, 1, 1, EOPNOTSUPP);
  assert_true(os_removal_is_possible()); /* nobody knows yet */
  faults_reset();
  assert_int_equal(os_removal_is_possible(), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(removal_is_of_what_nobody_has),
      cmocka_unit_test(removal_is_not_of_what_is_not_marked),
      cmocka_unit_test(removal_spares_what_is_in_use),
      cmocka_unit_test(removal_spares_what_a_tree_holds),
      cmocka_unit_test(removal_asks_for_holds_last),
      cmocka_unit_test(removal_lets_openers_win),
      cmocka_unit_test(removal_is_not_killed_by_openers),
      cmocka_unit_test(removal_leaves_no_trace),
      cmocka_unit_test(removal_never_guesses),
      cmocka_unit_test(removal_falls_to_the_last_tester),
      cmocka_unit_test(removal_is_not_asked_for_ever),
      cmocka_unit_test(removal_falls_to_who_looked),
      cmocka_unit_test(removal_leaves_only_a_word),
      cmocka_unit_test(removal_is_careful_when_the_system_fails),
      cmocka_unit_test(removal_is_only_looked_at),
      cmocka_unit_test(removal_asks_whether_there_are_leases),
  };
  return cmocka_run_group_tests(tests, open_folder, refuse_leftovers);
}
