/* SPDX-License-Identifier: MIT */
#include "base/signature.h"

#include "support.h"

#include <stdlib.h>

/* A text in memory of its own size, for the sanitizer to see what is read
 * beyond its end. */
static polyshm_status parse(const char *text, pshm_signature *out) {
  char *copy = strdup(text);
  polyshm_status status = pshm_signature_parse(copy, out);
  free(copy);
  return status;
}

static void assert_refused(const char *text, const char *part) {
  pshm_signature signature;
  assert_fails(parse(text, &signature), POLYSHM_E_INVALID);
  assert_message(part);
}

static void all_types_are_known(void **state) {
  (void)state;
  pshm_signature signature;
  assert_ok(parse(
      "f64(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, ptr, str)",
      &signature));
  assert_int_equal(signature.result, POLYSHM_TYPE_F64);
  assert_int_equal(signature.nparameters, 12);
  assert_int_equal(signature.ninputs, 12);
  assert_int_equal(signature.ncallees, 0);
  for (int i = 0; i < 12; i++)
    assert_int_equal(signature.parameters[i].type, POLYSHM_TYPE_I8 + i);
}

static void every_result_is_known(void **state) {
  (void)state;
  for (uint32_t type = POLYSHM_TYPE_VOID; type <= POLYSHM_TYPE_STR; type++) {
    char text[32];
    pshm_signature signature;
    snprintf(text, sizeof text, "%s()", pshm_signature_name(type));
    assert_ok(parse(text, &signature));
    assert_int_equal(signature.result, type);
    assert_int_equal(signature.nparameters, 0);
  }
}

static void blanks_count_for_nothing(void **state) {
  (void)state;
  pshm_signature one, other;
  assert_ok(parse("void(const[f64],count,fn i32(*i64,*i64))", &one));
  assert_ok(parse(
      " void\t( const [ f64 ] ,\n count , fn  i32 ( * i64 , * i64 ) ) ",
      &other));
  assert_memory_equal(&one, &other, sizeof one);
}

static void void_may_stand_for_no_parameters(void **state) {
  (void)state;
  pshm_signature signature;
  assert_ok(parse("i32(void)", &signature));
  assert_int_equal(signature.nparameters, 0);
  assert_ok(parse("i32(fn void(void))", &signature));
  assert_int_equal(signature.callees[0].nparameters, 0);
}

static void arrays_have_elements_and_may_be_const(void **state) {
  (void)state;
  pshm_signature signature;
  assert_ok(parse("void([i16], const [u32], buf, const buf)", &signature));
  const pshm_parameter *p = signature.parameters;
  assert_int_equal(p[0].type, POLYSHM_TYPE_ARRAY);
  assert_int_equal(p[0].element, POLYSHM_TYPE_I16);
  assert_false(p[0].is_const);
  assert_int_equal(p[1].element, POLYSHM_TYPE_U32);
  assert_true(p[1].is_const);
  assert_int_equal(p[2].type, POLYSHM_TYPE_BUF);
  assert_false(p[2].is_const);
  assert_true(p[3].is_const);
}

static void sizes_belong_to_the_block_beside_them(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int size, block; /* places */
  } cases[] = {
      {"void([f64], count)", 1, 0},
      {"void(count, [f64])", 0, 1},
      {"void(buf, len, const buf, len)", 3, 2},
      {"void(buf, len, const buf, len)", 1, 0},
      {"void([f64], count, [f64])", 1, 0},
      {"void([f64], count, count, [f64])", 2, 3},
      {"void([f64], count, len)", 2, 0},
      {"void([f64], len, count)", 2, 0},
      {"void(i32, len, buf, f64)", 1, 2},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    pshm_signature signature;
    assert_ok(parse(cases[i].text, &signature));
    assert_int_equal(signature.parameters[cases[i].size].other, cases[i].block);
  }
}

static void sizes_are_no_inputs(void **state) {
  (void)state;
  pshm_signature signature;
  assert_ok(parse("i32(buf, len, const [f64], count, i64)", &signature));
  assert_int_equal(signature.nparameters, 5);
  assert_int_equal(signature.ninputs, 3);
}

