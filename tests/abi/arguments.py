# SPDX-License-Identifier: MIT
"""Arguments for any function that a manifest describes: good ones and bad ones.

What is known here of a parameter is its kind, its type and its name, as
core/doc/abi.md tells; no function is named. Inputs never lie about memory: a
pointer is NULL or has as many bytes as its length says, or so many that no length
that could be taken for real is larger.
"""

import ctypes as c
import os

ROOM = 1 << 16  # bytes behind each buffer
HUGE = [1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 8, (1 << 64) - 1]
PATTERN = 0xA5  # what outputs hold before
SCALARS = {
    "int32_t": (c.c_int32, 4),
    "uint32_t": (c.c_uint32, 4),
    "int64_t": (c.c_int64, 8),
    "uint64_t": (c.c_uint64, 8),
    "double": (c.c_double, 8),
}
# Texts of all kinds: any of them may be given for any other.
TEXTS = [
    b"", b"/", b"//", b"a/b", b"x" * 255, b"x" * 256, b"x" * 5000, b"\xff\xfe",
    b"no such thing", b"libnosuch.so.9", b"abs", b"labs", b"i32(i32)", b"i64(i64)",
    b"f64(f64)", b"i32(", b"void(struct s)", b"i64(fn i64(i64))", b"i32(const buf)",
]  # fmt: skip


class Argument:
    """What is passed, what has to stay alive, and what to look at afterwards."""

    def __init__(self, value, keep=None, out=None):
        self.value = value
        self.keep = keep
        self.out = out  # a buffer that a failure must not have changed
        self.before = bytes(out) if out is not None else None


