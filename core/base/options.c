/* SPDX-License-Identifier: MIT */
#include "base/options.h"

#include "base/error.h"

#include <string.h>

/* Sizes outside these bounds come from memory that nobody initialised. */
enum { SIZE_LEAST = 8, SIZE_MOST = 4096 };

static uint64_t claimed_size(const void *theirs) {
  uint64_t claimed;
  memcpy(&claimed, theirs, sizeof claimed);
  return claimed;
}

polyshm_status pshm_options_check_size(const void *theirs) {
  uint64_t claimed = claimed_size(theirs);
  if (claimed >= SIZE_LEAST && claimed <= SIZE_MOST)
    return POLYSHM_OK;
  return pshm_error_set(
      POLYSHM_E_INVALID,
      "an options struct says struct_size = %llu; set it to its sizeof",
      (unsigned long long)claimed);
}

void pshm_options_give(void *theirs, const void *ours, size_t size) {
  size_t claimed = (size_t)claimed_size(theirs);
  size_t common = claimed < size ? claimed : size;
  memcpy(theirs, ours, common);
  memset((unsigned char *)theirs + common, 0, claimed - common);
  uint64_t kept = claimed;
  memcpy(theirs, &kept, sizeof kept);
}

polyshm_status pshm_options_copy(void *ours, size_t size, const void *theirs) {
  memset(ours, 0, size);
  if (theirs == NULL)
    return POLYSHM_OK;
  polyshm_status status = pshm_options_check_size(theirs);
  if (status != POLYSHM_OK)
    return status;

  uint64_t claimed = claimed_size(theirs);
  const unsigned char *bytes = theirs;
  for (size_t i = size; i < claimed; i++)
    if (bytes[i] != 0)
      return pshm_error_set(
          POLYSHM_E_UNSUPPORTED,
          "an options struct sets a member that this library does not know");

  memcpy(ours, theirs, claimed < size ? (size_t)claimed : size);
  return POLYSHM_OK;
}

polyshm_status pshm_options_check_reserved(uint32_t reserved) {
  if (reserved == 0)
    return POLYSHM_OK;
  return pshm_error_set(
      POLYSHM_E_UNSUPPORTED, "an options struct's reserved member is not 0");
}
