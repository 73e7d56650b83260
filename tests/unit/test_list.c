/* SPDX-License-Identifier: MIT */
#include "shm/list.h"

#include "faults.h"
#include "support.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static polyshm_list *const untouched = (polyshm_list *)(uintptr_t)16;

static int reset_faults(void **state) {
  (void)state;
  faults_reset();
  return 0;
}

static polyshm_list *make(
    const char *name, const polyshm_value *values, uint64_t nvalues) {
  polyshm_list *list = NULL;
  assert_ok(polyshm_list_create(name, values, nvalues, 0, NULL, &list));
  assert_non_null(list);
  return list;
}

static polyshm_list *open_list(const char *name, uint32_t flags) {
  polyshm_list *list = NULL;
  assert_ok(polyshm_list_open(name, flags, &list));
  return list;
}

/* Free it and remove its name. */
static void end(polyshm_list *list) {
  assert_ok(polyshm_unlink(polyshm_block_name(polyshm_list_block(list))));
  polyshm_list_free(list);
}

static void refuse_to_create(
    const char *name, const polyshm_value *values, uint64_t nvalues,
    uint32_t flags, const polyshm_list_options *options, polyshm_status status,
    int os, const char *part) {
  polyshm_list *list = untouched;
  assert_failure(
      polyshm_list_create(name, values, nvalues, flags, options, &list), status,
      os, part);
  assert_ptr_equal(list, untouched);
  if (name != NULL && status != POLYSHM_E_EXISTS)
    assert_false(is_there(name));
}

static void refuse_to_open(
    const char *name, uint32_t flags, polyshm_status status, int os,
    const char *part) {
  polyshm_list *list = untouched;
  assert_failure(polyshm_list_open(name, flags, &list), status, os, part);
  assert_ptr_equal(list, untouched);
}

static uint64_t capacity_of(const polyshm_list *list, uint64_t index) {
  uint64_t capacity;
  assert_ok(polyshm_list_capacity(list, index, &capacity));
  return capacity;
}

/* ---------------------------------------------------------------- creating */

static void list_holds_every_type(void **state) {
  (void)state;
  const char *name = fresh_name();
  const polyshm_value values[] = {
      none_value(),           bool_value(false),      bool_value(true),
      int_value(INT64_MIN),   int_value(INT64_MAX),   float_value(-0.0),
      float_value(NAN),       float_value(-INFINITY), float_value(5e-324),
      string_value(""),       string_value("é日😀"),   bytes_value("", 0),
      bytes_value("\xff", 1), bytes_value("a\0b", 3), string_value("eight888")};
  polyshm_list *list = make(name, values, LENGTH(values));
  polyshm_list *other = open_list(name, 0);
  assert_int_equal(polyshm_list_length(list), LENGTH(values));
  assert_int_equal(polyshm_list_length(other), LENGTH(values));
  for (size_t i = 0; i < LENGTH(values); i++) {
    assert_slot(list, i, values[i]);
    assert_slot(other, i, values[i]);
  }
  polyshm_list_free(other);
  end(list);
}

static void list_begins_as_large_as_stock_makes_it(void **state) {
  (void)state;
  const polyshm_value values[] = {
      string_value("howdy"), bytes_value("HoWdY", 5),
      float_value(-273.154), int_value(100),
      none_value(),          bool_value(true),
      int_value(42)};
  polyshm_list *list = make(NULL, values, LENGTH(values));
  polyshm_block *block = polyshm_list_block(list);
  assert_int_equal(pshm_layout_area(&list->layout), 191);
  uint64_t size = polyshm_block_size(block);
  assert_int_equal(size % PSHM_LINE, 0);
  assert_int_equal(polyshm_block_flags(block), POLYSHM_CREATE);
  assert_memory_equal(polyshm_block_name(block), "psm_", 4);
  assert_int_equal(strlen(polyshm_block_name(block)), 12);
  struct stat file;
  assert_int_equal(stat(path_of(polyshm_block_name(block)), &file), 0);
  assert_int_equal(file.st_size, size);
  end(list);
}

