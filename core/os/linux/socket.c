/* SPDX-License-Identifier: MIT */
#include "os/linux/socket.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool os_socket_is_trusted(int connection) {
  struct ucred other;
  socklen_t size = sizeof other;
  return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &other, &size) == 0 &&
         (other.uid == geteuid() || other.uid == 0);
}

union control {
  char bytes[CMSG_SPACE(sizeof(int))];
  struct cmsghdr header;
};

bool os_socket_send(int connection, char byte, int descriptor) {
  struct iovec io = {&byte, 1};
  union control control = {.bytes = {0}};
  struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1};
  if (descriptor >= 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof descriptor);
    memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
  }
  return sendmsg(connection, &message, MSG_NOSIGNAL) == 1;
}

int os_socket_receive(
    int connection, int flags, char *out_byte, int *out_descriptor) {
  struct iovec io = {out_byte, 1};
  union control control;
  struct msghdr message = {
      .msg_iov = &io,
      .msg_iovlen = 1,
      .msg_control = control.bytes,
      .msg_controllen = sizeof control.bytes};
  *out_descriptor = -1;
  int size = (int)recvmsg(connection, &message, MSG_CMSG_CLOEXEC | flags);
  if (size != 1)
    return size;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header != NULL && header->cmsg_level == SOL_SOCKET &&
      header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN(sizeof *out_descriptor))
    memcpy(out_descriptor, CMSG_DATA(header), sizeof *out_descriptor);
  return size;
}
