/* SPDX-License-Identifier: MIT */
/*
 * What a hostile neighbour may do to a list's words and locks and chance would
 * seldom bring about, one by one: how long a call lasts then, what it answers,
 * and that all is well after.
 */
#include "scenes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------------------------ locks */

static void lock_and_stop(const char *name, int ready) {
  polyshm_list *list;
  uint32_t recovered;
  if (polyshm_list_open(name, 0, &list) != 0 ||
      polyshm_list_lock(list, 0, &recovered) != 0)
    _exit(1);
  tell_ready(ready);
  raise(SIGSTOP);
  polyshm_list_unlock(list);
  linger();
}

static void a_stopped_holder_of_the_lock_costs_the_timeout(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_list *list = make(name);
  pid_t neighbour = let_in(lock_and_stop, name);
  assert_int_equal(waitpid(neighbour, NULL, WUNTRACED), neighbour);
  uint32_t recovered = 7;
  polyshm_value values[3];
  char buffer[64];
  int64_t after;
  assert_takes(
      TIMEOUT,
      assert_fails(
          polyshm_list_lock(list, TIMEOUT, &recovered), POLYSHM_E_TIMEOUT));
  assert_takes(
      TIMEOUT, assert_fails(
                   polyshm_list_snapshot(list, 0, 3, buffer, 64, values),
                   POLYSHM_E_TIMEOUT));
  assert_takes(
      0,
      assert_fails(polyshm_list_lock(list, 0, &recovered), POLYSHM_E_TIMEOUT));
  /* The lock keeps nobody from the slots. */
  assert_takes(0, assert_ok(polyshm_list_add(list, 0, 1, &after)));
  kill(neighbour, SIGCONT);
  assert_takes(0, assert_ok(polyshm_list_lock(list, 10 * TIMEOUT, &recovered)));
  assert_int_equal(recovered, 0);
  assert_ok(polyshm_list_unlock(list));
  send_away(neighbour);

  neighbour = let_in(lock_and_stop, name);
  send_away(neighbour);
  assert_takes(0, assert_ok(polyshm_list_lock(list, TIMEOUT, &recovered)));
  assert_int_equal(recovered, 1);
  assert_ok(polyshm_list_unlock(list));
  end(list, name);
}

static void lock_all_the_time(const char *name, int ready) {
  polyshm_list *list;
  uint32_t recovered;
  if (polyshm_list_open(name, 0, &list) != 0)
    _exit(1);
  for (bool is_told = false;;) {
    if (polyshm_list_lock(list, POLYSHM_FOREVER, &recovered) != 0)
      _exit(1);
    if (!is_told)
      tell_ready(ready);
    is_told = true;
    nap(20 * MILLISECOND);
    polyshm_list_unlock(list);
  }
}

/* Whoever asks for a snapshot gets one among those who ask for the lock. */
static void a_snapshot_gets_its_turn_among_lockers(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_list *list = make(name);
  polyshm_value values[3];
  char buffer[64];
  pid_t neighbour = let_in(lock_all_the_time, name);
  assert_ok(polyshm_list_timeout(list, SLACK));
  for (int i = 0; i < 10; i++)
    assert_ok(polyshm_list_snapshot(list, 0, 3, buffer, 64, values));
  send_away(neighbour);
  end(list, name);
}

/* --------------------------------------------------- words that never rest */

static uint64_t (*next_word)(uint64_t last);
static uint64_t hammered_from, hammered_words;

static uint64_t count_up(uint64_t last) {
  return last + (UINT64_C(1) << 32);
}

static uint64_t name_the_dead(uint64_t last) {
  return (last & 0x3fffff) + 1 + 0x100000;
}

static uint64_t free_and_dead(uint64_t last) {
  return (uint32_t)last == 0 ? last + 0x123456 : (last | UINT32_MAX) + 1;
}

/* Free for the one who looks, another one's for the one who takes. */
static uint64_t free_and_alive(uint64_t last) {
  return (uint32_t)last == 0 ? last + 1 : (last | UINT32_MAX) + 1;
}

