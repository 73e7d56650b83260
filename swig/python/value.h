/* SPDX-License-Identifier: MIT */
/* Names and values, from and to Python's objects. */
#ifndef POLYSHM_SWIG_PYTHON_VALUE_H
#define POLYSHM_SWIG_PYTHON_VALUE_H

#include "python/error.h"

static int pshm_python_name(PyObject *object, char **out_name) {
  *out_name = NULL;
  if (object == Py_None)
    return 0;
  if (!PyUnicode_Check(object)) {
    PyErr_Format(
        PyExc_TypeError, "a name must be str, not %.200s",
        Py_TYPE(object)->tp_name);
    return -1;
  }
  Py_ssize_t length;
  const char *name = PyUnicode_AsUTF8AndSize(object, &length);
  if (name == NULL)
    return -1;
  if ((size_t)length != strlen(name)) {
    PyErr_SetString(PyExc_ValueError, "embedded null character");
    return -1;
  }
  *out_name = (char *)name;
  return 0;
}

static PyObject *pshm_python_from_value(const polyshm_value *value) {
  switch (value->type) {
  case POLYSHM_INT:
    return PyLong_FromLongLong(value->of.i);
  case POLYSHM_FLOAT:
    return PyFloat_FromDouble(value->of.f);
  case POLYSHM_STRING:
    return PyUnicode_DecodeUTF8(value->of.p, (Py_ssize_t)value->size, NULL);
  case POLYSHM_BYTES:
    return PyBytes_FromStringAndSize(value->of.p, (Py_ssize_t)value->size);
  case POLYSHM_BOOL:
    return PyBool_FromLong(value->of.i != 0);
  default:
    Py_RETURN_NONE;
  }
}

/* Whether a list can be made with `object`, if it is not too large. */
static int pshm_python_is_storable(PyObject *object) {
  return PyLong_CheckExact(object) || PyFloat_CheckExact(object) ||
         PyUnicode_CheckExact(object) || PyBytes_CheckExact(object) ||
         PyBool_Check(object) || object == Py_None;
}

/* 1 if `object` can be a list's value, 0 if not, -1 with an exception. What the
 * value points to belongs to the object. Subclasses of str and bytes pass only
 * if `lax`, as with stock Python. */
static int pshm_python_to_value(
    PyObject *object, int lax, polyshm_value *value) {
  value->reserved = 0;
  value->size = 0;
  value->of.i = 0;
  if (PyLong_CheckExact(object)) {
    int overflow;
    value->type = POLYSHM_INT;
    value->of.i = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow == 0)
      return 1;
    PyErr_SetString(
        pshm_python_struct_error,
        PY_VERSION_HEX < 0x030c0000
            ? "argument out of range"
            : "'q' format requires -9223372036854775808 <= number <= "
              "9223372036854775807");
    return -1;
  }
  if (PyFloat_CheckExact(object)) {
    value->type = POLYSHM_FLOAT;
    value->of.f = PyFloat_AS_DOUBLE(object);
    return 1;
  }
  if (PyUnicode_CheckExact(object) || (lax && PyUnicode_Check(object))) {
    Py_ssize_t size;
    value->type = POLYSHM_STRING;
    value->of.p = PyUnicode_AsUTF8AndSize(object, &size);
    value->size = (uint64_t)size;
    return value->of.p == NULL ? -1 : 1;
  }
  if (PyBytes_CheckExact(object) || (lax && PyBytes_Check(object))) {
    value->type = POLYSHM_BYTES;
    value->of.p = PyBytes_AS_STRING(object);
    value->size = (uint64_t)PyBytes_GET_SIZE(object);
    return 1;
  }
  if (PyBool_Check(object)) {
    value->type = POLYSHM_BOOL;
    value->of.i = object == Py_True;
    return 1;
  }
  value->type = POLYSHM_NONE;
  return object == Py_None;
}

/* Stock Python looks types up in a dictionary, and its users catch that. */
static int pshm_python_refuse(PyObject *object) {
  PyErr_SetObject(PyExc_KeyError, (PyObject *)Py_TYPE(object));
  return -1;
}

#endif
