/* SPDX-License-Identifier: MIT */
/* Lists, as ShareableList. */
#ifndef POLYSHM_SWIG_LUA_LIST_H
#define POLYSHM_SWIG_LUA_LIST_H

#include "lua/atomic.h"
#include "lua/lock.h"
#include "lua/snapshot.h"
#include "lua/update.h"
#include "lua/wait.h"

static void pshm_lua_check_value(
    lua_State *L, int arg, polyshm_value *out_value) {
  if (!pshm_lua_to_value(L, arg, out_value))
    luaL_typeerror(L, arg, "nil, boolean, number or string");
}

/* The values of the table at `arg`, 1 to its field n or else to its length, in
 * memory of Lua's. No metamethod is called, so nothing can let go of a string
 * meanwhile. */
static const polyshm_value *pshm_lua_check_values(
    lua_State *L, int arg, uint64_t *out_count) {
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_pushliteral(L, "n");
  bool has_count = lua_rawget(L, arg) != LUA_TNIL;
  int exact = 1;
  lua_Integer count = has_count ? lua_tointegerx(L, -1, &exact)
                                : (lua_Integer)lua_rawlen(L, arg);
  luaL_argcheck(
      L,
      exact && count >= 0 &&
          (uint64_t)count <= PTRDIFF_MAX / sizeof(polyshm_value),
      arg, "its field 'n' is no count of values");

  polyshm_value *values =
      lua_newuserdatauv(L, (size_t)count * sizeof *values, 0);
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, arg, i + 1);
    if (!pshm_lua_to_value(L, -1, values + i))
      luaL_error(
          L, "value %I is a %s, which no list holds", (LUAI_UACINT)(i + 1),
          luaL_typename(L, -1));
    lua_pop(L, 1);
  }
  *out_count = (uint64_t)count;
  return values;
}

/* ----------------------------------------------------------------- reading */

/* A string that the small buffer cannot take. */
PSHM_LUA_COLD static polyshm_status pshm_lua_push_long(
    lua_State *L, const polyshm_list *list, uint64_t slot,
    polyshm_value *value) {
  uint64_t capacity;
  polyshm_status status = polyshm_list_capacity(list, slot, &capacity);
  if (status != POLYSHM_OK)
    return status;
  luaL_Buffer buffer;
  void *room = luaL_buffinitsize(L, &buffer, (size_t)capacity);
  status = polyshm_list_get(list, slot, room, capacity, value);
  /* Others may have put something else there by now. */
  bool is_string = status == POLYSHM_OK && (value->type == POLYSHM_STRING ||
                                            value->type == POLYSHM_BYTES);
  luaL_pushresultsize(&buffer, is_string ? (size_t)value->size : 0);
  if (!is_string) {
    lua_pop(L, 1);
    if (status == POLYSHM_OK)
      pshm_lua_push(L, value);
  }
  return status;
}

/* Push what a slot holds, if that can be read. */
static inline polyshm_status pshm_lua_push_slot(
    lua_State *L, const polyshm_list *list, uint64_t slot,
    polyshm_value *value) {
  char small[256];
  polyshm_status status =
      polyshm_list_get(list, slot, small, sizeof small, value);
  if (status == POLYSHM_OK)
    pshm_lua_push(L, value);
  else if (status == POLYSHM_E_SPACE)
    status = pshm_lua_push_long(L, list, slot, value);
  return status;
}

/* An error about one item, by Lua's way of counting. */
PSHM_LUA_COLD static int pshm_lua_raise_item(
    lua_State *L, const polyshm_list *list, uint64_t slot,
    polyshm_status status, const polyshm_value *value) {
  LUAI_UACINT item = (LUAI_UACINT)slot + 1;
  uint64_t capacity;
  switch (status) {
  case POLYSHM_E_RANGE:
    return luaL_error(
        L, "index %s is outside the list, which has %I items",
        luaL_tolstring(L, 2, NULL), (LUAI_UACINT)polyshm_list_length(list));
  case POLYSHM_E_SPACE:
    if (polyshm_list_capacity(list, slot, &capacity) != POLYSHM_OK)
      break;
    if (capacity > POLYSHM_TEXT_MAX)
      capacity = POLYSHM_TEXT_MAX;
    return luaL_error(
        L, "%I bytes do not fit item %I, which holds %I",
        (LUAI_UACINT)value->size, item, (LUAI_UACINT)capacity);
  case POLYSHM_E_CORRUPT:
  case POLYSHM_E_TIMEOUT:
    return luaL_error(L, "item %I: %s", item, polyshm_error_message());
  default:
    break;
  }
  return pshm_lua_raise(L);
}

/* ------------------------------------------------------------- metamethods */

/* l.shm: the block beneath, whose object is always the same one. The two keep
 * each other alive. */
static int pshm_lua_list_shm(lua_State *L) {
  if (lua_getiuservalue(L, 1, 1) != LUA_TNIL)
    return 1;
  pshm_lua_new(L, SWIGTYPE_p_polyshm_block)->own = 0;
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, 1);
  return 1;
}

