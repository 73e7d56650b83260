/* SPDX-License-Identifier: MIT */
/*
 * CPython fills strings up with zeros and takes all zeros off again, so zeros
 * at the end of a value are lost. A slot's exact word remembers them:
 *
 *   0            the string ends where its last byte that is not zero is
 *   otherwise    upper half: its length in bytes
 *                lower half: a checksum of the bytes before those zeros
 *
 * A stock process that overwrites the slot leaves the word as it was. Then the
 * checksum does not fit any more, and the word does not count. (If it stores
 * the same bytes, nothing can tell.)
 */
#ifndef POLYSHM_SHM_EXACT_H
#define POLYSHM_SHM_EXACT_H

#include <stdint.h>

/* The exact word of a string. */
uint64_t pshm_exact_make(const unsigned char *text, uint64_t size);

/* The length of a string whose bytes before the zeros are these. */
uint64_t pshm_exact_length(
    uint64_t exact, const unsigned char *text, uint64_t size, uint64_t room);

#endif