static void list_may_be_empty(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_list *list = make(name, NULL, 0), *other = open_list(name, 0);
  assert_int_equal(pshm_layout_area(&list->layout), 16);
  assert_int_equal(polyshm_list_length(other), 0);
  polyshm_value value = int_value(1);
  uint64_t index = 77;
  assert_failure(
      polyshm_list_get(other, 0, NULL, 0, &value), POLYSHM_E_RANGE, 0,
      "slot 0 is not in a list of 0");
  assert_fails(polyshm_list_set(other, 0, &value), POLYSHM_E_RANGE);
  assert_fails(polyshm_list_capacity(other, 0, &index), POLYSHM_E_RANGE);
  assert_fails(
      polyshm_list_find(other, 0, &value, &index), POLYSHM_E_NOT_FOUND);
  assert_int_equal(index, 77);
  polyshm_list_free(other);
  end(list);
}

static void list_slots_follow_the_rule(void **state) {
  (void)state;
  const polyshm_value values[] = {
      string_value(""),
      string_value("1234567"),
      string_value("12345678"),
      string_value("ééééééé"),
      string_value("encodés"),
      bytes_value("1234567890123456", 16),
      int_value(0),
      none_value()};
  static const uint64_t sizes[] = {8, 8, 16, 16, 8, 24, 8, 8};
  polyshm_list *list = make(NULL, values, LENGTH(values));
  for (size_t i = 0; i < LENGTH(values); i++)
    assert_int_equal(capacity_of(list, i), sizes[i]);
  end(list);
}

static void list_capacity_can_be_asked_for(void **state) {
  (void)state;
  static const struct {
    uint64_t wanted, small, large;
  } cases[] = {{0, 8, 24},   {1, 8, 24},   {8, 8, 24},     {9, 16, 24},
               {24, 24, 24}, {25, 32, 32}, {100, 104, 104}};
  const polyshm_value values[] = {
      int_value(1), bytes_value("0123456789abcdefg", 17)};
  for (size_t i = 0; i < LENGTH(cases); i++) {
    polyshm_list_options options = {
        .struct_size = sizeof options, .slot_capacity = cases[i].wanted};
    polyshm_list *list;
    assert_ok(polyshm_list_create(NULL, values, 2, 0, &options, &list));
    assert_int_equal(capacity_of(list, 0), cases[i].small);
    assert_int_equal(capacity_of(list, 1), cases[i].large);
    assert_slot(list, 0, values[0]);
    assert_slot(list, 1, values[1]);
    end(list);
  }
}

static void list_slots_have_a_largest_size(void **state) {
  (void)state;
  char *text = malloc(POLYSHM_TEXT_MAX + 1);
  memset(text, 'x', POLYSHM_TEXT_MAX + 1);

  /* CPython's own limit: with one more, the format would need eight digits. */
  polyshm_value value = bytes_value(text, POLYSHM_TEXT_MAX - 1);
  polyshm_list *list = make(NULL, &value, 1);
  assert_int_equal(capacity_of(list, 0), POLYSHM_TEXT_MAX);
  assert_slot(list, 0, value);
  /* It may then be filled to the last byte. */
  value.size = POLYSHM_TEXT_MAX;
  assert_ok(polyshm_list_set(list, 0, &value));
  assert_slot(list, 0, value);
  value.size = POLYSHM_TEXT_MAX + 1;
  assert_fails(polyshm_list_set(list, 0, &value), POLYSHM_E_SPACE);
  end(list);

  const char *name = fresh_name();
  static const uint64_t sizes[] = {POLYSHM_TEXT_MAX, POLYSHM_TEXT_MAX + 1,
                                   UINT64_MAX / 2,   UINT64_MAX - 7,
                                   UINT64_MAX - 6,   UINT64_MAX};
  static const int32_t types[] = {POLYSHM_STRING, POLYSHM_BYTES, POLYSHM_TEXT};
  for (size_t i = 0; i < LENGTH(sizes); i++)
    for (size_t j = 0; j < LENGTH(types); j++) {
      value.type = types[j];
      value.size = sizes[i];
      refuse_to_create(
          name, &value, 1, 0, NULL, POLYSHM_E_SPACE, 0, "value 0 needs a slot");
    }
  free(text);

  polyshm_list_options options = {
      .struct_size = sizeof options, .slot_capacity = POLYSHM_TEXT_MAX + 1};
  refuse_to_create(
      name, NULL, 0, 0, &options, POLYSHM_E_INVALID, 0, "capacity");
  options.slot_capacity = UINT64_MAX;
  refuse_to_create(
      name, NULL, 0, 0, &options, POLYSHM_E_INVALID, 0, "capacity");
  options.slot_capacity = POLYSHM_TEXT_MAX;
  polyshm_value none = none_value();
  assert_ok(polyshm_list_create(name, &none, 1, 0, &options, &list));
  assert_int_equal(capacity_of(list, 0), POLYSHM_TEXT_MAX);
  end(list);
}

