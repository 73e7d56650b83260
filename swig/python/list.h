/* SPDX-License-Identifier: MIT */
/* Lists: opening them, and the functions in their types' slots. Element access
 * never leaves C. */
#ifndef POLYSHM_SWIG_PYTHON_LIST_H
#define POLYSHM_SWIG_PYTHON_LIST_H

#include "python/timeout.h"

#define polyshm_list_name_get(list) polyshm_block_name(polyshm_list_block(list))

/* No call may sleep while it has the GIL; timeout.h sleeps instead. */
static polyshm_list *pshm_python_opened(
    polyshm_status status, polyshm_list *list) {
  if (status == POLYSHM_OK)
    status = polyshm_list_timeout(list, 0);
  if (status == POLYSHM_OK)
    return list;
  pshm_python_raise(status);
  polyshm_list_free(list);
  return NULL;
}

static polyshm_list *pshm_python_open_list(const char *name, uint32_t flags) {
  polyshm_list *list = NULL;
  polyshm_status status;
  Py_BEGIN_ALLOW_THREADS status = polyshm_list_open(name, flags, &list);
  Py_END_ALLOW_THREADS return pshm_python_opened(status, list);
}

/* The values of a tuple. Of all that is wrong with them, types come first. */
static int pshm_python_convert(PyObject *tuple, polyshm_value *values) {
  Py_ssize_t nitems = PyTuple_GET_SIZE(tuple);
  for (Py_ssize_t i = 0; i < nitems; i++)
    if (!pshm_python_is_storable(PyTuple_GET_ITEM(tuple, i)))
      return pshm_python_refuse(PyTuple_GET_ITEM(tuple, i));
  for (Py_ssize_t i = 0; i < nitems; i++)
    if (pshm_python_to_value(PyTuple_GET_ITEM(tuple, i), 0, values + i) != 1)
      return -1;
  return 0;
}

/* Make a list, which belongs to `manager` if there is one. */
static polyshm_list *pshm_python_make_list(
    polyshm_manager *manager, const char *name, PyObject *values,
    uint32_t flags, const polyshm_list_options *options) {
  /* A tuple of our own keeps the strings alive while other threads run. */
  PyObject *items = PySequence_Tuple(values);
  if (items == NULL)
    return NULL;
  polyshm_list *list = NULL;
  uint64_t nitems = (uint64_t)PyTuple_GET_SIZE(items);
  polyshm_value *converted = PyMem_New(polyshm_value, nitems ? nitems : 1);
  if (converted == NULL) {
    PyErr_NoMemory();
    goto done;
  }
  if (pshm_python_convert(items, converted) != 0)
    goto done;

  polyshm_status status;
  PSHM_PYTHON_ASK(
      status,
      manager == NULL
          ? polyshm_list_create(name, converted, nitems, flags, options, &list)
          : polyshm_manager_list(
                manager, name, converted, nitems, flags, options, &list));
  list = pshm_python_opened(status, list);

done:
  PyMem_Free(converted);
  Py_DECREF(items);
  return list;
}

static polyshm_list *pshm_python_create_list(
    const char *name, PyObject *values, uint32_t flags, uint64_t slot_capacity,
    uint32_t mode) {
  polyshm_list_options options = {
      .struct_size = sizeof options,
      .slot_capacity = slot_capacity,
      .mode = mode};
  return pshm_python_make_list(NULL, name, values, flags, &options);
}

/* A string longer than the buffer on the stack. */
static PyObject *pshm_python_get_long(PyObject *self, uint64_t index) {
  polyshm_list *list = pshm_python_list(self);
  uint64_t capacity;
  polyshm_status status = polyshm_list_capacity(list, index, &capacity);
  if (status != POLYSHM_OK)
    return pshm_python_raise(status);
  void *buffer = PyMem_Malloc((size_t)capacity);
  if (buffer == NULL)
    return PyErr_NoMemory();
  polyshm_value value;
  PSHM_PYTHON_PERSIST(
      self, status, polyshm_list_get(list, index, buffer, capacity, &value));
  PyObject *object = status == POLYSHM_OK ? pshm_python_from_value(&value)
                                          : pshm_python_raise(status);
  PyMem_Free(buffer);
  return object;
}

