"""Volumes, networks and build cache: what the engine is asked, faults, and what changes meanwhile."""

import time
import unittest

from harness.fake import FAULTS, HANG, JSON_FAULTS, SLOW_FAULTS, FakeCase
from harness.program import DOCUMENTED, ONE_BY_ONE

ALL = """
[containers exited]
name           = *
keep-within    = 0s
min-age        = 0s
remove-volumes = yes

[volumes anonymous]
name        = *
keep-within = 0s
min-age     = 0s
max-remove  = 100%

[networks all]
name        = *
keep-within = 0s
min-age     = 0s

[build-cache all]
name        = *
keep-within = 1h
min-age     = 0s
"""


class Case(FakeCase):
    policy = ALL
    settings = ONE_BY_ONE

    def setUp(self):
        super().setUp()
        fake = self.fake
        self.base = fake.image("base:1")
        self.own, self.free, self.held = fake.volume(), fake.volume(), fake.volume()
        fake.volume("named")
        fake.mount(fake.container("done", "base:1"), self.own)
        fake.mount(fake.container("on", "base:1", "running"), self.held)
        self.unused, self.stopped = fake.network("unused"), fake.network("of-stopped")
        fake.network("bridge")
        fake.connect(fake.container("new", "base:1", "created"), self.stopped)
        fake.record("parent")
        fake.record("child", parent="parent")
        fake.record("young", ago=60)
        fake.record("building", InUse=True)
        fake.record("shared", Shared=True)
        self.survivors = frozenset({
            ("image", "base:1", ("base:1",)), ("container", "on", "running"), ("container", "new", "created"),
            ("volume", self.held["Name"]), ("volume", "named"), ("network", "of-stopped"),
            ("network", "bridge"), ("build-cache", "young"), ("build-cache", "building"),
            ("build-cache", "shared")})


class Asked(Case):
    def test_all_that_may_go_goes_and_nothing_else(self):
        outcome = self.call(0, "run", "--json")
        self.assertEqual(self.fake.world(), self.survivors, outcome)
        self.assertLess(self.fake.removed.index("child"), self.fake.removed.index("parent"))
        self.assertLess(self.fake.removed.index("done"), self.fake.removed.index(self.own["Name"]))
        for request in self.fake.requests:
            self.assertNotRegex(request.target, r"force|[?&]v=|all=1.*prune|prune.*all")
        self.assertEqual(len(self.fake.asked("GET", "/system/df")), 1)

    def test_without_such_rules_none_of_it_is_asked_for(self):
        self.program.set_policy("[containers a]\nname = *\nkeep-within = 0s\n")
        self.call(0, "run")
        for request in self.fake.requests:
            self.assertNotRegex(request.path, r"^/(volumes|networks|system|build)")

    def test_a_rule_for_networks_alone_asks_for_no_disk_usage(self):
        self.program.set_policy("[networks a]\nname = *\nkeep-within = 0s\n")
        self.call(0, "run")
        self.assertEqual(self.fake.asked("GET", "/system/df|/volumes"), [])

    def test_dry_run_and_observe_change_nothing(self):
        before = self.fake.world()
        for arguments in (("plan",), ("run", "--dry-run"), ("run", "--mode=observe")):
            self.call(0, *arguments)
            self.assertEqual(self.fake.world(), before)
        self.assertEqual(self.fake.asked("DELETE", "."), [])
        self.assertEqual(self.fake.asked("POST", "."), [])

    def test_only_what_was_approved_goes(self):
        plan = self.call(0, "plan", "--json")
        chosen = self.program.folder / "plan.json"
        chosen.write_text(plan.stdout.replace('"verdict":"remove"', '"verdict":"keep"', 1))
        skipped = next(entry for entry in plan.json["objects"] if entry["verdict"] == "remove")
        self.call(0, "run", "--only", str(chosen))
        self.assertEqual(skipped["name"], "done")
        self.assertEqual(self.fake.removed.count("done"), 0)
        self.assertNotIn(self.own["Name"], self.fake.removed)   # its container stays, and so it does


