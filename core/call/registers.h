/* SPDX-License-Identifier: MIT */
/*
 * Calls without libffi.
 *
 * On x86-64 (System V) and AArch64, integers and addresses go into registers of
 * one kind and floats into registers of another, each in their own order, and
 * nothing else matters to a function whose arguments all fit there. So a call
 * that fills all of these registers is right for every such function: those
 * that it does not take it does not look at. libffi finds out at each call what
 * goes where, which takes longer than all that we do for it.
 */
#ifndef POLYSHM_CALL_REGISTERS_H
#define POLYSHM_CALL_REGISTERS_H

#include "call/convert.h"
#include "base/port.h"
#include "base/signature.h"

#include <string.h>

#if defined __LP64__ && defined __x86_64__
enum { PSHM_REGISTERS_GENERAL = 6, PSHM_REGISTERS_FLOAT = 8 };
#elif defined __LP64__ && defined __aarch64__ && !defined __AARCH64EB__
enum { PSHM_REGISTERS_GENERAL = 8, PSHM_REGISTERS_FLOAT = 8 };
#else
enum { PSHM_REGISTERS_GENERAL = 0, PSHM_REGISTERS_FLOAT = 0 };
#endif

enum { PSHM_REGISTERS = PSHM_REGISTERS_GENERAL + PSHM_REGISTERS_FLOAT };

/* Which slots the arguments of a function go to. */
typedef struct pshm_registers {
  bool are_enough; /* otherwise the slots are the parameters' own */
  bool has_floats;
  uint8_t places[PSHM_SIGNATURE_PARAMETERS];
} pshm_registers;

static inline void pshm_registers_assign(
    pshm_registers *registers, const pshm_signature *signature) {
  int general = 0, floats = 0, last = signature->nparameters;
  for (int i = 0; i < last; i++) {
    bool is_float = pshm_signature_is_float(signature->parameters[i].type);
    int place = is_float ? PSHM_REGISTERS_GENERAL + floats++ : general++;
    registers->places[i] = (uint8_t)place;
  }
  registers->has_floats = floats != 0;
  registers->are_enough = PSHM_REGISTERS != 0 &&
                          general <= PSHM_REGISTERS_GENERAL &&
                          floats <= PSHM_REGISTERS_FLOAT;
  for (int i = 0; i < last && !registers->are_enough; i++)
    registers->places[i] = (uint8_t)i;
}

/* A call loads them all. */
static inline void pshm_registers_clear(
    const pshm_registers *registers, pshm_slot *slots) {
  memset(slots, 0, PSHM_REGISTERS_GENERAL * sizeof *slots);
  if (registers->has_floats)
    memset(
        slots + PSHM_REGISTERS_GENERAL, 0,
        PSHM_REGISTERS_FLOAT * sizeof *slots);
}

#if defined __LP64__ && defined __x86_64__
#define PSHM_GENERAL_TYPES                                                     \
  uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
#define PSHM_GENERAL(S)                                                        \
  S[0].u64, S[1].u64, S[2].u64, S[3].u64, S[4].u64, S[5].u64
#else
#define PSHM_GENERAL_TYPES                                                     \
  uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
#define PSHM_GENERAL(S)                                                        \
  S[0].u64, S[1].u64, S[2].u64, S[3].u64, S[4].u64, S[5].u64, S[6].u64, S[7].u64
#endif
#define PSHM_FLOAT_TYPES                                                       \
  double, double, double, double, double, double, double, double
#define PSHM_FLOATS(S)                                                         \
  S[0].f64, S[1].f64, S[2].f64, S[3].f64, S[4].f64, S[5].f64, S[6].f64, S[7].f64

/* An f32 is the low half of such a register, as it is of a slot. What a result
 * leaves in the rest is not looked at. */
PSHM_ANY_FUNCTION PSHM_INLINE void pshm_registers_call(
    const pshm_registers *registers, void (*code)(void), uint32_t type,
    const pshm_slot *slots, pshm_result *out_result) {
  const pshm_slot *floats = slots + PSHM_REGISTERS_GENERAL;
  bool gives_float = pshm_signature_is_float(type);
  if (!registers->has_floats && !gives_float)
    out_result->wide.u64 =
        ((uint64_t(*)(PSHM_GENERAL_TYPES))code)(PSHM_GENERAL(slots));
  else if (!registers->has_floats)
    out_result->wide.f64 =
        ((double (*)(PSHM_GENERAL_TYPES))code)(PSHM_GENERAL(slots));
  else if (!gives_float)
    out_result->wide.u64 =
        ((uint64_t(*)(PSHM_GENERAL_TYPES, PSHM_FLOAT_TYPES))code)(
            PSHM_GENERAL(slots), PSHM_FLOATS(floats));
  else
    out_result->wide.f64 =
        ((double (*)(PSHM_GENERAL_TYPES, PSHM_FLOAT_TYPES))code)(
            PSHM_GENERAL(slots), PSHM_FLOATS(floats));
}

#undef PSHM_GENERAL_TYPES
#undef PSHM_GENERAL
#undef PSHM_FLOAT_TYPES
#undef PSHM_FLOATS

#endif
