/* SPDX-License-Identifier: MIT */
/*
 * The lifetime stress.
 *
 * Trees of a root and some workers, forked and executed, hand blocks over to
 * each other: made, closed, had by nobody, then attached by another process of
 * the tree. All trees use some names together. Trees end in all ways; workers
 * and helpers are killed at random; blocks are unlinked by hand; outsiders, and
 * processes that know nothing of polyshm, hold blocks past the end of their
 * trees; sweepers sweep all the time.
 *
 * Nothing may be removed while anybody has it, no hand-over may be lost, and
 * when all have gone and one more sweep is done, nothing may be left: no block,
 * no helper, no process.
 *
 * Usage: lifetime [--seconds N] [--seed N] [--gentle]
 *
 * With --gentle nobody kills a helper, sweeps, or has blocks without polyshm.
 * Then nothing may be left even before the last sweep.
 */
#include "lifetime.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OTHERS_MOST = 8, PATIENCE = 30 /* seconds, for what must happen */ };

static int board_descriptor;
static const char *program;
static unsigned seed = 1, nseeds;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void die(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(2);
}

/* ------------------------------------------------------------------- board */

static void map_board(void) {
  all = mmap(
      NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED, board_descriptor,
      0);
  if (all == MAP_FAILED)
    die("mmap");
}

