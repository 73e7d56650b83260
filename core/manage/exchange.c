/* SPDX-License-Identifier: MIT */
/*
 * Connections that wait for the next call lie in a few slots, from which
 * threads take them by one atomic step each: no thread waits for another's
 * answer, and a fork in the middle leaves nothing locked.
 */
#include "manage/exchange.h"

#include "manage/message.h"
#include "os/os.h"
#include "base/error.h"

#include <stdlib.h>

enum { VALUES_MOST = 2000000 /* in a reply */ };

static pshm_link *take_idle(polyshm_manager *manager) {
  for (int i = 0; i < PSHM_CLIENT_IDLE; i++) {
    pshm_link *link = atomic_exchange(manager->idle + i, NULL);
    if (link != NULL && pshm_link_is_usable(link))
      return link;
    pshm_link_close(link);
  }
  return NULL;
}

static void keep_idle(polyshm_manager *manager, pshm_link *link) {
  for (int i = 0; i < PSHM_CLIENT_IDLE && !manager->is_closed; i++) {
    pshm_link *none = NULL;
    if (atomic_compare_exchange_strong(manager->idle + i, &none, link))
      return;
  }
  pshm_link_close(link);
}

polyshm_status pshm_exchange_open(
    pshm_exchange *exchange, polyshm_manager *manager) {
  *exchange = (pshm_exchange){
      .manager = manager, .deadline = os_clock_deadline(manager->timeout)};
  exchange->pickle.most = VALUES_MOST;
  if (manager->is_closed)
    return pshm_error_set(
        POLYSHM_E_CLOSED, "the manager's handle has been closed");
  exchange->link = take_idle(manager);
  exchange->is_used = exchange->link != NULL;
  return exchange->is_used ? POLYSHM_OK
                           : pshm_link_open(
                                 manager->address, &manager->key,
                                 exchange->deadline, &exchange->link);
}

static polyshm_status send_request(pshm_exchange *exchange) {
  pshm_buffer_put(
      &exchange->link->out, exchange->request.bytes, exchange->request.size);
  return pshm_link_send(exchange->link, exchange->deadline);
}

/* A manager may have closed an idle connection while we wrote to it. */
static polyshm_status send_again(pshm_exchange *exchange) {
  polyshm_manager *manager = exchange->manager;
  pshm_link_close(exchange->link);
  exchange->link = NULL;
  exchange->is_used = false;
  polyshm_status status = pshm_link_open(
      manager->address, &manager->key, exchange->deadline, &exchange->link);
  return status == POLYSHM_OK ? send_request(exchange) : status;
}

static bool is_lost(const pshm_exchange *exchange, polyshm_status status) {
  return status == POLYSHM_E_OS && exchange->is_used &&
         exchange->link->in.size == 0;
}

polyshm_status pshm_exchange_send(
    pshm_exchange *exchange, const char *method, const char *name,
    const int64_t *numbers, uint64_t nnumbers) {
  pshm_request_put(&exchange->request, method, name, numbers, nnumbers);
  if (exchange->request.has_failed)
    return pshm_error_set(POLYSHM_E_MEMORY, "out of memory for a request");
  polyshm_status status = send_request(exchange);
  return is_lost(exchange, status) ? send_again(exchange) : status;
}

polyshm_status pshm_exchange_receive(
    pshm_exchange *exchange, uint32_t *out_value) {
  polyshm_status status = pshm_link_receive(
      exchange->link, PSHM_MESSAGE_REPLY_MAX, exchange->deadline,
      &exchange->frame);
  if (is_lost(exchange, status)) {
    status = send_again(exchange);
    if (status == POLYSHM_OK)
      status = pshm_link_receive(
          exchange->link, PSHM_MESSAGE_REPLY_MAX, exchange->deadline,
          &exchange->frame);
  }
  if (status != POLYSHM_OK)
    return status;
  exchange->link->is_asked = false;
  uint32_t value = pshm_reply_read(
      &exchange->pickle, exchange->frame.body, exchange->frame.size, &status);
  if (value != 0)
    *out_value = value;
  return status;
}

void pshm_exchange_close(pshm_exchange *exchange) {
  pshm_link *link = exchange->link;
  if (link != NULL && link->is_ours && exchange->frame.total != 0 &&
      link->out.size == 0) {
    pshm_link_finish(link, &exchange->frame);
    if (link->in.size == 0) {
      keep_idle(exchange->manager, link);
      link = NULL;
    }
  }
  pshm_link_close(link);
  pshm_buffer_drop(&exchange->request);
  pshm_unpickle_drop(&exchange->pickle);
}
