/* SPDX-License-Identifier: MIT */
/*
 * What happens around fork. The mutex is held while a fork happens, so that the
 * child finds what it guards whole, and may change it: in the child there is
 * one thread, and the handler below gives the mutex back to it.
 */
#include "os/os.h"

#include "base/error.h"

#include <pthread.h>
#include <string.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void (*function)(void);

void os_fork_hold(void) {
  pthread_mutex_lock(&mutex);
}

void os_fork_release(void) {
  pthread_mutex_unlock(&mutex);
}

static void begin_child(void) {
  function();
  os_fork_release();
}

polyshm_status os_fork_watch(void (*in_child)(void)) {
  if (function != NULL)
    return POLYSHM_OK;
  function = in_child; /* first: a thread may fork as soon as it is known */
  int code = pthread_atfork(os_fork_hold, os_fork_release, begin_child);
  if (code == 0)
    return POLYSHM_OK;
  function = NULL;
  return pshm_error_set_os(
      POLYSHM_E_MEMORY, code, "cannot watch for forks: %s", strerror(code));
}
