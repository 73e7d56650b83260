/* SPDX-License-Identifier: MIT */
/* Managers as processes: who owns what, and until when. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define KEY "key", 3

static void pause_briefly(void) {
  nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* Others do their part in their own time. */
#define await(condition)                                                       \
  do {                                                                         \
    for (int tries = 0; tries < 10000 && !(condition); tries++)                \
      pause_briefly();                                                         \
    assert_true(condition);                                                    \
  } while (0)

/* A manager of this process, and an abstract address of its own. */
static polyshm_manager *start(void) {
  polyshm_manager *manager;
  assert_ok(polyshm_manager_start(NULL, KEY, NULL, &manager));
  return manager;
}

static const char *own_address(void) {
  static char address[64];
  snprintf(address, sizeof address, "unix:@%s", fresh_name());
  return address;
}

static polyshm_manager *connect_to(const char *address) {
  polyshm_manager *manager;
  assert_ok(polyshm_manager_connect(address, KEY, NULL, &manager));
  return manager;
}

static polyshm_status try_connect(const char *address, int64_t timeout) {
  polyshm_manager_options options = {
      .struct_size = sizeof options, .timeout = timeout};
  polyshm_manager *manager;
  polyshm_status status =
      polyshm_manager_connect(address, KEY, &options, &manager);
  if (status == POLYSHM_OK)
    polyshm_manager_free(manager);
  return status;
}

static void stop(polyshm_manager *manager) {
  assert_ok(polyshm_manager_shutdown(manager));
  polyshm_manager_free(manager);
}

static uint32_t state_of(const char *name) {
  polyshm_info info = {.struct_size = sizeof info};
  assert_ok(polyshm_inspect(name, &info));
  return info.state;
}

static const char *make(polyshm_manager *manager) {
  const char *name = fresh_name();
  polyshm_block *block;
  assert_ok(polyshm_manager_block(manager, name, 100, 0, NULL, &block));
  polyshm_block_free(block);
  return name;
}

static uint64_t count_segments(polyshm_manager *manager) {
  static char names[1 << 16];
  uint64_t size, count = 0;
  assert_ok(polyshm_manager_segments(manager, names, sizeof names, &size));
  assert_true(size <= sizeof names);
  for (uint64_t i = 0; i < size; i++)
    count += names[i] == 0;
  return count;
}

/* --------------------------------------------------------------- ownership */

static void manager_owns_blocks_until_it_shuts_down(void **state) {
  (void)state;
  polyshm_manager *manager = start();
  const char *name = make(manager), *other = fresh_name();
  /* Nobody has it open, and it is there. */
  uint32_t found = state_of(name);
  assert_true(found & POLYSHM_STATE_TRACKED);
  assert_true(found & POLYSHM_STATE_TREE);
  assert_false(found & (POLYSHM_STATE_HELD | POLYSHM_STATE_ORPHAN));
  polyshm_block *block;
  assert_ok(polyshm_block_open(
      other, 10, POLYSHM_CREATE | POLYSHM_EXCLUSIVE, NULL, &block));
  assert_ok(polyshm_manager_track(manager, other));
  assert_int_equal(count_segments(manager), 2);
  stop(manager);
  assert_false(is_there(name));
  assert_false(is_there(other));
  polyshm_block_free(block);
}

static void manager_releases_single_blocks(void **state) {
  (void)state;
  polyshm_manager *manager = start();
  const char *name = make(manager);
  assert_ok(polyshm_manager_release(manager, name));
  assert_false(is_there(name));
  assert_failure(
      polyshm_manager_release(manager, name), POLYSHM_E_NOT_FOUND, 0,
      "does not own");
  name = make(manager);
  assert_ok(polyshm_unlink(name));
  assert_failure(
      polyshm_manager_release(manager, name), POLYSHM_E_NOT_FOUND, ENOENT,
      "FileNotFoundError");
  name = make(manager);
  assert_ok(polyshm_unlink(name));
  stop(manager); /* whatever others have unlinked */
}

