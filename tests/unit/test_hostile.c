/* SPDX-License-Identifier: MIT */
/*
 * Lists that somebody else has written, or is writing: every number in them is
 * changed in every way that promises trouble, before the list is opened and
 * after. Whatever the bytes say, each call answers one of the statuses that its
 * documentation names, and touches nothing outside the block.
 */
#include "shm/layout.h"
#include "shm/list.h"
#include "shm/slot.h"

#include "faults.h"
#include "support.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* ------------------------------------------------------------ the hostages */

enum { PAGE = 4096, LARGEST = 1024 };

/* A block in the process's own memory, with its last byte before a page that
 * cannot be touched (but for what aligns its first), or in a piece of the heap
 * that the address sanitizer watches. */
typedef struct hostage {
  os_map map;
  unsigned char *original;
  size_t size;
  bool guarded;
} hostage;

static void *guarded_memory(size_t size) {
  char *pages = mmap(
      NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
      0);
  assert_true(pages != MAP_FAILED);
  assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
  return pages + PAGE - (size + 7) / 8 * 8;
}

static hostage take(
    const polyshm_value *values, uint64_t nvalues, bool guarded) {
  polyshm_list *list;
  assert_ok(polyshm_list_create(NULL, values, nvalues, 0, NULL, &list));
  polyshm_block *block = polyshm_list_block(list);
  /* Without the trailer, which others test. */
  hostage it = {
      .size = (size_t)pshm_layout_area(&list->layout), .guarded = guarded};
  assert_true(it.size <= LARGEST);
  it.original = malloc(it.size);
  assert_ok(polyshm_block_read(block, 0, it.original, it.size));
  assert_ok(polyshm_unlink(polyshm_block_name(block)));
  polyshm_list_free(list);

  it.map.address = guarded ? guarded_memory(it.size) : malloc(it.size);
  it.map.size = it.size;
  it.map.descriptor = memfd_create("hostage", MFD_CLOEXEC);
  assert_true(it.map.descriptor >= 0);
  return it;
}

static void let_go(hostage *it) {
  close(it->map.descriptor);
  free(it->original);
  if (it->guarded)
    munmap((void *)((uintptr_t)it->map.address / PAGE * PAGE), 2 * PAGE);
  else
    free(it->map.address);
}

static void restore(hostage *it) {
  memcpy(it->map.address, it->original, it->size);
}

/* What opening reads through the descriptor is what the memory says. */
static void settle_bytes(hostage *it) {
  assert_int_equal(
      pwrite(it->map.descriptor, it->map.address, it->size, 0), it->size);
}

/* ------------------------------------------------------------ the questions */

static void expect(const char *call, polyshm_status status, unsigned allowed) {
  if (!(allowed >> -status & 1))
    fail_msg(
        "%s answered %s: %s", call, polyshm_status_name(status),
        polyshm_error_message());
}

#define OR(status) 1u << -(status)
enum {
  MAY_OPEN = 1u | OR(POLYSHM_E_CORRUPT) | OR(POLYSHM_E_VERSION),
  MAY_USE = 1u | OR(POLYSHM_E_CORRUPT),
  MAY_USE_SMALL = 1u | OR(POLYSHM_E_CORRUPT) | OR(POLYSHM_E_SPACE),
  MAY_FIND = 1u | OR(POLYSHM_E_CORRUPT) | OR(POLYSHM_E_NOT_FOUND)
};

static void read_slot(const pshm_layout *layout, uint64_t i) {
  uint64_t capacity = 0;
  polyshm_status status = pshm_slot_capacity(layout, i, &capacity);
  expect("capacity", status, MAY_USE);
  if (status != POLYSHM_OK)
    capacity = 8;
  assert_in_range(capacity, 8, LARGEST);

  unsigned char *buffer = malloc(capacity);
  polyshm_value value;
  status = pshm_slot_read(layout, i, buffer, capacity, &value);
  expect("get", status, MAY_USE_SMALL);
  if (status == POLYSHM_OK) {
    assert_in_range(value.type, POLYSHM_NONE, POLYSHM_BYTES);
    assert_true(value.size <= capacity);
  }
  expect(
      "get without a buffer", pshm_slot_read(layout, i, NULL, 0, &value),
      MAY_USE_SMALL);
  expect(
      "get with a small buffer", pshm_slot_read(layout, i, buffer, 1, &value),
      MAY_USE_SMALL);
  free(buffer);
}

