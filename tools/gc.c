/* SPDX-License-Identifier: MIT */
/* The library removes, and counts; the names come from looks before and after.
 */
#include "arguments.h"
#include "command.h"
#include "node.h"
#include "output.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct names {
  char **names;
  size_t count;
} names;

static polyshm_status find_orphans(names *orphans) {
  polyshm_scan *walk;
  polyshm_status status = polyshm_scan_open(&walk);
  if (status != POLYSHM_OK)
    return status;
  polyshm_info info = {.struct_size = sizeof info};
  while ((status = polyshm_scan_next(walk, &info)) == POLYSHM_OK) {
    if (info.state & POLYSHM_STATE_ORPHAN) {
      orphans->names = output_memory(
          orphans->names, (orphans->count + 1) * sizeof *orphans->names);
      orphans->names[orphans->count++] = text_format("%s", info.name);
    }
    info.struct_size = sizeof info;
  }
  polyshm_scan_free(walk);
  return status == POLYSHM_E_END ? POLYSHM_OK : status;
}

/* Forget those that are still there, and were not removed after all. */
static void drop_present(names *orphans) {
  size_t kept = 0;
  for (size_t i = 0; i < orphans->count; i++) {
    polyshm_info info = {.struct_size = sizeof info};
    if (polyshm_inspect(orphans->names[i], &info) == POLYSHM_E_NOT_FOUND)
      orphans->names[kept++] = orphans->names[i];
    else
      free(orphans->names[i]);
  }
  orphans->count = kept;
}

static void show_json(const names *orphans, uint64_t count, bool is_dry) {
  json_object *object = node_new(), *array = node_array();
  for (size_t i = 0; i < orphans->count; i++) {
    json_object *block = node_new();
    const char *name = orphans->names[i];
    node_put_bytes(block, "name", "name_hex", name, strlen(name));
    node_append(array, block);
  }
  node_put(object, "dry_run", node_bool(is_dry));
  node_put(object, "count", node_uint(count));
  node_put(object, "blocks", array);
  node_print(object);
}

static void show(const names *orphans, uint64_t count, bool is_dry) {
  for (size_t i = 0; i < orphans->count; i++) {
    char *name = text_name(orphans->names[i]);
    puts(name);
    free(name);
  }
  printf(
      "%" PRIu64 " %s %s\n", count, count == 1 ? "orphan" : "orphans",
      is_dry ? "would be removed" : "removed");
}

static int collect(const arguments *given, bool is_dry) {
  names orphans = {0};
  uint64_t count = 0;
  polyshm_status status = find_orphans(&orphans);
  if (status == POLYSHM_OK)
    status = polyshm_gc(is_dry ? POLYSHM_GC_DRY_RUN : 0, &count);
  if (status == POLYSHM_OK) {
    if (!is_dry)
      drop_present(&orphans);
    (given->as_json ? show_json : show)(&orphans, count, is_dry);
  }
  for (size_t i = 0; i < orphans.count; i++)
    free(orphans.names[i]);
  free(orphans.names);
  return status == POLYSHM_OK ? CODE_OK : command_fail(status);
}

static int run(const command *self, int argc, char **argv) {
  static const struct option longs[] = {
      ARGUMENTS_COMMON, {"dry-run", no_argument, NULL, 'n'}, {0}};
  arguments given;
  bool is_dry = false;
  int option;
  arguments_begin(&given, self, argc, argv);
  while ((option = arguments_next(&given, "n", longs)) != ARGUMENTS_END) {
    if (option == ARGUMENTS_STOP)
      return given.code;
    is_dry = true;
  }
  return arguments_count(&given, 0, 0) ? collect(&given, is_dry) : given.code;
}

const command command_gc = {
    .name = "gc",
    .synopsis = "[--dry-run] [--json]",
    .summary = "Remove orphans: tracked blocks that nobody is left to use",
    .help =
        "Only what is provably nobody's is removed: no process has it open or\n"
        "mapped, and the process tree that made it has ended.\n\n"
        "  -n, --dry-run         only tell what would be removed\n",
    .run = run};
