/* SPDX-License-Identifier: MIT */
/* OpenSSL's libcrypto, 1.1 and 3: two opaque types and one function. */
#include "os/os.h"

#include "os/hmac.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdatomic.h>

enum { LARGEST = 64 /* bytes of any digest of theirs */ };

static struct {
  const void *kinds[OS_HMAC_KINDS];
  unsigned char *(*hmac)(
      const void *kind, const void *key, int nkey, const unsigned char *bytes,
      size_t nbytes, unsigned char *digest, unsigned *size);
} crypto;

static _Atomic int is_open;

static bool find(void *library, const char *name, void *function) {
  void *found = dlsym(library, name);
  *(void **)function = found;
  return found != NULL;
}

static bool open_libcrypto(void) {
  if (atomic_load_explicit(&is_open, memory_order_acquire))
    return true;
  void *library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL)
    library = dlopen("libcrypto.so.1.1", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL)
    return false;
  static const char *const names[OS_HMAC_KINDS] = {
      "EVP_md5", "EVP_sha256", "EVP_sha384", "EVP_sha3_256", "EVP_sha3_384"};
  const void *(*kind)(void);
  for (int i = 0; i < OS_HMAC_KINDS; i++)
    crypto.kinds[i] = find(library, names[i], &kind) ? kind() : NULL;
  bool is_good = crypto.kinds[OS_HMAC_SHA256] != NULL &&
                 find(library, "HMAC", &crypto.hmac);
  /* Threads that come here at once store the same. */
  atomic_store_explicit(&is_open, is_good, memory_order_release);
  return is_good;
}

static size_t make(
    os_hmac_kind kind, const void *key, size_t nkey, const void *bytes,
    size_t nbytes, unsigned char digest[OS_HMAC_SIZE_MAX]) {
  unsigned char large[LARGEST];
  unsigned size = 0;
  if (crypto.kinds[kind] == NULL || nkey > INT_MAX ||
      crypto.hmac(
          crypto.kinds[kind], nkey == 0 ? "" : key, (int)nkey, bytes, nbytes,
          large, &size) == NULL ||
      size > OS_HMAC_SIZE_MAX)
    return 0;
  for (unsigned i = 0; i < size; i++)
    digest[i] = large[i];
  return size;
}

const os_hmac_library os_hmac_libcrypto = {open_libcrypto, make};