static void manager_that_is_killed_leaves_orphans(void **state) {
  (void)state;
  polyshm_manager *manager = start();
  const char *name = make(manager), *held = fresh_name(), *theirs;
  polyshm_block *block;
  assert_ok(polyshm_manager_block(manager, held, 100, 0, NULL, &block));
  theirs = fresh_name(); /* as a stock client makes and gives it */
  make_file(theirs, "bytes", 5);
  assert_ok(polyshm_manager_track(manager, theirs));
  assert_int_equal(kill((pid_t)polyshm_manager_pid(manager), SIGKILL), 0);
  await(state_of(name) & POLYSHM_STATE_ORPHAN);
  assert_true(state_of(theirs) & POLYSHM_STATE_ORPHAN);
  assert_true(state_of(held) & POLYSHM_STATE_HELD);
  uint64_t removed;
  assert_ok(polyshm_gc(0, &removed));
  assert_true(removed >= 2);
  assert_false(is_there(name));
  assert_false(is_there(theirs));
  assert_true(is_there(held));
  polyshm_block_free(block); /* the last who has it */
  assert_false(is_there(held));
  assert_true(polyshm_manager_shutdown(manager) < 0);
  assert_true(polyshm_manager_track(manager, "x") < 0);
  /* Only the socket is left. */
  char path[320];
  snprintf(path, sizeof path, "%s", polyshm_manager_address(manager) + 5);
  assert_int_equal(unlink(path), 0);
  *strrchr(path, '/') = 0;
  assert_int_equal(rmdir(path), 0);
  polyshm_manager_free(manager);
}

static void manager_outlives_clients_that_are_killed(void **state) {
  (void)state;
  polyshm_manager *manager = start();
  for (int i = 0; i < 10; i++) {
    pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;) {
        polyshm_block *block;
        if (polyshm_manager_block(manager, NULL, 100, 0, NULL, &block) == 0)
          polyshm_manager_release(manager, polyshm_block_name(block));
      }
    }
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
  }
  /* At most the one that each was at is left, and it is owned or an orphan. */
  assert_true(count_segments(manager) <= 10);
  stop(manager);
  uint64_t removed;
  assert_ok(polyshm_gc(0, &removed));
}

static void manager_ends_with_the_process_that_started_it(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    polyshm_manager *manager;
    polyshm_manager_start(NULL, KEY, NULL, &manager);
    polyshm_block *block;
    polyshm_manager_block(manager, NULL, 100, 0, NULL, &block);
    char text[400];
    int size = snprintf(
        text, sizeof text, "%s %s", polyshm_manager_address(manager),
        polyshm_block_name(block));
    child_check(write(ends[1], text, (size_t)size) == size);
    pause();
  }
  close(ends[1]);
  char text[400], address[320], name[64];
  ssize_t size = read(ends[0], text, sizeof text - 1);
  assert_true(size > 0);
  text[size] = 0;
  assert_int_equal(sscanf(text, "%319s %63s", address, name), 2);
  polyshm_manager *manager = connect_to(address);
  assert_int_equal(polyshm_manager_pid(manager), 0);
  assert_true(is_there(name));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  await(!is_there(name));
  await(access(address + 5, F_OK) != 0);
  assert_true(polyshm_manager_shutdown(manager) < 0);
  polyshm_manager_free(manager);
  close(ends[0]);
}

static void manager_that_is_detached_stays(void **state) {
  (void)state;
  char address[64];
  strcpy(address, own_address());
  pid_t child = fork();
  if (child == 0) {
    polyshm_manager_options options = {
        .struct_size = sizeof options, .flags = POLYSHM_MANAGER_DETACHED};
    polyshm_manager *started;
    child_check(polyshm_manager_start(address, KEY, &options, &started) == 0);
    _exit(0);
  }
  int ended;
  waitpid(child, &ended, 0);
  assert_int_equal(ended, 0);
  polyshm_manager *manager = connect_to(address);
  make(manager);
  stop(manager);
}

/* ------------------------------------------------------------------ starting
 */

