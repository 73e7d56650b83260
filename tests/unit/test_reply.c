/* SPDX-License-Identifier: MIT */
/* A client and what managers may answer: stock ones, broken ones, liars. */
#include "manage/message.h"

#include "manage/auth.h"
#include "os/net.h"
#include "os/os.h"
#include "os/hmac.h"
#include "base/frame.h"
#include "faults.h"
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY "key", 3

/* Where it leaves the protocol. */
typedef enum lie {
  NONE,
  ENDLESS_MESSAGE,
  ODD_CHALLENGE,
  NO_WELCOME,
  WRONG_DIGEST,
  NO_REPLY
} lie;

static os_listener listener;
static pthread_t thread;
static atomic_bool is_over;
static pshm_auth_key key;

/* What the next connections hear; set while nobody is connected. */
static lie at;
static const char *reply; /* to all but "dummy"; a body */
static size_t nreply;

/* ------------------------------------------------------------- the manager */

static bool hear(int connection, pshm_buffer *in, pshm_frame *out_frame) {
  while (pshm_frame_read(in->bytes, in->size, 1 << 20, out_frame) !=
         PSHM_FRAME_WHOLE) {
    unsigned char *end = pshm_buffer_reserve(in, 4096);
    size_t count;
    os_net_result result = os_net_read(connection, end, 4096, &count);
    if (result == OS_NET_DONE)
      in->size += count;
    else if (result == OS_NET_GONE)
      return false;
    else
      os_net_wait(connection, false, INT64_C(100000000));
  }
  return true;
}

static bool say(int connection, const void *body, size_t size) {
  pshm_buffer out = {0};
  size_t count;
  pshm_frame_put(&out, body, size);
  bool done =
      os_net_write(connection, out.bytes, out.size, &count) == OS_NET_DONE;
  pshm_buffer_drop(&out);
  return done;
}

static bool get_acquainted(int connection, pshm_buffer *in) {
  static const char odd[] = "#CHALLENGE#{md4}0123456789012345678901234567";
  unsigned char challenge[PSHM_AUTH_CHALLENGE_SIZE];
  unsigned char response[PSHM_AUTH_RESPONSE_MAX];
  pshm_frame frame;
  size_t count;
  if (at == ENDLESS_MESSAGE)
    return os_net_write(connection, "\x7f\xff\xff\xff", 4, &count), false;
  pshm_auth_challenge(challenge);
  challenge[sizeof challenge - 1] ^= 1; /* a stock one */
  if (at == ODD_CHALLENGE)
    return say(connection, odd, sizeof odd - 1), false;
  if (!say(connection, challenge, sizeof challenge) ||
      !hear(connection, in, &frame))
    return false;
  pshm_buffer_consume(in, frame.total);
  if (at == NO_WELCOME)
    return say(connection, "#FAILURE#", 9), false;
  if (!say(connection, "#WELCOME#", 9) || !hear(connection, in, &frame))
    return false;
  size_t size = pshm_auth_respond(&key, frame.body, frame.size, response);
  pshm_buffer_consume(in, frame.total);
  response[size - 1] ^= at == WRONG_DIGEST;
  bool goes_on =
      say(connection, response, size) && hear(connection, in, &frame);
  if (goes_on)
    pshm_buffer_consume(in, frame.total);
  return goes_on && at != WRONG_DIGEST;
}

static void serve_one(int connection) {
  pshm_buffer in = {0};
  pshm_frame frame;
  if (get_acquainted(connection, &in) && hear(connection, &in, &frame)) {
    bool is_greeting = memmem(frame.body, frame.size, "dummy", 5) != NULL;
    pshm_buffer out = {0};
    pshm_reply_put_none(&out);
    if (is_greeting)
      say(connection, out.bytes + 4, out.size - 4);
    else if (at != NO_REPLY)
      say(connection, reply, nreply);
    pshm_buffer_drop(&out);
  }
  /* What it still says is not to reset the connection. */
  while (hear(connection, &in, &frame))
    pshm_buffer_consume(&in, frame.total);
  pshm_buffer_drop(&in);
  os_net_close(connection);
}

