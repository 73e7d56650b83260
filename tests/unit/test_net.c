/* SPDX-License-Identifier: MIT */
/* Sockets of managers and their clients, and how the system refuses them. */
#include "os/net.h"

#include "os/os.h"
#include "faults.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MILLISECOND = 1000000 };

static char folder[64], address[128];

static int setup(void **state) {
  (void)state;
  faults_reset();
  strcpy(folder, "/tmp/polyshm-test-XXXXXX");
  if (mkdtemp(folder) == NULL)
    return -1;
  snprintf(address, sizeof address, "unix:%s/socket", folder);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  faults_reset();
  return rmdir(folder); /* which is empty */
}

static const char *path(void) {
  return address + strlen("unix:");
}

/* ---------------------------------------------------------------- listening */

static void net_says_why_it_cannot_listen(void **state) {
  (void)state;
  static const struct {
    unsigned nth; /* 1 socket, 2 bind, 3 listen */
    int code;
    polyshm_status status;
  } cases[] = {
      {1, EMFILE, POLYSHM_E_OS},         {2, EACCES, POLYSHM_E_ACCESS},
      {2, EROFS, POLYSHM_E_ACCESS},      {2, ENOSPC, POLYSHM_E_SPACE},
      {2, EDQUOT, POLYSHM_E_SPACE},      {2, EADDRINUSE, POLYSHM_E_EXISTS},
      {3, EADDRINUSE, POLYSHM_E_EXISTS},
  };
  const char *const addresses[] = {address, "tcp:127.0.0.1:0", "unix:@polyshm"};
  for (size_t i = 0; i < LENGTH(cases); i++)
    for (size_t j = 0; j < LENGTH(addresses); j++) {
      os_listener listener = {.descriptor = -7};
      faults_reset();
      faults_fail(FAULT_TALK, cases[i].nth, 1, cases[i].code);
      assert_failure(
          os_net_listen(addresses[j], false, &listener), cases[i].status,
          cases[i].code, "cannot listen");
      assert_int_equal(listener.descriptor, -7);
      assert_int_not_equal(access(path(), F_OK), 0);
    }
  faults_reset();
  os_listener listener;
  assert_failure(
      os_net_listen("unix:/nowhere/x", false, &listener), POLYSHM_E_NOT_FOUND,
      ENOENT, "/nowhere/x");
  assert_failure(
      os_net_listen("tcp:0.0.0.0:0", false, &listener), POLYSHM_E_ACCESS, EPERM,
      "POLYSHM_SERVER_REMOTE");
}

static void net_listens_in_a_folder_of_its_own(void **state) {
  (void)state;
  os_listener listener;
  char long_folder[128];
  memset(long_folder, 'x', sizeof long_folder - 1);
  long_folder[0] = '/';
  long_folder[sizeof long_folder - 1] = 0;
  const char *const odd[] = {"", "relative", long_folder, NULL};
  const char *before = getenv("TMPDIR");
  for (size_t i = 0; i < LENGTH(odd); i++) {
    if (odd[i] == NULL)
      unsetenv("TMPDIR");
    else
      setenv("TMPDIR", odd[i], 1);
    assert_ok(os_net_listen(NULL, false, &listener));
    assert_memory_equal(listener.address, "unix:/tmp/polyshm-", 18);
    os_net_unlisten(&listener);
  }
  setenv("TMPDIR", folder, 1);
  assert_ok(os_net_listen(NULL, false, &listener));
  assert_memory_equal(listener.address + 5, folder, strlen(folder));
  struct stat found;
  assert_int_equal(stat(listener.folder, &found), 0);
  assert_int_equal(found.st_mode & 0777, 0700);
  os_net_unlisten(&listener);
  setenv("TMPDIR", "/nowhere", 1);
  assert_failure(
      os_net_listen(NULL, false, &listener), POLYSHM_E_NOT_FOUND, ENOENT,
      "/nowhere");
  if (before != NULL)
    setenv("TMPDIR", before, 1);
  else
    unsetenv("TMPDIR");
}

/* A socket of a dead listener, whose descriptor went first. */
static void leave_stale_socket(void) {
  os_listener dead;
  assert_ok(os_net_listen(address, false, &dead));
  close(dead.descriptor);
}

