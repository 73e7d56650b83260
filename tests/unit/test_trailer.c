/* SPDX-License-Identifier: MIT */
#include "shm/trailer.h"

#include "states.h"

#include <unistd.h>

static polyshm_block *block_of(const polyshm_list *list) {
  return polyshm_list_block(list);
}

static uint64_t begin_of(const polyshm_list *list) {
  uint64_t area = pshm_layout_area(&list->layout);
  return (area + PSHM_LINE - 1) / PSHM_LINE * PSHM_LINE;
}

static pshm_trailer_header header_of(const polyshm_list *list) {
  pshm_trailer_header header;
  assert_ok(polyshm_block_read(
      block_of(list), begin_of(list), &header, sizeof header));
  return header;
}

static void put_header(
    const polyshm_list *list, const pshm_trailer_header *header) {
  assert_ok(polyshm_block_write(
      block_of(list), begin_of(list), header, sizeof *header));
}

static polyshm_list *make_mixed(void) {
  const polyshm_value values[] = {
      int_value(1), string_value("howdy"), none_value()};
  return make_list(values, LENGTH(values), 24);
}

/* -------------------------------------------------------------------- size */

static void trailer_has_fewer_records_for_longer_slots(void **state) {
  (void)state;
  static const struct {
    uint64_t largest, nrecords, record_size;
  } cases[] = {
      {8, 4, 64},          {16, 4, 64},           {24, 4, 128},
      {16336, 4, 16384},   {16344, 2, 16448},     {262096, 2, 262144},
      {262104, 1, 262208}, {1 << 20, 1, 1048640}, {9999992, 1, 10000064},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    pshm_trailer_plan plan = pshm_trailer_measure(1000, 3, cases[i].largest);
    assert_int_equal(plan.header.nrecords, cases[i].nrecords);
    assert_int_equal(plan.header.record_size, cases[i].record_size);
    assert_true(
        plan.header.record_size >=
        PSHM_WORD * PSHM_RECORD_DATA + cases[i].largest);
  }
}

static void trailer_costs_two_words_a_slot(void **state) {
  (void)state;
  uint64_t empty = pshm_trailer_measure(16, 0, 8).header.size;
  assert_int_equal(empty, 192 + 256 + 4 * 64);
  for (uint64_t length = 8; length <= 1 << 20; length *= 2)
    assert_int_equal(
        pshm_trailer_measure(16, length, 8).header.size - empty, 16 * length);
}

static void trailer_of_a_huge_slot_is_one_record(void **state) {
  (void)state;
  const polyshm_value value = int_value(1);
  polyshm_list *list = make_list(&value, 1, POLYSHM_TEXT_MAX);
  uint64_t size = polyshm_block_size(block_of(list));
  assert_in_range(size, 2 * POLYSHM_TEXT_MAX, 2 * POLYSHM_TEXT_MAX + 4096);
  end_list(list);
}

/* --------------------------------------------------------------- positions */

static void trailer_is_laid_out_as_documented(void **state) {
  (void)state;
  polyshm_list *list = make_mixed();
  assert_int_equal(pshm_layout_area(&list->layout), 139);
  assert_int_equal(polyshm_block_size(block_of(list)), 192 + 1088);
  unsigned char bytes[1088];
  assert_ok(polyshm_block_read(block_of(list), 192, bytes, sizeof bytes));
  static const struct {
    size_t offset, size;
    uint64_t content;
  } fields[] = {
      {8, 2, 1},    {10, 2, 0},   {16, 8, 1088}, {24, 8, 448}, {32, 8, 512},
      {40, 8, 576}, {48, 8, 128}, {56, 4, 4},    {60, 4, 32},
  };
  assert_memory_equal(bytes, "polyshm", 8);
  for (size_t i = 0; i < LENGTH(fields); i++) {
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    memcpy(&two, bytes + fields[i].offset, 2);
    memcpy(&four, bytes + fields[i].offset, 4);
    memcpy(&eight, bytes + fields[i].offset, 8);
    assert_int_equal(
        fields[i].size == 2   ? two
        : fields[i].size == 4 ? four
                              : eight,
        fields[i].content);
  }
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  /* Another number here is another format. */
  uint32_t stamp;
  memcpy(&stamp, bytes + 12, sizeof stamp);
  assert_int_equal(stamp, 0x2826dba4);
#endif
  for (size_t i = 64; i < sizeof bytes; i++)
    assert_int_equal(bytes[i], 0);
  end_list(list);
}

