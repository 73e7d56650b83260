#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the corpora, from what stock Pythons say and do: seed.py FOLDER

They are kept in the repository; this is for when the protocol changes.
"""
import json
import os
import pickle
import struct
import sys
from multiprocessing.shared_memory import ShareableList

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(HERE, "../protocol/vectors.json")


def framed(body):
    return struct.pack("!i", len(body)) + body


def write(folder, name, data):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def pickles():
    """Name and bytes of what stock Python sends, and of what it could."""
    with open(VECTORS, encoding="utf-8") as file:
        messages = json.load(file)["pickle"]["3.13.0"]
    for name, text in messages.items():
        if not text.endswith("..."):
            yield name, bytes.fromhex(text)
    request = (None, "track_segment", ("psm_01234567",), {"a": 1.5, "b": True})
    for protocol in range(6):
        yield f"protocol_{protocol}", pickle.dumps(request, protocol)
    yield "numbers", pickle.dumps([0, 255, 256, 65536, -1, 2**62, -(2**63)])
    yield "nested", pickle.dumps((((((), []), {}), None), [[[[b"x"]]]]))
    yield "import", pickle.dumps(os.getcwd, 2)


# ------------------------------------------------------------------ lists

VALUES = {
    "numbers": [0, -1, 2**63 - 1, 1.5, float("nan"), True, None],
    "strings": ["", "howdy", "hödÿ", "a" * 24, "zeros\0\0"],
    "bytes": [b"", b"a\0\0", b"\xff" * 24],
    "empty": [],
    "one": [100],
    "many": list(range(60)),
}
# Each call of play.c on slots 0 to 2, and on one that is not there.
SCRIPT = b"".join(
    bytes([call, slot, (7 * call + 3 * slot) % 27, 40])
    for call in range(12) for slot in (0, 1, 2, 255))  # fmt: skip

RECORD_DATA, RECORDS_MAX, WAITERS = 6, 63, 32
PLACES = dict(lock=64, reserved=72, waiting=128, changes=136, tokens=144,
              waiters=192)  # fmt: skip


def stock_list(values):
    shared = ShareableList(values)
    shared.shm.unlink()
    data = bytes(shared.shm.buf)
    shared.shm.close()
    # Its area, and not the page that some systems round it up to.
    count = len(values)
    size = struct.unpack_from("=q", data, 8 * (count + 1))[0]
    return data[:8 * (count + 2) + size + 9 * count]


def rounded(size):
    return (size + 63) // 64 * 64


def stamp():
    total = 1 if sys.byteorder == "little" else 2
    numbers = (64, 64, 8, *PLACES.values(), RECORD_DATA, RECORDS_MAX)
    for number in numbers:
        total = (total * 16777619 + number) % 2**32
    return total


def trailer_of(data, nrecords=4):
    """What polyshm puts behind the bytes of a list: core/doc/format.md."""
    count = struct.unpack_from("=q", data)[0]
    offsets = struct.unpack_from(f"={count + 1}q", data, 8)
    largest = max([8] + [b - a for a, b in zip(offsets, offsets[1:])])
    record = rounded(8 * RECORD_DATA + largest)
    sequences = PLACES["waiters"] + 8 * WAITERS
    exacts = sequences + rounded(8 * count)
    records = exacts + rounded(8 * count)
    size = records + nrecords * record
    header = struct.pack(
        "=8sHHIQQQQQII", b"polyshm", 1, 0, stamp(), size, sequences, exacts,
        records, record, nrecords, WAITERS)  # fmt: skip
    return header + bytes(size - len(header))


def lists():
    """Name and bytes of blocks."""
    for name, values in VALUES.items():
        data = stock_list(values)
        gap = bytes(rounded(len(data)) - len(data))
        yield name, data
        yield f"{name}_whole", data + gap + trailer_of(data)
    yield "zeros", bytes(64)
    yield "python_38", struct.pack("=qqqqq8s8sbb", 2, 8, 8, 1, 2, b"q", b"q", 0, 0)


def edit(place, how, what):
    """As stage.c reads it."""
    return struct.pack("=HBBQ", place, how, 0, what % 2**64)


DEAD = 0x1ABCDEF  # a token that nobody has
STORE, CHANGING = 0, 128


def trailer_edits():
    """Name and edits of words that the trailer has."""
    for name, place in PLACES.items():
        yield f"{name}_dead", [edit(place, STORE, DEAD)]
        yield f"{name}_ours", [edit(place, STORE, 1)]
    for place in range(8, 64, 8):
        yield f"header_{place}", [edit(place, STORE, -1)]
    sequences, records = 448, 576
    locked = DEAD | 1 << 25
    yield "locked", [edit(sequences, STORE, DEAD)]
    yield "locked_alive", [edit(sequences, STORE, 1)]
    yield "record", [edit(sequences, STORE, locked),
                     edit(records, STORE, DEAD)]  # fmt: skip
    yield "overlap", [edit(40, STORE, sequences)]
    yield "record_60", [edit(sequences, STORE, DEAD | 60 << 25)]
    yield "full", [edit(128, STORE, -1)] + [
        edit(192 + 8 * i, STORE, DEAD) for i in range(32)]  # fmt: skip


def write_lists(folder):
    for name, data in lists():
        for manner in (0, 3):
            write(f"{folder}/list", f"{name}_{manner}",
                  bytes([manner, len(SCRIPT) // 4]) + SCRIPT + data)  # fmt: skip
    begin = rounded(8 * 8 + 6 * (24 + 9))  # of the trailer of stage.c's list
    for name, edits in [("none", [])] + list(trailer_edits()):
        head = bytes([6, len(edits)])
        write(f"{folder}/trailer", name, head + b"".join(edits) + SCRIPT)
    for name, edits in trailer_edits():
        moved = [
            edit(place + begin, how | CHANGING, what)
            for place, how, _, what in
            (struct.unpack("=HBBQ", one) for one in edits)]  # fmt: skip
        write(f"{folder}/scribble", name,
              bytes([0, len(moved)]) + b"".join(moved) + SCRIPT)  # fmt: skip
    for place in (0, 8, 16, 64, 64 + 24, 208, 256):
        write(f"{folder}/scribble", f"plain_{place}",
              bytes([2, 1]) + edit(place, CHANGING, 1) + SCRIPT)  # fmt: skip


# ---------------------------------------------------------------------- names

NAMES = [
    "", "x", "/x", "//x", "x/", "a/b", ".", "..", "/..", "../x", "../../tmp/x",
    ".hidden", "psm_0123abcd", "ö日本😀", "new\nline", "-rf", "%s", "n" * 255,
    "n" * 256, "/" * 300 + "n" * 255, "é" * 127, ".polyshm-01234567",
    "x\0y",
]  # fmt: skip


def write_names(folder):
    names = [name.encode() for name in NAMES]
    names += [b"\xff", b"ok\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xc0\xae."]
    for number, name in enumerate(names):
        write(f"{folder}/name", f"{number:02}", bytes([number & 1]) + name)


# ------------------------------------------------------------------ arguments

LINES = """
help|help show|--version|version --json|show --help|nothing|
ls|ls --json|ls --names|ls --bytes poly*|ls -jn|
show LIST|show --json LIST|show STOCK|show --json STOCK --full|show BLOCK|
show --as f64 --offset 0x8 --length 32 BLOCK|show --as u16 --json BLOCK|
show -n 0 LIST|show -o 99999 BLOCK|show --as i8 LIST|show missing|show ../x|
set LIST 0 text|set LIST -1 7|set LIST 2 --int -9223372036854775808|
set STOCK 1 --bytes ff00|set LIST 3 1e9 --json|set LIST 5 --none|
set LIST 4 --bool true|set LIST 9 1|set LIST 0 -- -x|set BLOCK 0 1|
set --float --int LIST 0 1|set LIST 3 --float nan|
rm BLOCK|rm --force BLOCK missing --json|rm -y LIST /STOCK|
gc|gc --dry-run --json|
watch --once LIST|watch --count 2 --interval 0.1 LIST|watch --once --json BLOCK|
watch -o 8 -n 16 BLOCK|watch -i 1e400 LIST|
serve|serve --json unix:@x --level debug --no-md5 --remote --parent 1|
serve --authkey-file /dev/null|serve --level loud|doctor --json|doctor
"""


def write_arguments(folder):
    lines = LINES.replace("\n", "").split("|")
    for number, line in enumerate(lines):
        words = b"".join(word.encode() + b"\0" for word in line.split())
        write(f"{folder}/arguments", f"{number:02}", words)
    hostile = [edit(64, STORE, -1), edit(208, STORE, -1), edit(256, STORE, 0)]
    for number, one in enumerate(hostile):
        for words in (b"show\0LIST", b"show\0STOCK\0--json"):
            write(f"{folder}/arguments", f"edit_{number}_{len(words)}",
                  words + b"\0\0" + one)  # fmt: skip


# ------------------------------------------------------------------- protocol


def write_protocol(folder):
    for name, data in pickles():
        write(f"{folder}/pickle", name, data)
        kind = "reply" if name.startswith("rep_") else "session"
        if kind == "reply":
            write(f"{folder}/reply", name, data)
        else:
            for manner in (1, 3, 4 * 5 + 3):
                write(f"{folder}/session", f"{name}_{manner}",
                      bytes([manner]) + framed(data))  # fmt: skip
    frames = [b"", b"x", b"y" * 255, b"z" * 300]
    write(f"{folder}/frame", "short", b"".join(map(framed, frames)))
    write(f"{folder}/frame", "long",
          b"\xff" * 4 + struct.pack("!Q", 5) + b"12345")  # fmt: skip
    write(f"{folder}/frame", "huge", b"\xff" * 12)
    write(f"{folder}/frame", "negative", b"\x80\0\0\0")
    challenge = b"#CHALLENGE#"
    nonces = {
        "legacy": bytes(20),
        "sixteen": bytes(16),
        "unknown": b"{sha512}" + bytes(40),
        "ours": b"{sha256}" + bytes(32) + b"polyshm\1",
    }
    for name in ("md5", "sha256", "sha384", "sha3_256", "sha3_384"):
        nonces[name] = b"{%s}" % name.encode() + bytes(40)
    for name, nonce in nonces.items():
        for flag in (0, 1):
            data = bytes([flag]) + challenge + nonce
            write(f"{folder}/handshake", f"{name}_{flag}", data)
    words = {"welcome": b"#WELCOME#", "failure": b"#FAILURE#", "empty": b""}
    for name, word in words.items():
        write(f"{folder}/handshake", name, b"\0" + word)
        write(f"{folder}/session", name, b"\0" + framed(word))
    write(f"{folder}/session", "stranger",
          b"\0" + framed(b"{sha256}" + bytes(32)) + framed(challenge))  # fmt: skip


def main(folder):
    write_lists(folder)
    write_names(folder)
    write_arguments(folder)
    write_protocol(folder)


if __name__ == "__main__":
    main(sys.argv[1])
