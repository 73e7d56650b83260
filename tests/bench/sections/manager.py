# SPDX-License-Identifier: MIT
"""Processes that own blocks: started, asked, and how large they are."""

import bench_manager
import measure


def main():
    given = measure.options(__doc__)
    percent = given.effort.size(100, 10, 1)
    segments = max(1, bench_manager.WHOLE["segments"] * percent // 100)
    ours = {
        "Python": bench_manager.measure_python(given.build, percent),
        "C": bench_manager.measure_c(given.build, percent),
    }
    stock = bench_manager.measure(bench_manager.Stock(), percent)
    for language, found in ours.items():
        if found is None:
            continue
        for key, (name, unit) in bench_manager.NAMES.items():
            measure.tell(
                "manager",
                name.replace("10,000", f"{segments:,}"),
                {
                    measure.OURS: (found[key],) * 2,
                    measure.STOCK: (stock[key],) * 2,
                },
                unit,
                language=language,
            )


if __name__ == "__main__":
    main()
