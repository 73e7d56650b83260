/* SPDX-License-Identifier: MIT */
/* Timeouts, and how to let time pass without the GIL. */
#ifndef POLYSHM_SWIG_PYTHON_TIMEOUT_H
#define POLYSHM_SWIG_PYTHON_TIMEOUT_H

#include "python/object.h"

#include <math.h>
#include <time.h>

#define PSHM_PYTHON_SECOND INT64_C(1000000000)

/* Sleep so long before the next try: short at first, for a writer that is in
 * the middle, then longer, for one that was stopped. */
#define PSHM_PYTHON_NAP_LEAST INT64_C(50000)
#define PSHM_PYTHON_NAP_MOST INT64_C(1000000)

/* A signal that comes just before the core falls asleep does not wake it: look
 * for handlers at least so often. */
#define PSHM_PYTHON_SLICE PSHM_PYTHON_SECOND

/* Seconds, or None for no end, to nanoseconds. What is not nothing does not
 * become nothing. */
static int pshm_python_to_timeout(PyObject *object, int64_t *out_timeout) {
  *out_timeout = POLYSHM_FOREVER;
  if (object == NULL || object == Py_None)
    return 0;
  double seconds = PyFloat_AsDouble(object);
  if (seconds == -1 && PyErr_Occurred()) {
    /* An int that no float can hold. */
    if (!PyLong_Check(object) || !PyErr_ExceptionMatches(PyExc_OverflowError))
      return -1;
    PyErr_Clear();
    int overflow;
    PyLong_AsLongLongAndOverflow(object, &overflow);
    seconds = overflow * HUGE_VAL;
  }
  if (isnan(seconds)) {
    PyErr_SetString(PyExc_ValueError, "a timeout is no number (NaN)");
    return -1;
  }
  double nanoseconds = seconds * 1e9 + 0.5;
  if (seconds <= 0)
    *out_timeout = 0;
  else if (nanoseconds < (double)INT64_MAX)
    *out_timeout = nanoseconds < 1 ? 1 : (int64_t)nanoseconds;
  return 0;
}

static int64_t pshm_python_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * PSHM_PYTHON_SECOND + now.tv_nsec;
}

static int64_t pshm_python_deadline(int64_t timeout) {
  int64_t now = pshm_python_now();
  return timeout < 0 || timeout > INT64_MAX - now ? INT64_MAX : now + timeout;
}

/* What is left until then, but no more than `most`. */
static int64_t pshm_python_left(int64_t deadline, int64_t most) {
  if (deadline == INT64_MAX)
    return most;
  int64_t left = deadline - pshm_python_now();
  return left < 0 ? 0 : left < most ? left : most;
}

/* ----------------------------------------------------------------- asking */

/* `status` becomes what `call` answers, without the GIL; what a signal has
 * ended is called again, unless its handler raises. */
#define PSHM_PYTHON_ASK(status, call)                                          \
  do {                                                                         \
    Py_BEGIN_ALLOW_THREADS(status) = (call);                                   \
    Py_END_ALLOW_THREADS                                                       \
  } while ((status) == POLYSHM_E_INTERRUPTED && PyErr_CheckSignals() == 0)

/* ---------------------------------------------------------------- resting */

/* Hold the block in place while others have the GIL: who closes the list
 * meanwhile is told that it is in use. */
static polyshm_status pshm_python_hold(polyshm_list *list) {
  void *address;
  uint64_t size;
  return polyshm_block_pin(polyshm_list_block(list), &address, &size);
}

static void pshm_python_let_go(polyshm_list *list) {
  polyshm_block_unpin(polyshm_list_block(list));
}

/* How long a call has tried already; zeroed at first. */
typedef struct pshm_python_patience {
  int64_t nap;
  int64_t deadline;
} pshm_python_patience;

/* After a try that found its slot held by another process: 1 when it is time
 * for the next one. 0 if the object's timeout is over, or with
 * POLYSHM_E_INTERRUPTED and its exception if a signal handler raised one. */
static int pshm_python_rest(
    PyObject *self, pshm_python_patience *patience, polyshm_status *status) {
  if (patience->nap == 0) {
    patience->deadline =
        pshm_python_deadline(((pshm_python_list_object *)self)->timeout);
    patience->nap = PSHM_PYTHON_NAP_LEAST;
  } else if (patience->nap < PSHM_PYTHON_NAP_MOST) {
    patience->nap += patience->nap / 2;
  }
  int64_t left = pshm_python_left(patience->deadline, patience->nap);
  if (left == 0)
    return 0;
  polyshm_list *list = pshm_python_list(self);
  *status = pshm_python_hold(list);
  if (*status != POLYSHM_OK)
    return 0;
  struct timespec nap = {.tv_nsec = (long)left};
  Py_BEGIN_ALLOW_THREADS nanosleep(&nap, NULL);
  Py_END_ALLOW_THREADS pshm_python_let_go(list);
  if (PyErr_CheckSignals() != 0) {
    *status = POLYSHM_E_INTERRUPTED;
    return 0;
  }
  return 1;
}

/* `status` becomes what `attempt` answers as soon as that is not that its slot
 * is held. */
#define PSHM_PYTHON_PERSIST(self, status, attempt)                             \
  do {                                                                         \
    pshm_python_patience patience = {0, 0};                                    \
    do                                                                         \
      (status) = (attempt);                                                    \
    while ((status) == POLYSHM_E_TIMEOUT &&                                    \
           pshm_python_rest((self), &patience, &(status)));                    \
  } while (0)

/* After the core slept without the GIL: 1 if it shall go on. Handlers run as
 * their signals come in; with POLYSHM_E_INTERRUPTED one of them has raised. */
static int pshm_python_sleep_on(polyshm_status *status, int64_t deadline) {
  if (*status == POLYSHM_E_TIMEOUT && pshm_python_left(deadline, 1) == 0)
    return 0;
  if (*status != POLYSHM_E_TIMEOUT && *status != POLYSHM_E_INTERRUPTED)
    return 0;
  if (PyErr_CheckSignals() == 0)
    return 1;
  *status = POLYSHM_E_INTERRUPTED;
  return 0;
}

/* ------------------------------------------------------------ the property */

PyDoc_STRVAR(
    pshm_python_timeout_doc,
    "How many seconds a call other than lock() and wait() may sleep until it\n"
    "gets at an item that a live process holds, before it raises TimeoutError\n"
    "with nothing changed. None has no end.");

static PyObject *pshm_python_get_timeout(PyObject *self, void *closure) {
  (void)closure;
  int64_t timeout = ((pshm_python_list_object *)self)->timeout;
  if (timeout < 0)
    Py_RETURN_NONE;
  return PyFloat_FromDouble((double)timeout / 1e9);
}

static int pshm_python_set_timeout(
    PyObject *self, PyObject *object, void *closure) {
  (void)closure;
  if (object == NULL) {
    PyErr_SetString(PyExc_AttributeError, "timeout cannot be deleted");
    return -1;
  }
  return pshm_python_to_timeout(
      object, &((pshm_python_list_object *)self)->timeout);
}

#endif