static void make_board(void) {
  board_descriptor = memfd_create("lifetime", 0); /* executed workers need it */
  if (board_descriptor < 0 || ftruncate(board_descriptor, sizeof(board)) != 0)
    die("memfd_create");
  map_board();
  snprintf(
      all->prefix, sizeof all->prefix, "polyshm-life-%ld-", (long)getpid());
  pthread_mutexattr_t robust;
  pthread_mutexattr_init(&robust);
  pthread_mutexattr_setpshared(&robust, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
  for (int i = 0; i < SHARED; i++)
    pthread_mutex_init(&all->by_hand[i], &robust);
}

/* --------------------------------------------------------------- processes */

static unsigned next_seed(void) {
  return seed * 1000003 + nseeds++;
}

static void execute_worker(unsigned tree_number, unsigned own_seed) {
  char words[3][16];
  snprintf(words[0], sizeof words[0], "%d", board_descriptor);
  snprintf(words[1], sizeof words[1], "%u", tree_number);
  snprintf(words[2], sizeof words[2], "%u", own_seed);
  execl(
      program, program, "--worker", words[0], words[1], words[2], (char *)NULL);
  _exit(127);
}

static pid_t start_worker(unsigned tree_number, bool executed) {
  unsigned own_seed = next_seed();
  pid_t child = fork();
  if (child != 0)
    return child;
  if (executed)
    execute_worker(tree_number, own_seed);
  random_seed(own_seed);
  run_worker(tree_number);
  _exit(0);
}

static bool ended_well(int status) {
  return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
         (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Keep the workers complete until the tree ends. */
static void run_root(unsigned tree_number) {
  tree *at = &all->trees[tree_number];
  char token[64];
  if (polyshm_tree_enter(token, sizeof token) != POLYSHM_OK)
    blame(BROKEN, "no tree: %s", polyshm_error_message());
  unsigned number = atomic_fetch_add(&at->nmembers, 1);
  atomic_store(&at->members[number % MEMBERS], getpid());
  /* The root has a tracked block, too: what it holds the tree's blocks by is
   * there, whatever happens to the helper. */
  polyshm_block *own;
  if (polyshm_block_open(NULL, BLOCK, POLYSHM_CREATE, NULL, &own) == 0) {
    polyshm_unlink(polyshm_block_name(own));
    polyshm_block_free(own);
  }
  pid_t workers[WORKERS] = {0};
  while (!atomic_load(&at->stop) && !atomic_load(&all->stop)) {
    for (int i = 0; i < WORKERS; i++) {
      int status;
      if (workers[i] > 0 && waitpid(workers[i], &status, WNOHANG) > 0) {
        if (!ended_well(status))
          blame(BROKEN, "a worker ended with 0x%x", (unsigned)status);
        workers[i] = 0;
      }
      if (workers[i] <= 0)
        workers[i] = start_worker(tree_number, i < EXECUTED);
    }
    usleep(2000);
  }
  for (int i = 0; i < WORKERS; i++)
    if (workers[i] > 0)
      waitpid(workers[i], NULL, 0);
}

static pid_t start_root(unsigned tree_number) {
  tree *at = &all->trees[tree_number];
  memset(at, 0, sizeof *at);
  unsigned own_seed = next_seed();
  pid_t child = fork();
  if (child < 0)
    die("fork");
  if (child == 0) {
    setpgid(0, 0);
    seed = own_seed;
    run_root(tree_number);
    _exit(0);
  }
  setpgid(child, child);
  return child;
}

static pid_t start_other(void (*run)(void)) {
  unsigned own_seed = next_seed();
  pid_t child = fork();
  if (child < 0)
    die("fork");
  if (child == 0) {
    random_seed(own_seed);
    run();
    _exit(0);
  }
  return child;
}

/* ----------------------------------------------------------------- helpers */

/* Descendants that lost their parents are this process's children: helpers,
 * too. Calls `visit` with each of those. */
static unsigned visit_helpers(void (*visit)(pid_t helper, long root)) {
  unsigned found = 0;
  DIR *folder = opendir("/proc");
  if (folder == NULL)
    die("/proc");
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    char path[300], name[64] = "", state = 0, token[80] = "";
    long process = atol(entry->d_name), parent = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", process);
    FILE *file = process > 0 ? fopen(path, "re") : NULL;
    if (file == NULL)
      continue;
    bool is_one =
        fscanf(file, "%*d (%63[^)]) %c %ld", name, &state, &parent) == 3 &&
        parent == getpid() && state != 'Z' &&
        strcmp(name, "polyshm-helper") == 0;
    fclose(file);
    if (!is_one)
      continue;
    found++;
    snprintf(path, sizeof path, "/proc/%ld/cmdline", process);
    file = fopen(path, "re");
    if (file != NULL) {
      char line[200] = "";
      size_t size = fread(line, 1, sizeof line - 1, file);
      size_t first = strlen(line) + 1;
      if (first < size)
        snprintf(token, sizeof token, "%.79s", line + first);
      fclose(file);
    }
    visit((pid_t)process, atol(token));
  }
  closedir(folder);
  return found;
}

static void ignore_helper(pid_t helper, long root) {
  (void)helper;
  (void)root;
}

static bool has_member(const tree *at, long process) {
  for (unsigned i = 0; i < MEMBERS && at->members[i] != 0; i++)
    if (at->members[i] == process)
      return true;
  return false;
}

static unsigned helpers_killed;

/* A helper of a root that is unknown by now may be any tree's. */
static void count_kill(long root) {
  bool known = false;
  for (int i = 0; i < TREES; i++)
    known = known || has_member(&all->trees[i], root);
  for (int i = 0; i < TREES; i++)
    if (!known || has_member(&all->trees[i], root))
      atomic_fetch_add(&all->trees[i].helpers_killed, 1);
}

/* Counted before and when it is dead, so that whoever makes a block meanwhile
 * sees a change later. */
static void kill_some_helper(pid_t helper, long root) {
  if (random_below(3) != 0)
    return;
  count_kill(root);
  kill(helper, SIGKILL);
  waitpid(helper, NULL, 0);
  count_kill(root);
  helpers_killed++;
}

/* --------------------------------------------------------------- conductor */

typedef enum way {
  GRACEFUL,
  GROUP,
  ROOT_THEN_GRACEFUL,
  ROOT_THEN_GROUP,
  WAYS
} way;

typedef struct growth {
  pid_t root;
  double end, end_of_group; /* 0: does not end for now */
  way way;
} growth;

static growth grown[TREES];
static unsigned long ended[WAYS], workers_killed, others_killed;
static bool is_gentle;

static void (*const roles[])(void) = {run_outsider, run_outsider, run_stock,
                                      run_stock,    run_sweeper,  run_sweeper,
                                      run_looker};
static pid_t others[sizeof roles / sizeof *roles];

static bool is_wanted(void (*role)(void)) {
  return !is_gentle || role == run_outsider || role == run_looker;
}

static void plant(unsigned number) {
  growth *it = &grown[number];
  it->root = start_root(number);
  it->way = (way)random_below(WAYS);
  it->end = now() + 0.02 + random_below(300) / 1000.0;
  it->end_of_group = 0;
}

/* Take the dead's places. */
static void reap(void) {
  int status;
  for (pid_t child; (child = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (!ended_well(status))
      blame(BROKEN, "%ld ended with 0x%x", (long)child, (unsigned)status);
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
      if (others[i] == child)
        others[i] = 0;
  }
}

static void wait_for_group(pid_t group) {
  double deadline = now() + PATIENCE;
  while (kill(-group, 0) == 0) {
    reap();
    if (now() > deadline) {
      blame(BROKEN, "the tree of %ld does not end", (long)group);
      kill(-group, SIGKILL);
      deadline = now() + PATIENCE;
    }
    usleep(200);
  }
}

static void end_tree(unsigned number) {
  growth *it = &grown[number];
  if (it->end_of_group == 0 && it->way >= ROOT_THEN_GRACEFUL) {
    kill(it->root, SIGKILL);
    it->end_of_group = now() + random_below(50) / 1000.0;
    return;
  }
  if (it->way == GROUP || it->way == ROOT_THEN_GROUP)
    kill(-it->root, SIGKILL);
  else
    atomic_store(&all->trees[number].stop, true);
  wait_for_group(it->root);
  ended[it->way]++;
  plant(number);
}

static void kill_some_worker(void) {
  const tree *at = &all->trees[random_below(TREES)];
  unsigned most = atomic_load(&at->nmembers);
  if (most < 2)
    return;
  most = most > MEMBERS ? MEMBERS : most;
  pid_t victim = atomic_load(&at->members[1 + random_below(most - 1)]);
  pid_t group = grown[at - all->trees].root;
  /* Those who were killed before are no longer in the group. */
  if (victim > 0 && victim != group && getpgid(victim) == group &&
      kill(victim, SIGKILL) == 0)
    workers_killed++;
}

static void disturb(void) {
  if (random_below(4) == 0)
    kill_some_worker();
  if (!is_gentle && random_below(20) == 0)
    visit_helpers(kill_some_helper);
  if (!is_gentle && random_below(60) == 0) {
    size_t i = random_below(sizeof roles / sizeof *roles);
    if (others[i] > 0 && kill(others[i], SIGKILL) == 0)
      others_killed++;
  }
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
    if (others[i] == 0 && is_wanted(roles[i]))
      others[i] = start_other(roles[i]);
}

static void conduct(double seconds) {
  double end = now() + seconds;
  for (unsigned i = 0; i < TREES; i++)
    plant(i);
  while (now() < end) {
    reap();
    disturb();
    for (unsigned i = 0; i < TREES; i++)
      if (now() >
          (grown[i].end_of_group != 0 ? grown[i].end_of_group : grown[i].end))
        end_tree(i);
    usleep(1000);
  }
  atomic_store(&all->stop, true);
  for (unsigned i = 0; i < TREES; i++)
    wait_for_group(grown[i].root);
}

/* Helpers included: they are this process's children by now. */
static void wait_for_all(void) {
  double deadline = now() + PATIENCE;
  while (waitpid(-1, NULL, WNOHANG) >= 0) {
    if (now() > deadline) {
      blame(BROKEN, "%u helpers do not end", visit_helpers(ignore_helper));
      visit_helpers(kill_some_helper);
      deadline = now() + PATIENCE;
    }
    usleep(1000);
  }
}

/* ----------------------------------------------------------------- outcome */

static unsigned long count_names(bool tell) {
  const char *prefix = all->prefix;
  unsigned long found = 0;
  DIR *folder = opendir("/dev/shm");
  if (folder == NULL)
    die("/dev/shm");
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
      continue;
    found++;
    if (tell) {
      fprintf(stderr, "left: %s\n", entry->d_name);
      unlinkat(dirfd(folder), entry->d_name, 0);
    }
  }
  closedir(folder);
  return found;
}

static unsigned long counted(count which) {
  return atomic_load(&all->counts[which]);
}

static int judge(void) {
  unsigned long before = count_names(false);
  uint64_t removed = 0;
  if (polyshm_gc(0, &removed) != POLYSHM_OK)
    blame(BROKEN, "the last sweep: %s", polyshm_error_message());
  unsigned long after = count_names(true);
  printf(
      "trees ended: %lu gracefully, %lu by group kill, %lu root first, %lu "
      "root "
      "first, then group\n"
      "killed: %lu workers, %u helpers, %lu others\n"
      "made %lu, handed over %lu, attached %lu, forked %lu, unlinked by hand "
      "%lu\n"
      "held outside %lu, by stock %lu; inspected %lu; swept %lu times, %lu "
      "blocks\n"
      "REMOVED WHILE HELD %lu, HAND-OVERS LOST %lu (and %lu with maker and "
      "helper), BROKEN %lu\n"
      "LEFT: %lu before the last sweep, %lu after it\n",
      ended[GRACEFUL], ended[GROUP], ended[ROOT_THEN_GRACEFUL],
      ended[ROOT_THEN_GROUP], workers_killed, helpers_killed, others_killed,
      counted(MADE), counted(TAKEN), counted(ATTACHED), counted(FORKED),
      counted(BY_HAND), counted(OUTSIDE), counted(STOCK), counted(SEEN),
      counted(SWEPT), counted(SWEPT_BLOCKS), counted(REMOVED_WHILE_HELD),
      counted(LOST), counted(EXCUSED), counted(BROKEN), before, after);
  bool is_good = counted(REMOVED_WHILE_HELD) == 0 && counted(LOST) == 0 &&
                 counted(BROKEN) == 0 && after == 0 && counted(TAKEN) > 0 &&
                 (!is_gentle || before == 0);
  puts(is_good ? "good" : "NOT GOOD");
  return is_good ? 0 : 1;
}

static int work(char **arguments) {
  board_descriptor = atoi(arguments[0]);
  map_board();
  random_seed((unsigned)strtoul(arguments[2], NULL, 10));
  run_worker((unsigned)atoi(arguments[1]));
  return 0;
}

int main(int argc, char **argv) {
  program = argv[0];
  if (argc == 5 && strcmp(argv[1], "--worker") == 0)
    return work(argv + 2);
  double seconds = 20;
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--gentle") == 0)
      is_gentle = true;
    else if (i + 1 < argc && strcmp(argv[i], "--seconds") == 0)
      seconds = atof(argv[++i]);
    else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
      seed = (unsigned)strtoul(argv[++i], NULL, 10);
    else {
      fprintf(stderr, "usage: lifetime [--seconds N] [--seed N] [--gentle]\n");
      return 2;
    }
  printf("seed %u\n", seed);
  fflush(stdout);
  unsetenv("POLYSHM_TREE"); /* each tree is one of its own */
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  random_seed(seed);
  make_board();
  conduct(seconds);
  wait_for_all();
  return judge();
}
