/* SPDX-License-Identifier: MIT */
/*
 * Trailers that somebody else has written, or is writing: every word is changed
 * in every way that promises trouble, before the list is opened and after.
 * Whatever the words say, each call on the list ends, soon, with one of the
 * statuses that its documentation names, and touches nothing outside the block.
 */
#include "states.h"

enum { CAPACITY = 24, PAGE = 4096 };

static const polyshm_value *all_values(size_t *out_count) {
  static polyshm_value values[4];
  values[0] = string_value("howdy");
  values[1] = bytes_value("a\0\0", 3);
  values[2] = int_value(100);
  values[3] = none_value();
  *out_count = LENGTH(values);
  return values;
}

/* ------------------------------------------------------------ the hostages */

/* A list that is opened anew, or used, after each change; its bytes are
 * restored before the next one. */
typedef struct hostage {
  polyshm_list *list; /* whose trailer was read when it was whole */
  polyshm_list *reader;
  unsigned char *bytes, *original;
  size_t size, begin; /* of the block; where its trailer is */
} hostage;

static hostage take(uint64_t nvalues) {
  size_t count;
  const polyshm_value *values = all_values(&count);
  hostage it = {.list = make_list(values, nvalues, CAPACITY)};
  polyshm_block *block = polyshm_list_block(it.list);
  it.reader = open_again(it.list, POLYSHM_READ_ONLY);
  it.bytes = it.list->block->map.address;
  it.size = (size_t)polyshm_block_size(block);
  it.begin = (size_t)((unsigned char *)it.list->trailer.lock - it.bytes) -
             PSHM_TRAILER_LOCK;
  join(it.list);
  assert_ok(polyshm_list_timeout(it.list, 0));
  assert_ok(polyshm_list_timeout(it.reader, 0));
  /* As one is that was used for a while. */
  set_string(it.list, 0, "longer than it was");
  it.original = malloc(it.size);
  assert_ok(polyshm_block_read(block, 0, it.original, it.size));
  return it;
}

static void let_go(hostage *it) {
  polyshm_list_free(it->reader);
  end_list(it->list);
  free(it->original);
}

static void restore(hostage *it) {
  memcpy(it->bytes, it->original, it->size);
}

/* The rest of the block's last page shows who writes behind its end. */
static void check_rest(const hostage *it) {
  for (size_t i = it->size; i % PAGE != 0; i++)
    if (it->bytes[i] != 0)
      fail_msg("byte %zu behind the block was written", i - it->size);
}

/* ------------------------------------------------------------ the questions */

#define OR(status) 1u << -(status)
enum {
  MAY_GET = 1u | OR(POLYSHM_E_CORRUPT) | OR(POLYSHM_E_TIMEOUT),
  MAY_FIND = MAY_GET | OR(POLYSHM_E_NOT_FOUND),
  MAY_SET = MAY_GET | OR(POLYSHM_E_OS),
  MAY_SPACE = MAY_SET | OR(POLYSHM_E_SPACE),
  MAY_COUNT = MAY_SPACE | OR(POLYSHM_E_TYPE),
  MAY_LOCK = 1u | OR(POLYSHM_E_TIMEOUT) | OR(POLYSHM_E_OS) | OR(POLYSHM_E_BUSY),
  MAY_UNLOCK = 1u | OR(POLYSHM_E_INVALID),
  MAY_WAIT = 1u | OR(POLYSHM_E_TIMEOUT),
  ACCESS = OR(POLYSHM_E_ACCESS),
  MAY_OPEN = 1u | OR(POLYSHM_E_CORRUPT) | OR(POLYSHM_E_VERSION),
  PLAIN = OR(POLYSHM_E_UNSUPPORTED)
};

/* Long enough for any machine, short for a loop without end. */
enum { SECONDS_AT_MOST = 20 };

static void expect(const char *call, polyshm_status status, unsigned allowed) {
  if (!(allowed >> -status & 1))
    fail_msg(
        "%s answered %s: %s", call, polyshm_status_name(status),
        polyshm_error_message());
}

static void read_slot(const polyshm_list *list, uint64_t i) {
  char *buffer = malloc(CAPACITY);
  polyshm_value value;
  polyshm_status status = polyshm_list_get(list, i, buffer, CAPACITY, &value);
  expect("get", status, MAY_GET);
  if (status == POLYSHM_OK) {
    assert_in_range(value.type, POLYSHM_NONE, POLYSHM_BYTES);
    assert_true(value.size <= CAPACITY);
  }
  expect(
      "get with a small buffer", polyshm_list_get(list, i, buffer, 2, &value),
      MAY_SPACE);
  free(buffer);
}

