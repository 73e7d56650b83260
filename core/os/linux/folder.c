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
