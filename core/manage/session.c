/* SPDX-License-Identifier: MIT */
#include "manage/session.h"

#include "manage/method.h"
#include "base/error.h"
#include "base/frame.h"

#include <string.h>

enum { MOUTHFUL = 64 << 10 };

polyshm_status pshm_session_open(pshm_session *session) {
  *session = (pshm_session){.state = PSHM_SESSION_CHALLENGED};
  polyshm_status status = pshm_auth_challenge(session->challenge);
  if (status == POLYSHM_OK)
    pshm_frame_put(
        &session->out, session->challenge, sizeof session->challenge);
  return status;
}

void pshm_session_close(pshm_session *session) {
  pshm_buffer_drop(&session->in);
  pshm_buffer_drop(&session->out);
}

static void put_word(pshm_session *session, const char *word) {
  pshm_frame_put(&session->out, word, strlen(word));
}

/* -------------------------------------------------------------- handshake */

/* As stock servers do: the word, and why, to a client that may not care. */
static void reject(pshm_session *session, pshm_household *household) {
  pshm_journal_note(
      &household->journal, POLYSHM_LEVEL_WARNING,
      "a client was refused: it does not know the authkey");
  put_word(session, PSHM_AUTH_FAILURE);
  pshm_method_put_refusal(&session->out);
  session->state = PSHM_SESSION_ENDED;
}

static void end(
    pshm_session *session, pshm_household *household, const char *why) {
  pshm_journal_note(
      &household->journal, POLYSHM_LEVEL_WARNING, "a client was refused: %s",
      why);
  session->state = PSHM_SESSION_ENDED;
}

static void answer_challenge(
    pshm_session *session, pshm_household *household, const pshm_frame *frame) {
  unsigned char response[PSHM_AUTH_RESPONSE_MAX];
  size_t size =
      pshm_auth_respond(&household->key, frame->body, frame->size, response);
  if (size == 0) {
    end(session, household, "it challenges in a way that is not known");
    return;
  }
  session->is_ours = pshm_auth_is_ours(frame->body, frame->size);
  session->is_kept = session->is_ours;
  pshm_frame_put(&session->out, response, size);
  session->state = PSHM_SESSION_ANSWERED;
}

static void shake_hands(
    pshm_session *session, pshm_household *household, const pshm_frame *frame) {
  if (session->state == PSHM_SESSION_CHALLENGER)
    answer_challenge(session, household, frame);
  else if (session->state == PSHM_SESSION_ANSWERED) {
    if (pshm_auth_says(frame->body, frame->size, PSHM_AUTH_WELCOME))
      session->state = PSHM_SESSION_READY;
    else
      end(session, household, "it does not accept our digest");
  } else if (pshm_auth_check(
                 &household->key, session->challenge, frame->body,
                 frame->size)) {
    put_word(session, PSHM_AUTH_WELCOME);
    session->is_trusted = true;
    session->state = PSHM_SESSION_CHALLENGER;
  } else
    reject(session, household);
}

/* --------------------------------------------------------------- requests */

static void serve(
    pshm_session *session, pshm_household *household, const pshm_frame *frame) {
  session->requests++;
  pshm_method_serve(session, household, frame->body, frame->size);
  if (!session->is_kept || household->is_over)
    session->state = PSHM_SESSION_ENDED;
}

static size_t limit_of(
    const pshm_session *session, const pshm_household *household) {
  return session->state == PSHM_SESSION_READY ? (size_t)household->message_limit
                                              : PSHM_AUTH_MESSAGE_MAX;
}

size_t pshm_session_appetite(
    const pshm_session *session, const pshm_household *household) {
  size_t whole = limit_of(session, household) + PSHM_FRAME_HEADER_MAX;
  size_t left = whole > session->in.size ? whole - session->in.size : 0;
  return left < MOUTHFUL ? left : MOUTHFUL;
}

void pshm_session_work(pshm_session *session, pshm_household *household) {
  size_t done = 0;
  while (session->state != PSHM_SESSION_ENDED) {
    if (done == session->in.size)
      break;
    /* Who asks and does not read the answers has to stop asking. */
    if (session->state == PSHM_SESSION_READY && session->out.size > 0)
      break;
    pshm_frame frame;
    pshm_frame_state found = pshm_frame_read(
        session->in.bytes + done, session->in.size - done,
        limit_of(session, household), &frame);
    if (found == PSHM_FRAME_PART)
      break;
    if (found == PSHM_FRAME_REFUSED) {
      end(session, household, "it sends a message that is too long");
      break;
    }
    done += frame.total;
    if (session->state == PSHM_SESSION_READY)
      serve(session, household, &frame);
    else
      shake_hands(session, household, &frame);
  }
  pshm_buffer_consume(&session->in, done);
  if (session->in.has_failed || session->out.has_failed) {
    end(session, household, "there is no memory for it");
    pshm_buffer_drop(&session->out);
  }
}
