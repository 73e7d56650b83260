/* SPDX-License-Identifier: MIT */
/*
 * Calls on a list whose bytes may say anything. Each answers one of the
 * statuses that are documented for it, writes its outputs only if it succeeds,
 * and what they hold makes sense. That it ends at all is seen by who runs the
 * harness.
 */
#ifndef POLYSHM_TESTS_FUZZ_PLAY_H
#define POLYSHM_TESTS_FUZZ_PLAY_H

#include "polyshm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FUZZ_PLAY_STEP = 4 /* bytes of a call: which, slot, what, how */ };

/* Make the calls that the script says, as many as it has. With `is_quiet`
 * nobody changes the list meanwhile. */
void fuzz_play(
    polyshm_list *list, bool is_quiet, const uint8_t *script, size_t size);

/* The same with a handle of its own, which waits for nothing: guard it, play,
 * close it, see that it is closed, and free it. */
void fuzz_play_once(
    polyshm_list *list, bool is_quiet, const uint8_t *script, size_t size);

/* Shadow what is behind the end of the handle's mapping, for the address
 * sanitizer, or bring it back before the mapping goes. */
void fuzz_play_guard(const polyshm_list *list, bool is_on);

/* A status that is no bit of `allowed` is a finding. */
#define FUZZ_BIT(status) (1u << -(status))
void fuzz_play_expect(polyshm_status status, uint32_t allowed);

#endif
