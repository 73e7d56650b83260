/* SPDX-License-Identifier: MIT */
#include "shm/layout.h"

#include "support.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* ------------------------------------------------------------------- size */

static void layout_size_is_that_of_stock(void **state) {
  (void)state;
  assert_int_equal(pshm_layout_size(0, 0), 16);
  assert_int_equal(pshm_layout_size(1, 8), 8 * 3 + 8 + 9);
  assert_int_equal(pshm_layout_size(7, 56), 191);
  assert_int_equal(pshm_layout_size(1000, 8000), 25016);
}

static void layout_size_never_wraps(void **state) {
  (void)state;
  static const uint64_t lengths[] = {
      0, 1, INT64_MAX / 32, INT64_MAX / 32 + 1, INT64_MAX / 17, INT64_MAX,
      /* times 17 plus 16, these are small numbers modulo 2^64 */
      UINT64_MAX / 17, UINT64_MAX / 17 + 1, UINT64_MAX - 1, UINT64_MAX};
  static const uint64_t data[] = {
      0,         8,          INT64_MAX / 2,  INT64_MAX / 2 + 1,
      INT64_MAX, UINT64_MAX, UINT64_MAX - 15};
  for (size_t i = 0; i < LENGTH(lengths); i++)
    for (size_t j = 0; j < LENGTH(data); j++) {
      uint64_t size = pshm_layout_size(lengths[i], data[j]);
      if (size == 0) {
        assert_true(lengths[i] > INT64_MAX / 32 || data[j] > INT64_MAX / 2);
        continue;
      }
      assert_true(size > lengths[i]);
      assert_true(size >= data[j] + 16);
      assert_true((size - 16 - data[j]) / 17 == lengths[i]);
    }
}

/* ------------------------------------------------------------------ reading */

/* A block as os_map_open leaves it, with its bytes in a piece of memory of
 * exactly their size, for the sanitizer to see what is read beyond. */
typedef struct frame {
  os_map map;
  uint64_t *words;
} frame;

static frame open_frame(const void *bytes, size_t size) {
  frame it = {.words = malloc(size)};
  memcpy(it.words, bytes, size);
  it.map.address = it.words;
  it.map.size = size;
  it.map.descriptor = memfd_create("frame", MFD_CLOEXEC);
  assert_true(it.map.descriptor >= 0);
  assert_int_equal(write(it.map.descriptor, bytes, size), size);
  return it;
}

static void close_frame(frame *it) {
  close(it->map.descriptor);
  free(it->words);
}

/* The frame of two slots of 8 and 16 bytes: all that opening looks at. */
enum { LIST_SIZE = 8 * 4 + 24 + 9 * 2 };

static void make_list(uint64_t words[LIST_SIZE / 8 + 1]) {
  memset(words, 0, LIST_SIZE);
  words[0] = 2;
  words[2] = 8;
  words[3] = 24;
}

static void layout_finds_the_parts(void **state) {
  (void)state;
  uint64_t words[LIST_SIZE / 8 + 1];
  make_list(words);
  frame it = open_frame(words, LIST_SIZE);
  pshm_layout layout;
  assert_ok(pshm_layout_read(&it.map, "x", &layout));
  assert_int_equal(layout.length, 2);
  assert_int_equal(layout.data_words, 3);
  assert_ptr_equal(layout.offsets, it.words + 1);
  assert_ptr_equal(layout.data, it.words + 4);
  assert_ptr_equal(layout.formats, it.words + 7);
  assert_ptr_equal(layout.codes, it.words + 9);
  close_frame(&it);
}

static void layout_ignores_slack(void **state) {
  (void)state;
  uint64_t words[LIST_SIZE / 8 + 100] = {0};
  make_list(words);
  for (size_t slack = 1; slack <= 600; slack += 13) {
    frame it = open_frame(words, LIST_SIZE + slack);
    pshm_layout layout;
    assert_ok(pshm_layout_read(&it.map, "x", &layout));
    assert_int_equal(layout.length, 2);
    close_frame(&it);
  }
}