class Makers:
    def __init__(self, manifest, library, random, prefix):
        self.manifest = manifest
        self.random = random
        self.prefix = prefix
        self.alive = {name: [] for name in manifest["handles"]}
        own = os.fsencode(library._name)
        self.texts = [*TEXTS, own, own, own, b"polyshm_version", b"abs", b"i32(i32)"]
        self.harmless = c.cast(library.polyshm_version, c.c_void_p).value
        self.flags = sorted(
            {v for v in manifest["constants"].values() if v > 0 and v & v - 1 == 0}
        )
        self.callbacks = {
            name: self.callback(prototype)
            for name, prototype in manifest["callbacks"].items()
        }

    def chance(self, one_in):
        return self.random.randrange(one_in) == 0

    # -------------------------------------------------------------- callbacks

    def callback(self, prototype):
        """One that answers zero, or some status."""
        returns = prototype["returns"]["kind"]
        result = None if returns == "nothing" else SCALARS["int32_t"][0]
        types = [ctype_of(p) for p in prototype["parameters"]]

        def answer(*_):
            return None if result is None else self.random.choice([0, 0, -1, -9, 5])

        return c.CFUNCTYPE(result, *types)(answer)

    # ---------------------------------------------------------------- scalars

    def scalar(self, parameter, bad):
        name, type_ = parameter["name"], parameter["scalar"]
        if type_ == "double":
            return self.random.choice([0.0, 1.5, -1e300, float("nan")])
        bits = 8 * SCALARS[type_][1]
        if "timeout" in name:  # nobody would end a sleep
            return self.random.choice([0, 1, 1000])
        if "flags" in name:
            few = self.random.sample(self.flags, self.random.randrange(3))
            flags = self.random.getrandbits(bits) if bad else sum(few) & 255
            # What is made goes away with us.
            return flags & ~self.manifest["constants"]["POLYSHM_UNTRACKED"]
        if bad:
            edges = [0, 1, (1 << bits - 1) - 1, 1 << bits - 1, (1 << bits) - 1]
            return self.random.choice(edges + [self.random.getrandbits(bits)])
        return self.random.choice([0, 0, 1, 2, 3, 64, 4096])

    # ----------------------------------------------------------------- memory

    def fill_struct(self, name, at, bad, keep):
        """Write a struct of this kind into a buffer."""
        for field in self.manifest["structs"][name]["fields"]:
            if field["name"] == "struct_size":
                size = self.manifest["structs"][name]["size"]
                wrong = [0, 7, 8, size - 8, size + 8, 4096, 4097, 1 << 63]
                value = self.random.choice(wrong) if bad else size
                at[field["offset"] : field["offset"] + 8] = value.to_bytes(8, "little")
            elif name == "polyshm_value":
                self.fill_value(at, bad, keep)
                return
            elif bad and self.chance(2):
                begin, size = field["offset"], field.get("size", 8)
                if "fields" not in field:  # no address is made up
                    at[begin : begin + size] = self.random.randbytes(size)

    def fill_value(self, at, bad, keep):
        """A polyshm_value: its type, and what goes with it."""
        constants = self.manifest["constants"]
        kinds = ["NONE", "BOOL", "INT", "FLOAT", "STRING", "BYTES", "TEXT"]
        kind = self.random.choice(kinds)
        type_ = constants.get("POLYSHM_" + kind, 0)
        number, size = self.random.choice([0, 1, 7, (1 << 64) - 1, 1 << 63]), 0
        if kind == "BOOL" and not bad:
            number &= 1
        if kind in ("STRING", "BYTES", "TEXT"):
            text = self.random.choice(TEXTS)
            keep.append(c.create_string_buffer(text))
            number, size = c.addressof(keep[-1]), len(text)
            if bad and self.chance(3):
                number, size = 0, self.random.choice([0, 1, *HUGE])
        elif bad and self.chance(3):
            type_ = self.random.choice([-1, 99, 1 << 30, -(1 << 31)])
        at[:24] = b"".join(
            (
                (type_ & 0xFFFFFFFF).to_bytes(4, "little"),
                bytes(4),
                number.to_bytes(8, "little"),
                size.to_bytes(8, "little"),
            )
        )

    def array(self, parameter, bad, lengths):
        """Structs or scalars, and their true number."""
        if parameter["direction"] == "in":
            count = self.random.randrange(4)
            lengths[parameter["length"]] = count
        else:
            count = ROOM // 24
            lengths[parameter["length"]] = self.random.choice(
                [0, 1, 2, count, *HUGE] if bad else [1, 2, count]
            )
        if bad and self.chance(4):
            return Argument(None)
        buffer, keep = (c.c_char * ROOM)(), []
        if parameter["direction"] == "in":
            for i in range(count):
                made = bytearray(24)
                self.fill_value(made, bad, keep)
                buffer[24 * i : 24 * i + 24] = bytes(made)
        out = buffer if parameter["name"].startswith("out_") else None
        return Argument(c.addressof(buffer), (buffer, keep), out)

    def buffer(self, parameter, bad, lengths):
        """Bytes: to read from, or to be filled."""
        buffer = (c.c_char * ROOM)()
        sizes = [0, 1, 64, ROOM] + (HUGE if bad else [])
        if parameter["name"] == "authkey" and not bad:
            sizes = [64]  # the one that every manager of ours has
        lengths[parameter["length"]] = self.random.choice(sizes)
        if bad and self.chance(4):
            return Argument(None)
        return Argument(c.addressof(buffer), buffer)

    # -------------------------------------------------------------------- any

    def text(self, name, bad):
        """What has a name is made under ours only."""
        if bad and self.chance(6):
            return Argument(None)
        ours = [b"%s%d" % (self.prefix, i) for i in range(4)]
        if name == "name":
            text = self.random.choice(TEXTS[:8] if bad else ours)
        else:
            text = self.random.choice(self.texts if bad else self.texts[8:])
        return Argument(text, text)

    def handle(self, parameter, bad):
        pool = self.alive[parameter["handle"]]
        if not pool or (bad and self.chance(3)):
            return Argument(None)
        return Argument(self.random.choice(pool))

    def output(self, parameter):
        size = 4104 if parameter["kind"] == "struct" else 8
        buffer = (c.c_char * size)()
        c.memset(buffer, PATTERN, size)
        return buffer

    def make(self, parameter, bad, lengths):
        kind, out = parameter["kind"], parameter["direction"] != "in"
        if kind == "callback":
            value = self.callbacks[parameter["callback"]]
            return Argument(None if bad and self.chance(2) else value)
        if kind == "handle" and not out:
            return self.handle(parameter, bad)
        if kind in ("bytes", "string") and "length" in parameter:
            return self.buffer(parameter, bad, lengths)
        if kind == "array":
            return self.array(parameter, bad, lengths)
        if kind == "string":
            return self.text(parameter["name"], bad)
        if kind == "scalar" and not out:
            return Argument(self.scalar(parameter, bad))
        if kind == "address" and not out:
            return Argument(None if bad else self.harmless)
        if bad and self.chance(6):
            return Argument(None)
        if kind == "struct" and not out:
            buffer, keep = bytearray(4104), []
            self.fill_struct(parameter["struct"], buffer, bad, keep)
            made = (c.c_char * 4104).from_buffer(buffer)
            return Argument(c.addressof(made), (made, keep))
        buffer = self.output(parameter)
        if kind == "struct" and parameter["direction"] == "inout":
            size = self.manifest["structs"][parameter["struct"]]["size"]
            wrong = [0, 7, 8, size - 8, size + 8, 4096, 4097, 1 << 63]
            chosen = self.random.choice(wrong) if bad else size
            buffer[:8] = chosen.to_bytes(8, "little")
        return Argument(c.addressof(buffer), buffer, buffer)

    def all(self, function, bad, given):
        """The arguments of a call, in order; those given, by name, are texts."""
        parameters = function["parameters"]
        # One bad argument among good ones goes further than many.
        wrong = self.random.randrange(len(parameters) or 1)
        lengths, made = {}, {}
        for i, parameter in enumerate(parameters):
            if parameter["name"] in given:
                text = given[parameter["name"]]
                made[parameter["name"]] = Argument(text, text)
            elif "length_of" not in parameter:
                is_bad = bad and (i == wrong or self.chance(4))
                made[parameter["name"]] = self.make(parameter, is_bad, lengths)
        return [
            made.get(p["name"]) or Argument(lengths[p["name"]]) for p in parameters
        ]


def ctype_of(parameter):
    """As an old binary was compiled: by width, and pointers as such."""
    plain = "scalar" in parameter and "*" not in parameter["type"]
    return SCALARS[parameter["scalar"]][0] if plain else c.c_void_p


def own_prefix():
    return b"polyshm-abi-%d-" % os.getpid()
