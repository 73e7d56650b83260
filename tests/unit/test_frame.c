/* SPDX-License-Identifier: MIT */
#include "base/frame.h"

#include "protocol/vectors.h"
#include "support.h"

#include "vectors_table.h"

static void frame_headers_are_those_of_stock(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(vectors_frame); i++) {
    const vector_frame *one = vectors_frame + i;
    unsigned char header[PSHM_FRAME_HEADER_MAX];
    size_t size = pshm_frame_make_header(one->size, header);
    assert_int_equal(size, one->nheader);
    assert_memory_equal(header, one->header, size);
  }
}

static void frame_reads_what_it_writes(void **state) {
  (void)state;
  pshm_buffer out = {0};
  pshm_frame_put(&out, "one", 3);
  pshm_frame_put(&out, "", 0);
  size_t begun = pshm_frame_begin(&out);
  pshm_buffer_put(&out, "three", 5);
  pshm_frame_end(&out, begun);
  static const char *const bodies[] = {"one", "", "three"};
  size_t used = 0;
  for (size_t i = 0; i < LENGTH(bodies); i++) {
    pshm_frame frame;
    assert_int_equal(
        pshm_frame_read(out.bytes + used, out.size - used, 5, &frame),
        PSHM_FRAME_WHOLE);
    assert_int_equal(frame.size, strlen(bodies[i]));
    assert_memory_equal(frame.body, bodies[i], frame.size);
    used += frame.total;
  }
  assert_int_equal(used, out.size);
  pshm_buffer_drop(&out);
}

static void frame_waits_for_the_last_byte(void **state) {
  (void)state;
  static const char whole[] = "\0\0\0\3abc";
  static const char large[] = "\xff\xff\xff\xff\0\0\0\0\0\0\0\3abc";
  pshm_frame frame;
  for (size_t size = 0; size < 7; size++)
    assert_int_equal(pshm_frame_read(whole, size, 9, &frame), PSHM_FRAME_PART);
  assert_int_equal(pshm_frame_read(whole, 7, 9, &frame), PSHM_FRAME_WHOLE);
  for (size_t size = 0; size < 15; size++)
    assert_int_equal(pshm_frame_read(large, size, 9, &frame), PSHM_FRAME_PART);
  assert_int_equal(pshm_frame_read(large, 15, 9, &frame), PSHM_FRAME_WHOLE);
  assert_int_equal(frame.size, 3);
  assert_int_equal(frame.total, 15);
}

static void frame_refuses_what_is_too_long_at_its_header(void **state) {
  (void)state;
  pshm_frame frame;
  assert_int_equal(
      pshm_frame_read("\0\0\0\4", 4, 3, &frame), PSHM_FRAME_REFUSED);
  assert_int_equal(
      pshm_frame_read("\x80\0\0\0", 4, SIZE_MAX, &frame), PSHM_FRAME_REFUSED);
  assert_int_equal(
      pshm_frame_read(
          "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, 1 << 20,
          &frame),
      PSHM_FRAME_REFUSED);
}

static void buffer_gives_large_memory_back(void **state) {
  (void)state;
  pshm_buffer buffer = {0};
  static const char bytes[100000];
  pshm_buffer_put(&buffer, bytes, sizeof bytes);
  pshm_buffer_consume(&buffer, 1);
  assert_int_equal(buffer.size, sizeof bytes - 1);
  pshm_buffer_consume(&buffer, sizeof bytes - 1);
  assert_int_equal(buffer.capacity, 0);
  assert_null(buffer.bytes);
  assert_null(pshm_buffer_reserve(&buffer, SIZE_MAX / 2 + 2));
  assert_true(buffer.has_failed);
  pshm_buffer_put(&buffer, "x", 1);
  assert_int_equal(buffer.size, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frame_headers_are_those_of_stock),
      cmocka_unit_test(frame_reads_what_it_writes),
      cmocka_unit_test(frame_waits_for_the_last_byte),
      cmocka_unit_test(frame_refuses_what_is_too_long_at_its_header),
      cmocka_unit_test(buffer_gives_large_memory_back),
  };
  return run_group(tests);
}
