/* SPDX-License-Identifier: MIT */
#include "hold/member.h"

#include "faults.h"
#include "states.h"

#include <errno.h>
#include <fcntl.h>

static polyshm_list *make_numbers(void) {
  const polyshm_value values[] = {int_value(0), int_value(0)};
  return make_list(values, LENGTH(values), 16);
}

static bool is_alive(const polyshm_list *list, uint32_t token) {
  return pshm_list_is_alive(list, token);
}

static int descriptor_of(const polyshm_list *list) {
  return list->block->member.descriptor;
}

/* ----------------------------------------------------------------- joining */

static void member_joins_when_it_first_writes(void **state) {
  (void)state;
  polyshm_list *list = make_numbers(), *other = open_again(list, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  const polyshm_value sought = int_value(0);
  polyshm_value values[2];
  uint64_t number;
  uint32_t recovered;
  polyshm_list *lists[] = {list, other, reader};
  for (size_t i = 0; i < LENGTH(lists); i++) {
    assert_slot(lists[i], 0, sought);
    assert_ok(polyshm_list_find(lists[i], 0, &sought, &number));
    assert_ok(polyshm_list_snapshot(lists[i], 0, 2, NULL, 0, values));
    list_version(lists[i]);
    assert_fails(polyshm_list_wait(lists[i], 0, 0, &number), POLYSHM_E_TIMEOUT);
    assert_fails(polyshm_list_unlock(lists[i]), POLYSHM_E_INVALID);
    assert_int_equal(pshm_list_token(lists[i]), 0);
  }
  assert_int_equal(pshm_word_load(list->trailer.tokens), 0);
  assert_fails(polyshm_list_lock(reader, 0, &recovered), POLYSHM_E_ACCESS);
  assert_fails(
      polyshm_list_wait(reader, 0, MILLISECOND, &number), POLYSHM_E_TIMEOUT);
  assert_int_equal(pshm_list_token(reader), 0);

  set_int(list, 0, 1);
  assert_ok(polyshm_list_lock(other, 0, &recovered));
  assert_int_equal(pshm_list_token(list), 1);
  assert_int_equal(pshm_list_token(other), 2);
  assert_ok(polyshm_list_unlock(other));
  set_int(list, 0, 2);
  set_string(list, 1, "text");
  assert_int_equal(pshm_list_token(list), 1);
  assert_int_equal(pshm_word_load(list->trailer.tokens), 2);
  polyshm_list_free(reader);
  polyshm_list_free(other);
  end_list(list);
}

static void member_lives_as_long_as_its_handle(void **state) {
  (void)state;
  polyshm_list *list = make_numbers();
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  for (int closes = 0; closes <= 1; closes++) {
    polyshm_list *other = open_again(list, 0);
    uint32_t token = join(other);
    assert_true(is_alive(other, token));
    assert_true(is_alive(list, token));
    assert_true(is_alive(reader, token));
    if (closes)
      assert_ok(polyshm_list_close(other));
    else
      polyshm_list_free(other);
    assert_false(is_alive(list, token));
    assert_false(is_alive(reader, token));
    if (closes)
      polyshm_list_free(other);
  }
  assert_false(is_alive(list, DEAD));
  polyshm_list_free(reader);
  end_list(list);
}

/* A pin keeps the mapping, and with it whatever its owner began. */
static void member_lives_as_long_as_its_pins(void **state) {
  (void)state;
  polyshm_list *list = make_numbers(), *other = open_again(list, 0);
  uint32_t token = join(other);
  polyshm_block *block = polyshm_list_block(other);
  void *address;
  uint64_t size;
  assert_ok(polyshm_block_pin(block, &address, &size));
  polyshm_list_free(other);
  assert_true(is_alive(list, token));
  polyshm_block_unpin(block);
  assert_false(is_alive(list, token));
  end_list(list);
}

enum { MANY = 200 };

static void member_of_many_handles(void **state) {
  (void)state;
  polyshm_list *list = make_numbers(), *others[MANY];
  join(list);
  for (int i = 0; i < MANY; i++) {
    others[i] = open_again(list, 0);
    assert_int_equal(join(others[i]), i + 2);
  }
  for (int i = 0; i < MANY; i += 2)
    polyshm_list_free(others[i]);
  for (int i = 1; i < MANY; i += 2) {
    assert_false(is_alive(list, (uint32_t)i + 1));
    assert_true(is_alive(list, (uint32_t)i + 2));
    int64_t sum;
    assert_ok(polyshm_list_add(others[i], 0, 1, &sum));
    assert_int_equal(sum, (i + 1) / 2);
  }
  for (int i = 1; i < MANY; i += 2)
    polyshm_list_free(others[i]);
  end_list(list);
}

static void member_of_a_list_without_a_name(void **state) {
  (void)state;
  polyshm_list *list = make_numbers(), *other = open_again(list, 0);
  assert_ok(polyshm_unlink(name_of(list)));
  set_int(list, 0, 5);
  set_string(other, 1, "text");
  assert_slot(list, 1, string_value("text"));
  assert_true(is_alive(list, pshm_list_token(other)));
  assert_true(is_alive(other, pshm_list_token(list)));
  polyshm_list_free(other);
  polyshm_list_free(list);
}

/* ------------------------------------------------------------- the counter */

/* It is a hint: whatever it is, nobody gets 0, or a token twice. */
static void member_draws_from_any_counter(void **state) {
  (void)state;
  static const uint64_t counters[] = {
      0,
      1,
      PSHM_TOKEN_MAX - 1,
      PSHM_TOKEN_MAX,
      PSHM_TOKEN_MAX + 1,
      UINT32_MAX,
      (uint64_t)1 << 32,
      INT64_MAX,
      UINT64_MAX - 1,
      UINT64_MAX};
  polyshm_list *list = make_numbers();
  for (size_t i = 0; i < LENGTH(counters); i++) {
    polyshm_list *others[4];
    for (size_t j = 0; j < LENGTH(others); j++) {
      pshm_word_store(list->trailer.tokens, counters[i]);
      others[j] = open_again(list, 0);
      uint32_t token = join(others[j]);
      assert_in_range(token, 1, PSHM_TOKEN_MAX);
      for (size_t k = 0; k < j; k++)
        assert_int_not_equal(token, pshm_list_token(others[k]));
      assert_true(is_alive(list, token));
    }
    for (size_t j = 0; j < LENGTH(others); j++)
      polyshm_list_free(others[j]);
  }
  end_list(list);
}

static void member_gives_up_among_too_many(void **state) {
  (void)state;
  polyshm_list *list = make_numbers();
  int all = open(path_of(name_of(list)), O_RDWR | O_CLOEXEC);
  for (uint32_t token = 1; token <= 1000; token++)
    assert_true(os_claim_take(all, token));
  const polyshm_value value = int_value(5);
  void *image = take_image(list);
  assert_failure(
      polyshm_list_set(list, 0, &value), POLYSHM_E_OS, 0, "1000 were refused");
  pshm_word_store(list->trailer.tokens, 0);
  check_image(list, image);
  /* The counter has gone on, and so can they. */
  pshm_word_store(list->trailer.tokens, 1000);
  assert_ok(polyshm_list_set(list, 0, &value));
  assert_int_equal(pshm_list_token(list), 1001);
  close(all);
  end_list(list);
}

/* ------------------------------------------------------------------- death */

static void open_and_join(stage *it) {
  polyshm_list *list;
  child_check(polyshm_list_open(name_of(it->list), 0, &list) == POLYSHM_OK);
  child_check(pshm_list_join(list) == POLYSHM_OK);
  atomic_store(&it->token, pshm_list_token(list));
  pause_at(it, 1);
}

static void member_dies_with_its_process(void **state) {
  (void)state;
  polyshm_list *list = make_numbers();
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  stage *it = make_stage(list);
  pid_t child = start_child(open_and_join, it);
  await(atomic_load(&it->step) == 1);
  assert_true(is_alive(list, atomic_load(&it->token)));
  assert_true(is_alive(reader, atomic_load(&it->token)));
  assert_int_equal(kill(child, SIGSTOP), 0);
  assert_true(is_alive(list, atomic_load(&it->token)));
  kill_child(child);
  assert_false(is_alive(list, atomic_load(&it->token)));
  assert_false(is_alive(reader, atomic_load(&it->token)));
  end_stage(it);
  polyshm_list_free(reader);
  end_list(list);
}

static void join_and_execute(stage *it) {
  polyshm_list *list;
  child_check(polyshm_list_open(name_of(it->list), 0, &list) == POLYSHM_OK);
  child_check(pshm_list_join(list) == POLYSHM_OK);
  atomic_store(&it->token, pshm_list_token(list));
  atomic_store(&it->step, 1);
  execl("/bin/sleep", "sleep", "1000", (char *)NULL);
  _exit(1);
}

static void member_dies_with_its_program(void **state) {
  (void)state;
  polyshm_list *list = make_numbers();
  stage *it = make_stage(list);
  pid_t child = start_child(join_and_execute, it);
  await(atomic_load(&it->step) == 1);
  await(!is_alive(list, atomic_load(&it->token)));
  kill_child(child); /* it was alive */
  end_stage(it);
  end_list(list);
}

/* -------------------------------------------------------------------- fork */

static void use_inherited(stage *it) {
  polyshm_list *list = it->list;
  uint32_t parent = atomic_load(&it->token);
  child_check(pshm_list_token(list) == 0);
  child_check(pshm_list_is_alive(list, parent));
  polyshm_value value = int_value(5);
  child_check(polyshm_list_set(list, 0, &value) == POLYSHM_OK);
  child_check(pshm_list_token(list) != 0 && pshm_list_token(list) != parent);
  child_check(pshm_list_is_alive(list, parent));
  atomic_store(&it->token, pshm_list_token(list));
  pause_at(it, 1);
}

static void member_of_a_child_is_another(void **state) {
  (void)state;
  polyshm_list *list = make_numbers();
  polyshm_list *other = open_again(list, POLYSHM_READ_ONLY);
  stage *it = make_stage(list);
  uint32_t mine = join(list);
  atomic_store(&it->token, mine);
  pid_t child = start_child(use_inherited, it);
  await(atomic_load(&it->step) == 1);
  uint32_t its = atomic_load(&it->token);
  assert_slot(list, 0, int_value(5));
  assert_int_equal(pshm_list_token(list), mine);
  assert_true(is_alive(list, its));
  assert_true(is_alive(other, mine));
  kill_child(child);
  assert_false(is_alive(list, its));
  assert_true(is_alive(other, mine));
  set_int(list, 0, 6);
  end_stage(it);
  polyshm_list_free(other);
  end_list(list);
}

static void wait_for_death_of_parent(stage *it) {
  uint32_t parent = atomic_load(&it->token);
  atomic_store(&it->step, 1);
  while (pshm_list_is_alive(it->list, parent))
    os_clock_sleep(MILLISECOND);
  atomic_store(&it->step, 2);
  polyshm_value value = int_value(7);
  child_check(polyshm_list_set(it->list, 0, &value) == POLYSHM_OK);
  child_check(!pshm_list_is_alive(it->list, parent));
  pause_at(it, 3);
}

/* The child keeps the handle that it inherited, unused or used. */
static void fork_and_die(stage *it) {
  atomic_store(&it->token, pshm_list_token(it->list));
  pid_t child = fork();
  child_check(child >= 0);
  if (child == 0)
    wait_for_death_of_parent(it);
  atomic_store(&it->status, child);
  while (atomic_load(&it->step) == 0)
    os_clock_sleep(MILLISECOND);
  pause();
}

static void join_fork_and_die(stage *it) {
  child_check(pshm_list_join(it->list) == POLYSHM_OK);
  fork_and_die(it);
}

static void member_dies_before_its_children(void **state) {
  (void)state;
  polyshm_list *list = make_numbers();
  prctl(PR_SET_CHILD_SUBREAPER, 1); /* to wait for a child's child */
  for (int was_joined = 0; was_joined <= 1; was_joined++) {
    stage *it = make_stage(list);
    if (was_joined)
      join(list);
    pid_t child = start_child(join_fork_and_die, it);
    await(atomic_load(&it->step) == 1);
    uint32_t token = atomic_load(&it->token);
    assert_true(is_alive(list, token));
    await(atomic_load(&it->status) != 0);
    kill_child(child);
    assert_false(is_alive(list, token));
    await(atomic_load(&it->step) == 3);
    assert_slot(list, 0, int_value(7));
    kill_child((pid_t)atomic_load(&it->status));
    end_stage(it);
  }
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  end_list(list);
}

static void leave_inherited(stage *it) {
  polyshm_list_free(it->list);
}

static void member_stays_when_a_child_frees_its_copy(void **state) {
  (void)state;
  polyshm_list *list = make_numbers(), *other = open_again(list, 0);
  stage *it = make_stage(list);
  uint32_t token = join(list);
  end_child(start_child(leave_inherited, it));
  assert_true(is_alive(other, token));
  set_int(list, 0, 3);
  assert_true(is_alive(other, token));
  end_stage(it);
  polyshm_list_free(other);
  end_list(list);
}

static void join_several(stage *it) {
  polyshm_list **lists = (polyshm_list **)(void *)it->list;
  for (int i = 0; i < 3; i++) {
    polyshm_value value = int_value(i);
    child_check(pshm_list_token(lists[i]) == 0);
    child_check(polyshm_list_set(lists[i], 0, &value) == POLYSHM_OK);
  }
  /* In any order. */
  polyshm_list_free(lists[1]);
  polyshm_list_free(lists[0]);
  polyshm_list_free(lists[2]);
}

static void member_of_each_handle_is_another_in_a_child(void **state) {
  (void)state;
  polyshm_list *lists[3];
  for (int i = 0; i < 3; i++) {
    lists[i] = i == 2 ? open_again(lists[1], 0) : make_numbers();
    join(lists[i]);
  }
  stage *it = make_stage((polyshm_list *)(void *)lists);
  end_child(start_child(join_several, it));
  for (int i = 0; i < 3; i++)
    set_int(lists[i], 0, i);
  end_stage(it);
  polyshm_list_free(lists[2]);
  end_list(lists[1]);
  end_list(lists[0]);
}

static void fail_to_separate(stage *it) {
  polyshm_value value = int_value(9), found;
  faults_reset();
  child_check(polyshm_list_get(it->list, 0, NULL, 0, &found) == POLYSHM_OK);
  child_check(polyshm_list_set(it->list, 0, &value) == POLYSHM_E_OS);
  child_check(strstr(polyshm_error_message(), name_of(it->list)) != NULL);
  atomic_store(&it->step, 1);
  while (atomic_load(&it->step) != 2)
    os_clock_sleep(MILLISECOND);
}

/* A child that cannot open the file again cannot write, but does not keep its
 * parent's claim alive either. */
static void member_of_a_child_that_cannot_open(void **state) {
  (void)state;
  polyshm_list *list = make_numbers(), *other = open_again(list, 0);
  uint32_t token = join(list);
  stage *it = make_stage(list);
  faults_reset();
  faults_fail(FAULT_OPEN, 1, FOR_EVER, EMFILE);
  pid_t child = start_child(fail_to_separate, it);
  faults_reset();
  await(atomic_load(&it->step) == 1);
  end_list(list);
  assert_false(is_alive(other, token));
  assert_slot(other, 0, int_value(0));
  atomic_store(&it->step, 2);
  end_child(child);
  end_stage(it);
  polyshm_list_free(other);
}

/* ------------------------------------------- descriptors closed by strangers
 */

static int open_other_file(void) {
  return open("/proc/self/status", O_RDONLY | O_CLOEXEC);
}

static void member_without_its_descriptor_cannot_write(void **state) {
  (void)state;
  polyshm_list *list = make_numbers();
  const polyshm_value value = int_value(5);
  close(descriptor_of(list));
  assert_fails(polyshm_list_set(list, 0, &value), POLYSHM_E_OS);
  assert_message("cannot open the list");
  assert_slot(list, 0, int_value(0));
  end_list(list);
}

/* A claim in another file would be nobody's to see. */
static void member_does_not_claim_in_another_file(void **state) {
  (void)state;
  polyshm_list *list = make_numbers(), *other = open_again(list, 0);
  const polyshm_value value = int_value(5);
  const char *name = fresh_name();
  make_file(name, "another", 7);
  int descriptor = descriptor_of(list);
  close(descriptor);
  assert_int_equal(open(path_of(name), O_RDWR | O_CLOEXEC), descriptor);
  polyshm_status status = polyshm_list_set(list, 0, &value);
  uint32_t token = pshm_list_token(list);
  assert_int_equal(status, POLYSHM_E_OS);
  assert_int_equal(token, 0);
  assert_slot(other, 0, int_value(0));
  assert_ok(polyshm_unlink(name));
  polyshm_list_free(other);
  end_list(list);
  close(descriptor);
}

/* Whoever has that number now keeps it. */
static void member_does_not_close_another_file(void **state) {
  (void)state;
  polyshm_list *list = make_numbers();
  int descriptor = descriptor_of(list);
  close(descriptor);
  assert_int_equal(open_other_file(), descriptor);
  end_list(list);
  char byte;
  assert_int_equal(read(descriptor, &byte, 1), 1);
  close(descriptor);
}

/* ------------------------------------------------------------------ faults */

static void fail_to_join(stage *it) {
  (void)it;
  polyshm_list *list = make_numbers();
  const polyshm_value value = int_value(5);
  static const struct {
    fault_call call;
    unsigned count;
    polyshm_status status;
  } faults[] = {
      {FAULT_OPEN, 2, POLYSHM_E_OS},
      {FAULT_FSTAT, 1, POLYSHM_E_OS},
      {FAULT_DUP, 1, POLYSHM_E_OS},
      {FAULT_CLAIM, 1000, POLYSHM_E_OS},
  };
  for (size_t i = 0; i < LENGTH(faults); i++) {
    holdings held = count_holdings();
    uint32_t recovered = 7;
    int64_t after = 7;
    uint64_t tokens = pshm_word_load(list->trailer.tokens);
    void *image = take_image(list);
    faults_reset();
    long heap = faults_heap();
    faults_fail(faults[i].call, 1, faults[i].count, ENOMEM);
    child_check(polyshm_list_set(list, 0, &value) == faults[i].status);
    child_check(faults_hit(faults[i].call));
    child_check(polyshm_error_message()[0] != 0);
    faults_fail(faults[i].call, 1, FOR_EVER, ENOMEM);
    child_check(polyshm_list_add(list, 0, 1, &after) == faults[i].status);
    child_check(polyshm_list_swap(list, 0, 0, 1, &after) == faults[i].status);
    child_check(polyshm_list_lock(list, 0, &recovered) == faults[i].status);
    child_check(after == 7 && recovered == 7);
    faults_reset();
    child_check(faults_heap() == heap);
    child_check(pshm_list_token(list) == 0);
    child_check(count_holdings().descriptors == held.descriptors);
    pshm_word_store(list->trailer.tokens, tokens);
    void *now = take_image(list);
    child_check(
        memcmp(
            now, image, (size_t)polyshm_block_size(polyshm_list_block(list))) ==
        0);
    free(now);
    free(image);
  }
  child_check(polyshm_list_set(list, 0, &value) == POLYSHM_OK);
  child_check(pshm_list_token(list) != 0);
  child_check(polyshm_unlink(name_of(list)) == POLYSHM_OK);
  polyshm_list_free(list);
}

/* In a process in which nobody has joined before. */
static void member_faults_change_nothing(void **state) {
  (void)state;
  end_child(start_child(fail_to_join, NULL));
}

/* Waiting does without a place in the table then, and sees changes anyway. */
static void member_faults_do_not_keep_from_waiting(void **state) {
  (void)state;
  polyshm_list *list = make_numbers(), *other = open_again(list, 0);
  uint64_t version = 7;
  faults_reset();
  faults_fail(FAULT_CLAIM, 1, FOR_EVER, ENOLCK);
  assert_fails(
      polyshm_list_slot_wait(list, 0, 0, 15 * MILLISECOND, &version),
      POLYSHM_E_TIMEOUT);
  assert_true(faults_hit(FAULT_CLAIM));
  assert_int_equal(pshm_word_load(list->trailer.waiting), 0);
  faults_reset();
  set_int(other, 0, 1);
  assert_ok(polyshm_list_slot_wait(list, 0, 0, POLYSHM_FOREVER, &version));
  assert_int_equal(version, 1);
  polyshm_list_free(other);
  end_list(list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(member_faults_change_nothing),
      cmocka_unit_test(member_joins_when_it_first_writes),
      cmocka_unit_test(member_lives_as_long_as_its_handle),
      cmocka_unit_test(member_lives_as_long_as_its_pins),
      cmocka_unit_test(member_of_many_handles),
      cmocka_unit_test(member_of_a_list_without_a_name),
      cmocka_unit_test(member_draws_from_any_counter),
      cmocka_unit_test(member_gives_up_among_too_many),
      cmocka_unit_test(member_dies_with_its_process),
      cmocka_unit_test(member_dies_with_its_program),
      cmocka_unit_test(member_of_a_child_is_another),
      cmocka_unit_test(member_dies_before_its_children),
      cmocka_unit_test(member_stays_when_a_child_frees_its_copy),
      cmocka_unit_test(member_of_each_handle_is_another_in_a_child),
      cmocka_unit_test(member_of_a_child_that_cannot_open),
      cmocka_unit_test(member_without_its_descriptor_cannot_write),
      cmocka_unit_test(member_does_not_claim_in_another_file),
      cmocka_unit_test(member_does_not_close_another_file),
      cmocka_unit_test(member_faults_do_not_keep_from_waiting),
  };
  return run_group(tests);
}
