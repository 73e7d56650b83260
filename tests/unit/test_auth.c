/* SPDX-License-Identifier: MIT */
#include "manage/auth.h"

#include "os/hmac.h"
#include "protocol/vectors.h"
#include "support.h"

#include "vectors_table.h"

#include <stdlib.h>

static int open_hmac(void **state) {
  return os_hmac_open() == POLYSHM_OK ? note_holdings(state) : -1;
}

static void take(const char *bytes, size_t size, pshm_auth_key *out_key) {
  assert_ok(pshm_auth_take_key(bytes, size, false, out_key));
}

/* As CPython would be asked, with the word in front. */
static size_t respond(
    const pshm_auth_key *key, const char *challenge, size_t size,
    unsigned char *response) {
  unsigned char message[512] = "#CHALLENGE#";
  memcpy(message + 11, challenge, size);
  return pshm_auth_respond(key, message, size + 11, response);
}

static void auth_responds_as_stock_does(void **state) {
  (void)state;
  pshm_auth_key key;
  unsigned char response[PSHM_AUTH_RESPONSE_MAX];
  for (size_t i = 0; i < LENGTH(vectors_auth); i++) {
    const vector_auth *one = vectors_auth + i;
    take(one->key, one->nkey, &key);
    size_t size = respond(&key, one->challenge, one->nchallenge, response);
    assert_int_equal(size, one->nmodern);
    assert_memory_equal(response, one->modern, size);
  }
}

static void auth_accepts_what_stock_responds(void **state) {
  (void)state;
  pshm_auth_key key;
  int seen = 0;
  for (size_t i = 0; i < LENGTH(vectors_auth); i++) {
    const vector_auth *one = vectors_auth + i;
    unsigned char challenge[PSHM_AUTH_CHALLENGE_SIZE] = "#CHALLENGE#";
    if (one->nchallenge != sizeof challenge - 11)
      continue; /* not of the size of ours */
    memcpy(challenge + 11, one->challenge, one->nchallenge);
    take(one->key, one->nkey, &key);
    assert_true(pshm_auth_check(&key, challenge, one->legacy, one->nlegacy));
    assert_true(pshm_auth_check(&key, challenge, one->modern, one->nmodern));
    key.refuses_md5 = true;
    assert_false(pshm_auth_check(&key, challenge, one->legacy, one->nlegacy));
    assert_true(pshm_auth_check(&key, challenge, one->modern, one->nmodern));
    seen++;
  }
  assert_int_equal(seen, 2 * 5); /* {sha256} and {sha384} */
}

static void auth_refuses_wrong_responses(void **state) {
  (void)state;
  pshm_auth_key key, other;
  unsigned char challenge[PSHM_AUTH_CHALLENGE_SIZE];
  unsigned char response[PSHM_AUTH_RESPONSE_MAX];
  take("key", 3, &key);
  take("kez", 3, &other);
  assert_ok(pshm_auth_challenge(challenge));
  size_t size = pshm_auth_respond(&key, challenge, sizeof challenge, response);
  assert_int_equal(size, 8 + 32);
  assert_true(pshm_auth_check(&key, challenge, response, size));
  assert_false(pshm_auth_check(&other, challenge, response, size));
  assert_false(pshm_auth_check(&key, challenge, response, size - 1));
  assert_false(pshm_auth_check(&key, challenge, response, size + 1));
  assert_false(pshm_auth_check(&key, challenge, response + 8, 32));
  assert_false(pshm_auth_check(&key, challenge, "", 0));
  assert_false(pshm_auth_check(&key, challenge, "{sha256}", 8));
  assert_false(pshm_auth_check(&key, challenge, "{sha512}", 8));
  assert_false(pshm_auth_check(&key, challenge, "{sha256", 7));
  for (size_t i = 8; i < size; i++) {
    response[i] ^= 0x10;
    assert_false(pshm_auth_check(&key, challenge, response, size));
    response[i] ^= 0x10;
  }
  /* Our own challenge, sent back as a response, proves nothing. */
  assert_false(
      pshm_auth_check(&key, challenge, challenge + 11, sizeof challenge - 11));
}

