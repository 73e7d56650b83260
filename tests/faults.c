/* SPDX-License-Identifier: MIT */
#include "faults.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NAMES = 64, NAME_SIZE = 300 };

/* Shared with children, whose names must be found when they were killed. */
typedef struct names {
  atomic_uint count;
  char paths[NAMES][NAME_SIZE];
} names;

/* Rules may change while other threads make calls: without a count, a rule says
 * nothing, and without a run, the hook. */
static struct {
  atomic_uint first, count;
  atomic_int code;
} rules[FAULT_CALLS + 1];
static atomic_uint counts[FAULT_CALLS + 1];
static atomic_bool hits[FAULT_CALLS + 1];
static struct {
  _Atomic fault_call call;
  atomic_uint nth;
  void (*_Atomic run)(void *);
  void *_Atomic argument;
} hook;
static _Thread_local bool in_hook;
static const unsigned *_Atomic randoms;
static _Atomic size_t nrandoms;
static atomic_uint next_random;
static atomic_long heap;
static names *seen;

void faults_reset(void) {
  if (seen == NULL)
    seen = mmap(
        NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
        -1, 0);
  for (int i = 0; i <= FAULT_CALLS; i++) {
    atomic_store(&rules[i].count, 0);
    atomic_store(&counts[i], 0);
    atomic_store(&hits[i], false);
  }
  atomic_store(&hook.run, NULL);
  atomic_store(&randoms, NULL);
  atomic_store(&seen->count, 0);
}

void faults_fail(fault_call call, unsigned first, unsigned count, int code) {
  atomic_store(&rules[call].first, first);
  atomic_store(&rules[call].code, code);
  atomic_store(&rules[call].count, count);
}

void faults_before(
    fault_call call, unsigned nth, void (*run)(void *), void *argument) {
  atomic_store(&hook.call, call);
  atomic_store(&hook.nth, nth);
  atomic_store(&hook.argument, argument);
  atomic_store(&hook.run, run);
}

void faults_spare(bool this_thread) {
  in_hook = this_thread;
}

void faults_random(const unsigned *numbers, size_t nnumbers) {
  atomic_store(&nrandoms, nnumbers);
  atomic_store(&next_random, 0);
  atomic_store(&randoms, numbers);
}

unsigned faults_count(fault_call call) {
  return atomic_load(&counts[call]);
}

bool faults_hit(fault_call call) {
  return atomic_load(&hits[call]);
}

long faults_heap(void) {
  return atomic_load(&heap);
}

size_t faults_names(bool remove_them) {
  size_t there = 0;
  unsigned count = atomic_load(&seen->count);
  for (unsigned i = 0; i < count && i < NAMES; i++) {
    struct stat file;
    if (lstat(seen->paths[i], &file) != 0)
      continue;
    there++;
    if (remove_them)
      unlink(seen->paths[i]);
  }
  return there;
}

const char *faults_name(size_t number) {
  size_t count = atomic_load(&seen->count);
  count = count < NAMES ? count : NAMES;
  return number < count ? seen->paths[number] : NULL;
}

static void see(const char *path) {
  if (seen == NULL)
    return;
  unsigned i = atomic_fetch_add(&seen->count, 1);
  if (i < NAMES)
    strncpy(seen->paths[i], path, NAME_SIZE - 1);
}

/* -------------------------------------------------------------- deciding */

static unsigned count_one(fault_call call) {
  unsigned nth = atomic_fetch_add(&counts[call], 1) + 1;
  void (*run)(void *) = atomic_load(&hook.run);
  if (run != NULL && hook.call == call && (hook.nth == nth || hook.nth == 0)) {
    in_hook = true;
    run(hook.argument);
    in_hook = false;
  }
  return nth;
}

static int decide(fault_call call, unsigned nth) {
  unsigned count = atomic_load(&rules[call].count);
  unsigned first = atomic_load(&rules[call].first);
  if (nth < first || nth - first >= count)
    return 0;
  atomic_store(&hits[call], true);
  return atomic_load(&rules[call].code);
}

