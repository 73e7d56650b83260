/* SPDX-License-Identifier: MIT */
/*
 * The arguments of a call, out of its values: numbers that fit, blocks that are
 * pinned and large enough, functions that can be called.
 */
#include "call/arguments.h"

#include "base/error.h"
#include "base/options.h"
#include "base/port.h"

#include <string.h>

static polyshm_status fail_null(unsigned place) {
  return pshm_error_set(
      POLYSHM_E_INVALID, "value %u of the call is NULL", place);
}

/* ------------------------------------------------------------------ blocks */

static polyshm_status check_place(
    const polyshm_view *view, uint64_t size, unsigned place) {
  if (PSHM_LIKELY(view->offset <= size && view->nbytes <= size - view->offset))
    return POLYSHM_OK;
  return pshm_error_set(
      POLYSHM_E_RANGE,
      "value %u has %llu bytes at offset %llu of the block '%s', which has "
      "%llu",
      place, (unsigned long long)view->nbytes, (unsigned long long)view->offset,
      polyshm_block_name(view->on.block), (unsigned long long)size);
}

static polyshm_status check_access(
    const polyshm_view *view, bool is_const, unsigned place) {
  uint32_t flags = polyshm_block_flags(view->on.block) | view->flags;
  if (PSHM_LIKELY(is_const || !(flags & POLYSHM_READ_ONLY)))
    return POLYSHM_OK;
  return pshm_error_set(
      POLYSHM_E_ACCESS,
      "value %u is on the block '%s', which is for reading only here, and its "
      "parameter is not const",
      place, polyshm_block_name(view->on.block));
}

/* Bytes may be anything's. */
static polyshm_status check_elements(
    const pshm_parameter *parameter, const polyshm_view *view,
    const char *address, unsigned place) {
  uint32_t width = pshm_signature_width(parameter->element);
  bool is_bytes =
      view->element == POLYSHM_TYPE_VOID || view->element == POLYSHM_TYPE_U8;
  if (parameter->type == POLYSHM_TYPE_BUF)
    return POLYSHM_OK;
  if (PSHM_UNLIKELY(!is_bytes && view->element != parameter->element))
    return pshm_error_set(
        POLYSHM_E_TYPE, "value %u has elements of type %s, not %s", place,
        pshm_signature_name(view->element),
        pshm_signature_name(parameter->element));
  if (PSHM_UNLIKELY((uintptr_t)address & (width - 1)))
    return pshm_error_set(
        POLYSHM_E_INVALID,
        "value %u is not aligned: its offset is no multiple of %u", place,
        width);
  return POLYSHM_OK;
}

/* The view that a value points to, in a struct of ours. */
static polyshm_status read_view(
    const polyshm_value *value, polyshm_view *out_view, unsigned place) {
  const polyshm_view *theirs = value->of.p;
  if (theirs == NULL)
    return fail_null(place);
  if (PSHM_LIKELY(theirs->struct_size == sizeof *out_view)) {
    *out_view = *theirs;
  } else {
    polyshm_status status =
        pshm_options_copy(out_view, sizeof *out_view, theirs);
    if (status != POLYSHM_OK)
      return status;
  }
  if (PSHM_LIKELY(
          out_view->element <= POLYSHM_TYPE_F64 &&
          !(out_view->flags & ~(uint32_t)POLYSHM_READ_ONLY)))
    return POLYSHM_OK;
  return pshm_error_set(
      POLYSHM_E_INVALID, "value %u has an unknown element type or flag", place);
}

static polyshm_status take_view(
    pshm_arguments *arguments, int i, pshm_slot *slot,
    const pshm_parameter *parameter, const polyshm_value *value,
    unsigned place) {
  polyshm_view view;
  void *begin;
  uint64_t size;
  polyshm_status status = read_view(value, &view, place);
  if (PSHM_LIKELY(status == POLYSHM_OK))
    status = polyshm_block_pin(view.on.block, &begin, &size);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  arguments->pins[arguments->npins++] = view.on.block;

  status = check_place(&view, size, place);
  if (PSHM_LIKELY(status == POLYSHM_OK))
    status = check_access(&view, parameter->is_const, place);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  const char *address = (const char *)begin + view.offset;
  slot->address = address;
  arguments->nbytes[i] = view.nbytes;
  return check_elements(parameter, &view, address, place);
}

/* A block parameter, or the content of a string for one that only reads bytes.
 */
