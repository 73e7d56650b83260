/* SPDX-License-Identifier: MIT */
/* Calls of Python from native code. */
#ifndef POLYSHM_SWIG_PYTHON_CALLBACK_H
#define POLYSHM_SWIG_PYTHON_CALLBACK_H

#include "python/native.h"

enum { PSHM_PYTHON_CALLEE_MOST = 16 /* parameters */ };

/* Keep the exception until the call has ended: the first, if callbacks ran
 * inside one another. */
static polyshm_status pshm_python_keep_error(pshm_python_frame *frame) {
  if (frame->type == NULL)
    PyErr_Fetch(&frame->type, &frame->value, &frame->traceback);
  else
    PyErr_Clear();
  return POLYSHM_E_INVALID;
}

/* Take what a callable answered. */
static int pshm_python_take_answer(PyObject *object, polyshm_value *answer) {
  switch (answer->type) {
  case POLYSHM_INT:
  case POLYSHM_UINT:
    return pshm_python_take_integer(object, answer);
  case POLYSHM_FLOAT:
    return pshm_python_take_float(object, answer);
  case POLYSHM_POINTER:
    return pshm_python_take_pointer(object, answer);
  default: /* of void, it is ignored */
    return 0;
  }
}

static polyshm_status pshm_python_call_back(
    pshm_python_frame *frame, PyObject *callable, const polyshm_value *values,
    uint64_t nvalues, polyshm_value *out_value) {
  PyObject *objects[1 + PSHM_PYTHON_CALLEE_MOST] = {NULL};
  PyObject *answer = NULL;
  uint64_t made = 0;
  Py_INCREF(callable);
  while (made < nvalues) {
    PyObject *object = pshm_python_from_native(&values[made]);
    if (object == NULL)
      break;
    objects[1 + made++] = object;
  }
  if (made == nvalues)
    answer = PyObject_Vectorcall(
        callable, objects + 1, (size_t)nvalues | PY_VECTORCALL_ARGUMENTS_OFFSET,
        NULL);
  for (uint64_t i = 0; i < made; i++)
    Py_DECREF(objects[1 + i]);
  int failed = answer == NULL;
  if (!failed && pshm_python_take_answer(answer, out_value) != 0) {
    pshm_python_raise_about(PyUnicode_FromString("a callback's answer"));
    failed = 1;
  }
  polyshm_status status = failed ? pshm_python_keep_error(frame) : POLYSHM_OK;
  Py_XDECREF(answer);
  Py_DECREF(callable);
  return status;
}

static int pshm_python_callback_clear(PyObject *self) {
  pshm_python_callback *callback = (pshm_python_callback *)self;
  polyshm_callback_free(callback->callback);
  callback->callback = NULL;
  Py_CLEAR(callback->callable);
  return 0;
}

/* As long as anybody uses it, also in another thread, its code stays. */
static inline void pshm_python_callback_use(PyObject *self) {
  ((pshm_python_callback *)self)->users++;
}

static inline void pshm_python_callback_let_go(PyObject *self) {
  pshm_python_callback *callback = (pshm_python_callback *)self;
  if (--callback->users == 0 && callback->is_freed)
    pshm_python_callback_clear(self);
}

/* Call a callable, or that of a callback, unless it was freed: that is zero. */
static polyshm_status pshm_python_call_either(
    pshm_python_frame *frame, PyObject *object, const polyshm_value *values,
    uint64_t nvalues, polyshm_value *out_value) {
  if (Py_TYPE(object) != &pshm_python_callback_type)
    return pshm_python_call_back(frame, object, values, nvalues, out_value);
  const pshm_python_callback *callback = (pshm_python_callback *)object;
  if (callback->callable == NULL || callback->is_freed)
    return POLYSHM_OK;
  Py_INCREF(object);
  pshm_python_callback_use(object);
  polyshm_status status = pshm_python_call_back(
      frame, callback->callable, values, nvalues, out_value);
  pshm_python_callback_let_go(object);
  Py_DECREF(object);
  return status;
}

/* What a callback runs has called native code by other ways than ours, ctypes
 * say, and that calls back: nobody told us whose the GIL is. */
static polyshm_status pshm_python_run_inside(
    pshm_python_frame *frame, PyObject *object, const polyshm_value *values,
    uint64_t nvalues, polyshm_value *out_value) {
  PyGILState_STATE gil = PyGILState_Ensure();
  polyshm_status status =
      pshm_python_call_either(frame, object, values, nvalues, out_value);
  PyGILState_Release(gil);
  return status;
}

static polyshm_status pshm_python_run(
    pshm_python_frame *frame, PyObject *object, const polyshm_value *values,
    uint64_t nvalues, polyshm_value *out_value) {
  if (frame->runs)
    return pshm_python_run_inside(frame, object, values, nvalues, out_value);
  int is_free = frame->state != NULL;
  if (is_free) {
    PyEval_RestoreThread(frame->state);
    frame->state = NULL;
  }
  frame->runs = 1;
  polyshm_status status =
      pshm_python_call_either(frame, object, values, nvalues, out_value);
  frame->runs = 0;
  if (is_free)
    frame->state = PyEval_SaveThread();
  return status;
}

