/* SPDX-License-Identifier: MIT */
/* The talk between a process and its tree's helper: single bytes, and
 * descriptors that come with them. */
#ifndef POLYSHM_OS_LINUX_SOCKET_H
#define POLYSHM_OS_LINUX_SOCKET_H

#include <stdbool.h>

/* What a process says, and what the helper answers. */
enum {
  OS_SOCKET_JOIN = 'J',   /* "give me the tree's folder" */
  OS_SOCKET_FOLDER = 'T', /* "here it is" */
  OS_SOCKET_HOLD = 'H',   /* "hold this folder, too" */
  OS_SOCKET_HELD = 'K'    /* "I do" */
};

/* Whether the other side is this user, or root. */
bool os_socket_is_trusted(int connection);

/* One byte, and a descriptor with it if that is not negative. */
bool os_socket_send(int connection, char byte, int descriptor);

/* What recvmsg answers: 1, 0 at the end, -1. *out_descriptor is -1 if none
 * came. */
int os_socket_receive(
    int connection, int flags, char *out_byte, int *out_descriptor);

#endif