/* The errno with which this call has to fail, or 0. */
static int fault(fault_call call) {
  if (in_hook)
    return 0;
  int code = decide(call, count_one(call));
  if (call < FAULT_LAST_ONE) {
    int other = decide(FAULT_ANY, count_one(FAULT_ANY));
    if (code == 0)
      code = other;
  }
  return code;
}

static bool fails(fault_call call) {
  int code = fault(call);
  if (code != 0)
    errno = code;
  return code != 0;
}

/* ----------------------------------------------------------- the wrappers */

/* The linker's names for a function and its stand-in. */
#define WRAPPED(result, name, ...)                                             \
  result __real_##name(__VA_ARGS__);                                           \
  result __wrap_##name(__VA_ARGS__);                                           \
  result __wrap_##name(__VA_ARGS__)

WRAPPED(void *, malloc, size_t size) {
  void *memory = fails(FAULT_MALLOC) ? NULL : __real_malloc(size);
  heap += memory != NULL;
  return memory;
}

WRAPPED(void *, calloc, size_t count, size_t size) {
  void *memory = fails(FAULT_MALLOC) ? NULL : __real_calloc(count, size);
  heap += memory != NULL;
  return memory;
}

WRAPPED(void *, realloc, void *memory, size_t size) {
  void *larger = fails(FAULT_MALLOC) ? NULL : __real_realloc(memory, size);
  heap += memory == NULL && larger != NULL;
  return larger;
}

WRAPPED(void, free, void *memory) {
  heap -= memory != NULL;
  __real_free(memory);
}

WRAPPED(int, open64, const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  bool makes = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
  unsigned mode = makes ? va_arg(arguments, unsigned) : 0;
  va_end(arguments);
  if (fails(
          (flags & O_TMPFILE) == O_TMPFILE ? FAULT_OPEN_NAMELESS : FAULT_OPEN))
    return -1;
  int descriptor = __real_open64(path, flags, mode);
  if (descriptor >= 0 && (flags & O_CREAT) && !in_hook)
    see(path);
  return descriptor;
}

/* What open64 becomes where the compiler fortifies by default. */
int __wrap___open64_2(const char *path, int flags);
int __wrap___open64_2(const char *path, int flags) {
  return __wrap_open64(path, flags);
}

WRAPPED(int, fstat64, int descriptor, struct stat *file) {
  int result = __real_fstat64(descriptor, file);
  bool is_file = result == 0 && S_ISREG(file->st_mode);
  return is_file && fails(FAULT_FSTAT) ? -1 : result;
}

WRAPPED(int, fcntl64, int descriptor, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  bool failed = fails(FAULT_FCNTL);
  if (command == F_SETLEASE)
    failed |= fails(FAULT_LEASE);
  else if (command == F_OFD_GETLK)
    failed |= fails(FAULT_ASK);
  else if (
      command == F_OFD_SETLK &&
      ((const struct flock *)argument)->l_type == F_WRLCK)
    failed |= fails(FAULT_CLAIM);
  return failed ? -1 : __real_fcntl64(descriptor, command, argument);
}

WRAPPED(int, socket, int family, int type, int protocol) {
  return fails(FAULT_TALK) ? -1 : __real_socket(family, type, protocol);
}

WRAPPED(
    int, connect, int descriptor, const struct sockaddr *to, socklen_t size) {
  return fails(FAULT_TALK) ? -1 : __real_connect(descriptor, to, size);
}

WRAPPED(int, bind, int descriptor, const struct sockaddr *at, socklen_t size) {
  return fails(FAULT_TALK) ? -1 : __real_bind(descriptor, at, size);
}

WRAPPED(int, listen, int descriptor, int backlog) {
  return fails(FAULT_TALK) ? -1 : __real_listen(descriptor, backlog);
}

WRAPPED(ssize_t, sendmsg, int descriptor, const struct msghdr *text, int how) {
  return fails(FAULT_TALK) ? -1 : __real_sendmsg(descriptor, text, how);
}

