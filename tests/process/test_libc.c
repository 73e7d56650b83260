/* SPDX-License-Identifier: MIT */
/*
 * Peers of 32 and 64 bits, with glibc and with musl, on one list: none of that
 * is part of the format. The arguments are the peers, "kind=path", or "kind="
 * for one that could not be built here.
 */
#include "libc_peer.h"
#include "support.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KINDS_MOST = 8, KILLS = 150, ROUNDS = 500, RING_LAST = 3000 };

static struct { const char *name, *path; } kinds[KINDS_MOST];
static size_t nkinds;

static polyshm_list *list;
static const char *list_name;

static pid_t start(size_t kind, const char *what, long a, long b, long c) {
  char numbers[3][24];
  snprintf(numbers[0], sizeof numbers[0], "%ld", a);
  snprintf(numbers[1], sizeof numbers[1], "%ld", b);
  snprintf(numbers[2], sizeof numbers[2], "%ld", c);
  fflush(NULL);
  pid_t process = fork();
  assert_true(process >= 0);
  if (process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execl(
        kinds[kind].path, "libc_peer", what, list_name, numbers[0], numbers[1],
        numbers[2], (char *)NULL);
    _exit(127);
  }
  return process;
}

static int wait_for(pid_t process) {
  int status;
  assert_int_equal(waitpid(process, &status, 0), process);
  return status;
}

static void run(size_t kind, const char *what) {
  if (wait_for(start(kind, what, 0, 0, 0)) != 0)
    fail_msg("%s: it could not '%s' the list", kinds[kind].name, what);
}

static void begin(void) {
  list_name = fresh_name();
  run(0, "make");
  assert_ok(polyshm_list_open(list_name, 0, &list));
}

static void end(void) {
  polyshm_list_free(list);
  assert_ok(polyshm_unlink(list_name));
}

static int64_t number_in(uint64_t slot) {
  char text[TEXT_SIZE + 1] = "";
  polyshm_value value;
  assert_ok(polyshm_list_get(list, slot, text, TEXT_SIZE, &value));
  if (value.type == POLYSHM_INT)
    return value.of.i;
  text[value.size] = 0;
  return strtoll(text, NULL, 10);
}

/* ------------------------------------------------------------- the same bytes
 */

static char *read_bytes(const char *name, size_t *out_size) {
  polyshm_block *block;
  assert_ok(polyshm_block_open(name, 0, POLYSHM_READ_ONLY, NULL, &block));
  *out_size = (size_t)polyshm_block_size(block);
  char *bytes = malloc(*out_size);
  assert_ok(polyshm_block_read(block, 0, bytes, *out_size));
  polyshm_block_free(block);
  return bytes;
}

static void libc_does_not_show_in_the_bytes(void **state) {
  (void)state;
  char *first = NULL;
  size_t first_size = 0;
  for (size_t i = 0; i < nkinds; i++) {
    list_name = fresh_name();
    run(i, "make");
    size_t size;
    char *bytes = read_bytes(list_name, &size);
    if (first == NULL) {
      first = bytes;
      first_size = size;
    } else {
      assert_int_equal(size, first_size);
      assert_memory_equal(bytes, first, size);
      free(bytes);
    }
    assert_ok(polyshm_unlink(list_name));
  }
  free(first);
}

static void libc_of_the_maker_does_not_matter(void **state) {
  (void)state;
  for (size_t maker = 0; maker < nkinds; maker++) {
    list_name = fresh_name();
    run(maker, "make");
    for (size_t user = 0; user < nkinds; user++)
      run(user, "use");
    assert_ok(polyshm_list_open(list_name, 0, &list));
    assert_int_equal(number_in(COUNTED), 3 * nkinds);
    assert_int_equal(number_in(SWAPPED), 3 * nkinds);
    assert_int_equal(number_in(PAIR), 4 * nkinds);
    assert_slot(list, TYPED, bytes_value("ends in zeros\0\0", 16));
    end();
  }
}

/* ---------------------------------------------------------- at the same time
 */

