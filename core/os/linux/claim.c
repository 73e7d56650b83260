/* SPDX-License-Identifier: MIT */
/*
 * A claim is an open-file-description write lock on one byte, far behind the
 * end of any file. The kernel drops it when the last descriptor of that opening
 * is closed, which a death does, and nothing else does: it is not the business
 * of process numbers, and so holds across containers that share /dev/shm.
 */
#include "os/os.h"

#include "os/linux/folder.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Claims begin here; nothing else of ours locks above it. */
#define FIRST_BYTE (INT64_C(1) << 60)
_Static_assert(sizeof(off_t) == 8, "offsets of files have 64 bits");

enum { FLAGS = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK };

static struct flock byte_of(uint32_t number) {
  return (struct flock){
      .l_type = F_WRLCK,
      .l_whence = SEEK_SET,
      .l_start = FIRST_BYTE + number,
      .l_len = 1,
  };
}

/* Through /proc a file is found that has no name any more. */
static int open_again(int descriptor) {
  char self[sizeof "/proc/self/fd/" + 3 * sizeof descriptor];
  snprintf(self, sizeof self, "/proc/self/fd/%d", descriptor);
  return open(self, FLAGS & ~O_NOFOLLOW);
}

static bool is_on(int descriptor, const os_file_id *id) {
  struct stat file;
  return fstat(descriptor, &file) == 0 && file.st_dev == id->device &&
         file.st_ino == id->inode;
}

polyshm_status os_claim_separate(
    int descriptor, const os_file_id *id, const char *name) {
  int again = -1, code = EBADF;
  if (is_on(descriptor, id)) {
    again = open_again(descriptor);
    code = errno;
    if (again < 0) {
      char path[sizeof OS_FOLDER "/" + POLYSHM_NAME_MAX];
      snprintf(path, sizeof path, OS_FOLDER "/%s", name);
      again = open(path, FLAGS);
    }
  }
  bool done = false;
  if (again >= 0) {
    code = ENOENT; /* another file has the name */
    if (is_on(again, id)) {
      done = dup3(again, descriptor, O_CLOEXEC) >= 0;
      code = errno;
    }
    close(again);
  }
  if (done)
    return POLYSHM_OK;
  return pshm_error_set_os(
      POLYSHM_E_OS, code, "cannot open the list '%s' again to write to it: %s",
      name, strerror(code));
}

bool os_claim_take(int descriptor, uint32_t number) {
  struct flock byte = byte_of(number);
  return fcntl(descriptor, F_OFD_SETLK, &byte) == 0;
}

bool os_claim_is_held(int descriptor, uint32_t number) {
  struct flock byte = byte_of(number);
  if (fcntl(descriptor, F_OFD_GETLK, &byte) != 0)
    return true;
  return byte.l_type != F_UNLCK;
}

void os_claim_close(int descriptor, const os_file_id *id) {
  struct stat file;
  bool is_known = fstat(descriptor, &file) == 0;
  if (!is_known || (file.st_dev == id->device && file.st_ino == id->inode))
    close(descriptor);
}
