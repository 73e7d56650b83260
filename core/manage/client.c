/* SPDX-License-Identifier: MIT */
#include "manage/client.h"
#include "manage/exchange.h"

#include "manage/message.h"
#include "os/hmac.h"
#include "os/program.h"
#include "base/error.h"
#include "base/name.h"
#include "base/options.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT INT64_C(10000000000)

static polyshm_status fail_null(void) {
  return pshm_error_set(
      POLYSHM_E_INVALID, "the manager or an output of the call is NULL");
}

/* ---------------------------------------------------------------- opening */

polyshm_status pshm_client_make(
    const char *address, const void *authkey, uint64_t nauthkey,
    const polyshm_manager_options *options, polyshm_manager **out_manager) {
  polyshm_manager *manager = calloc(1, sizeof *manager);
  if (manager == NULL)
    return pshm_error_set(
        POLYSHM_E_MEMORY, "out of memory for a manager's handle");
  manager->timeout = options->timeout == 0 ? TIMEOUT : options->timeout;
  polyshm_status status = pshm_auth_take_key(
      authkey, nauthkey, options->flags & POLYSHM_MANAGER_NO_MD5,
      &manager->key);
  if (status == POLYSHM_OK && address != NULL)
    status = os_net_settle(address, manager->address);
  if (status != POLYSHM_OK) {
    polyshm_manager_free(manager);
    return status;
  }
  *out_manager = manager;
  return POLYSHM_OK;
}

static polyshm_status ask(
    polyshm_manager *manager, const char *method, const char *name) {
  pshm_exchange exchange;
  uint32_t value;
  polyshm_status status = pshm_exchange_open(&exchange, manager);
  if (status == POLYSHM_OK)
    status = pshm_exchange_send(&exchange, method, name, NULL, 0);
  if (status == POLYSHM_OK)
    status = pshm_exchange_receive(&exchange, &value);
  pshm_exchange_close(&exchange);
  return status;
}

polyshm_status pshm_client_greet(polyshm_manager *manager) {
  return ask(manager, "dummy", NULL);
}

polyshm_status polyshm_manager_connect(
    const char *address, const void *authkey, uint64_t nauthkey,
    const polyshm_manager_options *options, polyshm_manager **out_manager) {
  if (out_manager == NULL)
    return fail_null();
  if (address == NULL)
    return pshm_error_set(
        POLYSHM_E_INVALID, "the address of a manager is NULL");
  polyshm_manager_options ours;
  polyshm_status status = pshm_options_copy(&ours, sizeof ours, options);
  if (status == POLYSHM_OK)
    status = pshm_options_check_reserved(ours.reserved);
  if (status == POLYSHM_OK && (ours.flags & ~(uint32_t)POLYSHM_MANAGER_NO_MD5))
    status = pshm_error_set(
        POLYSHM_E_INVALID, "the flags 0x%x are not for this call",
        (unsigned)(ours.flags & ~(uint32_t)POLYSHM_MANAGER_NO_MD5));
  if (status == POLYSHM_OK)
    status = os_hmac_open();
  polyshm_manager *manager = NULL;
  if (status == POLYSHM_OK)
    status = pshm_client_make(address, authkey, nauthkey, &ours, &manager);
  if (status == POLYSHM_OK)
    status = pshm_client_greet(manager);
  if (status != POLYSHM_OK) {
    polyshm_manager_free(manager);
    return status;
  }
  *out_manager = manager;
  return POLYSHM_OK;
}

/* ---------------------------------------------------------- what it tells */

const char *polyshm_manager_address(const polyshm_manager *manager) {
  return manager == NULL ? NULL : manager->address;
}

polyshm_status polyshm_manager_authkey(
    const polyshm_manager *manager, void *buffer, uint64_t capacity,
    uint64_t *out_size) {
  if (manager == NULL || out_size == NULL || (buffer == NULL && capacity != 0))
    return fail_null();
  if (manager->key.size != 0 && manager->key.size <= capacity)
    memcpy(buffer, manager->key.bytes, manager->key.size);
  *out_size = manager->key.size;
  return POLYSHM_OK;
}

uint64_t polyshm_manager_pid(const polyshm_manager *manager) {
  return manager == NULL ? 0 : manager->pid;
}

polyshm_status polyshm_manager_path(char *buffer, uint64_t capacity) {
  char path[4096];
  polyshm_status status = os_hmac_open();
  if (status == POLYSHM_OK)
    status = os_program_find(
        "polyshm-manager", "POLYSHM_MANAGER", path, sizeof path);
  if (status != POLYSHM_OK)
    return status;
  size_t size = strlen(path) + 1;
  if (buffer == NULL || size > capacity)
    return pshm_error_set(
        POLYSHM_E_SPACE, "%llu bytes do not fit the buffer",
        (unsigned long long)size);
  memcpy(buffer, path, size);
  return POLYSHM_OK;
}

