# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# private
# A tracked block has the sticky bit; nobody is left who made these.
source "$(dirname "$0")/support.sh"
orphan() {
  printf 'orphan' >"/dev/shm/$1"
  chmod 1600 "/dev/shm/$1"
}
run polyshm ls
run polyshm ls --json
run polyshm gc
orphan "$NAME-a"
orphan "$NAME-b"
stock block "$NAME-c" 00
run polyshm ls
run polyshm gc --dry-run
run polyshm gc --dry-run --json
run polyshm ls --names
# Who looks removes nothing.
orphan "$NAME-d"
run polyshm show "$NAME-d"
run polyshm watch --once "$NAME-d"
run polyshm ls
# Its last holder does, when it closes it.
holding "$NAME-d" run polyshm gc
run polyshm ls
orphan "$NAME-e"
run polyshm gc --json
run polyshm gc
run polyshm ls
# An orphan is in nobody's use.
orphan "$NAME-f"
run polyshm rm "$NAME-f"
