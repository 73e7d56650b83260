# SPDX-License-Identifier: MIT
# The library, called as its manifests say: today's, today's with shorter structs
# as an earlier release may have had them, and those of all releases; and both
# descriptions of each release, held against today's.
set(releases ${PROJECT_SOURCE_DIR}/core/abi/releases)

# polyshm_drive(name argument...)
function(polyshm_drive name)
  polyshm_add_test(abi.drive_${name} INTERPRETER
    COMMAND ${Python3_EXECUTABLE} -W error
            ${PROJECT_SOURCE_DIR}/tests/abi/drive.py ${ARGN}
            $<TARGET_FILE:polyshm>)
endfunction()

if(POLYSHM_ABI_MANIFEST)
  polyshm_drive(today ${POLYSHM_ABI_MANIFEST})
  polyshm_drive(older --older --seed 2 ${POLYSHM_ABI_MANIFEST})
endif()
# Programs of another SONAME do not load this library; and where this version is
# recorded, its manifest is today's.
file(GLOB manifests CONFIGURE_DEPENDS ${releases}/*/polyshm-abi.json)
foreach(manifest ${manifests})
  file(READ ${manifest} text)
  string(JSON soversion GET "${text}" library soversion)
  string(JSON version GET "${text}" library version)
  if(soversion EQUAL PROJECT_VERSION_MAJOR)
    if(version VERSION_LESS PROJECT_VERSION)
      polyshm_drive(${version} ${manifest})
    endif()
    if(POLYSHM_ABI_MANIFEST)
      polyshm_add_test(abi.compatible_${version}
        COMMAND ${Python3_EXECUTABLE} -W error
                ${PROJECT_SOURCE_DIR}/tests/abi/compatible.py
                ${manifest} ${POLYSHM_ABI_MANIFEST})
    endif()
  endif()
endforeach()
polyshm_check(abi.check_releases ${PROJECT_SOURCE_DIR} ${PROJECT_VERSION})
set_tests_properties(abi.check_releases PROPERTIES SKIP_RETURN_CODE 77)
if(CMAKE_C_COMPILER_ID STREQUAL GNU AND NOT POLYSHM_SANITIZE)
  polyshm_check(abi.test_releases) # which is of git alone
endif()
if(POLYSHM_ABI_MANIFEST)
  polyshm_check(abi.test_compatible ${POLYSHM_ABI_MANIFEST})
endif()

if(NOT POLYSHM_SANITIZE AND NOT POLYSHM_COVERAGE) # whose symbols are not ours
  polyshm_add_test(abi.abidiff
    COMMAND ${Python3_EXECUTABLE} -W error
            ${PROJECT_SOURCE_DIR}/tests/abi/abidiff.py
            $<TARGET_FILE:polyshm> ${PROJECT_SOURCE_DIR} ${CMAKE_C_COMPILER})
  set_tests_properties(abi.abidiff PROPERTIES SKIP_RETURN_CODE 77)
endif()
