/* SPDX-License-Identifier: MIT */
/*
 * Calls from native code.
 *
 * Each thread knows the native calls that it is in, as a chain of frames on its
 * stack. Who calls back without any is a thread that nobody here started a call
 * on, or comes too late, and gets zero; who calls after a failure gets zero,
 * too, so that the call comes to its end and the failure can be told.
 *
 * What is freed inside a native call may be what that call was given, and will
 * use again: it is put aside until the thread's outermost call has ended.
 */
#include "call/callback.h"

#include "base/port.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local pshm_thread here;

/* ---------------------------------------------------------------- closures */

static polyshm_status fail_closure(void) {
  return pshm_error_set(
      POLYSHM_E_UNSUPPORTED,
      "this system forbids the memory that callbacks need");
}

polyshm_status pshm_closure_open(
    pshm_closure *closure, const pshm_callee *callee, pshm_closure_fn *run,
    void *context) {
  closure->callee = *callee;
  closure->code = NULL;
  closure->memory = NULL;
  for (int i = 0; i < callee->nparameters; i++)
    closure->types[i] = callee->parameters[i].is_read
                            ? &ffi_type_pointer
                            : pshm_convert_type(callee->parameters[i].type);
  ffi_type *result = pshm_convert_type(callee->result);
  if (ffi_prep_cif(
          &closure->cif, FFI_DEFAULT_ABI, callee->nparameters, result,
          closure->types) != FFI_OK)
    return pshm_error_set(
        POLYSHM_E_UNSUPPORTED, "libffi refuses the callback's signature");

  closure->memory = ffi_closure_alloc(sizeof *closure->memory, &closure->code);
  if (closure->memory == NULL)
    return fail_closure();
  if (ffi_prep_closure_loc(
          closure->memory, &closure->cif, run, context, closure->code) !=
      FFI_OK) {
    pshm_closure_close(closure);
    return fail_closure();
  }
  return POLYSHM_OK;
}

void pshm_closure_close(pshm_closure *closure) {
  if (closure->memory != NULL)
    ffi_closure_free(closure->memory);
  closure->memory = NULL;
}

static void run_nothing(
    ffi_cif *cif, void *result, void **arguments, void *context) {
  (void)cif;
  (void)result;
  (void)arguments;
  (void)context;
}

uint32_t polyshm_features(void) {
  static _Atomic uint32_t known; /* 0 is not yet */
  uint32_t features = atomic_load(&known);
  if (features != 0)
    return features;
  pshm_error before;
  pshm_error_save(&before);
  const pshm_callee nothing = {.result = POLYSHM_TYPE_VOID};
  pshm_closure closure;
  features = POLYSHM_FEATURE_CALL;
  if (pshm_closure_open(&closure, &nothing, run_nothing, NULL) == POLYSHM_OK) {
    features |= POLYSHM_FEATURE_CALLBACKS;
    pshm_closure_close(&closure);
  }
  pshm_error_restore(&before);
  atomic_store(&known, features);
  return features;
}

/* ------------------------------------------------------------------ frames */

pshm_thread *pshm_thread_here(void) {
  return &here;
}

pshm_frame *pshm_thread_find(
    const pshm_thread *thread, const polyshm_function *function) {
  pshm_frame *frame = thread->innermost;
  while (frame != NULL && frame->function != function)
    frame = frame->outer;
  return frame;
}

/* A release may make calls of its own. */
void pshm_frame_finish(pshm_thread *thread, const pshm_frame *frame) {
  while (thread->graves != NULL && thread->innermost == NULL) {
    pshm_grave *grave = thread->graves;
    thread->graves = grave->next;
    grave->release(grave);
  }
  if (frame->status != POLYSHM_OK)
    pshm_error_restore(&frame->error);
}

void pshm_grave_release(pshm_grave *grave, void (*release)(pshm_grave *grave)) {
  if (here.innermost == NULL) {
    release(grave);
    return;
  }
  grave->release = release;
  grave->next = here.graves;
  here.graves = grave;
}

void pshm_frame_answer_zero(const pshm_callee *callee, void *result) {
  if (callee->result == POLYSHM_TYPE_VOID)
    return;
  uint32_t width = pshm_signature_width(callee->result);
  memset(result, 0, width > sizeof(ffi_arg) ? width : sizeof(ffi_arg));
}

/* What the argument means: its content, or the number at its address. */
static void take_argument(
    uint32_t type, bool is_read, const void *argument,
    polyshm_value *out_value) {
  const void *at = argument;
  if (is_read)
    memcpy(&at, argument, sizeof at);
  if (at == NULL)
    *out_value = (polyshm_value){.type = POLYSHM_NONE};
  else
    pshm_convert_out(type, at, out_value);
}

void pshm_frame_fail(pshm_frame *frame, polyshm_status status) {
  frame->status = status < 0 ? status : POLYSHM_E_INVALID;
  pshm_error_save(&frame->error);
}

