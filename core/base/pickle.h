/* SPDX-License-Identifier: MIT */
/*
 * Writing the pickles that the manager's protocol needs (base/unpickle.h reads
 * them), in protocol 4 as stock Python does by default, without memo and
 * frames.
 *
 * A pickle is begun and ended; the parts of a container stand between its
 * beginning and its end.
 */
#ifndef POLYSHM_BASE_PICKLE_H
#define POLYSHM_BASE_PICKLE_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

void pshm_pickle_begin(pshm_buffer *buffer);
void pshm_pickle_put_none(pshm_buffer *buffer);
void pshm_pickle_put_int(pshm_buffer *buffer, int64_t number);
void pshm_pickle_put_text(pshm_buffer *buffer, const char *text, size_t size);
void pshm_pickle_put_empty_tuple(pshm_buffer *buffer);
void pshm_pickle_put_empty_dict(pshm_buffer *buffer);
void pshm_pickle_put_empty_list(pshm_buffer *buffer);

/* Those in between become a tuple, or the list's before. */
void pshm_pickle_put_mark(pshm_buffer *buffer);
void pshm_pickle_put_tuple(pshm_buffer *buffer);
void pshm_pickle_put_appends(pshm_buffer *buffer);
void pshm_pickle_end(pshm_buffer *buffer);

#endif