static void list_refuses_values_that_are_none(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_value values[] = {int_value(1), int_value(2), int_value(3)};
  values[2].type = 7;
  refuse_to_create(name, values, 3, 0, NULL, POLYSHM_E_INVALID, 0, "type 7");
  values[2] = string_value("\xff");
  refuse_to_create(name, values, 3, 0, NULL, POLYSHM_E_INVALID, 0, "not UTF-8");
  values[2] = (polyshm_value){.type = POLYSHM_BOOL, .of.i = 2};
  refuse_to_create(name, values, 3, 0, NULL, POLYSHM_E_INVALID, 0, "bool");
  values[2] = (polyshm_value){.type = POLYSHM_BYTES, .size = 5};
  refuse_to_create(name, values, 3, 0, NULL, POLYSHM_E_INVALID, 0, "NULL");
  refuse_to_create(name, NULL, 1, 0, NULL, POLYSHM_E_INVALID, 0, "NULL");
  assert_fails(
      polyshm_list_create(name, values, 2, 0, NULL, NULL), POLYSHM_E_INVALID);
  assert_false(is_there(name));
}

static void list_checks_flags_and_options(void **state) {
  (void)state;
  const char *name = fresh_name();
  static const uint32_t wrong[] = {
      POLYSHM_READ_ONLY, 1u << 6, 1u << 31, POLYSHM_CREATE | POLYSHM_READ_ONLY};
  for (size_t i = 0; i < LENGTH(wrong); i++)
    refuse_to_create(
        name, NULL, 0, wrong[i], NULL, POLYSHM_E_INVALID, 0, "flags 0x");

  polyshm_list_options options = {.struct_size = 0};
  refuse_to_create(
      name, NULL, 0, 0, &options, POLYSHM_E_INVALID, 0, "struct_size");
  options.struct_size = sizeof options;
  options.reserved = 1;
  refuse_to_create(
      name, NULL, 0, 0, &options, POLYSHM_E_UNSUPPORTED, 0, "reserved");
  options.reserved = 0;
  options.mode = 01000;
  refuse_to_create(name, NULL, 0, 0, &options, POLYSHM_E_INVALID, 0, "mode");
  options.mode = 0640;
  polyshm_list *list;
  mode_t mask = umask(0);
  assert_ok(polyshm_list_create(name, NULL, 0, 0, &options, &list));
  umask(mask);
  struct stat file;
  assert_int_equal(stat(path_of(name), &file), 0);
  assert_int_equal(file.st_mode & 07777, 01640); /* marked as tracked */

  static const uint32_t none_to_open[] = {POLYSHM_CREATE,    POLYSHM_EXCLUSIVE,
                                          POLYSHM_UNTRACKED, POLYSHM_SPARSE,
                                          1u << 6,           UINT32_MAX};
  for (size_t i = 0; i < LENGTH(none_to_open); i++)
    refuse_to_open(name, none_to_open[i], POLYSHM_E_INVALID, 0, "flags 0x");
  end(list);
}

/* The name first: what a bad one costs must not depend on the list. */
static void list_checks_its_name_before_it_makes_anything(void **state) {
  (void)state;
  polyshm_list *list;
  static const char *const names[] = {"", "/", "a/b", "\xff"};
  for (size_t i = 0; i < LENGTH(names); i++) {
    assert_failure(
        polyshm_list_create(names[i], NULL, 0, 0, NULL, &list),
        POLYSHM_E_INVALID, EINVAL, "name");
    refuse_to_open(names[i], 0, POLYSHM_E_INVALID, EINVAL, "name");
  }
  refuse_to_open(NULL, 0, POLYSHM_E_INVALID, 0, "name");
  assert_int_equal(faults_count(FAULT_ANY), 0);
}

