/* SPDX-License-Identifier: MIT */
/*
 * What a process tree keeps, and for how long.
 *
 * This process takes no part in any tree. Its children are roots; theirs, and
 * all helpers, become its own children when they lose their parents
 * (PR_SET_CHILD_SUBREAPER), so that it can wait for the end of each. Steps are
 * kept in order by pipes.
 */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  SIZE = 100,
  PATIENCE = 60, /* seconds, for what must happen */
  HELPERS_MOST = 8,
  NOBODY = 65534,
  SOMEBODY = 65533
};

/* ------------------------------------------------------------------ actors */

typedef struct actor {
  pid_t process;
  int to, from;
} actor;

/* What an actor does: tell that it is ready, and rest until it is told to go
 * on, or its director is gone. */
typedef struct stage {
  const char *name;
  int in, out;
} stage;

static void ready(const stage *at) {
  child_check(write(at->out, "r", 1) == 1);
}

static void rest(const stage *at) {
  char byte;
  child_check(read(at->in, &byte, 1) >= 0);
}

static actor start(void (*play)(const stage *), const char *name) {
  int to[2], from[2];
  assert_int_equal(pipe(to), 0); /* executed actors need them, too */
  assert_int_equal(pipe(from), 0);
  fcntl(to[1], F_SETFD, FD_CLOEXEC);
  fcntl(from[0], F_SETFD, FD_CLOEXEC);
  fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    close(to[1]);
    close(from[0]);
    stage at = {.name = name, .in = to[0], .out = from[1]};
    play(&at);
    _exit(0);
  }
  close(to[0]);
  close(from[1]);
  return (actor){.process = child, .to = to[1], .from = from[0]};
}

static void await(const actor *self) {
  char byte = 0;
  assert_int_equal(read(self->from, &byte, 1), 1);
  assert_int_equal(byte, 'r');
}

static void go(const actor *self) {
  assert_int_equal(write(self->to, "g", 1), 1);
}

static int leave(actor *self) {
  close(self->to);
  close(self->from);
  int status;
  assert_int_equal(waitpid(self->process, &status, 0), self->process);
  return status;
}

static void finish(actor *self) {
  assert_int_equal(write(self->to, "ggggg", 5), 5); /* for all its rests */
  assert_int_equal(leave(self), 0);
}

static void slay(actor *self) {
  assert_int_equal(kill(self->process, SIGKILL), 0);
  assert_true(WIFSIGNALED(leave(self)));
}

/* A play without rests. */
static void act(void (*play)(const stage *), const char *name) {
  actor self = start(play, name);
  assert_int_equal(leave(&self), 0);
}

/* ---------------------------------------------------- helpers, and the end */

/* This process's children of that name. */
static size_t find_helpers(pid_t helpers[HELPERS_MOST]) {
  size_t found = 0;
  DIR *folder = opendir("/proc");
  assert_non_null(folder);
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    char path[300], name[64] = "", state = 0;
    long parent = 0;
    snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
    FILE *file = atol(entry->d_name) > 0 ? fopen(path, "re") : NULL;
    if (file == NULL)
      continue;
    if (fscanf(file, "%*d (%63[^)]) %c %ld", name, &state, &parent) == 3 &&
        parent == getpid() && state != 'Z' &&
        strcmp(name, "polyshm-helper") == 0 && found < HELPERS_MOST)
      helpers[found++] = (pid_t)atol(entry->d_name);
    fclose(file);
  }
  closedir(folder);
  return found;
}

/* A helper becomes ours before its starter goes on, but gets its name when it
 * runs. */
static pid_t the_helper(void) {
  pid_t helpers[HELPERS_MOST];
  for (int i = 0; i < PATIENCE * 1000; i++) {
    size_t found = find_helpers(helpers);
    assert_true(found <= 1);
    if (found == 1)
      return helpers[0];
    usleep(1000);
  }
  fail_msg("there is no helper");
  return -1;
}

static void wait_for_helpers(void) {
  pid_t helpers[HELPERS_MOST];
  for (int i = 0; i < PATIENCE * 1000 && find_helpers(helpers) > 0; i++)
    usleep(1000);
  assert_int_equal(find_helpers(helpers), 0);
}

/* All trees have ended, and their helpers have swept. */
static void wait_for_the_end(void) {
  int status;
  while (waitpid(-1, &status, 0) > 0)
    continue;
  assert_int_equal(errno, ECHILD);
}

static void kill_helper(void) {
  pid_t helper = the_helper();
  assert_int_equal(kill(helper, SIGKILL), 0);
  assert_int_equal(waitpid(helper, NULL, 0), helper);
}

