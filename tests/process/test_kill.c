/* SPDX-License-Identifier: MIT */
/*
 * kill -9 at any moment. test_faults.c does it before each call to the system,
 * one after the other; this does it to the library that ships, at random.
 *
 * The victims belong to this process's tree, so what they made stays until they
 * or we unlink it. Between its name and the tree's hold on it there is a moment
 * in which a block belongs to its maker alone; if that is killed then, whoever
 * closes it next removes it.
 */
#include "support.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 150, SLOTS = 3000 };

static void fill(polyshm_value values[SLOTS]) {
  for (int i = 0; i < SLOTS; i++)
    values[i] = i % 3 == 0 ? string_value("a text that fills a wider slot")
                           : int_value(i);
}

static _Noreturn void create_for_ever(const char *name) {
  static polyshm_value values[SLOTS];
  fill(values);
  for (;;) {
    polyshm_list *list;
    polyshm_block *block;
    if (polyshm_list_create(name, values, SLOTS, 0, NULL, &list) != 0)
      _exit(1);
    polyshm_list_free(list);
    if (polyshm_unlink(name) != 0)
      _exit(2);
    if (polyshm_block_open(name, 9 << 20, POLYSHM_CREATE, NULL, &block) != 0)
      _exit(3);
    polyshm_block_free(block);
    if (polyshm_unlink(name) != 0)
      _exit(4);
  }
}

/* Names of files that stand in for nameless ones. */
static size_t count_temporaries(void) {
  DIR *folder = opendir("/dev/shm");
  assert_non_null(folder);
  size_t count = 0;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
    count += strncmp(entry->d_name, ".polyshm-", 9) == 0;
  closedir(folder);
  return count;
}

/* What has the name is the whole block or the whole list. */
static void check_whole(const char *name) {
  static polyshm_value values[SLOTS];
  polyshm_block *block;
  assert_ok(polyshm_block_open(name, 0, 0, NULL, &block));
  if (polyshm_block_size(block) != 9 << 20) {
    fill(values);
    polyshm_list *list;
    assert_ok(polyshm_list_open(name, 0, &list));
    assert_int_equal(polyshm_list_length(list), SLOTS);
    for (uint64_t i = 0; i < SLOTS; i++)
      assert_slot(list, i, values[i]);
    polyshm_list_free(list);
  }
  polyshm_block_free(block);
}

static void kill_leaves_nothing_half_made(void **state) {
  (void)state;
  const char *name = fresh_name();
  char tree[64];
  assert_ok(polyshm_tree_enter(tree, sizeof tree));
  size_t temporaries = count_temporaries();
  uint32_t random = 12345;
  for (int round = 0; round < ROUNDS; round++) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
      create_for_ever(name);
    random = random * 1664525 + 1013904223;
    usleep(random >> 19); /* 8 milliseconds at most */
    kill(child, SIGKILL);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status)); /* it has met no error before */
    if (is_there(name)) {
      check_whole(name);
      if (is_there(name))
        assert_ok(polyshm_unlink(name));
    }
  }
  assert_int_equal(count_temporaries(), temporaries);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kill_leaves_nothing_half_made),
  };
  return run_group(tests);
}
