/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
  CAPACITY_LEAST = 128,
  CAPACITY_IDLE = 1024 /* what an empty one may keep */
};

unsigned char *pshm_buffer_reserve(pshm_buffer *buffer, size_t nbytes) {
  if (buffer->has_failed)
    return NULL;
  if (buffer->bytes == NULL || nbytes > buffer->capacity - buffer->size) {
    size_t capacity =
        buffer->capacity < CAPACITY_LEAST ? CAPACITY_LEAST : buffer->capacity;
    while (capacity - buffer->size < nbytes && capacity <= SIZE_MAX / 2)
      capacity *= 2;
    unsigned char *bytes = capacity - buffer->size < nbytes
                               ? NULL
                               : realloc(buffer->bytes, capacity);
    if (bytes == NULL) {
      buffer->has_failed = true;
      return NULL;
    }
    buffer->bytes = bytes;
    buffer->capacity = capacity;
  }
  return buffer->bytes + buffer->size;
}

void pshm_buffer_put(pshm_buffer *buffer, const void *bytes, size_t nbytes) {
  unsigned char *end = pshm_buffer_reserve(buffer, nbytes);
  if (end == NULL)
    return;
  if (nbytes != 0)
    memcpy(end, bytes, nbytes);
  buffer->size += nbytes;
}

void pshm_buffer_consume(pshm_buffer *buffer, size_t nbytes) {
  buffer->size -= nbytes;
  if (buffer->size != 0 && nbytes != 0)
    memmove(buffer->bytes, buffer->bytes + nbytes, buffer->size);
  if (buffer->size == 0 && buffer->capacity > CAPACITY_IDLE)
    pshm_buffer_drop(buffer);
}

void pshm_buffer_drop(pshm_buffer *buffer) {
  free(buffer->bytes);
  *buffer = (pshm_buffer){.has_failed = buffer->has_failed};
}
