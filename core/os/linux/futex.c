/* SPDX-License-Identifier: MIT */
#include "os/os.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's own idea of a time, whatever the C library's timespec is. Newer
 * 32-bit systems have only the call with the longer one. */
#ifdef SYS_futex
#define CALL SYS_futex
typedef long part;
#else
#define CALL SYS_futex_time64
typedef long long part;
#endif

os_wake os_futex_wait(const void *word, uint32_t content, int64_t timeout) {
  if (timeout <= 0)
    return OS_WAKE_TIMEOUT;
  struct {
    part seconds, nanoseconds;
  } time = {(part)(timeout / 1000000000), (part)(timeout % 1000000000)};
  if (syscall(CALL, word, FUTEX_WAIT, content, &time, NULL, 0) == 0)
    return OS_WAKE_MAYBE;
  if (errno == EINTR)
    return OS_WAKE_INTERRUPTED;
  return errno == ETIMEDOUT ? OS_WAKE_TIMEOUT : OS_WAKE_MAYBE;
}

int os_futex_wake(const void *word, int count) {
  return (int)syscall(CALL, word, FUTEX_WAKE, count, NULL, NULL, 0);
}
