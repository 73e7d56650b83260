# SPDX-License-Identifier: MIT
"""The chart: how many times as long others take, and how costs grow with items.

Plain SVG without scripts or fonts of its own; its colours follow the reader's
light or dark scheme. Each side has a shape as well as a colour.
"""

import math
import re
from html import escape

from results import OURS, STOCK, number, order, times

WIDTH = 860
LEFT, RIGHT = 300, 40  # of the dots
LINE = 30  # height of a row
TOP = 96
PANEL = 190  # height of a panel of lines

# What the picture has room for: (section, language, name, title).
SHOWN = (
    ("access", "Python", "get int", "read an int of a list"),
    ("access", "Python", "set int", "write an int"),
    ("access", "Python", "get str of 10", "read a str of 10"),
    ("access", "Python", "set str of 10", "write a str of 10"),
    ("bulk", "Python", "read all items, an item", "read all items of a list"),
    ("bulk", "Python", "find the last item, an item", "find an item"),
    ("create", "Python", "create, use, close, unlink a block of 4 KiB",
     "make and remove a block"),
    ("create", "Python", "attach to a block of 4 KiB, read, close",
     "attach to a block"),
    ("create", "Python", "attach to .* items, read one, close", "attach to a long list"),
    ("lock", "Python", "lock and unlock, alone", "lock and unlock"),
    ("lock", "Python", "two processes count in one item, each change",
     "two processes count"),
    ("wake", "Python", "wake another process, be woken",
     "wake, and be woken"),
    ("wake", "Python", "a message of 100 bytes, and one back",
     "a message, and one back"),
    ("manager", "Python", r"SharedMemory\(4096\), one more",
     "a block from a manager"),
    ("native", "Python", r"f64\(count, const \[f64\]\) of a block",
     "call a C function on a block"),
    ("pipeline", "Python", "a log of .*", "analyse a web access log"),
)  # fmt: skip

# Shape and colour. Those that are not here are not drawn.
SIDES = {
    STOCK: ("circle", "#d55e00"),
    "Manager": ("square", "#cc79a7"),
    "Pool": ("square", "#a07840"),
    "posix_ipc": ("diamond", "#8a8f98"),
    "SharedArray": ("diamond", "#3f9fe0"),
    "UltraDict": ("up", "#d99a00"),
    "LMDB": ("down", "#009e73"),
    "iceoryx2": ("up", "#4a6fdc"),
    "Redis": ("square", "#d03a4b"),
}
NAMES = {STOCK: "stock Python"}

STYLE = """
  .ink { fill: #1f2328 } .dim { fill: #59636e } .line { stroke: #d1d9e0 }
  .one { stroke: #1f2328 } .back { fill: #ffffff }
  .ours { stroke: #1f2328; fill: none }
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif }
  .small { font-size: 11px } .head { font-size: 15px; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .ink { fill: #f0f6fc } .dim { fill: #9198a1 } .line { stroke: #3d444d }
    .one { stroke: #f0f6fc } .back { fill: #0d1117 }
    .ours { stroke: #f0f6fc }
  }
"""


def text(x, y, words, kind="ink", anchor="start"):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )


def line(x1, y1, x2, y2, kind="line", width=1):
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'class="{kind}" stroke-width="{width}"/>'
    )


def mark(shape, x, y, colour, told=""):
    title = f"<title>{escape(told)}</title>" if told else ""
    if shape == "circle":
        place = f'cx="{x:.1f}" cy="{y:.1f}" r="5"'
        return f'<circle {place} fill="{colour}">{title}</circle>'
    corners = {
        "square": ((-4.5, -4.5), (4.5, -4.5), (4.5, 4.5), (-4.5, 4.5)),
        "diamond": ((0, -6), (6, 0), (0, 6), (-6, 0)),
        "up": ((0, -6), (5.5, 4.5), (-5.5, 4.5)),
        "down": ((0, 6), (5.5, -4.5), (-5.5, -4.5)),
    }[shape]
    points = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)
    return f'<polygon points="{points}" fill="{colour}">{title}</polygon>'


class Scale:
    """Of powers of ten, from one place to another."""

    def __init__(self, least, most, begin, end):
        self.least, self.most = math.floor(least), math.ceil(most)
        if self.least == self.most:
            self.most += 1
        self.begin, self.end = begin, end

    def __call__(self, value):
        part = (math.log10(value) - self.least) / (self.most - self.least)
        return self.begin + part * (self.end - self.begin)

    def powers(self):
        return range(self.least, self.most + 1)


def pick(results):
    """[(title, row)] of what there is."""
    found = []
    for section, language, name, title in SHOWN:
        rows = results.find(section, language, name)
        if rows:
            found.append((title, rows[0]))
    return found


