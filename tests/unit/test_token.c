/* SPDX-License-Identifier: MIT */
/* The names of process trees. */
#include "os/os.h"

#include "os/linux/socket.h"
#include "faults.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void token_is_that_of_this_process(void **state) {
  (void)state;
  char one[OS_TREE_TOKEN_SIZE], other[OS_TREE_TOKEN_SIZE];
  assert_ok(os_tree_make_token(one));
  assert_ok(os_tree_make_token(other));
  assert_string_not_equal(one, other);
  assert_int_equal(atol(one), getpid());
  assert_true(os_tree_is_token(one) && os_tree_is_token(other));
  assert_true(os_tree_is_alive(one) && os_tree_is_alive(other));
}

static void token_is_nothing_else(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "",
      "1",
      "1:2",
      "1:2:3",
      ":2:0123456789abcdef",
      "0:2:0123456789abcdef",
      "-5:2:0123456789abcdef",
      "1:x:0123456789abcdef",
      "1:2:0123456789ABCDEF",
      "1:2:0123456789abcde",
      "x1:2:0123456789abcdef",
      "11111111111111111111111111111111111111111111111111:2:0123456789abcdef",
  };
  for (size_t i = 0; i < LENGTH(wrong); i++)
    if (os_tree_is_token(wrong[i]) || os_tree_is_alive(wrong[i]))
      fail_msg("'%s' is taken for a token", wrong[i]);
  assert_true(os_tree_is_token("1:2:0123456789abcdef"));
  assert_false(os_tree_is_token(NULL));
}

/* It is this process's, with another start: somebody who had the number. */
static void token_of_a_predecessor_is_dead(void **state) {
  (void)state;
  char token[OS_TREE_TOKEN_SIZE];
  snprintf(token, sizeof token, "%ld:1:0123456789abcdef", (long)getpid());
  assert_true(os_tree_is_token(token));
  assert_false(os_tree_is_alive(token));
}

static char of_child[OS_TREE_TOKEN_SIZE];

static void token_of_the_dead_is_dead(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    os_tree_make_token(of_child);
    _exit(write(ends[1], of_child, sizeof of_child) != sizeof of_child);
  }
  assert_int_equal(read(ends[0], of_child, sizeof of_child), sizeof of_child);
  close(ends[0]);
  close(ends[1]);
  assert_true(os_tree_is_token(of_child));
  siginfo_t ended; /* but not reaped: it is a zombie */
  assert_int_equal(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), 0);
  assert_false(os_tree_is_alive(of_child));
  assert_int_equal(waitpid(child, NULL, 0), child);
  assert_false(os_tree_is_alive(of_child));
}

static void token_is_passed_by_the_environment(void **state) {
  (void)state;
  unsetenv("POLYSHM_TREE");
  assert_null(os_tree_get_token());
  os_tree_set_token("1:2:0123456789abcdef");
  assert_string_equal(os_tree_get_token(), "1:2:0123456789abcdef");
  assert_string_equal(getenv("POLYSHM_TREE"), "1:2:0123456789abcdef");
  unsetenv("POLYSHM_TREE");
}

/* No helper listens there; and one address is one starter's. */
static void token_is_an_address(void **state) {
  (void)state;
  char token[OS_TREE_TOKEN_SIZE];
  assert_ok(os_tree_make_token(token));
  assert_int_equal(os_tree_connect(token), -1);
  int listener = os_tree_listen(token);
  assert_true(listener >= 0);
  assert_int_equal(os_tree_listen(token), -1);
  int connection = os_tree_connect(token);
  assert_true(connection >= 0);
  uint64_t identity = os_tree_identify(connection);
  assert_true(identity != 0);
  assert_true(os_tree_is_connected(connection, identity));
  assert_false(os_tree_is_connected(connection, identity + 1));
  assert_false(os_tree_is_connected(listener, identity));
  assert_false(os_tree_is_connected(-1, identity));
  os_tree_close(listener);
  assert_false(os_tree_is_connected(connection, identity));
  os_tree_close(connection);
  assert_int_equal(os_tree_identify(connection), 0);
  os_tree_close(-1);
  assert_int_equal(os_tree_connect(token), -1);
}

/* Both ends of a connection to a helper, of which this test is one. */
typedef struct talk {
  int listener, connection, helper;
} talk;

static talk begin_talk(void) {
  char token[OS_TREE_TOKEN_SIZE];
  assert_ok(os_tree_make_token(token));
  talk it = {.listener = os_tree_listen(token)};
  it.connection = os_tree_connect(token);
  it.helper = accept4(it.listener, NULL, NULL, SOCK_CLOEXEC);
  assert_true(it.helper >= 0 && it.connection >= 0);
  return it;
}

