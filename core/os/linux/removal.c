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
#include "os/linux/folder.h"

#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  QUEUE_TRIES = 1000,
  QUEUE_PAUSE = 20000, /* nanoseconds */
  AGAIN_PAUSE = 200000
};

static bool is_ours(const struct stat *file, uint64_t inode) {
  return S_ISREG(file->st_mode) && (file->st_mode & OS_MAP_MARKED) &&
         file->st_uid == geteuid() && (inode == 0 || file->st_ino == inode);
}

/* The test proper, on a file that nobody else tests. */
static os_removal decide(
    int folder, int file, const char *name, uint64_t inode, bool dry) {
  /* Without this, an opener's wish would kill us: SIGIO's default is death. */
  if (fcntl(file, F_SETSIG, SIGURG) != 0 || fcntl(file, F_SETLEASE, F_WRLCK))
    return errno == EAGAIN ? OS_REMOVAL_IN_USE : OS_REMOVAL_UNKNOWN;
  struct stat now;
  os_removal removal = OS_REMOVAL_GONE;
  if (os_folder_is_held(folder, inode))
    removal = OS_REMOVAL_HELD;
  else if (fstat(file, &now) == 0 && now.st_nlink > 0) {
    /* A tester that was stopped for long has lost its lease. */
    if (fcntl(file, F_GETLEASE) != F_WRLCK)
      removal = OS_REMOVAL_IN_USE;
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
 * its lease; so there is none (os_fork_hold), and everything is given up before
 * the descriptor is closed. */
static os_removal test_once(
    int folder, const char *name, uint64_t inode, bool dry) {
  int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  int file = openat(folder, name, flags);
  if (file < 0)
    return errno == EWOULDBLOCK ? OS_REMOVAL_IN_USE
           : errno == ENOENT    ? OS_REMOVAL_GONE
                                : OS_REMOVAL_UNMARKED;
  os_removal removal = OS_REMOVAL_UNMARKED;
  struct stat found;
  if (fstat(file, &found) == 0 && is_ours(&found, inode)) {
    if (queue(file))
      removal = decide(folder, file, name, found.st_ino, dry);
    else
      removal = OS_REMOVAL_IN_USE;
    flock(file, LOCK_UN);
  }
  close(file);
  return removal;
}

os_removal os_removal_try(
    int folder, const char *name, uint64_t inode, int tries, bool dry) {
  os_removal removal = OS_REMOVAL_IN_USE;
  if (inode != 0 && os_folder_is_held(folder, inode))
    return OS_REMOVAL_HELD; /* the usual case, and the cheapest question */
  for (int i = 0; i < tries && removal == OS_REMOVAL_IN_USE; i++) {
    if (i > 0)
      os_clock_sleep(AGAIN_PAUSE);
    struct stat found;
    if (fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
      return errno == ENOENT ? OS_REMOVAL_GONE : OS_REMOVAL_UNKNOWN;
    if (!is_ours(&found, inode))
      return OS_REMOVAL_UNMARKED;
    if (os_folder_is_held(folder, found.st_ino))
      return OS_REMOVAL_HELD;
    os_fork_hold();
    removal = test_once(folder, name, found.st_ino, dry);
    os_fork_release();
  }
  return removal;
}

os_removal os_removal_test(int folder, const char *name) {
  int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  os_removal removal = OS_REMOVAL_UNKNOWN;
  os_fork_hold();
  int file = openat(folder, name, flags);
  if (file >= 0) {
    if (queue(file)) {
      if (fcntl(file, F_SETSIG, SIGURG) == 0 &&
          fcntl(file, F_SETLEASE, F_WRLCK) == 0)
        removal = OS_REMOVAL_DONE;
      else if (errno == EAGAIN)
        removal = OS_REMOVAL_IN_USE;
      fcntl(file, F_SETLEASE, F_UNLCK);
      flock(file, LOCK_UN);
    }
    close(file);
  } else if (errno == ENOENT)
    removal = OS_REMOVAL_GONE;
  os_fork_release();
  return removal;
}

bool os_removal_is_possible(void) {
  char path[64];
  snprintf(path, sizeof path, OS_FOLDER "/.polyshm-probe-%ld", (long)getpid());
  int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0)
    return false;
  bool granted = fcntl(file, F_SETSIG, SIGURG) == 0 &&
                 fcntl(file, F_SETLEASE, F_WRLCK) == 0;
  int other = granted ? open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK) : -1;
  bool guarded = granted && other < 0 && errno == EWOULDBLOCK;
  if (other >= 0)
    close(other);
  if (granted)
    fcntl(file, F_SETLEASE, F_UNLCK);
  unlink(path);
  close(file);
  return guarded;
}
