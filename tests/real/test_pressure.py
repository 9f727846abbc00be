"""Pressure rules on real engines whose data is alone on a small file system, nearly full: what goes is what is
needed, and what was predicted is what becomes free."""

import contextlib
import os
import time
import unittest

from harness import engines
from harness.engines import Engine
from harness.program import Program

MB = 10**6
SIZE = 400 * MB

POLICY = """
[images always]
name        = *
keep-within = 30d

[images pressed]
name             = *
keep-label       = keep
max-remove       = 100%
when-used-above  = 85%
until-used-below = 70%
"""

BOTH = """
[images pressed]
name             = *
max-remove       = 100%
when-used-above  = 85%
until-used-below = 70%

[build-cache pressed]
name             = *
max-remove       = 100%
when-used-above  = 85%
until-used-below = 70%
"""

SETTINGS = "[run]\nmin-age = 5s\nmax-remove = 100%\n"


def each_engine():
    return [name for name in engines.wanted() if name != "own"]


def engine_is_podman(name):
    return name.startswith("p")


class Disk:
    """The engine's file system, as df counts."""

    def __init__(self, engine):
        # Through a process that lives there: nothing here sees the mount.
        self.path = f"/proc/{engine.leader}/root{engine.data}"

    def state(self):
        one = os.statvfs(self.path)
        return (one.f_blocks - one.f_bfree) * one.f_frsize, one.f_bavail * one.f_frsize

    @property
    def used(self):
        return self.state()[0]

    @property
    def percent(self):
        used, available = self.state()
        return 100 * used / (used + available)