static void manager_start_tells_why_it_fails(void **state) {
  (void)state;
  polyshm_manager *manager = start(), *other;
  const char *address = polyshm_manager_address(manager);
  assert_failure(
      polyshm_manager_start(address, KEY, NULL, &other), POLYSHM_E_EXISTS,
      EADDRINUSE, "cannot listen");
  assert_failure(
      polyshm_manager_start("unix:/nowhere/x", KEY, NULL, &other),
      POLYSHM_E_NOT_FOUND, ENOENT, "cannot listen");
  assert_failure(
      polyshm_manager_start("tcp:0.0.0.0:0", KEY, NULL, &other),
      POLYSHM_E_ACCESS, EPERM, "other machines");
  static const char *const wrong[] = {
      "",          "x",          "unix:",         "unix:@",
      "tcp:x",     "tcp:x:",     "tcp:x:y",       "tcp:x:65536",
      "tcp::1:80", "tcp:::1:80", "unixx:/tmp/x",  "tcp:x:1x",
      "tcp:x:-1",  "tcp:[]:1",   "tcp:127.0.0.1:"};
  for (size_t i = 0; i < LENGTH(wrong); i++)
    assert_failure(
        polyshm_manager_start(wrong[i], KEY, NULL, &other), POLYSHM_E_INVALID,
        EINVAL, "is no address");
  assert_fails(
      polyshm_manager_connect("tcp:127.0.0.1:0", KEY, NULL, &other),
      POLYSHM_E_INVALID);
  char path[200] = "unix:/";
  memset(path + 6, 'x', 107);
  assert_failure(
      polyshm_manager_start(path, KEY, NULL, &other), POLYSHM_E_INVALID, EINVAL,
      "at most 107 bytes");
  setenv("POLYSHM_MANAGER", "/nowhere", 1);
  assert_fails(
      polyshm_manager_start(NULL, KEY, NULL, &other), POLYSHM_E_NOT_FOUND);
  assert_message("POLYSHM_MANAGER");
  setenv("POLYSHM_MANAGER", "/bin/true", 1);
  assert_fails(polyshm_manager_start(NULL, KEY, NULL, &other), POLYSHM_E_OS);
  unsetenv("POLYSHM_MANAGER");
  stop(manager);
}

static void manager_draws_a_key_of_its_own(void **state) {
  (void)state;
  polyshm_manager *manager, *other;
  unsigned char key[32] = {0}, none[32] = {0};
  uint64_t size;
  assert_ok(polyshm_manager_start(NULL, NULL, 0, NULL, &manager));
  assert_ok(polyshm_manager_authkey(manager, key, 31, &size));
  assert_int_equal(size, 32);
  assert_memory_equal(key, none, 32);
  assert_ok(polyshm_manager_authkey(manager, key, 32, &size));
  assert_memory_not_equal(key, none, 32);
  const char *address = polyshm_manager_address(manager);
  assert_failure(
      polyshm_manager_connect(address, KEY, NULL, &other), POLYSHM_E_ACCESS, 0,
      "digest sent was rejected");
  assert_ok(polyshm_manager_connect(address, key, 32, NULL, &other));
  polyshm_manager_free(other);
  assert_ok(polyshm_manager_shutdown(manager));
  assert_ok(polyshm_manager_shutdown(manager));
  polyshm_manager_free(manager);
  assert_ok(polyshm_manager_start(NULL, "", 0, NULL, &manager));
  assert_ok(polyshm_manager_authkey(manager, NULL, 0, &size));
  assert_int_equal(size, 0);
  stop(manager);
}

static void manager_leaves_nothing_of_its_socket(void **state) {
  (void)state;
  polyshm_manager *manager = start();
  char path[320];
  struct stat found;
  strcpy(path, polyshm_manager_address(manager) + 5);
  assert_int_equal(stat(path, &found), 0);
  assert_int_equal(found.st_mode & 07777, 0600);
  *strrchr(path, '/') = 0;
  assert_int_equal(stat(path, &found), 0);
  assert_int_equal(found.st_mode & 07777, 0700);
  stop(manager);
  assert_int_equal(access(path, F_OK), -1);
}

static void manager_shuts_down_at_sigterm_not_at_sigint(void **state) {
  (void)state;
  polyshm_manager *manager = start();
  const char *name = make(manager);
  pid_t pid = (pid_t)polyshm_manager_pid(manager);
  kill(pid, SIGINT);
  assert_int_equal(count_segments(manager), 1);
  kill(pid, SIGTERM);
  await(!is_there(name));
  polyshm_manager_free(manager);
}

/* --------------------------------------------------------------------- calls
 */

