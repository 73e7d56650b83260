/* SPDX-License-Identifier: MIT */
/*
 * Where no system call sleeps on memory that processes share, sleepers look
 * again and again, the more seldom the longer nothing happens. Built in place
 * of os/linux/futex.c with -DPOLYSHM_FUTEX=OFF, which is how it is tested.
 */
#include "os/os.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

enum { FIRST_PAUSE = 20000, LONGEST_PAUSE = 1000000 /* nanoseconds */ };

os_wake os_futex_wait(const void *word, uint32_t content, int64_t timeout) {
  const _Atomic uint32_t *watched = word;
  int64_t deadline = os_clock_deadline(timeout), pause = FIRST_PAUSE;
  while (atomic_load(watched) == content) {
    int64_t left = os_clock_left(deadline, pause);
    if (left <= 0)
      return OS_WAKE_TIMEOUT;
    struct timespec time = {.tv_nsec = (long)left};
    if (nanosleep(&time, NULL) != 0 && errno == EINTR)
      return OS_WAKE_INTERRUPTED;
    pause = pause < LONGEST_PAUSE ? 2 * pause : pause;
  }
  return OS_WAKE_MAYBE;
}

int os_futex_wake(const void *word, int count) {
  (void)word;
  (void)count;
  return -1;
}
