/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_HOLD_MEMBER_H
#define POLYSHM_HOLD_MEMBER_H

#include "polyshm.h"
#include "os/os.h"
#include "base/port.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Tokens have this many bits, so that one fits a slot's sequence word. */
enum { PSHM_TOKEN_BITS = 25, PSHM_TOKEN_MAX = (1 << PSHM_TOKEN_BITS) - 1 };

/* What stands for a handle among those who write to one block: a token, which
 * is alive as long as this process has the handle. Zeroed but for the
 * descriptor, it has not joined. */
typedef struct pshm_member {
  int descriptor;         /* on the block's file; -1 if there is none */
  os_file_id id;          /* of that file */
  _Atomic uint32_t token; /* 0 until it joins */
  struct pshm_member *next, **link; /* among those who have joined */
} pshm_member;

/* Get a token, drawn from the block's `counter`, for a member without one. The
 * block is called `name`. */
PSHM_COLD polyshm_status pshm_member_join(
    pshm_member *member, const char *name, _Atomic uint64_t *counter);

/* Whether the owner of a token is alive. Costs a system call if it is another
 * one's. */
bool pshm_member_is_alive(const pshm_member *member, uint32_t token);

/* Give up the token, if there is one, and the descriptor. */
void pshm_member_leave(pshm_member *member);

static inline uint32_t pshm_member_token(const pshm_member *member) {
  return atomic_load_explicit(&member->token, memory_order_relaxed);
}

#endif
