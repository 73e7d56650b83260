/* SPDX-License-Identifier: MIT */
/* What goes into native calls and comes out of them. */
#ifndef POLYSHM_SWIG_PYTHON_NATIVE_H
#define POLYSHM_SWIG_PYTHON_NATIVE_H

#include "python/block.h"
#include "python/timeout.h"

#if PY_VERSION_HEX < 0x030B0000
#include <longintrepr.h> /* later ones have it in Python.h */
#endif

enum { PSHM_PYTHON_NATIVE_MOST = 32 /* parameters */ };

/* A call: the core hands it to what it calls back. */
typedef struct pshm_python_frame {
  PyObject *const *arguments;
  PyThreadState *state; /* while others may run; NULL while the GIL is ours */
  PyObject *type, *value, *traceback; /* what was raised, or NULL */
  char runs;                          /* Python, called back */
} pshm_python_frame;

/* A function that native code may keep. */
typedef struct pshm_python_callback {
  PyObject_HEAD polyshm_callback *callback;
  PyObject *callable;
  Py_ssize_t users; /* calls that were given it, or run it */
  char is_freed;    /* once these have ended */
} pshm_python_callback;

static PyTypeObject pshm_python_callback_type;

/* ------------------------------------------------------------------- numbers
 */

/* What does not fit the parameter is OverflowError, whatever it is. */
static PyObject *pshm_python_raise_native(polyshm_status status) {
  if (status != POLYSHM_E_RANGE)
    return pshm_python_raise(status);
  PyErr_SetString(PyExc_OverflowError, polyshm_error_message());
  return NULL;
}

/* Put in front of the exception what it is about, a new reference. Others than
 * those that conversions and the core raise are left as they are. */
static PyObject *pshm_python_raise_about(PyObject *subject) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  int is_plain = type == PyExc_TypeError || type == PyExc_OverflowError ||
                 type == PyExc_ValueError || type == PyExc_BufferError ||
                 type == pshm_python_closed_error;
  if (subject == NULL || !is_plain || value == NULL) {
    Py_XDECREF(subject);
    PyErr_Restore(type, value, traceback);
    return NULL;
  }
  PyErr_Format(type, "%U: %S", subject, value);
  Py_DECREF(subject);
  Py_DECREF(type);
  Py_DECREF(value);
  Py_XDECREF(traceback);
  return NULL;
}

/* An int of one digit is read where it stands: nearly all are, and a call for
 * each would show. */
static inline int pshm_python_is_short(PyObject *object) {
  if (!PyLong_Check(object))
    return 0;
#if PY_VERSION_HEX >= 0x030C0000
  return PyUnstable_Long_IsCompact((PyLongObject *)object);
#else
  return Py_SIZE(object) >= -1 && Py_SIZE(object) <= 1;
#endif
}

static inline int64_t pshm_python_from_short(PyObject *object) {
  const PyLongObject *number = (PyLongObject *)object;
#if PY_VERSION_HEX >= 0x030C0000
  return PyUnstable_Long_CompactValue(number);
#else
  Py_ssize_t sign = Py_SIZE(object); /* 0 may have no digit at all */
  return sign == 0 ? 0 : sign * (int64_t)number->ob_digit[0];
#endif
}

static int pshm_python_from_long(PyObject *object, polyshm_value *value) {
  int overflow;
  value->type = POLYSHM_INT;
  value->of.i = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow == 0)
    return value->of.i == -1 && PyErr_Occurred() ? -1 : 0;
  unsigned long long bits =
      overflow > 0 ? PyLong_AsUnsignedLongLong(object) : ULLONG_MAX;
  if (overflow < 0 || (bits == ULLONG_MAX && PyErr_Occurred())) {
    PyErr_Format(
        PyExc_OverflowError, "an integer does not fit into 64 bits: %R",
        object);
    return -1;
  }
  value->type = POLYSHM_UINT;
  value->of.i = (int64_t)bits;
  return 0;
}

static int pshm_python_take_integer(PyObject *object, polyshm_value *value) {
  if (PyLong_Check(object))
    return pshm_python_from_long(object, value);
  PyObject *number = PyNumber_Index(object);
  if (number == NULL)
    return -1;
  int failed = pshm_python_from_long(number, value);
  Py_DECREF(number);
  return failed;
}

/* The integers of numpy, say, round to floats without a word: they are taken as
 * what they are. Its arrays say that they are integers and may be none. */
