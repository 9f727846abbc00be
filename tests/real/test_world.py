"""The main job on a real Docker Engine: what must survive, and what goes."""

import os
import time
import unittest

from harness.engines import Engine
from harness.program import Program

POLICY = """
[containers failed]
exit-code   = 1-255
keep-within = 1h
keep-label  = keep=yes

[containers exited]
state       = exited, dead
keep-within = 2s
min-age     = 1s
keep-label  = keep=yes

[images dangling]
dangling    = yes
keep-last   = 1
keep-within = 2s
min-age     = 1s
keep-label  = keep=yes
"""


class WorldTest(unittest.TestCase):
    """One engine for all tests of a class; each starts with what the ones before it left."""

    policy = POLICY

    @classmethod
    def setUpClass(cls):
        cls.engine = Engine("d20").start()
        cls.addClassCleanup(cls.engine.stop)
        cls.client = cls.engine.client
        cls.program = Program(cls.engine.socket, cls.policy)
        cls.addClassCleanup(cls.program.close)
        cls.client.import_root("base:1")

    def learn(self):
        """A run that sees what there is, and the time that the policy asks for."""
        outcome = self.program("run", "--mode=observe")
        self.assertEqual(outcome.status, 0, outcome)
        time.sleep(3.1)

    def run_ok(self, *arguments):
        outcome = self.program("run", *arguments)
        self.assertEqual(outcome.status, 0, outcome)
        return outcome


class Sizes(WorldTest):
    def test_an_image_is_as_large_as_its_history(self):
        """What plans go by: dialect_docker.sums_layers."""
        self.client.build("sizes:1", "FROM base:1\nRUN echo a >/a\nENV x=y\nRUN echo b >/b && rm /a\n"
                          "WORKDIR /w\nLABEL q=z\n")
        for image in self.client.get("/images/json", all=1):
            history = self.client.get(f"/images/{image['Id']}/history")
            self.assertEqual(sum(entry["Size"] for entry in history), image["Size"], history)


class MainJob(WorldTest):
    def build_world(self):
        client = self.client
        client.run("ok", "base:1")
        client.run("ok-pinned", "base:1", labels={"keep": "yes"})
        client.run("failed", "base:1", ["false"])
        client.run_on("running", "base:1")
        client.request("POST", f"/containers/{client.run_on('paused', 'base:1')}/pause")
        client.create("created", "base:1")
        client.run_on("to-be-restarted", "base:1", restart="unless-stopped")
        client.stop("to-be-restarted")
        client.run_on("always", "base:1", restart="always")
        client.stop("always")
        builds = {}
        for number in range(4):
            builds[number] = client.build(
                "example/image:latest",
                f"FROM base:1\nCOPY data /data\nRUN echo {number} >/number\n",
                {"data": os.urandom(1_000_000)})
            # The hourly run sees each build while it has its name.
            self.program("run", "--mode=observe")
            time.sleep(1.1)        # which of two builds of one second is the newer one nobody can tell
        client.create("of-build-0", builds[0], ["sh", "-c", "exit 0"])
        client.build("pinned:1", "FROM base:1\nLABEL keep=yes\nRUN echo old >/x\n")
        pinned = client.image_id("pinned:1")
        client.build("pinned:1", "FROM base:1\nRUN echo new >/x\n")
        return builds, pinned

    def test_the_mess_goes_and_nothing_else(self):
        builds, pinned = self.build_world()
        states = self.client.containers()
        self.learn()

        plan = self.program("plan", "--json")
        run = self.run_ok("--json")
        self.assertEqual(run.goes(), plan.goes())
        self.assertTrue(all(entry["outcome"] == "removed" for entry in run.json["objects"]
                            if entry["verdict"] == "remove"), run)

        left = self.client.containers()
        self.assertEqual(left, {name: state for name, state in states.items() if name != "ok"})
        images = self.client.image_ids()
        self.assertIn(builds[0], images)      # a container was created from it
        self.assertNotIn(builds[1], images)
        self.assertIn(builds[2], images)      # the newest superseded build
        self.assertIn(builds[3], images)      # latest
        self.assertIn(pinned, images)
        self.assertEqual(self.client.tags(), {"base:1", "example/image:latest", "pinned:1"})

        self.assertIn("nothing to remove", self.run_ok().stdout)

    def test_what_was_stopped_to_be_started_again_starts(self):
        for name in ("to-be-restarted", "always"):
            self.client.start(name)
            self.assertEqual(self.client.containers()[name], "running")


class Names(WorldTest):
    policy = """
[images all]
name        = *
dangling    = any
keep-within = 0s
min-age     = 0s
max-remove  = 100%
"""

    def test_a_name_in_use_survives_though_the_tag_moved_on(self):
        client = self.client
        client.build("app:1", "FROM base:1\nRUN echo one >/x\n")
        old = client.image_id("app:1")
        client.run_on("user", "app:1")
        client.build("app:1", "FROM base:1\nRUN echo two >/x\n")
        new = client.image_id("app:1")
        client.tag("app:1", "app:also")
        plan = self.program("plan", "--json")
        self.assertEqual(plan.verdict("app:1")["guard"], "in-use", plan)
        self.assertEqual(plan.verdict("app:also")["guard"], "other-reference", plan)
        self.run_ok()
        self.assertLessEqual({old, new}, client.image_ids())
        self.assertLessEqual({"app:1", "app:also"}, client.tags())

    def test_all_names_of_an_unused_image_go(self):
        client = self.client
        client.build("many:1", "FROM base:1\nRUN echo many >/x\n")
        image = client.image_id("many:1")
        client.tag("many:1", "many:2")
        client.tag("many:1", "other/many:3")
        run = self.run_ok("--json")
        self.assertLessEqual({"many:1", "many:2", "other/many:3"}, run.goes())
        self.assertNotIn(image, client.image_ids())

    def test_classic_parents_go_with_their_last_child(self):
        client = self.client
        client.build("chain:1", "FROM base:1\nRUN echo a >/a\nRUN echo b >/b\nRUN echo c >/c\n")
        before = client.image_ids()
        client.untag("chain:1")
        self.run_ok()
        after = client.image_ids()
        self.assertLess(after, before)
        self.assertFalse([image for image in client.get("/images/json", all=1)
                          if not image["RepoTags"] or image["RepoTags"] == ["<none>:<none>"]
                          and image["ParentId"] and image["Id"] in before - after])


class Learning(WorldTest):
    policy = """
[images dangling]
dangling    = yes
keep-within = 1h
"""

    def test_a_first_run_removes_nothing_and_says_when(self):
        client = self.client
        for number in range(3):
            client.build("learn:latest", f"FROM base:1\nRUN echo {number} >/x\n")
        before = client.image_ids()
        plan = self.program("plan")
        self.assertIn("first look at this engine", plan.stdout)
        self.run_ok()
        self.assertEqual(client.image_ids(), before)
        self.assertNotIn("first look at this engine", self.program("plan").stdout)

    def test_a_plan_writes_nothing(self):
        with Program(self.engine.socket, self.policy) as program:
            before = sorted(program.folder.iterdir())
            self.assertEqual(program("plan").status, 0)
            self.assertEqual(program("run", "--dry-run").status, 0)
            self.assertEqual(sorted(program.folder.iterdir()), before)
