/* SPDX-License-Identifier: MIT */
/*
 * Everything that makes or opens something, with every call to the system
 * failing once, and with every call failing from there on. Whatever the reason
 * and the moment: the answer is a documented status with a message, no output
 * is written, and no mapping, descriptor, name or piece of memory is left.
 *
 * The blocks are tracked, and this process's tree holds them.
 */
#include "faults.h"
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LARGE = 9 << 20 }; /* is reserved in three pieces */

static const char *name;

static polyshm_status make_block(
    const char *block_name, uint64_t size, uint32_t flags, void **out) {
  polyshm_block *block;
  polyshm_status status =
      polyshm_block_open(block_name, size, flags, NULL, &block);
  if (status == POLYSHM_OK)
    *out = block;
  return status;
}

static polyshm_status make_list(
    const char *list_name, uint32_t flags, void **out) {
  const polyshm_value values[] = {string_value("howdy"), int_value(1)};
  polyshm_list *list;
  polyshm_status status =
      polyshm_list_create(list_name, values, 2, flags, NULL, &list);
  if (status == POLYSHM_OK)
    *out = list;
  return status;
}

static polyshm_status block_create(void **out) {
  return make_block(name, 100, POLYSHM_CREATE | POLYSHM_EXCLUSIVE, out);
}

static polyshm_status block_create_fresh(void **out) {
  return make_block(NULL, 100, POLYSHM_CREATE, out);
}

static polyshm_status block_create_large(void **out) {
  return make_block(name, LARGE, POLYSHM_CREATE | POLYSHM_EXCLUSIVE, out);
}

static polyshm_status block_create_sparse(void **out) {
  return make_block(name, LARGE, POLYSHM_CREATE | POLYSHM_SPARSE, out);
}

static polyshm_status block_open_or_create(void **out) {
  return make_block(name, 100, POLYSHM_CREATE, out);
}

static polyshm_status block_open(void **out) {
  return make_block(name, 0, 0, out);
}

static polyshm_status block_open_read_only(void **out) {
  return make_block(name, 0, POLYSHM_READ_ONLY, out);
}

static polyshm_status list_create(void **out) {
  return make_list(name, 0, out);
}

static polyshm_status list_create_fresh(void **out) {
  return make_list(NULL, 0, out);
}

static polyshm_status list_open_or_create(void **out) {
  return make_list(name, POLYSHM_CREATE, out);
}

static polyshm_status list_open(void **out) {
  polyshm_list *list;
  polyshm_status status = polyshm_list_open(name, 0, &list);
  if (status == POLYSHM_OK)
    *out = list;
  return status;
}

static const struct action {
  const char *title;
  polyshm_status (*run)(void **out);
  bool of_lists;
  bool is_there; /* what is opened, or in the way */
  bool may_create;
} actions[] = {
    {"block create", block_create, false, false, true},
    {"block create, taken", block_create, false, true, true},
    {"block create fresh", block_create_fresh, false, false, true},
    {"block create large", block_create_large, false, false, true},
    {"block create sparse", block_create_sparse, false, false, true},
    {"block open or create, missing", block_open_or_create, false, false, true},
    {"block open or create, there", block_open_or_create, false, true, true},
    {"block open", block_open, false, true, false},
    {"block open, missing", block_open, false, false, false},
    {"block open read-only", block_open_read_only, false, true, false},
    {"list create", list_create, true, false, true},
    {"list create, taken", list_create, true, true, true},
    {"list create fresh", list_create_fresh, true, false, true},
    {"list open or create, missing", list_open_or_create, true, false, true},
    {"list open or create, there", list_open_or_create, true, true, true},
    {"list open", list_open, true, true, false},
    {"list open, missing", list_open, true, false, false},
};

/* ------------------------------------------------------------ one attempt */

static const char *current; /* for the message */

