# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# What words become, by their looks and by command; what is refused.
source "$(dirname "$0")/support.sh"
words=(none true false 0 -5 +7 0x1f -0x10 9223372036854775807
  -9223372036854775808 9223372036854775808 1.5 -1.5e3 .5 inf -inf nan 1e999 ''
  'two words' -- True 0b1 007 5x '☃' ' 1' -.5)
maker list "$NAME" "s0123456789abcdefghijklmnop" n
for word in "${words[@]}"; do
  run polyshm set "$NAME" 0 -- "$word"
  polyshm show "$NAME" | sed -n '/^    0/p'
done
run polyshm set "$NAME" 0 -5
run polyshm set "$NAME" -2 -5.5
run polyshm set "$NAME" -1 7
polyshm show "$NAME" | tail -n 2
for type in int float str; do
  run polyshm set "$NAME" 0 12 "--$type" --json
done
run polyshm set --bytes "$NAME" 0 00fF10 --json
run polyshm set --bytes "$NAME" 0 '' --json
run polyshm set --bool "$NAME" 0 1 --json
run polyshm set --none "$NAME" 0 --json
run polyshm set --float "$NAME" 0 -- -inf
run polyshm set --str "$NAME" 0 -- --str
polyshm show "$NAME" | tail -n 2
run polyshm set "$NAME" 2 1
run polyshm set "$NAME" -3 1
run polyshm set "$NAME" 1 'longer than eight'
run polyshm set "$NAME" 99999999999999999999 1
run polyshm set "$NAME-none" 0 1
run polyshm set --str "$NAME" 0 $'not UTF-8: \xff'
maker block "$NAME-block" 3
run polyshm set "$NAME-block" 0 1

stock list "$NAME-stock" '[1, "text"]'
run polyshm set "$NAME-stock" 0 2.5
run polyshm set "$NAME-stock" 1 'éé'
polyshm show "$NAME-stock" | tail -n 2
