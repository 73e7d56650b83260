/* SPDX-License-Identifier: MIT */
/*
 * Names. What is none is refused before the system hears of it; what is one
 * means the file of that name in /dev/shm, and no call looks at another one.
 * The linker puts the functions below in place of the system's (--wrap).
 */
#include "fuzz.h"

#include "polyshm.h"
#include "base/utf8.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER "/dev/shm"

/* --------------------------------------------------- what the library opens */

/* The library is at work on `plain`, or on a name that is none (NULL). */
static bool is_watched;
static const char *plain;

static bool begins_with(const char *path, const char *begin) {
  return strncmp(path, begin, strlen(begin)) == 0;
}

static void check_path(int folder, const char *path) {
  if (!is_watched)
    return;
  if (folder == AT_FDCWD) {
    if (strcmp(path, FOLDER) == 0 || begins_with(path, "/proc/self/fd/"))
      return;
    FUZZ_CHECK(begins_with(path, FOLDER "/"));
    path += strlen(FOLDER "/");
    if (begins_with(path, ".polyshm-") && strlen(path) == 17)
      return; /* where the system knows no files without names */
  } else if (path[0] == 0)
    return; /* the descriptor itself */
  FUZZ_CHECK(plain != NULL && strcmp(path, plain) == 0);
}

#define WRAP(result, name, parameters)                                         \
  result __real_##name parameters;                                             \
  result __wrap_##name parameters;                                             \
  result __wrap_##name parameters

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  bool has_mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
  mode_t mode = has_mode ? (mode_t)va_arg(more, unsigned) : 0;
  va_end(more);
  check_path(AT_FDCWD, path);
  return __real_open64(path, flags, mode);
}

int __real_openat64(int folder, const char *path, int flags, ...);
int __wrap_openat64(int folder, const char *path, int flags, ...);
int __wrap_openat64(int folder, const char *path, int flags, ...) {
  check_path(folder, path);
  FUZZ_CHECK(!(flags & O_CREAT));
  return __real_openat64(folder, path, flags);
}

WRAP(
    int, linkat,
    (int from, const char *old, int to, const char *new, int flags)) {
  check_path(from, old);
  check_path(to, new);
  return __real_linkat(from, old, to, new, flags);
}

WRAP(int, link, (const char *old, const char *new)) {
  check_path(AT_FDCWD, old);
  check_path(AT_FDCWD, new);
  return __real_link(old, new);
}

WRAP(int, unlink, (const char *path)) {
  check_path(AT_FDCWD, path);
  return __real_unlink(path);
}

WRAP(int, unlinkat, (int folder, const char *path, int flags)) {
  check_path(folder, path);
  return __real_unlinkat(folder, path, flags);
}

WRAP(int, lstat64, (const char *path, struct stat64 *out)) {
  check_path(AT_FDCWD, path);
  return __real_lstat64(path, out);
}

WRAP(int, stat64, (const char *path, struct stat64 *out)) {
  check_path(AT_FDCWD, path);
  return __real_stat64(path, out);
}

WRAP(
    int, fstatat64,
    (int folder, const char *path, struct stat64 *out, int flags)) {
  check_path(folder, path);
  return __real_fstatat64(folder, path, out, flags);
}

WRAP(
    int, statx,
    (int folder, const char *path, int flags, unsigned mask,
     struct statx *out)) {
  check_path(folder, path);
  return __real_statx(folder, path, flags, mask, out);
}

/* ---------------------------------------------------------------- the calls */

enum { SIZE = 16, READ_ONLY = POLYSHM_READ_ONLY | POLYSHM_FOREIGN };
enum { MAKE = POLYSHM_CREATE | POLYSHM_EXCLUSIVE | POLYSHM_UNTRACKED };

static polyshm_status open_block(const char *name, uint32_t flags) {
  polyshm_block *block = NULL;
  polyshm_status status = polyshm_block_open(name, SIZE, flags, NULL, &block);
  if (status == POLYSHM_OK)
    FUZZ_CHECK(strcmp(polyshm_block_name(block), plain) == 0);
  polyshm_block_free(block);
  return status;
}

