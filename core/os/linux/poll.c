/* SPDX-License-Identifier: MIT */
#include "os/os.h"

#include "os/net.h"

#include "base/error.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { AT_ONCE = 64, MILLISECOND = 1000000 /* nanoseconds */ };

/* ------------------------------------------------------------------- poll */

int os_poll_open(void) {
  int poll = epoll_create1(EPOLL_CLOEXEC);
  if (poll < 0)
    pshm_error_set_os(
        POLYSHM_E_OS, errno, "cannot wait for connections: %s",
        strerror(errno));
  return poll;
}

bool os_poll_add(int poll, int descriptor, void *tag) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};
  return epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void os_poll_change(
    int poll, int descriptor, void *tag, bool to_read, bool to_write) {
  struct epoll_event event = {
      .events = (to_read ? EPOLLIN : 0U) | (to_write ? EPOLLOUT : 0U),
      .data.ptr = tag};
  epoll_ctl(poll, EPOLL_CTL_MOD, descriptor, &event);
}

int os_poll_wait(
    int poll, os_poll_event *events, int capacity, int64_t timeout) {
  struct epoll_event found[AT_ONCE];
  int64_t milliseconds = timeout / MILLISECOND + (timeout % MILLISECOND != 0);
  if (milliseconds > INT32_MAX)
    milliseconds = INT32_MAX;
  int count = epoll_wait(
      poll, found, capacity < AT_ONCE ? capacity : AT_ONCE, (int)milliseconds);
  for (int i = 0; i < count; i++) {
    bool is_over = found[i].events & (EPOLLERR | EPOLLHUP);
    events[i] = (os_poll_event){
        .tag = found[i].data.ptr,
        .can_read = is_over || (found[i].events & EPOLLIN),
        .can_write = is_over || (found[i].events & EPOLLOUT)};
  }
  return count;
}

/* ------------------------------------------------------------------- bell */

int os_bell_open(void) {
  int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (bell < 0)
    pshm_error_set_os(
        POLYSHM_E_OS, errno, "cannot make an event descriptor: %s",
        strerror(errno));
  return bell;
}

void os_bell_ring(int bell) {
  uint64_t once = 1;
  int code = errno; /* of what a signal handler interrupted */
  ssize_t size = write(bell, &once, sizeof once);
  (void)size; /* full means that it rings already */
  errno = code;
}

void os_bell_clear(int bell) {
  uint64_t times;
  ssize_t size = read(bell, &times, sizeof times);
  (void)size;
}

/* ---------------------------------------------------------------- process */

int os_process_watch(uint64_t pid) {
#ifdef SYS_pidfd_open
  return (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
#else
  (void)pid;
  return -1;
#endif
}

bool os_process_is_alive(uint64_t pid) {
  return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

uint64_t os_process_id(void) {
  return (uint64_t)getpid();
}

/* ---------------------------------------------------------------- signals */

static _Atomic int bell_of_signals = -1;
static struct sigaction before_term, before_int;

static void ring(int signal) {
  (void)signal;
  int bell = atomic_load(&bell_of_signals);
  if (bell >= 0)
    os_bell_ring(bell);
}

bool os_signals_take(int bell) {
  int none = -1;
  if (!atomic_compare_exchange_strong(&bell_of_signals, &none, bell))
    return false;
  struct sigaction ours = {.sa_handler = ring, .sa_flags = SA_RESTART};
  sigemptyset(&ours.sa_mask);
  sigaction(SIGTERM, &ours, &before_term);
  sigaction(SIGINT, NULL, &before_int);
  if (before_int.sa_handler != SIG_IGN)
    sigaction(SIGINT, &ours, NULL);
  return true;
}

void os_signals_release(void) {
  sigaction(SIGTERM, &before_term, NULL);
  if (before_int.sa_handler != SIG_IGN)
    sigaction(SIGINT, &before_int, NULL);
  atomic_store(&bell_of_signals, -1);
}
