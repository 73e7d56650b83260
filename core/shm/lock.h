/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_SHM_LOCK_H
#define POLYSHM_SHM_LOCK_H

#include "shm/list.h"

/* Whether a thread other than this one, and a living one, has the list's lock.
 * May cost a system call. */
bool pshm_lock_is_foreign(const polyshm_list *list);

#endif
