# SPDX-License-Identifier: MIT
"""What workers have found, added up in memory that does not grow with the log."""

import report


class Keys:
    """How often each key was seen; rare ones may have been dropped.

    That is counter.lua once more: each batch of lines is counted there, and all
    of them are added up here, with the same limits. Every count may be low by
    the largest count dropped, `bound` is the sum of those.
    """

    def __init__(self, max_keys, max_text):
        self.counts = {}
        self.bound = 0
        self.text = 0  # bytes of all keys
        self.max_keys = max_keys
        self.max_text = max_text

    def add(self, found):
        """Add bound, key, count, key, count, ..."""
        counts = self.counts
        self.bound += next(found)
        for key, count in zip(found, found):
            # Lists store what is UTF-8 as str, the rest as bytes.
            if type(key) is str:
                key = key.encode()
            if key in counts:
                counts[key] += count
            else:
                counts[key] = count
                self.text += len(key)
        if len(counts) > self.max_keys or self.text > self.max_text:
            self.prune()

    def prune(self):
        """Drop the rarest until half of the room is free."""
        levels = {}  # count -> how many keys and bytes have it
        for key, count in self.counts.items():
            keys, text = levels.get(count, (0, 0))
            levels[count] = keys + 1, text + len(key)
        left = len(self.counts)
        for limit in sorted(levels):
            keys, text = levels[limit]
            left -= keys
            self.text -= text
            if left <= self.max_keys // 2 and self.text <= self.max_text // 2:
                break
        self.counts = {k: n for k, n in self.counts.items() if n > limit}
        self.bound += limit

    def result(self):
        return report.Counts(self.counts, self.bound)


class Timeline:
    """Requests per bucket of some minutes, as in timeline.lua."""

    def __init__(self):
        self.width = 1
        self.counts = {}

    def add(self, found):
        """Add width, bucket, count, bucket, count, ..."""
        width = next(found)
        while self.width < width:
            self.coarsen()
        factor = self.width // width
        for bucket, count in zip(found, found):
            bucket //= factor
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        while len(self.counts) > report.BUCKETS_MAX and (
            self.width in report.COARSER
        ):
            self.coarsen()

    def coarsen(self):
        self.counts, self.width = report.coarser(self.counts, self.width)

    def result(self):
        return report.timeline(self.counts, self.width)


class Total:
    """All that was found so far."""

    FIELDS = (
        "span", "lines", "blank", "requests", "malformed", "bytes",
        "petabytes", *report.CLASSES,
    )

    def __init__(self, options):
        self.numbers = dict.fromkeys(self.FIELDS, 0)
        self.examples = []
        self.timeline = Timeline()
        self.paths, self.clients = (
            Keys(options.max_keys, options.max_text) for _ in range(2)
        )

    def add(self, found):
        """Add five iterators, each of which is read to its end before the next
        is asked for."""
        for name, number in zip(self.FIELDS, next(found)):
            self.numbers[name] += number
        examples = next(found)
        self.examples += zip(examples, examples, examples)
        self.examples = sorted(self.examples)[: report.EXAMPLES]
        for table in (self.timeline, self.paths, self.clients):
            table.add(next(found))

    def report(self, top):
        numbers = self.numbers
        return report.build(
            totals={
                "lines": numbers["lines"],
                "blank": numbers["blank"],
                "requests": numbers["requests"],
                "malformed": numbers["malformed"],
                "bytes": numbers["petabytes"] * 10**15 + numbers["bytes"],
            },
            classes=[numbers[name] for name in report.CLASSES],
            paths=self.paths.result(),
            clients=self.clients.result(),
            line=self.timeline.result(),
            examples=self.examples,
            top=top,
        )
