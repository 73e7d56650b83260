/* SPDX-License-Identifier: MIT */
/*
 * HMAC (RFC 2104), by a library that is loaded when it is first asked for: most
 * programs never talk to a manager, and should neither need nor load it.
 */
#ifndef POLYSHM_OS_HMAC_H
#define POLYSHM_OS_HMAC_H

#include "polyshm.h"

#include <stdbool.h>
#include <stddef.h>

/* In the order of os_hmac_names. */
typedef enum os_hmac_kind {
  OS_HMAC_MD5,
  OS_HMAC_SHA256,
  OS_HMAC_SHA384,
  OS_HMAC_SHA3_256,
  OS_HMAC_SHA3_384,
  OS_HMAC_KINDS
} os_hmac_kind;

enum { OS_HMAC_SIZE_MAX = 48 };

/* Load a library that can do it; POLYSHM_E_UNSUPPORTED if there is none. */
polyshm_status os_hmac_open(void);

/* The digest's size; 0 if the library that was opened does not do this kind, as
 * those that follow FIPS 140 refuse MD5. */
size_t os_hmac_make(
    os_hmac_kind kind, const void *key, size_t nkey, const void *bytes,
    size_t nbytes, unsigned char digest[OS_HMAC_SIZE_MAX]);

/* One library that can do it. */
typedef struct os_hmac_library {
  bool (*open)(void); /* once, or again */
  size_t (*make)(
      os_hmac_kind kind, const void *key, size_t nkey, const void *bytes,
      size_t nbytes, unsigned char digest[OS_HMAC_SIZE_MAX]);
} os_hmac_library;

extern const os_hmac_library os_hmac_nettle, os_hmac_libcrypto;

#endif
