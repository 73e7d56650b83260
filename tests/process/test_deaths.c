/* SPDX-License-Identifier: MIT */
/* What stays and what goes when processes of a tree, or its helper, die. */
#include "actors.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ------------------------------------------------------------------ deaths */

static void killed_root_leaves_nothing(void **state) {
  (void)state;
  void (*const plays[])(const stage *) = {make_close_and_rest, make_and_hold};
  for (size_t i = 0; i < LENGTH(plays); i++) {
    const char *name = fresh_name();
    actor root = start(plays[i], name);
    await(&root);
    slay(&root);
    wait_for_the_end();
    assert_false(is_there(name));
  }
}

static void gather_a_group(const stage *at) {
  setpgid(0, 0);
  make(at->name);
  for (int i = 0; i < 3; i++)
    if (fork() == 0) {
      if (i == 0)
        execute("hold", at);
      pause();
    }
  ready(at); /* and the executed one is when it has attached */
  rest(at);
}

/* Follow a child that asked for it to the end of that system call. */
static void follow_to_end_of(pid_t child, uint64_t number) {
  bool is_in = false;
  for (;;) {
    int status;
    child_check(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
    child_check(
        ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD) == 0);
    struct __ptrace_syscall_info info = {.op = PTRACE_SYSCALL_INFO_NONE};
    child_check(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) > 0);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
      is_in = info.entry.nr == number;
    else if (info.op == PTRACE_SYSCALL_INFO_EXIT && is_in)
      return;
    child_check(ptrace(PTRACE_SYSCALL, child, NULL, NULL) == 0);
  }
}

/* The block has its name, and its maker does nothing more. */
static void kill_as_soon_as_it_is_there(const stage *at) {
  char name[80];
  snprintf(name, sizeof name, "%s-first", at->name);
  make_and_close(&(stage){name, at->in, at->out}); /* so there is a helper */
  pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
      _exit(2);
    raise(SIGSTOP);
    make(at->name);
    _exit(1);
  }
  follow_to_end_of(child, SYS_linkat);
  child_check(kill(child, SIGKILL) == 0);
  child_check(waitpid(child, NULL, 0) == child);
  polyshm_block *block; /* never written to */
  child_check(polyshm_block_open(at->name, 0, 0, NULL, &block) == POLYSHM_OK);
  polyshm_block_free(block);
  child_check(is_there(at->name));
}

static void killed_maker_leaves_its_block_to_the_tree(void **state) {
  (void)state;
  const char *name = fresh_name();
  act(kill_as_soon_as_it_is_there, name);
  wait_for_the_end();
  assert_false(is_there(name));
}

static void killed_group_leaves_nothing(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(gather_a_group, name);
  await(&root);
  await(&root);
  sweep_in_vain(name);
  assert_int_equal(kill(-root.process, SIGKILL), 0);
  assert_true(WIFSIGNALED(leave(&root)));
  wait_for_the_end();
  assert_false(is_there(name));
}

static void killed_helper_takes_nothing_along(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(make_close_and_rest, name);
  await(&root);
  kill_helper();
  sweep_in_vain(name);
  act(attach_and_close, name);
  sweep_in_vain(name);
  finish(&root);
  wait_for_the_end();
  sweep_away(name); /* nobody was there to do it */
}

static void make_more(const stage *at) {
  char name[80];
  for (int i = 0; i < 3; i++) {
    snprintf(name, sizeof name, "%s-%d", at->name, i);
    polyshm_block_free(make(name));
    ready(at);
    rest(at);
  }
}

static void killed_helper_is_replaced(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(make_more, name);
  pid_t last = 0;
  for (int i = 0; i < 3; i++) {
    await(&root);
    pid_t helper = the_helper();
    assert_int_not_equal(helper, last);
    last = helper;
    if (i == 2)
      break;
    kill_helper();
    go(&root);
  }
  /* The last helper was given what the tree held before it. */
  slay(&root);
  wait_for_the_end();
  char block[80];
  for (int i = 0; i < 3; i++) {
    snprintf(block, sizeof block, "%s-%d", name, i);
    assert_false(is_there(block));
  }
}

