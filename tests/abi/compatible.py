#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hold today's ABI manifest against one that was recorded with a release.

Usage: compatible.py OLD NEW

What a program was compiled against must be there unchanged: constants, types,
functions, and the names of parameters, which bindings match on. New names are
no break, nor are members at the end of a struct that knows its own size. The
manifest of the same version must be the same: what is new has a new version.
"""
import json
import sys


def differences(what, old, new):
    """The texts for two values that ought to be equal."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            here = f"{what}.{key}"
            if key not in new:
                yield f"{here} is gone"
            elif key not in old:
                yield f"{here} is new"
            else:
                yield from differences(here, old[key], new[key])
    elif isinstance(old, list) and isinstance(new, list):
        for i, (was, is_) in enumerate(zip(old, new)):
            yield from differences(f"{what}.{i}", was, is_)
        if len(old) != len(new):
            yield f"{what} had {len(old)} entries and has {len(new)}"
    elif old != new:
        yield f"{what} was {old!r} and is {new!r}"


def struct_differences(what, old, new):
    grows = old["fields"][0]["name"] == "struct_size"
    count = len(old["fields"])
    if not grows or len(new["fields"]) <= count:
        yield from differences(what, old, new)
        return
    before = {"fields": old["fields"]}
    yield from differences(what, before, {"fields": new["fields"][:count]})
    if new["fields"][count]["offset"] < old["size"]:
        yield f"{what} has grown inside"


def breaks(old, new):
    """What a program of the old manifest could notice, as texts."""
    if old["library"]["soversion"] != new["library"]["soversion"]:
        return  # a program of the old one does not load the new one
    for part in "constants", "typedefs", "handles", "callbacks", "functions":
        for name, was in old[part].items():
            here = f"{part}.{name}"
            if name.startswith("POLYSHM_VERSION_"):
                continue
            if name not in new[part]:
                yield f"{here} is gone"
            else:
                yield from differences(here, was, new[part][name])
    for name, was in old["structs"].items():
        if name not in new["structs"]:
            yield f"structs.{name} is gone"
        else:
            here = f"structs.{name}"
            yield from struct_differences(here, was, new["structs"][name])


def problems(old, new):
    yield from breaks(old, new)
    version = old["library"]["version"]
    if version == new["library"]["version"]:
        for difference in differences(version, old, new):
            yield f"{difference}, but that release is recorded: raise the version"


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    old, new = map(read, sys.argv[1:])
    found = list(problems(old, new))
    if found:
        sys.exit("\n".join(found))
    print(f"programs of {old['library']['version']} find what they know")


if __name__ == "__main__":
    main()
