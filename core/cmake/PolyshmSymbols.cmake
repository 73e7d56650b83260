# SPDX-License-Identifier: MIT
# What abi/polyshm.symbols says, in the forms of linker and Debian. Each line is
# a name, and the minor version that brought it if that is not the first:
#
#   polyshm_list_get
#   polyshm_list_sort 0.2

# polyshm_read_symbols(file prefix)
# <prefix>_VERSIONS, ascending, and for each of them <prefix>_<version>.
function(polyshm_read_symbols file prefix)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(STRINGS ${file} lines)
  set(versions "")
  foreach(line ${lines})
    if(NOT line MATCHES "^(polyshm_[a-z0-9_]+)( ([0-9]+\\.[0-9]+))?$")
      message(FATAL_ERROR "${file}: this is no name and version: ${line}")
    endif()
    set(name ${CMAKE_MATCH_1})
    set(version 0.1)
    if(CMAKE_MATCH_3)
      set(version ${CMAKE_MATCH_3})
    endif()
    list(APPEND versions ${version})
    list(APPEND names_${version} ${name})
  endforeach()
  list(REMOVE_DUPLICATES versions)
  list(SORT versions COMPARE NATURAL)
  set(${prefix}_VERSIONS ${versions} PARENT_SCOPE)
  foreach(version ${versions})
    set(${prefix}_${version} ${names_${version}} PARENT_SCOPE)
  endforeach()
endfunction()

# polyshm_write_version_script(file output [name...])
# A node for each version; each has the one before it as its parent. More names
# than the file has go to the first.
function(polyshm_write_version_script file output)
  polyshm_read_symbols(${file} symbols)
  set(script "")
  set(hidden "\n  local:\n    *;")
  set(parent "")
  set(more ${ARGN})
  foreach(version ${symbols_VERSIONS})
    list(APPEND symbols_${version} ${more})
    set(more "")
    list(JOIN symbols_${version} ";\n    " names)
    string(APPEND script
      "POLYSHM_${version} {\n  global:\n    ${names};${hidden}\n}${parent};\n")
    set(hidden "")
    set(parent " POLYSHM_${version}")
  endforeach()
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT "${script}")
endfunction()