static void check_place(
    const polyshm_list *list, const pshm_word *word, uint64_t offset) {
  assert_ptr_equal(
      word,
      (unsigned char *)list->block->map.address + begin_of(list) + offset);
}

static void check_places(const polyshm_list *list) {
  const pshm_trailer *trailer = &list->trailer;
  check_place(list, trailer->lock, 64);
  check_place(list, trailer->reserved, 72);
  check_place(list, trailer->waiting, 128);
  check_place(list, trailer->changes, 136);
  check_place(list, trailer->tokens, 144);
  check_place(list, trailer->waiters, 192);
  check_place(list, trailer->sequences, 448);
  check_place(list, trailer->exacts, 512);
  check_place(list, trailer->records, 576);
  assert_int_equal(trailer->record_words, 16);
  assert_int_equal(trailer->nrecords, 4);
  assert_int_equal(trailer->nwaiters, 32);
}

static void trailer_is_found_where_it_was_put(void **state) {
  (void)state;
  polyshm_list *list = make_mixed(), *other = open_again(list, 0);
  polyshm_list *reader = open_again(list, POLYSHM_READ_ONLY);
  check_places(list);
  check_places(other);
  check_places(reader);
  polyshm_list_free(reader);
  polyshm_list_free(other);
  end_list(list);
}

static void trailer_of_an_empty_list_works(void **state) {
  (void)state;
  polyshm_list *list = make_list(NULL, 0, 0);
  assert_int_equal(polyshm_block_size(block_of(list)), 64 + 704);
  uint32_t recovered = 7;
  polyshm_value none;
  assert_int_equal(list_version(list), 0);
  assert_ok(polyshm_list_lock(list, 0, &recovered));
  assert_int_equal(recovered, 0);
  assert_ok(polyshm_list_unlock(list));
  assert_ok(polyshm_list_snapshot(list, 0, 0, NULL, 0, &none));
  polyshm_list *other = open_again(list, 0);
  polyshm_list_free(other);
  end_list(list);
}

/* ----------------------------------------------------------------- refused */

static void refuse(
    const polyshm_list *list, polyshm_status status, const char *part) {
  holdings held = count_holdings();
  polyshm_list *none = NULL;
  assert_failure(polyshm_list_open(name_of(list), 0, &none), status, 0, part);
  assert_failure(
      polyshm_list_open(name_of(list), POLYSHM_READ_ONLY, &none), status, 0,
      part);
  const polyshm_value value = int_value(1);
  assert_fails(
      polyshm_list_create(
          name_of(list), &value, 1, POLYSHM_CREATE, NULL, &none),
      status);
  assert_null(none);
  assert_int_equal(count_holdings().mappings, held.mappings);
  assert_int_equal(count_holdings().descriptors, held.descriptors);
}

static void trailer_of_another_major_is_refused(void **state) {
  (void)state;
  static const struct {
    uint16_t major, minor;
    const char *part;
  } cases[] = {
      {0, 0, "version 0.0"},
      {2, 5, "version 2.5"},
      {UINT16_MAX, UINT16_MAX, "version 65535.65535"}};
  polyshm_list *list = make_mixed();
  for (size_t i = 0; i < LENGTH(cases); i++) {
    pshm_trailer_header header = header_of(list);
    header.major = cases[i].major;
    header.minor = cases[i].minor;
    header.size = 0; /* what else it says does not matter then */
    put_header(list, &header);
    refuse(list, POLYSHM_E_VERSION, cases[i].part);
  }
  end_list(list);
}

