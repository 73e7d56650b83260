/* SPDX-License-Identifier: MIT */
#include "actors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------------------------ actors */

void ready(const stage *at) {
  child_check(write(at->out, "r", 1) == 1);
}

void rest(const stage *at) {
  char byte;
  child_check(read(at->in, &byte, 1) >= 0);
}

actor start(void (*play)(const stage *), const char *name) {
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

void await(const actor *self) {
  char byte = 0;
  assert_int_equal(read(self->from, &byte, 1), 1);
  assert_int_equal(byte, 'r');
}

void go(const actor *self) {
  assert_int_equal(write(self->to, "g", 1), 1);
}

int leave(actor *self) {
  close(self->to);
  close(self->from);
  int status;
  assert_int_equal(waitpid(self->process, &status, 0), self->process);
  return status;
}

void finish(actor *self) {
  assert_int_equal(write(self->to, "ggggg", 5), 5); /* for all its rests */
  assert_int_equal(leave(self), 0);
}

void slay(actor *self) {
  assert_int_equal(kill(self->process, SIGKILL), 0);
  assert_true(WIFSIGNALED(leave(self)));
}

/* A play without rests. */
void act(void (*play)(const stage *), const char *name) {
  actor self = start(play, name);
  assert_int_equal(leave(&self), 0);
}

/* ---------------------------------------------------- helpers, and the end */

/* This process's children of that name. */
size_t find_helpers(pid_t helpers[HELPERS_MOST]) {
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
pid_t the_helper(void) {
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

void wait_for_helpers(void) {
  pid_t helpers[HELPERS_MOST];
  for (int i = 0; i < PATIENCE * 1000 && find_helpers(helpers) > 0; i++)
    usleep(1000);
  assert_int_equal(find_helpers(helpers), 0);
}

/* All trees have ended, and their helpers have swept. */
void wait_for_the_end(void) {
  int status;
  while (waitpid(-1, &status, 0) > 0)
    continue;
  assert_int_equal(errno, ECHILD);
}

void kill_helper(void) {
  pid_t helper = the_helper();
  assert_int_equal(kill(helper, SIGKILL), 0);
  assert_int_equal(waitpid(helper, NULL, 0), helper);
}

/* Nothing has it, and a sweep knows that. */
void sweep_away(const char *name) {
  uint64_t count = 0;
  assert_true(is_there(name));
  assert_ok(polyshm_gc(POLYSHM_GC_DRY_RUN, &count));
  assert_true(count >= 1);
  assert_true(is_there(name));
  assert_ok(polyshm_gc(0, &count));
  assert_false(is_there(name));
}

void sweep_in_vain(const char *name) {
  uint64_t count;
  assert_ok(polyshm_gc(0, &count));
  assert_true(is_there(name));
}

/* A marked block that no tree holds, as after the death of all who made it. The
 * descriptor keeps it for now. */
int make_orphan(const char *name) {
  const char bytes[SIZE] = "x";
  make_file(name, bytes, SIZE);
  int descriptor = open(path_of(name), O_RDWR | O_CLOEXEC);
  assert_int_equal(fchmod(descriptor, 01600), 0);
  return descriptor;
}

/* Whether any tree holds the block with this number. */
bool is_inode_held(ino_t inode) {
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

bool is_held(const char *name) {
  struct stat file;
  assert_int_equal(stat(path_of(name), &file), 0);
  return is_inode_held(file.st_ino);
}

/* ------------------------------------------------- what actors do, in steps */

void enter(void) {
  char token[64];
  child_check(polyshm_tree_enter(token, sizeof token) == POLYSHM_OK);
}

polyshm_block *make(const char *name) {
  polyshm_block *block;
  child_check(
      polyshm_block_open(
          name, SIZE, POLYSHM_CREATE | POLYSHM_EXCLUSIVE, NULL, &block) ==
      POLYSHM_OK);
  child_check(polyshm_block_write(block, 0, "x", 1) == POLYSHM_OK);
  return block;
}

polyshm_block *attach(const char *name) {
  polyshm_block *block;
  char byte;
  child_check(polyshm_block_open(name, 0, 0, NULL, &block) == POLYSHM_OK);
  child_check(polyshm_block_size(block) == SIZE);
  child_check(polyshm_block_read(block, 0, &byte, 1) == POLYSHM_OK);
  child_check(byte == 'x');
  return block;
}

void make_and_close(const stage *at) {
  polyshm_block_free(make(at->name));
}

void attach_and_close(const stage *at) {
  polyshm_block_free(attach(at->name));
}

void make_close_and_rest(const stage *at) {
  make_and_close(at);
  ready(at);
  rest(at);
}

void make_and_hold(const stage *at) {
  make(at->name);
  ready(at);
  rest(at);
}

void attach_and_hold(const stage *at) {
  polyshm_block *block = attach(at->name);
  ready(at);
  rest(at);
  polyshm_block_free(block);
}

void attach_close_and_rest(const stage *at) {
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
_Noreturn void execute(const char *role, const stage *at) {
  char in[16], out[16];
  snprintf(in, sizeof in, "%d", at->in);
  snprintf(out, sizeof out, "%d", at->out);
  execl(
      "/proc/self/exe", "actor", "--play", role, at->name, in, out,
      (char *)NULL);
  child_fail("execl", __FILE__, __LINE__);
}

int play_role(char **words) {
  stage at = {.name = words[1], .in = atoi(words[2]), .out = atoi(words[3])};
  for (size_t i = 0; i < LENGTH(roles); i++)
    if (strcmp(roles[i].name, words[0]) == 0) {
      roles[i].play(&at);
      return 0;
    }
  return 2;
}

void await_child(pid_t child) {
  int status;
  child_check(child > 0);
  child_check(waitpid(child, &status, 0) == child);
  child_check(status == 0);
}

/* A grandchild ends when it closes this pipe. */
void await_end(int ends[2]) {
  char byte;
  close(ends[1]);
  child_check(read(ends[0], &byte, 1) == 0);
  close(ends[0]);
}

void make_in_program(const stage *at) {
  pid_t child = fork();
  if (child == 0)
    execute("make", at);
  await_child(child);
}

/* ------------------------------------------------------------------ running */

int begin_test(void **state) {
  (void)state;
  unsetenv("POLYSHM_TREE");
  signal(SIGPIPE, SIG_IGN);
  alarm(2 * PATIENCE);
  return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* Also those that a failed test has left behind. */
int end_test(void **state) {
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
