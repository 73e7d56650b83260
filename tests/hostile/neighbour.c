/* SPDX-License-Identifier: MIT */
/*
 * neighbour SEED NAME=PID...: do harm to the peers of these names, until there
 * is a line or the end of the standard input; then say how often what was done.
 * neighbour --tidy: remove what it left. neighbour --list: say what it can do.
 *
 * POLYSHM_HOSTILE_ONLY in the environment has some names of misdeeds, with
 * commas between: only those are done.
 */
#include "misdeeds.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* Often what is quick, rarely what keeps everybody from working. */
static const struct {
  const char *name;
  misdeed_fn *commit;
  unsigned weight;
} misdeeds[] = {
    {"scribble", scribble, 12},
    {"flip-word", flip_word, 12},
    {"bend-offsets", bend_offsets, 8},
    {"hammer", hammer, 4},
    {"replay", replay, 4},
    {"blank", blank, 2},
    {"grow", grow, 2},
    {"recreate-random", recreate_random, 6},
    {"recreate-cut", recreate_cut, 6},
    {"recreate-list", recreate_list, 12},
    {"recreate-empty", recreate_empty, 1},
    {"unlink", unlink_name, 8},
    {"other-kind", put_other_kind, 3},
    {"swap-names", swap_names, 3},
    {"link", link_name, 3},
    {"mode", change_mode, 4},
    {"flood", flood_names, 2},
    {"fill", fill_folder, 2},
    {"huge", put_huge, 2},
    {"flock", hold_flock, 2},
    {"file-lock", hold_file_lock, 2},
    {"process-lock", hold_process_lock, 2},
    {"lease", hold_lease, 2},
    {"stop-with-lock", stop_with_lock, 2},
    {"stop-while-setting", stop_while_setting, 4},
    {"fork-while-setting", fork_while_setting, 2},
    {"fork-with-lock", fork_with_lock, 2},
    {"signal", signal_peers, 4},
    {"stop-peer", stop_peer, 2},
    {"kill-helper", kill_helper, 1},
    {"dial-with-noise", dial_with_noise, 4},
    {"dial-and-wait", dial_and_wait, 1},
    {"stop-client", stop_client, 3},
    {"crowd-manager", crowd_manager, 2},
    {"spoil-owned", spoil_owned, 4},
    {"track-anything", track_anything, 3},
};

enum { MISDEEDS = sizeof misdeeds / sizeof *misdeeds };

static bool is_chosen(const char *name) {
  const char *only = getenv("POLYSHM_HOSTILE_ONLY");
  if (only == NULL)
    return true;
  size_t length = strlen(name);
  for (const char *at = only; (at = strstr(at, name)) != NULL; at += length)
    if ((at == only || at[-1] == ',') && (at[length] == ',' || !at[length]))
      return true;
  return false;
}

static unsigned choose(neighbour *self) {
  unsigned total = 0;
  for (unsigned i = 0; i < MISDEEDS; i++)
    total += is_chosen(misdeeds[i].name) ? misdeeds[i].weight : 0;
  if (total == 0) {
    fputs("neighbour: POLYSHM_HOSTILE_ONLY names no misdeed\n", stderr);
    exit(2);
  }
  uint64_t left = dice_below(&self->random, total);
  for (unsigned i = 0;; i++) {
    if (!is_chosen(misdeeds[i].name))
      continue;
    if (left < misdeeds[i].weight)
      return i;
    left -= misdeeds[i].weight;
  }
}

static bool is_told_to_stop(void) {
  struct pollfd input = {.fd = 0, .events = POLLIN};
  return poll(&input, 1, 0) != 0;
}

static void meet(neighbour *self, char *word) {
  char *sign = strchr(word, '=');
  if (sign == NULL || self->npeers == VICTIMS) {
    fprintf(stderr, "neighbour: not NAME=PID: %s\n", word);
    exit(2);
  }
  *sign = 0;
  self->peers[self->npeers] = word;
  self->pids[self->npeers++] = atoi(sign + 1);
}

int main(int count, char **words) {
  if (count == 2 && strcmp(words[1], "--tidy") == 0)
    return tidy_names(), 0;
  if (count == 2 && strcmp(words[1], "--list") == 0) {
    for (unsigned i = 0; i < MISDEEDS; i++)
      puts(misdeeds[i].name);
    return 0;
  }
  if (count < 2) {
    fputs("Usage: neighbour SEED NAME=PID... | --tidy | --list\n", stderr);
    return 2;
  }
  neighbour self = {.random = dice_new(strtoull(words[1], NULL, 0))};
  for (int i = 2; i < count; i++)
    meet(&self, words[i]);
  prctl(PR_SET_CHILD_SUBREAPER, 1); /* children of dead accomplices are ours */
  uint64_t done[MISDEEDS] = {0};
  while (!is_told_to_stop()) {
    unsigned which = choose(&self);
    misdeeds[which].commit(&self);
    done[which]++;
    tend_accomplices(&self);
    nap((int64_t)dice_below(&self.random, 2000000));
  }
  dismiss_accomplices();
  for (unsigned i = 0; i < MISDEEDS; i++)
    printf("%s %" PRIu64 "\n", misdeeds[i].name, done[i]);
  return 0;
}
