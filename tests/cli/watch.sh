# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# Changes by polyshm and by stock, in lists of both and in blocks.
source "$(dirname "$0")/support.sh"
maker list "$NAME-a" i1 sabcdefgh n
maker block "$NAME-b" 40
stock list "$NAME-c" '[1, "text"]'

run polyshm watch --once "$NAME-a"
run polyshm watch --once --json "$NAME-a"
run polyshm watch --once "$NAME-b"
run polyshm watch --once --json --offset 16 --length 20 "$NAME-b"
run polyshm watch --once --offset 100 "$NAME-b"
run polyshm watch --once "$NAME-none"

# Each change is made when the one before was shown.
lines() {
  local line
  for ((i = 0; i < $1; i++)); do
    read -r line <&"$output" && printf '%s\n' "$line"
  done
}
watching() {
  printf '$ polyshm watch %s\n' "$*"
  coproc WATCH { exec "$POLYSHM" watch --interval 0.02 "$@" 2>&1; }
  exec {output}<&"${WATCH[0]}"
  watcher=$WATCH_PID
}
finish() {
  local code=0
  wait "$watcher" || code=$?
  cat <&"$output"
  exec {output}<&-
  echo "[$code]"
}

watching --count 3 "$NAME-a"
lines 3
polyshm set "$NAME-a" 0 2
lines 1
stock set "$NAME-a" 1 '"stock"'
lines 1
polyshm set "$NAME-a" 2 -- -0.5
lines 1
finish

watching --count 2 --json "$NAME-c"
lines 2
stock set "$NAME-c" 0 2
lines 1
polyshm set "$NAME-c" 1 none
lines 1
finish

watching --count 1 "$NAME-b"
lines 3
printf 'changed' | dd of="/dev/shm/$NAME-b" bs=1 seek=35 conv=notrunc \
  status=none
lines 1
finish

watching "$NAME-a"
lines 3
polyshm rm --force "$NAME-a"
finish

watching "$NAME-c"
lines 2
kill -TERM "$watcher"
finish
