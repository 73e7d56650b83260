/* SPDX-License-Identifier: MIT */
/*
 * A client's connection to a manager. Requests go over it one after the other
 * if the manager is of this kind; a stock one closes it after the first.
 */
#ifndef POLYSHM_MANAGE_LINK_H
#define POLYSHM_MANAGE_LINK_H

#include "polyshm.h"
#include "manage/auth.h"
#include "base/buffer.h"
#include "base/frame.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct pshm_link {
  int descriptor;
  uint64_t identity, pid; /* of the descriptor and the process it belongs to */
  bool is_ours;           /* the manager is of this kind */
  bool is_asked;          /* a request is on its way */
  bool is_interrupted;    /* a signal arrived since */
  pshm_buffer in, out;
} pshm_link;

/* Connect, and prove and ask for the knowledge of the key. */
polyshm_status pshm_link_open(
    const char *address, const pshm_auth_key *key, int64_t deadline,
    pshm_link **out_link);

/* Whether a connection that was idle can be used: programs close descriptors
 * that they did not open, and managers those that were idle for long. */
bool pshm_link_is_usable(const pshm_link *link);

/* Send what is in `out`, a request. */
polyshm_status pshm_link_send(pshm_link *link, int64_t deadline);

/* Wait for a message; it lies in `in` until the next. */
polyshm_status pshm_link_receive(
    pshm_link *link, size_t limit, int64_t deadline, pshm_frame *out_frame);

/* The answer was read and used. */
void pshm_link_finish(pshm_link *link, const pshm_frame *frame);

/* Wait until the other side has closed it, whatever it still says. */
polyshm_status pshm_link_drain(pshm_link *link, int64_t deadline);

void pshm_link_close(pshm_link *link);

#endif
