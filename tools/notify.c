/* SPDX-License-Identifier: MIT */
/* The protocol of sd_notify(3) is one datagram, which takes no library. */
#include "notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_send(const char *message) {
  const char *path = getenv("NOTIFY_SOCKET");
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  size_t size = path == NULL ? 0 : strlen(path);
  if (size < 2 || size >= sizeof to.sun_path ||
      (path[0] != '/' && path[0] != '@'))
    return;
  memcpy(to.sun_path, path, size);
  if (path[0] == '@')
    to.sun_path[0] = 0;
  int end = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (end < 0)
    return;
  socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
  sendto(
      end, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&to,
      length);
  close(end);
}
