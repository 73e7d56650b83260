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
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void (*function)(void);
static int failure; /* of the registration */

static void begin(void) {
  pthread_mutex_lock(&mutex);
}

static void begin_child(void);

static void begin_watch(void) {
  failure = pthread_atfork(begin, os_fork_release, begin_child);
}

void os_fork_hold(void) {
  pthread_once(&once, begin_watch);
  begin();
}

void os_fork_release(void) {
  pthread_mutex_unlock(&mutex);
}

static void begin_child(void) {
  if (function != NULL)
    function();
  os_fork_release();
}

polyshm_status os_fork_watch(void (*in_child)(void)) {
  if (function == NULL)
    function = in_child;
  if (failure == 0)
    return POLYSHM_OK;
  return pshm_error_set_os(
      POLYSHM_E_MEMORY, failure, "cannot watch for forks: %s",
      strerror(failure));
}
