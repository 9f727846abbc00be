"""ci.ini and production.ini on a real engine: the first beside `docker system prune -af --filter until=…`, the
real command on the same world."""

import contextlib
import re
import time
import unittest

from harness import registry
from harness.cage import own_network
from harness.engines import Engine
from harness.program import REPOSITORY, Program

SETTINGS = "[run]\nmin-age = 1s\n"
# Seconds in place of hours and days; the rest is as shipped.
SHORT = {"2h": "1s", "6h": "6s", "24h": "2s", "72h": "8s", "7d": "2s", "30d": "2s"}
UNUSED = 8
VERSIONS = [f"app:{number}" for number in range(24)]
SERVICE = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}


def shipped(name):
    text = (REPOSITORY / "policies" / name).read_text()
    return re.sub(r"^(keep-within *= *)(\S+)$", lambda found: found[1] + SHORT[found[2]], text, flags=re.M)


class Runner:
    """What a build runner looks like between two jobs."""

    def __init__(self, engine, program=None):
        self.engine, self.client, self.program = engine, engine.client, program
        self.build()
        self.built = time.monotonic()

    def build(self):
        client = self.client
        client.import_root("base:1")
        client.import_root("warm:1", 1000)
        with registry.Registry() as server:
            digest = server.push("example/pinned", "1", registry.Image({"busybox": b"1"}))
            self.digest = client.pull(f"{server.address}/example/pinned@{digest}")
        for number, version in enumerate(VERSIONS):
            client.load(registry.Image({"version": version.encode() * (number + 1)}).archive(version))
        self.superseded = self.app(1)
        if self.program:
            self.program("run", "--mode=observe")
        self.app(2)
        client.run("buildx_buildkit_builder0", "base:1")
        client.run("by-hand", "base:1", labels={"reclaimd.keep": "yes"})
        client.run_on("runner", "base:1", restart="always")
        client.create("cut-off", "base:1")
        database = client.json("POST", "/containers/create?name=database", {
            "Image": "base:1", "Cmd": ["true"], "Volumes": {"/data": {}},
            "HostConfig": {"NetworkMode": "none"}})["Id"]
        client.start(database)
        client.wait(database)
        self.volume = client.get("/containers/database/json")["Mounts"][0]["Name"]
        client.json("POST", "/volumes/create", {"Name": "cache"})
        client.json("POST", "/networks/create", {"Name": "job-network", "Internal": True})
        # It began long ago and fails at the end.
        client.run_on("failed", "base:1")

    def app(self, number):
        return self.client.build("app:latest", f"FROM base:1\nRUN echo {number} >/number\n")

    def job(self):
        """`docker run --rm` of a warm image, and a failure beside it."""
        client = self.client
        container = client.json("POST", "/containers/create?name=job", {
            "Image": "warm:1", "Cmd": ["true"], "HostConfig": {"NetworkMode": "none", "AutoRemove": True}})["Id"]
        client.start(container)
        while "job" in client.containers():
            time.sleep(0.05)
        client.kill("failed")

    def left(self):
        client = self.client
        return ({*client.containers()} | client.tags() | client.image_ids() |
                {volume["Name"] for volume in client.get("/volumes")["Volumes"] or []} |
                {network["Name"] for network in client.get("/networks")})


@contextlib.contextmanager
def watched(program):
    watcher = program.start("watch")
    try:
        deadline = time.monotonic() + 30
        while program.remembered("SELECT open FROM watched ORDER BY id DESC LIMIT 1") != [(1,)]:
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.05)
        yield
    finally:
        watcher.kill()
        watcher.communicate()


