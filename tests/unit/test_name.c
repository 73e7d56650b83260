/* SPDX-License-Identifier: MIT */
#include "base/name.h"

#include "support.h"

#include <errno.h>

static void name_accepts_ordinary_ones(void **state) {
  (void)state;
  static const char *const names[] = {
      "x",       "psm_0123abcd", "a b",         "with:colon", "new\nline",
      "é",       "日本語",       "😀",           ".hidden",    "...",
      "back\\s", "-rf",          "\x01\x7f %s", "a.",         "CON",
  };
  for (size_t i = 0; i < LENGTH(names); i++) {
    const char *plain = NULL;
    assert_ok(pshm_name_check(names[i], &plain));
    assert_ptr_equal(plain, names[i]);
  }
}

static void name_drops_leading_slashes(void **state) {
  (void)state;
  static const char *const names[] = {"/x", "//x", "////////x"};
  for (size_t i = 0; i < LENGTH(names); i++) {
    const char *plain = NULL;
    assert_ok(pshm_name_check(names[i], &plain));
    assert_string_equal(plain, "x");
  }
}

static void refuse(const char *name, int os, const char *part) {
  static const char untouched[] = "untouched";
  const char *plain = untouched;
  assert_failure(pshm_name_check(name, &plain), POLYSHM_E_INVALID, os, part);
  assert_ptr_equal(plain, untouched);
}

static void name_refuses_null(void **state) {
  (void)state;
  refuse(NULL, 0, "name");
}

static void name_refuses_the_empty_one(void **state) {
  (void)state;
  refuse("", EINVAL, "must not be empty");
  refuse("/", EINVAL, "must not be empty");
  refuse("////", EINVAL, "must not be empty");
}

static void name_refuses_a_slash_inside(void **state) {
  (void)state;
  refuse("a/b", EINVAL, "'a/b' has a slash inside");
  refuse("/a/b", EINVAL, "'a/b' has a slash inside");
  refuse("a/", EINVAL, "slash inside");
  refuse("../a", EINVAL, "slash inside");
}

static void name_refuses_what_is_not_utf8(void **state) {
  (void)state;
  refuse("\xff", EINVAL, "UTF-8");
  refuse("ok\xc3", EINVAL, "UTF-8");
  refuse("\xed\xa0\x80", EINVAL, "UTF-8"); /* a surrogate */
  refuse("\xc0\xaf", EINVAL, "UTF-8");     /* an overlong slash */
}

static void name_counts_bytes_after_the_slashes(void **state) {
  (void)state;
  char name[POLYSHM_NAME_MAX + 16];
  const char *plain;
  memset(name, 'n', sizeof name);

  name[POLYSHM_NAME_MAX] = 0;
  assert_ok(pshm_name_check(name, &plain));
  name[POLYSHM_NAME_MAX] = 'n';
  name[POLYSHM_NAME_MAX + 1] = 0;
  refuse(name, ENAMETOOLONG, "at most 255 bytes, not 256");
  name[0] = '/';
  assert_ok(pshm_name_check(name, &plain));
  assert_ptr_equal(plain, name + 1);

  /* 128 characters, but 256 bytes. */
  char wide[257];
  for (size_t i = 0; i < 128; i++)
    memcpy(wide + 2 * i, "é", 2);
  wide[256] = 0;
  refuse(wide, ENAMETOOLONG, "256");
}

static void name_generates_as_stock_does(void **state) {
  (void)state;
  static const struct {
    uint32_t random;
    const char *name;
  } cases[] = {
      {0, "psm_00000000"},
      {0x0123abcd, "psm_0123abcd"},
      {UINT32_MAX, "psm_ffffffff"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    char name[POLYSHM_NAME_MAX + 1];
    pshm_name_generate(cases[i].random, name);
    assert_string_equal(name, cases[i].name);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(name_accepts_ordinary_ones),
      cmocka_unit_test(name_drops_leading_slashes),
      cmocka_unit_test(name_refuses_null),
      cmocka_unit_test(name_refuses_the_empty_one),
      cmocka_unit_test(name_refuses_a_slash_inside),
      cmocka_unit_test(name_refuses_what_is_not_utf8),
      cmocka_unit_test(name_counts_bytes_after_the_slashes),
      cmocka_unit_test(name_generates_as_stock_does),
  };
  return run_group(tests);
}
