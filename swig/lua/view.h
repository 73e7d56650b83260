/* SPDX-License-Identifier: MIT */
/*
 * Typed views: elements of one kind, one behind the other, in a block.
 *
 * A view keeps the object of its block and asks it for the bytes on each
 * access. It holds nothing in place: once the block is closed, its elements are
 * an error. Their place is compared with the block's size each time, since the
 * debug library can give a view another block.
 */
#ifndef POLYSHM_SWIG_LUA_VIEW_H
#define POLYSHM_SWIG_LUA_VIEW_H

#include "lua/element.h"
#include "lua/index.h"

typedef struct pshm_lua_view {
  const void *tag;
  uint64_t offset, end; /* bytes */
  lua_Integer count;
  pshm_lua_kind kind;
} pshm_lua_view;

static const char pshm_lua_view_tag[] = "polyshm.view";

static inline const pshm_lua_view *pshm_lua_check_view(lua_State *L) {
  const pshm_lua_view *view =
      pshm_lua_tagged(L, 1, pshm_lua_view_tag, sizeof *view);
  if (view == NULL)
    luaL_typeerror(L, 1, "View");
  return view;
}

/* The block of the view at `arg`; NULL if it is gone. */
static inline const polyshm_block *pshm_lua_view_block(lua_State *L, int arg) {
  lua_getiuservalue(L, arg, 1);
  const swig_lua_userdata *object =
      pshm_lua_object(L, -1, SWIGTYPE_p_polyshm_block);
  const polyshm_block *block =
      object == NULL ? NULL : pshm_lua_handle_of(L, -1, object);
  lua_pop(L, 1);
  return block;
}

PSHM_LUA_COLD static void pshm_lua_refuse_view(
    lua_State *L, const pshm_lua_memory *memory) {
  if (memory->at == NULL)
    luaL_error(L, "the SharedMemory has been closed");
  luaL_error(L, "the block of this view is too small");
}

/* Where the elements of the view at `arg` are, until Lua allocates or runs. */
static inline char *pshm_lua_view_map(
    lua_State *L, int arg, const pshm_lua_view *view, bool is_writing) {
  const polyshm_block *block = pshm_lua_view_block(L, arg);
  pshm_lua_memory memory = {0};
  if (block != NULL)
    memory =
        is_writing ? pshm_lua_map_writable(L, block) : pshm_lua_map(L, block);
  if (memory.at == NULL || view->end > memory.size)
    pshm_lua_refuse_view(L, &memory);
  return memory.at + view->offset;
}

static inline size_t pshm_lua_view_size(const pshm_lua_view *view) {
  return pshm_lua_kinds[view->kind].size;
}

/* ------------------------------------------------------------- metamethods */

enum { PSHM_LUA_VIEW_KIND, PSHM_LUA_VIEW_OFFSET, PSHM_LUA_VIEW_SHM };

/* v.kind, v.offset, v.shm, and the methods. */
static int pshm_lua_view_member(lua_State *L, const pshm_lua_view *view) {
  lua_settop(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNUMBER)
    return 1;
  switch (lua_tointeger(L, -1)) {
  case PSHM_LUA_VIEW_KIND:
    lua_pushstring(L, pshm_lua_kinds[view->kind].name);
    break;
  case PSHM_LUA_VIEW_OFFSET:
    lua_pushinteger(L, (lua_Integer)view->offset);
    break;
  default:
    lua_getiuservalue(L, 1, 1);
  }
  return 1;
}

/* How many elements are before the one with this index. What is outside the
 * view is so by this number, too. */
static inline uint64_t pshm_lua_view_place(
    const pshm_lua_view *view, lua_Integer index) {
  if (index < 0)
    index += view->count + 1;
  return (uint64_t)index - 1;
}

