/* SPDX-License-Identifier: MIT */
/*
 * Harm to names in /dev/shm, to modes, and to the room there is.
 *
 * A file that somebody may have mapped is never made smaller here: touching
 * what it lost is SIGBUS (core/doc/lifetime.md), in any program. What is short
 * or cut comes into its place by a rename.
 */
#include "misdeeds.h"

#include <polyshm.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NEXT FOLDER "next"
#define SPARE FOLDER "spare"
#define STUFFING FOLDER "stuffing"

enum { ROOM = 1 << 14, PATH = sizeof FOLDER + NAME_ROOM, FLOOD = 300 };

static void path_of(char path[PATH], const char *name) {
  snprintf(path, PATH, FOLDER "%.*s", NAME_ROOM, name);
}

static void pick_path(neighbour *self, char path[PATH]) {
  char name[NAME_ROOM];
  pick_any(self, name);
  path_of(path, name);
}

void pick_list(neighbour *self, char name[NAME_ROOM]) {
  wild_name(name, (unsigned)dice_below(&self->random, WILD_LISTS));
}

void pick_wild(neighbour *self, char name[NAME_ROOM]) {
  wild_name(name, (unsigned)dice_below(&self->random, WILD_NAMES));
}

void pick_own(neighbour *self, char name[NAME_ROOM]) {
  if (self->npeers == 0) {
    pick_wild(self, name);
    return;
  }
  own_name(
      name, self->peers[dice_below(&self->random, self->npeers)],
      (unsigned)dice_below(&self->random, OWN_NAMES));
}

void pick_any(neighbour *self, char name[NAME_ROOM]) {
  if (dice_below(&self->random, 3) == 0)
    pick_own(self, name);
  else
    pick_wild(self, name);
}

static void remove_path(const char *path) {
  if (unlink(path) != 0)
    rmdir(path);
}

/* Put a file with these bytes under a name, at once. */
static void replace(const char *path, const void *bytes, size_t size) {
  int file = open(NEXT, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0)
    return;
  bool done = write(file, bytes, size) == (ssize_t)size;
  close(file);
  if (!done || rename(NEXT, path) != 0) {
    unlink(NEXT);
    rmdir(path);
  }
}

static void draw_bytes(neighbour *self, unsigned char *bytes, size_t size) {
  memcpy(bytes, SIGNATURE, sizeof SIGNATURE - 1);
  for (size_t i = sizeof SIGNATURE - 1; i < size; i++)
    bytes[i] = (unsigned char)dice_draw(&self->random);
}

void recreate_random(neighbour *self) {
  unsigned char bytes[ROOM];
  char path[PATH];
  pick_path(self, path);
  size_t size = sizeof SIGNATURE + dice_below(&self->random, ROOM - 16);
  draw_bytes(self, bytes, size);
  /* A count that is one, so that the offsets are looked at, too. */
  if (strstr(path, "own.") == NULL)
    bytes[0] = (unsigned char)dice_below(&self->random, 8),
    memset(bytes + 1, 0, 7);
  replace(path, bytes, size);
}

/* A list that ends too early, anywhere. */
void recreate_cut(neighbour *self) {
  unsigned char bytes[ROOM];
  char name[NAME_ROOM], path[PATH];
  pick_list(self, name);
  path_of(path, name);
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0)
    return;
  ssize_t size = read(file, bytes, sizeof bytes);
  close(file);
  if (size > 1)
    replace(path, bytes, 1 + dice_below(&self->random, (uint64_t)size - 1));
}

/* A good list, but another one, and stock Python's as often as ours. */
void recreate_list(neighbour *self) {
  char name[NAME_ROOM], path[PATH];
  pick_list(self, name);
  path_of(path, name);
  if (dice_below(&self->random, 4) == 0) { /* one int, without a trailer */
    const uint64_t list[] = {1, 0, 8, 42, 0x71, 0};
    replace(path, list, 8 * 5 + 1);
    return;
  }
  polyshm_value values[8];
  uint64_t count = dice_below(&self->random, 9);
  for (uint64_t i = 0; i < count; i++)
    switch (dice_below(&self->random, 3)) {
    case 0:
      values[i] = (polyshm_value){.type = POLYSHM_NONE};
      break;
    case 1:
      values[i] = (polyshm_value){.type = POLYSHM_INT, .of.i = (int64_t)i};
      break;
    default:
      values[i] =
          (polyshm_value){.type = POLYSHM_BYTES, .of.p = "hostile", .size = 7};
    }
  remove_path(path);
  polyshm_list *list;
  if (polyshm_list_create(
          name, values, count, POLYSHM_UNTRACKED, NULL, &list) == POLYSHM_OK)
    polyshm_list_free(list);
}

/* As stock Python leaves it between shm_open and ftruncate. */
void recreate_empty(neighbour *self) {
  char name[NAME_ROOM], path[PATH];
  pick_wild(self, name);
  path_of(path, name);
  replace(path, "", 0);
}

void unlink_name(neighbour *self) {
  char path[PATH];
  pick_path(self, path);
  remove_path(path);
}

