/* SPDX-License-Identifier: MIT */
/* Options in any order among the words of a command line, by getopt_long. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include "command.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

enum {
  ARGUMENTS_END = -1,  /* all is read: see words */
  ARGUMENTS_STOP = -2, /* help was given, or misuse reported: see code */
  /* An option with no short spelling begins here. */
  ARGUMENTS_LONG = 256
};

/* Every command's first options. */
#define ARGUMENTS_COMMON                                                       \
  {"help", no_argument, NULL, 'h'}, {                                          \
    "json", no_argument, NULL, 'j'                                             \
  }

typedef struct arguments {
  const command *command;
  int argc;
  char **argv;
  char **words; /* what is no option, in order; an alias of argv */
  int nwords;
  bool as_json;
  int code;
} arguments;

void arguments_begin(
    arguments *given, const command *self, int argc, char **argv);

/* The next option of the command's own, whose argument is in optarg. A word
 * that looks like a negative number is not taken for an option. */
int arguments_next(
    arguments *given, const char *shorts, const struct option *longs);

/* Check how many words there are; false if misuse was reported. */
bool arguments_count(arguments *given, int least, int most);

/* Report misuse of the command; CODE_USAGE. */
__attribute__((format(printf, 2, 3))) int arguments_misuse(
    const command *self, const char *format, ...);

void arguments_help(const command *self);

/* Decimal, or hexadecimal behind 0x. False: it is no such number. */
bool arguments_number(const char *text, uint64_t *out_number);
bool arguments_integer(const char *text, int64_t *out_number);

#endif
