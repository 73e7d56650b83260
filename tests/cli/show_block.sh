# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# Bytes: as a dump, as numbers, a part of them.
source "$(dirname "$0")/support.sh"
maker block "$NAME-a" 1000
stock block "$NAME-b" "000000000000f03f ffffffffffffffff 0000000000000080
  000000000000f07f 0000803f0000c0ff 0102"
stock list "$NAME-c" '[1]'
run polyshm show "$NAME-a"
run polyshm show "$NAME-a" --offset 0x3e0
run polyshm show "$NAME-a" --offset 5 --length 3
run polyshm show "$NAME-a" --offset 1000
run polyshm show "$NAME-a" --offset 1001
run polyshm show "$NAME-a" --length 0
run polyshm show "$NAME-a" --json --length 20
run polyshm show "$NAME-a" --json --length 0
for type in i8 u8 i16 u16 i32 u32 i64 u64 f32 f64 hex; do
  run polyshm show "$NAME-b" --as "$type" | sed '2,/^$/d'
  polyshm show "$NAME-b" --as "$type" --json |
    "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["values"])'
done
run polyshm show "$NAME-c" --as i64
