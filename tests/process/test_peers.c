/* SPDX-License-Identifier: MIT */
/* Processes on one block and one list. */
#include "support.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/wait.h>
#include <unistd.h>

#define assert_reply(peer, expected, ...)                                      \
  assert_string_equal(peer_ask((peer), __VA_ARGS__), (expected))

/* How peer.c writes these values. */
static const struct {
  const char *text;
  int32_t type;
  int64_t bits;
  const char *bytes;
} all_types[] = {
    {"n", POLYSHM_NONE, 0, NULL},
    {"b0", POLYSHM_BOOL, 0, NULL},
    {"b1", POLYSHM_BOOL, 1, NULL},
    {"i0000000000000000", POLYSHM_INT, 0, NULL},
    {"iffffffffffffffff", POLYSHM_INT, -1, NULL},
    {"i8000000000000000", POLYSHM_INT, INT64_MIN, NULL},
    {"i7fffffffffffffff", POLYSHM_INT, INT64_MAX, NULL},
    {"f8000000000000000", POLYSHM_FLOAT, INT64_MIN, NULL}, /* -0.0 */
    {"f7ff8000000000000", POLYSHM_FLOAT, 0x7ff8000000000000, NULL},
    {"f0000000000000001", POLYSHM_FLOAT, 1, NULL},
    {"s", POLYSHM_STRING, 0, ""},
    {"s686f776479", POLYSHM_STRING, 0, "howdy"},
    {"sc3a9e697a5f09f9880", POLYSHM_STRING, 0, "é日😀"},
    {"y", POLYSHM_BYTES, 0, ""},
    {"yfffe", POLYSHM_BYTES, 0, "\xff\xfe"},
    {"y30313233343536373839616263646566", POLYSHM_BYTES, 0, "0123456789abcdef"},
};

static polyshm_value value_of(size_t i) {
  polyshm_value value = {.type = all_types[i].type, .of.i = all_types[i].bits};
  if (all_types[i].bytes != NULL) {
    value.of.p = all_types[i].bytes;
    value.size = strlen(all_types[i].bytes);
  }
  return value;
}

static void peers_pass_every_value_to_and_fro(void **state) {
  (void)state;
  const char *name = fresh_name();
  const polyshm_value none[] = {none_value(), none_value()};
  polyshm_list_options options = {
      .struct_size = sizeof options, .slot_capacity = 16};
  polyshm_list *list;
  assert_ok(polyshm_list_create(name, none, 2, 0, &options, &list));
  peer other;
  peer_start(&other);
  assert_reply(&other, "ok", "attach %s", name);
  assert_reply(&other, "2", "length %s", name);
  for (size_t i = 0; i < LENGTH(all_types); i++) {
    polyshm_value value = value_of(i);
    assert_reply(&other, "ok", "set %s 0 %s", name, all_types[i].text);
    assert_slot(list, 0, value);
    assert_ok(polyshm_list_set(list, 1, &value));
    assert_reply(&other, all_types[i].text, "get %s 1", name);
  }
  assert_reply(
      &other, "POLYSHM_E_SPACE 17 bytes do not fit slot 0, which holds 16",
      "set %s 0 y%034d", name, 0);
  assert_reply(
      &other, "POLYSHM_E_RANGE slot 2 is not in a list of 2", "get %s 2", name);
  peer_stop(&other);
  polyshm_list_free(list);
  assert_ok(polyshm_unlink(name));
}

static void peers_share_a_block(void **state) {
  (void)state;
  const char *name = fresh_name();
  peer other;
  peer_start(&other);
  assert_reply(&other, "ok", "block %s 4099", name);
  assert_reply(&other, "ok", "write %s 4096 616263", name);
  polyshm_block *block;
  assert_ok(polyshm_block_open(name, 0, 0, NULL, &block));
  assert_int_equal(polyshm_block_size(block), 4099);
  char text[3];
  assert_ok(polyshm_block_read(block, 4096, text, 3));
  assert_memory_equal(text, "abc", 3);
  assert_ok(polyshm_block_write(block, 0, "\0\xff", 2));
  assert_reply(&other, "=00ff00", "read %s 0 3", name);
  assert_memory_equal(
      peer_ask(&other, "read %s 4098 2", name), "POLYSHM_E_RANGE", 15);
  peer_stop(&other);
  /* Who made it has gone; it has not. */
  assert_true(is_there(name));
  assert_ok(polyshm_block_read(block, 4096, text, 3));
  polyshm_block_free(block);
  assert_ok(polyshm_unlink(name));
}

static void peers_that_only_look_cannot_write(void **state) {
  (void)state;
  const char *name = fresh_name();
  const polyshm_value one = int_value(1), two = int_value(2);
  polyshm_list *list;
  assert_ok(polyshm_list_create(name, &one, 1, 0, NULL, &list));
  peer other;
  peer_start(&other);
  assert_reply(&other, "ok", "view %s", name);
  assert_memory_equal(
      peer_ask(&other, "set %s 0 n", name), "POLYSHM_E_ACCESS", 16);
  assert_slot(list, 0, one);
  assert_ok(polyshm_list_set(list, 0, &two));
  assert_reply(&other, "i0000000000000002", "get %s 0", name);
  assert_reply(&other, "0", "find %s 0 f4000000000000000", name);
  peer_stop(&other);
  polyshm_list_free(list);
  assert_ok(polyshm_unlink(name));
}

