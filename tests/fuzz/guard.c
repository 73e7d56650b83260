/* SPDX-License-Identifier: MIT */
/*
 * In place of the system's mmap and munmap (--wrap): what a file is mapped to
 * stands among pages that cannot be touched. Who leaves a block meets them, and
 * not something else that happens to be there.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { GUARD = 1 << 20, MAPPINGS = 64 };

/* Where the files are, and how many bytes with the pages around them. */
static struct {
  uint8_t *begin;
  size_t size;
} mappings[MAPPINGS];

void *__real_mmap64(void *, size_t, int, int, int, off_t);
void *__wrap_mmap64(void *, size_t, int, int, int, off_t);
int __real_munmap(void *, size_t);
int __wrap_munmap(void *, size_t);

void *__wrap_mmap64(
    void *address, size_t size, int protection, int flags, int file,
    off_t offset) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t whole = (size + page - 1) / page * page + (size_t)2 * GUARD;
  int i = 0;
  if (address != NULL || file < 0)
    return __real_mmap64(address, size, protection, flags, file, offset);
  while (i < MAPPINGS && mappings[i].begin != NULL)
    i++;
  FUZZ_CHECK(i < MAPPINGS);
  uint8_t *begin = __real_mmap64(
      NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
      0);
  FUZZ_CHECK(begin != MAP_FAILED);
  void *middle = __real_mmap64(
      begin + GUARD, size, protection, flags | MAP_FIXED, file, offset);
  FUZZ_CHECK(middle == begin + GUARD);
  mappings[i].begin = begin;
  mappings[i].size = whole;
  return middle;
}

int __wrap_munmap(void *address, size_t size) {
  for (int i = 0; i < MAPPINGS; i++)
    if (mappings[i].begin != NULL && mappings[i].begin + GUARD == address) {
      void *begin = mappings[i].begin;
      mappings[i].begin = NULL;
      return __real_munmap(begin, mappings[i].size);
    }
  return __real_munmap(address, size);
}
