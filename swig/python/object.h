/* SPDX-License-Identifier: MIT */
/* The objects that hold lists, and the arguments of their methods. */
#ifndef POLYSHM_SWIG_PYTHON_OBJECT_H
#define POLYSHM_SWIG_PYTHON_OBJECT_H

#include "python/value.h"

/* SWIG's object, and what the core's handle does not know. The handle's own
 * timeout is 0, so that no call sleeps while it holds the GIL. */
typedef struct pshm_python_list_object {
  SwigPyObject base;
  int64_t timeout; /* nanoseconds, or POLYSHM_FOREVER; __init__ sets it */
  int locked;      /* a Lock object stands for the list's lock */
} pshm_python_list_object;

static inline polyshm_list *pshm_python_list(PyObject *self) {
  return ((SwigPyObject *)self)->ptr;
}

static PyObject *pshm_python_no_list(void) {
  pshm_python_dead();
  return NULL;
}

/* For failures that concern one item. */
static PyObject *pshm_python_raise_item(polyshm_status status) {
  if (status != POLYSHM_E_RANGE)
    return pshm_python_raise(status);
  PyErr_SetString(PyExc_IndexError, "index out of range");
  return NULL;
}

static Py_ssize_t pshm_python_length(PyObject *self) {
  polyshm_list *list = pshm_python_list(self);
  if (list == NULL)
    return pshm_python_dead();
  return (Py_ssize_t)polyshm_list_length(list);
}

/* Negative indices count from the end; what is still negative stays so and is
 * found out of range. -1 with an exception is an error. */
static Py_ssize_t pshm_python_position(PyObject *self, PyObject *key) {
  /* What nearly all keys are, at less cost than what all can be. */
  if (PyLong_CheckExact(key)) {
    Py_ssize_t plain = PyLong_AsSsize_t(key);
    if (plain >= 0)
      return plain;
    PyErr_Clear();
  }
  if (!PyIndex_Check(key)) {
    PyErr_Format(
        PyExc_TypeError, "list indices must be integers, not %.200s",
        Py_TYPE(key)->tp_name);
    return -1;
  }
  Py_ssize_t index = PyNumber_AsSsize_t(key, NULL); /* huge ones are clipped */
  if (index >= 0)
    return index;
  if (index == -1 && PyErr_Occurred())
    return -1;
  Py_ssize_t length = pshm_python_length(self);
  if (length < 0)
    return -1;
  index += length;
  return index < 0 ? PY_SSIZE_T_MIN : index;
}

/* The items that a slice means. */
typedef struct pshm_python_span {
  Py_ssize_t start;
  Py_ssize_t step;
  Py_ssize_t count;
} pshm_python_span;

static int pshm_python_to_span(
    PyObject *self, PyObject *slice, pshm_python_span *out_span) {
  Py_ssize_t stop;
  if (PySlice_Unpack(slice, &out_span->start, &stop, &out_span->step) != 0)
    return -1;
  out_span->count = PySlice_AdjustIndices(
      pshm_python_length(self), &out_span->start, &stop, out_span->step);
  return 0;
}

/* -------------------------------------------------------------- arguments */

/* What a method takes: the first `nplain` arguments may come without their
 * names, the first `nneeded` must come. */
typedef struct pshm_python_signature {
  const char *method;
  const char *names[3];
  Py_ssize_t nnames;
  Py_ssize_t nplain;
  Py_ssize_t nneeded;
} pshm_python_signature;

static int pshm_python_take_named(
    const pshm_python_signature *signature, PyObject *name, PyObject *argument,
    PyObject **out_arguments) {
  for (Py_ssize_t i = 0; i < signature->nnames; i++) {
    if (PyUnicode_CompareWithASCIIString(name, signature->names[i]) != 0)
      continue;
    if (out_arguments[i] == NULL) {
      out_arguments[i] = argument;
      return 0;
    }
    PyErr_Format(
        PyExc_TypeError, "%s() got multiple values for argument '%U'",
        signature->method, name);
    return -1;
  }
  PyErr_Format(
      PyExc_TypeError, "%s() got an unexpected keyword argument '%U'",
      signature->method, name);
  return -1;
}

/* The arguments of a METH_FASTCALL | METH_KEYWORDS call in their places. Those
 * that did not come are left as they are, which is NULL. Borrowed. */
static int pshm_python_take(
    const pshm_python_signature *signature, PyObject *const *arguments,
    Py_ssize_t narguments, PyObject *names, PyObject **out_arguments) {
  if (narguments > signature->nplain) {
    PyErr_Format(
        PyExc_TypeError, "%s() takes at most %zd positional arguments, not %zd",
        signature->method, signature->nplain, narguments);
    return -1;
  }
  for (Py_ssize_t i = 0; i < narguments; i++)
    out_arguments[i] = arguments[i];
  Py_ssize_t nnamed = names == NULL ? 0 : PyTuple_GET_SIZE(names);
  for (Py_ssize_t i = 0; i < nnamed; i++)
    if (pshm_python_take_named(
            signature, PyTuple_GET_ITEM(names, i), arguments[narguments + i],
            out_arguments) != 0)
      return -1;
  for (Py_ssize_t i = 0; i < signature->nneeded; i++)
    if (out_arguments[i] == NULL) {
      PyErr_Format(
          PyExc_TypeError, "%s() misses the argument '%s'", signature->method,
          signature->names[i]);
      return -1;
    }
  return 0;
}

static int pshm_python_to_int64(
    const char *name, PyObject *object, int64_t *out_number) {
  PyObject *number = PyNumber_Index(object);
  if (number == NULL)
    return -1;
  int overflow;
  *out_number = PyLong_AsLongLongAndOverflow(number, &overflow);
  Py_DECREF(number);
  if (overflow == 0)
    return 0;
  PyErr_Format(
      PyExc_OverflowError, "%s does not fit into 64 bits: %R", name, object);
  return -1;
}

#endif