/* A program of the tree replaces the helper; the root has its own hold still,
 * and joins in when it next makes something. */
static void replace_from_below(const stage *at) {
  char name[80];
  make_and_close(at);
  ready(at);
  rest(at); /* the helper is killed */
  snprintf(name, sizeof name, "%s-below", at->name);
  stage below = {.name = name, .in = at->in, .out = at->out};
  make_in_program(&below);
  child_check(is_there(at->name));
  child_check(is_there(name));
  snprintf(name, sizeof name, "%s-more", at->name);
  polyshm_block_free(make(name));
  ready(at);
  rest(at);
}

static void killed_helper_is_replaced_from_below(void **state) {
  (void)state;
  const char *name = fresh_name();
  char more[80], below[80];
  snprintf(more, sizeof more, "%s-more", name);
  snprintf(below, sizeof below, "%s-below", name);
  actor root = start(replace_from_below, name);
  await(&root);
  kill_helper();
  go(&root);
  await(&root);
  the_helper();
  sweep_in_vain(name);
  assert_true(is_there(more) && is_there(below));
  slay(&root);
  wait_for_the_end();
  assert_false(is_there(name) || is_there(more) || is_there(below));
}

static void make_another(const stage *at) {
  char name[80];
  snprintf(name, sizeof name, "%s-another", at->name);
  polyshm_block_free(make(name));
  child_check(!is_there(at->name));
}

static void make_it_anew(const stage *at) {
  polyshm_block *block;
  char byte;
  child_check(
      polyshm_block_open(at->name, 2 * SIZE, POLYSHM_CREATE, NULL, &block) ==
      POLYSHM_OK);
  child_check(polyshm_block_flags(block) & POLYSHM_CREATE);
  child_check(polyshm_block_size(block) == 2 * SIZE);
  child_check(polyshm_block_read(block, 0, &byte, 1) == POLYSHM_OK);
  child_check(byte == 0);
  polyshm_block_free(block);
}

static void make_list_anew(const stage *at) {
  const polyshm_value one = int_value(1);
  polyshm_list *list;
  child_check(
      polyshm_list_create(at->name, &one, 1, POLYSHM_CREATE, NULL, &list) ==
      POLYSHM_OK);
  child_check(polyshm_list_length(list) == 1);
  polyshm_list_free(list);
}

/* All at once, and the helper, too: what is left is provably nobody's. */
static void orphan_goes_with_the_next_who_comes(void **state) {
  (void)state;
  void (*const next[])(const stage *) = {
      NULL, make_another, make_and_close, make_it_anew, make_list_anew};
  for (size_t i = 0; i < LENGTH(next); i++) {
    const char *name = fresh_name();
    actor root = start(make_and_hold, name);
    await(&root);
    pid_t helper = the_helper();
    kill(helper, SIGSTOP); /* so that it cannot do anything before it dies */
    slay(&root);
    kill_helper();
    assert_true(is_there(name));
    if (next[i] == NULL)
      sweep_away(name);
    else
      act(next[i], name);
    wait_for_the_end();
    assert_false(is_there(name));
  }
}

/* --------------------------------------------------------------- no helper */

static void go_without_helper(const stage *at) {
  char path[100];
  child_check(polyshm_helper_path(path, sizeof path) == POLYSHM_E_NOT_FOUND);
  make_and_close(at);
  child_check(waitpid(-1, NULL, __WALL) == -1 && errno == ECHILD);
  pid_t child = fork();
  if (child == 0) {
    attach_and_close(at);
    ready(at);
    rest(at);
    _exit(0);
  }
  child_check(child > 0);
}

