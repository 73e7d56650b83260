# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# The installed Python module works, knowing nothing but its own folder.
source "$(dirname "$0")/support.sh"
prefix=$WORK/$1

[[ -v PYTHON ]] || skip 'the Python module was not built'
PYTHONPATH=$prefix/$PYTHON_DIR "$PYTHON" -W error - "$prefix" <<'END'
import sys

import polyshm

assert polyshm.__file__.startswith(sys.argv[1] + "/"), polyshm.__file__
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
