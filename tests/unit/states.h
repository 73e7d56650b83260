/* SPDX-License-Identifier: MIT */
/*
 * Lists in the states in which processes leave them when they stop or die in
 * the middle of something, made by hand.
 */
#ifndef POLYSHM_TESTS_STATES_H
#define POLYSHM_TESTS_STATES_H

#include "shm/exact.h"
#include "shm/list.h"
#include "shm/record.h"
#include "shm/sequence.h"
#include "shm/slot.h"

#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  DEAD = 0x1abcdef, /* tokens that nobody has */
  DEAD_TOO = 0x1abcd01,
  MILLISECOND = 1000000
};

/* Until this holds. What never does is the test's time limit's affair. */
#define await(condition)                                                       \
  do                                                                           \
    os_clock_sleep(50000);                                                     \
  while (!(condition))

/* ------------------------------------------------------------------- lists */

static inline polyshm_list *make_list(
    const polyshm_value *values, uint64_t nvalues, uint64_t slot_capacity) {
  polyshm_list_options options = {
      .struct_size = sizeof options, .slot_capacity = slot_capacity};
  polyshm_list *list = NULL;
  assert_ok(
      polyshm_list_create(fresh_name(), values, nvalues, 0, &options, &list));
  return list;
}

static inline const char *name_of(const polyshm_list *list) {
  return polyshm_block_name(polyshm_list_block(list));
}

/* Another handle on the same list. */
static inline polyshm_list *open_again(
    const polyshm_list *list, uint32_t flags) {
  polyshm_list *other = NULL;
  assert_ok(polyshm_list_open(name_of(list), flags, &other));
  return other;
}

/* Free it and remove its name. */
static inline void end_list(polyshm_list *list) {
  assert_ok(polyshm_unlink(name_of(list)));
  polyshm_list_free(list);
}

static inline uint32_t join(const polyshm_list *list) {
  assert_ok(pshm_list_join(list));
  return pshm_list_token(list);
}

static inline void set_int(
    polyshm_list *list, uint64_t index, int64_t content) {
  polyshm_value value = int_value(content);
  assert_ok(polyshm_list_set(list, index, &value));
}

static inline void set_string(
    polyshm_list *list, uint64_t index, const char *content) {
  polyshm_value value = string_value(content);
  assert_ok(polyshm_list_set(list, index, &value));
}

static inline uint64_t slot_version(const polyshm_list *list, uint64_t index) {
  uint64_t version = UINT64_MAX;
  assert_ok(polyshm_list_slot_version(list, index, &version));
  return version;
}

static inline uint64_t list_version(const polyshm_list *list) {
  uint64_t version = UINT64_MAX;
  assert_ok(polyshm_list_version(list, &version));
  return version;
}

static inline pshm_slot slot_at(const polyshm_list *list, uint64_t index) {
  pshm_slot at = {0};
  assert_int_equal(pshm_slot_locate(&list->layout, index, &at), POLYSHM_OK);
  return at;
}

/* ------------------------------------------------------------ shared words */

static inline pshm_word *sequence_at(const polyshm_list *list, uint64_t index) {
  return list->trailer.sequences + index;
}

/* A slot's word: `record` is 1 + its number, or 0. */
static inline uint64_t locked_by(
    uint64_t count, uint32_t record, uint32_t token) {
  return count << 32 | (uint64_t)record << PSHM_TOKEN_BITS | token;
}

/* Lock a slot for this token, as if it had done so itself. */
static inline void lock_slot(
    const polyshm_list *list, uint64_t index, uint32_t record, uint32_t token) {
  uint64_t count = pshm_word_load(sequence_at(list, index)) >> 32;
  atomic_store(sequence_at(list, index), locked_by(count, record, token));
}

/* Give a slot back that was locked so and not changed. */
static inline void release_slot(const polyshm_list *list, uint64_t index) {
  atomic_fetch_and(sequence_at(list, index), PSHM_SEQUENCE_COUNT);
  os_futex_wake(pshm_word_low(sequence_at(list, index)), 1);
}

/* A record as this claimer fills it for a slot. */
static inline void put_record(
    const polyshm_list *list, uint32_t number, uint32_t claimer, uint64_t index,
    polyshm_value value) {
  pshm_slot at = slot_at(list, index);
  pshm_word *record = pshm_record_at(list, number);
  pshm_kind kind = {0};
  pshm_slot_describe(value.type, at.capacity, &kind);
  uint64_t size = PSHM_WORD;
  if (value.type == POLYSHM_STRING || value.type == POLYSHM_BYTES) {
    size = at.capacity;
    kind.exact = pshm_exact_make(value.of.p, value.size);
    for (uint64_t i = 0; i < size; i += PSHM_WORD)
      pshm_word_store(
          record + PSHM_RECORD_DATA + i / PSHM_WORD,
          pshm_slot_text_word(value.of.p, value.size, i));
  } else
    pshm_word_store(
        record + PSHM_RECORD_DATA, pshm_slot_encode(value.type, &value));
  pshm_word_store(record + PSHM_RECORD_CLAIM, claimer);
  pshm_word_store(record + PSHM_RECORD_ITEM, index);
  pshm_word_store(record + PSHM_RECORD_SIZE, size);
  pshm_word_store(record + PSHM_RECORD_FORMAT, kind.format);
  pshm_word_store(record + PSHM_RECORD_CODE, kind.code);
  pshm_word_store(record + PSHM_RECORD_EXACT, kind.exact);
}