WRAPPED(ssize_t, recvmsg, int descriptor, struct msghdr *text, int how) {
  return fails(FAULT_TALK) ? -1 : __real_recvmsg(descriptor, text, how);
}

WRAPPED(ssize_t, recv, int descriptor, void *bytes, size_t nbytes, int how) {
  return fails(FAULT_TALK) ? -1 : __real_recv(descriptor, bytes, nbytes, how);
}

WRAPPED(ssize_t, send, int descriptor, const void *bytes, size_t n, int how) {
  return fails(FAULT_TALK) ? -1 : __real_send(descriptor, bytes, n, how);
}

WRAPPED(
    int, accept4, int descriptor, struct sockaddr *from, socklen_t *size,
    int how) {
  return fails(FAULT_TALK) ? -1 : __real_accept4(descriptor, from, size, how);
}

WRAPPED(int, socketpair, int family, int type, int protocol, int ends[2]) {
  return fails(FAULT_TALK) ? -1
                           : __real_socketpair(family, type, protocol, ends);
}

WRAPPED(int, epoll_create1, int flags) {
  return fails(FAULT_POLL) ? -1 : __real_epoll_create1(flags);
}

WRAPPED(
    int, epoll_ctl, int poll, int what, int descriptor,
    struct epoll_event *event) {
  return fails(FAULT_POLL) ? -1
                           : __real_epoll_ctl(poll, what, descriptor, event);
}

WRAPPED(int, eventfd, unsigned count, int flags) {
  return fails(FAULT_POLL) ? -1 : __real_eventfd(count, flags);
}

WRAPPED(
    int, epoll_wait, int poll, struct epoll_event *events, int capacity,
    int milliseconds) {
  return fails(FAULT_WAIT)
             ? -1
             : __real_epoll_wait(poll, events, capacity, milliseconds);
}

WRAPPED(
    int, ppoll, struct pollfd *polled, nfds_t count,
    const struct timespec *time, const sigset_t *mask) {
  return fails(FAULT_WAIT) ? -1 : __real_ppoll(polled, count, time, mask);
}

WRAPPED(int, openat64, int folder, const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  unsigned mode = flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
  va_end(arguments);
  return fails(FAULT_LOOK) ? -1 : __real_openat64(folder, path, flags, mode);
}

WRAPPED(int, stat64, const char *path, struct stat *file) {
  return fails(FAULT_LOOK) ? -1 : __real_stat64(path, file);
}

WRAPPED(int, lstat64, const char *path, struct stat *file) {
  return fails(FAULT_LOOK) ? -1 : __real_lstat64(path, file);
}

WRAPPED(
    int, fstatat64, int folder, const char *path, struct stat *file, int how) {
  return fails(FAULT_LOOK) ? -1 : __real_fstatat64(folder, path, file, how);
}

WRAPPED(DIR *, opendir, const char *path) {
  return fails(FAULT_LOOK) ? NULL : __real_opendir(path);
}

WRAPPED(char *, getcwd, char *buffer, size_t capacity) {
  return fails(FAULT_LOOK) ? NULL : __real_getcwd(buffer, capacity);
}

WRAPPED(int, unlinkat, int folder, const char *path, int how) {
  return fails(FAULT_REMOVE) ? -1 : __real_unlinkat(folder, path, how);
}

WRAPPED(int, flock, int descriptor, int how) {
  return fails(FAULT_FLOCK) ? -1 : __real_flock(descriptor, how);
}

WRAPPED(int, dladdr, const void *address, Dl_info *library) {
  return fault(FAULT_DLADDR) != 0 ? 0 : __real_dladdr(address, library);
}

WRAPPED(void *, dlopen, const char *path, int flags) {
  return fault(FAULT_DLOPEN) != 0 ? NULL : __real_dlopen(path, flags);
}

