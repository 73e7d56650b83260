/* SPDX-License-Identifier: MIT */
/*
 * Handles on lists: making, opening and closing them.
 *
 * Layout and trailer are checked once, when the list is opened, and kept in the
 * handle; later changes to the frame in the block cannot lead us astray. What a
 * slot says of itself is checked at each use.
 */
#include "shm/list.h"

#include "shm/exact.h"
#include "shm/slot.h"
#include "hold/tree.h"
#include "base/error.h"
#include "base/name.h"
#include "base/options.h"
#include "base/value.h"

#include <stdlib.h>

#define FREED (UINT32_C(1) << 31)

enum { TIMEOUT = 1000000000 /* nanoseconds, if nobody asked for another */ };

/* --------------------------------------------------------------- failures */

polyshm_status pshm_list_fail_null(void) {
  return pshm_error_set(
      POLYSHM_E_INVALID, "the list or an output of the call is NULL");
}

polyshm_status pshm_list_fail_closed(const polyshm_list *list) {
  return pshm_error_set(
      POLYSHM_E_CLOSED, "the list '%s' has been closed", list->block->name);
}

polyshm_status pshm_list_fail_read_only(const polyshm_list *list) {
  return pshm_error_set(
      POLYSHM_E_ACCESS, "the list '%s' is open for reading only",
      list->block->name);
}

polyshm_status pshm_list_fail_plain(const polyshm_list *list) {
  return pshm_error_set(
      POLYSHM_E_UNSUPPORTED,
      "the list '%s' was not made by polyshm: it has no trailer, which "
      "counting, "
      "locking and waiting need",
      list->block->name);
}

/* ---------------------------------------------------------------- opening */

/* Takes the block over, also when it fails. */
static polyshm_status wrap(
    polyshm_block *block, const pshm_layout *layout,
    const pshm_trailer *trailer, int64_t timeout, polyshm_list **out_list) {
  polyshm_list *list = malloc(sizeof *list);
  if (list == NULL) {
    polyshm_block_free(block);
    return pshm_error_set(
        POLYSHM_E_MEMORY, "out of memory for a list's handle");
  }
  list->layout = *layout;
  list->trailer = *trailer;
  list->block = block;
  list->timeout = timeout == 0 ? TIMEOUT : timeout;
  list->holds = 0;
  list->passes = 0;
  list->vain = 0;
  *out_list = list;
  return POLYSHM_OK;
}

static polyshm_status attach(
    const char *name, uint32_t flags, int64_t timeout,
    polyshm_list **out_list) {
  polyshm_block *block;
  polyshm_status status = pshm_block_attach(name, flags, &block);
  if (status != POLYSHM_OK)
    return status;
  pshm_layout layout;
  pshm_trailer trailer;
  status = pshm_layout_read(&block->map, block->name, &layout);
  if (status == POLYSHM_OK)
    status = pshm_trailer_read(
        &block->map, block->name, pshm_layout_area(&layout), layout.length,
        &trailer);
  if (status != POLYSHM_OK) {
    polyshm_block_free(block);
    return status;
  }
  if (trailer.sequences == NULL)
    pshm_block_settle(block);
  else
    pshm_block_keep(block, trailer.lock);
  return wrap(block, &layout, &trailer, timeout, out_list);
}

polyshm_status polyshm_list_open(
    const char *name, uint32_t flags, polyshm_list **out_list) {
  if (out_list == NULL)
    return pshm_list_fail_null();
  polyshm_status status =
      pshm_block_check_flags(flags, POLYSHM_READ_ONLY | POLYSHM_FOREIGN);
  return status == POLYSHM_OK ? attach(name, flags, 0, out_list) : status;
}

/* --------------------------------------------------------------- creating */

static uint64_t size_slot(
    int32_t type, const polyshm_value *value,
    const polyshm_list_options *options) {
  uint64_t size = pshm_slot_size(type, value);
  uint64_t wanted = options->slot_capacity;
  if (size < wanted)
    size = PSHM_WORD * ((wanted + PSHM_WORD - 1) / PSHM_WORD);
  return size;
}

