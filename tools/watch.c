/* SPDX-License-Identifier: MIT */
/*
 * Watching a list or a block: look, show what differs from the last look, sleep
 * until there may be more. A list's sleep ends with the change; it is cut into
 * intervals all the same, because stock Python's changes wake nobody and a
 * name may be removed.
 */
#include "arguments.h"
#include "command.h"
#include "holders.h"
#include "output.h"
#include "rows.h"
#include "screen.h"
#include "text.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
  DEFAULT_LENGTH = 256,
  REDRAW = 50000000 /* nanoseconds between two drawings */
};
#define SECOND INT64_C(1000000000)
#define DEFAULT_INTERVAL (SECOND / 2)

typedef struct wish {
  bool as_json;
  uint64_t count, offset, length;
  int64_t interval;
} wish;

typedef struct watch {
  const wish *wanted;
  const char *name;
  rows rows;
  uint64_t nchanges, identity;
  bool is_live;
} watch;

static volatile sig_atomic_t ended_by, is_resized;

static void note_signal(int number) {
  if (number == SIGWINCH)
    is_resized = 1;
  else
    ended_by = number;
}

/* ------------------------------------------------------------------- show */

static void put_json(const watch *self, uint64_t number, int64_t time) {
  json_object *object = node_new();
  node_put(object, "time_ns", node_int(time));
  node_put(object, "change", node_bool(self->rows.rows[number].is_changed));
  rows_put_json(&self->rows, number, object);
  node_line(object);
}

static void put_line(const watch *self, uint64_t number) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (self->wanted->as_json) {
    put_json(self, number, now.tv_sec * SECOND + now.tv_nsec);
    return;
  }
  char clock[16] = "";
  struct tm parts;
  if (localtime_r(&now.tv_sec, &parts) != NULL)
    strftime(clock, sizeof clock, "%H:%M:%S", &parts);
  char *text = rows_text(&self->rows, number);
  printf(
      "%s.%03ld%c %s\n", clock, now.tv_nsec / 1000000,
      self->rows.rows[number].is_changed ? '*' : ' ', text);
  free(text);
}

static void draw_row(const watch *self, uint64_t number) {
  bool is_changed = self->rows.rows[number].is_changed;
  char *text = rows_text(&self->rows, number);
  screen_line(
      is_changed ? OUTPUT_CHANGED : OUTPUT_PLAIN,
      text_format("%c %s", is_changed ? '*' : ' ', text));
  free(text);
}

static void draw(const watch *self) {
  uint64_t lines = screen_lines(), most = lines > 3 ? lines - 3 : 1;
  uint64_t count = self->rows.count, shown = count < most ? count : most;
  char *name = text_name(self->name);
  screen_begin();
  screen_line(
      OUTPUT_HEADING, text_format(
                          "%s: %" PRIu64 " %s", name, self->nchanges,
                          self->nchanges == 1 ? "change" : "changes"));
  free(name);
  for (uint64_t i = 0; i < shown; i++)
    draw_row(self, i);
  if (shown < count)
    screen_line(
        OUTPUT_PLAIN, text_format("... and %" PRIu64 " more", count - shown));
  screen_end();
}

/* False, and reported, if it could not be written. */
static bool show(const watch *self, bool is_all) {
  if (self->is_live)
    draw(self);
  else
    for (uint64_t i = 0; i < self->rows.count; i++)
      if (is_all || self->rows.rows[i].is_changed)
        put_line(self, i);
  return output_flush();
}

/* ------------------------------------------------------------------ sleep */

static void doze(int64_t nanoseconds) {
  struct timespec time = {nanoseconds / SECOND, nanoseconds % SECOND};
  nanosleep(&time, NULL);
}

/* Lists of stock Python have no versions, and blocks neither. */
static void wait_for_more(const watch *self, bool has_version, uint64_t *seen) {
  int64_t interval = self->wanted->interval;
  polyshm_status status =
      has_version ? polyshm_list_wait(self->rows.list, *seen, interval, seen)
                  : POLYSHM_E_UNSUPPORTED;
  if (status == POLYSHM_OK && self->is_live)
    doze(REDRAW); /* and take what comes with it */
  else if (
      status != POLYSHM_OK && status != POLYSHM_E_TIMEOUT &&
      status != POLYSHM_E_INTERRUPTED)
    doze(interval);
}