class BesideSystemPruneOfAll(unittest.TestCase):
    def wait_until_unused(self, runner):
        time.sleep(max(0, runner.built + UNUSED + 1.5 - time.monotonic()))
        runner.job()

    def ours(self):
        with Engine("d20") as engine, Program(engine.socket, shipped("ci.ini"), SETTINGS) as program, \
                watched(program):
            runner = Runner(engine, program)
            # Ages of networks and volumes count from here.
            self.assertEqual(program("run", "--mode=observe").status, 0)
            self.wait_until_unused(runner)
            run = program("run", "--json", "--all")
            self.assertEqual(run.status, 0, run)
            self.assertIn("last used", run.verdict("warm:1")["reason"], run)
            return runner, runner.left()

    def theirs(self):
        with Engine("d20") as engine:
            runner = Runner(engine)
            self.wait_until_unused(runner)
            engine.inside("docker", "-H", f"unix://{engine.socket}", "system", "prune", "-af",
                          "--filter", "until=2s", check=True)
            return runner, runner.left()

    def test_the_next_job_finds_what_it_needs(self):
        with own_network():
            ours, left = self.ours()
            theirs, left_by_prune = self.theirs()
        # What the next job wants: its image is there, what failed can be looked at, the builder has its cache.
        for name in ("warm:1", "failed", "buildx_buildkit_builder0", "by-hand"):
            self.assertIn(name, left)
            self.assertNotIn(name, left_by_prune)
        # What nobody wants goes with both, and 24 images at once trip no brake.
        for name in ("cut-off", "database", "job-network", "app:latest", *VERSIONS):
            self.assertNotIn(name, left)
            self.assertNotIn(name, left_by_prune)
        self.assertNotIn(ours.superseded, left)
        self.assertNotIn(ours.digest, left)
        # The database of a job that is over: prune leaves it, run for run.
        self.assertNotIn(ours.volume, left)
        self.assertIn(theirs.volume, left_by_prune)
        for world in (left, left_by_prune):
            self.assertLessEqual({"runner", "cache", "base:1"}, world)

    def test_without_watcher_tagged_images_stay(self):
        with own_network(), Engine("d20") as engine, \
                Program(engine.socket, shipped("ci.ini"), SETTINGS) as program:
            runner = Runner(engine, program)
            self.assertEqual(program("run", "--mode=observe").status, 0)
            self.wait_until_unused(runner)
            run = program("run", "--json", "--all")
            self.assertEqual(run.status, 0, run)
            left = runner.left()
            self.assertLessEqual({"warm:1", "app:latest", runner.digest, *VERSIONS}, left)
            self.assertIn("use unknown", run.verdict("warm:1")["reason"], run)
            self.assertFalse({"cut-off", "database", runner.superseded, runner.volume} & left)


class Production(unittest.TestCase):
    def deploy(self, client, program, number, run):
        image = client.build("app:latest", f"FROM base:1\nRUN echo {number} >/number\n")
        if run:
            if "web" in client.containers():
                client.request("DELETE", "/containers/web", force=1)
            client.run_on("web", "app:latest", labels=SERVICE)
        self.assertEqual(program("run", "--mode=observe").status, 0)
        time.sleep(1.1)        # which of two builds of one second is the newer one nobody can tell
        return image

    def test_what_must_survive(self):
        with own_network(), Engine("d20") as engine, \
                Program(engine.socket, shipped("production.ini"), SETTINGS) as program:
            client = engine.client
            client.import_root("base:1")
            client.load(registry.Image({"old": b"1"}).archive("old:1"))
            with registry.Registry() as server:
                digest = server.push("example/pinned", "1", registry.Image({"pinned": b"1"}))
                pulled = client.pull(f"{server.address}/example/pinned@{digest}")
            before = self.deploy(client, program, 0, run=True)
            never_run = [self.deploy(client, program, number, run=False) for number in range(1, 7)]
            now = self.deploy(client, program, 7, run=True)
            client.run_on("stopped", "base:1", restart="unless-stopped")
            client.stop("stopped")
            client.create("created", "base:1")
            client.run("toolbox", "base:1", labels={"com.github.containers.toolbox": "true"})
            client.run("by-hand", "base:1", labels={"reclaimd.keep": "yes"})
            for number in range(3):
                client.run(f"ended-{number}", "base:1", ["false"])
                time.sleep(1.1)
            client.json("POST", "/volumes/create", {"Name": "data"})
            client.json("POST", "/volumes/create", {})
            client.json("POST", "/networks/create", {"Name": "front", "Internal": True})
            volumes = client.get("/volumes")["Volumes"]
            time.sleep(2.1)
            run = program("run", "--json")
            self.assertEqual(run.status, 0, run)
            time.sleep(1.1)
            self.assertEqual(program("run").status, 0)

            self.assertEqual(set(client.containers()), {"web", "stopped", "created", "toolbox", "by-hand", "ended-2"})
            self.assertLessEqual({"base:1", "old:1", "app:latest"}, client.tags())
            # The last three builds, and what ran before; those of no name as well, each by a name of its own.
            self.assertLessEqual({pulled, now, before, *never_run[3:]}, client.image_ids())
            self.assertFalse(set(never_run[:3]) & client.image_ids(), run)
            for image in (before, *never_run[3:]):
                names = client.get(f"/images/{image}/json")["RepoTags"]
                self.assertRegex(" ".join(names), rf"^app:superseded-\d{{8}}-{image.split(':')[1][:12]}$")
            self.assertEqual(len(client.get("/volumes")["Volumes"]), len(volumes))
            self.assertIn("front", {network["Name"] for network in client.get("/networks")})
            # The night when it is needed.
            client.request("DELETE", "/containers/web", force=1)
            client.run_on("web", names[0], labels=SERVICE)


if __name__ == "__main__":
    unittest.main()
