# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# The Debian packages: first each with what it says it needs, then in use, then
# removed without a trace.
source "$(dirname "$0")/lib.sh"

apt update
# What the trial itself needs; pkg-config and a compiler are no dependencies.
apt install --no-install-recommends gcc libc6-dev pkg-config cmake make lua5.4 \
  luajit python3
printf 'The packages themselves:\n'
system_files >before
apt install ./*.deb
mapfile -t ours < <(for file in *.deb; do dpkg-deb -f "$file" Package; done)
dpkg-query -W -f '${Package} ${Version} ${Status}\n' "${ours[@]}"
[[ -z $(dpkg --audit) ]] || fail "$(dpkg --audit)"
dpkg --verify "${ours[@]}" >verified
expect 'what differs from what was packed' '' "$(<verified)"

cat >c.c <<'END'
#include <polyshm.h>
#include <stdio.h>

int main(void) {
  polyshm_value start[] = {
      {.type = POLYSHM_INT}, {.type = POLYSHM_STRING, .of.p = "none", .size = 4}};
  uint32_t flags = POLYSHM_CREATE | POLYSHM_UNTRACKED;
  polyshm_list *list;
  int64_t after;
  if (polyshm_list_create("smoke", start, 2, flags, NULL, &list) ||
      polyshm_list_add(list, 0, 1, &after))
    return fprintf(stderr, "%s\n", polyshm_error_message()), 1;
  printf("C %d\n", (int)after);
  polyshm_list_free(list);
}
END
cat >lua.lua <<'END'
local polyshm = require "polyshm"
local list = assert(polyshm.ShareableList(nil, {name = "smoke"}))
list[2] = jit and "jit" or "lua"
print(list[2], tostring(list:add(1, 1)))
END
cat >python.py <<'END'
import ctypes, os, polyshm
from polyshm import native
assert polyshm.__file__.startswith("/usr/lib/python3/dist-packages/"), polyshm
assert polyshm.backend == os.environ.get("POLYSHM_BACKEND", "swig")
if polyshm.backend == "swig":
    assert native.load("libc.so.6").bind("labs", "i64(i64)")(-5) == 5
smoke = polyshm.ShareableList(name="smoke")
print(polyshm.backend, smoke.add(0, 1), smoke[1])
END
flags=$(pkg-config --cflags --libs polyshm)
# shellcheck disable=SC2086 # they are words
gcc -o c c.c $flags
expect 'what C prints' 'C 1' "$(./c)"
expect 'what Lua prints' $'lua\t2' "$(lua5.4 lua.lua)"
expect 'what LuaJIT prints' $'jit\t3' "$(luajit lua.lua | sed 's/LL$//')"
expect 'what Python prints' 'swig 4 jit' "$(python3 python.py)"
expect 'what ctypes prints' 'ctypes 5 jit' \
  "$(POLYSHM_BACKEND=ctypes python3 python.py)"
polyshm set smoke 1 tools
expect 'what the command shows' 'swig 6 tools' "$(python3 python.py)"
polyshm doctor || fail 'the doctor found something'
polyshm rm smoke

# CMake's package, and a block whose maker is killed: the helper is found.
mkdir cm
cat >cm/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.25)
project(smoke LANGUAGES C)
find_package(polyshm 0.1 REQUIRED)
add_executable(smoke ../c.c)
target_link_libraries(smoke PRIVATE polyshm::polyshm)
END
cmake -S cm -B cm/build >/dev/null && cmake --build cm/build >/dev/null
expect "what CMake's program prints" 'C 1' "$(cm/build/smoke)"
polyshm rm smoke
python3 - <<'END' || true
import os, polyshm
polyshm.ShareableList([1], name="smoke-tracked")
os.kill(os.getpid(), 9)
END
for ((i = 0; i < 100; i++)); do
  [[ -e /dev/shm/smoke-tracked ]] || break
  sleep 0.1
done
[[ ! -e /dev/shm/smoke-tracked ]] || fail 'a killed program left its block'
expect 'what is in /dev/shm' '' "$(ls /dev/shm)"

apt purge "${ours[@]}"
apt autoremove --purge
system_files >after
expect 'what is left' '' "$(comm -13 before after)"
printf 'installed, used and purged\n'
