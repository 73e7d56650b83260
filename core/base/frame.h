/* SPDX-License-Identifier: MIT */
/*
 * Messages of multiprocessing.connection in a stream of bytes: a length, four
 * bytes with the highest first, or four of 0xff and eight, and so many bytes.
 */
#ifndef POLYSHM_BASE_FRAME_H
#define POLYSHM_BASE_FRAME_H

#include "base/buffer.h"

#include <stdint.h>

typedef enum pshm_frame_state {
  PSHM_FRAME_PART,   /* not all is there yet */
  PSHM_FRAME_WHOLE,  /* `body` and `size` are set, `total` with the header */
  PSHM_FRAME_REFUSED /* longer than allowed, or no length at all */
} pshm_frame_state;

typedef struct pshm_frame {
  const unsigned char *body;
  size_t size, total;
} pshm_frame;

/* Look at the first message of what has arrived; it may have `limit` bytes. */
pshm_frame_state pshm_frame_read(
    const void *bytes, size_t nbytes, size_t limit, pshm_frame *out_frame);

enum { PSHM_FRAME_HEADER_MAX = 12 };

/* The header of a message; how many bytes it has. */
size_t pshm_frame_make_header(
    uint64_t size, unsigned char header[PSHM_FRAME_HEADER_MAX]);

/* Append a whole message, */
void pshm_frame_put(pshm_buffer *buffer, const void *body, size_t size);

/* or begin one and end it when its body was appended. It has at most
 * 0x7fffffff bytes. */
size_t pshm_frame_begin(pshm_buffer *buffer);
void pshm_frame_end(pshm_buffer *buffer, size_t begun);

#endif
