/* SPDX-License-Identifier: MIT */
/* Blocks seen from outside: inspecting, walking, holders, sweeping. */
#include "shm/list.h"

#include "faults.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  HELD = POLYSHM_STATE_HELD,
  TRACKED = POLYSHM_STATE_TRACKED,
  ORPHAN = POLYSHM_STATE_ORPHAN,
  TREE = POLYSHM_STATE_TREE
};

static polyshm_info look(const char *name) {
  polyshm_info info;
  memset(&info, 0xee, sizeof info);
  info.struct_size = sizeof info;
  assert_ok(polyshm_inspect(name, &info));
  assert_int_equal(info.struct_size, sizeof info);
  return info;
}

static polyshm_block *make(const char *name, uint64_t size, uint32_t flags) {
  polyshm_block *block;
  assert_ok(
      polyshm_block_open(name, size, POLYSHM_CREATE | flags, NULL, &block));
  return block;
}

static void refuse(
    const char *name, polyshm_status status, int os, const char *part) {
  polyshm_info info, before;
  memset(&info, 0xee, sizeof info);
  info.struct_size = sizeof info;
  before = info;
  assert_failure(polyshm_inspect(name, &info), status, os, part);
  assert_memory_equal(&info, &before, sizeof info);
}

/* A marked file that no tree holds. */
static void make_orphan(const char *name) {
  make_file(name, "orphan", 6);
  assert_int_equal(chmod(path_of(name), 01600), 0);
}

/* --------------------------------------------------------------- inspecting */

static void inspect_tells_what_it_is(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block_options options = {.struct_size = sizeof options, .mode = 0640};
  polyshm_block *block;
  mode_t mask = umask(0);
  int64_t before = (int64_t)time(NULL) - 2;
  assert_ok(polyshm_block_open(name, 5000, POLYSHM_CREATE, &options, &block));
  umask(mask);
  char slashed[80];
  snprintf(slashed, sizeof slashed, "//%s", name);
  polyshm_info info = look(slashed);
  assert_string_equal(info.name, name);
  assert_int_equal(info.size, 5000);
  assert_int_equal(info.length, 0);
  assert_int_equal(info.kind, POLYSHM_KIND_BLOCK);
  assert_int_equal(info.mode, 0640);
  assert_int_equal(info.uid, geteuid());
  if (info.created_at != 0)
    assert_in_range(
        info.created_at / 1000000000, before, (int64_t)time(NULL) + 2);
  polyshm_block_free(block);
  assert_ok(polyshm_unlink(name));
}

static void inspect_tells_who_keeps_it(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *block = make(name, 10, 0);
  assert_int_equal(look(name).state, HELD | TRACKED | TREE);
  polyshm_block_free(block);
  assert_int_equal(look(name).state, TRACKED | TREE);
  assert_ok(polyshm_unlink(name));

  block = make(name, 10, POLYSHM_UNTRACKED);
  assert_int_equal(look(name).state, HELD);
  polyshm_block_free(block);
  assert_int_equal(look(name).state, 0);
  assert_ok(polyshm_unlink(name));

  make_orphan(name);
  for (int i = 0; i < 3; i++) /* it is looked at, not removed */
    assert_int_equal(look(name).state, TRACKED | ORPHAN);
  int descriptor = open(path_of(name), O_RDONLY | O_CLOEXEC);
  assert_int_equal(look(name).state, TRACKED | HELD);
  void *mapping = mmap(NULL, 6, PROT_READ, MAP_SHARED, descriptor, 0);
  close(descriptor);
  assert_int_equal(look(name).state, TRACKED | HELD);
  munmap(mapping, 6);
  assert_int_equal(look(name).state, TRACKED | ORPHAN);
  assert_ok(polyshm_unlink(name));
}

/* One int, as CPython lays it out: the length, two offsets, the number, its
 * format, its code. */
static const unsigned char stock_list[41] = {
    [0] = 1, [16] = 8, [24] = 7, [32] = 'q'};

