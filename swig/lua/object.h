/* SPDX-License-Identifier: MIT */
/*
 * Objects: SWIG's userdata, with a pointer to their class and one to a handle.
 *
 * An object is known by the pointer to its class and not by its metatable,
 * which the debug library can give to any other. Its handle is NULL until there
 * is one, and once it was freed.
 *
 * The object of a list's block does not own it and has no pointer to it, but
 * keeps the object of the list and asks that. So nothing dangles, whatever is
 * finalized first, and whatever the debug library does to what ties them.
 */
#ifndef POLYSHM_SWIG_LUA_OBJECT_H
#define POLYSHM_SWIG_LUA_OBJECT_H

#include "lua/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* SWIG would refuse a call with too few or too many arguments. Lua's own
 * functions ignore the rest and name the one that is missing. */
#undef SWIG_check_num_args
#define SWIG_check_num_args(function, least, most) lua_settop(L, most);

/* The userdata at `arg` if its first member, a pointer, is this tag. */
static inline void *pshm_lua_tagged(
    lua_State *L, int arg, const void *tag, size_t size) {
  void *userdata = lua_touserdata(L, arg);
  if (userdata == NULL || lua_rawlen(L, arg) < size)
    return NULL;
  const void *first;
  memcpy(&first, userdata, sizeof first);
  return first == tag ? userdata : NULL;
}

static inline swig_lua_userdata *pshm_lua_object(
    lua_State *L, int arg, const swig_type_info *class) {
  return pshm_lua_tagged(L, arg, class, sizeof(swig_lua_userdata));
}

static const char *pshm_lua_class_name(const swig_type_info *class) {
  if (class == SWIGTYPE_p_polyshm_manager)
    return "SharedMemoryManager";
  return class == SWIGTYPE_p_polyshm_block ? "SharedMemory" : "ShareableList";
}

PSHM_LUA_COLD static void *pshm_lua_refuse(
    lua_State *L, int arg, const swig_type_info *class) {
  const char *name = pshm_lua_class_name(class);
  if (pshm_lua_object(L, arg, class) != NULL)
    luaL_error(L, "the %s has been closed", name);
  luaL_typeerror(L, arg, name);
  return NULL;
}

/* The block that the object at `arg` has from a list; NULL if it is gone. */
static void *pshm_lua_borrowed(lua_State *L, int arg) {
  lua_getiuservalue(L, arg, 1);
  const swig_lua_userdata *list =
      pshm_lua_object(L, -1, SWIGTYPE_p_polyshm_list);
  lua_pop(L, 1);
  return list == NULL ? NULL : polyshm_list_block(list->ptr);
}

/* The handle of an object that is at `arg`, or NULL. */
static inline void *pshm_lua_handle_of(
    lua_State *L, int arg, const swig_lua_userdata *object) {
  return object->own ? object->ptr : pshm_lua_borrowed(L, arg);
}

/* The handle of the object at `arg`, never NULL. */
static inline void *pshm_lua_handle(
    lua_State *L, int arg, const swig_type_info *class) {
  const swig_lua_userdata *object = pshm_lua_object(L, arg, class);
  void *handle = object == NULL ? NULL : pshm_lua_handle_of(L, arg, object);
  return handle == NULL ? pshm_lua_refuse(L, arg, class) : handle;
}

/* Push an object that has no handle yet. It comes before its handle because
 * Lua may find no memory for it, and the handle would be lost then. */
static swig_lua_userdata *pshm_lua_new(lua_State *L, swig_type_info *class) {
  swig_lua_userdata *object = lua_newuserdatauv(L, sizeof *object, 1);
  object->type = class;
  object->own = 1;
  object->ptr = NULL;
  SWIG_Lua_AddMetatable(L, class);
  return object;
}

/* Give the object on top of the stack its handle. */
static void pshm_lua_own(lua_State *L, void *handle) {
  ((swig_lua_userdata *)lua_touserdata(L, -1))->ptr = handle;
}

/* ------------------------------------------------------------- metamethods */

/* The block of an object of either class; NULL if it has none. */
static const polyshm_block *pshm_lua_block_of(lua_State *L, int arg) {
  const swig_lua_userdata *object =
      pshm_lua_object(L, arg, SWIGTYPE_p_polyshm_block);
  if (object != NULL)
    return pshm_lua_handle_of(L, arg, object);
  object = pshm_lua_object(L, arg, SWIGTYPE_p_polyshm_list);
  return object == NULL ? NULL : polyshm_list_block(object->ptr);
}

/* Whether its bytes are still mapped. */
static inline polyshm_status pshm_lua_is_open(const polyshm_block *block) {
  void *address;
  uint64_t size;
  return polyshm_block_address(block, &address, &size);
}

/* Objects of one class are equal if they are on one block. */
static int pshm_lua_equal(lua_State *L) {
  const polyshm_block *one = pshm_lua_block_of(L, 1);
  const polyshm_block *other = pshm_lua_block_of(L, 2);
  lua_pushboolean(
      L, one != NULL && other != NULL &&
             ((swig_lua_userdata *)lua_touserdata(L, 1))->type ==
                 ((swig_lua_userdata *)lua_touserdata(L, 2))->type &&
             polyshm_block_id(one) == polyshm_block_id(other));
  return 1;
}

static int pshm_lua_refuse_field(lua_State *L) {
  return luaL_error(
      L, "the field '%s' cannot be set", luaL_tolstring(L, 2, NULL));
}

/* ----------------------------------------------------------------- classes */

/* Members are looked up in one table, so that no field can hide a method. In
 * it, methods are functions and fields are these numbers. */
enum { PSHM_LUA_NAME, PSHM_LUA_SIZE, PSHM_LUA_SHM };
static const char *const pshm_lua_fields[] = {"name", "size", "shm"};

/* Make SWIG's class ours. The module is on top of the stack. */
static void pshm_lua_class(
    lua_State *L, swig_type_info *class, int second_field,
    const luaL_Reg *methods, const luaL_Reg *metamethods, lua_CFunction index) {
  swig_lua_class *swig = class->clientdata;

  /* The class as a table of the module leads to the metatable. */
  lua_pushstring(L, swig->cls_static->name);
  lua_pushnil(L);
  lua_rawset(L, -3);

  SWIG_Lua_get_class_metatable(L, swig->fqname);
  luaL_setfuncs(L, metamethods, 0);
  lua_pushstring(L, pshm_lua_class_name(class));
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__name");
  lua_setfield(L, -2, "__metatable");

  lua_getfield(L, -1, ".fn");
  luaL_setfuncs(L, methods, 0);
  lua_pushnil(L);
  lua_setfield(L, -2, "__disown"); /* believes any userdata to be SWIG's */
  lua_getfield(L, -1, "close");
  lua_setfield(L, -3, "__close");
  lua_pushinteger(L, PSHM_LUA_NAME);
  lua_setfield(L, -2, pshm_lua_fields[PSHM_LUA_NAME]);
  lua_pushinteger(L, second_field);
  lua_setfield(L, -2, pshm_lua_fields[second_field]);

  lua_pushcclosure(L, index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

#endif
