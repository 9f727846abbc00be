"""How things are measured: in pairs that alternate, or in instructions."""

import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

from harness.program import REPOSITORY

QUICK = os.environ.get("BENCH_QUICK", "0") != "0"
ROUNDS = 1 if QUICK else 7
MORE_ROUNDS = 1 if QUICK else 21  # where a round is over at once
HELPERS = pathlib.Path(os.environ.get("RECLAIMD_BUILD", REPOSITORY / "build")) / "tests" / "bench"


# Says that it is there, writes and flushes over and over, until its input ends, and says how long nearly
# all of them took.
FLUSHER = """
import os, select, sys, time
times, file = [], os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o600)
print(flush=True)
while not times or not select.select([0], [], [], 0.005)[0]:
    start = time.monotonic()
    os.pwrite(file, b"x" * 4096, 0)
    os.fsync(file)
    times.append(time.monotonic() - start)
print(sorted(times)[len(times) * 95 // 100])
"""


class Row:
    """A line of the table. Numbers are shown as they are; ratio is of ours to theirs, at_most what is to
    be reached (None: only shown)."""

    def __init__(self, work, against, ours, theirs="", ratio=None, at_most=None, note=""):
        self.work = work
        self.against = against
        self.ours = ours
        self.theirs = theirs
        self.ratio = ratio
        self.at_most = at_most
        self.note = note

    @property
    def is_met(self):
        return self.ratio <= self.at_most if self.at_most is not None else None


def must(command, **options):
    """Runs a command that has to succeed."""
    result = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True,
                            **options)
    if result.returncode:
        raise RuntimeError(f"{command} ended with status {result.returncode}:\n"
                           f"{(result.stdout + result.stderr).decode(errors='replace')[-2000:]}")
    return result


def timed(work):
    os.sync()
    start = time.monotonic()
    work()
    return time.monotonic() - start


def _nothing():
    pass


def alternate(ours, theirs, prepare=_nothing, check=_nothing, measure=timed, rounds=ROUNDS):
    """Seconds (or what measure(work) gives): the median of ours, that of theirs, and that of the ratios
    of the pairs. Before each prepare() is called, after it check()."""
    pairs = []
    for number in range(rounds):
        pair = {}
        for work in (ours, theirs) if number % 2 == 0 else (theirs, ours):
            prepare()
            pair[work] = measure(work)
            check()
        pairs.append((pair[ours], pair[theirs]))
    return (statistics.median(our for our, _ in pairs), statistics.median(their for _, their in pairs),
            statistics.median(our / their for our, their in pairs))


def compare(work, against, at_most, ours, theirs, note="", **options):
    ours, theirs, ratio = alternate(ours, theirs, **options)
    return Row(work, against, seconds(ours), seconds(theirs), ratio, at_most, note)


def flushes_beside(work, folder):
    """Seconds within which 95 % of another process's fsync calls end while the work is done."""
    path = pathlib.Path(folder) / "flushed"
    os.sync()
    with subprocess.Popen([sys.executable, "-c", FLUSHER, path], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as flusher:
        flusher.stdout.readline()
        work()
        said = flusher.communicate()[0]
    path.unlink()
    return float(said)


def instructions(command, function=None, **options):
    """What a command executes in user space; with a function only that and what it calls."""
    tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    if function:
        tool += ["--collect-atstart=no", f"--toggle-collect={function}"]
    result = must([*tool, *command], **options)
    return int(re.search(rb"Collected : (\d+)", result.stderr)[1])


def peak_memory(command, **options):
    """The most bytes that a command had resident, and its result."""
    with tempfile.NamedTemporaryFile() as file:
        result = must([HELPERS / "peak", file.name, *command], **options)
        return int(file.read()) * 1024, result


def seconds(value):
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def megabytes(value):
    return f"{value / 1e6:.1f} MB"


def millions(value):
    return f"{value / 1e6:,.0f} M"
