/* SPDX-License-Identifier: MIT */
/* Lists: versions, and sleeping until they change. */
#ifndef POLYSHM_SWIG_PYTHON_WAIT_H
#define POLYSHM_SWIG_PYTHON_WAIT_H

#include "python/timeout.h"

/* What is looked at: an item, or all of them. */
typedef struct pshm_python_scope {
  uint64_t index;
  int all;
} pshm_python_scope;

static int pshm_python_to_scope(
    PyObject *self, PyObject *index, pshm_python_scope *out_scope) {
  *out_scope = (pshm_python_scope){.all = index == NULL || index == Py_None};
  if (out_scope->all)
    return 0;
  Py_ssize_t position = pshm_python_position(self, index);
  out_scope->index = (uint64_t)position;
  return position == -1 ? -1 : 0;
}

static polyshm_status pshm_python_get_version(
    polyshm_list *list, const pshm_python_scope *scope, uint64_t *out_version) {
  return scope->all
             ? polyshm_list_version(list, out_version)
             : polyshm_list_slot_version(list, scope->index, out_version);
}

static polyshm_status pshm_python_sleep_once(
    polyshm_list *list, const pshm_python_scope *scope, uint64_t seen,
    int64_t timeout) {
  uint64_t version;
  polyshm_status status;
  Py_BEGIN_ALLOW_THREADS status =
      scope->all
          ? polyshm_list_wait(list, seen, timeout, &version)
          : polyshm_list_slot_wait(list, scope->index, seen, timeout, &version);
  Py_END_ALLOW_THREADS return status;
}

static polyshm_status pshm_python_sleep(
    polyshm_list *list, const pshm_python_scope *scope, uint64_t seen,
    int64_t timeout) {
  int64_t deadline = pshm_python_deadline(timeout);
  polyshm_status status = pshm_python_hold(list);
  if (status != POLYSHM_OK)
    return status;
  do
    status = pshm_python_sleep_once(
        list, scope, seen, pshm_python_left(deadline, PSHM_PYTHON_SLICE));
  while (pshm_python_sleep_on(&status, deadline));
  pshm_python_let_go(list);
  return status;
}

PyDoc_STRVAR(
    pshm_python_version_doc,
    "version($self, /, index=None)\n--\n\n"
    "A number that changes whenever a polyshm process changes the item, or\n"
    "without an index any item. That of the whole list takes the longer, the\n"
    "longer the list is. It is made for wait(seen=...).");

static PyObject *pshm_python_version(
    PyObject *self, PyObject *const *arguments, Py_ssize_t narguments,
    PyObject *names) {
  static const pshm_python_signature signature = {
      "version", {"index"}, 1, 1, 0};
  PyObject *given[1] = {NULL};
  pshm_python_scope scope;
  polyshm_list *list = pshm_python_list(self);
  if (list == NULL)
    return pshm_python_no_list();
  if (pshm_python_take(&signature, arguments, narguments, names, given) != 0 ||
      pshm_python_to_scope(self, given[0], &scope) != 0)
    return NULL;
  uint64_t version;
  polyshm_status status = pshm_python_get_version(list, &scope, &version);
  return status == POLYSHM_OK ? PyLong_FromUnsignedLongLong(version)
                              : pshm_python_raise_item(status);
}

PyDoc_STRVAR(
    pshm_python_wait_doc,
    "wait($self, /, index=None, timeout=None, *, seen=None)\n--\n\n"
    "Sleep until the item, or without an index any item, is changed by a\n"
    "polyshm process. True if it was, False if the timeout, in seconds, is\n"
    "over; None waits for ever. Ctrl-C interrupts it, and other threads "
    "run.\n\n"
    "What counts is a change since version() answered `seen`, or without one\n"
    "since the call. No change is lost in a loop that takes the version "
    "first,\n"
    "then looks at the value, then waits with that version:\n\n"
    "    while True:\n"
    "        seen = sl.version(0)\n"
    "        if sl[0] == \"ready\":\n"
    "            break\n"
    "        sl.wait(0, seen=seen)\n\n"
    "Stock Python's changes wake nobody. A list attached with read_only=True\n"
    "looks every 10 ms.");

static PyObject *pshm_python_wait(
    PyObject *self, PyObject *const *arguments, Py_ssize_t narguments,
    PyObject *names) {
  static const pshm_python_signature signature = {
      "wait", {"index", "timeout", "seen"}, 3, 2, 0};
  PyObject *given[3] = {NULL, NULL, NULL};
  pshm_python_scope scope;
  int64_t timeout;
  polyshm_list *list = pshm_python_list(self);
  if (list == NULL)
    return pshm_python_no_list();
  if (pshm_python_take(&signature, arguments, narguments, names, given) != 0 ||
      pshm_python_to_scope(self, given[0], &scope) != 0 ||
      pshm_python_to_timeout(given[1], &timeout) != 0)
    return NULL;

  uint64_t version = 0;
  polyshm_status status = pshm_python_get_version(list, &scope, &version);
  uint64_t seen = version;
  if (given[2] != NULL && given[2] != Py_None) {
    seen = PyLong_AsUnsignedLongLong(given[2]);
    if (seen == UINT64_MAX && PyErr_Occurred())
      return NULL;
  }
  if (status == POLYSHM_OK && seen == version)
    status = timeout == 0 ? POLYSHM_E_TIMEOUT
                          : pshm_python_sleep(list, &scope, seen, timeout);
  if (status == POLYSHM_OK)
    Py_RETURN_TRUE;
  if (status == POLYSHM_E_TIMEOUT)
    Py_RETURN_FALSE;
  return pshm_python_raise_item(status);
}

#endif
