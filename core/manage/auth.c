/* SPDX-License-Identifier: MIT */
#include "manage/auth.h"

#include "os/hmac.h"
#include "os/os.h"
#include "base/error.h"

#include <string.h>

#define CHALLENGE "#CHALLENGE#"
#define PREFIX "{sha256}"
#define MARK "polyshm\001" /* the last byte is the version of our additions */

enum {
  CHALLENGE_WORD = sizeof CHALLENGE - 1,
  PREFIX_SIZE = sizeof PREFIX - 1,
  MARK_SIZE = sizeof MARK - 1,
  RANDOM = 32,
  NONCE_LEGACY = 20, /* what CPython up to 3.11 sends */
  MD5_SIZE = 16,
  BRACE_LAST = 9 /* where CPython looks for the closing brace */
};
_Static_assert(
    CHALLENGE_WORD + PREFIX_SIZE + RANDOM + MARK_SIZE ==
        PSHM_AUTH_CHALLENGE_SIZE,
    "the parts of a challenge");

static const char *const names[OS_HMAC_KINDS] = {
    "md5", "sha256", "sha384", "sha3_256", "sha3_384"};

/* -------------------------------------------------------------------- key */

polyshm_status pshm_auth_take_key(
    const void *authkey, uint64_t nauthkey, bool refuses_md5,
    pshm_auth_key *out_key) {
  if (authkey == NULL)
    return pshm_error_set(POLYSHM_E_INVALID, "the authkey is NULL");
  if (nauthkey > PSHM_AUTH_KEY_MAX)
    return pshm_error_set(
        POLYSHM_E_INVALID, "an authkey has at most %d bytes, not %llu",
        PSHM_AUTH_KEY_MAX, (unsigned long long)nauthkey);
  *out_key =
      (pshm_auth_key){.size = (size_t)nauthkey, .refuses_md5 = refuses_md5};
  memcpy(out_key->bytes, authkey, (size_t)nauthkey);
  return POLYSHM_OK;
}

void pshm_auth_forget_key(pshm_auth_key *key) {
  volatile unsigned char *bytes = key->bytes;
  for (size_t i = 0; i < sizeof key->bytes; i++)
    bytes[i] = 0;
  key->size = 0;
}

/* ---------------------------------------------------------------- digests */

/* "{name}" at the front of a text: what it names, and how long it is. */
static bool read_prefix(
    const unsigned char *bytes, size_t nbytes, os_hmac_kind *out_kind,
    size_t *out_size) {
  if (nbytes == 0 || bytes[0] != '{')
    return false;
  for (size_t end = 1; end < nbytes && end <= BRACE_LAST; end++) {
    if (bytes[end] != '}')
      continue;
    for (int kind = 0; kind < OS_HMAC_KINDS; kind++)
      if (strlen(names[kind]) == end - 1 &&
          memcmp(names[kind], bytes + 1, end - 1) == 0) {
        *out_kind = (os_hmac_kind)kind;
        *out_size = end + 1;
        return true;
      }
    return false;
  }
  return false;
}

/* In a time that does not tell where they differ. */
static bool are_equal(
    const unsigned char *one, const unsigned char *other, size_t size) {
  unsigned char difference = 0;
  for (size_t i = 0; i < size; i++)
    difference |= one[i] ^ other[i];
  return difference == 0;
}

static size_t digest_of(
    const pshm_auth_key *key, os_hmac_kind kind, const unsigned char *bytes,
    size_t nbytes, unsigned char digest[OS_HMAC_SIZE_MAX]) {
  if (kind == OS_HMAC_MD5 && key->refuses_md5)
    return 0;
  return os_hmac_make(kind, key->bytes, key->size, bytes, nbytes, digest);
}

/* ------------------------------------------------------------- challenges */

polyshm_status pshm_auth_challenge(
    unsigned char out_message[PSHM_AUTH_CHALLENGE_SIZE]) {
  unsigned char *at = out_message;
  memcpy(at, CHALLENGE PREFIX, CHALLENGE_WORD + PREFIX_SIZE);
  at += CHALLENGE_WORD + PREFIX_SIZE;
  polyshm_status status = os_random_fill(at, RANDOM);
  memcpy(at + RANDOM, MARK, MARK_SIZE);
  return status;
}

bool pshm_auth_is_ours(const void *message, size_t nmessage) {
  return nmessage == PSHM_AUTH_CHALLENGE_SIZE &&
         memcmp(
             (const unsigned char *)message + nmessage - MARK_SIZE, MARK,
             MARK_SIZE) == 0;
}

size_t pshm_auth_respond(
    const pshm_auth_key *key, const void *message, size_t nmessage,
    unsigned char response[PSHM_AUTH_RESPONSE_MAX]) {
  const unsigned char *bytes = message;
  if (nmessage < CHALLENGE_WORD || nmessage > PSHM_AUTH_MESSAGE_MAX ||
      memcmp(bytes, CHALLENGE, CHALLENGE_WORD) != 0)
    return 0;
  bytes += CHALLENGE_WORD;
  size_t size = nmessage - CHALLENGE_WORD, prefix = 0;
  os_hmac_kind kind = OS_HMAC_MD5;
  if (size != NONCE_LEGACY) {
    if (size < NONCE_LEGACY || !read_prefix(bytes, size, &kind, &prefix))
      return 0;
    memcpy(response, bytes, prefix);
  }
  unsigned char digest[OS_HMAC_SIZE_MAX];
  size_t made = digest_of(key, kind, bytes, size, digest);
  memcpy(response + prefix, digest, made);
  return made == 0 ? 0 : prefix + made;
}

bool pshm_auth_check(
    const pshm_auth_key *key,
    const unsigned char challenge[PSHM_AUTH_CHALLENGE_SIZE],
    const void *response, size_t nresponse) {
  const unsigned char *bytes = response;
  size_t prefix = 0;
  os_hmac_kind kind = OS_HMAC_MD5;
  if (nresponse != MD5_SIZE && !read_prefix(bytes, nresponse, &kind, &prefix))
    return false;
  unsigned char digest[OS_HMAC_SIZE_MAX];
  size_t size = digest_of(
      key, kind, challenge + CHALLENGE_WORD,
      PSHM_AUTH_CHALLENGE_SIZE - CHALLENGE_WORD, digest);
  return size != 0 && nresponse - prefix == size &&
         are_equal(bytes + prefix, digest, size);
}

bool pshm_auth_says(const void *message, size_t nmessage, const char *word) {
  return nmessage == strlen(word) && memcmp(message, word, nmessage) == 0;
}