static void net_replaces_dead_sockets_alone(void **state) {
  (void)state;
  os_listener listener, other;
  leave_stale_socket();
  assert_ok(os_net_listen(address, false, &listener));
  assert_fails(os_net_listen(address, false, &other), POLYSHM_E_EXISTS);
  os_net_unlisten(&listener);
  assert_int_equal(close(open(path(), O_CREAT | O_RDWR, 0600)), 0);
  assert_fails(os_net_listen(address, false, &other), POLYSHM_E_EXISTS);
  assert_int_equal(unlink(path()), 0);
  /* Who cannot look, or has not the lock, replaces nothing. */
  static const fault_call calls[] = {FAULT_LOOK, FAULT_FLOCK, FAULT_OPEN};
  for (size_t i = 0; i < LENGTH(calls); i++) {
    leave_stale_socket();
    faults_reset();
    faults_fail(FAULT_SLEEP, 1, FOR_EVER, EINTR); /* not to wait for it */
    faults_fail(calls[i], 1, FOR_EVER, EWOULDBLOCK);
    assert_fails(os_net_listen(address, false, &other), POLYSHM_E_EXISTS);
    assert_true(faults_hit(calls[i]));
    faults_reset();
    assert_int_equal(unlink(path()), 0);
  }
}

static void net_removes_its_own_socket_alone(void **state) {
  (void)state;
  os_listener listener;
  assert_ok(os_net_listen(address, false, &listener));
  assert_int_equal(unlink(path()), 0);
  assert_int_equal(close(open(path(), O_CREAT | O_RDWR, 0600)), 0);
  os_net_unlisten(&listener);
  assert_int_equal(unlink(path()), 0); /* another's */
  assert_ok(os_net_listen(address, false, &listener));
  assert_int_equal(unlink(path()), 0);
  os_net_unlisten(&listener);
  os_net_unlisten(&listener); /* again */
}

/* ---------------------------------------------------------------- accepting */

static void net_tells_apart_why_nobody_comes(void **state) {
  (void)state;
  static const struct {
    int code;
    os_net_result result;
  } cases[] = {
      {EMFILE, OS_NET_FULL},          {ENFILE, OS_NET_FULL},
      {ENOBUFS, OS_NET_FULL},         {ENOMEM, OS_NET_FULL},
      {EBADF, OS_NET_GONE},           {EINVAL, OS_NET_GONE},
      {ENOTSOCK, OS_NET_GONE},        {EAGAIN, OS_NET_LATER},
      {ECONNABORTED, OS_NET_REFUSED}, {EPERM, OS_NET_REFUSED},
  };
  os_listener listener;
  int connection = -7;
  assert_ok(os_net_listen(address, false, &listener));
  for (size_t i = 0; i < LENGTH(cases); i++) {
    faults_reset();
    faults_fail(FAULT_TALK, 1, 1, cases[i].code);
    assert_int_equal(os_net_accept(&listener, &connection), cases[i].result);
    assert_int_equal(connection, -7);
  }
  faults_reset();
  assert_int_equal(os_net_accept(&listener, &connection), OS_NET_LATER);
  os_net_unlisten(&listener);
}

static void net_tells_apart_how_a_talk_goes_on(void **state) {
  (void)state;
  int ends[2];
  char byte = 'x';
  size_t count;
  assert_ok(os_net_pair(ends));
  static const int later[] = {EAGAIN, EINTR}, gone[] = {ECONNRESET, EPIPE};
  for (size_t i = 0; i < LENGTH(later); i++) {
    faults_fail(FAULT_TALK, 1, FOR_EVER, later[i]);
    assert_int_equal(os_net_write(ends[0], &byte, 1, &count), OS_NET_LATER);
    assert_int_equal(os_net_read(ends[1], &byte, 1, &count), OS_NET_LATER);
    faults_fail(FAULT_TALK, 1, FOR_EVER, gone[i]);
    assert_int_equal(os_net_write(ends[0], &byte, 1, &count), OS_NET_GONE);
    assert_int_equal(os_net_read(ends[1], &byte, 1, &count), OS_NET_GONE);
  }
  faults_reset();
  assert_int_equal(os_net_write(ends[0], &byte, 1, &count), OS_NET_DONE);
  assert_int_equal(os_net_read(ends[1], &byte, 1, &count), OS_NET_DONE);
  os_net_close(ends[0]);
  assert_int_equal(os_net_read(ends[1], &byte, 1, &count), OS_NET_GONE);
  os_net_close(ends[1]);
  os_net_close(-1);
  faults_reset();
  faults_fail(FAULT_TALK, 1, 1, EMFILE);
  assert_failure(os_net_pair(ends), POLYSHM_E_OS, EMFILE, "pair of sockets");
}

