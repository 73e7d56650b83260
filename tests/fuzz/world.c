/* SPDX-License-Identifier: MIT */
/*
 * What stands between the command and the system while it is fuzzed: the linker
 * puts these functions in place of those that the command calls (--wrap). So no
 * file is opened for it but blocks and what tells about the system, nothing of
 * others is changed, and nothing takes time.
 */
#include "world.h"

#include "polyshm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WRAP(result, name, parameters)                                         \
  result __real_##name parameters;                                             \
  result __wrap_##name parameters;                                             \
  result __wrap_##name parameters

/* Looks that a watcher gets before its block is gone. */
enum { LOOKS = 3 };

/* Else it is the fuzzer that calls. */
static bool is_running, may_unlink;
static fuzz_world_owner is_owned;
static int looks;

void fuzz_world_begin(fuzz_world_owner owner, bool unlinks) {
  is_owned = owner;
  may_unlink = unlinks;
  looks = 0;
  is_running = true;
}

void fuzz_world_end(void) {
  is_running = false;
}

static bool begins_with(const char *path, const char *begin) {
  return strncmp(path, begin, strlen(begin)) == 0;
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  bool has_mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
  mode_t mode = has_mode ? (mode_t)va_arg(more, unsigned) : 0;
  va_end(more);
  if (!is_running || begins_with(path, "/dev/shm") ||
      begins_with(path, "/proc/self/") || strcmp(path, "/proc") == 0 ||
      strcmp(path, "/dev/null") == 0)
    return __real_open64(path, flags, mode);
  errno = ENOENT;
  return -1;
}

/* The command closes standard output at its end. */
WRAP(int, close, (int descriptor)) {
  return is_running && descriptor <= STDERR_FILENO ? 0
                                                   : __real_close(descriptor);
}

WRAP(int, isatty, (int descriptor)) {
  return is_running ? 0 : __real_isatty(descriptor);
}

WRAP(
    int, sigaction,
    (int number, const struct sigaction *action, struct sigaction *before)) {
  return is_running && action != NULL
             ? 0
             : __real_sigaction(number, action, before);
}

WRAP(int, nanosleep, (const struct timespec *time, struct timespec *left)) {
  return is_running ? 0 : __real_nanosleep(time, left);
}

WRAP(polyshm_status, polyshm_unlink, (const char *name)) {
  if (!is_running || may_unlink)
    return __real_polyshm_unlink(name);
  return is_owned(name) ? POLYSHM_OK : POLYSHM_E_NOT_FOUND;
}

WRAP(polyshm_status, polyshm_gc, (uint32_t flags, uint64_t *out_removed)) {
  return __real_polyshm_gc(flags | POLYSHM_GC_DRY_RUN, out_removed);
}

WRAP(
    polyshm_status, polyshm_list_open,
    (const char *name, uint32_t flags, polyshm_list **out_list)) {
  if (!(flags & POLYSHM_READ_ONLY) && !is_owned(name))
    return POLYSHM_E_NOT_FOUND;
  return __real_polyshm_list_open(name, flags, out_list);
}

WRAP(
    polyshm_status, polyshm_list_wait,
    (const polyshm_list *list, uint64_t seen, int64_t timeout,
     uint64_t *out_version)) {
  (void)timeout;
  return __real_polyshm_list_wait(list, seen, 0, out_version);
}

WRAP(
    polyshm_status, polyshm_server_open,
    (const char *address, const void *authkey, uint64_t nauthkey,
     const polyshm_server_options *options, polyshm_server **out_server)) {
  (void)address;
  (void)authkey;
  (void)nauthkey;
  (void)options;
  (void)out_server;
  return POLYSHM_E_UNSUPPORTED;
}

uint64_t __wrap_holders_identity(const char *name);
uint64_t __wrap_holders_identity(const char *name) {
  (void)name;
  return ++looks <= LOOKS;
}

/* A pass over all processes. */
void __wrap_holders_look(void *all);
void __wrap_holders_look(void *all) {
  (void)all;
}