static void end_talk(talk it) {
  os_tree_close(it.connection);
  os_tree_close(it.helper);
  os_tree_close(it.listener);
}

static void token_needs_sockets(void **state) {
  (void)state;
  char token[OS_TREE_TOKEN_SIZE];
  assert_ok(os_tree_make_token(token));
  for (unsigned nth = 1; nth <= 3; nth++) { /* socket, bind, listen */
    faults_reset();
    faults_fail(FAULT_TALK, nth, 1, EMFILE);
    assert_int_equal(os_tree_listen(token), -1);
  }
  faults_reset();
  int listener = os_tree_listen(token);
  assert_true(listener >= 0);
  for (unsigned nth = 1; nth <= 2; nth++) { /* socket, connect */
    faults_reset();
    faults_fail(FAULT_TALK, nth, 1, EMFILE);
    assert_int_equal(os_tree_connect(token), -1);
  }
  faults_reset();
  os_tree_close(listener);
}

/* Who listens there may hand out anything. */
static void token_takes_this_folder_alone(void **state) {
  (void)state;
  talk it = begin_talk();
  int folder = os_folder_open();
  int other = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_true(os_socket_send(it.helper, OS_SOCKET_FOLDER, other));
  assert_int_equal(os_tree_fetch(it.connection), -1);
  assert_true(os_socket_send(it.helper, OS_SOCKET_FOLDER, -1));
  assert_int_equal(os_tree_fetch(it.connection), -1);
  assert_true(os_socket_send(it.helper, OS_SOCKET_FOLDER, folder));
  int fetched = os_tree_fetch(it.connection);
  assert_true(os_folder_is(fetched));
  os_tree_close(fetched);
  /* A descriptor that nobody asked for is not kept. */
  assert_true(os_socket_send(it.helper, OS_SOCKET_HELD, other));
  assert_true(os_tree_share(it.connection, folder));
  os_tree_close(it.helper);
  it.helper = -1;
  assert_int_equal(os_tree_fetch(it.connection), -1);
  assert_false(os_tree_share(it.connection, folder));
  os_tree_close(folder);
  os_tree_close(other);
  end_talk(it);
}

static void token_talks_may_fail(void **state) {
  (void)state;
  talk it = begin_talk();
  int folder = os_folder_open();
  for (unsigned nth = 1; nth <= 2; nth++) { /* sendmsg, recvmsg */
    faults_reset();
    faults_fail(FAULT_TALK, nth, 1, ECONNRESET);
    assert_int_equal(os_tree_fetch(it.connection), -1);
    faults_reset();
    faults_fail(FAULT_TALK, nth, 1, ECONNRESET);
    assert_false(os_tree_share(it.connection, folder));
  }
  uint64_t identity = os_tree_identify(it.connection);
  faults_reset();
  assert_true(os_tree_is_connected(it.connection, identity));
  faults_reset();
  faults_fail(FAULT_TALK, 1, 1, ECONNRESET);
  assert_false(os_tree_is_connected(it.connection, identity));
  faults_reset();
  os_tree_close(folder);
  end_talk(it);
}

/* /proc tells when a process began; who cannot read it knows no life. */
static void token_is_of_nobody_without_proc(void **state) {
  (void)state;
  char token[OS_TREE_TOKEN_SIZE];
  assert_ok(os_tree_make_token(token));
  faults_reset();
  faults_fail(FAULT_OPEN, 1, FOR_EVER, EMFILE);
  assert_false(os_tree_is_alive(token));
  assert_ok(os_tree_make_token(token));
  faults_reset();
  assert_true(os_tree_is_token(token));
  assert_non_null(strstr(token, ":0:"));
  faults_fail(FAULT_RANDOM, 1, 1, EIO);
  assert_failure(os_tree_make_token(token), POLYSHM_E_OS, EIO, "");
  faults_reset();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(token_is_that_of_this_process),
      cmocka_unit_test(token_is_nothing_else),
      cmocka_unit_test(token_of_a_predecessor_is_dead),
      cmocka_unit_test(token_of_the_dead_is_dead),
      cmocka_unit_test(token_is_passed_by_the_environment),
      cmocka_unit_test(token_is_an_address),
      cmocka_unit_test(token_needs_sockets),
      cmocka_unit_test(token_takes_this_folder_alone),
      cmocka_unit_test(token_talks_may_fail),
      cmocka_unit_test(token_is_of_nobody_without_proc),
  };
  return run_group(tests);
}
