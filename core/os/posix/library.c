/* SPDX-License-Identifier: MIT */
/*
 * Shared libraries. They are never unloaded: the addresses of their functions
 * are in the hands of others, and a library may have started threads or left
 * handlers behind.
 */
#include "os/os.h"

#include "base/error.h"

#include <dlfcn.h>
#include <stddef.h>

/* The loader names the file and the symbol in its own words. */
static polyshm_status fail(const char *otherwise) {
  const char *words = dlerror();
  return pshm_error_set(
      POLYSHM_E_NOT_FOUND, "%s", words == NULL ? otherwise : words);
}

polyshm_status os_library_find(
    const char *path, const char *symbol, void **out_address) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL)
    return fail("the library cannot be loaded");
  dlerror(); /* what an earlier failure left */
  void *address = symbol == NULL ? NULL : dlsym(library, symbol);
  if (symbol != NULL && address == NULL)
    return fail("the symbol is in the library, but has no address");
  *out_address = address;
  return POLYSHM_OK;
}
