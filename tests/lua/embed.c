/* SPDX-License-Identifier: MIT */
/*
 * Lua in a program: states that end while objects of all kinds are left in
 * them, several at once, and memory that runs out at any allocation.
 *
 * Usage: embed fuzz ROUNDS STATES | embed memory
 *
 * Scripts are found as LUA_PATH says.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void report(lua_State *L, const char *what) {
  const char *message = lua_tostring(L, -1);
  fprintf(stderr, "%s: %s\n", what, message == NULL ? "?" : message);
  failures++;
}

/* -------------------------------------------------------------------- fuzz */

static lua_State *open_state(void) {
  lua_State *L = luaL_newstate();
  if (L == NULL)
    exit(2);
  luaL_openlibs(L);
  return L;
}

/* require "fuzz"(seed, rounds) */
static void fuzz(lua_State *L, int seed, int rounds) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "fuzz");
  lua_call(L, 1, 1);
  lua_pushinteger(L, seed);
  lua_pushinteger(L, rounds);
  if (lua_pcall(L, 2, 3, 0) != LUA_OK) {
    report(L, "fuzz");
    lua_settop(L, 0);
    return;
  }
  if (lua_tointeger(L, 1) == 0 || lua_tointeger(L, 2) == 0 ||
      luaL_len(L, 3) != 0) {
    lua_pushliteral(L, "nothing succeeded, or an error was no text");
    report(L, "fuzz");
  }
  lua_settop(L, 0);
}

/* Two states at any time, the older of which ends while the other is used. */
static void fuzz_states(int rounds, int states) {
  lua_State *before = open_state();
  fuzz(before, 1000, rounds);
  for (int i = 1; i < states; i++) {
    lua_State *L = open_state();
    fuzz(L, 1000 + i, rounds / 2);
    lua_close(before);
    fuzz(L, 2000 + i, rounds - rounds / 2);
    before = L;
  }
  lua_close(before);
}

/* ------------------------------------------------------------------ memory */

/* What uses everything once, and then leaves it to the state's end. */
static const char script[] =
    "local polyshm = require 'polyshm'\n"
    "local block = polyshm.SharedMemory {create = true, size = 4096}\n"
    "if not block then return end\n"
    "block:unlink()\n"
    "block:pack(0, 's4zdi3', 'text', 'other', 1.5, -7)\n"
    "block:unpack(0, 's4zdi3')\n"
    "block:write(100, ('x'):rep(300))\n"
    "local view = block:view('i32', 8)\n"
    "view:copy {1, 2, 3}\n"
    "view:copy(block:view('u8', 0, 20))\n"
    "view:totable()\n"
    "view:fill(7, 2)\n"
    "local texts = {tostring(view), tostring(block), block:read(90)}\n"
    "local list = polyshm.ShareableList(table.pack(1, nil, ('y'):rep(999),\n"
    "  polyshm.bytes 'b', true, 2.5))\n"
    "if not list then return end\n"
    "list:unlink()\n"
    "list[3] = ('z'):rep(700)\n"
    "texts[#texts + 1] = list[3]\n"
    "for i, x in pairs(list) do texts[#texts + 1] = tostring(x) .. i end\n"
    "texts[#texts + 1] = list:format()\n"
    "list:totable()\n"
    "list:snapshot()\n"
    "list:update {2, 'q', list[3]}\n"
    "list:index 'q'\n"
    "pcall(function() list[9] = 1 end)\n"
    "pcall(function() view[1] = 1.5 end)\n"
    "local of_list = list.shm:view('u8', 0, 10)\n"
    "local lock = list:lock(0)\n"
    "polyshm.inspect 'no-such-block-here'\n"
    "for _ in polyshm.blocks() do break end\n"
    "polyshm.left = {list, view, of_list, lock, texts}\n";

typedef struct allowance {
  long left; /* allocations until one fails; below zero, none does */
  long used; /* bytes */
} allowance;

static void *allocate(void *context, void *memory, size_t old, size_t size) {
  allowance *budget = context;
  if (memory == NULL)
    old = 0;
  if (size == 0) {
    budget->used -= (long)old;
    free(memory);
    return NULL;
  }
  /* Lua relies on it that no block fails to shrink. */
  if (size > old && budget->left >= 0 && budget->left-- == 0)
    return NULL;
  void *other = realloc(memory, size);
  if (other != NULL)
    budget->used += (long)size - (long)old;
  return other;
}

static int run(lua_State *L) {
  luaL_openlibs(L);
  if (luaL_loadstring(L, script) != LUA_OK)
    return lua_error(L);
  lua_call(L, 0, 0);
  return 0;
}

/* Whether the script came to its end although its allocation number `at`
 * failed. */
static bool run_out_of_memory(long at) {
  allowance budget = {.left = at};
  lua_State *L = lua_newstate(allocate, &budget);
  if (L == NULL)
    return false;
  lua_pushcfunction(L, run);
  int status = lua_pcall(L, 0, 0, 0);
  bool is_done = status == LUA_OK && budget.left >= 0;
  /* Lua makes a string of a memory error at its birth. */
  if (status == LUA_ERRRUN && budget.left >= 0)
    report(L, "memory");
  lua_close(L);
  if (budget.used != 0) {
    fprintf(
        stderr, "memory: %ld bytes are left of allocation %ld\n", budget.used,
        at);
    failures++;
  }
  return is_done;
}

static void run_out_of_memory_everywhere(void) {
  long at = 0;
  while (!run_out_of_memory(at))
    at++;
  printf("%ld allocations failed, one after the other\n", at);
}

/* -------------------------------------------------------------------- main */

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "fuzz") == 0)
    fuzz_states(atoi(argv[2]), atoi(argv[3]));
  else if (argc == 2 && strcmp(argv[1], "memory") == 0)
    run_out_of_memory_everywhere();
  else {
    fprintf(stderr, "usage: embed fuzz ROUNDS STATES | embed memory\n");
    return 2;
  }
  return failures != 0;
}
