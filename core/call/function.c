/* SPDX-License-Identifier: MIT */
/*
 * Functions of shared libraries.
 *
 * All that can be prepared is, when a function is opened: the signature, the
 * types for libffi, a closure for each function that it takes. A call uses the
 * stack alone. It converts the values and pins the blocks, in the order of the
 * parameters, and calls only if all of them are right.
 */
#include "polyshm.h"
#include "call/arguments.h"
#include "call/callback.h"
#include "shm/lock.h"
#include "os/os.h"
#include "base/error.h"
#include "base/port.h"
#include "base/signature.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static polyshm_status fail_null(void) {
  return pshm_error_set(
      POLYSHM_E_INVALID, "the function or an argument of the call is NULL");
}

/* ----------------------------------------------------------------- opening */

static void run_callee(
    ffi_cif *cif, void *result, void **arguments, void *context) {
  (void)cif;
  const pshm_function_callee *callee = context;
  pshm_thread *thread = pshm_thread_here();
  pshm_frame *frame = pshm_thread_find(thread, callee->function);
  bool is_awaited = frame != NULL && frame->status == POLYSHM_OK &&
                    (frame->asked & 1u << callee->number);
  if (PSHM_LIKELY(is_awaited && frame == thread->innermost)) {
    pshm_frame_call(
        frame, frame->fn, frame->userdata, callee->place,
        &callee->closure.callee, result, arguments);
    return;
  }
  pshm_frame_answer_zero(&callee->closure.callee, result);
  if (is_awaited)
    pshm_frame_fail(
        frame, pshm_error_set(
                   POLYSHM_E_UNSUPPORTED,
                   "a function that is one native call's was called from "
                   "inside another"));
}

/* Where closures are refused, native functions can still be passed. */
static void prepare_callees(polyshm_function *function) {
  const pshm_signature *signature = &function->signature;
  pshm_error before;
  pshm_error_save(&before);
  uint32_t place = 0;
  for (int i = 0; i < signature->nparameters; i++) {
    const pshm_parameter *parameter = &signature->parameters[i];
    if (parameter->type == POLYSHM_TYPE_FN) {
      pshm_function_callee *callee = &function->callees[parameter->other];
      callee->function = function;
      callee->number = parameter->other;
      callee->place = place;
      if (pshm_closure_open(
              &callee->closure, &signature->callees[parameter->other],
              run_callee, callee) != POLYSHM_OK)
        pshm_error_restore(&before);
    }
    place += !pshm_signature_is_filled(parameter->type);
  }
}

polyshm_status polyshm_function_at(
    const void *address, const char *signature,
    polyshm_function **out_function) {
  if (address == NULL || out_function == NULL)
    return fail_null();
  pshm_signature parsed;
  polyshm_status status = pshm_signature_parse(signature, &parsed);
  if (status != POLYSHM_OK)
    return status;

  polyshm_function *function = calloc(
      1, sizeof *function + parsed.ncallees * sizeof(pshm_function_callee));
  if (function == NULL)
    return pshm_error_set(
        POLYSHM_E_MEMORY, "no memory for a handle of a function");
  memcpy(&function->code, &address, sizeof address);
  function->signature = parsed;
  pshm_registers_assign(&function->registers, &parsed);
  function->is_plain =
      function->registers.are_enough && pshm_arguments_are_plain(&parsed);
  for (int i = 0; i < parsed.nparameters; i++)
    function->types[i] = pshm_convert_type(parsed.parameters[i].type);
  if (ffi_prep_cif(
          &function->cif, FFI_DEFAULT_ABI, parsed.nparameters,
          pshm_convert_type(parsed.result), function->types) != FFI_OK) {
    free(function);
    return pshm_error_set(
        POLYSHM_E_UNSUPPORTED, "libffi refuses the signature '%s'", signature);
  }
  prepare_callees(function);
  *out_function = function;
  return POLYSHM_OK;
}

polyshm_status polyshm_function_find(
    const char *path, const char *symbol, void **out_address) {
  return out_address == NULL ? fail_null()
                             : os_library_find(path, symbol, out_address);
}

