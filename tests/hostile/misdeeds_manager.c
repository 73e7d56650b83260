/* SPDX-License-Identifier: MIT */
/*
 * Harm to a manager: by those who do not know its key, by those who do, and to
 * the blocks that it owns.
 */
#include "misdeeds.h"

#include <polyshm.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { HALVES = 200, CROWD = 300, NAMES = 1 << 16, NOISE = 2000 };

/* -------------------------------------------------------- without the key */

static int dial(void) {
  const char *address = getenv(MANAGER);
  if (address == NULL)
    return -1;
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  snprintf(to.sun_path, sizeof to.sun_path, "%s", address + sizeof "unix:" - 1);
  int end = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (end >= 0 && connect(end, (struct sockaddr *)&to, sizeof to) != 0) {
    close(end);
    return -1;
  }
  return end;
}

/* Noise, as it is, as a message, or as the beginning of one without end. */
static void make_noise(neighbour *self, int end) {
  unsigned char bytes[NOISE];
  size_t size = 4 + dice_below(&self->random, NOISE - 4);
  for (size_t i = 0; i < size; i++)
    bytes[i] = (unsigned char)dice_draw(&self->random);
  size_t told = size - 4;
  switch (dice_below(&self->random, 3)) {
  case 0:
    told = INT32_MAX;
    /* fallthrough */
  case 1:
    for (unsigned i = 0; i < 4; i++)
      bytes[i] = (unsigned char)(told >> (24 - 8 * i));
    break;
  default:
    break;
  }
  send(end, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void dial_with_noise(neighbour *self) {
  int ends[20];
  size_t count = 1 + dice_below(&self->random, 20);
  for (size_t i = 0; i < count; i++)
    if ((ends[i] = dial()) >= 0)
      make_noise(self, ends[i]);
  nap((int64_t)dice_below(&self->random, 5000000));
  for (size_t i = 0; i < count; i++)
    if (ends[i] >= 0)
      close(ends[i]);
}

/* More connections than the manager has descriptors, which say nothing, or the
 * first bytes of something. */
void dial_and_wait(neighbour *self) {
  static int halves[HALVES]; /* 0: none */
  uint64_t count = 1 + dice_below(&self->random, HALVES);
  for (uint64_t i = 0; i < count; i++) {
    int *half = halves + dice_below(&self->random, HALVES);
    if (*half > 0)
      close(*half);
    *half = dial();
    if (*half > 0)
      send(
          *half, "\0\0\0\x20#HELLO#", dice_below(&self->random, 11),
          MSG_NOSIGNAL | MSG_DONTWAIT);
  }
}

/* ----------------------------------------------------------- with the key */

/* Or end this process. */
static polyshm_manager *connect_well(void) {
  const char *address = getenv(MANAGER);
  polyshm_manager *manager;
  if (address == NULL ||
      polyshm_manager_connect(address, KEY, sizeof KEY - 1, NULL, &manager) !=
          POLYSHM_OK)
    _exit(0);
  return manager;
}

static void make_block(polyshm_manager *manager, const char *name) {
  polyshm_block *block;
  if (polyshm_manager_block(manager, name, 100, 0, NULL, &block) == POLYSHM_OK)
    polyshm_block_free(block);
}

/* At a moment that nobody knows, in the middle of something. */
void stop_client(neighbour *self) {
  if (hire(self, 1 + (int64_t)dice_below(&self->random, 30)) != 0)
    return;
  polyshm_manager *manager = connect_well();
  char name[NAME_ROOM], names[NAMES];
  uint64_t size;
  snprintf(name, sizeof name, "flood.s%d", (int)getpid());
  for (;;) {
    make_block(manager, name);
    polyshm_manager_segments(manager, names, sizeof names, &size);
    polyshm_manager_release(manager, name);
  }
}

void crowd_manager(neighbour *self) {
  if (hire(self, 0) != 0)
    return;
  polyshm_manager *manager = connect_well();
  bool is_coming = dice_below(&self->random, 2);
  for (unsigned i = 0; i < CROWD; i++) {
    char name[NAME_ROOM];
    snprintf(name, sizeof name, "flood.m%u", i);
    if (is_coming)
      make_block(manager, name);
    else
      polyshm_manager_release(manager, name);
  }
  _exit(0);
}

/* One of the names that the manager owns; false if there is none. */
static bool pick_owned(
    neighbour *self, polyshm_manager *manager, char name[NAME_ROOM]) {
  static char names[NAMES];
  uint64_t size;
  if (polyshm_manager_segments(manager, names, sizeof names, &size) !=
          POLYSHM_OK ||
      size == 0)
    return false;
  size_t end = size < sizeof names ? size : sizeof names;
  size_t at = dice_below(&self->random, end);
  while (at > 0 && names[at - 1] != 0)
    at--;
  snprintf(name, NAME_ROOM, "%.*s", (int)(end - at), names + at);
  return name[0] != 0;
}

/* What nobody has mapped is cut, too. */
static void spoil(neighbour *self, const char *name) {
  char path[sizeof FOLDER + NAME_ROOM];
  snprintf(path, sizeof path, FOLDER "%s", name);
  bool is_mapped = strncmp(name, "flood.", 6) != 0;
  switch (dice_below(&self->random, is_mapped ? 1 : 4)) {
  case 1:
    if (truncate(path, (off_t)dice_below(&self->random, 2)) != 0)
      return;
    break;
  case 2:
    chmod(path, 0);
    break;
  case 3:
    unlink(path);
    mkdir(path, 0700);
    break;
  default:
    unlink(path);
  }
}

void spoil_owned(neighbour *self) {
  if (hire(self, 0) != 0)
    return;
  polyshm_manager *manager = connect_well();
  char name[NAME_ROOM];
  for (int i = 0; i < 20 && pick_owned(self, manager, name); i++)
    spoil(self, name);
  _exit(0);
}

/* What is there, is not there, is no block, or belongs to somebody. */
void track_anything(neighbour *self) {
  if (hire(self, 0) != 0)
    return;
  polyshm_manager *manager = connect_well();
  char name[NAME_ROOM];
  for (int i = 0; i < 20; i++) {
    pick_any(self, name);
    polyshm_manager_track(manager, name);
    if (dice_below(&self->random, 2) == 0)
      polyshm_manager_release(manager, name);
  }
  _exit(0);
}
