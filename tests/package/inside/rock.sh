# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# The rock, from its source and nothing else.
source "$(dirname "$0")/lib.sh"

apt install --no-install-recommends luarocks lua5.4 liblua5.4-dev gcc libc6-dev \
  cmake make swig python3 libffi-dev pkg-config unzip
luarocks --lua-version=5.4 --tree tree install ./*.src.rock >rock.log 2>&1 || {
  cat rock.log >&2
  fail 'luarocks install failed'
}
path=$(luarocks --lua-version=5.4 --tree tree path --lr-path)
cpath=$(luarocks --lua-version=5.4 --tree tree path --lr-cpath)
LUA_PATH=$path LUA_CPATH=$cpath lua5.4 - <<'END'
local polyshm = require "polyshm"
local list = assert(polyshm.ShareableList {40, "two"})
assert(list:add(1, 2) == 42)
assert(list:unlink())
print(polyshm._VERSION .. " from a rock")
END
expect 'what is in /dev/shm' '' "$(ls /dev/shm)"