/* --------------------------------------------------------------- requests */

static polyshm_status ask_about(
    polyshm_manager *manager, const char *method, const char *name) {
  if (manager == NULL)
    return fail_null();
  const char *plain;
  polyshm_status status = pshm_name_check(name, &plain);
  return status == POLYSHM_OK ? ask(manager, method, plain) : status;
}

polyshm_status polyshm_manager_track(
    polyshm_manager *manager, const char *name) {
  return ask_about(manager, "track_segment", name);
}

polyshm_status polyshm_manager_release(
    polyshm_manager *manager, const char *name) {
  return ask_about(manager, "release_segment", name);
}

/* Names come from elsewhere: what is none, the answer has no place for. */
static polyshm_status give_names(
    const pshm_pickle *pickle, uint32_t value, unsigned char *buffer,
    uint64_t capacity, uint64_t *out_size) {
  if (!pshm_unpickle_is(pickle, value, PSHM_PICKLE_LIST))
    return pshm_error_set(
        POLYSHM_E_PROTOCOL, "the manager's reply is no list of names");
  uint64_t size = 0;
  bool is_full = false;
  uint32_t node = pshm_unpickle_child(pickle, value, 0);
  for (; node != 0; node = pshm_unpickle_at(pickle, node)->next) {
    const pshm_pickle_node *name = pshm_unpickle_at(pickle, node);
    if (name->kind != PSHM_PICKLE_TEXT ||
        memchr(name->of.text, 0, (size_t)name->count) != NULL)
      return pshm_error_set(
          POLYSHM_E_PROTOCOL, "the manager owns what has no name");
    is_full = is_full || name->count + 1 > capacity - size;
    if (!is_full) {
      /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): not if 0 */
      memcpy(buffer + size, name->of.text, (size_t)name->count);
      buffer[size + name->count] = 0;
    }
    size += name->count + 1;
  }
  *out_size = size;
  return POLYSHM_OK;
}

polyshm_status polyshm_manager_segments(
    polyshm_manager *manager, void *buffer, uint64_t capacity,
    uint64_t *out_size) {
  if (manager == NULL || out_size == NULL || (buffer == NULL && capacity != 0))
    return fail_null();
  pshm_exchange exchange;
  uint32_t value;
  polyshm_status status = pshm_exchange_open(&exchange, manager);
  if (status == POLYSHM_OK)
    status = pshm_exchange_send(&exchange, "list_segments", NULL, NULL, 0);
  if (status == POLYSHM_OK)
    status = pshm_exchange_receive(&exchange, &value);
  if (status == POLYSHM_OK)
    status = give_names(&exchange.pickle, value, buffer, capacity, out_size);
  pshm_exchange_close(&exchange);
  return status;
}

/* ---------------------------------------------------------------- leaving */

static polyshm_status ask_for_shutdown(
    polyshm_manager *manager, bool *out_is_answered) {
  pshm_exchange exchange;
  uint32_t value;
  polyshm_status status = pshm_exchange_open(&exchange, manager);
  if (status == POLYSHM_OK)
    status = pshm_exchange_send(&exchange, "shutdown", NULL, NULL, 0);
  if (status == POLYSHM_OK)
    status = pshm_exchange_receive(&exchange, &value);
  if (status == POLYSHM_OK)
    status = pshm_link_drain(exchange.link, exchange.deadline);
  *out_is_answered = exchange.frame.total != 0;
  exchange.frame.total = 0; /* not to be used again */
  pshm_exchange_close(&exchange);
  return status;
}

/* A stock manager gives up at the first block that somebody else has unlinked,
 * but has forgotten it by then: each attempt is one block further. */
polyshm_status polyshm_manager_shutdown(polyshm_manager *manager) {
  if (manager == NULL)
    return fail_null();
  if (manager->is_closed)
    return POLYSHM_OK;
  polyshm_status status;
  bool is_answered;
  int64_t deadline = os_clock_deadline(manager->timeout);
  do
    status = ask_for_shutdown(manager, &is_answered);
  while (status == POLYSHM_E_NOT_FOUND && is_answered &&
         os_clock_left(deadline, 1) > 0);
  return status == POLYSHM_OK ? polyshm_manager_close(manager) : status;
}

polyshm_status polyshm_manager_close(polyshm_manager *manager) {
  if (manager == NULL)
    return fail_null();
  manager->is_closed = 1;
  for (int i = 0; i < PSHM_CLIENT_IDLE; i++)
    pshm_link_close(atomic_exchange(manager->idle + i, NULL));
  return POLYSHM_OK;
}

void polyshm_manager_free(polyshm_manager *manager) {
  if (manager == NULL)
    return;
  polyshm_manager_close(manager);
  pshm_auth_forget_key(&manager->key);
  free(manager);
}