static void inspect_knows_lists(void **state) {
  (void)state;
  const char *name = fresh_name();
  const polyshm_value values[] = {
      int_value(1), string_value("two"), none_value()};
  for (uint64_t n = 0; n <= LENGTH(values); n++) {
    polyshm_list *list;
    assert_ok(polyshm_list_create(name, values, n, 0, NULL, &list));
    polyshm_info info = look(name);
    assert_int_equal(info.kind, POLYSHM_KIND_LIST);
    assert_int_equal(info.length, n);
    assert_int_equal(info.state, HELD | TRACKED | TREE);
    assert_int_equal(info.size, polyshm_block_size(polyshm_list_block(list)));
    polyshm_list_free(list);
    assert_int_equal(look(name).state, TRACKED | TREE);
    assert_ok(polyshm_unlink(name));
  }
  make_file(name, stock_list, sizeof stock_list);
  assert_int_equal(look(name).kind, POLYSHM_KIND_LIST);
  assert_int_equal(look(name).length, 1);
  assert_int_equal(look(name).state, 0);
  assert_ok(polyshm_unlink(name));
}

static void inspect_takes_all_else_for_blocks(void **state) {
  (void)state;
  static const char zeros[4096], text[] = "just some text, and no list at all";
  unsigned char damaged[sizeof stock_list];
  memcpy(damaged, stock_list, sizeof damaged);
  damaged[7] = 0x7f; /* so long a list does not fit */
  const struct {
    const void *bytes;
    size_t size;
  } cases[] = {
      {"", 0},
      {zeros, 1},
      {zeros, 4096},
      {text, sizeof text},
      {damaged, sizeof damaged}};
  const char *name = fresh_name();
  for (size_t i = 0; i < LENGTH(cases); i++) {
    make_file(name, cases[i].bytes, cases[i].size);
    polyshm_info info = look(name);
    assert_int_equal(info.kind, POLYSHM_KIND_BLOCK);
    assert_int_equal(info.length, 0);
    assert_int_equal(info.size, cases[i].size);
    assert_ok(polyshm_unlink(name));
  }
}

/* What polyshm_list_open() refuses is no list, whatever it begins with. */
static void inspect_looks_at_trailers(void **state) {
  (void)state;
  const polyshm_value values[] = {int_value(1), string_value("two")};
  const char *name = fresh_name();
  polyshm_list *list, *other;
  assert_ok(polyshm_list_create(name, values, LENGTH(values), 0, NULL, &list));
  pshm_trailer_header *header =
      (void *)((char *)list->trailer.lock - PSHM_TRAILER_LOCK);
  const pshm_trailer_header whole = *header;
  header->nrecords = 0;
  assert_fails(polyshm_list_open(name, 0, &other), POLYSHM_E_CORRUPT);
  assert_int_equal(look(name).kind, POLYSHM_KIND_BLOCK);
  assert_int_equal(look(name).length, 0);
  *header = whole;
  header->major++;
  assert_fails(polyshm_list_open(name, 0, &other), POLYSHM_E_VERSION);
  assert_int_equal(look(name).kind, POLYSHM_KIND_BLOCK);
  *header = whole;
  assert_int_equal(look(name).kind, POLYSHM_KIND_LIST);
  assert_ok(polyshm_unlink(name));
  polyshm_list_free(list);
}

static void inspect_may_not_be_let_in(void *argument) {
  const char *name = argument;
  child_check(setuid(65534) == 0);
  polyshm_info info = {.struct_size = sizeof info};
  child_check(polyshm_inspect(name, &info) == POLYSHM_OK);
  child_check(info.kind == POLYSHM_KIND_BLOCK);
  child_check(info.uid == 0 && info.mode == 0600 && info.size == 41);
  child_check(info.state == POLYSHM_STATE_UNKNOWN);
  uint64_t pids[4], count = 9;
  child_check(polyshm_holders(name, pids, 4, &count) == POLYSHM_OK);
  child_check(count <= 1); /* its own, inherited descriptor */
}

static void inspect_says_what_it_may_not_know(void **state) {
  (void)state;
  if (geteuid() != 0)
    skip();
  const char *name = fresh_name();
  make_file(name, stock_list, sizeof stock_list);
  int descriptor = open(path_of(name), O_RDWR | O_CLOEXEC);
  assert_int_equal(
      in_child(inspect_may_not_be_let_in, (void *)(uintptr_t)name), 0);
  close(descriptor);
  assert_ok(polyshm_unlink(name));
}

