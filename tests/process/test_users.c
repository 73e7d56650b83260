/* SPDX-License-Identifier: MIT */
/* Who may unlink, and blocks of other users. */
#include "actors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534, SOMEBODY = 65533 };

/* --------------------------------------------------------------- unlinking */

static void make_unlink_and_rest(const stage *at) {
  polyshm_block *block = make(at->name);
  ready(at);
  rest(at);
  child_check(polyshm_unlink(at->name) == POLYSHM_OK);
  child_check(polyshm_block_write(block, 1, "y", 1) == POLYSHM_OK);
  ready(at);
  rest(at);
  polyshm_block_free(block); /* nothing of that name is ours any more */
  ready(at);
  rest(at);
}

static void unlinking_is_immediate_and_gives_up_the_hold(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(make_unlink_and_rest, name);
  await(&root);
  struct stat file;
  assert_true(is_held(name));
  int descriptor = open(path_of(name), O_RDWR | O_CLOEXEC);
  assert_int_equal(fstat(descriptor, &file), 0);
  go(&root);
  await(&root);
  assert_false(is_there(name));
  assert_int_equal(fstat(descriptor, &file), 0);
  assert_int_equal(file.st_nlink, 0);
  assert_false(is_inode_held(file.st_ino));
  close(descriptor);

  /* What has the name from now on is not theirs. */
  close(make_orphan(name));
  go(&root);
  await(&root);
  assert_true(is_there(name));
  finish(&root);
  wait_for_the_end(); /* but its helper finds that it is nobody's */
  assert_false(is_there(name));
}

static void unlink_and_rest(const stage *at) {
  child_check(polyshm_unlink(at->name) == POLYSHM_OK);
}

static void anybody_may_unlink(void **state) {
  (void)state;
  const char *name = fresh_name();
  actor root = start(make_and_hold, name);
  await(&root);
  act(unlink_and_rest, name);
  assert_false(is_there(name));
  finish(&root);
  wait_for_the_end();
}

/* -------------------------------------------------------------- other users */

static void become(uid_t user) {
  child_check(setgid(user) == 0 && setuid(user) == 0);
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* to be let into /proc/self again */
  umask(0);
}

static void make_for_all(const stage *at) {
  polyshm_block_options options = {.struct_size = sizeof options, .mode = 0666};
  polyshm_list_options list_options = {
      .struct_size = sizeof list_options, .mode = 0666};
  const polyshm_value one = int_value(1);
  polyshm_block *block;
  polyshm_list *list;
  char name[80];
  umask(0);
  child_check(
      polyshm_block_open(at->name, SIZE, POLYSHM_CREATE, &options, &block) ==
      POLYSHM_OK);
  child_check(polyshm_block_write(block, 0, "x", 1) == POLYSHM_OK);
  snprintf(name, sizeof name, "%s-list", at->name);
  child_check(
      polyshm_list_create(name, &one, 1, 0, &list_options, &list) ==
      POLYSHM_OK);
  polyshm_block_free(block);
  polyshm_list_free(list);
  ready(at);
  rest(at);
}

static void make_for_all_as_nobody(const stage *at) {
  become(NOBODY);
  make_for_all(at);
}

static void refuse_the_block(const char *name, uint32_t flags) {
  polyshm_block *block = NULL;
  child_check(
      polyshm_block_open(name, SIZE, flags, NULL, &block) == POLYSHM_E_ACCESS);
  child_check(polyshm_error_os() == EPERM);
  child_check(strstr(polyshm_error_message(), "POLYSHM_FOREIGN") != NULL);
  child_check(block == NULL);
}

static void refuse_the_list(const char *name) {
  polyshm_list *list = NULL;
  child_check(polyshm_list_open(name, 0, &list) == POLYSHM_E_ACCESS);
  child_check(strstr(polyshm_error_message(), "POLYSHM_FOREIGN") != NULL);
  child_check(
      polyshm_list_open(name, POLYSHM_READ_ONLY, &list) == POLYSHM_E_ACCESS);
  child_check(
      polyshm_list_create(name, NULL, 0, POLYSHM_CREATE, NULL, &list) ==
      POLYSHM_E_ACCESS);
  child_check(list == NULL);
}

