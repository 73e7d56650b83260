/* SPDX-License-Identifier: MIT */
/* What a server does for those who know the key. */
#ifndef POLYSHM_MANAGE_METHOD_H
#define POLYSHM_MANAGE_METHOD_H

#include "manage/session.h"

#include <stddef.h>

/* Carry out a request, and put the reply into the session's `out`. */
void pshm_method_serve(
    pshm_session *session, pshm_household *household, const void *body,
    size_t size);

/* What a stock server says behind #FAILURE#. */
void pshm_method_put_refusal(pshm_buffer *buffer);

/* Remove what the household owns; it is over then. */
void pshm_method_shut_down(pshm_household *household);

#endif
