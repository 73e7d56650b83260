/* SPDX-License-Identifier: MIT */
/* What the neighbour does. Each function does one harm, once, and is quick. */
#ifndef POLYSHM_TESTS_HOSTILE_MISDEEDS_H
#define POLYSHM_TESTS_HOSTILE_MISDEEDS_H

#include "common.h"

#include <sys/types.h>

enum { VICTIMS = 16 };

typedef struct neighbour {
  dice random;
  const char *peers[VICTIMS]; /* NULL behind the last */
  pid_t pids[VICTIMS];        /* of the same */
  unsigned npeers;
} neighbour;

typedef void misdeed_fn(neighbour *self);

typedef struct misdeed {
  const char *name;
  misdeed_fn *commit;
} misdeed;

/* A name that is fair game, of a list, of lists and blocks, or of a peer. */
void pick_list(neighbour *self, char name[NAME_ROOM]);
void pick_wild(neighbour *self, char name[NAME_ROOM]);
void pick_own(neighbour *self, char name[NAME_ROOM]);
void pick_any(neighbour *self, char name[NAME_ROOM]);

/* The bytes of a name's file. */
misdeed_fn scribble, flip_word, bend_offsets, hammer, replay, blank, grow;

/* Names and what is behind them. */
misdeed_fn recreate_random, recreate_cut, recreate_list, recreate_empty;
misdeed_fn unlink_name, put_other_kind, swap_names, link_name, change_mode;
misdeed_fn flood_names, fill_folder, put_huge;

/* Locks, signals and processes. */
misdeed_fn hold_flock, hold_file_lock, hold_process_lock, hold_lease;
misdeed_fn stop_with_lock, stop_while_setting, fork_while_setting;
misdeed_fn fork_with_lock, signal_peers, stop_peer, kill_helper;

/* A manager, from outside, by its clients, and what it owns. */
misdeed_fn dial_with_noise, dial_and_wait;
misdeed_fn stop_client, crowd_manager, spoil_owned, track_anything;

/* Remove what the names above were given, but leave the peers' own. */
void tidy_names(void);

/* Accomplices are processes that hold or stop; each has its time. This forks
 * one that is stopped after `busy` ms (0: never), for up to 500 ms, rarely for
 * longer than any peer's patience, and may or may not live on after that.
 * Returns 0 in it, and above 0 outside, also if there is no place for another
 * one. */
pid_t hire(neighbour *self, int64_t busy);
void tend_accomplices(neighbour *self);
void dismiss_accomplices(void);

#endif