static polyshm_status take_block(
    pshm_arguments *arguments, int i, pshm_slot *slot,
    const pshm_parameter *parameter, const polyshm_value *value,
    unsigned place) {
  if (PSHM_LIKELY(value->type == POLYSHM_VIEW))
    return take_view(arguments, i, slot, parameter, value, place);
  bool is_text = value->type == POLYSHM_STRING ||
                 value->type == POLYSHM_BYTES || value->type == POLYSHM_TEXT;
  if (!is_text || !parameter->is_const ||
      pshm_signature_width(parameter->element) != 1)
    return pshm_convert_refuse(parameter->type, value, place);
  if (value->of.p == NULL && value->size != 0)
    return fail_null(place);
  slot->address = value->of.p == NULL ? "" : value->of.p;
  arguments->nbytes[i] = value->size;
  return POLYSHM_OK;
}

/* --------------------------------------------------------------- functions */

static polyshm_status take_function(
    pshm_arguments *arguments, const polyshm_function *function,
    uint32_t number, pshm_slot *slot, const polyshm_value *value, bool has_fn,
    unsigned place) {
  const pshm_function_callee *callee = &function->callees[number];
  if (value->type == POLYSHM_POINTER && value->of.p != NULL) {
    slot->address = value->of.p;
    return POLYSHM_OK;
  }
  if (value->type == POLYSHM_POINTER)
    return pshm_error_set(
        POLYSHM_E_TYPE,
        "value %u is a function at NULL: to a parameter of type ptr, it can be "
        "passed",
        place);
  if (value->type != POLYSHM_CALLBACK)
    return pshm_convert_refuse(POLYSHM_TYPE_FN, value, place);
  if (value->of.p != NULL)
    return pshm_callback_code(
        value->of.p, &callee->closure.callee, place, &slot->address);
  if (!has_fn)
    return fail_null(place);
  if (callee->closure.memory == NULL)
    return pshm_error_set(
        POLYSHM_E_UNSUPPORTED,
        "this system forbids the memory that callbacks need");
  slot->address = callee->closure.code;
  arguments->asked |= 1u << number;
  return POLYSHM_OK;
}

/* -------------------------------------------------------------- gathering */

bool pshm_arguments_are_plain(const pshm_signature *signature) {
  for (int i = 0; i < signature->nparameters; i++) {
    uint32_t type = signature->parameters[i].type;
    if (!pshm_signature_is_number(type) && type != POLYSHM_TYPE_PTR &&
        type != POLYSHM_TYPE_STR)
      return false;
  }
  return true;
}

/* len and count, once all blocks are known. */
static void fill(const polyshm_function *function, pshm_arguments *arguments) {
  const pshm_signature *signature = &function->signature;
  for (int i = 0; i < signature->nparameters; i++) {
    const pshm_parameter *parameter = &signature->parameters[i];
    if (!pshm_signature_is_filled(parameter->type))
      continue;
    uint64_t number = arguments->nbytes[parameter->other];
    if (parameter->type == POLYSHM_TYPE_COUNT)
      number /=
          pshm_signature_width(signature->parameters[parameter->other].element);
    /* It is in memory, so it fits. */
    arguments->slots[function->registers.places[i]].size = (size_t)number;
  }
}

polyshm_status pshm_arguments_gather(
    const polyshm_function *function, const polyshm_value *values, bool has_fn,
    pshm_arguments *arguments) {
  const pshm_signature *signature = &function->signature;
  polyshm_status status = POLYSHM_OK;
  unsigned place = 0;
  if (function->registers.are_enough)
    pshm_registers_clear(&function->registers, arguments->slots);
  for (int i = 0; i < signature->nparameters && status == POLYSHM_OK; i++) {
    const pshm_parameter *parameter = &signature->parameters[i];
    pshm_slot *slot = &arguments->slots[function->registers.places[i]];
    arguments->addresses[i] = slot;
    if (pshm_signature_is_filled(parameter->type))
      continue;
    const polyshm_value *value = &values[place++];
    if (pshm_signature_is_block(parameter->type))
      status = take_block(arguments, i, slot, parameter, value, place);
    else if (parameter->type == POLYSHM_TYPE_FN)
      status = take_function(
          arguments, function, parameter->other, slot, value, has_fn, place);
    else
      status = pshm_convert_quickly_in(parameter->type, value, place, slot);
  }
  if (status == POLYSHM_OK && signature->ninputs != signature->nparameters)
    fill(function, arguments);
  return status;
}
