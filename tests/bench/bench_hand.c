/* SPDX-License-Identifier: MIT */
/*
 * A Lua module as one would write it by hand, with the core calls that ours
 * makes, for bench_lua.lua to compare with: lists with l[i], l[i] = v, #l and
 * pairs; views of doubles and of 32-bit integers; and a plain loop in C over
 * doubles.
 */
#include <polyshm.h>

#include <lauxlib.h>
#include <lua.h>

#include <string.h>

static const char list_name[] = "bench.list", view_name[] = "bench.view";

static int fail(lua_State *L) {
  return luaL_error(L, "%s", polyshm_error_message());
}

/* ------------------------------------------------------------------- lists */

typedef struct hand_list {
  polyshm_list *list;
} hand_list;

static polyshm_list *check_list(lua_State *L) {
  hand_list *self = luaL_checkudata(L, 1, list_name);
  if (self->list == NULL)
    luaL_error(L, "the list has been closed");
  return self->list;
}

static int push(lua_State *L, polyshm_list *list, uint64_t slot) {
  char text[256];
  polyshm_value value;
  if (polyshm_list_get(list, slot, text, sizeof text, &value) != POLYSHM_OK)
    return fail(L);
  switch (value.type) {
  case POLYSHM_BOOL:
    lua_pushboolean(L, value.of.i != 0);
    break;
  case POLYSHM_INT:
    lua_pushinteger(L, value.of.i);
    break;
  case POLYSHM_FLOAT:
    lua_pushnumber(L, value.of.f);
    break;
  case POLYSHM_STRING:
  case POLYSHM_BYTES:
    lua_pushlstring(L, value.of.p, (size_t)value.size);
    break;
  default:
    lua_pushnil(L);
  }
  return 1;
}

static int list_index(lua_State *L) {
  polyshm_list *list = check_list(L);
  uint64_t slot = (uint64_t)luaL_checkinteger(L, 2) - 1;
  if (slot >= polyshm_list_length(list))
    return 0;
  return push(L, list, slot);
}

static int list_newindex(lua_State *L) {
  polyshm_list *list = check_list(L);
  uint64_t slot = (uint64_t)luaL_checkinteger(L, 2) - 1;
  polyshm_value value = {.type = POLYSHM_NONE};
  size_t size;
  switch (lua_type(L, 3)) {
  case LUA_TBOOLEAN:
    value.type = POLYSHM_BOOL;
    value.of.i = lua_toboolean(L, 3);
    break;
  case LUA_TNUMBER:
    if (lua_isinteger(L, 3)) {
      value.type = POLYSHM_INT;
      value.of.i = lua_tointeger(L, 3);
    } else {
      value.type = POLYSHM_FLOAT;
      value.of.f = lua_tonumber(L, 3);
    }
    break;
  case LUA_TSTRING:
    value.type = POLYSHM_TEXT;
    value.of.p = lua_tolstring(L, 3, &size);
    value.size = size;
    break;
  case LUA_TNIL:
    break;
  default:
    return luaL_typeerror(L, 3, "nil, boolean, number or string");
  }
  return polyshm_list_set(list, slot, &value) == POLYSHM_OK ? 0 : fail(L);
}

static int list_length(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)polyshm_list_length(check_list(L)));
  return 1;
}

static int list_next(lua_State *L) {
  polyshm_list *list = check_list(L);
  lua_Integer slot = luaL_checkinteger(L, 2);
  if ((uint64_t)slot >= polyshm_list_length(list))
    return 0;
  lua_pushinteger(L, slot + 1);
  push(L, list, (uint64_t)slot);
  return 2;
}

static int list_pairs(lua_State *L) {
  check_list(L);
  lua_pushcfunction(L, list_next);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}

static int list_gc(lua_State *L) {
  hand_list *self = luaL_checkudata(L, 1, list_name);
  polyshm_list_free(self->list);
  self->list = NULL;
  return 0;
}

static int open_list(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  hand_list *self = lua_newuserdata(L, sizeof *self);
  self->list = NULL;
  luaL_setmetatable(L, list_name);
  return polyshm_list_open(name, 0, &self->list) == POLYSHM_OK ? 1 : fail(L);
}

