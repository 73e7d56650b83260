/* SPDX-License-Identifier: MIT */
#include "call/callback.h"

#include "native/native.h"

#include <pthread.h>
#include <stdlib.h>

/* --------------------------------------------------- memory that is refused */

static bool is_refused;

void *__real_ffi_closure_alloc(size_t size, void **code);
void *__wrap_ffi_closure_alloc(size_t size, void **code);
void *__wrap_ffi_closure_alloc(size_t size, void **code) {
  return is_refused ? NULL : __real_ffi_closure_alloc(size, code);
}

/* As for a type or an architecture that it does not know. */
static bool refuses_signatures, refuses_closures;

ffi_status __real_ffi_prep_cif(
    ffi_cif *cif, ffi_abi abi, unsigned n, ffi_type *result, ffi_type **types);
ffi_status __wrap_ffi_prep_cif(
    ffi_cif *cif, ffi_abi abi, unsigned n, ffi_type *result, ffi_type **types);
ffi_status __wrap_ffi_prep_cif(
    ffi_cif *cif, ffi_abi abi, unsigned n, ffi_type *result, ffi_type **types) {
  return refuses_signatures ? FFI_BAD_TYPEDEF
                            : __real_ffi_prep_cif(cif, abi, n, result, types);
}

typedef void runner(ffi_cif *, void *, void **, void *);
ffi_status __real_ffi_prep_closure_loc(
    ffi_closure *closure, ffi_cif *cif, runner *run, void *context, void *code);
ffi_status __wrap_ffi_prep_closure_loc(
    ffi_closure *closure, ffi_cif *cif, runner *run, void *context, void *code);
ffi_status __wrap_ffi_prep_closure_loc(
    ffi_closure *closure, ffi_cif *cif, runner *run, void *context,
    void *code) {
  return refuses_closures
             ? FFI_BAD_ABI
             : __real_ffi_prep_closure_loc(closure, cif, run, context, code);
}

/* -------------------------------------------------------------- what to call
 */

typedef struct script {
  polyshm_status status;
  uint64_t runs, parameter, nvalues;
  polyshm_value last; /* of the values, as it came */
  bool is_freed;
  polyshm_callback *itself;
  polyshm_function *function;
} script;

/* Answer the first value. */
static polyshm_status follow(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata) {
  script *wish = userdata;
  wish->runs++;
  wish->parameter = parameter;
  wish->nvalues = nvalues;
  if (nvalues != 0) {
    wish->last = values[nvalues - 1];
    out_value->of = values[0].of;
  }
  polyshm_callback_free(wish->itself);
  wish->itself = NULL;
  polyshm_function_free(wish->function);
  wish->function = NULL;
  return wish->status;
}

static void note_freed(void *userdata) {
  ((script *)userdata)->is_freed = true;
}

static polyshm_callback *make(const char *signature, script *wish) {
  polyshm_callback *callback = NULL;
  assert_ok(
      polyshm_callback_open(signature, follow, wish, note_freed, &callback));
  return callback;
}

static polyshm_status repeat(
    polyshm_value callback, int64_t times, script *wish,
    polyshm_value *out_value) {
  polyshm_function *function = kernel("repeat", "i64(i64, fn i64(i64))");
  const polyshm_value values[] = {int_value(times), callback};
  polyshm_status status = polyshm_function_call(
      function, values, 2, wish == NULL ? NULL : follow, wish, out_value);
  polyshm_function_free(function);
  return status;
}

/* --------------------------------------------------------------------- tests
 */

static void a_function_is_called_back(void **state) {
  (void)state;
  script wish = {0};
  polyshm_value result;
  assert_ok(repeat(callback_value(NULL), 5, &wish, &result));
  assert_int_equal(result.of.i, 0 + 1 + 2 + 3 + 4);
  assert_int_equal(wish.runs, 5);
  assert_int_equal(wish.parameter, 1);
  assert_int_equal(wish.nvalues, 1);
}

