/* SPDX-License-Identifier: MIT */
/*
 * Blocks are files in /dev/shm, where glibc's and musl's shm_open put them.
 *
 * A new block is made as a file without a name (O_TMPFILE), sized, reserved and
 * filled, and linked into place last. So nobody ever sees it half made, and a
 * creator that dies half-way leaves nothing. Where the file system knows no
 * nameless files, one with a name of its own, beginning with a dot, stands in.
 *
 * A block needs no descriptor once it is made or opened: the mapping alone
 * keeps it.
 */
#include "os/os.h"

#include "os/linux/folder.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FOLDER OS_FOLDER

enum {
  PATH_SIZE = sizeof FOLDER "/" + POLYSHM_NAME_MAX,
  TEMPORARY_TRIES = 100,
  EMPTY_TRIES = 100,
  EMPTY_PAUSE = 1000000, /* nanoseconds */

  /* Somebody tests whether anybody has a block (removal.c), which takes
   * microseconds, unless a busy machine lets it wait in the middle; others'
   * leases may last longer. */
  LEASE_TRIES = 100, /* and more while there is time */
  LEASE_TIME = 1000000000,
  LEASE_PAUSE = 20000,
  LEASE_LATER = 1000000,

  /* Memory is reserved in pieces of about a millisecond each, because a signal
   * undoes the piece that it interrupts; a program with an interval timer would
   * never get a large block done at once. They halve when one is interrupted
   * and double when one is done, so that they suit the timer and a few signals
   * do not leave millions of small ones. */
  RESERVE_PIECE = 4 << 20,
  RESERVE_LEAST = 4 << 10
};

static void make_path(char path[PATH_SIZE], const char *name) {
  snprintf(path, PATH_SIZE, FOLDER "/%s", name);
}

static void make_temporary_path(char path[PATH_SIZE], uint32_t temporary) {
  snprintf(path, PATH_SIZE, FOLDER "/.polyshm-%08x", (unsigned)temporary);
}

static polyshm_status fail_kind(int code, const char *name) {
  return pshm_error_set_os(
      POLYSHM_E_INVALID, code, "'%s' is not a block", name);
}

static polyshm_status fail(int code, const char *what, const char *name) {
  switch (code) {
  case ENOENT:
    return pshm_error_set_os(
        POLYSHM_E_NOT_FOUND, code, "there is no block '%s'", name);
  case EEXIST:
    return pshm_error_set_os(
        POLYSHM_E_EXISTS, code, "there is a block '%s' already", name);
  case EISDIR: /* opening one for writing */
  case ENXIO:  /* opening a socket */
    return fail_kind(code, name);
  case ENOSPC:
  case EDQUOT:
    return pshm_error_set_os(
        POLYSHM_E_SPACE, code, "cannot %s '%s': %s", what, name,
        strerror(code));
  case ELOOP:
    return pshm_error_set_os(
        POLYSHM_E_ACCESS, code, "'%s' is a link, which is not followed", name);
  case EACCES:
  case EPERM:
  case EROFS:
    return pshm_error_set_os(
        POLYSHM_E_ACCESS, code, "cannot %s '%s': %s", what, name,
        strerror(code));
  case ENOMEM:
    return pshm_error_set_os(
        POLYSHM_E_MEMORY, code, "cannot %s '%s': out of memory", what, name);
  case ENAMETOOLONG:
  case EINVAL:
    return pshm_error_set_os(
        POLYSHM_E_INVALID, code, "cannot %s '%s': %s", what, name,
        strerror(code));
  case EWOULDBLOCK:
    return pshm_error_set_os(
        POLYSHM_E_BUSY, code,
        "cannot %s '%s': another process holds a "
        "lease on it",
        what, name);
  default:
    return pshm_error_set_os(
        POLYSHM_E_OS, code, "cannot %s '%s': %s", what, name, strerror(code));
  }
}

/* ----------------------------------------------------------------- making */

