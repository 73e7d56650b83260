/* SPDX-License-Identifier: MIT */
/*
 * Lua 5.4 and 5.3. Element access is C functions of lua/list.h, put straight into the
 * class's metatable; SWIG makes the classes, the constants, and the methods and
 * functions that only check their arguments and call.
 */
%{
#include "lua/block.h"
#include "lua/function.h"
#include "lua/list.h"
#include "lua/manage.h"
#include "lua/manager.h"
%}
/* What SWIG hangs onto the module to look names up is not needed, and trusts
 * its callers too much. */
%init %{
  lua_pushnil(L);
  lua_setmetatable(L, -2);
%}

%native(str) int pshm_lua_str(lua_State *L);
%native(bytes) int pshm_lua_bytes(lua_State *L);
%native(inspect) int pshm_lua_inspect(lua_State *L);
%native(blocks) int pshm_lua_blocks(lua_State *L);
%native(holders) int pshm_lua_holders(lua_State *L);
%native(manager) int pshm_lua_manager(lua_State *L);
%native(native_bind) int pshm_lua_native_bind(lua_State *L);
%native(native_find) int pshm_lua_native_find(lua_State *L);
%native(native_callback) int pshm_lua_native_callback(lua_State *L);
%native(native_errno) int pshm_lua_native_errno(lua_State *L);

/* ----------------------------------------------------------------- typemaps */

/* A function that has nothing to say returns true. */
%typemap(out) polyshm_status {
  if ($1 != POLYSHM_OK)
    return pshm_lua_fail(L, $1);
  lua_pushboolean(L, 1);
  SWIG_arg++;
}

%typemap(in) SWIGTYPE * {
  $1 = ($1_ltype)pshm_lua_handle(L, $input, $descriptor);
}

%typemap(in) const char *name {
  $1 = (char *)pshm_lua_check_name(L, $input);
}

%typemap(in) uint32_t {
  $1 = (uint32_t)pshm_lua_check_count(L, $input, UINT32_MAX);
}
%typemap(in) uint64_t {
  $1 = pshm_lua_check_count(L, $input, INT64_MAX);
}
%typemap(in) uint64_t index {
  $1 = pshm_lua_check_index(L, $input, arg1);
}
%typemap(in) polyshm_status status {
  $1 = (polyshm_status)luaL_checkinteger(L, $input);
}
%typemap(out) int32_t, uint32_t, uint64_t {
  lua_pushinteger(L, (lua_Integer)$1);
  SWIG_arg++;
}

%typemap(in) (const polyshm_value *values, uint64_t nvalues) {
  $1 = (polyshm_value *)pshm_lua_check_values(L, $input, &$2);
}

%typemap(in) const polyshm_block_options *options
    (polyshm_block_options options = {0}) {
  options.struct_size = sizeof options;
  options.mode = (uint32_t)pshm_lua_check_option(L, $input, "mode", UINT32_MAX);
  $1 = &options;
}
%typemap(in) const polyshm_list_options *options
    (polyshm_list_options options = {0}) {
  options.struct_size = sizeof options;
  options.mode = (uint32_t)pshm_lua_check_option(L, $input, "mode", UINT32_MAX);
  options.slot_capacity =
      pshm_lua_check_option(L, $input, "capacity", INT64_MAX);
  $1 = &options;
}

/* An output takes the place of true. */
%typemap(in, numinputs=0) uint64_t *OUTPUT (uint64_t number) {
  $1 = &number;
}
%typemap(argout) uint64_t *OUTPUT {
  lua_pushinteger(L, (lua_Integer)*$1);
}
%apply uint64_t *OUTPUT {uint64_t *out_capacity, uint64_t *out_removed};
%typemap(in, numinputs=0) (char *buffer, uint64_t capacity) (char text[4096]) {
  $1 = text;
  $2 = sizeof text;
}
%typemap(argout) (char *buffer, uint64_t capacity) {
  lua_pushstring(L, $1);
}
%typemap(in, numinputs=0) SWIGTYPE **OUTPUT ($*1_ltype handle = NULL) {
  $1 = &handle;
}
%typemap(check) SWIGTYPE **OUTPUT {
  pshm_lua_new(L, $*1_descriptor);
}
%typemap(argout) SWIGTYPE **OUTPUT {
  lua_pop(L, 1);
  pshm_lua_own(L, *$1);
}
%apply SWIGTYPE **OUTPUT {polyshm_block **out_block, polyshm_list **out_list};

/* ------------------------------------------------------------------ classes */

%define POLYSHM_BLOCK(T)
%extend T {
  polyshm_status unlink() {
    return polyshm_unlink(polyshm_block_name($self));
  }
}
%init %{
  pshm_lua_class(
      L, SWIGTYPE_p_##T, PSHM_LUA_SIZE, pshm_lua_block_methods,
      pshm_lua_block_metamethods, pshm_lua_block_index);
%}
%enddef

%define POLYSHM_LIST(T)
%extend T {
  polyshm_status unlink() {
    return polyshm_unlink(polyshm_block_name(polyshm_list_block($self)));
  }
}
%init %{
  pshm_lua_class(
      L, SWIGTYPE_p_##T, PSHM_LUA_SHM, pshm_lua_list_methods,
      pshm_lua_list_metamethods, pshm_lua_list_index);
%}
%enddef

%define POLYSHM_MANAGER(T)
%extend T {
  polyshm_status block(
      const char *name, uint64_t size, uint32_t flags,
      const polyshm_block_options *options, polyshm_block **out_block);
  polyshm_status list(
      const char *name, const polyshm_value *values, uint64_t nvalues,
      uint32_t flags, const polyshm_list_options *options,
      polyshm_list **out_list);
  const char *address();
  uint64_t pid();
}
%init %{
  pshm_lua_ready_manager(L, SWIGTYPE_p_##T);
%}
%enddef