static void trailer_of_another_stamp_is_refused(void **state) {
  (void)state;
  polyshm_list *list = make_mixed();
  pshm_trailer_header original = header_of(list);
  const uint32_t stamps[] = {
      0, UINT32_MAX, original.stamp + 1, original.stamp ^ 1u << 31};
  for (size_t i = 0; i < LENGTH(stamps); i++) {
    pshm_trailer_header header = original;
    header.stamp = stamps[i];
    put_header(list, &header);
    refuse(list, POLYSHM_E_VERSION, "laid out otherwise");
  }
  end_list(list);
}

static void trailer_that_does_not_fit_is_corrupt(void **state) {
  (void)state;
  static const struct {
    size_t offset, size;
    uint64_t content;
  } cases[] = {
      {16, 8, 0},
      {16, 8, 64},
      {16, 8, 1088 - 64},
      {16, 8, 1088 - 1},
      {16, 8, 1088 + 1},
      {16, 8, 1088 + 64},
      {16, 8, UINT64_MAX},
      {16, 8, INT64_MAX},
      {24, 8, 0},
      {24, 8, 64},
      {24, 8, 384},
      {24, 8, 449},
      {24, 8, 448 + 8},
      {24, 8, 1088},
      {24, 8, 1088 + 64},
      {24, 8, UINT64_MAX - 63},
      {24, 8, UINT64_MAX - 447},
      {24, 8, 512}, /* where the exacts are */
      {24, 8, 576}, /* and the records */
      {24, 8, 1024},
      {32, 8, 448},
      {32, 8, 576},
      {32, 8, 1024},
      {40, 8, 448},
      {40, 8, 512},
      {32, 8, 0},
      {32, 8, 384},
      {32, 8, 520},
      {32, 8, 1088},
      {32, 8, UINT64_MAX - 63},
      {40, 8, 0},
      {40, 8, 576 + 8},
      {40, 8, 576 + 64},
      {40, 8, 1088},
      {40, 8, UINT64_MAX - 63},
      {48, 8, 0},
      {48, 8, 8},
      {48, 8, 48},
      {48, 8, 120},
      {48, 8, 136},
      {48, 8, 192},
      {48, 8, (uint64_t)1 << 62},
      {48, 8, (uint64_t)1 << 63},
      {48, 8, UINT64_MAX - 63},
      {56, 4, 0},
      {56, 4, 5},
      {56, 4, 63},
      {56, 4, 64},
      {56, 4, UINT32_MAX},
      {60, 4, 33},
      {60, 4, 64},
      {60, 4, 65},
      {60, 4, UINT32_MAX},
  };
  polyshm_list *list = make_mixed();
  pshm_trailer_header original = header_of(list);
  for (size_t i = 0; i < LENGTH(cases); i++) {
    pshm_trailer_header header = original;
    memcpy((char *)&header + cases[i].offset, &cases[i].content, cases[i].size);
    put_header(list, &header);
    refuse(list, POLYSHM_E_CORRUPT, "parts do not fit");
  }
  end_list(list);
}

/* A part of fewer things than there were is a part. */
static void trailer_may_have_less_of_everything(void **state) {
  (void)state;
  polyshm_list *list = make_mixed();
  pshm_trailer_header original = header_of(list);
  for (uint32_t nrecords = 1; nrecords <= 4; nrecords++)
    for (uint32_t nwaiters = 0; nwaiters <= 32; nwaiters += 8) {
      pshm_trailer_header header = original;
      header.nrecords = nrecords;
      header.nwaiters = nwaiters;
      put_header(list, &header);
      polyshm_list *other = open_again(list, 0);
      assert_int_equal(other->trailer.nrecords, nrecords);
      set_string(other, 1, "a longer text");
      assert_slot(list, 1, string_value("a longer text"));
      set_int(other, 1, 5);
      polyshm_list_free(other);
    }
  end_list(list);
}

