/* SPDX-License-Identifier: MIT */
#include "manage/session.h"

#include "manage/message.h"
#include "manage/method.h"
#include "os/hmac.h"
#include "base/frame.h"
#include "faults.h"
#include "support.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static pshm_household house;
static pshm_session session;
static pshm_pickle pickle;

static int setup(void **state) {
  (void)state;
  faults_reset();
  house = (pshm_household){.message_limit = 1 << 16};
  house.journal.level = POLYSHM_LEVEL_DEBUG;
  if (os_hmac_open() != POLYSHM_OK)
    return -1;
  pshm_auth_take_key("key", 3, false, &house.key);
  return pshm_registry_open(&house.registry, 100) == POLYSHM_OK &&
                 pshm_session_open(&session) == POLYSHM_OK
             ? 0
             : -1;
}

static int teardown(void **state) {
  (void)state;
  faults_reset();
  pshm_session_close(&session);
  pshm_registry_clear(&house.registry);
  pshm_registry_close(&house.registry);
  pshm_unpickle_drop(&house.pickle);
  pshm_unpickle_drop(&pickle);
  return 0;
}

/* ------------------------------------------------------------------- talk */

static void say(const void *bytes, size_t size) {
  pshm_frame_put(&session.in, bytes, size);
  pshm_session_work(&session, &house);
}

/* The next message of what it says. */
static pshm_frame hear(void) {
  static unsigned char body[1 << 16];
  pshm_frame frame;
  assert_int_equal(
      pshm_frame_read(session.out.bytes, session.out.size, sizeof body, &frame),
      PSHM_FRAME_WHOLE);
  memcpy(body, frame.body, frame.size);
  pshm_buffer_consume(&session.out, frame.total);
  frame.body = body;
  return frame;
}

static void hears(const char *word) {
  pshm_frame frame = hear();
  assert_int_equal(frame.size, strlen(word));
  assert_memory_equal(frame.body, word, frame.size);
}

static size_t respond(unsigned char *response) {
  pshm_frame frame = hear();
  return pshm_auth_respond(&house.key, frame.body, frame.size, response);
}

static void get_in(const char *mark) {
  unsigned char response[PSHM_AUTH_RESPONSE_MAX];
  unsigned char challenge[PSHM_AUTH_CHALLENGE_SIZE];
  size_t size = respond(response);
  say(response, size);
  hears("#WELCOME#");
  assert_ok(pshm_auth_challenge(challenge));
  memcpy(challenge + sizeof challenge - 8, mark, 8);
  say(challenge, sizeof challenge);
  pshm_frame answer = hear();
  assert_true(pshm_auth_check(&house.key, challenge, answer.body, answer.size));
  say("#WELCOME#", 9);
  assert_int_equal(session.state, PSHM_SESSION_READY);
  assert_int_equal(session.out.size, 0);
}

static void ask(const char *method, const char *name) {
  pshm_request_put(&session.in, method, name, NULL, 0);
  pshm_session_work(&session, &house);
}

/* The reply's value, a node of `pickle`; 0 if it is a failure. */
static uint32_t answer(void) {
  pshm_frame frame = hear();
  polyshm_status status = POLYSHM_OK;
  return pshm_reply_read(&pickle, frame.body, frame.size, &status);
}

#define OURS "polyshm\1"
#define STOCK "whatever"

/* -------------------------------------------------------------- handshake */

static void session_lets_in_who_knows_the_key(void **state) {
  (void)state;
  get_in(STOCK);
  assert_false(session.is_ours);
  ask("dummy", NULL);
  assert_true(answer() != 0);
  assert_int_equal(session.state, PSHM_SESSION_ENDED); /* one for stock */
}

static void session_stays_with_its_own_kind(void **state) {
  (void)state;
  get_in(OURS);
  for (int i = 0; i < 3; i++) {
    ask("dummy", NULL);
    assert_true(answer() != 0);
    assert_int_equal(session.state, PSHM_SESSION_READY);
  }
}

