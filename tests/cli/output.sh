# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# Output that cannot be written is an error, and never lands in a block.
source "$(dirname "$0")/support.sh"
exec 3>&1
maker block "$NAME" 100000
sum=$(cksum <"/dev/shm/$NAME")
polyshm version 2>&3 >/dev/full
echo "[$?]"
polyshm show "$NAME" --length 100000 --json 2>&3 >/dev/full
echo "[$?]"
polyshm ls "$NAME" 2>&3 >&-
echo "[$?]"
polyshm show "$NAME" 2>&3 <&- >&-
echo "[$?]"
polyshm show "$NAME" <&- >&- 2>&-
echo "[$?]"
polyshm watch "$NAME" 2>&3 >/dev/full
echo "[$?]"
polyshm --help 2>&3 >/dev/full
echo "[$?]"
# The reader goes before anything is written.
{
  read -r _
  polyshm show "$NAME" --length 100000 2>&3
  echo "[$?]" >&3
} < <(echo go) | true
[[ $(cksum <"/dev/shm/$NAME") == "$sum" ]] || echo 'the block has changed'
# Standard error may be closed, too.
polyshm show "$NAME-none" 2>&-
echo "[$?]"