static int pshm_lua_list_member(lua_State *L, const polyshm_list *list) {
  lua_settop(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNUMBER)
    return 1;
  if (lua_tointeger(L, -1) != PSHM_LUA_NAME)
    return pshm_lua_list_shm(L);
  lua_pushstring(L, polyshm_block_name(polyshm_list_block(list)));
  return 1;
}

/* l[i], nil outside; else l.name, l.shm and the methods. */
static int pshm_lua_list_index(lua_State *L) {
  const polyshm_list *list = pshm_lua_list(L);
  if (lua_type(L, 2) != LUA_TNUMBER)
    return pshm_lua_list_member(L, list);
  int exact;
  uint64_t slot = pshm_lua_slot(list, lua_tointegerx(L, 2, &exact));
  polyshm_value value;
  polyshm_status status =
      exact ? pshm_lua_push_slot(L, list, slot, &value) : POLYSHM_E_RANGE;
  if (status == POLYSHM_E_RANGE)
    lua_pushnil(L);
  else if (status != POLYSHM_OK)
    return pshm_lua_raise_item(L, list, slot, status, NULL);
  return 1;
}

PSHM_LUA_COLD static int pshm_lua_refuse_index(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING)
    return pshm_lua_refuse_field(L);
  return luaL_error(
      L, "the index of an item is an integer, not %s",
      luaL_tolstring(L, 2, NULL));
}

/* l[i] = v */
static int pshm_lua_list_newindex(lua_State *L) {
  polyshm_list *list = pshm_lua_list(L);
  int exact;
  lua_Integer index = lua_tointegerx(L, 2, &exact);
  if (!exact || lua_type(L, 2) != LUA_TNUMBER)
    return pshm_lua_refuse_index(L);
  polyshm_value value;
  if (!pshm_lua_to_value(L, 3, &value))
    return luaL_error(L, "no list holds a %s", luaL_typename(L, 3));
  uint64_t slot = pshm_lua_slot(list, index);
  polyshm_status status = polyshm_list_set(list, slot, &value);
  if (status != POLYSHM_OK)
    return pshm_lua_raise_item(L, list, slot, status, &value);
  return 0;
}

/* #l */
static int pshm_lua_list_length(lua_State *L) {
  const polyshm_list *list = pshm_lua_list(L);
  if (pshm_lua_is_open(polyshm_list_block(list)) != POLYSHM_OK)
    return pshm_lua_raise(L);
  lua_pushinteger(L, (lua_Integer)polyshm_list_length(list));
  return 1;
}

/* The index of one item is the slot of the next. */
static int pshm_lua_list_next(lua_State *L) {
  const polyshm_list *list = pshm_lua_list(L);
  uint64_t slot = (uint64_t)luaL_checkinteger(L, 2);
  if (slot >= polyshm_list_length(list))
    return 0;
  polyshm_value value;
  lua_pushinteger(L, (lua_Integer)slot + 1);
  polyshm_status status = pshm_lua_push_slot(L, list, slot, &value);
  if (status != POLYSHM_OK)
    return pshm_lua_raise_item(L, list, slot, status, NULL);
  return 2;
}

/* pairs(l) visits every item; ipairs(l) ends at the first nil. */
static int pshm_lua_list_pairs(lua_State *L) {
  pshm_lua_list_length(L);
  lua_pushcfunction(L, pshm_lua_list_next);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}

static int pshm_lua_list_tostring(lua_State *L) {
  swig_lua_userdata *object = pshm_lua_object(L, 1, SWIGTYPE_p_polyshm_list);
  if (object == NULL)
    return luaL_typeerror(L, 1, "ShareableList");
  const polyshm_list *list = object->ptr;
  const polyshm_block *block = polyshm_list_block(list);
  if (block == NULL)
    lua_pushliteral(L, "ShareableList (closed)");
  else if (pshm_lua_is_open(block) != POLYSHM_OK)
    lua_pushfstring(
        L, "ShareableList '%s' (closed)", polyshm_block_name(block));
  else
    lua_pushfstring(
        L, "ShareableList '%s' (%I items)", polyshm_block_name(block),
        (LUAI_UACINT)polyshm_list_length(list));
  return 1;
}

static int pshm_lua_list_gc(lua_State *L) {
  swig_lua_userdata *object = pshm_lua_object(L, 1, SWIGTYPE_p_polyshm_list);
  if (object != NULL) {
    polyshm_list_free(object->ptr);
    object->ptr = NULL;
  }
  return 0;
}

/* ----------------------------------------------------------------- methods */

/* l:type(i) */
static int pshm_lua_list_type(lua_State *L) {
  static const char *const names[] = {
      [POLYSHM_NONE] = "none",  [POLYSHM_BOOL] = "bool",
      [POLYSHM_INT] = "int",    [POLYSHM_FLOAT] = "float",
      [POLYSHM_STRING] = "str", [POLYSHM_BYTES] = "bytes"};
  const polyshm_list *list = pshm_lua_list(L);
  uint64_t slot = pshm_lua_check_index(L, 2, list);
  polyshm_value value;
  polyshm_status status = pshm_lua_push_slot(L, list, slot, &value);
  if (status != POLYSHM_OK)
    return pshm_lua_fail(L, status);
  lua_pushstring(L, names[value.type]);
  return 1;
}

