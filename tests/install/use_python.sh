# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# The installed Python package works, knowing nothing but its own folder; over
# ctypes, too, which looks for the library on its own.
source "$(dirname "$0")/support.sh"
prefix=$WORK/$1

[[ -v PYTHON ]] || skip 'the Python module was not built'
for backend in swig ctypes; do
  POLYSHM_BACKEND=$backend PYTHONPATH=$prefix/$PYTHON_DIR \
    "$PYTHON" -W error - "$prefix" $backend <<'END'
import os
import sys

import polyshm

assert polyshm.__file__.startswith(sys.argv[1] + "/"), polyshm.__file__
assert polyshm.backend == sys.argv[2], polyshm.backend
with open("/proc/self/maps") as file:
    loaded = {line.split()[-1] for line in file if "/libpolyshm" in line}
assert len(loaded) == 1, loaded
assert os.path.dirname(*loaded).startswith(sys.argv[1] + "/"), loaded
numbers = polyshm.ShareableList([40, "two"])
try:
    numbers[0] += 2
    again = polyshm.ShareableList(name=numbers.shm.name)
    assert list(again) == [42, "two"], list(again)
    again.shm.close()
    numbers.shm.close()
finally:
    numbers.shm.unlink()
END
done
