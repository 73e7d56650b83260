/* SPDX-License-Identifier: MIT */
/* A peer for test_cross.py, in C; peer.py tells the commands. */
#include <polyshm.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_MOST = 64, VALUES_MOST = 256 };

static struct {
  char name[POLYSHM_NAME_MAX + 1];
  polyshm_list *list;
  polyshm_block *block;
} held[HELD_MOST];

static void check(polyshm_status status) {
  if (status == POLYSHM_OK)
    return;
  fprintf(
      stderr, "%s: %s\n", polyshm_status_name(status), polyshm_error_message());
  exit(1);
}

static int find(const char *name) {
  for (int i = 0; i < HELD_MOST; i++)
    if (strcmp(held[i].name, name) == 0)
      return i;
  fprintf(stderr, "'%s' is not held\n", name);
  exit(1);
}

static int hold(const char *name) {
  int i = find("");
  snprintf(held[i].name, sizeof held[i].name, "%s", name);
  return i;
}

/* ------------------------------------------------------------ hexadecimal */

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

/* --------------------------------------------------------------- commands */

static void get(const polyshm_list *list, uint64_t index) {
  uint64_t capacity;
  check(polyshm_list_capacity(list, index, &capacity));
  char *buffer = malloc(capacity);
  polyshm_value value;
  check(polyshm_list_get(list, index, buffer, capacity, &value));
  print_value(&value);
  free(buffer);
}

static void read_block(polyshm_block *block, uint64_t first, uint64_t count) {
  char *buffer = malloc(count + 1);
  check(polyshm_block_read(block, first, buffer, count));
  print_hex('=', buffer, count);
  free(buffer);
}

static void obey(const char *command, const char *name, char **words) {
  if (strcmp(command, "list") == 0) {
    polyshm_value values[VALUES_MOST];
    uint64_t nvalues = 0;
    for (; words[nvalues] != NULL; nvalues++)
      values[nvalues] = decode(words[nvalues]);
    check(polyshm_list_create(
        name, values, nvalues, 0, NULL, &held[hold(name)].list));
  } else if (strcmp(command, "attach") == 0) {
    check(polyshm_list_open(name, 0, &held[hold(name)].list));
  } else if (strcmp(command, "get") == 0) {
    get(held[find(name)].list, strtoull(words[0], NULL, 10));
    return;
  } else if (strcmp(command, "set") == 0) {
    polyshm_value value = decode(words[1]);
    check(polyshm_list_set(
        held[find(name)].list, strtoull(words[0], NULL, 10), &value));
  } else if (strcmp(command, "length") == 0) {
    printf("%" PRIu64 "\n", polyshm_list_length(held[find(name)].list));
    return;
  } else if (strcmp(command, "block") == 0) {
    check(polyshm_block_open(
        name, strtoull(words[0], NULL, 10), POLYSHM_CREATE | POLYSHM_EXCLUSIVE,
        NULL, &held[hold(name)].block));
  } else if (strcmp(command, "map") == 0) {
    check(polyshm_block_open(name, 0, 0, NULL, &held[hold(name)].block));
  } else if (strcmp(command, "read") == 0) {
    read_block(
        held[find(name)].block, strtoull(words[0], NULL, 10),
        strtoull(words[1], NULL, 10));
    return;
  } else if (strcmp(command, "write") == 0) {
    uint64_t nbytes = from_hex(words[1]);
    check(polyshm_block_write(
        held[find(name)].block, strtoull(words[0], NULL, 10), words[1],
        nbytes));
  } else if (strcmp(command, "size") == 0) {
    printf("%" PRIu64 "\n", polyshm_block_size(held[find(name)].block));
    return;
  } else {
    int i = find(name);
    polyshm_list_free(held[i].list);
    polyshm_block_free(held[i].block);
    memset(&held[i], 0, sizeof held[i]);
  }
  puts("ok");
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  char *line = NULL;
  size_t room = 0;
  while (getline(&line, &room, stdin) > 0) {
    char *words[VALUES_MOST + 3] = {NULL};
    int nwords = 0;
    for (char *word = strtok(line, " \n");
         word != NULL && nwords < VALUES_MOST + 2; word = strtok(NULL, " \n"))
      words[nwords++] = word;
    obey(words[0], words[1], words + 2);
  }
  free(line);
  return 0;
}
