/* SPDX-License-Identifier: MIT */
/* Handles that a child inherits: it may use blocks and lists, and what it does
 * to its handles is its own affair. */
#include "support.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct inheritance {
  polyshm_block *block;
  polyshm_list *list;
  const char *name;
} inheritance;

static inheritance make(void) {
  inheritance it = {.name = fresh_name()};
  const polyshm_value values[] = {int_value(1), string_value("parent")};
  assert_ok(polyshm_block_open(NULL, 100, POLYSHM_CREATE, NULL, &it.block));
  assert_ok(polyshm_unlink(polyshm_block_name(it.block)));
  assert_ok(polyshm_list_create(it.name, values, 2, 0, NULL, &it.list));
  return it;
}

static void end(inheritance *it) {
  polyshm_block_free(it->block);
  polyshm_list_free(it->list);
  assert_ok(polyshm_unlink(it->name));
}

static void use(void *argument) {
  inheritance *it = argument;
  char text[7] = "";
  polyshm_value value;
  child_check(polyshm_block_read(it->block, 0, text, 6) == POLYSHM_OK);
  child_check(strcmp(text, "parent") == 0);
  child_check(polyshm_block_write(it->block, 0, "child!", 6) == POLYSHM_OK);
  child_check(polyshm_list_get(it->list, 0, NULL, 0, &value) == POLYSHM_OK);
  child_check(value.of.i == 1);
  value = string_value("child");
  child_check(polyshm_list_set(it->list, 1, &value) == POLYSHM_OK);
}

static void fork_child_uses_what_it_inherits(void **state) {
  (void)state;
  inheritance it = make();
  assert_ok(polyshm_block_write(it.block, 0, "parent", 6));
  assert_int_equal(in_child(use, &it), 0);
  char text[6];
  assert_ok(polyshm_block_read(it.block, 0, text, 6));
  assert_memory_equal(text, "child!", 6);
  assert_slot(it.list, 1, string_value("child"));
  end(&it);
}

static void leave(void *argument) {
  inheritance *it = argument;
  polyshm_value value;
  child_check(polyshm_list_close(it->list) == POLYSHM_OK);
  child_check(
      polyshm_list_get(it->list, 0, NULL, 0, &value) == POLYSHM_E_CLOSED);
  polyshm_block_free(it->block);
  polyshm_list_free(it->list);
}

static void fork_child_leaves_alone(void **state) {
  (void)state;
  inheritance it = make();
  assert_int_equal(in_child(leave, &it), 0);
  assert_ok(polyshm_block_write(it.block, 99, "x", 1));
  assert_slot(it.list, 0, int_value(1));
  assert_true(is_there(it.name));
  end(&it);
}

static void close_pinned(void *argument) {
  inheritance *it = argument;
  child_check(polyshm_block_close(it->block) == POLYSHM_E_BUSY);
  polyshm_block_unpin(it->block);
  child_check(polyshm_block_close(it->block) == POLYSHM_OK);
}

/* A child's pins are copies: giving them back frees nothing of its parent's. */
static void fork_child_has_pins_of_its_own(void **state) {
  (void)state;
  inheritance it = make();
  void *address;
  uint64_t size;
  assert_ok(polyshm_block_pin(it.block, &address, &size));
  assert_int_equal(in_child(close_pinned, &it), 0);
  assert_fails(polyshm_block_close(it.block), POLYSHM_E_BUSY);
  memset(address, 'x', (size_t)size);
  polyshm_block_unpin(it.block);
  end(&it);
}

static void note_error(void *argument) {
  (void)argument;
  child_check(strstr(polyshm_error_message(), "parent's") != NULL);
  child_check(polyshm_unlink("of/child") == POLYSHM_E_INVALID);
  child_check(strstr(polyshm_error_message(), "of/child") != NULL);
}

static void fork_child_has_errors_of_its_own(void **state) {
  (void)state;
  assert_fails(polyshm_unlink("parent's/"), POLYSHM_E_INVALID);
  assert_int_equal(in_child(note_error, NULL), 0);
  assert_message("parent's");
}

static void make_another(void *argument) {
  const char *name = argument;
  polyshm_block *block;
  polyshm_block_open(name, 10, POLYSHM_CREATE, NULL, &block);
  child_check(polyshm_block_write(block, 0, "mine", 4) == POLYSHM_OK);
}

/* Nothing is cleaned up behind a creator that has gone. */
static void fork_child_leaves_what_it_made(void **state) {
  (void)state;
  const char *name = fresh_name();
  assert_int_equal(in_child(make_another, (void *)(uintptr_t)name), 0);
  polyshm_block *block;
  char text[4];
  assert_ok(polyshm_block_open(name, 0, 0, NULL, &block));
  assert_ok(polyshm_block_read(block, 0, text, 4));
  assert_memory_equal(text, "mine", 4);
  polyshm_block_free(block);
  assert_ok(polyshm_unlink(name));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fork_child_uses_what_it_inherits),
      cmocka_unit_test(fork_child_leaves_alone),
      cmocka_unit_test(fork_child_has_pins_of_its_own),
      cmocka_unit_test(fork_child_has_errors_of_its_own),
      cmocka_unit_test(fork_child_leaves_what_it_made),
  };
  return run_group(tests);
}