static void net_waits(void **state) {
  (void)state;
  int ends[2];
  assert_ok(os_net_pair(ends));
  assert_int_equal(os_net_wait(ends[0], false, -5), OS_WAKE_TIMEOUT);
  assert_int_equal(os_net_wait(ends[0], true, -5), OS_WAKE_MAYBE);
  faults_reset();
  faults_fail(FAULT_WAIT, 1, 1, EINTR);
  assert_int_equal(os_net_wait(ends[0], false, 1), OS_WAKE_INTERRUPTED);
  faults_reset();
  faults_fail(FAULT_WAIT, 1, 1, ENOMEM); /* so the call itself will tell */
  assert_int_equal(os_net_wait(ends[0], false, 1), OS_WAKE_MAYBE);
  os_net_close(ends[0]);
  os_net_close(ends[1]);
}

static void net_knows_sockets_again(void **state) {
  (void)state;
  int ends[2], file = open("/dev/null", O_RDWR | O_CLOEXEC);
  assert_ok(os_net_pair(ends));
  assert_true(os_net_identify(ends[0]) != 0);
  assert_true(os_net_identify(ends[0]) != os_net_identify(ends[1]));
  assert_int_equal(os_net_identify(file), 0);
  assert_int_equal(os_net_identify(-1), 0);
  os_net_close(ends[0]);
  assert_int_equal(os_net_identify(ends[0]), 0);
  os_net_close(ends[1]);
  close(file);
}

/* --------------------------------------------------------------- connecting */

/* However busy the machine is. */
static polyshm_status connect_at_last(const char *to, int *out_connection) {
  return os_net_connect(
      to, os_clock_deadline(INT64_C(10000) * MILLISECOND), out_connection);
}

static polyshm_status connect_soon(const char *to, int *out_connection) {
  return os_net_connect(
      to, os_clock_deadline(20 * MILLISECOND), out_connection);
}

static void net_says_why_it_cannot_connect(void **state) {
  (void)state;
  static const struct {
    unsigned nth; /* 1 socket, 2 connect */
    int code;
    polyshm_status status;
  } cases[] = {
      {1, EMFILE, POLYSHM_E_OS},       {2, ENOENT, POLYSHM_E_NOT_FOUND},
      {2, EACCES, POLYSHM_E_ACCESS},   {2, EPERM, POLYSHM_E_ACCESS},
      {2, ECONNREFUSED, POLYSHM_E_OS},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    int connection = -7;
    faults_reset();
    faults_fail(FAULT_TALK, cases[i].nth, 1, cases[i].code);
    assert_failure(
        connect_soon(address, &connection), cases[i].status, cases[i].code,
        "cannot");
    assert_int_equal(connection, -7);
  }
}

/* A connection that is made in the background. */
static void net_finishes_what_it_began(void **state) {
  (void)state;
  os_listener listener;
  int connection = -7;
  assert_ok(os_net_listen("tcp:127.0.0.1:0", false, &listener));
  faults_reset();
  faults_fail(FAULT_TALK, 2, 1, EINPROGRESS);
  faults_fail(FAULT_WAIT, 1, 1, EINTR);
  assert_failure(
      connect_at_last(listener.address, &connection), POLYSHM_E_INTERRUPTED, 0,
      "signal");
  faults_reset();
  faults_fail(FAULT_TALK, 2, 1, EINPROGRESS);
  assert_failure(
      os_net_connect(listener.address, os_clock_deadline(0), &connection),
      POLYSHM_E_TIMEOUT, ETIMEDOUT, "does not answer");
  assert_int_equal(connection, -7);
  faults_reset();
  assert_ok(connect_at_last(listener.address, &connection));
  os_net_close(connection);
  os_net_unlisten(&listener);
  assert_failure(
      connect_at_last(listener.address, &connection), POLYSHM_E_OS,
      ECONNREFUSED, "cannot connect");
}

