/* SPDX-License-Identifier: MIT */
/*
 * Harm by processes: locks of all kinds on blocks' files, signals, and users of
 * the library that are stopped, killed, or fork in the middle of a call.
 *
 * Accomplices are children. Each has a moment at which it is let go on, and one
 * at which it is killed, so that what they hold comes back.
 */
#include "misdeeds.h"

#include <polyshm.h>

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ACCOMPLICES = 8, MILLISECOND = 1000000 };

#define LONG_PAUSE INT64_C(7000000000)

typedef struct accomplice {
  pid_t pid; /* 0: none */
  int64_t stop, go, end;
} accomplice;

static accomplice accomplices[ACCOMPLICES];

void tend_accomplices(neighbour *self) {
  (void)self;
  for (int i = 0; i < ACCOMPLICES; i++) {
    accomplice *one = accomplices + i;
    if (one->pid == 0)
      continue;
    int64_t time = now();
    if (one->stop != 0 && time > one->stop)
      kill(one->pid, SIGSTOP), one->stop = 0;
    if (one->go != 0 && time > one->go)
      kill(one->pid, SIGCONT), one->go = 0;
    if (time > one->end)
      kill(one->pid, SIGKILL);
    if (waitpid(one->pid, NULL, WNOHANG) == one->pid)
      one->pid = 0;
  }
  while (waitpid(-1, NULL, WNOHANG) > 0) /* children of those, adopted */
    continue;
}

void dismiss_accomplices(void) {
  for (int i = 0; i < ACCOMPLICES; i++)
    if (accomplices[i].pid != 0) {
      kill(accomplices[i].pid, SIGKILL);
      waitpid(accomplices[i].pid, NULL, 0);
    }
  /* Their children, adopted, die with them. */
  for (int i = 0; i < 100 && waitpid(-1, NULL, WNOHANG) >= 0; i++)
    nap(10 * MILLISECOND);
}

pid_t hire(neighbour *self, int64_t busy) {
  accomplice *place = NULL;
  for (int i = 0; i < ACCOMPLICES && place == NULL; i++)
    if (accomplices[i].pid == 0)
      place = accomplices + i;
  if (place == NULL)
    return 1;
  dice random = {dice_draw(&self->random)};
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    /* Its own children go with its group. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
      _exit(0);
    self->random = random;
    return 0;
  }
  if (pid < 0)
    return 1;
  int64_t time = now();
  place->pid = pid;
  place->stop = busy == 0 ? 0 : time + busy * MILLISECOND;
  int64_t pause = (int64_t)dice_below(&self->random, 500) * MILLISECOND;
  if (dice_below(&self->random, 16) == 0)
    pause = LONG_PAUSE;
  place->go =
      dice_below(&self->random, 2) ? time + busy * MILLISECOND + pause : 0;
  place->end = time + busy * MILLISECOND + pause + 20 * MILLISECOND;
  return pid;
}

static int open_any(neighbour *self, int flags) {
  char name[NAME_ROOM], path[sizeof FOLDER + NAME_ROOM];
  if (dice_below(&self->random, 4) == 0)
    strcpy(name, STEADY);
  else
    pick_any(self, name);
  snprintf(path, sizeof path, FOLDER "%s", name);
  int file = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat found;
  if (file >= 0 && (fstat(file, &found) != 0 || !S_ISREG(found.st_mode)))
    _exit(0);
  return file;
}

static _Noreturn void linger(void) {
  for (;;)
    pause();
}

void hold_flock(neighbour *self) {
  if (hire(self, 0) != 0)
    return;
  int file = open_any(self, O_RDONLY);
  if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0)
    linger();
  _exit(0);
}

/* All bytes there are, those of the tokens, too: the dead look alive, and
 * nobody new gets a token. */
static _Noreturn void lock_bytes(neighbour *self, int command) {
  int file = open_any(self, O_RDWR);
  struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (file >= 0 && fcntl(file, command, &all) != 0) {
    /* Somebody has a token: what is free, then, piece by piece. */
    for (int i = 0; i < 64; i++) {
      all.l_start = (INT64_C(1) << 60) + i;
      all.l_len = 1;
      fcntl(file, command, &all);
    }
  }
  if (file >= 0)
    linger();
  _exit(0);
}

void hold_file_lock(neighbour *self) {
  if (hire(self, 0) == 0)
    lock_bytes(self, F_OFD_SETLK);
}

void hold_process_lock(neighbour *self) {
  if (hire(self, 0) == 0)
    lock_bytes(self, F_SETLK);
}

/* And never give it back when the kernel asks for it. */
void hold_lease(neighbour *self) {
  if (hire(self, 0) != 0)
    return;
  signal(SIGIO, SIG_IGN);
  bool to_read = dice_below(&self->random, 2);
  int64_t end = now() + 300 * MILLISECOND;
  while (now() < end) {
    int file = open_any(self, to_read ? O_RDONLY : O_RDWR);
    if (file >= 0 && fcntl(file, F_SETLEASE, to_read ? F_RDLCK : F_WRLCK) == 0)
      linger();
    if (file >= 0)
      close(file);
    nap(MILLISECOND);
  }
  _exit(0);
}

/* ------------------------------------------------- users of the library */

static polyshm_list *open_steady(void) {
  polyshm_list *list;
  return polyshm_list_open(STEADY, 0, &list) == POLYSHM_OK ? list : NULL;
}

void stop_with_lock(neighbour *self) {
  if (hire(self, 0) != 0)
    return;
  polyshm_list *list = open_steady();
  uint32_t recovered;
  if (list == NULL ||
      polyshm_list_lock(list, 200 * MILLISECOND, &recovered) != POLYSHM_OK)
    _exit(0);
  raise(SIGSTOP);
  polyshm_list_unlock(list);
  linger();
}

/* Writes that are whole, in a slot that all write to. */
static void write_text(neighbour *self, polyshm_list *list) {
  char text[TEXT_ROOM];
  uint64_t length = 1 + dice_below(&self->random, sizeof text - 1);
  memset(text, 'a' + (int)dice_below(&self->random, 26), length);
  polyshm_value value = {.type = POLYSHM_STRING, .of.p = text, .size = length};
  polyshm_list_set(list, TEXT, &value);
  int64_t after;
  polyshm_list_add(list, BELL, 1, &after);
}

/* At a moment that nobody knows; sometimes in the middle of a snapshot, which
 * may have all slots locked. */
void stop_while_setting(neighbour *self) {
  if (hire(self, 1 + (int64_t)dice_below(&self->random, 30)) != 0)
    return;
  polyshm_list *list = open_steady();
  if (list == NULL)
    _exit(0);
  char buffer[4096];
  polyshm_value values[SLOTS];
  for (;;) {
    write_text(self, list);
    polyshm_list_snapshot(list, 0, SLOTS, buffer, sizeof buffer, values);
  }
}

typedef struct forker {
  neighbour *self;
  polyshm_list *list;
} forker;

static void *write_on(void *context) {
  forker *one = context;
  neighbour mine = *one->self;
  while (one->list != NULL)
    write_text(&mine, one->list);
  return NULL;
}

/* One thread writes while another forks; the children write, too, and end or
 * are killed in the middle. */
void fork_while_setting(neighbour *self) {
  if (hire(self, 0) != 0)
    return;
  forker one = {self, open_steady()};
  pthread_t thread;
  if (one.list == NULL || pthread_create(&thread, NULL, write_on, &one) != 0)
    _exit(0);
  for (;;) {
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (int i = 0; i < 3 && getppid() == parent; i++)
        write_text(self, one.list);
      _exit(0);
    }
    if (child < 0)
      continue;
    nap((int64_t)dice_below(&self->random, 2 * MILLISECOND));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
  }
}

