/* SPDX-License-Identifier: MIT */
/*
 * The parts of a process tree that are the system's: tokens, and the helper's
 * address, start and service.
 *
 * The helper listens on an abstract socket that is named after the token. It
 * has the tree's folder descriptors, and hands out the first to processes of
 * the tree that did not inherit it. A connection says that its process lives.
 */
#include "os/os.h"

#include "os/linux/socket.h"

#include "base/error.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define VARIABLE "POLYSHM_TREE"
#define HELPER "polyshm-helper"

enum {
  ANSWER_TIME = 2, /* seconds */
  BACKLOG = 4096,
  STACK = 64 << 10
};

/* ----------------------------------------------------------------- tokens */

/* When a process started, in the kernel's ticks: with its number, it means one
 * process. 0 if /proc is not there; `out_is_dead` for a zombie. */
static uint64_t start_of(long pid, bool *out_is_dead) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  *out_is_dead = false;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return 0;
  ssize_t size = read(file, text, sizeof text - 1);
  close(file);
  if (size <= 0)
    return 0;
  text[size] = 0;
  /* The name, in brackets, may hold anything. State is the third field, the
   * start the 22nd. */
  char *field = strrchr(text, ')');
  if (field == NULL || strlen(field) < 3)
    return 0;
  *out_is_dead = field[2] == 'Z' || field[2] == 'X';
  for (int i = 2; i < 22 && field != NULL; i++)
    field = strchr(field + 1, ' ');
  return field == NULL ? 0 : strtoull(field, NULL, 10);
}

static bool parse(const char *token, long *out_pid, uint64_t *out_start) {
  char rest[OS_TREE_TOKEN_SIZE];
  return token != NULL && strlen(token) < OS_TREE_TOKEN_SIZE &&
         sscanf(
             token, "%ld:%" SCNu64 ":%16[0-9a-f]", out_pid, out_start, rest) ==
             3 &&
         *out_pid > 0 && strlen(rest) == 16;
}

polyshm_status os_tree_make_token(char token[OS_TREE_TOKEN_SIZE]) {
  uint64_t random;
  polyshm_status status = os_random_fill(&random, sizeof random);
  bool is_dead;
  if (status == POLYSHM_OK)
    snprintf(
        token, OS_TREE_TOKEN_SIZE, "%ld:%" PRIu64 ":%016" PRIx64,
        (long)getpid(), start_of(getpid(), &is_dead), random);
  return status;
}

bool os_tree_is_token(const char *token) {
  long pid;
  uint64_t start;
  return parse(token, &pid, &start);
}

bool os_tree_is_alive(const char *token) {
  long pid;
  uint64_t start;
  if (!parse(token, &pid, &start))
    return false;
  bool is_dead;
  uint64_t now = start_of(pid, &is_dead);
  if (now == 0 || start == 0) /* /proc was not there, or is not, or nobody is */
    return access("/proc/self", F_OK) != 0 && kill((pid_t)pid, 0) == 0;
  return now == start && !is_dead;
}

const char *os_tree_get_token(void) {
  return secure_getenv(VARIABLE);
}

void os_tree_set_token(const char *token) {
  setenv(VARIABLE, token, 1);
}

/* ---------------------------------------------------------------- sockets */

typedef struct address {
  struct sockaddr_un un;
  socklen_t size;
} address;

/* Abstract: no file is left behind, and a network namespace of one's own keeps
 * strangers out. */
static address address_of(const char *token) {
  address made = {.un.sun_family = AF_UNIX};
  int length = snprintf(
      made.un.sun_path + 1, sizeof made.un.sun_path - 1, "polyshm/%s", token);
  made.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) +
              (socklen_t)length;
  return made;
}

