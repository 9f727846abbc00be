"""Real nodes of a swarm: what services use stays, whether or not a container of theirs is here."""

import time
import unittest

from harness import cage
from harness.engines import Engine
from harness.program import Program

POLICY = """
[containers exited]
state       = exited, dead, created
keep-within = 0s
min-age     = 0s

[images all]
name        = *
dangling    = any
keep-within = 0s
min-age     = 0s
max-remove  = 100%
"""

OF_SWARM = """
[containers tasks]
label       = com.docker.swarm.service.name=*
keep-within = 0s
min-age     = 0s
"""


class Node:
    def __init__(self, test, policy):
        self.engine = Engine("d20").start()
        test.addClassCleanup(self.engine.stop)
        self.client = self.engine.client
        self.program = Program(self.engine.socket, policy)
        test.addClassCleanup(self.program.close)

    def docker(self, *arguments):
        return self.engine.inside("docker", "-H", f"unix://{self.engine.socket}", *arguments,
                                  check=True).stdout.strip()

    def run(self, *arguments):
        run = self.program("run", "--json", *arguments)
        if run.status != 0:
            raise AssertionError(run)
        return run

    def apps(self):
        return {tag for tag in self.client.tags() if tag.startswith("app:")}


class SwarmTest(unittest.TestCase):
    """A manager and a worker in one network, which nobody else is in; each test starts with what the ones
    before it left, and removes its services."""

    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(cage.own_network())
        cls.manager, cls.worker = Node(cls, POLICY), Node(cls, POLICY)
        cls.manager.docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:2377")
        token = cls.manager.docker("swarm", "join-token", "-q", "worker")
        cls.worker.docker("swarm", "join", "--token", token, "--advertise-addr", "127.0.0.1",
                          "--listen-addr", "127.0.0.1:2378", "127.0.0.1:2377")

    def setUp(self):
        for node in (self.manager, self.worker):
            node.client.import_root("base:1")
            for number in range(3):
                node.client.build(f"app:{number}", f"FROM base:1\nRUN echo {number} >/number\n")

    def service(self, name, image, replicas, on=None):
        on = on or self.manager
        self.manager.docker("service", "create", "--detach", "--name", name, "--replicas", str(replicas),
                            "--no-resolve-image", "--restart-condition", "none", "--stop-grace-period", "0s",
                            "--constraint",
                            f"node.id=={on.client.get('/info')['Swarm']['NodeID']}", image, "sleep", "10000")
        self.addCleanup(self.remove, name)
        self.wait_for(on, name, lambda states: states.count("running") == replicas)

    def remove(self, name):
        self.manager.docker("service", "rm", name)
        for node in (self.manager, self.worker):
            self.wait_for(node, name, lambda states: not states)

    def of(self, node, name):
        """Containers of its tasks, and their states."""
        return {container: state for container, state in node.client.containers().items()
                if container.startswith(name + ".")}

    def wait_for(self, node, name, reached):
        deadline = time.monotonic() + 60
        while not reached(list(self.of(node, name).values())):
            if time.monotonic() > deadline:
                self.fail(f"{name}: {self.of(node, name)}\n{self.manager.docker('service', 'ps', name)}")
            time.sleep(0.1)

    def test_a_service_without_replicas_keeps_its_image(self):
        self.service("zero", "app:1", 0)
        run = self.manager.run()
        self.assertEqual(run.verdict("app:1")["reason"], "in use by service zero")
        self.assertEqual(run.stderr, "")
        self.assertEqual(self.manager.apps(), {"app:1"})

    def test_a_service_scaled_to_0_keeps_its_image_until_it_is_removed(self):
        self.service("one", "app:1", 1)
        self.manager.run()
        self.assertEqual(self.manager.apps(), {"app:1"})
        self.manager.docker("service", "scale", "--detach", "one=0")
        self.wait_for(self.manager, "one", lambda states: not states)
        run = self.manager.run()
        self.assertEqual(self.manager.apps(), {"app:1"})
        self.assertEqual(run.verdict("app:1")["reason"], "in use by service one")
        self.doCleanups()
        self.manager.run()
        self.assertEqual(self.manager.apps(), set())

    def test_an_update_can_be_rolled_back(self):
        self.service("web", "app:1", 1)
        self.manager.docker("service", "update", "--detach", "--image", "app:2", "--no-resolve-image", "web")
        self.wait_for_image("web", "app:2")
        self.manager.run()
        self.assertEqual(self.manager.apps(), {"app:1", "app:2"})
        self.manager.docker("service", "rollback", "--detach", "web")
        self.wait_for_image("web", "app:1")

    def wait_for_image(self, name, image):
        deadline = time.monotonic() + 60
        while not any(entry["Image"] == image and entry["State"] == "running"
                      for entry in self.manager.client.get("/containers/json")
                      if entry["Names"][0].startswith(f"/{name}.")):
            self.assertLess(time.monotonic(), deadline, self.manager.docker("service", "ps", name))
            time.sleep(0.1)

    def test_containers_of_tasks_are_swarms_unless_a_rule_names_its_labels(self):
        self.service("web", "app:1", 1)
        container, = self.of(self.manager, "web")
        self.manager.client.run("by-hand", "app:1")
        self.manager.client.kill(container)
        run = self.manager.run()
        self.assertEqual(self.of(self.manager, "web"), {container: "exited"})
        self.assertNotIn("by-hand", self.manager.client.containers())
        self.assertEqual(run.verdict(container)["reason"], "a task of swarm service web")
        self.manager.program.set_policy(OF_SWARM)
        self.addCleanup(self.manager.program.set_policy, POLICY)
        self.manager.run()
        self.assertEqual(self.of(self.manager, "web"), {})

    def test_a_worker_knows_its_own_tasks_and_says_so_once(self):
        self.service("there", "app:1", 1, on=self.worker)
        self.service("zero", "app:2", 0)
        run = self.worker.run()
        self.assertEqual(len(run.stderr.splitlines()), 1, run)
        self.assertIn("this node is a worker of a swarm", run.stderr)
        self.assertEqual(self.worker.apps(), {"app:1"})
        self.manager.run()
        self.assertEqual(self.manager.apps(), {"app:1", "app:2"})