static void list_name_that_is_taken(void **state) {
  (void)state;
  const char *name = fresh_name();
  const polyshm_value first = int_value(1);
  const polyshm_value others[] = {int_value(2), int_value(3)};
  polyshm_list *list = make(name, &first, 1), *other;
  static const uint32_t exclusive[] = {
      0, POLYSHM_EXCLUSIVE, POLYSHM_CREATE | POLYSHM_EXCLUSIVE};
  for (size_t i = 0; i < LENGTH(exclusive); i++)
    refuse_to_create(
        name, others, 2, exclusive[i], NULL, POLYSHM_E_EXISTS, EEXIST, name);
  assert_ok(polyshm_list_create(name, others, 2, POLYSHM_CREATE, NULL, &other));
  assert_int_equal(polyshm_list_length(other), 1);
  assert_slot(other, 0, first);
  assert_int_equal(polyshm_block_flags(polyshm_list_block(other)), 0);
  polyshm_list_free(other);
  end(list);

  /* And when it is free. */
  assert_ok(polyshm_list_create(name, others, 2, POLYSHM_CREATE, NULL, &other));
  assert_int_equal(polyshm_list_length(other), 2);
  assert_int_equal(
      polyshm_block_flags(polyshm_list_block(other)), POLYSHM_CREATE);
  end(other);
}

/* What is there and no list is an error, also for open-or-create. */
static void list_is_not_made_of_what_is_none(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *block;
  assert_ok(polyshm_block_open(name, 64, POLYSHM_CREATE, NULL, &block));
  assert_ok(polyshm_block_write(block, 0, "garbage!garbage!", 16));
  polyshm_list *list = untouched;
  assert_failure(
      polyshm_list_create(name, NULL, 0, POLYSHM_CREATE, NULL, &list),
      POLYSHM_E_CORRUPT, 0, name);
  assert_ptr_equal(list, untouched);
  refuse_to_open(name, 0, POLYSHM_E_CORRUPT, 0, name);
  char text[16];
  assert_ok(polyshm_block_read(block, 0, text, 16));
  assert_memory_equal(text, "garbage!garbage!", 16);
  polyshm_block_free(block);
  assert_ok(polyshm_unlink(name));
  refuse_to_open(name, 0, POLYSHM_E_NOT_FOUND, ENOENT, name);
}

/* ------------------------------------------------ races, scripted by faults */

static void create_competitor(void *argument) {
  polyshm_value value = int_value(4711);
  polyshm_list_free(make(argument, &value, 1));
}

static void unlink_competitor(void *argument) {
  assert_ok(polyshm_unlink(argument));
}

static void list_of_a_competitor_is_opened(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_value value = int_value(1);
  polyshm_list *list;
  /* Between our look and our link. */
  faults_before(
      FAULT_LINK_EMPTY, 1, create_competitor, (void *)(uintptr_t)name);
  assert_ok(polyshm_list_create(name, &value, 1, POLYSHM_CREATE, NULL, &list));
  assert_slot(list, 0, int_value(4711));
  assert_int_equal(polyshm_block_flags(polyshm_list_block(list)), 0);
  end(list);
  assert_int_equal(faults_names(true), 0);

  polyshm_block *block;
  faults_reset();
  faults_before(
      FAULT_LINK_EMPTY, 1, create_competitor, (void *)(uintptr_t)name);
  assert_ok(polyshm_block_open(name, 1, POLYSHM_CREATE, NULL, &block));
  assert_true(polyshm_block_size(block) > 8 * 3 + 8 + 9);
  assert_int_equal(polyshm_block_flags(block), 0);
  polyshm_block_free(block);
  assert_ok(polyshm_unlink(name));
}

static void list_that_goes_meanwhile_is_made(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_value value = int_value(1);
  create_competitor((void *)(uintptr_t)name);
  faults_reset();
  faults_before(FAULT_OPEN, 1, unlink_competitor, (void *)(uintptr_t)name);
  polyshm_list *list;
  assert_ok(polyshm_list_create(name, &value, 1, POLYSHM_CREATE, NULL, &list));
  assert_slot(list, 0, value);
  end(list);
}