static void hammer(const char *name, int ready) {
  int file = open_file(name, O_RDWR);
  struct stat found;
  if (fstat(file, &found) != 0)
    _exit(1);
  _Atomic uint64_t *words = mmap(
      NULL, (size_t)found.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (words == MAP_FAILED)
    _exit(1);
  tell_ready(ready);
  uint64_t word = 0;
  for (;;) {
    word = next_word(word);
    for (uint64_t i = 0; i < hammered_words; i++)
      words[hammered_from + i] = word;
  }
}

/* Every call comes to an end, whatever it is. */
static void call_all(polyshm_list *list) {
  char buffer[64];
  polyshm_value value, values[3];
  const polyshm_value text = string_value("other"), number = int_value(5);
  int64_t after;
  uint64_t index;
  uint32_t recovered;
  assert_takes(0, polyshm_list_get(list, 0, buffer, sizeof buffer, &value));
  assert_takes(0, polyshm_list_get(list, 1, buffer, sizeof buffer, &value));
  assert_takes(0, polyshm_list_find(list, 0, &number, &index));
  assert_takes(0, polyshm_list_find(list, 0, &text, &index));
  assert_takes(0, polyshm_list_set(list, 0, &number));
  assert_takes(0, polyshm_list_set(list, 1, &text));
  assert_takes(0, polyshm_list_set(list, 0, &text));
  assert_takes(0, polyshm_list_add(list, 0, 1, &after));
  assert_takes(0, polyshm_list_swap(list, 0, 1, 2, &after));
  assert_takes(0, polyshm_list_snapshot(list, 0, 3, buffer, 64, values));
  assert_takes(0, polyshm_list_version(list, &index));
  assert_takes(0, polyshm_list_wait(list, index, TIMEOUT, &index));
  assert_takes(0, polyshm_list_slot_wait(list, 0, index, TIMEOUT, &index));
  if (polyshm_list_lock(list, TIMEOUT, &recovered) == POLYSHM_OK)
    polyshm_list_unlock(list);
  assert_takes(0, polyshm_list_lock(list, TIMEOUT, &recovered));
  polyshm_list_unlock(list);
}

static void check_hammered(uint64_t from, uint64_t count) {
  static uint64_t (*const ways[])(uint64_t) = {
      count_up, name_the_dead, free_and_dead, free_and_alive};
  for (size_t i = 0; i < LENGTH(ways); i++) {
    const char *name = fresh_name();
    polyshm_list *list = make(name), *other = attach(name), *reader;
    assert_ok(polyshm_list_open(name, POLYSHM_READ_ONLY, &reader));
    assert_ok(polyshm_list_timeout(reader, TIMEOUT));
    next_word = ways[i];
    hammered_from = from;
    hammered_words = count;
    pid_t neighbour = let_in(hammer, name);
    call_all(list);
    call_all(other);
    call_all(reader);
    send_away(neighbour);
    polyshm_list_free(reader);
    polyshm_list_free(other);
    end(list, name);
  }
}

/* Where the parts of such a list's trailer are: core/doc/format.md. */
enum {
  DATA_BYTES = 8 + 16 + 8,
  AREA = 8 * (3 + 2) + DATA_BYTES + 8 * 3 + 3,
  TRAILER = (AREA + 63) / 64 * 64,
  LOCK = TRAILER + 64,
  RESERVED = TRAILER + 72,
  WAITING = TRAILER + 128,
  WAITERS = TRAILER + 192,
};

static uint64_t part(uint64_t field) {
  const char *name = fresh_name();
  polyshm_list *list = make(name);
  void *address;
  uint64_t size, begin;
  assert_ok(polyshm_block_address(polyshm_list_block(list), &address, &size));
  assert_memory_equal((char *)address + TRAILER, "polyshm", 8);
  memcpy(&begin, (char *)address + TRAILER + field, 8);
  end(list, name);
  return TRAILER + begin;
}

static void restless_sequences_keep_nobody(void **state) {
  (void)state;
  check_hammered(part(24) / 8, 1);
  check_hammered(part(24) / 8, 3);
}

static void restless_records_keep_nobody(void **state) {
  (void)state;
  check_hammered(part(40) / 8, 8 * 4);
}

static void a_restless_lock_keeps_nobody(void **state) {
  (void)state;
  check_hammered(LOCK / 8, 1);
  check_hammered(RESERVED / 8, 1);
}

static void restless_waiters_keep_nobody(void **state) {
  (void)state;
  check_hammered(WAITING / 8, 1);
  check_hammered(WAITERS / 8, 8);
}

static void restless_values_keep_nobody(void **state) {
  (void)state;
  check_hammered(0, 5);
  check_hammered(5, DATA_BYTES / 8 + 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stopped_holder_of_the_lock_costs_the_timeout),
      cmocka_unit_test(a_snapshot_gets_its_turn_among_lockers),
      cmocka_unit_test(restless_sequences_keep_nobody),
      cmocka_unit_test(restless_records_keep_nobody),
      cmocka_unit_test(a_restless_lock_keeps_nobody),
      cmocka_unit_test(restless_waiters_keep_nobody),
      cmocka_unit_test(restless_values_keep_nobody),
  };
  return run_group(tests);
}
