"""The fake engine keeps to what it promises."""

import http.client
import json
import time
import unittest

from harness.client import Client, EngineError
from harness.fake import CLOSE, FAULTS, Answer, Fake

LIST = "/containers/json?all=1"


class Case(unittest.TestCase):
    def setUp(self):
        self.fake = Fake().start()
        self.addCleanup(self.fake.close)
        self.client = Client(self.fake.socket)

    def refused(self, status, method, path):
        with self.assertRaises(EngineError) as raised:
            self.client.request(method, path)
        self.assertEqual(raised.exception.status, status, raised.exception)


class Asked(Case):
    def test_every_request_is_kept_in_order(self):
        self.fake.image("base:1")
        self.client.get("/info")
        self.client.get(LIST)
        self.client.request("DELETE", "/images/base:1?noprune=1")
        self.assertEqual([str(one) for one in self.fake.requests],
                         ["GET /v1.41/info", "GET /v1.41" + LIST,
                          "DELETE /v1.41/images/base:1?noprune=1"])
        self.assertEqual(self.fake.deletes, ["DELETE /v1.41/images/base:1?noprune=1"])
        self.assertEqual(len(self.fake.asked("GET", "^/info")), 1)
        self.assertEqual(self.fake.unexpected, [])

    def test_what_it_must_not_be_asked_is_kept_too(self):
        base = self.fake.image("base:1")
        done = self.fake.container("done", "base:1")
        for method, path in (("POST", "/containers/prune"), ("DELETE", f"/containers/{done.id}?v=1"),
                             ("DELETE", f"/containers/{done.id}?force=1"), ("DELETE", "/images/base:1"),
                             ("GET", "/no-such-thing"), ("DELETE", f"/images/{base.id}?force=1")):
            self.refused(404, method, path)
        self.assertEqual(len(self.fake.unexpected), 6, self.fake.unexpected)
        self.assertEqual(self.fake.names(), {"base:1", "done"})


class Hooks(Case):
    def setUp(self):
        super().setUp()
        self.fake.image("base:1")
        self.done = self.fake.container("done", "base:1")

    def names(self):
        return {entry["Names"][0] for entry in self.client.get(LIST)}

    def test_the_world_changes_before_the_answer(self):
        self.fake.on("GET", "/containers/json", lambda _: self.fake.drop(self.done) or None)
        self.assertEqual(self.names(), set())

    def test_an_answer_in_place_of_the_true_one_comes_once(self):
        self.fake.on("GET", "/containers/json", Answer(200, []))
        self.assertEqual(self.names(), set())
        self.assertEqual(self.names(), {"/done"})

    def test_one_that_stays(self):
        self.fake.on("GET", "/containers/json", Answer(500, {"message": "no"}), times=None)
        for _ in range(3):
            self.refused(500, "GET", LIST)

    def test_at_a_request_that_is_counted_from_now(self):
        self.names()
        self.fake.at(1, CLOSE)
        self.assertEqual(self.names(), {"/done"})
        # One who tries again meets the same.
        for _ in range(2):
            with self.assertRaises(http.client.RemoteDisconnected):
                self.names()
        self.client.get("/info")
        self.assertEqual(self.names(), {"/done"})

    def test_no_fault_gives_the_true_answer(self):
        true = self.client.request("GET", LIST)
        for name, fault in FAULTS.items():
            with self.subTest(name):
                self.fake.on("GET", "/containers/json", fault)
                try:
                    answer = self.client.request("GET", LIST, timeout=5)
                except (EngineError, http.client.HTTPException, OSError):
                    continue
                self.assertNotEqual(answer, true)


class Size(Case):
    def test_a_long_list_is_written_once(self):
        base = self.fake.image("base:1")
        for number in range(20_000):
            self.fake.container(f"c{number}", base)
        self.client.request("GET", LIST)
        start = time.monotonic()
        answer = self.client.request("GET", LIST)
        self.assertLess(time.monotonic() - start, 5)
        self.assertEqual(len(json.loads(answer)), 20_000)
