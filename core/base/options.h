/* SPDX-License-Identifier: MIT */
#ifndef POLYSHM_BASE_OPTIONS_H
#define POLYSHM_BASE_OPTIONS_H

#include "polyshm.h"

#include <stddef.h>

/* Copy a caller's options struct, which may come from an older or a newer
 * header than ours, into `ours` of `size` bytes. NULL gives all defaults. A
 * member that we do not know must be zero: a wish that cannot be granted is
 * POLYSHM_E_UNSUPPORTED, never ignored. */
polyshm_status pshm_options_copy(void *ours, size_t size, const void *theirs);

/* Fill a caller's info struct, whose size was checked: what ours does not have
 * is zero there. */
polyshm_status pshm_options_check_size(const void *theirs);
void pshm_options_give(void *theirs, const void *ours, size_t size);

/* A member called `reserved` is a wish for later versions, too. */
polyshm_status pshm_options_check_reserved(uint32_t reserved);

#endif