static int pshm_python_take_float(PyObject *object, polyshm_value *value) {
  if (PyLong_Check(object))
    return pshm_python_from_long(object, value);
  if (!PyFloat_Check(object) && PyIndex_Check(object)) {
    if (pshm_python_take_integer(object, value) == 0)
      return 0;
    if (!PyErr_ExceptionMatches(PyExc_TypeError))
      return -1;
    PyErr_Clear();
  }
  value->type = POLYSHM_FLOAT;
  value->of.f = PyFloat_AsDouble(object);
  return value->of.f == -1 && PyErr_Occurred() ? -1 : 0;
}

static int pshm_python_to_pointer(PyObject *object, const void **out_address) {
  polyshm_value value;
  if (pshm_python_take_integer(object, &value) != 0)
    return -1;
  uintptr_t address = (uintptr_t)value.of.i;
  if ((value.type == POLYSHM_INT && value.of.i < 0) ||
      address != (uint64_t)value.of.i) {
    PyErr_Format(PyExc_OverflowError, "%R is no address", object);
    return -1;
  }
  *out_address = (const void *)address;
  return 0;
}

/* -------------------------------------------------------------------- blocks
 */

/* The element type of a struct format; VOID for bytes, -1 for what no parameter
 * takes. */
static int pshm_python_element(const Py_buffer *view) {
  static const uint8_t signeds[9] = {
      [1] = POLYSHM_TYPE_I8,
      [2] = POLYSHM_TYPE_I16,
      [4] = POLYSHM_TYPE_I32,
      [8] = POLYSHM_TYPE_I64};
  static const uint8_t unsigneds[9] = {
      [1] = POLYSHM_TYPE_VOID,
      [2] = POLYSHM_TYPE_U16,
      [4] = POLYSHM_TYPE_U32,
      [8] = POLYSHM_TYPE_U64};
  const char *format = view->format == NULL ? "B" : view->format;
  if (*format == '@' || *format == '=' ||
      *format == (PY_LITTLE_ENDIAN ? '<' : '>'))
    format++;
  if (format[0] == 0 || format[1] != 0 || view->itemsize > 8)
    return -1;
  switch (*format) {
  case 'd':
    return POLYSHM_TYPE_F64;
  case 'f':
    return POLYSHM_TYPE_F32;
  case 'b':
  case 'h':
  case 'i':
  case 'l':
  case 'q':
  case 'n':
    return signeds[view->itemsize];
  case 'B':
  case 'c':
  case '?':
  case 'H':
  case 'I':
  case 'L':
  case 'Q':
  case 'N':
    return unsigneds[view->itemsize];
  default:
    return -1;
  }
}

/* The block of one of our objects, borrowed; NULL for any other. */
static polyshm_block *pshm_python_block_of(PyObject *object) {
  if (!PyObject_TypeCheck(object, SwigPyObject_type()))
    return NULL;
  SwigPyObject *swig = (SwigPyObject *)object;
  return swig->ty == SWIGTYPE_p_polyshm_block ? swig->ptr : NULL;
}

/* One that was released points to what may be gone. */
static inline int pshm_python_is_released(PyObject *memoryview) {
  const PyMemoryViewObject *view = (PyMemoryViewObject *)memoryview;
  return (view->flags & _Py_MEMORYVIEW_RELEASED) ||
         (view->mbuf->flags & _Py_MANAGED_BUFFER_RELEASED);
}

enum { PSHM_PYTHON_BASES = 16 /* that arrays may have, one on another */ };

/* The block behind the exporter of a buffer: a memoryview's own, or what
 * numpy's arrays are made on. Borrowed from what keeps the buffer. */
static polyshm_block *pshm_python_base(PyObject *exporter, const void **begin) {
  polyshm_block *block = NULL;
  PyObject *object = exporter;
  Py_INCREF(object);
  for (int i = 0; i < PSHM_PYTHON_BASES && object != NULL; i++) {
    PyObject *base = NULL;
    if (Py_TYPE(object) == &pshm_python_pin_type) {
      block = ((pshm_python_pin *)object)->block;
      *begin = ((pshm_python_pin *)object)->address;
    } else if (PyMemoryView_Check(object)) {
      if (!pshm_python_is_released(object))
        base = PyMemoryView_GET_BASE(object);
      Py_XINCREF(base);
    } else {
      base = PyObject_GetAttrString(object, "base");
      if (base == NULL)
        PyErr_Clear();
    }
    Py_DECREF(object);
    object = base;
    if (block != NULL)
      break;
  }
  Py_XDECREF(object);
  return block;
}

