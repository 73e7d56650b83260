/* SPDX-License-Identifier: MIT */
#include "scenes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void tell_ready(int ready) {
  if (write(ready, "r", 1) != 1)
    _exit(1);
}

_Noreturn void linger(void) {
  for (;;)
    pause();
}

pid_t let_in(deed_fn *deed, const char *name) {
  int ends[2];
  char letter;
  assert_int_equal(pipe(ends), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    deed(name, ends[1]);
    _exit(0);
  }
  close(ends[1]);
  assert_int_equal(read(ends[0], &letter, 1), 1);
  close(ends[0]);
  return pid;
}

void send_away(pid_t neighbour) {
  kill(neighbour, SIGKILL);
  assert_int_equal(waitpid(neighbour, NULL, 0), neighbour);
}

int open_file(const char *name, int flags) {
  int file = open(path_of(name), flags | O_CLOEXEC);
  if (file < 0)
    _exit(2);
  return file;
}

polyshm_list *make(const char *name) {
  const polyshm_value values[] = {
      int_value(1), string_value("some text"), int_value(3)};
  const polyshm_list_options options = {
      .struct_size = sizeof options, .timeout = TIMEOUT};
  polyshm_list *list;
  assert_ok(polyshm_list_create(name, values, 3, 0, &options, &list));
  return list;
}

polyshm_list *attach(const char *name) {
  polyshm_list *list;
  assert_ok(polyshm_list_open(name, 0, &list));
  assert_ok(polyshm_list_timeout(list, TIMEOUT));
  return list;
}

void end(polyshm_list *list, const char *name) {
  polyshm_list_free(list);
  assert_ok(polyshm_unlink(name));
}
