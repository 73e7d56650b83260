/* SPDX-License-Identifier: MIT */
/* Many items from a table: l:update. */
#ifndef POLYSHM_SWIG_LUA_UPDATE_H
#define POLYSHM_SWIG_LUA_UPDATE_H

#include "lua/index.h"

/* What a key of the table at 2 means: an item's slot. */
static uint64_t pshm_lua_check_key(
    lua_State *L, int arg, const polyshm_list *list) {
  int exact;
  uint64_t slot = pshm_lua_slot(list, lua_tointegerx(L, arg, &exact));
  if (!exact || lua_type(L, arg) != LUA_TNUMBER ||
      slot >= polyshm_list_length(list))
    luaL_argerror(
        L, 2,
        lua_pushfstring(
            L, "its key '%s' is no index of the list, which has %I items",
            luaL_tolstring(L, arg, NULL),
            (LUAI_UACINT)polyshm_list_length(list)));
  return slot;
}

static polyshm_status pshm_lua_fits(
    const polyshm_list *list, uint64_t slot, const polyshm_value *value) {
  uint64_t capacity;
  if (value->size == 0)
    return POLYSHM_OK;
  polyshm_status status = polyshm_list_capacity(list, slot, &capacity);
  if (status == POLYSHM_OK && value->size > capacity)
    status = POLYSHM_E_SPACE;
  return status;
}

/* Push what update returns about an item that could not be set. */
PSHM_LUA_COLD static int pshm_lua_fail_item(
    lua_State *L, const polyshm_list *list, uint64_t slot,
    polyshm_status status, const polyshm_value *value) {
  LUAI_UACINT item = (LUAI_UACINT)slot + 1;
  uint64_t capacity = 0;
  lua_pushnil(L);
  switch (status) {
  case POLYSHM_E_SPACE:
    polyshm_list_capacity(list, slot, &capacity);
    lua_pushfstring(
        L, "%I bytes do not fit item %I, which holds %I",
        (LUAI_UACINT)value->size, item, (LUAI_UACINT)capacity);
    break;
  case POLYSHM_E_CORRUPT:
  case POLYSHM_E_TIMEOUT:
    lua_pushfstring(L, "item %I: %s", item, polyshm_error_message());
    break;
  default:
    return pshm_lua_fail_change(L, status);
  }
  lua_pushinteger(L, status);
  return 3;
}

typedef polyshm_status pshm_lua_visitor(
    polyshm_list *list, uint64_t slot, const polyshm_value *value);

static polyshm_status pshm_lua_look_item(
    polyshm_list *list, uint64_t slot, const polyshm_value *value) {
  return pshm_lua_fits(list, slot, value);
}

/* Visit the item that the key and value on top of the stack are about. Pushes
 * and returns something only if that fails. */
static int pshm_lua_visit(
    lua_State *L, polyshm_list *list, uint64_t slot,
    pshm_lua_visitor *visitor) {
  polyshm_value value;
  if (!pshm_lua_to_value(L, -1, &value))
    luaL_argerror(
        L, 2,
        lua_pushfstring(
            L, "value %I is a %s, which no list holds", (LUAI_UACINT)slot + 1,
            luaL_typename(L, -1)));
  polyshm_status status = visitor(list, slot, &value);
  return status == POLYSHM_OK
             ? 0
             : pshm_lua_fail_item(L, list, slot, status, &value);
}

/* Visit the items 1 to `count`, nils too. */
static int pshm_lua_visit_count(
    lua_State *L, polyshm_list *list, uint64_t count,
    pshm_lua_visitor *visitor) {
  for (uint64_t slot = 0; slot < count; slot++) {
    lua_rawgeti(L, 2, (lua_Integer)slot + 1);
    int results = pshm_lua_visit(L, list, slot, visitor);
    if (results != 0)
      return results;
    lua_pop(L, 1);
  }
  return 0;
}

/* Visit the items that have a key. */
static int pshm_lua_visit_keys(
    lua_State *L, polyshm_list *list, pshm_lua_visitor *visitor) {
  lua_pushnil(L);
  while (lua_next(L, 2)) {
    uint64_t slot = pshm_lua_check_key(L, lua_gettop(L) - 1, list);
    int results = pshm_lua_visit(L, list, slot, visitor);
    if (results != 0)
      return results;
    lua_pop(L, 1);
  }
  return 0;
}

/* l:update(t): what t has at an index becomes the item there; if t has a field
 * n, as table.pack sets it, the items 1 to n, nils too. All are looked at
 * before one is changed. */
static int pshm_lua_list_update(lua_State *L) {
  polyshm_list *list = pshm_lua_list(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_pushliteral(L, "n");
  bool has_count = lua_rawget(L, 2) != LUA_TNIL;
  int exact = 0;
  lua_Integer count = lua_tointegerx(L, -1, &exact);
  lua_pop(L, 1);
  if (pshm_lua_is_open(polyshm_list_block(list)) != POLYSHM_OK)
    return pshm_lua_raise(L);
  luaL_argcheck(
      L,
      !has_count ||
          (exact && count >= 0 && (uint64_t)count <= polyshm_list_length(list)),
      2, "its field 'n' is no count of items of the list");

  static pshm_lua_visitor *const visitors[] = {
      pshm_lua_look_item, polyshm_list_set};
  for (int i = 0; i < 2; i++) {
    int results =
        has_count ? pshm_lua_visit_count(L, list, (uint64_t)count, visitors[i])
                  : pshm_lua_visit_keys(L, list, visitors[i]);
    if (results != 0)
      return results;
  }
  lua_pushboolean(L, 1);
  return 1;
}

#endif
