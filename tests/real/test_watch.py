"""`reclaimd watch` beside real engines: what came and went between two runs."""

import signal
import time
import unittest

from harness import engines, world
from harness.program import Program
from harness.registry import Image, Registry

WITHIN = 12
USED = f"""
[images unused]
name        = *
dangling    = any
age-from    = used
keep-within = {WITHIN}s
min-age     = 0s
max-remove  = 100%
"""
SERVICE = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}


class Watch(unittest.TestCase):
    maxDiff = None

    def each(self, check, podman=True):
        """On each engine that is wanted, a new one."""
        for name in engines.wanted():
            with self.subTest(name):
                try:
                    self.engine = engines.Engine(name)
                except engines.Unavailable as reason:
                    self.skipTest(f"{name}: {reason}")
                self.addCleanup(self.engine.stop)
                if self.engine.is_podman and not podman:
                    continue
                self.client = self.engine.start().client
                with Program(self.engine.socket, USED) as self.program:
                    check()
                    self.watcher.kill()
                    self.watcher.communicate()
                self.engine.stop()

    def watch(self):
        self.watcher = self.program.start("watch")
        self.addCleanup(self.watcher.communicate)
        self.addCleanup(self.watcher.kill)
        self.wait(lambda: self.rows("SELECT open FROM watched ORDER BY id DESC LIMIT 1") == [(1,)])
        self.wait(lambda: self.rows("SELECT last FROM looks"))

    def rows(self, query, *values):
        return self.program.remembered(query, *values)

    def wait(self, condition, seconds=30):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited in vain")
            time.sleep(0.05)

    def image(self, reference, extra_bytes):
        return self.client.import_root(reference, extra_bytes)

    def name(self, reference):
        return f"docker.io/library/{reference}" if self.engine.is_podman else reference

    def rm_job(self, name, image, seconds):
        """`run --rm`: created, started, ended, gone."""
        container = self.client.json("POST", f"/containers/create?name={name}", {
            "Image": image, "Cmd": ["sleep", str(seconds)], "Labels": SERVICE,
            "HostConfig": {"NetworkMode": "none", "AutoRemove": True}})["Id"]
        self.client.start(container)
        self.wait(lambda: name not in self.client.containers())

    def probed(self, number):
        """Containers whose health is probed every second."""
        for i in range(number):
            container = self.client.json("POST", f"/containers/create?name=probed-{i}", {
                "Image": "probed:1", "Cmd": ["sleep", "100000"],
                "Healthcheck": {"Test": ["CMD", "true"], "Interval": 10**9, "Timeout": 10**9},
                "HostConfig": {"NetworkMode": "none"}})["Id"]
            self.client.start(container)

    def last_used(self, image):
        rows = self.rows("SELECT last_used FROM objects WHERE id = ?", image)
        return rows[0][0] if rows else None

    def pulled(self, image):
        return self.rows("SELECT pulled FROM objects WHERE id = ?", image)[0][0]

    def check_job(self):
        self.image("probed:1", 1)
        job, idle = self.image("job:1", 2), self.image("idle:1", 3)
        if self.engine.is_podman:
            self.client.run_on("running", "probed:1")
        else:
            self.probed(20)
        self.watch()
        self.assertEqual(self.program("run").status, 0)
        self.assertLessEqual({job, idle}, self.client.image_ids())
        start = time.time()
        self.rm_job("nightly", "job:1", 2)
        self.wait(lambda: (self.last_used(job) or 0) >= int(start) + 2)
        self.assertEqual(self.rows("SELECT service, image FROM runs"), [("shop/web", job)])
        time.sleep(max(0, start + WITHIN - time.time()))
        self.rm_job("nightly", "job:1", 1)
        run = self.program("run", "--json", "--all")
        self.assertEqual(run.status, 0, run)
        self.assertEqual(run.goes(), {"idle:1"})
        self.assertIn("last used", run.verdict("job:1")["reason"])
        self.assertNotIn(idle, self.client.image_ids())
        self.assertEqual(len(self.rows("SELECT id FROM watched")), 1)

    def test_a_job_between_two_runs(self):
        self.each(self.check_job)

    def check_along(self):
        """That a run removes a container is no use of what it was made of and had."""
        self.image("job:1", 1)
        self.client.run("done", "job:1", volumes=["/kept"])
        self.watch()
        self.program.set_policy(USED + "[containers all]\nname = *\nremove-volumes = yes\nkeep-within = 1s\n"
                                       "min-age = 0s\n[volumes all]\nname = *\nkeep-within = 1s\nmin-age = 0s\n")
        time.sleep(WITHIN + 1)
        run = self.program("run", "--json")
        self.assertEqual(run.status, 0, run)
        outcomes = {row["kind"]: row["outcome"] for row in run.json["objects"] if row["verdict"] == "remove"}
        self.assertEqual(outcomes, {"container": "removed", "tag": "removed", "volume": "removed"})

    def test_what_goes_along_with_its_container(self):
        self.each(self.check_along)

    def check_instant(self):
        """They are gone before anybody can ask what they were."""
        job = self.image("job:1", 1)
        self.watch()
        for number in range(10):
            start = int(time.time())
            self.rm_job(f"job-{number}", "job:1", 0)
            self.wait(lambda start=start: (self.last_used(job) or 0) >= start)
        self.assertEqual(len(self.rows("SELECT id FROM watched")), 1)

    def test_jobs_of_an_instant(self):
        self.each(self.check_instant)

    def check_pull(self):
        with Registry() as registry:
            reference = f"{registry.address}/tool:1"
            registry.push("tool", "1", Image())
            image = world.pull(self.engine, reference)
            self.watch()
            self.wait(lambda: self.rows("SELECT 1 FROM objects WHERE id = ?", image))
            time.sleep(WITHIN)
            self.assertEqual(self.program("plan", "--json").goes(), {reference})
            start = int(time.time())
            self.assertEqual(world.pull(self.engine, reference), image)
            # An engine may also tell of the first pull, when the watcher came within a second of it.
            self.wait(lambda: (self.pulled(image) or 0) >= start)
            plan = self.program("plan", "--json", "--all")
            self.assertEqual(plan.goes(), set())
            self.assertRegex(plan.verdict(reference)["reason"], "^pulled .* ago")
            # What it superseded lost its name to it.
            registry.push("tool", "1", Image(labels={"second": "yes"}))
            second = world.pull(self.engine, reference)
            self.wait(lambda: self.rows("SELECT lost FROM image_names WHERE image = ? AND name = ?",
                                        image, reference)[0][0])
            self.assertEqual(self.rows("SELECT lost FROM image_names WHERE image = ? AND name = ?",
                                       second, reference), [(None,)])

    def test_a_pull_of_what_was_there(self):
        self.each(self.check_pull)

    def check_rebuild(self):
        self.image("base:1", 1)
        self.watch()
        builds = []
        for number in (b"1", b"2", b"3"):
            builds.append(self.client.build("app:1", "FROM base:1\nCOPY f /f\n", {"f": number}))
            # Podman's events tell no name: one that is lost within the moment until it is asked for stays unknown.
            self.wait(lambda: self.rows("SELECT 1 FROM image_names WHERE image = ?", builds[-1]))
        self.assertEqual(len(set(builds)), 3)
        query = "SELECT image FROM image_names WHERE name = ? AND lost IS NOT NULL"
        self.wait(lambda: {row[0] for row in self.rows(query, self.name("app:1"))} == {*builds[:2]})
        self.assertEqual(self.rows("SELECT lost FROM image_names WHERE image = ? AND name = ?",
                                   builds[2], self.name("app:1")), [(None,)])
        shown = self.program("explain", builds[0].split(":")[-1])
        self.assertRegex(shown.stdout, r"it had +(docker.io/library/)?app:1\n")

    def test_builds_that_lose_their_name(self):
        self.each(self.check_rebuild)

    def check_move(self):
        first, second = self.image("app:1", 1), self.image("other:1", 2)
        self.watch()
        self.client.tag("other:1", "app:1")
        query = "SELECT lost FROM image_names WHERE image = ? AND name = ?"
        self.wait(lambda: self.rows(query, first, self.name("app:1"))[0][0])
        self.assertEqual(self.rows(query, second, self.name("app:1")), [(None,)])

    def test_a_name_that_moves_by_hand(self):
        self.each(self.check_move)

    def check_volumes_and_restart(self):
        self.image("job:1", 1)
        self.watch()
        self.client.run("job", "job:1", volumes=["data:/v"])
        self.wait(lambda: self.rows("SELECT name FROM volume_uses") == [("data",)])
        self.client.request("DELETE", "/containers/job")
        self.client.request("DELETE", "/volumes/data")
        self.wait(lambda: self.rows("SELECT name FROM volume_uses") == [])
        self.engine.halt()
        self.wait(lambda: self.rows("SELECT open FROM watched") == [(0,)])
        self.engine.start()
        self.wait(lambda: self.rows("SELECT open FROM watched ORDER BY id DESC LIMIT 1") == [(1,)], 60)
        self.assertEqual(len(self.rows("SELECT id FROM watched")), 2)
        self.assertRegex(self.program("plan", "--json", "--all").verdict("job:1")["reason"],
                         "^use unknown between .* and ")

    def test_volumes_of_docker_and_its_restart(self):
        self.each(self.check_volumes_and_restart, podman=False)

    def check_start_anew(self):
        job = self.image("job:1", 1)
        self.watch()
        self.client.run("before", "job:1")
        self.wait(lambda: self.rows("SELECT last_event FROM watched WHERE last_event > 0"))
        time.sleep(1.5)
        self.watcher.send_signal(signal.SIGTERM)
        self.assertEqual(self.watcher.wait(20), 0)
        before = self.last_used(job)
        time.sleep(1.1)
        self.client.run("meanwhile", "job:1")
        self.watch()
        self.wait(lambda: self.last_used(job) > before)
        self.assertEqual(len(self.rows("SELECT id FROM watched")), 1)

    def test_a_watcher_that_is_started_anew_asks_what_it_missed(self):
        self.each(self.check_start_anew)


if __name__ == "__main__":
    unittest.main()