static void sizes_need_a_block(void **state) {
  (void)state;
  assert_refused("void(len)", "parameter 1");
  assert_refused("void(buf, i32, len)", "parameter 3");
  assert_refused("void([f64], count, count)", "parameter 3");
  assert_refused("void(ptr, count)", "count");
}

static void callbacks_have_signatures(void **state) {
  (void)state;
  pshm_signature signature;
  assert_ok(parse(
      "void([i64], count, u64, fn i32(*i64, f32, ptr, *str), fn ptr())",
      &signature));
  assert_int_equal(signature.ncallees, 2);
  const pshm_callee *callee = &signature.callees[0];
  assert_int_equal(callee->result, POLYSHM_TYPE_I32);
  assert_int_equal(callee->nparameters, 4);
  assert_int_equal(callee->parameters[0].type, POLYSHM_TYPE_I64);
  assert_true(callee->parameters[0].is_read);
  assert_false(callee->parameters[1].is_read);
  assert_int_equal(callee->parameters[3].type, POLYSHM_TYPE_STR);
  assert_true(callee->parameters[3].is_read);
  assert_int_equal(signature.callees[1].result, POLYSHM_TYPE_PTR);
  assert_int_equal(signature.parameters[4].other, 1);

  pshm_callee alone;
  assert_ok(pshm_signature_parse_callee("i32(*i64, f32, ptr, *str)", &alone));
  assert_memory_equal(&alone, callee, sizeof alone);
  assert_ok(
      pshm_signature_parse_callee("fn i32(*i64, f32, ptr, *str)", &alone));
  assert_memory_equal(&alone, callee, sizeof alone);
}

static void callbacks_take_simple_things(void **state) {
  (void)state;
  assert_refused("void(fn str())", "the result of a callback");
  assert_refused("void(fn void(buf))", "a callback takes");
  assert_refused("void(fn void([i8]))", "a type is expected");
  assert_refused("void(fn void(fn void()))", "a callback takes");
  assert_refused("void(fn void(**i8))", "a type is expected");
  assert_refused("void(*i8)", "a type is expected");
  assert_refused("void(fn)", "a type is expected");
  pshm_callee callee;
  assert_fails(
      pshm_signature_parse_callee("i32(const buf)", &callee),
      POLYSHM_E_INVALID);
  assert_fails(
      pshm_signature_parse_callee("i32() i32", &callee), POLYSHM_E_INVALID);
  assert_fails(pshm_signature_parse_callee(NULL, &callee), POLYSHM_E_INVALID);
}

static void what_is_wrong_is_said_with_its_place(void **state) {
  (void)state;
  assert_refused("f64(ptr, i6)", "'i6' at character 10: a type is expected");
  assert_refused("", "ends at character 1: a type is expected: i8 to");
  assert_refused("int(i32)", "'int' at character 1");
  assert_refused("int(i32)", "ptr, str or void");
  assert_refused("i32(fn int())", "f64, ptr or void");
  assert_refused("i32(fn i32(int))", "str or * and");
  assert_refused("i32(int)", "[T], len, count or fn");
  assert_refused("f64", "ends at character 4: '(' is expected");
  assert_refused("f64(", "ends at character 5");
  assert_refused("f64(i8", "',' or ')' is expected");
  assert_refused("f64(i8,)", "')' at character 8");
  assert_refused("f64(,)", "',' at character 5");
  assert_refused("f64()x", "'x' at character 6: nothing is expected");
  assert_refused("buf()", "a result is void");
  assert_refused("[f64]()", "'[' at character 1");
  assert_refused("f64(void, i8)", "no parameter can be void");
  assert_refused("f64(i8, void)", "no parameter can be void");
  assert_refused("f64([ptr])", "the elements of [T] are numbers");
  assert_refused("f64([f64)", "']' is expected");
  assert_refused("f64(const i32)", "only buf and [T] can be const");
  assert_refused("f64(int)", "'int'");
  assert_refused("f64(I8)", "'I8'");
  assert_refused("f64(\xff)", "0xff at character 5");
  assert_refused("f64(\x01)", "0x01 at character 5");
  assert_refused("f64([T])", "'T'");
}

