/* SPDX-License-Identifier: MIT */
/*
 * Figures of managers: name and number in each line. bench_manager.py sets
 * stock Python's beside them. An argument is how many percent of the work is
 * done.
 */
#include <polyshm.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BLOCKS = 20 };

static int nstarts = 50, npasses = 200, nsegments = 10000;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void check(polyshm_status status) {
  if (status == POLYSHM_OK)
    return;
  fprintf(stderr, "%s\n", polyshm_error_message());
  exit(1);
}

static polyshm_manager *start(void) {
  polyshm_manager *manager;
  check(polyshm_manager_start(NULL, NULL, 0, NULL, &manager));
  return manager;
}

static void stop(polyshm_manager *manager) {
  check(polyshm_manager_shutdown(manager));
  polyshm_manager_free(manager);
}

static void measure_start(void) {
  int64_t least = INT64_MAX, whole = INT64_MAX;
  for (int i = 0; i < nstarts; i++) {
    polyshm_block *block;
    int64_t begun = now();
    polyshm_manager *manager = start();
    check(polyshm_manager_block(manager, NULL, 4096, 0, NULL, &block));
    int64_t took = now() - begun;
    polyshm_block_free(block);
    stop(manager);
    int64_t all = now() - begun;
    least = took < least ? took : least;
    whole = all < whole ? all : whole;
  }
  printf("start %.1f\n", (double)least / 1e3);
  printf("life %.1f\n", (double)whole / 1e3);
}

static void measure_blocks(void) {
  static polyshm_block *blocks[BLOCKS];
  polyshm_manager *manager = start();
  double least = 1e9;
  for (int i = 0; i < npasses; i++) {
    int64_t begun = now();
    for (int j = 0; j < BLOCKS; j++)
      check(polyshm_manager_block(manager, NULL, 4096, 0, NULL, blocks + j));
    double took = (double)(now() - begun) / BLOCKS / 1e3;
    least = took < least ? took : least;
    for (int j = 0; j < BLOCKS; j++) {
      check(polyshm_manager_release(manager, polyshm_block_name(blocks[j])));
      polyshm_block_free(blocks[j]);
    }
  }
  printf("block %.1f\n", least);
  stop(manager);
}

static void measure_memory(void) {
  polyshm_manager *manager = start();
  for (int i = 0; i < nsegments; i++) {
    polyshm_block *block;
    check(polyshm_manager_block(manager, NULL, 16, 0, NULL, &block));
    polyshm_block_free(block);
  }
  uint64_t size;
  int64_t begun = now();
  check(polyshm_manager_segments(manager, NULL, 0, &size));
  printf("list %.1f\n", (double)(now() - begun) / 1e3);
  char path[64], line[256];
  snprintf(
      path, sizeof path, "/proc/%llu/status",
      (unsigned long long)polyshm_manager_pid(manager));
  FILE *file = fopen(path, "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, "VmRSS:", 6) == 0)
      printf("memory %.0f\n", strtod(line + 6, NULL));
  if (file != NULL)
    fclose(file);
  begun = now();
  stop(manager);
  printf("shutdown %.1f\n", (double)(now() - begun) / 1e3);
}

static int part(int whole, int percent) {
  return whole * percent < 100 ? 1 : whole * percent / 100;
}

int main(int argc, char **argv) {
  int percent = argc > 1 ? atoi(argv[1]) : 100;
  if (percent < 1 || percent > 1000) {
    fprintf(stderr, "bench_manager: how many percent?\n");
    return 2;
  }
  nstarts = part(nstarts, percent);
  npasses = part(npasses, percent);
  nsegments = part(nsegments, percent);
  measure_start();
  measure_blocks();
  measure_memory();
}