static void manager_refuses_wrong_arguments(void **state) {
  (void)state;
  polyshm_manager *manager = start(), *other;
  polyshm_block *block;
  polyshm_list *list;
  uint64_t size;
  assert_fails(
      polyshm_manager_block(NULL, NULL, 1, 0, NULL, &block), POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_block(manager, NULL, 1, 0, NULL, NULL),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_block(manager, NULL, 0, 0, NULL, &block),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_block(manager, "a/b", 1, 0, NULL, &block),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_block(manager, NULL, 1, POLYSHM_CREATE, NULL, &block),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_list(manager, NULL, NULL, 1, 0, NULL, &list),
      POLYSHM_E_INVALID);
  assert_fails(polyshm_manager_track(manager, ""), POLYSHM_E_INVALID);
  assert_fails(polyshm_manager_track(manager, NULL), POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_segments(manager, NULL, 1, &size), POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_connect(NULL, KEY, NULL, &other), POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_connect("unix:x", NULL, 0, NULL, &other),
      POLYSHM_E_INVALID);
  polyshm_manager_options options = {
      .struct_size = sizeof options, .flags = POLYSHM_MANAGER_DETACHED};
  assert_fails(
      polyshm_manager_connect("unix:x", KEY, &options, &other),
      POLYSHM_E_INVALID);
  assert_int_equal(count_segments(manager), 0);
  stop(manager);
  polyshm_manager_free(NULL);
  assert_null(polyshm_manager_address(NULL));
  assert_int_equal(polyshm_manager_pid(NULL), 0);
}

static void manager_keeps_names_apart(void **state) {
  (void)state;
  polyshm_manager *manager = start();
  const char *name = fresh_name();
  polyshm_block *mine, *other;
  assert_ok(polyshm_block_open(
      name, 10, POLYSHM_CREATE | POLYSHM_EXCLUSIVE | POLYSHM_UNTRACKED, NULL,
      &mine));
  assert_fails(
      polyshm_manager_block(manager, name, 10, 0, NULL, &other),
      POLYSHM_E_EXISTS);
  assert_int_equal(count_segments(manager), 0);
  stop(manager);
  assert_true(is_there(name)); /* it never was the manager's */
  assert_ok(polyshm_unlink(name));
  polyshm_block_free(mine);
}

static void manager_tells_segments_as_they_fit(void **state) {
  (void)state;
  polyshm_manager *manager = start();
  const char *one = make(manager), *other = make(manager);
  char names[256];
  uint64_t size;
  assert_ok(polyshm_manager_segments(manager, NULL, 0, &size));
  assert_int_equal(size, strlen(one) + strlen(other) + 2);
  memset(names, 'x', sizeof names);
  assert_ok(polyshm_manager_segments(manager, names, size - 1, &size));
  assert_string_equal(names, one);
  assert_int_equal(names[strlen(one) + 1], 'x');
  assert_ok(polyshm_manager_segments(manager, names, size, &size));
  assert_string_equal(names + strlen(one) + 1, other);
  stop(manager);
}

static void manager_answers_closed_handles(void **state) {
  (void)state;
  polyshm_manager *manager = start();
  polyshm_manager *other = connect_to(polyshm_manager_address(manager));
  polyshm_block *block;
  assert_ok(polyshm_manager_close(other));
  assert_ok(polyshm_manager_close(other));
  assert_fails(polyshm_manager_track(other, "x"), POLYSHM_E_CLOSED);
  assert_fails(
      polyshm_manager_block(other, NULL, 1, 0, NULL, &block), POLYSHM_E_CLOSED);
  assert_ok(polyshm_manager_shutdown(other)); /* which does nothing */
  polyshm_manager_free(other);
  assert_int_equal(count_segments(manager), 0);
  stop(manager);
}

static void use_in_child(void *argument) {
  polyshm_manager *manager = argument;
  polyshm_block *block;
  for (int i = 0; i < 50; i++) {
    child_check(
        polyshm_manager_block(manager, NULL, 100, 0, NULL, &block) == 0);
    child_check(
        polyshm_manager_release(manager, polyshm_block_name(block)) == 0);
    polyshm_block_free(block);
  }
}

static void manager_serves_fork_children(void **state) {
  (void)state;
  polyshm_manager *manager = start();
  make(manager); /* the connection is open now */
  pid_t children[4];
  for (size_t i = 0; i < LENGTH(children); i++) {
    children[i] = fork();
    if (children[i] == 0) {
      use_in_child(manager);
      _exit(0);
    }
  }
  for (int i = 0; i < 50; i++)
    assert_int_equal(count_segments(manager) >= 1, 1);
  for (size_t i = 0; i < LENGTH(children); i++) {
    int ended;
    waitpid(children[i], &ended, 0);
    assert_int_equal(ended, 0);
  }
  assert_int_equal(count_segments(manager), 1);
  stop(manager);
}

