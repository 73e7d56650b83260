/* SPDX-License-Identifier: MIT */
/* What a process tree keeps, and for how long. */
#include "actors.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------------ children that make */

static void make_in_fork(const stage *at) {
  pid_t child = fork();
  if (child == 0) {
    make_and_close(at);
    _exit(0);
  }
  await_child(child);
}

static void make_in_double_fork(const stage *at) {
  int ends[2];
  child_check(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    if (fork() == 0)
      make_and_close(at);
    _exit(0);
  }
  await_child(child);
  await_end(ends);
}

static void make_in_daemon(const stage *at) {
  int ends[2];
  child_check(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    if (setsid() > 0 && fork() == 0 && chdir("/") == 0)
      execute("make", at);
    _exit(0);
  }
  await_child(child);
  await_end(ends);
}

static void make_in_shell(const stage *at) {
  char command[400], self[200] = "";
  child_check(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
  snprintf(
      command, sizeof command, "true && '%s' --play make '%s' 0 1 | cat", self,
      at->name);
  child_check(system(command) == 0);
}

/* By whatever way its child was started, the root finds what it made. */
static void (*const ways[])(const stage *) = {
    make_in_fork, make_in_program, make_in_double_fork, make_in_daemon,
    make_in_shell};

static size_t way;

static void let_a_child_make(const stage *at) {
  enter();
  ways[way](at);
  child_check(is_there(at->name));
  attach_and_close(at);
  child_check(is_there(at->name));
  ready(at);
  rest(at);
}

static void tree_keeps_what_a_child_made(void **state) {
  (void)state;
  for (way = 0; way < LENGTH(ways); way++) {
    const char *name = fresh_name();
    actor root = start(let_a_child_make, name);
    await(&root);
    sweep_in_vain(name);
    act(attach_and_close, name); /* what a stranger does makes no difference */
    assert_true(is_there(name));
    finish(&root);
    wait_for_the_end();
    assert_false(is_there(name));
  }
}

/* Nobody above it uses polyshm: it is a tree by itself. */
static void tree_of_one_ends_with_it(void **state) {
  (void)state;
  const char *name = fresh_name();
  act(make_and_close, name);
  wait_for_the_end();
  assert_false(is_there(name));
  act(make_in_program, name);
  wait_for_the_end();
  assert_false(is_there(name));
}

static void become_another_program(const stage *at) {
  make_and_close(at);
  execute("use", at);
}

static void tree_survives_that_its_root_executes(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(become_another_program, name);
  await(&root);
  sweep_in_vain(name);
  finish(&root);
  wait_for_the_end();
  assert_false(is_there(name));
}

/* A program of the tree that has used one of its blocks is of the tree. */
static void leave_a_daemon(const stage *at) {
  make_and_close(at);
  if (fork() == 0) {
    setsid();
    execute("use", at);
  }
  pause();
}

static void tree_lasts_as_long_as_its_last_process(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(leave_a_daemon, name), daemon = root;
  await(&daemon);
  assert_int_equal(kill(root.process, SIGKILL), 0);
  assert_int_equal(waitpid(root.process, NULL, 0), root.process);
  sweep_in_vain(name);
  go(&daemon);
  close(daemon.to);
  close(daemon.from);
  wait_for_the_end();
  assert_false(is_there(name));
}

/* ----------------------------------------------------------------- holders */

static void last_holder_removes_it(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(make_close_and_rest, name);
  await(&root);
  actor one = start(attach_and_hold, name);
  await(&one);
  actor other = start(attach_and_hold, name);
  await(&other);
  slay(&root);
  wait_for_helpers();
  sweep_in_vain(name);
  finish(&one);
  assert_true(is_there(name));
  finish(&other);
  assert_false(is_there(name)); /* when its close had returned */
  wait_for_the_end();
}

static void hold_in_each_way(const stage *at) {
  polyshm_block *pinned, *watched = NULL;
  polyshm_list *list;
  void *address;
  uint64_t size;
  char names[3][80];
  for (int i = 0; i < 3; i++)
    snprintf(names[i], sizeof names[i], "%s-%d", at->name, i);
  child_check(
      polyshm_block_open(names[0], 0, POLYSHM_READ_ONLY, NULL, &watched) ==
      POLYSHM_OK);
  pinned = attach(names[1]);
  child_check(polyshm_block_pin(pinned, &address, &size) == POLYSHM_OK);
  child_check(polyshm_list_open(names[2], 0, &list) == POLYSHM_OK);
  ready(at);
  rest(at);
  for (int i = 0; i < 3; i++)
    child_check(is_there(names[i]));
  child_check(polyshm_block_close(watched) == POLYSHM_OK);
  child_check(!is_there(names[0]));
  polyshm_block_free(watched);
  polyshm_block_free(pinned);
  child_check(is_there(names[1]));
  polyshm_block_unpin(pinned);
  child_check(!is_there(names[1]));
  const polyshm_value one = int_value(1);
  child_check(polyshm_list_set(list, 0, &one) == POLYSHM_OK);
  child_check(polyshm_list_close(list) == POLYSHM_OK);
  child_check(!is_there(names[2]));
  polyshm_list_free(list);
}

static void make_for_each_way(const stage *at) {
  char name[80];
  const polyshm_value zero = int_value(0);
  polyshm_list *list;
  for (int i = 0; i < 2; i++) {
    snprintf(name, sizeof name, "%s-%d", at->name, i);
    polyshm_block_free(make(name));
  }
  snprintf(name, sizeof name, "%s-2", at->name);
  child_check(
      polyshm_list_create(name, &zero, 1, 0, NULL, &list) == POLYSHM_OK);
  polyshm_list_free(list);
  ready(at);
  rest(at);
}

static void last_holder_may_hold_in_any_way(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(make_for_each_way, name);
  await(&root);
  actor other = start(hold_in_each_way, name);
  await(&other);
  finish(&root);
  wait_for_helpers();
  finish(&other);
  wait_for_the_end();
}

enum { CLOSINGS = 2000 };

static void attach_and_close_often(const stage *at) {
  for (int i = 0; i < CLOSINGS; i++) {
    rest(at);
    polyshm_block *block = attach(at->name);
    ready(at);
    rest(at);
    polyshm_block_free(block);
    ready(at);
  }
}

/* Neither may take the other for a holder. */
static void last_holders_that_leave_at_once_leave_nothing(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor one = start(attach_and_close_often, name);
  actor other = start(attach_and_close_often, name);
  for (int i = 0; i < CLOSINGS; i++) {
    int descriptor = make_orphan(name);
    go(&one);
    go(&other);
    await(&one);
    await(&other);
    close(descriptor);
    assert_true(is_there(name));
    go(&one);
    go(&other);
    await(&one);
    await(&other);
    assert_false(is_there(name));
  }
  assert_int_equal(leave(&one), 0);
  assert_int_equal(leave(&other), 0);
}

/* As stock Python and everybody else has blocks: by shm_open and mmap. */
static size_t manner;

enum { DESCRIPTOR, BOTH, MAPPING, READ_ONLY_MAPPING, MANNERS };

static void hold_as_stock(const stage *at) {
  char name[100];
  snprintf(name, sizeof name, "/%s", at->name);
  bool read_only = manner == READ_ONLY_MAPPING;
  int descriptor = shm_open(name, read_only ? O_RDONLY : O_RDWR, 0600);
  child_check(descriptor >= 0);
  if (manner != DESCRIPTOR)
    child_check(
        mmap(
            NULL, SIZE, read_only ? PROT_READ : PROT_READ | PROT_WRITE,
            MAP_SHARED, descriptor, 0) != MAP_FAILED);
  if (manner >= MAPPING)
    close(descriptor);
  ready(at);
  rest(at);
}

static void stock_processes_are_holders(void **state) {
  (void)state;
  for (manner = 0; manner < MANNERS; manner++) {
    const char *name = fresh_name();
    actor root = start(make_close_and_rest, name);
    await(&root);
    actor stock = start(hold_as_stock, name);
    await(&stock);
    finish(&root);
    wait_for_helpers();
    sweep_in_vain(name);
    act(attach_and_close, name);
    sweep_in_vain(name);
    finish(&stock); /* it removes nothing */
    sweep_away(name);
    wait_for_the_end();
  }
}

/* Attaching makes nobody responsible, and takes nothing from those who are. */
static void strangers_come_and_go(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(make_close_and_rest, name);
  await(&root);
  for (int i = 0; i < 3; i++) {
    act(attach_and_close, name);
    actor victim = start(attach_and_hold, name);
    await(&victim);
    slay(&victim);
    sweep_in_vain(name);
  }
  finish(&root);
  wait_for_the_end();
  assert_false(is_there(name));
}

/* ------------------------------------------------------------ several trees */

static char token_of_another[64];

/* The variable names a tree that ended, or none at all. */
static void make_under_a_dead_name(const stage *at) {
  char token[64];
  setenv("POLYSHM_TREE", token_of_another, 1);
  make_and_close(at);
  child_check(polyshm_tree_enter(token, sizeof token) == POLYSHM_OK);
  child_check(atol(token) == getpid());
  child_check(strcmp(token, getenv("POLYSHM_TREE")) == 0);
  char name[80];
  snprintf(name, sizeof name, "%s-more", at->name);
  make_in_program(&(stage){name, at->in, at->out});
  child_check(is_there(name));
  ready(at);
  rest(at);
}

static void note_token(const stage *at) {
  char token[64];
  child_check(polyshm_tree_enter(token, sizeof token) == POLYSHM_OK);
  child_check(write(at->out, token, sizeof token) == sizeof token);
}

static void dead_tree_is_not_joined(void **state) {
  (void)state;
  actor root = start(note_token, "");
  assert_int_equal(
      read(root.from, token_of_another, sizeof token_of_another),
      sizeof token_of_another);
  assert_int_equal(leave(&root), 0);
  static const char *const odd[] = {
      NULL,
      "",
      "x",
      "1:2",
      "1:2:xyz",
      "-1:5:0123456789abcdef",
      "999999999:1:0123456789abcdef"};
  for (size_t i = 0; i < LENGTH(odd); i++) {
    const char *name = fresh_name();
    char more[80];
    snprintf(more, sizeof more, "%s-more", name);
    if (odd[i] != NULL)
      snprintf(token_of_another, sizeof token_of_another, "%s", odd[i]);
    root = start(make_under_a_dead_name, name);
    await(&root);
    sweep_in_vain(name);
    finish(&root);
    wait_for_the_end();
    assert_false(is_there(name) || is_there(more));
  }
}

static void trees_hold_nothing_of_each_other(void **state) {
  (void)state;
  const char *names[] = {fresh_name(), fresh_name()};
  actor one = start(make_close_and_rest, names[0]);
  actor other = start(make_close_and_rest, names[1]);
  await(&one);
  await(&other);
  act(attach_and_close, names[0]);
  act(attach_and_close, names[1]);
  pid_t helpers[HELPERS_MOST];
  while (find_helpers(helpers) < 2)
    usleep(1000);
  finish(&one);
  while (find_helpers(helpers) > 1)
    usleep(1000);
  assert_false(is_there(names[0]));
  sweep_in_vain(names[1]);
  finish(&other);
  wait_for_the_end();
  assert_false(is_there(names[1]));
}

/* ------------------------------------------------------------------ running */

int main(int argc, char **argv) {
  if (argc == 6 && strcmp(argv[1], "--play") == 0)
    return play_role(argv + 2);
  const struct CMUnitTest tests[] = {
      test(tree_keeps_what_a_child_made),
      test(tree_of_one_ends_with_it),
      test(tree_survives_that_its_root_executes),
      test(tree_lasts_as_long_as_its_last_process),
      test(last_holder_removes_it),
      test(last_holder_may_hold_in_any_way),
      test(last_holders_that_leave_at_once_leave_nothing),
      test(stock_processes_are_holders),
      test(strangers_come_and_go),
      test(dead_tree_is_not_joined),
      test(trees_hold_nothing_of_each_other),
  };
  return run_group(tests);
}