/* Nothing has it, and a sweep knows that. */
static void sweep_away(const char *name) {
  uint64_t count = 0;
  assert_true(is_there(name));
  assert_ok(polyshm_gc(POLYSHM_GC_DRY_RUN, &count));
  assert_true(count >= 1);
  assert_true(is_there(name));
  assert_ok(polyshm_gc(0, &count));
  assert_false(is_there(name));
}

static void sweep_in_vain(const char *name) {
  uint64_t count;
  assert_ok(polyshm_gc(0, &count));
  assert_true(is_there(name));
}

/* Whether any tree holds the block with this number. */
static bool is_inode_held(ino_t inode) {
  int folder = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct flock byte = {
      .l_type = F_WRLCK,
      .l_whence = SEEK_SET,
      .l_start = (off_t)inode,
      .l_len = 1};
  assert_int_equal(fcntl(folder, F_OFD_GETLK, &byte), 0);
  close(folder);
  return byte.l_type != F_UNLCK;
}

static bool is_held(const char *name) {
  struct stat file;
  assert_int_equal(stat(path_of(name), &file), 0);
  return is_inode_held(file.st_ino);
}

/* ------------------------------------------------- what actors do, in steps */

static void enter(void) {
  char token[64];
  child_check(polyshm_tree_enter(token, sizeof token) == POLYSHM_OK);
}

static polyshm_block *make(const char *name) {
  polyshm_block *block;
  child_check(
      polyshm_block_open(
          name, SIZE, POLYSHM_CREATE | POLYSHM_EXCLUSIVE, NULL, &block) ==
      POLYSHM_OK);
  child_check(polyshm_block_write(block, 0, "x", 1) == POLYSHM_OK);
  return block;
}

static polyshm_block *attach(const char *name) {
  polyshm_block *block;
  char byte;
  child_check(polyshm_block_open(name, 0, 0, NULL, &block) == POLYSHM_OK);
  child_check(polyshm_block_size(block) == SIZE);
  child_check(polyshm_block_read(block, 0, &byte, 1) == POLYSHM_OK);
  child_check(byte == 'x');
  return block;
}

static void make_and_close(const stage *at) {
  polyshm_block_free(make(at->name));
}

static void attach_and_close(const stage *at) {
  polyshm_block_free(attach(at->name));
}

static void make_close_and_rest(const stage *at) {
  make_and_close(at);
  ready(at);
  rest(at);
}

static void make_and_hold(const stage *at) {
  make(at->name);
  ready(at);
  rest(at);
}

static void attach_and_hold(const stage *at) {
  polyshm_block *block = attach(at->name);
  ready(at);
  rest(at);
  polyshm_block_free(block);
}

static void attach_close_and_rest(const stage *at) {
  attach_and_close(at);
  ready(at);
  rest(at);
}

static const struct role {
  const char *name;
  void (*play)(const stage *);
} roles[] = {
    {"make", make_and_close},
    {"attach", attach_and_close},
    {"hold", attach_and_hold},
    {"use", attach_close_and_rest},
};

/* Become another program that plays this role. */
static _Noreturn void execute(const char *role, const stage *at) {
  char in[16], out[16];
  snprintf(in, sizeof in, "%d", at->in);
  snprintf(out, sizeof out, "%d", at->out);
  execl(
      "/proc/self/exe", "test_tree", "--play", role, at->name, in, out,
      (char *)NULL);
  child_fail("execl", __FILE__, __LINE__);
}

static int play_role(char **words) {
  stage at = {.name = words[1], .in = atoi(words[2]), .out = atoi(words[3])};
  for (size_t i = 0; i < LENGTH(roles); i++)
    if (strcmp(roles[i].name, words[0]) == 0) {
      roles[i].play(&at);
      return 0;
    }
  return 2;
}

/* ------------------------------------------------------ children that make */

static void await_child(pid_t child) {
  int status;
  child_check(child > 0);
  child_check(waitpid(child, &status, 0) == child);
  child_check(status == 0);
}

/* A grandchild ends when it closes this pipe. */
static void await_end(int ends[2]) {
  char byte;
  close(ends[1]);
  child_check(read(ends[0], &byte, 1) == 0);
  close(ends[0]);
}

static void make_in_fork(const stage *at) {
  pid_t child = fork();
  if (child == 0) {
    make_and_close(at);
    _exit(0);
  }
  await_child(child);
}