static void *use_in_thread(void *argument) {
  polyshm_manager *manager = argument;
  for (int i = 0; i < 100; i++) {
    polyshm_block *block;
    if (polyshm_manager_block(manager, NULL, 100, 0, NULL, &block) != 0 ||
        polyshm_manager_release(manager, polyshm_block_name(block)) != 0)
      return manager;
    polyshm_block_free(block);
  }
  return NULL;
}

static void manager_serves_threads_of_one_handle(void **state) {
  (void)state;
  polyshm_manager *manager = start();
  pthread_t threads[8];
  for (size_t i = 0; i < LENGTH(threads); i++)
    assert_int_equal(
        pthread_create(threads + i, NULL, use_in_thread, manager), 0);
  for (size_t i = 0; i < LENGTH(threads); i++) {
    void *failed;
    pthread_join(threads[i], &failed);
    assert_null(failed);
  }
  assert_int_equal(count_segments(manager), 0);
  stop(manager);
}

static void manager_survives_lost_descriptors(void **state) {
  (void)state;
  polyshm_manager *manager = start();
  make(manager);
  bool is_lost[64] = {false};
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (int i = 3; i < 64; i++) { /* as daemons do, and more */
    struct stat found;
    if (fstat(i, &found) == 0 && S_ISSOCK(found.st_mode)) {
      assert_int_equal(dup2(null, i), i);
      is_lost[i] = true;
    }
  }
  make(manager);
  assert_int_equal(count_segments(manager), 2);
  stop(manager);
  for (int i = 3; i < 64; i++)
    if (is_lost[i]) {
      struct stat found;
      assert_int_equal(fstat(i, &found), 0); /* nobody has closed it */
      close(i);
    }
  close(null);
}

/* ----------------------------------------------------- slow and silent peers
 */

/* A socket at an abstract address that accepts nobody, or accepts and says
 * nothing. */
static int listen_silently(const char *address) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  size_t size = strlen(address) - 6;
  memcpy(at.sun_path + 1, address + 6, size);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(
      bind(
          listener, (struct sockaddr *)&at,
          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + size)),
      0);
  assert_int_equal(listen(listener, 100), 0);
  return listener;
}

static void ignore(int signal) {
  (void)signal;
}

static void manager_calls_end_in_time_and_at_signals(void **state) {
  (void)state;
  const char *address = own_address();
  assert_failure(
      try_connect(address, SECOND), POLYSHM_E_OS, ECONNREFUSED, address);
  assert_failure(
      try_connect("unix:/nowhere/x", SECOND), POLYSHM_E_NOT_FOUND, ENOENT,
      "/nowhere/x");
  int listener = listen_silently(address);
  assert_failure(
      try_connect(address, SECOND / 20), POLYSHM_E_TIMEOUT, ETIMEDOUT,
      "in time");
  struct sigaction action = {.sa_handler = ignore}, before;
  sigaction(SIGALRM, &action, &before);
  struct itimerval soon = {
      .it_interval.tv_usec = 50000, .it_value.tv_usec = 50000};
  setitimer(ITIMER_REAL, &soon, NULL);
  assert_fails(try_connect(address, POLYSHM_FOREVER), POLYSHM_E_INTERRUPTED);
  setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
  sigaction(SIGALRM, &before, NULL);
  close(listener);
}

static void manager_requests_survive_signals(void **state) {
  (void)state;
  polyshm_manager *manager = start();
  struct sigaction action = {.sa_handler = ignore}, before;
  sigaction(SIGALRM, &action, &before);
  struct itimerval often = {
      .it_interval.tv_usec = 1000, .it_value.tv_usec = 1000};
  setitimer(ITIMER_REAL, &often, NULL);
  for (int i = 0; i < 300; i++) {
    /* A call that was given up may yet be done, by a manager that is slow; the
     * next one of that name puts it right. */
    const char *name = fresh_name();
    polyshm_block *block;
    polyshm_status status;
    while ((status = polyshm_manager_block(
                manager, name, 100, 0, NULL, &block)) == POLYSHM_E_INTERRUPTED)
      continue;
    assert_int_equal(status, POLYSHM_OK);
    while ((status = polyshm_manager_release(manager, name)) ==
           POLYSHM_E_INTERRUPTED)
      continue;
    assert_true(status == POLYSHM_OK || status == POLYSHM_E_NOT_FOUND);
    polyshm_block_free(block);
  }
  setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
  sigaction(SIGALRM, &before, NULL);
  assert_int_equal(count_segments(manager), 0);
  stop(manager);
}

