/* SPDX-License-Identifier: MIT */
/*
 * Runs a harness without libFuzzer: on each file of a corpus, and then on
 * mutations of them.
 *
 * Usage: <harness> CORPUS [MUTATIONS [SEED]]
 */
#include "fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  LARGEST = 64 << 10,
  FILES = 4096,
  EDITS = 8,
  SECONDS_AT_MOST = 60 /* for an input: else it is without end, and kills us */
};

typedef struct input {
  uint8_t *bytes;
  size_t size;
} input;

static input files[FILES];
static size_t nfiles;
static uint64_t state;

/* xorshift64*: the same inputs for the same seed, everywhere. */
static size_t draw(size_t below) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (size_t)((state * UINT64_C(0x2545f4914f6cdd1d) >> 11) % below);
}

static void load(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || nfiles == FILES) {
    perror(path);
    exit(2);
  }
  input *one = files + nfiles++;
  one->bytes = malloc(LARGEST);
  one->size = fread(one->bytes, 1, LARGEST, file);
  fclose(file);
}

static void load_all(const char *folder) {
  DIR *stream = opendir(folder);
  if (stream == NULL) {
    perror(folder);
    exit(2);
  }
  struct dirent *entry;
  while ((entry = readdir(stream)) != NULL) {
    char path[4096];
    if (entry->d_name[0] == '.')
      continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    load(path);
  }
  closedir(stream);
}

static void change_byte(uint8_t *bytes, size_t *size) {
  if (*size > 0)
    bytes[draw(*size)] = (uint8_t)draw(256);
}

static void flip_bit(uint8_t *bytes, size_t *size) {
  if (*size > 0)
    bytes[draw(*size)] ^= (uint8_t)(1U << draw(8));
}

static void cut(uint8_t *bytes, size_t *size) {
  if (*size == 0)
    return;
  size_t at = draw(*size), count = draw(*size - at) + 1;
  memmove(bytes + at, bytes + at + count, *size - at - count);
  *size -= count;
}

static void repeat(uint8_t *bytes, size_t *size) {
  if (*size == 0)
    return;
  size_t at = draw(*size), count = draw(*size - at) + 1;
  if (count > LARGEST - *size)
    return;
  memmove(bytes + at + count, bytes + at, *size - at);
  *size += count;
}

/* A piece of another file. */
static void insert(uint8_t *bytes, size_t *size) {
  const input *other = files + draw(nfiles);
  if (other->size == 0)
    return;
  size_t from = draw(other->size), count = draw(other->size - from) + 1;
  if (count > LARGEST - *size)
    return;
  size_t at = draw(*size + 1);
  memmove(bytes + at + count, bytes + at, *size - at);
  memcpy(bytes + at, other->bytes + from, count);
  *size += count;
}

/* ------------------------------------------------------------------ running */

/* What is tried just now. */
static input tried;

static void print(const char *text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0)
    _exit(2);
}

/* Tell the input as printf(1) would write it to a file, and die. */
static void tell(int number) {
  print("The input, for printf: ");
  for (size_t i = 0; i < tried.size; i++) {
    char byte[] = {
        '\\', (char)('0' + (tried.bytes[i] >> 6)),
        (char)('0' + (tried.bytes[i] >> 3 & 7)),
        (char)('0' + (tried.bytes[i] & 7)), 0};
    print(byte);
  }
  print("\n");
  signal(number, SIG_DFL);
  raise(number);
}

/* A sanitizer that has handlers keeps them. */
static void catch_signals(void) {
  static const int numbers[] = {SIGILL, SIGTRAP, SIGABRT,
                                SIGBUS, SIGSEGV, SIGALRM};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct sigaction before, after = {.sa_handler = tell};
    if (sigaction(numbers[i], NULL, &before) == 0 &&
        before.sa_handler == SIG_DFL)
      sigaction(numbers[i], &after, NULL);
  }
}

static void run(uint8_t *bytes, size_t size) {
  tried = (input){bytes, size};
  alarm(SECONDS_AT_MOST);
  LLVMFuzzerTestOneInput(bytes, size);
  alarm(0);
}

static void mutate(void) {
  static void (*const edits[])(uint8_t *, size_t *) = {
      change_byte, change_byte, flip_bit, cut, repeat, insert};
  static uint8_t bytes[LARGEST];
  const input *from = files + draw(nfiles);
  size_t size = from->size;
  memcpy(bytes, from->bytes, size);
  for (uint64_t i = draw(EDITS) + 1; i > 0; i--)
    edits[draw(sizeof edits / sizeof *edits)](bytes, &size);
  /* In memory of its own size, so that sanitizers see where it ends. */
  uint8_t *exact = malloc(size == 0 ? 1 : size);
  memcpy(exact, bytes, size);
  run(exact, size);
  free(exact);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s CORPUS [MUTATIONS [SEED]]\n", argv[0]);
    return 2;
  }
  unsigned long long mutations = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
  state = (argc > 3 ? strtoull(argv[3], NULL, 10) : 1) * 2 + 1;
  load_all(argv[1]);
  if (nfiles == 0) {
    fprintf(stderr, "%s is empty\n", argv[1]);
    return 2;
  }
  catch_signals();
  for (size_t i = 0; i < nfiles; i++)
    run(files[i].bytes, files[i].size);
  for (unsigned long long i = 0; i < mutations; i++)
    mutate();
  printf("%zu files and %llu mutations\n", nfiles, mutations);
  for (size_t i = 0; i < nfiles; i++)
    free(files[i].bytes);
}
