/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_MANAGE_EXCHANGE_H
#define POLYSHM_MANAGE_EXCHANGE_H

#include "polyshm.h"
#include "manage/client.h"
#include "manage/link.h"
#include "base/unpickle.h"

/* One request and its reply, in two halves. */
typedef struct pshm_exchange {
  polyshm_manager *manager;
  pshm_link *link;
  bool is_used; /* the connection was idle before */
  int64_t deadline;
  pshm_buffer request; /* to send it once more */
  pshm_frame frame;
  pshm_pickle pickle;
} pshm_exchange;

/* Have a connection. */
polyshm_status pshm_exchange_open(
    pshm_exchange *exchange, polyshm_manager *manager);

polyshm_status pshm_exchange_send(
    pshm_exchange *exchange, const char *method, const char *name,
    const int64_t *numbers, uint64_t nnumbers);

/* The reply's value is a node of the pickle, until the close. */
polyshm_status pshm_exchange_receive(
    pshm_exchange *exchange, uint32_t *out_value);

/* Keep the connection, if it can be used again. */
void pshm_exchange_close(pshm_exchange *exchange);

#endif
