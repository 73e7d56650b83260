# SPDX-License-Identifier: MIT
"""Run one line of stages.txt: python stage.py STAGES NUMBER KERNEL PREFIX"""

import sys

from polyshm import SharedMemory, native


def argument(word, prefix):
    """A number, or the block of that name."""
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            pass
    return SharedMemory(prefix + word)


def main():
    stages, wanted, kernel, prefix = sys.argv[1:]
    with open(stages, encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    symbol, signature, words = map(str.strip, lines[int(wanted) - 1].split("|"))
    arguments = [argument(word, prefix) for word in words.split()]
    result = native.load(kernel).bind(symbol, signature)(*arguments)
    print(f"Python ran {symbol}: {result}")


main()
