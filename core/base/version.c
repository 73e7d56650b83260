/* SPDX-License-Identifier: MIT */
#include "polyshm.h"

uint32_t polyshm_version(void) {
  return (uint32_t)POLYSHM_VERSION_MAJOR << 16 |
         (uint32_t)POLYSHM_VERSION_MINOR << 8 | (uint32_t)POLYSHM_VERSION_PATCH;
}
