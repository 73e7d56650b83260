# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# private size=1m,mode=1777,nr_inodes=300
# A small folder that fills up, limits, rights.
source "$(dirname "$0")/support.sh"
doctor() {
  polyshm doctor 2>&1 | grep -A 1 -E "^[a-z]+ +($1) " | grep -v '^--'
  echo "[${PIPESTATUS[0]}]"
}
polyshm doctor | sed -E 's/^(good|care|bad) +([a-z]+) .*/\2/; /^ /d'
polyshm doctor --json | "$PYTHON" -c '
import json, sys
found = json.load(sys.stdin)
print(list(found), list(found["checks"][0]))
print([check["check"] for check in found["checks"]])'
doctor size
maker block "$NAME-a" 990000
doctor size
polyshm doctor --json >/dev/null
echo "[$?]"
head -c 100000 /dev/zero >"/dev/shm/$NAME-b" 2>/dev/null
doctor 'size|making'
rm "/dev/shm/$NAME-"*
(ulimit -f 100 && doctor fsize)
(ulimit -n 64 && doctor nofile)
chmod 0777 /dev/shm
doctor rights
chmod 1777 /dev/shm
for ((i = 0; i < 100; i++)); do
  : >"/dev/shm/$NAME-$i"
done
doctor files
rm "/dev/shm/$NAME-"*
printf 'orphan' >"/dev/shm/$NAME"
chmod 1600 "/dev/shm/$NAME"
doctor orphans
POLYSHM_HELPER=/nonexistent doctor helper | sed -n 1p | cut -c 1-12