#define check(condition)                                                       \
  do {                                                                         \
    if (!(condition))                                                          \
      fail_msg("%s: %s", current, #condition);                                 \
  } while (0)

static void drop(const struct action *action, void *handle) {
  if (action->of_lists)
    polyshm_list_free(handle);
  else
    polyshm_block_free(handle);
}

static polyshm_block *block_of(const struct action *action, void *handle) {
  return action->of_lists ? polyshm_list_block(handle) : handle;
}

/* A list or block, opened without faults. */
static void check_it_is_whole(const struct action *action) {
  void *handle;
  check((action->of_lists ? list_open : block_open)(&handle) == POLYSHM_OK);
  if (action->of_lists)
    assert_slot(handle, 0, string_value("howdy"));
  else
    check(polyshm_block_size(handle) >= 100);
  drop(action, handle);
}

static void prepare(const struct action *action) {
  void *handle;
  if (!action->is_there)
    return;
  check((action->of_lists ? list_create : block_create)(&handle) == POLYSHM_OK);
  drop(action, handle);
}

static void clean_up(const struct action *action) {
  if (action->is_there)
    check(polyshm_unlink(name) == POLYSHM_OK);
  check(!is_there(name));
}

/* Run it under the rules that are set. False if no call was made to fail: there
 * are no more of them. */
static bool attempt(const struct action *action, fault_call call) {
  static char untouched;
  void *handle = &untouched;
  holdings held = count_holdings();
  long heap = faults_heap();
  polyshm_status status = action->run(&handle);
  bool hit = faults_hit(call);
  unsigned unlinked = faults_count(FAULT_UNLINK);

  if (status == POLYSHM_OK) {
    polyshm_block *block = block_of(action, handle);
    bool created = polyshm_block_flags(block) & POLYSHM_CREATE;
    check(created == (action->may_create && !action->is_there));
    char made[64];
    snprintf(made, sizeof made, "%s", polyshm_block_name(block));
    if (action->of_lists)
      assert_slot(handle, 0, string_value("howdy"));
    drop(action, handle);
    if (created)
      check(polyshm_unlink(made) == POLYSHM_OK);
  } else {
    check(handle == &untouched);
    check(status < 0 && status >= POLYSHM_E_END);
    check(strcmp(polyshm_error_message(), "") != 0);
  }
  check(faults_names(true) == 0);
  if (!action->may_create)
    check(unlinked == 0);
  faults_reset();
  check(faults_heap() == heap);
  check(count_holdings().mappings == held.mappings);
  check(count_holdings().descriptors == held.descriptors);
  if (action->is_there)
    check_it_is_whole(action);
  else
    check(!is_there(name));
  return hit;
}

/* --------------------------------------------------------- all of them */

/* The latter would be tried again for ever. */
static const int codes[] = {ENOMEM, EACCES, EMFILE, EIO, ENOSPC, ENOENT};
static const int passing_codes[] = {EINTR, EEXIST, EOPNOTSUPP, EINVAL};

static void fail_each_call(
    const struct action *action, bool nameless, int code, unsigned count) {
  bool hit = true;
  for (unsigned nth = 1; hit; nth++) {
    char text[200];
    snprintf(
        text, sizeof text, "%s, %s, call %u%s fails with %d", action->title,
        nameless ? "nameless" : "with a temporary name", nth,
        count == 1 ? "" : " and all later ones", code);
    current = text;
    faults_reset();
    if (!nameless)
      faults_fail(FAULT_OPEN_NAMELESS, 1, FOR_EVER, EOPNOTSUPP);
    faults_fail(FAULT_ANY, nth, count, code);
    hit = attempt(action, FAULT_ANY);
    /* It is the loop that must end, not the calls. */
    check(nth < 100);
  }
}

static void faults_leave_nothing_behind(void **state) {
  (void)state;
  name = fresh_name();
  for (size_t i = 0; i < LENGTH(actions); i++) {
    current = actions[i].title;
    faults_reset();
    prepare(&actions[i]);
    for (int nameless = 0; nameless <= 1; nameless++) {
      for (size_t j = 0; j < LENGTH(codes); j++) {
        fail_each_call(&actions[i], nameless, codes[j], 1);
        fail_each_call(&actions[i], nameless, codes[j], FOR_EVER);
      }
      for (size_t j = 0; j < LENGTH(passing_codes); j++)
        fail_each_call(&actions[i], nameless, passing_codes[j], 1);
    }
    clean_up(&actions[i]);
  }
}

/* The loop above is worth something only if it meets the calls it is about. */
static void faults_reach_every_kind_of_call(void **state) {
  (void)state;
  static const fault_call expected[] = {
      FAULT_MALLOC,     FAULT_OPEN_NAMELESS, FAULT_OPEN,   FAULT_FSTAT,
      FAULT_FTRUNCATE,  FAULT_FALLOCATE,     FAULT_MMAP,   FAULT_PREAD,
      FAULT_LINK_EMPTY, FAULT_LINK,          FAULT_RANDOM, FAULT_STATVFS,
      FAULT_LIMIT,      FAULT_FCNTL,         FAULT_TALK};
  unsigned seen[FAULT_CALLS] = {0};
  name = fresh_name();
  for (size_t i = 0; i < LENGTH(actions); i++)
    for (int nameless = 0; nameless <= 1; nameless++) {
      faults_reset();
      prepare(&actions[i]);
      faults_reset();
      if (!nameless)
        faults_fail(FAULT_OPEN_NAMELESS, 1, FOR_EVER, EOPNOTSUPP);
      void *handle;
      if (actions[i].run(&handle) == POLYSHM_OK)
        drop(&actions[i], handle);
      for (int call = 0; call < FAULT_CALLS; call++)
        seen[call] += faults_count((fault_call)call);
      faults_names(true);
      polyshm_unlink(name);
    }
  /* But for starting the helper, which is there already, and what a list calls
   * when it is first written to: that is for test_member.c. */
  assert_int_equal(LENGTH(expected), FAULT_CLONE);
  for (size_t i = 0; i < LENGTH(expected); i++)
    if (seen[expected[i]] == 0)
      fail_msg("no call of kind %d was seen", (int)expected[i]);
}

/* Memory is E_MEMORY, whoever asks for it. */
static void faults_of_the_heap_are_told(void **state) {
  (void)state;
  name = fresh_name();
  for (size_t i = 0; i < LENGTH(actions); i++) {
    const struct action *action = &actions[i];
    current = action->title;
    prepare(action);
    bool hit = true;
    for (unsigned nth = 1; hit; nth++) {
      void *handle = NULL;
      faults_reset();
      faults_fail(FAULT_MALLOC, nth, 1, ENOMEM);
      polyshm_status status = action->run(&handle);
      hit = faults_hit(FAULT_MALLOC);
      if (hit) {
        assert_fails(status, POLYSHM_E_MEMORY);
        assert_message("out of memory");
        assert_int_equal(polyshm_error_os(), 0);
      } else if (status == POLYSHM_OK) {
        drop(action, handle);
        faults_names(true);
      }
    }
    faults_reset();
    clean_up(action);
  }
}

/* --------------------------------------------------- killed in the middle */

static void kill_self(void *argument) {
  (void)argument;
  kill(getpid(), SIGKILL);
}

/* Before the nth call of this kind. */
struct moment {
  const struct action *action;
  bool nameless;
  fault_call call;
  unsigned nth;
  int code;
};

static void create_and_be_killed(void *argument) {
  const struct moment *moment = argument;
  void *handle;
  if (!moment->nameless)
    faults_fail(FAULT_OPEN_NAMELESS, 1, FOR_EVER, EOPNOTSUPP);
  faults_before(moment->call, moment->nth, kill_self, NULL);
  moment->action->run(&handle);
}

/* All names that came to be and are still there, but temporary ones. */
static void check_all_are_whole(const struct action *action, bool nameless) {
  static const char folder[] = "/dev/shm/", temporary[] = ".polyshm-";
  const char *own = name, *path;
  for (size_t i = 0; (path = faults_name(i)) != NULL; i++) {
    name = path + strlen(folder);
    if (is_there(name) && strncmp(name, temporary, strlen(temporary)) != 0)
      check_it_is_whole(action);
    else
      check(!is_there(name) || !nameless);
  }
  name = own;
}

/* A creator that is killed: there is nothing, or the whole block under its
 * name, which who comes next may remove. Only a temporary name may stay, where
 * there are no nameless files. */
static void kill_before_each_call(
    const struct action *action, bool nameless, fault_call call) {
  int status = SIGKILL;
  for (unsigned nth = 1; WIFSIGNALED(status); nth++) {
    struct moment moment = {action, nameless, call, nth, 0};
    faults_reset();
    status = in_child(create_and_be_killed, &moment);
    check_all_are_whole(action, nameless);
    faults_names(true);
    check(!is_there(name));
  }
  check(status == 0);
}

static void faults_that_kill_leave_nothing_half_made(void **state) {
  (void)state;
  name = fresh_name();
  for (size_t i = 0; i < LENGTH(actions); i++) {
    current = actions[i].title;
    if (!actions[i].may_create || actions[i].is_there)
      continue;
    kill_before_each_call(&actions[i], true, FAULT_ANY);
    kill_before_each_call(&actions[i], false, FAULT_ANY);
    kill_before_each_call(&actions[i], false, FAULT_UNLINK);
  }
}

/* --------------------------------------------- the first of a process tree */

enum { NO_SUCH_CALL = 3 };

/* With its descriptors, its helper and its sweep. This process has none yet. */
static void make_the_first(void *argument) {
  const struct moment *moment = argument;
  unsetenv("POLYSHM_TREE");
  unsigned nth = moment->nth;
  char untouched;
  void *handle = &untouched;
  holdings before = count_holdings();
  faults_fail(FAULT_ANY, nth, 1, moment->code);
  polyshm_status status = list_create(&handle);
  bool hit = faults_hit(FAULT_ANY);
  faults_fail(FAULT_ANY, 0, 0, 0);
  if (status == POLYSHM_OK) {
    child_check(is_there(name));
    polyshm_list_free(handle);
    child_check(is_there(name));
    child_check(polyshm_unlink(name) == POLYSHM_OK);
  } else {
    child_check(handle == &untouched);
    child_check(polyshm_error_message()[0] != 0);
  }
  child_check(!is_there(name));
  holdings after = count_holdings();
  child_check(before.mappings == after.mappings);
  child_check(before.descriptors == after.descriptors);
  /* The next one has whatever the first had not. */
  child_check(list_create(&handle) == POLYSHM_OK);
  polyshm_list_free(handle);
  child_check(is_there(name));
  child_check(polyshm_unlink(name) == POLYSHM_OK);
  child_check(hit || faults_count(FAULT_CLONE) == 2); /* in two steps */
  _exit(hit ? 0 : NO_SUCH_CALL);
}

static void faults_of_the_first_leave_nothing_behind(void **state) {
  (void)state;
  name = fresh_name();
  for (size_t i = 0; i < LENGTH(codes); i++) {
    int status = 0;
    unsigned nth = 1;
    for (; status == 0; nth++) {
      struct moment moment = {.nth = nth, .code = codes[i]};
      faults_reset();
      status = in_child(make_the_first, &moment);
      if (!WIFEXITED(status) ||
          (status != 0 && WEXITSTATUS(status) != NO_SUCH_CALL))
        fail_msg("call %u fails with %d", nth, codes[i]);
    }
    assert_in_range(nth, 20, 100);
  }
}

static void close_sockets(void) {
  for (int i = 3; i < 64; i++) {
    struct stat found;
    if (fstat(i, &found) == 0 && S_ISSOCK(found.st_mode))
      close(i);
  }
}

/* It has lost its helper, and can neither find it again nor look at itself. */
static void make_in_the_dark(void *argument) {
  (void)argument;
  unsetenv("POLYSHM_TREE");
  void *handle;
  child_check(block_create(&handle) == POLYSHM_OK);
  polyshm_block_free(handle);
  child_check(polyshm_unlink(name) == POLYSHM_OK);
  close_sockets();
  faults_reset();
  faults_fail(FAULT_OPEN, 1, FOR_EVER, ENOENT);
  faults_fail(FAULT_TALK, 1, FOR_EVER, ECONNREFUSED);
  faults_fail(FAULT_SLEEP, 1, FOR_EVER, EINTR); /* not to wait for it */
  polyshm_status status = polyshm_block_open(
      name, 1, POLYSHM_CREATE | POLYSHM_EXCLUSIVE, NULL,
      (polyshm_block **)&handle);
  unsigned begun = faults_count(FAULT_RANDOM); /* trees, for their names */
  faults_reset();
  child_check(status == POLYSHM_OK);
  child_check(begun <= 1);
  polyshm_block_free(handle);
  child_check(polyshm_unlink(name) == POLYSHM_OK);
}

static void faults_begin_no_tree_after_another(void **state) {
  (void)state;
  name = fresh_name();
  assert_int_equal(in_child(make_in_the_dark, NULL), 0);
}

/* From the second block on, what a tree holds is all the same. */
static int enter_tree(void **state) {
  (void)state;
  void *handle;
  faults_reset();
  name = fresh_name();
  if (block_create(&handle) != POLYSHM_OK)
    return -1;
  polyshm_block_free(handle);
  return polyshm_unlink(name);
}

#define test(name) cmocka_unit_test_setup(name, enter_tree)

int main(void) {
  setenv("POLYSHM_HELPER", POLYSHM_TESTS_HELPER, 1);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(faults_of_the_first_leave_nothing_behind),
      cmocka_unit_test(faults_begin_no_tree_after_another),
      test(faults_leave_nothing_behind),
      test(faults_reach_every_kind_of_call),
      test(faults_of_the_heap_are_told),
      test(faults_that_kill_leave_nothing_half_made),
  };
  return run_group(tests);
}
