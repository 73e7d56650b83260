/* SPDX-License-Identifier: MIT */
/* Native functions: bound, and called. */
#ifndef POLYSHM_SWIG_PYTHON_FUNCTION_H
#define POLYSHM_SWIG_PYTHON_FUNCTION_H

#include "python/callback.h"

#include <structmember.h>

typedef struct pshm_python_function {
  PyObject_HEAD vectorcallfunc vectorcall;
  polyshm_function *function;
  PyObject *name, *signature; /* as they were given */
  PyObject *guard;            /* a list, or NULL */
  int64_t timeout;            /* for its lock */
  Py_ssize_t count;           /* of arguments */
  char lets_run;              /* other threads, during the call */
  uint8_t types[PSHM_PYTHON_NATIVE_MOST];
  uint8_t handles[PSHM_PYTHON_NATIVE_MOST]; /* which may be blocks, callbacks */
  uint8_t nhandles;
} pshm_python_function;

/* So long the core waits for the guard before signal handlers get their turn.
 */
#define PSHM_PYTHON_GUARD_SLICE (PSHM_PYTHON_SECOND / 10)

/* ------------------------------------------------------------------- calling
 */

static inline polyshm_status pshm_python_invoke(
    const pshm_python_function *self, const polyshm_value *values,
    pshm_python_frame *frame, polyshm_value *out_value) {
  polyshm_status status;
  frame->state = self->lets_run ? PyEval_SaveThread() : NULL;
  status = polyshm_function_call(
      self->function, values, (uint64_t)self->count, pshm_python_run_argument,
      frame, out_value);
  if (self->lets_run)
    PyEval_RestoreThread(frame->state);
  return status;
}

static polyshm_status pshm_python_invoke_guarded(
    const pshm_python_function *self, const polyshm_value *values,
    pshm_python_frame *frame, polyshm_value *out_value) {
  int64_t deadline = pshm_python_deadline(self->timeout);
  polyshm_status status;
  do
    status = pshm_python_invoke(self, values, frame, out_value);
  while (frame->type == NULL && pshm_python_sleep_on(&status, deadline));
  return status;
}

static PyObject *pshm_python_refuse_count(
    const pshm_python_function *self, Py_ssize_t given, PyObject *names) {
  if (names != NULL && PyTuple_GET_SIZE(names) != 0)
    PyErr_Format(
        PyExc_TypeError, "%U() takes no keyword arguments", self->name);
  else
    PyErr_Format(
        PyExc_TypeError, "%U() takes %zd argument%s, not %zd", self->name,
        self->count, self->count == 1 ? "" : "s", given);
  return NULL;
}

/* Say whose argument it is, or that of `self` if the message tells which. */
static PyObject *pshm_python_refuse_argument(
    const pshm_python_function *self, Py_ssize_t place) {
  PyObject *whose =
      place < 0
          ? PyUnicode_FromFormat("%U()", self->name)
          : PyUnicode_FromFormat("argument %zd of %U()", place + 1, self->name);
  return pshm_python_raise_about(whose);
}

static PyObject *pshm_python_fail_native(
    const pshm_python_function *self, pshm_python_frame *frame,
    polyshm_status status) {
  if (frame->type == NULL) {
    pshm_python_raise_native(status);
    return pshm_python_refuse_argument(self, -1);
  }
  PyErr_Restore(frame->type, frame->value, frame->traceback);
  return NULL;
}

/* Laid out in both ways to call, of which it is the greater part. */
__attribute__((always_inline)) static inline PyObject *
pshm_python_convert_and_call(
    const pshm_python_function *self, PyObject *const *arguments) {
  polyshm_value values[PSHM_PYTHON_NATIVE_MOST], result;
  polyshm_view views[PSHM_PYTHON_NATIVE_MOST];
  for (Py_ssize_t i = 0; i < self->count; i++)
    if (pshm_python_take_argument(
            arguments[i], self->types[i], &values[i], &views[i]) != 0)
      return pshm_python_refuse_argument(self, i);

  pshm_python_frame frame = {.arguments = arguments};
  polyshm_status status =
      self->guard == NULL
          ? pshm_python_invoke(self, values, &frame, &result)
          : pshm_python_invoke_guarded(self, values, &frame, &result);
  /* A callback may have been run for another language's call inside this. */
  if (status != POLYSHM_OK || frame.type != NULL)
    return pshm_python_fail_native(self, &frame, status);
  return pshm_python_from_native(&result);
}

