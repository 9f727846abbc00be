"""Pressure rules of a disk that is always too full for them: marks are set to what a disk of this machine has."""

import fcntl
import os
import pathlib
import tempfile
import threading
import time
import unittest

from harness import places
from harness.fake import FakeCase, refusal
from harness.program import REPOSITORY

KEEP = """
[images all]
repository  = *
keep-within = 1000d
min-age     = 0s
max-remove  = 100%
"""

ALWAYS = KEEP + """
[images pressed]
repository       = *
keep-tag         = stable
min-age          = 0s
max-remove       = 100%
when-used-above  = 1%
until-used-below = 1%
"""

# Of what this machine has free a mark can be made that so much is missing.
NEEDED = KEEP + """
[images pressed]
repository       = *
min-age          = 0s
max-remove       = 100%
when-free-below  = {free}B
until-free-above = {free}B
"""

MB = 10**6


class Case(FakeCase):
    def setUp(self):
        super().setUp()
        # What is in use must be more than all that the tests would remove: /tmp may be in memory, and empty.
        for parent in (tempfile.gettempdir(), "/var/tmp", REPOSITORY):
            disk = os.statvfs(parent)
            if (disk.f_blocks - disk.f_bfree - disk.f_blocks // 50) * disk.f_frsize > 1000 * MB:
                break
        else:
            self.skipTest("no disk has enough in use")
        folder = tempfile.TemporaryDirectory(prefix="rcl-disk-", dir=places.below(parent))
        self.addCleanup(folder.cleanup)
        self.fake.data_root = pathlib.Path(folder.name)
        (self.fake.data_root / "overlay2").mkdir()

    def free(self):
        disk = os.statvfs(self.fake.data_root)
        return disk.f_bavail * disk.f_frsize

    def images(self):
        """Three, the oldest first, of 400, 300 and 200 MB; the first two share 100 of them."""
        shared = ("sha256:" + "5" * 64, 100 * MB)
        self.fake.image("app:1", ago=86400 * 50, tagged=86400 * 50,
                        layers=[shared, ("sha256:" + "1" * 64, 300 * MB)])
        self.fake.image("app:2", ago=86400 * 40, tagged=86400 * 40,
                        layers=[shared, ("sha256:" + "2" * 64, 200 * MB)])
        self.fake.image("app:3", ago=86400 * 30, tagged=86400 * 30, size=200 * MB)
        # Nothing may be known only from now on.
        self.program("run", "--mode=observe")


class Pressure(Case):
    policy = ALWAYS

    def test_it_takes_all_that_it_may_says_what_holds_the_rest_and_ends_with_3(self):
        self.images()
        self.fake.image("app:stable", size=50 * MB)
        self.fake.image("running:1", size=70 * MB)
        self.fake.container("on", "running:1", "running", size=5 * MB)
        run = self.call(3, "run")
        self.assertEqual(set(self.fake.by_reference), {"app:stable", "running:1"})
        self.assertIn("predicted up to 800MB, measured", run.stdout)
        self.assertRegex(run.stdout, r"the mark was missed: the disk is \d+% full, .* free; what holds the rest: "
                                     r"running containers and their images 75MB, pinned 50MB, "
                                     r"logs, volumes and what is not the engine's ")
        self.assertRegex(run.stdout, r"disk \d+% full, above 1%, tagged 50d")

    def test_it_looks_again_only_once(self):
        self.images()
        self.call(3, "run", "--json")
        self.assertEqual(len([one for one in self.fake.requests if one.path.startswith("/images/json")]), 2 + 1)

    def test_json_has_prediction_and_what_holds_the_rest(self):
        self.images()
        self.fake.image("app:stable", size=50 * MB)
        run = self.call(3, "run", "--json").json
        self.assertEqual(run["predicted"], {"bytes": 800 * MB, "unknown": 0, "upper_bound": True})
        self.assertEqual(run["pressure"]["rules"], ["pressed"])
        self.assertTrue(run["pressure"]["missed"])
        self.assertEqual(run["pressure"]["held"]["pins"], 50 * MB)
        self.assertIsNone(run["earlier"])
        gone = [one for one in run["objects"] if one["verdict"] == "remove"]
        self.assertEqual({one["reason_code"] for one in gone}, {"pressure"})
        self.assertEqual({one["rule"] for one in gone}, {"pressed"})

    def test_a_further_round_takes_what_has_come_meanwhile(self):
        self.images()
        late = []

        def add(_request):
            if not late:
                late.append(self.fake.image("late:1", ago=86400, tagged=86400, size=7 * MB))
        self.fake.on("DELETE", self.fake.by_reference["app:3"].id, add)
        run = self.call(3, "run", "--json").json
        self.assertEqual(self.fake.by_reference, {})
        self.assertEqual([one["name"] for one in run["objects"] if one["verdict"] == "remove"], ["late:1"])
        self.assertEqual(len([one for one in run["earlier"]["objects"] if one["verdict"] == "remove"]), 3)

    def test_the_brake_measures_both_rounds_together(self):
        self.images()
        self.program.set_policy(ALWAYS.replace("100%", "4"))
        late = []

        def add(_request):
            while len(late) < 2:
                late.append(self.fake.image(f"late:{len(late)}", ago=86400, tagged=86400, size=7 * MB))
        self.fake.on("DELETE", self.fake.by_reference["app:3"].id, add)
        run = self.call(3, "run")
        self.assertEqual(set(self.fake.by_reference), {"late:0", "late:1"})
        self.assertIn("brake: 5 of 5 images of rule pressed would go", run.stderr)

    def test_plan_shows_what_would_go_and_explain_why(self):
        self.images()
        plan = self.call(0, "plan", "--json").json
        self.assertEqual(plan["predicted"]["bytes"], 800 * MB)
        self.assertEqual(plan["objects"][0]["rule"], "pressed")
        self.assertIn("a pressure rule, above its mark", self.call(0, "explain", "app:1").stdout)

    def test_explain_tells_what_an_image_has_alone(self):
        self.images()
        for policy in (ALWAYS, KEEP):
            self.program.set_policy(policy)
            self.assertIn("300MB that no other image has, 100MB shared", self.call(0, "explain", "app:1").stdout)
            shown = self.call(0, "explain", "app:3", "--json").json["objects"][0]
            self.assertEqual((shown["unique"], shown["shared"]), (200 * MB, 0))
        # Of an image that cannot be looked into, nobody knows that it has not the same.
        self.fake.on("GET", f"/images/{self.fake.by_reference['app:3'].id}/json", refusal(500, "broken"), times=None)
        self.assertIn("nobody tells", self.call(0, "explain", "app:1").stdout)
        shown = self.call(0, "explain", "app:1", "--json").json["objects"][0]
        self.assertEqual((shown["unique"], shown["shared"]), (None, None))

    def test_an_unknown_disk_switches_it_off_with_a_line(self):
        self.images()
        self.fake.data_root = pathlib.Path("/nowhere")
        run = self.call(0, "run")
        self.assertEqual(len(self.fake.by_reference), 3)
        self.assertIn("pressure rules are off: /nowhere: No such file", run.stderr)

    def test_sizes_that_cannot_be_are_said(self):
        self.images()
        for image in self.fake.images.values():
            image.extra = {"Size": -1, "VirtualSize": -1}
        run = self.call(3, "run")
        self.assertEqual(len(self.fake.by_reference), 3)
        self.assertIn("3 objects stay although the disk is full", run.stderr)

    def test_absurd_sizes_are_said(self):
        self.images()
        for image in self.fake.images.values():
            image.layers = [(layer, 2**62) for layer, _ in image.layers]
        run = self.call(3, "run")
        self.assertEqual(len(self.fake.by_reference), 3)
        self.assertIn("objects stay although the disk is full", run.stderr)


class Enough(Case):
    policy = KEEP

    def test_it_takes_no_more_than_is_needed(self):
        self.images()
        # Other things write to this disk, too: 50 MB more or less do not matter here.
        self.program.set_policy(NEEDED.format(free=self.free() + 350 * MB))
        plan = self.call(0, "plan", "--json")
        self.assertEqual(plan.goes(), {"app:1", "app:2"})
        spared = plan.verdict("app:3")
        self.assertEqual((spared["reason_code"], spared["rule"]), ("enough-free", "pressed"))
        self.assertRegex(spared["reason"], "need not go: .* will be free without it")

    def test_below_its_mark_nothing_is_asked_for_it(self):
        self.images()
        self.program.set_policy(NEEDED.format(free=1))
        self.fake.forget()
        self.call(0, "run")
        self.assertEqual(len(self.fake.by_reference), 3)
        self.assertEqual(self.fake.asked("GET", "/history"), [])


class NeedFree(Case):
    policy = ALWAYS

    def test_with_room_nothing_but_info_is_asked(self):
        self.images()
        self.fake.forget()
        run = self.call(0, "run", "--need-free", "1MB")
        self.assertIn("1MB needed: nothing to do", run.stderr)
        self.assertEqual({one.path for one in self.fake.requests}, {"/_ping", "/info"})

    def test_without_room_the_pressure_rules_make_it(self):
        self.images()
        needed = self.free() + 350 * MB
        run = self.call(3, "run", "--need-free", f"{needed}B", "--json")
        # Nothing becomes free here, so that all goes in the end.
        self.assertEqual(self.fake.by_reference, {})
        first = {one["name"] for one in run.json["earlier"]["objects"] if one["verdict"] == "remove"}
        self.assertEqual(first, {"app:1", "app:2"})

    def test_more_than_there_is_is_refused(self):
        run = self.call(2, "run", "--need-free", "900000TB")
        self.assertIn("is more than the whole file system at", run.stderr)
        self.call(2, "run", "--need-free", "20G")
        self.call(2, "run", "--need-free", "0B")
        self.call(2, "run", "--need-free", "85%")
        self.call(2, "plan", "--need-free", "1MB")
        self.call(2, "run", "--wait", "soon")

    def test_without_a_policy_it_still_answers(self):
        self.program.set_policy("")
        self.call(0, "run", "--need-free", "1MB")
        self.call(3, "run", "--need-free", f"{self.free() + 1000 * MB}B")

    def test_without_a_pressure_rule_it_says_so(self):
        self.images()
        self.program.set_policy(KEEP)
        run = self.call(3, "run", "--need-free", f"{self.free() + 1000 * MB}B")
        self.assertIn("no pressure rule is active", run.stderr)

    def test_it_observes_where_the_settings_say_so(self):
        self.images()
        self.call(3, "run", "--mode=observe", "--need-free", f"{self.free() + 1000 * MB}B")
        self.assertEqual(len(self.fake.by_reference), 3)

    def lock(self):
        self.call(0, "run", "--mode=observe")
        path = next((self.program.folder / "run").rglob("*.lock"))
        file = path.open("rb")
        fcntl.flock(file, fcntl.LOCK_EX)
        self.addCleanup(file.close)
        return file

    def test_it_waits_for_another_run(self):
        self.images()
        held = self.lock()
        needed = f"{self.free() + 1000 * MB}B"
        run = self.call(3, "run", "--need-free", needed, "--wait", "1s")
        self.assertIn("holds the lock", run.stderr)
        self.assertEqual(len(self.fake.by_reference), 3)
        threading.Timer(1, held.close).start()
        started = time.monotonic()
        self.call(3, "run", "--need-free", needed, "--wait", "60s")
        self.assertLess(time.monotonic() - started, 30)
        self.assertEqual(self.fake.by_reference, {})

    def test_an_ordinary_run_may_wait_too(self):
        held = self.lock()
        self.call(75, "run", "--wait", "1s")
        threading.Timer(1, held.close).start()
        self.call(3, "run", "--wait", "60s")


if __name__ == "__main__":
    unittest.main()