WRAPPED(void *, dlsym, void *library, const char *name) {
  return fault(FAULT_DLSYM) != 0 ? NULL : __real_dlsym(library, name);
}

WRAPPED(
    int, getaddrinfo, const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **found) {
  int code = fault(FAULT_LOOK_UP);
  return code != 0 ? code : __real_getaddrinfo(host, port, hints, found);
}

/* All of them have six words at most, and none minds more. */
WRAPPED(long, syscall, long number, ...) {
  long words[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; i++)
    words[i] = va_arg(arguments, long);
  va_end(arguments);
#ifdef SYS_pidfd_open
  if (number == SYS_pidfd_open && fails(FAULT_PIDFD))
    return -1;
#endif
  return __real_syscall(
      number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

WRAPPED(
    int, clone, int (*run)(void *), void *stack, int flags, void *argument,
    ...) {
  return fails(FAULT_CLONE) ? -1 : __real_clone(run, stack, flags, argument);
}

WRAPPED(int, ftruncate64, int descriptor, off_t size) {
  return fails(FAULT_FTRUNCATE) ? -1 : __real_ftruncate64(descriptor, size);
}

WRAPPED(int, posix_fallocate64, int descriptor, off_t offset, off_t size) {
  int code = fault(FAULT_FALLOCATE);
  return code != 0 ? code : __real_posix_fallocate64(descriptor, offset, size);
}

WRAPPED(
    void *, mmap64, void *address, size_t size, int protection, int flags,
    int descriptor, off_t offset) {
  return fails(FAULT_MMAP)
             ? MAP_FAILED
             : __real_mmap64(
                   address, size, protection, flags, descriptor, offset);
}

WRAPPED(ssize_t, pread64, int descriptor, void *bytes, size_t n, off_t offset) {
  return fails(FAULT_PREAD) ? -1 : __real_pread64(descriptor, bytes, n, offset);
}

WRAPPED(
    int, linkat, int from, const char *old, int to, const char *new, int how) {
  if (fails(how & AT_EMPTY_PATH ? FAULT_LINK_EMPTY : FAULT_LINK))
    return -1;
  int result = __real_linkat(from, old, to, new, how);
  if (result == 0 && !in_hook)
    see(new);
  return result;
}

WRAPPED(int, link, const char *old, const char *new) {
  if (fails(FAULT_LINK))
    return -1;
  int result = __real_link(old, new);
  if (result == 0 && !in_hook)
    see(new);
  return result;
}

WRAPPED(int, unlink, const char *path) {
  return fails(FAULT_UNLINK) ? -1 : __real_unlink(path);
}

WRAPPED(int, getentropy, void *bytes, size_t nbytes) {
  if (fails(FAULT_RANDOM))
    return -1;
  const unsigned *numbers = atomic_load(&randoms);
  if (numbers == NULL)
    return __real_getentropy(bytes, nbytes);
  size_t i = atomic_fetch_add(&next_random, 1);
  memcpy(bytes, &numbers[i < nrandoms ? i : nrandoms - 1], nbytes);
  return 0;
}

WRAPPED(int, statvfs64, const char *path, struct statvfs *volume) {
  return fails(FAULT_STATVFS) ? -1 : __real_statvfs64(path, volume);
}

WRAPPED(int, getrlimit64, int resource, struct rlimit *limit) {
  return fails(FAULT_LIMIT) ? -1 : __real_getrlimit64(resource, limit);
}

WRAPPED(
    int, nanosleep, const struct timespec *pause, struct timespec *remaining) {
  return fails(FAULT_SLEEP) ? -1 : __real_nanosleep(pause, remaining);
}

WRAPPED(int, dup3, int old, int new, int flags) {
  return fails(FAULT_DUP) ? -1 : __real_dup3(old, new, flags);
}

typedef void handler(void);

WRAPPED(
    int, pthread_atfork, handler *prepare, handler *parent, handler *child) {
  int code = fault(FAULT_ATFORK);
  return code != 0 ? code : __real_pthread_atfork(prepare, parent, child);
}
