/* SPDX-License-Identifier: MIT */
/*
 * Native functions, as Lua functions: C closures over a userdata that owns the
 * core's handle.
 *
 * The thread knows the native calls that it is in, as a chain of frames. A
 * frame knows the Lua state, or coroutine, that made the call: that is the one
 * in which callbacks run.
 */
#ifndef POLYSHM_SWIG_LUA_NATIVE_H
#define POLYSHM_SWIG_LUA_NATIVE_H

#include "lua/timeout.h"
#include "lua/view.h"

enum { PSHM_LUA_NATIVE_MOST = 32 /* parameters */ };

typedef struct pshm_lua_native {
  const void *tag;
  polyshm_function *function;
  bool is_guarded;
  int64_t timeout; /* of the guard */
  int count;
  uint8_t types[PSHM_LUA_NATIVE_MOST];
} pshm_lua_native;

static const char pshm_lua_native_tag[] = "polyshm.function";

/* A call: the core hands it to what it calls back. */
typedef struct pshm_lua_frame {
  lua_State *L;
  bool is_raised;  /* what a callback raised is on top of the stack */
  bool is_running; /* one of them */
  /* The callback whose function is on the stack, if there is a state. */
  const void *state;
  lua_Integer place;
  int at;
} pshm_lua_frame;

/* ----------------------------------------------------- what goes in and out */

/* What native code gives: its integers are Lua's, by their 64 bits. */
static inline void pshm_lua_push_native(
    lua_State *L, const polyshm_value *value) {
  switch (value->type) {
  case POLYSHM_INT:
  case POLYSHM_UINT:
    lua_pushinteger(L, value->of.i);
    break;
  case POLYSHM_FLOAT:
    lua_pushnumber(L, value->of.f);
    break;
  case POLYSHM_POINTER:
    lua_pushlightuserdata(L, (void *)value->of.p);
    break;
  case POLYSHM_STRING:
    lua_pushlstring(L, value->of.p, (size_t)value->size);
    break;
  default:
    lua_pushnil(L);
  }
}

/* A number for a parameter or result of some type. A float that has an
 * integer's value is one, as everywhere in Lua; a u64 is the 64 bits of any
 * integer. */
static inline bool pshm_lua_to_number(
    lua_State *L, int arg, int32_t type, polyshm_value *value) {
  value->type = type;
  if (type == POLYSHM_FLOAT) {
    if (lua_isinteger(L, arg)) {
      value->type = POLYSHM_INT;
      value->of.i = lua_tointeger(L, arg);
    } else {
      value->of.f = lua_tonumber(L, arg);
    }
    return lua_type(L, arg) == LUA_TNUMBER;
  }
  int exact;
  value->of.i = lua_tointegerx(L, arg, &exact);
  return exact && lua_type(L, arg) == LUA_TNUMBER;
}

/* ------------------------------------------------------------------ callees */

typedef struct pshm_lua_callback {
  const void *tag;
  const void *state; /* which Lua it belongs to */
  int table;         /* where its function is: see callback.h */
  lua_Integer place;
  polyshm_callback *callback;
} pshm_lua_callback;

static const char pshm_lua_callback_tag[] = "polyshm.callback";

static pshm_lua_callback *pshm_lua_to_callback(lua_State *L, int arg) {
  return pshm_lua_tagged(
      L, arg, pshm_lua_callback_tag, sizeof(pshm_lua_callback));
}

/* ---------------------------------------------------------------- arguments */

static inline bool pshm_lua_take_string(
    lua_State *L, int arg, polyshm_value *value) {
  if (lua_type(L, arg) != LUA_TSTRING)
    return false;
  size_t size;
  value->type = POLYSHM_TEXT;
  value->of.p = lua_tolstring(L, arg, &size);
  value->size = size;
  return true;
}

/* Kinds of views are in the order of the types of their elements. */
_Static_assert(
    (int)PSHM_LUA_i8 + POLYSHM_TYPE_I8 == POLYSHM_TYPE_I8 &&
        (int)PSHM_LUA_u16 + POLYSHM_TYPE_I8 == POLYSHM_TYPE_U16 &&
        (int)PSHM_LUA_f64 + POLYSHM_TYPE_I8 == POLYSHM_TYPE_F64,
    "the kinds are in another order");

