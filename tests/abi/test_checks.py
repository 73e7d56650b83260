#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The checks of this folder can fail: each law meets a header that breaks it.

Usage: test_checks.py HEADER
"""
import sys
import tempfile
import unittest

import check_laws
import check_library

HEADER = sys.argv.pop(1)

# A declaration, and what must be said about it.
BAD_FUNCTIONS = [
    ("size_t polyshm_block_size(const polyshm_block *block);", "answers size_t"),
    ("bool polyshm_block_is_open(const polyshm_block *block);", "answers bool"),
    ("void *polyshm_block_address(polyshm_block *block);", "answers void *"),
    ("char *polyshm_block_text(polyshm_block *block);", "answers char *"),
    ("polyshm_value polyshm_list_at(polyshm_list *list);", "answers polyshm_value"),
    ("void polyshm_block_wipe(polyshm_block *block);", "answers nothing"),
    ("int32_t polyshm_a_get(polyshm_block *b, int32_t *out_c);", "not answer a"),
    ("polyshm_status polyshm_a_set(polyshm_block *b, long value);", "type long"),
    ("polyshm_status polyshm_a_set(polyshm_block *b, size_t n);", "type size_t"),
    ("polyshm_status polyshm_a_set(polyshm_value value);", "type polyshm_value"),
    ("polyshm_status polyshm_a_set(polyshm_block *b, char **n);", "type char * *"),
    ("polyshm_status polyshm_a_log(const char *format, ...);", "variable arguments"),
    ("polyshm_status polyshm_a_call(void (*f)(void));", "variable arguments"),
    ("polyshm_status polyshm_a_set(uint64_t i, polyshm_list *list);", "its handle"),
    ("polyshm_status polyshm_a_get(int32_t *out_a, int32_t b);", "behind its outputs"),
    ("polyshm_status polyshm_a_get(polyshm_list *a, int32_t *b);", "parameter b that"),
    ("polyshm_status polyshm_a_get(polyshm_list *a, int32_t out_b);", "out_b that"),
    ("polyshm_status polyshm_a_get(polyshm_list *a, polyshm_list **l);", "l that"),
    ("polyshm_status polyshm_a_open(polyshm_lock **out_lock);", "no _free"),
    ("polyshm_status polyshm_a_set(const char *in);", "called in, a keyword"),
    ("polyshm_status polyshm_a_set(uint32_t end);", "called end, a keyword"),
    ("polyshm_status polyshm_a_set(uint32_t class);", "called class, a keyword"),
    ("polyshm_status polyshm_a_set(uint32_t);", "without a name"),
    ("polyshm_status polyshm_a_write(const void *bytes);", "without nbytes"),
    ("polyshm_status polyshm_a_read(void *buffer, uint64_t size);", "out capacity"),
    ("polyshm_status polyshm_a_read(uint64_t capacity);", "without buffer"),
    ("polyshm_status polyshm_a_find(uint64_t *pids);", "without capacity"),
    ("polyshm_status polyshm_a_find(uint64_t *pids, uint64_t n);", "out capacity"),
    ("polyshm_status polyshm_a_find(uint64_t *ids, uint64_t capacity);", "ids that"),
    ("polyshm_status polyshm_a_find(uint64_t pids[8]);", "type uint64_t[8]"),
    ("polyshm_status polyshm_a_find(const char name[8]);", "type const char[8]"),
    ("polyshm_status polyshmOpen(const char *name);", "not named"),
    ("polyshm_status block_open(const char *name);", "not named"),
    ("extern int32_t polyshm_counter;", "no declaration the laws know"),
    ("static inline int32_t polyshm_one(void) { return 1; }", "laws know"),
    ("typedef uint32_t polyshm_color_t(void);", "laws know"),
    ("typedef size_t polyshm_size;", "polyshm_size is size_t"),
    ("typedef enum polyshm_kind { POLYSHM_KIND_A = 1 } polyshm_kind;", "laws know"),
    ("#define POLYSHM_SIZE 1", "POLYSHM_SIZE is a macro"),
    ("#define POLYSHM_MAX(a, b) 1", "POLYSHM_MAX( is a macro"),
    ("enum { POLYSHM_KIND_A };", "no explicit value"),
    ("enum { POLYSHM_KIND_A = sizeof(int) };", "no explicit value"),
    ("enum { POLYSHM_KIND_A = 2147483648 };", "does not fit"),
    ("enum { KIND_A = 1 };", "not named"),
    ("enum { POLYSHM_E_ODD = 5 };", "not below zero"),
    ("enum { POLYSHM_E_TWICE = -3 };", "same number"),
    ("typedef struct polyshm_x_options { int32_t a; } polyshm_x_options;", "begin"),
    (
        "typedef struct polyshm_x_options { uint64_t struct_size; const char *p; }"
        " polyshm_x_options;",
        "without a fixed width",
    ),
    (
        "typedef struct polyshm_x_options { uint64_t struct_size; int a; }"
        " polyshm_x_options;",
        "member a of type int",
    ),
    (
        "typedef struct polyshm_x_info { uint64_t struct_size; int32_t as; }"
        " polyshm_x_info;",
        "called as, a keyword",
    ),
    (
        "typedef struct polyshm_x_info { uint64_t struct_size; char text[9]; }"
        " polyshm_x_info;",
        "member text of type char[9]",
    ),
    (
        "typedef struct polyshm_x_info { uint64_t struct_size; char text[]; }"
        " polyshm_x_info;",
        "text without a fixed width",
    ),
    (
        "typedef struct polyshm_x_info { uint64_t struct_size; int32_t a[8]; }"
        " polyshm_x_info;",
        "member a of type int32_t[8]",
    ),
    (
        "typedef struct polyshm_x_info { uint64_t struct_size; char end[8]; }"
        " polyshm_x_info;",
        "called end, a keyword",
    ),
    (
        "typedef struct polyshm_x_options { uint64_t struct_size; char text[8]; }"
        " polyshm_x_options;",
        "text without a fixed width",
    ),
    ("typedef struct polyshm_pair { int32_t a; } polyshm_pair;", "neither"),
    ("typedef struct a { int32_t a; } polyshm_x_info;", "laws know"),
]

GOOD = """\
Dynamic section at offset 0x5dd0 contains 27 entries:
  Tag        Type                         Name/Value
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]
 0x000000000000000e (SONAME)             Library soname: [libpolyshm.so.0]
 0x000000006ffffffb (FLAGS_1)            Flags: NODELETE
