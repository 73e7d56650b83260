/* SPDX-License-Identifier: MIT */
/*
 * What polyshm_manager_start() and the program that it starts say to each
 * other, in packets over a pair of sockets: the authkey there, and back that it
 * listens, or why not. All that is no secret is in the program's arguments.
 */
#ifndef POLYSHM_MANAGE_START_H
#define POLYSHM_MANAGE_START_H

#include "polyshm.h"
#include "manage/auth.h"
#include "os/net.h"

#define PSHM_START_PROGRAM "polyshm-manager"

enum {
  PSHM_START_DESCRIPTOR = 3, /* of the pair's end, in the program */
  PSHM_START_KEY = 'K',      /* the first byte of the packet with the key */
  PSHM_START_READY = 'R',    /* of the answers */
  PSHM_START_FAILED = 'E'
};

typedef struct pshm_start_answer {
  char kind;
  int32_t status, os; /* of a failure */
  uint64_t pid;       /* of the program */
  char text[512];     /* its address, or why it failed */
} pshm_start_answer;

_Static_assert(
    sizeof((pshm_start_answer *)0)->text > OS_NET_ADDRESS_SIZE,
    "an address fits an answer");

#endif
