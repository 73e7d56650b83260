/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include "support.h"

#include <errno.h>
#include <pthread.h>

static void error_keeps_status_and_message(void **state) {
  (void)state;
  assert_int_equal(
      pshm_error_set(POLYSHM_E_RANGE, "slot %d of %s", 7, "a list"),
      POLYSHM_E_RANGE);
  assert_string_equal(polyshm_error_message(), "slot 7 of a list");
  assert_int_equal(polyshm_error_os(), 0);
}

static void error_keeps_the_code_of_the_system(void **state) {
  (void)state;
  assert_int_equal(
      pshm_error_set_os(POLYSHM_E_OS, EIO, "disk %c", 'C'), POLYSHM_E_OS);
  assert_string_equal(polyshm_error_message(), "disk C");
  assert_int_equal(polyshm_error_os(), EIO);
}

/* A code must not outlive the failure that it belongs to. */
static void error_forgets_the_code_of_an_older_failure(void **state) {
  (void)state;
  pshm_error_set_os(POLYSHM_E_OS, EIO, "of the system");
  pshm_error_set(POLYSHM_E_TYPE, "of ours");
  assert_int_equal(polyshm_error_os(), 0);
  assert_string_equal(polyshm_error_message(), "of ours");
}

static void error_survives_a_success(void **state) {
  (void)state;
  assert_failure(polyshm_block_close(NULL), POLYSHM_E_INVALID, 0, "the block");
  char before[512];
  strcpy(before, polyshm_error_message());

  polyshm_block *block;
  assert_ok(polyshm_block_open(NULL, 1, POLYSHM_CREATE, NULL, &block));
  assert_ok(polyshm_unlink(polyshm_block_name(block)));
  polyshm_block_free(block);
  assert_string_equal(polyshm_error_message(), before);
}

static void error_cuts_a_message_that_is_too_long(void **state) {
  (void)state;
  char text[2000];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = 0;
  pshm_error_set(POLYSHM_E_OS, "%s", text);
  size_t length = strlen(polyshm_error_message());
  assert_in_range(length, 400, sizeof text - 2);
  assert_memory_equal(polyshm_error_message(), text, length);
}

struct thread_report {
  char first[64], own[64];
  int32_t first_os, own_os;
};

static void *fail_elsewhere(void *argument) {
  struct thread_report *report = argument;
  report->first_os = polyshm_error_os();
  snprintf(report->first, sizeof report->first, "%s", polyshm_error_message());
  pshm_error_set_os(POLYSHM_E_OS, ENOENT, "elsewhere");
  report->own_os = polyshm_error_os();
  snprintf(report->own, sizeof report->own, "%s", polyshm_error_message());
  return NULL;
}

static void error_belongs_to_its_thread(void **state) {
  (void)state;
  pshm_error_set_os(POLYSHM_E_OS, EIO, "here");
  struct thread_report report;
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, &report), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);

  assert_string_equal(report.first, "");
  assert_int_equal(report.first_os, 0);
  assert_string_equal(report.own, "elsewhere");
  assert_int_equal(report.own_os, ENOENT);
  assert_string_equal(polyshm_error_message(), "here");
  assert_int_equal(polyshm_error_os(), EIO);
}

/* check_laws.py compares the names of all constants with the header. */
static void error_names_statuses(void **state) {
  (void)state;
  assert_string_equal(polyshm_status_name(POLYSHM_OK), "POLYSHM_OK");
  assert_string_equal(polyshm_status_name(POLYSHM_E_RANGE), "POLYSHM_E_RANGE");
  assert_string_equal(polyshm_status_name(POLYSHM_E_END), "POLYSHM_E_END");
  for (polyshm_status status = POLYSHM_E_INTERRUPTED; status <= POLYSHM_OK;
       status++)
    assert_ptr_equal(
        strstr(polyshm_status_name(status), "POLYSHM_"),
        polyshm_status_name(status));
}

static void error_names_even_unknown_statuses(void **state) {
  (void)state;
  static const polyshm_status unknown[] = {
      1, POLYSHM_E_INTERRUPTED - 1, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < LENGTH(unknown); i++)
    assert_string_equal(
        polyshm_status_name(unknown[i]), "an unknown polyshm_status");
}

static void error_knows_the_version(void **state) {
  (void)state;
  assert_int_equal(
      polyshm_version(), POLYSHM_VERSION_MAJOR << 16 |
                             POLYSHM_VERSION_MINOR << 8 |
                             POLYSHM_VERSION_PATCH);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(error_keeps_status_and_message),
      cmocka_unit_test(error_keeps_the_code_of_the_system),
      cmocka_unit_test(error_forgets_the_code_of_an_older_failure),
      cmocka_unit_test(error_survives_a_success),
      cmocka_unit_test(error_cuts_a_message_that_is_too_long),
      cmocka_unit_test(error_belongs_to_its_thread),
      cmocka_unit_test(error_names_statuses),
      cmocka_unit_test(error_names_even_unknown_statuses),
      cmocka_unit_test(error_knows_the_version),
  };
  return run_group(tests);
}
