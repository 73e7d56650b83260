# SPDX-License-Identifier: MIT
# How everything of ours is compiled.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Kind of build" FORCE)
endif()

set(POLYSHM_SANITIZE "" CACHE STRING
  "Sanitizers to build with, such as address,undefined")
option(POLYSHM_COVERAGE "Build for gcov" OFF)
option(POLYSHM_FUZZ "Let libFuzzer drive the harnesses in tests/fuzz" OFF)

if(POLYSHM_SANITIZE)
  add_compile_options(-fsanitize=${POLYSHM_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${POLYSHM_SANITIZE})
  if(POLYSHM_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  if(CMAKE_C_COMPILER_ID MATCHES Clang AND POLYSHM_SANITIZE MATCHES address
      AND NOT POLYSHM_FUZZ)
    # The modules are loaded into interpreters that were not built with a
    # sanitizer, so the runtime has to be a shared library, as gcc's is.
    add_compile_options(-shared-libasan)
    add_link_options(-shared-libasan)
    # It lies in a folder of the compiler's, where no loader looks.
    execute_process(
      COMMAND ${CMAKE_C_COMPILER}
              -print-file-name=libclang_rt.asan-${CMAKE_SYSTEM_PROCESSOR}.so
      OUTPUT_VARIABLE runtime OUTPUT_STRIP_TRAILING_WHITESPACE)
    cmake_path(GET runtime PARENT_PATH runtime)
    add_link_options(-Wl,-rpath,${runtime})
  endif()
endif()
if(POLYSHM_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(POLYSHM_COVERAGE)
  # Threads count together, and none of them to less than nothing.
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()

# Declarations of the system beyond C11, for what is in os/ and for programs.
add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64)

set(POLYSHM_WARNINGS
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
  -Wmissing-prototypes)

# Compile a target of ours, not generated code, under the house's warnings.
function(polyshm_warnings target)
  target_compile_options(${target} PRIVATE ${POLYSHM_WARNINGS})
endfunction()
