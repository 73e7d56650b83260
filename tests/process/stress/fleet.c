/* SPDX-License-Identifier: MIT */
#include "fleet.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const fleet_languages[LANGUAGES] = {"C", "Lua", "Python"};

static const char *const scripts[LANGUAGES] = {
    NULL, POLYSHM_STRESS "/peer.lua", POLYSHM_STRESS "/peer.py"};

static const int64_t millisecond = 1000000;

/* A script that says nothing for so long is stuck: each of its calls is
 * bounded by half of that. */
static const int64_t silence = 2 * CALL_MOST;

uint32_t fleet_draw(stress_fleet *self) {
  self->random ^= self->random << 13;
  self->random ^= self->random >> 17;
  self->random ^= self->random << 5;
  return self->random;
}

/* --------------------------------------------------------------- planning */

static void add_peer(
    stress_fleet *self, int language, stress_role role, unsigned mortality) {
  self->peers[self->npeers] = (fleet_peer){
      .language = language,
      .order =
          {.list = self->list,
           .board = self->board,
           .number = self->npeers,
           .role = role},
      .mortality = mortality,
      .pipe = -1,
  };
  self->npeers++;
}

void fleet_plan(stress_fleet *self, int nworkers) {
  static const int order[] = {PEER_C, PEER_C, PEER_LUA, PEER_PYTHON};
  /* Some live long: what the death of others does to them is to be seen. */
  add_peer(self, PEER_C, ROLE_PING, 1);
  add_peer(self, PEER_C, ROLE_PONG, 0);
  add_peer(self, PEER_C, ROLE_VIEWER, 1);
  add_peer(self, PEER_C, ROLE_TRAIL, 10);
  add_peer(self, PEER_C, ROLE_WORKER, 0);
  for (int i = 1; i < nworkers; i++) {
    int language = order[i % 4];
    if (self->programs[language] == NULL)
      language = PEER_C;
    add_peer(self, language, ROLE_WORKER, language == PEER_C ? 20 : 1);
  }
}

/* --------------------------------------------------------------- starting */

static _Noreturn void be_script(
    stress_fleet *self, fleet_peer *peer, int output) {
  char seed[16];
  snprintf(seed, sizeof seed, "%u", (unsigned)peer->order.seed);
  int input = open("/dev/null", O_RDONLY);
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  execlp(
      self->programs[peer->language], self->programs[peer->language],
      scripts[peer->language], self->list, seed, (char *)NULL);
  perror(self->programs[peer->language]);
  _exit(127);
}

static int open_pipe(int *out_write) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    perror("stress: pipe");
    exit(1);
  }
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  *out_write = ends[1];
  return ends[0];
}

void fleet_start(stress_fleet *self, fleet_peer *peer) {
  int output = -1;
  if (peer->language != PEER_C)
    peer->pipe = open_pipe(&output);
  peer->order.seed = fleet_draw(self);
  pid_t driver = getpid();
  fflush(NULL);
  peer->process = fork();
  if (peer->process == 0) {
    /* Ctrl-C is for the driver, whom nobody outlives. */
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != driver)
      _exit(1);
    if (peer->language == PEER_C)
      worker_run(&peer->order);
    be_script(self, peer, output);
  }
  if (output >= 0)
    close(output);
  if (peer->process < 0) {
    perror("stress: fork");
    exit(1);
  }
  peer->ripe = peer->stopped = 0;
  peer->heard = board_now();
  board_count(&self->board->places[peer->order.number], STARTS);
}

/* ---------------------------------------------------------------- hearing */

static void hear_letter(stress_fleet *self, fleet_peer *peer, char letter) {
  const char *known = strchr(COUNT_LETTERS, letter);
  if (letter == 'R')
    peer->ripe = peer->heard + fleet_draw(self) % (500 * millisecond);
  else if (known != NULL && letter != 0)
    board_count(
        &self->board->places[peer->order.number], (int)(known - COUNT_LETTERS));
}

static void hear(stress_fleet *self, fleet_peer *peer) {
  char letters[8192];
  ssize_t n;
  while (peer->pipe >= 0 &&
         (n = read(peer->pipe, letters, sizeof letters)) > 0) {
    peer->heard = board_now();
    for (ssize_t i = 0; i < n; i++)
      hear_letter(self, peer, letters[i]);
  }
}