class Faults(Case):
    REQUESTS = (("GET", r"^/volumes$"), ("GET", "^/networks$"), ("GET", "^/system/df"),
                ("GET", "^/volumes/"), ("GET", "^/networks/"), ("GET", "all=1&filters"),
                ("DELETE", "^/volumes/"), ("DELETE", "^/networks/"), ("POST", "^/build/prune"))

    def test_no_fault_takes_what_must_survive(self):
        for method, pattern in self.REQUESTS:
            for name, fault in FAULTS.items():
                if name in SLOW_FAULTS:
                    continue
                with self.subTest(f"{method} {pattern}: {name}"):
                    self.tearDown()
                    self.setUp()
                    self.fake.on(method, pattern, fault, times=None)
                    outcome = self.program("run", "--json")
                    self.assertIn(outcome.status, DOCUMENTED, outcome)
                    self.assertLessEqual(self.survivors, self.fake.world(), outcome)
                    self.fake.forget()
                    self.call(0, "run")         # and the next run does what is left
                    self.assertEqual(self.fake.world(), self.survivors)

    def test_a_list_that_fails_keeps_its_kind_and_is_said(self):
        lists = {"^/volumes$": "volume", "^/networks$": "network", "^/system/df": "build-cache"}
        for pattern, kind in lists.items():
            for name in JSON_FAULTS:
                with self.subTest(f"{kind}: {name}"):
                    self.tearDown()
                    self.setUp()
                    before = {entry for entry in self.fake.world() if entry[0] == kind}
                    self.fake.on("GET", pattern, FAULTS[name], times=None)
                    outcome = self.program("run")
                    self.assertIn("cannot be read", outcome.stderr)
                    self.assertEqual(before, {entry for entry in self.fake.world() if entry[0] == kind})
                    self.assertNotIn(("container", "done", "exited"), self.fake.world())

    def test_a_failing_list_of_containers_keeps_volumes_and_networks(self):
        self.fake.on("GET", "^/containers/json", FAULTS["half a JSON"], times=None)
        self.program("run")
        self.assertIn(("volume", self.free["Name"]), self.fake.world())
        self.assertIn(("network", "unused"), self.fake.world())

    def test_a_failing_second_look_keeps_volumes_and_networks(self):
        self.fake.on("DELETE", "^/containers/", lambda _request: self.fake.on(
            "GET", r"^/containers/json\?all=1$", FAULTS["half a JSON"], times=None))
        self.program("run")
        self.assertNotIn(("container", "done", "exited"), self.fake.world())
        self.assertIn(("volume", self.free["Name"]), self.fake.world())
        self.assertIn(("network", "unused"), self.fake.world())

    def test_one_volume_whose_driver_fails_does_not_hold_the_others(self):
        self.fake.on("DELETE", "^/volumes/" + self.free["Name"], FAULTS["500 with words"], times=None)
        outcome = self.call(3, "run", "--json")
        self.assertEqual(outcome.verdict(self.free["Name"])["outcome"], "failed")
        self.assertEqual(outcome.verdict(self.own["Name"])["outcome"], "removed")
        self.assertNotIn(("network", "unused"), self.fake.world())

    def test_one_volume_whose_driver_hangs_does_not_hold_the_others(self):
        self.program.set_settings("[engine]\ntimeout = 1s\n")
        self.fake.on("DELETE", "^/volumes/" + self.free["Name"], HANG, times=None)
        outcome = self.call(3, "run", "--json")
        self.assertEqual(outcome.verdict(self.free["Name"])["outcome"], "failed")
        self.assertEqual(outcome.verdict(self.own["Name"])["outcome"], "removed")

    def test_a_driver_that_does_not_list_its_volumes_is_said(self):
        self.fake.volume_warnings = ["list nfs: dial unix /run/nfs.sock: no such file"]
        outcome = self.call(0, "run")
        self.assertIn("not whole: list nfs", outcome.stderr)
        self.assertEqual(self.fake.world(), self.survivors)

    def test_sizes_that_are_not_told_are_unknown(self):
        self.free["_size"] = -1
        plan = self.call(0, "plan", "--json")
        self.assertIsNone(plan.verdict(self.free["Name"])["bytes"])
        self.assertEqual(plan.verdict(self.own["Name"])["bytes"], 1000)
        self.fake.on("GET", "^/system/df", FAULTS["500 with words"], times=None)
        self.assertIsNone(self.call(0, "plan", "--json").verdict(self.own["Name"])["bytes"])


