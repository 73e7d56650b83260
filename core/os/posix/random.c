/* SPDX-License-Identifier: MIT */
#include "os/os.h"

#include "base/error.h"

#include <errno.h>
#include <unistd.h>

polyshm_status os_random_fill(void *bytes, size_t nbytes) {
  if (getentropy(bytes, nbytes) != 0)
    return pshm_error_set_os(
        POLYSHM_E_OS, errno, "the system gives no random bytes");
  return POLYSHM_OK;
}
