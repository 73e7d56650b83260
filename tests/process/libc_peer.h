/* SPDX-License-Identifier: MIT */
/* The list on which libc_peer.c and test_libc.c meet. */
#ifndef POLYSHM_TESTS_LIBC_PEER_H
#define POLYSHM_TESTS_LIBC_PEER_H

#include <polyshm.h>

enum {
  COUNTED, /* all add to it, */
  SWAPPED, /* and swap here */
  TYPED,   /* all kinds of values */
  PAIR,    /* two that are equal but while somebody has the lock */
  STOP = 5,
  RING,
  OWN, /* from here on: one for each peer, what it has begun to add */
  PEERS = 12,
  SLOTS = OWN + PEERS,

  TEXT_SIZE = 24
};

#endif