static void inspect_refuses_what_is_no_block(void **state) {
  (void)state;
  const char *name = fresh_name(), *target = fresh_name();
  refuse(name, POLYSHM_E_NOT_FOUND, ENOENT, name);
  refuse(".", POLYSHM_E_INVALID, EINVAL, "is not a block");
  refuse("", POLYSHM_E_INVALID, EINVAL, "empty");
  refuse("a/b", POLYSHM_E_INVALID, EINVAL, "slash");
  refuse("\xff", POLYSHM_E_INVALID, EINVAL, "UTF-8");
  refuse(NULL, POLYSHM_E_INVALID, 0, "name");

  make_file(target, "x", 1);
  assert_int_equal(symlink(path_of(target), path_of(name)), 0);
  refuse(name, POLYSHM_E_INVALID, EINVAL, "is not a block");
  unlink(path_of(name));
  unlink(path_of(target));
  assert_int_equal(mkfifo(path_of(name), 0600), 0);
  refuse(name, POLYSHM_E_INVALID, EINVAL, "is not a block");
  unlink(path_of(name));
}

static void inspect_takes_structs_of_any_age(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *block = make(name, 77, 0);
  polyshm_info whole = look(name);
  static const size_t sizes[] = {
      8, 16, 264, 272, sizeof whole - 4, sizeof whole, sizeof whole + 40, 4096};
  for (size_t i = 0; i < LENGTH(sizes); i++) {
    /* Exactly so large, for the sanitizer to see what is beyond. */
    unsigned char *theirs = test_malloc(sizes[i]);
    memset(theirs, 0xee, sizes[i]);
    memcpy(theirs, &(uint64_t){sizes[i]}, 8);
    assert_ok(polyshm_inspect(name, (polyshm_info *)(void *)theirs));
    assert_memory_equal(theirs, &(uint64_t){sizes[i]}, 8);
    for (size_t j = 8; j < sizes[i]; j++)
      assert_int_equal(
          theirs[j], j < sizeof whole ? ((const unsigned char *)&whole)[j] : 0);
    test_free(theirs);
  }
  static const uint64_t wrong[] = {0, 7, 4097, UINT64_MAX};
  for (size_t i = 0; i < LENGTH(wrong); i++) {
    polyshm_info info = {.struct_size = wrong[i]};
    assert_failure(
        polyshm_inspect(name, &info), POLYSHM_E_INVALID, 0, "struct_size");
  }
  assert_fails(polyshm_inspect(name, NULL), POLYSHM_E_INVALID);
  polyshm_block_free(block);
  assert_ok(polyshm_unlink(name));
}

/* Moments, for other testers to be done, but no waiting for those who keep a
 * lock, or a lease, or never size their block. */
enum { MOMENTS = 50 };

static void inspect_waits_for_nobody(void **state) {
  (void)state;
  const char *name = fresh_name();
  make_file(name, "", 0);
  faults_reset();
  look(name); /* stock Python may size it any moment, or never */
  assert_int_equal(faults_count(FAULT_SLEEP), 0);
  unlink(path_of(name));

  make_file(name, "x", 1);
  int descriptor = open(path_of(name), O_RDWR | O_CLOEXEC);
  assert_int_equal(flock(descriptor, LOCK_EX), 0);
  faults_reset();
  uint32_t state_of_locked = look(name).state;
  unsigned moments = faults_count(FAULT_SLEEP);
  close(descriptor);

  descriptor = open(path_of(name), O_RDWR | O_CLOEXEC);
  assert_int_equal(fcntl(descriptor, F_SETSIG, SIGURG), 0);
  assert_int_equal(fcntl(descriptor, F_SETLEASE, F_WRLCK), 0);
  faults_reset();
  uint32_t state_of_leased = look(name).state;
  unsigned more_moments = faults_count(FAULT_SLEEP);
  close(descriptor);
  assert_ok(polyshm_unlink(name));

  assert_int_equal(state_of_locked, HELD);
  assert_true(state_of_leased & (HELD | POLYSHM_STATE_UNKNOWN));
  assert_in_range(moments, 0, MOMENTS);
  assert_in_range(more_moments, 0, MOMENTS);
}

/* A last holder may leave just while we look: then it is ours to remove, even
 * if it was gone before we asked and we tell of an orphan. */
typedef struct leaver {
  peer holder;
  const char *name;
  bool told;
} leaver;

static void tell_to_close(void *argument) {
  leaver *it = argument;
  peer_tell(&it->holder, "close %s", it->name);
  it->told = true;
}

