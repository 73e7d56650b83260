# SPDX-License-Identifier: MIT
# The library, called as its manifests say: today's, today's with shorter structs
# as an earlier release may have had them, and those of all releases.
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
file(GLOB manifests CONFIGURE_DEPENDS ${releases}/*.json)
foreach(manifest ${manifests})
  cmake_path(GET manifest STEM LAST_ONLY version)
  polyshm_drive(${version} ${manifest})
endforeach()

if(NOT POLYSHM_SANITIZE) # whose symbols are not ours
  polyshm_add_test(abi.abidiff
    COMMAND ${Python3_EXECUTABLE} -W error
            ${PROJECT_SOURCE_DIR}/tests/abi/abidiff.py
            $<TARGET_FILE:polyshm> ${releases} ${CMAKE_C_COMPILER})
  set_tests_properties(abi.abidiff PROPERTIES SKIP_RETURN_CODE 77)
endif()
