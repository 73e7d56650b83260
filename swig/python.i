/* SPDX-License-Identifier: MIT */
/*
 * Python, for swig -builtin. Element access and iteration are the C functions
 * of python/list.h, put straight into the types' slots, and most methods those of
 * python/methods.h; SWIG makes the types, the constructors and the rest around
 * them.
 */
%{
#include "python/block.h"
#include "python/function.h"
#include "python/manage.h"
#include "python/manager.h"
#include "python/methods.h"
%}
%init %{
  if (pshm_python_ready_errors(m, public_interface) != 0 ||
      pshm_python_ready_lock(m, public_interface) != 0 ||
      pshm_python_ready_manage(m, public_interface) != 0 ||
      pshm_python_ready_native() != 0 ||
      PyType_Ready(&pshm_python_pin_type) != 0 ||
      PyType_Ready(&pshm_python_iterator_type) != 0)
    return NULL;
%}

%native(inspect) PyObject *pshm_python_inspect(PyObject *, PyObject *);
%native(blocks) PyObject *pshm_python_blocks(PyObject *, PyObject *);
%native(holders) PyObject *pshm_python_holders(PyObject *, PyObject *);
%native(_native_bind)
    PyObject *pshm_python_native_bind(PyObject *, PyObject *);
%native(_native_find)
    PyObject *pshm_python_native_find(PyObject *, PyObject *);
%native(_native_callback)
    PyObject *pshm_python_native_callback(PyObject *, PyObject *);
%native(_native_errno)
    PyObject *pshm_python_native_errno(PyObject *, PyObject *);

/* ----------------------------------------------------------------- typemaps */

%typemap(out) polyshm_status {
  $result = pshm_python_answer($1);
  if ($result == NULL)
    SWIG_fail;
}

/* What keeps a block from being closed are its views, and a list's lock. */
%typemap(out) polyshm_status polyshm_block::close {
  if ($1 == POLYSHM_E_BUSY)
    $result = pshm_python_raise_pinned();
  else
    $result = pshm_python_answer($1);
}
%typemap(out) polyshm_status polyshm_list::close {
  if ($1 == POLYSHM_E_BUSY && !((pshm_python_list_object *)self)->locked)
    $result = pshm_python_raise_pinned();
  else
    $result = pshm_python_answer($1);
}

/* None would arrive as NULL, and so would an object whose __init__ never ran. */
%typemap(check) SWIGTYPE * {
  if ($1 == NULL) {
    PyErr_SetString(PyExc_ValueError, "the object is not initialised");
    SWIG_fail;
  }
}

%typemap(check) const char *name ""
%typemap(in) const char *name {
  if (pshm_python_name($input, &$1) != 0)
    SWIG_fail;
}

%typemap(in, numinputs=0) uint64_t *OUTPUT (uint64_t number) {
  $1 = &number;
}
%typemap(argout) uint64_t *OUTPUT {
  Py_XDECREF($result);
  $result = PyLong_FromUnsignedLongLong(*$1);
}
%apply uint64_t *OUTPUT {uint64_t *out_capacity, uint64_t *out_removed};

/* A buffer that is filled with a string. */
%typemap(in, numinputs=0) (char *buffer, uint64_t capacity) (char text[4096]) {
  $1 = text;
  $2 = sizeof text;
}
%typemap(argout) (char *buffer, uint64_t capacity) {
  Py_XDECREF($result);
  $result = PyUnicode_DecodeFSDefault($1);
}

%typemap(check) const char *address ""
%typemap(in) const char *address (const char *text) {
  if (pshm_python_to_address($input, &text) != 0)
    SWIG_fail;
  $1 = (char *)text;
}

/* It looks at everybody's files. */
%exception polyshm_gc {
  Py_BEGIN_ALLOW_THREADS $action
  Py_END_ALLOW_THREADS
}

/* A constructor that fails has raised. */
%exception polyshm_block::polyshm_block {
  $action
  if (result == NULL)
    SWIG_fail;
}
%exception polyshm_list::polyshm_list {
  $action
  if (result == NULL)
    SWIG_fail;
}

%exception polyshm_manager::polyshm_manager {
  $action
  if (result == NULL)
    SWIG_fail;
}
%exception polyshm_server::polyshm_server {
  $action
  if (result == NULL)
    SWIG_fail;
}

/* What goes to a manager and back. */
%define POLYSHM_ASKS(T, method)
%typemap(out) polyshm_status T::method {
  $result = pshm_python_answer_asked($1);
  if ($result == NULL)
    SWIG_fail;
}
%exception T::method {
  do {
    Py_BEGIN_ALLOW_THREADS $action
    Py_END_ALLOW_THREADS
  } while (result == POLYSHM_E_INTERRUPTED && PyErr_CheckSignals() == 0);
}
%enddef
POLYSHM_ASKS(polyshm_manager, track)
POLYSHM_ASKS(polyshm_manager, release)
POLYSHM_ASKS(polyshm_manager, shutdown)