polyshm_status polyshm_function_open(
    const char *path, const char *symbol, const char *signature,
    polyshm_function **out_function) {
  if (symbol == NULL || out_function == NULL)
    return fail_null();
  pshm_signature parsed; /* a wrong one loads nothing */
  void *address;
  polyshm_status status = pshm_signature_parse(signature, &parsed);
  if (status == POLYSHM_OK)
    status = os_library_find(path, symbol, &address);
  return status == POLYSHM_OK
             ? polyshm_function_at(address, signature, out_function)
             : status;
}

static void release(pshm_grave *grave) {
  polyshm_function *function = (polyshm_function *)grave;
  for (int i = 0; i < function->signature.ncallees; i++)
    pshm_closure_close(&function->callees[i].closure);
  if (function->list != NULL)
    pshm_list_let_go(function->list);
  free(function);
}

/* Without callees, nobody outside its own calls can know of it. */
void polyshm_function_free(polyshm_function *function) {
  if (function == NULL)
    return;
  if (function->signature.ncallees == 0 &&
      pshm_thread_find(pshm_thread_here(), function) == NULL)
    release(&function->grave);
  else
    pshm_grave_release(&function->grave, release);
}

/* ---------------------------------------------------------- what it tells */

uint64_t polyshm_function_length(const polyshm_function *function) {
  return function == NULL ? 0 : function->signature.ninputs;
}

polyshm_status polyshm_function_parameter(
    const polyshm_function *function, uint64_t index, uint32_t *out_type) {
  if (function == NULL || out_type == NULL)
    return fail_null();
  uint64_t left = index;
  for (int i = 0; i < function->signature.nparameters; i++) {
    uint32_t type = function->signature.parameters[i].type;
    if (!pshm_signature_is_filled(type) && left-- == 0) {
      *out_type = type;
      return POLYSHM_OK;
    }
  }
  return pshm_error_set(
      POLYSHM_E_RANGE, "a call takes %u values, so there is no number %llu",
      function->signature.ninputs, (unsigned long long)index);
}

polyshm_status polyshm_function_userdata(
    polyshm_callback_fn fn, void **out_userdata) {
  if (fn == NULL || out_userdata == NULL)
    return fail_null();
  pshm_frame *frame = pshm_thread_here()->innermost;
  while (frame != NULL && frame->fn != fn)
    frame = frame->outer;
  if (frame == NULL)
    return pshm_error_set(
        POLYSHM_E_NOT_FOUND, "this thread is in no such native call");
  *out_userdata = frame->userdata;
  return POLYSHM_OK;
}

int32_t polyshm_function_errno(void) {
  return pshm_thread_here()->last_errno;
}

polyshm_status polyshm_function_guard(
    polyshm_function *function, polyshm_list *list, int64_t timeout) {
  if (function == NULL)
    return fail_null();
  if (list != NULL)
    pshm_list_hold(list);
  if (function->list != NULL)
    pshm_list_let_go(function->list);
  function->list = list;
  function->timeout = timeout;
  return POLYSHM_OK;
}

/* ----------------------------------------------------------------- calling */

/* Take the guard; *out_taken tells whether it has to be given back. */
PSHM_NOINLINE static polyshm_status take_guard(
    const polyshm_function *function, bool *out_taken) {
  polyshm_list *list = function->list;
  uint64_t dead;
  pshm_error before;
  pshm_error_save(&before);
  *out_taken = false;
  polyshm_status status = pshm_lock_take(list, function->timeout, &dead);
  if (status == POLYSHM_E_BUSY) { /* this thread has it already */
    pshm_error_restore(&before);
    return POLYSHM_OK;
  }
  if (status == POLYSHM_OK && dead != 0) {
    pshm_lock_give_back(list, dead);
    return pshm_error_set(
        POLYSHM_E_BUSY,
        "the last holder of the lock of the list '%s' died with it: lock the "
        "list and put it in order",
        polyshm_block_name(polyshm_list_block(list)));
  }
  *out_taken = status == POLYSHM_OK;
  return status;
}

/* A callback may have unlocked the list, and another may have it by now. */
static void give_guard_back(polyshm_list *list) {
  pshm_error before;
  pshm_error_save(&before);
  if (polyshm_list_unlock(list) != POLYSHM_OK)
    pshm_error_restore(&before);
}

/* Without addresses, the slots are those of registers. It is laid out where it
 * is used: of a plain call, it is the greater part. */
