/* SPDX-License-Identifier: MIT */
/* A library for the tests of native calls: each function does one thing that a
 * caller can see from outside. It knows nothing of polyshm. */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* Every type there and back; and as *T, through a callback, and back. */
#define ECHO(NAME, T)                                                          \
  EXPORT T echo_##NAME(T value);                                               \
  T echo_##NAME(T value) {                                                     \
    return value;                                                              \
  }                                                                            \
  EXPORT T call_##NAME(T value, T (*fn)(T));                                   \
  T call_##NAME(T value, T (*fn)(T)) {                                         \
    return fn(value);                                                          \
  }                                                                            \
  EXPORT T call_at_##NAME(T value, T (*fn)(const T *));                        \
  T call_at_##NAME(T value, T (*fn)(const T *)) {                              \
    return fn(&value);                                                         \
  }                                                                            \
  EXPORT void fill_##NAME(T *items, size_t count, T value);                    \
  void fill_##NAME(T *items, size_t count, T value) {                          \
    for (size_t i = 0; i < count; i++)                                         \
      items[i] = value;                                                        \
  }                                                                            \
  EXPORT T last_##NAME(size_t count, const T *items);                          \
  T last_##NAME(size_t count, const T *items) {                                \
    return count == 0 ? 0 : items[count - 1];                                  \
  }
ECHO(i8, int8_t)
ECHO(i16, int16_t)
ECHO(i32, int32_t)
ECHO(i64, int64_t)
ECHO(u8, uint8_t)
ECHO(u16, uint16_t)
ECHO(u32, uint32_t)
ECHO(u64, uint64_t)
ECHO(f32, float)
ECHO(f64, double)

EXPORT void *echo_ptr(void *value);
void *echo_ptr(void *value) {
  return value;
}

EXPORT void *call_ptr(void *value, void *(*fn)(void *));
void *call_ptr(void *value, void *(*fn)(void *)) {
  return fn(value);
}

EXPORT const char *echo_str(const char *value);
const char *echo_str(const char *value) {
  return value;
}

EXPORT const char *no_str(void);
const char *no_str(void) {
  return NULL;
}

EXPORT int32_t call_str(const char *value, int32_t (*fn)(const char *));
int32_t call_str(const char *value, int32_t (*fn)(const char *)) {
  return fn(value);
}

EXPORT void nothing(void);
void nothing(void) {}

/* All kinds of registers, and the stack. */
EXPORT double many(
    int8_t a, double b, uint16_t c, float d, int32_t e, double f, uint64_t g,
    float h, int64_t i, double j, uint8_t k, double l, int16_t m, float n,
    uint32_t o, double p, double q, double r, int64_t s, double t);
double many(
    int8_t a, double b, uint16_t c, float d, int32_t e, double f, uint64_t g,
    float h, int64_t i, double j, uint8_t k, double l, int16_t m, float n,
    uint32_t o, double p, double q, double r, int64_t s, double t) {
  return a + 2 * b + 3 * c + 4 * (double)d + 5 * (double)e + 6 * f +
         7 * (double)g + 8 * (double)h + 9 * (double)i + 10 * j + 11 * k +
         12 * l + 13 * m + 14 * (double)n + 15 * (double)o + 16 * p + 17 * q +
         18 * r + 19 * (double)s + 20 * t;
}

/* All the registers of x86-64 and no more; then one more of each kind. */
EXPORT double as_many_as_fit(
    double a, int8_t b, float c, uint64_t d, double e, int16_t f, float g,
    uint8_t h, double i, int32_t j, float k, int64_t l, double m, float n);
double as_many_as_fit(
    double a, int8_t b, float c, uint64_t d, double e, int16_t f, float g,
    uint8_t h, double i, int32_t j, float k, int64_t l, double m, float n) {
  return a + 2 * (double)b + 3 * (double)c + 4 * (double)d + 5 * e +
         6 * (double)f + 7 * (double)g + 8 * (double)h + 9 * i +
         10 * (double)j + 11 * (double)k + 12 * (double)l + 13 * m +
         14 * (double)n;
}