static void session_refuses_a_wrong_response(void **state) {
  (void)state;
  unsigned char response[PSHM_AUTH_RESPONSE_MAX];
  size_t size = respond(response);
  response[size - 1] ^= 1;
  say(response, size);
  hears("#FAILURE#");
  assert_int_equal(answer(), 0);
  assert_message("AuthenticationError: digest received was wrong");
  assert_int_equal(session.state, PSHM_SESSION_ENDED);
  assert_false(session.is_trusted);
}

static void session_refuses_requests_before_the_welcome(void **state) {
  (void)state;
  hear();
  ask("shutdown", NULL);
  assert_int_equal(session.state, PSHM_SESSION_ENDED);
  assert_false(house.is_over);
}

static void session_wants_to_be_welcome(void **state) {
  (void)state;
  unsigned char response[PSHM_AUTH_RESPONSE_MAX];
  unsigned char challenge[PSHM_AUTH_CHALLENGE_SIZE];
  size_t size = respond(response);
  say(response, size);
  hears("#WELCOME#");
  assert_ok(pshm_auth_challenge(challenge));
  say(challenge, sizeof challenge);
  hear();
  say("#FAILURE#", 9);
  assert_int_equal(session.state, PSHM_SESSION_ENDED);
  assert_int_equal(session.out.size, 0);
}

static void session_takes_small_messages_before_the_welcome(void **state) {
  (void)state;
  hear();
  assert_int_equal(pshm_session_appetite(&session, &house), 256 + 12);
  pshm_buffer_put(&session.in, "\0\0\1\1", 4); /* 257 bytes are to come */
  pshm_session_work(&session, &house);
  assert_int_equal(session.state, PSHM_SESSION_ENDED);
}

/* --------------------------------------------------------------- requests */

static void session_serves_segments(void **state) {
  (void)state;
  get_in(OURS);
  const char *one = fresh_name(), *other = fresh_name();
  make_file(one, "x", 1);
  make_file(other, "x", 1);
  ask("list_segments", NULL);
  uint32_t list = answer();
  assert_int_equal(pshm_unpickle_at(&pickle, list)->count, 0);
  ask("track_segment", one);
  assert_true(answer() != 0);
  ask("track_segment", other);
  assert_true(answer() != 0);
  ask("list_segments", NULL);
  list = answer();
  assert_int_equal(pshm_unpickle_at(&pickle, list)->count, 2);
  assert_true(
      pshm_unpickle_says(&pickle, pshm_unpickle_child(&pickle, list, 0), one));
  assert_true(pshm_unpickle_says(
      &pickle, pshm_unpickle_child(&pickle, list, 1), other));
  ask("release_segment", one);
  assert_true(answer() != 0);
  assert_false(is_there(one));
  ask("release_segment", one);
  assert_int_equal(answer(), 0);
  assert_message("ValueError");
  unlink(path_of(other));
  ask("release_segment", other);
  assert_int_equal(answer(), 0);
  assert_message("FileNotFoundError");
}

static void session_refuses_names_that_are_none(void **state) {
  (void)state;
  get_in(OURS);
  static const char *const names[] = {"", "/", "a/b", "../x", "\xff"};
  for (size_t i = 0; i < LENGTH(names); i++) {
    ask("track_segment", names[i]);
    assert_int_equal(answer(), 0);
    assert_message("ValueError");
    assert_int_equal(session.state, PSHM_SESSION_READY);
  }
  char name[300];
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = 0;
  ask("track_segment", name);
  assert_int_equal(answer(), 0);
  ask("track_segment", NULL);
  assert_int_equal(answer(), 0);
  assert_message("TypeError");
  assert_int_equal(house.registry.count, 0);
}

static void session_answers_what_it_does_not_do(void **state) {
  (void)state;
  get_in(OURS);
  static const struct {
    const char *method, *exception;
  } others[] = {
      {"create", "KeyError"},
      {"incref", "KeyError"},
      {"decref", "KeyError"},
      {"get_methods", "KeyError"},
      {"nothing", "AssertionError: nothing unrecognized"},
      {"\xff\n", "AssertionError: ?? unrecognized"},
  };
  for (size_t i = 0; i < LENGTH(others); i++) {
    ask(others[i].method, NULL);
    assert_int_equal(answer(), 0);
    assert_message(others[i].exception);
  }
  ask("number_of_objects", NULL);
  uint32_t value = answer();
  assert_true(pshm_unpickle_is(&pickle, value, PSHM_PICKLE_INT));
  ask("debug_info", NULL);
  assert_true(pshm_unpickle_is(&pickle, answer(), PSHM_PICKLE_TEXT));
}

