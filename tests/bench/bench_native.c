/* SPDX-License-Identifier: MIT */
/*
 * What one would write by hand for Lua to call the kernels of tests/native on
 * shared blocks, with the checks that polyshm.native makes, for
 * bench_native.lua to compare with.
 */
#include <polyshm.h>

#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdlib.h>

double dot(const double *one, const double *other, size_t count);
double last_f64(size_t count, const double *items);
int64_t twice(int64_t value);
void nothing(void);

/* -------------------------------------------------------------------- views */

typedef struct view {
  polyshm_block *block;
  uint64_t offset, nbytes;
  uint32_t element;
} view;

static const char view_name[] = "bench.native.view";

static int fail(lua_State *L) {
  return luaL_error(L, "%s", polyshm_error_message());
}

/* view(name, element) of a whole block */
static int make_view(lua_State *L) {
  view *self = lua_newuserdatauv(L, sizeof *self, 0);
  *self = (view){.element = (uint32_t)luaL_checkinteger(L, 2)};
  luaL_newmetatable(L, view_name);
  lua_setmetatable(L, -2);
  if (polyshm_block_open(luaL_checkstring(L, 1), 0, 0, NULL, &self->block) !=
      POLYSHM_OK)
    return fail(L);
  self->nbytes = polyshm_block_size(self->block);
  return 1;
}

static void *address_of(lua_State *L, const view *self, void *begin) {
  uint64_t size = polyshm_block_size(self->block);
  if (self->offset > size || self->nbytes > size - self->offset) {
    polyshm_block_unpin(self->block);
    luaL_error(L, "the block is too small");
  }
  char *address = (char *)begin + self->offset;
  if ((uintptr_t)address & 7) {
    polyshm_block_unpin(self->block);
    luaL_error(L, "not aligned");
  }
  return address;
}

/* Pin the block and check all that is to be checked. */
static void *take(
    lua_State *L, int arg, uint32_t element, bool writes, view **out_view) {
  void *begin;
  uint64_t size;
  view *self = luaL_checkudata(L, arg, view_name);
  if (self->element != element)
    luaL_argerror(L, arg, "it has other elements");
  if (writes && (polyshm_block_flags(self->block) & POLYSHM_READ_ONLY))
    luaL_argerror(L, arg, "it is read-only");
  if (polyshm_block_pin(self->block, &begin, &size) != POLYSHM_OK)
    fail(L);
  *out_view = self;
  return address_of(L, self, begin);
}

/* -------------------------------------------------------------------- calls */

static _Thread_local int last_errno;

static void check_count(lua_State *L, int count) {
  if (lua_gettop(L) != count)
    luaL_error(L, "it takes %d arguments", count);
}

static int call_nothing(lua_State *L) {
  check_count(L, 0);
  errno = 0;
  nothing();
  last_errno = errno;
  lua_pushnil(L);
  return 1;
}

static int call_twice(lua_State *L) {
  check_count(L, 1);
  int64_t value = luaL_checkinteger(L, 1);
  errno = 0;
  int64_t result = twice(value);
  last_errno = errno;
  lua_pushinteger(L, result);
  return 1;
}

static int call_last(lua_State *L) {
  view *self;
  check_count(L, 1);
  const double *items = take(L, 1, POLYSHM_TYPE_F64, false, &self);
  errno = 0;
  double result = last_f64((size_t)(self->nbytes / 8), items);
  last_errno = errno;
  polyshm_block_unpin(self->block);
  lua_pushnumber(L, result);
  return 1;
}

static int call_dot(lua_State *L) {
  view *one, *other;
  check_count(L, 2);
  const double *x = take(L, 1, POLYSHM_TYPE_F64, false, &one);
  const double *y = take(L, 2, POLYSHM_TYPE_F64, false, &other);
  errno = 0;
  double result = dot(x, y, (size_t)(other->nbytes / 8));
  last_errno = errno;
  polyshm_block_unpin(one->block);
  polyshm_block_unpin(other->block);
  lua_pushnumber(L, result);
  return 1;
}

/* ---------------------------------------------------------------- callbacks */

static _Thread_local lua_State *caller;
static _Thread_local bool is_raised;

/* With the function at 2, a protected call, and the error kept at 3. */
static int compare_safely(const void *a, const void *b) {
  lua_State *L = caller;
  if (L == NULL || is_raised || !lua_checkstack(L, 4))
    return 0;
  lua_pushvalue(L, 2);
  lua_pushinteger(L, *(const int64_t *)a);
  lua_pushinteger(L, *(const int64_t *)b);
  if (lua_pcall(L, 2, 1, 0) != LUA_OK) {
    lua_replace(L, 3);
    is_raised = true;
    return 0;
  }
  int exact;
  lua_Integer order = lua_tointegerx(L, -1, &exact);
  lua_pop(L, 1);
  return exact ? (int)order : 0;
}

/* The same without any safety: an error would jump out of qsort. */
static int compare_quickly(const void *a, const void *b) {
  lua_State *L = caller;
  lua_pushvalue(L, 2);
  lua_pushinteger(L, *(const int64_t *)a);
  lua_pushinteger(L, *(const int64_t *)b);
  lua_call(L, 2, 1);
  int order = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  return order;
}

static int sort(lua_State *L, int (*compare)(const void *, const void *)) {
  view *self;
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 3);
  int64_t *items = take(L, 1, POLYSHM_TYPE_I64, true, &self);
  caller = L;
  is_raised = false;
  qsort(items, (size_t)(self->nbytes / 8), 8, compare);
  caller = NULL;
  polyshm_block_unpin(self->block);
  return is_raised ? lua_error(L) : 0;
}

static int sort_safely(lua_State *L) {
  return sort(L, compare_safely);
}

static int sort_quickly(lua_State *L) {
  return sort(L, compare_quickly);
}

__attribute__((visibility("default"))) int luaopen_bench_native(lua_State *L);
int luaopen_bench_native(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"view", make_view},
      {"nothing", call_nothing},
      {"twice", call_twice},
      {"last", call_last},
      {"dot", call_dot},
      {"sort_safely", sort_safely},
      {"sort_quickly", sort_quickly},
      {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