static void bind_socket(const char *path) {
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  bind(listener, (struct sockaddr *)&address, sizeof address);
  close(listener);
}

/* What is no file, for a moment or until somebody replaces it. */
void put_other_kind(neighbour *self) {
  char name[NAME_ROOM], path[PATH];
  pick_wild(self, name);
  path_of(path, name);
  remove_path(path);
  switch (dice_below(&self->random, 5)) {
  case 0:
    mkdir(path, 0700);
    break;
  case 1:
    mkfifo(path, 0600);
    break;
  case 2:
    if (symlink("/etc/passwd", path) != 0)
      return;
    break;
  case 3: /* one that leads to itself */
    if (symlink(name, path) != 0)
      return;
    break;
  default:
    bind_socket(path);
  }
  nap(2000000);
  if (dice_below(&self->random, 4) != 0)
    remove_path(path);
}

void swap_names(neighbour *self) {
  char one[NAME_ROOM], other[NAME_ROOM], from[PATH], to[PATH];
  pick_list(self, one);
  pick_list(self, other);
  path_of(from, one);
  path_of(to, other);
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) != 0 &&
      rename(from, to) != 0)
    return;
}

/* A second name, under which a block outlives its first. */
void link_name(neighbour *self) {
  char path[PATH];
  pick_path(self, path);
  unlink(SPARE);
  if (link(path, SPARE) != 0)
    return;
  nap(1000000);
  if (dice_below(&self->random, 2) == 0)
    unlink(SPARE);
}

/* The sticky bit is left alone: who takes it away has made the block one that
 * stays (core/doc/lifetime.md), and nothing else. */
void change_mode(neighbour *self) {
  static const mode_t modes[] = {0, 0200, 0400, 0444, 0777, 06777};
  char name[NAME_ROOM], path[PATH];
  if (dice_below(&self->random, 8) == 0)
    strcpy(name, STEADY);
  else
    pick_any(self, name);
  path_of(path, name);
  struct stat found;
  if (lstat(path, &found) != 0 || !S_ISREG(found.st_mode))
    return;
  mode_t sticky = found.st_mode & S_ISVTX;
  chmod(
      path,
      modes[dice_below(&self->random, sizeof modes / sizeof *modes)] | sticky);
  nap(5000000);
  if (strcmp(name, STEADY) == 0 || dice_below(&self->random, 2) == 0)
    chmod(path, 0600 | sticky);
}

/* Some that are no UTF-8, some that look like our own temporary ones. */
void flood_names(neighbour *self) {
  static bool is_flooded;
  is_flooded = !is_flooded;
  for (unsigned i = 0; i < FLOOD; i++) {
    static const char *const kinds[] = {
        "flood.%u", "flood.\xff\xfe.%u", ".polyshm-%08x", "psm_%08x"};
    char name[NAME_ROOM], path[PATH];
    snprintf(name, sizeof name, kinds[i % 4], i);
    path_of(path, name);
    if (!is_flooded)
      unlink(path);
    else
      close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  }
  (void)self;
}

void fill_folder(neighbour *self) {
  int file = open(STUFFING, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0)
    return;
  static const unsigned char page[1 << 16];
  size_t piece = sizeof page;
  while (piece > 0)
    if (write(file, page, piece) <= 0)
      piece /= 2;
  nap((int64_t)(1 + dice_below(&self->random, 50)) * 1000000);
  close(file);
  unlink(STUFFING);
}

/* Much more than there is memory, of holes; and more than can be mapped. */
void put_huge(neighbour *self) {
  char name[NAME_ROOM], path[PATH];
  pick_list(self, name);
  path_of(path, name);
  int file = open(NEXT, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0)
    return;
  int bits = 30 + (int)dice_below(&self->random, 33);
  bool done = ftruncate(file, (off_t)(INT64_C(1) << bits)) == 0;
  close(file);
  if (!done || rename(NEXT, path) != 0)
    unlink(NEXT);
}

static bool is_ours(const char *name) {
  static const char *const beginnings[] = {
      "wild.", "flood.", ".polyshm-", "psm_", "next", "spare", "stuffing"};
  for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
    if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
      return true;
  if (strncmp(name, "own.", 4) != 0 || strlen(name) >= NAME_ROOM)
    return false;
  char path[PATH], bytes[sizeof SIGNATURE - 1] = {0};
  path_of(path, name);
  chmod(path, 0600);
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0)
    return false;
  ssize_t got = read(file, bytes, sizeof bytes);
  close(file);
  return got == sizeof bytes && memcmp(bytes, SIGNATURE, sizeof bytes) == 0;
}

void tidy_names(void) {
  DIR *stream = opendir(FOLDER);
  for (struct dirent *entry; stream && (entry = readdir(stream));)
    if (is_ours(entry->d_name) && unlinkat(dirfd(stream), entry->d_name, 0))
      unlinkat(dirfd(stream), entry->d_name, AT_REMOVEDIR);
  if (stream != NULL)
    closedir(stream);
}
