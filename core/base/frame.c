/* SPDX-License-Identifier: MIT */
#include "base/frame.h"

#include <string.h>

enum { SHORT = 4, LONG = 12, SHORT_MOST = 0x7fffffff };

static uint64_t read_number(const unsigned char *bytes, size_t nbytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < nbytes; i++)
    number = number << 8 | bytes[i];
  return number;
}

static void write_number(unsigned char *bytes, size_t nbytes, uint64_t number) {
  for (size_t i = nbytes; i-- > 0; number >>= 8)
    bytes[i] = (unsigned char)number;
}

pshm_frame_state pshm_frame_read(
    const void *bytes, size_t nbytes, size_t limit, pshm_frame *out_frame) {
  const unsigned char *at = bytes;
  size_t header = SHORT;
  if (nbytes < SHORT)
    return PSHM_FRAME_PART;
  uint64_t size = read_number(at, SHORT);
  if (size > SHORT_MOST) {
    if (size != UINT32_MAX)
      return PSHM_FRAME_REFUSED;
    header = LONG;
    if (nbytes < LONG)
      return PSHM_FRAME_PART;
    size = read_number(at + SHORT, LONG - SHORT);
  }
  if (size > limit)
    return PSHM_FRAME_REFUSED;
  if (nbytes - header < size)
    return PSHM_FRAME_PART;
  *out_frame = (pshm_frame){
      .body = at + header,
      .size = (size_t)size,
      .total = header + (size_t)size};
  return PSHM_FRAME_WHOLE;
}

size_t pshm_frame_make_header(
    uint64_t size, unsigned char header[PSHM_FRAME_HEADER_MAX]) {
  if (size <= SHORT_MOST) {
    write_number(header, SHORT, size);
    return SHORT;
  }
  write_number(header, SHORT, UINT32_MAX);
  write_number(header + SHORT, LONG - SHORT, size);
  return LONG;
}

void pshm_frame_put(pshm_buffer *buffer, const void *body, size_t size) {
  unsigned char header[PSHM_FRAME_HEADER_MAX];
  pshm_buffer_put(buffer, header, pshm_frame_make_header(size, header));
  pshm_buffer_put(buffer, body, size);
}

size_t pshm_frame_begin(pshm_buffer *buffer) {
  size_t begun = buffer->size;
  pshm_buffer_put(buffer, "\0\0\0\0", SHORT);
  return begun;
}

void pshm_frame_end(pshm_buffer *buffer, size_t begun) {
  if (!buffer->has_failed)
    write_number(buffer->bytes + begun, SHORT, buffer->size - begun - SHORT);
}