/* Check all values before anything exists, and add up their slots. */
static polyshm_status measure(
    const polyshm_value *values, uint64_t nvalues,
    const polyshm_list_options *options, uint64_t *out_data_size,
    uint64_t *out_largest) {
  uint64_t data_size = 0, largest = PSHM_WORD;
  for (uint64_t i = 0; i < nvalues; i++) {
    int32_t type;
    polyshm_status status = pshm_value_settle(values + i, &type);
    if (status != POLYSHM_OK)
      return status;
    uint64_t size = size_slot(type, values + i, options);
    if (size > POLYSHM_TEXT_MAX)
      return pshm_error_set(
          POLYSHM_E_SPACE,
          "value %llu needs a slot of %llu bytes; a list's slots have at most "
          "%d",
          (unsigned long long)i, (unsigned long long)size, POLYSHM_TEXT_MAX);
    if (data_size > INT64_MAX / 2 - size)
      return pshm_error_set(POLYSHM_E_MEMORY, "the list is too large");
    data_size += size;
    largest = size > largest ? size : largest;
  }
  *out_data_size = data_size;
  *out_largest = largest;
  return POLYSHM_OK;
}

/* Another thread of the caller writes what it should not. */
static polyshm_status fail_changed(void) {
  return pshm_error_set(
      POLYSHM_E_INVALID, "the values changed while they were stored");
}

static polyshm_status fill(
    const pshm_layout *layout, const pshm_trailer *trailer,
    const polyshm_value *values, const polyshm_list_options *options) {
  uint64_t offset = 0;
  polyshm_status status = POLYSHM_OK;
  for (uint64_t i = 0; i < layout->length && status == POLYSHM_OK; i++) {
    int32_t type;
    status = pshm_value_settle(values + i, &type);
    if (status != POLYSHM_OK)
      break;
    uint64_t size = size_slot(type, values + i, options);
    if (size > PSHM_WORD * layout->data_words - offset)
      return fail_changed();
    offset += size;
    atomic_store_explicit(
        layout->offsets + i + 1, offset, memory_order_relaxed);
    status = pshm_slot_write(layout, i, type, values + i);
    if (type == POLYSHM_STRING || type == POLYSHM_BYTES)
      pshm_word_store(
          trailer->exacts + i, pshm_exact_make(values[i].of.p, values[i].size));
  }
  if (status == POLYSHM_OK && offset != PSHM_WORD * layout->data_words)
    return fail_changed();
  return status;
}

/* A filled list that nobody can find yet. */
static polyshm_status make(
    const polyshm_value *values, uint64_t nvalues, uint32_t flags,
    const polyshm_list_options *options, polyshm_list **out_list) {
  uint64_t data_size = 0, largest = 0;
  polyshm_status status =
      measure(values, nvalues, options, &data_size, &largest);
  if (status != POLYSHM_OK)
    return status;
  uint64_t area = pshm_layout_size(nvalues, data_size);
  if (area == 0)
    return pshm_error_set(POLYSHM_E_MEMORY, "the list is too large");

  polyshm_block *block;
  pshm_trailer_plan plan = pshm_trailer_measure(area, nvalues, largest);
  status = pshm_block_make(
      plan.begin + plan.header.size, flags, options->mode, &block);
  if (status != POLYSHM_OK)
    return status;
  pshm_layout layout =
      pshm_layout_write(block->map.address, nvalues, data_size);
  pshm_trailer trailer = pshm_trailer_write(block->map.address, &plan);
  status = fill(&layout, &trailer, values, options);
  if (status != POLYSHM_OK) {
    polyshm_block_free(block);
    return status;
  }
  return wrap(block, &layout, &trailer, options->timeout, out_list);
}

