# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# The same as JSON.
source "$(dirname "$0")/support.sh"
maker list "$NAME-a" i1 sabc n
maker block "$NAME-b" 100
stock list "$NAME-c" '[]'
stock block "$NAME-d" 0001
run polyshm ls --json "$NAME-*"
holder=stock holding "$NAME-d" run polyshm ls -j "$NAME-d"
polyshm ls --json "$NAME-*" | "$PYTHON" -m json.tool --indent 1 >/dev/null
polyshm ls --json | "$PYTHON" -m json.tool --indent 1 >/dev/null
