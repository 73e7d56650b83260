# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# What is in the prefix: links, names and symbols as they should be, and no
# word of the place where it was built.
source "$(dirname "$0")/support.sh"
prefix=$WORK/$1

# dynamic tag file: the values of a tag in a file's dynamic section
dynamic() {
  readelf -d "$2" | sed -nE "s/.*\(($1)\).*\[(.*)\]/\2/p"
}

check_links() {
  local library=$prefix/$LIBDIR/libpolyshm.so
  expect 'the link for the linker' "libpolyshm.so.$SOVERSION" \
    "$(readlink "$library")"
  expect 'the link for the loader' "libpolyshm.so.$VERSION" \
    "$(readlink "$library.$SOVERSION")"
  expect 'the SONAME' "libpolyshm.so.$SOVERSION" "$(dynamic SONAME "$library")"
}

# The library finds all it needs by itself; a module finds the library from
# where it lies, and takes the language from the interpreter.
check_needs() {
  local file path needed folder
  while read -r file; do
    path=$(dynamic 'RUNPATH|RPATH' "$file")
    needed=$(dynamic NEEDED "$file")
    [[ $needed != *libpython* && $needed != *liblua* ]] ||
      fail "$file brings an interpreter of its own: $needed"
    if [[ $file == */libpolyshm.so* ]]; then
      expect "the search path of $file" '' "$path"
    else
      [[ $path == "\$ORIGIN/"* && $path != *:* ]] ||
        fail "the search path of $file is '$path'"
      folder=$(realpath "${path/\$ORIGIN/$(dirname "$file")}")
      expect "where $file looks" "$(realpath "$prefix/$LIBDIR")" "$folder"
    fi
  done < <(elf_files "$prefix")
}

exports() {
  nm --dynamic --defined-only --format=posix "$1" |
    awk '$2 != "A" { sub(/@.*/, "", $1); print $1 }' | sort
}

check_exports() {
  local file wanted symbols=$SOURCE/core/abi/polyshm.symbols
  while read -r file; do
    case $file in
      */libpolyshm.so*) wanted=$(cut -d ' ' -f 1 "$symbols" | sort) ;;
      *_core.*) wanted=PyInit__core ;;
      *) wanted=luaopen_polyshm_core ;;
    esac
    diff <(printf '%s\n' "$wanted") <(exports "$file") ||
      fail "$file exports other names than it should (> is too much)"
  done < <(elf_files "$prefix")
}

# Debug information tells where the source was; nothing else does.
check_places() {
  local place found
  for place in "$BUILD" "$SOURCE"; do
    found=$(grep -rlIF "$place" "$prefix" || true)
    expect "the files that name $place" '' "$found"
  done
}

check_links
check_needs
check_exports
check_places
cmp "$SOURCE/core/include/polyshm.h" "$prefix/$INCLUDEDIR/polyshm.h"
manifest=share/polyshm/polyshm-abi.json
[[ ! -e $BUILD/$manifest ]] ||
  cmp "$BUILD/$manifest" "$prefix/$DATADIR/polyshm/polyshm-abi.json"
