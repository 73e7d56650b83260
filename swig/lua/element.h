/* SPDX-License-Identifier: MIT */
/*
 * Elements of typed views: single ones between Lua and memory, and loops over
 * many.
 *
 * Elements may lie anywhere, aligned or not. Each is loaded once, with memcpy,
 * which compilers turn into plain loads and vectors; memory.h says why that is
 * enough.
 */
#ifndef POLYSHM_SWIG_LUA_ELEMENT_H
#define POLYSHM_SWIG_LUA_ELEMENT_H

#include "lua/memory.h"

/* The kinds: their name, their type, and what numbers of Lua's they hold. A u64
 * is the 64 bits of any integer, as in string.pack. */
#define PSHM_LUA_INTEGERS(KIND)                                                \
  KIND(i8, int8_t, INT8_MIN, INT8_MAX)                                         \
  KIND(i16, int16_t, INT16_MIN, INT16_MAX)                                     \
  KIND(i32, int32_t, INT32_MIN, INT32_MAX)                                     \
  KIND(i64, int64_t, INT64_MIN, INT64_MAX)                                     \
  KIND(u8, uint8_t, 0, UINT8_MAX)                                              \
  KIND(u16, uint16_t, 0, UINT16_MAX)                                           \
  KIND(u32, uint32_t, 0, UINT32_MAX)                                           \
  KIND(u64, uint64_t, INT64_MIN, INT64_MAX)
#define PSHM_LUA_FLOATS(KIND)                                                  \
  KIND(f32, float, 0, 0)                                                       \
  KIND(f64, double, 0, 0)
#define PSHM_LUA_KINDS(KIND) PSHM_LUA_INTEGERS(KIND) PSHM_LUA_FLOATS(KIND)

typedef enum pshm_lua_kind {
#define KIND(NAME, T, LEAST, MOST) PSHM_LUA_##NAME,
  PSHM_LUA_KINDS(KIND)
#undef KIND
} pshm_lua_kind;

static const struct {
  const char *name;
  unsigned size; /* bytes */
  lua_Integer least, most;
} pshm_lua_kinds[] = {
#define KIND(NAME, T, LEAST, MOST) {#NAME, sizeof(T), LEAST, MOST},
    PSHM_LUA_KINDS(KIND)
#undef KIND
};

enum { PSHM_LUA_NKINDS = sizeof pshm_lua_kinds / sizeof *pshm_lua_kinds };

/* ------------------------------------------------------------ one of them */

static inline void pshm_lua_push_element(
    lua_State *L, pshm_lua_kind kind, const char *at) {
  switch (kind) {
#define KIND(NAME, T, LEAST, MOST)                                             \
  case PSHM_LUA_##NAME: {                                                      \
    T element;                                                                 \
    memcpy(&element, at, sizeof element);                                      \
    lua_pushinteger(L, (lua_Integer)element);                                  \
    break;                                                                     \
  }
    PSHM_LUA_INTEGERS(KIND)
#undef KIND
#define KIND(NAME, T, LEAST, MOST)                                             \
  case PSHM_LUA_##NAME: {                                                      \
    T element;                                                                 \
    memcpy(&element, at, sizeof element);                                      \
    lua_pushnumber(L, (lua_Number)element);                                    \
    break;                                                                     \
  }
    PSHM_LUA_FLOATS(KIND)
#undef KIND
  }
}

/* Store Lua's value at `arg`; false if it is none of this kind. A float that
 * has an integer's value is one, as everywhere in Lua. */
static inline bool pshm_lua_put_element(
    lua_State *L, int arg, pshm_lua_kind kind, char *at) {
  if (lua_type(L, arg) != LUA_TNUMBER)
    return false;
  int exact;
  lua_Integer integer;
  switch (kind) {
#define KIND(NAME, T, LEAST, MOST)                                             \
  case PSHM_LUA_##NAME: {                                                      \
    integer = lua_tointegerx(L, arg, &exact);                                  \
    if (!exact || integer < LEAST || integer > MOST)                           \
      return false;                                                            \
    T element = (T)integer;                                                    \
    memcpy(at, &element, sizeof element);                                      \
    break;                                                                     \
  }
    PSHM_LUA_INTEGERS(KIND)
#undef KIND
#define KIND(NAME, T, LEAST, MOST)                                             \
  case PSHM_LUA_##NAME: {                                                      \
    T element = (T)lua_tonumber(L, arg);                                       \
    memcpy(at, &element, sizeof element);                                      \
    break;                                                                     \
  }
    PSHM_LUA_FLOATS(KIND)