static void read_all(const polyshm_list *list) {
  uint64_t length = polyshm_list_length(list), index, version = 0;
  bool is_plain = pshm_list_is_plain(list);
  size_t nvalues;
  const polyshm_value *values = all_values(&nvalues);
  for (size_t i = 0; i < nvalues; i++)
    expect("find", polyshm_list_find(list, 0, &values[i], &index), MAY_FIND);
  for (uint64_t i = 0; i < length; i++) {
    read_slot(list, i);
    expect(
        "slot_version", polyshm_list_slot_version(list, i, &version),
        is_plain ? PLAIN : 1u);
    expect(
        "slot_wait", polyshm_list_slot_wait(list, i, version, 1, &version),
        is_plain ? PLAIN : MAY_WAIT);
  }
  char *buffer = malloc(4 * CAPACITY);
  polyshm_value found[4];
  expect(
      "snapshot",
      polyshm_list_snapshot(list, 0, length, buffer, 4 * CAPACITY, found),
      is_plain ? PLAIN : MAY_SET);
  free(buffer);
  expect(
      "version", polyshm_list_version(list, &version), is_plain ? PLAIN : 1u);
  expect(
      "wait", polyshm_list_wait(list, version, 1, &version),
      is_plain ? PLAIN : MAY_WAIT);
}

static void write_all(polyshm_list *list) {
  bool is_plain = pshm_list_is_plain(list);
  bool is_reader =
      polyshm_block_flags(polyshm_list_block(list)) & POLYSHM_READ_ONLY;
  uint64_t length = polyshm_list_length(list);
  uint32_t recovered;
  polyshm_status status = polyshm_list_lock(list, 0, &recovered);
  expect("lock", status, is_reader ? ACCESS : is_plain ? PLAIN : MAY_LOCK);
  expect(
      "unlock", polyshm_list_unlock(list),
      is_plain               ? PLAIN
      : status == POLYSHM_OK ? 1u
                             : MAY_UNLOCK);
  size_t nvalues;
  const polyshm_value *values = all_values(&nvalues);
  for (uint64_t i = 0; i < length; i++) {
    int64_t number;
    status = polyshm_list_add(list, i, 1, &number);
    expect("add", status, is_reader ? ACCESS : is_plain ? PLAIN : MAY_COUNT);
    status = polyshm_list_swap(list, i, 1, 2, &number);
    expect("swap", status, is_reader ? ACCESS : is_plain ? PLAIN : MAY_COUNT);
    for (size_t j = 0; j < nvalues; j++) {
      status = polyshm_list_set(list, i, &values[j]);
      expect("set", status, is_reader ? ACCESS : MAY_SET);
      if (status != POLYSHM_OK)
        continue;
      /* What was stored is there, whatever was wrong before. */
      char buffer[CAPACITY];
      polyshm_value found;
      assert_ok(polyshm_list_get(list, i, buffer, sizeof buffer, &found));
      assert_int_equal(found.type, values[j].type);
    }
  }
}

/* Every call, on every slot; then once more, with what the first time left. */
static void use(polyshm_list *list) {
  int64_t begun = os_clock_now();
  for (int round = 0; round < 2; round++) {
    read_all(list);
    write_all(list);
  }
  read_all(list);
  if (os_clock_now() - begun > SECONDS_AT_MOST * INT64_C(1000000000))
    fail_msg("it took more than %d seconds", SECONDS_AT_MOST);
}

/* ------------------------------------------------------------- the changes */

/* In this process nobody but the lists under test has a token, which are small
 * numbers: 1 is that of one's own list, sometimes. */
