/* SPDX-License-Identifier: MIT */
/*
 * Nettle as of its version 3.6, whose library is number 8. Its hashes describe
 * themselves by a struct, and its HMAC works on any of them; both are declared
 * here, since no header is needed to build where the library may be missing.
 */
#include "os/os.h"

#include "os/hmac.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>

enum { CONTEXT_MAX = 1024 /* of one hash; the largest has 432 */ };

typedef struct hash {
  const char *name;
  unsigned context_size, digest_size, block_size;
  void (*init)(void *context);
  void (*update)(void *context, size_t nbytes, const uint8_t *bytes);
  void (*digest)(void *context, size_t size, uint8_t *out);
} hash;

static struct {
  const hash *hashes[OS_HMAC_KINDS];
  void (*set_key)(
      void *outer, void *inner, void *state, const hash *with, size_t nkey,
      const uint8_t *key);
  void (*update)(
      void *state, const hash *with, size_t nbytes, const uint8_t *bytes);
  void (*digest)(
      const void *outer, const void *inner, void *state, const hash *with,
      size_t size, uint8_t *out);
} nettle;

static _Atomic int is_open;

/* ISO C has no cast from an object's address to a function's. */
static bool find(void *library, const char *name, void *function) {
  void *found = dlsym(library, name);
  *(void **)function = found;
  return found != NULL;
}

static bool open_nettle(void) {
  if (atomic_load_explicit(&is_open, memory_order_acquire))
    return true;
  void *library = dlopen("libnettle.so.8", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL)
    return false;
  static const char *const names[OS_HMAC_KINDS] = {
      "nettle_md5", "nettle_sha256", "nettle_sha384", "nettle_sha3_256",
      "nettle_sha3_384"};
  for (int i = 0; i < OS_HMAC_KINDS; i++) {
    nettle.hashes[i] = dlsym(library, names[i]);
    if (nettle.hashes[i] != NULL &&
        nettle.hashes[i]->context_size > CONTEXT_MAX)
      nettle.hashes[i] = NULL;
  }
  bool is_good = nettle.hashes[OS_HMAC_SHA256] != NULL &&
                 find(library, "nettle_hmac_set_key", &nettle.set_key) &&
                 find(library, "nettle_hmac_update", &nettle.update) &&
                 find(library, "nettle_hmac_digest", &nettle.digest);
  /* Threads that come here at once store the same. */
  atomic_store_explicit(&is_open, is_good, memory_order_release);
  return is_good;
}

static size_t make(
    os_hmac_kind kind, const void *key, size_t nkey, const void *bytes,
    size_t nbytes, unsigned char digest[OS_HMAC_SIZE_MAX]) {
  const hash *with = nettle.hashes[kind];
  if (with == NULL || with->digest_size > OS_HMAC_SIZE_MAX)
    return 0;
  _Alignas(max_align_t) unsigned char outer[CONTEXT_MAX], inner[CONTEXT_MAX],
      state[CONTEXT_MAX];
  nettle.set_key(outer, inner, state, with, nkey, key);
  nettle.update(state, with, nbytes, bytes);
  nettle.digest(outer, inner, state, with, with->digest_size, digest);
  return with->digest_size;
}

const os_hmac_library os_hmac_nettle = {open_nettle, make};
