/* SPDX-License-Identifier: MIT */
#include "manage/loop.h"

#include "manage/method.h"
#include "base/error.h"

#include <stdlib.h>

enum {
  EVENTS = 64,
  MOUTHFUL = 512, /* bytes to read at first */
  ACCEPT_AT_ONCE = 64,
  ACCEPT_PAUSE = 100000000, /* nanoseconds, when nothing else helps */
  PATIENCE = 100000000,     /* for a handshake, when descriptors are short */
  PARENT_PAUSE = 1000000000 /* between looks at it */
};

/* ----------------------------------------------------------------- queues */

static void leave_queue(pshm_loop *loop, pshm_peer *peer) {
  pshm_queue *queue = loop->queues + peer->phase;
  if (peer->earlier != NULL)
    peer->earlier->later = peer->later;
  else
    queue->first = peer->later;
  if (peer->later != NULL)
    peer->later->earlier = peer->earlier;
  else
    queue->last = peer->earlier;
}

static void enter_queue(
    pshm_loop *loop, pshm_peer *peer, pshm_loop_phase phase) {
  pshm_queue *queue = loop->queues + phase;
  peer->phase = phase;
  peer->deadline = os_clock_deadline(loop->timeouts[phase]);
  peer->earlier = queue->last;
  peer->later = NULL;
  if (queue->last != NULL)
    queue->last->later = peer;
  else
    queue->first = peer;
  queue->last = peer;
}

static void drop(pshm_loop *loop, pshm_peer *peer) {
  leave_queue(loop, peer);
  os_net_close(peer->descriptor);
  peer->descriptor = -1;
  pshm_session_close(&peer->session);
  peer->later = loop->dead;
  loop->dead = peer;
  loop->npeers--;
}

static void bury(pshm_loop *loop) {
  while (loop->dead != NULL) {
    pshm_peer *peer = loop->dead;
    loop->dead = peer->later;
    free(peer);
  }
}

static pshm_loop_phase phase_of(const pshm_peer *peer) {
  const pshm_session *session = &peer->session;
  if (!session->is_trusted)
    return PSHM_LOOP_HANDSHAKE;
  bool is_idle = session->state == PSHM_SESSION_READY && session->is_kept &&
                 session->in.size == 0 && session->out.size == 0;
  return is_idle ? PSHM_LOOP_IDLE : PSHM_LOOP_REQUEST;
}

/* A handshake and a request have one time for all of it. */
static void requeue(pshm_loop *loop, pshm_peer *peer) {
  pshm_loop_phase phase = phase_of(peer);
  bool is_same = phase == peer->phase && phase != PSHM_LOOP_IDLE &&
                 peer->requests == peer->session.requests;
  if (is_same)
    return;
  peer->requests = peer->session.requests;
  leave_queue(loop, peer);
  enter_queue(loop, peer, phase);
}

static void drop_late(pshm_loop *loop) {
  static const char *const phases[] = {
      "its handshake takes too long", "its request takes too long",
      "it has not asked for anything for long"};
  int64_t now = os_clock_now();
  for (int phase = 0; phase < PSHM_LOOP_PHASES; phase++) {
    pshm_peer *first;
    while ((first = loop->queues[phase].first) != NULL &&
           first->deadline <= now) {
      pshm_journal_note(
          &loop->household.journal,
          phase == PSHM_LOOP_IDLE ? POLYSHM_LEVEL_DEBUG : POLYSHM_LEVEL_WARNING,
          "a client was dropped: %s", phases[phase]);
      drop(loop, first);
    }
  }
}

/* ------------------------------------------------------------- one client */

/* False if it has gone. */
static bool flush(pshm_peer *peer) {
  pshm_buffer *out = &peer->session.out;
  while (out->size > 0) {
    size_t count;
    os_net_result result =
        os_net_write(peer->descriptor, out->bytes, out->size, &count);
    if (result == OS_NET_LATER)
      return true;
    if (result != OS_NET_DONE)
      return false;
    pshm_buffer_consume(out, count);
  }
  return true;
}

