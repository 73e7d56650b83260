#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Print where the running Python's compiled modules go, below a prefix.

Usage: python_install_dir.py PREFIX

Debian's own Python looks into dist-packages: /usr/lib/python3 is for packages
of the system and /usr/local/lib/python3.X for what was installed by hand. Any
other prefix, and any other Python, has site-packages.
"""
import os.path
import sys
import sysconfig

DEBIAN_SCHEMES = {"/usr": "deb_system", "/usr/local": "posix_local"}


def install_dir(prefix):
    prefix = os.path.normpath(os.path.abspath(prefix))
    if prefix == os.sep:
        # CMake's GNUInstallDirs fills /usr when it is told to install into /.
        return os.path.join("usr", install_dir("/usr"))

    base, scheme = prefix, "posix_prefix"
    debian = DEBIAN_SCHEMES.get(prefix)
    if sys.base_prefix == "/usr" and debian in sysconfig.get_scheme_names():
        # Both schemes are written from /usr, not from their own prefix.
        base, scheme = "/usr", debian

    variables = {
        "base": base,
        "platbase": base,
        "installed_base": base,
        "installed_platbase": base,
    }
    path = sysconfig.get_path("platlib", scheme, variables)
    return os.path.relpath(path, prefix)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    print(install_dir(sys.argv[1]))
