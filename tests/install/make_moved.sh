# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# Install, then move the prefix elsewhere, into a folder of another depth.
source "$(dirname "$0")/support.sh"

before=$(fresh "before-$1")
after=$(fresh "$1")
install_into "$before/far/away"
mv "$before"/far/away/* "$after"
rm -r "$before"
