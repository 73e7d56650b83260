#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The records of releases are those that the releases came with.

Usage: check_releases.py SOURCE VERSION

In a checkout, each tag vX.Y.Z that the current commit descends from has a record
in core/abi/releases, and the record is still what it was at that tag: so what
holds the library against the records holds it against the tags. Each record has
both its files and tells its own version, which is not above VERSION.
"""
import json
import os
import re
import shutil
import subprocess
import sys

SKIP = 77
FILES = {"libpolyshm.abi", "polyshm-abi.json"}
RECORDS = "core/abi/releases"


def git(source, *words):
    """What git prints, or None if it fails or is not there."""
    if shutil.which("git") is None:
        return None
    result = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", source, *words],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return result.stdout if result.returncode == 0 else None


def number(version):
    return [int(part) for part in version.split(".")]


def check_records(source, version):
    """What is wrong with the records by themselves, as texts."""
    for name in sorted(os.listdir(os.path.join(source, RECORDS))):
        folder = os.path.join(source, RECORDS, name)
        if not os.path.isdir(folder):
            continue
        if set(os.listdir(folder)) != FILES:
            yield f"{name} should have {sorted(FILES)}"
            continue
        with open(os.path.join(folder, "polyshm-abi.json"), encoding="utf-8") as file:
            told = json.load(file)["library"]["version"]
        if told != name:
            yield f"the record {name} is of version {told}"
        elif number(name) > number(version):
            yield f"there is a record {name}, and this is only {version}"


def check_tags(source, tags):
    """What differs from the records that the tags came with, as texts."""
    for tag in tags:
        for name in sorted(FILES):
            path = f"{RECORDS}/{tag[1:]}/{name}"
            recorded = git(source, "show", f"{tag}:{path}")
            if recorded is None:
                yield f"{tag} came without {path}"
                continue
            try:
                with open(os.path.join(source, path), "rb") as file:
                    if file.read() != recorded:
                        yield f"{path} is not what it was at {tag}"
            except FileNotFoundError:
                yield f"{path} is gone"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    source, version = sys.argv[1:]
    problems = list(check_records(source, version))
    listed = None
    if os.path.exists(os.path.join(source, ".git")):
        listed = git(source, "tag", "--list", "--merged", "HEAD")
    tags = [
        tag
        for tag in (listed or b"").decode().split()
        if re.fullmatch(r"v\d+\.\d+\.\d+", tag)
    ]
    problems += check_tags(source, tags)
    if problems:
        sys.exit("\n".join(problems))
    if listed is None:
        print("skipped: the records are whole, but there is no repository to ask")
        sys.exit(SKIP)
    print(f"the records agree with {len(tags)} tags")


if __name__ == "__main__":
    main()