static int open_socket(void) {
  return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* ----------------------------------------------------------------- client */

int os_tree_connect(const char *token) {
  address to = address_of(token);
  int connection = open_socket();
  if (connection < 0)
    return -1;
  if (connect(connection, (struct sockaddr *)&to.un, to.size) != 0) {
    close(connection);
    return -1;
  }
  if (!os_socket_is_trusted(connection)) {
    close(connection);
    return -2;
  }
  struct timeval time = {.tv_sec = ANSWER_TIME};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  return connection;
}

uint64_t os_tree_identify(int connection) {
  struct stat found;
  return fstat(connection, &found) == 0 && S_ISSOCK(found.st_mode)
             ? found.st_ino
             : 0;
}

bool os_tree_is_connected(int connection, uint64_t identity) {
  if (connection < 0 || os_tree_identify(connection) != identity)
    return false;
  char byte;
  return recv(connection, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK);
}

int os_tree_fetch(int connection) {
  char answer;
  int folder;
  if (!os_socket_send(connection, OS_SOCKET_JOIN, -1) ||
      os_socket_receive(connection, 0, &answer, &folder) != 1)
    return -1;
  if (os_folder_is(folder))
    return folder;
  if (folder >= 0)
    close(folder);
  return -1;
}

bool os_tree_share(int connection, int folder) {
  char answer;
  int descriptor;
  if (!os_socket_send(connection, OS_SOCKET_HOLD, folder) ||
      os_socket_receive(connection, 0, &answer, &descriptor) != 1)
    return false;
  if (descriptor >= 0)
    close(descriptor);
  return true;
}

int os_tree_listen(const char *token) {
  address at = address_of(token);
  int listener = open_socket();
  if (listener < 0)
    return -1;
  if (bind(listener, (struct sockaddr *)&at.un, at.size) == 0 &&
      listen(listener, BACKLOG) == 0)
    return listener;
  close(listener);
  return -1;
}

void os_tree_close(int descriptor) {
  if (descriptor >= 0)
    close(descriptor);
}

/* ------------------------------------------------------------------ start */

static bool is_program(const char *path) {
  struct stat found;
  return stat(path, &found) == 0 && S_ISREG(found.st_mode) &&
         access(path, X_OK) == 0;
}

/* The helper starts in the root folder, so its path must lead there from
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

polyshm_status os_tree_find_helper(char *buffer, size_t capacity) {
  const char *wish = secure_getenv("POLYSHM_HELPER");
  if (wish != NULL) {
    if (strlen(wish) < capacity && is_program(strcpy(buffer, wish)) &&
        make_absolute(buffer, capacity))
      return POLYSHM_OK;
    return pshm_error_set(
        POLYSHM_E_NOT_FOUND, "POLYSHM_HELPER is no program: '%s'", wish);
  }
  Dl_info library;
  if (dladdr((void *)(uintptr_t)os_tree_find_helper, &library) == 0 ||
      library.dli_fname == NULL)
    return pshm_error_set(
        POLYSHM_E_NOT_FOUND, "cannot find out where the library is");
  const char *slash = strrchr(library.dli_fname, '/');
  int length = slash == NULL ? 0 : (int)(slash - library.dli_fname);
  static const char *const places[] = {"polyshm/", "", "../libexec/polyshm/"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    int size = snprintf(
        buffer, capacity, "%.*s/%s" HELPER, length == 0 ? 1 : length,
        length == 0 ? "." : library.dli_fname, places[i]);
    if (size > 0 && (size_t)size < capacity && is_program(buffer) &&
        make_absolute(buffer, capacity))
      return POLYSHM_OK;
  }
  return pshm_error_set(
      POLYSHM_E_NOT_FOUND, "there is no " HELPER " beside '%s'",
      library.dli_fname);
}

typedef struct start {
  const char *helper;
  char *arguments[3];
  int listener, folder;
  char *stack; /* of the second step */
  int code;
} start;

/* In a process that shares our memory: only system calls, and no return. */
PSHM_NO_SANITIZE static int become_helper(void *argument) {
  start *with = argument;
  int null = open("/dev/null", O_RDWR);
  int listener = fcntl(with->listener, F_DUPFD, 10);
  int folder = fcntl(with->folder, F_DUPFD, 10);
  if (null >= 0)
    for (int i = 0; i <= 2; i++)
      dup2(null, i);
  dup2(listener, 3);
  dup2(folder, 4);
#ifdef SYS_close_range
  if (syscall(SYS_close_range, 5U, ~0U, 0U) != 0)
#endif
    for (int i = 5; i < 1024; i++)
      close(i);
  struct sigaction standard = {.sa_handler = SIG_DFL};
  struct sigaction ignored = {.sa_handler = SIG_IGN};
  for (int i = 1; i < NSIG; i++)
    sigaction(i, &standard, NULL);
  /* What ends a group of processes must not end who tidies up after them. */
  static const int ignore[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  for (size_t i = 0; i < sizeof ignore / sizeof *ignore; i++)
    sigaction(ignore[i], &ignored, NULL);
  setsid();
  if (chdir("/") != 0)
    with->code = errno;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  char *environment[] = {NULL};
  execve(with->helper, with->arguments, environment);
  with->code = errno;
  _exit(127);
}

PSHM_NO_SANITIZE static int step_aside(void *argument) {
  start *with = argument;
  int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
  if (clone(become_helper, with->stack + STACK, flags, with) < 0)
    with->code = errno;
  _exit(0);
}

/* Two steps, so that the helper is nobody's child; without an exit signal, so
 * that the program's own wait() and SIGCHLD never hear of it; in this memory,
 * so that it takes as long in a large program as in a small one. */
polyshm_status os_tree_start(
    const char *helper, const char *token, int listener, int folder) {
  size_t size = 2 * STACK;
  char *stacks = mmap(
      NULL, size, PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stacks == MAP_FAILED)
    return pshm_error_set_os(
        POLYSHM_E_MEMORY, errno, "cannot start the helper: %s",
        strerror(errno));
  start with = {
      .helper = helper,
      .arguments = {(char *)(uintptr_t)HELPER, (char *)(uintptr_t)token, NULL},
      .listener = listener,
      .folder = folder,
      .stack = stacks + STACK,
  };
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
      POLYSHM_E_OS, code, "cannot start the helper '%s': %s", helper,
      strerror(code));
}