/* Nothing is stored where it cannot be stored whole. */
static void trailer_with_short_records_refuses_long_values(void **state) {
  (void)state;
  polyshm_list *list = make_mixed();
  pshm_trailer_header header = header_of(list);
  header.record_size = 64;
  put_header(list, &header);
  polyshm_list *other = open_again(list, 0);
  polyshm_value value = string_value("other");
  assert_fails(polyshm_list_set(other, 1, &value), POLYSHM_E_CORRUPT);
  assert_slot(other, 1, string_value("howdy"));
  int64_t sum = 0;
  assert_ok(polyshm_list_add(other, 0, 2, &sum));
  assert_int_equal(sum, 3);
  polyshm_list_free(other);
  end_list(list);
}

/* ------------------------------------------------------------------- newer */

/* Whatever needs a part of the trailer. */
static void use_everything(polyshm_list *list) {
  static const char *texts[] = {"one", "two and a half", "three", "4", "five"};
  char buffer[3 * 24];
  polyshm_value values[3];
  uint64_t before = list_version(list), version = 0;
  for (size_t i = 0; i < LENGTH(texts); i++) {
    set_string(list, 2, texts[i]);
    assert_slot(list, 2, string_value(texts[i]));
  }
  polyshm_value zeros = bytes_value("a\0\0", 3);
  assert_ok(polyshm_list_set(list, 1, &zeros));
  assert_slot(list, 1, zeros);
  int64_t after = 0;
  set_int(list, 0, 40);
  assert_ok(polyshm_list_add(list, 0, 2, &after));
  assert_int_equal(after, 42);
  assert_ok(polyshm_list_swap(list, 0, 42, 43, &after));
  assert_int_equal(after, 42);
  assert_int_equal(list_version(list), before + 9);
  assert_fails(
      polyshm_list_slot_wait(
          list, 1, slot_version(list, 1), MILLISECOND, &version),
      POLYSHM_E_TIMEOUT);
  assert_fails(
      polyshm_list_wait(list, before + 9, MILLISECOND, &version),
      POLYSHM_E_TIMEOUT);
  assert_ok(polyshm_list_wait(list, before, POLYSHM_FOREVER, &version));
  assert_int_equal(version, before + 9);
  uint32_t recovered;
  assert_ok(polyshm_list_lock(list, 0, &recovered));
  assert_ok(polyshm_list_snapshot(list, 0, 3, buffer, sizeof buffer, values));
  assert_true(same_value(&values[1], &zeros));
  assert_ok(polyshm_list_unlock(list));
  /* Each record is where it is meant to be. */
  for (uint32_t i = 0; i < list->trailer.nrecords; i++) {
    put_record(list, i, DEAD, 1, string_value("of a dead one"));
    lock_slot(list, 1, i + 1, DEAD);
    assert_slot(list, 1, string_value("of a dead one"));
    set_int(list, 1, 1);
    assert_slot(list, 1, int_value(1));
  }
}

/* The same list with its trailer laid out like this. */
static polyshm_list *lay_out(const pshm_trailer_header *header) {
  polyshm_list *list = make_mixed(), *moved = NULL;
  uint64_t begin = begin_of(list);
  size_t size = (size_t)(begin + header->size);
  char *bytes = calloc(1, size);
  const char *name = fresh_name();
  assert_ok(polyshm_block_read(block_of(list), 0, bytes, begin));
  memset(bytes + begin + sizeof *header, 0x5a, size - begin - sizeof *header);
  memset(bytes + begin + 64, 0, 3 * 64 + 8 * header->nwaiters - 64);
  memset(bytes + begin + header->sequences, 0, 3 * 8);
  memset(bytes + begin + header->exacts, 0, 3 * 8);
  memset(
      bytes + begin + header->records, 0,
      (size_t)(header->nrecords * header->record_size));
  memcpy(bytes + begin, header, sizeof *header);
  make_file(name, bytes, size);
  free(bytes);
  end_list(list);
  assert_ok(polyshm_list_open(name, 0, &moved));
  return moved;
}

