/* SPDX-License-Identifier: MIT */
/* Which library makes digests. Once chosen it stays, so the order counts. */
#include "os/hmac.h"

#include "faults.h"
#include "support.h"

static const char key[] = "key", text[] = "text";
static unsigned char digest[OS_HMAC_SIZE_MAX];

static size_t make(os_hmac_kind kind) {
  return os_hmac_make(kind, key, sizeof key, text, sizeof text, digest);
}

static void hmac_needs_a_library(void **state) {
  (void)state;
  assert_int_equal(make(OS_HMAC_SHA256), 0);
  faults_reset();
  faults_fail(FAULT_DLOPEN, 1, FOR_EVER, 1);
  assert_failure(
      os_hmac_open(), POLYSHM_E_UNSUPPORTED, 0, "none can be loaded");
  assert_int_equal(make(OS_HMAC_SHA256), 0);
  polyshm_manager *manager;
  polyshm_server *server;
  assert_fails(
      polyshm_manager_connect("unix:@x", "", 0, NULL, &manager),
      POLYSHM_E_UNSUPPORTED);
  assert_fails(
      polyshm_manager_start(NULL, "", 0, NULL, &manager),
      POLYSHM_E_UNSUPPORTED);
  assert_fails(
      polyshm_server_open(NULL, "", 0, NULL, &server), POLYSHM_E_UNSUPPORTED);
  assert_fails(polyshm_manager_path(NULL, 0), POLYSHM_E_UNSUPPORTED);
  faults_reset();
}

/* Each library: where its symbols' order has SHA-256, and its functions. */
static void check_parts(
    const os_hmac_library *library, const unsigned *needed, size_t nneeded) {
  for (size_t i = 0; i < nneeded; i++) {
    faults_reset();
    faults_fail(FAULT_DLSYM, needed[i], 1, 1);
    assert_false(library->open());
    if (!faults_hit(FAULT_DLSYM)) { /* it is not installed */
      faults_reset();
      skip();
    }
  }
  faults_reset();
}

static void hmac_needs_all_of_nettle(void **state) {
  (void)state;
  static const unsigned needed[] = {2, 6, 7, 8};
  check_parts(&os_hmac_nettle, needed, LENGTH(needed));
}

static void hmac_needs_all_of_libcrypto(void **state) {
  (void)state;
  static const unsigned needed[] = {2, 6};
  check_parts(&os_hmac_libcrypto, needed, LENGTH(needed));
}

static void hmac_may_lack_a_kind(void **state) {
  (void)state;
  faults_reset();
  faults_fail(FAULT_DLSYM, 1, 1, 1); /* MD5, as FIPS 140 has it */
  assert_ok(os_hmac_open());
  bool hit = faults_hit(FAULT_DLSYM);
  faults_reset();
  assert_true(hit);
  assert_int_equal(make(OS_HMAC_MD5), 0);
  assert_int_equal(make(OS_HMAC_SHA256), 32);
  assert_int_equal(make(OS_HMAC_SHA3_384), 48);
  assert_ok(os_hmac_open());
}

static void hmac_of_libcrypto_may_lack_one_too(void **state) {
  (void)state;
  faults_reset();
  faults_fail(FAULT_DLSYM, 1, 1, 1);
  bool is_here = os_hmac_libcrypto.open();
  faults_reset();
  if (!is_here)
    skip();
  assert_int_equal(
      os_hmac_libcrypto.make(OS_HMAC_MD5, key, 3, text, 4, digest), 0);
  assert_int_equal(
      os_hmac_libcrypto.make(OS_HMAC_SHA256, key, 3, text, 4, digest), 32);
  unsigned char other[OS_HMAC_SIZE_MAX];
  assert_int_equal(
      os_hmac_nettle.make(OS_HMAC_SHA256, key, 3, text, 4, other), 32);
  assert_memory_equal(digest, other, 32);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hmac_needs_a_library),
      cmocka_unit_test(hmac_needs_all_of_nettle),
      cmocka_unit_test(hmac_needs_all_of_libcrypto),
      cmocka_unit_test(hmac_may_lack_a_kind),
      cmocka_unit_test(hmac_of_libcrypto_may_lack_one_too),
  };
  return run_group(tests);
}
