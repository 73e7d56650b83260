/* SPDX-License-Identifier: MIT */
#include "base/pickle.h"

#include <stdbool.h>

static void put_byte(pshm_buffer *buffer, unsigned char byte) {
  pshm_buffer_put(buffer, &byte, 1);
}

static void put_number(pshm_buffer *buffer, uint64_t number, size_t nbytes) {
  for (; nbytes > 0; nbytes--, number >>= 8)
    put_byte(buffer, (unsigned char)number);
}

void pshm_pickle_begin(pshm_buffer *buffer) {
  pshm_buffer_put(buffer, "\x80\x04", 2);
}

void pshm_pickle_put_none(pshm_buffer *buffer) {
  put_byte(buffer, 'N');
}

void pshm_pickle_put_int(pshm_buffer *buffer, int64_t number) {
  if (number >= 0 && number <= UINT8_MAX) {
    put_byte(buffer, 'K');
    put_number(buffer, (uint64_t)number, 1);
  } else {
    pshm_buffer_put(buffer, "\x8a\x08", 2); /* LONG1 */
    put_number(buffer, (uint64_t)number, 8);
  }
}

void pshm_pickle_put_text(pshm_buffer *buffer, const char *text, size_t size) {
  bool is_short = size <= UINT8_MAX;
  put_byte(buffer, is_short ? 0x8c : 'X');
  put_number(buffer, size, is_short ? 1 : 4);
  pshm_buffer_put(buffer, text, size);
}

void pshm_pickle_put_empty_tuple(pshm_buffer *buffer) {
  put_byte(buffer, ')');
}

void pshm_pickle_put_empty_dict(pshm_buffer *buffer) {
  put_byte(buffer, '}');
}

void pshm_pickle_put_empty_list(pshm_buffer *buffer) {
  put_byte(buffer, ']');
}

void pshm_pickle_put_mark(pshm_buffer *buffer) {
  put_byte(buffer, '(');
}

void pshm_pickle_put_tuple(pshm_buffer *buffer) {
  put_byte(buffer, 't');
}

void pshm_pickle_put_appends(pshm_buffer *buffer) {
  put_byte(buffer, 'e');
}

void pshm_pickle_end(pshm_buffer *buffer) {
  put_byte(buffer, '.');
}