static void a_callback_is_called_back(void **state) {
  (void)state;
  script wish = {0};
  polyshm_callback *callback = make("i64(i64)", &wish);
  polyshm_value result;
  for (int i = 0; i < 3; i++) {
    assert_ok(repeat(callback_value(callback), 5, NULL, &result));
    assert_int_equal(result.of.i, 10);
  }
  assert_int_equal(wish.runs, 15);
  assert_true(wish.parameter == UINT64_MAX);
  assert_false(wish.is_freed);
  polyshm_callback_free(callback);
  assert_true(wish.is_freed);
}

static void a_native_function_is_called_as_it_is(void **state) {
  (void)state;
  void *twice;
  polyshm_value result;
  assert_ok(polyshm_function_find(POLYSHM_KERNELS, "twice", &twice));
  assert_ok(repeat(pointer_value(twice), 5, NULL, &result));
  assert_int_equal(result.of.i, 20);
}

/* With the types of values, and with the numbers behind pointers. */
static void every_type_crosses(void **state) {
  (void)state;
  static const char *const names[] = {"i8",  "i16", "i32", "i64", "u8",
                                      "u16", "u32", "u64", "f32", "f64"};
  for (size_t i = 0; i < LENGTH(names); i++)
    for (int is_read = 0; is_read <= 1; is_read++) {
      char symbol[32], signature[64];
      snprintf(
          symbol, sizeof symbol, "call_%s%s", is_read ? "at_" : "", names[i]);
      snprintf(
          signature, sizeof signature, "%s(%s, fn %s(%s%s))", names[i],
          names[i], names[i], is_read ? "*" : "", names[i]);
      polyshm_function *call = kernel(symbol, signature);
      bool is_signed = names[i][0] == 'i', is_float = names[i][0] == 'f';
      int bits = atoi(names[i] + 1);
      polyshm_value edges[] = {
          is_float ? float_value(-1.5) : int_value(is_signed ? -1 : 1),
          is_float    ? float_value(0.0)
          : is_signed ? int_value(-((int64_t)1 << (bits - 2)) * 2)
                      : uint_value(UINT64_MAX >> (64 - bits)),
          is_float    ? float_value(-0x1p100)
          : is_signed ? int_value((int64_t)(UINT64_MAX >> (65 - bits)))
                      : uint_value(0)};
      for (size_t j = 0; j < LENGTH(edges); j++) {
        script wish = {0};
        polyshm_value result, values[] = {edges[j], callback_value(NULL)};
        assert_ok(
            polyshm_function_call(call, values, 2, follow, &wish, &result));
        assert_int_equal(result.of.i, edges[j].of.i); /* all the bits */
        assert_true(same_value(&result, &wish.last));
      }
      polyshm_function_free(call);
    }
}

static void pointers_and_strings_cross(void **state) {
  (void)state;
  int here = 0;
  script wish = {0};
  polyshm_function *call = kernel("call_ptr", "ptr(ptr, fn ptr(ptr))");
  polyshm_value values[] = {pointer_value(&here), callback_value(NULL)}, result;
  assert_ok(polyshm_function_call(call, values, 2, follow, &wish, &result));
  assert_ptr_equal(result.of.p, &here);
  values[0] = none_value();
  assert_ok(polyshm_function_call(call, values, 2, follow, &wish, &result));
  assert_int_equal(wish.last.type, POLYSHM_NONE);
  polyshm_function_free(call);

  call = kernel("call_str", "i32(str, fn void(str))");
  values[0] = string_value("grün");
  assert_ok(polyshm_function_call(call, values, 2, follow, &wish, NULL));
  assert_int_equal(wish.last.type, POLYSHM_STRING);
  assert_int_equal(wish.last.size, 5);
  assert_string_equal(wish.last.of.p, "grün");
  polyshm_function_free(call);
}