/* What is left in its pipe, and its end. */
static void bury(stress_fleet *self, fleet_peer *peer) {
  stress_place *place = &self->board->places[peer->order.number];
  hear(self, peer);
  if (peer->pipe >= 0)
    close(peer->pipe);
  peer->pipe = -1;
  peer->process = 0;
  atomic_store(&place->call, NULL);
}

static void say(const fleet_peer *peer, const char *what, const char *more) {
  fprintf(
      stderr, "stress: %s peer %d %s%s\n", fleet_languages[peer->language],
      peer->order.number, what, more);
}

/* ---------------------------------------------------------------- watching */

static bool is_stuck(stress_fleet *self, const fleet_peer *peer) {
  const stress_place *place = &self->board->places[peer->order.number];
  const char *call = atomic_load(&place->call);
  int64_t now = board_now();
  if (peer->language == PEER_C && call != NULL &&
      now - atomic_load(&place->since) > 2 * CALL_MOST) {
    say(peer, "is stuck in ", call);
    return true;
  }
  if (peer->language != PEER_C && now - peer->heard > silence) {
    say(peer, "is stuck", "");
    return true;
  }
  return false;
}

static bool watch(stress_fleet *self, fleet_peer *peer) {
  hear(self, peer);
  if (peer->stopped != 0 && board_now() > peer->stopped) {
    kill(peer->process, SIGCONT);
    peer->stopped = 0;
  }
  if (waitpid(peer->process, NULL, WNOHANG) == peer->process) {
    bury(self, peer);
    say(peer, "has ended by itself", "");
    return false;
  }
  return !is_stuck(self, peer);
}

bool fleet_watch(stress_fleet *self) {
  for (int i = 0; i < self->npeers; i++)
    if (self->peers[i].process > 0 && !watch(self, &self->peers[i]))
      return false;
  return true;
}

/* -------------------------------------------------------------- disturbing */

void fleet_kill(stress_fleet *self, fleet_peer *peer) {
  if (peer->process <= 0)
    return;
  kill(peer->process, SIGKILL);
  waitpid(peer->process, NULL, 0);
  bury(self, peer);
  board_count(&self->board->places[peer->order.number], KILLS);
}

static void stop(stress_fleet *self, fleet_peer *peer) {
  if (peer->stopped != 0)
    return;
  kill(peer->process, SIGSTOP);
  peer->stopped = board_now() + (1 + fleet_draw(self) % 20) * millisecond;
  board_count(&self->board->places[peer->order.number], STOPS);
}

/* A script needs long to start, so it is killed whenever it is ripe. */
static fleet_peer *find_ripe(stress_fleet *self) {
  for (int i = 0; i < self->npeers; i++) {
    fleet_peer *peer = &self->peers[i];
    if (peer->language != PEER_C && peer->ripe != 0 && board_now() > peer->ripe)
      return peer;
  }
  return NULL;
}

static fleet_peer *draw_victim(stress_fleet *self) {
  unsigned all = 0;
  for (int i = 0; i < self->npeers; i++)
    if (self->peers[i].language == PEER_C)
      all += self->peers[i].mortality;
  unsigned drawn = fleet_draw(self) % all;
  int i = 0;
  while (self->peers[i].language != PEER_C ||
         drawn >= self->peers[i].mortality) {
    if (self->peers[i].language == PEER_C)
      drawn -= self->peers[i].mortality;
    i++;
  }
  return &self->peers[i];
}

void fleet_disturb(stress_fleet *self) {
  if (fleet_draw(self) % 16 == 0) {
    stop(self, &self->peers[fleet_draw(self) % (unsigned)self->npeers]);
    return;
  }
  fleet_peer *victim = find_ripe(self);
  if (victim == NULL)
    victim = draw_victim(self);
  fleet_kill(self, victim);
  fleet_start(self, victim);
}

/* ------------------------------------------------------------------ ending */

bool fleet_has_ended(stress_fleet *self, bool *ok) {
  bool all = true;
  for (int i = 0; i < self->npeers; i++) {
    fleet_peer *peer = &self->peers[i];
    int status = 0;
    if (peer->process <= 0)
      continue;
    hear(self, peer);
    if (waitpid(peer->process, &status, WNOHANG) != peer->process) {
      all = false;
      continue;
    }
    bury(self, peer);
    if (status != 0) {
      say(peer, "has not ended well", "");
      *ok = false;
    }
  }
  return all;
}
