/* SPDX-License-Identifier: MIT */
/*
 * A whole session of a server: handshake and requests, in pieces, from a client
 * that may know the key. What it asks is done to a registry in memory: no block
 * is touched.
 *
 * The first byte says how far the client goes by itself (bit 0: it knows the
 * key; bit 1: it is of our kind) and how the rest is cut.
 */
#include "fuzz.h"

#include "manage/message.h"
#include "manage/session.h"
#include "base/frame.h"
#include "os/hmac.h"

#include <fcntl.h>
#include <string.h>

/* -------------------------------------------- in place of manage/registry.c */

static uint64_t added, released;

polyshm_status pshm_registry_add(
    pshm_registry *registry, const char *name, uint64_t inode) {
  FUZZ_CHECK(name[0] != 0 && strchr(name, '/') == NULL);
  FUZZ_CHECK(strlen(name) <= POLYSHM_NAME_MAX);
  registry->count++;
  added += inode != 0;
  return POLYSHM_OK;
}

polyshm_status pshm_registry_drop(
    pshm_registry *registry, const char *name, uint64_t inode) {
  FUZZ_CHECK(name[0] != 0 && inode != 0);
  return registry->count == 0 ? POLYSHM_E_NOT_FOUND
                              : (registry->count--, POLYSHM_OK);
}

polyshm_status pshm_registry_release(
    pshm_registry *registry, const char *name) {
  FUZZ_CHECK(strchr(name, '/') == NULL);
  released++;
  return pshm_registry_drop(registry, name, 1);
}

uint64_t pshm_registry_clear(pshm_registry *registry) {
  uint64_t count = registry->count;
  registry->count = 0;
  return count;
}

/* ------------------------------------------------------------------ client */

static pshm_household house;

static void begin(void) {
  FUZZ_CHECK(os_hmac_open() == POLYSHM_OK);
  pshm_auth_take_key("key", 3, false, &house.key);
  house.message_limit = 4096;
  house.journal.level = POLYSHM_LEVEL_DEBUG;
  house.registry.folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void say(pshm_session *session, const void *bytes, size_t size) {
  pshm_frame_put(&session->in, bytes, size);
  pshm_session_work(session, &house);
}

static void hear(pshm_session *session) {
  pshm_buffer_consume(&session->out, session->out.size);
}

static void get_in(pshm_session *session, bool is_ours) {
  unsigned char response[PSHM_AUTH_RESPONSE_MAX];
  unsigned char challenge[PSHM_AUTH_CHALLENGE_SIZE];
  hear(session);
  size_t size = pshm_auth_respond(
      &house.key, session->challenge, sizeof session->challenge, response);
  say(session, response, size);
  hear(session);
  FUZZ_CHECK(pshm_auth_challenge(challenge) == POLYSHM_OK);
  if (!is_ours)
    challenge[sizeof challenge - 1] ^= 1;
  say(session, challenge, sizeof challenge);
  hear(session);
  say(session, PSHM_AUTH_WELCOME, strlen(PSHM_AUTH_WELCOME));
  FUZZ_CHECK(session->state == PSHM_SESSION_READY);
  FUZZ_CHECK(session->is_ours == is_ours);
}

/* Answers are messages that our own client understands. */
static void check_answers(pshm_session *session) {
  static pshm_pickle pickle;
  pickle.most = 1 << 20;
  size_t used = 0;
  pshm_frame frame;
  while (pshm_frame_read(
             session->out.bytes + used, session->out.size - used, 1 << 24,
             &frame) == PSHM_FRAME_WHOLE) {
    polyshm_status status = POLYSHM_OK;
    uint32_t value = pshm_reply_read(&pickle, frame.body, frame.size, &status);
    FUZZ_CHECK(value != 0 || status < 0);
    used += frame.total;
  }
  FUZZ_CHECK(used == session->out.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (house.key.size == 0)
    begin();
  if (size < 1)
    return 0;
  uint8_t manner = data[0];
  bool is_in = manner & 1, is_ours = manner & 2;
  size_t step = (manner >> 2) == 0 ? size : manner >> 2;
  pshm_session session;
  FUZZ_CHECK(pshm_session_open(&session) == POLYSHM_OK);
  if (is_in)
    get_in(&session, is_ours);
  for (size_t at = 1; at < size && session.state != PSHM_SESSION_ENDED;) {
    size_t piece = size - at < step ? size - at : step;
    size_t appetite = pshm_session_appetite(&session, &house);
    FUZZ_CHECK(appetite > 0);
    piece = piece < appetite ? piece : appetite;
    pshm_buffer_put(&session.in, data + at, piece);
    at += piece;
    pshm_session_work(&session, &house);
    if (is_in)
      check_answers(&session);
    FUZZ_CHECK(session.in.size <= house.message_limit + 16);
    hear(&session);
    pshm_session_work(&session, &house);
    hear(&session);
  }
  FUZZ_CHECK(is_in || !session.is_trusted);
  FUZZ_CHECK(is_in || session.requests == 0);
  pshm_session_close(&session);
  house.is_over = false;
  house.journal.count = 0;
  house.registry.count = 0;
  return 0;
}