static void inspect_leaves_nothing_to_nobody(void **state) {
  (void)state;
  leaver it = {.name = fresh_name()};
  peer_start(&it.holder);
  for (unsigned round = 0; round < 400; round++) {
    make_orphan(it.name);
    assert_string_equal(peer_ask(&it.holder, "map %s", it.name), "ok");
    it.told = false;
    faults_reset();
    faults_before(FAULT_FCNTL, 1 + round % 8, tell_to_close, &it);
    polyshm_info info = {.struct_size = sizeof info};
    polyshm_status status = polyshm_inspect(it.name, &info);
    faults_reset();
    if (!it.told)
      tell_to_close(&it);
    assert_string_equal(peer_hear(&it.holder), "ok");
    if (status == POLYSHM_OK)
      assert_int_equal(info.state & TRACKED, TRACKED);
    else
      assert_int_equal(status, POLYSHM_E_NOT_FOUND);
    assert_false(is_there(it.name));
  }
  peer_stop(&it.holder);
}

/* ------------------------------------------------------------------ walking */

/* The walk's next entry among this test's names. */
static bool next(polyshm_scan *scan, const char *own, polyshm_info *out_info) {
  char last[256] = "";
  for (;;) {
    memset(out_info, 0xee, sizeof *out_info);
    out_info->struct_size = sizeof *out_info;
    polyshm_status status = polyshm_scan_next(scan, out_info);
    if (status != POLYSHM_OK) {
      assert_fails(status, POLYSHM_E_END);
      assert_message("no more");
      return false;
    }
    assert_true(strcmp(last, out_info->name) < 0);
    memcpy(last, out_info->name, sizeof last);
    if (strncmp(out_info->name, own, strlen(own)) == 0)
      return true;
  }
}

static polyshm_scan *begin(void) {
  polyshm_scan *scan = NULL;
  assert_ok(polyshm_scan_open(&scan));
  return scan;
}

static void scan_walks_in_order(void **state) {
  (void)state;
  const char *own = fresh_name();
  static const char *const endings[] = {"\x01", " ", "%s",   "-", ":",
                                        "A",    "a", "a\nb", "é", "日本"};
  char names[LENGTH(endings)][100], other[100];
  for (size_t i = LENGTH(endings); i-- > 0;) {
    snprintf(names[i], sizeof names[i], "%s%s", own, endings[i]);
    make_file(names[i], "0123456789", i);
  }
  /* These are none. */
  snprintf(other, sizeof other, "%s-folder", own);
  assert_int_equal(mkdir(path_of(other), 0700), 0);
  snprintf(other, sizeof other, "%s-\xff\xfe", own);
  make_file(other, "x", 1);
  polyshm_scan *scan = begin();
  polyshm_info info;
  for (size_t i = 0; i < LENGTH(endings); i++) {
    assert_true(next(scan, own, &info));
    assert_string_equal(info.name, names[i]);
    assert_int_equal(info.size, i);
  }
  assert_false(next(scan, own, &info));
  assert_false(next(scan, own, &info)); /* the end is the end */
  polyshm_scan_free(scan);
  unlink(path_of(other));
  snprintf(other, sizeof other, "%s-folder", own);
  rmdir(path_of(other));
  for (size_t i = 0; i < LENGTH(endings); i++)
    unlink(path_of(names[i]));
}

static void scan_tells_of_the_moment_it_began(void **state) {
  (void)state;
  const char *own = fresh_name();
  char names[4][100];
  for (size_t i = 0; i < 4; i++) {
    snprintf(names[i], sizeof names[i], "%s-%zu", own, i);
    if (i != 3)
      make_file(names[i], "x", 1);
  }
  polyshm_scan *scan = begin();
  unlink(path_of(names[1]));   /* left out */
  make_file(names[3], "x", 1); /* too late */
  polyshm_info info;
  assert_true(next(scan, own, &info));
  assert_string_equal(info.name, names[0]);
  assert_true(next(scan, own, &info));
  assert_string_equal(info.name, names[2]);
  assert_false(next(scan, own, &info));
  polyshm_scan_free(scan);
  unlink(path_of(names[0]));
  unlink(path_of(names[2]));
  unlink(path_of(names[3]));
}

static _Noreturn void come_and_go(const char *own) {
  char name[100];
  for (unsigned i = 0;; i++) {
    polyshm_block *block;
    snprintf(name, sizeof name, "%s-%u", own, i % 50);
    if (polyshm_block_open(name, 10, POLYSHM_CREATE, NULL, &block) != 0)
      _exit(1);
    polyshm_block_free(block);
    snprintf(name, sizeof name, "%s-%u", own, (i + 25) % 50);
    polyshm_unlink(name);
  }
}