/* A buffer as a view of the block that begins there. */
static int pshm_python_locate(
    const Py_buffer *buffer, uint32_t type, polyshm_block *block,
    const void *begin, polyshm_view *out_view) {
  int element = type == POLYSHM_TYPE_BUF ? POLYSHM_TYPE_VOID
                                         : pshm_python_element(buffer);
  if (element < 0) {
    PyErr_Format(
        PyExc_TypeError, "no [T] takes elements of format '%s'",
        buffer->format);
    return -1;
  }
  out_view->struct_size = sizeof *out_view;
  out_view->on.width = 0;
  out_view->on.block = block;
  /* Of nothing, an array may tell any address. */
  out_view->offset =
      buffer->len == 0
          ? 0
          : (uint64_t)((const char *)buffer->buf - (const char *)begin);
  out_view->nbytes = (uint64_t)buffer->len;
  out_view->element = (uint32_t)element;
  out_view->flags = buffer->readonly ? POLYSHM_READ_ONLY : 0;
  return 0;
}

/* What is no memoryview of ours. Once it is taken, the block's own pins keep it
 * where it is. */
static int pshm_python_take_buffer(
    PyObject *object, uint32_t type, polyshm_view *out_view) {
  Py_buffer buffer;
  int flags = PyBUF_ANY_CONTIGUOUS | PyBUF_FORMAT, failed = -1;
  if (!PyObject_CheckBuffer(object)) {
    PyErr_Format(
        PyExc_TypeError,
        "a block is a SharedMemory, or a memoryview or array on one, not "
        "%.200s",
        Py_TYPE(object)->tp_name);
    return -1;
  }
  if (PyObject_GetBuffer(object, &buffer, flags) != 0)
    return -1;
  const void *begin = NULL;
  polyshm_block *block = pshm_python_base(object, &begin);
  if (block == NULL)
    PyErr_Format(
        PyExc_TypeError, "this %.200s is not on a SharedMemory",
        Py_TYPE(object)->tp_name);
  else
    failed = pshm_python_locate(&buffer, type, block, begin, out_view);
  PyBuffer_Release(&buffer);
  return failed;
}

/* A memoryview of ours, without the ceremony; 0 if it is none. */
static inline int pshm_python_is_ours(PyObject *object) {
  if (!PyMemoryView_Check(object))
    return 0;
  const PyMemoryViewObject *view = (PyMemoryViewObject *)object;
  return !pshm_python_is_released(object) &&
         (view->flags & (_Py_MEMORYVIEW_C | _Py_MEMORYVIEW_FORTRAN)) &&
         view->view.obj != NULL &&
         Py_TYPE(view->view.obj) == &pshm_python_pin_type;
}

static void pshm_python_take_bytes(PyObject *object, polyshm_value *value) {
  value->type = POLYSHM_BYTES;
  value->of.p = PyBytes_AS_STRING(object);
  value->size = (uint64_t)PyBytes_GET_SIZE(object);
}

static int pshm_python_take_block(
    PyObject *object, uint32_t type, polyshm_value *value, polyshm_view *view) {
  if (pshm_python_is_ours(object)) {
    const Py_buffer *buffer = PyMemoryView_GET_BUFFER(object);
    const pshm_python_pin *pin = (pshm_python_pin *)buffer->obj;
    value->type = POLYSHM_VIEW;
    value->of.p = view;
    return pshm_python_locate(buffer, type, pin->block, pin->address, view);
  }
  polyshm_block *block = pshm_python_block_of(object);
  if (block == NULL && PyBytes_Check(object)) {
    pshm_python_take_bytes(object, value);
    return 0;
  }
  value->type = POLYSHM_VIEW;
  value->of.p = view;
  if (block == NULL)
    return pshm_python_take_buffer(object, type, view);
  *view = (polyshm_view){
      .struct_size = sizeof *view,
      .on.block = block,
      .nbytes = polyshm_block_size(block)};
  return 0;
}

/* ------------------------------------------------------------ the other types
 */