static void session_keeps_a_connection_that_stock_wants_kept(void **state) {
  (void)state;
  get_in(STOCK);
  ask("accept_connection", "MainProcess");
  assert_true(answer() != 0);
  assert_int_equal(session.state, PSHM_SESSION_READY);
  ask("dummy", NULL);
  assert_true(answer() != 0);
  assert_int_equal(session.state, PSHM_SESSION_READY);
}

static void session_refuses_pickles_that_run(void **state) {
  (void)state;
  get_in(OURS);
  static const char bytes[] = "cos\nsystem\n(Vtrue\ntR.";
  say(bytes, sizeof bytes - 1);
  assert_int_equal(answer(), 0);
  assert_message("no plain value");
  assert_int_equal(session.state, PSHM_SESSION_ENDED);
}

static void session_refuses_large_requests(void **state) {
  (void)state;
  get_in(OURS);
  pshm_buffer_put(&session.in, "\0\1\0\1", 4);
  pshm_session_work(&session, &house);
  assert_int_equal(session.state, PSHM_SESSION_ENDED);
}

static void session_waits_until_its_answer_is_taken(void **state) {
  (void)state;
  get_in(OURS);
  for (int i = 0; i < 3; i++)
    pshm_request_put(&session.in, "dummy", NULL, NULL, 0);
  pshm_session_work(&session, &house);
  assert_int_equal(session.requests, 1);
  answer();
  pshm_session_work(&session, &house);
  assert_int_equal(session.requests, 2);
}

static void session_announces_and_retracts(void **state) {
  (void)state;
  get_in(OURS);
  struct stat folder;
  assert_int_equal(stat("/dev/shm", &folder), 0);
  int64_t numbers[] = {INT64_C(1) << 40, (int64_t)folder.st_dev};
  const char *name = fresh_name();
  pshm_request_put(&session.in, PSHM_MESSAGE_ANNOUNCE, name, numbers, 2);
  pshm_session_work(&session, &house);
  assert_true(answer() != 0);
  assert_int_equal(house.registry.count, 1);
  pshm_request_put(&session.in, PSHM_MESSAGE_RETRACT, name, numbers, 1);
  pshm_session_work(&session, &house);
  assert_true(answer() != 0);
  assert_int_equal(house.registry.count, 0);
  numbers[1]++;
  pshm_request_put(&session.in, PSHM_MESSAGE_ANNOUNCE, name, numbers, 2);
  pshm_session_work(&session, &house);
  assert_int_equal(answer(), 0);
  assert_message("do not share one /dev/shm");
  assert_int_equal(house.registry.count, 0);
}

static void session_shuts_down_with_one_reply(void **state) {
  (void)state;
  get_in(STOCK);
  const char *name = fresh_name(), *gone = fresh_name();
  make_file(name, "x", 1);
  assert_ok(pshm_registry_add(&house.registry, gone, 0));
  assert_ok(pshm_registry_add(&house.registry, name, 0));
  ask("shutdown", NULL);
  assert_true(answer() != 0);
  assert_int_equal(session.out.size, 0);
  assert_int_equal(session.state, PSHM_SESSION_ENDED);
  assert_true(house.is_over);
  assert_false(is_there(name));
}

/* A request as others may write it; on a session of its own, for some end it.
 */
static void refuses(const char *bytes, size_t size, const char *exception) {
  pshm_session_close(&session);
  assert_ok(pshm_session_open(&session));
  get_in(OURS);
  say(bytes, size);
  assert_int_equal(answer(), 0);
  assert_message(exception);
  assert_int_equal(house.registry.count, 0);
}

#define REFUSES(bytes, exception) refuses(bytes, sizeof(bytes) - 1, exception)

