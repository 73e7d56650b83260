# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# A project that asks for polyshm::polyshm builds and runs.
source "$(dirname "$0")/support.sh"
prefix=$WORK/$1
build=$(fresh "$1-consumer")

"$CMAKE" -S "$tests/consumer" -B "$build" \
  -DCMAKE_MAKE_PROGRAM="$CMAKE_MAKE_PROGRAM" -DCMAKE_PREFIX_PATH="$prefix" \
  -DEXPECTED_VERSION="$VERSION" -DEXPECTED_PREFIX="$prefix"
"$CMAKE" --build "$build"
run_consumer "$build/consumer"