static void null_is_none(void **state) {
  (void)state;
  script wish = {0};
  polyshm_function *call = kernel("call_null", "i64(fn i64(*i64, str))");
  polyshm_value value = callback_value(NULL), result;
  assert_ok(polyshm_function_call(call, &value, 1, follow, &wish, &result));
  assert_int_equal(wish.last.type, POLYSHM_NONE);
  assert_int_equal(wish.nvalues, 2);
  assert_int_equal(result.of.i, 0);
  polyshm_function_free(call);
}

static void answers_must_fit(void **state) {
  (void)state;
  script wish = {0};
  polyshm_function *call = kernel("call_i64", "i64(i64, fn i8(i64))");
  polyshm_value values[] = {int_value(128), callback_value(NULL)};
  polyshm_value result = {.type = 77};
  assert_fails(
      polyshm_function_call(call, values, 2, follow, &wish, &result),
      POLYSHM_E_RANGE);
  assert_message("a callback's answer does not fit i8: it is 128");
  assert_int_equal(result.type, 77);
  polyshm_function_free(call);
}

static void a_failure_ends_the_callbacks(void **state) {
  (void)state;
  script wish = {.status = POLYSHM_E_CORRUPT};
  polyshm_value result = {.type = 77};
  assert_fails(
      repeat(callback_value(NULL), 5, &wish, &result), POLYSHM_E_CORRUPT);
  assert_message("POLYSHM_E_CORRUPT");
  assert_int_equal(wish.runs, 1);
  assert_int_equal(result.type, 77);

  wish.status = 5; /* no status at all */
  assert_fails(
      repeat(callback_value(NULL), 5, &wish, &result), POLYSHM_E_INVALID);
  assert_int_equal(wish.runs, 2);
  wish.status = POLYSHM_OK; /* the next call begins anew */
  assert_ok(repeat(callback_value(NULL), 5, &wish, &result));
}

static void a_failure_counts_for_callbacks_too(void **state) {
  (void)state;
  script wish = {.status = POLYSHM_E_TIMEOUT};
  polyshm_callback *callback = make("i64(i64)", &wish);
  assert_fails(
      repeat(callback_value(callback), 5, NULL, NULL), POLYSHM_E_TIMEOUT);
  assert_int_equal(wish.runs, 1);
  polyshm_callback_free(callback);
}

static void two_functions_are_told_apart(void **state) {
  (void)state;
  void *twice;
  assert_ok(polyshm_function_find(POLYSHM_KERNELS, "twice", &twice));
  script one = {0}, other = {0};
  polyshm_callback *callback = make("i64(i64)", &other);
  polyshm_function *both = kernel("both", "i64(fn i64(i64), fn i64(i64))");
  polyshm_value values[] = {callback_value(NULL), callback_value(NULL)}, result;
  assert_ok(polyshm_function_call(both, values, 2, follow, &one, &result));
  assert_int_equal(one.runs, 2);
  assert_int_equal(one.parameter, 1);
  assert_int_equal(result.of.i, 1002);
  values[0] = callback_value(callback);
  values[1] = pointer_value(twice);
  assert_ok(polyshm_function_call(both, values, 2, NULL, NULL, &result));
  assert_int_equal(other.runs, 1);
  assert_int_equal(result.of.i, 1004);
  polyshm_function_free(both);
  polyshm_callback_free(callback);
}

static void another_thread_gets_zero(void **state) {
  (void)state;
  script wish = {0};
  polyshm_function *call = kernel("call_on_thread", "i64(fn i64(i64))");
  polyshm_value value = callback_value(NULL), result;
  assert_ok(polyshm_function_call(call, &value, 1, follow, &wish, &result));
  assert_int_equal(result.of.i, 0);
  polyshm_callback *callback = make("i64(i64)", &wish);
  value = callback_value(callback);
  assert_ok(polyshm_function_call(call, &value, 1, NULL, NULL, &result));
  assert_int_equal(result.of.i, 0);
  assert_int_equal(wish.runs, 0);
  polyshm_callback_free(callback);
  polyshm_function_free(call);
}

