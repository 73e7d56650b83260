/* SPDX-License-Identifier: MIT */
/*
 * The parts of a process tree that are the system's: tokens, and the helper's
 * address and service.
 *
 * The helper listens on an abstract socket that is named after the token. It
 * has the tree's folder descriptors, and hands out the first to processes of
 * the tree that did not inherit it. A connection says that its process lives.
 */
#include "os/os.h"

#include "os/program.h"
#include "os/linux/socket.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define VARIABLE "POLYSHM_TREE"
#define HELPER "polyshm-helper"

enum {
  ANSWER_TIME = 2, /* seconds */
  BACKLOG = 4096
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

polyshm_status os_tree_find_helper(char *buffer, size_t capacity) {
  return os_program_find(HELPER, "POLYSHM_HELPER", buffer, capacity);
}

polyshm_status os_tree_start(
    const char *helper, const char *token, int listener, int folder) {
  char *arguments[] = {
      (char *)(uintptr_t)HELPER, (char *)(uintptr_t)token, NULL};
  char *environment[] = {NULL};
  /* What ends a group of processes must not end who tidies up after them. */
  static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, 0};
  os_program program = {
      .path = helper,
      .arguments = arguments,
      .environment = environment,
      .descriptors = {listener, folder},
      .ignored = ignored,
  };
  return os_program_start(&program);
}
