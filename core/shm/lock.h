/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_SHM_LOCK_H
#define POLYSHM_SHM_LOCK_H

#include "shm/list.h"

/* Whether a thread other than this one, and a living one, has the list's lock.
 * May cost a system call. */
bool pshm_lock_is_foreign(const polyshm_list *list);

/* polyshm_list_lock(), which can be taken back: see *out_dead below. */
polyshm_status pshm_lock_take(
    polyshm_list *list, int64_t timeout, uint64_t *out_dead);

/* Take the lock to look, not to change. POLYSHM_E_BUSY if this thread has it.
 * Where its last owner has died, *out_dead is not 0, and it goes back to that
 * one, so that whoever locks next is told. */
polyshm_status pshm_lock_borrow(
    polyshm_list *list, int64_t timeout, uint64_t *out_dead);
void pshm_lock_give_back(polyshm_list *list, uint64_t dead);

#endif