static int open_nameless(mode_t mode) {
#ifdef O_TMPFILE
  return open(FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
#else
  (void)mode;
  errno = EOPNOTSUPP;
  return -1;
#endif
}

/* No name is involved yet: it is the folder that is missing, or full. */
static polyshm_status fail_create(int code) {
  if (code == ENOENT || code == ENOTDIR)
    return pshm_error_set_os(
        POLYSHM_E_UNSUPPORTED, code,
        "cannot create a block: there is no folder " FOLDER);
  return fail(code, "create a block in", FOLDER);
}

static polyshm_status open_temporary(mode_t mode, os_map *map) {
  for (int i = 0; i < TEMPORARY_TRIES; i++) {
    uint32_t temporary;
    polyshm_status status = os_random_fill(&temporary, sizeof temporary);
    if (status != POLYSHM_OK)
      return status;
    if (temporary == 0)
      continue; /* stands for none */
    char path[PATH_SIZE];
    make_temporary_path(path, temporary);
    map->descriptor =
        open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, mode);
    if (map->descriptor >= 0) {
      map->temporary = temporary;
      return POLYSHM_OK;
    }
    if (errno != EEXIST)
      return fail_create(errno);
  }
  return pshm_error_set_os(
      POLYSHM_E_OS, EEXIST,
      "cannot create a block: %d temporary names in " FOLDER " were taken",
      TEMPORARY_TRIES);
}

static unsigned long long available(void) {
  struct statvfs volume;
  if (statvfs(FOLDER, &volume) != 0)
    return 0;
  return (unsigned long long)volume.f_bavail * volume.f_frsize;
}

static polyshm_status fail_space(uint64_t size) {
  return pshm_error_set_os(
      POLYSHM_E_SPACE, ENOSPC,
      "no room for a block of %llu bytes: %llu bytes are free in " FOLDER
      " (in a container, start it with a larger --shm-size)",
      (unsigned long long)size, available());
}

static polyshm_status size_file(int descriptor, uint64_t size) {
  if (ftruncate(descriptor, (off_t)size) != 0)
    return pshm_error_set_os(
        POLYSHM_E_OS, errno, "cannot make a block of %llu bytes: %s",
        (unsigned long long)size, strerror(errno));
  return POLYSHM_OK;
}

/* Size the file and take its memory at once, piece by piece. What cannot fit is
 * refused first: to try would take all the memory there is for a moment. */
static polyshm_status reserve(int descriptor, uint64_t size) {
  uint64_t piece = RESERVE_PIECE;
  if (size > piece && size > available())
    return fail_space(size);
  for (uint64_t done = 0; done < size;) {
    uint64_t now = piece < size - done ? piece : size - done;
    int code = posix_fallocate(descriptor, (off_t)done, (off_t)now);
    if (code == 0) {
      done += now;
      piece = piece < RESERVE_PIECE ? 2 * piece : piece;
    } else if (code == EINTR)
      piece = piece > RESERVE_LEAST ? piece / 2 : piece;
    else if (code == ENOSPC || code == EDQUOT)
      return fail_space(size);
    else if (code == EOPNOTSUPP || code == EINVAL)
      return size_file(descriptor, size); /* touching it will tell */
    else
      return pshm_error_set_os(
          POLYSHM_E_OS, code, "cannot reserve %llu bytes: %s",
          (unsigned long long)size, strerror(code));
  }
  return POLYSHM_OK;
}

/* Growing a file past this limit does not fail but kills, with SIGXFSZ. */
static polyshm_status check_file_limit(uint64_t size) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      size > limit.rlim_cur)
    return pshm_error_set_os(
        POLYSHM_E_SPACE, EFBIG,
        "no room for a block of %llu bytes: this process may only make files "
        "of %llu (ulimit -f, RLIMIT_FSIZE)",
        (unsigned long long)size, (unsigned long long)limit.rlim_cur);
  return POLYSHM_OK;
}