/* What native code keeps is called in later calls, but only if it was made to
 * be kept. */
static void what_is_kept_may_be_called_later(void **state) {
  (void)state;
  script wish = {0};
  polyshm_callback *callback = make("i64(i64)", &wish);
  polyshm_function *keep = kernel("keep", "void(fn i64(i64))");
  polyshm_function *call = kernel("call_kept", "i64(i64)");
  polyshm_value value = callback_value(callback), seven = int_value(7), result;
  assert_ok(polyshm_function_call(keep, &value, 1, NULL, NULL, NULL));
  assert_ok(polyshm_function_call(call, &seven, 1, NULL, NULL, &result));
  assert_int_equal(result.of.i, 7);
  assert_int_equal(wish.runs, 1);

  value = callback_value(NULL);
  assert_ok(polyshm_function_call(keep, &value, 1, follow, &wish, NULL));
  assert_ok(polyshm_function_call(call, &seven, 1, NULL, NULL, &result));
  assert_int_equal(result.of.i, 0);
  assert_int_equal(wish.runs, 1);

  void *address;
  assert_ok(polyshm_callback_address(callback, &address));
  int64_t (*direct)(int64_t);
  memcpy(&direct, &address, sizeof direct);
  assert_int_equal(direct(7), 0); /* this thread is in no call */
  assert_int_equal(wish.runs, 1);
  polyshm_function_free(keep);
  polyshm_function_free(call);
  polyshm_callback_free(callback);
}

/* What one call was given is called by another one inside it. */
static polyshm_status call_what_is_kept(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata) {
  (void)parameter;
  (void)values;
  (void)nvalues;
  ++*(int *)userdata;
  polyshm_function *call = kernel("call_kept", "i64(i64)");
  polyshm_value seven = int_value(7), result = int_value(1);
  assert_ok(polyshm_function_call(call, &seven, 1, NULL, NULL, &result));
  assert_int_equal(result.of.i, 0);
  polyshm_function_free(call);
  out_value->of.i = 5;
  return POLYSHM_OK;
}

static void what_is_one_calls_is_not_anothers(void **state) {
  (void)state;
  int runs = 0;
  polyshm_function *keep = kernel("keep_and_call", "i64(fn i64(i64))");
  const polyshm_value value = callback_value(NULL);
  assert_failure(
      polyshm_function_call(keep, &value, 1, call_what_is_kept, &runs, NULL),
      POLYSHM_E_UNSUPPORTED, 0, "from inside another");
  assert_int_equal(runs, 1);
  polyshm_function_free(keep);
}

/* The native function does not know, and goes on calling. */
static void what_runs_is_freed_afterwards(void **state) {
  (void)state;
  script wish = {0};
  wish.itself = make("i64(i64)", &wish);
  polyshm_value value = callback_value(wish.itself), result;
  assert_ok(repeat(value, 5, NULL, &result));
  assert_int_equal(wish.runs, 1);
  assert_int_equal(result.of.i, 0);
  assert_true(wish.is_freed);

  wish.function = kernel("repeat", "i64(i64, fn i64(i64))");
  const polyshm_value values[] = {int_value(5), callback_value(NULL)};
  assert_ok(
      polyshm_function_call(wish.function, values, 2, follow, &wish, &result));
  assert_int_equal(result.of.i, 10);
}

/* A call inside a callback of the same function. */
static polyshm_status nest(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata) {
  (void)parameter;
  (void)nvalues;
  script *inner = userdata;
  const polyshm_value of_inner[] = {int_value(3), callback_value(NULL)};
  polyshm_value result;
  assert_ok(polyshm_function_call(
      inner->function == NULL ? NULL : inner->function, of_inner, 2, follow,
      &(script){0}, &result));
  inner->runs++;
  out_value->of.i = values[0].of.i + result.of.i;
  return POLYSHM_OK;
}

