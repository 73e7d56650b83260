/* SPDX-License-Identifier: MIT */
/* The names of process trees. */
#include "os/os.h"

#include "support.h"

#include <stdlib.h>
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(token_is_that_of_this_process),
      cmocka_unit_test(token_is_nothing_else),
      cmocka_unit_test(token_of_a_predecessor_is_dead),
      cmocka_unit_test(token_of_the_dead_is_dead),
      cmocka_unit_test(token_is_passed_by_the_environment),
      cmocka_unit_test(token_is_an_address),
  };
  return run_group(tests);
}
