/* SPDX-License-Identifier: MIT */
/* Blocks seen from outside: what there is, and who has it. */
#ifndef POLYSHM_SWIG_PYTHON_MANAGE_H
#define POLYSHM_SWIG_PYTHON_MANAGE_H

#include "python/value.h"

/* -------------------------------------------------------------------- info */

static PyStructSequence_Field pshm_python_info_fields[] = {
    {"name", "pass it to SharedMemory or ShareableList"},
    {"kind", "\"block\" or \"list\""},
    {"size", "bytes"},
    {"length", "how many items a list has; None for a block"},
    {"mode", "permissions, as for os.chmod()"},
    {"uid", "of the owner"},
    {"created", "seconds since 1970; None if unknown"},
    {"tracked", "it goes away with its last holder and its process tree"},
    {"held", "some process has it open; None if this user may not know"},
    {"kept", "the process tree that made it is alive"},
    {"orphan", "it is tracked and nobody is left: gc() removes it"},
    {NULL, NULL}};

enum {
  PSHM_PYTHON_INFO_FIELDS =
      sizeof pshm_python_info_fields / sizeof *pshm_python_info_fields - 1
};

static PyStructSequence_Desc pshm_python_info_description = {
    "polyshm.BlockInfo",
    "What inspect() and blocks() tell of a block of shared memory.",
    pshm_python_info_fields, PSHM_PYTHON_INFO_FIELDS};

static PyTypeObject *pshm_python_info_type;

/* Takes no NULL for an answer. */
static PyObject *pshm_python_none_unless(int condition, PyObject *object) {
  if (condition || object == NULL)
    return object;
  Py_DECREF(object);
  Py_RETURN_NONE;
}

static PyObject *pshm_python_from_info(const polyshm_info *info) {
  PyObject *tuple = PyStructSequence_New(pshm_python_info_type);
  if (tuple == NULL)
    return NULL;
  int is_list = info->kind == POLYSHM_KIND_LIST;
  uint32_t state = info->state;
  PyObject *members[] = {
      PyUnicode_FromString(info->name),
      PyUnicode_FromString(is_list ? "list" : "block"),
      PyLong_FromUnsignedLongLong(info->size),
      pshm_python_none_unless(
          is_list, PyLong_FromUnsignedLongLong(info->length)),
      PyLong_FromUnsignedLong(info->mode),
      PyLong_FromUnsignedLong(info->uid),
      pshm_python_none_unless(
          info->created_at != 0,
          PyFloat_FromDouble((double)info->created_at / 1e9)),
      PyBool_FromLong((state & POLYSHM_STATE_TRACKED) != 0),
      pshm_python_none_unless(
          (state & POLYSHM_STATE_UNKNOWN) == 0,
          PyBool_FromLong((state & POLYSHM_STATE_HELD) != 0)),
      PyBool_FromLong((state & POLYSHM_STATE_TREE) != 0),
      PyBool_FromLong((state & POLYSHM_STATE_ORPHAN) != 0),
  };
  int complete = 1;
  for (Py_ssize_t i = 0; i < PSHM_PYTHON_INFO_FIELDS; i++) {
    complete &= members[i] != NULL;
    PyStructSequence_SetItem(tuple, i, members[i]);
  }
  if (complete)
    return tuple;
  Py_DECREF(tuple);
  return NULL;
}

/* core.inspect(name) */
static PyObject *pshm_python_inspect(PyObject *module, PyObject *arguments) {
  (void)module;
  PyObject *object;
  char *name;
  if (!PyArg_ParseTuple(arguments, "O", &object) ||
      pshm_python_name(object, &name) != 0)
    return NULL;
  polyshm_info info = {.struct_size = sizeof info};
  polyshm_status status;
  Py_BEGIN_ALLOW_THREADS status = polyshm_inspect(name, &info);
  Py_END_ALLOW_THREADS return status == POLYSHM_OK
      ? pshm_python_from_info(&info)
      : pshm_python_raise(status);
}

/* -------------------------------------------------------------------- scan */

typedef struct pshm_python_scan {
  PyObject_HEAD polyshm_scan *scan;
  int is_busy; /* a thread is at it, without the GIL */
} pshm_python_scan;

