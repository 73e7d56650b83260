/* SPDX-License-Identifier: MIT */
/*
 * One client of a server: bytes in, bytes out. It knows no descriptors and no
 * time, so that it can be tested, and fuzzed, by itself.
 */
#ifndef POLYSHM_MANAGE_SESSION_H
#define POLYSHM_MANAGE_SESSION_H

#include "polyshm.h"
#include "manage/auth.h"
#include "manage/journal.h"
#include "manage/registry.h"
#include "base/buffer.h"
#include "base/unpickle.h"

#include <stdbool.h>

/* What all sessions of a server share. */
typedef struct pshm_household {
  pshm_auth_key key;
  pshm_registry registry;
  pshm_journal journal;
  pshm_pickle pickle;     /* the room for each request in turn */
  uint64_t message_limit; /* bytes of a request */
  bool is_over;           /* somebody has asked for the shutdown */
} pshm_household;

typedef enum pshm_session_state {
  PSHM_SESSION_CHALLENGED, /* it must answer our challenge, */
  PSHM_SESSION_CHALLENGER, /* then challenge us, */
  PSHM_SESSION_ANSWERED,   /* then welcome us; */
  PSHM_SESSION_READY,      /* then it may ask */
  PSHM_SESSION_ENDED       /* what is in `out` is all that it still gets */
} pshm_session_state;

typedef struct pshm_session {
  pshm_session_state state;
  bool is_ours;    /* a library of this kind */
  bool is_kept;    /* stays for another request */
  bool is_trusted; /* it has shown that it knows the key */
  uint64_t requests;
  pshm_buffer in, out;
  unsigned char challenge[PSHM_AUTH_CHALLENGE_SIZE];
} pshm_session;

/* The challenge is in `out` then. */
polyshm_status pshm_session_open(pshm_session *session);

/* Work on what is in `in`, as long as there are whole messages, none of whose
 * answers wait in `out`. */
void pshm_session_work(pshm_session *session, pshm_household *household);

/* How many bytes to read next at most: what was not paid for by knowing the key
 * gets no memory. */
size_t pshm_session_appetite(
    const pshm_session *session, const pshm_household *household);

void pshm_session_close(pshm_session *session);

#endif