/* The child does not have its parent's lock; the parent dies with it. */
void fork_with_lock(neighbour *self) {
  if (hire(self, 0) != 0)
    return;
  polyshm_list *list = open_steady();
  uint32_t recovered;
  if (list == NULL ||
      polyshm_list_lock(list, 200 * MILLISECOND, &recovered) != POLYSHM_OK)
    _exit(0);
  pid_t child = fork();
  if (child == 0) {
    nap(50 * MILLISECOND);
    _exit(polyshm_list_unlock(list) == POLYSHM_OK); /* not ours to do */
  }
  _exit(0);
}

/* Others would be ended by it: Lua has no handlers. */
static bool handles_signals(const char *peer) {
  return strncmp(peer, "lua", 3) != 0 && strcmp(peer, "manager") != 0;
}

/* Those that end nobody who did not ask for it. */
void signal_peers(neighbour *self) {
  static const int signals[] = {SIGUSR1, SIGUSR1, SIGCHLD, SIGWINCH, SIGCONT};
  if (self->npeers == 0)
    return;
  unsigned peer = (unsigned)dice_below(&self->random, self->npeers);
  uint64_t count = 1 + dice_below(&self->random, 20);
  for (uint64_t i = 0; i < count; i++) {
    int which = signals[dice_below(&self->random, 5)];
    if (which == SIGUSR1 && !handles_signals(self->peers[peer]))
      which = SIGWINCH;
    kill(self->pids[peer], which);
    nap((int64_t)dice_below(&self->random, 500000));
  }
}

void stop_peer(neighbour *self) {
  if (self->npeers == 0)
    return;
  pid_t peer = self->pids[dice_below(&self->random, self->npeers)];
  kill(peer, SIGSTOP);
  nap((int64_t)dice_below(&self->random, 60) * MILLISECOND);
  kill(peer, SIGCONT);
}

/* Those of this mount namespace, which is the test's own. */
static bool is_helper(const char *pid) {
  char path[64], text[256], ours[64] = "", theirs[64] = "";
  snprintf(path, sizeof path, "/proc/%.20s/ns/mnt", pid);
  if (readlink("/proc/self/ns/mnt", ours, sizeof ours - 1) < 0 ||
      readlink(path, theirs, sizeof theirs - 1) < 0 ||
      strcmp(ours, theirs) != 0)
    return false;
  snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
  FILE *file = fopen(path, "re");
  bool is = file != NULL && fgets(text, sizeof text, file) != NULL &&
            strncmp(text, "polyshm-helper", 14) == 0;
  if (file != NULL)
    fclose(file);
  return is;
}

void kill_helper(neighbour *self) {
  DIR *stream = opendir("/proc");
  for (struct dirent *entry; stream && (entry = readdir(stream));)
    if (isdigit((unsigned char)entry->d_name[0]) && is_helper(entry->d_name) &&
        dice_below(&self->random, 2) == 0)
      kill(atoi(entry->d_name), SIGKILL);
  if (stream != NULL)
    closedir(stream);
}
