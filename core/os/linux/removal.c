/* SPDX-License-Identifier: MIT */
/*
 * Who has a file open or mapped, the kernel says by granting or refusing a
 * write lease on it: it grants one only to the last opening there is, stock
 * Python's and everybody's counted. While the lease is there, others that open
 * the file wait, so between the answer and the removal nobody comes in.
 *
 * Two testers at once would see each other. They queue, by flock: the later one
 * tests after the earlier has closed, and the last one decides. Therefore a
 * tester that has opened the file never leaves before its turn, and what can be
 * known without opening is asked first.
 */
#include "os/os.h"

#include "os/linux/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  QUEUE_TRIES = 40,
  QUEUE_PAUSE = 20000, /* nanoseconds */
  DISTURBED_TRIES = 100,
  LOOK_TRIES = 40,
  AGAIN_PAUSE = 200000
};

/* Another tester came in the way: neither of us knows. Both must look again, or
 * the last one of two that leave at once would take the other for a holder. */
enum { DISTURBED = -1 };

static bool is_ours(const struct stat *file, uint64_t inode) {
  uid_t user = geteuid();
  return S_ISREG(file->st_mode) && (file->st_mode & OS_MAP_MARKED) &&
         (file->st_uid == user || user == 0) &&
         (inode == 0 || file->st_ino == inode);
}

/* The test proper, on a file that nobody else tests. */
static int decide(
    int folder, int file, const char *name, uint64_t inode, bool dry) {
  /* Without this, an opener's wish would kill us: SIGIO's default is death. */
  if (fcntl(file, F_SETSIG, SIGURG) != 0 || fcntl(file, F_SETLEASE, F_WRLCK))
    return errno == EAGAIN ? OS_REMOVAL_IN_USE : OS_REMOVAL_UNKNOWN;
  struct stat now;
  int removal = OS_REMOVAL_GONE;
  if (os_folder_is_held(folder, inode))
    removal = OS_REMOVAL_HELD;
  else if (fstat(file, &now) == 0 && now.st_nlink > 0) {
    /* A tester that was stopped for long has lost its lease. */
    if (fcntl(file, F_GETLEASE) != F_WRLCK)
      removal = DISTURBED;
    else if (dry || unlinkat(folder, name, 0) == 0)
      removal = OS_REMOVAL_DONE;
  }
  fcntl(file, F_SETLEASE, F_UNLCK);
  return removal;
}

static bool queue(int file) {
  for (int i = 0; i < QUEUE_TRIES; i++) {
    if (flock(file, LOCK_EX | LOCK_NB) == 0)
      return true;
    os_clock_sleep(QUEUE_PAUSE);
  }
  return false;
}

/* A fork in the middle would leave the child with the descriptor, its lock and
 * its lease, so there is none (os_fork_hold). The lock goes with the
 * descriptor: if it went first, the next tester would find the file still open.
 */
static int test_once(int folder, const char *name, uint64_t inode, bool dry) {
  int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  int file = openat(folder, name, flags);
  if (file < 0)
    return errno == EWOULDBLOCK ? DISTURBED
           : errno == ENOENT    ? OS_REMOVAL_GONE
                                : OS_REMOVAL_UNMARKED;
  int removal = OS_REMOVAL_UNMARKED;
  struct stat found;
  if (fstat(file, &found) == 0 && is_ours(&found, inode)) {
    if (queue(file))
      removal = decide(folder, file, name, found.st_ino, dry);
    else
      removal = OS_REMOVAL_IN_USE; /* by somebody who locks it */
  }
  close(file); /* the queue moves on now, not before: see above */
  return removal;
}

os_removal os_removal_try(
    int folder, const char *name, uint64_t inode, int tries, bool dry) {
  if (inode != 0 && os_folder_is_held(folder, inode))
    return OS_REMOVAL_HELD; /* the usual case, and the cheapest question */
  for (int disturbed = 0, used = 0;;) {
    struct stat found;
    if (fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
      return errno == ENOENT ? OS_REMOVAL_GONE : OS_REMOVAL_UNKNOWN;
    if (!is_ours(&found, inode))
      return OS_REMOVAL_UNMARKED;
    if (os_folder_is_held(folder, found.st_ino))
      return OS_REMOVAL_HELD;
    os_fork_hold();
    int removal = test_once(folder, name, found.st_ino, dry);
    os_fork_release();
    if (removal == DISTURBED && ++disturbed < DISTURBED_TRIES) {
      os_clock_sleep(QUEUE_PAUSE);
      continue;
    }
    if (removal == DISTURBED || removal == OS_REMOVAL_IN_USE) {
      if (++used >= tries)
        return OS_REMOVAL_IN_USE;
      os_clock_sleep(AGAIN_PAUSE);
      continue;
    }
    return (os_removal)removal;
  }
}

static os_removal look_once(int folder, const char *name) {
  int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  int file = openat(folder, name, flags);
  if (file < 0)
    return errno == ENOENT ? OS_REMOVAL_GONE : OS_REMOVAL_UNKNOWN;
  os_removal removal = OS_REMOVAL_IN_USE; /* by somebody who locks it */
  if (queue(file)) {
    removal = OS_REMOVAL_UNKNOWN;
    if (fcntl(file, F_SETSIG, SIGURG) == 0 &&
        fcntl(file, F_SETLEASE, F_WRLCK) == 0) {
      removal = OS_REMOVAL_DONE;
      fcntl(file, F_SETLEASE, F_UNLCK);
    } else if (errno == EAGAIN)
      removal = OS_REMOVAL_IN_USE;
  }
  close(file);
  return removal;
}

os_removal os_removal_test(int folder, const char *name) {
  os_removal removal = OS_REMOVAL_UNKNOWN;
  for (int i = 0; i < LOOK_TRIES && removal == OS_REMOVAL_UNKNOWN; i++) {
    os_fork_hold();
    removal = look_once(folder, name);
    bool again = removal == OS_REMOVAL_UNKNOWN && errno == EWOULDBLOCK;
    os_fork_release();
    if (!again)
      break;
    os_clock_sleep(QUEUE_PAUSE);
  }
  return removal;
}

/* Asked of a file without a name, which nobody else can be in the way of. Where
 * there are none, each removal tells by itself. */
bool os_removal_is_possible(void) {
  int file = open(OS_FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0)
    return true;
  bool granted = fcntl(file, F_SETSIG, SIGURG) == 0 &&
                 fcntl(file, F_SETLEASE, F_WRLCK) == 0;
  if (granted)
    fcntl(file, F_SETLEASE, F_UNLCK);
  close(file);
  return granted;
}
