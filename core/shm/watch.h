/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_SHM_WATCH_H
#define POLYSHM_SHM_WATCH_H

#include "shm/list.h"

/* Tell those who wait that a slot has changed. For a list that has some. */
PSHM_COLD void pshm_watch_notify(const polyshm_list *list, uint64_t index);

#endif