/* The format of one item, as ShareableList writes it; NULL for a string. */
static const char *pshm_lua_format_of(const polyshm_value *value) {
  switch (value->type) {
  case POLYSHM_NONE:
    return "xxxxxx?x";
  case POLYSHM_BOOL:
    return "xxxxxxx?";
  case POLYSHM_INT:
    return "q";
  case POLYSHM_FLOAT:
    return "d";
  default:
    return NULL;
  }
}

/* l:format(): Python's struct format of all items. A string's is that of its
 * slot, so none needs to be copied. */
static int pshm_lua_list_format(lua_State *L) {
  const polyshm_list *list = pshm_lua_list(L);
  if (pshm_lua_is_open(polyshm_list_block(list)) != POLYSHM_OK)
    return pshm_lua_raise(L);
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  for (uint64_t slot = 0; slot < polyshm_list_length(list); slot++) {
    char small[8], text[32];
    uint64_t capacity;
    polyshm_value value = {.type = POLYSHM_STRING};
    polyshm_status status =
        polyshm_list_get(list, slot, small, sizeof small, &value);
    if (status == POLYSHM_OK || status == POLYSHM_E_SPACE)
      status = polyshm_list_capacity(list, slot, &capacity);
    if (status != POLYSHM_OK)
      return pshm_lua_fail(L, status);
    const char *format = pshm_lua_format_of(&value);
    if (format == NULL) {
      snprintf(text, sizeof text, "%llus", (unsigned long long)capacity);
      format = text;
    }
    luaL_addstring(&buffer, format);
  }
  luaL_pushresult(&buffer);
  return 1;
}

/* l:index(v, from = 1) */
static int pshm_lua_list_find(lua_State *L) {
  const polyshm_list *list = pshm_lua_list(L);
  polyshm_value value;
  pshm_lua_check_value(L, 2, &value);
  lua_Integer from = luaL_optinteger(L, 3, 1);
  if (from < 0)
    from += (lua_Integer)polyshm_list_length(list) + 1;
  uint64_t slot = from < 1 ? 0 : (uint64_t)from - 1;
  polyshm_status status = polyshm_list_find(list, slot, &value, &slot);
  if (status != POLYSHM_OK)
    return pshm_lua_fail(L, status);
  lua_pushinteger(L, (lua_Integer)slot + 1);
  return 1;
}

/* l:count(v) */
static int pshm_lua_list_count(lua_State *L) {
  const polyshm_list *list = pshm_lua_list(L);
  polyshm_value value;
  pshm_lua_check_value(L, 2, &value);
  lua_Integer count = 0;
  uint64_t slot = 0;
  polyshm_status status;
  while ((status = polyshm_list_find(list, slot, &value, &slot)) ==
         POLYSHM_OK) {
    count++;
    slot++;
  }
  if (status != POLYSHM_E_NOT_FOUND)
    return pshm_lua_fail(L, status);
  lua_pushinteger(L, count);
  return 1;
}

/* l:totable(i = 1, j = -1), which counts as string.sub does. If there are nils
 * the table has a field n, as table.pack's has. */
static int pshm_lua_list_totable(lua_State *L) {
  const polyshm_list *list = pshm_lua_list(L);
  uint64_t first;
  lua_Integer count = pshm_lua_check_slots(L, 2, list, &first);
  bool has_nil = false;
  pshm_lua_new_items(L, count);
  for (lua_Integer i = 0; i < count; i++) {
    polyshm_value value;
    polyshm_status status =
        pshm_lua_push_slot(L, list, first + (uint64_t)i, &value);
    if (status != POLYSHM_OK)
      return pshm_lua_fail(L, status);
    has_nil |= value.type == POLYSHM_NONE;
    lua_rawseti(L, -2, i + 1);
  }
  if (has_nil)
    pshm_lua_set_count(L, count);
  return 1;
}

static const luaL_Reg pshm_lua_list_methods[] = {
    {"type", pshm_lua_list_type},         {"index", pshm_lua_list_find},
    {"count", pshm_lua_list_count},       {"totable", pshm_lua_list_totable},
    {"add", pshm_lua_list_add},           {"swap", pshm_lua_list_swap},
    {"snapshot", pshm_lua_list_snapshot}, {"lock", pshm_lua_list_lock},
    {"version", pshm_lua_list_version},   {"wait", pshm_lua_list_wait},
    {"timeout", pshm_lua_list_timeout},   {"update", pshm_lua_list_update},
    {"format", pshm_lua_list_format},     {NULL, NULL}};

static const luaL_Reg pshm_lua_list_metamethods[] = {
    {"__newindex", pshm_lua_list_newindex},
    {"__len", pshm_lua_list_length},
    {"__pairs", pshm_lua_list_pairs},
    {"__eq", pshm_lua_equal},
    {"__tostring", pshm_lua_list_tostring},
    {"__gc", pshm_lua_list_gc},
    {NULL, NULL}};

#endif
