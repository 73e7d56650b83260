/* SPDX-License-Identifier: MIT */
/* Addresses of managers, as texts. */
#include "os/linux/address.h"

#include "os/net.h"
#include "faults.h"
#include "support.h"

#include <errno.h>
#include <netdb.h>
#include <unistd.h>
#include <stdlib.h>

static void address_is_none(void **state) {
  (void)state;
  static const struct {
    const char *text, *why;
  } cases[] = {
      {"", "neither unix: nor tcp:"},
      {"/tmp/x", "neither unix: nor tcp:"},
      {"unix:", "no path"},
      {"unix:@", "no path"},
      {"tcp:", "no port"},
      {"tcp::80", "no port"},
      {"tcp:host", "no port"},
      {"tcp:127.0.0.1:", "port is no number"},
      {"tcp:127.0.0.1:-1", "port is no number"},
      {"tcp:127.0.0.1:80x", "port is no number"},
      {"tcp:127.0.0.1:65536", "port is no number"},
      {"tcp:127.0.0.1:0", "port is no number"},
      {"tcp:[]:80", "host is too long, or empty"},
      {"tcp:::1:80", "in brackets"},
      {"tcp:[::1:80", "in brackets"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    os_address address;
    assert_failure(
        os_address_read(cases[i].text, false, &address), POLYSHM_E_INVALID,
        EINVAL, cases[i].why);
  }
}

static void address_has_a_longest(void **state) {
  (void)state;
  char text[512] = "unix:/";
  os_address address;
  memset(text + 6, 'x', 106);
  assert_ok(os_address_read(text, false, &address));
  assert_string_equal(os_address_path(&address), text + 5);
  text[112] = 'x';
  assert_failure(
      os_address_read(text, false, &address), POLYSHM_E_INVALID, EINVAL,
      "at most 107 bytes");
  memset(text, 'x', sizeof text - 1);
  memcpy(text, "tcp:", 4);
  memcpy(text + 300, ":80", 4);
  assert_failure(
      os_address_read(text, false, &address), POLYSHM_E_INVALID, EINVAL,
      "too long");
}

static void address_is_read_and_written(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool is_loopback;
  } cases[] = {
      {"tcp:127.0.0.1:80", true},
      {"tcp:127.9.9.9:1", true},
      {"tcp:8.8.8.8:65535", false},
      {"tcp:[::1]:80", true},
      {"tcp:[2001:db8::1]:80", false}};
  for (size_t i = 0; i < LENGTH(cases); i++) {
    os_address address;
    char written[OS_NET_ADDRESS_SIZE];
    assert_ok(os_address_read(cases[i].text, false, &address));
    assert_int_equal(address.is_loopback, cases[i].is_loopback);
    assert_null(os_address_path(&address));
    os_address_write(&address, written);
    assert_string_equal(written, cases[i].text);
  }
  os_address address;
  assert_ok(os_address_read("tcp:127.0.0.1:0", true, &address));
  assert_ok(os_address_read("unix:@name", false, &address));
  assert_null(os_address_path(&address));
}

static void address_says_why_a_host_is_not_found(void **state) {
  (void)state;
  os_address address;
  faults_reset();
  faults_fail(FAULT_LOOK_UP, 1, 1, EAI_NONAME);
  assert_failure(
      os_address_read("tcp:nobody:80", false, &address), POLYSHM_E_NOT_FOUND, 0,
      "cannot look up the host of 'tcp:nobody:80'");
  faults_reset();
  faults_fail(FAULT_LOOK_UP, 1, 1, EAI_SYSTEM);
  errno = EMFILE;
  assert_failure(
      os_address_read("tcp:nobody:80", false, &address), POLYSHM_E_OS, EMFILE,
      "cannot look up 'nobody'");
  faults_reset();
}

static void address_is_settled_once(void **state) {
  (void)state;
  char settled[OS_NET_ADDRESS_SIZE], expected[4200], folder[4096];
  static const char *const whole[] = {
      "unix:/a", "unix:@a", "unix:", "tcp:host:1"};
  for (size_t i = 0; i < LENGTH(whole); i++) {
    assert_ok(os_net_settle(whole[i], settled));
    assert_string_equal(settled, whole[i]);
  }
  assert_failure(
      os_net_settle("a", settled), POLYSHM_E_INVALID, EINVAL, "neither");
  /* A relative path counts from the folder of now. */
  assert_non_null(getcwd(folder, sizeof folder));
  snprintf(expected, sizeof expected, "unix:%s/a", folder);
  assert_ok(os_net_settle("unix:a", settled));
  assert_string_equal(settled, expected);
  faults_reset();
  faults_fail(FAULT_LOOK, 1, 1, ENOENT);
  assert_failure(
      os_net_settle("unix:a", settled), POLYSHM_E_OS, ENOENT,
      "the current folder");
  faults_reset();
  char text[OS_NET_ADDRESS_SIZE + 10];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = 0;
  memcpy(text, "tcp:", 4);
  assert_failure(
      os_net_settle(text, settled), POLYSHM_E_INVALID, EINVAL, "too long");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(address_is_none),
      cmocka_unit_test(address_has_a_longest),
      cmocka_unit_test(address_is_read_and_written),
      cmocka_unit_test(address_says_why_a_host_is_not_found),
      cmocka_unit_test(address_is_settled_once),
  };
  return run_group(tests);
}
