/* SPDX-License-Identifier: MIT */
/* Filling structs that callers of any age bring. */
#include "base/options.h"

#include "support.h"

#include <stdlib.h>

typedef struct info {
  uint64_t struct_size;
  uint64_t one, two;
} info;

static const info ours = {.struct_size = 1, .one = 11, .two = 22};

/* A caller's struct of this size and not one byte more. */
static unsigned char *make_theirs(size_t size) {
  unsigned char *theirs = malloc(size);
  memset(theirs, 0xee, size);
  memcpy(theirs, &(uint64_t){size}, 8);
  return theirs;
}

static uint64_t word(const unsigned char *theirs, size_t offset) {
  uint64_t content;
  memcpy(&content, theirs + offset, 8);
  return content;
}

static void info_of_any_size_is_filled(void **state) {
  (void)state;
  for (size_t size = 8; size <= 64; size += 8) {
    unsigned char *theirs = make_theirs(size);
    assert_ok(pshm_options_check_size(theirs));
    pshm_options_give(theirs, &ours, sizeof ours);
    assert_int_equal(word(theirs, 0), size); /* the caller's own */
    for (size_t at = 8; at < size; at += 8)
      assert_int_equal(word(theirs, at), at == 8 ? 11 : at == 16 ? 22 : 0);
    free(theirs);
  }
}

static void info_may_end_anywhere(void **state) {
  (void)state;
  for (size_t size = 8; size <= 40; size++) {
    unsigned char *theirs = make_theirs(size);
    pshm_options_give(theirs, &ours, sizeof ours);
    for (size_t i = 8; i < size; i++)
      assert_int_equal(
          theirs[i], i < sizeof ours ? ((const unsigned char *)&ours)[i] : 0);
    free(theirs);
  }
}

static void info_may_be_misaligned(void **state) {
  (void)state;
  unsigned char memory[sizeof ours + 1];
  memcpy(memory + 1, &(uint64_t){sizeof ours}, 8);
  assert_ok(pshm_options_check_size(memory + 1));
  pshm_options_give(memory + 1, &ours, sizeof ours);
  assert_int_equal(word(memory + 1, 16), 22);
}

static void info_size_is_sane(void **state) {
  (void)state;
  static const uint64_t garbage[] = {0, 7, 4097, INT64_MAX, UINT64_MAX};
  for (size_t i = 0; i < LENGTH(garbage); i++)
    assert_failure(
        pshm_options_check_size(&garbage[i]), POLYSHM_E_INVALID, 0,
        "struct_size");
  static const uint64_t sane[] = {8, 4096};
  for (size_t i = 0; i < LENGTH(sane); i++)
    assert_ok(pshm_options_check_size(&sane[i]));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(info_of_any_size_is_filled),
      cmocka_unit_test(info_may_end_anywhere),
      cmocka_unit_test(info_may_be_misaligned),
      cmocka_unit_test(info_size_is_sane),
  };
  return run_group(tests);
}