static void *serve(void *argument) {
  (void)argument;
  faults_spare(true);
  while (!atomic_load(&is_over)) {
    int connection;
    if (os_net_accept(&listener, &connection) == OS_NET_DONE)
      serve_one(connection);
    else
      os_net_wait(listener.descriptor, false, INT64_C(20000000));
  }
  return NULL;
}

static polyshm_manager *manager;

static int setup(void **state) {
  (void)state;
  faults_reset();
  at = NONE;
  atomic_store(&is_over, false);
  if (os_hmac_open() != POLYSHM_OK ||
      pshm_auth_take_key(KEY, false, &key) != POLYSHM_OK ||
      os_net_listen(NULL, false, &listener) != POLYSHM_OK ||
      pthread_create(&thread, NULL, serve, NULL) != 0)
    return -1;
  return polyshm_manager_connect(listener.address, KEY, NULL, &manager);
}

static int teardown(void **state) {
  (void)state;
  polyshm_manager_free(manager);
  atomic_store(&is_over, true);
  pthread_join(thread, NULL);
  os_net_unlisten(&listener);
  faults_reset();
  return 0;
}

static void answer(const char *body, size_t size) {
  reply = body;
  nreply = size;
}

#define ANSWER(body) answer(body, sizeof(body) - 1)

/* -------------------------------------------------------------- handshake */

