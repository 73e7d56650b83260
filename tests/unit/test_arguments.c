/* SPDX-License-Identifier: MIT */
/* Blocks as arguments: what they are checked for, and that they are held. */
#include "polyshm.h"

#include "native/native.h"

typedef struct fixture {
  polyshm_block *block; /* of 800 bytes */
  double *numbers;
  polyshm_function *fill; /* void([f64], count, f64) */
  polyshm_function *last; /* f64(count, const [f64]) */
} fixture;

static int setup(void **state) {
  static fixture made;
  void *address;
  uint64_t size;
  assert_ok(polyshm_block_open(
      fresh_name(), 800, POLYSHM_CREATE | POLYSHM_EXCLUSIVE, NULL,
      &made.block));
  assert_ok(polyshm_block_pin(made.block, &address, &size));
  polyshm_block_unpin(made.block);
  made.numbers = address;
  made.fill = kernel("fill_f64", "void([f64], count, f64)");
  made.last = kernel("last_f64", "f64(count, const [f64])");
  *state = &made;
  return 0;
}

static int teardown(void **state) {
  fixture *made = *state;
  polyshm_function_free(made->fill);
  polyshm_function_free(made->last);
  polyshm_unlink(polyshm_block_name(made->block));
  polyshm_block_free(made->block);
  return 0;
}

static polyshm_status fill(
    const fixture *made, const polyshm_view *view, double number) {
  const polyshm_value values[] = {view_value(view), float_value(number)};
  return polyshm_function_call(made->fill, values, 2, NULL, NULL, NULL);
}

/* Whatever happened, nothing is pinned any more. */
static void assert_unpinned(const fixture *made) {
  assert_ok(polyshm_block_close(made->block));
}

static void a_whole_block_is_an_array(void **state) {
  fixture *made = *state;
  polyshm_view view = whole(made->block);
  assert_ok(fill(made, &view, 2.5));
  for (int i = 0; i < 100; i++)
    assert_true(made->numbers[i] == 2.5);
  assert_unpinned(made);
}

static void a_range_of_a_block_is_an_array(void **state) {
  fixture *made = *state;
  polyshm_view view = whole(made->block);
  view.offset = 80;
  view.nbytes = 24;
  view.element = POLYSHM_TYPE_F64;
  assert_ok(fill(made, &view, 1.0));
  for (int i = 0; i < 100; i++)
    assert_true(made->numbers[i] == (i >= 10 && i < 13));
  assert_unpinned(made);
}

static void what_is_no_whole_element_is_left_out(void **state) {
  fixture *made = *state;
  polyshm_view view = whole(made->block);
  view.nbytes = 15;
  assert_ok(fill(made, &view, 1.0));
  assert_true(made->numbers[0] == 1.0 && made->numbers[1] == 0.0);
  view.offset = 800;
  view.nbytes = 0;
  assert_ok(fill(made, &view, 1.0));
  assert_unpinned(made);
}

static void a_size_may_come_before_its_block(void **state) {
  fixture *made = *state;
  made->numbers[9] = 7.0;
  polyshm_view view = whole(made->block);
  view.nbytes = 80;
  polyshm_value value = view_value(&view), result;
  assert_ok(polyshm_function_call(made->last, &value, 1, NULL, NULL, &result));
  assert_true(result.of.f == 7.0);
  assert_unpinned(made);
}

static void bytes_are_buffers(void **state) {
  fixture *made = *state;
  polyshm_view view = whole(made->block);
  memset(made->numbers, 1, 800);
  view.offset = 3;
  view.nbytes = 500;
  view.element = POLYSHM_TYPE_I32; /* a buf does not mind */
  polyshm_value value = view_value(&view);
  assert_int_equal(
      call_once("sum_bytes", "u64(const buf, len)", &value, 1).of.i, 500);
  value = bytes_value("\1\2\3", 3);
  assert_int_equal(
      call_once("sum_bytes", "u64(const buf, len)", &value, 1).of.i, 6);
  assert_int_equal(
      call_once("sum_bytes", "u64(const [u8], count)", &value, 1).of.i, 6);
  value = bytes_value(NULL, 0);
  assert_int_equal(
      call_once("sum_bytes", "u64(const [i8], count)", &value, 1).of.i, 0);
  assert_unpinned(made);
}