static void write_slot(const pshm_layout *layout, uint64_t i) {
  static const char text[LARGEST] = "0123456789abcdefghijklmnopqrstuvwxyz";
  const polyshm_value values[] = {
      string_value("0123456789"),
      bytes_value(text, 24),
      bytes_value(text, sizeof text),
      int_value(INT64_MIN),
      none_value(),
      bool_value(true),
      float_value(0.1)};
  for (size_t j = 0; j < LENGTH(values); j++) {
    polyshm_status status =
        pshm_slot_write(layout, i, values[j].type, &values[j]);
    expect("set", status, MAY_USE_SMALL);
    char buffer[LARGEST];
    polyshm_value value;
    /* What was stored is there, whatever was wrong with the slot before. */
    if (status == POLYSHM_OK) {
      assert_ok(pshm_slot_read(layout, i, buffer, sizeof buffer, &value));
      assert_int_equal(value.type, values[j].type);
    }
  }
}

static void find_each(const pshm_layout *layout) {
  const polyshm_value values[] = {
      string_value("howdy"), bytes_value("\0\0\0\1", 4), text_value("", 0),
      int_value(-1),         float_value(0.5),           none_value()};
  for (size_t i = 0; i < LENGTH(values); i++) {
    uint64_t index = 0;
    polyshm_status status = pshm_slot_find(layout, 0, &values[i], &index);
    expect("find", status, MAY_FIND);
    if (status == POLYSHM_OK)
      assert_true(index < layout->length);
  }
}

/* Every call, on every slot that the list claims to have. */
static void use(const pshm_layout *layout) {
  assert_true(layout->length <= LARGEST);
  find_each(layout);
  for (uint64_t i = 0; i < layout->length; i++)
    read_slot(layout, i);
  for (uint64_t i = 0; i < layout->length; i++)
    write_slot(layout, i);
  find_each(layout);
}

static void open_and_use(hostage *it) {
  pshm_layout layout;
  settle_bytes(it);
  polyshm_status status = pshm_layout_read(&it->map, "hostage", &layout);
  expect("open", status, MAY_OPEN);
  if (status == POLYSHM_OK)
    use(&layout);
}

/* ------------------------------------------------------------- the changes */

/* What a word becomes; `old` is what it was, `size` the block's size. */
static const uint64_t evil[] = {
    0,
    1,
    7,
    8,
    9,
    16,
    24,
    UINT64_MAX,
    UINT64_MAX - 7,
    UINT64_MAX - 15,
    INT64_MAX,
    INT64_MAX - 7,
    (uint64_t)INT64_MIN,
    (uint64_t)INT64_MIN + 8,
    UINT32_MAX,
    (uint64_t)1 << 32,
    (uint64_t)1 << 60,
    (uint64_t)1 << 61,
    UINT64_MAX / 17,
    UINT64_MAX / 17 + 1,
    INT64_MAX / 32,
    INT64_MAX / 32 + 1,
    UINT64_C(0x7339393939393939), /* "9999999s" */
    UINT64_C(0x0000000000733030), /* "00s" */
    UINT64_C(0x7373737373737373), /* "ssssssss" */
    UINT64_C(0x3939393939393939), /* "99999999" */
    UINT64_C(0x000000000073382b), /* "+8s" */
    PSHM_FORMAT_INT,
    PSHM_FORMAT_BOOL,
    PSHM_FORMAT_NONE,
};

static const int64_t steps[] = {-24, -16, -9, -8, -7, -1, 1, 7, 8, 9, 16, 24};

typedef void (*attack_fn)(
    hostage *it, void *place, const void *bytes, size_t n);

/* All changes of one word or one byte, one after the other. */
static void change_everything(hostage *it, attack_fn attack) {
  unsigned char *bytes = it->map.address;
  for (size_t i = 0; i + 8 <= it->size; i += 8) {
    uint64_t old, word;
    memcpy(&old, it->original + i, 8);
    for (size_t j = 0; j < LENGTH(evil); j++)
      attack(it, bytes + i, &evil[j], 8);
    for (size_t j = 0; j < LENGTH(steps); j++) {
      word = old + (uint64_t)steps[j];
      attack(it, bytes + i, &word, 8);
      word = it->size + (uint64_t)steps[j];
      attack(it, bytes + i, &word, 8);
    }
  }
  static const unsigned char evil_bytes[] = {0,   1,    2,    3,    4,    's',
                                             'q', 0x7f, 0x80, 0xf8, 0xff, '9'};
  for (size_t i = 0; i < it->size; i++)
    for (size_t j = 0; j < LENGTH(evil_bytes); j++)
      attack(it, bytes + i, &evil_bytes[j], 1);
}

static void change_before(
    hostage *it, void *place, const void *bytes, size_t nbytes) {
  restore(it);
  memcpy(place, bytes, nbytes);
  open_and_use(it);
}

/* The layout was checked; now the bytes are others. */
static void change_after(
    hostage *it, void *place, const void *bytes, size_t nbytes) {
  pshm_layout layout;
  restore(it);
  settle_bytes(it);
  assert_ok(pshm_layout_read(&it->map, "hostage", &layout));
  memcpy(place, bytes, nbytes);
  use(&layout);
}

