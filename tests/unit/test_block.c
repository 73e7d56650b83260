/* SPDX-License-Identifier: MIT */
#include "shm/block.h"

#include "faults.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint32_t create = POLYSHM_CREATE;
static const uint32_t create_new = POLYSHM_CREATE | POLYSHM_EXCLUSIVE;

static polyshm_block *make(const char *name, uint64_t size) {
  polyshm_block *block = NULL;
  assert_ok(polyshm_block_open(name, size, create_new, NULL, &block));
  assert_non_null(block);
  return block;
}

static polyshm_block *open_block(const char *name, uint32_t flags) {
  polyshm_block *block = NULL;
  assert_ok(polyshm_block_open(name, 0, flags, NULL, &block));
  return block;
}

/* Opening fails like this and leaves its output alone. */
static void refuse(
    const char *name, uint64_t size, uint32_t flags,
    const polyshm_block_options *options, polyshm_status status, int os,
    const char *part) {
  polyshm_block *const untouched = (polyshm_block *)(uintptr_t)16;
  polyshm_block *block = untouched;
  assert_failure(
      polyshm_block_open(name, size, flags, options, &block), status, os, part);
  assert_ptr_equal(block, untouched);
}

/* ---------------------------------------------------------------- creating */

static void block_is_made_of_zeros(void **state) {
  (void)state;
  static const uint64_t sizes[] = {
      1, 100, 4095, 4096, 4097, ((uint64_t)4 << 20) + 1, 9000000};
  for (size_t i = 0; i < LENGTH(sizes); i++) {
    const char *name = fresh_name();
    polyshm_block *block = make(name, sizes[i]);
    assert_string_equal(polyshm_block_name(block), name);
    assert_int_equal(polyshm_block_size(block), sizes[i]);
    assert_int_equal(polyshm_block_flags(block), POLYSHM_CREATE);

    struct stat file;
    assert_int_equal(stat(path_of(name), &file), 0);
    assert_int_equal(file.st_size, sizes[i]);
    assert_int_equal(file.st_nlink, 1);
    /* All of its memory is there already. */
    assert_true((uint64_t)file.st_blocks * 512 >= sizes[i]);

    void *address;
    uint64_t size;
    assert_ok(polyshm_block_pin(block, &address, &size));
    assert_int_equal(size, sizes[i]);
    const unsigned char *bytes = address;
    for (uint64_t j = 0; j < size; j++)
      if (bytes[j] != 0)
        fail_msg("byte %zu is not zero", (size_t)j);
    polyshm_block_unpin(block);
    polyshm_block_free(block);
    assert_ok(polyshm_unlink(name));
  }
}

static void block_that_is_sparse_takes_no_memory(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *block;
  assert_ok(polyshm_block_open(
      name, (uint64_t)1 << 34, create | POLYSHM_SPARSE, NULL, &block));
  struct stat file;
  assert_int_equal(stat(path_of(name), &file), 0);
  assert_int_equal(file.st_size, (uint64_t)1 << 34);
  assert_int_equal(file.st_blocks, 0);
  assert_ok(polyshm_block_write(block, ((uint64_t)1 << 34) - 1, "x", 1));
  polyshm_block_free(block);
  assert_ok(polyshm_unlink(name));
}

static void block_without_a_name_gets_a_fresh_one(void **state) {
  (void)state;
  static const uint32_t flags[] = {
      POLYSHM_CREATE, POLYSHM_CREATE | POLYSHM_EXCLUSIVE};
  for (size_t i = 0; i < LENGTH(flags); i++) {
    polyshm_block *one, *other;
    assert_ok(polyshm_block_open(NULL, 10, flags[i], NULL, &one));
    assert_ok(polyshm_block_open(NULL, 10, flags[i], NULL, &other));
    const char *name = polyshm_block_name(one);
    assert_string_not_equal(name, polyshm_block_name(other));
    assert_int_equal(strlen(name), 12);
    assert_memory_equal(name, "psm_", 4);
    assert_int_equal(strspn(name + 4, "0123456789abcdef"), 8);
    assert_true(is_there(name));
    assert_ok(polyshm_unlink(name));
    assert_ok(polyshm_unlink(polyshm_block_name(other)));
    polyshm_block_free(one);
    polyshm_block_free(other);
  }
}