static inline uint64_t claim_of(const polyshm_list *list, uint32_t number) {
  return pshm_word_load(pshm_record_at(list, number) + PSHM_RECORD_CLAIM);
}

static inline size_t count_claims(const polyshm_list *list) {
  size_t count = 0;
  for (uint32_t i = 0; i < list->trailer.nrecords; i++)
    count += claim_of(list, i) != 0;
  return count;
}

/* All bytes of a block, but for what says that somebody sleeps, and for what is
 * left in records that nobody has. */
static inline void *take_image(const polyshm_list *list) {
  size_t size = (size_t)polyshm_block_size(polyshm_list_block(list));
  unsigned char *image = malloc(size);
  assert_ok(polyshm_block_read(polyshm_list_block(list), 0, image, size));
  const unsigned char *base = list->block->map.address;
  for (uint64_t i = 0; i < list->layout.length; i++) {
    const unsigned char *place = (const unsigned char *)sequence_at(list, i);
    uint64_t word;
    memcpy(&word, image + (place - base), sizeof word);
    word &= ~PSHM_SEQUENCE_WAITED;
    memcpy(image + (place - base), &word, sizeof word);
  }
  for (uint32_t i = 0; i < list->trailer.nrecords; i++) {
    const unsigned char *place = (const unsigned char *)pshm_record_at(list, i);
    if (claim_of(list, i) == 0)
      memset(
          image + (place - base), 0,
          (size_t)(PSHM_WORD * list->trailer.record_words));
  }
  return image;
}

/* The block's bytes are these still. */
static inline void check_image(const polyshm_list *list, void *image) {
  void *now = take_image(list);
  assert_memory_equal(
      now, image, (size_t)polyshm_block_size(polyshm_list_block(list)));
  free(now);
  free(image);
}

/* ------------------------------------------------------------ without a rest
 */

/* A slot that, as its word says, is changed again and again. */
static inline pshm_word **restless_word(void) {
  static pshm_word *word;
  return &word;
}

static inline void change_restless(void *argument) {
  pshm_word *word = argument == NULL ? *restless_word() : argument;
  uint64_t seen = pshm_word_load(word);
  if (!pshm_sequence_is_locked(seen))
    atomic_compare_exchange_strong(word, &seen, seen + PSHM_SEQUENCE_ONE);
}

static inline void set_timer(suseconds_t microseconds) {
  struct itimerval once = {{0, 0}, {0, microseconds}};
  setitimer(ITIMER_REAL, &once, NULL);
}

enum {
  RESTLESS_SIZE = 1 << 18,  /* of a slot that takes long to look at */
  RESTLESS_PAUSE = 20,      /* microseconds */
  RESTLESS_CHANGES = 20000, /* at most, lest nothing else be done */
};

static inline atomic_int *restless_changes(void) {
  static atomic_int changes;
  return &changes;
}

static inline void change_and_go_on(int number) {
  (void)number;
  change_restless(NULL);
  if (atomic_fetch_add(restless_changes(), 1) < RESTLESS_CHANGES)
    set_timer(RESTLESS_PAUSE);
}

/* In the middle of every look that takes a while: by a timer's signals, so that
 * it does not matter how many processors there are. */
static inline void make_restless(const polyshm_list *list, uint64_t index) {
  struct sigaction action = {
      .sa_handler = change_and_go_on, .sa_flags = SA_RESTART};
  *restless_word() = sequence_at(list, index);
  atomic_store(restless_changes(), 0);
  assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
  set_timer(RESTLESS_PAUSE);
}

static inline void end_restless(void) {
  signal(SIGALRM, SIG_IGN);
  set_timer(0);
}

/* --------------------------------------------------------------- processes */

/* What a child tells and is told. */
typedef struct stage {
  atomic_int step;
  atomic_uint token;
  atomic_int status;
  polyshm_list *list;
} stage;

static inline stage *make_stage(polyshm_list *list) {
  stage *it = mmap(
      NULL, sizeof *it, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
      0);
  assert_true(it != MAP_FAILED);
  it->list = list;
  return it;
}

static inline void end_stage(stage *it) {
  munmap(it, sizeof *it);
}

/* In the child: this is done; now wait to be killed. */
static inline _Noreturn void pause_at(stage *it, int step) {
  atomic_store(&it->step, step);
  for (;;)
    pause();
}

/* Run `body` in a child that does not outlive us. */
static inline pid_t start_child(void (*body)(stage *), stage *it) {
  fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    body(it);
    _exit(0);
  }
  return child;
}

static inline void kill_child(pid_t child) {
  int status;
  assert_int_equal(kill(child, SIGKILL), 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status)); /* it has met no error before */
}

/* It ends by itself, and well. */
static inline void end_child(pid_t child) {
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

/* ----------------------------------------------------------------- threads */

static inline pthread_t start_thread(void *(*body)(void *), void *argument) {
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, body, argument), 0);
  return thread;
}

static inline void end_thread(pthread_t thread) {
  assert_int_equal(pthread_join(thread, NULL), 0);
}

#endif