static void pshm_python_scan_dealloc(PyObject *self) {
  polyshm_scan_free(((pshm_python_scan *)self)->scan);
  PyObject_Free(self);
}

static PyObject *pshm_python_scan_next(PyObject *self) {
  pshm_python_scan *walk = (pshm_python_scan *)self;
  if (walk->is_busy) {
    PyErr_SetString(
        PyExc_ValueError, "the iterator is used by another thread now");
    return NULL;
  }
  polyshm_info info = {.struct_size = sizeof info};
  polyshm_status status;
  walk->is_busy = 1;
  Py_BEGIN_ALLOW_THREADS status = polyshm_scan_next(walk->scan, &info);
  Py_END_ALLOW_THREADS walk->is_busy = 0;
  if (status == POLYSHM_OK)
    return pshm_python_from_info(&info);
  return status == POLYSHM_E_END ? NULL : pshm_python_raise(status);
}

static PyTypeObject pshm_python_scan_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "polyshm.core.Scan",
    .tp_basicsize = sizeof(pshm_python_scan),
    .tp_dealloc = pshm_python_scan_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = pshm_python_scan_next,
};

/* core.blocks() */
static PyObject *pshm_python_blocks(PyObject *module, PyObject *arguments) {
  (void)module;
  if (!PyArg_ParseTuple(arguments, ""))
    return NULL;
  pshm_python_scan *walk =
      PyObject_New(pshm_python_scan, &pshm_python_scan_type);
  if (walk == NULL)
    return NULL;
  walk->scan = NULL;
  walk->is_busy = 0;
  polyshm_status status;
  Py_BEGIN_ALLOW_THREADS status = polyshm_scan_open(&walk->scan);
  Py_END_ALLOW_THREADS if (status == POLYSHM_OK) return (PyObject *)walk;
  Py_DECREF(walk);
  return pshm_python_raise(status);
}

/* ----------------------------------------------------------------- holders */

static PyObject *pshm_python_from_ids(const uint64_t *ids, uint64_t count) {
  PyObject *list = PyList_New((Py_ssize_t)count);
  for (uint64_t i = 0; list != NULL && i < count; i++) {
    PyObject *id = PyLong_FromUnsignedLongLong(ids[i]);
    if (id == NULL)
      Py_CLEAR(list);
    else
      PyList_SET_ITEM(list, (Py_ssize_t)i, id);
  }
  return list;
}

/* core.holders(name) */
static PyObject *pshm_python_holders(PyObject *module, PyObject *arguments) {
  (void)module;
  PyObject *object, *list = NULL;
  char *name;
  if (!PyArg_ParseTuple(arguments, "O", &object) ||
      pshm_python_name(object, &name) != 0)
    return NULL;
  uint64_t few[32], *ids = few, capacity = 32, count = 0;
  polyshm_status status = POLYSHM_OK;
  for (;;) {
    Py_BEGIN_ALLOW_THREADS status =
        polyshm_holders(name, ids, capacity, &count);
    Py_END_ALLOW_THREADS if (status != POLYSHM_OK || count <= capacity) break;
    if (ids != few)
      PyMem_Free(ids);
    capacity = 2 * count;
    ids = PyMem_New(uint64_t, capacity);
    if (ids == NULL)
      return PyErr_NoMemory();
  }
  list = status == POLYSHM_OK ? pshm_python_from_ids(ids, count)
                              : pshm_python_raise(status);
  if (ids != few)
    PyMem_Free(ids);
  return list;
}

/* ------------------------------------------------------------------- types */

/* Make the types, once, when the module is imported. */
static int pshm_python_ready_manage(PyObject *module, PyObject *public) {
  if (PyType_Ready(&pshm_python_scan_type) != 0)
    return -1;
  pshm_python_info_type =
      PyStructSequence_NewType(&pshm_python_info_description);
  if (pshm_python_info_type == NULL)
    return -1;
  PyObject *type = (PyObject *)pshm_python_info_type;
  Py_INCREF(type);
  if (PyModule_AddObject(module, "BlockInfo", type) != 0) {
    Py_DECREF(type);
    return -1;
  }
  SwigPyBuiltin_AddPublicSymbol(public, "BlockInfo");
  return 0;
}

#endif
