/* SPDX-License-Identifier: MIT */
#include "play.h"

#include "fuzz.h"

#include "shm/list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* gcc defines the one, clang has the other. */
#if defined(__SANITIZE_ADDRESS__)
#define HAS_SHADOW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SHADOW 1
#endif
#endif
#ifdef HAS_SHADOW
#include <sanitizer/asan_interface.h>
#endif

enum { LARGEST = 64 << 10, CANARY = 0xa5, SPARE = 16 };

#define OR(status) FUZZ_BIT(status)
enum {
  READ = 1u | OR(POLYSHM_E_CORRUPT) | OR(POLYSHM_E_TIMEOUT),
  WRITE = READ | OR(POLYSHM_E_OS),
  WAIT = 1u | OR(POLYSHM_E_TIMEOUT) | OR(POLYSHM_E_INTERRUPTED)
};

void fuzz_play_expect(polyshm_status status, uint32_t allowed) {
  if (status <= 0 && status > -32 && (allowed >> -status & 1))
    return;
  fprintf(
      stderr, "%s: %s\n", polyshm_status_name(status), polyshm_error_message());
  __builtin_trap(); /* nobody documented that */
}

/* One call, and what all of them ask about the list. */
typedef struct call {
  polyshm_list *list;
  uint64_t index;
  uint8_t what, how;
  bool is_quiet, is_plain, is_read_only, is_outside;
} call;

/* What answers a call that changes slots, or one that needs the trailer. */
static uint32_t allow(const call *self, bool writes, bool needs_trailer) {
  uint32_t allowed = 0;
  if (writes && self->is_read_only)
    return OR(POLYSHM_E_ACCESS);
  if (self->is_outside)
    allowed |= OR(POLYSHM_E_RANGE);
  if (needs_trailer && self->is_plain)
    allowed |= OR(POLYSHM_E_UNSUPPORTED);
  return allowed;
}

/* `otherwise`, unless something forbids the call anyhow. */
static void expect(
    polyshm_status status, uint32_t forbidden, uint32_t otherwise) {
  fuzz_play_expect(status, forbidden != 0 ? forbidden : otherwise);
}

/* ----------------------------------------------------------------- values */

#define TEXT(text) .of.p = "" text, .size = sizeof(text) - 1
static const polyshm_value values[] = {
    {.type = POLYSHM_NONE},
    {.type = POLYSHM_BOOL, .of.i = 0},
    {.type = POLYSHM_BOOL, .of.i = 1},
    {.type = POLYSHM_INT, .of.i = 0},
    {.type = POLYSHM_INT, .of.i = 100},
    {.type = POLYSHM_INT, .of.i = -1},
    {.type = POLYSHM_INT, .of.i = INT64_MIN},
    {.type = POLYSHM_INT, .of.i = INT64_MAX},
    {.type = POLYSHM_FLOAT, .of.f = 1.5},
    {.type = POLYSHM_FLOAT, .of.f = -0.0},
    {.type = POLYSHM_FLOAT, .of.f = (double)NAN},
    {.type = POLYSHM_FLOAT, .of.f = (double)INFINITY},
    {.type = POLYSHM_STRING, TEXT("")},
    {.type = POLYSHM_STRING, TEXT("howdy")},
    {.type = POLYSHM_STRING, TEXT("h\xc3\xb6wd\xc3\xbf")},
    {.type = POLYSHM_STRING, TEXT("twenty-four bytes, whole")},
    {.type = POLYSHM_STRING, TEXT("and one that is longer than most slots")},
    {.type = POLYSHM_STRING, TEXT("zeros\0\0")},
    {.type = POLYSHM_BYTES, TEXT("")},
    {.type = POLYSHM_BYTES, TEXT("a\0\0")},
    {.type = POLYSHM_BYTES, TEXT("\xff\xfe\xfd")},
    {.type = POLYSHM_TEXT, TEXT("text")},
    {.type = POLYSHM_TEXT, TEXT("\xff text")},
    /* What no list takes. */
    {.type = POLYSHM_STRING, TEXT("\xff")},
    {.type = POLYSHM_BOOL, .of.i = 2},
    {.type = POLYSHM_POINTER},
    {.type = 77}};
