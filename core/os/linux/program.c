/* SPDX-License-Identifier: MIT */
/*
 * Starting a program takes two steps, so that it is nobody's child; without an
 * exit signal, so that this program's own wait() and SIGCHLD never hear of it;
 * in this memory, so that it takes as long in a large program as in a small
 * one.
 */
#include "os/os.h"

#include "os/program.h"

#include "base/error.h"
#include "base/port.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  STACK = 64 << 10,
  FIRST = 3, /* what becomes of the first descriptor that is given */
  GIVEN = 2,
  APART = 10, /* above all of those */
  CLOSED = 1024
};

/* ------------------------------------------------------------------- find */

static bool is_program(const char *path) {
  struct stat found;
  return stat(path, &found) == 0 && S_ISREG(found.st_mode) &&
         access(path, X_OK) == 0;
}

/* Programs start in the root folder, so their paths must lead there from
 * anywhere. */
static bool make_absolute(char *path, size_t capacity) {
  if (*path == '/')
    return true;
  char here[PATH_MAX];
  if (getcwd(here, sizeof here) == NULL)
    return false;
  size_t length = here[1] == 0 ? 0 : strlen(here), size = strlen(path) + 1;
  if (length + 1 + size > capacity)
    return false;
  memmove(path + length + 1, path, size);
  memcpy(path, here, length);
  path[length] = '/';
  return true;
}

polyshm_status os_program_find(
    const char *name, const char *variable, char *buffer, size_t capacity) {
  const char *wish = secure_getenv(variable);
  if (wish != NULL) {
    if (strlen(wish) < capacity && is_program(strcpy(buffer, wish)) &&
        make_absolute(buffer, capacity))
      return POLYSHM_OK;
    return pshm_error_set(
        POLYSHM_E_NOT_FOUND, "%s is no program: '%s'", variable, wish);
  }
  Dl_info library;
  if (dladdr((void *)(uintptr_t)os_program_find, &library) == 0 ||
      library.dli_fname == NULL)
    return pshm_error_set(
        POLYSHM_E_NOT_FOUND, "cannot find out where the library is");
  const char *slash = strrchr(library.dli_fname, '/');
  int length = slash == NULL ? 0 : (int)(slash - library.dli_fname);
  /* The SONAME's number, so that libraries of two can lie side by side. */
  enum { MAJOR = POLYSHM_VERSION_MAJOR };
  char places[3][32] = {"", "", ""};
  snprintf(places[0], sizeof places[0], "polyshm-%d/", MAJOR);
  snprintf(places[2], sizeof places[2], "../libexec/polyshm-%d/", MAJOR);
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    int size = snprintf(
        buffer, capacity, "%.*s/%s%s", length == 0 ? 1 : length,
        length == 0 ? "." : library.dli_fname, places[i], name);
    if (size > 0 && (size_t)size < capacity && is_program(buffer) &&
        make_absolute(buffer, capacity))
      return POLYSHM_OK;
  }
  return pshm_error_set(
      POLYSHM_E_NOT_FOUND, "there is no %s beside '%s'", name,
      library.dli_fname);
}

/* ------------------------------------------------------------------ start */

char *const *os_program_environment(void) {
  return environ;
}

typedef struct start {
  const os_program *program;
  char *stack; /* of the second step */
  int code;
} start;

PSHM_NO_SANITIZE static void move_descriptors(const os_program *program) {
  int null = open("/dev/null", O_RDWR), copies[GIVEN], next = FIRST;
  for (int i = 0; i < GIVEN; i++)
    copies[i] = program->descriptors[i] < 0
                    ? -1
                    : fcntl(program->descriptors[i], F_DUPFD, APART);
  if (null >= 0)
    for (int i = 0; i < FIRST; i++)
      dup2(null, i);
  for (int i = 0; i < GIVEN; i++)
    if (copies[i] >= 0)
      dup2(copies[i], next++);
#ifdef SYS_close_range
  if (syscall(SYS_close_range, (unsigned)next, ~0U, 0U) == 0)
    return;
#endif
  for (int i = next; i < CLOSED; i++)
    close(i);
}

/* In a process that shares our memory: only system calls, and no return. */
PSHM_NO_SANITIZE static int become_program(void *argument) {
  start *with = argument;
  move_descriptors(with->program);
  struct sigaction standard = {.sa_handler = SIG_DFL};
  struct sigaction ignored = {.sa_handler = SIG_IGN};
  for (int i = 1; i < NSIG; i++)
    sigaction(i, &standard, NULL);
  for (const int *i = with->program->ignored; *i != 0; i++)
    sigaction(*i, &ignored, NULL);
  setsid();
  if (chdir("/") != 0)
    with->code = errno;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(
      with->program->path, with->program->arguments,
      with->program->environment);
  with->code = errno;
  _exit(127);
}

PSHM_NO_SANITIZE static int step_aside(void *argument) {
  start *with = argument;
  int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
  if (clone(become_program, with->stack + STACK, flags, with) < 0)
    with->code = errno;
  _exit(0);
}

polyshm_status os_program_start(const os_program *program) {
  size_t size = 2 * (size_t)STACK;
  char *stacks = mmap(
      NULL, size, PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stacks == MAP_FAILED)
    return pshm_error_set_os(
        POLYSHM_E_MEMORY, errno, "cannot start '%s': %s", program->path,
        strerror(errno));
  start with = {.program = program, .stack = stacks + STACK};
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = clone(step_aside, stacks + STACK, CLONE_VM | CLONE_VFORK, &with);
  int code = pid < 0 ? errno : 0, state;
  while (pid > 0 && waitpid(pid, &state, __WALL) < 0 && errno == EINTR)
    continue;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  munmap(stacks, size);
  code = code == 0 ? with.code : code;
  if (code == 0)
    return POLYSHM_OK;
  return pshm_error_set_os(
      POLYSHM_E_OS, code, "cannot start '%s': %s", program->path,
      strerror(code));
}
