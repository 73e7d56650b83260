/* SPDX-License-Identifier: MIT */
/* Harm to what a block contains, by a program that needs no library for it. */
#include "misdeeds.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOM = 1 << 16, FLAGS = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK };

static int open_name(const char *name, int64_t *out_size) {
  char path[sizeof FOLDER + NAME_ROOM];
  snprintf(path, sizeof path, FOLDER "%s", name);
  int file = open(path, O_RDWR | FLAGS);
  struct stat found;
  if (file < 0)
    return -1;
  if (fstat(file, &found) == 0 && S_ISREG(found.st_mode) &&
      found.st_size >= 8 && found.st_size <= ROOM) {
    *out_size = found.st_size;
    return file;
  }
  close(file);
  return -1;
}

static int open_wild(neighbour *self, int64_t *out_size) {
  char name[NAME_ROOM];
  pick_wild(self, name);
  return open_name(name, out_size);
}

static void put(int file, const void *bytes, size_t size, int64_t offset) {
  ssize_t ignored = pwrite(file, bytes, size, (off_t)offset);
  (void)ignored;
}

void scribble(neighbour *self) {
  int64_t size;
  int file = open_wild(self, &size);
  if (file < 0)
    return;
  unsigned char bytes[512];
  size_t length = 1 + dice_below(&self->random, sizeof bytes);
  length = length < (size_t)size ? length : (size_t)size;
  for (size_t i = 0; i < length; i++)
    bytes[i] = (unsigned char)dice_draw(&self->random);
  int64_t room = size - (int64_t)length + 1;
  put(file, bytes, length, (int64_t)dice_below(&self->random, (uint64_t)room));
  close(file);
}

/* Numbers that checks are made for. */
static uint64_t nasty(neighbour *self) {
  static const uint64_t some[] = {
      0,          1,
      7,          8,
      64,         1 << 16,
      INT32_MAX,  UINT32_MAX,
      INT64_MAX,  UINT64_C(1) << 63,
      UINT64_MAX, UINT64_MAX - 7,
      0x71,       0x64,
  };
  uint64_t kind = dice_below(&self->random, 4);
  if (kind == 0)
    return dice_draw(&self->random);
  if (kind == 1) /* a token, perhaps a living one, with or without a record */
    return dice_below(&self->random, 64) | dice_below(&self->random, 8) << 25 |
           dice_below(&self->random, 16) << 32;
  return some[dice_below(&self->random, sizeof some / sizeof *some)];
}

void flip_word(neighbour *self) {
  int64_t size;
  int file = open_wild(self, &size);
  if (file < 0)
    return;
  uint64_t count = 1 + dice_below(&self->random, 4);
  for (uint64_t i = 0; i < count; i++) {
    uint64_t word = nasty(self);
    uint64_t place = dice_below(&self->random, (uint64_t)size / 8);
    put(file, &word, sizeof word, 8 * (int64_t)place);
  }
  close(file);
}

/* Offsets as they are in lists, in order and multiples of 8, but far outside.
 */
void bend_offsets(neighbour *self) {
  int64_t size;
  int file = open_wild(self, &size);
  if (file < 0)
    return;
  uint64_t words[3], most = UINT64_C(1) << (10 + dice_below(&self->random, 50));
  words[0] = dice_below(&self->random, most) & ~UINT64_C(7);
  for (int i = 1; i < 3; i++)
    words[i] = words[i - 1] + 8 * dice_below(&self->random, 4);
  put(file, words, sizeof words, 8 + 8 * (int64_t)dice_below(&self->random, 6));
  close(file);
}

/* Words that change faster than they can be looked at. */
void hammer(neighbour *self) {
  int64_t size;
  int file = open_wild(self, &size);
  if (file < 0)
    return;
  _Atomic uint64_t *words =
      mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (words == MAP_FAILED)
    return;
  uint64_t first = dice_below(&self->random, (uint64_t)size / 8);
  uint64_t count = 1 + dice_below(&self->random, 16);
  uint64_t left = (uint64_t)size / 8 - first;
  count = count < left ? count : left;
  int64_t end = now() + 20000000;
  while (now() < end)
    for (uint64_t i = 0; i < count; i++)
      words[first + i] = nasty(self);
  munmap((void *)words, (size_t)size);
}

/* What was there some time ago, all of it or a part. */
void replay(neighbour *self) {
  static unsigned char kept[ROOM];
  static int64_t kept_size;
  int64_t size;
  int file = open_wild(self, &size);
  if (file < 0)
    return;
  if (kept_size > 0) {
    int64_t length = size < kept_size ? size : kept_size;
    put(file, kept, dice_below(&self->random, (uint64_t)length) + 1, 0);
  }
  if (dice_below(&self->random, 4) == 0)
    kept_size = pread(file, kept, sizeof kept, 0);
  close(file);
}

void blank(neighbour *self) {
  static const unsigned char zeros[ROOM];
  int64_t size;
  int file = open_wild(self, &size);
  if (file < 0)
    return;
  put(file, zeros, (size_t)size, 0);
  close(file);
}

/* With bytes, not with a hole: nobody may die of touching those. */
void grow(neighbour *self) {
  int64_t size;
  int file = open_wild(self, &size);
  if (file < 0)
    return;
  static const unsigned char zeros[4096];
  put(file, zeros, 1 + dice_below(&self->random, sizeof zeros), size);
  close(file);
}
