/* SPDX-License-Identifier: MIT */
/*
 * How the two sides of a connection prove to each other that they know the
 * authkey, as multiprocessing.connection does. Each challenges the other, the
 * server first; what answers is an HMAC of the challenge.
 *
 * CPython 3.12 and newer name the digest in the challenge and in the response,
 * older ones know MD5 alone and name nothing.
 */
#ifndef POLYSHM_MANAGE_AUTH_H
#define POLYSHM_MANAGE_AUTH_H

#include "polyshm.h"

#include <stdbool.h>
#include <stddef.h>

#define PSHM_AUTH_WELCOME "#WELCOME#"
#define PSHM_AUTH_FAILURE "#FAILURE#"

enum {
  PSHM_AUTH_MESSAGE_MAX = 256,   /* of anything before the welcome */
  PSHM_AUTH_CHALLENGE_SIZE = 59, /* of ours: "#CHALLENGE#{sha256}" and 40 */
  PSHM_AUTH_RESPONSE_MAX = 64,
  PSHM_AUTH_KEY_MAX = 4096
};

typedef struct pshm_auth_key {
  size_t size;
  bool refuses_md5;
  unsigned char bytes[PSHM_AUTH_KEY_MAX];
} pshm_auth_key;

polyshm_status pshm_auth_take_key(
    const void *authkey, uint64_t nauthkey, bool refuses_md5,
    pshm_auth_key *out_key);
void pshm_auth_forget_key(pshm_auth_key *key);

/* A challenge of ours. Its last bytes say that it is, and that connections may
 * stay open for more than one request; to others they are as random as the
 * rest. */
polyshm_status pshm_auth_challenge(
    unsigned char out_message[PSHM_AUTH_CHALLENGE_SIZE]);

/* Answer somebody's challenge: the size of the response; 0 if the message is no
 * challenge that can be answered. */
size_t pshm_auth_respond(
    const pshm_auth_key *key, const void *message, size_t nmessage,
    unsigned char response[PSHM_AUTH_RESPONSE_MAX]);

/* Whether this is the right response to a challenge of ours. */
bool pshm_auth_check(
    const pshm_auth_key *key,
    const unsigned char challenge[PSHM_AUTH_CHALLENGE_SIZE],
    const void *response, size_t nresponse);

/* Whether a challenge came from a library of this kind. */
bool pshm_auth_is_ours(const void *message, size_t nmessage);

bool pshm_auth_says(const void *message, size_t nmessage, const char *word);

#endif
