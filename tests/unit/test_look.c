/* SPDX-License-Identifier: MIT */
/* Files of the folder, and who uses them. */
#include "os/os.h"

#include "faults.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void look_tells_what_a_file_is(void **state) {
  (void)state;
  const char *name = fresh_name();
  os_file file;
  struct stat found;
  make_file(name, "12345", 5);
  assert_int_equal(stat(path_of(name), &found), 0);
  assert_ok(os_folder_look(name, &file));
  assert_int_equal(file.size, 5);
  assert_int_equal(file.inode, found.st_ino);
  assert_int_equal(file.device, found.st_dev);
  assert_int_equal(file.mode, 0600);
  assert_int_equal(file.owner, geteuid());
  assert_false(file.is_marked);
  assert_true(os_folder_may_test(&file));
  if (file.created_at != 0)
    assert_in_range(
        file.created_at / 1000000000, time(NULL) - 60, time(NULL) + 2);
  assert_int_equal(chmod(path_of(name), 01640), 0);
  assert_ok(os_folder_look(name, &file));
  assert_int_equal(file.mode, 0640);
  assert_true(file.is_marked);
  unlink(path_of(name));
  assert_failure(
      os_folder_look(name, &file), POLYSHM_E_NOT_FOUND, ENOENT, name);
  assert_int_equal(mkdir(path_of(name), 0700), 0);
  assert_failure(
      os_folder_look(name, &file), POLYSHM_E_INVALID, EINVAL, "not a block");
  rmdir(path_of(name));
}

typedef struct users {
  uint64_t last;
  unsigned count;
} users;

static void note(uint64_t process, void *context) {
  users *them = context;
  them->last = process;
  them->count++;
}

static unsigned count_users(const os_file *file) {
  users them = {.last = (uint64_t)getpid()};
  assert_ok(os_folder_find_users(file, note, &them));
  assert_int_equal(them.last, getpid());
  return them.count;
}

static void look_finds_each_user_once(void **state) {
  (void)state;
  const char *name = fresh_name(), *other = fresh_name();
  os_file file, another;
  make_file(name, "x", 1);
  make_file(other, "x", 1);
  assert_ok(os_folder_look(name, &file));
  assert_ok(os_folder_look(other, &another));
  assert_int_equal(count_users(&file), 0);
  int descriptor = open(path_of(name), O_RDWR | O_CLOEXEC);
  assert_int_equal(count_users(&file), 1);
  assert_int_equal(count_users(&another), 0);
  void *mappings[2];
  for (int i = 0; i < 2; i++)
    mappings[i] = mmap(NULL, 1, PROT_READ, MAP_SHARED, descriptor, 0);
  assert_int_equal(count_users(&file), 1);
  close(descriptor);
  assert_int_equal(count_users(&file), 1);
  /* Without its name, it is the same file. */
  unlink(path_of(name));
  assert_int_equal(count_users(&file), 1);
  for (int i = 0; i < 2; i++)
    munmap(mappings[i], 1);
  assert_int_equal(count_users(&file), 0);
  unlink(path_of(other));
}

/* A block that was made without a name is shown by its number. */
static void look_finds_makers(void **state) {
  (void)state;
  const char *name = fresh_name();
  os_map map;
  os_file file;
  assert_ok(os_map_make(10, 0600, true, &map));
  assert_ok(os_map_publish(&map, name));
  os_map_settle(&map);
  assert_ok(os_folder_look(name, &file));
  assert_int_equal(count_users(&file), 1);
  os_map_drop(&map);
  assert_int_equal(count_users(&file), 0);
  unlink(path_of(name));
}

static void look_says_why_it_cannot(void **state) {
  (void)state;
  const char *name = fresh_name();
  os_file file;
  users them = {0};
  make_file(name, "x", 1);
  faults_reset();
  faults_fail(FAULT_LOOK, 1, 1, EACCES);
  assert_failure(
      os_folder_look(name, &file), POLYSHM_E_OS, EACCES, "cannot look at");
  faults_reset();
  assert_ok(os_folder_look(name, &file));
  faults_reset();
  faults_fail(FAULT_LOOK, 1, 1, ENOENT);
  assert_failure(
      os_folder_find_users(&file, note, &them), POLYSHM_E_UNSUPPORTED, ENOENT,
      "cannot read /proc");
  assert_int_equal(them.count, 0);
  faults_reset();
  file.owner++;
  assert_int_equal(os_folder_may_test(&file), geteuid() == 0);
  unlink(path_of(name));
}

/* Processes end while they are looked at. */
static void look_passes_over_whom_it_cannot_see(void **state) {
  (void)state;
  const char *name = fresh_name();
  os_file file;
  make_file(name, "x", 1);
  int descriptor = open(path_of(name), O_RDWR | O_CLOEXEC);
  assert_ok(os_folder_look(name, &file));
  users them = {0};
  faults_reset();
  faults_fail(FAULT_LOOK, 2, FOR_EVER, ENOENT); /* all but /proc itself */
  assert_ok(os_folder_find_users(&file, note, &them));
  assert_int_equal(them.count, 0);
  faults_reset();
  assert_int_equal(count_users(&file), 1);
  close(descriptor);
  unlink(path_of(name));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(look_tells_what_a_file_is),
      cmocka_unit_test(look_finds_each_user_once),
      cmocka_unit_test(look_finds_makers),
      cmocka_unit_test(look_says_why_it_cannot),
      cmocka_unit_test(look_passes_over_whom_it_cannot_see),
  };
  return run_group(tests);
}
