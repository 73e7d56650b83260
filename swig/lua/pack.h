/* SPDX-License-Identifier: MIT */
/*
 * b:pack and b:unpack: values straight into the block and out of it, in the
 * formats of string.pack.
 */
#ifndef POLYSHM_SWIG_LUA_PACK_H
#define POLYSHM_SWIG_LUA_PACK_H

#include "lua/memory.h"
#include "lua/format.h"

/* ----------------------------------------------------------------- packing */

/* An integer of any width, which may be more than Lua's own. */
static void pshm_lua_put_integer(
    char *at, lua_Integer integer, int size, bool is_little) {
  for (int i = 0; i < size; i++) {
    int digit = i < (int)sizeof integer
                    ? (int)((lua_Unsigned)integer >> (8 * i) & 0xff)
                : integer < 0 ? 0xff
                              : 0;
    at[is_little ? i : size - 1 - i] = (char)digit;
  }
}

static void pshm_lua_put_reversed(
    char *at, const void *number, int size, bool is_little) {
  const char *from = number;
  if (is_little == pshm_lua_host_is_little())
    memcpy(at, from, (size_t)size);
  else
    for (int i = 0; i < size; i++)
      at[i] = from[size - 1 - i];
}

static void pshm_lua_check_fits(
    lua_State *L, int arg, const pshm_lua_item *item) {
  lua_Integer integer = luaL_checkinteger(L, arg);
  if (item->size >= (int)sizeof integer)
    return;
  int bits = 8 * item->size;
  if (item->kind == PSHM_LUA_UNSIGNED)
    luaL_argcheck(
        L, (lua_Unsigned)integer >> bits == 0, arg, "unsigned overflow");
  else {
    lua_Integer limit = (lua_Integer)1 << (bits - 1);
    luaL_argcheck(
        L, integer >= -limit && integer < limit, arg, "integer overflow");
  }
}

/* Look at the value of an item. Returns how many bytes it takes behind its
 * padding. A number that stands for a string becomes one, so that the second
 * look allocates nothing. */
static uint64_t pshm_lua_measure_item(
    lua_State *L, int arg, const pshm_lua_item *item) {
  size_t length;
  const char *text;
  switch (item->kind) {
  case PSHM_LUA_SIGNED:
  case PSHM_LUA_UNSIGNED:
    pshm_lua_check_fits(L, arg, item);
    break;
  case PSHM_LUA_FLOAT:
  case PSHM_LUA_DOUBLE:
    luaL_checknumber(L, arg);
    break;
  case PSHM_LUA_CHARACTERS:
    luaL_checklstring(L, arg, &length);
    luaL_argcheck(
        L, length <= (size_t)item->size, arg, "string longer than given size");
    break;
  case PSHM_LUA_COUNTED:
    luaL_checklstring(L, arg, &length);
    luaL_argcheck(
        L, item->size >= (int)sizeof length || length >> (8 * item->size) == 0,
        arg, "string length does not fit in given size");
    return (uint64_t)item->size + length;
  case PSHM_LUA_TERMINATED:
    text = luaL_checklstring(L, arg, &length);
    luaL_argcheck(L, strlen(text) == length, arg, "string contains zeros");
    return (uint64_t)length + 1;
  default:
    break;
  }
  return (uint64_t)item->size;
}

/* Whether an item of the format stands for a value. */
static bool pshm_lua_item_has_value(const pshm_lua_item *item) {
  return item->kind < PSHM_LUA_PADDING;
}

/* Look at all values, from the fourth argument on: the bytes that they take. */
static uint64_t pshm_lua_measure(lua_State *L, const char *text) {
  pshm_lua_format format = pshm_lua_format_begin(text);
  pshm_lua_item item;
  uint64_t total = 0;
  int arg = 3;
  while (pshm_lua_format_next(L, &format, total, &item)) {
    if (pshm_lua_item_has_value(&item))
      arg++;
    total += (uint64_t)item.padding + pshm_lua_measure_item(L, arg, &item);
  }
  return total;
}

/* Write a value that was measured; where it ends. */
static char *pshm_lua_put_item(
    lua_State *L, int arg, const pshm_lua_format *format,
    const pshm_lua_item *item, char *at) {
  size_t length;
  const char *text;
  float single;
  double number;
  switch (item->kind) {
  case PSHM_LUA_SIGNED:
  case PSHM_LUA_UNSIGNED:
    pshm_lua_put_integer(
        at, lua_tointeger(L, arg), item->size, format->is_little);
    break;
  case PSHM_LUA_FLOAT:
    single = (float)lua_tonumber(L, arg);
    pshm_lua_put_reversed(at, &single, item->size, format->is_little);
    break;
  case PSHM_LUA_DOUBLE:
    number = lua_tonumber(L, arg);
    pshm_lua_put_reversed(at, &number, item->size, format->is_little);
    break;
  case PSHM_LUA_CHARACTERS:
    text = lua_tolstring(L, arg, &length);
    memcpy(at, text, length);
    memset(at + length, 0, (size_t)item->size - length);
    break;
  case PSHM_LUA_COUNTED:
    text = lua_tolstring(L, arg, &length);
    pshm_lua_put_integer(
        at, (lua_Integer)length, item->size, format->is_little);
    memcpy(at + item->size, text, length);
    return at + item->size + length;
  case PSHM_LUA_TERMINATED:
    text = lua_tolstring(L, arg, &length);
    memcpy(at, text, length + 1);
    return at + length + 1;
  case PSHM_LUA_PADDING:
    *at = 0;
    break;
  default:
    return at;
  }
  return at + item->size;
}