static void scan_walks_while_names_come_and_go(void **state) {
  (void)state;
  const char *own = fresh_name();
  pid_t child = fork();
  if (child == 0)
    come_and_go(own);
  size_t seen = 0;
  for (int round = 0; round < 100 || seen == 0; round++) {
    polyshm_scan *scan = begin();
    polyshm_info info;
    while (next(scan, own, &info)) {
      assert_int_equal(info.size, 10);
      assert_int_equal(info.kind, POLYSHM_KIND_BLOCK);
      assert_true(info.state & TRACKED);
      seen++;
    }
    polyshm_scan_free(scan);
  }
  int status;
  kill(child, SIGKILL);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  for (int i = 0; i < 50; i++) {
    char name[100];
    snprintf(name, sizeof name, "%s-%d", own, i);
    unlink(path_of(name));
  }
}

typedef struct walk {
  polyshm_scan *scan;
  const char *own;
  size_t seen;
  bool failed;
} walk;

static void *walk_along(void *argument) {
  walk *it = argument;
  polyshm_info info = {.struct_size = sizeof info};
  polyshm_status status;
  while ((status = polyshm_scan_next(it->scan, &info)) == POLYSHM_OK)
    it->seen += strncmp(info.name, it->own, strlen(it->own)) == 0;
  it->failed = status != POLYSHM_E_END;
  return NULL;
}

static void scan_is_shared_by_threads(void **state) {
  (void)state;
  const char *own = fresh_name();
  enum { NAMES = 300, THREADS = 3 };
  char name[100];
  for (int i = 0; i < NAMES; i++) {
    snprintf(name, sizeof name, "%s-%d", own, i);
    make_file(name, "x", 1);
  }
  polyshm_scan *scan = begin();
  walk walks[THREADS];
  pthread_t threads[THREADS];
  size_t seen = 0;
  for (int i = 0; i < THREADS; i++) {
    walks[i] = (walk){.scan = scan, .own = own};
    pthread_create(&threads[i], NULL, walk_along, &walks[i]);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    assert_false(walks[i].failed);
    seen += walks[i].seen;
  }
  assert_int_equal(seen, NAMES);
  polyshm_scan_free(scan);
  for (int i = 0; i < NAMES; i++) {
    snprintf(name, sizeof name, "%s-%d", own, i);
    unlink(path_of(name));
  }
}

static void scan_refuses_null(void **state) {
  (void)state;
  polyshm_info info = {.struct_size = sizeof info};
  assert_fails(polyshm_scan_open(NULL), POLYSHM_E_INVALID);
  assert_fails(polyshm_scan_next(NULL, &info), POLYSHM_E_INVALID);
  polyshm_scan *scan = begin();
  assert_fails(polyshm_scan_next(scan, NULL), POLYSHM_E_INVALID);
  info.struct_size = 3;
  assert_fails(polyshm_scan_next(scan, &info), POLYSHM_E_INVALID);
  polyshm_scan_free(scan);
  polyshm_scan_free(NULL);
}

static void scan_may_lack_memory(void **state) {
  (void)state;
  const char *name = fresh_name();
  make_file(name, "x", 1);
  bool hit = true;
  for (unsigned nth = 1; hit && nth < 4; nth++) {
    long heap = faults_heap();
    faults_reset();
    faults_fail(FAULT_MALLOC, nth, 1, ENOMEM);
    polyshm_scan *scan = NULL;
    polyshm_status status = polyshm_scan_open(&scan);
    hit = faults_hit(FAULT_MALLOC);
    faults_reset();
    if (hit) {
      assert_fails(status, POLYSHM_E_MEMORY);
      assert_null(scan);
    }
    polyshm_scan_free(scan);
    if (hit)
      assert_true(faults_heap() <= heap);
  }
  unlink(path_of(name));
}

/* ------------------------------------------------------------------ holders */

static bool has(const uint64_t *pids, uint64_t count, pid_t process) {
  for (uint64_t i = 0; i < count; i++)
    if (pids[i] == (uint64_t)process)
      return true;
  return false;
}

