# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# The wheels, by the system's Python: the one with native calls brings libffi.
source "$(dirname "$0")/lib.sh"

apt install --no-install-recommends python3-venv
cat >wheel.py <<'END'
from importlib import metadata

import polyshm
from polyshm import native

swig = polyshm.backend == "swig"
if swig:
    assert native.load("libc.so.6").bind("labs", "i64(i64)")(-5) == 5
with open("/proc/self/maps") as file:
    paths = {line.split()[-1] for line in file if "/" in line}
found = {p for p in paths if "/libpolyshm" in p or "/libffi" in p}
ours = {p for p in found if p.startswith("/packages/venv/")}
# Without the extension module, libffi is that of Python's ctypes.
assert len(ours) == (2 if swig else 1), found
assert not swig or ours == found, found
texts = {p.name for p in metadata.files("polyshm") if p.parent.name == "licenses"}
assert texts - {"libffi"} == {"LICENSE", "LGPL-2.1", "glibc"}, texts
assert ("libffi" in texts) == swig, texts
numbers = polyshm.ShareableList([40, "two"])
assert numbers.add(0, 2) == 42
print(polyshm.backend)
END
for wheel in python/*-cp3*.whl python/*-py3-*.whl; do
  rm -rf venv
  python3 -m venv venv
  venv/bin/pip install --no-index --quiet "$wheel"
  printf '%s: ' "$(basename "$wheel")"
  (cd / && /packages/venv/bin/python -W error /packages/wheel.py)
done
expect 'what is in /dev/shm' '' "$(ls /dev/shm)"