static void attack_lists(attack_fn attack) {
  const polyshm_value mixed[] = {
      string_value("howdy"),
      bytes_value("HoWdY", 5),
      float_value(-273.154),
      int_value(100),
      none_value(),
      bool_value(true),
      string_value("a longer string of two words and more")};
  static const size_t lengths[] = {0, 1, 2, LENGTH(mixed)};
  for (size_t i = 0; i < LENGTH(lengths); i++)
    for (int guarded = 0; guarded <= 1; guarded++) {
      hostage it = take(mixed, lengths[i], guarded);
      restore(&it);
      open_and_use(&it);
      change_everything(&it, attack);
      let_go(&it);
    }
}

static void hostile_bytes_before_opening(void **state) {
  (void)state;
  attack_lists(change_before);
}

static void hostile_bytes_after_opening(void **state) {
  (void)state;
  attack_lists(change_after);
}

/* A generator of our own, so that a failure comes again. */
static uint64_t next_random(uint64_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  *seed ^= *seed << 17;
  return *seed;
}

/* Several changes at once, at random. */
static void hostile_bytes_at_random(void **state) {
  (void)state;
  const polyshm_value values[] = {
      string_value("howdy"), int_value(3), bytes_value("0123456789abcdef", 16),
      none_value()};
  for (int guarded = 0; guarded <= 1; guarded++) {
    hostage it = take(values, LENGTH(values), guarded);
    uint64_t seed = 0x9e3779b97f4a7c15;
    for (int round = 0; round < 20000; round++) {
      restore(&it);
      for (uint64_t n = next_random(&seed) % 6 + 1; n > 0; n--) {
        uint64_t choice = next_random(&seed);
        size_t word = (size_t)(choice >> 32) % (it.size / 8) * 8;
        uint64_t content = choice & 1   ? evil[choice / 2 % LENGTH(evil)]
                           : choice & 2 ? choice / 4 % 16 * 8
                                        : next_random(&seed);
        memcpy((char *)it.map.address + word, &content, 8);
      }
      open_and_use(&it);
    }
    let_go(&it);
  }
}

/* Nothing in it is a list; each size has its own end. */
static void hostile_blocks_of_noise(void **state) {
  (void)state;
  uint64_t seed = 88172645463325252;
  for (size_t size = 1; size <= 200; size++)
    for (int kind = 0; kind < 8; kind++) {
      hostage it = {.size = size, .original = malloc(size)};
      for (size_t i = 0; i < size; i++)
        it.original[i] =
            (unsigned char)(kind < 4 ? next_random(&seed) >> (8 * kind + 8)
                                     : i % 8 == 0 ? next_random(&seed) % 32
                                                  : 0);
      it.map = (os_map){
          .address = malloc(size),
          .size = size,
          .descriptor = memfd_create("hostage", MFD_CLOEXEC)};
      restore(&it);
      open_and_use(&it);
      let_go(&it);
    }
}

/* The same through the public functions and real blocks. */
static void hostile_blocks_are_refused_whole(void **state) {
  (void)state;
  const polyshm_value value = string_value("howdy");
  polyshm_list *list, *other;
  const char *name = fresh_name();
  assert_ok(polyshm_list_create(name, &value, 1, 0, NULL, &list));
  polyshm_block *block = polyshm_list_block(list);
  holdings held = count_holdings();
  long heap = faults_heap();
  for (uint64_t offset = 0; offset < 24; offset += 8)
    for (size_t i = 0; i < LENGTH(evil); i++) {
      uint64_t old;
      assert_ok(polyshm_block_read(block, offset, &old, 8));
      assert_ok(polyshm_block_write(block, offset, &evil[i], 8));
      polyshm_status status = polyshm_list_open(name, 0, &other);
      expect("open", status, MAY_OPEN);
      if (status == POLYSHM_OK)
        polyshm_list_free(other);
      assert_ok(polyshm_block_write(block, offset, &old, 8));
      assert_int_equal(faults_heap(), heap);
    }
  assert_int_equal(count_holdings().mappings, held.mappings);
  assert_int_equal(count_holdings().descriptors, held.descriptors);
  assert_slot(list, 0, value); /* an open list does not care */
  polyshm_list_free(list);
  assert_ok(polyshm_unlink(name));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hostile_bytes_before_opening),
      cmocka_unit_test(hostile_bytes_after_opening),
      cmocka_unit_test(hostile_bytes_at_random),
      cmocka_unit_test(hostile_blocks_of_noise),
      cmocka_unit_test(hostile_blocks_are_refused_whole),
  };
  return run_group(tests);
}
