/* SPDX-License-Identifier: MIT */
#include "items.h"

#include "output.h"

#include <stdlib.h>
#include <string.h>

polyshm_status items_read(
    items *reader, uint64_t index, polyshm_value *out_value) {
  uint64_t capacity;
  polyshm_status status = polyshm_list_capacity(reader->list, index, &capacity);
  if (status != POLYSHM_OK)
    return status;
  if (capacity > reader->room) {
    reader->buffer = output_memory(reader->buffer, capacity);
    reader->room = capacity;
  }
  return polyshm_list_get(
      reader->list, index, reader->buffer, reader->room, out_value);
}

void items_end(items *reader) {
  free(reader->buffer);
}

bool items_equal(const polyshm_value *one, const polyshm_value *other) {
  if (one->type != other->type || one->size != other->size)
    return false;
  switch (one->type) {
  case POLYSHM_STRING:
  case POLYSHM_BYTES:
    return memcmp(one->of.p, other->of.p, one->size) == 0;
  case POLYSHM_FLOAT:
    /* All that could have been written, NaN and -0.0 too.
     * NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*) */
    return memcmp(&one->of.f, &other->of.f, sizeof one->of.f) == 0;
  case POLYSHM_NONE:
    return true;
  default:
    return one->of.i == other->of.i;
  }
}
