# SPDX-License-Identifier: MIT
"""Random operations on blocks, for test_differential.py."""

import pickle

from differing import Differ


class Blocks(Differ):
    def session(self):
        names = self.fresh_names()
        pair = None
        try:
            pair = self.open(names)
            if pair is not None:
                for _ in range(self.choose.randint(1, 15)):
                    self.step(pair, names)
                self.close(pair)
        finally:
            for block in pair or ():
                for end in block.close, block.unlink:
                    try:
                        end()
                    except (OSError, BufferError):
                        pass
            self.end(names)

    def open(self, names):
        """A pair of blocks with names and sizes of all kinds, or None."""
        odd = self.choose.random() < 0.4
        change = self.choose.odd_name() if odd else lambda name: name
        create = self.choose.choice((True, True, False))
        if not odd and self.choose.random() < 0.2:
            change = lambda name: None  # noqa: E731
        size = self.choose.size()
        made = {}

        def maker(module, name):
            def work():
                made[name] = module.SharedMemory(change(name), create, size)
                return type(made[name]).__name__

            return work

        works = [maker(m, name) for m, name in zip(self.modules, names)]
        self.compare("block", (change(names[0]), create, size), works, names)
        if len(made) == 2:
            return [made[name] for name in names]
        for block in made.values():  # which one side only has made
            block.close()
            block.unlink()
        return None

    def step(self, pair, names):
        choose = self.choose
        size = pair[0].size
        first, last = (choose.randint(-size - 2, size + 2) for _ in range(2))
        content = bytes(choose.choices(range(256), k=choose.randint(0, 9)))
        module = {
            type(pair[0]): self.modules[0],
            type(pair[1]): self.modules[1],
        }
        operations = {
            "buf": lambda block: bytes(block.buf[first:last:choose_step]),
            "item": lambda block: block.buf[first],
            "write": lambda block: block.buf.__setitem__(first, content[:1]),
            "store": lambda block: block.buf.__setitem__(first, 7),
            "splice": lambda block: block.buf.__setitem__(
                slice(first, first + len(content)), content
            ),
            "form": lambda block: (
                block.buf.format, block.buf.itemsize, block.buf.shape,
                block.buf.readonly, block.buf.nbytes, block.buf.contiguous,
            ),
            "size": lambda block: block.size,
            "name": lambda block: block.name,
            "repr": lambda block: repr(block),
            "reduce": lambda block: str(block.__reduce__()[1]),
            "set name": lambda block: setattr(block, "name", "x"),
            "set size": lambda block: setattr(block, "size", 1),
            "set buf": lambda block: setattr(block, "buf", None),
            "equal": lambda block: (block == block, block == 1, block != block),
            "again": lambda block: module[type(block)].SharedMemory(
                block.name, True, 5
            ),
            "attach": lambda block: bytes(
                self.kept(module[type(block)].SharedMemory(block.name, size=9)).buf
            ),
            "pickled": lambda block: bytes(
                self.kept(pickle.loads(pickle.dumps(block, protocol))).buf
            ),
            "len": lambda block: len(block),
        }  # fmt: skip
        choose_step = choose.choice((1, 1, 2, -1, -3))
        protocol = choose.randint(0, pickle.HIGHEST_PROTOCOL)
        operation = choose.choice(list(operations))
        works = [
            lambda block=block: operations[operation](block) for block in pair
        ]
        taken = [block.name for block in pair]
        self.held = []
        self.compare(operation, (first, last, content), works, taken)
        self.held = []
        assert bytes(pair[0].buf) == bytes(pair[1].buf)

    def kept(self, block):
        """Stock's bytes go with their block."""
        self.held.append(block)
        return block

    def close(self, pair):
        taken = [block.name for block in pair]
        views = [block.buf[:1] for block in pair]
        for operation in self.choose.choices(
            ("close", "unlink", "release", "buf", "repr", "size", "pickled"),
            k=12,
        ):
            work = {
                "close": lambda block, view: block.close(),
                "unlink": lambda block, view: block.unlink(),
                "release": lambda block, view: view.release(),
                "buf": lambda block, view: block.buf is None,
                "repr": lambda block, view: repr(block),
                "size": lambda block, view: block.size,
                "pickled": lambda block, view: str(block.__reduce__()[1]),
            }[operation]
            self.compare(
                "ending " + operation,
                (),
                [
                    lambda block=block, view=view: work(block, view)
                    for block, view in zip(pair, views)
                ],
                taken,
            )
        for view in views:
            view.release()
