/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include "common.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CALLS = 96, STATUSES = 19, LINE = 256, WORD = 32 };

typedef struct entry {
  char name[WORD];
  uint32_t promised; /* a bit for each status */
  uint64_t counts[STATUSES];
} entry;

static entry calls[CALLS];
static unsigned ncalls;
static const char *peer;
static char stop_path[4096];
static int board = -1;
static double patience;

static entry *now_in;
static int64_t since, longest;
static const char *slowest = "nothing";
static uint64_t ncall;

void wrong(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "peer %s: %s: ", peer, now_in == NULL ? "-" : now_in->name);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  exit(1);
}

static const char *name_of(int status) {
  return status == 0 ? "OK"
                     : polyshm_status_name(-status) + sizeof "POLYSHM_E_" - 1;
}

static uint32_t read_status(const char *word) {
  for (int i = 0; i < STATUSES; i++)
    if (strcmp(word, name_of(i)) == 0)
      return UINT32_C(1) << i;
  return 0; /* of another language */
}

static void read_promises(const char *path) {
  FILE *file = fopen(path, "re");
  if (file == NULL)
    wrong("cannot open %s", path);
  char line[LINE];
  while (fgets(line, sizeof line, file) != NULL) {
    const char *word = strtok(line, " \n");
    if (word == NULL || word[0] == '#')
      continue;
    if (ncalls == CALLS)
      wrong("too many promises");
    entry *one = calls + ncalls++;
    snprintf(one->name, sizeof one->name, "%s", word);
    while ((word = strtok(NULL, " \n")) != NULL)
      one->promised |= read_status(word);
  }
  fclose(file);
}

void calls_begin(
    const char *name, const char *folder, const char *promises,
    double seconds) {
  char path[4096];
  peer = name;
  patience = seconds;
  read_promises(promises);
  snprintf(path, sizeof path, "%s/%s", folder, name);
  snprintf(stop_path, sizeof stop_path, "%s/stop", folder);
  board = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (board < 0)
    wrong("cannot open %s", path);
}

void call(const char *what) {
  now_in = NULL;
  for (unsigned i = 0; i < ncalls && now_in == NULL; i++)
    if (strcmp(calls[i].name, what) == 0)
      now_in = calls + i;
  if (now_in == NULL)
    wrong("nothing is promised of %s", what);
  char text[2 * WORD];
  int size = snprintf(
      text, sizeof text, "%-20s %12llu\n", what, (unsigned long long)++ncall);
  if (pwrite(board, text, (size_t)size, 0) != size)
    wrong("cannot write to the board");
  since = now();
}

polyshm_status came(polyshm_status status) {
  int64_t took = now() - since;
  if (took > longest) {
    longest = took;
    slowest = now_in->name;
  }
  if (status > 0 || status <= -STATUSES)
    wrong("status %d", (int)status);
  now_in->counts[-status]++;
  if (!(now_in->promised & UINT32_C(1) << -status))
    wrong(
        "not promised: %s, %s (%d)", polyshm_status_name(status),
        polyshm_error_message(), (int)polyshm_error_os());
  /* Which visits all processes of the machine, whatever they do. */
  double most = strcmp(now_in->name, "look.holders") == 0 ? 4 : 1;
  if ((double)took > most * patience * 1e9)
    wrong("it took %.3f s", (double)took / 1e9);
  return status;
}

int calls_are_over(void) {
  return access(stop_path, F_OK) == 0;
}

void calls_tell(void) {
  for (unsigned i = 0; i < ncalls; i++)
    for (int status = 0; status < STATUSES; status++)
      if (calls[i].counts[status] != 0)
        printf(
            "count %s %s %llu\n", calls[i].name, name_of(status),
            (unsigned long long)calls[i].counts[status]);
  printf("longest %.6f %s\n", (double)longest / 1e9, slowest);
}
