# SPDX-License-Identifier: MIT
# The tests that are programs of their own, for C libraries and word sizes that
# there is no cmocka for: scripts/check builds them with musl, and for 32 bits.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)

add_executable(alone alone.c)
polyshm_warnings(alone)

# polyshm_program_test(name source... [ARGUMENTS word...])
function(polyshm_program_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "ARGUMENTS")
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE polyshm::polyshm Threads::Threads m)
  polyshm_warnings(${name})
  polyshm_add_test(process.${name} COMMAND ${name} ${arg_ARGUMENTS})
  set_tests_properties(process.${name} PROPERTIES
    RUN_SERIAL TRUE SKIP_RETURN_CODE 77)
endfunction()

polyshm_program_test(lifetime process/lifetime.c process/lifetime_roles.c
  ARGUMENTS --seconds 10)
polyshm_program_test(stress
  process/stress/fleet.c process/stress/main.c process/stress/values.c
  process/stress/verdict.c process/stress/worker.c
  ARGUMENTS --seconds 10)
target_compile_definitions(stress PRIVATE
  POLYSHM_STRESS="${CMAKE_CURRENT_SOURCE_DIR}/process/stress")

add_subdirectory(fuzz)