/* An argument of the call. */
static polyshm_status pshm_python_run_argument(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata) {
  pshm_python_frame *frame = userdata;
  return pshm_python_run(
      frame, frame->arguments[parameter], values, nvalues, out_value);
}

static polyshm_status pshm_python_run_callback(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata) {
  (void)parameter;
  void *call;
  if (polyshm_function_userdata(pshm_python_run_argument, &call) != POLYSHM_OK)
    return POLYSHM_E_UNSUPPORTED; /* it is another language's */
  return pshm_python_run(call, userdata, values, nvalues, out_value);
}

/* ------------------------------------------------------------------ the type
 */

static int pshm_python_callback_traverse(
    PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(((pshm_python_callback *)self)->callable);
  return 0;
}

static void pshm_python_callback_dealloc(PyObject *self) {
  PyObject_GC_UnTrack(self);
  pshm_python_callback_clear(self);
  PyObject_GC_Del(self);
}

PyDoc_STRVAR(
    pshm_python_callback_free_doc,
    "free($self, /)\n--\n\n"
    "Give its address back. Native code must not call it any more: native "
    "calls\n"
    "that were given it get zero, and it goes when they have ended.");

static PyObject *pshm_python_callback_free(PyObject *self, PyObject *unused) {
  (void)unused;
  pshm_python_callback *callback = (pshm_python_callback *)self;
  callback->is_freed = 1;
  if (callback->users == 0)
    pshm_python_callback_clear(self);
  Py_RETURN_NONE;
}

static PyObject *pshm_python_callback_enter(PyObject *self, PyObject *unused) {
  (void)unused;
  Py_INCREF(self);
  return self;
}

static PyObject *pshm_python_callback_exit(
    PyObject *self, PyObject *const *unused, Py_ssize_t nunused) {
  (void)unused;
  (void)nunused;
  return pshm_python_callback_free(self, NULL);
}

static PyObject *pshm_python_callback_address(PyObject *self, void *closure) {
  (void)closure;
  void *address;
  if (pshm_python_callback_of(self) == NULL)
    return NULL;
  polyshm_callback_address(((pshm_python_callback *)self)->callback, &address);
  return PyLong_FromVoidPtr(address);
}

static PyMethodDef pshm_python_callback_methods[] = {
    {"free", pshm_python_callback_free, METH_NOARGS,
     pshm_python_callback_free_doc},
    {"__enter__", pshm_python_callback_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))pshm_python_callback_exit,
     METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef pshm_python_callback_properties[] = {
    {"address", pshm_python_callback_address, NULL,
     "Where native code calls it, an int.", NULL},
    {NULL, NULL, NULL, NULL, NULL}};

PyDoc_STRVAR(
    pshm_python_callback_type_doc,
    "A function that native code can keep, and call in later native calls.\n\n"
    "native.callback() makes it. It is passed as fn or ptr, and has to be "
    "kept\n"
    "for as long as native code may call it. At the end of a `with` it is\n"
    "freed.");

static PyTypeObject pshm_python_callback_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "polyshm.native.Callback",
    .tp_basicsize = sizeof(pshm_python_callback),
    .tp_dealloc = pshm_python_callback_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = pshm_python_callback_type_doc,
    .tp_traverse = pshm_python_callback_traverse,
    .tp_clear = pshm_python_callback_clear,
    .tp_methods = pshm_python_callback_methods,
    .tp_getset = pshm_python_callback_properties,
};

/* _core._native_callback(signature, callable) */
static PyObject *pshm_python_native_callback(
    PyObject *module, PyObject *arguments) {
  (void)module;
  const char *signature;
  PyObject *callable;
  if (!PyArg_ParseTuple(arguments, "sO", &signature, &callable))
    return NULL;
  if (!PyCallable_Check(callable)) {
    PyErr_Format(
        PyExc_TypeError, "a callback is made of a callable, not of a %.200s",
        Py_TYPE(callable)->tp_name);
    return NULL;
  }
  pshm_python_callback *made =
      PyObject_GC_New(pshm_python_callback, &pshm_python_callback_type);
  if (made == NULL)
    return NULL;
  made->callback = NULL;
  made->users = 0;
  made->is_freed = 0;
  Py_INCREF(callable);
  made->callable = callable;
  PyObject_GC_Track((PyObject *)made);
  polyshm_status status = polyshm_callback_open(
      signature, pshm_python_run_callback, made, NULL, &made->callback);
  if (status == POLYSHM_OK)
    return (PyObject *)made;
  Py_DECREF(made);
  return pshm_python_raise(status);
}

#endif