static void session_refuses_what_is_no_request(void **state) {
  (void)state;
  static const char why[] = "ValueError: the request was refused: it is no";
  REFUSES("N.", why);
  REFUSES("](NVdummy\n)}e.", why);
  REFUSES("(NVdummy\n)t.", why);
  REFUSES("(NN)}t.", why);
  REFUSES("(NVdummy\nN}t.", why);
  REFUSES("(NVdummy\n)Nt.", why);
  REFUSES("(Vident\nVdummy\n)}t.", "KeyError");
}

static void session_refuses_wrong_arguments(void **state) {
  (void)state;
  REFUSES("(NVtrack_segment\n(K\1t}t.", "ValueError: a block's name must be a");
  REFUSES("(NVtrack_segment\n(X\3\0\0\0a\0bt}t.", "a zero byte");
  REFUSES("(NVtrack_segment\n)}Vother\nVx\nst.", "TypeError");
  REFUSES("(NVtrack_segment\n)}K\1Vx\nst.", "TypeError");
  REFUSES("(NVtrack_segment\n(Vx\nt}Vsegment_name\nVx\nst.", "TypeError");
  REFUSES("(NVpolyshm_announce\n(Vx\nK\1t}t.", "a name and 2 numbers");
  REFUSES("(NVpolyshm_announce\n(Vx\nK\1Vy\nt}t.", "this is no number");
  REFUSES("(NVpolyshm_announce\n(K\1K\1K\1t}t.", "must be a str");
  REFUSES("(NVpolyshm_retract\n(Vx\nK\0t}t.", "0 is no inode");
  REFUSES("(NVpolyshm_retract\n(Vx\nt}t.", "a name and 1 numbers");
  REFUSES("(NVrelease_segment\n)}t.", "TypeError");
  struct stat folder;
  assert_int_equal(stat("/dev/shm", &folder), 0);
  int64_t numbers[] = {0, (int64_t)folder.st_dev};
  pshm_request_put(&session.in, PSHM_MESSAGE_ANNOUNCE, "x", numbers, 2);
  pshm_session_work(&session, &house);
  assert_int_equal(answer(), 0);
  assert_message("0 is no inode");
}

static void session_tells_failures_by_stock_names(void **state) {
  (void)state;
  get_in(OURS);
  house.registry.limit = 0;
  ask("track_segment", "x");
  assert_int_equal(answer(), 0);
  assert_message("MemoryError");
  house.registry.limit = 10;
  const char *name = fresh_name();
  make_file(name, "x", 1);
  faults_reset();
  faults_fail(FAULT_FCNTL, 1, FOR_EVER, ENOLCK);
  ask("track_segment", name);
  faults_reset();
  assert_int_equal(answer(), 0);
  assert_message("OSError");
  assert_int_equal(house.registry.count, 0);
  ask("track_segment", name);
  assert_true(answer() != 0);
  faults_reset();
  faults_fail(FAULT_REMOVE, 1, 1, EPERM);
  ask("release_segment", name);
  faults_reset();
  assert_int_equal(answer(), 0);
  assert_message("PermissionError");
  unlink(path_of(name));
}

/* Stock Python reads lists in batches of a thousand. */
static void session_lists_any_number(void **state) {
  (void)state;
  get_in(OURS);
  house.registry.limit = 3000;
  char name[32];
  for (unsigned count = 1; count <= 2001; count++) {
    snprintf(name, sizeof name, "pshm-absent-%u", count);
    assert_ok(pshm_registry_add(&house.registry, name, 0));
    if (count % 1000 > 1 && count != 999)
      continue;
    ask("list_segments", NULL);
    pickle.most = 10000;
    uint32_t list = answer();
    assert_int_equal(pshm_unpickle_at(&pickle, list)->count, count);
    uint32_t last = pshm_unpickle_child(&pickle, list, count - 1);
    assert_true(pshm_unpickle_says(&pickle, last, name));
  }
  pickle.most = 0;
}

