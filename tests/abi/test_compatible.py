#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compatible.py finds each kind of break in today's manifest, and no other.

Usage: test_compatible.py MANIFEST
"""
import copy
import sys
import unittest

import compatible

MANIFEST = compatible.read(sys.argv.pop(1))
EXTRA = {"name": "extra", "type": "uint64_t", "offset": 304, "size": 8}


def remove(part, name):
    return lambda new: new[part].pop(name)


def put(value, *path):
    def change(new):
        *way, last = path
        for step in way:
            new = new[step]
        new[last] = value

    return change


def grow(name, at=None):
    """A member of eight bytes, at the end or in front of another."""

    def change(new):
        struct = new["structs"][name]
        at_ = len(struct["fields"]) if at is None else at
        struct["fields"].insert(at_, {**EXTRA, "offset": struct["size"]})
        struct["size"] += 8

    return change


def parameter(name, key, value):
    return put(value, "functions", name, "parameters", 0, key)


BREAKS = [
    (remove("functions", "polyshm_gc"), "functions.polyshm_gc is gone"),
    (remove("constants", "POLYSHM_INT"), "constants.POLYSHM_INT is gone"),
    (remove("structs", "polyshm_info"), "structs.polyshm_info is gone"),
    (remove("handles", "polyshm_list"), "handles.polyshm_list is gone"),
    (put(-77, "constants", "POLYSHM_E_RANGE"), "POLYSHM_E_RANGE was"),
    (put("int64_t", "typedefs", "polyshm_status"), "polyshm_status was"),
    (put("polyshm_x", "handles", "polyshm_list", "free"), "free was"),
    (grow("polyshm_value"), "structs.polyshm_value"),
    (grow("polyshm_info", at=2), "structs.polyshm_info.fields.2"),
    (put(312, "structs", "polyshm_info", "size"), "size was"),
    (parameter("polyshm_list_get", "name", "it"), "parameters.0.name was"),
    (parameter("polyshm_list_get", "type", "void *"), "parameters.0.type was"),
    (put([], "functions", "polyshm_unlink", "parameters"), "entries"),
    (
        put("int64_t", "functions", "polyshm_unlink", "returns", "type"),
        "returns.type was",
    ),
]
GROWTH = [
    grow("polyshm_info"),
    grow("polyshm_block_options"),
    put(7, "constants", "POLYSHM_NEW"),
    put({}, "functions", "polyshm_new"),
    put({"size": 8, "fields": []}, "structs", "polyshm_new"),
]


def changed(change, version="9.9.9"):
    new = copy.deepcopy(MANIFEST)
    new["library"]["version"] = version
    change(new)
    return new


class Compatible(unittest.TestCase):
    def test_breaks_are_found(self):
        for change, expected in BREAKS:
            found = "\n".join(compatible.problems(MANIFEST, changed(change)))
            self.assertIn(expected, found)

    def test_growth_is_none(self):
        for change in GROWTH:
            found = list(compatible.problems(MANIFEST, changed(change)))
            self.assertEqual(found, [])

    def test_a_recorded_version_does_not_grow(self):
        version = MANIFEST["library"]["version"]
        self.assertEqual(list(compatible.problems(MANIFEST, MANIFEST)), [])
        for change in GROWTH:
            new = changed(change, version)
            found = list(compatible.problems(MANIFEST, new))
            self.assertIn("raise the version", "\n".join(found))

    def test_another_soversion_is_another_library(self):
        new = changed(remove("functions", "polyshm_gc"))
        new["library"]["soversion"] += 1
        self.assertEqual(list(compatible.problems(MANIFEST, new)), [])


if __name__ == "__main__":
    unittest.main()
