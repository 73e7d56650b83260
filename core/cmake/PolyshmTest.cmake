# SPDX-License-Identifier: MIT
# How tests are run: against the build folder, without anything installed.

set(POLYSHM_SHARED "${PROJECT_SOURCE_DIR}/../shared" CACHE PATH
  "Folder with the specification's golden blocks, if there is one")

# What a program needs to find the built modules.
set(POLYSHM_TEST_ENVIRONMENT
  "PYTHONPATH=${PROJECT_BINARY_DIR}/python"
  "LUA_PATH=${PROJECT_BINARY_DIR}/lua/?.lua\;${PROJECT_BINARY_DIR}/lua/?/init.lua"
  "LUA_CPATH=${PROJECT_BINARY_DIR}/lua/?.so"
  "PYTHONDONTWRITEBYTECODE=1"
  "POLYSHM_BINARY_DIR=${PROJECT_BINARY_DIR}"
  "POLYSHM_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
  "POLYSHM_SHARED=${POLYSHM_SHARED}"
  "POLYSHM_LUA_EXECUTABLE=${LUA_EXECUTABLE}"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")

# An interpreter that was built without the sanitizer must load its runtime
# first, and leaks memory of its own at exit.
set(interpreter_environment "")
if(POLYSHM_SANITIZE MATCHES "address|thread")
  string(REGEX MATCH "address|thread" kind "${POLYSHM_SANITIZE}")
  string(SUBSTRING ${kind} 0 1 letter)
  if(CMAKE_C_COMPILER_ID MATCHES Clang)
    set(runtime libclang_rt.${letter}san-${CMAKE_SYSTEM_PROCESSOR}.so)
  else()
    set(runtime lib${letter}san.so)
  endif()
  execute_process(
    COMMAND ${CMAKE_C_COMPILER} -print-file-name=${runtime}
    OUTPUT_VARIABLE runtime OUTPUT_STRIP_TRAILING_WHITESPACE)
  file(REAL_PATH ${runtime} runtime)
  set(interpreter_environment
    "LD_PRELOAD=${runtime}" "ASAN_OPTIONS=detect_leaks=0")
endif()
# Quoted, or the path's own semicolon would become one of the list's.
set(POLYSHM_INTERPRETER_ENVIRONMENT
  "${POLYSHM_TEST_ENVIRONMENT};${interpreter_environment}")

set(POLYSHM_TEST_PREFIX "" CACHE STRING
  "Words before the command of each test, such as valgrind and its options")

# polyshm_add_test(NAME [INTERPRETER] COMMAND word...)
# INTERPRETER for commands that load our modules into a Python or a Lua. Each test
# has a /dev/shm of its own, if the user may have that: see tests/alone.c.
function(polyshm_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "INTERPRETER" "" "COMMAND")
  list(POP_FRONT arg_COMMAND program)
  if(TARGET ${program})
    set(program $<TARGET_FILE:${program}>)
  endif()
  add_test(NAME ${name}
    COMMAND alone ${POLYSHM_TEST_PREFIX} ${program} ${arg_COMMAND})
  if(arg_INTERPRETER)
    set(environment "${POLYSHM_INTERPRETER_ENVIRONMENT}")
  else()
    set(environment "${POLYSHM_TEST_ENVIRONMENT}")
  endif()
  set_tests_properties(${name} PROPERTIES
    ENVIRONMENT "${environment}" TIMEOUT 300)
  # Its runtime crashes in programs that were not linked with it.
  if(arg_INTERPRETER AND CMAKE_C_COMPILER_ID MATCHES Clang AND
      POLYSHM_SANITIZE MATCHES thread)
    set_tests_properties(${name} PROPERTIES DISABLED TRUE)
  endif()
endfunction()

# polyshm_luajit_test(name file option...)
# With the modules that are LuaJIT's.
function(polyshm_luajit_test name file)
  polyshm_add_test(${name} INTERPRETER
    COMMAND ${LUAJIT_EXECUTABLE} ${ARGN} ${file})
  get_test_property(${name} ENVIRONMENT environment)
  list(FILTER environment EXCLUDE REGEX "^LUA_")
  set(folder ${PROJECT_BINARY_DIR}/luajit)
  list(APPEND environment
    "LUA_PATH=${folder}/?.lua\;${folder}/?/init.lua\;\;" "LUA_CPATH=")
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${environment}")
endfunction()
