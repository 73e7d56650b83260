/* SPDX-License-Identifier: MIT */
/* Lists: their lock, and the object that stands for holding it. */
#ifndef POLYSHM_SWIG_PYTHON_LOCK_H
#define POLYSHM_SWIG_PYTHON_LOCK_H

#include "python/timeout.h"

#include <structmember.h>

typedef struct pshm_python_lock {
  PyObject_HEAD PyObject *owner; /* keeps the list; NULL once unlocked */
  unsigned long thread;
  char recovered;
} pshm_python_lock;

/* ---------------------------------------------------------------- leaving */

static polyshm_status pshm_python_give_back(pshm_python_lock *lock) {
  PyObject *owner = lock->owner;
  if (owner == NULL)
    return POLYSHM_OK;
  polyshm_status status = polyshm_list_unlock(pshm_python_list(owner));
  if (status != POLYSHM_OK)
    return status;
  ((pshm_python_list_object *)owner)->locked = 0;
  lock->owner = NULL;
  Py_DECREF(owner);
  return POLYSHM_OK;
}

PyDoc_STRVAR(
    pshm_python_unlock_doc,
    "unlock($self, /)\n--\n\n"
    "Give the lock back. Doing so again does nothing. RuntimeError if this is\n"
    "not the thread that took it.");

static PyObject *pshm_python_unlock(PyObject *self, PyObject *unused) {
  (void)unused;
  polyshm_status status = pshm_python_give_back((pshm_python_lock *)self);
  if (status == POLYSHM_OK)
    Py_RETURN_NONE;
  if (status != POLYSHM_E_INVALID)
    return pshm_python_raise(status);
  PyErr_SetString(PyExc_RuntimeError, polyshm_error_message());
  return NULL;
}

static PyObject *pshm_python_lock_enter(PyObject *self, PyObject *unused) {
  (void)unused;
  if (((pshm_python_lock *)self)->owner == NULL) {
    PyErr_SetString(PyExc_RuntimeError, "the lock has been unlocked already");
    return NULL;
  }
  Py_INCREF(self);
  return self;
}

static PyObject *pshm_python_lock_exit(
    PyObject *self, PyObject *const *unused, Py_ssize_t nunused) {
  (void)unused;
  (void)nunused;
  return pshm_python_unlock(self, NULL);
}

/* A lock that nobody refers to any more is given back, if that can be done from
 * here: another thread's stays until its list is freed, and if it is this
 * thread's and yet is not, a fork inherited it, and it is the parent's. */
static void pshm_python_lock_drop(pshm_python_lock *lock) {
  if (pshm_python_give_back(lock) == POLYSHM_OK)
    return;
  if (lock->thread != PyThread_get_thread_ident()) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyErr_WarnFormat(
            PyExc_ResourceWarning, 1,
            "a thread dropped the lock of a list that another one took: it "
            "stays locked until the list is freed") != 0)
      PyErr_WriteUnraisable(NULL);
    PyErr_Restore(type, value, traceback);
  }
  Py_CLEAR(lock->owner);
}

static void pshm_python_lock_dealloc(PyObject *self) {
  PyObject_GC_UnTrack(self);
  pshm_python_lock_drop((pshm_python_lock *)self);
  PyObject_GC_Del(self);
}

static int pshm_python_lock_traverse(
    PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(((pshm_python_lock *)self)->owner);
  return 0;
}

static int pshm_python_lock_clear(PyObject *self) {
  pshm_python_lock_drop((pshm_python_lock *)self);
  return 0;
}

/* ----------------------------------------------------------------- the type */

static PyMethodDef pshm_python_lock_methods[] = {
    {"unlock", pshm_python_unlock, METH_NOARGS, pshm_python_unlock_doc},
    {"__enter__", pshm_python_lock_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))pshm_python_lock_exit,
     METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL}};

static PyMemberDef pshm_python_lock_members[] = {
    {"recovered", T_BOOL, offsetof(pshm_python_lock, recovered), READONLY,
     "The last holder died with the lock: its change may be half done."},
    {NULL, 0, 0, 0, NULL}};

