/* SPDX-License-Identifier: MIT */
/* The program's commands, each in a file of its own. */
#include "arguments.h"
#include "command.h"
#include "output.h"

#include <stdio.h>
#include <string.h>

static const command *const commands[] = {
    &command_ls,    &command_show,   &command_set,
    &command_rm,    &command_gc,     &command_watch,
    &command_serve, &command_doctor, &command_version};
enum { NCOMMANDS = sizeof commands / sizeof commands[0] };

int command_code(polyshm_status status) {
  switch (status) {
  case POLYSHM_OK:
    return CODE_OK;
  case POLYSHM_E_NOT_FOUND:
    return CODE_NOT_FOUND;
  case POLYSHM_E_BUSY:
    return CODE_IN_USE;
  case POLYSHM_E_ACCESS:
    return CODE_ACCESS;
  default:
    return CODE_FAILURE;
  }
}

int command_fail(polyshm_status status) {
  output_error("%s", polyshm_error_message());
  return command_code(status);
}

static const command *find_command(const char *name) {
  for (int i = 0; i < NCOMMANDS; i++)
    if (strcmp(commands[i]->name, name) == 0)
      return commands[i];
  return NULL;
}

static void print_help(void) {
  puts("Usage: polyshm COMMAND [OPTION...] [ARGUMENT...]\n\n"
       "Look at, change and clean up blocks of shared memory.\n");
  for (int i = 0; i < NCOMMANDS; i++)
    printf("  %-8s  %s\n", commands[i]->name, commands[i]->summary);
  puts("\n'polyshm COMMAND --help' tells more about a command.\n\n"
       "Exit codes: 0 done, 1 failed, 2 used wrongly, 3 not found, 4 in use,\n"
       "5 not permitted.");
}

static int fail_unknown(const char *name) {
  output_error("there is no command %s (see 'polyshm --help')", name);
  return CODE_USAGE;
}

static int help(int argc, char **argv) {
  const command *wanted = argc > 2 ? find_command(argv[2]) : NULL;
  if (argc > 2 && wanted == NULL)
    return fail_unknown(argv[2]);
  if (wanted != NULL)
    arguments_help(wanted);
  else
    print_help();
  return CODE_OK;
}

static int run(int argc, char **argv) {
  if (argc < 2) {
    output_error("which command? (see 'polyshm --help')");
    return CODE_USAGE;
  }
  const char *name = argv[1];
  if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0 ||
      strcmp(name, "help") == 0)
    return help(argc, argv);
  if (strcmp(name, "-V") == 0 || strcmp(name, "--version") == 0)
    name = "version";
  const command *wanted = find_command(name);
  return wanted != NULL ? wanted->run(wanted, argc - 1, argv + 1)
                        : fail_unknown(name);
}

int main(int argc, char **argv) {
  output_begin();
  return output_end(run(argc, argv));
}
