/* SPDX-License-Identifier: MIT */
#include "os/linux/address.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCAL "unix:"
#define TCP "tcp:"

static polyshm_status fail(const char *text, const char *why) {
  return pshm_error_set_os(
      POLYSHM_E_INVALID, EINVAL,
      "'%.200s' is no address: %s; addresses are unix:/path, unix:@name and "
      "tcp:host:port",
      text, why);
}

static polyshm_status fail_kind(const char *text) {
  return fail(text, "it begins with neither unix: nor tcp:");
}

static polyshm_status read_local(
    const char *text, const char *path, os_address *out_address) {
  size_t size = strlen(path);
  struct sockaddr_un *local = &out_address->of.local;
  bool is_abstract = path[0] == '@';
  if (size == (size_t)is_abstract)
    return fail(text, "it has no path");
  if (size >= sizeof local->sun_path)
    return fail(text, "a socket's path has at most 107 bytes");
  local->sun_family = AF_UNIX;
  memcpy(local->sun_path, path, size + 1);
  size_t length = offsetof(struct sockaddr_un, sun_path) + size;
  if (is_abstract)
    local->sun_path[0] = 0;
  else
    length++;
  out_address->size = (socklen_t)length;
  out_address->is_loopback = true;
  return POLYSHM_OK;
}

static bool is_loopback(const struct sockaddr *any) {
  if (any->sa_family == AF_INET) {
    const struct sockaddr_in *four = (const void *)any;
    return ntohl(four->sin_addr.s_addr) >> 24 == 127;
  }
  const struct sockaddr_in6 *six = (const void *)any;
  return any->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static polyshm_status look_up(
    const char *text, const char *host, const char *port,
    os_address *out_address) {
  struct addrinfo hints = {
      .ai_family = AF_UNSPEC,
      .ai_socktype = SOCK_STREAM,
      .ai_flags = AI_NUMERICSERV};
  struct addrinfo *found;
  int code = getaddrinfo(host, port, &hints, &found);
  if (code == EAI_SYSTEM)
    return pshm_error_set_os(
        POLYSHM_E_OS, errno, "cannot look up '%.200s': %s", host,
        strerror(errno));
  if (code != 0)
    return pshm_error_set(
        POLYSHM_E_NOT_FOUND, "cannot look up the host of '%.200s': %s", text,
        gai_strerror(code));
  /* Stock Python listens on IPv4 alone: what a name means there comes first. */
  const struct addrinfo *best = found;
  for (const struct addrinfo *i = found; i != NULL; i = i->ai_next)
    if (i->ai_family == AF_INET) {
      best = i;
      break;
    }
  /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there is one, if 0 */
  memcpy(&out_address->of, best->ai_addr, best->ai_addrlen);
  out_address->size = best->ai_addrlen;
  out_address->is_loopback = is_loopback(&out_address->of.any);
  freeaddrinfo(found);
  return POLYSHM_OK;
}

static polyshm_status read_tcp(
    const char *text, const char *rest, bool to_listen,
    os_address *out_address) {
  char host[256];
  const char *colon = strrchr(rest, ':');
  if (colon == NULL || colon == rest)
    return fail(text, "it has no port");
  char *end;
  unsigned long port = strtoul(colon + 1, &end, 10);
  if (colon[1] < '0' || colon[1] > '9' || *end != 0 || port > 65535 ||
      (port == 0 && !to_listen))
    return fail(text, "its port is no number from 1 to 65535");
  size_t size = (size_t)(colon - rest);
  bool is_bracketed = rest[0] == '[' && rest[size - 1] == ']';
  if (is_bracketed) {
    rest++;
    size -= 2;
  }
  if (size == 0 || size >= sizeof host)
    return fail(text, "its host is too long, or empty");
  if (!is_bracketed && memchr(rest, ':', size) != NULL)
    return fail(text, "an IPv6 host is written in brackets");
  memcpy(host, rest, size);
  host[size] = 0;
  return look_up(text, host, colon + 1, out_address);
}

polyshm_status os_address_read(
    const char *text, bool to_listen, os_address *out_address) {
  memset(out_address, 0, sizeof *out_address);
  if (strncmp(text, LOCAL, strlen(LOCAL)) == 0)
    return read_local(text, text + strlen(LOCAL), out_address);
  if (strncmp(text, TCP, strlen(TCP)) == 0)
    return read_tcp(text, text + strlen(TCP), to_listen, out_address);
  return fail_kind(text);
}

const char *os_address_path(const os_address *address) {
  const struct sockaddr_un *local = &address->of.local;
  return local->sun_family == AF_UNIX && local->sun_path[0] != 0
             ? local->sun_path
             : NULL;
}

void os_address_write(
    const os_address *address, char text[OS_NET_ADDRESS_SIZE]) {
  char host[INET6_ADDRSTRLEN];
  if (address->of.any.sa_family == AF_INET) {
    const struct sockaddr_in *four = (const void *)&address->of;
    inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
    snprintf(
        text, OS_NET_ADDRESS_SIZE, TCP "%s:%u", host, ntohs(four->sin_port));
  } else {
    const struct sockaddr_in6 *six = (const void *)&address->of;
    inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
    snprintf(
        text, OS_NET_ADDRESS_SIZE, TCP "[%s]:%u", host, ntohs(six->sin6_port));
  }
}

polyshm_status os_net_settle(
    const char *address, char out_address[OS_NET_ADDRESS_SIZE]) {
  bool is_local = strncmp(address, LOCAL, strlen(LOCAL)) == 0;
  if (!is_local && strncmp(address, TCP, strlen(TCP)) != 0)
    return fail_kind(address);
  char folder[OS_NET_PATH_SIZE];
  const char *path = address + strlen(LOCAL);
  int size;
  if (!is_local || path[0] == '/' || path[0] == '@' || path[0] == 0)
    size = snprintf(out_address, OS_NET_ADDRESS_SIZE, "%s", address);
  else if (getcwd(folder, sizeof folder) != NULL)
    size =
        snprintf(out_address, OS_NET_ADDRESS_SIZE, LOCAL "%s/%s", folder, path);
  else
    return pshm_error_set_os(
        POLYSHM_E_OS, errno, "cannot find out the current folder: %s",
        strerror(errno));
  return size < OS_NET_ADDRESS_SIZE ? POLYSHM_OK
                                    : fail(address, "it is too long");
}