static void use_with_leave(const stage *at, const char *list_name) {
  const uint32_t leave_given = POLYSHM_FOREIGN;
  polyshm_block *block;
  polyshm_list *list;
  const polyshm_value two = int_value(2);
  child_check(
      polyshm_block_open(at->name, 0, leave_given, NULL, &block) == POLYSHM_OK);
  child_check(polyshm_block_write(block, 1, "y", 1) == POLYSHM_OK);
  polyshm_block_free(block);
  child_check(
      polyshm_block_open(
          at->name, SIZE, leave_given | POLYSHM_CREATE, NULL, &block) ==
      POLYSHM_OK);
  child_check(!(polyshm_block_flags(block) & POLYSHM_CREATE));
  polyshm_block_free(block);
  child_check(polyshm_list_open(list_name, leave_given, &list) == POLYSHM_OK);
  child_check(polyshm_list_set(list, 0, &two) == POLYSHM_OK);
  polyshm_list_free(list);
}

static void meet_a_stranger(const stage *at) {
  char list[80];
  snprintf(list, sizeof list, "%s-list", at->name);
  refuse_the_block(at->name, 0);
  refuse_the_block(at->name, POLYSHM_READ_ONLY);
  refuse_the_block(at->name, POLYSHM_CREATE);
  refuse_the_list(list);
  use_with_leave(at, list);
  polyshm_block *block;
  child_check(
      polyshm_block_open(
          at->name, SIZE, POLYSHM_CREATE | POLYSHM_EXCLUSIVE | POLYSHM_FOREIGN,
          NULL, &block) == POLYSHM_E_EXISTS);
  child_check(is_there(at->name) && is_there(list));
}

static void meet_a_stranger_as_somebody(const stage *at) {
  become(SOMEBODY);
  meet_a_stranger(at);
}

static void try_to_remove_as_somebody(const stage *at) {
  uint64_t count;
  polyshm_info info = {.struct_size = sizeof info};
  polyshm_block *block;
  become(SOMEBODY);
  child_check(polyshm_gc(0, &count) == POLYSHM_OK);
  child_check(is_there(at->name));
  child_check(
      polyshm_block_open(at->name, 0, POLYSHM_FOREIGN, NULL, &block) ==
      POLYSHM_OK);
  polyshm_block_free(block);
  child_check(is_there(at->name));
  child_check(polyshm_unlink(at->name) == POLYSHM_E_ACCESS);
  child_check(polyshm_inspect(at->name, &info) == POLYSHM_OK);
  child_check(info.uid == NOBODY);
  child_check(info.state & POLYSHM_STATE_TRACKED);
  child_check(is_there(at->name));
}

static void attach_as_nobody(const stage *at) {
  become(NOBODY);
  attach_and_close(at);
}

static void sweep_as_nobody(const stage *at) {
  uint64_t count;
  become(NOBODY);
  child_check(polyshm_gc(0, &count) == POLYSHM_OK);
  child_check(!is_there(at->name));
}

static void blocks_of_other_users_are_left_alone(void **state) {
  (void)state;
  if (geteuid() != 0)
    skip();
  const char *name = fresh_name();
  setenv("POLYSHM_HELPER", "/nowhere", 1);
  actor nobody = start(make_for_all_as_nobody, name);
  await(&nobody);
  act(meet_a_stranger, name);
  act(meet_a_stranger_as_somebody, name);
  finish(&nobody);
  act(try_to_remove_as_somebody, name);
  act(sweep_as_nobody, name);

  /* What root made is nobody's trap. */
  actor root = start(make_for_all, name);
  await(&root);
  act(attach_as_nobody, name);
  finish(&root);
  sweep_away(name);
  unsetenv("POLYSHM_HELPER");
}

/* ------------------------------------------------------------------ running */

int main(int argc, char **argv) {
  if (argc == 6 && strcmp(argv[1], "--play") == 0)
    return play_role(argv + 2);
  const struct CMUnitTest tests[] = {
      test(unlinking_is_immediate_and_gives_up_the_hold),
      test(anybody_may_unlink),
      test(blocks_of_other_users_are_left_alone),
  };
  return run_group(tests);
}