/* Others create and unlink all the time; it has to end one day. */
static void list_gives_up_after_many_tries(void **state) {
  (void)state;
  const char *name = fresh_name();
  faults_fail(FAULT_OPEN, 1, FOR_EVER, ENOENT);
  faults_fail(FAULT_LINK_EMPTY, 1, FOR_EVER, EEXIST);
  polyshm_list *list = untouched;
  assert_failure(
      polyshm_list_create(name, NULL, 0, POLYSHM_CREATE, NULL, &list),
      POLYSHM_E_EXISTS, EEXIST, name);
  assert_ptr_equal(list, untouched);
  assert_in_range(faults_count(FAULT_LINK_EMPTY), 100, 100000);
  assert_int_equal(faults_count(FAULT_OPEN_NAMELESS), 1);
  polyshm_block *block;
  assert_fails(
      polyshm_block_open(name, 1, POLYSHM_CREATE, NULL, &block),
      POLYSHM_E_EXISTS);
}

/* What a caller must not do, but what must not become a corrupt list either. */
static void shorten_string(void *argument) {
  ((polyshm_value *)argument)->size = 1;
}

static void lengthen_string(void *argument) {
  ((polyshm_value *)argument)->size = 30;
}

static void enlarge_string(void *argument) {
  ((polyshm_value *)argument)->size = UINT64_MAX;
}

static void spoil_string(void *argument) {
  ((polyshm_value *)argument)->type = 7;
}

static void list_values_must_stay_while_they_are_stored(void **state) {
  (void)state;
  static const struct {
    void (*change)(void *);
    const char *part;
  } changes[] = {
      {shorten_string, "values changed"},
      {lengthen_string, "values changed"},
      {enlarge_string, "values changed"},
      {spoil_string, "type 7"}};
  const char *name = fresh_name();
  for (size_t i = 0; i < LENGTH(changes); i++) {
    polyshm_value values[] = {
        bytes_value("012345678901234567890123456789", 20), int_value(1)};
    faults_reset();
    /* Between measuring and storing, the block is mapped. */
    faults_before(FAULT_MMAP, 1, changes[i].change, &values[0]);
    refuse_to_create(
        name, values, 2, 0, NULL, POLYSHM_E_INVALID, 0, changes[i].part);
  }
}

/* ----------------------------------------------------------------- opening */

static void list_is_opened_with_slack_behind_it(void **state) {
  (void)state;
  const char *name = fresh_name(), *copy = fresh_name();
  const polyshm_value values[] = {string_value("text"), int_value(5)};
  polyshm_list *list = make(name, values, 2), *other;
  polyshm_block *one = polyshm_list_block(list), *two;
  char bytes[4096];
  uint64_t size = polyshm_block_size(one);
  assert_ok(polyshm_block_read(one, 0, bytes, size));
  assert_ok(polyshm_block_open(copy, 4096, POLYSHM_CREATE, NULL, &two));
  assert_ok(polyshm_block_write(two, 0, bytes, size));
  other = open_list(copy, 0);
  assert_slot(other, 0, values[0]);
  assert_slot(other, 1, values[1]);
  polyshm_list_free(other);
  polyshm_block_free(two);
  assert_ok(polyshm_unlink(copy));
  end(list);
}

static void list_that_is_read_only_cannot_be_set(void **state) {
  (void)state;
  const char *name = fresh_name();
  const polyshm_value old = int_value(1), new = int_value(2);
  polyshm_list *list = make(name, &old, 1);
  polyshm_list *other = open_list(name, POLYSHM_READ_ONLY);
  assert_int_equal(
      polyshm_block_flags(polyshm_list_block(other)), POLYSHM_READ_ONLY);
  assert_failure(
      polyshm_list_set(other, 0, &new), POLYSHM_E_ACCESS, 0,
      "open for reading only");
  assert_slot(other, 0, old);
  assert_ok(polyshm_list_set(list, 0, &new));
  assert_slot(other, 0, new);
  uint64_t index;
  assert_ok(polyshm_list_find(other, 0, &new, &index));
  assert_int_equal(index, 0);
  polyshm_list_free(other);
  end(list);
}

