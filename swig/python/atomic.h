/* SPDX-License-Identifier: MIT */
/* Lists: what is done in one step: counting, exchanging, snapshots. */
#ifndef POLYSHM_SWIG_PYTHON_ATOMIC_H
#define POLYSHM_SWIG_PYTHON_ATOMIC_H

#include "python/timeout.h"

PyDoc_STRVAR(
    pshm_python_add_doc,
    "add($self, /, index, delta=1)\n--\n\n"
    "Add to an int item in one step and return the sum.\n\n"
    "No addition is lost, whoever else adds at the same time. TypeError if "
    "the\n"
    "item is no int, OverflowError if the sum does not fit into 64 bits; the\n"
    "item keeps its value then.");

static PyObject *pshm_python_add(
    PyObject *self, PyObject *const *arguments, Py_ssize_t narguments,
    PyObject *names) {
  static const pshm_python_signature signature = {
      "add", {"index", "delta"}, 2, 2, 1};
  PyObject *given[2] = {NULL, NULL};
  polyshm_list *list = pshm_python_list(self);
  if (list == NULL)
    return pshm_python_no_list();
  if (pshm_python_take(&signature, arguments, narguments, names, given) != 0)
    return NULL;
  Py_ssize_t index = pshm_python_position(self, given[0]);
  int64_t delta = 1;
  if (index == -1 ||
      (given[1] != NULL && pshm_python_to_int64("delta", given[1], &delta)))
    return NULL;

  int64_t sum;
  polyshm_status status;
  PSHM_PYTHON_PERSIST(
      self, status, polyshm_list_add(list, (uint64_t)index, delta, &sum));
  if (status == POLYSHM_OK)
    return PyLong_FromLongLong(sum);
  if (status != POLYSHM_E_SPACE)
    return pshm_python_raise_item(status);
  PyErr_SetString(PyExc_OverflowError, polyshm_error_message());
  return NULL;
}

PyDoc_STRVAR(
    pshm_python_swap_doc,
    "swap($self, /, index, expected, desired)\n--\n\n"
    "Replace an int item in one step, if it still is `expected`.\n\n"
    "True if it was and is now `desired`; False if it is something else, "
    "which\n"
    "it keeps. TypeError if the item is no int.");

static PyObject *pshm_python_swap(
    PyObject *self, PyObject *const *arguments, Py_ssize_t narguments,
    PyObject *names) {
  static const pshm_python_signature signature = {
      "swap", {"index", "expected", "desired"}, 3, 3, 3};
  PyObject *given[3] = {NULL, NULL, NULL};
  polyshm_list *list = pshm_python_list(self);
  if (list == NULL)
    return pshm_python_no_list();
  if (pshm_python_take(&signature, arguments, narguments, names, given) != 0)
    return NULL;
  Py_ssize_t index = pshm_python_position(self, given[0]);
  int64_t expected, desired, before;
  if (index == -1 ||
      pshm_python_to_int64("expected", given[1], &expected) != 0 ||
      pshm_python_to_int64("desired", given[2], &desired) != 0)
    return NULL;

  polyshm_status status;
  PSHM_PYTHON_PERSIST(
      self, status,
      polyshm_list_swap(list, (uint64_t)index, expected, desired, &before));
  if (status != POLYSHM_OK)
    return pshm_python_raise_item(status);
  return PyBool_FromLong(before == expected);
}

/* -------------------------------------------------------------- snapshots */

PyDoc_STRVAR(
    pshm_python_snapshot_doc,
    "snapshot($self, /, start=0, stop=None)\n--\n\n"
    "The items from start to stop, as a tuple, as they all were at one "
    "moment.\n"
    "\n"
    "The numbers are those of a slice. It is exact: each change by a polyshm\n"
    "process is before it or after it, and what was changed under the lock is\n"
    "seen as a whole or not at all. TimeoutError if there was no such moment "
    "in\n"
    "the list's `timeout`, say because somebody held the lock all the time.");

/* What a slice of these bounds means here. */
static int pshm_python_bounds(
    PyObject *self, PyObject *const *given, uint64_t *out_first,
    uint64_t *out_count) {
  PyObject *slice = PySlice_New(given[0], given[1], NULL);
  if (slice == NULL)
    return -1;
  pshm_python_span span;
  int failed = pshm_python_to_span(self, slice, &span);
  Py_DECREF(slice);
  if (failed)
    return -1;
  *out_first = (uint64_t)span.start;
  *out_count = (uint64_t)span.count;
  return 0;
}

static polyshm_status pshm_python_room(
    polyshm_list *list, uint64_t first, uint64_t count, uint64_t *out_room) {
  uint64_t room = 0;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t capacity;
    polyshm_status status = polyshm_list_capacity(list, first + i, &capacity);
    if (status != POLYSHM_OK)
      return status;
    room += capacity;
  }
  *out_room = room;
  return POLYSHM_OK;
}

static PyObject *pshm_python_to_tuple(
    const polyshm_value *values, uint64_t count) {
  PyObject *tuple = PyTuple_New((Py_ssize_t)count);
  for (uint64_t i = 0; tuple != NULL && i < count; i++) {
    PyObject *item = pshm_python_from_value(values + i);
    if (item == NULL)
      Py_CLEAR(tuple);
    else
      PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, item);
  }
  return tuple;
}

static PyObject *pshm_python_snapshot(
    PyObject *self, PyObject *const *arguments, Py_ssize_t narguments,
    PyObject *names) {
  static const pshm_python_signature signature = {
      "snapshot", {"start", "stop"}, 2, 2, 0};
  PyObject *given[2] = {NULL, NULL};
  polyshm_list *list = pshm_python_list(self);
  uint64_t first, count, room;
  if (list == NULL)
    return pshm_python_no_list();
  if (pshm_python_take(&signature, arguments, narguments, names, given) != 0 ||
      pshm_python_bounds(self, given, &first, &count) != 0)
    return NULL;
  polyshm_status status = pshm_python_room(list, first, count, &room);
  if (status != POLYSHM_OK)
    return pshm_python_raise(status);

  PyObject *tuple = NULL;
  polyshm_value *values = PyMem_New(polyshm_value, count ? count : 1);
  void *buffer = PyMem_Malloc(room ? room : 1);
  if (values == NULL || buffer == NULL) {
    PyErr_NoMemory();
  } else {
    PSHM_PYTHON_PERSIST(
        self, status,
        polyshm_list_snapshot(list, first, count, buffer, room, values));
    tuple = status == POLYSHM_OK ? pshm_python_to_tuple(values, count)
                                 : pshm_python_raise(status);
  }
  PyMem_Free(buffer);
  PyMem_Free(values);
  return tuple;
}

#endif