/* Other threads, and what our conversions run, might release the last view of a
 * block, or free a callback, while the core still needs their handles. */
static inline void pshm_python_hold_arguments(
    const pshm_python_function *self, PyObject *const *arguments,
    PyObject **exporters) {
  for (int i = 0; i < self->nhandles; i++) {
    PyObject *object = arguments[self->handles[i]];
    exporters[i] = NULL;
    if (PyMemoryView_Check(object)) {
      if (!pshm_python_is_released(object))
        exporters[i] = PyMemoryView_GET_BASE(object);
      Py_XINCREF(exporters[i]);
    } else if (Py_TYPE(object) == &pshm_python_callback_type) {
      pshm_python_callback_use(object);
    }
  }
}

static inline void pshm_python_let_arguments_go(
    const pshm_python_function *self, PyObject *const *arguments,
    PyObject **exporters) {
  for (int i = 0; i < self->nhandles; i++) {
    PyObject *object = arguments[self->handles[i]];
    if (exporters[i] != NULL)
      Py_DECREF(exporters[i]);
    else if (Py_TYPE(object) == &pshm_python_callback_type)
      pshm_python_callback_let_go(object);
  }
}

static PyObject *pshm_python_function_call(
    PyObject *callable, PyObject *const *arguments, size_t flagged,
    PyObject *names) {
  const pshm_python_function *self = (pshm_python_function *)callable;
  Py_ssize_t given = PyVectorcall_NARGS(flagged);
  if (given != self->count || names != NULL)
    return pshm_python_refuse_count(self, given, names);
  Py_INCREF(callable); /* a callback may drop it */
  PyObject *result = pshm_python_convert_and_call(self, arguments);
  Py_DECREF(callable);
  return result;
}

/* The same for a function that takes handles. */
static PyObject *pshm_python_function_hold_and_call(
    PyObject *callable, PyObject *const *arguments, size_t flagged,
    PyObject *names) {
  const pshm_python_function *self = (pshm_python_function *)callable;
  Py_ssize_t given = PyVectorcall_NARGS(flagged);
  PyObject *exporters[PSHM_PYTHON_NATIVE_MOST];
  if (given != self->count || names != NULL)
    return pshm_python_refuse_count(self, given, names);
  Py_INCREF(callable);
  pshm_python_hold_arguments(self, arguments, exporters);
  PyObject *result = pshm_python_convert_and_call(self, arguments);
  pshm_python_let_arguments_go(self, arguments, exporters);
  Py_DECREF(callable);
  return result;
}

/* ------------------------------------------------------------------ the type
 */

static int pshm_python_function_traverse(
    PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(((pshm_python_function *)self)->guard);
  return 0;
}

static void pshm_python_function_dealloc(PyObject *self) {
  pshm_python_function *function = (pshm_python_function *)self;
  PyObject_GC_UnTrack(self);
  polyshm_function_free(function->function);
  Py_XDECREF(function->name);
  Py_XDECREF(function->signature);
  Py_XDECREF(function->guard);
  PyObject_GC_Del(self);
}

static PyObject *pshm_python_function_repr(PyObject *self) {
  const pshm_python_function *function = (pshm_python_function *)self;
  return PyUnicode_FromFormat(
      "<native function %U: %U>", function->name, function->signature);
}

static PyMemberDef pshm_python_function_members[] = {
    {"__name__", T_OBJECT, offsetof(pshm_python_function, name), READONLY,
     NULL},
    {"signature", T_OBJECT, offsetof(pshm_python_function, signature), READONLY,
     "The signature it was bound with."},
    {NULL, 0, 0, 0, NULL}};

static PyTypeObject pshm_python_function_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "polyshm.native.Function",
    .tp_basicsize = sizeof(pshm_python_function),
    .tp_dealloc = pshm_python_function_dealloc,
    .tp_repr = pshm_python_function_repr,
    .tp_call = PyVectorcall_Call,
    .tp_flags =
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(pshm_python_function, vectorcall),
    .tp_doc = "A function of a shared library; Library.bind() makes it.",
    .tp_traverse = pshm_python_function_traverse,
    .tp_members = pshm_python_function_members,
};

/* ------------------------------------------------------------------- binding
 */