static void strings_are_for_reading(void **state) {
  fixture *made = *state;
  static const char *const signatures[] = {
      "u64(buf, len)", "u64([u8], count)", "u64(const [i16], count)"};
  for (size_t i = 0; i < LENGTH(signatures); i++) {
    polyshm_function *sum = kernel("sum_bytes", signatures[i]);
    polyshm_value value = string_value("abc");
    assert_fails(
        polyshm_function_call(sum, &value, 1, NULL, NULL, NULL),
        POLYSHM_E_TYPE);
    polyshm_function_free(sum);
  }
  polyshm_function *sum = kernel("sum_bytes", "u64(const buf, len)");
  polyshm_value nowhere = bytes_value(NULL, 3);
  assert_fails(
      polyshm_function_call(sum, &nowhere, 1, NULL, NULL, NULL),
      POLYSHM_E_INVALID);
  polyshm_function_free(sum);
  assert_unpinned(made);
}

static void the_end_of_the_block_is_the_end(void **state) {
  fixture *made = *state;
  static const struct {
    uint64_t offset, nbytes;
  } cases[] = {{0, 801},          {801, 0},
               {800, 1},          {8, UINT64_MAX},
               {UINT64_MAX, 8},   {UINT64_MAX, UINT64_MAX},
               {792, UINT64_MAX}, {1ull << 63, 1ull << 63}};
  for (size_t i = 0; i < LENGTH(cases); i++) {
    polyshm_view view = whole(made->block);
    view.offset = cases[i].offset;
    view.nbytes = cases[i].nbytes;
    assert_fails(fill(made, &view, 1.0), POLYSHM_E_RANGE);
  }
  assert_true(made->numbers[0] == 0.0);
  assert_unpinned(made);
}

static void elements_must_be_of_the_type(void **state) {
  fixture *made = *state;
  for (uint32_t type = POLYSHM_TYPE_VOID; type <= POLYSHM_TYPE_F64; type++) {
    polyshm_view view = whole(made->block);
    view.element = type;
    bool fits = type == POLYSHM_TYPE_VOID || type == POLYSHM_TYPE_U8 ||
                type == POLYSHM_TYPE_F64;
    assert_fails(fill(made, &view, 1.0), fits ? POLYSHM_OK : POLYSHM_E_TYPE);
  }
  assert_unpinned(made);
}

static void elements_must_be_aligned(void **state) {
  fixture *made = *state;
  for (uint64_t offset = 0; offset <= 8; offset++) {
    polyshm_view view = whole(made->block);
    view.offset = offset;
    view.nbytes = 80;
    assert_fails(
        fill(made, &view, 1.0),
        offset % 8 == 0 ? POLYSHM_OK : POLYSHM_E_INVALID);
  }
  assert_message("aligned");
  assert_unpinned(made);
}

static void what_is_read_only_needs_const(void **state) {
  fixture *made = *state;
  polyshm_block *reader;
  assert_ok(polyshm_block_open(
      polyshm_block_name(made->block), 0, POLYSHM_READ_ONLY, NULL, &reader));
  polyshm_view view = whole(reader);
  assert_fails(fill(made, &view, 1.0), POLYSHM_E_ACCESS);
  assert_message("not const");
  polyshm_value value = view_value(&view), result;
  assert_ok(polyshm_function_call(made->last, &value, 1, NULL, NULL, &result));
  assert_ok(polyshm_block_close(reader));
  polyshm_block_free(reader);

  view = whole(made->block); /* writable, but not by this view */
  view.flags = POLYSHM_READ_ONLY;
  assert_fails(fill(made, &view, 1.0), POLYSHM_E_ACCESS);
  assert_ok(polyshm_function_call(made->last, &value, 1, NULL, NULL, &result));
  assert_unpinned(made);
}

static void a_closed_block_is_refused(void **state) {
  fixture *made = *state;
  polyshm_view view = whole(made->block);
  assert_ok(polyshm_block_close(made->block));
  assert_fails(fill(made, &view, 1.0), POLYSHM_E_CLOSED);
}