PyDoc_STRVAR(
    pshm_python_lock_type_doc,
    "A list's lock, held by the thread that called ShareableList.lock().\n\n"
    "It is given back at the end of a `with`, by unlock(), or when the object\n"
    "is dropped.");

static PyTypeObject pshm_python_lock_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "polyshm.Lock",
    .tp_basicsize = sizeof(pshm_python_lock),
    .tp_dealloc = pshm_python_lock_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = pshm_python_lock_type_doc,
    .tp_traverse = pshm_python_lock_traverse,
    .tp_clear = pshm_python_lock_clear,
    .tp_methods = pshm_python_lock_methods,
    .tp_members = pshm_python_lock_members,
};

/* ----------------------------------------------------------------- taking */

static polyshm_status pshm_python_queue_once(
    polyshm_list *list, int64_t timeout, uint32_t *out_recovered) {
  polyshm_status status;
  Py_BEGIN_ALLOW_THREADS status =
      polyshm_list_lock(list, timeout, out_recovered);
  Py_END_ALLOW_THREADS return status;
}

static polyshm_status pshm_python_queue(
    polyshm_list *list, int64_t timeout, uint32_t *out_recovered) {
  int64_t deadline = pshm_python_deadline(timeout);
  polyshm_status status = pshm_python_hold(list);
  if (status != POLYSHM_OK)
    return status;
  do
    status = pshm_python_queue_once(
        list, pshm_python_left(deadline, PSHM_PYTHON_SLICE), out_recovered);
  while (pshm_python_sleep_on(&status, deadline));
  pshm_python_let_go(list);
  return status;
}

PyDoc_STRVAR(
    pshm_python_lock_doc,
    "lock($self, /, timeout=None)\n--\n\n"
    "Take the list's lock now and return the Lock that stands for it.\n\n"
    "It excludes other threads and processes that call lock(), nobody from\n"
    "reading and setting; a snapshot() sees what is changed under it as a "
    "whole\n"
    "or not at all. TimeoutError after `timeout` seconds; BusyError if this\n"
    "thread holds it already.\n\n"
    "    with sl.lock(timeout=2) as lock:\n"
    "        if lock.recovered:   # the last holder died with it\n"
    "            put_in_order(sl)\n"
    "        sl[0] -= 5\n"
    "        sl[1] += 5\n\n"
    "The lock belongs to the thread that took it, and dies with its process.");

static PyObject *pshm_python_lock_list(
    PyObject *self, PyObject *const *arguments, Py_ssize_t narguments,
    PyObject *names) {
  static const pshm_python_signature signature = {"lock", {"timeout"}, 1, 1, 0};
  PyObject *given[1] = {NULL};
  int64_t timeout;
  polyshm_list *list = pshm_python_list(self);
  if (list == NULL)
    return pshm_python_no_list();
  if (pshm_python_take(&signature, arguments, narguments, names, given) != 0 ||
      pshm_python_to_timeout(given[0], &timeout) != 0)
    return NULL;

  /* Made first, so that a lock that was taken is not lost. */
  pshm_python_lock *lock =
      PyObject_GC_New(pshm_python_lock, &pshm_python_lock_type);
  if (lock == NULL)
    return NULL;
  lock->owner = NULL;
  uint32_t recovered = 0;
  polyshm_status status = polyshm_list_lock(list, 0, &recovered);
  if (status == POLYSHM_E_TIMEOUT && timeout != 0)
    status = pshm_python_queue(list, timeout, &recovered);
  if (status == POLYSHM_OK) {
    Py_INCREF(self);
    lock->owner = self;
    lock->thread = PyThread_get_thread_ident();
    lock->recovered = recovered != 0;
    ((pshm_python_list_object *)self)->locked = 1;
    PyObject_GC_Track((PyObject *)lock);
    return (PyObject *)lock;
  }
  PyObject_GC_Track((PyObject *)lock);
  Py_DECREF(lock);
  return pshm_python_raise(status);
}

#endif
