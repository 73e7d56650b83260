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
static bool is_registered;
static int failure; /* of the last attempt */

static void begin(void) {
  pthread_mutex_lock(&mutex);
}

static void begin_child(void) {
  if (function != NULL)
    function();
  os_fork_release();
}

void os_fork_hold(void) {
  begin();
  if (is_registered)
    return;
  failure = pthread_atfork(begin, os_fork_release, begin_child);
  is_registered = failure == 0;
}

void os_fork_release(void) {
  pthread_mutex_unlock(&mutex);
}

polyshm_status os_fork_watch(void (*in_child)(void)) {
  if (!is_registered)
    return pshm_error_set_os(
        POLYSHM_E_MEMORY, failure, "cannot watch for forks: %s",
        strerror(failure));
  if (function == NULL)
    function = in_child;
  return POLYSHM_OK;
}
