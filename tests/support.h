/* SPDX-License-Identifier: MIT */
/*
 * What all C tests share: cmocka, names that nobody else uses, statuses that
 * explain themselves when they are wrong, a watch over what tests leave behind,
 * and peers: other processes that do what they are told.
 */
#ifndef POLYSHM_TESTS_SUPPORT_H
#define POLYSHM_TESTS_SUPPORT_H

/* cmocka wants these four before itself. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>
#include <polyshm.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

/* Something of the group's, by the number of its elements. */
#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ------------------------------------------------------------------ names */

/* The name of no block. The text lives until the 64th call after it. */
const char *fresh_name(void);

/* A number for an automatic name that only this process uses, and the one after
 * it. */
unsigned own_number(void);

/* Where a block's file is. The text lives until this thread's second call after
 * it. */
const char *path_of(const char *name);

/* Whether anything, a dangling link too, has this name. */
bool is_there(const char *name);

/* Under valgrind, which maps no more than a part of the address space, and says
 * EINVAL to the rest. */
bool is_in_valgrind(void);

/* A file with this name and these bytes, as some other program makes it. */
void make_file(const char *name, const void *bytes, size_t nbytes);

/* --------------------------------------------------------------- statuses */

#define assert_ok(call)                                                        \
  check_status((call), POLYSHM_OK, #call, __FILE__, __LINE__)

/* The call fails like this, and says why. */
#define assert_fails(call, status)                                             \
  check_status((call), (status), #call, __FILE__, __LINE__)

#define assert_message(part) check_message((part), __FILE__, __LINE__)

/* All there is to know about a failure. */
#define assert_failure(call, status, os, part)                                 \
  do {                                                                         \
    assert_fails(call, status);                                                \
    assert_int_equal(polyshm_error_os(), (os));                                \
    assert_message(part);                                                      \
  } while (0)

void check_status(
    polyshm_status status, polyshm_status expected, const char *call,
    const char *file, int line);
void check_message(const char *part, const char *file, int line);

/* ----------------------------------------------------------------- values */

polyshm_value none_value(void);
polyshm_value bool_value(bool content);
polyshm_value int_value(int64_t content);
polyshm_value float_value(double content);
polyshm_value string_value(const char *content);
polyshm_value bytes_value(const void *content, uint64_t size);
polyshm_value text_value(const void *content, uint64_t size);

/* Bit by bit for floats, so that NaN is itself and -0.0 is not 0.0. */
bool same_value(const polyshm_value *one, const polyshm_value *other);

/* This slot holds this value, and every way to read it says so. */
#define assert_slot(list, index, value)                                        \
  check_slot((list), (index), (value), __FILE__, __LINE__)
void check_slot(
    const polyshm_list *list, uint64_t index, polyshm_value value,
    const char *file, int line);

/* ------------------------------------------------------------- leftovers */

/* What this process holds that comes from blocks. */
typedef struct holdings {
  size_t mappings, descriptors;
} holdings;

holdings count_holdings(void);

/* Setup and teardown of every group: nothing that the tests made is left. */
int note_holdings(void **state);
int refuse_leftovers(void **state);

#define run_group(tests)                                                       \
  cmocka_run_group_tests((tests), note_holdings, refuse_leftovers)

/* Run `body` in a forked child; answer its wait status. cmocka's assertions
 * would go on in the child where the parent is: it checks by child_check. */
int in_child(void (*body)(void *), void *argument);

#define child_check(condition)                                                 \
  do {                                                                         \
    if (!(condition))                                                          \
      child_fail(#condition, __FILE__, __LINE__);                              \
  } while (0)
_Noreturn void child_fail(const char *condition, const char *file, int line);

/* ------------------------------------------------------------------ peers */

/* A process that runs tests/process/peer.c. */
typedef struct peer {
  pid_t process;
  FILE *to, *from;
  char reply[4096];
} peer;

void peer_start(peer *self);

/* Send a command; peer.c lists them. */
__attribute__((format(printf, 2, 3))) void peer_tell(
    peer *self, const char *command, ...);

/* Its reply, without the newline; "" if the peer is dead. */
const char *peer_hear(peer *self);

/* Both at once. */
__attribute__((format(printf, 2, 3))) const char *peer_ask(
    peer *self, const char *command, ...);

/* Let it end by itself, and see that it ends well. */
void peer_stop(peer *self);

/* kill -9. */
void peer_kill(peer *self);

#endif