static int pshm_python_take_string(PyObject *object, polyshm_value *value) {
  if (PyBytes_Check(object)) {
    pshm_python_take_bytes(object, value);
    return 0;
  }
  if (!PyUnicode_Check(object)) {
    PyErr_Format(
        PyExc_TypeError, "a string is str or bytes, not %.200s",
        Py_TYPE(object)->tp_name);
    return -1;
  }
  Py_ssize_t size;
  value->type = POLYSHM_STRING;
  value->of.p = PyUnicode_AsUTF8AndSize(object, &size);
  value->size = (uint64_t)size;
  return value->of.p == NULL ? -1 : 0;
}

/* The callback's handle; NULL with an exception if it was freed. */
static polyshm_callback *pshm_python_callback_of(PyObject *object) {
  const pshm_python_callback *callback = (pshm_python_callback *)object;
  if (callback->callback != NULL && !callback->is_freed)
    return callback->callback;
  PyErr_SetString(PyExc_ValueError, "the callback has been freed");
  return NULL;
}

static int pshm_python_take_pointer(PyObject *object, polyshm_value *value) {
  value->type = POLYSHM_POINTER;
  if (object == Py_None) {
    value->type = POLYSHM_NONE;
    return 0;
  }
  if (PyLong_Check(object))
    return pshm_python_to_pointer(object, &value->of.p);
  if (Py_TYPE(object) == &pshm_python_callback_type) {
    polyshm_callback *callback = pshm_python_callback_of(object);
    void *address = NULL;
    polyshm_callback_address(callback, &address);
    value->of.p = address;
    return callback == NULL ? -1 : 0;
  }
  PyErr_Format(
      PyExc_TypeError, "a pointer is an int or None, not %.200s",
      Py_TYPE(object)->tp_name);
  return -1;
}

static int pshm_python_take_function(PyObject *object, polyshm_value *value) {
  value->type = POLYSHM_CALLBACK;
  value->of.p = NULL;
  if (Py_TYPE(object) == &pshm_python_callback_type) {
    value->of.p = pshm_python_callback_of(object);
    return value->of.p == NULL ? -1 : 0;
  }
  if (PyCallable_Check(object))
    return 0;
  value->type = POLYSHM_POINTER;
  if (PyLong_Check(object))
    return pshm_python_to_pointer(object, &value->of.p);
  PyErr_Format(
      PyExc_TypeError, "a function is a callable or an int, not %.200s",
      Py_TYPE(object)->tp_name);
  return -1;
}

/* Apart from the calls' loop, which needs the registers. */
__attribute__((noinline)) static int pshm_python_take_any(
    PyObject *object, uint32_t type, polyshm_value *value, polyshm_view *view) {
  switch (type) {
  case POLYSHM_TYPE_BUF:
  case POLYSHM_TYPE_ARRAY:
    return pshm_python_take_block(object, type, value, view);
  case POLYSHM_TYPE_FN:
    return pshm_python_take_function(object, value);
  case POLYSHM_TYPE_PTR:
    return pshm_python_take_pointer(object, value);
  case POLYSHM_TYPE_STR:
    return pshm_python_take_string(object, value);
  case POLYSHM_TYPE_F32:
  case POLYSHM_TYPE_F64:
    return pshm_python_take_float(object, value);
  default:
    return pshm_python_take_integer(object, value);
  }
}

static inline int pshm_python_take_argument(
    PyObject *object, uint32_t type, polyshm_value *value, polyshm_view *view) {
  if (type > POLYSHM_TYPE_F64 || !pshm_python_is_short(object))
    return pshm_python_take_any(object, type, value, view);
  value->type = POLYSHM_INT;
  value->of.i = pshm_python_from_short(object);
  return 0;
}

/* C strings need not be UTF-8; os.fsencode() gives them back. */
static inline PyObject *pshm_python_from_native(const polyshm_value *value) {
  if (value->type == POLYSHM_INT) /* most of all */
    return PyLong_FromLongLong(value->of.i);
  switch (value->type) {
  case POLYSHM_UINT:
    return PyLong_FromUnsignedLongLong((uint64_t)value->of.i);
  case POLYSHM_FLOAT:
    return PyFloat_FromDouble(value->of.f);
  case POLYSHM_POINTER:
    return PyLong_FromVoidPtr((void *)value->of.p);
  case POLYSHM_STRING:
    return PyUnicode_DecodeUTF8(
        value->of.p, (Py_ssize_t)value->size, "surrogateescape");
  default:
    Py_RETURN_NONE;
  }
}

#endif
