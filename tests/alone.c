/* SPDX-License-Identifier: MIT */
/*
 * alone COMMAND [ARGUMENT...]: run a test in a /dev/shm of its own, where this
 * user may have one, and say what it leaves there.
 *
 * Helpers of other tests, and other programs of this machine, remove orphans
 * and count holders: a test that makes orphans must not meet them. Nor must the
 * next test meet what one that failed has left running.
 */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "/dev/shm"

enum { PATIENCE = 100 /* times a tenth of a second */ };

static void pause_for_a_tenth(void) {
  nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
}

static bool have_own_folder(void) {
  return unshare(CLONE_NEWNS) == 0 &&
         mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
         mount("tmpfs", FOLDER, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") ==
             0;
}

/* Signals as a shell in the foreground leaves them: nohup and a shell's
 * background jobs ignore some, and programs honour that. */
static void reset_signals(void) {
  static const int often_ignored[] = {
      SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE};
  sigset_t none;
  for (size_t i = 0; i < sizeof often_ignored / sizeof *often_ignored; i++)
    signal(often_ignored[i], SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Until it ends, and with it whatever it has left to us by then. */
static int wait_for(pid_t child) {
  int state;
  for (pid_t ended; (ended = waitpid(-1, &state, 0)) != child;)
    if (ended < 0 && errno != EINTR)
      return 1;
  if (WIFEXITED(state))
    return WEXITSTATUS(state);
  fprintf(stderr, "alone: killed by %s\n", strsignal(WTERMSIG(state)));
  return 1;
}

static int run(char **command) {
  pid_t self = getpid(), child = fork();
  if (child == 0) {
    /* Who ends us because it takes too long means the test. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    reset_signals();
    if (getppid() == self)
      execvp(command[0], command);
    fprintf(stderr, "alone: cannot run %s: %s\n", command[0], strerror(errno));
    _exit(127);
  }
  return child < 0 ? 1 : wait_for(child);
}

/* The children of the dead are ours. */
static void kill_children(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
  FILE *children = fopen(path, "re");
  long child;
  while (children != NULL && fscanf(children, "%ld", &child) == 1)
    kill((pid_t)child, SIGKILL);
  if (children != NULL)
    fclose(children);
}

/* Of a test that failed half-way. */
static void end_what_is_left(void) {
  for (int i = 0; i < PATIENCE && waitpid(-1, NULL, WNOHANG) >= 0; i++) {
    kill_children();
    pause_for_a_tenth();
  }
}

/* How many names are there; told if that is wanted. */
static int look(bool tell) {
  DIR *folder = opendir(FOLDER);
  int count = 0;
  for (struct dirent *entry; folder != NULL && (entry = readdir(folder));) {
    if (entry->d_name[0] == '.')
      continue;
    count++;
    if (tell)
      fprintf(stderr, "alone: left in " FOLDER ": %s\n", entry->d_name);
  }
  if (folder != NULL)
    closedir(folder);
  return count;
}

int main(int count, char **words) {
  if (count < 2)
    return fputs("Usage: alone COMMAND [ARGUMENT...]\n", stderr), 2;
  bool is_alone = have_own_folder();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  int status = run(words + 1);
  if (status != 0)
    end_what_is_left();
  if (!is_alone || status != 0)
    return status;
  /* A tree's helper has a second to sweep. */
  for (int i = 0; i < PATIENCE && look(false) > 0; i++)
    pause_for_a_tenth();
  return look(true) > 0;
}
