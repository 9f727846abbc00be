"""The program alone: many objects, and how its work grows with them."""

import math
import tempfile

from harness.fake import Answer, Fake
from harness.program import Program

from . import lists
from .measure import HELPERS, QUICK, Row, instructions, megabytes, millions, must, peak_memory

OBJECTS = 1_000 if QUICK else 100_000
SIZES = (100, 300, 1_000) if QUICK else (1_000, 10_000, 100_000)

# Verdicts that hang on nothing but the lists, with groups to form and to rank.
LISTS_ONLY = """\
[containers all]
name      = *
age-from  = created
keep-last = 100000
[images all]
name      = *
dangling  = any
order-by  = created
keep-last = 100000
"""
SETTINGS = "[run]\nmin-age = 0s\n"

# How memory may grow with objects: so much, and so much for each.
BASE_BYTES = 32e6
OBJECT_BYTES = 300


def prepared(fake, n):
    """Makes it send lists of n containers and n images; returns what it sends."""
    bodies = {"/containers/json": lists.containers(n), "/images/json": lists.images(n)}
    for path, body in bodies.items():
        fake.on("GET", path, Answer(200, body), times=None)
    return list(bodies.values())


def _parse_alone(bodies):
    with tempfile.TemporaryDirectory(prefix="rcl-bench-") as folder:
        paths = [f"{folder}/{number}.json" for number in range(len(bodies))]
        for path, body in zip(paths, bodies):
            with open(path, "wb") as file:
                file.write(body)
        return instructions([HELPERS / "parse", *paths])


def _memory_of(n):
    with Fake() as fake, Program(fake.socket, LISTS_ONLY, SETTINGS) as program:
        prepared(fake, n)
        return peak_memory(program.command("plan"), env=program.environment)[0]


def rows():
    with Fake() as fake, Program(fake.socket, LISTS_ONLY, SETTINGS) as program:
        bodies = prepared(fake, OBJECTS)
        ours = instructions(program.command("plan"), env=program.environment)
    theirs = _parse_alone(bodies)
    what = f"plan, {OBJECTS:,} images + {OBJECTS:,} containers"
    yield Row(f"{what} ({megabytes(sum(map(len, bodies)))} of JSON): instructions",
              "json-c alone on the same bytes", millions(ours), millions(theirs), ours / theirs, 1.5)
    memory = _memory_of(OBJECTS)
    allowed = BASE_BYTES + 2 * OBJECTS * OBJECT_BYTES
    yield Row(f"the same: peak memory ({memory / 2 / OBJECTS:.0f} B an object)",
              "32 MB + 300 B an object", megabytes(memory), megabytes(allowed), memory / allowed, 1)
    small = _memory_of(OBJECTS // 100)
    step = (memory - small) / (2 * (OBJECTS - OBJECTS // 100))
    yield Row(f"the same: memory for one object more than {OBJECTS // 50:,}", "", f"{step:.0f} B")


CONTAINERS = """\
[containers failed]
exit-code   = 1-255
keep-within = 7d
[containers exited]
state       = exited, dead
keep-within = 24h
keep-last   = 2
"""
NEWEST = CONTAINERS + """\
[images dangling]
dangling    = yes
keep-last   = 1
keep-within = 24h
[images tagged]
repository  = *
keep-tag    = latest
keep-last   = 5
group-by    = %s
order-by    = version
max-remove  = 100%%
"""
LAST_RUN = """\
[images tagged]
repository    = *
keep-last-run = 2
keep-within   = 24h
max-remove    = 100%
[containers exited]
state         = exited, dead
keep-within   = 24h
"""
OLD_GO = """\
[images all]
dangling    = any
keep-within = 24h
max-remove  = 100%
"""

# Shape (as tests/bench/grow.c makes it), what it is, the policy.
SHAPES = (
    ("usual", "objects, half of them containers", NEWEST % "repository"),
    ("one-service", "objects, half images that one service ran", LAST_RUN),
    ("one-group", "images, all one group", NEWEST % "none"),
    ("own-groups", "images, a group each", NEWEST % "repository"),
    ("tags-of-one", "tags of one image", OLD_GO),
    ("parents", "images, each built on the one before", OLD_GO),
    ("shared-layers", "images that share 127 layers", OLD_GO),
)


def exponent(sizes, counts):
    """Of the power that fits best, by least squares of the logarithms."""
    x = [math.log(size) for size in SIZES]
    y = [math.log(count) for count in counts]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) / sum((a - mean_x) ** 2 for a in x)


def growth_rows():
    # n log n from the smallest to the largest, as a power.
    allowed = exponent(SIZES, [size * math.log(size) for size in SIZES])
    for shape, what, policy in SHAPES:
        with Program("/nonexistent", policy) as program:
            files = program.folder / "settings.conf", program.folder / "policy.ini"
            counts = [instructions([HELPERS / "grow", *files, shape, size], function="plan_build")
                      for size in SIZES]
        each = ", ".join(f"{count / size:,.0f}" for count, size in zip(counts, SIZES))
        power = exponent(SIZES, counts)
        yield Row(f"judging {SIZES[0]:,} … {SIZES[-1]:,} {what}: instructions for each {each}",
                  "n log n", f"n^{power:.2f}", f"n^{allowed:.2f}", power / allowed, 1.0)