def dots(shown):
    """The rows with their marks; returns (parts, height)."""
    ratios = [
        (row, side, row.ratio(side))
        for _, row in shown
        for side in row.sides
        if side in SIDES and row.ratio(side)
    ]
    if not ratios:
        return [], TOP
    logs = [math.log10(ratio) for _, _, ratio in ratios]
    scale = Scale(min(*logs, 0), max(*logs, 1), LEFT, WIDTH - RIGHT)
    bottom = TOP + LINE * len(shown)
    parts = []
    for power in scale.powers():
        x = scale(10.0**power)
        one = power == 0
        parts.append(
            line(x, TOP - 8, x, bottom, "one" if one else "line", 2 if one else 1)
        )
        label = "polyshm" if one else f"{10.0**power:,g}×"
        parts.append(
            text(x, TOP - 14, label, "ink small" if one else "dim small", "middle")
        )
    for place, (title, row) in enumerate(shown):
        y = TOP + LINE * (place + 0.5)
        parts.append(text(LEFT - 92, y + 4, title, anchor="end"))
        own = f"{number(row.value(OURS))} {row.unit}"
        parts.append(text(LEFT - 14, y + 4, own, "dim small", "end"))
        last, shift = -100.0, 0
        sides = [s for s in row.sides if s in SIDES and row.ratio(s)]
        for side in sorted(sides, key=row.ratio):
            ratio = row.ratio(side)
            x = scale(ratio)
            shift = -shift or 6 if x - last < 10 else 0
            last = x
            shape, colour = SIDES[side]
            told = f"{NAMES.get(side, side)}: {times(ratio)}"
            parts.append(mark(shape, x, y + shift, colour, told))
    return parts, bottom


def legend(shown):
    present = {side for _, row in shown for side in row.sides if row.ratio(side)}
    parts, x = [], 16.0
    for side in sorted(present & SIDES.keys(), key=order):
        shape, colour = SIDES[side]
        name = NAMES.get(side, side)
        parts += [mark(shape, x + 6, 49, colour), text(x + 17, 53, name, "dim")]
        x += 34 + 7.3 * len(name)
    return parts


def series(results, pattern):
    """{side: [(items, value)]} of the rows whose name has a number of items."""
    found = {}
    for row in results.find("items", "Python", pattern):
        items = int(re.search(r"[\d,]+", row.name)[0].replace(",", ""))
        for side in row.sides:
            if side == OURS or side in SIDES:
                found.setdefault(side, []).append((items, row.value(side)))
    return found, next(
        (r.unit for r in results.find("items", "Python", pattern)), ""
    )


def brief(power):
    """A power of ten, in few letters."""
    for least, letter in ((6, "M"), (3, "k")):
        if power >= least:
            return f"{10 ** (power - least)}{letter}"
    return f"{10.0**power:g}"


def panel(results, pattern, title, left, top, width):
    found, unit = series(results, pattern)
    points = [point for line_ in found.values() for point in line_]
    if not points:
        return []
    right, bottom = left + width, top + PANEL - 46
    xs = [math.log10(items) for items, _ in points]
    ys = [math.log10(max(value, 1e-3)) for _, value in points]
    across = Scale(min(xs), max(xs), left, right)
    up = Scale(min(ys), max(ys), bottom, top + 14)
    parts = [text(left - 44, top - 6, f"{title}, {unit}", "ink head")]
    for power in up.powers():
        y = up(10.0**power)
        parts += [
            line(left, y, right, y),
            text(left - 6, y + 4, brief(power), "dim small", "end"),
        ]
    for power in across.powers():
        x = across(10.0**power)
        parts.append(text(x, bottom + 16, brief(power), "dim small", "middle"))
    for side in sorted(found, key=order):
        places = [
            (across(items), up(max(value, 1e-3)))
            for items, value in sorted(found[side])
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        if side == OURS:
            parts.append(
                f'<polyline points="{path}" class="ours" stroke-width="2.5"/>'
            )
        else:
            shape, colour = SIDES[side]
            parts.append(
                f'<polyline points="{path}" fill="none" stroke="{colour}"'
                ' stroke-width="1.5"/>'
            )
            parts += [mark(shape, x, y, colour) for x, y in places]
    return parts


def draw(results):
    """The picture, as text."""
    shown = pick(results)
    parts = [
        text(16, 26, "How many times as long others take", "ink head"),
        text(
            WIDTH - 16, 26, "right of the line: polyshm is faster",
            "dim small", "end",
        ),
    ]  # fmt: skip
    parts += legend(shown)
    rows, bottom = dots(shown)
    parts += rows
    height = bottom + 20
    if results.find("items", "Python", "get one of .*"):
        top, width = bottom + 44, (WIDTH - 180) / 2
        parts += panel(
            results, "get one of .*", "Get one of so many items", 60, top, width
        )
        parts += panel(
            results, "attach to .*", "Attach to so many items",
            WIDTH / 2 + 60, top, width,
        )  # fmt: skip
        note = "Lines without marks: polyshm. Least of many passes; see the tables."
        parts.append(text(16, top + PANEL - 8, note, "dim small"))
        height = top + PANEL + 4
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} '
        f'{height:.0f}" width="{WIDTH}" height="{height:.0f}" role="img" '
        'aria-label="polyshm and others, measured">\n'
        f"<style>{STYLE}</style>\n"
        f'<rect width="{WIDTH}" height="{height:.0f}" class="back"/>\n'
        f"{body}\n</svg>\n"
    )
