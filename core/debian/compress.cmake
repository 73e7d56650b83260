# SPDX-License-Identifier: MIT
# What Debian wants compressed, between installation into CPack's folders and the
# packages made of them. Without names and times, so that a package built again
# is the same.
find_program(GZIP gzip REQUIRED)
file(GLOB_RECURSE files
  ${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/man/man?/*.?
  ${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/doc/*/changelog*)
list(FILTER files EXCLUDE REGEX "\\.gz$")
if(NOT files)
  message(FATAL_ERROR "there is nothing to compress in the packages")
endif()
execute_process(COMMAND ${GZIP} -9n ${files} COMMAND_ERROR_IS_FATAL ANY)
