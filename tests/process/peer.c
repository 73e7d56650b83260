/* SPDX-License-Identifier: MIT */
/*
 * A process that does with blocks and lists what it is told, so that races and
 * deaths are scripted rather than slept for. It reads one command a line and
 * answers each with one line: what was asked for, "ok", or the status and the
 * message of what failed.
 *
 *   list NAME VALUE...    make a list       attach NAME   open a list
 *   join NAME VALUE...    open or create a list: "made" or "there"
 *   view NAME             open a list, read-only
 *   get NAME INDEX        set NAME INDEX VALUE            length NAME
 *   find NAME START VALUE                   await NAME INDEX VALUE
 *   block NAME SIZE       make a block      map NAME      open a block
 *   sparse NAME SIZE      make one without reserving its memory
 *   touch NAME            write into each page of a block
 *   enter NAME SIZE       open or create a block: "made" or "there"
 *   read NAME OFFSET N    write NAME OFFSET HEX           size NAME
 *   pin NAME              unlink NAME       close NAME    die NAME
 *
 * Values are a letter and hexadecimal digits: n, b0, b1, i<16 digits>, f<16
 * digits>, s<utf-8>, y<bytes>. A peer may hold 64 names.
 */
#include <polyshm.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_MOST = 64, WORDS_MOST = 300 };

typedef struct thing {
  char name[POLYSHM_NAME_MAX + 1];
  polyshm_list *list;
  polyshm_block *block; /* the list's, if there is one */
} thing;

static thing held[HELD_MOST];

static thing *find(const char *name) {
  for (int i = 0; i < HELD_MOST; i++)
    if (strcmp(held[i].name, name) == 0)
      return &held[i];
  fprintf(stderr, "'%s' is not held\n", name);
  exit(1);
}

/* ------------------------------------------------------------------- text */

static uint64_t number(const char *text) {
  return strtoull(text, NULL, 10);
}

/* In place: the bytes are fewer than their digits. */
static uint64_t from_hex(char *text) {
  uint64_t nbytes = strlen(text) / 2;
  for (uint64_t i = 0; i < nbytes; i++) {
    unsigned byte;
    sscanf(text + 2 * i, "%2x", &byte);
    text[i] = (char)byte;
  }
  return nbytes;
}

static void print_hex(char kind, const void *bytes, uint64_t nbytes) {
  const unsigned char *byte = bytes;
  putchar(kind);
  for (uint64_t i = 0; i < nbytes; i++)
    printf("%02x", byte[i]);
  putchar('\n');
}

static polyshm_value decode(char *text) {
  polyshm_value value = {.type = POLYSHM_NONE};
  switch (*text) {
  case 'b':
    value.type = POLYSHM_BOOL;
    value.of.i = text[1] == '1';
    break;
  case 'i':
  case 'f':
    value.type = *text == 'i' ? POLYSHM_INT : POLYSHM_FLOAT;
    value.of.i = (int64_t)strtoull(text + 1, NULL, 16);
    break;
  case 's':
  case 'y':
    value.type = *text == 's' ? POLYSHM_STRING : POLYSHM_BYTES;
    value.of.p = text + 1;
    value.size = from_hex(text + 1);
    break;
  default:
    break;
  }
  return value;
}

static void print_value(const polyshm_value *value) {
  switch (value->type) {
  case POLYSHM_BOOL:
    printf("b%d\n", (int)value->of.i);
    break;
  case POLYSHM_INT:
  case POLYSHM_FLOAT:
    printf(
        "%c%016" PRIx64 "\n", value->type == POLYSHM_INT ? 'i' : 'f',
        (uint64_t)value->of.i);
    break;
  case POLYSHM_STRING:
  case POLYSHM_BYTES:
    print_hex(
        value->type == POLYSHM_STRING ? 's' : 'y', value->of.p, value->size);
    break;
  default:
    puts("n");
    break;
  }
}

static void print_status(polyshm_status status, const char *success) {
  if (status == POLYSHM_OK)
    puts(success);
  else
    printf("%s %s\n", polyshm_status_name(status), polyshm_error_message());
}