static polyshm_status map_descriptor(
    int descriptor, uint64_t size, bool read_only, os_map *map) {
  int protection = read_only ? PROT_READ : PROT_READ | PROT_WRITE;
  void *address =
      mmap(NULL, (size_t)size, protection, MAP_SHARED, descriptor, 0);
  if (address == MAP_FAILED)
    return pshm_error_set_os(
        errno == ENOMEM ? POLYSHM_E_MEMORY : POLYSHM_E_OS, errno,
        "cannot map %llu bytes: %s", (unsigned long long)size, strerror(errno));
  map->address = address;
  map->size = size;
  return POLYSHM_OK;
}

static void note(os_map *map, const struct stat *file) {
  map->id = (os_file_id){.device = file->st_dev, .inode = file->st_ino};
  map->owner = file->st_uid;
  map->is_marked = (file->st_mode & OS_MAP_MARKED) != 0;
}

polyshm_status os_map_make(
    uint64_t size, uint32_t mode, bool reserve_now, os_map *out_map) {
  if (size > INT64_MAX || size > SIZE_MAX)
    return pshm_error_set_os(
        POLYSHM_E_MEMORY, ENOMEM, "no system maps a block of %llu bytes",
        (unsigned long long)size);
  polyshm_status status = check_file_limit(size);
  if (status != POLYSHM_OK)
    return status;

  os_map map = {.descriptor = open_nameless((mode_t)mode)};
  if (map.descriptor < 0) {
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
      return fail_create(errno);
    status = open_temporary((mode_t)mode, &map);
    if (status != POLYSHM_OK)
      return status;
  }

  struct stat file;
  if (fstat(map.descriptor, &file) != 0)
    status = fail_create(errno);
  else {
    note(&map, &file);
    status = reserve_now ? reserve(map.descriptor, size)
                         : size_file(map.descriptor, size);
  }
  if (status == POLYSHM_OK)
    status = map_descriptor(map.descriptor, size, false, &map);
  if (status != POLYSHM_OK) {
    os_map_drop(&map);
    return status;
  }
  *out_map = map;
  return POLYSHM_OK;
}

/* Name the file behind a descriptor. The direct way needs a privilege on older
 * kernels, the other one needs /proc. */
