# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# Names that are not UTF-8: of processes, and of files, which are no blocks.
source "$(dirname "$0")/support.sh"
printf x >"/dev/shm/$NAME"$'-\xff\n'
maker block "$NAME-a" 1
run polyshm ls --names "$NAME*"
run polyshm show "$NAME"$'-\xff\n'
run polyshm rm --force "$NAME"$'-\xff\n'

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
holder=$folder/$'m\xff\e[31m\\'
ln -s "$MAKER" "$holder"
holding "$NAME-a" run polyshm ls "$NAME-a" | sed -E 's/[0-9]+ m/PID m/'
holding "$NAME-a" polyshm ls --json "$NAME-a" | "$PYTHON" -c '
import json, sys
for holder in json.load(sys.stdin)[0]["holders"]:
    name = bytes.fromhex(holder["command_hex"])
    print(sorted(holder), ascii(holder["command"]), name)'
