/* SPDX-License-Identifier: MIT */
/*
 * A client of a manager that does what it is told: a command a line on standard
 * input, a line back: "ok" and what was asked for, or the status and message of
 * what failed. A "-" for a name picks a fresh one.
 *
 *   start ADDRESS KEY     connect ADDRESS KEY    address    pid
 *   block NAME SIZE TEXT  make a block that begins with this text
 *   list NAME NUMBER...   make a list of these
 *   read NAME SIZE        sum NAME               of a block, of a list
 *   track NAME            release NAME           segments
 *   shutdown              close
 *
 * A "-" for the address of start picks a fresh one.
 */
#include <polyshm.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 40 };

static polyshm_manager *manager;
static char *words[WORDS];
static int nwords;

static void answer(polyshm_status status, const char *text) {
  if (status == POLYSHM_OK)
    printf("ok%s%s\n", text[0] == 0 ? "" : " ", text);
  else
    printf("%s %s\n", polyshm_status_name(status), polyshm_error_message());
}

static const char *name_of(const char *word) {
  return strcmp(word, "-") == 0 ? NULL : word;
}

static void open_manager(bool is_new) {
  polyshm_manager_free(manager);
  manager = NULL;
  polyshm_status status =
      is_new
          ? polyshm_manager_start(
                name_of(words[1]), words[2], strlen(words[2]), NULL, &manager)
          : polyshm_manager_connect(
                words[1], words[2], strlen(words[2]), NULL, &manager);
  answer(status, status == POLYSHM_OK ? polyshm_manager_address(manager) : "");
}

static void make_block(void) {
  polyshm_block *block;
  char name[POLYSHM_NAME_MAX + 1] = "";
  polyshm_status status = polyshm_manager_block(
      manager, name_of(words[1]), strtoull(words[2], NULL, 10), 0, NULL,
      &block);
  if (status == POLYSHM_OK) {
    polyshm_block_write(block, 0, words[3], strlen(words[3]));
    strcpy(name, polyshm_block_name(block));
    polyshm_block_free(block);
  }
  answer(status, name);
}

static void make_list(void) {
  polyshm_value values[WORDS];
  for (int i = 2; i < nwords; i++)
    values[i - 2] = (polyshm_value){
        .type = POLYSHM_INT, .of.i = strtoll(words[i], NULL, 10)};
  polyshm_list *list;
  char name[POLYSHM_NAME_MAX + 1] = "";
  polyshm_status status = polyshm_manager_list(
      manager, name_of(words[1]), values, (uint64_t)nwords - 2, 0, NULL, &list);
  if (status == POLYSHM_OK) {
    strcpy(name, polyshm_block_name(polyshm_list_block(list)));
    polyshm_list_free(list);
  }
  answer(status, name);
}

static void read_block(void) {
  polyshm_block *block;
  char text[256] = "";
  polyshm_status status = polyshm_block_open(words[1], 0, 0, NULL, &block);
  if (status == POLYSHM_OK) {
    status = polyshm_block_read(block, 0, text, strtoull(words[2], NULL, 10));
    polyshm_block_free(block);
  }
  answer(status, text);
}

static void sum_list(void) {
  polyshm_list *list;
  char text[32] = "";
  int64_t sum = 0;
  polyshm_status status = polyshm_list_open(words[1], 0, &list);
  if (status == POLYSHM_OK) {
    for (uint64_t i = 0; i < polyshm_list_length(list); i++) {
      polyshm_value value;
      status = polyshm_list_get(list, i, NULL, 0, &value);
      sum += status == POLYSHM_OK ? value.of.i : 0;
    }
    polyshm_list_free(list);
  }
  snprintf(text, sizeof text, "%" PRId64, sum);
  answer(status, text);
}

static void tell_segments(void) {
  static char names[1 << 20];
  uint64_t size = 0;
  polyshm_status status =
      polyshm_manager_segments(manager, names, sizeof names, &size);
  for (uint64_t i = 0; i + 1 < size; i++)
    if (names[i] == 0)
      names[i] = ' ';
  answer(status, size == 0 ? "" : names);
}

static void run(void) {
  const char *command = words[0];
  char number[32];
  if (strcmp(command, "start") == 0)
    open_manager(true);
  else if (strcmp(command, "connect") == 0)
    open_manager(false);
  else if (strcmp(command, "address") == 0)
    answer(POLYSHM_OK, polyshm_manager_address(manager));
  else if (strcmp(command, "pid") == 0) {
    snprintf(number, sizeof number, "%" PRIu64, polyshm_manager_pid(manager));
    answer(POLYSHM_OK, number);
  } else if (strcmp(command, "block") == 0)
    make_block();
  else if (strcmp(command, "list") == 0)
    make_list();
  else if (strcmp(command, "read") == 0)
    read_block();
  else if (strcmp(command, "sum") == 0)
    sum_list();
  else if (strcmp(command, "track") == 0)
    answer(polyshm_manager_track(manager, words[1]), "");
  else if (strcmp(command, "release") == 0)
    answer(polyshm_manager_release(manager, words[1]), "");
  else if (strcmp(command, "segments") == 0)
    tell_segments();
  else if (strcmp(command, "shutdown") == 0)
    answer(polyshm_manager_shutdown(manager), "");
  else if (strcmp(command, "close") == 0)
    answer(polyshm_manager_close(manager), "");
  else
    printf("there is no command %s\n", command);
}

int main(void) {
  static char line[65536];
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (fgets(line, sizeof line, stdin) != NULL) {
    nwords = 0;
    for (char *word = strtok(line, " \n"); word != NULL && nwords < WORDS;
         word = strtok(NULL, " \n"))
      words[nwords++] = word;
    if (nwords > 0)
      run();
  }
  polyshm_manager_free(manager);
}
