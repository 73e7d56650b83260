/* SPDX-License-Identifier: MIT */
/*
 * A peer that is built with each C library and word size that the machine's
 * compiler has, together with the core, and then meets the others on one list:
 * see test_libc.c. It says nothing and ends with 0 if all was as it should be.
 *
 *   libc_peer make NAME              make a list, and leave it
 *   libc_peer use NAME               use every part of a list
 *   libc_peer count NAME OWN ROUNDS  change everything, so many times
 *   libc_peer count NAME OWN 0       until the slot STOP is set, or it is
 * killed libc_peer ring NAME TURN TURNS LAST add to a number in turns, up to
 * the last
 */
#include "libc_peer.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE INT64_C(60000000000)

#define expect(condition)                                                      \
  do {                                                                         \
    if (!(condition))                                                          \
      fail(#condition, __LINE__);                                              \
  } while (0)

static _Noreturn void fail(const char *condition, int line) {
  fprintf(
      stderr, "libc_peer.c:%d: %zu bits: %s; the last message is \"%s\"\n",
      line, 8 * sizeof(void *), condition, polyshm_error_message());
  exit(1);
}

static polyshm_list *list;

static void set_int(uint64_t slot, int64_t number) {
  polyshm_value value = {.type = POLYSHM_INT, .of.i = number};
  expect(polyshm_list_set(list, slot, &value) == POLYSHM_OK);
}

static void set_text(uint64_t slot, int64_t number) {
  char text[TEXT_SIZE];
  int size = snprintf(text, sizeof text, "%lld", (long long)number);
  polyshm_value value = {
      .type = POLYSHM_STRING, .of.p = text, .size = (uint64_t)size};
  expect(polyshm_list_set(list, slot, &value) == POLYSHM_OK);
}

static int64_t number_of(const polyshm_value *value) {
  char text[TEXT_SIZE + 1] = "";
  if (value->type == POLYSHM_INT)
    return value->of.i;
  expect(value->type == POLYSHM_STRING);
  memcpy(text, value->of.p, (size_t)value->size);
  return strtoll(text, NULL, 10);
}

static int64_t get_number(uint64_t slot) {
  char text[TEXT_SIZE];
  polyshm_value value;
  expect(polyshm_list_get(list, slot, text, TEXT_SIZE, &value) == POLYSHM_OK);
  return number_of(&value);
}

/* All bytes of a string are the same, and as many as that byte says. */
static void set_typed(unsigned number) {
  char text[TEXT_SIZE];
  polyshm_value value = {.type = POLYSHM_NONE};
  unsigned size = number % (TEXT_SIZE + 1);
  switch (number / 8 % 4) {
  case 0:
    value.type = POLYSHM_INT;
    value.of.i = (int64_t)(UINT64_C(0x0101010101010101) * (number % 100));
    break;
  case 1:
    value.type = POLYSHM_FLOAT;
    value.of.f = number % 100 + 0.5;
    break;
  default:
    value.type = number % 2 == 0 ? POLYSHM_STRING : POLYSHM_BYTES;
    memset(text, (int)('a' + size), size);
    value.of.p = text;
    value.size = size;
    break;
  }
  expect(polyshm_list_set(list, TYPED, &value) == POLYSHM_OK);
}

static void check_typed(const polyshm_value *value) {
  if (value->type == POLYSHM_INT)
    expect((uint64_t)value->of.i % UINT64_C(0x0101010101010101) == 0);
  else if (value->type == POLYSHM_FLOAT)
    expect(value->of.f - (double)(int)value->of.f == 0.5);
  else
    for (uint64_t i = 0; i < value->size; i++)
      expect(((const char *)value->of.p)[i] == (char)('a' + value->size));
}

static void read_typed(void) {
  char text[TEXT_SIZE];
  polyshm_value value;
  expect(
      polyshm_list_get(list, TYPED, text, sizeof text, &value) == POLYSHM_OK);
  check_typed(&value);
}

/* Two slots, equal but while somebody has the lock. */
static void change_pair(void) {
  uint32_t recovered;
  expect(polyshm_list_lock(list, MINUTE, &recovered) == POLYSHM_OK);
  int64_t first = get_number(PAIR), second = get_number(PAIR + 1);
  if (recovered) {
    expect(first == second || first == second + 1);
    if (first != second)
      set_text(PAIR + 1, first);
  } else
    expect(first == second);
  set_int(PAIR, first + 1);
  set_text(PAIR + 1, first + 1);
  expect(polyshm_list_unlock(list) == POLYSHM_OK);
}

/* A change that its maker did not live to finish is seen as it is. */
static void look_at_all(bool may_be_half) {
  char text[3 * TEXT_SIZE];
  polyshm_value values[3];
  expect(
      polyshm_list_snapshot(list, TYPED, 3, text, sizeof text, values) ==
      POLYSHM_OK);
  check_typed(values);
  int64_t first = number_of(values + 1), second = number_of(values + 2);
  expect(first == second || (may_be_half && first == second + 1));
}

static void count(uint64_t own, unsigned rounds) {
  unsigned number = (unsigned)own * 1000;
  for (unsigned i = 0; i < rounds || rounds == 0; i++) {
    int64_t before, expected;
    uint64_t version;
    expect(polyshm_list_add(list, own, 1, &before) == POLYSHM_OK);
    expect(polyshm_list_add(list, COUNTED, 1, &before) == POLYSHM_OK);
    before = get_number(SWAPPED);
    do {
      expected = before;
      expect(
          polyshm_list_swap(list, SWAPPED, expected, expected + 1, &before) ==
          POLYSHM_OK);
    } while (before != expected);
    set_typed(number += 7);
    read_typed();
    change_pair();
    look_at_all(rounds == 0);
    if (i % 16 == 0) {
      polyshm_status status =
          polyshm_list_slot_wait(list, COUNTED, UINT64_MAX, MINUTE, &version);
      expect(status == POLYSHM_OK);
      status =
          polyshm_list_slot_wait(list, COUNTED, version, 1000000, &version);
      expect(status == POLYSHM_OK || status == POLYSHM_E_TIMEOUT);
    }
    if (rounds == 0 && get_number(STOP) != 0)
      return;
  }
}

static void ring(int64_t turn, int64_t turns, int64_t last) {
  for (;;) {
    uint64_t version;
    int64_t now;
    expect(polyshm_list_slot_version(list, RING, &version) == POLYSHM_OK);
    now = get_number(RING);
    if (now >= last)
      return;
    if (now % turns == turn)
      expect(polyshm_list_add(list, RING, 1, &now) == POLYSHM_OK);
    else
      expect(
          polyshm_list_slot_wait(list, RING, version, MINUTE, &version) ==
          POLYSHM_OK);
  }
}

static void make(const char *name) {
  static const char zeros[] = "ends in zeros\0\0";
  polyshm_value values[SLOTS];
  memset(values, 0, sizeof values);
  for (int i = 0; i < SLOTS; i++)
    values[i].type = POLYSHM_INT;
  values[TYPED].type = POLYSHM_BYTES;
  values[TYPED].of.p = zeros;
  values[TYPED].size = sizeof zeros;
  polyshm_list_options options = {
      .struct_size = sizeof options, .slot_capacity = TEXT_SIZE};
  expect(
      polyshm_list_create(
          name, values, SLOTS, POLYSHM_UNTRACKED, &options, &list) ==
      POLYSHM_OK);
}

/* In the order in which a list is used, from its beginning. */
static void use(void) {
  char text[TEXT_SIZE];
  polyshm_value value;
  uint64_t version;
  expect(
      polyshm_list_get(list, TYPED, text, sizeof text, &value) == POLYSHM_OK);
  expect(value.type == POLYSHM_BYTES && value.size == 16);
  for (unsigned i = 0; i < 200; i++) {
    set_typed(i);
    read_typed();
  }
  value.type = POLYSHM_BYTES;
  value.of.p = "ends in zeros\0\0";
  value.size = 16;
  expect(polyshm_list_set(list, TYPED, &value) == POLYSHM_OK);
  change_pair();
  count(OWN, 3);
  expect(polyshm_list_version(list, &version) == POLYSHM_OK);
  expect(
      polyshm_list_wait(list, version, 1000000, &version) == POLYSHM_E_TIMEOUT);
  expect(polyshm_list_set(list, TYPED, &value) == POLYSHM_OK);
}

int main(int argc, char **argv) {
  expect(argc >= 3);
  const char *what = argv[1], *name = argv[2];
  long numbers[3] = {0};
  for (int i = 3; i < argc && i < 6; i++)
    numbers[i - 3] = strtol(argv[i], NULL, 10);
  if (strcmp(what, "make") == 0)
    make(name);
  else {
    expect(polyshm_list_open(name, 0, &list) == POLYSHM_OK);
    expect(polyshm_list_timeout(list, MINUTE) == POLYSHM_OK);
    if (strcmp(what, "use") == 0)
      use();
    else if (strcmp(what, "count") == 0)
      count((uint64_t)numbers[0], (unsigned)numbers[1]);
    else
      ring(numbers[0], numbers[1], numbers[2]);
  }
  polyshm_list_free(list);
  return 0;
}
