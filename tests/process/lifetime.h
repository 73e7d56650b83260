/* SPDX-License-Identifier: MIT */
/*
 * The lifetime stress: what all its processes share. See lifetime.c.
 */
#ifndef POLYSHM_TESTS_LIFETIME_H
#define POLYSHM_TESTS_LIFETIME_H

#include <polyshm.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
  TREES = 3,
  WORKERS = 5,  /* of a tree, besides its root */
  EXECUTED = 2, /* so many of them */
  SHARED = 5,   /* names that all trees use */
  BOXES = 32,   /* hand-overs of a tree that are under way */
  MEMBERS = 4096,
  BLOCK = 4096,
  NAME_SIZE = 64
};

/* A block on its way from one process of a tree to another: made, closed, and
 * had by nobody. */
typedef struct box {
  atomic_int state;
  pid_t maker;
  unsigned number;
  unsigned helpers_killed; /* when it was made */
  char token[64];          /* of the tree it was made in */
  char name[NAME_SIZE];
} box;

enum { BOX_EMPTY, BOX_FILLING, BOX_FULL, BOX_TAKING };

typedef struct tree {
  atomic_uint generation;
  atomic_bool stop;
  atomic_uint helpers_killed;
  atomic_uint nmembers;
  _Atomic pid_t members[MEMBERS]; /* all that there ever were */
  box boxes[BOXES];
} tree;

typedef enum count {
  MADE,
  TAKEN,
  ATTACHED,
  FORKED,
  BY_HAND,
  OUTSIDE,
  STOCK,
  SWEPT,
  SWEPT_BLOCKS,
  SEEN,
  EXCUSED,
  REMOVED_WHILE_HELD,
  LOST,
  BROKEN,
  COUNTS
} count;

/* In memory that all have. */
typedef struct board {
  char prefix[32];
  atomic_bool stop;
  atomic_uint number;
  atomic_ulong counts[COUNTS];
  pthread_mutex_t by_hand[SHARED];
  tree trees[TREES];
} board;

extern board *all;

/* What a block of the stress begins with. */
typedef struct content {
  _Atomic uint64_t magic;
  atomic_bool by_hand; /* set before its name is removed on purpose */
} content;

/* A number below `limit`; this process's own sequence. */
unsigned random_below(unsigned limit);
void random_seed(unsigned seed);

void pause_microseconds(unsigned most);
void add(count which);

/* Something went wrong: count it, and say it. */
__attribute__((format(printf, 2, 3))) void blame(
    count which, const char *format, ...);

/* The processes. They return when they are told to stop. */
void run_worker(unsigned tree_number);
void run_outsider(void);
void run_stock(void);
void run_sweeper(void);
void run_looker(void);

#endif