/* As a local listener that accepts nobody answers. */
static void net_waits_for_a_place(void **state) {
  (void)state;
  os_listener listener;
  int connection = -7;
  assert_ok(os_net_listen(address, false, &listener));
  faults_reset();
  faults_fail(FAULT_TALK, 2, FOR_EVER, EAGAIN);
  assert_failure(
      connect_soon(address, &connection), POLYSHM_E_TIMEOUT, ETIMEDOUT,
      "accepts nobody");
  faults_reset();
  faults_fail(FAULT_TALK, 2, FOR_EVER, EAGAIN);
  faults_fail(FAULT_WAIT, 2, 1, EINTR);
  assert_failure(
      connect_at_last(address, &connection), POLYSHM_E_INTERRUPTED, 0,
      "signal");
  assert_int_equal(connection, -7);
  faults_reset();
  faults_fail(FAULT_TALK, 2, 3, EAGAIN);
  assert_ok(connect_at_last(address, &connection));
  os_net_close(connection);
  os_net_unlisten(&listener);
}

/* ---------------------------------------------------------------- processes */

static void net_knows_who_lives(void **state) {
  (void)state;
  assert_true(os_process_is_alive((uint64_t)getpid()));
  assert_true(os_process_is_alive(1)); /* whoever's it is */
  pid_t child = fork();
  if (child == 0)
    _exit(0);
  assert_int_equal(waitpid(child, NULL, 0), child);
  assert_false(os_process_is_alive((uint64_t)child));
  assert_int_equal(os_process_watch((uint64_t)child), -1);
}

static void net_takes_all_descriptors_it_may(void **state) {
  (void)state;
  struct rlimit before, fewer, now;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  fewer = before;
  fewer.rlim_cur = 50;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &fewer), 0);
  faults_reset();
  faults_fail(FAULT_LIMIT, 1, 1, EPERM);
  os_net_raise_limit();
  faults_reset();
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
  assert_int_equal(now.rlim_cur, 50);
  os_net_raise_limit();
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
  assert_int_equal(now.rlim_cur, before.rlim_max);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void net_takes_signals_once(void **state) {
  (void)state;
  int bell = os_bell_open();
  assert_true(bell >= 0);
  assert_true(os_signals_take(bell));
  assert_false(os_signals_take(bell)); /* one server of a process has them */
  assert_int_equal(os_net_wait(bell, false, 0), OS_WAKE_TIMEOUT);
  raise(SIGTERM);
  assert_int_equal(os_net_wait(bell, false, 0), OS_WAKE_MAYBE);
  os_bell_clear(bell);
  raise(SIGINT);
  assert_int_equal(os_net_wait(bell, false, 0), OS_WAKE_MAYBE);
  os_signals_release();
  /* Who ignores SIGINT goes on doing so. */
  void (*before)(int) = signal(SIGINT, SIG_IGN);
  os_bell_clear(bell);
  assert_true(os_signals_take(bell));
  raise(SIGINT);
  assert_int_equal(os_net_wait(bell, false, 0), OS_WAKE_TIMEOUT);
  os_signals_release();
  assert_ptr_equal(signal(SIGINT, before), SIG_IGN);
  os_net_close(bell);
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(net_says_why_it_cannot_listen),
      TEST(net_listens_in_a_folder_of_its_own),
      TEST(net_replaces_dead_sockets_alone),
      TEST(net_removes_its_own_socket_alone),
      TEST(net_tells_apart_why_nobody_comes),
      TEST(net_tells_apart_how_a_talk_goes_on),
      TEST(net_waits),
      TEST(net_knows_sockets_again),
      TEST(net_says_why_it_cannot_connect),
      TEST(net_finishes_what_it_began),
      TEST(net_waits_for_a_place),
      TEST(net_knows_who_lives),
      TEST(net_takes_all_descriptors_it_may),
      TEST(net_takes_signals_once),
  };
  return run_group(tests);
}
