#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All places that tell polyshm's version tell the one of CMakeLists.txt.

Usage: check_version.py SOURCE
"""
import datetime
import glob
import os
import re
import sys

HEADER = "core/include/polyshm.h"
SYMBOLS = "core/abi/polyshm.symbols"


class Source:
    """The texts below a folder, by their paths from there."""

    def __init__(self, folder):
        self.folder = folder

    def names(self, pattern):
        found = glob.glob(os.path.join(self.folder, pattern))
        return sorted(os.path.basename(path) for path in found)

    def text(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()


def numbers(version):
    return tuple(int(part) for part in version.split("."))


def find(pattern, text):
    match = re.search(pattern, text, re.M | re.S)
    return match[1] if match else "not told"


def version_of(source):
    return find(r"^project\(polyshm VERSION ([\d.]+)", source.text("CMakeLists.txt"))


def header_version(text):
    parts = ("MAJOR", "MINOR", "PATCH")
    return ".".join(find(rf"^ *POLYSHM_VERSION_{p} = (\d+)", text) for p in parts)


def pyproject_version(source):
    """What the wheel takes: the regular expression is pyproject's own."""
    text = source.text("pyproject.toml")
    pattern = find(r"^regex = '(.*?)'$", text)
    asked = source.text(find(r'^input = "(.*?)"$', text))
    match = re.search(pattern, asked)
    return match["value"] if match and 'dynamic = ["version"]' in text else "not told"


def check_changelog(text, version):
    """The newest section is of this version, and sections are in order."""
    titles = re.findall(r"^## (.*)$", text, re.M)
    if titles and titles[0] == "Unreleased":
        del titles[0]
    releases = []
    for title in titles:
        match = re.fullmatch(r"(\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)", title)
        try:
            datetime.date.fromisoformat(match[2])
        except (TypeError, ValueError):
            yield f"CHANGELOG.md: '{title}' is no version and date"
            continue
        releases.append((numbers(match[1]), match[2]))
    if releases != sorted(set(releases), reverse=True):
        yield "CHANGELOG.md: the releases are not in order"
    if not releases or releases[0][0] != numbers(version):
        yield f"CHANGELOG.md: the newest release is not {version}"


def problems(source):
    version = version_of(source)
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield f"CMakeLists.txt: {version!r} is no version"
        return
    told = {
        HEADER: header_version(source.text(HEADER)),
        "pyproject.toml": pyproject_version(source),
    }
    rockspecs = source.names("*.rockspec")
    if rockspecs != [f"polyshm-{version}-1.rockspec"]:
        yield f"the rockspec of {version} should be the only one: {rockspecs}"
    for name in rockspecs:
        text = source.text(name)
        told[name] = find(r'^version = "([\d.]+)-1"$', text)
        told[f"{name}'s archive"] = find(r'url = ".*/polyshm-([\d.]+)\.tar\.gz"', text)
    for place, found in told.items():
        if found != version:
            yield f"{place}: {found} is not {version}"
    yield from check_changelog(source.text("CHANGELOG.md"), version)
    for line in source.text(SYMBOLS).splitlines():
        name, _, since = line.partition(" ")
        if since and numbers(since) > numbers(version)[:2]:
            yield f"{SYMBOLS}: {name} is of {since}, and this is {version}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    source = Source(sys.argv[1])
    found = list(problems(source))
    if found:
        sys.exit("\n".join(found))
    print(f"all say {version_of(source)}")


if __name__ == "__main__":
    main()