static const uint64_t evil[] = {
    0,
    1,
    2,
    8,
    24,
    PSHM_TOKEN_MAX,
    UINT64_C(1) << PSHM_TOKEN_BITS,        /* a record, of nobody */
    UINT64_C(1) << PSHM_TOKEN_BITS | 1,    /* of one's own */
    UINT64_C(1) << PSHM_TOKEN_BITS | DEAD, /* of the dead */
    UINT64_C(4) << PSHM_TOKEN_BITS | DEAD,
    UINT64_C(5) << PSHM_TOKEN_BITS | DEAD, /* one that does not exist */
    UINT64_C(63) << PSHM_TOKEN_BITS | DEAD,
    UINT64_C(1) << 31, /* W alone */
    UINT64_C(1) << 31 | DEAD,
    UINT64_C(0x12345678) << 32 | DEAD,
    UINT64_C(0x12345678) << 32 | 1,
    UINT32_MAX,
    UINT64_C(1) << 32,
    UINT64_C(24) << 32,
    UINT64_C(25) << 32 | 0x1234,
    UINT64_C(0xffffffff) << 32,
    UINT64_MAX >> PSHM_TOKEN_BITS << PSHM_TOKEN_BITS | DEAD, /* waits for all */
    UINT64_MAX >> PSHM_TOKEN_BITS << PSHM_TOKEN_BITS | 1,
    UINT64_C(1) << 60,
    UINT64_C(1) << 61,
    (uint64_t)INT64_MIN,
    INT64_MAX,
    INT64_MAX - 7,
    UINT64_MAX - 63,
    UINT64_MAX - 7,
    UINT64_MAX,
    PSHM_FORMAT_INT,
    PSHM_FORMAT_NONE,
    UINT64_C(0x7339393939393939), /* "9999999s" */
};

typedef void attack_fn(hostage *it, size_t offset, uint64_t word);

static void put(hostage *it, size_t offset, uint64_t word) {
  memcpy(it->bytes + offset, &word, sizeof word);
}

/* All changes of one word, one after the other. */
static void change_word(hostage *it, size_t offset, attack_fn *attack) {
  uint64_t old;
  memcpy(&old, it->original + offset, sizeof old);
  for (size_t i = 0; i < LENGTH(evil); i++)
    attack(it, offset, evil[i]);
  static const int64_t steps[] = {-64, -8, -1, 1, 8, 64};
  for (size_t i = 0; i < LENGTH(steps); i++) {
    attack(it, offset, old + (uint64_t)steps[i]);
    attack(it, offset, it->size - it->begin + (uint64_t)steps[i]);
  }
  for (size_t byte = 0; byte < 8; byte++)
    attack(it, offset, old ^ UINT64_C(0xff) << 8 * byte);
}

static void change_everything(hostage *it, attack_fn *attack) {
  for (size_t offset = it->begin; offset < it->size; offset += 8)
    change_word(it, offset, attack);
}

static void open_and_use(hostage *it, uint32_t flags) {
  polyshm_list *list = NULL;
  polyshm_status status = polyshm_list_open(name_of(it->list), flags, &list);
  expect("open", status, MAY_OPEN);
  if (status != POLYSHM_OK)
    return;
  assert_ok(polyshm_list_timeout(list, 0));
  use(list);
  polyshm_list_free(list);
  check_rest(it);
}

static void change_before(hostage *it, size_t offset, uint64_t word) {
  restore(it);
  put(it, offset, word);
  open_and_use(it, 0);
  open_and_use(it, POLYSHM_READ_ONLY);
}

/* The trailer was checked; now its words are others. */
static void change_after(hostage *it, size_t offset, uint64_t word) {
  restore(it);
  put(it, offset, word);
  use(it->reader);
  use(it->list);
  check_rest(it);
}

/* Between a slot's word and the record that it refers to there are things that
 * single changes do not reach. */
static void change_record(hostage *it, size_t offset, uint64_t word) {
  pshm_word *sequences = it->list->trailer.sequences;
  static const uint32_t tokens[] = {DEAD, 1};
  for (size_t i = 0; i < LENGTH(tokens); i++) {
    restore(it);
    put_record(it->list, 0, DEAD, 1, string_value("from a record"));
    atomic_store(sequences + 1, locked_by(7, 1, tokens[i]));
    put(it, offset, word);
    use(it->reader);
    use(it->list);
    check_rest(it);
  }
}

/* ---------------------------------------------------------------- the tests */

static void hostile_trailer_before_opening(void **state) {
  (void)state;
  for (uint64_t nvalues = 1; nvalues <= 3; nvalues += 2) {
    hostage it = take(nvalues);
    for (size_t offset = 0; offset < PSHM_LINE; offset += 8)
      change_word(&it, it.begin + offset, change_before);
    restore(&it);
    let_go(&it);
  }
}

static void hostile_trailer_after_opening(void **state) {
  (void)state;
  hostage it = take(3);
  change_everything(&it, change_after);
  restore(&it);
  let_go(&it);
}

