# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# Names that could do harm, or are hard to write.
source "$(dirname "$0")/support.sh"
long=$(printf 'n%.0s' {1..242})
names=(' blank ' 'a:b' $'line\nfeed' $'\e[31mred' 'back\slash' '"quoted"' 'é☃'
  $'\u202eturned' '-dash' \$'(exit)' "$long")
for name in "${names[@]}"; do
  maker list "$NAME$name" i1
done
run polyshm ls --names "$NAME*"
run polyshm ls "${NAME}[!n]*"
polyshm ls --json "$NAME*" | "$PYTHON" -c '
import json, sys
for block in json.load(sys.stdin):
    print(ascii(block["name"]))'
run ascii ls --names "$NAME*☃" "$NAME*turned"
run ascii ls --json "$NAME*☃" | grep -o '"name": "[^"]*"'
for name in "${names[@]}"; do
  run polyshm show "$NAME$name" | sed -n 2p
  run polyshm set "$NAME$name" 0 2
  run polyshm rm "$NAME$name"
done
run polyshm ls "$NAME*"
run polyshm show $'\e[31mred'
run polyshm show $'\xff'
run polyshm $'\e[31mred'
run polyshm show a $'--\e[31mred'
