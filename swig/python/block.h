/* SPDX-License-Identifier: MIT */
/* Blocks: opening them, and the memoryviews on them. */
#ifndef POLYSHM_SWIG_PYTHON_BLOCK_H
#define POLYSHM_SWIG_PYTHON_BLOCK_H

#include "python/value.h"

/* SWIG reads %immutable members through functions of these names. */
#define polyshm_block_name_get polyshm_block_name
#define polyshm_block_size_get polyshm_block_size
#define polyshm_block_flags_get polyshm_block_flags

static polyshm_block *pshm_python_open_block(
    const char *name, uint64_t size, uint32_t flags, uint32_t mode) {
  polyshm_block_options options = {.struct_size = sizeof options, .mode = mode};
  polyshm_block *block = NULL;
  polyshm_status status;
  Py_BEGIN_ALLOW_THREADS status =
      polyshm_block_open(name, size, flags, &options, &block);
  Py_END_ALLOW_THREADS if (status != POLYSHM_OK) pshm_python_raise(status);
  return block;
}

/* The exporter behind a memoryview. It pins the block, not the Python object,
 * so that an object that caches its view is no reference cycle, and a view that
 * outlives its object stays valid. */
typedef struct pshm_python_pin {
  PyObject_HEAD polyshm_block *block;
  void *address;
  Py_ssize_t size;
} pshm_python_pin;

static void pshm_python_pin_dealloc(PyObject *self) {
  polyshm_block *block = ((pshm_python_pin *)self)->block;
  if (block != NULL)
    polyshm_block_unpin(block);
  PyObject_Free(self);
}

static int pshm_python_pin_buffer(PyObject *self, Py_buffer *view, int flags) {
  pshm_python_pin *pin = (pshm_python_pin *)self;
  int read_only = (polyshm_block_flags(pin->block) & POLYSHM_READ_ONLY) != 0;
  return PyBuffer_FillInfo(
      view, self, pin->address, pin->size, read_only, flags);
}

static PyBufferProcs pshm_python_pin_procs = {
    .bf_getbuffer = pshm_python_pin_buffer};

static PyTypeObject pshm_python_pin_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "polyshm.core.Pin",
    .tp_basicsize = sizeof(pshm_python_pin),
    .tp_dealloc = pshm_python_pin_dealloc,
    .tp_as_buffer = &pshm_python_pin_procs,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

static PyObject *pshm_python_view(polyshm_block *block) {
  pshm_python_pin *pin = PyObject_New(pshm_python_pin, &pshm_python_pin_type);
  if (pin == NULL)
    return NULL;
  uint64_t size = 0;
  polyshm_status status = polyshm_block_pin(block, &pin->address, &size);
  pin->block = status == POLYSHM_OK ? block : NULL;
  pin->size = (Py_ssize_t)size;
  PyObject *view = status == POLYSHM_OK
                       ? PyMemoryView_FromObject((PyObject *)pin)
                       : pshm_python_raise(status);
  Py_DECREF(pin);
  return view;
}

static PyObject *pshm_python_lend(PyObject *object, polyshm_block *block) {
  SwigPyObject *lent = SWIG_Python_GetSwigThis(object);
  if (lent == NULL || lent->ptr != NULL) {
    PyErr_SetString(PyExc_TypeError, "a fresh Block is needed");
    return NULL;
  }
  lent->ptr = block;
  lent->own = 0;
  Py_RETURN_NONE;
}

#endif
