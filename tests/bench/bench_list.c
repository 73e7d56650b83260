/* SPDX-License-Identifier: MIT */
/*
 * What list calls cost in C, beside what a bare atomic addition, an empty call
 * into the library and a bare futex cost in the same run. Prints nanoseconds,
 * least and median of many passes; judges nothing. An argument is how many
 * percent of the calls are made.
 *
 * The two processes of the last part share one processor, so that each answer
 * is a wake-up and nothing else, or have one each, if there are two. A wait
 * sleeps in slices, so a bare futex with a time limit is its like: the kernel
 * charges for the timer.
 */
#include <polyshm.h>

#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PASSES = 31 };

static int ncalls = 200000, nrounds = 5000;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void *one, const void *other) {
  double a = *(const double *)one, b = *(const double *)other;
  return (a > b) - (a < b);
}

static double scale; /* the least of the first line of a part */

static void print(const char *name, double *passes, int npasses) {
  qsort(passes, (size_t)npasses, sizeof *passes, compare);
  if (scale == 0)
    scale = passes[0];
  printf(
      "c   %-34s %10.2f %10.2f %10.2fx\n", name, passes[0], passes[npasses / 2],
      passes[0] / scale);
  fflush(stdout);
}

#define MEASURE(name, call)                                                    \
  do {                                                                         \
    double passes[PASSES];                                                     \
    for (int pass = 0; pass < PASSES; pass++) {                                \
      double begin = now();                                                    \
      for (int i = 0; i < ncalls; i++)                                         \
        call;                                                                  \
      passes[pass] = (now() - begin) / ncalls;                                 \
    }                                                                          \
    print(name, passes, PASSES);                                               \
  } while (0)

static void check(polyshm_status status) {
  if (status == POLYSHM_OK)
    return;
  fprintf(stderr, "bench_list: %s\n", polyshm_error_message());
  exit(1);
}

/* ------------------------------------------------------------------ calls */

enum { INT, FLOAT, SHORT, LONG, NSLOTS };

static polyshm_list *make(void) {
  static char text[1000];
  memset(text, 'x', sizeof text);
  const polyshm_value values[NSLOTS] = {
      [INT] = {.type = POLYSHM_INT},
      [FLOAT] = {.type = POLYSHM_FLOAT},
      [SHORT] = {.type = POLYSHM_STRING, .of.p = "0123456789", .size = 10},
      [LONG] = {.type = POLYSHM_STRING, .of.p = text, .size = sizeof text}};
  polyshm_list *list;
  check(polyshm_list_create(NULL, values, NSLOTS, 0, NULL, &list));
  return list;
}

static void measure_calls(polyshm_list *list) {
  static _Atomic int64_t bare;
  char buffer[1024];
  polyshm_value value, number = {.type = POLYSHM_INT, .of.i = 5},
                       real = {.type = POLYSHM_FLOAT, .of.f = 0.5}, text, page;
  check(polyshm_list_get(list, LONG, buffer, sizeof buffer, &page));
  static char copy[1024];
  memcpy(copy, buffer, sizeof copy);
  page.of.p = copy;
  text = page;
  text.size = 10;
  int64_t out;
  uint64_t version;
  uint32_t recovered, sum = 0;

  scale = 0;
  MEASURE("atomic_fetch_add", atomic_fetch_add(&bare, 1));
  MEASURE("an empty call (polyshm_version)", sum += polyshm_version());
  MEASURE("get int", polyshm_list_get(list, INT, NULL, 0, &value));
  MEASURE("get float", polyshm_list_get(list, FLOAT, NULL, 0, &value));
  MEASURE(
      "get str of 10",
      polyshm_list_get(list, SHORT, buffer, sizeof buffer, &value));
  MEASURE(
      "get str of 1000",
      polyshm_list_get(list, LONG, buffer, sizeof buffer, &value));
  MEASURE("set int", polyshm_list_set(list, INT, &number));
  MEASURE("set float", polyshm_list_set(list, FLOAT, &real));
  MEASURE("set str of 10", polyshm_list_set(list, SHORT, &text));
  MEASURE("set str of 1000", polyshm_list_set(list, LONG, &page));
  MEASURE(
      "set int, then float, in turns",
      polyshm_list_set(list, FLOAT, i & 1 ? &real : &number));
  MEASURE("add", polyshm_list_add(list, INT, 1, &out));
  MEASURE("swap", polyshm_list_swap(list, INT, out, out, &out));
  MEASURE(
      "lock, unlock", (polyshm_list_lock(list, POLYSHM_FOREVER, &recovered),
                       polyshm_list_unlock(list)));
  MEASURE("slot_version", polyshm_list_slot_version(list, INT, &version));
  MEASURE(
      "snapshot of 2",
      polyshm_list_snapshot(list, 0, 2, NULL, 0, (polyshm_value[2]){{0}, {0}}));
  if (sum == 0)
    puts("");
}

/* --------------------------------------------------- while somebody waits */