enum {
  VALUES = sizeof values / sizeof *values,
  BAD = VALUES - 4,     /* the first that no list takes */
  NO_VALUE = VALUES - 3 /* the first that none can be asked for */
};

static bool has_text(const polyshm_value *value) {
  return value->type == POLYSHM_STRING || value->type == POLYSHM_BYTES ||
         value->type == POLYSHM_TEXT;
}

/* What came out is a value, and where it should be. */
static void check_value(
    const polyshm_value *value, const void *buffer, uint64_t capacity) {
  FUZZ_CHECK(value->type >= POLYSHM_NONE && value->type <= POLYSHM_BYTES);
  FUZZ_CHECK(value->reserved == 0);
  if (value->type == POLYSHM_BOOL)
    FUZZ_CHECK(value->of.i == 0 || value->of.i == 1);
  if (!has_text(value)) {
    FUZZ_CHECK(value->size == 0);
    return;
  }
  FUZZ_CHECK(value->size <= capacity);
  FUZZ_CHECK(value->size == 0 || value->of.p == buffer);
}

/* A buffer of its own, so that the sanitizer sees its end, with what shows its
 * end to those who have no sanitizer. */
static unsigned char *take_buffer(uint64_t capacity) {
  unsigned char *buffer = malloc((size_t)capacity + SPARE);
  FUZZ_CHECK(buffer != NULL);
  memset(buffer, CANARY, (size_t)capacity + SPARE);
#ifdef HAS_SHADOW
  __asan_poison_memory_region(buffer + capacity, SPARE);
#endif
  return buffer;
}

static void give_buffer(unsigned char *buffer, uint64_t capacity) {
#ifdef HAS_SHADOW
  __asan_unpoison_memory_region(buffer + capacity, SPARE);
#endif
  for (int i = 0; i < SPARE; i++)
    FUZZ_CHECK(buffer[capacity + (uint64_t)i] == CANARY);
  free(buffer);
}

/* ------------------------------------------------------------------ calls */

static uint64_t ask_capacity(const call *self) {
  uint64_t capacity = UINT64_MAX;
  polyshm_status status =
      polyshm_list_capacity(self->list, self->index, &capacity);
  expect(status, allow(self, false, false), READ);
  FUZZ_CHECK(status == POLYSHM_OK || capacity == UINT64_MAX);
  if (status != POLYSHM_OK)
    return 8;
  FUZZ_CHECK(capacity >= 8 && capacity <= LARGEST && capacity % 8 == 0);
  return capacity;
}

static void get_into(const call *self, uint64_t capacity, bool is_enough) {
  static const polyshm_value untouched = {.type = -7, .size = 77};
  polyshm_value value = untouched;
  unsigned char *buffer = take_buffer(capacity);
  polyshm_status status =
      polyshm_list_get(self->list, self->index, buffer, capacity, &value);
  bool may_lack = !is_enough || !self->is_quiet;
  expect(
      status, allow(self, false, false),
      WRITE | (may_lack ? OR(POLYSHM_E_SPACE) : 0));
  if (status == POLYSHM_OK)
    check_value(&value, buffer, capacity);
  else
    FUZZ_CHECK(memcmp(&value, &untouched, sizeof value) == 0);
  give_buffer(buffer, capacity);
}

static void get(const call *self) {
  uint64_t capacity = ask_capacity(self);
  get_into(self, capacity, true);
  get_into(self, self->how % capacity, false);
}

/* Whether a slot of stock Python's holds what was put there: zeros at the end
 * of a string are lost. */
static void check_stored(const call *self, const polyshm_value *stored) {
  polyshm_value value;
  unsigned char *buffer = malloc(LARGEST);
  FUZZ_CHECK(buffer != NULL);
  polyshm_status status =
      polyshm_list_get(self->list, self->index, buffer, LARGEST, &value);
  FUZZ_CHECK(status == POLYSHM_OK);
  if (has_text(stored)) {
    FUZZ_CHECK(value.size <= stored->size);
    FUZZ_CHECK(memcmp(value.of.p, stored->of.p, (size_t)value.size) == 0);
    for (uint64_t i = value.size; i < stored->size; i++)
      FUZZ_CHECK(((const char *)stored->of.p)[i] == 0);
  } else
    FUZZ_CHECK(
        value.type == stored->type &&
        memcmp(&value.of, &stored->of, sizeof value.of) == 0);
  free(buffer);
}

