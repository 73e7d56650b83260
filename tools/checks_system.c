/* SPDX-License-Identifier: MIT */
/* What the system offers: the folder, the kernel's means, this process's
 * limits. What is tried is tried on a file without a name. */
#include "checks.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char folder[] = "/dev/shm";

enum { SMALL = 64 << 20, FEW_FILES = 256 };

static const char small_hint[] =
    "docker run --shm-size=1g, or: mount -o remount,size=1g /dev/shm";

/* ----------------------------------------------------------------- folder */

static void check_kind(void) {
  struct statfs status;
  if (statfs(folder, &status) != 0)
    checks_add(
        "folder", CHECKS_BAD, "mount -t tmpfs -o mode=1777 tmpfs /dev/shm",
        "%s is missing: %s", folder, strerror(errno));
  else if (status.f_type != TMPFS_MAGIC)
    checks_add(
        "folder", CHECKS_CARE, "mount -t tmpfs -o mode=1777 tmpfs /dev/shm",
        "%s is no tmpfs: blocks are files on a disk there", folder);
  else
    checks_add("folder", CHECKS_GOOD, NULL, "%s is a tmpfs", folder);
}

static void check_size(void) {
  struct statvfs status;
  if (statvfs(folder, &status) != 0)
    return;
  uint64_t size = (uint64_t)status.f_blocks * status.f_frsize;
  uint64_t left = (uint64_t)status.f_bavail * status.f_frsize;
  char *all = text_size(size), *free_size = text_size(left);
  if (size == 0) /* a tmpfs that was mounted without a limit */
    checks_add("size", CHECKS_GOOD, NULL, "there is no limit");
  else if (left < size / 10)
    checks_add(
        "size", left == 0 ? CHECKS_BAD : CHECKS_CARE,
        "see 'polyshm ls' and 'polyshm gc' for what fills it",
        "%s of %s bytes are free", free_size, all);
  else
    checks_add(
        "size", size <= SMALL ? CHECKS_CARE : CHECKS_GOOD,
        size <= SMALL ? small_hint : NULL, "%s of %s bytes are free", free_size,
        all);
  if (status.f_files > 0 && status.f_favail < FEW_FILES)
    checks_add(
        "files", status.f_favail == 0 ? CHECKS_BAD : CHECKS_CARE,
        "mount -o remount,nr_inodes=100k /dev/shm",
        "only %" PRIu64 " more blocks can be made", (uint64_t)status.f_favail);
  free(all);
  free(free_size);
}

static void check_rights(void) {
  static const char hint[] = "chmod 1777 /dev/shm";
  struct stat status;
  if (stat(folder, &status) != 0)
    return;
  unsigned mode = (unsigned)status.st_mode & 07777;
  if (access(folder, R_OK | W_OK | X_OK) != 0)
    checks_add(
        "rights", CHECKS_BAD, hint, "you may not make blocks: mode %04o", mode);
  else if ((mode & S_IWOTH) && !(mode & S_ISVTX))
    checks_add(
        "rights", CHECKS_BAD, hint,
        "everybody may remove everybody's blocks: mode %04o", mode);
  else
    checks_add("rights", CHECKS_GOOD, NULL, "mode %04o", mode);
}

void checks_folder(void) {
  check_kind();
  check_size();
  check_rights();
}

/* ----------------------------------------------------------------- kernel */

static void check_lock(int fd) {
  struct flock range = {
      .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 1};
  if (fcntl(fd, F_OFD_SETLK, &range) == 0)
    checks_add("locks", CHECKS_GOOD, NULL, "files can be locked per opening");
  else
    checks_add(
        "locks", CHECKS_BAD, "Linux 3.15 or newer is needed",
        "files cannot be locked per opening: %s", strerror(errno));
}

/* A lease tells whether anybody else has a file open, stock Python too. The
 * signal of its end is one that is ignored. */
static void check_lease(int fd) {
  if (fcntl(fd, F_SETSIG, SIGURG) == 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0) {
    fcntl(fd, F_SETLEASE, F_UNLCK);
    checks_add("leases", CHECKS_GOOD, NULL, "all holders can be noticed");
  } else
    checks_add(
        "leases", CHECKS_CARE,
        "Linux 5.3 or newer has them; otherwise /proc is searched",
        "holders that are not polyshm's may go unnoticed: %s", strerror(errno));
}

static void check_proc(void) {
  if (access("/proc/self/fd", R_OK | X_OK) != 0)
    checks_add(
        "proc", CHECKS_CARE, "mount -t proc proc /proc",
        "/proc is missing: holders have no names, and lists that were made "
        "elsewhere may be read-only");
  else if (access("/proc/1/stat", R_OK) != 0)
    checks_add(
        "proc", CHECKS_CARE, "mount -o remount,hidepid=0 /proc",
        "/proc hides the processes of others");
  else
    checks_add("proc", CHECKS_GOOD, NULL, "/proc is there");
}

void checks_kernel(void) {
  int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) {
    checks_add(
        "nameless", CHECKS_GOOD, NULL, "files can be made without a name");
    check_lock(fd);
    check_lease(fd);
    close(fd);
  } else
    checks_add(
        "nameless", errno == EOPNOTSUPP ? CHECKS_CARE : CHECKS_BAD,
        errno == EOPNOTSUPP ? "files that begin with .polyshm- stand in"
                            : "see the lines above",
        "files cannot be made without a name: %s", strerror(errno));
  check_proc();
}

/* ----------------------------------------------------------------- limits */

static void check_limit(
    const char *name, rlim_t limit, rlim_t least, const char *hint,
    const char *what) {
  bool is_low = limit < least;
  if (limit == RLIM_INFINITY)
    checks_add(name, CHECKS_GOOD, NULL, "%s: no limit", what);
  else
    checks_add(
        name, is_low ? CHECKS_CARE : CHECKS_GOOD, is_low ? hint : NULL,
        "%s: at most %" PRIu64, what, (uint64_t)limit);
}

void checks_limits(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0)
    check_limit(
        "fsize", limit.rlim_cur, RLIM_INFINITY,
        "ulimit -f unlimited: no larger block can be made",
        "bytes in a new block");
  if (getrlimit(RLIMIT_AS, &limit) == 0)
    check_limit(
        "as", limit.rlim_cur, RLIM_INFINITY,
        "ulimit -v unlimited: opening fails when the rest is too small",
        "bytes of address space");
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
    check_limit(
        "nofile", limit.rlim_cur, 1024,
        "ulimit -n 4096: a list that is written to needs a descriptor",
        "open files");
}