static void trailer_of_a_newer_minor_is_used(void **state) {
  (void)state;
  polyshm_list *list = make_mixed();
  pshm_trailer_header made = header_of(list);
  end_list(list);

  pshm_trailer_header appended = made; /* parts behind the last one */
  appended.minor = 7;
  appended.size += 640;

  pshm_trailer_header moved = made; /* the parts in another order */
  moved.minor = UINT16_MAX;
  moved.nrecords = 63;
  moved.record_size = 256;
  moved.nwaiters = 64;
  moved.records = 192 + 64 * 8 + 128;
  moved.exacts = moved.records + 63 * 256;
  moved.sequences = moved.exacts + 64 + 192;
  moved.size = moved.sequences + 64;

  pshm_trailer_header tight = made; /* nobody can enter, one can write */
  tight.minor = 1;
  tight.nwaiters = 0;
  tight.nrecords = 1;
  tight.exacts = 192;
  tight.sequences = 256;
  tight.records = 320;
  tight.size = 320 + 128;

  const pshm_trailer_header *headers[] = {&made, &appended, &moved, &tight};
  for (size_t i = 0; i < LENGTH(headers); i++) {
    list = lay_out(headers[i]);
    check_place(list, list->trailer.sequences, headers[i]->sequences);
    check_place(list, list->trailer.exacts, headers[i]->exacts);
    check_place(list, list->trailer.records, headers[i]->records);
    use_everything(list);
    use_everything(list);
    end_list(list);
  }
}

/* ------------------------------------------------------------ lists without */

static void refuse_plain(polyshm_status status) {
  assert_int_equal(status, POLYSHM_E_UNSUPPORTED);
  assert_message("was not made by polyshm: it has no trailer");
  assert_int_equal(polyshm_error_os(), 0);
}

static void use_plain(polyshm_list *list) {
  char buffer[72];
  polyshm_value value = string_value("howdy"), values[3];
  uint64_t index = 7, version = 7;
  uint32_t recovered = 7;
  int64_t number = 7;
  assert_slot(list, 0, int_value(1));
  assert_slot(list, 1, value);
  assert_slot(list, 2, none_value());
  assert_ok(polyshm_list_find(list, 0, &value, &index));
  assert_int_equal(index, 1);
  set_int(list, 2, 5);
  assert_slot(list, 2, int_value(5));
  set_string(list, 2, "ends in zeros");
  value = bytes_value("ab\0", 3);
  assert_ok(polyshm_list_set(list, 2, &value));
  assert_slot(list, 2, bytes_value("ab", 2));
  assert_ok(polyshm_list_timeout(list, 5));

  refuse_plain(polyshm_list_add(list, 0, 1, &number));
  refuse_plain(polyshm_list_swap(list, 0, 1, 2, &number));
  refuse_plain(polyshm_list_lock(list, 0, &recovered));
  refuse_plain(polyshm_list_unlock(list));
  refuse_plain(
      polyshm_list_snapshot(list, 0, 3, buffer, sizeof buffer, values));
  refuse_plain(polyshm_list_version(list, &version));
  refuse_plain(polyshm_list_wait(list, 0, POLYSHM_FOREVER, &version));
  refuse_plain(polyshm_list_slot_version(list, 0, &version));
  refuse_plain(polyshm_list_slot_wait(list, 0, 0, POLYSHM_FOREVER, &version));
  assert_int_equal(recovered, 7);
  assert_int_equal(number, 7);
  assert_int_equal(version, 7);
  assert_slot(list, 0, int_value(1));
}

/* The first bytes of a list, and what follows them. */
static const char *make_plain(
    const polyshm_list *list, uint64_t nbytes, const void *rest, size_t nrest) {
  char *bytes = malloc((size_t)nbytes + nrest);
  const char *name = fresh_name();
  assert_ok(polyshm_block_read(block_of(list), 0, bytes, nbytes));
  if (nrest != 0)
    memcpy(bytes + nbytes, rest, nrest);
  make_file(name, bytes, (size_t)nbytes + nrest);
  free(bytes);
  return name;
}

