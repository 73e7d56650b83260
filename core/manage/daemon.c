/* SPDX-License-Identifier: MIT */
/*
 * The program that polyshm_manager_start() starts: it is told the address, the
 * process to outlive or not, and the flags; the key it is told in secret.
 */
#include "polyshm.h"

#include "manage/start.h"
#include "os/net.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_TIME = 10 /* seconds */ };

static polyshm_server *server;

static void stop(int signal) {
  (void)signal;
  /* Made for signal handlers, says polyshm.h.
   * NOLINTNEXTLINE(bugprone-signal-handler) */
  polyshm_server_stop(server);
}

/* How many bytes the key has; -1 if none comes. */
static int64_t hear_key(unsigned char *key, size_t capacity) {
  unsigned char packet[1 + PSHM_AUTH_KEY_MAX];
  size_t count = 0;
  int64_t deadline = os_clock_deadline(INT64_C(1000000000) * KEY_TIME);
  for (;;) {
    int64_t left = os_clock_left(deadline, INT64_MAX);
    os_net_result result =
        os_net_read(PSHM_START_DESCRIPTOR, packet, sizeof packet, &count);
    if (result == OS_NET_DONE)
      break;
    if (result != OS_NET_LATER || left <= 0)
      return -1;
    os_net_wait(PSHM_START_DESCRIPTOR, false, left);
  }
  if (packet[0] != PSHM_START_KEY || count - 1 > capacity)
    return -1;
  memcpy(key, packet + 1, count - 1);
  return (int64_t)count - 1;
}

static bool tell(polyshm_status status) {
  pshm_start_answer answer = {
      .kind = status == POLYSHM_OK ? PSHM_START_READY : PSHM_START_FAILED,
      .status = status,
      .os = polyshm_error_os(),
      .pid = os_process_id(),
  };
  snprintf(
      answer.text, sizeof answer.text, "%s",
      status == POLYSHM_OK ? polyshm_server_address(server)
                           : polyshm_error_message());
  size_t count;
  return os_net_write(PSHM_START_DESCRIPTOR, &answer, sizeof answer, &count) ==
         OS_NET_DONE;
}

static int serve(void) {
  signal(SIGTERM, stop);
  polyshm_event_info event = {.struct_size = sizeof event};
  polyshm_status status;
  do
    status = polyshm_server_next(server, POLYSHM_FOREVER, &event);
  while (status == POLYSHM_OK || status == POLYSHM_E_INTERRUPTED);
  signal(SIGTERM, SIG_IGN);
  return status == POLYSHM_E_END ? 0 : 1;
}

int main(int argc, char **argv) {
  static unsigned char key[PSHM_AUTH_KEY_MAX];
  int64_t size = argc == 4 ? hear_key(key, sizeof key) : -1;
  if (size < 0) {
    fprintf(
        stderr, PSHM_START_PROGRAM
        ": started by polyshm_manager_start(), not by hand; see 'polyshm "
        "serve --help'\n");
    return 2;
  }
  os_net_raise_limit();
  unsigned long flags = strtoul(argv[3], NULL, 10);
  polyshm_server_options options = {
      .struct_size = sizeof options,
      .parent = strtoull(argv[2], NULL, 10),
      .flags = flags & POLYSHM_MANAGER_NO_MD5 ? POLYSHM_SERVER_NO_MD5 : 0,
  };
  bool is_fresh = strcmp(argv[1], "-") == 0;
  polyshm_status status = polyshm_server_open(
      is_fresh ? NULL : argv[1], key, (uint64_t)size, &options, &server);
  memset(key, 0, sizeof key);
  bool is_heard = tell(status);
  os_net_close(PSHM_START_DESCRIPTOR);
  int code = status == POLYSHM_OK && is_heard ? serve() : 1;
  polyshm_server_free(server);
  return code;
}