static void calls_may_be_nested(void **state) {
  (void)state;
  script inner = {.function = kernel("repeat", "i64(i64, fn i64(i64))")};
  const polyshm_value values[] = {int_value(4), callback_value(NULL)};
  polyshm_value result;
  assert_ok(
      polyshm_function_call(inner.function, values, 2, nest, &inner, &result));
  assert_int_equal(inner.runs, 4);
  assert_int_equal(result.of.i, 0 + 1 + 2 + 3 + 4 * (0 + 1 + 2));
  polyshm_function_free(inner.function);
}

static void signatures_must_agree(void **state) {
  (void)state;
  script wish = {0};
  static const char *const others[] = {
      "i32(i64)", "i64(i32)", "i64()", "i64(*i64)", "void(i64, i64)"};
  for (size_t i = 0; i < LENGTH(others); i++) {
    polyshm_callback *callback = make(others[i], &wish);
    assert_fails(
        repeat(callback_value(callback), 1, NULL, NULL), POLYSHM_E_TYPE);
    polyshm_callback_free(callback);
  }
  assert_fails(repeat(callback_value(NULL), 1, NULL, NULL), POLYSHM_E_INVALID);
  assert_fails(repeat(none_value(), 1, &wish, NULL), POLYSHM_E_TYPE);
  assert_fails(repeat(pointer_value(NULL), 1, &wish, NULL), POLYSHM_E_TYPE);
  assert_int_equal(wish.runs, 0);
}

static void misuse_is_refused(void **state) {
  (void)state;
  polyshm_callback *callback;
  void *address;
  assert_fails(
      polyshm_callback_open("void()", NULL, NULL, NULL, &callback),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_callback_open("void()", follow, NULL, NULL, NULL),
      POLYSHM_E_INVALID);
  assert_fails(
      polyshm_callback_open("void(buf)", follow, NULL, NULL, &callback),
      POLYSHM_E_INVALID);
  assert_fails(polyshm_callback_address(NULL, &address), POLYSHM_E_INVALID);
  polyshm_callback_free(NULL);
}

/* As on a system that lets nobody write to memory that is run. The first test:
 * polyshm_features() looks once. */
static void refused_memory_is_no_crash(void **state) {
  (void)state;
  is_refused = true;
  assert_int_equal(polyshm_features(), POLYSHM_FEATURE_CALL);
  polyshm_callback *callback;
  assert_fails(
      polyshm_callback_open("void()", follow, NULL, NULL, &callback),
      POLYSHM_E_UNSUPPORTED);
  script wish = {0};
  assert_fails(
      repeat(callback_value(NULL), 3, &wish, NULL), POLYSHM_E_UNSUPPORTED);
  a_native_function_is_called_as_it_is(state);
  is_refused = false;
}

static void what_libffi_refuses_is_told(void **state) {
  (void)state;
  polyshm_callback *callback;
  polyshm_function *function;
  refuses_signatures = true;
  assert_failure(
      polyshm_callback_open("void()", follow, NULL, NULL, &callback),
      POLYSHM_E_UNSUPPORTED, 0, "libffi refuses the callback's signature");
  assert_failure(
      polyshm_function_open(NULL, "abs", "i32(i32)", &function),
      POLYSHM_E_UNSUPPORTED, 0, "libffi refuses the signature 'i32(i32)'");
  refuses_signatures = false;
  refuses_closures = true;
  assert_failure(
      polyshm_callback_open("void()", follow, NULL, NULL, &callback),
      POLYSHM_E_UNSUPPORTED, 0, "memory that callbacks need");
  refuses_closures = false;
}