static void layout_reads_an_empty_list(void **state) {
  (void)state;
  uint64_t words[2] = {0};
  frame it = open_frame(words, sizeof words);
  pshm_layout layout;
  assert_ok(pshm_layout_read(&it.map, "x", &layout));
  assert_int_equal(layout.length, 0);
  assert_int_equal(layout.data_words, 0);
  close_frame(&it);
}

static void refuse(
    const void *bytes, size_t size, polyshm_status status, const char *part) {
  frame it = open_frame(bytes, size);
  pshm_layout layout, before;
  memset(&layout, 0xee, sizeof layout);
  before = layout;
  assert_failure(
      pshm_layout_read(&it.map, "that one", &layout), status, 0, part);
  assert_message("'that one'");
  assert_memory_equal(&layout, &before, sizeof layout);
  close_frame(&it);
}

static void layout_refuses_what_is_too_small(void **state) {
  (void)state;
  uint64_t words[LIST_SIZE / 8 + 1] = {0};
  for (size_t size = 1; size < 8; size++)
    refuse(words, size, POLYSHM_E_CORRUPT, "too small");
  for (size_t size = 9; size < 16; size++)
    refuse(words, size, POLYSHM_E_CORRUPT, "is no list");

  make_list(words);
  for (size_t size = 8; size < LIST_SIZE; size++)
    refuse(words, size, POLYSHM_E_CORRUPT, "is no list");
}

static void layout_refuses_counts_that_do_not_fit(void **state) {
  (void)state;
  static const uint64_t counts[] = {
      (LIST_SIZE - 16) / 17 + 1,
      INT32_MAX,
      (uint64_t)1 << 60, /* times 8 plus 16 wraps to 16 on the way */
      (uint64_t)1 << 61,
      UINT64_MAX / 17,
      UINT64_MAX / 17 + 1,
      INT64_MAX,
      (uint64_t)1 << 63,
      UINT64_MAX - 1,
      UINT64_MAX};
  for (size_t i = 0; i < LENGTH(counts); i++) {
    uint64_t words[LIST_SIZE / 8 + 1];
    make_list(words);
    words[0] = counts[i];
    refuse(words, LIST_SIZE, POLYSHM_E_CORRUPT, "is no list");
  }
}

static void layout_refuses_offsets_that_do_not_fit(void **state) {
  (void)state;
  static const struct {
    size_t word;
    uint64_t content;
  } cases[] = {
      {1, 1},
      {1, UINT64_MAX},
      {1, (uint64_t)1 << 63},
      {3, 0},
      {3, 8},
      {3, 17},
      {3, 20},
      {3, 25},
      {3, 28},
      {3, 32},
      {3, INT64_MAX},
      {3, (uint64_t)1 << 63},
      {3, UINT64_MAX - 7},
      {3, (uint64_t)-24},
      {3, (uint64_t) - (LIST_SIZE - 24)}};
  for (size_t i = 0; i < LENGTH(cases); i++) {
    uint64_t words[LIST_SIZE / 8 + 1];
    make_list(words);
    words[cases[i].word] = cases[i].content;
    refuse(words, LIST_SIZE, POLYSHM_E_CORRUPT, "is no list");
  }
}

/* ---------------------------------------------------------- CPython 3.8's */

static void layout_recognises_that_of_38(void **state) {
  (void)state;
  uint64_t words[20] = {0};
  refuse(words, 8, POLYSHM_E_VERSION, "CPython 3.8");

  /* Two slots of 8 and 16 bytes. */
  words[0] = 2;
  words[1] = 8;
  words[2] = 16;
  size_t size = 8 * 3 + 24 + 9 * 2;
  refuse(words, size, POLYSHM_E_VERSION, "CPython 3.8");
  refuse(words, size + 40, POLYSHM_E_VERSION, "CPython 3.8");
}

