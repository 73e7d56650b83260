/* SPDX-License-Identifier: MIT */
#include "key.h"

#include "command.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VARIABLE "POLYSHM_AUTHKEY"

static int read_variable(key *out_key) {
  const char *text = getenv(VARIABLE);
  if (text == NULL) {
    output_error(
        "serve: there is no authkey: name its file with --authkey-file, or put "
        "it into " VARIABLE);
    return CODE_USAGE;
  }
  size_t size = strlen(text);
  if (size > KEY_MOST) {
    output_error("serve: an authkey has at most %d bytes", KEY_MOST);
    return CODE_FAILURE;
  }
  memcpy(out_key->bytes, text, size);
  out_key->size = size;
  unsetenv(VARIABLE);
  return CODE_OK;
}

static int fail_file(const char *path, int error) {
  output_error("serve: cannot read %s: %s", path, strerror(error));
  return error == ENOENT   ? CODE_NOT_FOUND
         : error == EACCES ? CODE_ACCESS
                           : CODE_FAILURE;
}

/* All of a file, up to one byte more than a key may have. */
static int read_bytes(int file, const char *path, key *out_key) {
  unsigned char bytes[KEY_MOST + 2];
  size_t size = 0;
  ssize_t count;
  while (size < sizeof bytes &&
         (count = read(file, bytes + size, sizeof bytes - size)) != 0) {
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return fail_file(path, errno);
    size += (size_t)count;
  }
  if (size > 0 && bytes[size - 1] == '\n')
    size--;
  if (size > KEY_MOST) {
    output_error("serve: %s has more than %d bytes", path, KEY_MOST);
    return CODE_FAILURE;
  }
  memcpy(out_key->bytes, bytes, size);
  out_key->size = size;
  return CODE_OK;
}

int key_read(const char *path, key *out_key) {
  if (path == NULL)
    return read_variable(out_key);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return fail_file(path, errno);
  struct stat found;
  int code = CODE_FAILURE;
  if (fstat(file, &found) != 0)
    code = fail_file(path, errno);
  else if (S_ISREG(found.st_mode) && (found.st_mode & 077)) {
    output_error(
        "serve: others may read %s: chmod 600 it, and make another key", path);
    code = CODE_ACCESS;
  } else
    code = read_bytes(file, path, out_key);
  close(file);
  return code;
}

void key_forget(key *self) {
  explicit_bzero(self, sizeof *self);
}
