/* SPDX-License-Identifier: MIT */
/*
 * A hold is a read lock of the open file description of the folder itself, on
 * the byte whose number is the block's inode. Locks on a folder need no right
 * to write to it, and nobody can lock it for writing, so nobody can be kept
 * from holding. It takes no memory of the block's, no descriptor, and no
 * message.
 */
#include "os/linux/folder.h"

#include "os/os.h"

#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder's identity when it was last opened; 0 before. Looked at for each
 * tracked block, so it must not cost a path. */
static _Atomic uint64_t known_inode, known_device;

int os_folder_open(void) {
  int folder = open(OS_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat found;
  if (folder < 0)
    pshm_error_set_os(
        POLYSHM_E_OS, errno, "cannot open " OS_FOLDER ": %s", strerror(errno));
  else if (fstat(folder, &found) == 0) {
    known_inode = found.st_ino;
    known_device = found.st_dev;
  }
  return folder;
}

bool os_folder_is(int folder) {
  struct stat found, there;
  if (folder < 0 || fstat(folder, &found) != 0)
    return false;
  if (found.st_ino == known_inode && found.st_dev == known_device)
    return true;
  return stat(OS_FOLDER, &there) == 0 && found.st_dev == there.st_dev &&
         found.st_ino == there.st_ino;
}

polyshm_status os_folder_identify(int folder, os_file_id *out_id) {
  struct stat found;
  if (fstat(folder, &found) != 0)
    return pshm_error_set_os(
        POLYSHM_E_OS, errno, "cannot look at " OS_FOLDER ": %s",
        strerror(errno));
  *out_id = (os_file_id){.device = found.st_dev, .inode = found.st_ino};
  return POLYSHM_OK;
}

static struct flock byte_of(short type, uint64_t inode) {
  return (struct flock){
      .l_type = type,
      .l_whence = SEEK_SET,
      .l_start = (off_t)(inode & INT64_MAX),
      .l_len = 1,
  };
}

polyshm_status os_folder_hold(int folder, uint64_t inode) {
  struct flock byte = byte_of(F_RDLCK, inode);
  if (fcntl(folder, F_OFD_SETLK, &byte) == 0)
    return POLYSHM_OK;
  return pshm_error_set_os(
      POLYSHM_E_OS, errno, "cannot hold a block: %s", strerror(errno));
}

void os_folder_release(int folder, uint64_t inode) {
  struct flock byte = byte_of(F_UNLCK, inode);
  fcntl(folder, F_OFD_SETLK, &byte);
}

bool os_folder_is_held(int folder, uint64_t inode) {
  struct flock byte = byte_of(F_WRLCK, inode);
  return fcntl(folder, F_OFD_GETLK, &byte) != 0 || byte.l_type != F_UNLCK;
}

/* By a descriptor, since a link may have taken the name. */
void os_folder_mark(int folder, const char *name, uint64_t inode) {
  int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  int file = openat(folder, name, flags);
  struct stat found;
  if (file >= 0 && fstat(file, &found) == 0 && found.st_ino == inode &&
      found.st_uid == geteuid() && !(found.st_mode & OS_MAP_MARKED))
    fchmod(file, (found.st_mode & 0777) | OS_MAP_MARKED);
  if (file >= 0)
    close(file);
}

polyshm_status os_folder_remove(int folder, const char *name, uint64_t inode) {
  struct stat found;
  int code = 0;
  if (fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
    code = errno;
  else if (!S_ISREG(found.st_mode) || (inode != 0 && found.st_ino != inode))
    code = ENOENT; /* another one has its name now */
  else if (unlinkat(folder, name, 0) != 0)
    code = errno;
  if (code == 0)
    return POLYSHM_OK;
  return pshm_error_set_os(
      code == ENOENT                    ? POLYSHM_E_NOT_FOUND
      : code == EACCES || code == EPERM ? POLYSHM_E_ACCESS
                                        : POLYSHM_E_OS,
      code, "cannot unlink the block '%s': %s", name, strerror(code));
}

polyshm_status os_folder_list(
    void (*visit)(const char *name, void *context), void *context) {
  DIR *stream = opendir(OS_FOLDER);
  if (stream == NULL)
    return pshm_error_set_os(
        POLYSHM_E_OS, errno, "cannot read " OS_FOLDER ": %s", strerror(errno));
  struct dirent *entry;
  while ((entry = readdir(stream)) != NULL)
    if (entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN)
      visit(entry->d_name, context);
  closedir(stream);
  return POLYSHM_OK;
}
