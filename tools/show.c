/* SPDX-License-Identifier: MIT */
#include "arguments.h"
#include "block.h"
#include "bytes.h"
#include "command.h"
#include "items.h"
#include "output.h"
#include "text.h"
#include "value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  DEFAULT_LENGTH = 512, /* bytes of a block, where nothing else was asked */
  SHORT_VALUE = 200,    /* bytes of a string */
  PIECE = 65536         /* bytes in memory at once */
};

typedef struct wish {
  bool as_json, as_bytes, is_full, has_length;
  const bytes_type *type;
  uint64_t offset, length;
} wish;

/* ------------------------------------------------------------------- head */

static void put_line(const char *label, char *text) {
  if (text[0] != '\0')
    printf(
        "%s%-9s%s %s\n", output_on(OUTPUT_HEADING), label,
        output_off(OUTPUT_HEADING), text);
  free(text);
}

static void put_head(const polyshm_info *info, const holders *who) {
  bool is_tracked = (info->state & POLYSHM_STATE_TRACKED) != 0;
  put_line("name:", text_name(info->name));
  put_line("kind:", text_format("%s", block_kind(info)));
  put_line("size:", text_format("%" PRIu64 " bytes", info->size));
  if (info->kind == POLYSHM_KIND_LIST)
    put_line("items:", text_format("%" PRIu64, info->length));
  put_line("owner:", block_owner(info));
  put_line("mode:", text_format("%04o", info->mode));
  put_line("age:", block_age(info));
  put_line("tracked:", text_format("%s", is_tracked ? "yes" : "no"));
  put_line("state:", text_format("%s", block_state(info)));
  put_line("holders:", holders_text(who, 0));
}

/* ------------------------------------------------------------------ items */

static int width_of(uint64_t number) {
  return snprintf(NULL, 0, "%" PRIu64, number);
}

static void put_item(
    uint64_t index, int width, uint64_t capacity, const polyshm_value *value,
    uint64_t limit) {
  char *text = value_text(value, limit);
  printf(
      "%*" PRIu64 "  %-5s  %8" PRIu64 "  %s\n", width, index, value_type(value),
      capacity, text);
  free(text);
}

static void put_bad_item(uint64_t index, int width, uint64_t capacity) {
  printf("%*" PRIu64 "  ?      %8" PRIu64 "  ", width, index, capacity);
  const char *message = polyshm_error_message();
  text_put(stdout, message, strlen(message), TEXT_MESSAGE);
  fputc('\n', stdout);
}

static json_object *item_json(
    uint64_t index, uint64_t capacity, const polyshm_value *value,
    polyshm_status status) {
  json_object *object = node_new();
  node_put(object, "index", node_uint(index));
  node_put(object, "capacity", node_uint(capacity));
  if (status == POLYSHM_OK) {
    value_json(object, value);
    return object;
  }
  const char *message = polyshm_error_message();
  node_put(object, "type", NULL);
  node_put_bytes(object, "error", "error_hex", message, strlen(message));
  return object;
}

static int put_items(const polyshm_list *list, const wish *wanted) {
  items reader = {.list = list};
  uint64_t length = polyshm_list_length(list);
  uint64_t limit = wanted->is_full ? UINT64_MAX : SHORT_VALUE;
  int width = length > 0 ? width_of(length - 1) : 0, code = CODE_OK;
  width = width < 5 ? 5 : width;
  if (!wanted->as_json && length > 0)
    printf(
        "\n%s%*s  %-5s  CAPACITY  VALUE%s\n", output_on(OUTPUT_HEADING), width,
        "INDEX", "TYPE", output_off(OUTPUT_HEADING));
  for (uint64_t i = 0; i < length && !output_is_broken(); i++) {
    polyshm_value value;
    uint64_t capacity = 0;
    polyshm_list_capacity(list, i, &capacity);
    polyshm_status status = items_read(&reader, i, &value);
    if (status != POLYSHM_OK)
      code = command_code(status);
    if (wanted->as_json)
      node_row(item_json(i, capacity, &value, status));
    else if (status == POLYSHM_OK)
      put_item(i, width, capacity, &value, limit);
    else
      put_bad_item(i, width, capacity);
  }
  items_end(&reader);
  return code;
}

