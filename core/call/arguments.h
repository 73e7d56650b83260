/* SPDX-License-Identifier: MIT */
/* Functions, and the arguments of their calls. */
#ifndef POLYSHM_CALL_ARGUMENTS_H
#define POLYSHM_CALL_ARGUMENTS_H

#include "polyshm.h"
#include "call/callback.h"
#include "call/convert.h"
#include "call/registers.h"
#include "base/port.h"
#include "base/signature.h"

#include <stdbool.h>

/* A function that a function takes. */
typedef struct pshm_function_callee {
  pshm_closure closure;
  const polyshm_function *function;
  uint32_t number; /* among those of the function */
  uint32_t place;  /* of its value */
} pshm_function_callee;

struct polyshm_function {
  pshm_grave grave; /* first: it is found by this */
  ffi_cif cif;
  void (*code)(void);
  polyshm_list *list; /* the guard, or NULL */
  int64_t timeout;
  pshm_signature signature;
  ffi_type *types[PSHM_SIGNATURE_PARAMETERS];
  pshm_registers registers;
  bool is_plain; /* registers are enough, and its arguments are plain */
  pshm_function_callee callees[];
};

/* What a call has gathered. */
typedef struct pshm_arguments {
  pshm_slot slots[PSHM_SIGNATURE_PARAMETERS];
  void *addresses[PSHM_SIGNATURE_PARAMETERS]; /* of the slots */
  uint64_t nbytes[PSHM_SIGNATURE_PARAMETERS]; /* of blocks */
  polyshm_block *pins[PSHM_SIGNATURE_PARAMETERS];
  uint32_t npins;
  uint32_t asked; /* bit i: callee i calls fn */
} pshm_arguments;

/* Convert the values, which are as many as it takes, and pin their blocks. If
 * it fails, what has been pinned is still to be unpinned. */
polyshm_status pshm_arguments_gather(
    const polyshm_function *function, const polyshm_value *values, bool has_fn,
    pshm_arguments *arguments);

/* Whether all parameters are numbers and addresses: what is neither pinned nor
 * filled in nor called back. */
bool pshm_arguments_are_plain(const pshm_signature *signature);

/* All that there is to do for a function that is plain. */
static inline polyshm_status pshm_arguments_gather_plain(
    const polyshm_function *function, const polyshm_value *values,
    pshm_slot *slots) {
  const pshm_signature *signature = &function->signature;
  pshm_registers_clear(&function->registers, slots);
  for (unsigned i = 0; i < signature->nparameters; i++) {
    polyshm_status status = pshm_convert_quickly_in(
        signature->parameters[i].type, &values[i], i + 1,
        &slots[function->registers.places[i]]);
    if (PSHM_UNLIKELY(status != POLYSHM_OK))
      return status;
  }
  return POLYSHM_OK;
}

#endif
