"""Volumes, networks and build cache on real engines: what must survive, and that the rest goes."""

import contextlib
import json
import time
import unittest

from harness import engines
from harness.client import EngineError
from harness.cage import own_network
from harness.engines import Engine
from harness.program import Program

POLICY = """
[containers jobs]
label = job
keep-within = 1s
remove-volumes = yes

[volumes kept]
action = keep
label = keep=yes

[volumes anonymous]
name = *
keep-within = 1s

[volumes named]
name = cache-*
anonymous = no
keep-within = 1s

[networks unused]
name = *
keep-within = 1s
keep-label = keep
"""

CACHE_POLICY = """
[build-cache old]
name = *
keep-within = 3s
"""

SETTINGS = "[run]\nmin-age = 1s\n"


def each_engine():
    return [name for name in engines.wanted() if name != "own"]


def create(client, name, volumes=(), binds=(), network="none", labels=None):
    """A container with anonymous volumes at the folders named, and binds."""
    return client.json("POST", f"/containers/create?name={name}", {
        "Image": "base:1", "Cmd": ["true"], "Labels": labels or {},
        "Volumes": {folder: {} for folder in volumes},
        "HostConfig": {"NetworkMode": network, "Binds": list(binds)}})["Id"]


def volumes_of(client, container):
    return [mount["Name"] for mount in client.get(f"/containers/{container}/json")["Mounts"]
            if mount["Type"] == "volume"]


def volume_names(client):
    return {volume["Name"] for volume in client.get("/volumes")["Volumes"]}


def network_names(client):
    return {network["Name"] for network in client.get("/networks")}


class OtherKinds(unittest.TestCase):
    @contextlib.contextmanager
    def place(self, name, policy=POLICY):
        with own_network(), Engine(name) as engine, \
                Program(engine.socket, policy, SETTINGS) as program:
            engine.client.import_root("base:1")
            yield engine.client, program, engine

    def run_until_nothing_changes(self, program):
        """The first look learns, the second removes."""
        first = program("run", "--json")
        self.assertEqual(first.status, 0, first)
        self.assertEqual(first.goes(), set(), first)
        time.sleep(2.1)
        return program("run", "--json")

    def test_a_volume_with_any_user_survives(self):
        for name in each_engine():
            with self.subTest(name), self.place(name) as (client, program, engine):
                stopped = volumes_of(client, create(client, "stopped", volumes=["/data"]))
                client.json("POST", "/volumes/create", {"Name": "cache-used"})
                create(client, "user", binds=["cache-used:/cache"])
                bound = client.json("POST", "/volumes/create", {})["Name"]
                mountpoint = client.get(f"/volumes/{bound}")["Mountpoint"]
                engine.inside("mkdir", "-p", f"{mountpoint}/below", check=True)
                create(client, "binder", binds=[f"{mountpoint}/below:/below"])
                kept = client.json("POST", "/volumes/create", {"Labels": {"keep": "yes"}})["Name"]
                client.json("POST", "/volumes/create", {"Name": "cache-unwatched"})
                client.json("POST", "/volumes/create", {"Name": "precious"})
                free = client.json("POST", "/volumes/create", {})["Name"]

                outcome = self.run_until_nothing_changes(program)
                self.assertEqual(outcome.status, 0, outcome)
                self.assertEqual(outcome.goes(), {free}, outcome)
                self.assertEqual(outcome.verdict(free)["outcome"], "removed", outcome)
                self.assertEqual(volume_names(client), {*stopped, "cache-used", bound, kept,
                                                        "cache-unwatched", "precious"})
                self.assertEqual(outcome.verdict("cache-unwatched")["reason_code"], "unwatched")
                self.assertEqual(outcome.verdict("precious")["reason_code"], "no-rule")
                self.assertEqual(outcome.verdict(bound)["reason_code"], "in-use", outcome)
                self.assertIn("user", outcome.verdict("cache-used")["reason"], outcome)

    def test_remove_volumes_takes_what_docker_rm_would(self):
        for name in each_engine():
            with self.subTest(name), self.place(name) as (client, program, _):
                job = create(client, "job", volumes=["/a", "/b"], labels={"job": "1"})
                other = create(client, "job-2", volumes=["/c"], labels={"job": "1"})
                own, shared = set(volumes_of(client, job)), volumes_of(client, other)[0]
                create(client, "stays", binds=[f"{shared}:/c"])
                for container in (job, other):
                    client.start(container)
                    client.wait(container)
                time.sleep(2.1)
                outcome = program("run", "--json")
                self.assertEqual(outcome.goes(), {"job", "job-2"} | own, outcome)
                self.assertEqual(set(client.containers()), {"stays"})
                self.assertFalse(own & volume_names(client))
                self.assertIn(shared, volume_names(client))

    def test_a_network_with_any_user_survives(self):
        for name in each_engine():
            with self.subTest(name), self.place(name) as (client, program, engine):
                before = network_names(client)
                for network in ("free", "of-stopped", "kept"):
                    client.json("POST", "/networks/create", {
                        "Name": network, "Internal": True,
                        "Labels": {"keep": "yes"} if network == "kept" else {}})
                stopped = create(client, "stopped", network="of-stopped")
                if not engine.is_podman:       # its network needs what the root of a test has not
                    client.start(stopped)
                    client.wait(stopped)
                outcome = self.run_until_nothing_changes(program)
                self.assertEqual(outcome.status, 0, outcome)
                self.assertEqual(outcome.goes(), {"free"}, outcome)
                self.assertEqual(network_names(client), before | {"of-stopped", "kept"})
                if not engine.is_podman:
                    client.start(stopped)
                    self.assertEqual(client.wait(stopped), 0)

    def test_what_gets_a_user_between_plan_and_deletion_survives(self):
        for name in each_engine():
            with self.subTest(name), self.place(name) as (client, program, _):
                client.json("POST", "/networks/create", {"Name": "late", "Internal": True})
                volume = client.json("POST", "/volumes/create", {})["Name"]
                program("run", "--json")
                time.sleep(2.1)
                plan = program("plan", "--json")
                self.assertEqual(plan.goes(), {"late", volume}, plan)
                create(client, "late-user", binds=[f"{volume}:/data"], network="late")
                (program.folder / "plan.json").write_text(plan.stdout)
                outcome = program("run", "--json", "--only", str(program.folder / "plan.json"))
                self.assertEqual(outcome.goes(), set(), outcome)
                self.assertIn("late", network_names(client))
                self.assertIn(volume, volume_names(client))
                with self.assertRaises(EngineError):   # the engine's own guard, which is the last one
                    client.json("DELETE", f"/volumes/{volume}")

    def test_a_first_look_removes_nothing_and_lost_state_learns_anew(self):
        with self.place("d20") as (client, program, _):
            volume = client.json("POST", "/volumes/create", {})["Name"]
            program("run", "--json")
            time.sleep(2.1)
            self.assertEqual(program("plan", "--json").goes(), {volume})
            program.forget()
            self.assertEqual(program("run", "--json").goes(), set())
            self.assertIn(volume, volume_names(client))