/* -------------------------------------------------------------------- server
 */

/* A server in a child, with these options. */
static pid_t serve(
    const char *address, const polyshm_server_options *options,
    unsigned descriptors) {
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* if the test fails */
    if (descriptors > 0)
      setrlimit(
          RLIMIT_NOFILE,
          &(struct rlimit){.rlim_cur = descriptors, .rlim_max = descriptors});
    polyshm_status status = polyshm_manager_serve(address, KEY, options);
    _exit(status == POLYSHM_OK ? 0 : 1);
  }
  while (try_connect(address, SECOND) != POLYSHM_OK)
    pause_briefly();
  return child;
}

static void ends_well(pid_t server) {
  int ended;
  waitpid(server, &ended, 0);
  assert_int_equal(ended, 0);
}

static int connect_raw(const char *address) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  size_t size = strlen(address) - 6;
  memcpy(to.sun_path + 1, address + 6, size);
  int end = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (end >= 0 &&
      connect(
          end, (struct sockaddr *)&to,
          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + size)) !=
          0) {
    close(end);
    return -1;
  }
  return end;
}

static bool has_ended(int end) {
  char bytes[512];
  struct pollfd one = {.fd = end, .events = POLLIN};
  while (poll(&one, 1, 30000) == 1) {
    ssize_t size = recv(end, bytes, sizeof bytes, 0);
    if (size <= 0)
      return true;
  }
  return false;
}

enum { HASTE = 100000000 /* nanoseconds, which clients have here */ };

/* Who was kept from going on for as long as that is rightly dropped. */
#define in_time(call)                                                          \
  do {                                                                         \
    int64_t begun = now();                                                     \
    polyshm_status status = (call);                                            \
    if (status == POLYSHM_OK)                                                  \
      break;                                                                   \
    if (now() - begun < HASTE)                                                 \
      fail_msg("%s: %s", #call, polyshm_error_message());                      \
  } while (true)

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * SECOND + time.tv_nsec;
}

static void server_drops_the_silent_and_the_idle(void **state) {
  (void)state;
  char address[64];
  strcpy(address, own_address());
  polyshm_server_options options = {
      .struct_size = sizeof options,
      .handshake_timeout = HASTE,
      .request_timeout = HASTE,
      .idle_timeout = HASTE};
  pid_t server = serve(address, &options, 0);
  int silent = connect_raw(address), slow = connect_raw(address);
  polyshm_manager *manager;
  in_time(polyshm_manager_connect(address, KEY, NULL, &manager));
  assert_int_equal(send(slow, "\0\0", 2, MSG_NOSIGNAL), 2);
  assert_true(has_ended(silent));
  assert_true(has_ended(slow));
  close(silent);
  close(slow);
  /* It was idle for long, too, and comes again. */
  nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
  polyshm_block *block;
  in_time(polyshm_manager_block(manager, NULL, 100, 0, NULL, &block));
  polyshm_block_free(block);
  in_time(polyshm_manager_shutdown(manager));
  polyshm_manager_free(manager);
  ends_well(server);
}

static void server_lives_with_few_descriptors(void **state) {
  (void)state;
  char address[64];
  strcpy(address, own_address());
  pid_t server = serve(address, NULL, 24);
  int ends[60];
  for (size_t i = 0; i < LENGTH(ends); i++)
    ends[i] = connect_raw(address);
  polyshm_manager *managers[30];
  for (size_t i = 0; i < LENGTH(managers); i++) {
    managers[i] = connect_to(address);
    make(managers[i]);
  }
  assert_int_equal(count_segments(managers[0]), LENGTH(managers));
  for (size_t i = 0; i < LENGTH(managers); i++)
    if (i > 0)
      polyshm_manager_free(managers[i]);
  stop(managers[0]);
  for (size_t i = 0; i < LENGTH(ends); i++)
    close(ends[i]);
  ends_well(server);
}