EXPORT int8_t one_more_integer(
    int8_t a, int8_t b, int8_t c, int8_t d, int8_t e, int8_t f, int8_t g);
int8_t one_more_integer(
    int8_t a, int8_t b, int8_t c, int8_t d, int8_t e, int8_t f, int8_t g) {
  return (int8_t)(a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g);
}

EXPORT float one_more_float(
    float a, float b, float c, float d, float e, float f, float g, float h,
    float i);
float one_more_float(
    float a, float b, float c, float d, float e, float f, float g, float h,
    float i) {
  return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i;
}

EXPORT float less(int16_t one, int16_t other);
float less(int16_t one, int16_t other) {
  return (float)(one - other);
}

EXPORT uint64_t sum_bytes(const unsigned char *bytes, size_t nbytes);
uint64_t sum_bytes(const unsigned char *bytes, size_t nbytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < nbytes; i++)
    sum += bytes[i];
  return sum;
}

EXPORT double dot(const double *one, const double *other, size_t count);
double dot(const double *one, const double *other, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += one[i] * other[i];
  return sum;
}

/* errno as it was, and as it is afterwards. */
EXPORT int32_t swap_errno(int32_t code);
int32_t swap_errno(int32_t code) {
  int32_t before = errno;
  errno = code;
  return before;
}

/* ---------------------------------------------------------------- callbacks */

/* The sum of what fn answers. */
EXPORT int64_t repeat(int64_t times, int64_t (*fn)(int64_t));
int64_t repeat(int64_t times, int64_t (*fn)(int64_t)) {
  int64_t sum = 0;
  for (int64_t i = 0; i < times; i++)
    sum += fn(i);
  return sum;
}

EXPORT int64_t both(int64_t (*one)(int64_t), int64_t (*other)(int64_t));
int64_t both(int64_t (*one)(int64_t), int64_t (*other)(int64_t)) {
  return one(1) * 1000 + other(2);
}

EXPORT int64_t twice(int64_t value);
int64_t twice(int64_t value) {
  return 2 * value;
}

EXPORT int64_t call_null(int64_t (*fn)(const int64_t *, const char *));
int64_t call_null(int64_t (*fn)(const int64_t *, const char *)) {
  return fn(NULL, NULL);
}

typedef struct job {
  int64_t (*fn)(int64_t);
  int64_t result;
} job;

static void *work(void *argument) {
  job *given = argument;
  given->result = given->fn(7);
  return NULL;
}

/* Call fn on a thread of its own; what it answered there, or -1. */
EXPORT int64_t call_on_thread(int64_t (*fn)(int64_t));
int64_t call_on_thread(int64_t (*fn)(int64_t)) {
  job given = {.fn = fn, .result = -1};
  pthread_t thread;
  if (pthread_create(&thread, NULL, work, &given) != 0)
    return -1;
  pthread_join(thread, NULL);
  return given.result;
}

/* Keep fn, and call what was kept. */
static int64_t (*kept)(int64_t);

EXPORT void keep(int64_t (*fn)(int64_t));
void keep(int64_t (*fn)(int64_t)) {
  kept = fn;
}

/* Keep it, and call it at once. */
EXPORT int64_t keep_and_call(int64_t (*fn)(int64_t));
int64_t keep_and_call(int64_t (*fn)(int64_t)) {
  kept = fn;
  return fn(1);
}

EXPORT int64_t call_kept(int64_t value);
int64_t call_kept(int64_t value) {
  return kept(value);
}

/* A lua_CFunction, which calls what was kept and returns nothing. */
EXPORT int call_kept_by_lua(void *state);
int call_kept_by_lua(void *state) {
  (void)state;
  (void)kept(1);
  return 0;
}

/* A comparator, for others to hand on. */
EXPORT int32_t compare_i64(const void *one, const void *other);
int32_t compare_i64(const void *one, const void *other) {
  int64_t a, b;
  memcpy(&a, one, sizeof a);
  memcpy(&b, other, sizeof b);
  return (a > b) - (a < b);
}

EXPORT const int64_t constant_number;
const int64_t constant_number = 42;
