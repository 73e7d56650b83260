#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# shellcheck source-path=SCRIPTDIR
# README's commands from a fresh clone, on a Debian that has nothing else, with
# the time that they take and what apt fetches:
#
#   try_fresh.sh PACKAGES [COMMAND...]
set -euo pipefail
packages=$(realpath "$1")
shift
(($#)) || set -- demo 'test --quick'
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
source "$here/root.sh"

make_root
git clone -q "$(git -C "$here" rev-parse --show-toplevel)" "$root/root/polyshm"
for command; do
  log=$packages/fresh-${command%% *}.log
  begin=$SECONDS
  status=0
  # The words are the command's.
  # shellcheck disable=SC2086
  in_root bash -c 'cd ~/polyshm && exec "$@"' -- ./scripts/$command \
    >"$log" 2>&1 || status=$?
  printf 'scripts/%s: exit code %d after %d s\n' "$command" "$status" \
    $((SECONDS - begin))
  grep -E '^(Need to get|After this operation)' "$log" || true
  tail -n 4 "$log"
  ((status == 0)) || fail "see $log"
done