static void tree_without_helper_lasts_as_long_as_its_forks(void **state) {
  (void)state;
  static const char *const nowhere[] = {"/nowhere", "/dev/null", "/", ""};
  for (size_t i = 0; i < LENGTH(nowhere); i++) {
    const char *name = fresh_name();
    setenv("POLYSHM_HELPER", nowhere[i], 1);
    actor root = start(go_without_helper, name);
    unsetenv("POLYSHM_HELPER");
    int status;
    assert_int_equal(waitpid(root.process, &status, 0), root.process);
    assert_int_equal(status, 0);
    await(&root);
    pid_t helpers[HELPERS_MOST];
    assert_int_equal(find_helpers(helpers), 0);
    sweep_in_vain(name);
    go(&root); /* the child */
    close(root.to);
    close(root.from);
    wait_for_the_end();
    sweep_away(name);
  }
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* It is looked for once a second, not for each block. */
static void find_a_helper_later(const stage *at) {
  char helper[300], name[80];
  child_check(polyshm_helper_path(helper, sizeof helper) == POLYSHM_OK);
  setenv("POLYSHM_HELPER", path_of(at->name), 1);
  int64_t looked = 0;
  for (int i = 0; i < 4; i++) {
    snprintf(name, sizeof name, "%s-%d", at->name, i);
    make_and_close(&(stage){name, at->in, at->out});
    if (i < 2) /* at the latest */
      looked = now();
    if (i == 0)
      child_check(symlink(helper, path_of(at->name)) == 0);
    ready(at);
    rest(at);
    if (i == 1)
      while (now() - looked < 1100000000)
        usleep(10000);
  }
}

static void missing_helper_is_looked_for_now_and_then(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(find_a_helper_later, name);
  pid_t helpers[HELPERS_MOST];
  int64_t begin = now();
  for (int i = 0; i < 4; i++) {
    await(&root);
    if (i < 2 && now() - begin < 900000000)
      assert_int_equal(find_helpers(helpers), 0);
    if (i == 3)
      the_helper();
    go(&root);
  }
  assert_int_equal(leave(&root), 0);
  wait_for_the_end();
  assert_int_equal(unlink(path_of(name)), 0);
}

/* A program that is no helper, or cannot even be started. */
static void make_with_a_wrong_helper(const stage *at) {
  make_and_close(at);
  attach_and_close(at);
  child_check(waitpid(-1, NULL, __WALL) == -1 && errno == ECHILD);
  child_check(polyshm_unlink(at->name) == POLYSHM_OK);
}

static void tree_with_a_wrong_helper_goes_without(void **state) {
  (void)state;
  const char *script = fresh_name();
  make_file(script, "no program", 10);
  assert_int_equal(chmod(path_of(script), 0700), 0);
  const char *const wrong[] = {"/bin/true", path_of(script)};
  for (size_t i = 0; i < LENGTH(wrong); i++) {
    setenv("POLYSHM_HELPER", wrong[i], 1);
    act(make_with_a_wrong_helper, fresh_name());
    unsetenv("POLYSHM_HELPER");
    wait_for_the_end();
  }
  unlink(path_of(script));
}

/* ------------------------------------------------------------------ running */

int main(int argc, char **argv) {
  if (argc == 6 && strcmp(argv[1], "--play") == 0)
    return play_role(argv + 2);
  const struct CMUnitTest tests[] = {
      test(killed_root_leaves_nothing),
      test(killed_maker_leaves_its_block_to_the_tree),
      test(killed_group_leaves_nothing),
      test(killed_helper_takes_nothing_along),
      test(killed_helper_is_replaced),
      test(killed_helper_is_replaced_from_below),
      test(orphan_goes_with_the_next_who_comes),
      test(tree_without_helper_lasts_as_long_as_its_forks),
      test(missing_helper_is_looked_for_now_and_then),
      test(tree_with_a_wrong_helper_goes_without),
  };
  return run_group(tests);
}
