/* SPDX-License-Identifier: MIT */
/* A good peer's calls, each of which is told before, judged and counted. */
#ifndef POLYSHM_TESTS_HOSTILE_CALLS_H
#define POLYSHM_TESTS_HOSTILE_CALLS_H

#include <polyshm.h>

#include <stdint.h>

/* `folder` is where the board is: a file named after the peer, with the call
 * that it is in. `promises` is the path of promises.txt. */
void calls_begin(
    const char *peer, const char *folder, const char *promises,
    double patience);

/* Say what comes now, and judge what came: a status that was not promised for
 * this call, or one that took too long, ends the program. */
void call(const char *what);
polyshm_status came(polyshm_status status);

/* What else is wrong. */
__attribute__((format(printf, 1, 2))) _Noreturn void wrong(
    const char *format, ...);

/* Whether the board says that it is over. */
int calls_are_over(void);

/* Print the counts. */
void calls_tell(void);

#endif