static PyObject *pshm_python_get(PyObject *self, uint64_t index) {
  polyshm_list *list = pshm_python_list(self);
  char buffer[256];
  polyshm_value value;
  polyshm_status status;
  PSHM_PYTHON_PERSIST(
      self, status,
      polyshm_list_get(list, index, buffer, sizeof buffer, &value));
  if (status == POLYSHM_OK)
    return pshm_python_from_value(&value);
  if (status == POLYSHM_E_SPACE)
    return pshm_python_get_long(self, index);
  return pshm_python_raise_item(status);
}

static PyObject *pshm_python_item(PyObject *self, Py_ssize_t index) {
  if (pshm_python_list(self) == NULL)
    return pshm_python_no_list();
  /* A negative index is a huge unsigned one, and so out of range. */
  return pshm_python_get(self, (uint64_t)index);
}

static int pshm_python_refuse_deletion(void) {
  PyErr_SetString(
      PyExc_TypeError, "the items of a shared list cannot be deleted");
  return -1;
}

/* Setting an item that is there failed. */
static int pshm_python_refuse_set(polyshm_status status) {
  if (status == POLYSHM_E_SPACE)
    PyErr_SetString(
        PyExc_ValueError, "bytes/str item exceeds available storage");
  else
    pshm_python_raise(status);
  return -1;
}

static int pshm_python_assign_item(
    PyObject *self, Py_ssize_t index, PyObject *object) {
  polyshm_list *list = pshm_python_list(self);
  if (list == NULL)
    return pshm_python_dead();
  if (object == NULL)
    return pshm_python_refuse_deletion();
  polyshm_value value;
  int known = pshm_python_to_value(object, 1, &value);
  polyshm_status status = POLYSHM_OK;
  if (known == 1)
    PSHM_PYTHON_PERSIST(
        self, status, polyshm_list_set(list, (uint64_t)index, &value));
  if (known == 1 && status == POLYSHM_OK)
    return 0;
  if (status == POLYSHM_E_RANGE ||
      (known != 1 && (uint64_t)index >= polyshm_list_length(list))) {
    PyErr_SetString(PyExc_IndexError, "assignment index out of range");
    return -1;
  }
  if (known == 0)
    return pshm_python_refuse(object);
  return status == POLYSHM_OK ? -1 : pshm_python_refuse_set(status);
}

/* -------------------------------------------------------------- searching */

/* The next match at or after *index: 1, 0 if none, -1 with an exception. A
 * value of a type that lists hold is searched for in C; anything else decides
 * itself, item by item, what it equals. */
static int pshm_python_search(
    PyObject *self, PyObject *object, uint64_t *index) {
  polyshm_list *list = pshm_python_list(self);
  if (list == NULL)
    return pshm_python_dead();
  polyshm_value value;
  int known = pshm_python_to_value(object, 0, &value);
  if (known == 1) {
    polyshm_status status;
    PSHM_PYTHON_PERSIST(
        self, status, polyshm_list_find(list, *index, &value, index));
    if (status == POLYSHM_OK)
      return 1;
    if (status == POLYSHM_E_NOT_FOUND)
      return 0;
    pshm_python_raise(status);
    return -1;
  }
  /* An int too large for a slot may still equal a float. */
  PyErr_Clear();
  for (; *index < polyshm_list_length(list); ++*index) {
    PyObject *item = pshm_python_get(self, *index);
    if (item == NULL)
      return -1;
    int equal = PyObject_RichCompareBool(object, item, Py_EQ);
    Py_DECREF(item);
    if (equal != 0)
      return equal;
  }
  return 0;
}

static int pshm_python_contains(PyObject *self, PyObject *object) {
  uint64_t index = 0;
  return pshm_python_search(self, object, &index);
}

PyDoc_STRVAR(
    pshm_python_index_doc, "index($self, /, value)\n--\n\n"
                           "The index of the first item that equals value; "
                           "ValueError if none does.");

