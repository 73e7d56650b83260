# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# Install into a prefix of its own, for the tests that use it.
source "$(dirname "$0")/support.sh"

install_into "$(fresh "$1")"