#undef KIND
  }
  return true;
}

/* Why the value at `arg` is none of this kind. */
PSHM_LUA_COLD static const char *pshm_lua_explain_element(
    lua_State *L, int arg, pshm_lua_kind kind) {
  const char *name = pshm_lua_kinds[kind].name;
  const char *value = luaL_tolstring(L, arg, NULL);
  if (lua_type(L, arg) != LUA_TNUMBER)
    return lua_pushfstring(
        L, "an element of kind %s is a number, not a %s", name,
        luaL_typename(L, arg));
  if (kind == PSHM_LUA_i64 || kind == PSHM_LUA_u64)
    return lua_pushfstring(
        L, "an element of kind %s is a 64-bit integer, not %s", name, value);
  return lua_pushfstring(
      L, "an element of kind %s is an integer from %I to %I, not %s", name,
      (LUAI_UACINT)pshm_lua_kinds[kind].least,
      (LUAI_UACINT)pshm_lua_kinds[kind].most, value);
}

/* ------------------------------------------------------------ many of them */

/* So many results are kept at once, so that no addition and no comparison waits
 * for the last one. */
enum { PSHM_LUA_LANES = 16 };

/* Integers wrap, as Lua's own do. */
#define KIND(NAME, T, LEAST, MOST)                                             \
  static void pshm_lua_sum_##NAME(                                             \
      lua_State *L, const char *at, uint64_t count) {                          \
    uint64_t sums[PSHM_LUA_LANES] = {0}, i = 0;                                \
    T some[PSHM_LUA_LANES];                                                    \
    for (; count - i >= PSHM_LUA_LANES; i += PSHM_LUA_LANES) {                 \
      memcpy(some, at + i * sizeof *some, sizeof some);                        \
      for (int j = 0; j < PSHM_LUA_LANES; j++)                                 \
        sums[j] += (uint64_t)some[j];                                          \
    }                                                                          \
    for (int j = 0; i < count; i++, j++) {                                     \
      memcpy(some, at + i * sizeof *some, sizeof *some);                       \
      sums[j] += (uint64_t)*some;                                              \
    }                                                                          \
    for (int j = 1; j < PSHM_LUA_LANES; j++)                                   \
      sums[0] += sums[j];                                                      \
    lua_pushinteger(L, (lua_Integer)sums[0]);                                  \
  }
PSHM_LUA_INTEGERS(KIND)
#undef KIND

#define KIND(NAME, T, LEAST, MOST)                                             \
  static void pshm_lua_sum_##NAME(                                             \
      lua_State *L, const char *at, uint64_t count) {                          \
    double sums[PSHM_LUA_LANES] = {0};                                         \
    uint64_t i = 0;                                                            \
    T some[PSHM_LUA_LANES];                                                    \
    for (; count - i >= PSHM_LUA_LANES; i += PSHM_LUA_LANES) {                 \
      memcpy(some, at + i * sizeof *some, sizeof some);                        \
      for (int j = 0; j < PSHM_LUA_LANES; j++)                                 \
        sums[j] += (double)some[j];                                            \
    }                                                                          \
    for (int j = 0; i < count; i++, j++) {                                     \
      memcpy(some, at + i * sizeof *some, sizeof *some);                       \
      sums[j] += (double)*some;                                                \
    }                                                                          \
    for (int width = PSHM_LUA_LANES / 2; width > 0; width /= 2)                \
      for (int j = 0; j < width; j++)                                          \
        sums[j] += sums[j + width];                                            \
    lua_pushnumber(L, (lua_Number)sums[0]);                                    \
  }