/* ------------------------------------------------------------------ setting */

static void list_slots_change_their_type(void **state) {
  (void)state;
  const polyshm_value values[] = {
      none_value(),
      bool_value(true),
      bool_value(false),
      int_value(-1),
      float_value(NAN),
      float_value(2.5),
      string_value(""),
      string_value("éé"),
      string_value("0123456789abcdef"),
      bytes_value("", 0),
      bytes_value("\xc3", 1),
      bytes_value("0123456789abcde\xff", 16)};
  polyshm_list_options options = {
      .struct_size = sizeof options, .slot_capacity = 16};
  const polyshm_value neighbours[] = {
      string_value("left"), none_value(), string_value("right")};
  polyshm_list *list;
  assert_ok(polyshm_list_create(NULL, neighbours, 3, 0, &options, &list));
  for (size_t i = 0; i < LENGTH(values); i++)
    for (size_t j = 0; j < LENGTH(values); j++) {
      assert_ok(polyshm_list_set(list, 1, &values[i]));
      assert_slot(list, 1, values[i]);
      assert_ok(polyshm_list_set(list, 1, &values[j]));
      assert_slot(list, 1, values[j]);
      assert_slot(list, 0, neighbours[0]);
      assert_slot(list, 2, neighbours[2]);
    }
  end(list);
}

