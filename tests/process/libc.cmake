# SPDX-License-Identifier: MIT
# The peers of test_libc.c: the core and libc_peer.c, linked statically, with
# each C library and word size that a compiler is there for. What cannot be
# built and run is left out, and the test says so.

set(warnings ${POLYSHM_WARNINGS} -Wno-psabi)
if(CMAKE_COMPILE_WARNING_AS_ERROR)
  list(APPEND warnings -Werror)
endif()

get_target_property(core_sources polyshm_testing SOURCES)
# Managers load a library, which no static program can.
list(FILTER core_sources EXCLUDE REGEX
  "manage/[a-rt-z]|manage/s[et]|os/posix/(hmac|nettle|libcrypto)|os/linux/(address|listen|net|poll)")
# Nor do native calls, or libffi.
list(FILTER core_sources EXCLUDE REGEX "^call/|/library\\.c$")
list(APPEND core_sources call/absent.c)
list(TRANSFORM core_sources PREPEND ${PROJECT_SOURCE_DIR}/core/)
file(GLOB_RECURSE core_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/core/*.h)

# For musl, which brings no headers of the kernel's, or other ones.
set(kernel_headers -idirafter /usr/include)
if(CMAKE_LIBRARY_ARCHITECTURE)
  list(APPEND kernel_headers
    -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE})
endif()
find_program(MUSL_COMPILER musl-gcc)

set(peers "")
# polyshm_libc_peer(kind compiler argument...)
function(polyshm_libc_peer kind compiler)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/libc)
  set(flags ${ARGN} -std=c11 -O2 -static -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
    -I${PROJECT_SOURCE_DIR}/core -I${PROJECT_SOURCE_DIR}/core/include)
  file(WRITE ${folder}/probe.c
    "#include <linux/futex.h>\n#include <stdatomic.h>\n#include <stdio.h>
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, \"\");
int main(void) { return puts(\"\") < 0; }\n")
  set(failed TRUE)
  if(compiler)
    execute_process(
      COMMAND ${compiler} ${flags} -o ${folder}/probe-${kind} ${folder}/probe.c
      RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(failed EQUAL 0)
      execute_process(
        COMMAND ${folder}/probe-${kind}
        RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    endif()
  endif()
  if(NOT failed EQUAL 0)
    message(STATUS "process.libc goes without ${kind}: no compiler for it")
    set(peers ${peers} "${kind}=" PARENT_SCOPE)
    return()
  endif()
  set(peer ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/libc_peer-${kind})
  add_custom_command(
    OUTPUT ${peer}
    COMMAND ${compiler} ${flags} ${warnings} -o ${peer}
            ${CMAKE_CURRENT_SOURCE_DIR}/process/libc_peer.c ${core_sources}
            -pthread
    DEPENDS ${core_sources} ${core_headers} process/libc_peer.c
            process/libc_peer.h
    COMMENT "Building libc_peer-${kind}" VERBATIM)
  target_sources(test_libc PRIVATE ${peer})
  set_source_files_properties(${peer} PROPERTIES
    HEADER_FILE_ONLY TRUE)
  set(peers ${peers} "${kind}=${peer}" PARENT_SCOPE)
endfunction()

add_executable(test_libc process/test_libc.c)
target_link_libraries(test_libc PRIVATE polyshm::polyshm polyshm_support)
polyshm_warnings(test_libc)
polyshm_libc_peer(glibc-64 ${CMAKE_C_COMPILER})
polyshm_libc_peer(glibc-32 ${CMAKE_C_COMPILER} -m32 -march=i686)
polyshm_libc_peer(musl-64 "${MUSL_COMPILER}" ${kernel_headers})
polyshm_add_test(process.libc COMMAND test_libc ${peers})
set_tests_properties(process.libc PROPERTIES SKIP_RETURN_CODE 77)