static void make_in_program(const stage *at) {
  pid_t child = fork();
  if (child == 0)
    execute("make", at);
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

/* A marked block that no tree holds, as after the death of all who made it. The
 * descriptor keeps it for now. */
static int make_orphan(const char *name) {
  const char bytes[SIZE] = "x";
  make_file(name, bytes, SIZE);
  int descriptor = open(path_of(name), O_RDWR | O_CLOEXEC);
  assert_int_equal(fchmod(descriptor, 01600), 0);
  return descriptor;
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

/* --------------------------------------------------------------- unlinking */

static void make_unlink_and_rest(const stage *at) {
  polyshm_block *block = make(at->name);
  ready(at);
  rest(at);
  child_check(polyshm_unlink(at->name) == POLYSHM_OK);
  child_check(polyshm_block_write(block, 1, "y", 1) == POLYSHM_OK);
  ready(at);
  rest(at);
  polyshm_block_free(block); /* nothing of that name is ours any more */
  ready(at);
  rest(at);
}

static void unlinking_is_immediate_and_gives_up_the_hold(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(make_unlink_and_rest, name);
  await(&root);
  struct stat file;
  assert_true(is_held(name));
  int descriptor = open(path_of(name), O_RDWR | O_CLOEXEC);
  assert_int_equal(fstat(descriptor, &file), 0);
  go(&root);
  await(&root);
  assert_false(is_there(name));
  assert_int_equal(fstat(descriptor, &file), 0);
  assert_int_equal(file.st_nlink, 0);
  assert_false(is_inode_held(file.st_ino));
  close(descriptor);

  /* What has the name from now on is not theirs. */
  close(make_orphan(name));
  go(&root);
  await(&root);
  assert_true(is_there(name));
  finish(&root);
  wait_for_the_end(); /* but its helper finds that it is nobody's */
  assert_false(is_there(name));
}

static void unlink_and_rest(const stage *at) {
  child_check(polyshm_unlink(at->name) == POLYSHM_OK);
}

static void anybody_may_unlink(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(make_and_hold, name);
  await(&root);
  act(unlink_and_rest, name);
  assert_false(is_there(name));
  finish(&root);
  wait_for_the_end();
}

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
  child_check(now.sa_handler == hear);
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

/* -------------------------------------------------------------- other users */

static void become(uid_t user) {
  child_check(setgid(user) == 0 && setuid(user) == 0);
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* to be let into /proc/self again */
  umask(0);
}

static void make_for_all(const stage *at) {
  polyshm_block_options options = {.struct_size = sizeof options, .mode = 0666};
  polyshm_list_options list_options = {
      .struct_size = sizeof list_options, .mode = 0666};
  const polyshm_value one = int_value(1);
  polyshm_block *block;
  polyshm_list *list;
  char name[80];
  umask(0);
  child_check(
      polyshm_block_open(at->name, SIZE, POLYSHM_CREATE, &options, &block) ==
      POLYSHM_OK);
  child_check(polyshm_block_write(block, 0, "x", 1) == POLYSHM_OK);
  snprintf(name, sizeof name, "%s-list", at->name);
  child_check(
      polyshm_list_create(name, &one, 1, 0, &list_options, &list) ==
      POLYSHM_OK);
  polyshm_block_free(block);
  polyshm_list_free(list);
  ready(at);
  rest(at);
}

static void make_for_all_as_nobody(const stage *at) {
  become(NOBODY);
  make_for_all(at);
}

static void refuse_the_block(const char *name, uint32_t flags) {
  polyshm_block *block = NULL;
  child_check(
      polyshm_block_open(name, SIZE, flags, NULL, &block) == POLYSHM_E_ACCESS);
  child_check(polyshm_error_os() == EPERM);
  child_check(strstr(polyshm_error_message(), "POLYSHM_FOREIGN") != NULL);
  child_check(block == NULL);
}

static void refuse_the_list(const char *name) {
  polyshm_list *list = NULL;
  child_check(polyshm_list_open(name, 0, &list) == POLYSHM_E_ACCESS);
  child_check(strstr(polyshm_error_message(), "POLYSHM_FOREIGN") != NULL);
  child_check(
      polyshm_list_open(name, POLYSHM_READ_ONLY, &list) == POLYSHM_E_ACCESS);
  child_check(
      polyshm_list_create(name, NULL, 0, POLYSHM_CREATE, NULL, &list) ==
      POLYSHM_E_ACCESS);
  child_check(list == NULL);
}

static void use_with_leave(const stage *at, const char *list_name) {
  const uint32_t leave_given = POLYSHM_FOREIGN;
  polyshm_block *block;
  polyshm_list *list;
  const polyshm_value two = int_value(2);
  child_check(
      polyshm_block_open(at->name, 0, leave_given, NULL, &block) == POLYSHM_OK);
  child_check(polyshm_block_write(block, 1, "y", 1) == POLYSHM_OK);
  polyshm_block_free(block);
  child_check(
      polyshm_block_open(
          at->name, SIZE, leave_given | POLYSHM_CREATE, NULL, &block) ==
      POLYSHM_OK);
  child_check(!(polyshm_block_flags(block) & POLYSHM_CREATE));
  polyshm_block_free(block);
  child_check(polyshm_list_open(list_name, leave_given, &list) == POLYSHM_OK);
  child_check(polyshm_list_set(list, 0, &two) == POLYSHM_OK);
  polyshm_list_free(list);
}

static void meet_a_stranger(const stage *at) {
  char list[80];
  snprintf(list, sizeof list, "%s-list", at->name);
  refuse_the_block(at->name, 0);
  refuse_the_block(at->name, POLYSHM_READ_ONLY);
  refuse_the_block(at->name, POLYSHM_CREATE);
  refuse_the_list(list);
  use_with_leave(at, list);
  polyshm_block *block;
  child_check(
      polyshm_block_open(
          at->name, SIZE, POLYSHM_CREATE | POLYSHM_EXCLUSIVE | POLYSHM_FOREIGN,
          NULL, &block) == POLYSHM_E_EXISTS);
  child_check(is_there(at->name) && is_there(list));
}

static void meet_a_stranger_as_somebody(const stage *at) {
  become(SOMEBODY);
  meet_a_stranger(at);
}

static void try_to_remove_as_somebody(const stage *at) {
  uint64_t count;
  polyshm_info info = {.struct_size = sizeof info};
  polyshm_block *block;
  become(SOMEBODY);
  child_check(polyshm_gc(0, &count) == POLYSHM_OK);
  child_check(is_there(at->name));
  child_check(
      polyshm_block_open(at->name, 0, POLYSHM_FOREIGN, NULL, &block) ==
      POLYSHM_OK);
  polyshm_block_free(block);
  child_check(is_there(at->name));
  child_check(polyshm_unlink(at->name) == POLYSHM_E_ACCESS);
  child_check(polyshm_inspect(at->name, &info) == POLYSHM_OK);
  child_check(info.uid == NOBODY);
  child_check(info.state & POLYSHM_STATE_TRACKED);
  child_check(is_there(at->name));
}

static void attach_as_nobody(const stage *at) {
  become(NOBODY);
  attach_and_close(at);
}

static void sweep_as_nobody(const stage *at) {
  uint64_t count;
  become(NOBODY);
  child_check(polyshm_gc(0, &count) == POLYSHM_OK);
  child_check(!is_there(at->name));
}

static void blocks_of_other_users_are_left_alone(void **state) {
  (void)state;
  if (geteuid() != 0)
    skip();
  const char *name = fresh_name();
  setenv("POLYSHM_HELPER", "/nowhere", 1);
  actor nobody = start(make_for_all_as_nobody, name);
  await(&nobody);
  act(meet_a_stranger, name);
  act(meet_a_stranger_as_somebody, name);
  finish(&nobody);
  act(try_to_remove_as_somebody, name);
  act(sweep_as_nobody, name);

  /* What root made is nobody's trap. */
  actor root = start(make_for_all, name);
  await(&root);
  act(attach_as_nobody, name);
  finish(&root);
  sweep_away(name);
  unsetenv("POLYSHM_HELPER");
}

/* ------------------------------------------------------------------ running */

static int begin_test(void **state) {
  (void)state;
  unsetenv("POLYSHM_TREE");
  signal(SIGPIPE, SIG_IGN);
  alarm(2 * PATIENCE);
  return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* Also those that a failed test has left behind. */
static int end_test(void **state) {
  (void)state;
  alarm(0);
  unsetenv("POLYSHM_HELPER");
  while (waitpid(-1, NULL, WNOHANG) >= 0) {
    DIR *folder = opendir("/proc");
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
      char path[300];
      long parent = 0;
      snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
      FILE *file = atol(entry->d_name) > 0 ? fopen(path, "re") : NULL;
      if (file == NULL)
        continue;
      if (fscanf(file, "%*d (%*[^)]) %*c %ld", &parent) == 1 &&
          parent == getpid())
        kill((pid_t)atol(entry->d_name), SIGKILL);
      fclose(file);
    }
    closedir(folder);
    usleep(1000);
  }
  return 0;
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)

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
      test(unlinking_is_immediate_and_gives_up_the_hold),
      test(anybody_may_unlink),
      test(killed_root_leaves_nothing),
      test(killed_group_leaves_nothing),
      test(killed_helper_takes_nothing_along),
      test(killed_helper_is_replaced),
      test(killed_helper_is_replaced_from_below),
      test(orphan_goes_with_the_next_who_comes),
      test(tree_without_helper_lasts_as_long_as_its_forks),
      test(tree_with_a_wrong_helper_goes_without),
      test(helper_is_nobodys_child),
      test(helper_has_nothing_of_its_starters),
      test(helper_keeps_nobody_waiting),
      test(untracked_block_stays),
      test(program_may_close_what_it_did_not_open),
      test(fork_amid_tests_inherits_none),
      test(fork_amid_makers_goes_on),
      test(dead_tree_is_not_joined),
      test(trees_hold_nothing_of_each_other),
      test(blocks_of_other_users_are_left_alone),
  };
  return run_group(tests);
}
