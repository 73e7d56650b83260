/* SPDX-License-Identifier: MIT */
/*
 * Blocks that stock Python wrote: read as stock Python reads them, and written
 * byte for byte as it writes them, but for two of its defects.
 */
#include "shm/list.h"

#include "support.h"

#include <stdlib.h>

typedef struct assignment {
  uint64_t index;
  polyshm_value value;
  bool fails;
} assignment;

typedef struct golden {
  const char *name;
  bool is_38;
  const unsigned char *bytes;
  uint64_t nbytes;
  const polyshm_value *made;
  uint64_t nmade;
  const assignment *sets;
  uint64_t nsets;
  const polyshm_value *reads;
  uint64_t nreads;
} golden;

#include "golden_table.h"

/* Stock cuts text whose characters fit and whose bytes do not, and loses the
 * old value when an integer is too large. We do neither. */
static bool shows_a_defect(const golden *it) {
  return strcmp(it->name, "nonascii_truncated") == 0 ||
         strcmp(it->name, "set_failed_overflow") == 0;
}

static const golden *find(const char *name) {
  for (size_t i = 0; i < LENGTH(cases); i++)
    if (strcmp(cases[i].name, name) == 0)
      return &cases[i];
  fail_msg("there is no block %s", name);
  return NULL;
}

static polyshm_list *write_golden(const golden *it) {
  polyshm_value *values = malloc((it->nmade + 1) * sizeof *values);
  for (uint64_t i = 0; i < it->nmade; i++)
    values[i] = it->made[i];
  if (strcmp(it->name, "long_strings") == 0) {
    /* Stock cut the last one short, between two characters: give what it
     * stored. */
    assert_int_equal(values[2].size, 1000);
    assert_int_equal(it->reads[2].size, 504);
    values[2] = it->reads[2];
  }
  polyshm_list *list;
  assert_ok(polyshm_list_create(NULL, values, it->nmade, 0, NULL, &list));
  free(values);
  assert_ok(polyshm_unlink(polyshm_block_name(polyshm_list_block(list))));
  for (uint64_t i = 0; i < it->nsets; i++) {
    const assignment *set = &it->sets[i];
    polyshm_status status = polyshm_list_set(list, set->index, &set->value);
    assert_fails(status, set->fails ? POLYSHM_E_SPACE : POLYSHM_OK);
  }
  return list;
}

static void golden_blocks_are_all_here(void **state) {
  (void)state;
  size_t old = 0, defects = 0;
  for (size_t i = 0; i < LENGTH(cases); i++) {
    old += cases[i].is_38;
    defects += shows_a_defect(&cases[i]);
  }
  assert_int_equal(LENGTH(cases) - old, 17);
  assert_int_equal(LENGTH(cases) - old - defects, 15);
  assert_int_equal(old, 2);
}

static void golden_blocks_are_read(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(cases); i++) {
    const golden *it = &cases[i];
    if (it->is_38)
      continue;
    const char *name = fresh_name();
    make_file(name, it->bytes, it->nbytes);
    for (uint32_t flags = 0; flags <= POLYSHM_READ_ONLY;
         flags += POLYSHM_READ_ONLY) {
      polyshm_list *list;
      assert_ok(polyshm_list_open(name, flags, &list));
      assert_int_equal(polyshm_list_length(list), it->nreads);
      for (uint64_t j = 0; j < it->nreads; j++) {
        assert_slot(list, j, it->reads[j]);
        /* NaN aside, each value is found, at the latest in its own slot. */
        uint64_t index;
        polyshm_value sought = it->reads[j];
        if (sought.type == POLYSHM_FLOAT && sought.of.f != sought.of.f)
          continue;
        assert_ok(polyshm_list_find(list, 0, &sought, &index));
        assert_true(index <= j);
      }
      polyshm_list_free(list);
    }
    assert_ok(polyshm_unlink(name));
  }
}

static void golden_blocks_are_written(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(cases); i++) {
    const golden *it = &cases[i];
    if (it->is_38 || shows_a_defect(it))
      continue;
    polyshm_list *list = write_golden(it);
    polyshm_block *block = polyshm_list_block(list);
    unsigned char *bytes = malloc(it->nbytes);
    if (pshm_layout_area(&list->layout) != it->nbytes)
      fail_msg("%s has another size", it->name);
    assert_ok(polyshm_block_read(block, 0, bytes, it->nbytes));
    for (uint64_t j = 0; j < it->nbytes; j++)
      if (bytes[j] != it->bytes[j])
        fail_msg(
            "%s differs in byte %zu: %u instead of %u", it->name, (size_t)j,
            bytes[j], it->bytes[j]);
    free(bytes);
    polyshm_list_free(list);
  }
}

static void golden_text_is_not_cut(void **state) {
  (void)state;
  const golden *it = find("nonascii_truncated");
  polyshm_list *list = write_golden(it);
  assert_true(pshm_layout_area(&list->layout) > it->nbytes);
  for (uint64_t i = 0; i < it->nmade; i++) {
    assert_slot(list, i, it->made[i]);
    /* What stock stored whole, is stored as stock stores it. */
    uint64_t capacity;
    assert_ok(polyshm_list_capacity(list, i, &capacity));
    assert_int_equal(capacity, it->made[i].size == it->reads[i].size ? 8 : 16);
  }
  polyshm_list_free(list);
}

/* Integers that are too large do not reach us; the bindings refuse them before
 * the slot is touched. What is left of the case are its values. */
static void golden_values_are_not_lost(void **state) {
  (void)state;
  const golden *it = find("set_failed_overflow");
  assert_int_equal(it->nsets, 0);
  polyshm_list *list = write_golden(it);
  assert_int_equal(pshm_layout_area(&list->layout), it->nbytes);
  for (uint64_t i = 0; i < it->nmade; i++)
    assert_slot(list, i, it->made[i]);
  polyshm_list_free(list);
}

/* Reading back what we wrote, of all of them. */
static void golden_values_come_back(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(cases); i++) {
    const golden *it = &cases[i];
    polyshm_list *list;
    assert_ok(polyshm_list_create(NULL, it->made, it->nmade, 0, NULL, &list));
    assert_ok(polyshm_unlink(polyshm_block_name(polyshm_list_block(list))));
    for (uint64_t j = 0; j < it->nmade; j++)
      assert_slot(list, j, it->made[j]);
    polyshm_list_free(list);
  }
}

static void golden_blocks_of_38_are_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(cases); i++) {
    const golden *it = &cases[i];
    if (!it->is_38)
      continue;
    const char *name = fresh_name();
    make_file(name, it->bytes, it->nbytes);
    polyshm_list *list;
    assert_failure(
        polyshm_list_open(name, 0, &list), POLYSHM_E_VERSION, 0,
        "has the layout of CPython 3.8");
    assert_true(is_there(name));
    assert_ok(polyshm_unlink(name));
  }
}

int main(void) {
  /* They are a little-endian machine's. */
  if (*(const unsigned char *)&(int){1} != 1)
    return 77;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(golden_blocks_are_all_here),
      cmocka_unit_test(golden_blocks_are_read),
      cmocka_unit_test(golden_blocks_are_written),
      cmocka_unit_test(golden_text_is_not_cut),
      cmocka_unit_test(golden_values_are_not_lost),
      cmocka_unit_test(golden_values_come_back),
      cmocka_unit_test(golden_blocks_of_38_are_refused),
  };
  return run_group(tests);
}