PSHM_LUA_FLOATS(KIND)
#undef KIND

/* The extreme of one element or more. A NaN is one, and stays. */
#define PSHM_LUA_EXTREME(WHAT, NAME, T, PUSH, BEATS)                           \
  static void pshm_lua_##WHAT##_##NAME(                                        \
      lua_State *L, const char *at, uint64_t count) {                          \
    T some[PSHM_LUA_LANES], best[PSHM_LUA_LANES];                              \
    memcpy(best, at, sizeof *best);                                            \
    for (int j = 1; j < PSHM_LUA_LANES; j++)                                   \
      best[j] = *best;                                                         \
    uint64_t i = 0;                                                            \
    for (; count - i >= PSHM_LUA_LANES; i += PSHM_LUA_LANES) {                 \
      memcpy(some, at + i * sizeof *some, sizeof some);                        \
      for (int j = 0; j < PSHM_LUA_LANES; j++)                                 \
        best[j] = BEATS(some[j], best[j]) ? some[j] : best[j];                 \
    }                                                                          \
    for (; i < count; i++) {                                                   \
      memcpy(some, at + i * sizeof *some, sizeof *some);                       \
      *best = BEATS(*some, *best) ? *some : *best;                             \
    }                                                                          \
    for (int j = 1; j < PSHM_LUA_LANES; j++)                                   \
      *best = BEATS(best[j], *best) ? best[j] : *best;                         \
    PUSH;                                                                      \
  }
#define PSHM_LUA_LESS(A, B) ((A) < (B))
#define PSHM_LUA_MORE(A, B) ((A) > (B))
#define PSHM_LUA_LESS_OR_NAN(A, B) (((A) < (B)) | ((A) != (A)))
#define PSHM_LUA_MORE_OR_NAN(A, B) (((A) > (B)) | ((A) != (A)))
#define KIND(NAME, T, LEAST, MOST)                                             \
  PSHM_LUA_EXTREME(                                                            \
      min, NAME, T, lua_pushinteger(L, (lua_Integer)*best), PSHM_LUA_LESS)     \
  PSHM_LUA_EXTREME(                                                            \
      max, NAME, T, lua_pushinteger(L, (lua_Integer)*best), PSHM_LUA_MORE)
PSHM_LUA_INTEGERS(KIND)
#undef KIND
#define KIND(NAME, T, LEAST, MOST)                                             \
  PSHM_LUA_EXTREME(                                                            \
      min, NAME, T, lua_pushnumber(L, (lua_Number)*best),                      \
      PSHM_LUA_LESS_OR_NAN)                                                    \
  PSHM_LUA_EXTREME(                                                            \
      max, NAME, T, lua_pushnumber(L, (lua_Number)*best),                      \
      PSHM_LUA_MORE_OR_NAN)
PSHM_LUA_FLOATS(KIND)
#undef KIND

typedef void pshm_lua_loop(lua_State *L, const char *at, uint64_t count);

#define KIND(NAME, T, LEAST, MOST) pshm_lua_sum_##NAME,
static pshm_lua_loop *const pshm_lua_sums[] = {PSHM_LUA_KINDS(KIND)};
#undef KIND
#define KIND(NAME, T, LEAST, MOST) pshm_lua_min_##NAME,
static pshm_lua_loop *const pshm_lua_minima[] = {PSHM_LUA_KINDS(KIND)};
#undef KIND
#define KIND(NAME, T, LEAST, MOST) pshm_lua_max_##NAME,
static pshm_lua_loop *const pshm_lua_maxima[] = {PSHM_LUA_KINDS(KIND)};
#undef KIND

/* The same element, `count` times. */
static void pshm_lua_repeat(
    char *at, const char *element, size_t size, uint64_t count) {
  char some[512]; /* of all sizes a whole number */
  size_t most = sizeof some / size;
  for (size_t i = 0; i < most && i < count; i++)
    memcpy(some + i * size, element, size);
  for (; count > most; count -= most, at += sizeof some)
    memcpy(at, some, sizeof some);
  memcpy(at, some, (size_t)count * size);
}

#endif
