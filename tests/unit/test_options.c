/* SPDX-License-Identifier: MIT */
#include "base/options.h"

#include "support.h"

#include <stdlib.h>

/* The library's struct of today. */
typedef struct options {
  uint64_t struct_size;
  uint64_t one, two;
} options;

/* A caller's struct of `size` bytes and not one more, for the sanitizer to see
 * what is read beyond. The members count up from 1. */
static void *make_theirs(size_t size, uint64_t claimed) {
  unsigned char *theirs = malloc(size);
  memset(theirs, 0, size);
  for (size_t i = 8, n = 1; i + 8 <= size; i += 8, n++)
    memcpy(theirs + i, &(uint64_t){n}, 8);
  memcpy(theirs, &claimed, 8);
  return theirs;
}

static polyshm_status copy(void *theirs, options *ours) {
  memset(ours, 0xee, sizeof *ours);
  polyshm_status status = pshm_options_copy(ours, sizeof *ours, theirs);
  free(theirs);
  return status;
}

static void options_default_to_zero(void **state) {
  (void)state;
  options ours;
  assert_ok(copy(NULL, &ours));
  assert_int_equal(ours.one, 0);
  assert_int_equal(ours.two, 0);
}

static void options_of_the_same_age_are_copied(void **state) {
  (void)state;
  options ours;
  assert_ok(copy(make_theirs(24, 24), &ours));
  assert_int_equal(ours.one, 1);
  assert_int_equal(ours.two, 2);
}

static void options_of_older_callers_are_filled_up(void **state) {
  (void)state;
  options ours;
  assert_ok(copy(make_theirs(16, 16), &ours));
  assert_int_equal(ours.one, 1);
  assert_int_equal(ours.two, 0);
  assert_ok(copy(make_theirs(8, 8), &ours));
  assert_int_equal(ours.one, 0);
  assert_int_equal(ours.two, 0);
}

/* Nothing of ours ends in the middle of a member, but nothing may break. */
static void options_may_end_anywhere(void **state) {
  (void)state;
  for (size_t size = 8; size <= 24; size++) {
    options ours;
    assert_ok(copy(make_theirs(size, size), &ours));
    assert_int_equal(ours.one, size >= 16 ? 1 : 0);
  }
}

static void options_of_newer_callers_must_be_zero(void **state) {
  (void)state;
  options ours;
  unsigned char *theirs = make_theirs(40, 40);
  memset(theirs + 24, 0, 16);
  assert_ok(copy(theirs, &ours));
  assert_int_equal(ours.two, 2);

  for (size_t i = 24; i < 40; i++) {
    theirs = make_theirs(40, 40);
    memset(theirs + 24, 0, 16);
    theirs[i] = 1;
    assert_failure(
        copy(theirs, &ours), POLYSHM_E_UNSUPPORTED, 0, "does not know");
  }
}

static void options_size_is_sane(void **state) {
  (void)state;
  static const uint64_t garbage[] = {
      0, 1, 7, 4097, UINT32_MAX, INT64_MAX, (uint64_t)1 << 63, UINT64_MAX};
  options ours;
  for (size_t i = 0; i < LENGTH(garbage); i++)
    assert_failure(
        copy(make_theirs(8, garbage[i]), &ours), POLYSHM_E_INVALID, 0,
        "struct_size");

  unsigned char *theirs = make_theirs(4096, 4096);
  memset(theirs + 24, 0, 4096 - 24);
  assert_ok(copy(theirs, &ours));
}

static void options_may_be_misaligned(void **state) {
  (void)state;
  options ours, theirs = {.struct_size = sizeof theirs, .one = 1, .two = 2};
  char memory[sizeof theirs + 1];
  memcpy(memory + 1, &theirs, sizeof theirs);
  assert_ok(pshm_options_copy(&ours, sizeof ours, memory + 1));
  assert_int_equal(ours.two, 2);
}

static void options_reserve_what_is_reserved(void **state) {
  (void)state;
  assert_ok(pshm_options_check_reserved(0));
  assert_failure(
      pshm_options_check_reserved(1), POLYSHM_E_UNSUPPORTED, 0, "reserved");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(options_default_to_zero),
      cmocka_unit_test(options_of_the_same_age_are_copied),
      cmocka_unit_test(options_of_older_callers_are_filled_up),
      cmocka_unit_test(options_may_end_anywhere),
      cmocka_unit_test(options_of_newer_callers_must_be_zero),
      cmocka_unit_test(options_size_is_sane),
      cmocka_unit_test(options_may_be_misaligned),
      cmocka_unit_test(options_reserve_what_is_reserved),
  };
  return run_group(tests);
}