static void set(const call *self) {
  const polyshm_value *value = values + self->what % VALUES;
  polyshm_status status = polyshm_list_set(self->list, self->index, value);
  uint32_t forbidden = allow(self, true, false);
  if (value >= values + BAD && !self->is_read_only)
    forbidden |= OR(POLYSHM_E_INVALID);
  expect(
      status, forbidden, WRITE | (has_text(value) ? OR(POLYSHM_E_SPACE) : 0));
  if (status == POLYSHM_OK && self->is_plain && self->is_quiet)
    check_stored(self, value);
}

static void add(const call *self) {
  int64_t after = 0;
  expect(
      polyshm_list_add(
          self->list, self->index, (int64_t)self->what - 1, &after),
      allow(self, true, true),
      WRITE | OR(POLYSHM_E_TYPE) | OR(POLYSHM_E_SPACE));
}

static void swap(const call *self) {
  int64_t before = 0;
  expect(
      polyshm_list_swap(
          self->list, self->index, self->what, self->how, &before),
      allow(self, true, true), WRITE | OR(POLYSHM_E_TYPE));
}

/* All slots with a value; there cannot be more of them than slots. */
static void count(const call *self) {
  const polyshm_value *value = values + self->what % VALUES;
  uint64_t start = self->index, index = 0;
  uint32_t allowed = value >= values + NO_VALUE
                         ? OR(POLYSHM_E_INVALID)
                         : READ | OR(POLYSHM_E_NOT_FOUND);
  polyshm_status status;
  while ((status = polyshm_list_find(self->list, start, value, &index)) ==
         POLYSHM_OK) {
    FUZZ_CHECK(index >= start && index < polyshm_list_length(self->list));
    start = index + 1;
  }
  fuzz_play_expect(status, allowed);
}

static void snapshot(const call *self) {
  static const polyshm_value untouched = {.type = -7, .size = 77};
  polyshm_value found[UINT8_MAX + 1];
  uint64_t length = polyshm_list_length(self->list), used = 0;
  uint64_t many = self->what, capacity = UINT64_C(8) * self->how;
  bool is_inside = self->index <= length && many <= length - self->index;
  for (uint64_t i = 0; i <= many; i++)
    found[i] = untouched;
  unsigned char *buffer = take_buffer(capacity);
  polyshm_status status = polyshm_list_snapshot(
      self->list, self->index, many, buffer, capacity, found);
  expect(
      status,
      self->is_plain ? OR(POLYSHM_E_UNSUPPORTED)
      : !is_inside   ? OR(POLYSHM_E_RANGE)
                     : 0,
      WRITE | OR(POLYSHM_E_SPACE));
  for (uint64_t i = 0; i < many && status == POLYSHM_OK; i++) {
    check_value(found + i, buffer + used, capacity - used);
    used += found[i].size;
  }
  if (status != POLYSHM_OK)
    FUZZ_CHECK(memcmp(found, &untouched, sizeof untouched) == 0);
  FUZZ_CHECK(memcmp(found + many, &untouched, sizeof untouched) == 0);
  give_buffer(buffer, capacity);
}

/* No time, a moment, or a little more. */
static int64_t time_of(const call *self) {
  static const int64_t times[] = {0, 1, 1000, 50000};
  return times[self->how % 4];
}

static void lock(const call *self) {
  uint32_t recovered = 7;
  uint32_t forbidden = self->is_read_only ? OR(POLYSHM_E_ACCESS)
                       : self->is_plain   ? OR(POLYSHM_E_UNSUPPORTED)
                                          : 0;
  polyshm_status status =
      polyshm_list_lock(self->list, time_of(self), &recovered);
  expect(status, forbidden, WAIT | OR(POLYSHM_E_OS) | OR(POLYSHM_E_BUSY));
  FUZZ_CHECK(status == POLYSHM_OK ? recovered <= 1 : recovered == 7);
}

