/* SPDX-License-Identifier: MIT */
/*
 * The stress test: peers in C, Lua and Python use one list, and are killed at
 * any moment, thousands of times. Nothing may be torn, lost, entered twice, or
 * stuck. Run it for minutes with --seconds.
 */
#include "values.h"
#include "verdict.h"

#include <dirent.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
    "Usage: stress [OPTION]...\n"
    "Kill processes that use one list, and see that it stays whole.\n"
    "\n"
    "  --seconds N      how long (30)\n"
    "  --seed N         of the random numbers (the time)\n"
    "  --peers N        workers, besides four with roles of their own (7)\n"
    "  --lua PROGRAM    let some of them be Lua's\n"
    "  --python PROGRAM let some of them be Python's\n"
    "  --help           show this\n";

typedef struct settings {
  int seconds, peers;
  uint32_t seed;
  const char *programs[LANGUAGES];
} settings;

static volatile sig_atomic_t interrupted;

static void interrupt(int number) {
  (void)number;
  interrupted = 1;
}

static int number(const char *text, int least, int most) {
  char *end;
  long n = strtol(text, &end, 10);
  if (*text == 0 || *end != 0 || n < least || n > most) {
    fprintf(
        stderr, "stress: '%s' is no number from %d to %d\n", text, least, most);
    exit(2);
  }
  return (int)n;
}

static settings read_settings(int argc, char **arguments) {
  settings its = {.seconds = 30, .peers = 7, .seed = (uint32_t)time(NULL)};
  static const struct option known[] = {
      {"seconds", required_argument, NULL, 's'},
      {"seed", required_argument, NULL, 'r'},
      {"peers", required_argument, NULL, 'n'},
      {"lua", required_argument, NULL, 'l'},
      {"python", required_argument, NULL, 'p'},
      {"help", no_argument, NULL, 'h'},
      {NULL, 0, NULL, 0}};
  for (int option;
       (option = getopt_long(argc, arguments, "", known, NULL)) != -1;)
    switch (option) {
    case 's':
      its.seconds = number(optarg, 1, 1000000);
      break;
    case 'r':
      its.seed = (uint32_t)number(optarg, 0, INT32_MAX);
      break;
    case 'n':
      its.peers = number(optarg, 2, PLACES_MOST - 4);
      break;
    case 'l':
      its.programs[PEER_LUA] = optarg;
      break;
    case 'p':
      its.programs[PEER_PYTHON] = optarg;
      break;
    case 'h':
      fputs(help, stdout);
      exit(0);
    default:
      exit(2);
    }
  return its;
}

/* --------------------------------------------------------------- the list */

static bool make_list(const char *name) {
  static char text[VALUE_ROOM], big[VALUE_ROOM], longest[VALUE_ROOM];
  polyshm_value values[SLOTS];
  for (int slot = 0; slot < SLOTS; slot++)
    values[slot] = make_int(0);
  values[RIGHT] = make_int(TOTAL);
  values[TEXT] = make_text(1, text);
  /* So long that every other fits. */
  values[BIG] = make_big(3499, longest);
  polyshm_list_options options = {
      .struct_size = sizeof options, .slot_capacity = 64};
  polyshm_list *list;
  polyshm_value none = {.type = POLYSHM_NONE}, first = make_big(1, big);
  polyshm_status status =
      polyshm_list_create(name, values, SLOTS, 0, &options, &list);
  if (status == POLYSHM_OK) {
    polyshm_list_set(list, LEDGER, &none);
    polyshm_list_set(list, MIXED, &none);
    polyshm_list_set(list, BIG, &first);
    polyshm_list_free(list);
    return true;
  }
  fprintf(stderr, "stress: %s\n", polyshm_error_message());
  return false;
}

static bool is_left(const char *name) {
  DIR *folder = opendir("/dev/shm");
  bool found = false;
  for (struct dirent *entry; folder != NULL && (entry = readdir(folder));)
    found = found || strstr(entry->d_name, name) != NULL;
  if (folder != NULL)
    closedir(folder);
  return found;
}

/* ---------------------------------------------------------------- the run */