static void libc_peers_count_exactly(void **state) {
  (void)state;
  begin();
  pid_t processes[PEERS];
  for (size_t i = 0; i < PEERS; i++)
    processes[i] = start(i % nkinds, "count", (long)(OWN + i), ROUNDS, 0);
  int failed = 0;
  for (size_t i = 0; i < PEERS; i++)
    failed += wait_for(processes[i]) != 0;
  assert_int_equal(failed, 0);
  assert_int_equal(number_in(COUNTED), PEERS * ROUNDS);
  assert_int_equal(number_in(SWAPPED), PEERS * ROUNDS);
  assert_int_equal(number_in(PAIR), PEERS * ROUNDS);
  assert_int_equal(number_in(PAIR + 1), PEERS * ROUNDS);
  uint64_t version;
  assert_ok(polyshm_list_slot_version(list, TYPED, &version));
  assert_int_equal(version, PEERS * ROUNDS);
  end();
}

static void libc_peers_wake_each_other(void **state) {
  (void)state;
  begin();
  pid_t processes[PEERS];
  size_t count = 2 * nkinds < PEERS ? 2 * nkinds : PEERS;
  for (size_t i = 0; i < count; i++)
    processes[i] = start(i % nkinds, "ring", (long)i, (long)count, RING_LAST);
  int failed = 0;
  for (size_t i = 0; i < count; i++)
    failed += wait_for(processes[i]) != 0;
  assert_int_equal(failed, 0);
  assert_int_equal(number_in(RING), RING_LAST);
  end();
}

/* What a peer had begun to add when it was killed may be there, or not. */
static void libc_peers_may_be_killed(void **state) {
  (void)state;
  begin();
  enum { RUNNING = 6 };
  pid_t processes[RUNNING];
  for (size_t i = 0; i < RUNNING; i++)
    processes[i] = start(i % nkinds, "count", (long)(OWN + i), 0, 0);
  uint32_t random = 12345;
  int failed = 0;
  for (int i = 0; i < KILLS; i++) {
    random = random * 1664525 + 1013904223;
    usleep(random >> 19); /* 8 milliseconds at most */
    size_t victim = random % RUNNING;
    kill(processes[victim], SIGKILL);
    failed += !WIFSIGNALED(wait_for(processes[victim])); /* no error before */
    processes[victim] = start(
        (victim + (size_t)i) % nkinds, "count", (long)(OWN + victim), 0, 0);
  }
  polyshm_value stop = int_value(1);
  assert_ok(polyshm_list_set(list, STOP, &stop));
  for (size_t i = 0; i < RUNNING; i++)
    failed += wait_for(processes[i]) != 0;
  assert_int_equal(failed, 0);

  int64_t begun = 0;
  for (size_t i = 0; i < RUNNING; i++)
    begun += number_in(OWN + i);
  print_message("%ld rounds, %d kills\n", (long)begun, KILLS);
  assert_true(begun > KILLS);
  assert_in_range(begun - number_in(COUNTED), 0, KILLS);
  assert_in_range(number_in(COUNTED) - number_in(SWAPPED), 0, KILLS);
  uint32_t recovered;
  assert_ok(polyshm_list_lock(list, POLYSHM_FOREVER, &recovered));
  assert_int_equal(recovered, 0); /* the last ones ended by themselves */
  assert_int_equal(number_in(PAIR), number_in(PAIR + 1));
  assert_in_range(number_in(SWAPPED) - number_in(PAIR), 0, KILLS);
  assert_ok(polyshm_list_unlock(list));
  end();
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc && nkinds < KINDS_MOST; i++) {
    char *path = strchr(argv[i], '=');
    if (path == NULL)
      return 2;
    *path++ = 0;
    if (*path == 0)
      print_message("skipped: %s, which cannot be built here\n", argv[i]);
    else {
      kinds[nkinds].name = argv[i];
      kinds[nkinds++].path = path;
    }
  }
  if (nkinds == 0)
    return 77;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(libc_does_not_show_in_the_bytes),
      cmocka_unit_test(libc_of_the_maker_does_not_matter),
      cmocka_unit_test(libc_peers_count_exactly),
      cmocka_unit_test(libc_peers_wake_each_other),
      cmocka_unit_test(libc_peers_may_be_killed),
  };
  return run_group(tests);
}