static void list_set_that_fails_keeps_the_old_value(void **state) {
  (void)state;
  const polyshm_value old = string_value("old");
  polyshm_list *list = make(NULL, &old, 1);
  char before[64], after[64];
  polyshm_block *block = polyshm_list_block(list);
  uint64_t size = pshm_layout_area(&list->layout);
  assert_ok(polyshm_block_read(block, 0, before, size));

  const struct {
    polyshm_value value;
    polyshm_status status;
    const char *part;
  } cases[] = {
      {string_value("123456789"), POLYSHM_E_SPACE, "9 bytes do not fit slot 0"},
      {bytes_value("123456789", 9), POLYSHM_E_SPACE, "which holds 8"},
      {string_value("encod\xc3\xa9"
                    "es"),
       POLYSHM_E_SPACE, "9 bytes"},
      {text_value("123456789", 9), POLYSHM_E_SPACE, "9 bytes"},
      {string_value("\xc3"), POLYSHM_E_INVALID, "not UTF-8"},
      {{.type = POLYSHM_BOOL, .of.i = 2}, POLYSHM_E_INVALID, "a bool is"},
      {{.type = 6}, POLYSHM_E_INVALID, "type 6"},
      {{.type = POLYSHM_STRING, .size = 1}, POLYSHM_E_INVALID, "NULL"},
      {{.type = POLYSHM_BYTES, .of.p = "x", .size = UINT64_MAX},
       POLYSHM_E_SPACE,
       "do not fit"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    assert_failure(
        polyshm_list_set(list, 0, &cases[i].value), cases[i].status, 0,
        cases[i].part);
    assert_ok(polyshm_block_read(block, 0, after, size));
    assert_memory_equal(before, after, size);
  }
  assert_failure(polyshm_list_set(list, 0, NULL), POLYSHM_E_INVALID, 0, "NULL");
  assert_slot(list, 0, old);
  end(list);
}

static void list_settles_text_by_its_bytes(void **state) {
  (void)state;
  const polyshm_value values[] = {
      text_value("é", 2), text_value("\xc3", 1), text_value(NULL, 0)};
  polyshm_list *list = make(NULL, values, 3);
  assert_slot(list, 0, string_value("é"));
  assert_slot(list, 1, bytes_value("\xc3", 1));
  assert_slot(list, 2, string_value(""));
  assert_ok(polyshm_list_set(list, 0, &values[1]));
  assert_slot(list, 0, bytes_value("\xc3", 1));
  assert_ok(polyshm_list_set(list, 0, &values[0]));
  assert_slot(list, 0, string_value("é"));
  uint64_t index;
  assert_ok(polyshm_list_find(list, 0, &values[1], &index));
  assert_int_equal(index, 1);
  end(list);
}

/* A neighbour's failure must not write through a value that is an output. */
static void list_get_that_fails_writes_nothing(void **state) {
  (void)state;
  const polyshm_value value = string_value("text");
  polyshm_list *list = make(NULL, &value, 1);
  char buffer[4] = "###";
  polyshm_value out = {.type = -5, .size = 9};
  assert_failure(
      polyshm_list_get(list, 0, buffer, 3, &out), POLYSHM_E_SPACE, 0,
      "slot 0 holds 4 bytes, the buffer 3");
  assert_fails(polyshm_list_get(list, 0, NULL, 100, &out), POLYSHM_E_SPACE);
  assert_fails(polyshm_list_get(list, 1, buffer, 3, &out), POLYSHM_E_RANGE);
  assert_int_equal(out.type, -5);
  assert_string_equal(buffer, "###");
  end(list);
}

static void list_checks_every_index(void **state) {
  (void)state;
  const polyshm_value values[] = {int_value(1), int_value(2)};
  polyshm_list *list = make(NULL, values, 2);
  static const uint64_t wrong[] = {
      2, 3, INT64_MAX, (uint64_t)1 << 61, (uint64_t)-1, (uint64_t)-2};
  for (size_t i = 0; i < LENGTH(wrong); i++) {
    polyshm_value value = int_value(9);
    uint64_t capacity = 77;
    assert_failure(
        polyshm_list_get(list, wrong[i], NULL, 0, &value), POLYSHM_E_RANGE, 0,
        "is not in a list of 2");
    assert_fails(polyshm_list_set(list, wrong[i], &value), POLYSHM_E_RANGE);
    assert_fails(
        polyshm_list_capacity(list, wrong[i], &capacity), POLYSHM_E_RANGE);
    assert_int_equal(capacity, 77);
  }
  assert_slot(list, 0, values[0]);
  assert_slot(list, 1, values[1]);
  end(list);
}

static void list_finds_as_python_does(void **state) {
  (void)state;
  const polyshm_value values[] = {
      float_value(NAN),    none_value(),   float_value(0x1p53),
      bool_value(true),    int_value(1),   string_value("1"),
      bytes_value("1", 1), float_value(1), string_value("")};
  polyshm_list *list = make(NULL, values, LENGTH(values));
  const struct {
    uint64_t start;
    polyshm_value sought;
    uint64_t index; /* or the number of values, for none */
  } cases[] = {
      {0, int_value(1), 3},
      {4, int_value(1), 4},
      {5, int_value(1), 7},
      {8, int_value(1), LENGTH(values)},
      {0, bool_value(true), 3},
      {0, float_value(1.0), 3},
      {0, float_value(NAN), LENGTH(values)},
      {0, none_value(), 1},
      {2, none_value(), LENGTH(values)},
      {0, string_value("1"), 5},
      {0, bytes_value("1", 1), 6},
      {0, text_value("1", 1), 5},
      {6, text_value("1", 1), 6},
      {0, int_value((int64_t)1 << 53), 2},
      {0, int_value(((int64_t)1 << 53) + 1), LENGTH(values)},
      {0, text_value("", 0), 8},
      {0, bytes_value("", 0), LENGTH(values)},
      {0, string_value("\xff"), LENGTH(values)},
      {UINT64_MAX, int_value(1), LENGTH(values)},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    uint64_t index = LENGTH(values);
    polyshm_status status =
        polyshm_list_find(list, cases[i].start, &cases[i].sought, &index);
    if (status != (cases[i].index == LENGTH(values) ? POLYSHM_E_NOT_FOUND
                                                    : POLYSHM_OK) ||
        index != cases[i].index)
      fail_msg("case %zu", i);
  }
  uint64_t index;
  polyshm_value odd = {.type = 6};
  assert_fails(polyshm_list_find(list, 0, &odd, &index), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_find(list, 0, NULL, &index), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_find(list, 0, &values[0], NULL), POLYSHM_E_INVALID);
  end(list);
}

/* ------------------------------------------------------------------ leaving */

static void list_refuses_null(void **state) {
  (void)state;
  polyshm_value value = int_value(1);
  uint64_t number;
  assert_fails(polyshm_list_open("x", 0, NULL), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_close(NULL), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_get(NULL, 0, NULL, 0, &value), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_set(NULL, 0, &value), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_find(NULL, 0, &value, &number), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_capacity(NULL, 0, &number), POLYSHM_E_INVALID);
  assert_null(polyshm_list_block(NULL));
  assert_int_equal(polyshm_list_length(NULL), 0);
  polyshm_list_free(NULL);

  polyshm_list *list = make(NULL, &value, 1);
  assert_fails(polyshm_list_get(list, 0, NULL, 0, NULL), POLYSHM_E_INVALID);
  assert_fails(polyshm_list_capacity(list, 0, NULL), POLYSHM_E_INVALID);
  end(list);
}

static void list_that_is_closed_says_so(void **state) {
  (void)state;
  const char *name = fresh_name();
  const polyshm_value value = int_value(1);
  for (int by_block = 0; by_block <= 1; by_block++) {
    polyshm_list *list = make(name, &value, 1);
    if (by_block)
      assert_ok(polyshm_block_close(polyshm_list_block(list)));
    else
      assert_ok(polyshm_list_close(list));
    assert_ok(polyshm_list_close(list));
    polyshm_value out;
    uint64_t number;
    assert_failure(
        polyshm_list_get(list, 0, NULL, 0, &out), POLYSHM_E_CLOSED, 0, name);
    assert_fails(polyshm_list_set(list, 0, &value), POLYSHM_E_CLOSED);
    assert_fails(polyshm_list_capacity(list, 0, &number), POLYSHM_E_CLOSED);
    assert_fails(polyshm_list_find(list, 0, &value, &number), POLYSHM_E_CLOSED);
    assert_int_equal(polyshm_list_length(list), 1);
    assert_string_equal(polyshm_block_name(polyshm_list_block(list)), name);
    end(list);
  }
}

static void list_that_is_pinned_is_busy(void **state) {
  (void)state;
  const polyshm_value value = int_value(7);
  long heap = faults_heap();
  polyshm_list *list = make(NULL, &value, 1);
  polyshm_block *block = polyshm_list_block(list);
  void *address;
  uint64_t size;
  assert_ok(polyshm_block_pin(block, &address, &size));
  assert_failure(polyshm_list_close(list), POLYSHM_E_BUSY, 0, "pinned 1");
  assert_slot(list, 0, value);
  assert_ok(polyshm_unlink(polyshm_block_name(block)));
  /* Freed first, unpinned last: the block lives until then. */
  polyshm_list_free(list);
  int64_t stored;
  memcpy(&stored, (char *)address + 24, sizeof stored);
  assert_int_equal(stored, 7);
  polyshm_block_unpin(block);
  assert_int_equal(faults_heap(), heap);
}

#define test(name)                                                             \
  cmocka_unit_test_setup_teardown(name, reset_faults, reset_faults)

int main(void) {
  const struct CMUnitTest tests[] = {
      test(list_holds_every_type),
      test(list_begins_as_large_as_stock_makes_it),
      test(list_may_be_empty),
      test(list_slots_follow_the_rule),
      test(list_capacity_can_be_asked_for),
      test(list_slots_have_a_largest_size),
      test(list_refuses_values_that_are_none),
      test(list_checks_flags_and_options),
      test(list_checks_its_name_before_it_makes_anything),
      test(list_name_that_is_taken),
      test(list_is_not_made_of_what_is_none),
      test(list_of_a_competitor_is_opened),
      test(list_that_goes_meanwhile_is_made),
      test(list_gives_up_after_many_tries),
      test(list_values_must_stay_while_they_are_stored),
      test(list_is_opened_with_slack_behind_it),
      test(list_that_is_read_only_cannot_be_set),
      test(list_slots_change_their_type),
      test(list_set_that_fails_keeps_the_old_value),
      test(list_settles_text_by_its_bytes),
      test(list_get_that_fails_writes_nothing),
      test(list_checks_every_index),
      test(list_finds_as_python_does),
      test(list_refuses_null),
      test(list_that_is_closed_says_so),
      test(list_that_is_pinned_is_busy),
  };
  return run_group(tests);
}