"""
SEGMENTS = """\
  LOAD           0x000000 0x0000000000000000 0x0000000000000000 0x000a 0x000a R   0x1000
  GNU_STACK      0x000000 0x0000000000000000 0x0000000000000000 0x000000 0x000000 RW  0x10
"""


class Laws(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(HEADER, encoding="utf-8") as file:
            cls.header = file.read()

    def test_header_keeps_them(self):
        self.assertEqual(check_laws.check_header(self.header), [])

    def test_each_can_be_broken(self):
        for declaration, expected in BAD_FUNCTIONS:
            with self.subTest(declaration):
                bad = self.header + "typedef struct polyshm_lock polyshm_lock;\n"
                self.assertEqual(check_laws.check_header(bad), [])
                problems = check_laws.check_header(bad + declaration + "\n")
                self.assertIn(expected, "\n".join(problems))

    def test_another_header_is_not_ours(self):
        self.assertNotEqual(check_laws.check_header("int main(void);"), [])
        self.assertNotEqual(check_laws.check_header(""), [])


class Symbols(unittest.TestCase):
    NM = (
        "0000000000000000 A POLYSHM_0.1\n"
        "0000000000001234 T polyshm_a@@POLYSHM_0.1\n"
        "0000000000001235 T polyshm_b@@POLYSHM_0.1\n"
    )

    def test_lists_agree(self):
        self.assertEqual(check_laws.check_symbols(["a", "b"], ["a", "b"]), [])
        for listed in (["a"], ["b", "a"], ["a", "b", "b"], ["a", "b", "c"], []):
            self.assertNotEqual(check_laws.check_symbols(["a", "b"], listed), [])

    def test_library_agrees(self):
        both = ["polyshm_a", "polyshm_b"]
        self.assertEqual(check_laws.check_exports(both, self.NM), [])
        self.assertNotEqual(check_laws.check_exports(both[:1], self.NM), [])
        self.assertNotEqual(check_laws.check_exports([*both, "polyshm_c"], self.NM), [])
        leaked = self.NM + "0000000000001236 T pshm_error_set\n"
        self.assertEqual(len(check_laws.check_exports(both, leaked)), 2)
        data = self.NM + "0000000000001236 B os_counter@@POLYSHM_0.1\n"
        self.assertEqual(len(check_laws.check_exports(both, data)), 1)

    def test_nodes_are_kept(self):
        nm = self.NM + "0000000000001236 T polyshm_c@@POLYSHM_0.2\n"
        good = {"polyshm_a": "0.1", "polyshm_b": "0.1", "polyshm_c": "0.2"}
        self.assertEqual(check_laws.check_nodes(good, nm), [])
        for name, version in ("polyshm_a", "0.2"), ("polyshm_c", "0.1"):
            problems = check_laws.check_nodes({**good, name: version}, nm)
            self.assertEqual(len(problems), 1, problems)

    def test_lines_may_name_a_version(self):
        with tempfile.NamedTemporaryFile("w+", suffix=".symbols") as file:
            file.write("polyshm_a\npolyshm_b 0.2\n")
            file.flush()
            found = check_laws.read_symbols(file.name)
        self.assertEqual(found, [("polyshm_a", "0.1"), ("polyshm_b", "0.2")])

    def test_statuses_have_their_names(self):
        enums = {"POLYSHM_OK": "0", "POLYSHM_E_A": "-1", "POLYSHM_INT": "2"}
        names = {0: "POLYSHM_OK", -1: "POLYSHM_E_A"}
        self.assertEqual(check_laws.check_status_names(enums, names.get), [])
        names[-1] = "an unknown polyshm_status"
        self.assertNotEqual(check_laws.check_status_names(enums, names.get), [])


class Library(unittest.TestCase):
    def check(self, dynamic=GOOD, segments=SEGMENTS):
        return check_library.check(dynamic, segments, "libpolyshm.so.0")

    def test_each_can_be_wrong(self):
        self.assertEqual(self.check(), [])
        for old, new in [
            ("libpolyshm.so.0", "libpolyshm.so.1"),
            ("(SONAME)", "(AUXILIARY)"),
            ("NODELETE", "NOW"),
            ("libc.so.6", "libpython3.11.so.1.0"),
            ("(FLAGS_1)", "(TEXTREL)"),
        ]:
            self.assertNotEqual(self.check(GOOD.replace(old, new)), [], new)
        path = " 0x000000000000001d (RUNPATH)            Library runpath: [/tmp]\n"
        self.assertNotEqual(self.check(GOOD + path), [])
        self.assertNotEqual(self.check(segments=SEGMENTS.replace("RW ", "RWE")), [])
        self.assertNotEqual(self.check(segments=""), [])


if __name__ == "__main__":
    unittest.main()
