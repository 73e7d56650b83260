/* SPDX-License-Identifier: MIT */
#include "arguments.h"
#include "command.h"
#include "output.h"
#include "value.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { GUESS = -1 };

/* From the front, or from the end if negative, as in Python. */
static int find_index(
    const polyshm_list *list, int64_t given, uint64_t *out_index) {
  uint64_t length = polyshm_list_length(list);
  uint64_t back = given < 0 ? 0 - (uint64_t)given : 0;
  if (given < 0 ? back > length : (uint64_t)given >= length) {
    output_error(
        "there is no item %" PRId64 ": %s has %" PRIu64, given,
        polyshm_block_name(polyshm_list_block((polyshm_list *)list)), length);
    return CODE_FAILURE;
  }
  *out_index = given < 0 ? length - back : (uint64_t)given;
  return CODE_OK;
}

static int store(
    const char *name, int64_t wanted, const polyshm_value *value,
    bool as_json) {
  polyshm_list *list;
  polyshm_status status = polyshm_list_open(name, POLYSHM_FOREIGN, &list);
  if (status != POLYSHM_OK)
    return command_fail(status);
  uint64_t index;
  int code = find_index(list, wanted, &index);
  if (code == CODE_OK) {
    status = polyshm_list_set(list, index, value);
    if (status != POLYSHM_OK)
      code = command_fail(status);
  }
  if (code == CODE_OK && as_json) {
    json_object *object = node_new();
    const char *plain = polyshm_block_name(polyshm_list_block(list));
    node_put_bytes(object, "name", "name_hex", plain, strlen(plain));
    node_put(object, "index", node_uint(index));
    value_json(object, value);
    node_print(object);
  }
  polyshm_list_free(list);
  return code;
}

static const char *describe(int type) {
  switch (type) {
  case POLYSHM_BOOL:
    return "true, false, 1 or 0";
  case POLYSHM_INT:
    return "a whole number of 64 bits";
  case POLYSHM_FLOAT:
    return "a number";
  default:
    return "an even number of hexadecimal digits";
  }
}

static int set(arguments *given, int type) {
  const command *self = given->command;
  bool is_none = type == POLYSHM_NONE;
  if (!arguments_count(given, is_none ? 2 : 3, is_none ? 2 : 3))
    return given->code;
  const char *index = given->words[1];
  const char *word = is_none ? "none" : given->words[2];
  int64_t wanted;
  if (!arguments_integer(index, &wanted))
    return arguments_misuse(self, "%s is no index", index);

  polyshm_value value;
  if (type == GUESS)
    value_guess(word, &value);
  else if (!value_parse(word, type, &value))
    return arguments_misuse(self, "%s is not %s", word, describe(type));
  int code = store(given->words[0], wanted, &value, given->as_json);
  if (value.type == POLYSHM_BYTES)
    free((void *)value.of.p);
  return code;
}

static int run(const command *self, int argc, char **argv) {
  static const struct option longs[] = {
      ARGUMENTS_COMMON,
      {"none", no_argument, NULL, ARGUMENTS_LONG + POLYSHM_NONE},
      {"bool", no_argument, NULL, ARGUMENTS_LONG + POLYSHM_BOOL},
      {"int", no_argument, NULL, ARGUMENTS_LONG + POLYSHM_INT},
      {"float", no_argument, NULL, ARGUMENTS_LONG + POLYSHM_FLOAT},
      {"str", no_argument, NULL, ARGUMENTS_LONG + POLYSHM_STRING},
      {"bytes", no_argument, NULL, ARGUMENTS_LONG + POLYSHM_BYTES},
      {0}};
  arguments given;
  int option, type = GUESS;
  arguments_begin(&given, self, argc, argv);
  while ((option = arguments_next(&given, "", longs)) != ARGUMENTS_END) {
    if (option == ARGUMENTS_STOP)
      return given.code;
    if (type != GUESS && type != option - ARGUMENTS_LONG)
      return arguments_misuse(self, "a value has one type");
    type = option - ARGUMENTS_LONG;
  }
  return set(&given, type);
}

const command command_set = {
    .name = "set",
    .synopsis = "[TYPE] [--json] NAME INDEX VALUE",
    .summary = "Store a value in an item of a list",
    .help =
        "Items are counted from 0, or from the end: -1 is the last one. The\n"
        "item may change its type; its capacity stays.\n\n"
        "Without a type it is what VALUE looks like: none; true or false; a\n"
        "whole number, decimal or behind 0x; a float (1.5, 1e9, inf, nan); or\n"
        "else a string. A VALUE that looks like an option goes behind --.\n\n"
        "      --int             VALUE is a whole number\n"
        "      --float           VALUE is a floating-point number\n"
        "      --str             VALUE is text\n"
        "      --bytes           VALUE is bytes, in hexadecimal digits\n"
        "      --bool            VALUE is true, false, 1 or 0\n"
        "      --none            no value; VALUE is left out\n",
    .run = run};
