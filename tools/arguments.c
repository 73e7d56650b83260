/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include "output.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void arguments_begin(
    arguments *given, const command *self, int argc, char **argv) {
  *given = (arguments){
      .command = self, .argc = argc, .argv = argv, .words = argv + 1};
  optind = 1;
  opterr = 0;
}

static bool is_option(const char *word) {
  return word[0] == '-' && word[1] != '\0' && word[1] != '.' &&
         !isdigit((unsigned char)word[1]);
}

/* Words are gathered at the front of argv, behind what was already read. */
static void take_word(arguments *given) {
  given->words[given->nwords++] = given->argv[optind++];
}

static int stop(arguments *given, int code) {
  given->code = code;
  return ARGUMENTS_STOP;
}

static int next_option(
    arguments *given, const char *shorts, const struct option *longs) {
  char all[64];
  snprintf(all, sizeof all, "+:hj%s", shorts);
  int option = getopt_long(given->argc, given->argv, all, longs, NULL);
  const char *word = given->argv[optind - 1];
  switch (option) {
  case 'h':
    arguments_help(given->command);
    return stop(given, CODE_OK);
  case 'j':
    given->as_json = true;
    return 0;
  case ':':
    return stop(
        given, arguments_misuse(given->command, "%s needs a value", word));
  case '?':
    if (word[0] == '-' && word[1] == '-')
      return stop(
          given,
          arguments_misuse(given->command, "there is no option %s", word));
    return stop(
        given,
        arguments_misuse(given->command, "there is no option -%c", optopt));
  default:
    return option;
  }
}

int arguments_next(
    arguments *given, const char *shorts, const struct option *longs) {
  while (optind < given->argc) {
    const char *word = given->argv[optind];
    if (strcmp(word, "--") == 0) {
      optind++;
      while (optind < given->argc)
        take_word(given);
    } else if (!is_option(word)) {
      take_word(given);
    } else {
      int option = next_option(given, shorts, longs);
      if (option != 0)
        return option;
    }
  }
  return ARGUMENTS_END;
}

bool arguments_count(arguments *given, int least, int most) {
  if (given->nwords >= least && given->nwords <= most)
    return true;
  const char *what =
      given->nwords < least ? "something is missing" : "that is too much";
  given->code = arguments_misuse(given->command, "%s", what);
  return false;
}

int arguments_misuse(const command *self, const char *format, ...) {
  char words[1024];
  va_list list;
  va_start(list, format);
  vsnprintf(words, sizeof words, format, list);
  va_end(list);
  const char *gap = self->synopsis[0] == '\0' ? "" : " ";
  output_error(
      "%s: %s; it is used as: polyshm %s%s%s", self->name, words, self->name,
      gap, self->synopsis);
  return CODE_USAGE;
}

void arguments_help(const command *self) {
  const char *gap = self->synopsis[0] == '\0' ? "" : " ";
  printf(
      "Usage: polyshm %s%s%s\n\n%s.\n\n%s"
      "  -j, --json            write JSON\n"
      "  -h, --help            show this\n",
      self->name, gap, self->synopsis, self->summary, self->help);
}

bool arguments_number(const char *text, uint64_t *out_number) {
  bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  const char *digits = is_hex ? text + 2 : text;
  if (!isxdigit((unsigned char)digits[0]))
    return false;
  char *end;
  errno = 0;
  unsigned long long number = strtoull(digits, &end, is_hex ? 16 : 10);
  if (errno != 0 || *end != '\0' || end == digits)
    return false;
  *out_number = number;
  return true;
}

bool arguments_integer(const char *text, int64_t *out_number) {
  bool is_negative = text[0] == '-';
  uint64_t size, limit = (uint64_t)INT64_MAX + is_negative;
  if (!arguments_number(text + (is_negative || text[0] == '+'), &size) ||
      size > limit)
    return false;
  *out_number = is_negative ? (int64_t)(0 - size) : (int64_t)size;
  return true;
}
