# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What these scripts share: the one list of what they need, how it is
# installed, how a preset is built, and the watch over /dev/shm.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
shm=/dev/shm

# Each script needs the lines marked with its own name and those marked demo. The
# check looks for the thing itself, so that what came from elsewhere than a
# package counts as well.
# command | packages of Debian and Ubuntu | check | what it is
needs=(
  'demo|gcc libc6-dev|has_c_compiler|a C compiler'
  'demo|cmake|has_command cmake|CMake 3.25 or newer'
  'demo|ninja-build|has_any ninja make|Ninja or make, which CMake drives'
  'demo|swig|has_any swig swig4.0|SWIG 4.1 or newer, which writes the modules'
  'demo|python3|has_command python3|Python 3.9 or newer'
  'demo|python3-dev|has_python_header|the headers of that Python'
  'demo|pkg-config|has_command pkg-config|finds libraries'
  'demo|libffi-dev|has_module libffi|libffi, which makes native calls'
  'demo|libjson-c-dev|has_module json-c|json-c, which writes the JSON of the command'
  'demo|lua5.4|has_lua|Lua 5.4'
  'demo|liblua5.4-dev|has_lua_header|the headers of Lua 5.4'
  'demo|libnettle8|has_hmac|libnettle, with which managers and clients check each other'
  'test|gcc|has_command gcc|the first compiler of the tests'
  'test,fuzz|clang|has_command clang|the second compiler of the tests'
  'fuzz,check|libclang-rt-dev|has_libfuzzer|libFuzzer and the sanitizers of clang'
  'test,bench,fuzz|libcmocka-dev|has_module cmocka|cmocka, which runs the C tests'
  'test,package|binutils|has_command readelf|readelf, which looks into libraries'
  'test|gcc-multilib|has_32_bit|32-bit programs, peers of the tests'
  'test,bench,package|python3-venv|has_venv|environments for Python packages'
  'test|musl-tools|has_command musl-gcc|musl, the C library of other peers'
  'test,bench|luajit|has_command luajit|LuaJIT, which polyshm.ffi is for'
  'test|luarocks|has_command luarocks|LuaRocks, which builds the rock'
  'test|lua5.3 liblua5.3-dev|has_lua53|Lua 5.3, which there is a rock for, too'
  'test|make|has_command make|make, which LuaRocks lets CMake drive'
  'test,docs|lua5.1 liblua5.1-0-dev|has_lua51|Lua 5.1, which LDoc runs on and LuaRocks knows LuaJIT by'
  'test,docs|lua-ldoc lua-markdown|has_command ldoc|LDoc, which makes the Lua reference'
  'coverage|gcovr|has_command gcovr|gcovr, which reads what gcov counted'
  'docs|doxygen|has_command doxygen|Doxygen, which reads the C header'
  'docs|python3-sphinx python3-myst-parser python3-breathe furo|has_sphinx|Sphinx, which makes the site'
  'bench|redis-tools|has_any redis-server redis-check-rdb|Redis, a peer that is measured'
  'test,package|abigail-tools|has_command abidiff|libabigail, which guards the ABI'
  'package|dpkg-dev|has_command dpkg-shlibdeps|finds what Debian packages depend on'
  'package|lintian|has_command lintian|lintian, which judges Debian packages'
  'package|python3-dev|has_system_python|the headers of the system'"'"'s own Python'
  'package|zip unzip|has_command zip|packs and unpacks rocks'
  'root|debootstrap|has_command debootstrap|makes a bare Debian to try things in'
  'check|valgrind|has_command valgrind|valgrind, which watches memory'
  'check|clang-tidy|has_command clang-tidy|clang-tidy, which reads C'
  'check|clang-format|has_command clang-format|clang-format, which lays out C'
  'check|cppcheck|has_command cppcheck|cppcheck, which reads C as well'
  'check|g++|has_command g++|C++, which the header is for as well'
  'check|shellcheck|has_command shellcheck|shellcheck, which reads scripts'
  'check|lua-check|has_command luacheck|luacheck, which reads Lua'
)

