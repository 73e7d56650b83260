/* SPDX-License-Identifier: MIT */
#include "manage/registry.h"

#include "hold/tree.h"
#include "faults.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static pshm_registry registry;

static int setup(void **state) {
  (void)state;
  return pshm_registry_open(&registry, 2000) == POLYSHM_OK ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  pshm_registry_close(&registry);
  return 0;
}

static uint64_t inode_of(const char *name) {
  struct stat found;
  assert_int_equal(stat(path_of(name), &found), 0);
  return found.st_ino;
}

static const char *made(void) {
  const char *name = fresh_name();
  make_file(name, "bytes", 5);
  return name;
}

static void registry_keeps_their_order(void **state) {
  (void)state;
  char names[1000][32];
  for (size_t i = 0; i < LENGTH(names); i++) {
    snprintf(names[i], sizeof names[i], "pshm-absent-%u-%zu", own_number(), i);
    assert_ok(pshm_registry_add(&registry, names[i], 0));
  }
  assert_ok(pshm_registry_add(&registry, names[5], 0)); /* it is there */
  assert_int_equal(registry.count, LENGTH(names));
  for (size_t i = 0; i < LENGTH(names); i += 2)
    assert_ok(pshm_registry_drop(&registry, names[i], 0));
  size_t next = 1;
  for (const pshm_segment *i = registry.first; i != NULL; i = i->later) {
    assert_string_equal(i->name, names[next]);
    next += 2;
  }
  assert_int_equal(next, LENGTH(names) + 1);
  assert_fails(pshm_registry_drop(&registry, names[0], 0), POLYSHM_E_NOT_FOUND);
  assert_int_equal(pshm_registry_clear(&registry), 0);
  assert_int_equal(registry.count, 0);
  assert_null(registry.first);
  assert_null(registry.last);
}

static void registry_removes_what_it_releases(void **state) {
  (void)state;
  const char *one = made(), *other = made();
  assert_ok(pshm_registry_add(&registry, one, 0));
  assert_ok(pshm_registry_add(&registry, other, 0));
  assert_ok(pshm_registry_release(&registry, one));
  assert_false(is_there(one));
  assert_true(is_there(other));
  assert_failure(
      pshm_registry_release(&registry, one), POLYSHM_E_NOT_FOUND, 0,
      "does not own");
  unlink(path_of(other));
  assert_failure(
      pshm_registry_release(&registry, other), POLYSHM_E_NOT_FOUND, ENOENT,
      "cannot unlink");
  assert_int_equal(registry.count, 0);
}

static void registry_holds_and_marks(void **state) {
  (void)state;
  const char *name = made();
  int folder = pshm_tree_folder();
  assert_ok(pshm_registry_add(&registry, name, 0));
  uint64_t inode = inode_of(name);
  assert_true(os_folder_is_held(folder, inode));
  struct stat found;
  stat(path_of(name), &found);
  assert_true(found.st_mode & S_ISVTX);
  /* Nobody has it open, and yet no sweep takes it. */
  assert_int_equal(pshm_tree_collect(name, inode), OS_REMOVAL_HELD);
  assert_ok(pshm_registry_drop(&registry, name, 0));
  assert_false(os_folder_is_held(folder, inode));
  assert_int_equal(pshm_tree_collect(name, inode), OS_REMOVAL_DONE);
  assert_false(is_there(name));
}

static void registry_spares_another_block_of_the_name(void **state) {
  (void)state;
  const char *name = made();
  /* One was announced, and never came to be. */
  assert_ok(pshm_registry_add(&registry, name, inode_of(name) + 1000000));
  assert_failure(
      pshm_registry_release(&registry, name), POLYSHM_E_NOT_FOUND, ENOENT,
      name);
  assert_true(is_there(name));
  assert_ok(pshm_registry_add(&registry, name, inode_of(name) + 1000000));
  assert_int_equal(pshm_registry_clear(&registry), 0);
  assert_true(is_there(name));
  unlink(path_of(name));
}

static void registry_forgets_old_blocks_of_a_name(void **state) {
  (void)state;
  const char *name = fresh_name();
  for (int i = 0; i < 10; i++) {
    make_file(name, "bytes", 5);
    assert_ok(pshm_registry_add(&registry, name, 0));
    unlink(path_of(name));
  }
  assert_int_equal(registry.count, 1);
  make_file(name, "bytes", 5);
  assert_ok(pshm_registry_add(&registry, name, inode_of(name)));
  assert_int_equal(registry.count, 1);
  assert_int_equal(pshm_registry_clear(&registry), 1);
  assert_false(is_there(name));
}

