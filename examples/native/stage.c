/* SPDX-License-Identifier: MIT */
/* Make the blocks of stages.txt, and run its first line:
 * stage STAGES KERNEL PREFIX COUNT */
#include <polyshm.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(polyshm_status status) {
  if (status == POLYSHM_OK)
    return;
  fprintf(stderr, "%s\n", polyshm_error_message());
  exit(1);
}

static polyshm_block *make(
    const char *prefix, const char *name, uint64_t count) {
  char full[256];
  polyshm_block *block;
  snprintf(full, sizeof full, "%s%s", prefix, name);
  check(polyshm_block_open(
      full, 8 * count, POLYSHM_CREATE | POLYSHM_EXCLUSIVE | POLYSHM_UNTRACKED,
      NULL, &block));
  return block;
}

static void fill(polyshm_block *block, uint64_t count) {
  void *address;
  uint64_t size;
  check(polyshm_block_pin(block, &address, &size));
  double *samples = address;
  for (uint64_t i = 0; i < count; i++)
    samples[i] = (double)(i * 7919 % 1000);
  polyshm_block_unpin(block);
}

/* The first line that is no comment, in three parts. */
static void read_stage(const char *path, char parts[3][256]) {
  char line[1024] = "#";
  FILE *file = fopen(path, "r");
  while (file != NULL && line[0] == '#' &&
         fgets(line, sizeof line, file) != NULL)
    ;
  if (sscanf(
          line, "%255s | %255[^|] | %255[^\n]", parts[0], parts[1], parts[2]) !=
      3) {
    fprintf(stderr, "%s has no stage\n", path);
    exit(1);
  }
  fclose(file);
}

int main(int argc, char **argv) {
  if (argc != 5)
    return 2;
  uint64_t count = strtoull(argv[4], NULL, 10);
  polyshm_block *samples = make(argv[3], "samples", count);
  polyshm_block *smoothed = make(argv[3], "smoothed", count);
  fill(samples, count);

  char parts[3][256];
  read_stage(argv[1], parts);
  polyshm_function *function;
  check(polyshm_function_open(argv[2], parts[0], parts[1], &function));
  polyshm_view view = {
      .struct_size = sizeof view, .on.block = samples, .nbytes = 8 * count};
  double factor = strtod(strchr(parts[2], ' '), NULL);
  const polyshm_value values[] = {
      {.type = POLYSHM_VIEW, .of.p = &view},
      {.type = POLYSHM_FLOAT, .of.f = factor}};
  check(polyshm_function_call(function, values, 2, NULL, NULL, NULL));
  printf("C ran %s\n", parts[0]);
  polyshm_function_free(function);
  polyshm_block_free(samples);
  polyshm_block_free(smoothed);
}