static void views_are_checked_structs(void **state) {
  fixture *made = *state;
  polyshm_view view = whole(made->block);
  view.struct_size = 0;
  assert_fails(fill(made, &view, 1.0), POLYSHM_E_INVALID);
  view = whole(made->block);
  view.flags = POLYSHM_CREATE;
  assert_fails(fill(made, &view, 1.0), POLYSHM_E_INVALID);
  view = whole(made->block);
  view.element = POLYSHM_TYPE_PTR;
  assert_fails(fill(made, &view, 1.0), POLYSHM_E_INVALID);
  view = whole(NULL);
  assert_fails(fill(made, &view, 1.0), POLYSHM_E_INVALID);
  assert_fails(fill(made, NULL, 1.0), POLYSHM_E_INVALID);

  /* One of an older header, which ends before `element`; a newer one. */
  view = whole(made->block);
  view.struct_size = 32;
  view.element = 99;
  assert_ok(fill(made, &view, 1.0));
  struct {
    polyshm_view view;
    uint64_t more;
  } newer = {.view = whole(made->block)};
  newer.view.struct_size = sizeof newer;
  assert_ok(fill(made, &newer.view, 1.0));
  newer.more = 1;
  assert_fails(fill(made, &newer.view, 1.0), POLYSHM_E_UNSUPPORTED);
  assert_unpinned(made);
}

/* The second argument fails: the first is given back. */
static void a_failure_unpins_all(void **state) {
  fixture *made = *state;
  polyshm_function *dot = kernel("dot", "f64(const [f64], const [f64], count)");
  polyshm_view good = whole(made->block), bad = whole(made->block);
  bad.nbytes = 808;
  const polyshm_value values[] = {view_value(&good), view_value(&bad)};
  assert_fails(
      polyshm_function_call(dot, values, 2, NULL, NULL, NULL), POLYSHM_E_RANGE);
  assert_message("value 2");
  polyshm_function_free(dot);
  assert_unpinned(made);
}

static polyshm_status try_to_close(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata) {
  (void)parameter;
  (void)values;
  (void)nvalues;
  fixture *made = userdata;
  out_value->of.f = polyshm_block_close(made->block);
  polyshm_block *block = made->block;
  polyshm_block_free(block); /* the mapping stays */
  return POLYSHM_OK;
}

/* fill_f64's last parameter is no function: the callback runs in another call,
 * inside which the block stays mapped though its handle is freed. */
static void a_block_is_pinned_during_the_call(void **state) {
  fixture *made = *state;
  polyshm_function *call = kernel("call_f64", "f64(f64, fn f64(f64))");
  polyshm_function *touch;
  void *address;
  assert_ok(polyshm_function_find(POLYSHM_KERNELS, "call_f64", &address));
  assert_ok(
      polyshm_function_at(address, "f64(f64, fn f64(f64), [f64])", &touch));
  polyshm_view view = whole(made->block);
  const polyshm_value values[] = {
      float_value(1), callback_value(NULL), view_value(&view)};
  char name[POLYSHM_NAME_MAX + 1];
  strcpy(name, polyshm_block_name(made->block));
  polyshm_value result;
  assert_ok(
      polyshm_function_call(touch, values, 3, try_to_close, made, &result));
  assert_true(result.of.f == POLYSHM_E_BUSY);
  polyshm_function_free(touch);
  polyshm_function_free(call);
  assert_ok(polyshm_block_open(name, 0, 0, NULL, &made->block));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(a_whole_block_is_an_array),
      TEST(a_range_of_a_block_is_an_array),
      TEST(what_is_no_whole_element_is_left_out),
      TEST(a_size_may_come_before_its_block),
      TEST(bytes_are_buffers),
      TEST(strings_are_for_reading),
      TEST(the_end_of_the_block_is_the_end),
      TEST(elements_must_be_of_the_type),
      TEST(elements_must_be_aligned),
      TEST(what_is_read_only_needs_const),
      TEST(a_closed_block_is_refused),
      TEST(views_are_checked_structs),
      TEST(a_failure_unpins_all),
      TEST(a_block_is_pinned_during_the_call),
  };
  return run_group(tests);
}