/* ------------------------------------------------------------------- classes */

%define POLYSHM_NEW(T)
%wrapper %{
/* SWIG leaves the type of an object unset until its __init__ ran, and looks at
 * it before: give it its type at once. */
SWIGINTERN PyObject *
T##_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
  PyObject *object = PyType_GenericNew(type, arguments, keywords);
  if (object != NULL)
    ((SwigPyObject *)object)->ty = SWIGTYPE_p_##T;
  return object;
}
%}
%enddef

%define POLYSHM_CLASS(T)
%feature("python:tp_richcompare") T "pshm_python_compare";
%feature("python:tp_hash") T "pshm_python_hash";
%feature("python:tp_new") T #T "_new";
POLYSHM_NEW(T)
%enddef

%define POLYSHM_BLOCK(T)
POLYSHM_CLASS(T)
%rename(Block) T;
%extend T {
  T(const char *name, uint64_t size, uint32_t flags, uint32_t mode) {
    return pshm_python_open_block(name, size, flags, mode);
  }
  /* A new view of all bytes, which holds the mapping on its own. */
  PyObject *view() {
    return pshm_python_view($self);
  }
  %immutable;
  const char *name;
  uint64_t size;
  uint32_t flags;
  %mutable;
}
%enddef

%define POLYSHM_LIST(T)
POLYSHM_CLASS(T)
%feature("python:tp_basicsize") T "sizeof(pshm_python_list_object)";
%feature("docstring") T::capacity
    "How many bytes of text the item of this index has room for.";
%rename(List) T;
%feature("python:tp_traverse") T "pshm_python_traverse";
%feature("python:tp_clear") T "pshm_python_clear";
%feature("python:sq_length") T "pshm_python_length";
%feature("python:mp_length") T "pshm_python_length";
%feature("python:sq_item") T "pshm_python_item";
%feature("python:sq_ass_item") T "pshm_python_assign_item";
%feature("python:mp_subscript") T "pshm_python_subscript";
%feature("python:mp_ass_subscript") T "pshm_python_assign_subscript";
%feature("python:sq_contains") T "pshm_python_contains";
%feature("python:tp_iter") T "pshm_python_iterate";
%extend T {
  /* Create when there are values, else open. */
  T(const char *name, PyObject *values, uint32_t flags, uint64_t slot_capacity,
    uint32_t mode) {
    return values == Py_None ? pshm_python_open_list(name, flags)
                             : pshm_python_create_list(
                                   name, values, flags, slot_capacity, mode);
  }
  /* Make a fresh Block object stand for the block beneath. It must keep this
   * list alive. */
  PyObject *lend_block(PyObject *block) {
    return pshm_python_lend(block, polyshm_list_block($self));
  }
  %immutable;
  const char *name;
  %mutable;
}
%enddef

%define POLYSHM_MANAGER(T)
%feature("python:tp_new") T #T "_new";
POLYSHM_NEW(T)
%rename(Manager) T;
%extend T {
  T(int start, const char *address, PyObject *authkey, int64_t timeout,
    uint32_t flags) {
    return pshm_python_open_manager(start, address, authkey, timeout, flags);
  }
  /* A fresh Block or List becomes one that belongs to the manager. */
  PyObject *make_block(PyObject *fresh, const char *name, uint64_t size,
                       uint32_t flags, uint32_t mode) {
    return pshm_python_manager_block($self, fresh, name, size, flags, mode);
  }
  PyObject *make_list(PyObject *fresh, const char *name, PyObject *values,
                      uint32_t flags, uint64_t slot_capacity, uint32_t mode) {
    return pshm_python_manager_list(
        $self, fresh, name, values, flags, slot_capacity, mode);
  }
  PyObject *list_segments() {
    return pshm_python_segments($self);
  }
  PyObject *get_address() {
    return PyBytes_FromString(polyshm_manager_address($self));
  }
  PyObject *get_authkey() {
    return pshm_python_manager_authkey($self);
  }
  uint64_t pid();
}
%enddef

%define POLYSHM_SERVER(T)
%feature("python:tp_new") T #T "_new";
POLYSHM_NEW(T)
%rename(Server) T;
%extend T {
  T(const char *address, PyObject *authkey, uint32_t flags, uint32_t level,
    uint64_t parent) {
    return pshm_python_open_server(address, authkey, flags, level, parent);
  }
  PyObject *get_address() {
    return PyBytes_FromString(polyshm_server_address($self));
  }
  PyObject *next_event() {
    return pshm_python_next_event($self);
  }
  polyshm_status stop();
}
%enddef

/* Once SWIG has made the type. */
%define POLYSHM_LIST_READY(T)
%init %{
  if (pshm_python_ready_list(
          (PyTypeObject *)&SwigPyBuiltin__##T##_type) != 0)
    return NULL;
%}
%enddef
