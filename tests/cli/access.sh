# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# What another user may not do. Only root can become one.
source "$(dirname "$0")/support.sh"
if ((EUID != 0)) || ! command -v setpriv >/dev/null; then
  exit 77
fi
other() {
  setpriv --reuid 65534 --regid 65534 --clear-groups "$POLYSHM" "$@"
}
other version >/dev/null 2>&1 || exit 77 # the build folder may be private
maker list "$NAME-a" i1
maker list "$NAME-b" i1
chmod 644 "/dev/shm/$NAME-b"
run other ls "$NAME-?"
run other show "$NAME-a"
run other set "$NAME-a" 0 2
run other rm "$NAME-a"
run other rm --force "$NAME-a"
run other show "$NAME-b"
run other set "$NAME-b" 0 2
run other watch --once "$NAME-b"
run other gc --dry-run >/dev/null
run polyshm ls --names "$NAME-?"