static pid_t start_waiter(polyshm_list *list, uint64_t index) {
  pid_t pid = fork();
  if (pid != 0)
    return pid;
  uint64_t version;
  check(polyshm_list_slot_version(list, index, &version));
  for (;;)
    polyshm_list_slot_wait(list, index, version, POLYSHM_FOREVER, &version);
}

static void stop(pid_t pid) {
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}

static void measure_sets(polyshm_list *list, const char *name) {
  polyshm_value number = {.type = POLYSHM_INT, .of.i = 5};
  MEASURE(name, polyshm_list_set(list, INT, &number));
}

static void measure_waiters(polyshm_list *list) {
  pid_t pid = start_waiter(list, SHORT);
  usleep(50000);
  measure_sets(list, "set int, another slot waited for");
  stop(pid);
  measure_sets(list, "the same, the waiter killed");
  polyshm_value text = {.type = POLYSHM_STRING, .of.p = "x", .size = 1};
  check(polyshm_list_set(list, SHORT, &text));
  measure_sets(list, "the same, its slot set once");
}

/* -------------------------------------------------------------- ping-pong */

static void pin(unsigned processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  sched_setaffinity(0, sizeof set, &set);
}

static const struct timespec *limit; /* of a bare sleep */

static void bare_wait(_Atomic uint32_t *word, uint32_t seen) {
  while (atomic_load(word) == seen)
    syscall(SYS_futex, word, FUTEX_WAIT, seen, limit, NULL, 0);
}

static void bare_post(_Atomic uint32_t *word) {
  atomic_fetch_add(word, 1);
  syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

typedef struct court {
  polyshm_list *list;
  _Atomic uint32_t *words;
} court;

/* Side 0 serves, side 1 answers; a ball is a changed slot, or word. */
static void play_bare(const court *on, int side, int rounds) {
  for (uint32_t i = 0; i < (uint32_t)rounds; i++) {
    if (side == 0)
      bare_post(&on->words[0]);
    bare_wait(&on->words[side == 0 ? 16 : 0], i);
    if (side == 1)
      bare_post(&on->words[16]);
  }
}

static void play_list(const court *on, int side, int rounds) {
  polyshm_value ball = {.type = POLYSHM_INT};
  uint64_t there = side == 0 ? 1 : 0, version;
  for (uint64_t i = 0; i < (uint64_t)rounds; i++) {
    ball.of.i = (int64_t)i;
    if (side == 0)
      check(polyshm_list_set(on->list, 0, &ball));
    check(
        polyshm_list_slot_wait(on->list, there, i, POLYSHM_FOREVER, &version));
    if (side == 1)
      check(polyshm_list_set(on->list, 1, &ball));
  }
}

typedef void (*play_fn)(const court *on, int side, int rounds);

static double play(play_fn game, unsigned processors) {
  const polyshm_value values[2] = {
      {.type = POLYSHM_INT}, {.type = POLYSHM_INT}};
  court on;
  check(polyshm_list_create(NULL, values, 2, 0, NULL, &on.list));
  on.words = mmap(
      NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  fflush(stdout);
  pid_t pid = fork();
  pin(pid == 0 ? processors - 1 : 0);
  if (pid == 0) {
    game(&on, 1, nrounds);
    _exit(0);
  }
  double begin = now();
  game(&on, 0, nrounds);
  double time = (now() - begin) / nrounds;
  waitpid(pid, NULL, 0);
  munmap((void *)on.words, 4096);
  polyshm_unlink(polyshm_block_name(polyshm_list_block(on.list)));
  polyshm_list_free(on.list);
  return time;
}

static void measure_games(unsigned processors) {
  enum { GAMES = 9 };
  static const struct timespec tenth = {.tv_nsec = 100000000};
  double bare[GAMES], limited[GAMES], list[GAMES];
  char name[64];
  /* In turns, so that both see the same weather. */
  for (int i = 0; i < GAMES; i++) {
    limit = NULL;
    bare[i] = play(play_bare, processors);
    limit = &tenth;
    limited[i] = play(play_bare, processors);
    list[i] = play(play_list, processors);
  }
  scale = 0;
  snprintf(name, sizeof name, "there and back, bare futex, %u cpu", processors);
  print(name, bare, GAMES);
  snprintf(name, sizeof name, "  with a time limit, %u cpu", processors);
  print(name, limited, GAMES);
  snprintf(name, sizeof name, "there and back, set + wait, %u cpu", processors);
  print(name, list, GAMES);
}

int main(int argc, char **argv) {
  int percent = argc > 1 ? atoi(argv[1]) : 100;
  if (percent < 1 || percent > 1000) {
    fprintf(stderr, "bench_list: how many percent?\n");
    return 2;
  }
  ncalls = ncalls / 100 * percent;
  nrounds = nrounds / 100 * percent;
  polyshm_list *list = make();
  printf("c   %-34s %10s %10s %11s\n", "", "least", "median", "ratio");
  measure_calls(list);
  measure_waiters(list);
  check(polyshm_unlink(polyshm_block_name(polyshm_list_block(list))));
  polyshm_list_free(list);
  measure_games(1);
  if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
    measure_games(2);
  return 0;
}