/* v[i], nil outside; else its members. */
static int pshm_lua_view_index(lua_State *L) {
  const pshm_lua_view *view = pshm_lua_check_view(L);
  if (lua_type(L, 2) != LUA_TNUMBER)
    return pshm_lua_view_member(L, view);
  int exact;
  uint64_t place = pshm_lua_view_place(view, lua_tointegerx(L, 2, &exact));
  const char *at = pshm_lua_view_map(L, 1, view, false);
  if (!exact || place >= (uint64_t)view->count)
    lua_pushnil(L);
  else
    pshm_lua_push_element(L, view->kind, at + place * pshm_lua_view_size(view));
  return 1;
}

PSHM_LUA_COLD static int pshm_lua_refuse_place(
    lua_State *L, const pshm_lua_view *view) {
  if (lua_type(L, 2) == LUA_TSTRING)
    return pshm_lua_refuse_field(L);
  const char *index = luaL_tolstring(L, 2, NULL);
  if (lua_type(L, 2) != LUA_TNUMBER)
    return luaL_error(
        L, "the index of an element is an integer, not %s", index);
  return luaL_error(
      L, "index %s is outside the view, which has %I elements", index,
      (LUAI_UACINT)view->count);
}

/* v[i] = x */
static int pshm_lua_view_newindex(lua_State *L) {
  const pshm_lua_view *view = pshm_lua_check_view(L);
  int exact;
  uint64_t place = pshm_lua_view_place(view, lua_tointegerx(L, 2, &exact));
  if (!exact || lua_type(L, 2) != LUA_TNUMBER ||
      place >= (uint64_t)view->count) {
    pshm_lua_view_map(L, 1, view, false);
    return pshm_lua_refuse_place(L, view);
  }
  char *at = pshm_lua_view_map(L, 1, view, true);
  if (!pshm_lua_put_element(
          L, 3, view->kind, at + place * pshm_lua_view_size(view)))
    return luaL_error(L, "%s", pshm_lua_explain_element(L, 3, view->kind));
  return 0;
}

/* #v */
static int pshm_lua_view_length(lua_State *L) {
  const pshm_lua_view *view = pshm_lua_check_view(L);
  pshm_lua_view_map(L, 1, view, false);
  lua_pushinteger(L, view->count);
  return 1;
}

/* The index of one element is the place of the next. */
static int pshm_lua_view_next(lua_State *L) {
  const pshm_lua_view *view = pshm_lua_check_view(L);
  lua_Integer place = luaL_checkinteger(L, 2);
  const char *at = pshm_lua_view_map(L, 1, view, false);
  if ((uint64_t)place >= (uint64_t)view->count)
    return 0;
  lua_pushinteger(L, place + 1);
  pshm_lua_push_element(
      L, view->kind, at + (uint64_t)place * pshm_lua_view_size(view));
  return 2;
}

static int pshm_lua_view_pairs(lua_State *L) {
  pshm_lua_view_length(L);
  lua_pushcfunction(L, pshm_lua_view_next);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}

static int pshm_lua_view_tostring(lua_State *L) {
  const pshm_lua_view *view = pshm_lua_check_view(L);
  const polyshm_block *block = pshm_lua_view_block(L, 1);
  if (block == NULL)
    lua_pushliteral(L, "View (closed)");
  else if (pshm_lua_is_open(block) != POLYSHM_OK)
    lua_pushfstring(L, "View '%s' (closed)", polyshm_block_name(block));
  else
    lua_pushfstring(
        L, "View '%s' (%I %s at offset %I)", polyshm_block_name(block),
        (LUAI_UACINT)view->count, pshm_lua_kinds[view->kind].name,
        (LUAI_UACINT)view->offset);
  return 1;
}

/* ----------------------------------------------------------------- methods */