static int loop(watch *self) {
  uint64_t seen = 0;
  bool has_version = self->rows.list != NULL &&
                     polyshm_list_version(self->rows.list, &seen) == POLYSHM_OK;
  rows_look(&self->rows, 0);
  bool is_written = show(self, true);
  while (is_written && ended_by == 0 && self->nchanges < self->wanted->count) {
    wait_for_more(self, has_version, &seen);
    /* Asked first, so that the last changes of a removed block are shown. */
    bool is_there = holders_identity(self->name) == self->identity;
    uint64_t found =
        rows_look(&self->rows, self->wanted->count - self->nchanges);
    self->nchanges += found;
    if (found > 0 || (is_resized && self->is_live)) {
      is_resized = 0;
      is_written = show(self, false);
    }
    if (!is_there && self->nchanges < self->wanted->count) {
      output_error("%s was removed", self->name);
      return CODE_NOT_FOUND;
    }
  }
  return is_written ? CODE_OK : CODE_FAILURE;
}

/* ---------------------------------------------------------------- command */

static void catch_signals(void) {
  struct sigaction action = {.sa_handler = note_signal};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGWINCH, &action, NULL);
}

/* As the signal would have ended it. */
static void end_by_signal(void) {
  output_flush();
  signal(ended_by, SIG_DFL);
  raise(ended_by);
}

static int watch_name(const char *name, const wish *wanted) {
  polyshm_info info = {.struct_size = sizeof info};
  polyshm_status status = polyshm_inspect(name, &info);
  if (status != POLYSHM_OK)
    return command_fail(status);
  watch self = {
      .wanted = wanted,
      .name = info.name,
      .rows = {.offset = wanted->offset, .length = wanted->length},
      .identity = holders_identity(info.name),
      .is_live = !wanted->as_json && screen_is_possible()};
  status = rows_open(&self.rows, &info);
  if (status != POLYSHM_OK)
    return command_fail(status);
  catch_signals();
  int code = loop(&self);
  rows_close(&self.rows, &info);
  if (ended_by != 0)
    end_by_signal();
  return code;
}

static bool parse_interval(const char *word, int64_t *out_interval) {
  char *rest;
  double seconds = strtod(word, &rest);
  if (*rest != '\0' || rest == word || !(seconds > 0) || seconds > 86400)
    return false;
  *out_interval = (int64_t)ceil(seconds * (double)SECOND);
  return true;
}

static bool take(wish *wanted, int option) {
  switch (option) {
  case '1':
    wanted->count = 0;
    return true;
  case 'c':
    return arguments_number(optarg, &wanted->count);
  case 'o':
    return arguments_number(optarg, &wanted->offset);
  case 'n':
    return arguments_number(optarg, &wanted->length);
  default:
    return parse_interval(optarg, &wanted->interval);
  }
}

static int run(const command *self, int argc, char **argv) {
  static const struct option longs[] = {
      ARGUMENTS_COMMON,
      {"once", no_argument, NULL, '1'},
      {"count", required_argument, NULL, 'c'},
      {"interval", required_argument, NULL, 'i'},
      {"offset", required_argument, NULL, 'o'},
      {"length", required_argument, NULL, 'n'},
      {0}};
  arguments given;
  wish wanted = {
      .count = UINT64_MAX,
      .length = DEFAULT_LENGTH,
      .interval = DEFAULT_INTERVAL};
  int option;
  arguments_begin(&given, self, argc, argv);
  while ((option = arguments_next(&given, "1c:i:o:n:", longs)) !=
         ARGUMENTS_END) {
    if (option == ARGUMENTS_STOP)
      return given.code;
    if (!take(&wanted, option))
      return arguments_misuse(self, "%s is no such number", optarg);
  }
  if (!arguments_count(&given, 1, 1))
    return given.code;
  wanted.as_json = given.as_json;
  return watch_name(given.words[0], &wanted);
}

const command command_watch = {
    .name = "watch",
    .synopsis = "[--once | --count N] [--interval SECONDS] [--offset N] "
                "[--length N] [--json] NAME",
    .summary = "Watch the items of a list, or the bytes of a block, change",
    .help =
        "On a terminal, all is drawn again and what has changed is marked.\n"
        "Elsewhere, the state comes first, then a line with a * for each\n"
        "change; with --json, an object in a line. Changes by polyshm show at\n"
        "once; those by stock Python and those of blocks, when it looks.\n"
        "Who watches holds the block. It ends when the block is removed.\n\n"
        "      --once            show the state, then end\n"
        "  -c, --count N         end after so many changes\n"
        "  -i, --interval S      look every S seconds; 0.5 if not given\n"
        "  -o, --offset N        of a block: begin at this byte\n"
        "  -n, --length N        of a block: so many bytes; 256 if not given\n",
    .run = run};
