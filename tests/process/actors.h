/* SPDX-License-Identifier: MIT */
/*
 * Processes of trees, directed from outside.
 *
 * The test's own process takes no part in any tree. Its children are roots;
 * theirs, and all helpers, become its own children when they lose their parents
 * (PR_SET_CHILD_SUBREAPER), so that it can wait for the end of each. Steps are
 * kept in order by pipes.
 */
#ifndef POLYSHM_TESTS_ACTORS_H
#define POLYSHM_TESTS_ACTORS_H

#include "support.h"

#include <sys/types.h>

enum {
  SIZE = 100,
  PATIENCE = 60, /* seconds, for what must happen */
  HELPERS_MOST = 8
};

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

void ready(const stage *at);
void rest(const stage *at);

/* -------------------------------------------------- what the director does */

actor start(void (*play)(const stage *), const char *name);
void await(const actor *self);
void go(const actor *self);

/* Wait for its end: whatever it is, after all its rests, and by force. */
int leave(actor *self);
void finish(actor *self);
void slay(actor *self);

/* A play without rests. */
void act(void (*play)(const stage *), const char *name);

/* Helpers that are this process's children. */
size_t find_helpers(pid_t helpers[HELPERS_MOST]);
pid_t the_helper(void);
void wait_for_helpers(void);
void kill_helper(void);

/* All trees have ended, and their helpers have swept. */
void wait_for_the_end(void);

/* Nothing has it, and a sweep knows that; or the contrary. */
void sweep_away(const char *name);
void sweep_in_vain(const char *name);

/* A marked block that no tree holds, as after the death of all who made it. The
 * descriptor keeps it for now. */
int make_orphan(const char *name);

/* Whether any tree holds the block. */
bool is_inode_held(ino_t inode);
bool is_held(const char *name);

/* --------------------------------------------------------- what actors do */

void enter(void);
polyshm_block *make(const char *name);
polyshm_block *attach(const char *name);
void make_and_close(const stage *at);
void attach_and_close(const stage *at);
void make_close_and_rest(const stage *at);
void make_and_hold(const stage *at);
void attach_and_hold(const stage *at);
void attach_close_and_rest(const stage *at);
void make_in_program(const stage *at);

/* Become another program that plays this role; in that, main() calls the other
 * when its first argument is "--play". */
_Noreturn void execute(const char *role, const stage *at);
int play_role(char **words);

void await_child(pid_t child);

/* A grandchild ends when it closes this pipe. */
void await_end(int ends[2]);

/* ------------------------------------------------------------------ running */

int begin_test(void **state);
int end_test(void **state);

#define test(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)

#endif
