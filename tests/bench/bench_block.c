/* SPDX-License-Identifier: MIT */
/*
 * Blocks of 4 KiB in C, beside the system calls that nobody can do without:
 * made, touched, closed and unlinked; attached to, touched and closed. Prints
 * lines of name, side, least and median microseconds, with | between. All sides
 * take turns in each pass.
 */
#include <polyshm.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 4096 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void require(int good, const char *what) {
  if (good)
    return;
  fprintf(stderr, "bench_block: %s: %s\n", what, polyshm_error_message());
  exit(1);
}

static char name[64];

static void touch_and_unmap(int file) {
  require(file >= 0, "shm_open");
  void *address = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  require(address != MAP_FAILED, "mmap");
  close(file);
  *(volatile char *)address = 1;
  munmap(address, SIZE);
}

static void create_bare(void) {
  int file = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
  require(file >= 0 && ftruncate(file, SIZE) == 0, "ftruncate");
  touch_and_unmap(file);
  shm_unlink(name);
}

static void touch_and_free(polyshm_block *block) {
  void *address;
  uint64_t size;
  require(polyshm_block_address(block, &address, &size) == 0, "address");
  *(volatile char *)address = 1;
  polyshm_block_free(block);
}

static void create(uint32_t flags) {
  polyshm_block *block;
  flags |= POLYSHM_CREATE | POLYSHM_EXCLUSIVE;
  require(
      polyshm_block_open(name + 1, SIZE, flags, NULL, &block) == 0, "create");
  touch_and_free(block);
  require(polyshm_unlink(name + 1) == 0, "unlink");
}

static void create_tracked(void) {
  create(0);
}
static void create_untracked(void) {
  create(POLYSHM_UNTRACKED);
}

static void attach_bare(void) {
  touch_and_unmap(shm_open(name, O_RDWR, 0));
}

static void attach(void) {
  polyshm_block *block;
  require(polyshm_block_open(name + 1, 0, 0, NULL, &block) == 0, "open");
  touch_and_free(block);
}

/* ------------------------------------------------------------------ passes */

typedef struct side {
  const char *name;
  void (*run)(void);
  double *passes;
} side;

static int compare(const void *one, const void *other) {
  double a = *(const double *)one, b = *(const double *)other;
  return (a > b) - (a < b);
}

static void measure(const char *title, side *sides, int nsides, int passes) {
  for (int i = 0; i < nsides; i++) {
    sides[i].passes = calloc((size_t)passes, sizeof(double));
    require(sides[i].passes != NULL, "no memory");
    sides[i].run();
  }
  for (int pass = 0; pass < passes; pass++)
    for (int i = 0; i < nsides; i++) {
      double begin = now();
      sides[i].run();
      sides[i].passes[pass] = now() - begin;
    }
  for (int i = 0; i < nsides; i++) {
    qsort(sides[i].passes, (size_t)passes, sizeof(double), compare);
    printf(
        "%s|%s|%.3f|%.3f\n", title, sides[i].name, sides[i].passes[0],
        sides[i].passes[passes / 2]);
    free(sides[i].passes);
  }
}

int main(int argc, char **argv) {
  int passes = argc > 1 ? atoi(argv[1]) : 2000;
  require(passes > 0, "how many passes?");
  snprintf(name, sizeof name, "/polyshm-bench-block-%d", (int)getpid());
  side tracked[] = {
      {"polyshm", create_tracked, NULL}, {"system calls", create_bare, NULL}};
  side untracked[] = {
      {"polyshm", create_untracked, NULL}, {"system calls", create_bare, NULL}};
  side attached[] = {
      {"polyshm", attach, NULL}, {"system calls", attach_bare, NULL}};
  measure("create, use, close, unlink a block of 4 KiB", tracked, 2, passes);
  measure("the same with POLYSHM_UNTRACKED", untracked, 2, passes);

  polyshm_block *block;
  uint32_t flags = POLYSHM_CREATE | POLYSHM_EXCLUSIVE;
  require(
      polyshm_block_open(name + 1, SIZE, flags, NULL, &block) == 0, "create");
  measure("attach to a block of 4 KiB, use, close", attached, 2, passes);
  polyshm_block_free(block);
  polyshm_unlink(name + 1);
  return 0;
}
