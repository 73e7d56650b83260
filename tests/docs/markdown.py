# SPDX-License-Identifier: MIT
"""Markdown, as far as the tests of documents read it: fenced blocks with the
comments above them, links, and the anchors of headings."""

import re
from dataclasses import dataclass


@dataclass
class Block:
    line: int  # of the opening fence
    language: str
    mark: str  # what the HTML comment right above it says, or ""
    text: str


FENCE = re.compile(r"^( *)(```+)([^\s`]*)(?: [^`]*)?$")
COMMENT = re.compile(r"^ *<!-- (.*?) -->$")


def blocks_of(text):
    lines = text.split("\n")
    found, at = [], 0
    while at < len(lines):
        opening = FENCE.match(lines[at])
        if not opening:
            at += 1
            continue
        indent, fence, language = opening.groups()
        first = at
        at += 1
        content = []
        while at < len(lines) and lines[at].strip() != fence:
            content.append(lines[at].removeprefix(indent))
            at += 1
        if at == len(lines):
            raise ValueError(f"line {first + 1}: the block has no end")
        comment = COMMENT.match(lines[first - 1]) if first else None
        found.append(
            Block(
                first + 1,
                language,
                comment[1] if comment else "",
                "".join(line + "\n" for line in content),
            )
        )
        at += 1
    return found


def prose_of(text):
    """The text without its blocks and literals."""
    text = re.sub(r"^ *(```+).*?^ *\1 *$", "", text, flags=re.S | re.M)
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", text)


def links_of(text):
    return re.findall(r"\]\(([^()\s]+)\)", prose_of(text))


def anchors_of(text):
    """As GitHub makes them of headings."""
    text = re.sub(r"^ *(```+).*?^ *\1 *$", "", text, flags=re.S | re.M)
    found = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.M):
        heading = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-"))
    return found
