# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# Each component installs alone, and together they are everything.
source "$(dirname "$0")/support.sh"
whole=$(fresh components/whole)
parts=$(fresh components/parts)

install_into "$whole"
known=$(
  find "$BUILD" -name cmake_install.cmake -exec \
    sed -n 's/.*CMAKE_INSTALL_COMPONENT STREQUAL "\([^"]*\)".*/\1/p' {} + |
    sort -u
)
[[ -n $known ]] || fail 'there are no components'
for component in $known; do
  install_into "$parts" --component "$component"
done
diff <(contents "$whole") <(contents "$parts") ||
  fail 'the components together are not everything'
