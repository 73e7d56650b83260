/* SPDX-License-Identifier: MIT */
/*
 * A server's connections: who may come, how long they may take, and whose turn
 * it is. One thread; nobody is waited for but all at once.
 */
#ifndef POLYSHM_MANAGE_LOOP_H
#define POLYSHM_MANAGE_LOOP_H

#include "polyshm.h"
#include "manage/session.h"
#include "os/net.h"

#include <stdbool.h>

/* All in one queue have the same time, so the first is the first to be late. */
typedef enum pshm_loop_phase {
  PSHM_LOOP_HANDSHAKE, /* it has not shown that it knows the key */
  PSHM_LOOP_REQUEST,   /* part of one is there, or of its answer */
  PSHM_LOOP_IDLE,      /* between requests */
  PSHM_LOOP_PHASES
} pshm_loop_phase;

typedef struct pshm_peer {
  struct pshm_peer *earlier, *later;
  pshm_session session;
  pshm_loop_phase phase;
  int descriptor;
  bool to_write; /* waits until it can take more of its answer */
  uint64_t requests;
  int64_t deadline;
} pshm_peer;

typedef struct pshm_queue {
  pshm_peer *first, *last;
} pshm_queue;

typedef struct pshm_loop {
  pshm_household household;
  os_listener listener;
  int poll, bell, parent; /* parent is -1 if there is none */
  uint64_t watched;       /* that parent, if the system has no descriptor */
  int64_t timeouts[PSHM_LOOP_PHASES];
  pshm_queue queues[PSHM_LOOP_PHASES];
  pshm_peer *dead;     /* closed; freed when no event can mean them */
  int64_t accept_from; /* nobody is accepted before; 0 is now */
  uint64_t npeers;
  bool has_ended;
} pshm_loop;

/* Serve what is there, and sleep before until something is, but not past the
 * deadline. POLYSHM_E_INTERRUPTED. */
polyshm_status pshm_loop_turn(pshm_loop *loop, int64_t deadline);

/* Shut down: all blocks, all connections, the socket. */
void pshm_loop_end(pshm_loop *loop, const char *why);

/* Give back what it has, without a shutdown. */
void pshm_loop_close(pshm_loop *loop);

#endif
