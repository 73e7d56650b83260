/* SPDX-License-Identifier: MIT */
/* The header alone, as C99 and as C11. Negative sizes are no array's. */
#include <polyshm.h>

#include <stddef.h>

#define HOLDS(name, condition) typedef char name[(condition) ? 1 : -1]

HOLDS(value_is_frozen, sizeof(polyshm_value) == 24);
HOLDS(value_type_is_first, offsetof(polyshm_value, type) == 0);
HOLDS(value_reserved_fills, offsetof(polyshm_value, reserved) == 4);
HOLDS(value_content_is_aligned, offsetof(polyshm_value, of) == 8);
HOLDS(value_size_is_last, offsetof(polyshm_value, size) == 16);
HOLDS(status_has_32_bits, sizeof(polyshm_status) == 4);
HOLDS(success_is_zero, POLYSHM_OK == 0);
HOLDS(block_options_size, sizeof(polyshm_block_options) == 16);
HOLDS(block_options_mode, offsetof(polyshm_block_options, mode) == 8);
HOLDS(list_options_size, sizeof(polyshm_list_options) == 32);
HOLDS(list_options_slot, offsetof(polyshm_list_options, slot_capacity) == 8);
HOLDS(list_options_mode, offsetof(polyshm_list_options, mode) == 16);
HOLDS(list_options_timeout, offsetof(polyshm_list_options, timeout) == 24);

/* A prototype in everything but name would let this through. */
uint32_t use(void);
uint32_t use(void) {
  return polyshm_version();
}
