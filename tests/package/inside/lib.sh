# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the trials in a bare system share; they run in /packages there.
set -euo pipefail
cd /packages

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}
expect() {
  [[ $2 == "$3" ]] || fail "$1 should be '$2' and is '$3'"
}

# apt's words go to a file that is shown if it fails; what it got is told.
apt() {
  apt-get -y -q -o Dpkg::Use-Pty=0 "$@" >apt.log 2>&1 || {
    cat apt.log >&2
    fail "apt-get $* failed"
  }
  grep -E '^(Need to get|After this)' apt.log || true
}

# All that is in the system, but what changes by itself, and our own folder.
system_files() {
  find / -xdev \( -path /packages -o -path /proc -o -path /dev -o -path /tmp \
    -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache \
    -o -path /var/log -o -path /root \) -prune -o -print | sort
}
