# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# Blocks of polyshm and of stock Python, and patterns.
source "$(dirname "$0")/support.sh"
maker list "$NAME-a" i1 sabc n
maker block "$NAME-b" 100000
stock list "$NAME-c" '[1, 2.5, "x"]'
stock block "$NAME-d" 0001
run polyshm ls "$NAME-*"
run polyshm ls --bytes "$NAME-[bd]"
run polyshm ls --names "$NAME-?"
run polyshm ls --names "/$NAME-a" "$NAME-d"
run polyshm ls "$NAME"
run polyshm ls --json "$NAME"
holder=maker holding "$NAME-a" run polyshm ls "$NAME-a"
holder=stock holding "$NAME-d" run polyshm ls "$NAME-d"
holder=maker holding "$NAME-c" \
  holding "$NAME-c" run polyshm ls "$NAME-c"
# Open and not mapped, by a process that knows nothing of polyshm.
exec {open}<"/dev/shm/$NAME-b"
run polyshm ls "$NAME-b"
exec {open}<&-
run polyshm ls "$NAME-b"
