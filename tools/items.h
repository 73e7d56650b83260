/* SPDX-License-Identifier: MIT */
/* Reading the items of a list, one after the other. */
#ifndef ITEMS_H
#define ITEMS_H

#include "polyshm.h"

#include <stdbool.h>

typedef struct items {
  const polyshm_list *list;
  void *buffer; /* of the last item's string */
  uint64_t room;
} items;

/* What *out_value points to is good until the next item is read. */
polyshm_status items_read(
    items *reader, uint64_t index, polyshm_value *out_value);
void items_end(items *reader);

/* The same type and the same bits. */
bool items_equal(const polyshm_value *one, const polyshm_value *other);

#endif
