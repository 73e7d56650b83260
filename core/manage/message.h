/* SPDX-License-Identifier: MIT */
/* Requests to a manager and its replies: pickles of (ident, method, args, kwds)
 * and of (kind, value). */
#ifndef POLYSHM_MANAGE_MESSAGE_H
#define POLYSHM_MANAGE_MESSAGE_H

#include "polyshm.h"
#include "base/buffer.h"
#include "base/unpickle.h"

/* Additions to the stock protocol, between libraries of this kind. */
#define PSHM_MESSAGE_ANNOUNCE "polyshm_announce" /* name, inode, device */
#define PSHM_MESSAGE_RETRACT "polyshm_retract"   /* name, inode */

enum {
  PSHM_MESSAGE_MAX = 1 << 20,       /* of a request, unless told otherwise */
  PSHM_MESSAGE_REPLY_MAX = 16 << 20 /* of a reply that we read */
};

/* ---------------------------------------------------------------- request */

typedef struct pshm_request {
  bool has_ident;              /* for an object, of which there are none here */
  const unsigned char *method; /* inside the pickle */
  uint64_t nmethod;
  uint32_t args, kwds; /* nodes */
} pshm_request;

/* False if it is no request; the pickle holds its nodes afterwards. */
bool pshm_request_read(
    pshm_pickle *pickle, const void *body, size_t size,
    pshm_request *out_request, const char **out_reason);

bool pshm_request_is(const pshm_request *request, const char *method);

/* The one argument of a method, by its place or by its keyword: a checked name.
 * POLYSHM_E_INVALID. */
polyshm_status pshm_request_take_name(
    const pshm_pickle *pickle, const pshm_request *request,
    char name[POLYSHM_NAME_MAX + 1]);

/* A name and `count` numbers behind it. */
polyshm_status pshm_request_take(
    const pshm_pickle *pickle, const pshm_request *request,
    char name[POLYSHM_NAME_MAX + 1], int64_t *numbers, uint64_t count);

/* Append a request, as a whole message. A NULL name is none. */
void pshm_request_put(
    pshm_buffer *buffer, const char *method, const char *name,
    const int64_t *numbers, uint64_t nnumbers);

/* ------------------------------------------------------------------ reply */

/* Append a reply. What comes between begin and end is its value. */
size_t pshm_reply_begin(pshm_buffer *buffer, const char *kind);
void pshm_reply_end(pshm_buffer *buffer, size_t begun);

void pshm_reply_put_none(pshm_buffer *buffer);

/* What stock Python raises as RemoteError: a traceback that ends in this
 * exception. */
__attribute__((format(printf, 3, 4))) void pshm_reply_put_failure(
    pshm_buffer *buffer, const char *exception, const char *format, ...);

/* The value of a reply; 0 with the reason noted if it is a failure, or none. */
uint32_t pshm_reply_read(
    pshm_pickle *pickle, const void *body, size_t size,
    polyshm_status *out_status);

#endif