/* b:pack(offset, format, ...): the offset behind what was written. Nothing is
 * written unless all of it can be. */
static int pshm_lua_block_pack(lua_State *L) {
  const polyshm_block *block = pshm_lua_block(L);
  uint64_t offset = pshm_lua_check_count(L, 2, INT64_MAX);
  const char *text = luaL_checkstring(L, 3);
  uint64_t total = pshm_lua_measure(L, text);
  pshm_lua_memory memory = pshm_lua_map_writable(L, block);
  pshm_lua_check_span(L, block, offset, total);

  pshm_lua_format format = pshm_lua_format_begin(text);
  pshm_lua_item item;
  char *begin = memory.at + offset, *at = begin;
  int arg = 3;
  while (pshm_lua_format_next(L, &format, (uint64_t)(at - begin), &item)) {
    memset(at, 0, (size_t)item.padding);
    if (pshm_lua_item_has_value(&item))
      arg++;
    at = pshm_lua_put_item(L, arg, &format, &item, at + item.padding);
  }
  lua_pushinteger(L, (lua_Integer)(offset + total));
  return 1;
}

/* --------------------------------------------------------------- unpacking */

static lua_Integer pshm_lua_take_integer(
    lua_State *L, const char *from, const pshm_lua_item *item, bool is_little) {
  unsigned char digits[PSHM_LUA_INTEGER_MAX];
  memcpy(digits, from, (size_t)item->size);
  lua_Unsigned number = 0;
  int size = item->size, width = (int)sizeof number;
  for (int i = (size < width ? size : width) - 1; i >= 0; i--)
    number = number << 8 | digits[is_little ? i : size - 1 - i];
  if (size < width && item->kind == PSHM_LUA_SIGNED) {
    lua_Unsigned sign = (lua_Unsigned)1 << (8 * size - 1);
    number = (number ^ sign) - sign;
  }
  int rest =
      item->kind == PSHM_LUA_SIGNED && (lua_Integer)number < 0 ? 0xff : 0;
  for (int i = width; i < size; i++)
    if (digits[is_little ? i : size - 1 - i] != rest)
      luaL_error(L, "%d-byte integer does not fit into Lua Integer", size);
  return (lua_Integer)number;
}

/* A string that ends with a zero byte. */
static uint64_t pshm_lua_take_terminated(
    lua_State *L, pshm_lua_memory memory, uint64_t at) {
  const char *begin = memory.at + at;
  const char *end = memchr(begin, 0, (size_t)(memory.size - at));
  if (end == NULL)
    luaL_error(L, "unfinished string for format 'z'");
  lua_pushlstring(L, begin, (size_t)(end - begin));
  return at + (uint64_t)(end - begin) + 1;
}

/* Push the value of an item at `at`, which has its size there; where it ends.
 */
static uint64_t pshm_lua_take_item(
    lua_State *L, const polyshm_block *block, const pshm_lua_format *format,
    const pshm_lua_item *item, uint64_t at) {
  pshm_lua_memory memory = pshm_lua_map(L, block);
  const char *from = memory.at + at;
  uint64_t end = at + (uint64_t)item->size, length;
  float single;
  double number;
  switch (item->kind) {
  case PSHM_LUA_SIGNED:
  case PSHM_LUA_UNSIGNED:
    lua_pushinteger(L, pshm_lua_take_integer(L, from, item, format->is_little));
    break;
  case PSHM_LUA_FLOAT:
    pshm_lua_put_reversed((char *)&single, from, item->size, format->is_little);
    lua_pushnumber(L, (lua_Number)single);
    break;
  case PSHM_LUA_DOUBLE:
    pshm_lua_put_reversed((char *)&number, from, item->size, format->is_little);
    lua_pushnumber(L, (lua_Number)number);
    break;
  case PSHM_LUA_CHARACTERS:
    lua_pushlstring(L, from, (size_t)item->size);
    break;
  case PSHM_LUA_COUNTED:
    length = (uint64_t)pshm_lua_take_integer(L, from, item, format->is_little);
    pshm_lua_check_span(L, block, end, length);
    lua_pushlstring(L, memory.at + end, (size_t)length);
    end += length;
    break;
  case PSHM_LUA_TERMINATED:
    return pshm_lua_take_terminated(L, memory, at);
  default:
    break;
  }
  return end;
}

/* b:unpack(offset, format): the values, and the offset behind them. */
static int pshm_lua_block_unpack(lua_State *L) {
  const polyshm_block *block = pshm_lua_block(L);
  uint64_t offset = pshm_lua_check_count(L, 2, INT64_MAX);
  const char *text = luaL_checkstring(L, 3);
  pshm_lua_map(L, block);
  pshm_lua_check_span(L, block, offset, 0);

  pshm_lua_format format = pshm_lua_format_begin(text);
  pshm_lua_item item;
  uint64_t at = offset;
  lua_settop(L, 3);
  while (pshm_lua_format_next(L, &format, at - offset, &item)) {
    pshm_lua_check_span(
        L, block, at, (uint64_t)item.padding + (uint64_t)item.size);
    luaL_checkstack(L, 2, "too many results");
    /* Asked anew for each, since a string may cost a collection. */
    at = pshm_lua_take_item(
        L, block, &format, &item, at + (uint64_t)item.padding);
  }
  lua_pushinteger(L, (lua_Integer)at);
  return lua_gettop(L) - 3;
}

#endif