static void registry_removes_files_alone(void **state) {
  (void)state;
  const char *name = fresh_name();
  assert_int_equal(mkdir(path_of(name), 0700), 0);
  assert_ok(pshm_registry_add(&registry, name, 0));
  assert_int_equal(pshm_registry_clear(&registry), 0);
  assert_int_equal(rmdir(path_of(name)), 0);
  const char *victim = made();
  assert_int_equal(symlink(victim, path_of(name)), 0);
  assert_ok(pshm_registry_add(&registry, name, 0));
  struct stat found;
  stat(path_of(victim), &found);
  assert_false(found.st_mode & S_ISVTX);
  assert_int_equal(pshm_registry_clear(&registry), 0);
  assert_true(is_there(victim));
  unlink(path_of(victim));
  unlink(path_of(name));
}

static void registry_has_a_limit(void **state) {
  (void)state;
  char name[32];
  for (int i = 0; i < 2000; i++) {
    snprintf(name, sizeof name, "pshm-absent-%u-%d", own_number(), i);
    assert_ok(pshm_registry_add(&registry, name, 0));
  }
  assert_fails(
      pshm_registry_add(&registry, "pshm-absent-more", 0), POLYSHM_E_SPACE);
}

static void registry_opens_or_leaves_nothing(void **state) {
  (void)state;
  static const struct {
    fault_call call;
    int code;
    polyshm_status status;
  } cases[] = {
      {FAULT_RANDOM, EIO, POLYSHM_E_OS},
      {FAULT_OPEN, EMFILE, POLYSHM_E_OS},
      {FAULT_MALLOC, ENOMEM, POLYSHM_E_MEMORY},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    pshm_registry other;
    size_t held = count_holdings().descriptors;
    faults_reset();
    long heap = faults_heap();
    faults_fail(cases[i].call, 1, 1, cases[i].code);
    assert_fails(pshm_registry_open(&other, 1), cases[i].status);
    faults_reset();
    assert_int_equal(count_holdings().descriptors, held);
    assert_int_equal(faults_heap(), heap);
  }
}

static void registry_says_what_it_cannot_add(void **state) {
  (void)state;
  const char *name = made();
  faults_reset();
  faults_fail(FAULT_MALLOC, 1, 1, ENOMEM);
  assert_fails(pshm_registry_add(&registry, name, 0), POLYSHM_E_MEMORY);
  faults_reset();
  long heap = faults_heap();
  faults_fail(FAULT_FCNTL, 1, 1, ENOLCK);
  assert_failure(
      pshm_registry_add(&registry, name, 0), POLYSHM_E_OS, ENOLCK,
      "cannot hold");
  faults_reset();
  assert_int_equal(faults_heap(), heap);
  assert_int_equal(registry.count, 0);
  unlink(path_of(name));
}

/* Without memory for a larger table, it is slower and no less right. */
static void registry_lives_with_a_small_table(void **state) {
  (void)state;
  char name[32];
  uint64_t slots = registry.slots;
  for (uint64_t i = 0; i < 2 * slots; i++) {
    snprintf(name, sizeof name, "pshm-absent-%u", (unsigned)i);
    faults_reset();
    faults_fail(FAULT_MALLOC, 2, 1, ENOMEM); /* the segment's comes first */
    assert_ok(pshm_registry_add(&registry, name, 0));
  }
  faults_reset();
  assert_int_equal(registry.slots, slots);
  for (uint64_t i = 0; i < 2 * slots; i++) {
    snprintf(name, sizeof name, "pshm-absent-%u", (unsigned)i);
    assert_ok(pshm_registry_drop(&registry, name, 0));
  }
  assert_int_equal(registry.count, 0);
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(registry_keeps_their_order),
      TEST(registry_removes_what_it_releases),
      TEST(registry_holds_and_marks),
      TEST(registry_spares_another_block_of_the_name),
      TEST(registry_forgets_old_blocks_of_a_name),
      TEST(registry_removes_files_alone),
      TEST(registry_has_a_limit),
      TEST(registry_opens_or_leaves_nothing),
      TEST(registry_says_what_it_cannot_add),
      TEST(registry_lives_with_a_small_table),
  };
  return run_group(tests);
}
