# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# Items of every type, in lists of both kinds.
source "$(dirname "$0")/support.sh"
maker list "$NAME-a" i-5 f0.1 "stext \"quoted\" \\" b1 b0 n i9223372036854775807
long=$(printf 'x%.0s' {1..500})
stock list "$NAME-b" "['howdy', b'Ho\x00\xff', -273.154, 100, None, True,
  'é\x1b[31m', '$long', 1e22, 1e999, -1e999, 3.0, '', b'', '\u202eabc', '☃']"
stock list "$NAME-c" '[]'
run polyshm show "$NAME-a"
run polyshm show "/$NAME-b"
run polyshm show --full "$NAME-b" | grep -c 'x\{500\}'
run polyshm show "$NAME-c"
run polyshm show --json "$NAME-b"
run polyshm show --json "$NAME-c"
run polyshm show "$NAME-none"
run polyshm show --json "$NAME-none"
run polyshm show ''
run ascii show "$NAME-b" | tail -n 2

# A string that stock cut in the middle of a character, and an item that is
# damaged.
stock list "$NAME-d" '["xéééééééééééééé", 7]'
run polyshm show "$NAME-d" | tail -n 3
run polyshm show --json "$NAME-d" | tail -n 5
printf 'zzzzzzzz' |
  dd of="/dev/shm/$NAME-d" bs=1 seek=56 conv=notrunc status=none
run polyshm show "$NAME-d"
run polyshm show --json "$NAME-d" | tail -n 6
