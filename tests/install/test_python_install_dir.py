# SPDX-License-Identifier: MIT
"""core/cmake/python_install_dir.py, with this Python and with the system's."""
import os
import subprocess
import sys
import unittest

SCRIPT = os.path.join(
    os.environ["POLYSHM_SOURCE_DIR"], "core", "cmake", "python_install_dir.py"
)
SYSTEM = "/usr/bin/python3"


def run(python, *code_or_script):
    """What that Python prints, knowing nothing of our environment."""
    return subprocess.run(
        [python, "-I", *code_or_script],
        check=True,
        stdout=subprocess.PIPE,
        universal_newlines=True,
    ).stdout.strip()


def install_dir(python, prefix):
    return run(python, SCRIPT, prefix)


def evaluate(python, expression):
    return run(python, "-c", f"import sys; print({expression})")


def read_by(python):
    return evaluate(python, "*sys.path, sep='\\n'").split("\n")


def short_version(python):
    return evaluate(python, "'%d.%d' % sys.version_info[:2]")


class AnyPython(unittest.TestCase):
    python = sys.executable

    def plain(self):
        return "python%s/site-packages" % short_version(self.python)

    def test_plain_prefix_has_site_packages(self):
        for prefix in "/opt/polyshm", "/tmp/a b/c", "/home/user/.local":
            found = install_dir(self.python, prefix)
            self.assertRegex(found, "^lib(32|64)?/%s$" % self.plain())

    @unittest.skipIf(sys.prefix != sys.base_prefix, "a virtual environment")
    def test_own_prefix_is_read_by_that_python(self):
        prefix = evaluate(self.python, "sys.base_prefix")
        found = os.path.join(prefix, install_dir(self.python, prefix))
        self.assertIn(found, read_by(self.python))

    def test_result_stays_below_the_prefix(self):
        for prefix in "/", "/usr", "/usr/local", "/opt", "relative":
            found = install_dir(self.python, prefix)
            self.assertFalse(os.path.isabs(found), found)
            self.assertNotIn("..", found)

    def test_spelling_of_the_prefix_does_not_matter(self):
        self.assertEqual(
            install_dir(self.python, "/usr/local"),
            install_dir(self.python, "/usr/./share/../local/"),
        )

    def test_root_is_filled_like_usr(self):
        self.assertEqual(
            install_dir(self.python, "/"),
            "usr/" + install_dir(self.python, "/usr"),
        )

    def test_wrong_arguments_are_told(self):
        for arguments in (), ("/usr", "/opt"):
            done = subprocess.run(
                [self.python, SCRIPT, *arguments], stderr=subprocess.PIPE
            )
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"Usage", done.stderr)


@unittest.skipUnless(os.path.exists(SYSTEM), "no system's Python")
class SystemsPython(AnyPython):
    python = SYSTEM

    @unittest.skipUnless(os.path.exists("/etc/debian_version"), "not Debian")
    def test_debian_has_dist_packages(self):
        self.assertEqual(
            install_dir(SYSTEM, "/usr"), "lib/python3/dist-packages"
        )
        self.assertEqual(
            install_dir(SYSTEM, "/usr/local"),
            "lib/python%s/dist-packages" % short_version(SYSTEM),
        )
        for prefix in "/usr", "/usr/local":
            found = os.path.join(prefix, install_dir(SYSTEM, prefix))
            self.assertIn(found, read_by(SYSTEM))


if __name__ == "__main__":
    unittest.main()
