/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_OS_LINUX_ADDRESS_H
#define POLYSHM_OS_LINUX_ADDRESS_H

#include "polyshm.h"
#include "os/net.h"

#include <sys/socket.h>
#include <sys/un.h>

typedef struct os_address {
  union {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_storage storage;
  } of;
  socklen_t size;
  bool is_loopback; /* no other machine can use it */
} os_address;

/* Read an address; host names are looked up, which may sleep. `to_listen`
 * allows port 0. */
polyshm_status os_address_read(
    const char *text, bool to_listen, os_address *out_address);

/* The path of a socket in the file system; NULL for any other. */
const char *os_address_path(const os_address *address);

/* What a listening TCP socket is called. */
void os_address_write(
    const os_address *address, char text[OS_NET_ADDRESS_SIZE]);

#endif
