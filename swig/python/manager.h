/* SPDX-License-Identifier: MIT */
/* Managers and their clients. Python's own code around this speaks of sockets
 * as stock Python does; here they are the core's addresses, as bytes. */
#ifndef POLYSHM_SWIG_PYTHON_MANAGER_H
#define POLYSHM_SWIG_PYTHON_MANAGER_H

#include "python/list.h"

/* The system's words do not say which manager it is, ours do. */
static PyObject *pshm_python_raise_asked(polyshm_status status) {
  if (status == POLYSHM_E_EXISTS || polyshm_error_os() == 0)
    return pshm_python_raise(status);
  return pshm_python_raise_os(polyshm_error_os(), polyshm_error_message());
}

static PyObject *pshm_python_answer_asked(polyshm_status status) {
  if (status != POLYSHM_OK)
    return pshm_python_raise_asked(status);
  Py_RETURN_NONE;
}

/* Bytes or None. */
static int pshm_python_to_bytes(
    PyObject *object, const char **out_bytes, Py_ssize_t *out_size) {
  *out_bytes = NULL;
  *out_size = 0;
  if (object == Py_None)
    return 0;
  return PyBytes_AsStringAndSize(object, (char **)out_bytes, out_size);
}

static int pshm_python_to_address(PyObject *object, const char **out_address) {
  Py_ssize_t size;
  if (pshm_python_to_bytes(object, out_address, &size) != 0)
    return -1;
  if (*out_address == NULL || strlen(*out_address) == (size_t)size)
    return 0;
  PyErr_SetString(PyExc_ValueError, "embedded null byte");
  return -1;
}

/* Start one if `start`, else connect. */
static polyshm_manager *pshm_python_open_manager(
    int start, const char *address, PyObject *authkey, int64_t timeout,
    uint32_t flags) {
  polyshm_manager_options options = {
      .struct_size = sizeof options, .timeout = timeout, .flags = flags};
  const char *key;
  Py_ssize_t nkey;
  if (pshm_python_to_bytes(authkey, &key, &nkey) != 0)
    return NULL;
  polyshm_manager *manager = NULL;
  polyshm_status status;
  PSHM_PYTHON_ASK(
      status, (start ? polyshm_manager_start : polyshm_manager_connect)(
                  address, key, (uint64_t)nkey, &options, &manager));
  if (status != POLYSHM_OK)
    pshm_python_raise_asked(status);
  return manager;
}

/* ---------------------------------------------------------- what it makes */

/* The object that SWIG's `object` is, if it has no handle yet. */
static SwigPyObject *pshm_python_fresh(PyObject *object, swig_type_info *type) {
  SwigPyObject *fresh = SWIG_Python_GetSwigThis(object);
  if (fresh != NULL && fresh->ptr == NULL && fresh->ty == type)
    return fresh;
  PyErr_SetString(PyExc_TypeError, "a fresh object is needed");
  return NULL;
}

static PyObject *pshm_python_give(SwigPyObject *fresh, void *handle) {
  fresh->ptr = handle;
  fresh->own = SWIG_POINTER_OWN;
  Py_RETURN_NONE;
}

static PyObject *pshm_python_manager_block(
    polyshm_manager *manager, PyObject *object, const char *name, uint64_t size,
    uint32_t flags, uint32_t mode) {
  SwigPyObject *fresh = pshm_python_fresh(object, SWIGTYPE_p_polyshm_block);
  if (fresh == NULL)
    return NULL;
  polyshm_block_options options = {.struct_size = sizeof options, .mode = mode};
  polyshm_block *block = NULL;
  polyshm_status status;
  PSHM_PYTHON_ASK(
      status,
      polyshm_manager_block(manager, name, size, flags, &options, &block));
  return status == POLYSHM_OK ? pshm_python_give(fresh, block)
                              : pshm_python_raise_asked(status);
}

static PyObject *pshm_python_manager_list(
    polyshm_manager *manager, PyObject *object, const char *name,
    PyObject *values, uint32_t flags, uint64_t slot_capacity, uint32_t mode) {
  SwigPyObject *fresh = pshm_python_fresh(object, SWIGTYPE_p_polyshm_list);
  if (fresh == NULL)
    return NULL;
  polyshm_list_options options = {
      .struct_size = sizeof options,
      .slot_capacity = slot_capacity,
      .mode = mode};
  polyshm_list *list =
      pshm_python_make_list(manager, name, values, flags, &options);
  return list == NULL ? NULL : pshm_python_give(fresh, list);
}

/* ---------------------------------------------------------- what it tells */

static PyObject *pshm_python_split_names(const char *names, uint64_t size) {
  PyObject *list = PyList_New(0);
  for (uint64_t at = 0; list != NULL && at < size;
       at += strlen(names + at) + 1) {
    PyObject *name =
        PyUnicode_DecodeUTF8(names + at, (Py_ssize_t)strlen(names + at), NULL);
    if (name == NULL || PyList_Append(list, name) != 0)
      Py_CLEAR(list);
    Py_XDECREF(name);
  }
  return list;
}

static PyObject *pshm_python_segments(polyshm_manager *manager) {
  uint64_t size = 4096, capacity;
  char *names = NULL;
  polyshm_status status;
  do { /* others may add to them meanwhile */
    capacity = 2 * size;
    PyMem_Free(names);
    names = PyMem_Malloc((size_t)capacity);
    if (names == NULL)
      return PyErr_NoMemory();
    PSHM_PYTHON_ASK(
        status, polyshm_manager_segments(manager, names, capacity, &size));
  } while (status == POLYSHM_OK && size > capacity);
  PyObject *list = status == POLYSHM_OK ? pshm_python_split_names(names, size)
                                        : pshm_python_raise_asked(status);
  PyMem_Free(names);
  return list;
}

static PyObject *pshm_python_manager_authkey(polyshm_manager *manager) {
  char key[4096];
  uint64_t size;
  polyshm_status status =
      polyshm_manager_authkey(manager, key, sizeof key, &size);
  return status == POLYSHM_OK ? PyBytes_FromStringAndSize(key, (Py_ssize_t)size)
                              : pshm_python_raise(status);
}

/* ---------------------------------------------------------------- servers */

static polyshm_server *pshm_python_open_server(
    const char *address, PyObject *authkey, uint32_t flags, uint32_t level,
    uint64_t parent) {
  polyshm_server_options options = {
      .struct_size = sizeof options,
      .flags = flags,
      .level = level,
      .parent = parent};
  const char *key;
  Py_ssize_t nkey;
  if (pshm_python_to_bytes(authkey, &key, &nkey) != 0)
    return NULL;
  polyshm_server *server = NULL;
  polyshm_status status;
  PSHM_PYTHON_ASK(
      status,
      polyshm_server_open(address, key, (uint64_t)nkey, &options, &server));
  if (status != POLYSHM_OK)
    pshm_python_raise_asked(status);
  return server;
}

/* (level, text) of the next event; None once it has shut down. */
static PyObject *pshm_python_next_event(polyshm_server *server) {
  polyshm_event_info event = {.struct_size = sizeof event};
  polyshm_status status;
  do
    PSHM_PYTHON_ASK(
        status, polyshm_server_next(server, PSHM_PYTHON_SLICE, &event));
  while (status == POLYSHM_E_TIMEOUT && PyErr_CheckSignals() == 0);
  if (status == POLYSHM_OK)
    return Py_BuildValue("(ks)", (unsigned long)event.level, event.text);
  if (status == POLYSHM_E_END)
    Py_RETURN_NONE;
  return PyErr_Occurred() ? NULL : pshm_python_raise_asked(status);
}

#endif