class BuildCache(unittest.TestCase):
    def records(self, client):
        return {record["ID"]: record for record in client.get("/system/df")["BuildCache"] or []}

    def build(self, client, content):
        client.build("app:1", "FROM base:1\nCOPY a /a\nCOPY b /b\n",
                     {"a": b"x" * 100000, "b": content}, buildkit=True)

    def test_records_go_by_last_use(self):
        for name in each_engine():
            with self.subTest(name), Engine(name) as engine, \
                    Program(engine.socket, CACHE_POLICY, SETTINGS) as program:
                client = engine.client
                client.import_root("base:1")
                if engine.is_podman:
                    outcome = program("run")
                    self.assertEqual(outcome.status, 0, outcome)
                    self.assertIn("has no build cache of its own", outcome.stderr)
                    continue
                self.build(client, b"1")
                young = program("run", "--json")
                self.assertEqual(young.goes(), set(), young)
                time.sleep(3.2)
                before = self.records(client)
                self.build(client, b"2")
                used = self.records(client)
                outcome = program("run", "--json")
                self.assertEqual(outcome.status, 0, outcome)
                left = self.records(client)
                old = {key for key, record in before.items()
                       if not record["Shared"] and not used[key]["Shared"]
                       and used[key]["LastUsedAt"] == record["LastUsedAt"]}
                self.assertTrue(old, json.dumps(list(before.values())))
                self.assertEqual(set(used) - set(left), old & outcome.goes(), outcome)
                self.assertEqual(old, outcome.goes(), outcome)
                self.build(client, b"2")       # what is left of the cache still works
                engine.client.run("of-build", "app:1")