static void peers_keep_what_was_unlinked(void **state) {
  (void)state;
  const char *name = fresh_name();
  peer one, other;
  peer_start(&one);
  peer_start(&other);
  assert_reply(&one, "ok", "list %s i0000000000000001", name);
  assert_reply(&other, "ok", "attach %s", name);
  assert_reply(&one, "ok", "unlink %s", name);
  assert_false(is_there(name));
  assert_reply(&other, "ok", "set %s 0 i0000000000000002", name);
  assert_reply(&one, "i0000000000000002", "get %s 0", name);

  /* The name is free for another list, which is another list. */
  assert_reply(&one, "ok", "close %s", name);
  assert_reply(&one, "ok", "list %s b1 b0", name);
  assert_reply(&other, "i0000000000000002", "get %s 0", name);
  assert_reply(&one, "ok", "unlink %s", name);
  char expected[400];
  snprintf(
      expected, sizeof expected, "POLYSHM_E_NOT_FOUND there is no block '%s'",
      name);
  assert_reply(&one, expected, "unlink %s", name);
  peer_stop(&one);
  peer_stop(&other);
}

enum { PEERS = 4, ROUNDS = 150 };

/* All are told before the first is heard, so they do it at the same time. */
static void peers_create_one_thing_once(void **state) {
  (void)state;
  peer peers[PEERS];
  for (size_t i = 0; i < PEERS; i++)
    peer_start(&peers[i]);
  for (int round = 0; round < ROUNDS; round++) {
    const char *name = fresh_name();
    bool of_lists = round % 2;
    for (size_t i = 0; i < PEERS; i++)
      if (of_lists)
        peer_tell(&peers[i], "join %s i%016zx i%016zx s6162", name, i, i);
      else
        peer_tell(&peers[i], "enter %s %zu", name, 1000 + i);
    size_t made = 0, creator = PEERS;
    for (size_t i = 0; i < PEERS; i++) {
      const char *reply = peer_hear(&peers[i]);
      if (strcmp(reply, "made") == 0) {
        made++;
        creator = i;
      } else
        assert_string_equal(reply, "there");
    }
    assert_int_equal(made, 1);
    char expected[32];
    for (size_t i = 0; i < PEERS; i++) {
      snprintf(
          expected, sizeof expected, of_lists ? "i%016zx" : "%zu",
          of_lists ? creator : 1000 + creator);
      if (of_lists)
        assert_reply(&peers[i], expected, "get %s 1", name);
      else
        assert_reply(&peers[i], expected, "size %s", name);
      assert_reply(&peers[i], "ok", "close %s", name);
    }
    assert_ok(polyshm_unlink(name));
  }
  for (size_t i = 0; i < PEERS; i++)
    peer_stop(&peers[i]);
}

/* A number in a slot tells another process that the bytes before it are there;
 * it then answers in the same way. */
static void peers_publish_by_numbers(void **state) {
  (void)state;
  const char *bytes = fresh_name(), *numbers = fresh_name();
  polyshm_block *block;
  polyshm_list *list;
  const polyshm_value zeros[] = {int_value(0), int_value(0)};
  assert_ok(polyshm_block_open(bytes, 8, POLYSHM_CREATE, NULL, &block));
  assert_ok(polyshm_list_create(numbers, zeros, 2, 0, NULL, &list));
  peer other;
  peer_start(&other);
  assert_reply(&other, "ok", "map %s", bytes);
  assert_reply(&other, "ok", "attach %s", numbers);
  for (int64_t i = 1; i <= 200; i++) {
    char text[9], expected[32];
    snprintf(text, sizeof text, "%08" PRId64, i);
    snprintf(expected, sizeof expected, "=3030303030");
    for (int j = 5; j < 8; j++)
      snprintf(expected + strlen(expected), 3, "%02x", (unsigned char)text[j]);
    peer_tell(&other, "await %s 0 i%016" PRIx64, numbers, (uint64_t)i);
    peer_tell(&other, "read %s 0 8", bytes);
    peer_tell(&other, "set %s 1 i%016" PRIx64, numbers, (uint64_t)i);
    polyshm_value value = int_value(i), answer;
    assert_ok(polyshm_block_write(block, 0, text, 8));
    assert_ok(polyshm_list_set(list, 0, &value));
    assert_string_equal(peer_hear(&other), "ok");
    assert_string_equal(peer_hear(&other), expected);
    do
      assert_ok(polyshm_list_get(list, 1, NULL, 0, &answer));
    while (answer.of.i != i);
    assert_string_equal(peer_hear(&other), "ok");
  }
  peer_stop(&other);
  polyshm_block_free(block);
  polyshm_list_free(list);
  assert_ok(polyshm_unlink(bytes));
  assert_ok(polyshm_unlink(numbers));
}

/* What one held when it was killed does not matter to the others. */
static void peers_may_die(void **state) {
  (void)state;
  const char *name = fresh_name();
  peer victim, survivor;
  peer_start(&victim);
  peer_start(&survivor);
  assert_reply(&victim, "ok", "list %s i0000000000000001", name);
  assert_reply(&victim, "ok", "pin %s", name);
  assert_reply(&survivor, "ok", "attach %s", name);
  assert_reply(&victim, "", "die %s", name);
  peer_kill(&victim);
  assert_reply(&survivor, "i0000000000000001", "get %s 0", name);
  assert_reply(&survivor, "ok", "set %s 0 i0000000000000002", name);

  polyshm_list *list;
  assert_ok(polyshm_list_open(name, 0, &list));
  assert_slot(list, 0, int_value(2));
  polyshm_list_free(list);
  assert_reply(&survivor, "ok", "unlink %s", name);
  peer_stop(&survivor);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(peers_pass_every_value_to_and_fro),
      cmocka_unit_test(peers_share_a_block),
      cmocka_unit_test(peers_that_only_look_cannot_write),
      cmocka_unit_test(peers_keep_what_was_unlinked),
      cmocka_unit_test(peers_create_one_thing_once),
      cmocka_unit_test(peers_publish_by_numbers),
      cmocka_unit_test(peers_may_die),
  };
  return run_group(tests);
}
