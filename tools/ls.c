/* SPDX-License-Identifier: MIT */
#include "arguments.h"
#include "block.h"
#include "command.h"
#include "output.h"
#include "table.h"
#include "text.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct found {
  polyshm_info *infos;
  size_t count, capacity;
} found;

static bool is_wanted(const arguments *given, const char *name) {
  for (int i = 0; i < given->nwords; i++) {
    const char *pattern = given->words[i];
    while (pattern[0] == '/')
      pattern++;
    if (fnmatch(pattern, name, 0) == 0)
      return true;
  }
  return given->nwords == 0;
}

static void keep(found *all, const polyshm_info *info) {
  if (all->count == all->capacity) {
    all->capacity = all->capacity == 0 ? 64 : 2 * all->capacity;
    all->infos = output_memory(all->infos, all->capacity * sizeof *all->infos);
  }
  all->infos[all->count++] = *info;
}

static polyshm_status scan(const arguments *given, found *all) {
  polyshm_scan *walk;
  polyshm_status status = polyshm_scan_open(&walk);
  if (status != POLYSHM_OK)
    return status;
  polyshm_info info = {.struct_size = sizeof info};
  while ((status = polyshm_scan_next(walk, &info)) == POLYSHM_OK) {
    if (is_wanted(given, info.name))
      keep(all, &info);
    info.struct_size = sizeof info;
  }
  polyshm_scan_free(walk);
  return status == POLYSHM_E_END ? POLYSHM_OK : status;
}

/* ---------------------------------------------------------------- showing */

static output_style style_of(const polyshm_info *info) {
  if (info->state & POLYSHM_STATE_ORPHAN)
    return OUTPUT_BAD;
  return block_is_in_use(info) ? OUTPUT_PLAIN : OUTPUT_CARE;
}

static void add_row(
    table *rows, const polyshm_info *info, char *who, bool in_bytes) {
  bool is_list = info->kind == POLYSHM_KIND_LIST;
  char *cells[] = {
      text_name(info->name),
      text_format("%s", block_kind(info)),
      in_bytes ? text_format("%" PRIu64, info->size) : text_size(info->size),
      is_list ? text_format("%" PRIu64, info->length) : text_format("-"),
      block_owner(info),
      text_format("%04o", info->mode),
      block_age(info),
      text_format("%s", info->state & POLYSHM_STATE_TRACKED ? "yes" : "no"),
      text_format("%s", block_state(info)),
      who};
  table_row(rows, style_of(info), cells);
}

static void show(const found *all, const holders *who, bool in_bytes) {
  static const char *const headings[] = {"NAME",  "KIND",   ">SIZE", ">ITEMS",
                                         "OWNER", "MODE",   ">AGE",  "TRACKED",
                                         "STATE", "HOLDERS"};
  table *rows = table_begin(headings, sizeof headings / sizeof headings[0]);
  for (size_t i = 0; i < all->count; i++)
    add_row(rows, all->infos + i, holders_text(who, i), in_bytes);
  table_end(rows);
}

static void show_json(const found *all, const holders *who) {
  node_rows_begin(NULL, NULL);
  for (size_t i = 0; i < all->count && !output_is_broken(); i++)
    node_row(block_json(all->infos + i, who, i));
  node_rows_end();
}

static void show_names(const found *all) {
  for (size_t i = 0; i < all->count; i++) {
    char *name = text_name(all->infos[i].name);
    puts(name);
    free(name);
  }
}

static void list(const arguments *given, const found *all, bool in_bytes) {
  holders *who = holders_begin();
  for (size_t i = 0; i < all->count; i++)
    holders_add(who, all->infos[i].name);
  holders_look(who);
  if (given->as_json)
    show_json(all, who);
  else if (all->count > 0)
    show(all, who, in_bytes);
  holders_end(who);
}

static int run(const command *self, int argc, char **argv) {
  static const struct option longs[] = {
      ARGUMENTS_COMMON,
      {"bytes", no_argument, NULL, 'b'},
      {"names", no_argument, NULL, 'n'},
      {0}};
  arguments given;
  bool in_bytes = false, only_names = false;
  int option;
  arguments_begin(&given, self, argc, argv);
  while ((option = arguments_next(&given, "bn", longs)) != ARGUMENTS_END) {
    if (option == ARGUMENTS_STOP)
      return given.code;
    in_bytes |= option == 'b';
    only_names |= option == 'n';
  }

  found all = {0};
  polyshm_status status = scan(&given, &all);
  if (only_names && !given.as_json)
    show_names(&all);
  else
    list(&given, &all, in_bytes);
  size_t count = all.count;
  free(all.infos);
  if (status != POLYSHM_OK)
    return command_fail(status);
  if (count == 0 && given.nwords > 0) {
    output_error("no block's name is like %s", given.words[0]);
    return CODE_NOT_FOUND;
  }
  return CODE_OK;
}

const command command_ls = {
    .name = "ls",
    .synopsis = "[--bytes | --names] [--json] [PATTERN...]",
    .summary = "List blocks and who has them",
    .help =
        "Without a pattern, all of them. A pattern is one of the shell's;\n"
        "quote it.\n\n"
        "TRACKED blocks are removed when the last process is done with them.\n"
        "STATE is 'held' if a process has the block open or mapped, 'kept' if\n"
        "only the process tree that made it keeps it, 'orphan' if it is\n"
        "tracked and nobody is left ('polyshm gc' removes it), 'free' if it\n"
        "is not tracked and nobody has it, 'unknown' if you may not know.\n"
        "HOLDERS are those processes that you may look into.\n\n"
        "  -b, --bytes           sizes in bytes, all digits\n"
        "  -n, --names           names alone, one in a line\n",
    .run = run};