/* ------------------------------------------------------------------- views */

typedef enum hand_kind { DOUBLES, INTEGERS } hand_kind;

typedef struct hand_view {
  polyshm_block *block;
  uint64_t count;
  hand_kind kind;
} hand_view;

static char *check_view(lua_State *L, hand_view **out_view) {
  hand_view *view = luaL_checkudata(L, 1, view_name);
  void *address;
  uint64_t size;
  if (polyshm_block_address(view->block, &address, &size) != POLYSHM_OK)
    fail(L);
  *out_view = view;
  return address;
}

static int view_index(lua_State *L) {
  hand_view *view;
  const char *at = check_view(L, &view);
  uint64_t place = (uint64_t)luaL_checkinteger(L, 2) - 1;
  if (place >= view->count)
    return 0;
  if (view->kind == DOUBLES) {
    double element;
    memcpy(&element, at + place * sizeof element, sizeof element);
    lua_pushnumber(L, element);
  } else {
    int32_t element;
    memcpy(&element, at + place * sizeof element, sizeof element);
    lua_pushinteger(L, element);
  }
  return 1;
}

static int view_newindex(lua_State *L) {
  hand_view *view;
  char *at = check_view(L, &view);
  uint64_t place = (uint64_t)luaL_checkinteger(L, 2) - 1;
  luaL_argcheck(L, place < view->count, 2, "out of range");
  if (polyshm_block_flags(view->block) & POLYSHM_READ_ONLY)
    return luaL_error(L, "the block is read-only");
  if (view->kind == DOUBLES) {
    double element = luaL_checknumber(L, 3);
    memcpy(at + place * sizeof element, &element, sizeof element);
  } else {
    lua_Integer integer = luaL_checkinteger(L, 3);
    luaL_argcheck(
        L, integer >= INT32_MIN && integer <= INT32_MAX, 3, "out of range");
    int32_t element = (int32_t)integer;
    memcpy(at + place * sizeof element, &element, sizeof element);
  }
  return 0;
}

static int view_gc(lua_State *L) {
  hand_view *view = luaL_checkudata(L, 1, view_name);
  polyshm_block_free(view->block);
  view->block = NULL;
  return 0;
}

static int open_view(lua_State *L) {
  static const char *const kinds[] = {"f64", "i32", NULL};
  const char *name = luaL_checkstring(L, 1);
  hand_kind kind = (hand_kind)luaL_checkoption(L, 2, NULL, kinds);
  hand_view *view = lua_newuserdata(L, sizeof *view);
  *view = (hand_view){.kind = kind};
  luaL_setmetatable(L, view_name);
  if (polyshm_block_open(name, 0, 0, NULL, &view->block) != POLYSHM_OK)
    return fail(L);
  view->count = polyshm_block_size(view->block) / (kind == DOUBLES ? 8 : 4);
  return 1;
}

/* sum(view): one addition after the other. */
static int sum(lua_State *L) {
  hand_view *view;
  const char *at = check_view(L, &view);
  double total = 0, element;
  for (uint64_t i = 0; i < view->count; i++) {
    memcpy(&element, at + i * sizeof element, sizeof element);
    total += element;
  }
  lua_pushnumber(L, total);
  return 1;
}

/* ------------------------------------------------------------------ module */

int luaopen_bench_hand(lua_State *L);

int luaopen_bench_hand(lua_State *L) {
  static const luaL_Reg of_lists[] = {
      {"__index", list_index}, {"__newindex", list_newindex},
      {"__len", list_length},  {"__pairs", list_pairs},
      {"__gc", list_gc},       {NULL, NULL}};
  static const luaL_Reg of_views[] = {
      {"__index", view_index},
      {"__newindex", view_newindex},
      {"__gc", view_gc},
      {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"list", open_list}, {"view", open_view}, {"sum", sum}, {NULL, NULL}};
  luaL_newmetatable(L, list_name);
  luaL_setfuncs(L, of_lists, 0);
  luaL_newmetatable(L, view_name);
  luaL_setfuncs(L, of_views, 0);
  luaL_newlib(L, functions);
  return 1;
}
