# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# Help, and what is answered to misuse.
source "$(dirname "$0")/support.sh"
run polyshm --help
for command in ls show set rm gc watch serve doctor version; do
  run polyshm "$command" --help
done
cmp <(polyshm help) <(polyshm --help)
cmp <(polyshm help set) <(polyshm set -h)
run polyshm version
run polyshm --version
run polyshm version --json
run polyshm
run polyshm nothing
run polyshm help nothing
run polyshm ls --nothing
run polyshm ls -x
run polyshm show
run polyshm show a b
run polyshm show a --offset
run polyshm show a --offset x
run polyshm show a --as i7
run polyshm show a --json=yes
run polyshm set a 0
run polyshm set a x 1
run polyshm set a 0 x --int
run polyshm set a 0 x --float
run polyshm set a 0 x --bool
run polyshm set a 0 abc --bytes
run polyshm set a 0 x --int --str
run polyshm set a 0 x --none
run polyshm rm
run polyshm gc now
run polyshm watch a --interval 0
run polyshm watch a --count many
run polyshm doctor who
run polyshm version 1