void pshm_frame_call(
    pshm_frame *frame, polyshm_callback_fn fn, void *userdata,
    uint64_t parameter, const pshm_callee *callee, void *result,
    void **arguments) {
  polyshm_value values[PSHM_SIGNATURE_CALLEE_TAKES];
  for (int i = 0; i < callee->nparameters; i++)
    take_argument(
        callee->parameters[i].type, callee->parameters[i].is_read, arguments[i],
        &values[i]);

  polyshm_value answer = {.type = pshm_convert_kind(callee->result)};
  polyshm_status status =
      fn(parameter, values, callee->nparameters, &answer, userdata);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    pshm_error_set(
        status, "a callback failed with %s", polyshm_status_name(status));
  else if (
      callee->result == POLYSHM_TYPE_I32 && answer.type == POLYSHM_INT &&
      answer.of.i == (int32_t)answer.of.i)
    *(ffi_arg *)result = (ffi_arg)answer.of.i; /* comparisons, most often */
  else
    status = pshm_convert_answer(callee->result, &answer, result);
  if (PSHM_UNLIKELY(status != POLYSHM_OK)) {
    pshm_frame_fail(frame, status);
    pshm_frame_answer_zero(callee, result);
  }
}

/* --------------------------------------------------------------- callbacks */

struct polyshm_callback {
  pshm_grave grave; /* first: it is found by this */
  pshm_closure closure;
  polyshm_callback_fn fn;
  void *userdata;
  polyshm_free_fn free_userdata;
  bool is_freed; /* but native code may not know */
};

static void release(pshm_grave *grave) {
  polyshm_callback *callback = (polyshm_callback *)grave;
  pshm_closure_close(&callback->closure);
  if (callback->free_userdata != NULL)
    callback->free_userdata(callback->userdata);
  free(callback);
}

static void run(ffi_cif *cif, void *result, void **arguments, void *context) {
  (void)cif;
  polyshm_callback *callback = context;
  pshm_frame *frame = here.innermost;
  if (frame == NULL || frame->status != POLYSHM_OK || callback->is_freed)
    pshm_frame_answer_zero(&callback->closure.callee, result);
  else
    pshm_frame_call(
        frame, callback->fn, callback->userdata, UINT64_MAX,
        &callback->closure.callee, result, arguments);
}

polyshm_status polyshm_callback_open(
    const char *signature, polyshm_callback_fn fn, void *userdata,
    polyshm_free_fn free_userdata, polyshm_callback **out_callback) {
  if (fn == NULL || out_callback == NULL)
    return pshm_error_set(
        POLYSHM_E_INVALID, "the function or an output of the call is NULL");
  pshm_callee callee;
  polyshm_status status = pshm_signature_parse_callee(signature, &callee);
  if (status != POLYSHM_OK)
    return status;
  polyshm_callback *callback = calloc(1, sizeof *callback);
  if (callback == NULL)
    return pshm_error_set(
        POLYSHM_E_MEMORY, "no memory for a handle of a callback");
  status = pshm_closure_open(&callback->closure, &callee, run, callback);
  if (status != POLYSHM_OK) {
    free(callback);
    return status;
  }
  callback->fn = fn;
  callback->userdata = userdata;
  callback->free_userdata = free_userdata;
  *out_callback = callback;
  return POLYSHM_OK;
}

polyshm_status polyshm_callback_address(
    const polyshm_callback *callback, void **out_address) {
  if (callback == NULL || out_address == NULL)
    return pshm_error_set(
        POLYSHM_E_INVALID, "the callback or an output of the call is NULL");
  *out_address = callback->closure.code;
  return POLYSHM_OK;
}

void polyshm_callback_free(polyshm_callback *callback) {
  if (callback == NULL || callback->is_freed)
    return;
  callback->is_freed = true;
  pshm_grave_release(&callback->grave, release);
}

static bool is_same(const pshm_callee *one, const pshm_callee *other) {
  if (one->result != other->result || one->nparameters != other->nparameters)
    return false;
  for (int i = 0; i < one->nparameters; i++)
    if (one->parameters[i].type != other->parameters[i].type ||
        one->parameters[i].is_read != other->parameters[i].is_read)
      return false;
  return true;
}

polyshm_status pshm_callback_code(
    const polyshm_callback *callback, const pshm_callee *wanted, unsigned place,
    const void **out_code) {
  if (callback->is_freed)
    return pshm_error_set(
        POLYSHM_E_INVALID, "value %u is a callback that was freed", place);
  if (!is_same(&callback->closure.callee, wanted))
    return pshm_error_set(
        POLYSHM_E_TYPE,
        "value %u is a callback of another signature than its parameter",
        place);
  *out_code = callback->closure.code;
  return POLYSHM_OK;
}