static void layout_takes_no_odd_frame_for_that_of_38(void **state) {
  (void)state;
  static const uint64_t wrong[][2] = {{8, 24},         {8, 0},
                                      {8, 12},         {8, UINT64_MAX},
                                      {4, 16},         {16, UINT64_MAX - 7},
                                      {UINT64_MAX, 8}, {INT64_MAX, 16}};
  size_t size = 8 * 3 + 24 + 9 * 2;
  for (size_t i = 0; i < LENGTH(wrong); i++) {
    uint64_t words[20] = {2, wrong[i][0], wrong[i][1]};
    refuse(words, size, POLYSHM_E_CORRUPT, "is no list");
  }
}

static void layout_survives_that_the_file_is_cut(void **state) {
  (void)state;
  enum { COUNT = 1000 };
  static uint64_t words[3 * COUNT + 2];
  words[0] = COUNT;
  for (int i = 1; i <= COUNT; i++)
    words[i] = 8;
  size_t size = sizeof words + COUNT;
  frame it = {.map.size = size};
  it.map.descriptor = memfd_create("frame", MFD_CLOEXEC);
  assert_true(it.map.descriptor >= 0);
  assert_int_equal(write(it.map.descriptor, words, sizeof words), sizeof words);
  assert_int_equal(ftruncate(it.map.descriptor, (off_t)size), 0);
  it.map.address =
      mmap(NULL, size, PROT_READ, MAP_SHARED, it.map.descriptor, 0);
  assert_ptr_not_equal(it.map.address, MAP_FAILED);
  pshm_layout layout;
  assert_fails(pshm_layout_read(&it.map, "whole", &layout), POLYSHM_E_VERSION);
  assert_int_equal(ftruncate(it.map.descriptor, 4096), 0);
  assert_fails(pshm_layout_read(&it.map, "cut", &layout), POLYSHM_E_CORRUPT);
  munmap(it.map.address, size);
  close(it.map.descriptor);
}

/* ------------------------------------------------------------------ writing */

static void layout_writes_what_it_reads(void **state) {
  (void)state;
  uint64_t words[LIST_SIZE / 8 + 1] = {0};
  pshm_layout written = pshm_layout_write(words, 2, 24);
  assert_int_equal(words[0], 2);
  for (size_t i = 1; i < LENGTH(words); i++)
    assert_int_equal(words[i], 0);

  atomic_store(written.offsets + 2, 24);
  frame it = open_frame(words, LIST_SIZE);
  pshm_layout read;
  assert_ok(pshm_layout_read(&it.map, "x", &read));
  assert_int_equal(written.length, read.length);
  assert_int_equal(written.data_words, read.data_words);
  assert_ptr_equal(written.data, words + (read.data - read.offsets) + 1);
  assert_ptr_equal(written.formats, words + (read.formats - read.offsets) + 1);
  assert_ptr_equal(
      written.codes, (char *)words + ((char *)read.codes - (char *)it.words));
  close_frame(&it);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layout_size_is_that_of_stock),
      cmocka_unit_test(layout_size_never_wraps),
      cmocka_unit_test(layout_finds_the_parts),
      cmocka_unit_test(layout_ignores_slack),
      cmocka_unit_test(layout_reads_an_empty_list),
      cmocka_unit_test(layout_refuses_what_is_too_small),
      cmocka_unit_test(layout_refuses_counts_that_do_not_fit),
      cmocka_unit_test(layout_refuses_offsets_that_do_not_fit),
      cmocka_unit_test(layout_recognises_that_of_38),
      cmocka_unit_test(layout_takes_no_odd_frame_for_that_of_38),
      cmocka_unit_test(layout_survives_that_the_file_is_cut),
      cmocka_unit_test(layout_writes_what_it_reads),
  };
  return run_group(tests);
}
