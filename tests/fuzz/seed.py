#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the corpora, from what stock Pythons say: seed.py FOLDER

They are kept in the repository; this is for when the protocol changes.
"""
import json
import os
import pickle
import struct
import sys

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


def main(folder):
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


if __name__ == "__main__":
    main(sys.argv[1])
