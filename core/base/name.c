/* SPDX-License-Identifier: MIT */
#include "base/name.h"

#include "base/error.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

polyshm_status pshm_name_check(const char *name, const char **out_plain) {
  if (name == NULL)
    return pshm_error_set(
        POLYSHM_E_INVALID, "a block that is not created needs a name");
  const char *plain = name;
  while (*plain == '/')
    plain++;

  size_t length = strlen(plain);
  if (length == 0)
    return pshm_error_set_os(
        POLYSHM_E_INVALID, EINVAL, "a block's name must not be empty");
  if (length > POLYSHM_NAME_MAX)
    return pshm_error_set_os(
        POLYSHM_E_INVALID, ENAMETOOLONG,
        "a block's name has at most %d bytes, not %zu", POLYSHM_NAME_MAX,
        length);
  if (memchr(plain, '/', length) != NULL)
    return pshm_error_set_os(
        POLYSHM_E_INVALID, EINVAL, "the name '%s' has a slash inside", plain);
  if (!pshm_utf8_check(plain, length))
    return pshm_error_set_os(
        POLYSHM_E_INVALID, EINVAL, "a block's name must be UTF-8");

  *out_plain = plain;
  return POLYSHM_OK;
}

void pshm_name_generate(uint32_t random, char name[POLYSHM_NAME_MAX + 1]) {
  snprintf(name, POLYSHM_NAME_MAX + 1, "psm_%08x", (unsigned)random);
}
