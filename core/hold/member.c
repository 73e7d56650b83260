/* SPDX-License-Identifier: MIT */
/*
 * Who owns what in a block, and is it still alive?
 *
 * Owners write their token where they are at work. A token is backed by a claim
 * on the block's file (os.h), so the kernel itself ends it with the process.
 * Most handles never write: they join when they first do.
 *
 * A fork child inherits the descriptors of its parent's claims and would keep
 * them. All that have joined are therefore known here, and in the child each
 * gets an opening of its own and joins again when it next writes.
 */
#include "hold/member.h"

#include "os/os.h"
#include "base/error.h"

enum { TRIES = 1000 };

static pshm_member *joined; /* guarded by os_fork_hold */

static void enter(pshm_member *member) {
  member->next = joined;
  member->link = &joined;
  if (joined != NULL)
    joined->link = &member->next;
  joined = member;
}

static void forget(pshm_member *member) {
  *member->link = member->next;
  if (member->next != NULL)
    member->next->link = member->link;
  atomic_store_explicit(&member->token, 0, memory_order_relaxed);
}

static void begin_child(void) {
  os_thread_forget();
  while (joined != NULL) {
    pshm_member *member = joined;
    forget(member);
    if (os_claim_separate(member->descriptor, &member->id, "") != POLYSHM_OK) {
      os_claim_close(member->descriptor, &member->id);
      member->descriptor = -1;
    }
  }
}

/* The counter is a hint that makes the first try the last; whatever it holds,
 * the claim decides. */
static polyshm_status draw(
    pshm_member *member, const char *name, _Atomic uint64_t *counter) {
  for (int i = 0; i < TRIES; i++) {
    uint64_t drawn =
        atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
    uint32_t token = (uint32_t)(drawn % PSHM_TOKEN_MAX) + 1;
    if (os_claim_take(member->descriptor, token)) {
      enter(member);
      atomic_store_explicit(&member->token, token, memory_order_release);
      return POLYSHM_OK;
    }
  }
  return pshm_error_set(
      POLYSHM_E_OS, "cannot lock a byte of the list '%s': %d were refused",
      name, TRIES);
}

polyshm_status pshm_member_join(
    pshm_member *member, const char *name, _Atomic uint64_t *counter) {
  os_fork_hold();
  polyshm_status status = POLYSHM_OK;
  if (pshm_member_token(member) == 0) { /* another thread may have been first */
    status = os_fork_watch(begin_child);
    if (status == POLYSHM_OK)
      status = os_claim_separate(member->descriptor, &member->id, name);
    if (status == POLYSHM_OK)
      status = draw(member, name, counter);
  }
  os_fork_release();
  return status;
}

bool pshm_member_is_alive(const pshm_member *member, uint32_t token) {
  return token == pshm_member_token(member) ||
         os_claim_is_held(member->descriptor, token);
}

void pshm_member_leave(pshm_member *member) {
  if (member->descriptor < 0)
    return;
  os_fork_hold();
  if (pshm_member_token(member) != 0)
    forget(member);
  os_claim_close(member->descriptor, &member->id);
  member->descriptor = -1;
  os_fork_release();
}
