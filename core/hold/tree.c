/* SPDX-License-Identifier: MIT */
/*
 * A tree has one open file description of the folder, and holds its blocks
 * through that (os/linux/folder.c). Fork children inherit it; a program that
 * was executed fetches it from the tree's helper, a small process that does
 * nothing but keep it while the tree lives, and sweeps when it has ended. No
 * message is sent per block, and the helper may be killed: the next one that is
 * started is given the same description.
 *
 * The state belongs to the process image and is guarded by os_fork_hold, so
 * that a fork child finds it whole. Descriptors are looked at before each use:
 * what the program closed is opened again.
 */
#include "hold/tree.h"

#include "base/error.h"

#include <string.h>

enum {
  TRIES = 2000,
  PAUSE = 50000, /* nanoseconds */
  PATH_SIZE = 4096,
  SECOND = 1000000000 /* nanoseconds */
};

static struct {
  char token[OS_TREE_TOKEN_SIZE];
  int folder;        /* what the tree holds by */
  int tester;        /* what is asked through: own locks are invisible */
  int connection;    /* to the helper */
  uint64_t identity; /* of the connection */
  int64_t alone;     /* until when no helper is looked for: there was none */
  bool is_entered, has_swept, has_attached;
} tree = {.folder = -1, .tester = -1, .connection = -1};

/* ------------------------------------------------------------------ token */

static polyshm_status begin_tree(void) {
  polyshm_status status = os_tree_make_token(tree.token);
  if (status == POLYSHM_OK)
    os_tree_set_token(tree.token);
  return status;
}

static polyshm_status enter(void) {
  if (tree.is_entered)
    return POLYSHM_OK;
  const char *token = os_tree_get_token();
  polyshm_status status = POLYSHM_OK;
  if (token != NULL && os_tree_is_token(token))
    strcpy(tree.token, token);
  else
    status = begin_tree();
  tree.is_entered = status == POLYSHM_OK;
  return status;
}

/* ----------------------------------------------------------------- helper */

static int open_folder(int *folder) {
  if (!os_folder_is(*folder))
    *folder = os_folder_open();
  return *folder;
}

static void remember(int connection) {
  tree.connection = connection;
  tree.identity = os_tree_identify(connection);
}

/* Who has the tree's folder gives it to a helper that may not have it; who has
 * not, gets it. */
static bool greet(int connection) {
  bool done;
  if (os_folder_is(tree.folder))
    done = os_tree_share(connection, tree.folder);
  else
    done = (tree.folder = os_tree_fetch(connection)) >= 0;
  if (done)
    remember(connection);
  else
    os_tree_close(connection);
  return done;
}

/* True if this is settled, with or without a helper; false to try again. */
static bool start_helper(void) {
  char helper[PATH_SIZE];
  if (os_tree_find_helper(helper, sizeof helper) != POLYSHM_OK) {
    tree.alone = os_clock_now() + SECOND;
    return true;
  }
  int listener = os_tree_listen(tree.token);
  if (listener < 0)
    return false; /* somebody else is starting one */
  int connection = os_tree_connect(tree.token);
  polyshm_status status =
      os_tree_start(helper, tree.token, listener, tree.folder);
  os_tree_close(listener);
  if (status == POLYSHM_OK && connection >= 0)
    remember(connection);
  else
    os_tree_close(connection);
  if (status != POLYSHM_OK)
    tree.alone = os_clock_now() + SECOND;
  return true;
}

/* The search for a helper takes longer than all else that a new block costs, so
 * where there is none, it is not repeated for each of them. */
static bool is_alone(void) {
  return os_folder_is(tree.folder) && os_clock_now() < tree.alone;
}

static bool is_joined(void) {
  return tree.connection >= 0 &&
         os_tree_is_connected(tree.connection, tree.identity) &&
         os_folder_is(tree.folder);
}

/* Be connected to the tree's helper; with `start`, begin the tree and start the
 * helper if they are not there. Without a helper the hold lasts as long as this
 * process and its fork children, and sweeps do the rest. */
