/* SPDX-License-Identifier: MIT */
#include "arguments.h"
#include "checks.h"
#include "command.h"
#include "node.h"
#include "output.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *word;
  output_style style;
} results[] = {
    [CHECKS_GOOD] = {"good", OUTPUT_GOOD},
    [CHECKS_CARE] = {"care", OUTPUT_CARE},
    [CHECKS_BAD] = {"bad", OUTPUT_BAD}};

typedef struct check {
  const char *name, *hint;
  char *detail;
  checks_result result;
} check;

static check *checks;
static size_t nchecks;

void checks_add(
    const char *name, checks_result result, const char *hint,
    const char *detail, ...) {
  char words[1024];
  va_list list;
  va_start(list, detail);
  vsnprintf(words, sizeof words, detail, list);
  va_end(list);
  checks = output_memory(checks, (nchecks + 1) * sizeof *checks);
  checks[nchecks++] = (check){name, hint, text_format("%s", words), result};
}

static json_object *check_json(const check *one) {
  json_object *object = node_new();
  size_t size;
  char *detail = text_repair(one->detail, strlen(one->detail), &size);
  node_put(object, "check", node_text(one->name));
  node_put(object, "result", node_text(results[one->result].word));
  node_put(object, "detail", node_text(detail));
  node_put(object, "hint", one->hint != NULL ? node_text(one->hint) : NULL);
  free(detail);
  return object;
}

static void put(const check *one) {
  output_style style = results[one->result].style;
  printf(
      "%s%-4s%s  %-9s  ", output_on(style), results[one->result].word,
      output_off(style), one->name);
  text_put(stdout, one->detail, strlen(one->detail), TEXT_MESSAGE);
  fputc('\n', stdout);
  if (one->hint != NULL)
    printf("                 %s\n", one->hint);
}

bool checks_show(bool as_json) {
  bool is_good = true;
  json_object *all = as_json ? node_array() : NULL;
  for (size_t i = 0; i < nchecks; i++) {
    is_good = is_good && checks[i].result != CHECKS_BAD;
    if (as_json)
      node_append(all, check_json(checks + i));
    else
      put(checks + i);
    free(checks[i].detail);
  }
  free(checks);
  checks = NULL;
  nchecks = 0;
  if (as_json) {
    json_object *object = node_new();
    node_put(object, "ok", node_bool(is_good));
    node_put(object, "checks", all);
    node_print(object);
  }
  return is_good;
}

static int run(const command *self, int argc, char **argv) {
  static const struct option longs[] = {ARGUMENTS_COMMON, {0}};
  arguments given;
  arguments_begin(&given, self, argc, argv);
  if (arguments_next(&given, "", longs) != ARGUMENTS_END ||
      !arguments_count(&given, 0, 0))
    return given.code;
  checks_folder();
  checks_kernel();
  checks_limits();
  checks_session();
  checks_library();
  return checks_show(given.as_json) ? CODE_OK : CODE_FAILURE;
}

const command command_doctor = {
    .name = "doctor",
    .synopsis = "[--json]",
    .summary =
        "Look for what would go wrong on this system, and say what to do",
    .help =
        "Each line is 'good', 'care' (it works, within a limit that may hurt)\n"
        "or 'bad' (something will not work). The exit code is 1 if one is\n"
        "bad.\n\n",
    .run = run};
