# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# Blocks that go with their process tree: held, kept, gone.
source "$(dirname "$0")/support.sh"
manner=own
holding "$NAME-a" run polyshm ls "$NAME-a"
until_gone "$NAME-a"
manner=leave
holding "$NAME-b" run polyshm ls "$NAME-b"
until_gone "$NAME-b"
holding "$NAME-c" run polyshm show --json "$NAME-c" --length 4
until_gone "$NAME-c"
# What only its tree keeps is in use all the same.
holding "$NAME-d" run polyshm rm "$NAME-d"
until_gone "$NAME-d"
holding "$NAME-e" run polyshm rm --force "$NAME-e"
run polyshm ls "$NAME-e"
# Who looks does not take it away.
look_twice() {
  run polyshm show "$NAME-f" --length 4
  run polyshm watch --once --length 4 "$NAME-f"
  run polyshm ls --names "$NAME-f"
}
holding "$NAME-f" look_twice
until_gone "$NAME-f"