static polyshm_status join(bool start) {
  if (tree.connection >= 0 &&
      os_tree_identify(tree.connection) == tree.identity)
    os_tree_close(tree.connection);
  tree.connection = -1;
  bool has_begun = false; /* and lives, whether /proc can tell or not */
  for (int i = 0; i < TRIES; i++) {
    int connection = os_tree_connect(tree.token);
    int64_t asked = os_clock_now();
    if (connection >= 0 && greet(connection))
      return POLYSHM_OK;
    /* One that was stopped is as good as none until it goes on. */
    if (connection >= 0 && os_clock_now() - asked > SECOND) {
      tree.alone = os_clock_now() + SECOND;
      break;
    }
    if (connection == -2 || (connection == -1 && start && !has_begun &&
                             !os_tree_is_alive(tree.token))) {
      polyshm_status status = begin_tree();
      if (status != POLYSHM_OK)
        return status;
      has_begun = true;
      continue;
    }
    if (connection == -1 && !start)
      return POLYSHM_OK;
    if (connection == -1) {
      if (open_folder(&tree.folder) < 0)
        return POLYSHM_E_OS;
      if (start_helper())
        return POLYSHM_OK;
    }
    os_clock_sleep(PAUSE);
  }
  return open_folder(&tree.folder) < 0 ? POLYSHM_E_OS : POLYSHM_OK;
}

/* Without a word of a helper that is not there. */
static void join_what_is_there(void) {
  pshm_error before;
  pshm_error_save(&before);
  if (enter() == POLYSHM_OK && !is_joined())
    join(false);
  pshm_error_restore(&before);
}

polyshm_status pshm_tree_enter(char token[OS_TREE_TOKEN_SIZE]) {
  os_fork_hold();
  bool is_new = !tree.is_entered;
  polyshm_status status = enter();
  if (status == POLYSHM_OK && is_new)
    join_what_is_there();
  if (status == POLYSHM_OK)
    memcpy(token, tree.token, OS_TREE_TOKEN_SIZE);
  os_fork_release();
  return status;
}

void pshm_tree_join(void) {
  os_fork_hold();
  if (!tree.has_attached)
    join_what_is_there();
  tree.has_attached = true;
  os_fork_release();
}

/* ------------------------------------------------------------------ holds */

polyshm_status pshm_tree_hold(uint64_t inode) {
  os_fork_hold();
  polyshm_status status = enter();
  if (status == POLYSHM_OK && !is_joined() && !is_alone()) {
    pshm_error before;
    pshm_error_save(&before);
    status = join(true);
    if (status == POLYSHM_OK)
      pshm_error_restore(&before); /* of a helper that is not there */
  }
  if (status == POLYSHM_OK)
    status = os_folder_hold(tree.folder, inode);
  bool sweep = status == POLYSHM_OK && !tree.has_swept;
  tree.has_swept |= sweep;
  os_fork_release();
  /* What others were killed with, once per process. */
  uint64_t count;
  if (sweep)
    pshm_tree_sweep(false, &count, NULL);
  return status;
}

void pshm_tree_release(uint64_t inode) {
  os_fork_hold();
  if (inode != 0 && os_folder_is(tree.folder))
    os_folder_release(tree.folder, inode);
  os_fork_release();
}

int pshm_tree_folder(void) {
  os_fork_hold();
  int folder = open_folder(&tree.tester);
  os_fork_release();
  return folder;
}

os_removal pshm_tree_collect(const char *name, uint64_t inode) {
  int folder = pshm_tree_folder();
  return folder < 0 ? OS_REMOVAL_UNKNOWN
                    : os_removal_try(folder, name, inode, false);
}

/* --------------------------------------------------------------- sweeping */

typedef struct sweep {
  int folder;
  bool dry;
  uint64_t count, left;
} sweep;

static void visit(const char *name, void *context) {
  sweep *at = context;
  os_removal removal = os_removal_try(at->folder, name, 0, at->dry);
  at->count += removal == OS_REMOVAL_DONE;
  at->left += removal == OS_REMOVAL_IN_USE || removal == OS_REMOVAL_HELD;
}

polyshm_status pshm_tree_sweep(
    bool dry, uint64_t *out_count, uint64_t *out_left) {
  sweep at = {.folder = pshm_tree_folder(), .dry = dry};
  if (at.folder < 0)
    return POLYSHM_E_OS;
  polyshm_status status = os_folder_list(visit, &at);
  if (status == POLYSHM_OK) {
    *out_count = at.count;
    if (out_left != NULL)
      *out_left = at.left;
  }
  return status;
}
