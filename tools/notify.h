/* SPDX-License-Identifier: MIT */
/* Telling systemd, if it is who started the program. */
#ifndef NOTIFY_H
#define NOTIFY_H

/* "READY=1" and the like, to the socket that NOTIFY_SOCKET names; nothing
 * without one. */
void notify_send(const char *message);

#endif
