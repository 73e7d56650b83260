#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_releases.py sees what happens to records in a small repository."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check_releases.py")
RECORDS = os.path.join("core", "abi", "releases")


class Releases(unittest.TestCase):
    def setUp(self):
        if shutil.which("git") is None:
            self.skipTest("there is no git")
        self.source = tempfile.mkdtemp(prefix="polyshm-releases-")
        self.addCleanup(shutil.rmtree, self.source)
        self.git("init", "-q")
        self.record("0.1.0")
        self.commit("v0.1.0")

    def git(self, *words):
        who = "-c", "user.name=nobody", "-c", "user.email=nobody@invalid"
        subprocess.run(["git", *who, *words], cwd=self.source, check=True)

    def path(self, version, name):
        return os.path.join(self.source, RECORDS, version, name)

    def record(self, version, told=None):
        os.makedirs(self.path(version, ""))
        with open(self.path(version, "libpolyshm.abi"), "w") as file:
            file.write("<abi-corpus/>\n")
        with open(self.path(version, "polyshm-abi.json"), "w") as file:
            json.dump({"library": {"version": told or version}}, file)

    def commit(self, tag):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "a release", "--no-gpg-sign")
        self.git("tag", tag)

    def check(self, version="0.2.0"):
        result = subprocess.run(
            [sys.executable, CHECK, self.source, version],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        return result.returncode, result.stdout

    def assert_told(self, text, version="0.2.0"):
        status, words = self.check(version)
        self.assertEqual(status, 1, words)
        self.assertIn(text, words)

    def test_records_as_they_were(self):
        self.record("0.2.0")
        self.assertEqual(self.check(), (0, "the records agree with 1 tags\n"))

    def test_a_record_that_was_changed(self):
        with open(self.path("0.1.0", "libpolyshm.abi"), "a") as file:
            file.write("\n")
        self.assert_told("libpolyshm.abi is not what it was at v0.1.0")

    def test_a_record_that_is_gone(self):
        shutil.rmtree(self.path("0.1.0", ""))
        self.assert_told("polyshm-abi.json is gone")

    def test_a_record_that_is_not_whole(self):
        os.unlink(self.path("0.1.0", "libpolyshm.abi"))
        self.assert_told("0.1.0 should have")

    def test_a_tag_without_a_record(self):
        with open(os.path.join(self.source, "more"), "w"):
            pass
        self.commit("v0.2.0")
        self.assert_told("v0.2.0 came without")

    def test_a_record_of_another_version(self):
        self.record("0.2.0", told="0.1.0")
        self.assert_told("0.2.0 is of version 0.1.0")

    def test_a_record_of_a_version_to_come(self):
        self.record("0.10.0")
        self.assert_told("this is only 0.9.0", version="0.9.0")

    def test_no_repository(self):
        shutil.rmtree(os.path.join(self.source, ".git"))
        self.assertEqual(self.check()[0], 77)


if __name__ == "__main__":
    unittest.main()