/* False if it has gone, or has nothing more to say that we would hear. */
static bool feed(pshm_loop *loop, pshm_peer *peer) {
  pshm_buffer *in = &peer->session.in;
  size_t appetite = pshm_session_appetite(&peer->session, &loop->household);
  /* Memory grows with what has arrived, not with what was promised. */
  size_t room = in->capacity - in->size;
  if (room == 0)
    room = in->size < MOUTHFUL ? MOUTHFUL : in->size;
  appetite = room < appetite ? room : appetite;
  unsigned char *end = pshm_buffer_reserve(in, appetite);
  size_t count;
  if (end == NULL)
    return false;
  os_net_result result = os_net_read(peer->descriptor, end, appetite, &count);
  if (result == OS_NET_DONE)
    in->size += count;
  return result == OS_NET_DONE || result == OS_NET_LATER;
}

/* What has arrived is worked on until it is used up, or its answers wait. */
static bool work(pshm_loop *loop, pshm_peer *peer) {
  pshm_session *session = &peer->session;
  for (;;) {
    uint64_t requests = session->requests;
    pshm_session_work(session, &loop->household);
    if (loop->household.is_over)
      os_net_unlisten(&loop->listener); /* before anybody hears of it */
    if (!flush(peer))
      return false;
    if (session->out.size > 0)
      return true;
    if (session->state == PSHM_SESSION_ENDED)
      return false;
    if (session->requests == requests)
      return true;
  }
}

static void serve(pshm_loop *loop, pshm_peer *peer, bool can_read) {
  bool is_there = true;
  if (peer->to_write)
    is_there = flush(peer);
  else if (can_read)
    is_there = feed(loop, peer);
  if (is_there && peer->session.out.size == 0)
    is_there = work(loop, peer);
  if (!is_there) {
    drop(loop, peer);
    return;
  }
  bool to_write = peer->session.out.size > 0;
  if (to_write != peer->to_write) {
    peer->to_write = to_write;
    os_poll_change(loop->poll, peer->descriptor, peer, !to_write, to_write);
  }
  requeue(loop, peer);
}

/* -------------------------------------------------------------- accepting */

static void welcome(pshm_loop *loop, int descriptor) {
  pshm_peer *peer = calloc(1, sizeof *peer);
  if (peer == NULL || pshm_session_open(&peer->session) != POLYSHM_OK ||
      !os_poll_add(loop->poll, descriptor, peer)) {
    if (peer != NULL)
      pshm_session_close(&peer->session);
    free(peer);
    os_net_close(descriptor);
    return;
  }
  peer->descriptor = descriptor;
  loop->npeers++;
  enter_queue(loop, peer, PSHM_LOOP_HANDSHAKE);
  serve(loop, peer, false); /* its challenge */
}

/* Without descriptors: who has not shown the key in a tenth of a second goes
 * first, then who is idle, and will come again. */
static bool make_room(pshm_loop *loop) {
  pshm_peer *slow = loop->queues[PSHM_LOOP_HANDSHAKE].first;
  pshm_peer *idle = loop->queues[PSHM_LOOP_IDLE].first;
  int64_t begun = slow == NULL ? 0
                  : slow->deadline == INT64_MAX
                      ? INT64_MIN
                      : slow->deadline - loop->timeouts[PSHM_LOOP_HANDSHAKE];
  bool is_slow = slow != NULL && begun < os_clock_now() - PATIENCE;
  pshm_peer *victim = is_slow ? slow : idle;
  if (victim == NULL)
    return false;
  pshm_journal_note(
      &loop->household.journal, POLYSHM_LEVEL_WARNING,
      "a client was dropped: there are no descriptors for others");
  drop(loop, victim);
  return true;
}

static void pause_accepting(pshm_loop *loop) {
  loop->accept_from = os_clock_now() + ACCEPT_PAUSE;
  os_poll_change(
      loop->poll, loop->listener.descriptor, &loop->listener, false, false);
}

