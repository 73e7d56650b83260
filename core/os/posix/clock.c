/* SPDX-License-Identifier: MIT */
#include "os/os.h"

#include <time.h>

void os_clock_sleep(int64_t nanoseconds) {
  struct timespec time = {
      .tv_sec = (time_t)(nanoseconds / 1000000000),
      .tv_nsec = (long)(nanoseconds % 1000000000),
  };
  nanosleep(&time, NULL);
}

int64_t os_clock_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}
