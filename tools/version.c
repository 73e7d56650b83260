/* SPDX-License-Identifier: MIT */
#include "arguments.h"
#include "command.h"
#include "node.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

static int run(const command *self, int argc, char **argv) {
  static const struct option longs[] = {ARGUMENTS_COMMON, {0}};
  arguments given;
  arguments_begin(&given, self, argc, argv);
  if (arguments_next(&given, "", longs) != ARGUMENTS_END ||
      !arguments_count(&given, 0, 0))
    return given.code;

  uint32_t loaded = polyshm_version();
  char *program = text_format(
      "%d.%d.%d", POLYSHM_VERSION_MAJOR, POLYSHM_VERSION_MINOR,
      POLYSHM_VERSION_PATCH);
  char *library =
      text_format("%u.%u.%u", loaded >> 16, loaded >> 8 & 0xff, loaded & 0xff);
  if (given.as_json) {
    json_object *object = node_new();
    node_put(object, "version", node_text(program));
    node_put(object, "library", node_text(library));
    node_print(object);
  } else
    printf("polyshm %s, library %s\n", program, library);
  free(program);
  free(library);
  return CODE_OK;
}

const command command_version = {
    .name = "version",
    .synopsis = "[--json]",
    .summary = "Print the version of this program and of its library",
    .help = "",
    .run = run};
