/* SPDX-License-Identifier: MIT */
#include "os/os.h"

#include "os/net.h"
#include "os/linux/address.h"
#include "os/linux/socket.h"
#include "base/error.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NANOSECONDS = 1000000000 };

void os_net_close(int descriptor) {
  if (descriptor >= 0)
    close(descriptor);
}

void os_net_raise_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

uint64_t os_net_identify(int descriptor) {
  struct stat found;
  return descriptor >= 0 && fstat(descriptor, &found) == 0 &&
                 S_ISSOCK(found.st_mode)
             ? found.st_ino
             : 0;
}

/* Small messages must not wait for each other. */
static void hurry(int connection) {
  int yes = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

os_net_result os_net_accept(const os_listener *listener, int *out_connection) {
  int connection =
      accept4(listener->descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection < 0)
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return OS_NET_FULL;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
      return OS_NET_GONE;
    default: /* what it died of on its way is not ours */
      return errno == EAGAIN || errno == EWOULDBLOCK ? OS_NET_LATER
                                                     : OS_NET_REFUSED;
    }
  if (listener->is_local && !os_socket_is_trusted(connection)) {
    close(connection);
    return OS_NET_REFUSED;
  }
  if (!listener->is_local)
    hurry(connection);
  *out_connection = connection;
  return OS_NET_DONE;
}

static os_net_result result_of(ssize_t size, size_t *out_count) {
  if (size > 0) {
    *out_count = (size_t)size;
    return OS_NET_DONE;
  }
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    return OS_NET_LATER;
  return OS_NET_GONE;
}

os_net_result os_net_read(
    int connection, void *bytes, size_t capacity, size_t *out_count) {
  return result_of(recv(connection, bytes, capacity, MSG_DONTWAIT), out_count);
}

os_net_result os_net_write(
    int connection, const void *bytes, size_t nbytes, size_t *out_count) {
  return result_of(
      send(connection, bytes, nbytes, MSG_NOSIGNAL | MSG_DONTWAIT), out_count);
}

polyshm_status os_net_pair(int out_ends[2]) {
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out_ends) == 0)
    return POLYSHM_OK;
  return pshm_error_set_os(
      POLYSHM_E_OS, errno, "cannot make a pair of sockets: %s",
      strerror(errno));
}

/* ---------------------------------------------------------------- waiting */

os_wake os_net_wait(int connection, bool to_write, int64_t timeout) {
  struct pollfd one = {.fd = connection, .events = to_write ? POLLOUT : POLLIN};
  if (timeout < 0)
    timeout = 0;
  struct timespec time = {
      .tv_sec = (time_t)(timeout / NANOSECONDS),
      .tv_nsec = (long)(timeout % NANOSECONDS)};
  int found = ppoll(&one, 1, &time, NULL);
  if (found < 0)
    return errno == EINTR ? OS_WAKE_INTERRUPTED : OS_WAKE_MAYBE;
  return found == 0 ? OS_WAKE_TIMEOUT : OS_WAKE_MAYBE;
}

/* ------------------------------------------------------------- connecting */

static polyshm_status fail_connect(const char *address, int code) {
  return pshm_error_set_os(
      code == ENOENT                    ? POLYSHM_E_NOT_FOUND
      : code == EACCES || code == EPERM ? POLYSHM_E_ACCESS
                                        : POLYSHM_E_OS,
      code, "cannot connect to the manager at '%.200s': %s", address,
      strerror(code));
}

enum { PAUSE = 1000000 /* nanoseconds, while a listener's queue is full */ };

/* What connect() began in the background. */
static polyshm_status finish(
    int connection, const char *address, int64_t deadline) {
  int64_t left = os_clock_left(deadline, INT64_MAX);
  os_wake woken =
      left <= 0 ? OS_WAKE_TIMEOUT : os_net_wait(connection, true, left);
  if (woken == OS_WAKE_INTERRUPTED)
    return pshm_error_set(
        POLYSHM_E_INTERRUPTED, "a signal arrived while connecting");
  if (woken == OS_WAKE_TIMEOUT)
    return pshm_error_set_os(
        POLYSHM_E_TIMEOUT, ETIMEDOUT, "the manager at '%.200s' does not answer",
        address);
  int code = 0;
  socklen_t size = sizeof code;
  getsockopt(connection, SOL_SOCKET, SO_ERROR, &code, &size);
  return code == 0 ? POLYSHM_OK : fail_connect(address, code);
}

static polyshm_status connect_to(
    int connection, const os_address *to, const char *address,
    int64_t deadline) {
  while (connect(connection, &to->of.any, to->size) != 0) {
    if (errno == EINPROGRESS || errno == EINTR)
      return finish(connection, address, deadline);
    if (errno != EAGAIN) /* a local listener's queue is full */
      return fail_connect(address, errno);
    int64_t left = os_clock_left(deadline, PAUSE);
    if (left <= 0)
      return pshm_error_set_os(
          POLYSHM_E_TIMEOUT, ETIMEDOUT,
          "the manager at '%.200s' accepts nobody", address);
    os_wake woken = os_net_wait(-1, false, left);
    if (woken == OS_WAKE_INTERRUPTED)
      return pshm_error_set(
          POLYSHM_E_INTERRUPTED, "a signal arrived while connecting");
  }
  return POLYSHM_OK;
}

polyshm_status os_net_connect(
    const char *address, int64_t deadline, int *out_connection) {
  os_address to;
  polyshm_status status = os_address_read(address, false, &to);
  if (status != POLYSHM_OK)
    return status;
  int family = to.of.any.sa_family;
  int connection =
      socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connection < 0)
    return pshm_error_set_os(
        POLYSHM_E_OS, errno, "cannot make a socket: %s", strerror(errno));
  status = connect_to(connection, &to, address, deadline);
  if (status == POLYSHM_OK && family == AF_UNIX &&
      !os_socket_is_trusted(connection))
    status = pshm_error_set_os(
        POLYSHM_E_ACCESS, EPERM, "who listens at '%.200s' is another user",
        address);
  if (status != POLYSHM_OK) {
    close(connection);
    return status;
  }
  if (family != AF_UNIX)
    hurry(connection);
  *out_connection = connection;
  return POLYSHM_OK;
}
