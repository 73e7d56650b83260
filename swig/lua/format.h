/* SPDX-License-Identifier: MIT */
/*
 * The formats of string.pack, read item by item. What they mean is said in the
 * manual of Lua 5.4, section 6.4.2; errors are worded as there.
 *
 * string.pack itself would need a string of the same bytes, and string.unpack a
 * copy of all the rest of the block.
 */
#ifndef POLYSHM_SWIG_LUA_FORMAT_H
#define POLYSHM_SWIG_LUA_FORMAT_H

#include "lua/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A format that is being read. */
typedef struct pshm_lua_format {
  const char *rest;
  int alignment; /* the largest that items get */
  bool is_little;
} pshm_lua_format;

enum { PSHM_LUA_INTEGER_MAX = 16 }; /* bytes */

typedef enum pshm_lua_item_kind {
  PSHM_LUA_SIGNED,
  PSHM_LUA_UNSIGNED,
  PSHM_LUA_FLOAT,
  PSHM_LUA_DOUBLE,
  PSHM_LUA_CHARACTERS, /* size bytes */
  PSHM_LUA_COUNTED,    /* a length of size bytes, then so many */
  PSHM_LUA_TERMINATED, /* up to a zero byte */
  PSHM_LUA_PADDING,
  PSHM_LUA_ALIGNING,
  PSHM_LUA_NOTHING
} pshm_lua_item_kind;

typedef struct pshm_lua_item {
  pshm_lua_item_kind kind;
  int size;    /* bytes */
  int padding; /* bytes before it */
} pshm_lua_item;

static bool pshm_lua_host_is_little(void) {
  const union {
    uint16_t number;
    char first;
  } host = {1};
  return host.first == 1;
}

static pshm_lua_format pshm_lua_format_begin(const char *text) {
  return (pshm_lua_format){
      .rest = text, .alignment = 1, .is_little = pshm_lua_host_is_little()};
}

static bool pshm_lua_is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* A number that the format may have here. */
static int pshm_lua_format_number(pshm_lua_format *format, int otherwise) {
  if (!pshm_lua_is_digit(*format->rest))
    return otherwise;
  int number = 0;
  do
    number = number * 10 + (*format->rest++ - '0');
  while (pshm_lua_is_digit(*format->rest) && number <= (INT_MAX - 9) / 10);
  return number;
}

/* The same, as the size of an integer. */
static int pshm_lua_format_width(
    lua_State *L, pshm_lua_format *format, size_t otherwise) {
  int width = pshm_lua_format_number(format, (int)otherwise);
  if (width <= 0 || width > PSHM_LUA_INTEGER_MAX)
    luaL_error(
        L, "integral size (%d) out of limits [1,%d]", width,
        PSHM_LUA_INTEGER_MAX);
  return width;
}

static pshm_lua_item pshm_lua_format_option(
    lua_State *L, pshm_lua_format *format) {
  struct aligned {
    char before;
    union {
      lua_Number number;
      lua_Integer integer;
      double real;
      void *pointer;
      long word;
    } most;
  };
  pshm_lua_item item = {PSHM_LUA_NOTHING, 0, 0};
  char option = *format->rest++;
  switch (option) {
  case 'b':
    return (pshm_lua_item){PSHM_LUA_SIGNED, sizeof(char), 0};
  case 'B':
    return (pshm_lua_item){PSHM_LUA_UNSIGNED, sizeof(char), 0};
  case 'h':
    return (pshm_lua_item){PSHM_LUA_SIGNED, sizeof(short), 0};
  case 'H':
    return (pshm_lua_item){PSHM_LUA_UNSIGNED, sizeof(short), 0};
  case 'l':
    return (pshm_lua_item){PSHM_LUA_SIGNED, sizeof(long), 0};
  case 'L':
    return (pshm_lua_item){PSHM_LUA_UNSIGNED, sizeof(long), 0};
  case 'j':
    return (pshm_lua_item){PSHM_LUA_SIGNED, sizeof(lua_Integer), 0};
  case 'J':
    return (pshm_lua_item){PSHM_LUA_UNSIGNED, sizeof(lua_Integer), 0};
  case 'T':
    return (pshm_lua_item){PSHM_LUA_UNSIGNED, sizeof(size_t), 0};
  case 'f':
    return (pshm_lua_item){PSHM_LUA_FLOAT, sizeof(float), 0};
  case 'd':
  case 'n':
    return (pshm_lua_item){PSHM_LUA_DOUBLE, sizeof(double), 0};
  case 'i':
    item.kind = PSHM_LUA_SIGNED;
    item.size = pshm_lua_format_width(L, format, sizeof(int));
    break;
  case 'I':
    item.kind = PSHM_LUA_UNSIGNED;
    item.size = pshm_lua_format_width(L, format, sizeof(int));
    break;
  case 's':
    item.kind = PSHM_LUA_COUNTED;
    item.size = pshm_lua_format_width(L, format, sizeof(size_t));
    break;
  case 'c':
    item.kind = PSHM_LUA_CHARACTERS;
    item.size = pshm_lua_format_number(format, -1);
    if (item.size < 0)
      luaL_error(L, "missing size for format option 'c'");
    break;
  case 'z':
    item.kind = PSHM_LUA_TERMINATED;
    break;
  case 'x':
    return (pshm_lua_item){PSHM_LUA_PADDING, 1, 0};
  case 'X':
    item.kind = PSHM_LUA_ALIGNING;
    break;
  case ' ':
    break;
  case '<':
    format->is_little = true;
    break;
  case '>':
    format->is_little = false;
    break;
  case '=':
    format->is_little = pshm_lua_host_is_little();
    break;
  case '!':
    format->alignment =
        pshm_lua_format_width(L, format, offsetof(struct aligned, most));
    break;
  default:
    luaL_error(L, "invalid format option '%c'", option);
  }
  return item;
}

/* The next item, behind `before` bytes; false at the end. The format is
 * argument 3. */
static bool pshm_lua_format_next(
    lua_State *L, pshm_lua_format *format, uint64_t before,
    pshm_lua_item *item) {
  if (*format->rest == 0)
    return false;
  *item = pshm_lua_format_option(L, format);
  int alignment = item->size;
  if (item->kind == PSHM_LUA_ALIGNING) {
    pshm_lua_item next = {PSHM_LUA_CHARACTERS, 0, 0};
    if (*format->rest != 0)
      next = pshm_lua_format_option(L, format);
    if (next.kind == PSHM_LUA_CHARACTERS || next.size == 0)
      luaL_argerror(L, 3, "invalid next option for option 'X'");
    alignment = next.size;
  }
  if (item->kind == PSHM_LUA_CHARACTERS || alignment <= 1)
    return true;
  if (alignment > format->alignment)
    alignment = format->alignment;
  if (alignment & (alignment - 1))
    luaL_argerror(L, 3, "format asks for alignment not power of 2");
  item->padding = (int)(-before & (uint64_t)(alignment - 1));
  return true;
}

#endif
