"""The fake engine says what Docker 20.10 says: the same questions, put to both about the same world."""

import json
import re
import time
import unittest

from harness.client import Client, EngineError
from harness.engines import Engine
from harness.fake import Fake


def shape(value):
    """Names and types of fields; of lists, of their entries together. None where the value is null."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [together([shape(one) for one in value])]
    return None if value is None else type(value).__name__


def together(shapes):
    if shapes and all(isinstance(one, dict) for one in shapes):
        return {key: together([one[key] for one in shapes if key in one])
                for key in {key for one in shapes for key in one}}
    return next((one for one in shapes if one is not None), None)


def foreign(fake, real, where=""):
    """Fields of the first that the second lacks, or has of another type; null fits everything."""
    if fake is None or real is None:
        return []
    if isinstance(fake, dict) and isinstance(real, dict):
        # Names of labels, networks and the like are data.
        if where.endswith(("Labels", "Networks")):
            fake, real = {"": together(list(fake.values()))}, {"": together(list(real.values()))}
        return [line for key, one in fake.items()
                for line in (foreign(one, real[key], f"{where}.{key}") if key in real
                             else [f"{where}.{key} is unknown to Docker"])]
    if isinstance(fake, list) and isinstance(real, list):
        return foreign(fake[0], real[0], where + "[]")
    return [] if fake == real else [f"{where} is {fake}, in Docker {real}"]


class FakeWorld:
    """Builds the world on the fake."""

    def __init__(self, fake):
        self.fake = fake
        self.client = Client(fake.socket)
        self.base = fake.image("base:1")

    def image(self, *references, parent=True):
        return self.fake.image(*references, parent=self.base if parent else None).id

    def child(self, reference, parent):
        return self.fake.image(reference, parent=self.fake.images[parent]).id

    def container(self, name, reference, state="exited"):
        return self.fake.container(name, reference, state).id

    def move(self, reference):
        self.fake.tag(self.fake.image("temporary:1"), reference)
        self.fake.untag("temporary:1")


class RealWorld:
    """Builds the same on a real engine."""

    def __init__(self, client):
        self.client = client
        client.import_root("base:1")
        self.count = 0

    def image(self, *references, parent=True):
        self.count += 1
        if not parent:
            identity = self.client.import_root(references[0], extra_bytes=self.count)
        else:
            identity = self.client.build(references[0], f"FROM base:1\nLABEL n={self.count}\n")
        for reference in references[1:]:
            self.client.tag(references[0], reference)
        return identity

    def child(self, reference, parent):
        self.count += 1
        return self.client.build(reference, f"FROM {parent}\nLABEL n={self.count}\n")

    def container(self, name, reference, state="exited"):
        if state == "created":
            return self.client.create(name, reference)
        if state == "exited":
            return self.client.run(name, reference, ["sh", "-c", "echo something >/written"])
        return self.client.run_on(name, reference)

    def move(self, reference):
        self.image("temporary:1")
        self.client.tag("temporary:1", reference)
        self.client.untag("temporary:1")


class Comparison(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.engine = Engine("d20").start()
        cls.addClassCleanup(cls.engine.stop)
        cls.fake = Fake().start()
        cls.addClassCleanup(cls.fake.close)
        cls.worlds = FakeWorld(cls.fake), RealWorld(cls.engine.client)

    def both(self, action):
        return [action(world) for world in self.worlds]

    def test_fields_and_their_types(self):
        def ask(world):
            image = world.image("fields:1", "fields:2")
            done = world.container("fields-done", "fields:1")
            new = world.container("fields-new", "fields:1", "created")
            world.move("fields:2")
            filters = json.dumps({"id": [done]})
            paths = {"/version": "/version", "/info": "/info", "containers": "/containers/json?all=1",
                     "sizes": f"/containers/json?all=1&size=1&filters={filters}",
                     "done": f"/containers/{done}/json", "new": f"/containers/{new}/json",
                     "images": "/images/json?all=1", "image": f"/images/{image}/json",
                     "history": f"/images/{image}/history"}
            prefix, client = world.client.prefix, world.client
            answers = {}
            for name, path in paths.items():
                client.prefix = "" if path == "/version" else prefix
                answers[name] = shape(json.loads(client.request("GET", path.replace(" ", ""))))
            client.prefix = prefix
            return answers

        fake, real = self.both(ask)
        for name in fake:
            with self.subTest(name):
                self.assertEqual(foreign(fake[name], real[name]), [])
        # What a list says of an object, it says whole.
        for name in ("containers", "images"):
            self.assertEqual(set(fake[name][0]), set(real[name][0]), name)

    def test_events(self):
        start = time.time()
        self.fake.image("events:1")
        self.fake.job("events", "events:1", listed=False)
        client = self.engine.client
        client.import_root("events:1")
        client.run("events", "events:1")
        client.request("DELETE", "/containers/events")
        told = []
        for world in self.worlds:
            shapes = {}
            for event in world.client.events(start, type=["container"],
                                             event=["create", "start", "die", "destroy"]):
                if event["Actor"]["Attributes"]["name"] == "events":
                    shapes[event["Action"]] = shape(event)
                if "destroy" in shapes:
                    break
            told.append(shapes)
        self.assertEqual(list(told[0]), ["create", "start", "die", "destroy"])
        self.assertEqual(list(told[1]), list(told[0]))
        for action, fake in told[0].items():
            self.assertEqual(foreign(fake, told[1][action]), [], action)

    def answers(self, build):
        """What both answer to a list of requests: the status and the text, less the IDs."""
        def ask(world):
            found = []
            for method, path in build(world):
                try:
                    status, text = 200, world.client.request(method, path).decode()
                except EngineError as error:
                    status, text = error.status, str(error).partition(": ")[2]
                text = re.sub(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b", "ID", text)
                answer = json.loads(text) if text else None
                # How many layers there were is no matter here.
                if isinstance(answer, list):
                    answer = [one for one, before in zip(answer, [None, *answer]) if one != before]
                found.append((status, answer))
            return found

        fake, real = self.both(ask)
        self.assertEqual(fake, real)
        self.assertEqual(self.fake.unexpected, [])
        return real

    def test_a_tag_of_several(self):
        def build(world):
            image = world.image("several:1", "several:2", "others/several:1")
            return [("DELETE", f"/images/{image}?noprune=1"),
                    ("DELETE", "/images/others/several:1?noprune=1"),
                    ("DELETE", f"/images/{image}?noprune=1"),
                    ("DELETE", "/images/several:1?noprune=1"),
                    ("DELETE", "/images/several:2?noprune=1"),
                    ("DELETE", "/images/several:2?noprune=1")]
        self.assertEqual([status for status, _ in self.answers(build)], [409, 200, 409, 200, 200, 404])

    def test_an_image_by_its_only_tags_id(self):
        self.answers(lambda world: [("DELETE", f"/images/{world.image('single:1')}?noprune=1")])

    def test_one_that_has_lost_its_tag(self):
        def build(world):
            image = world.image("lost:1")
            world.move("lost:1")
            return [("DELETE", f"/images/{image}?noprune=1")]
        self.assertEqual(self.answers(build)[0][0], 200)

    def test_one_that_a_container_uses(self):
        def build(world):
            image = world.image("used:1", "used:2")
            running = world.container("used-by", "used:1", "running")
            return [("DELETE", f"/images/{image}?noprune=1"),
                    ("DELETE", "/images/used:1?noprune=1"), ("DELETE", "/images/used:2?noprune=1"),
                    ("DELETE", f"/containers/{running}")]
        self.assertEqual([status for status, _ in self.answers(build)], [409, 200, 409, 409])

    def test_one_that_a_stopped_container_uses(self):
        def build(world):
            image = world.image("stopped:1")
            done = world.container("stopped-by", "stopped:1")
            return [("DELETE", f"/images/{image}?noprune=1"),
                    ("DELETE", "/images/stopped:1?noprune=1"), ("DELETE", f"/containers/{done}"),
                    ("DELETE", f"/containers/{done}"), ("DELETE", "/images/stopped:1?noprune=1")]
        self.assertEqual([status for status, _ in self.answers(build)], [409, 409, 200, 404, 200])

    def test_a_parent_and_its_child(self):
        def build(world):
            parent = world.image("parent:1")
            child = world.child("child:1", parent)
            world.move("parent:1")
            return [("DELETE", f"/images/{parent}?noprune=1"), ("DELETE", f"/images/{child}?noprune=1"),
                    ("DELETE", f"/images/{parent}?noprune=1")]
        self.assertEqual([status for status, _ in self.answers(build)], [409, 200, 200])

    def test_what_is_not_there(self):
        nothing = "0" * 64
        self.answers(lambda world: [
            ("GET", f"/containers/{nothing}/json"), ("DELETE", f"/containers/{nothing}"),
            ("GET", "/images/no/such:1/json"), ("GET", "/images/no/such:1/history"),
            ("DELETE", "/images/no/such:1?noprune=1"),
            ("GET", f"/images/sha256:{nothing}/json"), ("DELETE", f"/images/sha256:{nothing}?noprune=1")])
