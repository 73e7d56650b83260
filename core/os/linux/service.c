/* SPDX-License-Identifier: MIT */
/*
 * The helper's side of a process tree. It does nothing but keep the tree's
 * folder descriptors open, and with them the holds on its blocks, until the
 * root has ended and every connection has.
 */
#include "os/os.h"

#include "os/linux/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
  FOLDERS = 64, /* trees that were joined after their helpers were killed */
  EVENTS = 64,
  FIRST_CALL = 5000 /* milliseconds for the starter to connect */
};

typedef struct service {
  int poll;
  int listener;
  int root; /* the root process; -1 once it has ended, or is not known */
  int folders[FOLDERS];
  int nfolders;
  uint64_t nconnections;
} service;

static void watch(const service *at, int descriptor) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
  epoll_ctl(at->poll, EPOLL_CTL_ADD, descriptor, &event);
}

static void keep(service *at, int folder) {
  bool is_wanted = os_folder_is(folder) && at->nfolders < FOLDERS;
#ifdef SYS_kcmp
  for (int i = 0; i < at->nfolders && is_wanted; i++)
    is_wanted = syscall(
                    SYS_kcmp, getpid(), getpid(), 0 /* KCMP_FILE */,
                    at->folders[i], folder) != 0;
#endif
  if (is_wanted)
    at->folders[at->nfolders++] = folder;
  else
    close(folder);
}

static bool admit(service *at) {
  int connection =
      accept4(at->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection < 0)
    return false;
  if (os_socket_is_trusted(connection)) {
    watch(at, connection);
    at->nconnections++;
  } else
    close(connection);
  return true;
}

static void answer(service *at, int connection) {
  char wish;
  int folder;
  int size = os_socket_receive(connection, 0, &wish, &folder);
  if (size < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (size <= 0) {
    close(connection);
    at->nconnections--;
  } else if (wish == OS_SOCKET_JOIN)
    os_socket_send(connection, OS_SOCKET_FOLDER, at->folders[0]);
  else if (wish == OS_SOCKET_HOLD) {
    if (folder >= 0)
      keep(at, folder);
    os_socket_send(connection, OS_SOCKET_HELD, -1);
    folder = -1;
  }
  if (folder >= 0)
    close(folder);
}

/* Serve what is there, or comes within the time; false if nothing did. */
static bool serve_some(service *at, int milliseconds) {
  struct epoll_event events[EVENTS];
  int nevents = epoll_wait(at->poll, events, EVENTS, milliseconds);
  for (int i = 0; i < nevents; i++) {
    int descriptor = events[i].data.fd;
    if (descriptor == at->listener)
      admit(at);
    else if (descriptor == at->root) {
      close(at->root);
      at->root = -1;
    } else
      answer(at, descriptor);
  }
  return nevents != 0;
}

static int open_root(const char *token) {
  int root = -1;
#ifdef SYS_pidfd_open
  root = (int)syscall(SYS_pidfd_open, atol(token), 0);
  if (root >= 0 && !os_tree_is_alive(token)) {
    close(root);
    root = -1;
  }
#endif
  return root;
}

void os_tree_serve(const char *token, int listener, int folder) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  prctl(PR_SET_NAME, "polyshm-helper");
  fcntl(listener, F_SETFL, O_NONBLOCK);
  fcntl(listener, F_SETFD, FD_CLOEXEC);
  service at = {
      .poll = epoll_create1(EPOLL_CLOEXEC),
      .listener = listener,
      .root = open_root(token),
      .folders = {folder},
      .nfolders = 1,
  };
  watch(&at, listener);
  if (at.root >= 0)
    watch(&at, at.root);
  serve_some(&at, FIRST_CALL);
  while (at.root >= 0 || at.nconnections > 0 || admit(&at))
    serve_some(&at, -1);
  close(listener);
  for (int i = 0; i < at.nfolders; i++)
    close(at.folders[i]);
  close(at.poll);
}