static void block_tries_automatic_names_until_one_is_free(void **state) {
  (void)state;
  const unsigned numbers[] = {own_number(), own_number(), own_number() + 1};
  char names[2][16];
  snprintf(names[0], sizeof names[0], "psm_%08x", numbers[0]);
  snprintf(names[1], sizeof names[1], "psm_%08x", numbers[2]);
  polyshm_block *one, *other;
  faults_reset();
  faults_random(numbers, LENGTH(numbers));
  assert_ok(polyshm_block_open(NULL, 1, create, NULL, &one));
  assert_string_equal(polyshm_block_name(one), names[0]);
  assert_ok(polyshm_block_open(NULL, 2, create, NULL, &other));
  assert_string_equal(polyshm_block_name(other), names[1]);
  assert_int_equal(faults_count(FAULT_RANDOM), 3);
  /* The block was made once, and only named twice. */
  assert_int_equal(faults_count(FAULT_OPEN_NAMELESS), 2);
  faults_reset();
  assert_ok(polyshm_unlink(names[0]));
  assert_ok(polyshm_unlink(names[1]));
  polyshm_block_free(one);
  polyshm_block_free(other);
}

static void block_mode_is_that_of_stock_less_the_umask(void **state) {
  (void)state;
  static const struct {
    uint32_t mode;
    mode_t mask, result;
  } cases[] = {{0, 022, 0600},  {0600, 0, 0600},   {0666, 022, 0644},
               {0666, 0, 0666}, {0660, 077, 0600}, {0777, 0, 0777},
               {0, 0200, 0400}, {0444, 0, 0444},   {0640, 0, 0640}};
  for (size_t i = 0; i < LENGTH(cases); i++) {
    const char *name = fresh_name();
    polyshm_block_options options = {
        .struct_size = sizeof options, .mode = cases[i].mode};
    polyshm_block *block;
    mode_t before = umask(cases[i].mask);
    assert_ok(polyshm_block_open(name, 1, create_new, &options, &block));
    umask(before);
    struct stat file;
    assert_int_equal(stat(path_of(name), &file), 0);
    assert_int_equal(file.st_mode & 07777, 01000 | cases[i].result);
    /* Who made it may write it, whatever the mode says of others. */
    assert_ok(polyshm_block_write(block, 0, "x", 1));
    polyshm_block_free(block);
    assert_ok(polyshm_unlink(name));
  }
}

static void block_refuses_modes_that_are_no_permissions(void **state) {
  (void)state;
  static const uint32_t modes[] = {01000, 04755, 0100600, UINT32_MAX};
  for (size_t i = 0; i < LENGTH(modes); i++) {
    const char *name = fresh_name();
    polyshm_block_options options = {
        .struct_size = sizeof options, .mode = modes[i]};
    refuse(name, 1, create, &options, POLYSHM_E_INVALID, 0, "mode");
    assert_false(is_there(name));
  }
}

static void block_checks_its_options(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block_options options = {0};
  refuse(name, 1, create, &options, POLYSHM_E_INVALID, 0, "struct_size = 0");

  options.struct_size = sizeof options;
  options.reserved = 1;
  refuse(name, 1, create, &options, POLYSHM_E_UNSUPPORTED, 0, "reserved");

  struct {
    polyshm_block_options known;
    uint64_t wish;
  } newer = {.known = {.struct_size = sizeof newer}, .wish = 1};
  refuse(
      name, 1, create, &newer.known, POLYSHM_E_UNSUPPORTED, 0, "does not know");

  newer.wish = 0;
  polyshm_block *block;
  assert_ok(polyshm_block_open(name, 1, create, &newer.known, &block));
  polyshm_block_free(block);
  /* When it is only opened, they are checked all the same. */
  refuse(name, 1, 0, &options, POLYSHM_E_UNSUPPORTED, 0, "reserved");
  assert_ok(polyshm_unlink(name));
}