static void client_refuses_odd_handshakes(void **state) {
  (void)state;
  static const struct {
    lie at;
    polyshm_status status;
    const char *part;
  } cases[] = {
      {ENDLESS_MESSAGE, POLYSHM_E_PROTOCOL, "too long"},
      {ODD_CHALLENGE, POLYSHM_E_ACCESS, "challenges in a way"},
      {NO_WELCOME, POLYSHM_E_ACCESS, "digest sent was rejected"},
      {WRONG_DIGEST, POLYSHM_E_ACCESS, "digest received was wrong"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    polyshm_manager *other;
    at = cases[i].at;
    assert_failure(
        polyshm_manager_connect(listener.address, KEY, NULL, &other),
        cases[i].status, 0, cases[i].part);
    assert_failure(
        polyshm_manager_track(manager, "x"), cases[i].status, 0, cases[i].part);
  }
}

/* A handle whose calls end soon; this one is made, however long it takes. */
static polyshm_manager *connect_impatiently(void) {
  polyshm_manager_options options = {
      .struct_size = sizeof options, .timeout = INT64_C(50000000)};
  polyshm_manager *other;
  polyshm_status status;
  do
    status = polyshm_manager_connect(listener.address, KEY, &options, &other);
  while (status == POLYSHM_E_TIMEOUT);
  assert_int_equal(status, POLYSHM_OK);
  return other;
}

static void client_says_that_nobody_replied(void **state) {
  (void)state;
  polyshm_manager *other = connect_impatiently();
  at = NO_REPLY;
  assert_failure(
      polyshm_manager_track(other, "x"), POLYSHM_E_TIMEOUT, ETIMEDOUT,
      "in time");
  polyshm_manager_free(other);
}

/* ----------------------------------------------------------------- replies */

static void client_refuses_odd_replies(void **state) {
  (void)state;
  static const struct {
    const char *body, *part;
  } cases[] = {
      {"N", "ends in the middle"},
      {"N.", "no (kind, value)"},
      {"](NNe.", "no (kind, value)"},
      {"(NNNt.", "no (kind, value)"},
      {"NN\x86.", "unknown kind"},
      {"V#OTHER\nN\x86.", "unknown kind"},
      {"V#TRACEBACK\nN\x86.", "unknown kind"},
      {"cos\nsystem\n.", "no plain value"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    answer(cases[i].body, strlen(cases[i].body));
    assert_failure(
        polyshm_manager_track(manager, "x"), POLYSHM_E_PROTOCOL, 0,
        cases[i].part);
  }
}

/* A failure, with a text that may have lines. */
static void answer_failure(const char *kind, const char *text) {
  static char body[256];
  int size = snprintf(
      body, sizeof body, "V%s\nX%c%c%c%c", kind, (int)strlen(text), 0, 0, 0);
  memcpy(body + size, text, strlen(text));
  memcpy(body + size + strlen(text), "\x86.", 2);
  answer(body, (size_t)size + strlen(text) + 2);
}

static void client_knows_what_exceptions_mean(void **state) {
  (void)state;
  static const struct {
    const char *text;
    polyshm_status status;
    int os;
    const char *part;
  } cases[] = {
      {"Traceback:\nFileNotFoundError: [2] x\n\n", POLYSHM_E_NOT_FOUND, ENOENT,
       "answers: FileNotFoundError: [2] x"},
      {"PermissionError: \n \n", POLYSHM_E_ACCESS, EPERM, "PermissionError"},
      {"a\nMemoryError:", POLYSHM_E_MEMORY, 0, "answers: MemoryError"},
      {"ValueError: x", POLYSHM_E_NOT_FOUND, 0, "ValueError"},
      {"ValueError", POLYSHM_E_PROTOCOL, 0, "ValueError"},
      {"ValueErrors:", POLYSHM_E_PROTOCOL, 0, "ValueErrors"},
      {"", POLYSHM_E_PROTOCOL, 0, "answers: "},
      {"\n \n", POLYSHM_E_PROTOCOL, 0, "answers: "},
  };
  static const char *const kinds[] = {"#TRACEBACK", "#UNSERIALIZABLE"};
  for (size_t i = 0; i < LENGTH(cases); i++) {
    answer_failure(kinds[i % LENGTH(kinds)], cases[i].text);
    assert_failure(
        polyshm_manager_release(manager, "x"), cases[i].status, cases[i].os,
        cases[i].part);
  }
}

static polyshm_status segments(void *buffer, uint64_t capacity) {
  uint64_t size = 77;
  polyshm_status status =
      polyshm_manager_segments(manager, buffer, capacity, &size);
  assert_int_equal(size == 77, status != POLYSHM_OK);
  return status;
}

static void client_gives_names_alone(void **state) {
  (void)state;
  char names[64];
  static const char *const wrong[] = {
      "V#RETURN\nN\x86.", "V#RETURN\n)\x86.", "V#RETURN\n](Va\nNe\x86.",
      "V#RETURN\n](Va\nK\1e\x86."};
  for (size_t i = 0; i < LENGTH(wrong); i++) {
    answer(wrong[i], strlen(wrong[i]));
    assert_fails(segments(names, sizeof names), POLYSHM_E_PROTOCOL);
  }
  ANSWER("V#RETURN\n](X\3\0\0\0a\0be\x86."); /* a zero byte in a name */
  assert_failure(
      segments(names, sizeof names), POLYSHM_E_PROTOCOL, 0, "no name");
  ANSWER("V#RETURN\n](Vone\nVtwo\ne\x86.");
  assert_ok(segments(names, 5));
  assert_memory_equal(names, "one", 4);
  assert_ok(segments(names, sizeof names));
  assert_memory_equal(names, "one\0two", 8);
  assert_ok(segments(NULL, 0));
}

static void client_shuts_down_a_manager_that_fails(void **state) {
  (void)state;
  /* A stock one does at a block that is gone; and does so for ever here. */
  polyshm_manager *other = connect_impatiently();
  answer_failure("#TRACEBACK", "FileNotFoundError:");
  polyshm_status status = polyshm_manager_shutdown(other);
  assert_true(status == POLYSHM_E_NOT_FOUND || status == POLYSHM_E_TIMEOUT);
  polyshm_manager_free(other);
}

/* ------------------------------------------------------------------ blocks */

/* Stock managers hold nothing: what they track has no mark of ours. */
static void client_makes_blocks_of_stock_managers(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *block;
  struct stat found;
  ANSWER("V#RETURN\nN\x86.");
  assert_ok(polyshm_manager_block(manager, name, 100, 0, NULL, &block));
  assert_int_equal(stat(path_of(name), &found), 0);
  assert_false(found.st_mode & S_ISVTX);
  polyshm_block *other = NULL;
  assert_fails(
      polyshm_manager_block(manager, name, 100, 0, NULL, &other),
      POLYSHM_E_EXISTS);
  assert_null(other);
  polyshm_block_free(block);
  assert_true(is_there(name));
  assert_ok(polyshm_unlink(name));
}

static void client_takes_back_what_is_not_tracked(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *block = NULL;
  polyshm_list *list = NULL;
  polyshm_value value = int_value(1);
  answer_failure("#TRACEBACK", "MemoryError: \n");
  assert_fails(
      polyshm_manager_block(manager, name, 100, 0, NULL, &block),
      POLYSHM_E_MEMORY);
  assert_null(block);
  assert_false(is_there(name));
  assert_fails(
      polyshm_manager_list(manager, name, &value, 1, 0, NULL, &list),
      POLYSHM_E_MEMORY);
  assert_null(list);
  assert_false(is_there(name));
}

/* ------------------------------------------------------------ wrong wishes */

static void client_refuses_wrong_wishes(void **state) {
  (void)state;
  polyshm_manager *other;
  polyshm_manager_options options = {
      .struct_size = sizeof options, .flags = POLYSHM_MANAGER_DETACHED};
  assert_failure(
      polyshm_manager_connect(listener.address, KEY, &options, &other),
      POLYSHM_E_INVALID, 0, "flags");
  options = (polyshm_manager_options){.struct_size = 1};
  assert_fails(
      polyshm_manager_connect(listener.address, KEY, &options, &other),
      POLYSHM_E_INVALID);
  options.struct_size = sizeof options;
  options.reserved = 1;
  assert_true(
      polyshm_manager_connect(listener.address, KEY, &options, &other) < 0);
  assert_failure(
      polyshm_manager_connect(NULL, KEY, NULL, &other), POLYSHM_E_INVALID, 0,
      "address of a manager is NULL");
  assert_fails(
      polyshm_manager_connect(listener.address, KEY, NULL, NULL),
      POLYSHM_E_INVALID);
  char bytes[2];
  uint64_t size;
  assert_fails(
      polyshm_manager_authkey(NULL, bytes, 2, &size), POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_authkey(manager, NULL, 2, &size), POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_authkey(manager, bytes, 2, NULL), POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_segments(NULL, bytes, 2, &size), POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_segments(manager, NULL, 2, &size), POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_segments(manager, bytes, 2, NULL), POLYSHM_E_INVALID);
  assert_fails(polyshm_manager_track(NULL, "x"), POLYSHM_E_INVALID);
  assert_fails(polyshm_manager_track(manager, "a/b"), POLYSHM_E_INVALID);
  assert_fails(polyshm_manager_shutdown(NULL), POLYSHM_E_INVALID);
  assert_fails(polyshm_manager_close(NULL), POLYSHM_E_INVALID);
  assert_null(polyshm_manager_address(NULL));
  assert_int_equal(polyshm_manager_pid(NULL), 0);
}

static void client_refuses_wrong_blocks(void **state) {
  (void)state;
  polyshm_block *block;
  polyshm_list *list;
  polyshm_value value = int_value(1);
  polyshm_block_options options = {.struct_size = 1};
  polyshm_list_options of_list = {.struct_size = 1};
  assert_fails(
      polyshm_manager_block(NULL, "x", 1, 0, NULL, &block), POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_block(manager, "x", 1, 0, NULL, NULL), POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_block(manager, "x", 1, 0, &options, &block),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_block(manager, "a/b", 1, 0, NULL, &block),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_block(manager, "x", 0, 0, NULL, &block),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_list(NULL, "x", &value, 1, 0, NULL, &list),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_list(manager, "x", &value, 1, 0, NULL, NULL),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_list(manager, "x", &value, 1, 0, &of_list, &list),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_manager_list(
          manager, "x", &value, 1, POLYSHM_READ_ONLY, NULL, &list),
      POLYSHM_E_INVALID);
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(client_refuses_odd_handshakes),
      TEST(client_says_that_nobody_replied),
      TEST(client_refuses_odd_replies),
      TEST(client_knows_what_exceptions_mean),
      TEST(client_gives_names_alone),
      TEST(client_shuts_down_a_manager_that_fails),
      TEST(client_makes_blocks_of_stock_managers),
      TEST(client_takes_back_what_is_not_tracked),
      TEST(client_refuses_wrong_wishes),
      TEST(client_refuses_wrong_blocks),
  };
  return run_group(tests);
}
