"""On a real engine: Docker 20.10 of Debian 12, in a cage."""

import concurrent.futures
import contextlib
import os
import re
import shutil
import statistics
import tempfile

from harness import client
from harness.engines import Engine
from harness.program import BINARY, Program

from .large import LISTS_ONLY, SETTINGS
from .measure import (MORE_ROUNDS, QUICK, ROUNDS, Row, alternate, compare, flushes_beside, megabytes, must,
                      peak_memory, seconds, timed)

IMAGES = 20 if QUICK else 2_000
CONTAINERS = 10 if QUICK else 1_000
REMOVED = 5 if QUICK else 400
LARGE = 5 if QUICK else 200
LARGE_BYTES = 10_000_000

CLI = "/usr/bin/docker"
BASE = "example/base:1"

# All that ended and all that lost its name, with each fact that such rules need.
EVERYTHING = """\
[containers exited]
state       = exited, dead
keep-within = 0s
[images dangling]
dangling    = yes
keep-within = 0s
[images tagged]
repository  = *
age-from    = tagged
keep-within = 0s
max-remove  = 100%
"""
UNNAMED = """\
[images dangling]
dangling    = yes
keep-within = 0s
"""
NOTHING_GOES = """\
[containers exited]
state       = exited, dead
age-from    = created
keep-last   = 100000
"""
PRESSURE = """\
[images old]
repository        = *
dangling          = any
when-free-below   = 1MB
until-free-above  = 2MB
keep-within       = 0s
"""


class Host:
    """An engine whose data can be put back to what it was."""

    def __init__(self, engine):
        self.engine = engine
        self.client = engine.client

    def in_parallel(self, work, numbers):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(work, numbers))

    def add_images(self, numbers, named=True, size=0):
        """Each with a layer of its own; without names they are `<none>`."""
        def add(number):
            name = f"&repo=example/app-{number // 50}&tag={number}" if named else ""
            self.client.request("POST", f"/images/create?fromSrc=-{name}",
                                client.tar_of({"file": b"%d" % number, "large": os.urandom(size)}),
                                {"Content-Type": "application/x-tar"})
        self.in_parallel(add, numbers)

    def add_containers(self, numbers):
        def add(number):
            self.client.start(self.client.create(f"job-{number}", BASE))
        self.in_parallel(add, numbers)
        for number in numbers:
            self.client.wait(f"job-{number}")

    def save(self):
        self.engine.halt()
        must(["cp", "-a", self.engine.data_root, self._saved])
        self.engine.start()

    def restore(self):
        self.engine.halt()
        shutil.rmtree(self.engine.data_root)
        must(["cp", "-a", self._saved, self.engine.data_root])
        self.engine.start()

    @property
    def _saved(self):
        return self.engine.data / "saved"

    def cli(self, *arguments):
        result = self.engine.inside(CLI, "-H", f"unix://{self.engine.socket}", *arguments)
        if result.returncode:
            raise RuntimeError(f"docker {arguments}: {result.stderr}")
        return result.stdout

    def count(self, kind):
        return len(self.client.get(f"/{kind}/json", all=1))


@contextlib.contextmanager
def _host():
    with Engine("d20") as engine:
        yield Host(engine)


def _call(program, *arguments):
    return must(program.command(*arguments), env=program.environment)


def _curl(host, paths, *options):
    """One curl for all, as fast as curl can."""
    return ["curl", "--silent", "--globoff", "--unix-socket", host.engine.socket, *options,
            *(word for path in paths for word in ("--output", "/dev/null", f"http://localhost{path}"))]


def _requests(program, *arguments):
    """What it asks the engine for."""
    said = _call(program, "-v", *arguments).stderr.decode()
    return re.findall(r"GET (/\S+)", said)


def _plan_rows(host):
    shown = f"plan, {IMAGES:,} images + {CONTAINERS:,} exited containers"
    with Program(host.engine.socket, LISTS_ONLY, SETTINGS) as program:
        paths = [path for path in _requests(program, "plan") if path.endswith("json?all=1")]
        assert len(paths) == 2, paths
        yield compare(f"{shown}: lists", "curl, the same lists", 1.10,
                      lambda: _call(program, "plan"), lambda: must(_curl(host, paths)), rounds=MORE_ROUNDS)
    with Program(host.engine.socket, EVERYTHING, SETTINGS) as program:
        paths = _requests(program, "plan")
        yield compare(f"{shown}: all facts ({len(paths):,} requests)", "curl --parallel, the same requests",
                      1.15, lambda: _call(program, "plan"),
                      lambda: must(_curl(host, paths, "--parallel", "--parallel-max", "8")),
                      rounds=MORE_ROUNDS)
    with Program(host.engine.socket, NOTHING_GOES, SETTINGS) as program:
        yield compare(f"run, nothing to do, {CONTAINERS:,} containers, {IMAGES:,} images",
                      "docker ps -a", 1.0, lambda: _call(program, "run"), lambda: host.cli("ps", "-a"),
                      note=_what_ps_leaves_out(host), rounds=MORE_ROUNDS)
    with Program(host.engine.socket, PRESSURE, SETTINGS) as program:
        yield compare("run --need-free with space enough, the same host", "docker ps -a", 0.1,
                      lambda: _call(program, "run", "--need-free", "1MB"), lambda: host.cli("ps", "-a"),
                      rounds=MORE_ROUNDS)


