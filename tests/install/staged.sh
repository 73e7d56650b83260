# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# DESTDIR, as packagers use it: the same files, all below it.
source "$(dirname "$0")/support.sh"
plain=$(fresh staged/plain)
stage=$(fresh staged/stage)
prefix=$WORK/staged/nowhere

install_into "$plain"
DESTDIR=$stage install_into "$prefix"
diff <(contents "$plain") <(contents "$stage/$prefix") ||
  fail 'DESTDIR changes what is installed'
[[ ! -e $prefix ]] || fail 'the installation left DESTDIR'
expect 'the number of files' "$(contents "$plain" | wc -l)" \
  "$(contents "$stage" | wc -l)"
