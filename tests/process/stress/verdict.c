/* SPDX-License-Identifier: MIT */
#include "verdict.h"

#include "values.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((format(printf, 1, 2))) static bool wrong(
    const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("stress: ", stderr);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  return false;
}

static bool refused(const char *call) {
  return wrong("at the end, %s: %s", call, polyshm_error_message());
}

/* ----------------------------------------------------------------- counts */

static unsigned long long sum_of(
    const stress_fleet *fleet, int language, int count) {
  unsigned long long sum = 0;
  for (int i = 0; i < fleet->npeers; i++)
    if (language == LANGUAGES || fleet->peers[i].language == language)
      sum += atomic_load(&fleet->board->places[i].counts[count]);
  return sum;
}

static unsigned long long total(const stress_fleet *fleet, int count) {
  return sum_of(fleet, LANGUAGES, count);
}

/* All that was completed is there, and not more than was begun. */
static bool check_counter(
    const stress_fleet *fleet, polyshm_list *list, uint64_t slot, int begun,
    int done) {
  polyshm_value value;
  unsigned long long least = total(fleet, done), most = total(fleet, begun);
  if (polyshm_list_get(list, slot, NULL, 0, &value) != POLYSHM_OK)
    return refused("a counter");
  if (value.type != POLYSHM_INT || (uint64_t)value.of.i < least ||
      (uint64_t)value.of.i > most)
    return wrong(
        "slot %d holds %" PRId64 ", but %llu were counted and %llu begun",
        (int)slot, value.of.i, least, most);
  if (most - least > total(fleet, KILLS))
    return wrong("%llu calls did not end", most - least);
  return true;
}

bool verdict_of_counts(const stress_fleet *fleet, polyshm_list *list) {
  bool sum = check_counter(fleet, list, SUM, ADDS_BEGUN, ADDS);
  bool turns = check_counter(fleet, list, TURNS, SWAPS_BEGUN, SWAPS);
  bool rounds = check_counter(fleet, list, ROUNDS, LOCKS_BEGUN, LOCKS);
  return sum && turns && rounds;
}

/* ------------------------------------------------------------------- wakes */

bool verdict_of_wakes(const stress_fleet *fleet, const verdict_sleeps *sleeps) {
  unsigned long long hops = total(fleet, HOPS), late = total(fleet, LATE_HOPS);
  if (sleeps->late * 20 > sleeps->all) {
    printf("the processors are too busy to tell whether wake-ups come\n");
    return true;
  }
  if (hops > 50 && late * 5 > hops)
    return wrong(
        "%llu of %llu sleepers were woken late: nobody woke them", late, hops);
  return true;
}

/* ---------------------------------------------------------------- the list */

static bool check_lock(polyshm_list *list) {
  uint32_t recovered;
  char room[3 * VALUE_ROOM];
  polyshm_value three[3];
  if (polyshm_list_lock(list, CALL_MOST, &recovered) != POLYSHM_OK)
    return refused("the lock");
  if (polyshm_list_snapshot(list, LEFT, 3, room, sizeof room, three) !=
      POLYSHM_OK)
    return refused("a snapshot");
  if (!is_balanced(three) || (three[2].type != POLYSHM_NONE && !recovered))
    return wrong("what the lock protects is out of order at the end");
  return polyshm_list_unlock(list) == POLYSHM_OK || refused("unlock");
}

static bool check_values(polyshm_list *list) {
  char room[3 * VALUE_ROOM];
  polyshm_value all[SLOTS];
  for (uint64_t slot = 0; slot < SLOTS; slot++)
    if (polyshm_list_get(list, slot, room, sizeof room, &all[slot]) !=
        POLYSHM_OK)
      return refused("a slot");
  if (polyshm_list_snapshot(list, 0, SLOTS, room, sizeof room, all) !=
      POLYSHM_OK)
    return refused("a snapshot of all slots");
  return (is_text(&all[TEXT]) && is_big(&all[BIG]) && is_mixed(&all[MIXED])) ||
         wrong("a text is torn at the end");
}

/* Every slot takes values of all types. */
static bool use_slots(polyshm_list *list) {
  char room[VALUE_ROOM];
  for (uint64_t slot = 0; slot < SLOTS; slot++)
    for (uint32_t n = 4000; n < 4100; n++) {
      polyshm_value found, value = make_mixed(n, room);
      char other[VALUE_ROOM];
      if (polyshm_list_set(list, slot, &value) != POLYSHM_OK ||
          polyshm_list_get(list, slot, other, sizeof other, &found) !=
              POLYSHM_OK)
        return refused("using a slot");
      if (found.type != value.type || !is_mixed(&found))
        return wrong("slot %d does not keep its value", (int)slot);
    }
  return true;
}

static _Noreturn void set_texts(const char *name, uint64_t slot) {
  char room[VALUE_ROOM];
  polyshm_list *list;
  if (polyshm_list_open(name, 0, &list) != POLYSHM_OK)
    _exit(1);
  for (uint32_t n = 0; n < 2000; n++) {
    polyshm_value value = make_text(n, room);
    if (polyshm_list_set(list, slot, &value) != POLYSHM_OK)
      _exit(1);
  }
  _exit(0);
}

/* As many at once as there are slots: whatever the dead held is free again. */
static bool use_slots_at_once(polyshm_list *list) {
  pid_t processes[SLOTS];
  bool ok = true;
  fflush(NULL);
  for (uint64_t slot = 0; slot < SLOTS; slot++)
    if ((processes[slot] = fork()) == 0)
      set_texts(polyshm_block_name(polyshm_list_block(list)), slot);
  for (int slot = 0; slot < SLOTS; slot++) {
    int status = 1;
    if (processes[slot] > 0)
      waitpid(processes[slot], &status, 0);
    ok = ok && status == 0;
  }
  return ok || wrong("at the end, texts could not be set by many at once");
}

bool verdict_of_list(polyshm_list *list) {
  return check_lock(list) && check_values(list) && use_slots(list) &&
         use_slots_at_once(list);
}

/* --------------------------------------------------------------- the table */

static const struct {
  const char *title;
  int count;
} rows[] = {
    {"starts", STARTS},
    {"kills", KILLS},
    {"stops", STOPS},
    {"reads", READS},
    {"writes", WRITES},
    {"adds", ADDS},
    {"swaps", SWAPS},
    {"locks", LOCKS},
    {"recovered locks", RECOVERIES},
    {"snapshots", SNAPSHOTS},
    {"waits", WAITS},
    {"wake-ups timed", HOPS},
    {"of these late", LATE_HOPS},
};

void verdict_print(const stress_fleet *fleet) {
  printf("%-16s", "");
  for (int language = 0; language < LANGUAGES; language++)
    printf("%12s", fleet_languages[language]);
  printf("%12s\n", "all");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    printf("%-16s", rows[i].title);
    for (int language = 0; language <= LANGUAGES; language++)
      printf("%12llu", sum_of(fleet, language, rows[i].count));
    putchar('\n');
  }
  const stress_place *slowest = &fleet->board->places[0];
  for (int i = 1; i < fleet->npeers; i++)
    if (atomic_load(&fleet->board->places[i].longest) >
        atomic_load(&slowest->longest))
      slowest = &fleet->board->places[i];
  const char *call = atomic_load(&slowest->slowest);
  printf(
      "longest call of C: %.1f ms, %s\n",
      (double)atomic_load(&slowest->longest) / 1e6, call == NULL ? "-" : call);
}
