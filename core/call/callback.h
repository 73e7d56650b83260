/* SPDX-License-Identifier: MIT */
/*
 * Calls from native code: the closures that take them, and the frames that say
 * whether anybody may be called back now.
 */
#ifndef POLYSHM_CALL_CALLBACK_H
#define POLYSHM_CALL_CALLBACK_H

#include "polyshm.h"
#include "call/convert.h"
#include "base/error.h"
#include "base/port.h"
#include "base/signature.h"

/* A function in memory of libffi's, and what it needs to take calls. */
typedef struct pshm_closure {
  ffi_cif cif;
  ffi_type *types[PSHM_SIGNATURE_CALLEE_TAKES];
  pshm_callee callee;
  ffi_closure *memory; /* NULL if there is none */
  void *code;
} pshm_closure;

typedef void pshm_closure_fn(
    ffi_cif *cif, void *result, void **arguments, void *context);

/* Prepare it; `run` is called with `context`. POLYSHM_E_UNSUPPORTED if the
 * system refuses the memory. */
polyshm_status pshm_closure_open(
    pshm_closure *closure, const pshm_callee *callee, pshm_closure_fn *run,
    void *context);
void pshm_closure_close(pshm_closure *closure);

/* A native call that a thread is in. */
typedef struct pshm_frame {
  struct pshm_frame *outer;
  uint32_t asked;        /* bit i: callee i may call fn */
  polyshm_status status; /* of the callback that failed */
  const polyshm_function *function;
  polyshm_callback_fn fn;
  void *userdata;
  pshm_error error; /* why, if that was */
} pshm_frame;

/* What native code may still call: it is released when the thread's outermost
 * frame ends. */
typedef struct pshm_grave {
  struct pshm_grave *next;
  void (*release)(struct pshm_grave *grave);
} pshm_grave;

/* What is known of a thread. */
typedef struct pshm_thread {
  pshm_frame *innermost;
  pshm_grave *graves;
  int32_t last_errno; /* of its last native call */
} pshm_thread;

/* This one. */
pshm_thread *pshm_thread_here(void);

/* The innermost of its frames that is of this function. */
pshm_frame *pshm_thread_find(
    const pshm_thread *thread, const polyshm_function *function);

/* Let it go now, if this thread is in no native call. */
void pshm_grave_release(pshm_grave *grave, void (*release)(pshm_grave *grave));

/* Not initialised as a whole: the error is large, and rarely used. */
static inline void pshm_frame_enter(
    pshm_thread *thread, pshm_frame *frame, const polyshm_function *function,
    polyshm_callback_fn fn, void *userdata, uint32_t asked) {
  frame->outer = thread->innermost;
  frame->asked = asked;
  frame->status = POLYSHM_OK;
  frame->function = function;
  frame->fn = fn;
  frame->userdata = userdata;
  thread->innermost = frame;
}

/* The failure that callbacks have left becomes the thread's last. */
PSHM_COLD void pshm_frame_finish(pshm_thread *thread, const pshm_frame *frame);

static inline void pshm_frame_leave(pshm_thread *thread, pshm_frame *frame) {
  thread->innermost = frame->outer;
  if (PSHM_UNLIKELY(thread->graves != NULL || frame->status != POLYSHM_OK))
    pshm_frame_finish(thread, frame);
}

/* Call fn for native code, and give that its answer. */
void pshm_frame_call(
    pshm_frame *frame, polyshm_callback_fn fn, void *userdata,
    uint64_t parameter, const pshm_callee *callee, void *result,
    void **arguments);

/* Note this thread's last failure as the callback's, and end the callbacks. */
PSHM_COLD void pshm_frame_fail(pshm_frame *frame, polyshm_status status);

/* What native code gets when nobody is called. */
void pshm_frame_answer_zero(const pshm_callee *callee, void *result);

/* The code of a callback if it has this signature. */
polyshm_status pshm_callback_code(
    const polyshm_callback *callback, const pshm_callee *wanted, unsigned place,
    const void **out_code);

#endif
