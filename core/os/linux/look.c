/* SPDX-License-Identifier: MIT */
/* Looking at blocks from outside: what they are, and which processes use them.
 */
#include "os/os.h"

#include "os/linux/folder.h"
#include "base/error.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { PATH_SIZE = sizeof OS_FOLDER "/" + POLYSHM_NAME_MAX, PROC_SIZE = 64 };

polyshm_status os_folder_look(const char *name, os_file *out_file) {
  char path[PATH_SIZE];
  snprintf(path, sizeof path, OS_FOLDER "/%s", name);
  struct stat found;
  if (lstat(path, &found) != 0)
    return pshm_error_set_os(
        errno == ENOENT ? POLYSHM_E_NOT_FOUND : POLYSHM_E_OS, errno,
        errno == ENOENT ? "there is no block '%s'" : "cannot look at '%s'",
        name);
  if (!S_ISREG(found.st_mode))
    return pshm_error_set_os(
        POLYSHM_E_INVALID, EINVAL, "'%s' is not a block", name);
  *out_file = (os_file){
      .size = (uint64_t)found.st_size,
      .inode = found.st_ino,
      .device = found.st_dev,
      .changed_at =
          (int64_t)found.st_mtim.tv_sec * 1000000000 + found.st_mtim.tv_nsec,
      .mode = found.st_mode & 0777,
      .owner = found.st_uid,
      .is_marked = (found.st_mode & OS_MAP_MARKED) != 0,
  };
#ifdef STATX_BTIME
  struct statx more;
  if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &more) == 0 &&
      (more.stx_mask & STATX_BTIME))
    out_file->created_at =
        (int64_t)more.stx_btime.tv_sec * 1000000000 + more.stx_btime.tv_nsec;
#endif
  return POLYSHM_OK;
}

bool os_folder_may_test(const os_file *file) {
  return file->owner == geteuid() || geteuid() == 0;
}

/* A line of /proc/PID/maps: "from-to perms offset major:minor inode path". */
static bool maps_has(const char *line, const os_file *file) {
  unsigned major_number, minor_number;
  uint64_t inode;
  return sscanf(
             line, "%*s %*s %*s %x:%x %" SCNu64, &major_number, &minor_number,
             &inode) == 3 &&
         inode == file->inode &&
         makedev(major_number, minor_number) == file->device;
}

static bool has_mapped(const char *pid, const os_file *file) {
  char path[PROC_SIZE], line[512];
  snprintf(path, sizeof path, "/proc/%.20s/maps", pid);
  FILE *maps = fopen(path, "re");
  if (maps == NULL)
    return false;
  bool found = false;
  while (!found && fgets(line, sizeof line, maps) != NULL)
    found = maps_has(line, file);
  fclose(maps);
  return found;
}

static bool has_open(const char *pid, const os_file *file) {
  char path[PROC_SIZE];
  snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
  DIR *stream = opendir(path);
  if (stream == NULL)
    return false;
  bool found = false;
  struct dirent *entry;
  struct stat at;
  while (!found && (entry = readdir(stream)) != NULL)
    found = fstatat(dirfd(stream), entry->d_name, &at, 0) == 0 &&
            at.st_ino == file->inode && at.st_dev == file->device &&
            S_ISREG(at.st_mode);
  closedir(stream);
  return found;
}

polyshm_status os_folder_find_users(
    const os_file *file, void (*visit)(uint64_t pid, void *context),
    void *context) {
  DIR *stream = opendir("/proc");
  if (stream == NULL)
    return pshm_error_set_os(
        POLYSHM_E_UNSUPPORTED, errno, "cannot read /proc: %s", strerror(errno));
  struct dirent *entry;
  while ((entry = readdir(stream)) != NULL)
    if (isdigit((unsigned char)entry->d_name[0]) &&
        (has_mapped(entry->d_name, file) || has_open(entry->d_name, file)))
      visit(strtoull(entry->d_name, NULL, 10), context);
  closedir(stream);
  return POLYSHM_OK;
}