static void sleep_a_while(stress_fleet *fleet, verdict_sleeps *sleeps) {
  int64_t wanted = 1000000 + fleet_draw(fleet) % 6000000;
  int64_t begin = board_now();
  nanosleep(&(struct timespec){.tv_nsec = (long)wanted}, NULL);
  sleeps->all++;
  sleeps->late += board_now() - begin - wanted > LATE;
}

static bool disturb(stress_fleet *fleet, int seconds, verdict_sleeps *sleeps) {
  int64_t end = board_now() + seconds * INT64_C(1000000000);
  for (int i = 0; i < fleet->npeers; i++)
    fleet_start(fleet, &fleet->peers[i]);
  bool ok = true;
  while (ok && !interrupted && board_now() < end) {
    sleep_a_while(fleet, sleeps);
    ok = fleet_watch(fleet);
    if (ok)
      fleet_disturb(fleet);
  }
  return ok && !interrupted;
}

/* Some are killed and not replaced; the others end by themselves. Whoever waits
 * for a peer that has ended is woken from here. */
static bool end(stress_fleet *fleet, polyshm_list *list) {
  bool ok = true;
  for (int i = 0; i < fleet->npeers; i++)
    if (fleet->peers[i].mortality > 1)
      fleet_kill(fleet, &fleet->peers[i]);
    else if (fleet->peers[i].process > 0)
      kill(fleet->peers[i].process, SIGCONT);
  const polyshm_value one = make_int(1);
  int64_t deadline = board_now() + 4 * CALL_MOST;
  while (!fleet_has_ended(fleet, &ok)) {
    if (board_now() > deadline) {
      fprintf(stderr, "stress: not all peers have ended\n");
      return false;
    }
    int64_t sum;
    if (polyshm_list_set(list, STOP, &one) != POLYSHM_OK ||
        polyshm_list_add(list, BELL, 1, &sum) != POLYSHM_OK ||
        polyshm_list_set(list, PING, &one) != POLYSHM_OK ||
        polyshm_list_set(list, PONG, &one) != POLYSHM_OK) {
      fprintf(stderr, "stress: %s\n", polyshm_error_message());
      return false;
    }
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  }
  return ok;
}

static bool run(stress_fleet *fleet, const settings *its) {
  verdict_sleeps sleeps = {0};
  bool ok = disturb(fleet, its->seconds, &sleeps);
  polyshm_list *list = NULL;
  if (ok && polyshm_list_open(fleet->list, 0, &list) != POLYSHM_OK) {
    fprintf(stderr, "stress: %s\n", polyshm_error_message());
    ok = false;
  }
  ok = ok && end(fleet, list);
  for (int i = 0; i < fleet->npeers; i++)
    fleet_kill(fleet, &fleet->peers[i]);
  ok = ok && verdict_of_counts(fleet, list);
  ok = ok && verdict_of_wakes(fleet, &sleeps);
  verdict_print(fleet); /* the verdict below uses its slots otherwise */
  ok = ok && verdict_of_list(list);
  polyshm_list_free(list);
  return ok;
}

int main(int argc, char **arguments) {
  settings its = read_settings(argc, arguments);
  char name[64];
  snprintf(name, sizeof name, "polyshm-stress-%ld", (long)getpid());
  stress_fleet fleet = {.list = name, .random = its.seed | 1};
  memcpy(fleet.programs, its.programs, sizeof its.programs);
  fleet.board = mmap(
      NULL, sizeof *fleet.board, PROT_READ | PROT_WRITE,
      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (fleet.board == MAP_FAILED || !make_list(name))
    return 1;
  signal(SIGINT, interrupt);
  signal(SIGTERM, interrupt);
  fleet_plan(&fleet, its.peers);
  printf(
      "%d s with %d peers, --seed %u\n", its.seconds, fleet.npeers,
      (unsigned)its.seed);
  bool ok = run(&fleet, &its);
  if (polyshm_unlink(name) != POLYSHM_OK || is_left(name)) {
    fprintf(stderr, "stress: '%s' is left in /dev/shm\n", name);
    ok = false;
  }
  puts(
      ok            ? "nothing torn, lost, entered twice or stuck"
      : interrupted ? "interrupted"
                    : "FAILED");
  return ok ? 0 : 1;
}
