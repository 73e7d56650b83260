/* SPDX-License-Identifier: MIT */
/* Lists: what stands in brackets, an index or a slice. */
#ifndef POLYSHM_SWIG_PYTHON_SUBSCRIPT_H
#define POLYSHM_SWIG_PYTHON_SUBSCRIPT_H

#include "python/list.h"

static PyObject *pshm_python_get_slice(PyObject *self, PyObject *slice) {
  pshm_python_span span;
  if (pshm_python_to_span(self, slice, &span) != 0)
    return NULL;
  PyObject *items = PyList_New(span.count);
  for (Py_ssize_t i = 0; items != NULL && i < span.count; i++) {
    PyObject *item =
        pshm_python_get(self, (uint64_t)(span.start + i * span.step));
    if (item == NULL)
      Py_CLEAR(items);
    else
      PyList_SET_ITEM(items, i, item);
  }
  return items;
}

/* Whether all items of `tuple` can be stored; their values. What the values
 * point to belongs to the items. */
static int pshm_python_to_values(
    PyObject *self, PyObject *tuple, const pshm_python_span *span,
    polyshm_value *values) {
  polyshm_list *list = pshm_python_list(self);
  for (Py_ssize_t i = 0; i < span->count; i++) {
    PyObject *item = PyTuple_GET_ITEM(tuple, i);
    int known = pshm_python_to_value(item, 1, values + i);
    if (known == 0)
      return pshm_python_refuse(item);
    if (known != 1)
      return -1;
    uint64_t capacity;
    polyshm_status status = polyshm_list_capacity(
        list, (uint64_t)(span->start + i * span->step), &capacity);
    if (status == POLYSHM_OK && values[i].size > capacity)
      status = POLYSHM_E_SPACE;
    if (status != POLYSHM_OK)
      return pshm_python_refuse_set(status);
  }
  return 0;
}

static int pshm_python_set_values(
    PyObject *self, const polyshm_value *values, const pshm_python_span *span) {
  for (Py_ssize_t i = 0; i < span->count; i++) {
    polyshm_status status;
    uint64_t index = (uint64_t)(span->start + i * span->step);
    PSHM_PYTHON_PERSIST(
        self, status,
        polyshm_list_set(pshm_python_list(self), index, values + i));
    if (status != POLYSHM_OK)
      return pshm_python_refuse_set(status);
  }
  return 0;
}

/* The sequence's length cannot change the list's. No item is set unless all of
 * them can be. */
static int pshm_python_assign_slice(
    PyObject *self, PyObject *slice, PyObject *sequence) {
  PyObject *tuple = PySequence_Tuple(sequence);
  if (tuple == NULL)
    return -1;
  int failed = -1;
  polyshm_value *values = NULL;
  pshm_python_span span;
  if (pshm_python_to_span(self, slice, &span) != 0)
    goto done;
  if (PyTuple_GET_SIZE(tuple) != span.count) {
    PyErr_Format(
        PyExc_ValueError,
        "attempt to assign sequence of size %zd to slice of size %zd",
        PyTuple_GET_SIZE(tuple), span.count);
    goto done;
  }
  values = PyMem_New(polyshm_value, span.count ? span.count : 1);
  if (values == NULL) {
    PyErr_NoMemory();
    goto done;
  }
  failed = pshm_python_to_values(self, tuple, &span, values) ||
                   pshm_python_set_values(self, values, &span)
               ? -1
               : 0;

done:
  PyMem_Free(values);
  Py_DECREF(tuple);
  return failed;
}

/* ------------------------------------------------------------------- slots */

/* Whether this key is an index; if not, and it is no slice, with an exception.
 */
static int pshm_python_is_slice(PyObject *key) {
  if (PySlice_Check(key))
    return 1;
  PyErr_Format(
      PyExc_TypeError, "list indices must be integers or slices, not %.200s",
      Py_TYPE(key)->tp_name);
  return 0;
}

static PyObject *pshm_python_subscript(PyObject *self, PyObject *key) {
  if (!PyLong_CheckExact(key) && !PyIndex_Check(key)) {
    if (!pshm_python_is_slice(key))
      return NULL;
    return pshm_python_list(self) == NULL ? pshm_python_no_list()
                                          : pshm_python_get_slice(self, key);
  }
  Py_ssize_t index = pshm_python_position(self, key);
  return index == -1 ? NULL : pshm_python_item(self, index);
}

static int pshm_python_assign_subscript(
    PyObject *self, PyObject *key, PyObject *object) {
  if (object == NULL)
    return pshm_python_refuse_deletion();
  if (!PyLong_CheckExact(key) && !PyIndex_Check(key)) {
    if (!pshm_python_is_slice(key))
      return -1;
    return pshm_python_list(self) == NULL
               ? pshm_python_dead()
               : pshm_python_assign_slice(self, key, object);
  }
  Py_ssize_t index = pshm_python_position(self, key);
  return index == -1 ? -1 : pshm_python_assign_item(self, index, object);
}

#endif
