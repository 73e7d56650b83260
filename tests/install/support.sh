# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the tests of installation share. CMakeLists.txt sets the names in
# capitals; the first argument of a use_* test is the prefix, below $WORK.
set -euo pipefail

# Nothing but the prefix may help to find what is in it.
unset DESTDIR LD_LIBRARY_PATH LD_PRELOAD LIBRARY_PATH CPATH C_INCLUDE_PATH \
  CFLAGS LDFLAGS CMAKE_PREFIX_PATH PKG_CONFIG_PATH PKG_CONFIG_LIBDIR \
  PYTHONPATH PYTHONHOME LUA_INIT LUA_PATH LUA_CPATH LUA_INIT_5_4 \
  LUA_PATH_5_4 LUA_CPATH_5_4
export PYTHONDONTWRITEBYTECODE=1

# shellcheck disable=SC2034 # the tests use it
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=$(basename "$0" .sh)

fail() {
  printf '%s: %s\n' "$name" "$*" >&2
  exit 1
}
skip() {
  printf 'skipped: %s\n' "$*"
  exit 77
}

# expect what wanted found
expect() {
  [[ $2 == "$3" ]] || fail "$1 should be '$2' and is '$3'"
}

# Names of files and links below a folder, sorted.
contents() {
  (cd "$1" && find . ! -type d | sort)
}

# The ELF files of a prefix: the library and the modules.
elf_files() {
  find "$1" -type f -name '*.so*'
}

# fresh folder: an empty folder below $WORK, whose full path is printed.
fresh() {
  rm -rf "${WORK:?}/$1"
  mkdir -p "$WORK/$1"
  printf '%s\n' "$WORK/$1"
}

# install_into prefix [argument...]
install_into() {
  local prefix=$1
  shift
  "$CMAKE" --install "$BUILD" --prefix "$prefix" "$@"
}

# run_consumer program: it prints the version, and came from nowhere else.
run_consumer() {
  expect 'what the consumer prints' "polyshm $VERSION: 42" "$("$@")"
}
