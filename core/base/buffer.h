/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_BASE_BUFFER_H
#define POLYSHM_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes on their way, in memory that grows. Zeroed, it is empty. Once memory
 * was refused, nothing more is put in, so one look at the end is enough. */
typedef struct pshm_buffer {
  unsigned char *bytes;
  size_t size, capacity;
  bool has_failed;
} pshm_buffer;

void pshm_buffer_put(pshm_buffer *buffer, const void *bytes, size_t nbytes);

/* Room for so many bytes behind the last one, whose number is `size`; NULL if
 * there is no memory. */
unsigned char *pshm_buffer_reserve(pshm_buffer *buffer, size_t nbytes);

/* Take the first bytes out. An empty buffer gives large memory back. */
void pshm_buffer_consume(pshm_buffer *buffer, size_t nbytes);

void pshm_buffer_drop(pshm_buffer *buffer);

#endif
