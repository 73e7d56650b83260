/* SPDX-License-Identifier: MIT */
/* What a command of the program is; main.c has the list of them. */
#ifndef COMMAND_H
#define COMMAND_H

#include "polyshm.h"

/* Exit codes are part of the program's interface: see polyshm(1). */
enum {
  CODE_OK = 0,
  CODE_FAILURE = 1,
  CODE_USAGE = 2,
  CODE_NOT_FOUND = 3,
  CODE_IN_USE = 4,
  CODE_ACCESS = 5
};

typedef struct command {
  const char *name;
  const char *synopsis; /* what follows the name */
  const char *summary;  /* half a line */
  const char *help;     /* whole lines: options and what else to know */
  int (*run)(const struct command *command, int argc, char **argv);
} command;

extern const command command_ls, command_show, command_set, command_rm,
    command_gc, command_watch, command_serve, command_doctor, command_version;

/* Which exit code a failed call asks for. */
int command_code(polyshm_status status);

/* Say what a failed call left as its message; the exit code for it. */
int command_fail(polyshm_status status);

#endif