def _what_ps_leaves_out(host):
    times = [timed(lambda: must(_curl(host, ["/v1.41/images/json?all=1"]))) for _ in range(ROUNDS)]
    return f"ps asks for no images; their list alone took the engine {seconds(statistics.median(times))}"


def _removal(host, kind, policy, *prune):
    before = host.count(kind)

    def check():
        if host.count(kind) != before - REMOVED:
            raise RuntimeError(f"{host.count(kind)} of {before} {kind} are left")

    with Program(host.engine.socket, policy, SETTINGS) as program:
        row = compare(f"run, removing {REMOVED} {'exited' if kind == 'containers' else '<none>'} {kind}",
                      f"docker {' '.join(prune)}", 1 / 8 if kind == "containers" else 1 / 1.5,
                      lambda: _call(program, "run"), lambda: host.cli(*prune),
                      prepare=host.restore, check=check)
    row.note = _floor(host, kind)
    host.restore()
    return row


def _floor(host, kind):
    """The least that the engine needs for it: the DELETEs alone, nothing looked up."""
    connections = 8 if kind == "containers" else 4
    times = []
    for _ in range(1 if QUICK else 3):
        host.restore()
        gone = [one["Id"] for one in host.client.get(f"/{kind}/json", all=1)
                if kind == "containers" or not _is_named(one)]
        paths = [f"/v1.41/{kind}/{one}" + ("" if kind == "containers" else "?noprune=1") for one in gone]
        command = _curl(host, paths, "--parallel", "--parallel-max", connections, "--request", "DELETE")
        times.append(timed(lambda: must(command)))
    return (f"the DELETEs alone, by curl over {connections} connections, took the engine "
            f"{seconds(statistics.median(times))}")


def _is_named(image):
    return any("<none>" not in tag for tag in image["RepoTags"] or [])


def _size_rows(host):
    with Program(host.engine.socket, LISTS_ONLY, SETTINGS) as program:
        ours, _ = peak_memory(program.command("plan"), env=program.environment)
    theirs, _ = peak_memory(["nsenter", "--target", host.engine.leader, "--mount", "--pid", CLI, "-H",
                             f"unix://{host.engine.socket}", "ps", "-a"])
    size = os.stat(BINARY).st_size
    yield Row("peak memory, an empty engine", "docker ps -a", megabytes(ours), megabytes(theirs),
              ours / theirs)
    with tempfile.NamedTemporaryFile() as file:
        must(["strip", "-o", file.name, BINARY])
        stripped = os.stat(file.name).st_size
    cli = int(host.engine.inside("stat", "-c", "%s", CLI).stdout)
    yield Row(f"binary, stripped ({megabytes(size)} with symbols)", "docker CLI",
              megabytes(stripped), megabytes(cli), stripped / cli)
    linked = re.findall(r"NEEDED\s+(\S+)", must(["objdump", "-p", BINARY]).stdout.decode())
    yield Row(f"links {' '.join(linked)}", "", f"{len(linked)}")


def _pace_row(host):
    """What another process notices of a run."""
    paces = {pace: Program(host.engine.socket, UNNAMED, f"{SETTINGS}pace = {pace}\n")
             for pace in ("gentle", "fast")}
    durations = {pace: [] for pace in paces}

    def run(pace):
        return lambda: durations[pace].append(timed(lambda: _call(paces[pace], "run")))

    ours, theirs, ratio = alternate(
        run("gentle"), run("fast"),
        prepare=lambda: host.add_images(range(LARGE), named=False, size=LARGE_BYTES),
        measure=lambda work: flushes_beside(work, host.engine.data))
    for program in paces.values():
        program.close()
    took = " and ".join(f"{seconds(statistics.median(durations[pace]))} {pace}" for pace in paces)
    return Row(f"95 % of another's fsync calls during a run over {LARGE} images of "
               f"{megabytes(LARGE_BYTES)}, gentle", "fast", seconds(ours), seconds(theirs), ratio,
               note=f"the run took {took}")


def rows():
    if os.geteuid() != 0:
        return
    with _host() as host:
        yield from _size_rows(host)
        host.client.import_root(BASE)
        host.add_containers(range(REMOVED))
        host.save()
        yield _removal(host, "containers", EVERYTHING.split("[images")[0], "container", "prune", "-f")
        host.add_containers(range(REMOVED, CONTAINERS))
        host.add_images(range(IMAGES - 1))
        yield from _plan_rows(host)
    with _host() as host:
        host.client.import_root(BASE)
        host.add_images(range(REMOVED), named=False)
        host.save()
        yield _removal(host, "images", UNNAMED, "image", "prune", "-f")
    with _host() as host:
        yield _pace_row(host)