static void what_cannot_be_passed_is_said(void **state) {
  (void)state;
  assert_refused("i32(str, ...)", "variable arguments cannot be passed");
  assert_refused("void(struct point)", "structs and unions");
  assert_refused("void({i32, i32})", "structs and unions");
  assert_refused("struct point()", "structs and unions");
  assert_refused("void(union u)", "structs and unions");
}

/* "void(i8, i8, ...)" and so on, with this many parameters. */
static const char *repeat(const char *begin, const char *one, int times) {
  static char text[4096];
  strcpy(text, begin);
  for (int i = 0; i < times; i++)
    sprintf(text + strlen(text), "%s%s", i == 0 ? "" : ",", one);
  return strcat(text, ")");
}

static void everything_has_a_bound(void **state) {
  (void)state;
  pshm_signature signature;
  assert_ok(parse(repeat("void(", "i8", 32), &signature));
  assert_refused(repeat("void(", "i8", 33), "at most 32 parameters");
  assert_ok(parse(repeat("void(", "fn i8()", 4), &signature));
  assert_refused(repeat("void(", "fn i8()", 5), "at most 4 callbacks");
  pshm_callee callee;
  assert_ok(pshm_signature_parse_callee(repeat("i8(", "*i8", 16), &callee));
  assert_fails(
      pshm_signature_parse_callee(repeat("i8(", "*i8", 17), &callee),
      POLYSHM_E_INVALID);
  assert_message("at most 16 parameters");

  char text[1200] = "void()";
  memset(text + 6, ' ', sizeof text - 6);
  text[1023] = 0;
  assert_ok(parse(text, &signature));
  text[1023] = ' ';
  text[1024] = 0;
  assert_refused(text, "longer than 1023 characters");
  assert_fails(pshm_signature_parse(NULL, &signature), POLYSHM_E_INVALID);
}

static void long_words_are_cut_in_messages(void **state) {
  (void)state;
  char text[1024] = "void(";
  memset(text + 5, 'a', 1000);
  assert_refused(text, "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' at character 6");
}

static void what_is_no_type_has_no_name(void **state) {
  (void)state;
  assert_string_equal(pshm_signature_name(99), "an unknown type");
  assert_int_equal(pshm_signature_width(99), 0);
  assert_int_equal(pshm_signature_width(POLYSHM_TYPE_U16), 2);
}

/* A length is of one block, and a block has one. */
static void a_block_has_one_length(void **state) {
  (void)state;
  assert_refused("void(len, buf, len)", "parameter 3");
  assert_refused("void(count, [f64], len, count)", "parameter 4");
  pshm_signature signature;
  assert_ok(parse("void(len, buf, len, buf)", &signature));
  assert_int_equal(signature.parameters[0].other, 1);
  assert_int_equal(signature.parameters[2].other, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_types_are_known),
      cmocka_unit_test(every_result_is_known),
      cmocka_unit_test(blanks_count_for_nothing),
      cmocka_unit_test(void_may_stand_for_no_parameters),
      cmocka_unit_test(arrays_have_elements_and_may_be_const),
      cmocka_unit_test(sizes_belong_to_the_block_beside_them),
      cmocka_unit_test(sizes_are_no_inputs),
      cmocka_unit_test(sizes_need_a_block),
      cmocka_unit_test(callbacks_have_signatures),
      cmocka_unit_test(callbacks_take_simple_things),
      cmocka_unit_test(what_is_wrong_is_said_with_its_place),
      cmocka_unit_test(what_cannot_be_passed_is_said),
      cmocka_unit_test(everything_has_a_bound),
      cmocka_unit_test(long_words_are_cut_in_messages),
      cmocka_unit_test(what_is_no_type_has_no_name),
      cmocka_unit_test(a_block_has_one_length),
  };
  return run_group(tests);
}
