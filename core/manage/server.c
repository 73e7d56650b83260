/* SPDX-License-Identifier: MIT */
#include "polyshm.h"

#include "manage/loop.h"
#include "os/hmac.h"
#include "base/error.h"
#include "base/options.h"

#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

enum {
  HANDSHAKE_SECONDS = 10,
  REQUEST_SECONDS = 30,
  IDLE_SECONDS = 300,
  MESSAGE_LIMIT = 1 << 20,
  MESSAGE_LIMIT_MOST = 256 << 20,
  BLOCK_LIMIT = 1000000
};

struct polyshm_server {
  pshm_loop loop;
  uint64_t pid; /* a fork child has a copy that is of no use */
};

static polyshm_status fail_null(void) {
  return pshm_error_set(
      POLYSHM_E_INVALID, "the server or an output of the call is NULL");
}

/* ---------------------------------------------------------------- opening */

static int64_t or_seconds(int64_t timeout, int seconds) {
  return timeout == 0 ? seconds * SECOND : timeout;
}

static polyshm_status read_options(
    const polyshm_server_options *options, polyshm_server_options *ours) {
  polyshm_status status = pshm_options_copy(ours, sizeof *ours, options);
  if (status != POLYSHM_OK)
    return status;
  const uint32_t known = POLYSHM_SERVER_REMOTE | POLYSHM_SERVER_NO_MD5;
  if (ours->flags & ~known)
    return pshm_error_set(
        POLYSHM_E_INVALID, "the flags 0x%x are not for this call",
        (unsigned)(ours->flags & ~known));
  if (ours->level > POLYSHM_LEVEL_DEBUG)
    return pshm_error_set(
        POLYSHM_E_INVALID, "there is no level %u", (unsigned)ours->level);
  if (ours->message_limit > MESSAGE_LIMIT_MOST)
    return pshm_error_set(
        POLYSHM_E_INVALID, "a message has at most %d bytes",
        MESSAGE_LIMIT_MOST);
  return POLYSHM_OK;
}

static polyshm_status watch_parent(pshm_loop *loop, uint64_t parent) {
  if (parent == 0)
    return POLYSHM_OK;
  loop->parent = os_process_watch(parent);
  if (loop->parent >= 0)
    return os_poll_add(loop->poll, loop->parent, &loop->parent) ? POLYSHM_OK
                                                                : POLYSHM_E_OS;
  if (os_process_is_alive(parent))
    loop->watched = parent;
  else
    return pshm_error_set(
        POLYSHM_E_INVALID, "there is no process %llu to watch",
        (unsigned long long)parent);
  return POLYSHM_OK;
}

static polyshm_status open_loop(
    pshm_loop *loop, const char *address,
    const polyshm_server_options *options) {
  pshm_household *house = &loop->household;
  house->journal.level = options->level;
  house->message_limit =
      options->message_limit == 0 ? MESSAGE_LIMIT : options->message_limit;
  loop->timeouts[PSHM_LOOP_HANDSHAKE] =
      or_seconds(options->handshake_timeout, HANDSHAKE_SECONDS);
  loop->timeouts[PSHM_LOOP_REQUEST] =
      or_seconds(options->request_timeout, REQUEST_SECONDS);
  loop->timeouts[PSHM_LOOP_IDLE] =
      or_seconds(options->idle_timeout, IDLE_SECONDS);
  polyshm_status status = pshm_registry_open(
      &house->registry,
      options->block_limit == 0 ? BLOCK_LIMIT : options->block_limit);
  if (status == POLYSHM_OK && (loop->poll = os_poll_open()) < 0)
    status = POLYSHM_E_OS;
  if (status == POLYSHM_OK && (loop->bell = os_bell_open()) < 0)
    status = POLYSHM_E_OS;
  if (status == POLYSHM_OK)
    status = watch_parent(loop, options->parent);
  if (status == POLYSHM_OK)
    status = os_net_listen(
        address, options->flags & POLYSHM_SERVER_REMOTE, &loop->listener);
  if (status == POLYSHM_OK &&
      (!os_poll_add(loop->poll, loop->listener.descriptor, &loop->listener) ||
       !os_poll_add(loop->poll, loop->bell, &loop->bell)))
    status = pshm_error_set(POLYSHM_E_OS, "cannot wait for connections");
  if (status == POLYSHM_OK)
    pshm_journal_note(
        &house->journal, POLYSHM_LEVEL_INFO, "listens at %s",
        loop->listener.address);
  return status;
}

