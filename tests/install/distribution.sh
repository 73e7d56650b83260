# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# Installed into /usr and /usr/local, the modules of Lua and LuaJIT are found by
# Debian's interpreters without being told where, and find the library. They go
# into a stage, and the interpreters' own search paths are followed inside it.
source "$(dirname "$0")/support.sh"

[[ -e /etc/debian_version ]] || skip 'this is not Debian'
[[ -v LUA && -v LUAJIT_DIR ]] || skip 'a module was not built'
build=$(fresh distribution/build)

# staged stage paths: the same search path, inside the stage.
staged() {
  local entry entries result=''
  IFS=';' read -ra entries <<<"$2"
  for entry in "${entries[@]}"; do
    [[ $entry != /* ]] || result+="$1$entry;"
  done
  printf '%s\n' "$result"
}

for prefix in /usr /usr/local; do
  stage=$(fresh "distribution$prefix/stage")
  # One folder for both, since only the places change.
  "$CMAKE" -S "$SOURCE" -B "$build" -U 'CMAKE_INSTALL_*' -U 'POLYSHM_*_DIR' \
    -U 'POLYSHM_LUA_INSTALL_*' -DCMAKE_INSTALL_PREFIX=$prefix \
    -DPOLYSHM_PYTHON=OFF -DPOLYSHM_CLI=OFF -DBUILD_TESTING=OFF \
    -DPOLYSHM_EXAMPLES=OFF >/dev/null
  "$CMAKE" --build "$build" --parallel "$(nproc)" >/dev/null
  DESTDIR=$stage "$CMAKE" --install "$build" >/dev/null

  for lua in /usr/bin/lua5.4 /usr/bin/luajit; do
    [[ -x $lua ]] || continue
    path=$(staged "$stage" "$("$lua" -e 'print(package.path)')")
    cpath=$(staged "$stage" "$("$lua" -e 'print(package.cpath)')")
    (cd / && LUA_PATH="$path;" LUA_CPATH="$cpath;" "$lua" - "$stage") <<'END'
local polyshm = require "polyshm"
local list = assert(polyshm.ShareableList {1, "two"})
list:add(1)
assert(list:unlink() and list[1] == 2 and list[2] == "two")
for line in io.lines "/proc/self/maps" do
  local path = line:match "(/.*libpolyshm.*)$"
  assert(not path or path:sub(1, #arg[1]) == arg[1], path)
end
END
  done
  [[ -e $stage$prefix/share/polyshm/library/polyshm.lua ]] ||
    fail 'there is nothing for editors'
done
