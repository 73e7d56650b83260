/* SPDX-License-Identifier: MIT */
/*
 * The command polyshm, run in this process with any words: it ends with one of
 * its exit codes, what it prints is text without control characters, and JSON
 * if that was asked for.
 *
 * The input is the words, each with a zero behind it; behind an empty one,
 * edits of the list. LIST, STOCK and BLOCK stand for the names of blocks that
 * are there.
 */
#include "fuzz.h"
#include "stage.h"
#include "world.h"

#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 32, CODES = 6 };

int polyshm_main(int argc, char **argv);

/* ------------------------------------------------------------------- blocks */

static fuzz_stage blocks[3];
static const char *const aliases[] = {"LIST", "STOCK", "BLOCK"};
static uint8_t *original;

static void begin(void) {
  static uint8_t bytes[100];
  fuzz_stage *list = blocks;
  polyshm_list_free(fuzz_stage_list(list, "arguments"));
  original = malloc(list->size);
  FUZZ_CHECK(original != NULL);
  memcpy(original, list->bytes, list->size);
  fuzz_stage_open(blocks + 1, "stock");
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)(i * 7);
  fuzz_stage_open(blocks + 2, "block");
  fuzz_stage_fill(blocks + 2, bytes, sizeof bytes);
}

/* The list as it was, and as stock Python would have made it, changed. */
static void restore(const uint8_t *edits, size_t size) {
  size_t area = 8 * (6 + 2) + 6 * (24 + 8 + 1);
  memcpy(blocks[0].bytes, original, blocks[0].size);
  for (; size >= FUZZ_STAGE_EDIT;
       edits += FUZZ_STAGE_EDIT, size -= FUZZ_STAGE_EDIT)
    fuzz_stage_edit(blocks, 0, edits, 0);
  fuzz_stage_fill(blocks + 1, blocks[0].bytes, area);
}

static bool is_ours(const char *name) {
  name += strspn(name, "/");
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
    if (strcmp(name, blocks[i].name) == 0)
      return true;
  return false;
}

/* -------------------------------------------------------------------- words */

/* A copy, which the command may change; aliases become names. */
static char *take_word(const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    if (size == strlen(aliases[i]) && memcmp(bytes, aliases[i], size) == 0)
      return strdup(blocks[i].name);
  return strndup((const char *)bytes, size);
}

/* What was used of the input. */
static size_t take_words(
    const uint8_t *data, size_t size, char **words, int *out_count) {
  size_t used = 0;
  int count = 0;
  words[count++] = strdup("polyshm");
  while (used < size && count < WORDS) {
    const uint8_t *end = memchr(data + used, 0, size - used);
    size_t length = end == NULL ? size - used : (size_t)(end - data) - used;
    if (length > 0)
      words[count++] = take_word(data + used, length);
    used += length + (end != NULL);
    if (length == 0)
      break;
  }
  words[count] = NULL;
  *out_count = count;
  return used;
}

static bool wants_json(char **words) {
  for (; *words != NULL && strcmp(*words, "--") != 0; words++)
    if (strcmp(*words, "--json") == 0)
      return true;
  return false;
}

/* ------------------------------------------------------------------- output */

static void check_text(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    FUZZ_CHECK(
        text[i] == '\n' || ((unsigned char)text[i] >= ' ' && text[i] != 0x7f));
  FUZZ_CHECK(size == 0 || text[size - 1] == '\n');
}

/* One value behind the other. */
static void check_json(const char *text, size_t size) {
  struct json_tokener *reader = json_tokener_new();
  FUZZ_CHECK(reader != NULL);
  for (size_t used = 0; used < size;) {
    json_tokener_reset(reader);
    json_object *value =
        json_tokener_parse_ex(reader, text + used, (int)(size - used));
    FUZZ_CHECK(json_tokener_get_error(reader) == json_tokener_success);
    json_object_put(value);
    used += json_tokener_get_parse_end(reader);
    used += strspn(text + used, "\n");
  }
  json_tokener_free(reader);
}

/* Run it with its output in memory. */
static int run(int count, char **words, char **out_texts, size_t *out_sizes) {
  static char *const nothing[] = {"polyshm", NULL};
  FILE *output = stdout, *error = stderr;
  stdout = open_memstream(out_texts, out_sizes);
  stderr = open_memstream(out_texts + 1, out_sizes + 1);
  FUZZ_CHECK(stdout != NULL && stderr != NULL);
  optind = 0; /* or getopt goes on where it was */
  getopt(1, nothing, "");
  setenv("POLYSHM_AUTHKEY", "key", 1);
  int code = polyshm_main(count, words);
  fclose(stdout);
  fclose(stderr);
  stdout = output;
  stderr = error;
  return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (original == NULL)
    begin();
  char *words[WORDS + 1], *argv[WORDS + 1], *texts[2] = {NULL, NULL};
  size_t sizes[2] = {0, 0};
  int count = 0;
  size_t used = take_words(data, size, words, &count);
  restore(data + used, size - used);
  memcpy(argv, words, sizeof argv); /* it reorders them */
  bool makes_names = count > 1 && strcmp(words[1], "doctor") == 0;
  fuzz_world_begin(is_ours, makes_names);
  int code = run(count, argv, texts, sizes);
  fuzz_world_end();
  FUZZ_CHECK(code >= 0 && code < CODES);
  check_text(texts[0], sizes[0]);
  check_text(texts[1], sizes[1]);
  FUZZ_CHECK(code == 0 || sizes[1] > 0);
  if (wants_json(words) && strncmp(texts[0], "Usage:", 6) != 0)
    check_json(texts[0], sizes[0]);
  for (int i = 0; i < count; i++)
    free(words[i]);
  free(texts[0]);
  free(texts[1]);
  return 0;
}
