/* SPDX-License-Identifier: MIT */
#include "manage/start.h"

#include "manage/client.h"
#include "os/hmac.h"
#include "os/program.h"
#include "base/error.h"
#include "base/options.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { DRAWN = 32 /* bytes of a key that nobody gave */ };

static polyshm_status start_program(
    const polyshm_manager *manager, uint32_t flags, int end) {
  char path[4096], number[24], wishes[16];
  polyshm_status status =
      os_program_find(PSHM_START_PROGRAM, "POLYSHM_MANAGER", path, sizeof path);
  if (status != POLYSHM_OK)
    return status;
  uint64_t parent = flags & POLYSHM_MANAGER_DETACHED ? 0 : os_process_id();
  snprintf(number, sizeof number, "%" PRIu64, parent);
  snprintf(wishes, sizeof wishes, "%" PRIu32, flags);
  char name[] = PSHM_START_PROGRAM, fresh[] = "-", address[OS_NET_ADDRESS_SIZE];
  strcpy(address, manager->address);
  char *arguments[] = {
      name, address[0] == 0 ? fresh : address, number, wishes, NULL};
  /* Ctrl-C is for the program that started it, as with stock Python. */
  static const int ignored[] = {SIGINT, 0};
  os_program program = {
      .path = path,
      .arguments = arguments,
      .environment = os_program_environment(),
      .descriptors = {end, -1},
      .ignored = ignored,
  };
  return os_program_start(&program);
}

static polyshm_status send_key(const polyshm_manager *manager, int end) {
  unsigned char packet[1 + PSHM_AUTH_KEY_MAX] = {PSHM_START_KEY};
  memcpy(packet + 1, manager->key.bytes, manager->key.size);
  size_t count;
  if (os_net_write(end, packet, 1 + manager->key.size, &count) == OS_NET_DONE)
    return POLYSHM_OK;
  return pshm_error_set(
      POLYSHM_E_OS, "the manager that was started takes no key");
}

static polyshm_status hear(
    polyshm_manager *manager, int end, int64_t deadline) {
  pshm_start_answer answer;
  size_t count = 0;
  os_net_result result;
  while ((result = os_net_read(end, &answer, sizeof answer, &count)) ==
         OS_NET_LATER) {
    int64_t left = os_clock_left(deadline, INT64_MAX);
    os_wake woken = left <= 0 ? OS_WAKE_TIMEOUT : os_net_wait(end, false, left);
    if (woken == OS_WAKE_INTERRUPTED)
      return pshm_error_set(
          POLYSHM_E_INTERRUPTED, "a signal arrived while a manager started");
    if (woken == OS_WAKE_TIMEOUT)
      return pshm_error_set_os(
          POLYSHM_E_TIMEOUT, ETIMEDOUT,
          "the manager that was started does not answer");
  }
  if (result != OS_NET_DONE || count != sizeof answer)
    return pshm_error_set(
        POLYSHM_E_OS, "the manager that was started has ended");
  answer.text[sizeof answer.text - 1] = 0;
  if (answer.kind != PSHM_START_READY)
    return pshm_error_set_os(answer.status, answer.os, "%s", answer.text);
  snprintf(manager->address, sizeof manager->address, "%.300s", answer.text);
  manager->pid = answer.pid;
  return POLYSHM_OK;
}

/* The program ends by itself when its end of the pair hangs before it was
 * heard. */
static polyshm_status start(polyshm_manager *manager, uint32_t flags) {
  int ends[2];
  polyshm_status status = os_net_pair(ends);
  if (status != POLYSHM_OK)
    return status;
  status = start_program(manager, flags, ends[1]);
  os_net_close(ends[1]);
  if (status == POLYSHM_OK)
    status = send_key(manager, ends[0]);
  if (status == POLYSHM_OK)
    status = hear(manager, ends[0], os_clock_deadline(manager->timeout));
  os_net_close(ends[0]);
  return status;
}

static polyshm_status read_options(
    const polyshm_manager_options *options, polyshm_manager_options *ours) {
  polyshm_status status = pshm_options_copy(ours, sizeof *ours, options);
  if (status == POLYSHM_OK)
    status = pshm_options_check_reserved(ours->reserved);
  const uint32_t known = POLYSHM_MANAGER_DETACHED | POLYSHM_MANAGER_NO_MD5;
  if (status == POLYSHM_OK && (ours->flags & ~known))
    status = pshm_error_set(
        POLYSHM_E_INVALID, "the flags 0x%x are not for this call",
        (unsigned)(ours->flags & ~known));
  return status;
}

polyshm_status polyshm_manager_start(
    const char *address, const void *authkey, uint64_t nauthkey,
    const polyshm_manager_options *options, polyshm_manager **out_manager) {
  if (out_manager == NULL)
    return pshm_error_set(POLYSHM_E_INVALID, "the output of the call is NULL");
  polyshm_manager_options ours;
  polyshm_status status = read_options(options, &ours);
  if (status == POLYSHM_OK)
    status = os_hmac_open();
  unsigned char drawn[DRAWN];
  if (status == POLYSHM_OK && authkey == NULL) {
    status = os_random_fill(drawn, sizeof drawn);
    authkey = drawn;
    nauthkey = sizeof drawn;
  }
  polyshm_manager *manager = NULL;
  if (status == POLYSHM_OK)
    status = pshm_client_make(address, authkey, nauthkey, &ours, &manager);
  if (status == POLYSHM_OK)
    status = start(manager, ours.flags);
  if (status == POLYSHM_OK)
    status = pshm_client_greet(manager);
  if (status != POLYSHM_OK) {
    polyshm_manager_free(manager);
    return status;
  }
  *out_manager = manager;
  return POLYSHM_OK;
}
