# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# On Debian, what is installed into /usr or /usr/local is where Debian's
# interpreters and linker look. This only configures, and asks CMake.
source "$(dirname "$0")/support.sh"

[[ -e /etc/debian_version ]] || skip 'this is not Debian'
[[ -v PYTHON && -v LUA ]] || skip 'a module was not built'
python=/usr/bin/python3
lua=/usr/bin/lua5.4
[[ -x $python && -x $lua ]] || skip 'the interpreters are not Debian'"'"'s'
headers=$($python -c 'import sysconfig; print(sysconfig.get_path("include"))')
[[ -e $headers/Python.h ]] || skip "$python has no headers here"

# cached build name: the value of a variable
cached() {
  sed -n "s/^$2:[A-Z]*=//p" "$1/CMakeCache.txt"
}

# check_one_of what folder known...
check_one_of() {
  local what=$1 folder=$2
  shift 2
  printf '%s\n' "$@" | grep -qxF "$folder" ||
    fail "$what goes to $folder, which is not one of: $*"
}

for prefix in /usr /usr/local; do
  build=$(fresh "debian$prefix")
  "$CMAKE" -S "$SOURCE" -B "$build" -DCMAKE_INSTALL_PREFIX="$prefix" \
    -DCMAKE_MAKE_PROGRAM="$CMAKE_MAKE_PROGRAM" -DPython3_EXECUTABLE=$python \
    -DBUILD_TESTING=OFF -DPOLYSHM_EXAMPLES=OFF >/dev/null

  mapfile -t folders < <($python -c 'import sys; print(*sys.path, sep="\n")')
  check_one_of 'the Python module' \
    "$prefix/$(cached "$build" POLYSHM_PYTHON_INSTALL_DIR)" "${folders[@]}"

  IFS=';' read -ra folders < <($lua -e 'print(package.cpath)')
  check_one_of "Lua's binary module" \
    "$prefix/$(cached "$build" POLYSHM_LUA_INSTALL_CMOD)/?.so" "${folders[@]}"
  IFS=';' read -ra folders < <($lua -e 'print(package.path)')
  check_one_of "Lua's module" \
    "$prefix/$(cached "$build" POLYSHM_LUA_INSTALL_LMOD)/?/init.lua" \
    "${folders[@]}"

  mapfile -t folders < <(sed -n 's/^ *\(\/.*\)/\1/p' /etc/ld.so.conf.d/*.conf)
  folders+=(/usr/lib)
  check_one_of 'the library' "$prefix/$(cached "$build" CMAKE_INSTALL_LIBDIR)" \
    "${folders[@]}"
done