static void auth_answers_no_odd_challenge(void **state) {
  (void)state;
  pshm_auth_key key;
  unsigned char response[PSHM_AUTH_RESPONSE_MAX];
  char bytes[256];
  memset(bytes, 'x', sizeof bytes);
  take("key", 3, &key);
  assert_int_equal(respond(&key, bytes, 20, response), 16);
  static const size_t sizes[] = {0, 1, 16, 19, 21, 40, 245};
  for (size_t i = 0; i < LENGTH(sizes); i++)
    assert_int_equal(respond(&key, bytes, sizes[i], response), 0);
  memcpy(bytes, "{sha512}", 8);
  assert_int_equal(respond(&key, bytes, 48, response), 0);
  memcpy(bytes, "{}", 2);
  assert_int_equal(respond(&key, bytes, 48, response), 0);
  memcpy(bytes, "{sha3_384}", 10);
  assert_int_equal(respond(&key, bytes, 50, response), 10 + 48);
  assert_int_equal(pshm_auth_respond(&key, "#CHALLENGE", 10, response), 0);
  key.refuses_md5 = true;
  memset(bytes, 'x', sizeof bytes);
  assert_int_equal(respond(&key, bytes, 20, response), 0);
  memcpy(bytes, "{md5}", 5);
  assert_int_equal(respond(&key, bytes, 45, response), 0);
}

static void auth_challenges_differ_and_are_ours(void **state) {
  (void)state;
  unsigned char one[PSHM_AUTH_CHALLENGE_SIZE], other[PSHM_AUTH_CHALLENGE_SIZE];
  assert_ok(pshm_auth_challenge(one));
  assert_ok(pshm_auth_challenge(other));
  assert_memory_equal(one, "#CHALLENGE#{sha256}", 19);
  assert_memory_not_equal(one + 19, other + 19, 32);
  assert_true(pshm_auth_is_ours(one, sizeof one));
  assert_false(pshm_auth_is_ours(one, sizeof one - 1));
  other[sizeof other - 1] ^= 1;
  assert_false(pshm_auth_is_ours(other, sizeof other));
}

static void auth_keys_have_a_size(void **state) {
  (void)state;
  static const char bytes[PSHM_AUTH_KEY_MAX + 1];
  pshm_auth_key key;
  assert_fails(pshm_auth_take_key(NULL, 0, false, &key), POLYSHM_E_INVALID);
  assert_ok(pshm_auth_take_key("", 0, false, &key));
  assert_ok(pshm_auth_take_key(bytes, PSHM_AUTH_KEY_MAX, false, &key));
  assert_failure(
      pshm_auth_take_key(bytes, sizeof bytes, false, &key), POLYSHM_E_INVALID,
      0, "at most 4096 bytes, not 4097");
}

/* Each library that is here says what stock Python's hashlib says. */
static void check_library(const os_hmac_library *library) {
  if (!library->open())
    skip();
  assert_true(library->open());
  unsigned char digest[OS_HMAC_SIZE_MAX];
  for (size_t i = 0; i < LENGTH(vectors_auth); i++) {
    const vector_auth *one = vectors_auth + i;
    static const char *const names[] = {
        "{md5}", "{sha256}", "{sha384}", "{sha3_256}", "{sha3_384}"};
    size_t made = library->make(
        OS_HMAC_MD5, one->key, one->nkey, one->challenge, one->nchallenge,
        digest);
    assert_int_equal(made, 16);
    assert_memory_equal(digest, one->legacy, 16);
    for (int kind = 0; kind < OS_HMAC_KINDS; kind++) {
      size_t prefix = strlen(names[kind]);
      if (one->nchallenge <= prefix ||
          memcmp(one->challenge, names[kind], prefix) != 0)
        continue;
      made = library->make(
          (os_hmac_kind)kind, one->key, one->nkey, one->challenge,
          one->nchallenge, digest);
      assert_int_equal(made, one->nmodern - prefix);
      assert_memory_equal(digest, one->modern + prefix, made);
    }
  }
}

static void hmac_of_nettle_is_that_of_stock(void **state) {
  (void)state;
  check_library(&os_hmac_nettle);
}

static void hmac_of_libcrypto_is_that_of_stock(void **state) {
  (void)state;
  check_library(&os_hmac_libcrypto);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(auth_responds_as_stock_does),
      cmocka_unit_test(auth_accepts_what_stock_responds),
      cmocka_unit_test(auth_refuses_wrong_responses),
      cmocka_unit_test(auth_answers_no_odd_challenge),
      cmocka_unit_test(auth_challenges_differ_and_are_ours),
      cmocka_unit_test(auth_keys_have_a_size),
      cmocka_unit_test(hmac_of_nettle_is_that_of_stock),
      cmocka_unit_test(hmac_of_libcrypto_is_that_of_stock),
  };
  return cmocka_run_group_tests(tests, open_hmac, refuse_leftovers);
}