PSHM_INLINE polyshm_status invoke(
    const polyshm_function *function, const pshm_slot *slots, void **addresses,
    uint32_t asked, polyshm_callback_fn fn, void *userdata,
    polyshm_value *out_value) {
  pshm_thread *thread = pshm_thread_here();
  uint32_t type = function->signature.result;
  pshm_frame frame;
  pshm_result result;
  pshm_frame_enter(thread, &frame, function, fn, userdata, asked);
  errno = 0;
  if (addresses == NULL)
    pshm_registers_call(
        &function->registers, function->code, type, slots, &result);
  else
    ffi_call((ffi_cif *)&function->cif, function->code, &result, addresses);
  thread->last_errno = errno;
  pshm_frame_leave(thread, &frame);
  if (PSHM_LIKELY(frame.status == POLYSHM_OK) && out_value != NULL)
    pshm_convert_quickly_result(type, &result, out_value);
  return frame.status;
}

static inline polyshm_status invoke_gathered(
    const polyshm_function *function, pshm_arguments *arguments,
    polyshm_callback_fn fn, void *userdata, polyshm_value *out_value) {
  void **addresses =
      function->registers.are_enough ? NULL : arguments->addresses;
  return invoke(
      function, arguments->slots, addresses, arguments->asked, fn, userdata,
      out_value);
}

/* The list is pinned, so that it is not closed from a callback or beside us. */
PSHM_NOINLINE static polyshm_status invoke_guarded(
    const polyshm_function *function, pshm_arguments *arguments,
    polyshm_callback_fn fn, void *userdata, polyshm_value *out_value) {
  polyshm_list *list = function->list;
  polyshm_block *block = polyshm_list_block(list);
  void *address;
  uint64_t size;
  bool is_taken = false;
  pshm_list_hold(list); /* a callback may change the guard */
  polyshm_status status = polyshm_block_pin(block, &address, &size);
  if (status != POLYSHM_OK) {
    pshm_list_let_go(list);
    return status;
  }
  status = take_guard(function, &is_taken);
  if (status == POLYSHM_OK)
    status = invoke_gathered(function, arguments, fn, userdata, out_value);
  if (is_taken)
    give_guard_back(list);
  polyshm_block_unpin(block);
  pshm_list_let_go(list);
  return status;
}

static polyshm_status call_plain(
    const polyshm_function *function, const polyshm_value *values,
    polyshm_callback_fn fn, void *userdata, polyshm_value *out_value) {
  pshm_slot slots[PSHM_SIGNATURE_PARAMETERS];
  polyshm_status status = pshm_arguments_gather_plain(function, values, slots);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  return invoke(function, slots, NULL, 0, fn, userdata, out_value);
}

PSHM_NOINLINE static polyshm_status call_any(
    const polyshm_function *function, const polyshm_value *values,
    polyshm_callback_fn fn, void *userdata, polyshm_value *out_value) {
  pshm_arguments arguments;
  arguments.npins = 0;
  arguments.asked = 0;
  polyshm_status status =
      pshm_arguments_gather(function, values, fn != NULL, &arguments);
  if (PSHM_LIKELY(status == POLYSHM_OK))
    status =
        function->list == NULL
            ? invoke_gathered(function, &arguments, fn, userdata, out_value)
            : invoke_guarded(function, &arguments, fn, userdata, out_value);
  for (uint32_t i = 0; i < arguments.npins; i++)
    polyshm_block_unpin(arguments.pins[i]);
  return status;
}

polyshm_status polyshm_function_call(
    const polyshm_function *function, const polyshm_value *values,
    uint64_t nvalues, polyshm_callback_fn fn, void *userdata,
    polyshm_value *out_value) {
  if (PSHM_UNLIKELY(function == NULL || (values == NULL && nvalues != 0)))
    return fail_null();
  if (PSHM_UNLIKELY(nvalues != function->signature.ninputs))
    return pshm_error_set(
        POLYSHM_E_INVALID, "the function takes %u value%s, not %llu",
        function->signature.ninputs,
        function->signature.ninputs == 1 ? "" : "s",
        (unsigned long long)nvalues);
  return function->is_plain && function->list == NULL
             ? call_plain(function, values, fn, userdata, out_value)
             : call_any(function, values, fn, userdata, out_value);
}
