/* SPDX-License-Identifier: MIT */
/*
 * What the slots are for, and values that show whether they are whole: each is
 * made from a number that can be found in it again. peer.lua and peer.py make
 * and check the same.
 */
#ifndef POLYSHM_STRESS_VALUES_H
#define POLYSHM_STRESS_VALUES_H

#include <polyshm.h>

#include <stdbool.h>

enum {
  STOP,   /* 1 when all shall end */
  SUM,    /* grows by add */
  TURNS,  /* grows by swap */
  LEFT,   /* these two change under the lock, and their sum is TOTAL... */
  RIGHT,  /* */
  LEDGER, /* ...while this is None: otherwise "left right amount" is undone */
  INSIDE, /* who has the lock, 0 for nobody */
  ROUNDS, /* grows under the lock */
  TEXT,   /* texts of up to 50 bytes */
  BIG,    /* texts of 12 to 15 KiB, which take long to write */
  MIXED,  /* values of all types */
  AHEAD,  /* one peer sets these two to the next number, */
  BEHIND, /* this one after that one */
  BELL,   /* rung by add, waited for */
  PING,   /* one peer makes this one more than PONG, */
  PONG,   /* and another this one as large as PING */
  SLOTS
};

enum { TOTAL = 1000000, VALUE_ROOM = 15872 };

/* A text of number n is its eight hexadecimal digits, a letter as often as n
 * says, and up to two zeros; it is a str, or bytes if n is a multiple of 5. */
polyshm_value make_text(uint32_t n, char room[VALUE_ROOM]);
polyshm_value make_big(uint32_t n, char room[VALUE_ROOM]);
bool is_text(const polyshm_value *value);
bool is_big(const polyshm_value *value);

/* n % 6 says what it is: None, bool, n, n + 0.5, or the text as str or bytes.
 */
polyshm_value make_mixed(uint32_t n, char room[VALUE_ROOM]);
bool is_mixed(const polyshm_value *value);

/* The two that the lock protects, as a ledger and a snapshot show them. */
bool read_ledger(const polyshm_value *ledger, int64_t out_numbers[3]);
bool is_balanced(const polyshm_value three[3]);

polyshm_value make_int(int64_t n);

#endif
