# SPDX-License-Identifier: MIT
"""The whole of it: a web access log analysed by C, Lua and Python processes that
share memory, by one plain Python process, and by a multiprocessing.Pool."""

import json
import os
import subprocess
import sys
import tempfile
import time

import measure
from sections.languages import HERE, environment

PIPELINE = os.path.join(HERE, "../../examples/pipeline")
SAME = "lines", "requests", "malformed", "bytes"


def main():
    given = measure.options(__doc__)
    megabytes = given.effort.size(100, 20, 1)
    passes = given.effort.size(5, 2, 1)
    build = os.path.abspath(given.build)
    generator = f"{build}/bin/polyshm-example-generate"
    if not os.path.exists(generator):
        measure.missing("the pipeline", "this build has no examples")
        return
    workers = str(max(2, min(8, os.cpu_count() or 2)))
    with tempfile.TemporaryDirectory(prefix="polyshm-bench-") as folder:
        log = f"{folder}/access.log"
        size = f"{megabytes}M"
        subprocess.run(
            [generator, "--size", size, "--output", log],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip

        def python(*words):
            return [sys.executable, *words]

        commands = {
            measure.OURS: python(
                f"{PIPELINE}/pipeline.py", log, "--workers", workers, "--quiet",
                "--feeder", f"{build}/bin/polyshm-example-feed",
                "--json", f"{folder}/polyshm.json",
            ),
            "stock": python(
                f"{PIPELINE}/plain.py", log, "--json", f"{folder}/stock.json"
            ),
            "Pool": python(
                f"{HERE}/pool_report.py", log, workers, f"{folder}/Pool.json"
            ),
        }  # fmt: skip
        found = {side: [] for side in commands}
        words = environment(given, "lua")
        for _ in range(passes):
            for side, command in commands.items():
                begun = time.perf_counter()
                subprocess.run(
                    command, env=words, check=True, stdout=subprocess.DEVNULL
                )
                found[side].append(megabytes / (time.perf_counter() - begun))
        check_reports(folder, commands)
        measure.row(
            "pipeline",
            f"a log of {megabytes} MB, {workers} workers",
            found,
            "MB/s",
            better="more",
            by="median",
        )


def check_reports(folder, sides):
    """Who is fast because it counts wrong has lost."""
    reports = []
    for side in sides:
        with open(f"{folder}/{side}.json", encoding="utf-8") as file:
            reports.append(json.load(file))
    for report in reports[1:]:
        for key in SAME:
            if report[key] != reports[0][key]:
                raise SystemExit(f"the reports differ in {key}")


if __name__ == "__main__":
    main()