static void server_stops_at_sigterm(void **state) {
  (void)state;
#ifdef __SANITIZE_THREAD__
  /* It keeps handlers in memory of its own, where the server's helper, which
   * shares that for a moment, overwrites them. */
  skip();
#endif
  char address[64];
  strcpy(address, own_address());
  pid_t server = serve(address, NULL, 0);
  polyshm_manager *manager = connect_to(address);
  const char *name = make(manager);
  kill(server, SIGTERM);
  ends_well(server);
  assert_false(is_there(name));
  polyshm_manager_free(manager);
}

static void server_refuses_md5_if_told(void **state) {
  (void)state;
  char address[64];
  strcpy(address, own_address());
  polyshm_server_options options = {
      .struct_size = sizeof options, .flags = POLYSHM_SERVER_NO_MD5};
  pid_t server = serve(address, &options, 0);
  stop(connect_to(address));
  ends_well(server);
}

static void connect_as_another(void *argument) {
  child_check(setgid(65534) == 0 && setuid(65534) == 0);
  polyshm_status status = try_connect(argument, 30 * SECOND);
  child_check(status == POLYSHM_E_OS || status == POLYSHM_E_ACCESS);
}

static void server_refuses_other_users(void **state) {
  (void)state;
  if (geteuid() != 0)
    skip(); /* who else could be one */
  char address[64];
  strcpy(address, own_address());
  pid_t server = serve(address, NULL, 0);
  assert_int_equal(in_child(connect_as_another, address), 0);
  stop(connect_to(address));
  ends_well(server);
}

static void server_says_when_there_is_no_space(void **state) {
  (void)state;
  char folder[] = "/tmp/polyshm-test-XXXXXX", address[64];
  assert_non_null(mkdtemp(folder));
  /* No inode is left for a socket. */
  if (mount("tmpfs", folder, "tmpfs", 0, "nr_inodes=1") != 0) {
    assert_int_equal(rmdir(folder), 0);
    skip();
  }
  snprintf(address, sizeof address, "unix:%s/socket", folder);
  polyshm_manager *manager;
  polyshm_status status = polyshm_manager_start(address, KEY, NULL, &manager);
  int code = polyshm_error_os();
  assert_int_equal(umount(folder), 0);
  assert_int_equal(rmdir(folder), 0);
  assert_int_equal(status, POLYSHM_E_SPACE);
  assert_int_equal(code, ENOSPC);
}

static void *stop_soon(void *argument) {
  pause_briefly();
  assert_ok(polyshm_server_stop(argument));
  return NULL;
}

static void server_tells_events_and_ends(void **state) {
  (void)state;
  polyshm_server *server;
  polyshm_server_options options = {
      .struct_size = sizeof options, .level = POLYSHM_LEVEL_INFO};
  polyshm_event_info event = {.struct_size = sizeof event};
  assert_ok(polyshm_server_open("tcp:127.0.0.1:0", KEY, &options, &server));
  assert_string_not_equal(polyshm_server_address(server), "tcp:127.0.0.1:0");
  assert_ok(polyshm_server_next(server, 0, &event));
  assert_int_equal(event.level, POLYSHM_LEVEL_INFO);
  assert_non_null(strstr(event.text, polyshm_server_address(server)));
  assert_fails(polyshm_server_next(server, 0, &event), POLYSHM_E_TIMEOUT);
  assert_fails(
      polyshm_server_next(server, SECOND / 100, &event), POLYSHM_E_TIMEOUT);
  struct sigaction action = {.sa_handler = ignore}, before;
  sigaction(SIGALRM, &action, &before);
  /* One that comes before it waits does not end the wait. */
  struct itimerval often = {
      .it_interval.tv_usec = 20000, .it_value.tv_usec = 20000};
  setitimer(ITIMER_REAL, &often, NULL);
  assert_fails(
      polyshm_server_next(server, POLYSHM_FOREVER, &event),
      POLYSHM_E_INTERRUPTED);
  setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
  sigaction(SIGALRM, &before, NULL);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, stop_soon, server), 0);
  int told = 0;
  polyshm_status status;
  while ((status = polyshm_server_next(server, POLYSHM_FOREVER, &event)) == 0)
    told++;
  assert_int_equal(status, POLYSHM_E_END);
  assert_int_equal(told, 2);
  pthread_join(thread, NULL);
  assert_fails(
      polyshm_server_next(server, POLYSHM_FOREVER, &event), POLYSHM_E_END);
  polyshm_server_free(server);
}