static polyshm_status open_list(const char *name) {
  polyshm_list *list = NULL;
  polyshm_status status = polyshm_list_open(name, READ_ONLY, &list);
  polyshm_list_free(list);
  return status;
}

static polyshm_status make_list(const char *name) {
  polyshm_list *list = NULL;
  const polyshm_value value = {.type = POLYSHM_INT};
  polyshm_status status = polyshm_list_create(
      name, &value, 1, POLYSHM_EXCLUSIVE | POLYSHM_CREATE | POLYSHM_UNTRACKED,
      NULL, &list);
  polyshm_list_free(list);
  return status;
}

static polyshm_status inspect(const char *name) {
  polyshm_info info = {.struct_size = sizeof info};
  polyshm_status status = polyshm_inspect(name, &info);
  if (status == POLYSHM_OK)
    FUZZ_CHECK(strcmp(info.name, plain) == 0);
  return status;
}

/* Calls that change nothing, and what they answer for what is not there, or is
 * no name. */
static void ask_in_vain(const char *name, polyshm_status expected) {
  FUZZ_CHECK(inspect(name) == expected);
  FUZZ_CHECK(open_block(name, READ_ONLY) == expected);
  FUZZ_CHECK(open_list(name) == expected);
  FUZZ_CHECK(polyshm_unlink(name) == expected);
}

static void use_invalid(const char *name) {
  uint64_t count;
  ask_in_vain(name, POLYSHM_E_INVALID);
  FUZZ_CHECK(open_block(name, MAKE) == POLYSHM_E_INVALID);
  FUZZ_CHECK(make_list(name) == POLYSHM_E_INVALID);
  FUZZ_CHECK(polyshm_holders(name, NULL, 0, &count) == POLYSHM_E_INVALID);
}

static void use_free(const char *name, bool is_list) {
  ask_in_vain(name, POLYSHM_E_NOT_FOUND);
  FUZZ_CHECK(
      (is_list ? make_list(name) : open_block(name, MAKE)) == POLYSHM_OK);
  FUZZ_CHECK(inspect(name) == POLYSHM_OK);
  FUZZ_CHECK(open_block(plain, READ_ONLY) == POLYSHM_OK);
  FUZZ_CHECK(open_list(name) == POLYSHM_OK);
  FUZZ_CHECK(make_list(name) == POLYSHM_E_EXISTS);
  FUZZ_CHECK(polyshm_unlink(name) == POLYSHM_OK);
  ask_in_vain(name, POLYSHM_E_NOT_FOUND);
}

/* The folder itself, its parent, or a block of somebody else: they stay. */
static void use_taken(const char *name) {
  FUZZ_CHECK(make_list(name) == POLYSHM_E_EXISTS);
  FUZZ_CHECK(open_block(name, MAKE) == POLYSHM_E_EXISTS);
  if (strcmp(plain, ".") == 0 || strcmp(plain, "..") == 0)
    ask_in_vain(name, POLYSHM_E_INVALID);
}

static bool is_there(const char *name, struct stat *out) {
  char path[sizeof FOLDER "/" + POLYSHM_NAME_MAX];
  snprintf(path, sizeof path, FOLDER "/%s", name);
  return lstat(path, out) == 0;
}

static void use(const char *name, const char *begin, bool is_list) {
  struct stat before, after;
  size_t length = strlen(begin);
  bool is_valid = length > 0 && length <= POLYSHM_NAME_MAX &&
                  strchr(begin, '/') == NULL && pshm_utf8_check(begin, length);
  plain = is_valid ? begin : NULL;
  bool is_taken = is_valid && is_there(plain, &before);
  is_watched = true;
  if (!is_valid)
    use_invalid(name);
  else if (is_taken)
    use_taken(name);
  else
    use_free(name, is_list);
  is_watched = false;
  if (is_valid)
    FUZZ_CHECK(is_there(plain, &after) == is_taken);
  if (is_taken)
    FUZZ_CHECK(after.st_ino == before.st_ino);
}

/* The first byte says whether it is to be the name of a list. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  char *name = malloc(size);
  FUZZ_CHECK(name != NULL);
  memcpy(name, data + 1, size - 1);
  name[size - 1] = 0;
  use(name, name + strspn(name, "/"), data[0] & 1);
  free(name);
  return 0;
}