# ------------------------------------------------------------------- messages

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}
misuse() {
  printf '%s: %s (see --help)\n' "${0##*/}" "$*" >&2
  exit 2
}

# Run a command whose words matter only when it fails.
quietly() {
  local words status=0
  words=$("$@" 2>&1) || status=$?
  ((status == 0)) || printf '%s\n' "$words" >&2
  return "$status"
}

# --------------------------------------------------------------------- checks

has_command() { command -v "$1" >/dev/null; }
has_any() {
  local name
  for name; do ! has_command "$name" || return 0; done
  return 1
}
has_module() { pkg-config --exists "$1" 2>/dev/null; }

# A compiler alone is not enough: Debian has the C library's headers apart.
has_c_compiler() {
  local compiler
  for compiler in "${CC:-cc}" gcc clang; do
    if $compiler -E -include stdio.h -x c /dev/null >/dev/null 2>&1; then
      return 0
    fi
  done
  return 1
}

# What managers load when they are used.
has_hmac() {
  local folders=(/lib /usr/lib /usr/local/lib)
  [[ -n $(find "${folders[@]}" -maxdepth 2 \
    \( -name 'libnettle.so.8' -o -name 'libcrypto.so.3' \) 2>/dev/null) ]]
}

# Only x86-64 has both widths in one compiler.
has_32_bit() {
  [[ $(uname -m) != x86_64 ]] ||
    gcc -m32 -E -include stdio.h -x c /dev/null >/dev/null 2>&1
}

