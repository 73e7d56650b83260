# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A bare Debian to try things in. Sourced with $packages as the folder for what
# is kept between runs; the system itself is thrown away.
set -euo pipefail

suite=bookworm
base=${packages:?}/base-$suite

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}
((EUID == 0)) || fail 'only root can make another system'

# Where this system has the suite from, if it has.
find_mirror() {
  apt-get indextargets --format '$(CODENAME) $(REPO_URI)' |
    sed -n "s/^$suite //p" | head -n 1
}

# The smallest that there is, as debootstrap makes it; once.
make_base() {
  [[ ! -e $base/.complete ]] || return 0
  local mirror=${POLYSHM_MIRROR:-$(find_mirror)}
  [[ -n $mirror ]] ||
    fail "this system has no $suite: say in POLYSHM_MIRROR where that is"
  rm -rf "$base"
  debootstrap --variant=minbase "$suite" "$base" "$mirror" \
    >"$packages/debootstrap.log" 2>&1 ||
    fail "debootstrap failed: see $packages/debootstrap.log"
  # How to reach packages is the host's own: its certificates and its settings.
  cp /etc/resolv.conf "$base/etc/"
  # Which an installer or a container's engine writes.
  printf '127.0.0.1 localhost\n::1 localhost\n' >"$base/etc/hosts"
  local file
  for file in /etc/apt/apt.conf.d/*proxy*; do
    [[ ! -e $file ]] || cp "$file" "$base/etc/apt/apt.conf.d/"
  done
  rm -rf "$base"/var/cache/apt/archives/*.deb
  touch "$base/.complete"
}

# make_root: a copy of it, which is removed when the script ends.
make_root() {
  make_base
  root=$(mktemp -d "$packages/root.XXXXXX")
  trap 'rm -rf "$root"' EXIT
  cp -a --reflink=auto "$base/." "$root"
}

# in_root command...: with file systems of its own, gone with the command.
in_root() {
  # shellcheck disable=SC2016 # they are the inner shell's
  unshare --mount --pid --ipc --fork --kill-child --propagation private \
    bash -euc '
      root=$1
      shift
      mount -t proc proc "$root/proc"
      mount -t tmpfs -o mode=755 tmpfs "$root/dev"
      mkdir -p "$root"/dev/{shm,pts}
      mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
      for device in null zero full random urandom tty; do
        touch "$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
      done
      mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
      ln -s pts/ptmx "$root/dev/ptmx"
      ln -s /proc/self/fd "$root/dev/fd"
      cd /
      exec chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb LC_ALL=C.UTF-8 \
        ${http_proxy:+http_proxy="$http_proxy"} \
        ${https_proxy:+https_proxy="$https_proxy"} \
        PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"
    ' in_root "$root" "$@"
}