polyshm_status polyshm_server_open(
    const char *address, const void *authkey, uint64_t nauthkey,
    const polyshm_server_options *options, polyshm_server **out_server) {
  if (out_server == NULL)
    return fail_null();
  polyshm_server_options ours;
  polyshm_status status = read_options(options, &ours);
  if (status == POLYSHM_OK)
    status = os_hmac_open();
  if (status != POLYSHM_OK)
    return status;
  polyshm_server *server = calloc(1, sizeof *server);
  if (server == NULL)
    return pshm_error_set(POLYSHM_E_MEMORY, "out of memory for a server");
  pshm_loop *loop = &server->loop;
  loop->poll = loop->bell = loop->parent = loop->listener.descriptor = -1;
  server->pid = os_process_id();
  status = pshm_auth_take_key(
      authkey, nauthkey, ours.flags & POLYSHM_SERVER_NO_MD5,
      &loop->household.key);
  if (status == POLYSHM_OK)
    status = open_loop(loop, address, &ours);
  if (status != POLYSHM_OK) {
    pshm_error failure;
    pshm_error_save(&failure);
    pshm_loop_close(loop);
    free(server);
    pshm_error_restore(&failure);
    return status;
  }
  *out_server = server;
  return POLYSHM_OK;
}

const char *polyshm_server_address(const polyshm_server *server) {
  return server == NULL ? NULL : server->loop.listener.address;
}

/* ---------------------------------------------------------------- serving */

polyshm_status polyshm_server_next(
    polyshm_server *server, int64_t timeout, polyshm_event_info *out_event) {
  if (server == NULL || out_event == NULL)
    return fail_null();
  polyshm_status status = pshm_options_check_size(out_event);
  if (status != POLYSHM_OK)
    return status;
  if (server->pid != os_process_id())
    return pshm_error_set(
        POLYSHM_E_CLOSED, "this process is a fork child of the server's");
  pshm_loop *loop = &server->loop;
  int64_t deadline = os_clock_deadline(timeout);
  polyshm_event_info event = {.struct_size = out_event->struct_size};
  while (!pshm_journal_take(&loop->household.journal, &event)) {
    if (loop->has_ended)
      return pshm_error_set(POLYSHM_E_END, "the server has shut down");
    if (status != POLYSHM_OK)
      return status;
    bool is_late = os_clock_left(deadline, INT64_MAX) <= 0;
    status = pshm_loop_turn(loop, deadline);
    if (status == POLYSHM_OK && is_late)
      status = pshm_error_set(
          POLYSHM_E_TIMEOUT, "nothing happened that is to be told");
  }
  pshm_options_give(out_event, &event, sizeof event);
  return POLYSHM_OK;
}

polyshm_status polyshm_server_stop(polyshm_server *server) {
  if (server == NULL)
    return POLYSHM_E_INVALID; /* a signal handler must not note why */
  os_bell_ring(server->loop.bell);
  return POLYSHM_OK;
}

void polyshm_server_free(polyshm_server *server) {
  if (server == NULL)
    return;
  if (server->pid == os_process_id())
    pshm_loop_end(&server->loop, "its handle is freed");
  else
    server->loop.listener.path[0] = server->loop.listener.folder[0] = 0;
  pshm_loop_close(&server->loop);
  free(server);
}

/* ------------------------------------------------------------- all in one */

polyshm_status polyshm_manager_serve(
    const char *address, const void *authkey, uint64_t nauthkey,
    const polyshm_server_options *options) {
  polyshm_server *server;
  polyshm_status status =
      polyshm_server_open(address, authkey, nauthkey, options, &server);
  if (status != POLYSHM_OK)
    return status;
  if (!os_signals_take(server->loop.bell)) {
    polyshm_server_free(server);
    return pshm_error_set(
        POLYSHM_E_BUSY, "another thread of this process is a manager");
  }
  polyshm_event_info event = {.struct_size = sizeof event};
  do
    status = polyshm_server_next(server, POLYSHM_FOREVER, &event);
  while (status == POLYSHM_OK || status == POLYSHM_E_INTERRUPTED);
  os_signals_release();
  polyshm_server_free(server);
  return status == POLYSHM_E_END ? POLYSHM_OK : status;
}