# Which clang does not depend on in all releases.
has_libfuzzer() {
  local library
  has_command clang || return 1
  for library in "$(clang -print-resource-dir)"/lib/*/libclang_rt.fuzzer*; do
    [[ ! -e $library ]] || return 0
  done
  return 1
}

has_python_header() {
  python3 - 2>/dev/null <<'END'
import os.path, sys, sysconfig
header = os.path.join(sysconfig.get_path("include"), "Python.h")
sys.exit(not os.path.exists(header))
END
}

has_venv() { python3 -c 'import ensurepip, venv' 2>/dev/null; }

# Debian's Sphinx is its own Python's, which need not be the first on PATH.
sphinx_python() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import sphinx, myst_parser, breathe, furo' 2>/dev/null; then
      say "$python"
      return 0
    fi
  done
  return 1
}
has_sphinx() { sphinx_python >/dev/null; }

has_system_python() {
  [[ -n $(find /usr/include/python3* -maxdepth 1 -name Python.h \
    2>/dev/null) ]]
}

python_is_the_systems() {
  [[ $(python3 -c 'import sys; print(sys.base_prefix)') == /usr ]]
}

has_lua() {
  has_any lua5.4 lua54 || [[ $(lua -v 2>/dev/null) == 'Lua 5.4'* ]]
}

has_lua_header() {
  local folder
  for folder in /usr{,/local}/include{,/lua5.4,/lua-5.4,/lua54}; do
    if grep -qs 'LUA_VERSION_NUM[[:space:]]*504' "$folder/lua.h"; then
      return 0
    fi
  done
  return 1
}

has_lua51() {
  has_command lua5.1 && [[ -e /usr/include/lua5.1/lua.h ]]
}

has_lua53() {
  has_command lua5.3 && [[ -e /usr/include/lua5.3/lua.h ]]
}

# The dotted number in a program's words about its version.
version_of() {
  "$@" 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1
}

# require_version least program argument...
require_version() {
  local least=$1 found
  shift
  has_command "$1" || return 0
  found=$(version_of "$@") || found='unknown'
  if [[ $(printf '%s\n' "$least" "$found" | sort -V | head -n 1) != "$least" ]]
  then
    fail "$(command -v "$1") is version $found, but $least or newer is" \
      'needed. Debian 12, Ubuntu 24.04 and later have it.'
  fi
}

require_versions() {
  # In CMake's order.
  local swig=swig4.0
  has_command swig4.0 || swig=swig
  require_version 3.25 cmake --version
  require_version 3.9 python3 --version
  require_version 4.1 "$swig" -version
}

# ----------------------------------------------------------------- installing

# Lines of the list that this command needs and this system lacks.
missing_for() {
  local need for check
  for need in "${needs[@]}"; do
    IFS='|' read -r for _ check _ <<<"$need"
    [[ $for == demo || ,$for, == *,$1,* ]] || continue
    # The check is a function and its arguments, so it is split on purpose.
    # shellcheck disable=SC2086
    $check || say "$need"
  done
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

# "Quietly" as far as apt can: no questions, and no progress bar in a log.
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -y -q -o Dpkg::Use-Pty=0 "$@"
}

# A python3 of the user's own brings its own headers, or none that apt has.
require_python_header() {
  has_command python3 && ! has_python_header && ! python_is_the_systems ||
    return 0
  fail "$(command -v python3), the first python3 on PATH, has no Python.h:" \
    'install its headers, or put another python3 first on PATH.'
}

# install package...
# Say what will be done, and do it; or say why it cannot be done.
install() {
  local sudo='' words
  ((EUID == 0)) || sudo='sudo '
  words="${sudo}apt-get update && ${sudo}apt-get install"
  words+=" --no-install-recommends $*"

  has_command apt-get ||
    fail 'These are the names of Debian and Ubuntu. Install the same with the' \
      'package manager of this system, then run this again.'
  [[ -z $sudo ]] || has_command sudo ||
    fail "There is no sudo here. Let root run: ${words//sudo /}"

  say "Installing them now: $words"
  # An old list of packages may still serve when the mirror is out of reach.
  apt_get update || say 'The list of packages could not be renewed.'
  apt_get install --no-install-recommends "$@" ||
    fail "The installation failed. Once this works, run this again: $words"
}

# need_packages demo|test|fuzz|docs|coverage|bench|package|root|check
need_packages() {
  local missing need names name what packages=()
  require_versions
  mapfile -t missing < <(missing_for "$1")
  ((${#missing[@]})) || return 0
  require_python_header

  say 'Missing on this system:'
  for need in "${missing[@]}"; do
    IFS='|' read -r _ names _ what <<<"$need"
    printf '  %-16s %s\n' "$names" "$what"
    # One line may name several packages, and two lines the same one.
    for name in $names; do
      [[ " ${packages[*]} " == *" $name "* ]] || packages+=("$name")
    done
  done
  install "${packages[@]}"

  hash -r
  mapfile -t missing < <(missing_for "$1")
  ((${#missing[@]} == 0)) ||
    fail 'Installed, but still not found:' "${missing[@]##*|}"
  require_versions
}

# ------------------------------------------------------------------- building

# build_preset preset folder [cmake-argument...]
# A folder that was configured before keeps its compiler and generator, so that
# nothing is built twice.
build_preset() {
  local preset=$1 folder=$root/build/$2
  shift 2
  if [[ ! -e $folder/CMakeCache.txt ]] && has_command ninja; then
    set -- -G Ninja "$@"
  fi
  (cd "$root" && cmake --preset "$preset" -B "$folder" "$@") &&
    cmake --build "$folder" --parallel "$(nproc)"
}

# ------------------------------------------------------------------- /dev/shm

# What this user owns there, one name a line.
shm_names() {
  # Folders of others are not ours to read, and names vanish while we look.
  {
    find "$shm" -mindepth 1 -user "$EUID" -printf '%P\n' 2>/dev/null || true
  } | sort
}

# shm_new before
# The names that are there now and were not before. Other programs come and go
# in /dev/shm: a name counts once it has stayed for a while.
shm_new() {
  local before=$1 new pause
  for pause in 0 1 2; do
    sleep "$pause"
    new=$(comm -13 <(printf '%s\n' "$before") <(shm_names))
    [[ -n $new ]] || return 0
  done
  say "$new"
}