/* A view, a block, or the content of a string. */
static bool pshm_lua_take_block(
    lua_State *L, int arg, polyshm_value *value, polyshm_view *out_view) {
  const pshm_lua_view *view =
      pshm_lua_tagged(L, arg, pshm_lua_view_tag, sizeof *view);
  const swig_lua_userdata *object;
  out_view->struct_size = sizeof *out_view;
  out_view->on.width = 0;
  out_view->flags = 0;
  if (view != NULL) {
    out_view->on.block = (polyshm_block *)pshm_lua_view_block(L, arg);
    out_view->offset = view->offset;
    out_view->nbytes = view->end - view->offset;
    out_view->element = (uint32_t)view->kind + POLYSHM_TYPE_I8;
  } else if (
      (object = pshm_lua_object(L, arg, SWIGTYPE_p_polyshm_block)) != NULL) {
    out_view->on.block = object->ptr;
    out_view->offset = 0;
    out_view->nbytes = polyshm_block_size(object->ptr);
    out_view->element = POLYSHM_TYPE_VOID;
  } else {
    return pshm_lua_take_string(L, arg, value);
  }
  if (out_view->on.block == NULL)
    luaL_error(L, "the SharedMemory has been closed");
  value->type = POLYSHM_VIEW;
  value->of.p = out_view;
  return true;
}

/* A Lua function, a callback, or the address of a native function. */
static bool pshm_lua_take_function(
    lua_State *L, int arg, polyshm_value *value) {
  pshm_lua_callback *callback;
  value->type = POLYSHM_CALLBACK;
  value->of.p = NULL;
  switch (lua_type(L, arg)) {
  case LUA_TFUNCTION:
    return true;
  case LUA_TLIGHTUSERDATA:
    value->type = POLYSHM_POINTER;
    value->of.p = lua_touserdata(L, arg);
    return value->of.p != NULL;
  case LUA_TUSERDATA:
    callback = pshm_lua_to_callback(L, arg);
    if (callback != NULL && callback->callback == NULL)
      luaL_error(L, "the callback has been freed");
    value->of.p = callback == NULL ? NULL : callback->callback;
    return callback != NULL;
  default:
    return false;
  }
}

static bool pshm_lua_take_pointer(lua_State *L, int arg, polyshm_value *value) {
  pshm_lua_callback *callback;
  void *address;
  value->type = POLYSHM_POINTER;
  switch (lua_type(L, arg)) {
  case LUA_TNIL:
    value->type = POLYSHM_NONE;
    return true;
  case LUA_TLIGHTUSERDATA:
    value->of.p = lua_touserdata(L, arg);
    return true;
  case LUA_TUSERDATA:
    callback = pshm_lua_to_callback(L, arg);
    if (callback == NULL)
      return false;
    if (polyshm_callback_address(callback->callback, &address) != POLYSHM_OK)
      luaL_error(L, "the callback has been freed");
    value->of.p = address;
    return true;
  default:
    return false;
  }
}

static const char *const pshm_lua_native_wants[] = {
    [POLYSHM_TYPE_I8] = "integer",
    [POLYSHM_TYPE_I16] = "integer",
    [POLYSHM_TYPE_I32] = "integer",
    [POLYSHM_TYPE_I64] = "integer",
    [POLYSHM_TYPE_U8] = "integer",
    [POLYSHM_TYPE_U16] = "integer",
    [POLYSHM_TYPE_U32] = "integer",
    [POLYSHM_TYPE_U64] = "integer",
    [POLYSHM_TYPE_F32] = "number",
    [POLYSHM_TYPE_F64] = "number",
    [POLYSHM_TYPE_PTR] = "pointer",
    [POLYSHM_TYPE_STR] = "string",
    [POLYSHM_TYPE_BUF] = "SharedMemory or View",
    [POLYSHM_TYPE_ARRAY] = "SharedMemory or View",
    [POLYSHM_TYPE_FN] = "function",
};

static inline void pshm_lua_take_argument(
    lua_State *L, int arg, uint32_t type, polyshm_value *value,
    polyshm_view *view) {
  bool taken;
  switch (type) {
  case POLYSHM_TYPE_BUF:
  case POLYSHM_TYPE_ARRAY:
    taken = pshm_lua_take_block(L, arg, value, view);
    break;
  case POLYSHM_TYPE_FN:
    taken = pshm_lua_take_function(L, arg, value);
    break;
  case POLYSHM_TYPE_PTR:
    taken = pshm_lua_take_pointer(L, arg, value);
    break;
  case POLYSHM_TYPE_STR:
    taken = pshm_lua_take_string(L, arg, value);
    break;
  case POLYSHM_TYPE_F32:
  case POLYSHM_TYPE_F64:
    taken = pshm_lua_to_number(L, arg, POLYSHM_FLOAT, value);
    break;
  case POLYSHM_TYPE_U64:
    taken = pshm_lua_to_number(L, arg, POLYSHM_UINT, value);
    break;
  default:
    taken = pshm_lua_to_number(L, arg, POLYSHM_INT, value);
  }
  if (!taken) {
    bool is_integer = type >= POLYSHM_TYPE_I8 && type <= POLYSHM_TYPE_U64;
    if (is_integer && lua_type(L, arg) == LUA_TNUMBER)
      luaL_argerror(L, arg, "number has no integer representation");
    luaL_typeerror(L, arg, pshm_lua_native_wants[type]);
  }
}

#endif
