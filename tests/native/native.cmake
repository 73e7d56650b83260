# SPDX-License-Identifier: MIT
# Native calls. The tests in C, Lua and Python call one library of kernels.

add_library(kernels MODULE native/kernels.c)
target_link_libraries(kernels PRIVATE Threads::Threads)
polyshm_warnings(kernels)
set_target_properties(kernels PROPERTIES
  PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)

if(POLYSHM_HAS_FFI)
  foreach(file arguments callback convert function)
    polyshm_unit_test(${file})
    target_compile_definitions(test_${file} PRIVATE
      POLYSHM_KERNELS="$<TARGET_FILE:kernels>")
    add_dependencies(test_${file} kernels)
  endforeach()
  target_link_libraries(test_convert PRIVATE m)
  target_link_options(test_callback PRIVATE -Wl,--wrap=ffi_closure_alloc
    -Wl,--wrap=ffi_prep_cif -Wl,--wrap=ffi_prep_closure_loc)

  # Misuse, with every access looked at, libffi's and the C library's too.
  find_program(VALGRIND valgrind)
  # Debian 12 has one that cannot read what its clang writes.
  if(VALGRIND AND CMAKE_C_COMPILER_ID STREQUAL GNU AND NOT POLYSHM_SANITIZE
      AND NOT POLYSHM_COVERAGE)
    set(valgrind ${VALGRIND} -q --error-exitcode=9 --leak-check=full
      --errors-for-leak-kinds=definite)
    foreach(file arguments callback convert function)
      polyshm_add_test(native.valgrind.${file}
        COMMAND ${valgrind} $<TARGET_FILE:test_${file}>)
    endforeach()
    if(POLYSHM_LUA)
      polyshm_add_test(native.valgrind.lua
        COMMAND ${valgrind} --leak-check=no ${LUA_EXECUTABLE}
                ${PROJECT_SOURCE_DIR}/tests/lua/test_native.lua)
    endif()
  elseif(NOT VALGRIND)
    message(STATUS "native calls are not tested under valgrind: there is none")
  endif()
endif()

# What takes its place without libffi; those who build with it rely on it, too.
polyshm_unit_test(absent)
if(POLYSHM_HAS_FFI)
  target_sources(test_absent PRIVATE ${PROJECT_SOURCE_DIR}/core/call/absent.c)
endif()

# Numbers, not tests: see bench/compare_native.py.
if(POLYSHM_LUA AND NOT POLYSHM_SANITIZE)
  add_library(bench_native MODULE bench/bench_native.c native/kernels.c)
  target_include_directories(bench_native SYSTEM PRIVATE ${LUA_INCLUDE_DIR})
  target_link_libraries(bench_native PRIVATE
    polyshm::polyshm Threads::Threads)
  polyshm_warnings(bench_native)
  set_target_properties(bench_native PROPERTIES
    PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
endif()
