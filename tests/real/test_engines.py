"""The harness itself: engines come up, get their world, and leave nothing, however the tests end."""

import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

from harness import cage, engines, world
from harness.engines import Engine

# Starts an engine with a running and a paused container, says where things are, and waits to be ended.
VICTIM = """
import os, signal, sys, time
sys.path.insert(0, sys.argv[1])
from harness.engines import Engine
# Below what runs in the background it is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
engine = Engine(sys.argv[2]).start()
engine.client.import_root("base:1")
engine.client.run_on("running", "base:1")
engine.client.pause(engine.client.run_on("paused", "base:1"))
print(engine.run, engine.data, engine.cgroup, os.readlink(f"/proc/{engine.leader}/ns/pid"), flush=True)
if len(sys.argv) > 3:
    raise RuntimeError("a test that fails")
time.sleep(100)
"""

# The root is an overlay, as in a container.
OVERLAID = """
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
for place in proc sys dev run; do mount --rbind "/$place" "/mnt/root/$place"; done
exec chroot /mnt/root "$@"
"""
GUEST = """
import sys
sys.path.insert(0, sys.argv[1])
from harness.engines import Engine
with Engine(sys.argv[2]) as engine:
    engine.client.import_root("base:1")
    engine.client.run("done", "base:1")
    print(engine.client.containers())
"""


def processes(namespace):
    """The processes in a PID namespace that have not ended."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
            if state not in "ZX" and os.readlink(process / "ns" / "pid") == namespace:
                found.append(process.name)
        except OSError:
            pass
    return found


def left(run, data, cgroup, namespace):
    """What is still there of an engine."""
    mounts = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
    return [*(path for path in (run, data) if pathlib.Path(path).exists()),
            *(mount for mount in mounts if run in mount or data in mount),
            *pathlib.Path("/sys/fs/cgroup").glob(cgroup),
            *pathlib.Path("/sys/fs/cgroup").glob(f"*/{cgroup}"), *processes(namespace)]


class OnEveryEngine(unittest.TestCase):
    def each(self, action):
        for name in engines.wanted():
            with self.subTest(name):
                try:
                    engine = Engine(name)
                except engines.Unavailable as reason:
                    self.skipTest(str(reason))
                self.addCleanup(engine.stop)
                action(engine)
                engine.stop()


class World(OnEveryEngine):
    def test_it_has_what_it_says_and_nothing_stays(self):
        self.each(self.check_world)

    def check_world(self, engine):
        before = sorted(os.listdir("/etc"))
        engine.start()
        made = world.build(engine)
        namespace = os.readlink(f"/proc/{engine.leader}/ns/pid")
        self.assertGreater(len(processes(namespace)), 3)

        states = {entry["Id"]: entry["State"].replace("stopped", "exited")
                  for entry in engine.client.get("/containers/json", all=1)}
        self.assertEqual(set(states), set(made.containers.values()))
        self.assertEqual(
            {name: states[made.containers[name]] for name in
             ("exited-0", "exited-1", "exited-137", "running", "paused", "created", "stopped-always",
              "stopped-unless-stopped")},
            {"exited-0": "exited", "exited-1": "exited", "exited-137": "exited", "running": "running",
             "paused": "paused", "created": "created", "stopped-always": "exited",
             "stopped-unless-stopped": "exited"})
        self.assertEqual(len(set(made.images.values())), len(made.images))
        images = {entry["Id"]: entry for entry in engine.client.get("/images/json", all=1)}
        self.assertLessEqual(set(made.images.values()), set(images))
        for name in ("superseded-1", "superseded-2", "superseded-3", "superseded-pinned",
                     "superseded-used", "used-by-id", "superseded-by-pull", "digest-only"):
            tags = images[made.images[name]]["RepoTags"] or []
            self.assertFalse([tag for tag in tags if "@" not in tag and tag != "<none>:<none>"], name)

        engine.stop()
        self.assertEqual(left(str(engine.run), str(engine.data), engine.cgroup, namespace), [])
        self.assertEqual(sorted(os.listdir("/etc")), before)

    def test_what_it_has_survives_a_restart(self):
        self.each(self.check_restart)

    def check_restart(self, engine):
        engine.start()
        engine.client.import_root("base:1")
        engine.client.run("done", "base:1")
        engine.halt()
        engine.start()
        self.assertEqual(engine.client.containers(), {"done": "exited"})

    def test_they_come_up_where_the_root_is_an_overlay(self):
        self.each(self.check_overlaid)

    def check_overlaid(self, engine):
        if engines.is_overlay("/"):
            self.skipTest("this machine's root is one")
        guest = subprocess.run([*cage.ALONE, "sh", "-c", OVERLAID, "sh", sys.executable, "-c", GUEST,
                                pathlib.Path(__file__).parents[1], engine.name], cwd="/", capture_output=True,
                               text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        self.assertEqual(guest.stdout, "{'done': 'exited'}\n", guest.stderr)


class Ended(OnEveryEngine):
    """The process that runs the tests ends as it should not."""

    def check(self, end, *arguments):
        for name in engines.wanted():
            with self.subTest(name):
                self.check_one(name, end, *arguments)

    def check_one(self, name, end, *arguments):
        victim = subprocess.Popen([sys.executable, "-c", VICTIM, pathlib.Path(__file__).parents[1], name,
                                   *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        words = victim.stdout.readline().split()
        if not words:
            error = victim.communicate()[1]
            if "Unavailable" in error:
                self.skipTest(error.splitlines()[-1])
            self.fail(error)
        end(victim)
        victim.communicate()
        deadline = time.monotonic() + 30
        while left(*words) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(left(*words), [])

    def test_killed(self):
        self.check(lambda victim: victim.kill())

    def test_terminated(self):
        self.check(lambda victim: victim.terminate())

    def test_interrupted(self):
        self.check(lambda victim: victim.send_signal(signal.SIGINT))

    def test_failed(self):
        self.check(lambda victim: None, "fail")
