"""Real nodes of a swarm: what services use stays, whether or not a container of theirs is here."""

import time
import unittest

from harness import cage
from harness.engines import Engine, wanted
from harness.program import Program

# The first Docker that is asked for.
DOCKER = next((name for name in wanted() if name.startswith("d")), "d20")

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
        self.engine = Engine(DOCKER).start()
        test.addClassCleanup(self.engine.stop)
        self.client = self.engine.client
        self.program = Program(self.engine.socket, policy)
        test.addClassCleanup(self.program.close)

    def update(self, name, change, **query):
        service = self.client.get(f"/services/{name}")
        change(service["Spec"])
        self.client.json("POST", f"/services/{service['ID']}/update", service["Spec"],
                         version=service["Version"]["Index"], **query)

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
        here = {"AdvertiseAddr": "127.0.0.1"}
        cls.manager.client.json("POST", "/swarm/init", {**here, "ListenAddr": "127.0.0.1:2377"})
        token = cls.manager.client.get("/swarm")["JoinTokens"]["Worker"]
        cls.worker.client.json("POST", "/swarm/join", {**here, "ListenAddr": "127.0.0.1:2378", "JoinToken": token,
                                                       "RemoteAddrs": ["127.0.0.1:2377"]})

    def setUp(self):
        for node in (self.manager, self.worker):
            node.client.import_root("base:1")
            for number in range(3):
                node.client.build(f"app:{number}", f"FROM base:1\nRUN echo {number} >/number\n")

    def service(self, name, image, replicas, on=None):
        on = on or self.manager
        node = on.client.get("/info")["Swarm"]["NodeID"]
        self.manager.client.json("POST", "/services/create", {
            "Name": name, "Mode": {"Replicated": {"Replicas": replicas}},
            "TaskTemplate": {"ContainerSpec": {"Image": image, "Args": ["sleep", "10000"], "StopGracePeriod": 0},
                             "RestartPolicy": {"Condition": "none"},
                             "Placement": {"Constraints": [f"node.id=={node}"]}}})
        self.addCleanup(self.remove, name)
        self.wait_for(on, name, lambda states: states.count("running") == replicas)

    def remove(self, name):
        self.manager.client.request("DELETE", f"/services/{name}")
        for node in (self.manager, self.worker):
            self.wait_for(node, name, lambda states: not states)

    def of(self, node, name):
        """Containers of its tasks, and their states."""
        return {container: state for container, state in node.client.containers().items()
                if container.startswith(name + ".")}

    def tasks(self):
        return [task["Status"] for task in self.manager.client.get("/tasks")]

    def wait_for(self, node, name, reached):
        deadline = time.monotonic() + 60
        while not reached(list(self.of(node, name).values())):
            if time.monotonic() > deadline:
                self.fail(f"{name}: {self.of(node, name)}\n{self.tasks()}")
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
        self.manager.update("one", lambda spec: spec["Mode"]["Replicated"].update(Replicas=0))
        self.wait_for(self.manager, "one", lambda states: not states)
        run = self.manager.run()
        self.assertEqual(self.manager.apps(), {"app:1"})
        self.assertEqual(run.verdict("app:1")["reason"], "in use by service one")
        self.doCleanups()
        self.manager.run()
        self.assertEqual(self.manager.apps(), set())

    def test_an_update_can_be_rolled_back(self):
        self.service("web", "app:1", 1)
        self.manager.update("web", lambda spec: spec["TaskTemplate"]["ContainerSpec"].update(Image="app:2"))
        self.wait_for_image("web", "app:2")
        self.manager.run()
        self.assertEqual(self.manager.apps(), {"app:1", "app:2"})
        self.manager.update("web", lambda spec: None, rollback="previous")
        self.wait_for_image("web", "app:1")

    def wait_for_image(self, name, image):
        deadline = time.monotonic() + 60
        while not any(entry["Image"] == image and entry["State"] == "running"
                      for entry in self.manager.client.get("/containers/json")
                      if entry["Names"][0].startswith(f"/{name}.")):
            self.assertLess(time.monotonic(), deadline, self.tasks())
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
