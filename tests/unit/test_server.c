/* SPDX-License-Identifier: MIT */
/*
 * A server on a thread and its clients on others, each with every call to the
 * system failing once. Whatever fails, the other side lives on, every failure
 * is a documented status, and nothing is left.
 */
#include "os/net.h"

#include "os/os.h"

#include "faults.h"
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY "key", 3
#define SECOND INT64_C(1000000000)

static polyshm_server *server;
static pthread_t thread;
static bool is_under_test; /* the server; else the client */
static char events[1 << 16];

static void *serve(void *argument) {
  faults_spare(!is_under_test);
  polyshm_event_info event = {.struct_size = sizeof event};
  polyshm_status status;
  while ((status = polyshm_server_next(server, POLYSHM_FOREVER, &event)) ==
             POLYSHM_OK ||
         status == POLYSHM_E_INTERRUPTED)
    if (status == POLYSHM_OK &&
        strlen(events) + sizeof event.text < sizeof events)
      strcat(events, event.text);
  *(polyshm_status *)argument = status;
  return NULL;
}

static polyshm_status ended;

static void begin(bool test_server) {
  polyshm_server_options options = {
      .struct_size = sizeof options, .level = POLYSHM_LEVEL_DEBUG};
  faults_reset();
  is_under_test = test_server;
  events[0] = 0;
  assert_ok(polyshm_server_open(NULL, KEY, &options, &server));
  faults_reset(); /* what comes now is counted */
  assert_int_equal(pthread_create(&thread, NULL, serve, &ended), 0);
  faults_spare(test_server);
}

static void end(void) {
  faults_spare(false);
  faults_reset();
  assert_ok(polyshm_server_stop(server));
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(ended, POLYSHM_E_END);
  polyshm_server_free(server);
  server = NULL;
}

/* --------------------------------------------------------------- scenario */

static const char *block_name, *list_name;

/* What a client does in its life; it goes on after a failure where it can. */
static void live(int64_t timeout, polyshm_status *statuses, size_t *count) {
  polyshm_manager_options options = {
      .struct_size = sizeof options, .timeout = timeout};
  polyshm_manager *manager;
  polyshm_block *block, *fresh;
  polyshm_list *list;
  polyshm_value value = int_value(7);
  char names[1000];
  uint64_t size;
  *count = 0;
#define NOTE(call) (statuses[(*count)++] = (call))
  if (NOTE(polyshm_manager_connect(
          polyshm_server_address(server), KEY, &options, &manager)) < 0)
    return;
  if (NOTE(polyshm_manager_block(manager, block_name, 100, 0, NULL, &block)) ==
      POLYSHM_OK) {
    polyshm_block_free(block);
    NOTE(polyshm_manager_track(manager, block_name));
  }
  if (NOTE(polyshm_manager_block(manager, NULL, 100, 0, NULL, &fresh)) ==
      POLYSHM_OK) {
    NOTE(polyshm_manager_release(manager, polyshm_block_name(fresh)));
    polyshm_block_free(fresh);
  }
  if (NOTE(polyshm_manager_list(
          manager, list_name, &value, 1, 0, NULL, &list)) == POLYSHM_OK)
    polyshm_list_free(list);
  NOTE(polyshm_manager_segments(manager, names, sizeof names, &size));
  polyshm_manager_free(manager);
#undef NOTE
}

/* Once more, with nothing in the way. */
static void live_well(void) {
  polyshm_status statuses[16];
  size_t count;
  live(10 * SECOND, statuses, &count);
  for (size_t i = 0; i < count; i++)
    if (statuses[i] != POLYSHM_OK)
      fail_msg(
          "call %zu: status %d: %s", i, statuses[i], polyshm_error_message());
  assert_int_equal(count, 7);
}

static void check_failures(void) {
  polyshm_status statuses[16];
  size_t count;
  live(SECOND / 5, statuses, &count);
  for (size_t i = 0; i < count; i++)
    if (statuses[i] > 0 || statuses[i] < POLYSHM_E_INTERRUPTED ||
        (statuses[i] < 0 && polyshm_error_message()[0] == 0))
      fail_msg("call %zu: status %d without a message", i, statuses[i]);
}

