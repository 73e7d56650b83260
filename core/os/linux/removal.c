/* SPDX-License-Identifier: MIT */
/*
 * Who has a file open or mapped, the kernel says by granting or refusing a
 * write lease on it: it grants one only to the last opening there is, stock
 * Python's and everybody's counted. While the lease is there, others that open
 * the file wait, so between the answer and the removal nobody comes in.
 *
 * Two testers at once see each other, and the last one of two that leave must
 * not take the other for a holder. So who is refused leaves a word in the file,
 * asks again, and reads the word when it has closed the file: as long as that
 * is another's, it asks once more. The tester whose word came last leaves: if
 * it was refused because of a tester, that one had not closed the file yet, so
 * it will find the word. Nobody waits for anybody, and it does not matter how
 * long one is kept from running, at whichever step.
 *
 * What can be known without opening is asked first.
 */
#include "os/os.h"

#include "os/linux/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  TRIES = 100, /* neighbours may change the word, or hold leases, for ever */
  LOOK_TRIES = 40,
  LOOKS_AT_USE = 3,
  PAUSE = 20000, /* nanoseconds */
  SECOND = 1000000000
};

/* Answers that are not the last. */
enum {
  REFUSED = -1, /* somebody has it open */
  BLOCKED = -2  /* somebody has a lease on it, or has undone ours */
};

static bool is_ours(const struct stat *file, uint64_t inode) {
  uid_t user = geteuid();
  return S_ISREG(file->st_mode) && (file->st_mode & OS_MAP_MARKED) &&
         (file->st_uid == user || user == 0) &&
         (inode == 0 || file->st_ino == inode);
}

/* Without the signal, an opener's wish would kill us: SIGIO's default is death.
 */
static int ask(int file) {
  if (fcntl(file, F_SETSIG, SIGURG) == 0 &&
      fcntl(file, F_SETLEASE, F_WRLCK) == 0)
    return OS_REMOVAL_DONE;
  return errno == EAGAIN ? REFUSED : OS_REMOVAL_UNKNOWN;
}

/* Under the lease. */
static int remove_from(
    int folder, int file, const char *name, uint64_t inode, bool dry) {
  if (os_folder_is_held(folder, inode))
    return OS_REMOVAL_HELD;
  struct stat now;
  if (fstat(file, &now) != 0 || now.st_nlink == 0)
    return OS_REMOVAL_GONE;
  /* A tester that was stopped for long has lost its lease. */
  if (fcntl(file, F_GETLEASE) != F_WRLCK)
    return BLOCKED;
  return dry || unlinkat(folder, name, 0) == 0 ? OS_REMOVAL_DONE
                                               : OS_REMOVAL_GONE;
}

static int test_file(
    int folder, int file, const char *name, uint64_t inode, bool dry) {
  struct stat found;
  if (fstat(file, &found) != 0 || !is_ours(&found, inode))
    return OS_REMOVAL_UNMARKED;
  int removal = ask(file);
  if (removal == OS_REMOVAL_DONE) {
    removal = remove_from(folder, file, name, found.st_ino, dry);
    fcntl(file, F_SETLEASE, F_UNLCK);
  }
  return removal;
}

/* A fork in the middle would leave the child with the descriptor and its lease,
 * so there is none. */
static int test_once(int folder, const char *name, uint64_t inode, bool dry) {
  os_fork_hold();
  int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  int file = openat(folder, name, flags);
  int removal = errno == EWOULDBLOCK ? BLOCKED
                : errno == ENOENT    ? OS_REMOVAL_GONE
                                     : OS_REMOVAL_UNMARKED;
  if (file >= 0) {
    removal = test_file(folder, file, name, inode, dry);
    close(file);
  }
  os_fork_release();
  return removal;
}

static bool is_same_time(struct timespec one, struct timespec other) {
  return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
}

/* The word is in the nanoseconds of the time of the last change, which writing
 * to a mapping does not touch, and which nobody reads. Where it cannot be left,
 * what is there stands for it. */
static struct timespec leave_word(
    int folder, const char *name, struct timespec there) {
  uint32_t random;
  struct timespec word[] = {{.tv_nsec = UTIME_OMIT}, there};
  if (getentropy(&random, sizeof random) != 0)
    return there;
  word[1].tv_nsec = (long)(random % SECOND);
  return utimensat(folder, name, word, AT_SYMLINK_NOFOLLOW) == 0 ? word[1]
                                                                 : there;
}

static bool has_word(int folder, const char *name, struct timespec word) {
  struct stat found;
  return fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) != 0 ||
         is_same_time(found.st_mtim, word);
}

os_removal os_removal_try(
    int folder, const char *name, uint64_t inode, bool dry) {
  if (inode != 0 && os_folder_is_held(folder, inode))
    return OS_REMOVAL_HELD; /* the usual case, and the cheapest question */
  struct timespec word = {0};
  int removal = OS_REMOVAL_UNKNOWN;
  for (int i = 0; i < TRIES; i++) {
    struct stat found;
    if (fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
      return errno == ENOENT ? OS_REMOVAL_GONE : OS_REMOVAL_UNKNOWN;
    if (!is_ours(&found, inode))
      return OS_REMOVAL_UNMARKED;
    if (os_folder_is_held(folder, found.st_ino))
      return OS_REMOVAL_HELD;
    if (i > 1 && removal == REFUSED && is_same_time(found.st_mtim, word))
      return OS_REMOVAL_IN_USE;
    if (i > 1)
      os_clock_sleep(PAUSE);
    word = i == 0 ? found.st_mtim : leave_word(folder, name, found.st_mtim);
    removal = test_once(folder, name, found.st_ino, dry);
    if (removal >= 0)
      break;
  }
  /* Who only looked may have been taken for a holder. */
  if (dry && removal == OS_REMOVAL_DONE && !has_word(folder, name, word))
    return os_removal_try(folder, name, inode, false);
  return removal < 0 ? OS_REMOVAL_IN_USE : (os_removal)removal;
}

static int look_once(int folder, const char *name) {
  os_fork_hold();
  int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  int file = openat(folder, name, flags);
  int removal = errno == EWOULDBLOCK ? BLOCKED
                : errno == ENOENT    ? OS_REMOVAL_GONE
                                     : OS_REMOVAL_UNKNOWN;
  if (file >= 0) {
    removal = ask(file);
    if (removal == OS_REMOVAL_DONE)
      fcntl(file, F_SETLEASE, F_UNLCK);
    close(file);
  }
  os_fork_release();
  return removal;
}

os_removal os_removal_test(int folder, const char *name) {
  int removal = OS_REMOVAL_UNKNOWN;
  for (int i = 0, refused = 0; i < LOOK_TRIES; i++) {
    removal = look_once(folder, name);
    refused += removal == REFUSED;
    if (removal >= 0 || refused == LOOKS_AT_USE)
      break;
    os_clock_sleep(PAUSE); /* it may be a tester */
  }
  return removal == REFUSED   ? OS_REMOVAL_IN_USE
         : removal == BLOCKED ? OS_REMOVAL_UNKNOWN
                              : (os_removal)removal;
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
