/* SPDX-License-Identifier: MIT */
/*
 * Makes what the cases look at. Unless it says so, nothing of it is tracked, so
 * that it stays until the case removes it.
 *
 *   maker list NAME WORD...   a list; words are read as "i5", "f2.5", "stext",
 *                             "b1" or "n"
 *   maker block NAME SIZE     a block whose bytes are 0, 1, 2, ...
 *   maker hold NAME           open it, say "ready", keep it to the end of input
 *   maker own NAME            make a tracked block, say "ready", and hold it
 *   maker leave NAME          the same, but close it first: its process tree,
 *                             which is this process, keeps it
 */
#include <polyshm.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WORDS = 64 };

static int check(polyshm_status status) {
  if (status != POLYSHM_OK)
    fprintf(stderr, "maker: %s\n", polyshm_error_message());
  return status != POLYSHM_OK;
}

static polyshm_value value_of(const char *word) {
  polyshm_value value = {.type = POLYSHM_NONE};
  switch (word[0]) {
  case 'i':
    value.type = POLYSHM_INT;
    value.of.i = strtoll(word + 1, NULL, 10);
    break;
  case 'b':
    value.type = POLYSHM_BOOL;
    value.of.i = word[1] == '1';
    break;
  case 'f':
    value.type = POLYSHM_FLOAT;
    value.of.f = strtod(word + 1, NULL);
    break;
  case 's':
    value.type = POLYSHM_STRING;
    value.of.p = word + 1;
    value.size = strlen(word + 1);
    break;
  default:
    break;
  }
  return value;
}

static int make_list(const char *name, char **words, int nwords) {
  polyshm_value values[MOST_WORDS];
  for (int i = 0; i < nwords; i++)
    values[i] = value_of(words[i]);
  polyshm_list *list;
  int failed = check(polyshm_list_create(
      name, values, (uint64_t)nwords, POLYSHM_UNTRACKED, NULL, &list));
  if (!failed)
    polyshm_list_free(list);
  return failed;
}

static int make_block(const char *name, uint64_t size) {
  polyshm_block *block;
  uint32_t flags = POLYSHM_CREATE | POLYSHM_EXCLUSIVE | POLYSHM_UNTRACKED;
  if (check(polyshm_block_open(name, size, flags, NULL, &block)))
    return 1;
  int failed = 0;
  for (uint64_t i = 0; i < size && !failed; i++) {
    unsigned char byte = (unsigned char)i;
    failed = check(polyshm_block_write(block, i, &byte, 1));
  }
  polyshm_block_free(block);
  return failed;
}

static void wait_for_end(void) {
  puts("ready");
  fflush(stdout);
  while (getchar() != EOF)
    continue;
}

static int hold(const char *name) {
  polyshm_block *block;
  if (check(polyshm_block_open(name, 0, 0, NULL, &block)))
    return 1;
  wait_for_end();
  polyshm_block_free(block);
  return 0;
}

static int own(const char *name, int is_closed) {
  polyshm_block *block;
  uint32_t flags = POLYSHM_CREATE | POLYSHM_EXCLUSIVE;
  if (check(polyshm_block_open(name, 100, flags, NULL, &block)) ||
      (is_closed && check(polyshm_block_close(block))))
    return 1;
  wait_for_end();
  polyshm_block_free(block);
  return 0;
}

int main(int argc, char **argv) {
  if (argc >= 3 && argc - 3 <= MOST_WORDS && strcmp(argv[1], "list") == 0)
    return make_list(argv[2], argv + 3, argc - 3);
  if (argc == 4 && strcmp(argv[1], "block") == 0)
    return make_block(argv[2], strtoull(argv[3], NULL, 10));
  if (argc == 3 && strcmp(argv[1], "hold") == 0)
    return hold(argv[2]);
  if (argc == 3 && strcmp(argv[1], "own") == 0)
    return own(argv[2], 0);
  if (argc == 3 && strcmp(argv[1], "leave") == 0)
    return own(argv[2], 1);
  fputs("maker: wrong words\n", stderr);
  return 2;
}