/* What a failed call may have left is the manager's, and goes with it. */
static bool fail_once(
    bool test_server, fault_call call, unsigned nth, int code) {
  block_name = fresh_name();
  list_name = fresh_name();
  long heap = faults_heap();
  holdings held = count_holdings();
  begin(test_server);
  faults_fail(call, nth, 1, code);
  check_failures();
  bool hit = faults_hit(call);
  faults_reset();
  block_name = fresh_name();
  list_name = fresh_name();
  live_well();
  end();
  assert_int_equal(faults_heap(), heap);
  assert_int_equal(count_holdings().descriptors, held.descriptors);
  assert_false(is_there(block_name));
  assert_false(is_there(list_name));
  return hit;
}

static const struct {
  fault_call call;
  int code;
} faults[] = {
    {FAULT_MALLOC, ENOMEM},        {FAULT_TALK, ECONNRESET},
    {FAULT_POLL, ENOSPC},          {FAULT_RANDOM, EIO},
    {FAULT_LOOK, EACCES},          {FAULT_FCNTL, ENOLCK},
    {FAULT_WAIT, EINTR},           {FAULT_REMOVE, EPERM},
    {FAULT_OPEN_NAMELESS, EMFILE}, {FAULT_FSTAT, EIO},
};

static void fail_each(bool test_server) {
  block_name = list_name = "none";
  for (size_t i = 0; i < LENGTH(faults); i++) {
    unsigned nth = 1;
    while (fail_once(test_server, faults[i].call, nth, faults[i].code))
      assert_true(++nth < 300); /* it is the loop that must end */
  }
}

static void client_survives_each_failure(void **state) {
  (void)state;
  fail_each(false);
}

static void server_survives_each_failure(void **state) {
  (void)state;
  fail_each(true);
}

/* --------------------------------------------------------------------- open */

static void server_opens_or_leaves_nothing(void **state) {
  (void)state;
  /* So many calls it cannot do without. */
  static const struct {
    fault_call call;
    int code;
    unsigned needed;
  } kinds[] = {
      {FAULT_MALLOC, ENOMEM, 2}, {FAULT_RANDOM, EIO, 1},
      {FAULT_OPEN, EMFILE, 1},   {FAULT_POLL, EMFILE, 5},
      {FAULT_TALK, EMFILE, 3},   {FAULT_PIDFD, ENOSYS, 0},
  };
  faults_reset();
  long heap = faults_heap();
  for (size_t i = 0; i < LENGTH(kinds); i++) {
    bool hit = true;
    for (unsigned nth = 1; hit; nth++) {
      polyshm_server_options options = {
          .struct_size = sizeof options, .parent = (uint64_t)getpid()};
      holdings held = count_holdings();
      polyshm_server *opened = NULL;
      faults_reset();
      faults_fail(kinds[i].call, nth, 1, kinds[i].code);
      polyshm_status status = polyshm_server_open(NULL, KEY, &options, &opened);
      hit = faults_hit(kinds[i].call);
      faults_reset();
      if ((status < 0) != (nth <= kinds[i].needed))
        fail_msg("kind %d, call %u: status %d", kinds[i].call, nth, status);
      if (status < 0) {
        assert_null(opened);
        assert_string_not_equal(polyshm_error_message(), "");
      } else
        polyshm_server_free(opened);
      assert_int_equal(faults_heap(), heap);
      assert_int_equal(count_holdings().descriptors, held.descriptors);
      assert_true(nth < 100);
    }
  }
}

