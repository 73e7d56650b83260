/* SPDX-License-Identifier: MIT */
/*
 * The process tree, and what it holds.
 *
 * The tree is the first process that used polyshm and every process started
 * from it, by whatever way and in whatever language, that uses polyshm. It
 * holds the tracked blocks that its processes make, until the last of them has
 * ended. Then a block that nobody has open goes away.
 */
#ifndef POLYSHM_HOLD_TREE_H
#define POLYSHM_HOLD_TREE_H

#include "polyshm.h"
#include "os/os.h"

/* Take part in a tree: the one that the environment names, or a new one, which
 * the environment names from now on. If the tree has a helper, be known to it.
 */
polyshm_status pshm_tree_enter(char token[OS_TREE_TOKEN_SIZE]);

/* Hold a block that this process has just made and still has. */
polyshm_status pshm_tree_hold(uint64_t inode);

/* Stop holding it: it has no name any more. */
void pshm_tree_release(uint64_t inode);

/* This process has attached to somebody's tracked block: if the tree has a
 * helper, be known to it. */
void pshm_tree_join(void);

/* This process has closed a tracked block, or found one: remove it if nobody
 * has it and no tree holds it. `inode` is 0 if it is not known. */
os_removal pshm_tree_collect(const char *name, uint64_t inode);

/* The same for all blocks, counting; with `dry`, those that would go.
 * *out_left, unless NULL, is how many tracked ones somebody has. */
polyshm_status pshm_tree_sweep(
    bool dry, uint64_t *out_count, uint64_t *out_left);

/* A descriptor of the folder that nothing is held by, to ask through; -1. */
int pshm_tree_folder(void);

#endif
