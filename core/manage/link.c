/* SPDX-License-Identifier: MIT */
#include "manage/link.h"

#include "os/net.h"
#include "os/os.h"
#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
  MOUTHFUL = 4096,
  FIRST_PAUSE = 2000000, /* nanoseconds between the first two attempts */
  LONGEST_PAUSE = 128000000,
  INSISTENCE = 2000000000, /* on being let in */
  GRACE = 100000000 /* nanoseconds for an answer that a signal came before */
};

static polyshm_status fail_gone(void) {
  return pshm_error_set_os(
      POLYSHM_E_OS, ECONNRESET, "the manager has closed the connection");
}

static polyshm_status fail_memory(void) {
  return pshm_error_set(
      POLYSHM_E_MEMORY, "out of memory for the talk with the manager");
}

/* ---------------------------------------------------------------- waiting */

/* Before a request is sent, a signal costs nothing but another attempt. Once it
 * is, the answer mostly comes in no time, and tells whether it was done. */
static polyshm_status wait(pshm_link *link, bool to_write, int64_t *deadline) {
  for (;;) {
    int64_t left = os_clock_left(*deadline, INT64_MAX);
    os_wake woken = left <= 0 ? OS_WAKE_TIMEOUT
                              : os_net_wait(link->descriptor, to_write, left);
    if (woken == OS_WAKE_MAYBE)
      return POLYSHM_OK;
    if (woken == OS_WAKE_INTERRUPTED && link->is_asked) {
      int64_t grace = os_clock_deadline(GRACE);
      *deadline = grace < *deadline ? grace : *deadline;
      link->is_interrupted = true;
    } else if (woken == OS_WAKE_INTERRUPTED || link->is_interrupted)
      return pshm_error_set(
          POLYSHM_E_INTERRUPTED,
          "a signal arrived while the manager was asked");
    else
      return pshm_error_set_os(
          POLYSHM_E_TIMEOUT, ETIMEDOUT, "the manager does not answer in time");
  }
}

static polyshm_status send_all(pshm_link *link, int64_t deadline) {
  pshm_buffer *out = &link->out;
  while (out->size > 0) {
    size_t count;
    os_net_result result =
        os_net_write(link->descriptor, out->bytes, out->size, &count);
    polyshm_status status = POLYSHM_OK;
    if (result == OS_NET_DONE)
      pshm_buffer_consume(out, count);
    else if (result == OS_NET_LATER)
      status = wait(link, true, &deadline);
    else
      status = fail_gone();
    if (status != POLYSHM_OK)
      return status;
  }
  return out->has_failed ? fail_memory() : POLYSHM_OK;
}

polyshm_status pshm_link_send(pshm_link *link, int64_t deadline) {
  link->is_asked = true;
  link->is_interrupted = false;
  return send_all(link, deadline);
}

polyshm_status pshm_link_receive(
    pshm_link *link, size_t limit, int64_t deadline, pshm_frame *out_frame) {
  pshm_buffer *in = &link->in;
  for (;;) {
    switch (pshm_frame_read(in->bytes, in->size, limit, out_frame)) {
    case PSHM_FRAME_WHOLE:
      return POLYSHM_OK;
    case PSHM_FRAME_REFUSED:
      return pshm_error_set(
          POLYSHM_E_PROTOCOL, "the manager sends a message that is too long");
    case PSHM_FRAME_PART:
      break;
    }
    unsigned char *end = pshm_buffer_reserve(in, MOUTHFUL);
    if (end == NULL)
      return fail_memory();
    size_t count;
    os_net_result result =
        os_net_read(link->descriptor, end, in->capacity - in->size, &count);
    polyshm_status status = POLYSHM_OK;
    if (result == OS_NET_DONE)
      in->size += count;
    else if (result == OS_NET_LATER)
      status = wait(link, false, &deadline);
    else
      status = fail_gone();
    if (status != POLYSHM_OK)
      return status;
  }
}

void pshm_link_finish(pshm_link *link, const pshm_frame *frame) {
  link->is_asked = false;
  pshm_buffer_consume(&link->in, frame->total);
}

polyshm_status pshm_link_drain(pshm_link *link, int64_t deadline) {
  for (;;) {
    unsigned char ignored[MOUTHFUL];
    size_t count;
    os_net_result result =
        os_net_read(link->descriptor, ignored, sizeof ignored, &count);
    if (result == OS_NET_GONE)
      return POLYSHM_OK;
    polyshm_status status =
        result == OS_NET_LATER ? wait(link, false, &deadline) : POLYSHM_OK;
    if (status != POLYSHM_OK)
      return status;
  }
}

/* -------------------------------------------------------------- handshake */

