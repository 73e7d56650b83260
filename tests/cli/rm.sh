# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# What is in use stays, unless it is forced.
source "$(dirname "$0")/support.sh"
for letter in a b c d e f; do
  maker list "$NAME-$letter" i1
done
stock block "$NAME-stock" 00
run polyshm rm "$NAME-a"
run polyshm rm "$NAME-a"
run polyshm rm "$NAME-b" "$NAME-none" "/$NAME-c"
run polyshm ls --names "$NAME-*"
for holder in maker stock; do
  holding "$NAME-d" run polyshm rm "$NAME-d" "$NAME-none"
  holding "$NAME-stock" run polyshm rm --yes "$NAME-stock" "$NAME-e" --json
  maker list "$NAME-e" i1
done
run polyshm ls --names "$NAME-*"
holding "$NAME-d" run polyshm rm --force "$NAME-d" "$NAME-none"
run polyshm rm -fj "$NAME-e" "$NAME-stock"
run polyshm rm ''
run polyshm rm 'a/b'
run polyshm rm -- --none
run polyshm ls --names "$NAME-*"