/* --------------------------------------------------- making and opening */

static void hold(
    const char *name, polyshm_status status, polyshm_list *list,
    polyshm_block *block, int tells) {
  if (status != POLYSHM_OK) {
    print_status(status, "");
    return;
  }
  thing *it = find("");
  snprintf(it->name, sizeof it->name, "%s", name);
  it->list = list;
  it->block = list == NULL ? block : polyshm_list_block(list);
  uint32_t made = polyshm_block_flags(it->block) & POLYSHM_CREATE;
  puts(!tells ? "ok" : made ? "made" : "there");
}

static void make_list(const char *name, char **words, uint32_t flags) {
  polyshm_value values[WORDS_MOST];
  uint64_t nvalues = 0;
  for (; words[nvalues] != NULL; nvalues++)
    values[nvalues] = decode(words[nvalues]);
  polyshm_list *list = NULL;
  polyshm_status status =
      polyshm_list_create(name, values, nvalues, flags, NULL, &list);
  hold(name, status, list, NULL, flags == POLYSHM_CREATE);
}

static void open_list(const char *name, uint32_t flags) {
  polyshm_list *list = NULL;
  polyshm_status status = polyshm_list_open(name, flags, &list);
  hold(name, status, list, NULL, 0);
}

static void open_block(const char *name, uint64_t size, uint32_t flags) {
  polyshm_block *block = NULL;
  polyshm_status status = polyshm_block_open(name, size, flags, NULL, &block);
  hold(name, status, NULL, block, flags == POLYSHM_CREATE);
}

static void do_list(const char *name, char **words) {
  make_list(name, words, 0);
}

static void do_join(const char *name, char **words) {
  make_list(name, words, POLYSHM_CREATE);
}

static void do_attach(const char *name, char **words) {
  (void)words;
  open_list(name, 0);
}

static void do_view(const char *name, char **words) {
  (void)words;
  open_list(name, POLYSHM_READ_ONLY);
}

static void do_block(const char *name, char **words) {
  open_block(name, number(words[0]), POLYSHM_CREATE | POLYSHM_EXCLUSIVE);
}

static void do_sparse(const char *name, char **words) {
  open_block(
      name, number(words[0]),
      POLYSHM_CREATE | POLYSHM_EXCLUSIVE | POLYSHM_SPARSE);
}

static void do_enter(const char *name, char **words) {
  open_block(name, number(words[0]), POLYSHM_CREATE);
}

static void do_map(const char *name, char **words) {
  (void)words;
  open_block(name, 0, 0);
}

/* ------------------------------------------------------------------- lists */

static void do_get(const char *name, char **words) {
  const polyshm_list *list = find(name)->list;
  uint64_t index = number(words[0]), capacity = 0;
  polyshm_status status = polyshm_list_capacity(list, index, &capacity);
  char *buffer = malloc(capacity + 1);
  polyshm_value value;
  if (status == POLYSHM_OK)
    status = polyshm_list_get(list, index, buffer, capacity, &value);
  if (status == POLYSHM_OK)
    print_value(&value);
  else
    print_status(status, "");
  free(buffer);
}

static void do_set(const char *name, char **words) {
  polyshm_value value = decode(words[1]);
  print_status(
      polyshm_list_set(find(name)->list, number(words[0]), &value), "ok");
}

static void do_length(const char *name, char **words) {
  (void)words;
  printf("%" PRIu64 "\n", polyshm_list_length(find(name)->list));
}

static void do_find(const char *name, char **words) {
  polyshm_value value = decode(words[1]);
  uint64_t index = 0;
  polyshm_status status =
      polyshm_list_find(find(name)->list, number(words[0]), &value, &index);
  if (status == POLYSHM_OK)
    printf("%" PRIu64 "\n", index);
  else
    print_status(status, "");
}