static polyshm_status fail_access(const char *why) {
  return pshm_error_set(POLYSHM_E_ACCESS, "%s", why);
}

/* The manager's challenge, and our answer. */
static polyshm_status answer(
    pshm_link *link, const pshm_auth_key *key, int64_t deadline) {
  pshm_frame frame;
  polyshm_status status =
      pshm_link_receive(link, PSHM_AUTH_MESSAGE_MAX, deadline, &frame);
  if (status != POLYSHM_OK)
    return status;
  unsigned char response[PSHM_AUTH_RESPONSE_MAX];
  size_t size = pshm_auth_respond(key, frame.body, frame.size, response);
  link->is_ours = pshm_auth_is_ours(frame.body, frame.size);
  pshm_link_finish(link, &frame);
  if (size == 0)
    return fail_access("the manager challenges in a way that is refused here");
  pshm_frame_put(&link->out, response, size);
  status = send_all(link, deadline);
  if (status == POLYSHM_OK)
    status = pshm_link_receive(link, PSHM_AUTH_MESSAGE_MAX, deadline, &frame);
  if (status != POLYSHM_OK)
    return status;
  bool is_welcome = pshm_auth_says(frame.body, frame.size, PSHM_AUTH_WELCOME);
  pshm_link_finish(link, &frame);
  return is_welcome ? POLYSHM_OK : fail_access("digest sent was rejected");
}

/* Our challenge. The welcome goes with the first request. */
static polyshm_status challenge(
    pshm_link *link, const pshm_auth_key *key, int64_t deadline) {
  unsigned char ours[PSHM_AUTH_CHALLENGE_SIZE];
  polyshm_status status = pshm_auth_challenge(ours);
  if (status != POLYSHM_OK)
    return status;
  pshm_frame_put(&link->out, ours, sizeof ours);
  pshm_frame frame;
  status = send_all(link, deadline);
  if (status == POLYSHM_OK)
    status = pshm_link_receive(link, PSHM_AUTH_MESSAGE_MAX, deadline, &frame);
  if (status != POLYSHM_OK)
    return status;
  bool is_right = pshm_auth_check(key, ours, frame.body, frame.size);
  pshm_link_finish(link, &frame);
  const char *word = is_right ? PSHM_AUTH_WELCOME : PSHM_AUTH_FAILURE;
  pshm_frame_put(&link->out, word, strlen(word));
  if (is_right)
    return POLYSHM_OK;
  send_all(link, deadline);
  return fail_access("digest received was wrong");
}

static polyshm_status open_once(
    const char *address, const pshm_auth_key *key, int64_t deadline,
    pshm_link **out_link) {
  pshm_link *link = calloc(1, sizeof *link);
  if (link == NULL)
    return fail_memory();
  polyshm_status status = os_net_connect(address, deadline, &link->descriptor);
  if (status != POLYSHM_OK) {
    free(link);
    return status;
  }
  link->identity = os_net_identify(link->descriptor);
  link->pid = os_process_id();
  status = answer(link, key, deadline);
  if (status == POLYSHM_OK)
    status = challenge(link, key, deadline);
  if (status != POLYSHM_OK) {
    pshm_link_close(link);
    return status;
  }
  *out_link = link;
  return POLYSHM_OK;
}

/* A manager that is out of descriptors sends some away before they could show
 * their key. A wrong key it would tell. */
polyshm_status pshm_link_open(
    const char *address, const pshm_auth_key *key, int64_t deadline,
    pshm_link **out_link) {
  int64_t pause = FIRST_PAUSE, given_up = os_clock_deadline(INSISTENCE);
  if (given_up > deadline)
    given_up = deadline;
  for (;;) {
    polyshm_status status = open_once(address, key, deadline, out_link);
    if (status != POLYSHM_E_OS || polyshm_error_os() != ECONNRESET ||
        os_clock_left(given_up, pause) < pause)
      return status;
    os_clock_sleep(pause);
    pause = pause < LONGEST_PAUSE ? 2 * pause : pause;
  }
}

/* ------------------------------------------------------------------- idle */

static bool is_mine(const pshm_link *link) {
  return os_net_identify(link->descriptor) == link->identity;
}

/* Nothing is to come unasked: neither bytes nor the end. */
bool pshm_link_is_usable(const pshm_link *link) {
  return link->pid == os_process_id() && is_mine(link) &&
         os_net_wait(link->descriptor, false, 0) == OS_WAKE_TIMEOUT;
}

void pshm_link_close(pshm_link *link) {
  if (link == NULL)
    return;
  if (is_mine(link))
    os_net_close(link->descriptor);
  pshm_buffer_drop(&link->in);
  pshm_buffer_drop(&link->out);
  free(link);
}