/* v:totable(i = 1, j = -1), which counts as string.sub does. */
static int pshm_lua_view_totable(lua_State *L) {
  const pshm_lua_view *view = pshm_lua_check_view(L);
  uint64_t before;
  lua_Integer count = pshm_lua_check_range(L, 2, view->count, &before);
  size_t size = pshm_lua_view_size(view);
  pshm_lua_new_items(L, count);
  const char *at = pshm_lua_view_map(L, 1, view, false) + before * size;
  for (lua_Integer i = 0; i < count; i++, at += size) {
    pshm_lua_push_element(L, view->kind, at);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* v:fill(x, i = 1, j = -1) */
static int pshm_lua_view_fill(lua_State *L) {
  const pshm_lua_view *view = pshm_lua_check_view(L);
  uint64_t before;
  lua_Integer count = pshm_lua_check_range(L, 3, view->count, &before);
  char element[sizeof(lua_Integer)];
  luaL_checkany(L, 2);
  if (!pshm_lua_put_element(L, 2, view->kind, element))
    return luaL_argerror(L, 2, pshm_lua_explain_element(L, 2, view->kind));
  size_t size = pshm_lua_view_size(view);
  char *at = pshm_lua_view_map(L, 1, view, true);
  pshm_lua_repeat(at + before * size, element, size, (uint64_t)count);
  lua_pushboolean(L, 1);
  return 1;
}

/* v:sum(i = 1, j = -1), 0 of none */
static int pshm_lua_view_sum(lua_State *L) {
  const pshm_lua_view *view = pshm_lua_check_view(L);
  uint64_t before;
  lua_Integer count = pshm_lua_check_range(L, 2, view->count, &before);
  const char *at = pshm_lua_view_map(L, 1, view, false);
  pshm_lua_sums[view->kind](
      L, at + before * pshm_lua_view_size(view), (uint64_t)count);
  return 1;
}

/* nil of none */
static int pshm_lua_view_extreme(lua_State *L, pshm_lua_loop *const loops[]) {
  const pshm_lua_view *view = pshm_lua_check_view(L);
  uint64_t before;
  lua_Integer count = pshm_lua_check_range(L, 2, view->count, &before);
  const char *at = pshm_lua_view_map(L, 1, view, false);
  if (count == 0)
    lua_pushnil(L);
  else
    loops[view->kind](
        L, at + before * pshm_lua_view_size(view), (uint64_t)count);
  return 1;
}

/* v:min(i = 1, j = -1) */
static int pshm_lua_view_min(lua_State *L) {
  return pshm_lua_view_extreme(L, pshm_lua_minima);
}

/* v:max(i = 1, j = -1) */
static int pshm_lua_view_max(lua_State *L) {
  return pshm_lua_view_extreme(L, pshm_lua_maxima);
}

/* -------------------------------------------------------------- v:copy(...) */

/* How many elements the source at 2 has: a view, a table or a list. */
static lua_Integer pshm_lua_source_length(
    lua_State *L, const pshm_lua_view *source) {
  if (source != NULL) {
    pshm_lua_view_map(L, 2, source, false);
    return source->count;
  }
  if (!lua_istable(L, 2) &&
      pshm_lua_object(L, 2, SWIGTYPE_p_polyshm_list) == NULL)
    luaL_typeerror(L, 2, "View, table or ShareableList");
  return luaL_len(L, 2);
}

/* Elements of another kind, in memory of Lua's: if one of them does not fit,
 * nothing has changed. */
static const char *pshm_lua_convert(
    lua_State *L, pshm_lua_kind kind, lua_Integer count) {
  size_t size = pshm_lua_kinds[kind].size;
  char *elements = lua_newuserdatauv(L, (size_t)count * size, 0);
  for (lua_Integer i = 0; i < count; i++) {
    lua_geti(L, 2, i + 1);
    if (!pshm_lua_put_element(L, -1, kind, elements + (size_t)i * size))
      luaL_error(
          L, "value %I: %s", (LUAI_UACINT)(i + 1),
          pshm_lua_explain_element(L, lua_gettop(L), kind));
    lua_pop(L, 1);
  }
  return elements;
}

/* v:copy(source, i = 1): all elements of the source, from v[i] on. */
static int pshm_lua_view_copy(lua_State *L) {
  const pshm_lua_view *view = pshm_lua_check_view(L);
  const pshm_lua_view *source =
      pshm_lua_tagged(L, 2, pshm_lua_view_tag, sizeof *source);
  lua_Integer count = pshm_lua_source_length(L, source);
  lua_Integer index = luaL_optinteger(L, 3, 1);
  uint64_t before = pshm_lua_view_place(view, index);
  luaL_argcheck(L, before <= (uint64_t)view->count, 3, "index out of range");
  luaL_argcheck(
      L, count >= 0 && (uint64_t)count <= (uint64_t)view->count - before, 2,
      "the view has not so many elements from there on");

  size_t size = pshm_lua_view_size(view);
  bool is_same = source != NULL && source->kind == view->kind;
  const char *from = is_same ? NULL : pshm_lua_convert(L, view->kind, count);
  char *at = pshm_lua_view_map(L, 1, view, true);
  if (is_same)
    from = pshm_lua_view_map(L, 2, source, false);
  memmove(at + before * size, from, (size_t)count * size);
  lua_pushboolean(L, 1);
  return 1;
}

/* ------------------------------------------------------------------- class */

PSHM_LUA_COLD static void pshm_lua_view_class(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"totable", pshm_lua_view_totable},
      {"fill", pshm_lua_view_fill},
      {"copy", pshm_lua_view_copy},
      {"sum", pshm_lua_view_sum},
      {"min", pshm_lua_view_min},
      {"max", pshm_lua_view_max},
      {NULL, NULL}};
  static const luaL_Reg metamethods[] = {
      {"__newindex", pshm_lua_view_newindex},
      {"__len", pshm_lua_view_length},
      {"__pairs", pshm_lua_view_pairs},
      {"__tostring", pshm_lua_view_tostring},
      {NULL, NULL}};
  luaL_setfuncs(L, metamethods, 0);
  lua_pushliteral(L, "View");
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__name");
  lua_setfield(L, -2, "__metatable");
  luaL_newlib(L, methods);
  lua_pushinteger(L, PSHM_LUA_VIEW_KIND);
  lua_setfield(L, -2, "kind");
  lua_pushinteger(L, PSHM_LUA_VIEW_OFFSET);
  lua_setfield(L, -2, "offset");
  lua_pushinteger(L, PSHM_LUA_VIEW_SHM);
  lua_setfield(L, -2, "shm");
  lua_pushcclosure(L, pshm_lua_view_index, 1);
  lua_setfield(L, -2, "__index");
}