/* Until the slot holds this number. */
static void do_await(const char *name, char **words) {
  const polyshm_list *list = find(name)->list;
  polyshm_value sought = decode(words[1]), value = {.type = POLYSHM_NONE};
  polyshm_status status;
  do
    status = polyshm_list_get(list, number(words[0]), NULL, 0, &value);
  while (status == POLYSHM_OK &&
         (value.type != sought.type || value.of.i != sought.of.i));
  print_status(status, "ok");
}

/* ------------------------------------------------------------------ blocks */

static void do_read(const char *name, char **words) {
  uint64_t nbytes = number(words[1]);
  char *buffer = malloc(nbytes + 1);
  polyshm_status status =
      polyshm_block_read(find(name)->block, number(words[0]), buffer, nbytes);
  if (status == POLYSHM_OK)
    print_hex('=', buffer, nbytes);
  else
    print_status(status, "");
  free(buffer);
}

static void do_write(const char *name, char **words) {
  uint64_t nbytes = from_hex(words[1]);
  print_status(
      polyshm_block_write(
          find(name)->block, number(words[0]), words[1], nbytes),
      "ok");
}

static void do_size(const char *name, char **words) {
  (void)words;
  printf("%" PRIu64 "\n", polyshm_block_size(find(name)->block));
}

static void do_touch(const char *name, char **words) {
  (void)words;
  polyshm_block *block = find(name)->block;
  polyshm_status status = POLYSHM_OK;
  for (uint64_t at = 0; status == 0 && at < polyshm_block_size(block);
       at += 4096)
    status = polyshm_block_write(block, at, "x", 1);
  print_status(status, "ok");
}

static void do_pin(const char *name, char **words) {
  (void)words;
  void *address;
  uint64_t size;
  print_status(polyshm_block_pin(find(name)->block, &address, &size), "ok");
}

static void do_unlink(const char *name, char **words) {
  (void)words;
  print_status(polyshm_unlink(name), "ok");
}

static void do_close(const char *name, char **words) {
  (void)words;
  thing *it = find(name);
  if (it->list != NULL)
    polyshm_list_free(it->list);
  else
    polyshm_block_free(it->block);
  memset(it, 0, sizeof *it);
  puts("ok");
}

static void do_die(const char *name, char **words) {
  (void)name;
  (void)words;
  raise(SIGKILL);
}

/* ---------------------------------------------------------------- commands */

static const struct command {
  const char *word;
  void (*run)(const char *name, char **words);
  int nwords; /* at least */
} commands[] = {
    {"list", do_list, 0},     {"join", do_join, 0},
    {"attach", do_attach, 0}, {"view", do_view, 0},
    {"get", do_get, 1},       {"set", do_set, 2},
    {"length", do_length, 0}, {"find", do_find, 2},
    {"await", do_await, 2},   {"block", do_block, 1},
    {"map", do_map, 0},       {"enter", do_enter, 1},
    {"read", do_read, 2},     {"write", do_write, 2},
    {"size", do_size, 0},     {"pin", do_pin, 0},
    {"unlink", do_unlink, 0}, {"close", do_close, 0},
    {"die", do_die, 0},       {"sparse", do_sparse, 1},
    {"touch", do_touch, 0},
};

static void obey(char **words, int nwords) {
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (nwords >= 2 + commands[i].nwords &&
        strcmp(words[0], commands[i].word) == 0) {
      commands[i].run(words[1], words + 2);
      return;
    }
  fprintf(stderr, "no such command, or too few words\n");
  exit(1);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  char *line = NULL;
  size_t room = 0;
  while (getline(&line, &room, stdin) > 0) {
    char *words[WORDS_MOST + 1] = {NULL};
    int nwords = 0;
    for (char *word = strtok(line, " \n"); word != NULL && nwords < WORDS_MOST;
         word = strtok(NULL, " \n"))
      words[nwords++] = word;
    obey(words, nwords);
  }
  for (int i = 0; i < HELD_MOST; i++)
    if (held[i].list != NULL)
      polyshm_list_free(held[i].list);
    else
      polyshm_block_free(held[i].block);
  free(line);
  return 0;
}