static void accept_all(pshm_loop *loop) {
  for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
    int descriptor;
    switch (os_net_accept(&loop->listener, &descriptor)) {
    case OS_NET_DONE:
      welcome(loop, descriptor);
      break;
    case OS_NET_REFUSED:
      pshm_journal_note(
          &loop->household.journal, POLYSHM_LEVEL_WARNING,
          "a client was refused: it is another user, or has gone");
      break;
    case OS_NET_FULL:
      if (!make_room(loop)) {
        pause_accepting(loop);
        return;
      }
      break;
    case OS_NET_LATER:
      return;
    default:
      pshm_journal_note(
          &loop->household.journal, POLYSHM_LEVEL_ERROR,
          "the listening socket is gone");
      pshm_loop_end(loop, "nobody can connect any more");
      return;
    }
  }
}

static void resume_accepting(pshm_loop *loop) {
  if (loop->accept_from == 0 || os_clock_now() < loop->accept_from)
    return;
  loop->accept_from = 0;
  os_poll_change(
      loop->poll, loop->listener.descriptor, &loop->listener, true, false);
}

/* ---------------------------------------------------------------- turning */

static int64_t time_left(const pshm_loop *loop, int64_t deadline) {
  int64_t left = os_clock_left(deadline, INT64_MAX);
  for (int phase = 0; phase < PSHM_LOOP_PHASES; phase++)
    if (loop->queues[phase].first != NULL)
      left = os_clock_left(loop->queues[phase].first->deadline, left);
  if (loop->accept_from != 0)
    left = os_clock_left(loop->accept_from, left);
  if (loop->watched != 0 && left > PARENT_PAUSE)
    left = PARENT_PAUSE;
  return left < 0 ? 0 : left;
}

void pshm_loop_end(pshm_loop *loop, const char *why) {
  if (loop->has_ended)
    return;
  loop->has_ended = true;
  pshm_journal_note(
      &loop->household.journal, POLYSHM_LEVEL_INFO, "ends: %s", why);
  os_net_unlisten(&loop->listener);
  if (!loop->household.is_over)
    pshm_method_shut_down(&loop->household);
  for (int phase = 0; phase < PSHM_LOOP_PHASES; phase++)
    while (loop->queues[phase].first != NULL)
      drop(loop, loop->queues[phase].first);
}

static void handle(pshm_loop *loop, const os_poll_event *event) {
  if (loop->has_ended)
    return;
  if (event->tag == &loop->listener)
    accept_all(loop);
  else if (event->tag == &loop->bell) {
    os_bell_clear(loop->bell);
    pshm_loop_end(loop, "it was told to");
  } else if (event->tag == &loop->parent)
    pshm_loop_end(loop, "the process that started it has ended");
  else {
    pshm_peer *peer = event->tag;
    if (peer->descriptor >= 0)
      serve(loop, peer, event->can_read);
    if (loop->household.is_over)
      pshm_loop_end(loop, "a client asked for it");
  }
}

polyshm_status pshm_loop_turn(pshm_loop *loop, int64_t deadline) {
  os_poll_event events[EVENTS];
  int count =
      os_poll_wait(loop->poll, events, EVENTS, time_left(loop, deadline));
  for (int i = 0; i < count; i++)
    handle(loop, events + i);
  if (!loop->has_ended) {
    drop_late(loop);
    resume_accepting(loop);
    if (loop->watched != 0 && !os_process_is_alive(loop->watched))
      pshm_loop_end(loop, "the process that started it has ended");
  }
  bury(loop);
  return count < 0
             ? pshm_error_set(
                   POLYSHM_E_INTERRUPTED, "a signal arrived while serving")
             : POLYSHM_OK;
}

void pshm_loop_close(pshm_loop *loop) {
  for (int phase = 0; phase < PSHM_LOOP_PHASES; phase++)
    while (loop->queues[phase].first != NULL)
      drop(loop, loop->queues[phase].first);
  bury(loop);
  os_net_unlisten(&loop->listener);
  os_net_close(loop->poll);
  os_net_close(loop->bell);
  os_net_close(loop->parent);
  if (loop->household.registry.table != NULL)
    pshm_registry_close(&loop->household.registry);
  pshm_unpickle_drop(&loop->household.pickle);
  pshm_auth_forget_key(&loop->household.key);
}