static void look_from_child(void *argument) {
  polyshm_server *server = argument;
  polyshm_event_info event = {.struct_size = sizeof event};
  child_check(polyshm_server_next(server, 0, &event) == POLYSHM_E_CLOSED);
  polyshm_server_free(server);
}

static void server_is_not_ended_by_a_fork_child(void **state) {
  (void)state;
  char folder[] = "/tmp/polyshm-test-XXXXXX", address[64];
  assert_non_null(mkdtemp(folder));
  snprintf(address, sizeof address, "unix:%s/socket", folder);
  polyshm_server *server;
  polyshm_event_info event = {.struct_size = sizeof event};
  assert_ok(polyshm_server_open(address, KEY, NULL, &server));
  assert_int_equal(in_child(look_from_child, server), 0);
  assert_int_equal(access(address + 5, F_OK), 0);
  assert_fails(polyshm_server_next(server, 0, &event), POLYSHM_E_TIMEOUT);
  polyshm_server_free(server);
  assert_int_equal(access(address + 5, F_OK), -1);
  assert_int_equal(rmdir(folder), 0);
}

static void server_refuses_wrong_options(void **state) {
  (void)state;
  polyshm_server *server;
  polyshm_server_options options = {
      .struct_size = sizeof options, .flags = 1U << 31};
  assert_fails(
      polyshm_server_open("unix:@x", KEY, &options, &server),
      POLYSHM_E_INVALID);
  options.flags = 0;
  options.level = 5;
  assert_fails(
      polyshm_server_open("unix:@x", KEY, &options, &server),
      POLYSHM_E_INVALID);
  options.level = 0;
  options.message_limit = UINT64_C(1) << 40;
  assert_fails(
      polyshm_server_open("unix:@x", KEY, &options, &server),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_server_open("unix:@x", NULL, 0, NULL, &server),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_server_open("unix:@x", KEY, NULL, NULL), POLYSHM_E_INVALID);
  assert_fails(polyshm_server_stop(NULL), POLYSHM_E_INVALID);
  polyshm_server_free(NULL);
  assert_null(polyshm_server_address(NULL));
}

int main(void) {
  char path[4096];
  if (polyshm_manager_path(path, sizeof path) == POLYSHM_E_UNSUPPORTED) {
    printf("skipped: %s\n", polyshm_error_message());
    return 77;
  }
  /* Whatever the suite's own limits are. */
  setrlimit(
      RLIMIT_CORE, &(struct rlimit){.rlim_cur = 0, .rlim_max = RLIM_INFINITY});
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(manager_owns_blocks_until_it_shuts_down),
      cmocka_unit_test(manager_releases_single_blocks),
      cmocka_unit_test(manager_that_is_killed_leaves_orphans),
      cmocka_unit_test(manager_outlives_clients_that_are_killed),
      cmocka_unit_test(manager_ends_with_the_process_that_started_it),
      cmocka_unit_test(manager_that_is_detached_stays),
      cmocka_unit_test(manager_start_tells_why_it_fails),
      cmocka_unit_test(manager_draws_a_key_of_its_own),
      cmocka_unit_test(manager_leaves_nothing_of_its_socket),
      cmocka_unit_test(manager_shuts_down_at_sigterm_not_at_sigint),
      cmocka_unit_test(manager_refuses_wrong_arguments),
      cmocka_unit_test(manager_keeps_names_apart),
      cmocka_unit_test(manager_tells_segments_as_they_fit),
      cmocka_unit_test(manager_answers_closed_handles),
      cmocka_unit_test(manager_serves_fork_children),
      cmocka_unit_test(manager_serves_threads_of_one_handle),
      cmocka_unit_test(manager_survives_lost_descriptors),
      cmocka_unit_test(manager_calls_end_in_time_and_at_signals),
      cmocka_unit_test(manager_requests_survive_signals),
      cmocka_unit_test(server_drops_the_silent_and_the_idle),
      cmocka_unit_test(server_lives_with_few_descriptors),
      cmocka_unit_test(server_stops_at_sigterm),
      cmocka_unit_test(server_refuses_md5_if_told),
      cmocka_unit_test(server_refuses_other_users),
      cmocka_unit_test(server_says_when_there_is_no_space),
      cmocka_unit_test(server_tells_events_and_ends),
      cmocka_unit_test(server_is_not_ended_by_a_fork_child),
      cmocka_unit_test(server_refuses_wrong_options),
  };
  return run_group(tests);
}
