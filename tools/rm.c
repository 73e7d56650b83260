/* SPDX-License-Identifier: MIT */
#include "arguments.h"
#include "block.h"
#include "command.h"
#include "output.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct manner {
  bool is_forced, is_asking;
} manner;

static char *who_has(const char *name) {
  holders *who = holders_begin();
  holders_add(who, name);
  holders_look(who);
  char *text = holders_text(who, 0);
  holders_end(who);
  return text;
}

static int refuse(const polyshm_info *info) {
  char *who = who_has(info->name);
  if (who[0] != '\0')
    output_error("%s is in use by %s", info->name, who);
  else if (info->state & POLYSHM_STATE_HELD)
    output_error("%s is in use by a process of another user", info->name);
  else if (info->state & POLYSHM_STATE_TREE)
    output_error(
        "%s is kept by the process tree that made it, which is alive",
        info->name);
  else
    output_error("%s may be in use: you may not find out", info->name);
  output_error("--force would remove it all the same");
  free(who);
  return CODE_IN_USE;
}

/* The question goes to standard error: output may be JSON. */
static bool is_confirmed(const polyshm_info *info) {
  char *size = text_size(info->size);
  fputs("polyshm: remove ", stderr);
  text_put(stderr, info->name, strlen(info->name), TEXT_MESSAGE);
  fprintf(stderr, ", a %s of %s bytes? [y/N] ", block_kind(info), size);
  fflush(stderr);
  free(size);
  char *answer = NULL;
  size_t capacity = 0;
  bool is_yes = getline(&answer, &capacity, stdin) > 0 &&
                (answer[0] == 'y' || answer[0] == 'Y');
  free(answer);
  return is_yes;
}

/* Other programs of ours hold a block while they look at it, which is over in a
 * moment. */
static polyshm_status look(const char *name, polyshm_info *out_info) {
  enum { LOOKS = 5, PAUSE = 10000000 /* nanoseconds */ };
  const struct timespec pause = {.tv_nsec = PAUSE};
  polyshm_status status = polyshm_inspect(name, out_info);
  for (int i = 1; i < LOOKS && status == POLYSHM_OK &&
                  (out_info->state & POLYSHM_STATE_HELD);
       i++) {
    nanosleep(&pause, NULL);
    status = polyshm_inspect(name, out_info);
  }
  return status;
}

/* *out_removed stays false if the user said no. */
static int remove_one(const char *name, manner how, bool *out_removed) {
  polyshm_info info = {.struct_size = sizeof info};
  /* What cannot be looked into may still be removed by force. */
  polyshm_status status = look(name, &info);
  bool is_known = status == POLYSHM_OK;
  if (!is_known && (!how.is_forced || status == POLYSHM_E_NOT_FOUND ||
                    status == POLYSHM_E_INVALID))
    return command_fail(status);
  if (is_known && !how.is_forced && block_is_in_use(&info))
    return refuse(&info);
  if (is_known && how.is_asking && !is_confirmed(&info))
    return CODE_OK;
  status = polyshm_unlink(name);
  *out_removed = status == POLYSHM_OK;
  return *out_removed ? CODE_OK : command_fail(status);
}

/* All are tried; the exit code is the first failure's. */
static int remove_all(const arguments *given, manner how) {
  int code = CODE_OK;
  if (given->as_json)
    node_rows_begin(NULL, NULL);
  for (int i = 0; i < given->nwords; i++) {
    const char *name = given->words[i];
    bool is_removed = false;
    int one = remove_one(name, how, &is_removed);
    code = code == CODE_OK ? one : code;
    if (given->as_json) {
      json_object *object = node_new();
      node_put_bytes(object, "name", "name_hex", name, strlen(name));
      node_put(object, "removed", node_bool(is_removed));
      node_put(object, "code", node_int(one));
      node_row(object);
    }
  }
  if (given->as_json)
    node_rows_end();
  return code;
}

static int run(const command *self, int argc, char **argv) {
  static const struct option longs[] = {
      ARGUMENTS_COMMON,
      {"force", no_argument, NULL, 'f'},
      {"yes", no_argument, NULL, 'y'},
      {0}};
  arguments given;
  manner how = {.is_asking = isatty(STDIN_FILENO) == 1};
  int option;
  arguments_begin(&given, self, argc, argv);
  while ((option = arguments_next(&given, "fy", longs)) != ARGUMENTS_END) {
    if (option == ARGUMENTS_STOP)
      return given.code;
    how.is_asking = false;
    how.is_forced |= option == 'f';
  }
  return arguments_count(&given, 1, argc) ? remove_all(&given, how)
                                          : given.code;
}

const command command_rm = {
    .name = "rm",
    .synopsis = "[--force] [--yes] [--json] NAME...",
    .summary = "Remove blocks that are not in use",
    .help =
        "On a terminal it asks for each one. What a process has open or\n"
        "mapped, or what its process tree keeps, stays, and the exit code is\n"
        "4. With --force, processes that have a block keep its memory; only\n"
        "the name goes.\n\n"
        "  -f, --force           remove also what is in use; do not ask\n"
        "  -y, --yes             do not ask\n",
    .run = run};