/* What a call was given is found from inside it, on its own thread. */
static polyshm_status look_for_userdata(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata) {
  void *found = NULL;
  (void)parameter;
  assert_int_equal(nvalues, 1);
  assert_ok(polyshm_function_userdata(look_for_userdata, &found));
  assert_ptr_equal(found, userdata);
  assert_fails(polyshm_function_userdata(follow, &found), POLYSHM_E_NOT_FOUND);
  if (values[0].of.i == 0) { /* and so it is from inside another call */
    polyshm_function *inner = kernel("repeat", "i64(i64, fn i64(i64))");
    const polyshm_value inputs[] = {int_value(1), callback_value(NULL)};
    script wish = {0};
    assert_ok(polyshm_function_call(inner, inputs, 2, follow, &wish, NULL));
    assert_int_equal(wish.runs, 1);
    polyshm_function_free(inner);
  }
  ++*(int *)userdata;
  out_value->of.i = 0;
  return POLYSHM_OK;
}

static void userdata_is_found(void **state) {
  (void)state;
  polyshm_function *function = kernel("repeat", "i64(i64, fn i64(i64))");
  const polyshm_value values[] = {int_value(2), callback_value(NULL)};
  int runs = 0;
  void *found;
  assert_ok(polyshm_function_call(
      function, values, 2, look_for_userdata, &runs, NULL));
  assert_int_equal(runs, 2);
  polyshm_function_free(function);
  assert_fails(
      polyshm_function_userdata(look_for_userdata, &found),
      POLYSHM_E_NOT_FOUND);
  assert_fails(polyshm_function_userdata(NULL, &found), POLYSHM_E_INVALID);
  assert_fails(polyshm_function_userdata(follow, NULL), POLYSHM_E_INVALID);
}

/* It is kept until native code has returned, and refused all the same. */
static polyshm_status free_and_use(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata) {
  (void)parameter;
  (void)values;
  (void)nvalues;
  polyshm_callback *callback = *(polyshm_callback **)userdata;
  polyshm_callback_free(callback);
  polyshm_callback_free(callback);
  assert_failure(
      repeat(callback_value(callback), 1, NULL, NULL), POLYSHM_E_INVALID, 0,
      "a callback that was freed");
  out_value->of.i = 0;
  return POLYSHM_OK;
}

static void what_was_freed_is_refused(void **state) {
  (void)state;
  polyshm_callback *callback;
  assert_ok(polyshm_callback_open(
      "i64(i64)", free_and_use, &callback, NULL, &callback));
  assert_ok(repeat(callback_value(callback), 1, NULL, NULL));
  void *address;
  assert_fails(polyshm_callback_address(NULL, &address), POLYSHM_E_INVALID);
  callback = make("i64(i64)", &(script){0});
  assert_fails(polyshm_callback_address(callback, NULL), POLYSHM_E_INVALID);
  polyshm_callback_free(callback);
  uint32_t features = polyshm_features();
  assert_int_equal(polyshm_features(), features); /* looked up once */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refused_memory_is_no_crash),
      cmocka_unit_test(a_function_is_called_back),
      cmocka_unit_test(a_callback_is_called_back),
      cmocka_unit_test(a_native_function_is_called_as_it_is),
      cmocka_unit_test(every_type_crosses),
      cmocka_unit_test(pointers_and_strings_cross),
      cmocka_unit_test(null_is_none),
      cmocka_unit_test(answers_must_fit),
      cmocka_unit_test(a_failure_ends_the_callbacks),
      cmocka_unit_test(a_failure_counts_for_callbacks_too),
      cmocka_unit_test(two_functions_are_told_apart),
      cmocka_unit_test(another_thread_gets_zero),
      cmocka_unit_test(what_is_kept_may_be_called_later),
      cmocka_unit_test(what_is_one_calls_is_not_anothers),
      cmocka_unit_test(what_runs_is_freed_afterwards),
      cmocka_unit_test(calls_may_be_nested),
      cmocka_unit_test(signatures_must_agree),
      cmocka_unit_test(what_libffi_refuses_is_told),
      cmocka_unit_test(userdata_is_found),
      cmocka_unit_test(what_was_freed_is_refused),
      cmocka_unit_test(misuse_is_refused),
  };
  return run_group(tests);
}
