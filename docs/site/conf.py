# SPDX-License-Identifier: MIT
"""Sphinx's configuration, for scripts/docs. Its source folder is the project's,
so that a link from one document to another is the same there and here."""

import os
import re
import sys

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(os.path.dirname(here))
sys.path.insert(0, here)

import stubs  # noqa: E402

with open(os.path.join(root, "CMakeLists.txt"), encoding="utf-8") as file:
    release = re.search(r"project\(polyshm VERSION ([0-9.]+)", file.read())[1]

project = "polyshm"
author = copyright = "the authors of polyshm"
version = release
root_doc = "docs/site/contents"
include_patterns = [
    "*.md",
    "docs/**",
    "core/**.md",
    "bindings/**.md",
    "examples/**.md",
]
exclude_patterns = ["build*", "docs/site/[!c]*"]
extensions = ["myst_parser", "breathe", "sphinx.ext.autodoc"]

myst_heading_anchors = 4
suppress_warnings = [
    "misc.highlighting_failure",  # sessions whose quotes span lines
]

breathe_projects = {"polyshm": os.environ["POLYSHM_DOCS"] + "/doxygen/xml"}
breathe_default_project = "polyshm"
breathe_domain_by_extension = {"h": "c"}
breathe_show_include = False

autodoc_member_order = "bysource"
autodoc_typehints = "none"



def process_docstring(app, what, name, obj, options, lines):
    """They are plain text, in which what is indented stays as it is."""
    out, inside = [], False
    for line in lines:
        if line.startswith("    ") and not inside:
            out += ["", "::", ""]
        elif line and inside:
            out += [""]
        inside = line.startswith("    ") or inside and not line
        if not inside:
            line = re.sub(r"([*|])", r"\\\1", line)
            line = re.sub(r"`([^`]+)`", r"``\1``", line)
        out.append(line)
    lines[:] = out


html_theme = "furo"
html_title = f"polyshm {release}"
html_extra_path = [os.environ["POLYSHM_DOCS"] + "/extra"]
html_show_sourcelink = False
html_copy_source = False


def setup(app):
    app.connect("autodoc-process-docstring", process_docstring)
    stubs.connect(app, os.path.join(root, "bindings", "python", "polyshm"))
