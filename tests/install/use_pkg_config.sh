# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# What polyshm.pc tells is enough to build and run.
source "$(dirname "$0")/support.sh"
prefix=$WORK/$1
program=$WORK/$1-pkg-config-consumer

command -v pkg-config >/dev/null || skip 'there is no pkg-config'
export PKG_CONFIG_PATH=$prefix/$LIBDIR/pkgconfig

expect 'the version' "$VERSION" "$(pkg-config --modversion polyshm)"
read -ra flags < <(pkg-config --cflags --libs polyshm)
"$CC" -o "$program" "$tests/consumer/consumer.c" "${flags[@]}"
LD_LIBRARY_PATH=$prefix/$LIBDIR run_consumer "$program"