/* Note what the calls need to know. */
static polyshm_status pshm_python_prepare(pshm_python_function *self) {
  polyshm_status status = POLYSHM_OK;
  self->count = (Py_ssize_t)polyshm_function_length(self->function);
  for (Py_ssize_t i = 0; i < self->count && status == POLYSHM_OK; i++) {
    uint32_t type = 0;
    status = polyshm_function_parameter(self->function, (uint64_t)i, &type);
    self->types[i] = (uint8_t)type;
    if (type == POLYSHM_TYPE_PTR || type > POLYSHM_TYPE_STR)
      self->handles[self->nhandles++] = (uint8_t)i;
    if (type == POLYSHM_TYPE_FN)
      self->lets_run = 0; /* it would come back all the time */
  }
  if (self->nhandles != 0)
    self->vectorcall = pshm_python_function_hold_and_call;
  if (self->guard == NULL || status != POLYSHM_OK)
    return status;
  self->lets_run = 1; /* who has the lock may need the GIL */
  int64_t slice = self->timeout >= 0 && self->timeout < PSHM_PYTHON_GUARD_SLICE
                      ? self->timeout
                      : PSHM_PYTHON_GUARD_SLICE;
  return polyshm_function_guard(
      self->function, pshm_python_list(self->guard), slice);
}

/* A list, or None for NULL. */
static int pshm_python_take_guard(PyObject *object, PyObject **out_guard) {
  *out_guard = NULL;
  if (object == Py_None)
    return 0;
  if (!PyObject_TypeCheck(object, SwigPyObject_type()) ||
      ((SwigPyObject *)object)->ty != SWIGTYPE_p_polyshm_list) {
    PyErr_Format(
        PyExc_TypeError, "lock must be a ShareableList, not %.200s",
        Py_TYPE(object)->tp_name);
    return -1;
  }
  if (pshm_python_list(object) == NULL)
    return pshm_python_dead();
  *out_guard = object;
  return 0;
}

/* _core._native_bind(path, address, name, signature, lock, timeout, threads) */
static PyObject *pshm_python_native_bind(
    PyObject *module, PyObject *arguments) {
  (void)module;
  const char *path;
  PyObject *address, *name, *signature, *lock, *seconds, *guard;
  int64_t timeout;
  int lets_run;
  const void *at = NULL;
  if (!PyArg_ParseTuple(
          arguments, "zOUUOOp", &path, &address, &name, &signature, &lock,
          &seconds, &lets_run) ||
      pshm_python_take_guard(lock, &guard) != 0 ||
      pshm_python_to_timeout(seconds, &timeout) != 0 ||
      (address != Py_None && pshm_python_to_pointer(address, &at) != 0))
    return NULL;
  char *symbol, *text;
  if (pshm_python_name(name, &symbol) != 0 ||
      pshm_python_name(signature, &text) != 0)
    return NULL;

  pshm_python_function *self =
      PyObject_GC_New(pshm_python_function, &pshm_python_function_type);
  if (self == NULL)
    return NULL;
  self->vectorcall = pshm_python_function_call;
  self->function = NULL;
  self->timeout = timeout;
  self->lets_run = (char)lets_run;
  self->nhandles = 0;
  Py_INCREF(name);
  self->name = name;
  Py_INCREF(signature);
  self->signature = signature;
  Py_XINCREF(guard);
  self->guard = guard;
  PyObject_GC_Track((PyObject *)self);
  polyshm_status status =
      address == Py_None
          ? polyshm_function_open(path, symbol, text, &self->function)
          : polyshm_function_at(at, text, &self->function);
  if (status == POLYSHM_OK)
    status = pshm_python_prepare(self);
  if (status == POLYSHM_OK)
    return (PyObject *)self;
  Py_DECREF(self);
  return pshm_python_raise(status);
}

/* _core._native_find(path, symbol): an address, or 0 without a symbol */
static PyObject *pshm_python_native_find(
    PyObject *module, PyObject *arguments) {
  (void)module;
  const char *path, *symbol;
  void *address = NULL;
  if (!PyArg_ParseTuple(arguments, "zz", &path, &symbol))
    return NULL;
  polyshm_status status = polyshm_function_find(path, symbol, &address);
  if (status != POLYSHM_OK)
    return pshm_python_raise(status);
  return PyLong_FromVoidPtr(address);
}

/* _core._native_errno() */
static PyObject *pshm_python_native_errno(
    PyObject *module, PyObject *arguments) {
  (void)module;
  if (!PyArg_ParseTuple(arguments, ""))
    return NULL;
  return PyLong_FromLong(polyshm_function_errno());
}

/* Nothing is told of them: calls make them. */
static int pshm_python_ready_native(void) {
  if (PyType_Ready(&pshm_python_function_type) != 0)
    return -1;
  return PyType_Ready(&pshm_python_callback_type);
}

#endif