static void block_refuses_sizes_that_cannot_be(void **state) {
  (void)state;
  const char *name = fresh_name();
  refuse(name, 0, create, NULL, POLYSHM_E_INVALID, 0, "size above zero");
  refuse(name, 0, create_new, NULL, POLYSHM_E_INVALID, 0, "size above zero");
  refuse(NULL, 0, create, NULL, POLYSHM_E_INVALID, 0, "size above zero");

  /* More than there can be, and more than there is. */
  static const uint64_t sizes[] = {(uint64_t)1 << 63, UINT64_MAX};
  for (size_t i = 0; i < LENGTH(sizes); i++)
    refuse(
        name, sizes[i], create, NULL, POLYSHM_E_MEMORY, ENOMEM,
        "no system maps");
  /* Should it be tried after all, it must not take the machine down. */
  faults_reset();
  faults_fail(FAULT_FALLOCATE, 1, FOR_EVER, EIO);
  static const uint64_t large[] = {(uint64_t)1 << 50, INT64_MAX};
  for (size_t i = 0; i < LENGTH(large); i++)
    refuse(
        name, large[i], create, NULL, POLYSHM_E_SPACE, ENOSPC,
        "bytes are free in /dev/shm");
  polyshm_block *block = NULL;
  assert_fails(
      polyshm_block_open(
          name, INT64_MAX, create | POLYSHM_SPARSE, NULL, &block),
      is_in_valgrind() ? POLYSHM_E_OS : POLYSHM_E_MEMORY);
  assert_false(is_there(name));
  faults_reset();
}