static int link_nameless(int descriptor, const char *path) {
#ifdef AT_EMPTY_PATH
  if (linkat(descriptor, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0)
    return 0;
  if (errno == EEXIST)
    return -1;
#endif
  char self[sizeof "/proc/self/fd/" + 3 * sizeof descriptor];
  snprintf(self, sizeof self, "/proc/self/fd/%d", descriptor);
  return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

polyshm_status os_map_publish(os_map *map, const char *name) {
  char path[PATH_SIZE];
  make_path(path, name);
  if (map->temporary == 0) {
    if (link_nameless(map->descriptor, path) != 0)
      return errno == ENOENT
                 ? pshm_error_set_os(
                       POLYSHM_E_UNSUPPORTED, errno,
                       "cannot name block '%s': /proc is not there", name)
                 : fail(errno, "name block", name);
  } else {
    char temporary[PATH_SIZE];
    make_temporary_path(temporary, map->temporary);
    if (link(temporary, path) != 0)
      return fail(errno, "name block", name);
    unlink(temporary);
    map->temporary = 0;
  }
  return POLYSHM_OK;
}

/* ---------------------------------------------------------------- opening */

/* Why an opening may be worth another try. */
typedef enum hurdle { NONE, EMPTY, LEASED, REMOVED } hurdle;

static polyshm_status open_sized(
    const char *name, bool read_only, os_map *map, hurdle *out_hurdle) {
  char path[PATH_SIZE];
  make_path(path, name);
  *out_hurdle = NONE;
  /* Without O_NONBLOCK, somebody's pipe called like a block would stop us. */
  int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  int descriptor = open(path, flags | (read_only ? O_RDONLY : O_RDWR));
  if (descriptor < 0) {
    *out_hurdle = errno == EWOULDBLOCK ? LEASED : NONE;
    return fail(errno, "open block", name);
  }

  polyshm_status status;
  struct stat file;
  if (fstat(descriptor, &file) != 0)
    status = fail(errno, "open block", name);
  else if (!S_ISREG(file.st_mode))
    status = fail_kind(S_ISDIR(file.st_mode) ? EISDIR : EINVAL, name);
  else if (file.st_nlink == 0) {
    *out_hurdle = REMOVED; /* while we opened it */
    status = fail(ENOENT, "open block", name);
  } else if (file.st_size == 0) {
    *out_hurdle = EMPTY;
    status = pshm_error_set(
        POLYSHM_E_CORRUPT,
        "the block '%s' is empty: its creator never gave it "
        "a size",
        name);
  } else if ((uint64_t)file.st_size > SIZE_MAX)
    status = fail(ENOMEM, "map block", name);
  else
    status = map_descriptor(descriptor, (uint64_t)file.st_size, read_only, map);
  if (status == POLYSHM_OK) {
    map->descriptor = descriptor;
    note(map, &file);
  } else
    close(descriptor);
  return status;
}

polyshm_status os_map_open(const char *name, bool read_only, os_map *out_map) {
  os_map map = {.descriptor = -1};
  hurdle found = NONE;
  polyshm_status status = open_sized(name, read_only, &map, &found);
  int64_t end = found == NONE ? 0 : os_clock_deadline(LEASE_TIME);
  for (int empty = 0, leased = 0;
       found != NONE && empty < EMPTY_TRIES &&
       (leased < LEASE_TRIES || os_clock_left(end, 1) > 0);) {
    empty += found == EMPTY;
    leased += found != EMPTY;
    if (found != REMOVED)
      os_clock_sleep(
          found == EMPTY         ? EMPTY_PAUSE
          : leased < LEASE_TRIES ? LEASE_PAUSE
                                 : LEASE_LATER);
    status = open_sized(name, read_only, &map, &found);
  }
  if (status == POLYSHM_OK)
    *out_map = map;
  return status;
}

polyshm_status os_map_try(const char *name, bool read_only, os_map *out_map) {
  os_map map = {.descriptor = -1};
  hurdle found;
  polyshm_status status = open_sized(name, read_only, &map, &found);
  if (status == POLYSHM_OK)
    *out_map = map;
  return status;
}

bool os_map_peek(
    const os_map *map, uint64_t offset, void *bytes, size_t nbytes) {
  return pread(map->descriptor, bytes, nbytes, (off_t)offset) ==
         (ssize_t)nbytes;
}

void os_map_unmark(os_map *map) {
  struct stat found;
  if (fstat(map->descriptor, &found) == 0)
    fchmod(map->descriptor, found.st_mode & 0777);
  map->is_marked = false;
}

void os_map_settle(os_map *map) {
  close(map->descriptor);
  map->descriptor = -1;
}

/* ---------------------------------------------------------------- leaving */

void os_map_drop(os_map *map) {
  if (map->address != NULL)
    munmap(map->address, (size_t)map->size);
  if (map->temporary != 0) {
    char path[PATH_SIZE];
    make_temporary_path(path, map->temporary);
    unlink(path);
  }
  if (map->descriptor >= 0)
    close(map->descriptor);
  *map = (os_map){.descriptor = -1};
}

bool os_map_is_foreign(const os_map *map) {
  return map->owner != geteuid() && map->owner != 0;
}

polyshm_status os_map_unlink(const char *name, uint64_t *out_inode) {
  char path[PATH_SIZE];
  make_path(path, name);
  struct stat file;
  if (out_inode != NULL)
    *out_inode = lstat(path, &file) == 0 ? file.st_ino : 0;
  if (unlink(path) != 0)
    return fail(errno, "unlink block", name);
  return POLYSHM_OK;
}
