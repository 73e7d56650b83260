/* SPDX-License-Identifier: MIT */
/*
 * The handshake, as a peer sees it that may say anything: nobody gets in who
 * does not know the key, and no challenge makes the other side overflow.
 */
#include "fuzz.h"

#include "manage/auth.h"
#include "os/hmac.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static pshm_auth_key key, other;
  if (key.size == 0) {
    FUZZ_CHECK(os_hmac_open() == POLYSHM_OK);
    pshm_auth_take_key("the key", 7, false, &key);
    pshm_auth_take_key("another", 7, false, &other);
  }
  if (size < 1)
    return 0;
  key.refuses_md5 = data[0] & 1;
  data++;
  size--;
  unsigned char response[PSHM_AUTH_RESPONSE_MAX];
  memset(response, 0xa5, sizeof response);
  size_t made = pshm_auth_respond(&key, data, size, response);
  FUZZ_CHECK(made <= sizeof response);
  pshm_auth_is_ours(data, size);
  pshm_auth_says(data, size, PSHM_AUTH_WELCOME);

  /* No response that was not made with the key is right. */
  static unsigned char challenge[PSHM_AUTH_CHALLENGE_SIZE];
  if (challenge[0] == 0)
    FUZZ_CHECK(pshm_auth_challenge(challenge) == POLYSHM_OK);
  FUZZ_CHECK(!pshm_auth_check(&key, challenge, data, size));
  if (size == sizeof challenge && made != 0) {
    FUZZ_CHECK(pshm_auth_check(&key, data, response, made));
    FUZZ_CHECK(!pshm_auth_check(&other, data, response, made));
    response[made - 1] ^= 1;
    FUZZ_CHECK(!pshm_auth_check(&key, data, response, made));
  }
  return 0;
}
