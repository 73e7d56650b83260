/* SPDX-License-Identifier: MIT */
/*
 * A process that is led through one call instruction by instruction, by ptrace:
 * so that it can be killed, or others can act, between any two of them.
 */
#ifndef POLYSHM_TESTS_STEPPER_H
#define POLYSHM_TESTS_STEPPER_H

#include "support.h"

#include <stdatomic.h>

/* What the process says, in memory that survives it. */
typedef struct stepper_stage {
  atomic_int began, ended;
  polyshm_status status;
  int64_t number;
  polyshm_value values[2]; /* strings begin where of.i says, in `bytes` */
  char bytes[128];
} stepper_stage;

/* What the process does: `prepare`, at full speed, then `act`. */
typedef struct stepper_part {
  void (*prepare)(void *argument, stepper_stage *stage);
  void (*act)(void *argument, stepper_stage *stage);
  void *argument;
} stepper_part;

typedef struct stepper {
  pid_t process;
  stepper_stage *stage;
  const void *watched; /* shared bytes */
  size_t size;
  unsigned char *last; /* what they were after the last step */
  unsigned steps, stores, calls;
  long call, result;
} stepper;

/* Call it first in main(), with its arguments: it may start the program anew.
 * Whether processes can be led at all here. */
bool stepper_works(char **arguments);

/* Start a process that does its part, up to before the first instruction of
 * `act`. */
void stepper_start(
    stepper *self, const stepper_part *part, const void *watched, size_t size);

/* Where the instructions of a call are, in the order of their execution. */
typedef struct stepper_path {
  uint64_t *places;
  unsigned n, room;
} stepper_path;

/* Execute one instruction; false if `act` has ended. */
bool stepper_step(stepper *self);

/* Execute all up to and with the next one that changes the watched bytes; false
 * if `act` ended before. */
bool stepper_store(stepper *self);

/* The same, or is a system call, at twice the cost. */
bool stepper_event(stepper *self);

/* Add the next instruction to a path, whose places are the caller's to free. */
void stepper_note(const stepper *self, stepper_path *path);

/* At the beginning of `act`, go to before instruction number `step` of what it
 * did when the path was noted, quicker than by single steps; false if it ended
 * before. */
bool stepper_jump(stepper *self, const stepper_path *path, unsigned step);

/* The same on a way to a sleep: false too if it is about to sleep before.
 * Clocks do not read the time in the same steps each time, so it may pass by.
 */
bool stepper_jump_awake(stepper *self, const stepper_path *path, unsigned step);

/* Whether a system call is the one that puts to sleep until memory changes. */
bool stepper_is_futex(long call);

/* The system call that the next instruction is, or -1. */
long stepper_call(const stepper *self);

/* Go on to the beginning, then to the end, of the next system call; false if
 * `act` ended before. Its number is `call` then, its result `result`. */
bool stepper_enter_call(stepper *self);
void stepper_leave_call(stepper *self);

/* The latter in two: it runs in between. */
void stepper_release(stepper *self);
void stepper_await(stepper *self);

/* As ps shows it: S if it sleeps in the kernel, t if it is held here. */
char stepper_state(const stepper *self);

/* Go on to the end of `act`. */
void stepper_run(stepper *self);

/* kill -9, which every one must get in the end. */
void stepper_kill(stepper *self);

#endif