class Changes(Case):
    def test_a_volume_that_was_made_anew_stays(self):
        def change(_request):
            self.free["CreatedAt"] = "2026-01-01T00:00:00Z"

        self.fake.on("GET", "^/volumes/" + self.free["Name"], change)
        outcome = self.call(0, "run", "--json")
        self.assertEqual(outcome.verdict(self.free["Name"])["outcome"], "changed", outcome)
        self.assertIn(("volume", self.free["Name"]), self.fake.world())

    def test_a_network_that_got_a_stopped_user_stays(self):
        def change(_request):
            self.fake.connect(self.fake.container("late", "base:1", "created"), self.unused)

        self.fake.on("GET", "all=1&filters", change)
        outcome = self.call(0, "run", "--json")
        self.assertEqual(outcome.verdict("unused")["outcome"], "in-use", outcome)

    def test_a_network_that_got_a_user_by_its_short_id_stays(self):
        def change(_request):
            self.fake.connect(self.fake.container("late", "base:1", "created"), self.unused, self.unused["Id"][:12])

        self.fake.on("GET", "all=1&filters", change)
        outcome = self.call(0, "run", "--json")
        self.assertEqual(outcome.verdict("unused")["outcome"], "in-use", outcome)

    def test_a_network_of_any_name_goes(self):
        names = {'quo"te', "sla/sh", "a@b", "bl ank", "\u00fc"}
        for name in names:
            self.fake.network(name)
        self.call(0, "run", "--mode=observe")
        outcome = self.call(0, "run", "--json")
        for name in names:
            self.assertEqual(outcome.verdict(name)["outcome"], "removed", outcome)

    def test_users_that_came_while_containers_went_are_seen(self):
        def change(_request):
            late = self.fake.container("late", "base:1", "created")
            self.fake.mount(late, self.free)
            self.fake.connect(late, self.unused)

        self.fake.on("DELETE", "^/containers/", change)
        outcome = self.call(0, "run", "--json")
        self.assertEqual(outcome.verdict("unused")["outcome"], "in-use", outcome)
        self.assertEqual(outcome.verdict(self.free["Name"])["outcome"], "in-use", outcome)
        self.assertEqual(self.fake.asked("DELETE", "^/(networks|volumes)/" + self.free["Name"]), [])

    def test_a_record_that_was_used_meanwhile_stays(self):
        def change(_request):
            self.fake.cache["child"]["LastUsedAt"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

        self.fake.on("POST", "child", change)
        outcome = self.call(0, "run", "--json")
        self.assertEqual(outcome.verdict("child")["outcome"], "in-use", outcome)
        self.assertEqual(outcome.verdict("parent")["outcome"], "in-use", outcome)
        self.assertIn("parent", self.fake.cache)

    def test_volumes_of_containers_that_did_not_go_stay(self):
        self.fake.on("DELETE", "^/containers/", FAULTS["500 with words"], times=None)
        outcome = self.call(3, "run", "--json")
        self.assertEqual(outcome.verdict(self.own["Name"])["outcome"], "in-use", outcome)
        self.assertIn(("volume", self.own["Name"]), self.fake.world())


class Shares(Case):
    policy = "[images none]\nname = nothing\nkeep-within = 0s\n"

    def test_plan_all_shows_what_an_image_has_alone(self):
        app = self.fake.image("app:1", "app:2", parent=self.base, size=5000)
        self.fake.image("other:1", parent=self.base, size=70)
        plan = self.call(0, "plan", "--all", "--json")
        of = {entry["name"]: (entry["unique"], entry["shared"]) for entry in plan.json["objects"]
              if entry["kind"] == "tag"}
        self.assertEqual(of, {"base:1": (0, 1000), "app:1": (5000, 1000), "app:2": (5000, 1000),
                              "other:1": (70, 1000)})
        table = self.call(0, "plan", "--all").stdout
        self.assertRegex(table, r"NAME +SIZE UNIQUE +AGE")
        self.assertRegex(table, r"tag +other:1 +1.07kB +70B")
        self.assertNotIn("unique", self.call(0, "plan", "--json").stdout)
        self.assertNotIn("UNIQUE", self.call(0, "plan").stdout)
        self.fake.on("GET", f"/images/{app.id}/json", FAULTS["500 with words"], times=None)
        plan = self.call(0, "plan", "--all", "--json")
        self.assertEqual({entry["unique"] for entry in plan.json["objects"] if entry["kind"] == "tag"}, {None})


class Explain(Case):
    def test_each_kind_has_an_answer(self):
        for name, words in ((self.held["Name"], "in use by on"), ("of-stopped", "in use by new"),
                            ("bridge", "built-in"), ("shared", "an image has the same layers"),
                            ("young", "kept for 1h"), ("named", "no rule matches")):
            with self.subTest(name):
                self.assertIn(words, self.call(0, "explain", name).stdout)

    def test_a_name_that_no_rule_speaks_of_has_an_answer_too(self):
        self.program.set_policy("[containers a]\nname = *\nkeep-within = 0s\n")
        self.assertIn("in use by on", self.call(0, "explain", self.held["Name"]).stdout)
        self.assertIn("no rule matches", self.call(0, "explain", "unused").stdout)

    def test_an_untagged_image_is_found_by_what_tables_call_it(self):
        image = self.fake.image(label="unnamed")
        shown = self.call(0, "explain", f"<none> {image.id[7:19]}").stdout
        self.assertIn(f"image <none> {image.id[7:19]}", shown)

    def test_the_summary_names_each_kind(self):
        said = self.call(0, "run").stdout
        self.assertIn("removed 1 container, 2 volumes, 1 network, 2 build cache records", said)


if __name__ == "__main__":
    unittest.main()