static void holders_are_those_who_have_it(void **state) {
  (void)state;
  const char *name = fresh_name();
  uint64_t pids[8], count;
  peer one, other;
  polyshm_block *block = make(name, 100, 0);
  peer_start(&one);
  peer_start(&other);
  assert_ok(polyshm_holders(name, pids, 8, &count));
  assert_int_equal(count, 1);
  assert_int_equal(pids[0], getpid());
  assert_string_equal(peer_ask(&one, "map %s", name), "ok");
  assert_string_equal(peer_ask(&other, "map %s", name), "ok");
  assert_ok(polyshm_holders(name, pids, 8, &count));
  assert_int_equal(count, 3);
  assert_true(has(pids, 3, getpid()));
  assert_true(has(pids, 3, one.process) && has(pids, 3, other.process));

  /* Room for some of them, or for none. */
  memset(pids, 0, sizeof pids);
  assert_ok(polyshm_holders(name, pids, 2, &count));
  assert_int_equal(count, 3);
  assert_true(pids[1] != 0 && pids[2] == 0);
  assert_ok(polyshm_holders(name, NULL, 0, &count));
  assert_int_equal(count, 3);

  polyshm_block_free(block);
  peer_kill(&one);
  peer_stop(&other);
  assert_ok(polyshm_holders(name, pids, 8, &count));
  assert_int_equal(count, 0);

  /* By a descriptor alone. */
  int descriptor = open(path_of(name), O_RDONLY | O_CLOEXEC);
  assert_ok(polyshm_holders(name, pids, 8, &count));
  assert_int_equal(count, 1);
  assert_int_equal(pids[0], getpid());
  close(descriptor);
  assert_ok(polyshm_unlink(name));
}

static void holders_refuse_nonsense(void **state) {
  (void)state;
  const char *name = fresh_name();
  uint64_t pids[1], count = 77;
  assert_failure(
      polyshm_holders(name, pids, 1, &count), POLYSHM_E_NOT_FOUND, ENOENT,
      name);
  assert_fails(polyshm_holders(name, NULL, 1, &count), POLYSHM_E_INVALID);
  assert_fails(polyshm_holders(name, pids, 1, NULL), POLYSHM_E_INVALID);
  assert_fails(polyshm_holders("a/b", pids, 1, &count), POLYSHM_E_INVALID);
  assert_fails(polyshm_holders(NULL, pids, 1, &count), POLYSHM_E_INVALID);
  assert_int_equal(count, 77);
}

/* ----------------------------------------------------------------- sweeping */

static void gc_removes_orphans_alone(void **state) {
  (void)state;
  const char *orphans[] = {fresh_name(), fresh_name()};
  const char *held = fresh_name(), *plain = fresh_name();
  const char *ours = fresh_name();
  make_orphan(orphans[0]);
  make_orphan(orphans[1]);
  make_orphan(held);
  int descriptor = open(path_of(held), O_RDONLY | O_CLOEXEC);
  make_file(plain, "x", 1);
  polyshm_block_free(make(ours, 10, 0));

  uint64_t count = 0;
  assert_ok(polyshm_gc(POLYSHM_GC_DRY_RUN, &count));
  assert_true(count >= 2);
  assert_true(is_there(orphans[0]) && is_there(orphans[1]));
  count = 0;
  assert_ok(polyshm_gc(0, &count));
  assert_true(count >= 2);
  assert_false(is_there(orphans[0]) || is_there(orphans[1]));
  assert_true(is_there(held) && is_there(plain) && is_there(ours));
  close(descriptor);
  assert_ok(polyshm_gc(0, &count));
  assert_false(is_there(held));
  assert_ok(polyshm_unlink(plain));
  assert_ok(polyshm_unlink(ours));

  count = 77;
  assert_failure(polyshm_gc(2, &count), POLYSHM_E_INVALID, 0, "0x2");
  assert_failure(
      polyshm_gc(UINT32_MAX, &count), POLYSHM_E_INVALID, 0, "0xffffff");
  assert_int_equal(count, 77);
  assert_fails(polyshm_gc(0, NULL), POLYSHM_E_INVALID);
}

static void *sweep_often(void *argument) {
  for (int i = 0; i < 200; i++) {
    uint64_t count;
    if (polyshm_gc(0, &count) != POLYSHM_OK)
      return argument;
  }
  return NULL;
}

static void gc_runs_in_many_threads(void **state) {
  (void)state;
  pthread_t threads[3];
  void *failed;
  static char mark;
  for (size_t i = 0; i < LENGTH(threads); i++)
    pthread_create(&threads[i], NULL, sweep_often, &mark);
  for (size_t i = 0; i < LENGTH(threads); i++) {
    pthread_join(threads[i], &failed);
    assert_null(failed);
  }
}