static polyshm_status read_options(
    const polyshm_value *values, uint64_t nvalues,
    const polyshm_list_options *options, polyshm_list_options *ours) {
  if (values == NULL && nvalues != 0)
    return pshm_error_set(POLYSHM_E_INVALID, "the values of a list are NULL");
  polyshm_status status = pshm_options_copy(ours, sizeof *ours, options);
  if (status == POLYSHM_OK)
    status = pshm_options_check_reserved(ours->reserved);
  if (status == POLYSHM_OK && ours->slot_capacity > POLYSHM_TEXT_MAX)
    status = pshm_error_set(
        POLYSHM_E_INVALID, "a slot's capacity is at most %d bytes",
        POLYSHM_TEXT_MAX);
  return status;
}

polyshm_status pshm_list_make(
    const polyshm_value *values, uint64_t nvalues, uint32_t flags,
    const polyshm_list_options *options, polyshm_list **out_list) {
  polyshm_list_options ours;
  polyshm_status status = read_options(values, nvalues, options, &ours);
  return status == POLYSHM_OK ? make(values, nvalues, flags, &ours, out_list)
                              : status;
}

void pshm_list_settle(polyshm_list *list) {
  pshm_block_keep(list->block, list->trailer.lock);
}

polyshm_status polyshm_list_create(
    const char *name, const polyshm_value *values, uint64_t nvalues,
    uint32_t flags, const polyshm_list_options *options,
    polyshm_list **out_list) {
  if (out_list == NULL)
    return pshm_list_fail_null();
  polyshm_list_options ours;
  polyshm_status status = read_options(values, nvalues, options, &ours);
  if (status == POLYSHM_OK)
    status = pshm_block_check_flags(
        flags, POLYSHM_CREATE | POLYSHM_EXCLUSIVE | POLYSHM_UNTRACKED |
                   POLYSHM_SPARSE | POLYSHM_FOREIGN);
  /* Before anything is made for it. */
  const char *plain;
  if (status == POLYSHM_OK && name != NULL)
    status = pshm_name_check(name, &plain);
  if (status != POLYSHM_OK)
    return status;

  polyshm_list *made = NULL;
  status = POLYSHM_E_EXISTS;
  for (int i = 0; i < PSHM_BLOCK_TRIES && status == POLYSHM_E_EXISTS; i++) {
    if (name != NULL && pshm_block_may_open(flags)) {
      pshm_tree_collect(plain, 0); /* what nobody has is not there */
      status = attach(name, flags & POLYSHM_FOREIGN, ours.timeout, out_list);
      if (status != POLYSHM_E_NOT_FOUND) {
        polyshm_list_free(made);
        return status;
      }
    }
    status =
        made == NULL ? make(values, nvalues, flags, &ours, &made) : POLYSHM_OK;
    if (status == POLYSHM_OK)
      status = pshm_block_publish(made->block, name);
    if (!pshm_block_may_open(flags))
      break;
  }
  if (status != POLYSHM_OK) {
    polyshm_list_free(made);
    return status;
  }
  pshm_list_settle(made);
  *out_list = made;
  return POLYSHM_OK;
}

/* ---------------------------------------------------------------- leaving */

polyshm_status polyshm_list_close(polyshm_list *list) {
  return list == NULL ? pshm_list_fail_null()
                      : polyshm_block_close(list->block);
}

static void release(polyshm_list *list) {
  polyshm_block_free(list->block);
  free(list);
}

void polyshm_list_free(polyshm_list *list) {
  if (list != NULL && atomic_fetch_or(&list->holds, FREED) == 0)
    release(list);
}

void pshm_list_hold(polyshm_list *list) {
  atomic_fetch_add(&list->holds, 1);
}

void pshm_list_let_go(polyshm_list *list) {
  if (atomic_fetch_sub(&list->holds, 1) == (FREED | 1))
    release(list);
}

/* ---------------------------------------------------------- what it tells */

polyshm_block *polyshm_list_block(const polyshm_list *list) {
  return list == NULL ? NULL : list->block;
}

uint64_t polyshm_list_length(const polyshm_list *list) {
  return list == NULL ? 0 : list->layout.length;
}

polyshm_status polyshm_list_timeout(polyshm_list *list, int64_t timeout) {
  polyshm_status status = pshm_list_check(list, list);
  if (status == POLYSHM_OK)
    atomic_store_explicit(&list->timeout, timeout, memory_order_relaxed);
  return status;
}