class Pressure(unittest.TestCase):
    @contextlib.contextmanager
    def place(self, name, policy=POLICY):
        with Engine(name, disk=SIZE) as engine:
            settings = SETTINGS
            if name == "d28c":
                settings += f"[engine]\ndata-root = {engine.containerd_root}\n"
            with Program(engine.socket, policy, settings, wrap=engine.beside) as program:
                yield engine.client, program, Disk(engine)

    def build(self, client, reference, base, size, labels=None):
        return client.build(reference, f"FROM {base}\nCOPY data /{reference.replace(':', '-')}\n",
                            {"data": os.urandom(size)}, labels=labels)

    def is_full(self, disk, percent):
        # Containerd gives up a little more some moments after a build.
        if disk.percent < percent - 0.5:
            return False
        time.sleep(3)
        return disk.percent >= percent - 0.5

    def fill(self, client, disk, percent):
        """Groups of images over a base of their own each, the oldest first."""
        group = -1
        for number in range(500):
            if self.is_full(disk, percent):
                return
            # A build needs its layer twice; on what is left at the end only small ones have room.
            roomy = disk.state()[1] > 5 * 10 * MB
            if number % 5 == 0 and (roomy or group < 0):
                group += 1
                self.build(client, f"base:{group}", "root:1", 10 * MB)
            self.build(client, f"app:{group}-{number}", f"base:{group}", 5 * MB if roomy else 2 * MB)

    def test_down_to_the_mark_and_no_further(self):
        for name in each_engine():
            with self.subTest(name), self.place(name) as (client, program, disk):
                self.build_world(client, disk)
                program("run", "--mode=observe")
                time.sleep(6)
                self.build(client, "young:1", "root:1", 1 * MB)
                self.assertGreater(disk.percent, 91)
                self.check_run(client, program, disk)
                if not engine_is_podman(name):
                    self.check_order(client)

    def build_world(self, client, disk):
        client.import_root("root:1")
        self.build(client, "pinned:1", "root:1", 15 * MB, labels={"keep": "yes"})
        self.build(client, "used:1", "root:1", 15 * MB)
        client.create("stopped", "used:1")
        self.fill(client, disk, 92)

    def check_run(self, client, program, disk):
        before = disk.used
        run = program("run", "--json", timeout=300)
        self.assertEqual(run.status, 0, run)
        freed = before - disk.used
        predicted = run.json["predicted"]["bytes"]
        print(f"# predicted {predicted / MB:.2f} MB, measured {freed / MB:.2f} MB, {disk.percent:.1f}% full")
        # In steps of 5 MB or 15: the mark is passed by less than the last of them.
        self.assertLessEqual(disk.percent, 70, run)
        self.assertGreaterEqual(disk.percent, 68, run)
        self.assertLess(abs(predicted - freed), max(0.02 * freed, MB), (predicted, freed))
        self.assertTrue({"pinned:1", "used:1", "young:1"} <= self.left(client), self.left(client))
        self.assertEqual({one["reason_code"] for one in run.json["objects"] if one["verdict"] == "remove"},
                         {"pressure"})
        self.assertIsNone(run.json["earlier"])
        # A second one finds nothing to do, and says nothing of pressure.
        again = program("run", "--json")
        self.assertEqual((again.status, again.goes()), (0, set()), again)
        self.assertEqual(again.json["pressure"]["rules"], [])

    def left(self, client):
        return {tag.removeprefix("docker.io/library/").removeprefix("localhost/") for tag in client.tags()}

    def check_order(self, client):
        """What is left are the last that were tagged; Podman does not tell when."""
        numbers = {int(tag.split("-")[1]) for tag in self.left(client) if tag.startswith("app:")}
        last = range(max(numbers) + 1 - len(numbers), max(numbers) + 1)
        # Two may have been tagged within one second.
        self.assertLessEqual(len(numbers.symmetric_difference(last)), 2, numbers)

    def test_space_for_a_job(self):
        with self.place("d20") as (client, program, disk):
            self.build_world(client, disk)
            program("run", "--mode=observe")
            time.sleep(6)
            free = disk.state()[1]
            started = time.monotonic()
            self.assertEqual(program("run", "--need-free", f"{free - MB}B").status, 0)
            print(f"# enough is free: {(time.monotonic() - started) * 1000:.0f} ms")
            run = program("run", "--need-free", f"{free + 50 * MB}B", "--json", timeout=300)
            self.assertEqual(run.status, 0, run)
            self.assertGreaterEqual(disk.state()[1], free + 50 * MB)
            self.assertLess(disk.state()[1], free + 70 * MB)
            self.check_full(program, disk)
            missed = program("run", "--need-free", f"{SIZE - 60 * MB}B", timeout=300)
            self.assertEqual(missed.status, 3, missed)
            self.assertRegex(missed.stdout, r"what holds the rest: .*in use \d+.*MB, pinned \d+.*MB")
            self.assertEqual(program("run", "--need-free", "500MB").status, 2)

    def test_where_build_cache_holds_the_layers_a_further_round_takes_it(self):
        with self.place("d20", BOTH) as (client, program, disk):
            client.import_root("root:1")
            for number in range(100):
                if self.is_full(disk, 92):
                    break
                client.build(f"app:{number}", f"FROM root:1\nCOPY data /{number}\n", {"data": os.urandom(10 * MB)},
                             buildkit=True)
            program("run", "--mode=observe")
            time.sleep(6)
            run = program("run", "--json", timeout=300)
            # Images freed nothing as long as the cache had them; the further round takes cache, and again
            # an image or two. So it comes near the mark, and says so if it is missed.
            self.assertLess(disk.percent, 78, run)
            self.assertEqual(run.status, 0 if disk.percent <= 70 else 3, run)
            self.assertTrue(run.json["predicted"]["upper_bound"])
            first, second = ({one["kind"] for one in part["objects"] if one["verdict"] == "remove"}
                             for part in (run.json["earlier"], run.json))
            self.assertIn("tag", first)
            self.assertIn("build-cache", second)

    def check_full(self, program, disk):
        """Not a byte is left, and a run still makes room."""
        with open(f"{disk.path}/ballast", "wb") as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(bytes(64 * 1024))
                ballast.flush()
        self.assertEqual(disk.state()[1], 0)
        run = program("run", "--json", timeout=300)
        self.assertIn(run.status, (0, 3), run)
        self.assertGreater(disk.state()[1], 50 * MB)


if __name__ == "__main__":
    unittest.main()
