/* SPDX-License-Identifier: MIT */
/* The peers: starting, killing and stopping them, and hearing what they say. */
#ifndef POLYSHM_STRESS_FLEET_H
#define POLYSHM_STRESS_FLEET_H

#include "worker.h"

#include <stdbool.h>
#include <sys/types.h>

enum { PEER_C, PEER_LUA, PEER_PYTHON, LANGUAGES };

extern const char *const fleet_languages[LANGUAGES];

typedef struct fleet_peer {
  int language;
  worker_order order;
  unsigned mortality; /* how often it is chosen to be killed, to others */
  pid_t process;      /* 0: none */
  int pipe;           /* what a script says, or -1 */
  int64_t heard;      /* when it said something last */
  int64_t ripe;       /* from when on a script may be killed; 0: not ready */
  int64_t stopped;    /* until when; 0: it runs */
} fleet_peer;

typedef struct stress_fleet {
  fleet_peer peers[PLACES_MOST];
  int npeers;
  stress_board *board;
  const char *list;
  const char *programs[LANGUAGES]; /* interpreters; NULL: without them */
  uint32_t random;
} stress_fleet;

uint32_t fleet_draw(stress_fleet *self);

/* Who they are: `nworkers` that do everything, in all languages there are, and
 * four with roles of their own. */
void fleet_plan(stress_fleet *self, int nworkers);

void fleet_start(stress_fleet *self, fleet_peer *peer);

/* Hear all; false, with a message, if one has died by itself or is stuck. */
bool fleet_watch(stress_fleet *self);

/* Kill one, or stop one for a moment, by chance. */
void fleet_disturb(stress_fleet *self);

void fleet_kill(stress_fleet *self, fleet_peer *peer);

/* Whether all have ended, each by itself and well; false otherwise, and *ok is
 * false then if one has not ended well. */
bool fleet_has_ended(stress_fleet *self, bool *ok);

#endif
