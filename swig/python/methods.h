/* SPDX-License-Identifier: MIT */
/* Lists: the methods that SWIG does not make, since they need the object, or
 * take their arguments without a tuple. */
#ifndef POLYSHM_SWIG_PYTHON_METHODS_H
#define POLYSHM_SWIG_PYTHON_METHODS_H

#include "python/atomic.h"
#include "python/list.h"
#include "python/lock.h"
#include "python/subscript.h"
#include "python/wait.h"

#define PSHM_PYTHON_FAST(name, function, doc)                                  \
  {                                                                            \
    name, (PyCFunction)(void (*)(void))(function),                             \
        METH_FASTCALL | METH_KEYWORDS, doc                                     \
  }

static PyMethodDef pshm_python_methods[] = {
    PSHM_PYTHON_FAST("index", pshm_python_index, pshm_python_index_doc),
    PSHM_PYTHON_FAST("count", pshm_python_count, pshm_python_count_doc),
    PSHM_PYTHON_FAST("add", pshm_python_add, pshm_python_add_doc),
    PSHM_PYTHON_FAST("swap", pshm_python_swap, pshm_python_swap_doc),
    PSHM_PYTHON_FAST(
        "snapshot", pshm_python_snapshot, pshm_python_snapshot_doc),
    PSHM_PYTHON_FAST("version", pshm_python_version, pshm_python_version_doc),
    PSHM_PYTHON_FAST("wait", pshm_python_wait, pshm_python_wait_doc),
    PSHM_PYTHON_FAST("lock", pshm_python_lock_list, pshm_python_lock_doc),
    {NULL, NULL, 0, NULL}};

static PyGetSetDef pshm_python_timeout_property = {
    "timeout", pshm_python_get_timeout, pshm_python_set_timeout,
    pshm_python_timeout_doc, NULL};

/* Takes the descriptor over. */
static int pshm_python_put(
    PyTypeObject *type, const char *name, PyObject *descriptor) {
  if (descriptor == NULL)
    return -1;
  int failed = PyDict_SetItemString(type->tp_dict, name, descriptor);
  Py_DECREF(descriptor);
  return failed;
}

/* Complete the type that SWIG has made. */
static int pshm_python_ready_list(PyTypeObject *type) {
  for (PyMethodDef *method = pshm_python_methods; method->ml_name; method++)
    if (pshm_python_put(
            type, method->ml_name, PyDescr_NewMethod(type, method)) != 0)
      return -1;
  PyObject *property = PyDescr_NewGetSet(type, &pshm_python_timeout_property);
  if (pshm_python_put(type, "timeout", property) != 0)
    return -1;
  PyType_Modified(type);
  return 0;
}

static int pshm_python_ready_lock(PyObject *module, PyObject *public) {
  if (PyType_Ready(&pshm_python_lock_type) != 0)
    return -1;
  Py_INCREF(&pshm_python_lock_type);
  SwigPyBuiltin_AddPublicSymbol(public, "Lock");
  return PyModule_AddObject(module, "Lock", (PyObject *)&pshm_python_lock_type);
}

#endif
