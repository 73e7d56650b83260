/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include "fuzz.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PATH_SIZE = 512, CAPACITY = 24 };

static void make_path(char path[PATH_SIZE], const char *name) {
  snprintf(path, PATH_SIZE, "/dev/shm/%s", name);
}

/* A child waits for the end of a pipe, which comes with our end, also by
 * SIGKILL. */
void fuzz_stage_own(const char *name) {
  char path[PATH_SIZE], byte;
  int ends[2];
  make_path(path, name);
  FUZZ_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  pid_t child = fork();
  FUZZ_CHECK(child >= 0);
  if (child > 0) {
    close(ends[0]);
    return;
  }
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGALRM, SIG_IGN);
  close(ends[1]);
  /* Whoever reads what we print would wait for us, too. */
  close(STDOUT_FILENO);
  close(STDERR_FILENO);
  while (read(ends[0], &byte, 1) != 0)
    continue;
  unlink(path);
  _exit(0);
}

static void name_it(fuzz_stage *stage, const char *what) {
  snprintf(
      stage->name, sizeof stage->name, "polyshm-fuzz-%s-%ld", what,
      (long)getpid());
  fuzz_stage_own(stage->name);
}

static void map_it(fuzz_stage *stage) {
  void *bytes = mmap(
      NULL, FUZZ_STAGE_MOST, PROT_READ | PROT_WRITE, MAP_SHARED, stage->file,
      0);
  FUZZ_CHECK(bytes != MAP_FAILED);
  stage->bytes = bytes;
}

void fuzz_stage_open(fuzz_stage *stage, const char *what) {
  char path[PATH_SIZE];
  name_it(stage, what);
  make_path(path, stage->name);
  stage->file = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  FUZZ_CHECK(stage->file >= 0);
  map_it(stage);
}

/* What the file loses of its last page is zeros when it comes back. */
void fuzz_stage_fill(fuzz_stage *stage, const uint8_t *bytes, size_t size) {
  FUZZ_CHECK(size <= FUZZ_STAGE_MOST);
  FUZZ_CHECK(ftruncate(stage->file, 0) == 0);
  FUZZ_CHECK(ftruncate(stage->file, (off_t)size) == 0);
  stage->size = size;
  if (size > 0)
    memcpy(stage->bytes, bytes, size);
}

polyshm_list *fuzz_stage_list(fuzz_stage *stage, const char *what) {
  static const polyshm_value values[] = {
      {.type = POLYSHM_STRING, .of.p = "howdy", .size = 5},
      {.type = POLYSHM_BYTES, .of.p = "a\0\0", .size = 3},
      {.type = POLYSHM_INT, .of.i = 100},
      {.type = POLYSHM_FLOAT, .of.f = 1.5},
      {.type = POLYSHM_BOOL, .of.i = 1},
      {.type = POLYSHM_NONE}};
  enum { COUNT = sizeof values / sizeof *values };
  polyshm_list_options options = {
      .struct_size = sizeof options, .slot_capacity = CAPACITY};
  polyshm_list *list = NULL;
  char path[PATH_SIZE];
  name_it(stage, what);
  FUZZ_CHECK(
      polyshm_list_create(
          stage->name, values, COUNT, POLYSHM_UNTRACKED, &options, &list) ==
      POLYSHM_OK);
  stage->size = (size_t)polyshm_block_size(polyshm_list_block(list));
  FUZZ_CHECK(stage->size <= FUZZ_STAGE_MOST);
  make_path(path, stage->name);
  stage->file = open(path, O_RDWR | O_CLOEXEC);
  FUZZ_CHECK(stage->file >= 0);
  map_it(stage);
  return list;
}

/* Atomic, as the library's accesses are: it is the values that are hostile. */
void fuzz_stage_edit(
    const fuzz_stage *stage, size_t begin, const uint8_t *edit,
    uint64_t round) {
  enum { STORE8, STORE4, STORE2, STORE1, ADD, FLIP, WAYS };
  static const uint8_t widths[] = {8, 4, 2, 1, 8, 8};
  uint8_t how = edit[2] % WAYS, width = widths[how];
  size_t room = (stage->size - begin) / width;
  size_t where = ((size_t)edit[0] | (size_t)edit[1] << 8) / width % room;
  void *at = stage->bytes + begin + where * width;
  uint64_t what;
  memcpy(&what, edit + 4, sizeof what);
  if (edit[2] & 0x80)
    what += round;
  switch (how) {
  case STORE8:
    __atomic_store_n((uint64_t *)at, what, __ATOMIC_RELAXED);
    break;
  case STORE4:
    __atomic_store_n((uint32_t *)at, (uint32_t)what, __ATOMIC_RELAXED);
    break;
  case STORE2:
    __atomic_store_n((uint16_t *)at, (uint16_t)what, __ATOMIC_RELAXED);
    break;
  case STORE1:
    __atomic_store_n((uint8_t *)at, (uint8_t)what, __ATOMIC_RELAXED);
    break;
  case ADD:
    __atomic_fetch_add((uint64_t *)at, what, __ATOMIC_RELAXED);
    break;
  default:
    __atomic_fetch_xor((uint64_t *)at, what, __ATOMIC_RELAXED);
  }
}

void fuzz_stage_check(const fuzz_stage *stage) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  for (size_t i = stage->size; i % page != 0; i++)
    FUZZ_CHECK(stage->bytes[i] == 0);
}
