/* SPDX-License-Identifier: MIT */
/* The helper of a tree: what it is to its starters, and they to it. */
#include "actors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------------------- the helper */

static atomic_int heard;

static void hear(int signal_number) {
  (void)signal_number;
  heard++;
}

static void start_unnoticed(const stage *at) {
  struct sigaction action = {.sa_handler = hear};
  sigaction(SIGCHLD, &action, NULL);
  sigset_t before, after;
  sigemptyset(&before);
  sigaddset(&before, SIGUSR1);
  sigprocmask(SIG_SETMASK, &before, NULL);
  make_and_close(at);
  sigprocmask(SIG_SETMASK, NULL, &after);
  child_check(sigismember(&after, SIGUSR1));
  child_check(!sigismember(&after, SIGCHLD) && !sigismember(&after, SIGTERM));
  child_check(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
  child_check(waitpid(-1, NULL, __WALL) == -1 && errno == ECHILD);
  child_check(heard == 0);
  struct sigaction now;
  sigaction(SIGCHLD, NULL, &now);
#ifndef __SANITIZE_THREAD__ /* which notes it in memory that we share */
  child_check(now.sa_handler == hear);
#endif
  ready(at);
  rest(at);
  child_check(heard == 0);
}

static void helper_is_nobodys_child(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(start_unnoticed, name);
  await(&root);
  the_helper();
  finish(&root);
  wait_for_the_end();
}

static void start_from_a_crowded_place(const stage *at) {
  /* What a program may have open, and want closed when it closes it. */
  int ends[2], null = open("/dev/null", O_RDWR);
  child_check(pipe(ends) == 0);
  for (int i = 50; i < 60; i++)
    child_check(dup2(ends[1], i) == i && dup2(null, i + 1000) == i + 1000);
  setenv("POLYSHM_TESTS_SECRET", "x", 1);
  make_and_close(at);
  char helper[200];
  child_check(polyshm_helper_path(helper, sizeof helper) == POLYSHM_OK);
  /* The pipe ends with us, not with the helper. */
  for (int i = 50; i < 60; i++)
    close(i);
  close(ends[1]);
  char byte;
  child_check(read(ends[0], &byte, 1) == 0);
  ready(at);
  rest(at);
}

static void read_proc(pid_t process, const char *what, char text[4096]) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/%s", (long)process, what);
  FILE *file = fopen(path, "re");
  assert_non_null(file);
  size_t size = fread(text, 1, 4095, file);
  text[size] = 0;
  fclose(file);
}

/* How many descriptors the helper has; with one that it should not have, 0, and
 * `stranger` says which. */
static size_t count_descriptors(pid_t helper, char stranger[300]) {
  char folder[64], target[300];
  snprintf(folder, sizeof folder, "/proc/%ld/fd", (long)helper);
  DIR *stream = opendir(folder);
  assert_non_null(stream);
  size_t count = 0;
  stranger[0] = 0;
  for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
    ssize_t size =
        readlinkat(dirfd(stream), entry->d_name, target, sizeof target - 1);
    if (size < 0)
      continue; /* "." and ".." */
    target[size] = 0;
    count++;
    bool known = atoi(entry->d_name) <= 2
                     ? strcmp(target, "/dev/null") == 0
                     : strcmp(target, "/dev/shm") == 0 ||
                           strncmp(target, "socket:", 7) == 0 ||
                           strncmp(target, "anon_inode:", 11) == 0 ||
                           strncmp(target, "pidfd:", 6) == 0;
    if (!known)
      strcpy(stranger, target);
  }
  closedir(stream);
  return stranger[0] == 0 ? count : 0;
}

/* A sanitizer in the helper may look into /proc for a moment. */
static void check_descriptors(pid_t helper) {
  char stranger[300];
  size_t count = 0;
  for (int i = 0; i < 1000 && count == 0; i++) {
    count = count_descriptors(helper, stranger);
    if (count == 0)
      usleep(10000);
  }
  if (count == 0)
    fail_msg("the helper has %s", stranger);
  assert_in_range(count, 5, 9);
}

