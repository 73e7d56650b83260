/* SPDX-License-Identifier: MIT */
/* Python's exceptions for our failures. */
#ifndef POLYSHM_SWIG_PYTHON_ERROR_H
#define POLYSHM_SWIG_PYTHON_ERROR_H

#include <polyshm.h>

#include <Python.h>

#include <string.h>

static PyObject *pshm_python_struct_error;
static PyObject *pshm_python_corrupt_error;
static PyObject *pshm_python_version_error;
static PyObject *pshm_python_closed_error;
static PyObject *pshm_python_busy_error;
static PyObject *pshm_python_unsupported_error;
static PyObject *pshm_python_protocol_error;

/* Whether our message adds nothing to the system's words. */
static int pshm_python_is_plain(const char *message, const char *words) {
  size_t size = strlen(message), tail = strlen(words);
  return size >= tail && strcmp(message + size - tail, words) == 0;
}

static PyObject *pshm_python_raise_os(int code, const char *message) {
  PyObject *arguments = Py_BuildValue("(is)", code, message);
  if (arguments != NULL) {
    PyErr_SetObject(PyExc_OSError, arguments);
    Py_DECREF(arguments);
  }
  return NULL;
}

/* Raise what Python itself would raise for this failure: OSError and its
 * subclasses if the system refused, with the system's words where they say
 * enough. Returns NULL. */
static PyObject *pshm_python_raise(polyshm_status status) {
  const char *message = polyshm_error_message();
  int code = polyshm_error_os();
  if (code != 0) {
    switch (status) {
    case POLYSHM_E_INVALID:
    case POLYSHM_E_NOT_FOUND:
    case POLYSHM_E_EXISTS:
    case POLYSHM_E_MEMORY:
      message = strerror(code);
      break;
    case POLYSHM_E_ACCESS: /* or it is a link, or another user's */
      if (pshm_python_is_plain(message, strerror(code)))
        message = strerror(code);
      break;
    default:
      break;
    }
    return pshm_python_raise_os(code, message);
  }

  PyObject *type;
  switch (status) {
  case POLYSHM_E_MEMORY:
    type = PyExc_MemoryError;
    break;
  case POLYSHM_E_ACCESS:
    type = PyExc_PermissionError;
    break;
  case POLYSHM_E_CLOSED:
    type = pshm_python_closed_error;
    break;
  case POLYSHM_E_BUSY:
    type = pshm_python_busy_error;
    break;
  case POLYSHM_E_TIMEOUT:
    type = PyExc_TimeoutError;
    break;
  case POLYSHM_E_UNSUPPORTED:
    type = pshm_python_unsupported_error;
    break;
  case POLYSHM_E_PROTOCOL:
    type = pshm_python_protocol_error;
    break;
  case POLYSHM_E_NOT_FOUND: /* by a manager, or the helper program */
    type = PyExc_FileNotFoundError;
    break;
  case POLYSHM_E_INTERRUPTED: /* by a signal handler that raised already */
    if (PyErr_Occurred())
      return NULL;
    type = PyExc_InterruptedError;
    break;
  case POLYSHM_E_RANGE:
    type = PyExc_IndexError;
    break;
  case POLYSHM_E_TYPE:
    type = PyExc_TypeError;
    break;
  case POLYSHM_E_CORRUPT:
    type = pshm_python_corrupt_error;
    break;
  case POLYSHM_E_VERSION:
    type = pshm_python_version_error;
    break;
  case POLYSHM_E_INVALID:
  case POLYSHM_E_SPACE:
    type = PyExc_ValueError;
    break;
  default:
    type = PyExc_OSError;
    break;
  }
  PyErr_SetString(type, message);
  return NULL;
}

static int pshm_python_dead(void) {
  PyErr_SetString(PyExc_ValueError, "the object is not initialised");
  return -1;
}

/* What a method that only succeeds or fails returns. */
static PyObject *pshm_python_answer(polyshm_status status) {
  if (status != POLYSHM_OK)
    return pshm_python_raise(status);
  Py_RETURN_NONE;
}

/* What stock Python says of a block that cannot be closed for its views. */
static PyObject *pshm_python_raise_pinned(void) {
  PyErr_SetString(
      pshm_python_busy_error, "cannot close exported pointers exist");
  return NULL;
}

/* An exception polyshm.<name> of one base or two. */
static PyObject *pshm_python_new_error(
    PyObject *module, PyObject *public, const char *name, const char *doc,
    PyObject *base, PyObject *other_base) {
  char path[64];
  PyOS_snprintf(path, sizeof path, "polyshm.%s", name);
  PyObject *bases = other_base == NULL ? PyTuple_Pack(1, base)
                                       : PyTuple_Pack(2, base, other_base);
  if (bases == NULL)
    return NULL;
  PyObject *error = PyErr_NewExceptionWithDoc(path, doc, bases, NULL);
  Py_DECREF(bases);
  if (error != NULL) {
    Py_INCREF(error);
    if (PyModule_AddObject(module, name, error) != 0) {
      Py_DECREF(error);
      Py_CLEAR(error);
    }
    SwigPyBuiltin_AddPublicSymbol(public, name);
  }
  return error;
}

static int pshm_python_find_struct_error(void) {
  PyObject *module = PyImport_ImportModule("struct");
  if (module == NULL)
    return -1;
  pshm_python_struct_error = PyObject_GetAttrString(module, "error");
  Py_DECREF(module);
  return pshm_python_struct_error == NULL ? -1 : 0;
}

/* Make the exceptions, once, when the module is imported. `public` are the
 * names that polyshm.core takes over from it. */
static int pshm_python_ready_errors(PyObject *module, PyObject *public) {
  const struct {
    PyObject **error;
    const char *name;
    const char *doc;
    PyObject *base;
    PyObject *other_base;
  } errors[] = {
      /* A closed list raises TypeError with stock Python, where ValueError is
       * what a closed file raises. */
      {&pshm_python_closed_error, "ClosedError",
       "The object has been closed here.", PyExc_ValueError, PyExc_TypeError},
      {&pshm_python_corrupt_error, "CorruptError",
       "The shared bytes are no list, or no value.", PyExc_ValueError, NULL},
      {&pshm_python_version_error, "VersionError",
       "The list was made by a library that is not compatible.",
       PyExc_ValueError, NULL},
      /* BufferError is what stock Python raises for a block with views. */
      {&pshm_python_busy_error, "BusyError",
       "The object is in use: it has views, is waited for, or is locked.",
       PyExc_BufferError, PyExc_RuntimeError},
      {&pshm_python_unsupported_error, "UnsupportedError",
       "This list or this system cannot do that: a list that stock Python made "
       "has\nno counters, lock, snapshots and versions.",
       PyExc_NotImplementedError, NULL},
      {&pshm_python_protocol_error, "ProtocolError",
       "The manager answers what makes no sense here, or a failure that\n"
       "has no exception of its own.",
       PyExc_ConnectionError, NULL},
  };
  if (pshm_python_find_struct_error() != 0)
    return -1;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    *errors[i].error = pshm_python_new_error(
        module, public, errors[i].name, errors[i].doc, errors[i].base,
        errors[i].other_base);
    if (*errors[i].error == NULL)
      return -1;
  }
  return 0;
}

#endif