static void session_cuts_what_it_repeats(void **state) {
  (void)state;
  get_in(OURS);
  char method[1000];
  memset(method, 'x', sizeof method - 1);
  method[sizeof method - 1] = 0;
  ask(method, NULL);
  assert_int_equal(answer(), 0);
  assert_message("xxx unrecognized");
  assert_true(strlen(polyshm_error_message()) < 200);
}

static void session_answers_no_odd_challenge(void **state) {
  (void)state;
  unsigned char response[PSHM_AUTH_RESPONSE_MAX];
  say(response, respond(response));
  hears("#WELCOME#");
  say("#CHALLENGE#{md4}0123456789012345678901234567", 44);
  assert_int_equal(session.state, PSHM_SESSION_ENDED);
  assert_int_equal(session.out.size, 0);
}

static void session_ends_without_memory(void **state) {
  (void)state;
  get_in(OURS);
  pshm_buffer_drop(&session.out);
  pshm_request_put(&session.in, "dummy", NULL, NULL, 0);
  faults_reset();
  faults_fail(FAULT_MALLOC, 1, FOR_EVER, ENOMEM);
  pshm_session_work(&session, &house);
  faults_reset();
  assert_int_equal(session.state, PSHM_SESSION_ENDED);
  assert_int_equal(session.out.size, 0);
  pshm_session other;
  faults_fail(FAULT_RANDOM, 1, 1, EIO);
  assert_fails(pshm_session_open(&other), POLYSHM_E_OS);
  assert_int_equal(other.out.size, 0);
  pshm_session_close(&other);
}

static void session_is_not_hungry_for_ever(void **state) {
  (void)state;
  char bytes[400] = "";
  pshm_buffer_put(&session.in, bytes, sizeof bytes);
  assert_int_equal(pshm_session_appetite(&session, &house), 0);
}

static void journal_counts_what_does_not_fit(void **state) {
  (void)state;
  static pshm_journal journal = {.level = POLYSHM_LEVEL_INFO};
  polyshm_event_info event;
  for (int i = 0; i < PSHM_JOURNAL_SIZE + 3; i++) {
    pshm_journal_note(&journal, POLYSHM_LEVEL_INFO, "event %d", i);
    pshm_journal_note(&journal, POLYSHM_LEVEL_DEBUG, "not of interest");
  }
  char expected[32];
  for (int i = 0; i < PSHM_JOURNAL_SIZE; i++) {
    assert_true(pshm_journal_take(&journal, &event));
    snprintf(expected, sizeof expected, "event %d", i);
    assert_string_equal(event.text, expected);
    assert_int_equal(event.level, POLYSHM_LEVEL_INFO);
  }
  assert_true(pshm_journal_take(&journal, &event));
  assert_string_equal(event.text, "3 more events came too fast to be told");
  assert_int_equal(event.level, POLYSHM_LEVEL_WARNING);
  assert_false(pshm_journal_take(&journal, &event));
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(session_lets_in_who_knows_the_key),
      TEST(session_stays_with_its_own_kind),
      TEST(session_refuses_a_wrong_response),
      TEST(session_refuses_requests_before_the_welcome),
      TEST(session_wants_to_be_welcome),
      TEST(session_takes_small_messages_before_the_welcome),
      TEST(session_serves_segments),
      TEST(session_refuses_names_that_are_none),
      TEST(session_answers_what_it_does_not_do),
      TEST(session_keeps_a_connection_that_stock_wants_kept),
      TEST(session_refuses_pickles_that_run),
      TEST(session_refuses_large_requests),
      TEST(session_waits_until_its_answer_is_taken),
      TEST(session_announces_and_retracts),
      TEST(session_shuts_down_with_one_reply),
      TEST(session_refuses_what_is_no_request),
      TEST(session_refuses_wrong_arguments),
      TEST(session_tells_failures_by_stock_names),
      TEST(session_lists_any_number),
      TEST(session_cuts_what_it_repeats),
      TEST(session_answers_no_odd_challenge),
      TEST(session_ends_without_memory),
      TEST(session_is_not_hungry_for_ever),
      TEST(journal_counts_what_does_not_fit),
  };
  return run_group(tests);
}