static void helper_has_nothing_of_its_starters(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(start_from_a_crowded_place, name);
  await(&root);
  pid_t helper = the_helper();
  char text[4096], target[300];
  /* It has settled when it has its name, which the_helper knows it by, and its
   * first connection, which the starter has waited for. */
  check_descriptors(helper);
  assert_int_equal(getsid(helper), helper);
  assert_int_equal(getpgid(helper), helper);
  snprintf(text, sizeof text, "/proc/%ld/cwd", (long)helper);
  ssize_t size = readlink(text, target, sizeof target - 1);
  assert_int_equal(size, 1);
  assert_int_equal(target[0], '/');
  read_proc(helper, "environ", text);
  assert_string_equal(text, "");
  read_proc(helper, "maps", text);
  assert_null(strstr(text, name));

  static const int polite[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  for (size_t i = 0; i < LENGTH(polite); i++)
    assert_int_equal(kill(helper, polite[i]), 0);
  sweep_in_vain(name);
  assert_int_equal(the_helper(), helper);
  finish(&root);
  wait_for_the_end();
  assert_false(is_there(name));
}

/* $(program) returns when the program does, though it started the helper. */
static void substitute_a_command(const stage *at) {
  enter();
  int ends[2];
  child_check(pipe2(ends, O_CLOEXEC) == 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    execute("make", at);
  }
  await_end(ends);
  await_child(child);
  ready(at);
  rest(at);
}

static void helper_keeps_nobody_waiting(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(substitute_a_command, name);
  await(&root);
  the_helper(); /* is there, and the pipe has ended all the same */
  finish(&root);
  wait_for_the_end();
  assert_false(is_there(name));
}

static void make_untracked(const stage *at) {
  polyshm_block *block;
  child_check(
      polyshm_block_open(
          at->name, SIZE, POLYSHM_CREATE | POLYSHM_UNTRACKED, NULL, &block) ==
      POLYSHM_OK);
  child_check(polyshm_block_write(block, 0, "x", 1) == POLYSHM_OK);
  polyshm_block_free(block);
  attach_and_close(at);
  ready(at);
  rest(at);
}

static void untracked_block_stays(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(make_untracked, name);
  await(&root);
  pid_t helpers[HELPERS_MOST];
  assert_int_equal(find_helpers(helpers), 0); /* for that there is none */
  assert_false(is_held(name));
  struct stat file;
  assert_int_equal(stat(path_of(name), &file), 0);
  assert_int_equal(file.st_mode & 07777, 0600);
  finish(&root);
  wait_for_the_end();
  act(attach_and_close, name);
  sweep_in_vain(name);
  assert_ok(polyshm_unlink(name));
}

/* A program of the tree that finds it stopped goes without. */
static void come_to_a_stopped_helper(const stage *at) {
  char name[80];
  make_and_close(at);
  ready(at);
  rest(at); /* the helper is stopped */
  snprintf(name, sizeof name, "%s-meanwhile", at->name);
  make_in_program(&(stage){name, at->in, at->out});
  child_check(is_there(at->name));
  ready(at);
  rest(at); /* and goes on */
  snprintf(name, sizeof name, "%s-more", at->name);
  make_in_program(&(stage){name, at->in, at->out});
  child_check(is_there(name));
}

static void stopped_helper_keeps_nobody(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(come_to_a_stopped_helper, name);
  await(&root);
  pid_t helper = the_helper();
  assert_int_equal(kill(helper, SIGSTOP), 0);
  go(&root);
  await(&root);
  assert_int_equal(kill(helper, SIGCONT), 0);
  finish(&root);
  wait_for_the_end();
  assert_false(is_there(name));
}

/* ---------------------------------------------- programs that close, fork */

static void close_everything(const stage *at) {
  char name[80];
  make_and_close(at);
  child_check(syscall(SYS_close_range, 3U, ~0U, 0U) == 0);
  /* Their numbers are files of the program's now. */
  int files[30];
  for (size_t i = 0; i < LENGTH(files); i++)
    child_check((files[i] = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 3);
  for (int round = 0; round < 2; round++) {
    snprintf(name, sizeof name, "%s-%d", at->name, round);
    polyshm_block_free(make(name));
    attach_and_close(at);
    child_check(is_there(at->name));
    for (size_t i = 0; i < LENGTH(files); i++) {
      char target[20] = "", path[40];
      snprintf(path, sizeof path, "/proc/self/fd/%d", files[i]);
      child_check(readlink(path, target, sizeof target - 1) > 0);
      child_check(strcmp(target, "/dev/null") == 0);
    }
  }
  child_check(polyshm_unlink(name) == POLYSHM_OK);
  uint64_t count;
  child_check(polyshm_gc(0, &count) == POLYSHM_OK);
  child_check(is_there(at->name));
}

static void program_may_close_what_it_did_not_open(void **state) {
  (void)state;
  const char *name = fresh_name();
  char first[80];
  snprintf(first, sizeof first, "%s-0", name);
  actor root = start(close_everything, name);
  assert_int_equal(leave(&root), 0);
  wait_for_the_end();
  assert_false(is_there(name));
  assert_false(is_there(first));
}

static atomic_bool over;

static void *test_all_the_time(void *argument) {
  uint64_t count;
  while (!over)
    if (polyshm_gc(POLYSHM_GC_DRY_RUN, &count) != POLYSHM_OK)
      return argument;
  return NULL;
}

enum { FORKS = 200 };

/* A child that inherited a tester's descriptor would keep others out. */
static void fork_amid_tests(const stage *at) {
  pid_t children[FORKS];
  pthread_t thread;
  void *failed;
  int ends[2];
  child_check(pipe(ends) == 0);
  child_check(
      pthread_create(&thread, NULL, test_all_the_time, (void *)(uintptr_t)at) ==
      0);
  for (int i = 0; i < FORKS; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      char byte;
      close(ends[1]);
      _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    usleep(100);
  }
  over = true;
  pthread_join(thread, &failed);
  child_check(failed == NULL);
  int descriptor = open(path_of(at->name), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  child_check(descriptor >= 0);
  child_check(flock(descriptor, LOCK_EX | LOCK_NB) == 0);
  child_check(fcntl(descriptor, F_SETLEASE, F_WRLCK) == 0);
  close(descriptor);
  close(ends[1]);
  for (int i = 0; i < FORKS; i++)
    await_child(children[i]);
}

static void fork_amid_tests_inherits_none(void **state) {
  (void)state;
  const char *name = fresh_name();
  close(make_orphan(name));
  act(fork_amid_tests, name);
  sweep_away(name);
}

static void *make_all_the_time(void *argument) {
  const stage *at = argument;
  char name[80];
  for (unsigned i = 0; !over; i++) {
    polyshm_block *block;
    snprintf(name, sizeof name, "%s-%u", at->name, i % 8);
    if (polyshm_block_open(name, SIZE, POLYSHM_CREATE, NULL, &block) != 0)
      return argument;
    polyshm_block_free(block);
    if (polyshm_unlink(name) != 0)
      return argument;
  }
  return NULL;
}

/* Children of a program that is busy in other threads go on as they like. */
static void fork_amid_makers(const stage *at) {
  pthread_t thread;
  void *failed;
  enter();
  child_check(
      pthread_create(&thread, NULL, make_all_the_time, (void *)(uintptr_t)at) ==
      0);
  for (int i = 0; i < FORKS; i++) {
    pid_t child = fork();
    if (child == 0) {
      alarm(PATIENCE);
      make_and_close(at);
      attach_and_close(at);
      child_check(polyshm_unlink(at->name) == POLYSHM_OK);
      make_and_close(at);
      _exit(0);
    }
    await_child(child);
    attach_and_close(at);
    child_check(polyshm_unlink(at->name) == POLYSHM_OK);
  }
  over = true;
  pthread_join(thread, &failed);
  child_check(failed == NULL);
  make_and_close(at);
}

static void fork_amid_makers_goes_on(void **state) {
  (void)state;
  const char *name = fresh_name();
  act(fork_amid_makers, name);
  wait_for_the_end();
  assert_false(is_there(name));
}

/* ------------------------------------------------------------------ running */

int main(int argc, char **argv) {
  if (argc == 6 && strcmp(argv[1], "--play") == 0)
    return play_role(argv + 2);
  const struct CMUnitTest tests[] = {
      test(helper_is_nobodys_child),
      test(helper_has_nothing_of_its_starters),
      test(helper_keeps_nobody_waiting),
      test(untracked_block_stays),
      test(stopped_helper_keeps_nobody),
      test(program_may_close_what_it_did_not_open),
      test(fork_amid_tests_inherits_none),
      test(fork_amid_makers_goes_on),
  };
  return run_group(tests);
}
