/* SPDX-License-Identifier: MIT */
/*
 * What a manager and its clients need of the system: streams of bytes between
 * processes, and waiting for many of them. No call here sleeps but those that
 * say so. An address is "unix:/path", "unix:@name" or "tcp:host:port".
 */
#ifndef POLYSHM_OS_NET_H
#define POLYSHM_OS_NET_H

#include "polyshm.h"
#include "os/os.h"

#include <stdbool.h>
#include <stddef.h>

enum { OS_NET_ADDRESS_SIZE = 304, OS_NET_PATH_SIZE = 108 };

/* Complete an address that a process in another folder is to understand: a
 * relative path becomes an absolute one. */
polyshm_status os_net_settle(
    const char *address, char out_address[OS_NET_ADDRESS_SIZE]);

/* ----------------------------------------------------------------- server */

typedef struct os_listener {
  int descriptor;
  bool is_local; /* the system knows who connects */
  char address[OS_NET_ADDRESS_SIZE];
  char path[OS_NET_PATH_SIZE];   /* of the socket; "" if it is no file */
  char folder[OS_NET_PATH_SIZE]; /* made for it; else "" */
  os_file_id id;                 /* of that file */
} os_listener;

/* Listen. NULL makes a fresh socket in a folder that is this user's alone. A
 * socket that nobody listens on any more is replaced. With `remote`, other
 * machines may connect, too. */
polyshm_status os_net_listen(
    const char *address, bool remote, os_listener *out_listener);

/* Stop listening, and remove what was made for it. */
void os_net_unlisten(os_listener *listener);

typedef enum os_net_result {
  OS_NET_DONE,
  OS_NET_LATER,   /* nothing can be done now */
  OS_NET_REFUSED, /* it came, and was sent away: another user */
  OS_NET_FULL,    /* this process has all the descriptors it may have */
  OS_NET_GONE     /* the other side, or this descriptor, has ended */
} os_net_result;

/* The next one who wants to connect. */
os_net_result os_net_accept(const os_listener *listener, int *out_connection);

/* Some of the bytes. */
os_net_result os_net_read(
    int connection, void *bytes, size_t capacity, size_t *out_count);
os_net_result os_net_write(
    int connection, const void *bytes, size_t nbytes, size_t *out_count);

void os_net_close(int descriptor);

/* As many descriptors as this user may have, for programs. */
void os_net_raise_limit(void);

/* ----------------------------------------------------------------- client */

/* Connect, sleeping until the deadline at most. POLYSHM_E_TIMEOUT and
 * POLYSHM_E_INTERRUPTED. A local listener of another user than this or root is
 * POLYSHM_E_ACCESS. */
polyshm_status os_net_connect(
    const char *address, int64_t deadline, int *out_connection);

/* Sleep until something can be read or written, or the other side has gone. */
os_wake os_net_wait(int connection, bool to_write, int64_t timeout);

/* Two ends of a stream of packets. */
polyshm_status os_net_pair(int out_ends[2]);

/* What this descriptor is; another one of the same number is not. */
uint64_t os_net_identify(int descriptor);

/* ------------------------------------------------------------------- poll */

/* Waiting for many. A watched descriptor has a tag. */
typedef struct os_poll_event {
  void *tag;
  bool can_read, can_write;
} os_poll_event;

int os_poll_open(void); /* -1 with the reason noted */
bool os_poll_add(int poll, int descriptor, void *tag);
void os_poll_change(
    int poll, int descriptor, void *tag, bool to_read, bool to_write);

/* Sleep; how many events there are, 0 if the time is over, -1 if a signal
 * handler ran. */
int os_poll_wait(
    int poll, os_poll_event *events, int capacity, int64_t timeout);

/* A descriptor that can be read once it was rung, by any thread or a signal
 * handler; -1 with the reason noted. */
int os_bell_open(void);
void os_bell_ring(int bell);
void os_bell_clear(int bell);

/* A descriptor that can be read when that process has ended; -1 if the system
 * has none, or there is no such process. */
int os_process_watch(uint64_t pid);
bool os_process_is_alive(uint64_t pid);
uint64_t os_process_id(void);

/* ---------------------------------------------------------------- signals */

/* Ring this bell at SIGTERM and SIGINT, unless SIGINT is ignored; what was done
 * before comes back with the release. One at a time: false if another is. */
bool os_signals_take(int bell);
void os_signals_release(void);

#endif