static void open_and_use_plain(const char *name) {
  holdings held = count_holdings();
  polyshm_list *list = NULL;
  assert_ok(polyshm_list_open(name, 0, &list));
  assert_int_equal(count_holdings().descriptors, held.descriptors);
  use_plain(list);
  assert_ok(polyshm_list_close(list));
  end_list(list);
}

static void trailer_is_not_needed_to_get_and_set(void **state) {
  (void)state;
  polyshm_list *list = make_mixed();
  open_and_use_plain(
      make_plain(list, pshm_layout_area(&list->layout), NULL, 0));
  end_list(list);
}

/* Blocks are rounded up to pages elsewhere; what is there is nobody's. */
static void trailer_is_not_what_happens_to_be_there(void **state) {
  (void)state;
  polyshm_list *list = make_mixed();
  char rest[4096];
  uint64_t area = pshm_layout_area(&list->layout);
  for (int filling = 0; filling <= 0xff; filling += 0x33) {
    memset(rest, filling, sizeof rest);
    open_and_use_plain(make_plain(list, area, rest, sizeof rest));
    open_and_use_plain(make_plain(list, area, rest, 53 + 1));
  }
  end_list(list);
}

static void trailer_with_another_magic_is_none(void **state) {
  (void)state;
  polyshm_list *list = make_mixed();
  pshm_trailer_header original = header_of(list);
  for (size_t i = 0; i < sizeof original.magic; i++) {
    pshm_trailer_header header = original;
    header.magic[i] ^= 0x20;
    put_header(list, &header);
    open_and_use_plain(
        make_plain(list, polyshm_block_size(block_of(list)), NULL, 0));
  }
  end_list(list);
}

static void trailer_that_is_cut_off_is_corrupt(void **state) {
  (void)state;
  polyshm_list *list = make_mixed(), *other = NULL;
  uint64_t area = pshm_layout_area(&list->layout), begin = begin_of(list);
  uint64_t size = polyshm_block_size(block_of(list));
  for (uint64_t nbytes = area; nbytes < begin + 64; nbytes += 9)
    open_and_use_plain(make_plain(list, nbytes, NULL, 0));
  for (uint64_t nbytes = begin + 64; nbytes < size; nbytes += 17) {
    const char *name = make_plain(list, nbytes, NULL, 0);
    assert_failure(
        polyshm_list_open(name, 0, &other), POLYSHM_E_CORRUPT, 0,
        "parts do not fit");
    assert_ok(polyshm_unlink(name));
  }
  const char *name = make_plain(list, size, NULL, 0);
  assert_ok(polyshm_list_open(name, 0, &other));
  use_everything(other);
  end_list(other);
  end_list(list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(trailer_has_fewer_records_for_longer_slots),
      cmocka_unit_test(trailer_costs_two_words_a_slot),
      cmocka_unit_test(trailer_of_a_huge_slot_is_one_record),
      cmocka_unit_test(trailer_is_laid_out_as_documented),
      cmocka_unit_test(trailer_is_found_where_it_was_put),
      cmocka_unit_test(trailer_of_an_empty_list_works),
      cmocka_unit_test(trailer_of_another_major_is_refused),
      cmocka_unit_test(trailer_of_another_stamp_is_refused),
      cmocka_unit_test(trailer_that_does_not_fit_is_corrupt),
      cmocka_unit_test(trailer_may_have_less_of_everything),
      cmocka_unit_test(trailer_with_short_records_refuses_long_values),
      cmocka_unit_test(trailer_of_a_newer_minor_is_used),
      cmocka_unit_test(trailer_is_not_needed_to_get_and_set),
      cmocka_unit_test(trailer_is_not_what_happens_to_be_there),
      cmocka_unit_test(trailer_with_another_magic_is_none),
      cmocka_unit_test(trailer_that_is_cut_off_is_corrupt),
  };
  return run_group(tests);
}
