# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The Lua reference builds without a warning and has an entry for everything:
# lua_reference.sh LUA SOURCE FOLDER. It stays in FOLDER/html, to be read.
set -euo pipefail
lua=$1 source=$2 folder=$3
doc=$source/bindings/lua/doc
unset LUA_PATH LUA_CPATH LD_PRELOAD # LDoc has modules of its own

fail() {
  printf 'lua_reference: %s\n' "$*" >&2
  exit 1
}
command -v ldoc >/dev/null || {
  echo 'skipped: there is no ldoc'
  exit 77
}

rm -rf "$folder"
mkdir -p "$folder"

# build META OUTPUT: with LDoc's comments, and as a page.
build() {
  "$lua" "$doc/ldoc.lua" "$1" "$folder/polyshm.lua" &&
    ldoc --fatalwarnings --testing -c "$doc/config.ld" -d "$2" \
      "$folder/polyshm.lua"
}

# Each function, method and class of a meta file, whose module's table there is
# called as the second argument says.
entries_of() {
  sed -nE -e "s/^function $2\\.(\\w+)\\(.*/\\1/p" \
    -e 's/^function (\w+:\w+)\(.*/\1/p' \
    -e 's/^---@class polyshm\.(\w+): .*/Class_\1/p' "$1" |
    grep -v '^Class_Marked$'
}

# check META TABLE LEAST OUTPUT
check() {
  local entries entry
  build "$1" "$4"
  entries=$(entries_of "$1" "$2")
  (($(wc -l <<<"$entries") >= $3)) || fail "$1 has hardly any function"
  while read -r entry; do
    grep -qF -e "\"$entry\"" "$4/index.html" ||
      fail "there is nothing about $entry"
  done <<<"$entries"
}

library=$source/bindings/lua/library
meta=$library/polyshm.lua
check "$meta" polyshm 40 "$folder/html"
check "$library/polyshm/native.lua" native 10 "$folder/html/native"

# What has no words, or words about something else, does not build.
broken() {
  sed "$1" "$meta" >"$folder/broken.lua"
  ! cmp -s "$meta" "$folder/broken.lua" || fail "'$1' changes nothing"
  ! build "$folder/broken.lua" "$folder/broken" >/dev/null 2>&1 ||
    fail "it builds after '$1'"
}
broken '/^---Give the lock back/d'
broken '/^---@param seen/d'
broken 's/`polyshm\.gc`/@{nothing.at.all}/'
