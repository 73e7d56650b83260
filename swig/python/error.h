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
    case POLYSHM_E_ACCESS:
    case POLYSHM_E_MEMORY:
      message = strerror(code);
      break;
    default:
      break;
    }
    PyObject *arguments = Py_BuildValue("(is)", code, message);
    if (arguments != NULL) {
      PyErr_SetObject(PyExc_OSError, arguments);
      Py_DECREF(arguments);
    }
    return NULL;
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
    type = PyExc_BufferError;
    message = "cannot close exported pointers exist";
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

static PyObject *pshm_python_new_error(
    PyObject *module, PyObject *public, const char *name, PyObject *bases) {
  char path[64];
  PyOS_snprintf(path, sizeof path, "polyshm.%s", name);
  PyObject *error = PyErr_NewException(path, bases, NULL);
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

/* Make the exceptions, once, when the module is imported. `public` are the
 * names that polyshm.core takes over from it. */
static int pshm_python_ready_errors(PyObject *module, PyObject *public) {
  PyObject *structs = PyImport_ImportModule("struct");
  if (structs == NULL)
    return -1;
  pshm_python_struct_error = PyObject_GetAttrString(structs, "error");
  Py_DECREF(structs);
  /* A closed list raises TypeError with stock Python, where ValueError is what
   * a closed file raises. */
  PyObject *both = PyTuple_Pack(2, PyExc_ValueError, PyExc_TypeError);
  if (pshm_python_struct_error == NULL || both == NULL)
    return -1;
  pshm_python_closed_error =
      pshm_python_new_error(module, public, "ClosedError", both);
  Py_DECREF(both);
  pshm_python_corrupt_error =
      pshm_python_new_error(module, public, "CorruptError", PyExc_ValueError);
  pshm_python_version_error =
      pshm_python_new_error(module, public, "VersionError", PyExc_ValueError);
  return pshm_python_closed_error != NULL &&
                 pshm_python_corrupt_error != NULL &&
                 pshm_python_version_error != NULL
             ? 0
             : -1;
}

#endif