static int show_list(
    const polyshm_info *info, const holders *who, const wish *wanted) {
  polyshm_list *list;
  polyshm_status status =
      polyshm_list_open(info->name, POLYSHM_READ_ONLY | POLYSHM_FOREIGN, &list);
  if (status != POLYSHM_OK)
    return command_fail(status);
  if (wanted->as_json)
    node_rows_begin(block_json(info, who, 0), "items");
  else
    put_head(info, who);
  int code = put_items(list, wanted);
  if (wanted->as_json)
    node_rows_end();
  if (!block_is_left_open(info, list))
    polyshm_list_free(list);
  if (code != CODE_OK)
    output_error("%s has items that cannot be read", info->name);
  return code;
}

/* ------------------------------------------------------------------ bytes */

static void put_rows(
    const bytes_type *type, uint64_t offset, const unsigned char *bytes,
    uint64_t size) {
  for (uint64_t at = 0; at < size; at += BYTES_PER_ROW) {
    uint64_t left = size - at < BYTES_PER_ROW ? size - at : BYTES_PER_ROW;
    if (type->kind == 'x')
      bytes_put_dump(stdout, offset + at, bytes + at, left);
    else {
      printf("%08" PRIx64, offset + at);
      bytes_put_numbers(stdout, type, bytes + at, left);
    }
    fputc('\n', stdout);
  }
}

static void put_json(
    const bytes_type *type, const unsigned char *bytes, uint64_t size) {
  for (uint64_t at = 0; at < size; at += type->size)
    node_row(bytes_number_json(type, bytes + at));
}

static void put_json_dump(
    uint64_t offset, const unsigned char *bytes, uint64_t size) {
  for (uint64_t at = 0; at < size; at += BYTES_PER_ROW) {
    uint64_t left = size - at < BYTES_PER_ROW ? size - at : BYTES_PER_ROW;
    json_object *object = node_new();
    node_put(object, "offset", node_uint(offset + at));
    node_put(object, "hex", node_hex(bytes + at, left));
    node_row(object);
  }
}

static polyshm_status put_bytes(
    const polyshm_block *block, const wish *wanted, uint64_t end) {
  unsigned char *piece = output_memory(NULL, PIECE);
  polyshm_status status = POLYSHM_OK;
  uint64_t at = wanted->offset;
  while (status == POLYSHM_OK && at < end && !output_is_broken()) {
    uint64_t size = end - at < PIECE ? end - at : PIECE;
    status = polyshm_block_read(block, at, piece, size);
    if (status != POLYSHM_OK)
      break;
    if (!wanted->as_json)
      put_rows(wanted->type, at, piece, size);
    else if (wanted->type->kind == 'x')
      put_json_dump(at, piece, size);
    else
      put_json(wanted->type, piece, size);
    at += size;
  }
  free(piece);
  return status;
}

static json_object *bytes_head(
    const polyshm_info *info, const holders *who, const wish *wanted,
    uint64_t length) {
  json_object *head = block_json(info, who, 0);
  node_put(head, "offset", node_uint(wanted->offset));
  node_put(head, "shown", node_uint(length));
  node_put(head, "as", node_text(wanted->type->name));
  return head;
}

static void put_rest(uint64_t size, const bytes_type *type) {
  const char *noun = size == 1 ? "byte" : "bytes";
  if (size >= type->size)
    printf("... %" PRIu64 " more %s: see --length\n", size, noun);
  else if (size > 0)
    printf("... %" PRIu64 " %s left over\n", size, noun);
}

/* Only whole numbers are shown. */
static uint64_t length_of(const wish *wanted, uint64_t size) {
  uint64_t left = size - wanted->offset;
  uint64_t length = wanted->has_length ? wanted->length : DEFAULT_LENGTH;
  length = length < left ? length : left;
  return length - length % wanted->type->size;
}