static void unlock(const call *self) {
  expect(
      polyshm_list_unlock(self->list),
      self->is_plain ? OR(POLYSHM_E_UNSUPPORTED) : 0,
      1u | OR(POLYSHM_E_INVALID));
}

static void wait(const call *self) {
  uint32_t forbidden = self->is_plain ? OR(POLYSHM_E_UNSUPPORTED) : 0;
  uint64_t seen = self->what;
  expect(polyshm_list_version(self->list, &seen), forbidden, 1u);
  expect(
      polyshm_list_wait(self->list, seen, time_of(self), &seen), forbidden,
      WAIT);
}

static void wait_for_slot(const call *self) {
  uint32_t forbidden = allow(self, false, true);
  uint64_t seen = self->what;
  expect(
      polyshm_list_slot_version(self->list, self->index, &seen), forbidden, 1u);
  expect(
      polyshm_list_slot_wait(
          self->list, self->index, seen, time_of(self), &seen),
      forbidden, WAIT);
}

static void patience(const call *self) {
  fuzz_play_expect(polyshm_list_timeout(self->list, time_of(self)), 1u);
}

static void bytes(const call *self) {
  polyshm_block *block = polyshm_list_block(self->list);
  uint64_t size = polyshm_block_size(block);
  uint64_t offset = UINT64_C(16) * self->what, many = self->how;
  unsigned char *buffer = take_buffer(many);
  polyshm_status status = polyshm_block_read(block, offset, buffer, many);
  bool is_inside = offset <= size && many <= size - offset;
  FUZZ_CHECK(status == (is_inside ? POLYSHM_OK : POLYSHM_E_RANGE));
  give_buffer(buffer, many);
}

void fuzz_play(
    polyshm_list *list, bool is_quiet, const uint8_t *script, size_t size) {
  static void (*const calls[])(const call *) = {
      get,  set,    add,  swap,          count,    snapshot,
      lock, unlock, wait, wait_for_slot, patience, bytes};
  uint64_t length = polyshm_list_length(list);
  call self = {
      .list = list,
      .is_quiet = is_quiet,
      .is_plain = pshm_list_is_plain(list),
      .is_read_only = (list->block->flags & POLYSHM_READ_ONLY) != 0};
  for (; size >= FUZZ_PLAY_STEP;
       script += FUZZ_PLAY_STEP, size -= FUZZ_PLAY_STEP) {
    self.index = script[1] == UINT8_MAX ? UINT64_MAX : script[1];
    self.is_outside = self.index >= length;
    self.what = script[2];
    self.how = script[3];
    calls[script[0] % (sizeof calls / sizeof *calls)](&self);
  }
}

static void end(polyshm_list *list) {
  polyshm_status status = polyshm_list_close(list);
  fuzz_play_expect(status, 1u | OR(POLYSHM_E_BUSY));
  if (status == POLYSHM_OK) {
    polyshm_value value;
    FUZZ_CHECK(polyshm_list_get(list, 0, NULL, 0, &value) == POLYSHM_E_CLOSED);
  }
  polyshm_list_free(list);
}

void fuzz_play_guard(const polyshm_list *list, bool is_on) {
#ifdef HAS_SHADOW
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t size = (size_t)list->block->map.size;
  uint8_t *end = (uint8_t *)list->block->map.address + size;
  size_t rest = (page - size % page) % page;
  if (is_on)
    __asan_poison_memory_region(end, rest);
  else
    __asan_unpoison_memory_region(end, rest);
#else
  (void)list;
  (void)is_on;
#endif
}

void fuzz_play_once(
    polyshm_list *list, bool is_quiet, const uint8_t *script, size_t size) {
  FUZZ_CHECK(polyshm_list_timeout(list, 0) == POLYSHM_OK);
  fuzz_play_guard(list, true);
  fuzz_play(list, is_quiet, script, size);
  fuzz_play_guard(list, false);
  end(list);
}
