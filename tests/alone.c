/* SPDX-License-Identifier: MIT */
/*
 * alone COMMAND [ARGUMENT...]: run a test in a /dev/shm of its own, where this
 * user may have one, and say what it leaves there.
 *
 * Helpers of other tests, and other programs of this machine, remove orphans
 * and count holders: a test that makes orphans must not meet them.
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

static bool have_own_folder(void) {
  return unshare(CLONE_NEWNS) == 0 &&
         mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
         mount("tmpfs", FOLDER, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") ==
             0;
}

static int run(char **command) {
  pid_t self = getpid(), child = fork();
  if (child == 0) {
    /* Who ends us because it takes too long means the test. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == self)
      execvp(command[0], command);
    fprintf(stderr, "alone: cannot run %s: %s\n", command[0], strerror(errno));
    _exit(127);
  }
  int state;
  while (child > 0 && waitpid(child, &state, 0) < 0 && errno == EINTR)
    continue;
  if (child < 0)
    return 1;
  if (WIFEXITED(state))
    return WEXITSTATUS(state);
  fprintf(stderr, "alone: killed by %s\n", strsignal(WTERMSIG(state)));
  return 1;
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
  int status = run(words + 1);
  if (!is_alone || status != 0)
    return status;
  /* A tree's helper has a second to sweep. */
  static const struct timespec tenth = {.tv_nsec = 100000000};
  for (int i = 0; i < PATIENCE && look(false) > 0; i++)
    nanosleep(&tenth, NULL);
  return look(true) > 0;
}
