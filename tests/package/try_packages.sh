#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# shellcheck source-path=SCRIPTDIR
# Install what scripts/package built on a bare Debian, use it as its users do,
# and remove it again: try_packages.sh PACKAGES [PART...]
set -euo pipefail
packages=$(realpath "$1")
shift
(($#)) || set -- packages wheel rock
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
source "$here/root.sh"

make_root
mkdir "$root/packages"
cp -r "$packages"/{*.deb,*.rock,python} "$root/packages"
cp "$here"/inside/* "$root/packages"
for part; do
  printf -- '-- %s\n' "$part"
  in_root bash "/packages/$part.sh"
done