static void server_watches_a_parent_without_a_descriptor(void **state) {
  (void)state;
  pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(1);
  }
  polyshm_server_options options = {
      .struct_size = sizeof options, .parent = (uint64_t)child};
  polyshm_event_info event = {.struct_size = sizeof event};
  faults_reset();
  faults_fail(FAULT_PIDFD, 1, FOR_EVER, ENOSYS);
  assert_ok(polyshm_server_open(NULL, KEY, &options, &server));
  assert_fails(polyshm_server_next(server, 1, &event), POLYSHM_E_TIMEOUT);
  kill(child, SIGKILL);
  assert_int_equal(waitpid(child, NULL, 0), child);
  polyshm_status status;
  while ((status = polyshm_server_next(server, 10 * SECOND, &event)) ==
         POLYSHM_OK)
    continue;
  assert_int_equal(status, POLYSHM_E_END);
  polyshm_server_free(server);
  assert_failure(
      polyshm_server_open(NULL, KEY, &options, &server), POLYSHM_E_INVALID, 0,
      "there is no process");
  faults_reset();
}

/* ------------------------------------------------------------------ accepting
 */

static void server_ends_without_its_socket(void **state) {
  (void)state;
  begin(true);
  faults_fail(FAULT_TALK, 1, FOR_EVER, EBADF);
  polyshm_manager *manager;
  polyshm_manager_options options = {
      .struct_size = sizeof options, .timeout = SECOND / 10};
  assert_true(
      polyshm_manager_connect(
          polyshm_server_address(server), KEY, &options, &manager) < 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  faults_spare(false);
  faults_reset();
  assert_int_equal(ended, POLYSHM_E_END);
  assert_non_null(strstr(events, "the listening socket is gone"));
  polyshm_server_free(server);
}

static void server_pauses_without_descriptors(void **state) {
  (void)state;
  begin(true);
  faults_fail(FAULT_TALK, 1, 1, EMFILE);
  block_name = fresh_name();
  list_name = fresh_name();
  live_well(); /* a tenth of a second later */
  assert_true(faults_hit(FAULT_TALK));
  end();
}

static void server_lets_the_unlucky_go(void **state) {
  (void)state;
  begin(true);
  faults_fail(FAULT_TALK, 1, 1, ECONNABORTED);
  block_name = fresh_name();
  list_name = fresh_name();
  live_well();
  end();
  assert_non_null(strstr(events, "it is another user, or has gone"));
}

static void server_refuses_wrong_wishes(void **state) {
  (void)state;
  polyshm_server_options options = {.struct_size = 1};
  assert_fails(
      polyshm_server_open(NULL, KEY, &options, &server), POLYSHM_E_INVALID);
  polyshm_event_info event = {.struct_size = 1};
  assert_ok(polyshm_server_open(NULL, KEY, NULL, &server));
  assert_fails(polyshm_server_next(server, 0, &event), POLYSHM_E_INVALID);
  assert_fails(polyshm_server_next(server, 0, NULL), POLYSHM_E_INVALID);
  assert_fails(polyshm_server_next(NULL, 0, &event), POLYSHM_E_INVALID);
  assert_fails(polyshm_server_stop(NULL), POLYSHM_E_INVALID);
  assert_null(polyshm_server_address(NULL));
  polyshm_server_free(NULL);
  polyshm_server_free(server);
}

/* Signals are the process's, so one server at a time has them. */
static void server_is_one_with_the_signals(void **state) {
  (void)state;
  size_t held = count_holdings().descriptors;
  int bell = os_bell_open();
  assert_true(os_signals_take(bell));
  assert_failure(
      polyshm_manager_serve(NULL, KEY, NULL), POLYSHM_E_BUSY, 0,
      "another thread");
  os_signals_release();
  os_net_close(bell);
  assert_failure(
      polyshm_manager_serve("unix:/nowhere/x", KEY, NULL), POLYSHM_E_NOT_FOUND,
      ENOENT, "/nowhere/x");
  assert_int_equal(count_holdings().descriptors, held);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(server_opens_or_leaves_nothing),
      cmocka_unit_test(server_watches_a_parent_without_a_descriptor),
      cmocka_unit_test(client_survives_each_failure),
      cmocka_unit_test(server_survives_each_failure),
      cmocka_unit_test(server_ends_without_its_socket),
      cmocka_unit_test(server_pauses_without_descriptors),
      cmocka_unit_test(server_lets_the_unlucky_go),
      cmocka_unit_test(server_refuses_wrong_wishes),
      cmocka_unit_test(server_is_one_with_the_signals),
  };
  return run_group(tests);
}
