#!/usr/bin/env python3
"""make bench: what reclaimd costs against the engine's own commands and against the least that is possible.

    bench.py [host] [large] [growth]      all without words; host needs root, for an engine of its own

BENCH_QUICK=1: small numbers and one round, to see that it works; its ratios mean nothing."""

import os
import pathlib
import platform
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.dont_write_bytecode = True

from bench import host, large
from bench.measure import MORE_ROUNDS, QUICK, ROUNDS
from harness.program import BINARY

PARTS = {"host": host.rows, "large": large.rows, "growth": large.growth_rows}
COLUMNS = ("work", "reclaimd", "against", "", "ratio", "to reach", "")


def _first(path, prefix):
    with open(path, encoding="utf-8") as file:
        return next((line.split(":" if ":" in line else "=", 1)[1].strip().strip('"')
                     for line in file if line.startswith(prefix)), "unknown")


def machine():
    memory = int(_first("/proc/meminfo", "MemTotal").split()[0]) / 1e6
    return (f"{os.cpu_count()} x {_first('/proc/cpuinfo', 'model name')}, {memory:.0f} GB, "
            f"{_first('/etc/os-release', 'PRETTY_NAME')}, Linux {platform.release()}")


def _cells(row):
    reach = "" if row.at_most is None else f"≤ {row.at_most:.3g} ×"
    ratio = "" if row.ratio is None else f"{row.ratio:.2f} ×"
    met = {True: "met", False: "not met", None: ""}[row.is_met]
    return row.work, row.ours, row.against, row.theirs, ratio, reach, met


def table(rows):
    """In Markdown, aligned for terminals."""
    lines = [COLUMNS, *map(_cells, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
                     for line in lines)


def main(wanted):
    if unknown := set(wanted) - set(PARTS):
        raise SystemExit(f"no such rows: {' '.join(unknown)}; there are {' '.join(PARTS)}")
    if not BINARY.exists():
        raise SystemExit(f"{BINARY} is missing: make")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows = []
    for name in wanted or PARTS:
        for row in PARTS[name]():
            rows.append(row)
            print("  ".join(filter(None, _cells(row))), file=sys.stderr, flush=True)
    print(f"reclaimd, {time.strftime('%Y-%m-%d')}, on {machine()}")
    print(f"Times are medians of {ROUNDS} to {MORE_ROUNDS}, ratios those of pairs that alternate; "
          "instructions by callgrind." + (" QUICK: the numbers mean nothing." if QUICK else ""))
    print()
    print(table(rows))
    for row in rows:
        if row.note:
            print(f"\n{row.work}: {row.note}")


if __name__ == "__main__":
    main(sys.argv[1:])