static void hostile_records_of_locked_slots(void **state) {
  (void)state;
  hostage it = take(3);
  size_t begin = (size_t)((unsigned char *)it.list->trailer.records - it.bytes);
  size_t size = (size_t)(PSHM_WORD * it.list->trailer.record_words);
  for (size_t offset = 0; offset < size; offset += 8)
    change_word(&it, begin + offset, change_record);
  restore(&it);
  let_go(&it);
}

/* A generator of our own, so that a failure comes again. */
static uint64_t next_random(uint64_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  *seed ^= *seed << 17;
  return *seed;
}

/* Many changes at once; those of the header matter before opening only. */
static void hostile_trailer_at_random(void **state) {
  (void)state;
  uint64_t seed = 0x9e3779b97f4a7c15;
  hostage it = take(4);
  for (int round = 0; round < 4000; round++) {
    restore(&it);
    size_t first = it.begin + (round % 2 == 0 ? 0 : PSHM_LINE);
    for (uint64_t n = next_random(&seed) % 40 + 1; n > 0; n--) {
      size_t offset =
          first + (size_t)(next_random(&seed) % ((it.size - first) / 8)) * 8;
      uint64_t choice = next_random(&seed);
      put(&it, offset,
          choice & 1   ? evil[choice / 2 % LENGTH(evil)]
          : choice & 2 ? choice / 4 % 64 * 8
                       : next_random(&seed));
    }
    if (round % 2 == 0)
      open_and_use(&it, 0);
    else
      use(it.list);
    check_rest(&it);
  }
  restore(&it);
  let_go(&it);
}

/* Another process that never stops writing nonsense. */
static atomic_bool is_over;

static void *scribble(void *argument) {
  hostage *it = argument;
  uint64_t seed = 88172645463325252;
  while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
    uint64_t choice = next_random(&seed);
    size_t offset =
        it->begin + PSHM_LINE +
        (size_t)(choice % ((it->size - it->begin - PSHM_LINE) / 8)) * 8;
    pshm_word *word = (pshm_word *)(void *)(it->bytes + offset);
    pshm_word_store(
        word, choice >> 60 < 8 ? evil[(choice >> 32) % LENGTH(evil)]
                               : next_random(&seed));
  }
  return NULL;
}

/* What was stored may be gone at once; so only the statuses count. */
static void use_under_fire(polyshm_list *list) {
  char buffer[4 * CAPACITY];
  polyshm_value value, found[4];
  uint64_t number;
  int64_t sum;
  uint32_t recovered;
  size_t nvalues;
  const polyshm_value *values = all_values(&nvalues);
  for (uint64_t i = 0; i < polyshm_list_length(list); i++) {
    expect("get", polyshm_list_get(list, i, buffer, CAPACITY, &value), MAY_SET);
    expect("set", polyshm_list_set(list, i, &values[i % nvalues]), MAY_SET);
    expect("add", polyshm_list_add(list, i, 1, &sum), MAY_COUNT);
    expect("swap", polyshm_list_swap(list, i, 0, 1, &sum), MAY_COUNT);
    expect(
        "slot_wait", polyshm_list_slot_wait(list, i, 0, 1000, &number),
        MAY_WAIT);
  }
  expect("find", polyshm_list_find(list, 0, &values[0], &number), MAY_FIND);
  expect("lock", polyshm_list_lock(list, 1000, &recovered), MAY_LOCK);
  expect("unlock", polyshm_list_unlock(list), MAY_UNLOCK);
  expect("wait", polyshm_list_wait(list, 0, 1000, &number), MAY_WAIT);
  expect(
      "snapshot",
      polyshm_list_snapshot(
          list, 0, polyshm_list_length(list), buffer, sizeof buffer, found),
      MAY_SPACE);
}

static void hostile_trailer_that_changes_all_the_time(void **state) {
  (void)state;
  hostage it = take(4);
  atomic_store(&is_over, false);
  assert_ok(polyshm_list_timeout(it.list, 10000));
  pthread_t thread = start_thread(scribble, &it);
  int64_t end = os_clock_now() + 500 * MILLISECOND;
  while (os_clock_now() < end)
    use_under_fire(it.list);
  atomic_store(&is_over, true);
  end_thread(thread);
  check_rest(&it);
  restore(&it);
  let_go(&it);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hostile_trailer_before_opening),
      cmocka_unit_test(hostile_trailer_after_opening),
      cmocka_unit_test(hostile_records_of_locked_slots),
      cmocka_unit_test(hostile_trailer_at_random),
      cmocka_unit_test(hostile_trailer_that_changes_all_the_time),
  };
  return run_group(tests);
}
