/* SPDX-License-Identifier: MIT */
/* What the scenes share: a neighbour, a list, and a clock. */
#ifndef POLYSHM_TESTS_HOSTILE_SCENES_H
#define POLYSHM_TESTS_HOSTILE_SCENES_H

#include "support.h"

#include "common.h"

#include <sys/types.h>

#define MILLISECOND INT64_C(1000000)
#define TIMEOUT (30 * MILLISECOND)

/* How much later than promised an answer may come, on a machine with much else
 * to do. */
#define SLACK (4000 * MILLISECOND)

/* It takes so long, and not much longer. */
#define assert_takes(least, call)                                              \
  do {                                                                         \
    int64_t begun_ = now();                                                    \
    call;                                                                      \
    int64_t took_ = now() - begun_;                                            \
    assert_true(took_ >= (least));                                             \
    assert_true(took_ < (least) + SLACK);                                      \
  } while (0)

/* What a neighbour does to a name. It tells when it has done so, and may stay.
 */
typedef void deed_fn(const char *name, int ready);

void tell_ready(int ready);
_Noreturn void linger(void);

/* Or end this process. */
int open_file(const char *name, int flags);

/* Start a neighbour, and wait until it has done its deed. */
pid_t let_in(deed_fn *deed, const char *name);

/* Kill it. */
void send_away(pid_t neighbour);

/* A list of an int, a string and an int; another handle on it. */
polyshm_list *make(const char *name);
polyshm_list *attach(const char *name);

/* Free it and remove its name. */
void end(polyshm_list *list, const char *name);

#endif