static int put_block(
    const polyshm_block *block, const polyshm_info *info, const holders *who,
    const wish *wanted) {
  uint64_t size = polyshm_block_size(block);
  if (wanted->offset > size) {
    output_error("%s ends at %" PRIu64, info->name, size);
    return CODE_FAILURE;
  }
  uint64_t length = length_of(wanted, size), end = wanted->offset + length;
  if (wanted->as_json)
    node_rows_begin(bytes_head(info, who, wanted, length), "values");
  else {
    put_head(info, who);
    if (length > 0)
      fputc('\n', stdout);
  }
  polyshm_status status = put_bytes(block, wanted, end);
  if (wanted->as_json)
    node_rows_end();
  else if (!wanted->has_length)
    put_rest(size - end, wanted->type);
  return status == POLYSHM_OK ? CODE_OK : command_fail(status);
}

static int show_block(
    const polyshm_info *info, const holders *who, const wish *wanted) {
  polyshm_block *block;
  polyshm_status status = polyshm_block_open(
      info->name, 0, POLYSHM_READ_ONLY | POLYSHM_FOREIGN, NULL, &block);
  if (status != POLYSHM_OK)
    return command_fail(status);
  int code = put_block(block, info, who, wanted);
  if (!block_is_left_open(info, block))
    polyshm_block_free(block);
  return code;
}

/* ---------------------------------------------------------------- command */

static int show(const char *name, const wish *wanted) {
  polyshm_info info = {.struct_size = sizeof info};
  polyshm_status status = polyshm_inspect(name, &info);
  if (status != POLYSHM_OK)
    return command_fail(status);
  holders *who = holders_begin();
  holders_add(who, info.name);
  holders_look(who);
  int code = info.kind == POLYSHM_KIND_LIST && !wanted->as_bytes
                 ? show_list(&info, who, wanted)
                 : show_block(&info, who, wanted);
  holders_end(who);
  return code;
}

/* False if the option's value is none. */
static bool take(wish *wanted, int option) {
  wanted->as_bytes |= option != 'f';
  switch (option) {
  case 'o':
    return arguments_number(optarg, &wanted->offset);
  case 'n':
    wanted->has_length = true;
    return arguments_number(optarg, &wanted->length);
  case 'a':
    wanted->type = bytes_find_type(optarg);
    return wanted->type != NULL;
  default:
    return wanted->is_full = true;
  }
}

static int run(const command *self, int argc, char **argv) {
  static const struct option longs[] = {
      ARGUMENTS_COMMON,
      {"offset", required_argument, NULL, 'o'},
      {"length", required_argument, NULL, 'n'},
      {"as", required_argument, NULL, 'a'},
      {"full", no_argument, NULL, 'f'},
      {0}};
  arguments given;
  wish wanted = {.type = bytes_find_type("hex")};
  int option;
  arguments_begin(&given, self, argc, argv);
  while ((option = arguments_next(&given, "o:n:a:f", longs)) != ARGUMENTS_END) {
    if (option == ARGUMENTS_STOP)
      return given.code;
    if (!take(&wanted, option))
      return arguments_misuse(
          self, option == 'a' ? "there is no type %s" : "%s is no number",
          optarg);
  }
  if (!arguments_count(&given, 1, 1))
    return given.code;
  wanted.as_json = given.as_json;
  return show(given.words[0], &wanted);
}

const command command_show = {
    .name = "show",
    .synopsis = "[--offset N] [--length N] [--as TYPE] [--full] [--json] NAME",
    .summary = "Show the items of a list, or the bytes of a block",
    .help =
        "With --offset, --length or --as, a list too is shown as bytes.\n"
        "Numbers are decimal, or hexadecimal behind 0x.\n\n"
        "  -o, --offset N        begin at this byte\n"
        "  -n, --length N        show so many bytes; 512 if not given\n"
        "  -a, --as TYPE         numbers of this type, in the machine's byte\n"
        "                        order: i8 u8 i16 u16 i32 u32 i64 u64 f32\n"
        "                        f64; or hex, a dump\n"
        "  -f, --full            do not cut strings of more than 200 bytes\n",
    .run = run};
