# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# `luarocks make` in a copy of the source, into a fresh tree, as a new user has
# it: rock.sh VERSION INTERPRETER, where a VERSION of 5.1 means LuaJIT. What the
# rock installs is all that the programs after that find.
source "$(dirname "$0")/support.sh"
version=$1
lua=$(command -v "$2") || skip "there is no $2"
luarocks=$(command -v luarocks) || skip 'there is no luarocks'
copy=$(fresh "rock-$version/source")
tree=$(fresh "rock-$version/tree")
home=$(fresh "rock-$version/home")

# Nothing of this user's: no configuration, no tree, no path.
clean() {
  env -i PATH="$PATH" HOME="$home" CC="$CC" \
    CMAKE_BUILD_PARALLEL_LEVEL="$(nproc)" "$@"
}
rocks() {
  (cd "$copy" &&
    clean "$luarocks" --lua-version="$version" --tree "$tree" "$@")
}

headers=$(rocks config variables.LUA_INCDIR)
[[ -e $headers/lua.h ]] || skip "luarocks knows no headers of Lua $version"

# What a checkout or a release's archive has.
tar -C "$SOURCE" --exclude=./build --exclude=./.git --exclude=./.cache \
  -cf - . | tar -C "$copy" -xf -
rocks make >"$tree.log" 2>&1 || {
  cat "$tree.log"
  fail 'luarocks make failed'
}

path=$(rocks path --lr-path)
cpath=$(rocks path --lr-cpath)
use() {
  clean LUA_PATH="$path" LUA_CPATH="$cpath" "$lua" "$@"
}
cd / # from where nothing is found by chance

# Only the tree is used, and the helper lies in it.
use - "$tree" <<'END'
local polyshm = require "polyshm"
local block = assert(polyshm.SharedMemory {create = true, size = 10})
assert(block:unlink())
local libraries = 0
for line in io.lines "/proc/self/maps" do
  local path = line:match "r%-xp .-(/.*libpolyshm.*)$"
  if path then
    libraries = libraries + 1
    assert(path:sub(1, #arg[1]) == arg[1], path)
  end
end
assert(libraries == 1, "the library is mapped " .. libraries .. " times")
END

# The README's example, three times.
for visits in 0 1 2; do
  last=Lua
  ((visits)) || last=nobody
  expect 'what the example prints' "$visits visits, the last by $last" \
    "$(use "$copy/examples/visits/visits.lua")"
done
use -e 'assert(require "polyshm".unlink "visits")'

# What the documents begin with; LuaJIT and Lua 5.3 have no <close>.
if [[ $version == 5.4 ]]; then
  awk '/^```lua$/ { on = 1; next } /^```$/ { on = 0 } on' \
    "$copy/docs/start/lua.md" >"$home/start.lua"
  use "$home/start.lua" >"$home/printed"
  expect "the documents' first line" $'4\t42\tthree\tnil' \
    "$(head -n 1 "$home/printed")"
fi

# A tracked block goes when its maker is killed: the helper sees to it.
name=polyshm-rock-$$
trap 'rm -f /dev/shm/$name /dev/shm/visits' EXIT
use - "$name" <<'END' || true
local polyshm = require "polyshm"
local list = assert(polyshm.ShareableList({1, 2}, {name = arg[1]}))
assert(io.open("/dev/shm/" .. list.name)):close()
os.execute("kill -s KILL " .. io.open "/proc/self/stat":read "*n")
END
for ((tries = 0; tries < 600; tries++)); do
  [[ -e /dev/shm/$name ]] || break
  sleep 0.1
done
[[ ! -e /dev/shm/$name ]] || fail 'a killed process has left its list'

use "$copy/tests/lua/all.lua"