/* Where the system does not tell who has a file. */
static void gc_never_guesses(void **state) {
  (void)state;
  const char *name = fresh_name();
  uint64_t count = 77;
  make_orphan(name);
  faults_reset();
  faults_fail(FAULT_FCNTL, 1, FOR_EVER, EINVAL);
  polyshm_status status = polyshm_gc(0, &count);
  faults_reset();
  assert_fails(status, POLYSHM_E_UNSUPPORTED);
  assert_message("guess");
  assert_int_equal(count, 77);
  assert_true(is_there(name));
  assert_ok(polyshm_gc(0, &count));
  assert_false(is_there(name));
}

/* ----------------------------------------------------- the tree, the helper */

static void tree_enter_tells_the_variable(void **state) {
  (void)state;
  char token[64], again[64], small[64] = "untouched";
  assert_ok(polyshm_tree_enter(token, sizeof token));
  assert_string_equal(token, getenv("POLYSHM_TREE"));
  assert_ok(polyshm_tree_enter(again, strlen(token) + 1));
  assert_string_equal(again, token);
  assert_failure(
      polyshm_tree_enter(small, strlen(token)), POLYSHM_E_SPACE, 0, "bytes");
  assert_string_equal(small, "untouched");
}

static void helper_path_is_that_of_a_program(void **state) {
  (void)state;
  char path[300];
  setenv("POLYSHM_HELPER", "/bin/sh", 1);
  assert_ok(polyshm_helper_path(path, sizeof path));
  assert_string_equal(path, "/bin/sh");
  assert_failure(polyshm_helper_path(path, 7), POLYSHM_E_SPACE, 0, "8 bytes");
  /* It starts in the root folder, so its path does not depend on ours. */
  char before[300];
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(chdir("/proc/self"), 0);
  setenv("POLYSHM_HELPER", "root/bin/sh", 1);
  assert_ok(polyshm_helper_path(path, sizeof path));
  char expected[40];
  snprintf(expected, sizeof expected, "/proc/%d/root/bin/sh", (int)getpid());
  assert_string_equal(path, expected);
  assert_int_equal(chdir("/"), 0);
  setenv("POLYSHM_HELPER", "bin/sh", 1);
  assert_ok(polyshm_helper_path(path, sizeof path));
  assert_string_equal(path, "/bin/sh");
  assert_int_equal(chdir(before), 0);
  static const char *const none[] = {"/", "/nowhere/at/all", "/etc/passwd", ""};
  for (size_t i = 0; i < LENGTH(none); i++) {
    setenv("POLYSHM_HELPER", none[i], 1);
    assert_failure(
        polyshm_helper_path(path, sizeof path), POLYSHM_E_NOT_FOUND, 0,
        "POLYSHM_HELPER");
  }
  unsetenv("POLYSHM_HELPER");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(inspect_tells_what_it_is),
      cmocka_unit_test(inspect_tells_who_keeps_it),
      cmocka_unit_test(inspect_knows_lists),
      cmocka_unit_test(inspect_takes_all_else_for_blocks),
      cmocka_unit_test(inspect_looks_at_trailers),
      cmocka_unit_test(inspect_says_what_it_may_not_know),
      cmocka_unit_test(inspect_refuses_what_is_no_block),
      cmocka_unit_test(inspect_takes_structs_of_any_age),
      cmocka_unit_test(inspect_waits_for_nobody),
      cmocka_unit_test(inspect_leaves_nothing_to_nobody),
      cmocka_unit_test(scan_walks_in_order),
      cmocka_unit_test(scan_tells_of_the_moment_it_began),
      cmocka_unit_test(scan_walks_while_names_come_and_go),
      cmocka_unit_test(scan_is_shared_by_threads),
      cmocka_unit_test(scan_refuses_null),
      cmocka_unit_test(scan_may_lack_memory),
      cmocka_unit_test(holders_are_those_who_have_it),
      cmocka_unit_test(holders_refuse_nonsense),
      cmocka_unit_test(gc_removes_orphans_alone),
      cmocka_unit_test(gc_runs_in_many_threads),
      cmocka_unit_test(gc_never_guesses),
      cmocka_unit_test(tree_enter_tells_the_variable),
      cmocka_unit_test(helper_path_is_that_of_a_program),
  };
  return run_group(tests);
}
