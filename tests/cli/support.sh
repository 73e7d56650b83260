# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the cases share. run.py sets POLYSHM, MAKER, PYTHON and NAME, with which
# the name of each block of the case begins, and removes those in the end.
set -uo pipefail
NAME=${NAME:?}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

polyshm() { "$POLYSHM" "$@"; }
ascii() { LC_ALL=C "$POLYSHM" "$@"; }
maker() { "$MAKER" "$@"; }
stock() { "$PYTHON" "$here/stock.py" "$@"; }

# run word...: the command line, all that it writes, and its exit code unless 0.
run() {
  local code=0
  printf '$'
  printf ' %q' "$@"
  printf '\n'
  "$@" 2>&1 || code=$?
  ((code == 0)) || printf '[%d]\n' "$code"
}

# holding NAME command word...: run the command while another process holds the
# block; which one, $holder says: maker or stock. How, $manner says: maker can
# also make it.
holding() {
  local name=$1 ready input output
  shift
  coproc HOLDER { "$holder" "$manner" "$name"; }
  exec {output}<&"${HOLDER[0]}" {input}>&"${HOLDER[1]}"
  # Copies of our end would keep it alive.
  eval "exec ${HOLDER[0]}<&- ${HOLDER[1]}>&-"
  local pid=$HOLDER_PID
  read -r ready <&"$output"
  [[ $ready == ready ]] || echo 'the holder did not begin'
  "$@" {input}>&- {output}<&-
  exec {input}>&- {output}<&-
  wait "$pid"
}
holder=maker
manner=hold

# until_gone NAME: whoever removes it may do so a moment later.
until_gone() {
  while [[ -e /dev/shm/$1 ]]; do
    sleep 0.01
  done
}