static pshm_lua_kind pshm_lua_check_kind(lua_State *L, int arg) {
  size_t length;
  const char *name = luaL_checklstring(L, arg, &length);
  for (int kind = 0; kind < PSHM_LUA_NKINDS; kind++)
    if (strcmp(name, pshm_lua_kinds[kind].name) == 0 && strlen(name) == length)
      return (pshm_lua_kind)kind;
  return (pshm_lua_kind)luaL_argerror(
      L, arg,
      lua_pushfstring(
          L, "no kind is called '%s'; i8 to i64, u8 to u64, f32, f64 are",
          name));
}

/* b:view(kind, offset = 0, count = as many as there is room for) */
static int pshm_lua_block_view(lua_State *L) {
  const polyshm_block *block = pshm_lua_block(L);
  pshm_lua_kind kind = pshm_lua_check_kind(L, 2);
  uint64_t block_size = pshm_lua_map(L, block).size;
  uint64_t offset = pshm_lua_opt_offset(L, 3, block_size);
  uint64_t size = pshm_lua_kinds[kind].size;
  uint64_t count = (block_size - offset) / size;
  if (!lua_isnoneornil(L, 4)) {
    uint64_t most = count;
    count = pshm_lua_check_count(L, 4, INT64_MAX);
    luaL_argcheck(L, count <= most, 4, "the block has not so many elements");
  }

  pshm_lua_view *view = lua_newuserdatauv(L, sizeof *view, 1);
  *view = (pshm_lua_view){
      .tag = pshm_lua_view_tag,
      .offset = offset,
      .end = offset + count * size,
      .count = (lua_Integer)count,
      .kind = kind};
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  if (luaL_newmetatable(L, pshm_lua_view_tag))
    pshm_lua_view_class(L);
  lua_setmetatable(L, -2);
  return 1;
}

#endif