static PyObject *pshm_python_index(
    PyObject *self, PyObject *const *arguments, Py_ssize_t narguments,
    PyObject *names) {
  static const pshm_python_signature signature = {"index", {"value"}, 1, 1, 1};
  PyObject *object = NULL;
  uint64_t index = 0;
  if (pshm_python_take(&signature, arguments, narguments, names, &object) != 0)
    return NULL;
  int found = pshm_python_search(self, object, &index);
  if (found > 0)
    return PyLong_FromUnsignedLongLong(index);
  if (found == 0) {
    if (PY_VERSION_HEX < 0x030e0000)
      PyErr_Format(PyExc_ValueError, "%R not in this container", object);
    else
      PyErr_SetString(
          PyExc_ValueError, "ShareableList.index(x): x not in list");
  }
  return NULL;
}

PyDoc_STRVAR(
    pshm_python_count_doc, "count($self, /, value)\n--\n\n"
                           "How many items equal value.");

static PyObject *pshm_python_count(
    PyObject *self, PyObject *const *arguments, Py_ssize_t narguments,
    PyObject *names) {
  static const pshm_python_signature signature = {"count", {"value"}, 1, 1, 1};
  PyObject *object = NULL;
  uint64_t index = 0;
  if (pshm_python_take(&signature, arguments, narguments, names, &object) != 0)
    return NULL;
  Py_ssize_t count = 0;
  int found;
  while ((found = pshm_python_search(self, object, &index)) > 0) {
    count++;
    index++;
  }
  return found < 0 ? NULL : PyLong_FromSsize_t(count);
}

/* -------------------------------------------------------------- iterating */

/* Python's own sequence iterator would call a subclass's item slot through its
 * dictionary; this one stays in C. */
typedef struct pshm_python_iterator {
  PyObject_HEAD PyObject *owner; /* keeps the list; NULL at the end */
  uint64_t index;
} pshm_python_iterator;

static void pshm_python_iterator_dealloc(PyObject *self) {
  Py_XDECREF(((pshm_python_iterator *)self)->owner);
  PyObject_Free(self);
}

static PyObject *pshm_python_iterator_next(PyObject *self) {
  pshm_python_iterator *iterator = (pshm_python_iterator *)self;
  if (iterator->owner == NULL)
    return NULL;
  polyshm_list *list = pshm_python_list(iterator->owner);
  if (iterator->index >= polyshm_list_length(list)) {
    Py_CLEAR(iterator->owner);
    return NULL;
  }
  /* Should it have to rest, another thread may come to the end meanwhile. */
  PyObject *owner = iterator->owner;
  Py_INCREF(owner);
  PyObject *item = pshm_python_get(owner, iterator->index++);
  Py_DECREF(owner);
  return item;
}

static PyTypeObject pshm_python_iterator_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "polyshm.core.Iterator",
    .tp_basicsize = sizeof(pshm_python_iterator),
    .tp_dealloc = pshm_python_iterator_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = pshm_python_iterator_next,
};

static PyObject *pshm_python_iterate(PyObject *self) {
  if (pshm_python_list(self) == NULL)
    return pshm_python_no_list();
  pshm_python_iterator *iterator =
      PyObject_New(pshm_python_iterator, &pshm_python_iterator_type);
  if (iterator == NULL)
    return NULL;
  Py_INCREF(self);
  iterator->owner = self;
  iterator->index = 0;
  return (PyObject *)iterator;
}

/* ---------------------------------------------------------------- objects */

/* Objects are equal to themselves alone. SWIG's own comparison takes its other
 * operand for an object of its own without looking. */
static PyObject *pshm_python_compare(
    PyObject *self, PyObject *other, int operation) {
  if (operation != Py_EQ && operation != Py_NE)
    Py_RETURN_NOTIMPLEMENTED;
  return PyBool_FromLong((self == other) == (operation == Py_EQ));
}

/* For the collector, which looks at objects of subclasses only: a Lock that is
 * kept as its list's attribute is a cycle. Blocks do without, so that no list
 * is cleared away while a block is lent from it. */
static int pshm_python_traverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(((SwigPyObject *)self)->dict);
  return 0;
}

static int pshm_python_clear(PyObject *self) {
  Py_CLEAR(((SwigPyObject *)self)->dict);
  return 0;
}

static Py_hash_t pshm_python_hash(PyObject *self) {
  return (Py_hash_t)((uintptr_t)self >> 4);
}

#endif
