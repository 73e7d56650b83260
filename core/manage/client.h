/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_MANAGE_CLIENT_H
#define POLYSHM_MANAGE_CLIENT_H

#include "polyshm.h"
#include "manage/auth.h"
#include "manage/link.h"
#include "os/net.h"

#include <stdatomic.h>

enum { PSHM_CLIENT_IDLE = 4 /* connections that are kept for the next call */ };

struct polyshm_manager {
  char address[OS_NET_ADDRESS_SIZE];
  pshm_auth_key key;
  int64_t timeout;
  uint64_t pid; /* of the program that it started; else 0 */
  _Atomic uint32_t is_closed;
  _Atomic(pshm_link *) idle[PSHM_CLIENT_IDLE];
};

/* A handle that is not connected; the address is settled. NULL options are
 * defaults. */
polyshm_status pshm_client_make(
    const char *address, const void *authkey, uint64_t nauthkey,
    const polyshm_manager_options *options, polyshm_manager **out_manager);

/* Ask for nothing, to see that somebody answers. */
polyshm_status pshm_client_greet(polyshm_manager *manager);

#endif