static void block_checks_its_flags(void **state) {
  (void)state;
  const char *name = fresh_name();
  static const struct {
    uint32_t flags;
    const char *part;
  } cases[] = {
      {POLYSHM_EXCLUSIVE, "go with POLYSHM_CREATE"},
      {POLYSHM_SPARSE, "go with POLYSHM_CREATE"},
      {POLYSHM_UNTRACKED, "go with POLYSHM_CREATE"},
      {POLYSHM_UNTRACKED | POLYSHM_FOREIGN, "go with POLYSHM_CREATE"},
      {POLYSHM_EXCLUSIVE | POLYSHM_READ_ONLY, "go with POLYSHM_CREATE"},
      {POLYSHM_CREATE | POLYSHM_READ_ONLY, "cannot be made read-only"},
      {POLYSHM_CREATE | POLYSHM_EXCLUSIVE | POLYSHM_READ_ONLY, "read-only"},
      {1u << 6, "0x40"},
      {1u << 6 | POLYSHM_CREATE, "the flags 0x40 "},
      {1u << 31, "0x80000000"},
      {UINT32_MAX, "0xffffffc0"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++)
    refuse(name, 1, cases[i].flags, NULL, POLYSHM_E_INVALID, 0, cases[i].part);
  assert_false(is_there(name));
}

static void block_refuses_names_as_name_does(void **state) {
  (void)state;
  char long_name[POLYSHM_NAME_MAX + 2];
  memset(long_name, 'n', sizeof long_name - 1);
  long_name[sizeof long_name - 1] = 0;
  static const uint32_t flags[] = {
      0, POLYSHM_READ_ONLY, POLYSHM_CREATE, POLYSHM_CREATE | POLYSHM_EXCLUSIVE};
  for (size_t i = 0; i < LENGTH(flags); i++) {
    refuse("", 1, flags[i], NULL, POLYSHM_E_INVALID, EINVAL, "empty");
    refuse("a/b", 1, flags[i], NULL, POLYSHM_E_INVALID, EINVAL, "slash");
    refuse("\xff", 1, flags[i], NULL, POLYSHM_E_INVALID, EINVAL, "UTF-8");
    refuse(
        long_name, 1, flags[i], NULL, POLYSHM_E_INVALID, ENAMETOOLONG, "255");
  }
  refuse(NULL, 1, 0, NULL, POLYSHM_E_INVALID, 0, "name");
  assert_failure(polyshm_unlink(""), POLYSHM_E_INVALID, EINVAL, "empty");
  assert_failure(polyshm_unlink("a/b"), POLYSHM_E_INVALID, EINVAL, "slash");
  assert_failure(
      polyshm_unlink(long_name), POLYSHM_E_INVALID, ENAMETOOLONG, "255");
  assert_failure(polyshm_unlink(NULL), POLYSHM_E_INVALID, 0, "name");
}

static void block_names_may_be_odd(void **state) {
  (void)state;
  char longest[POLYSHM_NAME_MAX + 1];
  memset(longest, 'n', sizeof longest - 1);
  longest[sizeof longest - 1] = 0;
  const char *own = fresh_name();
  char names[5][POLYSHM_NAME_MAX + 1];
  snprintf(names[0], sizeof names[0], "%s:colon", own);
  snprintf(names[1], sizeof names[1], "%s\nline", own);
  snprintf(names[2], sizeof names[2], "%s é 日本 %%s", own);
  snprintf(names[3], sizeof names[3], ".%s", own);
  memcpy(names[4], longest, sizeof longest);
  memcpy(names[4], own, strlen(own));
  for (size_t i = 0; i < LENGTH(names); i++) {
    polyshm_block *block = make(names[i], 1);
    assert_true(is_there(names[i]));
    refuse(
        names[i], 1, create_new, NULL, POLYSHM_E_EXISTS, EEXIST,
        "there is a block");
    polyshm_block_free(block);
    assert_ok(polyshm_unlink(names[i]));
  }
}

static void block_drops_leading_slashes(void **state) {
  (void)state;
  const char *name = fresh_name();
  char one[100], many[100];
  snprintf(one, sizeof one, "/%s", name);
  snprintf(many, sizeof many, "///%s", name);
  polyshm_block *block = make(one, 1);
  assert_string_equal(polyshm_block_name(block), name);
  assert_true(is_there(name));
  polyshm_block *other = open_block(many, 0);
  assert_string_equal(polyshm_block_name(other), name);
  assert_ok(polyshm_unlink(many));
  assert_false(is_there(name));
  polyshm_block_free(block);
  polyshm_block_free(other);
}

static void block_never_is_a_folder(void **state) {
  (void)state;
  static const char *const names[] = {".", ".."};
  for (size_t i = 0; i < LENGTH(names); i++) {
    refuse(
        names[i], 1, create_new, NULL, POLYSHM_E_EXISTS, EEXIST,
        "there is a block");
    refuse(names[i], 1, 0, NULL, POLYSHM_E_INVALID, EISDIR, "is not a block");
    refuse(
        names[i], 1, create, NULL, POLYSHM_E_INVALID, EISDIR, "is not a block");
    refuse(
        names[i], 1, POLYSHM_READ_ONLY, NULL, POLYSHM_E_INVALID, EISDIR,
        "is not a block");
  }
}

/* ----------------------------------------------------------------- opening */

static void block_opens_what_another_made(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *one = make(name, 5000);
  polyshm_block *other = open_block(name, 0);
  assert_int_equal(polyshm_block_size(other), 5000);
  assert_int_equal(polyshm_block_flags(other), 0);
  assert_string_equal(polyshm_block_name(other), name);

  char text[5];
  assert_ok(polyshm_block_write(one, 4995, "hello", 5));
  assert_ok(polyshm_block_read(other, 4995, text, 5));
  assert_memory_equal(text, "hello", 5);
  assert_ok(polyshm_block_write(other, 0, "there", 5));
  assert_ok(polyshm_block_read(one, 0, text, 5));
  assert_memory_equal(text, "there", 5);
  polyshm_block_free(one);
  polyshm_block_free(other);
  assert_ok(polyshm_unlink(name));
}

static void block_size_is_ignored_when_it_is_there(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *one = make(name, 100), *other;
  static const uint64_t sizes[] = {0, 1, 99, 101, 1 << 20, UINT64_MAX};
  for (size_t i = 0; i < LENGTH(sizes); i++) {
    assert_ok(polyshm_block_open(name, sizes[i], create, NULL, &other));
    assert_int_equal(polyshm_block_size(other), 100);
    assert_int_equal(polyshm_block_flags(other), 0);
    polyshm_block_free(other);
    assert_ok(polyshm_block_open(name, sizes[i], 0, NULL, &other));
    assert_int_equal(polyshm_block_size(other), 100);
    polyshm_block_free(other);
  }
  polyshm_block_free(one);
  assert_ok(polyshm_unlink(name));
}

static void block_that_is_missing_is_not_found(void **state) {
  (void)state;
  const char *name = fresh_name();
  refuse(name, 1, 0, NULL, POLYSHM_E_NOT_FOUND, ENOENT, name);
  refuse(name, 1, POLYSHM_READ_ONLY, NULL, POLYSHM_E_NOT_FOUND, ENOENT, name);
  assert_failure(polyshm_unlink(name), POLYSHM_E_NOT_FOUND, ENOENT, name);
  assert_false(is_there(name));
}

static void block_that_is_there_exists(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *block = make(name, 1);
  assert_ok(polyshm_block_write(block, 0, "x", 1));
  refuse(name, 9, create_new, NULL, POLYSHM_E_EXISTS, EEXIST, name);
  char byte;
  assert_ok(polyshm_block_read(block, 0, &byte, 1));
  assert_int_equal(byte, 'x');
  polyshm_block_free(block);
  assert_ok(polyshm_unlink(name));
}

static void block_that_is_read_only_cannot_be_written(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *one = make(name, 10);
  assert_ok(polyshm_block_write(one, 0, "0123456789", 10));
  polyshm_block *other = open_block(name, POLYSHM_READ_ONLY);
  assert_int_equal(polyshm_block_flags(other), POLYSHM_READ_ONLY);
  assert_failure(
      polyshm_block_write(other, 0, "x", 1), POLYSHM_E_ACCESS, 0,
      "open for reading only");
  assert_fails(polyshm_block_write(other, 0, "", 0), POLYSHM_E_ACCESS);
  assert_fails(polyshm_block_write(other, 10, "x", 1), POLYSHM_E_RANGE);
  char text[10];
  assert_ok(polyshm_block_read(other, 0, text, 10));
  assert_memory_equal(text, "0123456789", 10);

  /* The mapping itself says no, not only the handle. */
  void *address;
  uint64_t size;
  assert_ok(polyshm_block_pin(other, &address, &size));
  int pipe_ends[2];
  assert_int_equal(pipe(pipe_ends), 0);
  assert_int_equal(write(pipe_ends[1], "y", 1), 1);
  assert_int_equal(read(pipe_ends[0], address, 1), -1);
  assert_int_equal(errno, EFAULT);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  polyshm_block_unpin(other);
  polyshm_block_free(one);
  polyshm_block_free(other);
  assert_ok(polyshm_unlink(name));
}

static void block_outlives_its_name(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *one = make(name, 1), *other = open_block(name, 0);
  assert_ok(polyshm_unlink(name));
  refuse(name, 1, 0, NULL, POLYSHM_E_NOT_FOUND, ENOENT, name);
  assert_ok(polyshm_block_write(one, 0, "x", 1));
  char byte = 0;
  assert_ok(polyshm_block_read(other, 0, &byte, 1));
  assert_int_equal(byte, 'x');

  polyshm_block *successor = make(name, 2);
  assert_ok(polyshm_block_read(successor, 0, &byte, 1));
  assert_int_equal(byte, 0);
  assert_ok(polyshm_unlink(name));
  polyshm_block_free(one);
  polyshm_block_free(other);
  polyshm_block_free(successor);
}

/* ------------------------------------------------------------------ access */

static void block_checks_the_range(void **state) {
  (void)state;
  polyshm_block *block;
  assert_ok(polyshm_block_open(NULL, 100, create, NULL, &block));
  assert_ok(polyshm_unlink(polyshm_block_name(block)));
  char buffer[128] = "untouched";
  static const uint64_t wrong[][2] = {
      {0, 101},
      {100, 1},
      {101, 0},
      {1, 100},
      {99, 2},
      {1, UINT64_MAX},
      {UINT64_MAX, 1},
      {UINT64_MAX, 0},
      {UINT64_MAX, UINT64_MAX},
      {50, UINT64_MAX - 49}};
  for (size_t i = 0; i < LENGTH(wrong); i++) {
    assert_failure(
        polyshm_block_read(block, wrong[i][0], buffer, wrong[i][1]),
        POLYSHM_E_RANGE, 0, "which has 100");
    assert_failure(
        polyshm_block_write(block, wrong[i][0], buffer, wrong[i][1]),
        POLYSHM_E_RANGE, 0, "which has 100");
    assert_string_equal(buffer, "untouched");
  }
  assert_ok(polyshm_block_read(block, 0, buffer, 100));
  assert_ok(polyshm_block_read(block, 99, buffer, 1));
  assert_ok(polyshm_block_read(block, 100, buffer, 0));
  assert_ok(polyshm_block_read(block, 50, NULL, 0));
  assert_ok(polyshm_block_write(block, 100, NULL, 0));
  assert_fails(polyshm_block_read(block, 0, NULL, 1), POLYSHM_E_INVALID);
  assert_fails(polyshm_block_write(block, 0, NULL, 1), POLYSHM_E_INVALID);
  polyshm_block_free(block);
}

static void block_refuses_null(void **state) {
  (void)state;
  char buffer[1];
  void *address;
  uint64_t size;
  assert_failure(
      polyshm_block_open("x", 1, create, NULL, NULL), POLYSHM_E_INVALID, 0,
      "NULL");
  assert_fails(polyshm_block_close(NULL), POLYSHM_E_INVALID);
  assert_fails(polyshm_block_pin(NULL, &address, &size), POLYSHM_E_INVALID);
  assert_fails(polyshm_block_read(NULL, 0, buffer, 1), POLYSHM_E_INVALID);
  assert_fails(polyshm_block_write(NULL, 0, buffer, 1), POLYSHM_E_INVALID);
  assert_null(polyshm_block_name(NULL));
  assert_int_equal(polyshm_block_size(NULL), 0);
  assert_int_equal(polyshm_block_flags(NULL), 0);
  assert_int_equal(polyshm_block_id(NULL), 0);
  assert_fails(polyshm_block_address(NULL, &address, &size), POLYSHM_E_INVALID);
  polyshm_block_free(NULL);
  polyshm_block_unpin(NULL);

  polyshm_block *block;
  assert_ok(polyshm_block_open(NULL, 1, create, NULL, &block));
  assert_fails(polyshm_block_pin(block, NULL, &size), POLYSHM_E_INVALID);
  assert_fails(polyshm_block_pin(block, &address, NULL), POLYSHM_E_INVALID);
  assert_fails(polyshm_block_address(block, NULL, &size), POLYSHM_E_INVALID);
  assert_fails(polyshm_block_address(block, &address, NULL), POLYSHM_E_INVALID);
  assert_ok(polyshm_block_close(block)); /* so neither has pinned it */
  assert_ok(polyshm_unlink(polyshm_block_name(block)));
  polyshm_block_free(block);
}

static void block_tells_its_address_and_holds_nothing(void **state) {
  (void)state;
  polyshm_block *block;
  assert_ok(polyshm_block_open(NULL, 100, create, NULL, &block));
  assert_ok(polyshm_unlink(polyshm_block_name(block)));
  void *address, *pinned;
  uint64_t size;
  assert_ok(polyshm_block_address(block, &address, &size));
  assert_int_equal(size, 100);
  assert_ok(polyshm_block_pin(block, &pinned, &size));
  assert_ptr_equal(address, pinned);
  polyshm_block_unpin(block);
  assert_ok(polyshm_block_close(block));
  address = &size;
  assert_fails(polyshm_block_address(block, &address, &size), POLYSHM_E_CLOSED);
  assert_ptr_equal(address, &size);
  polyshm_block_free(block);
}

static void block_tells_which_one_it_is(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *one = make(name, 1), *same = open_block(name, 0);
  polyshm_block *viewed = open_block(name, POLYSHM_READ_ONLY);
  uint64_t id = polyshm_block_id(one);
  assert_int_not_equal(id, 0);
  assert_int_equal(polyshm_block_id(same), id);
  assert_int_equal(polyshm_block_id(viewed), id);

  /* Its name does not matter. */
  assert_ok(polyshm_unlink(name));
  polyshm_block *next = make(name, 1);
  assert_int_not_equal(polyshm_block_id(next), id);
  assert_int_equal(polyshm_block_id(same), id);
  assert_ok(polyshm_block_close(one));
  assert_int_equal(polyshm_block_id(one), id);
  assert_ok(polyshm_unlink(name));
  polyshm_block_free(one);
  polyshm_block_free(same);
  polyshm_block_free(viewed);
  polyshm_block_free(next);
}

/* ----------------------------------------------------------------- leaving */

static void block_that_is_closed_says_so(void **state) {
  (void)state;
  const char *name = fresh_name();
  polyshm_block *block = make(name, 10);
  size_t mappings = count_holdings().mappings;
  assert_ok(polyshm_block_close(block));
  assert_int_equal(count_holdings().mappings, mappings - 1);
  assert_ok(polyshm_block_close(block));

  char byte;
  void *address = &byte;
  uint64_t size = 77;
  assert_failure(
      polyshm_block_read(block, 0, &byte, 1), POLYSHM_E_CLOSED, 0, name);
  assert_fails(polyshm_block_read(block, 0, NULL, 0), POLYSHM_E_CLOSED);
  assert_failure(
      polyshm_block_write(block, 0, "x", 1), POLYSHM_E_CLOSED, 0, name);
  assert_failure(
      polyshm_block_pin(block, &address, &size), POLYSHM_E_CLOSED, 0, name);
  assert_ptr_equal(address, &byte);
  assert_int_equal(size, 77);
  polyshm_block_unpin(block); /* does nothing, as ever */

  assert_string_equal(polyshm_block_name(block), name);
  assert_int_equal(polyshm_block_size(block), 10);
  assert_int_equal(polyshm_block_flags(block), POLYSHM_CREATE);
  assert_true(is_there(name));
  assert_ok(polyshm_block_close(block));
  polyshm_block_free(block);
  assert_ok(polyshm_unlink(name));
}

static void block_that_is_pinned_is_busy(void **state) {
  (void)state;
  polyshm_block *block;
  assert_ok(polyshm_block_open(NULL, 8, create, NULL, &block));
  assert_ok(polyshm_unlink(polyshm_block_name(block)));
  void *first, *second;
  uint64_t size;
  assert_ok(polyshm_block_pin(block, &first, &size));
  assert_ok(polyshm_block_pin(block, &second, &size));
  assert_ptr_equal(first, second);
  assert_failure(
      polyshm_block_close(block), POLYSHM_E_BUSY, 0, "pinned 2 times");
  polyshm_block_unpin(block);
  assert_failure(
      polyshm_block_close(block), POLYSHM_E_BUSY, 0, "pinned 1 times");
  memset(first, 'x', 8); /* a refused close has changed nothing */
  char byte;
  assert_ok(polyshm_block_read(block, 7, &byte, 1));
  assert_int_equal(byte, 'x');
  polyshm_block_unpin(block);
  assert_ok(polyshm_block_close(block));
  polyshm_block_free(block);
}

/* As garbage collectors do it. */
static void block_that_is_freed_lives_until_its_last_unpin(void **state) {
  (void)state;
  for (int pins = 0; pins <= 3; pins++) {
    faults_reset();
    long heap = faults_heap();
    size_t mappings = count_holdings().mappings;
    polyshm_block *block;
    assert_ok(polyshm_block_open(NULL, 8, create, NULL, &block));
    assert_ok(polyshm_unlink(polyshm_block_name(block)));
    void *address = NULL;
    uint64_t size;
    for (int i = 0; i < pins; i++)
      assert_ok(polyshm_block_pin(block, &address, &size));
    polyshm_block_free(block);
    for (int i = 0; i < pins; i++) {
      memset(address, i, 8);
      assert_int_equal(count_holdings().mappings, mappings + 1);
      polyshm_block_unpin(block);
    }
    assert_int_equal(count_holdings().mappings, mappings);
    assert_int_equal(faults_heap(), heap);
  }
}

static void block_survives_an_unpin_too_many(void **state) {
  (void)state;
  polyshm_block *block;
  assert_ok(polyshm_block_open(NULL, 8, create, NULL, &block));
  assert_ok(polyshm_unlink(polyshm_block_name(block)));
  polyshm_block_unpin(block);
  polyshm_block_unpin(block);
  void *address;
  uint64_t size;
  assert_ok(polyshm_block_pin(block, &address, &size));
  assert_fails(polyshm_block_close(block), POLYSHM_E_BUSY);
  polyshm_block_unpin(block);
  polyshm_block_unpin(block);
  assert_ok(polyshm_block_write(block, 0, "x", 1));
  assert_ok(polyshm_block_close(block));
  polyshm_block_unpin(block);
  polyshm_block_free(block);
}

static void block_holds_no_descriptor(void **state) {
  (void)state;
  const char *name = fresh_name();
  holdings before = count_holdings();
  polyshm_block *blocks[20] = {make(name, 1)};
  for (size_t i = 1; i < LENGTH(blocks); i++)
    blocks[i] = open_block(name, i % 2 ? 0 : POLYSHM_READ_ONLY);
  assert_int_equal(count_holdings().descriptors, before.descriptors);
  assert_int_equal(count_holdings().mappings, before.mappings + LENGTH(blocks));
  for (size_t i = 0; i < LENGTH(blocks); i++)
    polyshm_block_free(blocks[i]);
  assert_int_equal(count_holdings().mappings, before.mappings);
  assert_ok(polyshm_unlink(name));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(block_is_made_of_zeros),
      cmocka_unit_test(block_that_is_sparse_takes_no_memory),
      cmocka_unit_test(block_without_a_name_gets_a_fresh_one),
      cmocka_unit_test(block_tries_automatic_names_until_one_is_free),
      cmocka_unit_test(block_mode_is_that_of_stock_less_the_umask),
      cmocka_unit_test(block_refuses_modes_that_are_no_permissions),
      cmocka_unit_test(block_checks_its_options),
      cmocka_unit_test(block_refuses_sizes_that_cannot_be),
      cmocka_unit_test(block_checks_its_flags),
      cmocka_unit_test(block_refuses_names_as_name_does),
      cmocka_unit_test(block_names_may_be_odd),
      cmocka_unit_test(block_drops_leading_slashes),
      cmocka_unit_test(block_never_is_a_folder),
      cmocka_unit_test(block_opens_what_another_made),
      cmocka_unit_test(block_size_is_ignored_when_it_is_there),
      cmocka_unit_test(block_that_is_missing_is_not_found),
      cmocka_unit_test(block_that_is_there_exists),
      cmocka_unit_test(block_that_is_read_only_cannot_be_written),
      cmocka_unit_test(block_outlives_its_name),
      cmocka_unit_test(block_checks_the_range),
      cmocka_unit_test(block_refuses_null),
      cmocka_unit_test(block_tells_its_address_and_holds_nothing),
      cmocka_unit_test(block_tells_which_one_it_is),
      cmocka_unit_test(block_that_is_closed_says_so),
      cmocka_unit_test(block_that_is_pinned_is_busy),
      cmocka_unit_test(block_that_is_freed_lives_until_its_last_unpin),
      cmocka_unit_test(block_survives_an_unpin_too_many),
      cmocka_unit_test(block_holds_no_descriptor),
  };
  return run_group(tests);
}
