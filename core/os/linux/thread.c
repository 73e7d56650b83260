/* SPDX-License-Identifier: MIT */
#include "os/os.h"

#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's number, asked for once per thread: asking costs more than all
 * the rest of taking a lock. */
static _Thread_local uint32_t number;

uint32_t os_thread_id(void) {
  if (number == 0)
    number = (uint32_t)syscall(SYS_gettid);
  return number;
}

void os_thread_forget(void) {
  number = 0;
}
