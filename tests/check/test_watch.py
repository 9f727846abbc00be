"""`reclaimd watch`: what it learns from an engine's events, and what it says it did not see."""

import contextlib
import json
import os
import signal
import sqlite3
import time
import unittest

from harness.fake import CLOSE, FakeCase, SANITIZER, refusal
from harness.program import SANITIZED

USED = """
[images unused]
name        = *
dangling    = any
age-from    = used
keep-within = 30d
min-age     = 0s
max-remove  = 100%
"""
DAY = 86400


class WatchCase(FakeCase):
    policy = USED

    def setUp(self):
        super().setUp()
        self.watchers = []
        self.addCleanup(self.end_watchers)

    # The watcher

    def watch(self, **options):
        """Starts one and waits until it sees everything."""
        before = len(self.fake.asked("GET", "/events"))
        watcher = self.program.start("watch", **options)
        self.watchers.append(watcher)
        self.fake.wait_for(lambda: len(self.fake.asked("GET", "/events")) > before)
        self.wait_until_watched()
        return watcher

    def end(self, watcher, how=signal.SIGTERM):
        """What it said; it must end well."""
        watcher.send_signal(how)
        _, said = watcher.communicate(timeout=30)
        said = said.decode()
        self.assertEqual(watcher.returncode, 0 if how == signal.SIGTERM else -how, said)
        self.assertNotRegex(said, SANITIZER)
        return said

    def end_watchers(self):
        for watcher in self.watchers:
            if watcher.poll() is None:
                watcher.kill()
            watcher.communicate()

    # The state

    def rows(self, query, *values):
        return self.program.remembered(query, *values)

    def execute(self, query, *values):
        path = next((self.program.folder / "state").glob("*.sqlite"))
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as state:
            state.execute(query, values)
            state.commit()

    def wait_for_rows(self, condition, query, *values):
        found = []

        def holds():
            found[:] = self.rows(query, *values)
            return condition(found)
        try:
            self.fake.wait_for(holds)
        except AssertionError:
            self.fail(f"{query}: {found}")

    def wait_until_watched(self):
        self.wait_for_rows(lambda rows: rows == [(1,)], "SELECT open FROM watched ORDER BY id DESC LIMIT 1")
        self.fake.wait_for(lambda: self.fake.asked("GET", "/images/json"))
        self.wait_for_rows(lambda rows: len(rows) >= 1, "SELECT last FROM looks")

    def last_used(self, image):
        rows = self.rows("SELECT last_used FROM objects WHERE kind = 'image' AND id = ?", image.id)
        return rows[0][0] if rows else None

    def wait_until_used(self, image, since):
        self.fake.wait_for(lambda: (self.last_used(image) or 0) >= since)

    def intervals(self):
        return self.rows("SELECT since, until FROM watched ORDER BY id")

    def seen_long_ago(self):
        for table in ("objects", "image_names"):
            self.execute(f"UPDATE {table} SET first_seen = first_seen - ?", 100 * DAY)

    def long_ago(self):
        """All that is remembered becomes old, and the watcher had been there all the time."""
        self.seen_long_ago()
        for column in ("last_used", "untagged_since", "pulled"):
            self.execute(f"UPDATE objects SET {column} = {column} - ?", 100 * DAY)
        self.execute("UPDATE watched SET since = since - ?", 90 * DAY)

    def plan(self):
        return self.call(0, "plan", "--json", "--all")

    def reason(self, name):
        return self.plan().verdict(name)["reason"]


class Used(WatchCase):
    def test_without_watcher_all_time_counts_as_use(self):
        self.fake.image("old:1", ago=400 * DAY, tagged=400 * DAY)
        self.call(0, "run")
        self.seen_long_ago()
        plan = self.plan()
        self.assertEqual(plan.goes(), set())
        self.assertIn("last use unknown: counts from now", plan.verdict("old:1")["reason"])

    def test_without_watcher_no_day_is_named_on_which_it_goes(self):
        self.fake.image("old:1", ago=400 * DAY, tagged=400 * DAY)
        for min_age in ("0s", "1h"):
            self.program.set_policy(USED.replace("min-age     = 0s", f"min-age = {min_age}"))
            self.assertNotIn("goes from", self.reason("old:1"))
            self.assertIn("keep-within: keeps it: not known, counts from now: 30d of 30d left",
                          self.call(0, "explain", "old:1").stdout)
        self.assertNotIn("goes from", self.call(0, "run").stdout)

    def test_what_nobody_used_goes_and_a_job_between_two_runs_keeps_its_image(self):
        self.fake.image("idle:1", ago=400 * DAY, tagged=400 * DAY)
        job = self.fake.image("job:1", ago=400 * DAY, tagged=400 * DAY)
        watcher = self.watch()
        self.end(watcher)
        self.watch()
        self.long_ago()
        self.assertEqual(self.plan().goes(), {"idle:1", "job:1"})
        start = int(time.time())
        self.fake.job("nightly", "job:1")
        self.wait_until_used(job, start)
        plan = self.plan()
        self.assertEqual(plan.goes(), {"idle:1"})
        self.assertRegex(plan.verdict("job:1")["reason"], r"^last used \d+s ago, kept for 30d")

    def test_time_before_the_watcher_counts_as_use(self):
        self.fake.image("old:1", ago=400 * DAY, tagged=400 * DAY)
        self.watch()
        self.seen_long_ago()
        plan = self.plan()
        self.assertEqual(plan.goes(), set())
        self.assertRegex(plan.verdict("old:1")["reason"],
                         r"^use unknown until .* \d\d:\d\d, since when reclaimd-watch runs, kept for 30d")
        shown = self.call(0, "explain", "old:1").stdout
        self.assertIn("nobody watched until then, which counts as use", shown)

    def test_a_run_of_a_service_is_noted(self):
        image = self.fake.image("shop:1")
        self.watch()
        self.fake.job("shop-web-1", "shop:1", labels={"com.docker.compose.project": "shop",
                                                      "com.docker.compose.service": "web"})
        self.wait_for_rows(lambda rows: rows == [("shop/web", image.id)], "SELECT service, image FROM runs")

    def test_the_end_of_a_container_counts_for_the_image_it_is_of_whatever_has_its_name_now(self):
        old = self.fake.image("app:1", label="old")
        container = self.fake.container("app", "app:1", "running")
        self.watch()
        new = self.fake.image(label="new")
        self.fake.tag(new, "app:1")
        self.fake.drop(container)
        self.execute("UPDATE objects SET last_used = 5")
        start = int(time.time())
        for action in ("die", "destroy"):
            self.fake.emit("container", action, container.id, image="app:1", name="app")
        self.wait_until_used(old, start)
        self.assertIsNone(self.last_used(new))

    def test_a_container_that_is_gone_at_once_is_known_by_its_images_name(self):
        image = self.fake.image("quick:1", tagged=None)
        self.watch()
        self.fake.job("quick", "quick:1", listed=False)
        self.wait_until_used(image, 1)
        self.assertEqual(len(self.intervals()), 1)

    def test_a_name_that_moved_meanwhile_says_nothing_so_the_time_counts_as_use(self):
        old = self.fake.image("quick:1", label="old")
        self.watch()
        new = self.fake.image(label="new")
        new.tagged = time.time() + 60
        self.fake.tag(new, "quick:1")
        self.fake.container("c", old, "running", config_image="quick:1")
        gone = self.fake.containers[next(iter(self.fake.containers))]
        self.fake.drop(gone)
        self.fake.emit("container", "start", gone.id, image="quick:1", name="c")
        self.wait_for_rows(lambda rows: len(rows) == 2, "SELECT id FROM watched")

    def test_volumes_are_noted_and_forgotten(self):
        self.watch()
        self.fake.emit("volume", "mount", "data", container="x", driver="local")
        self.fake.emit("volume", "mount", "other", container="x", driver="local")
        self.wait_for_rows(lambda rows: rows == [("data",), ("other",)],
                           "SELECT name FROM volume_uses ORDER BY name")
        self.fake.emit("volume", "destroy", "data", driver="local")
        self.wait_for_rows(lambda rows: rows == [("other",)], "SELECT name FROM volume_uses")
        # One that is made anew, by a driver that tells no time, is as new as that.
        self.fake.emit("volume", "create", "data", driver="of-others")
        self.wait_for_rows(lambda rows: rows == [("data",), ("other",)],
                           "SELECT name FROM volume_uses ORDER BY name")


class Meanwhile(WatchCase):
    """Between the plan and the DELETE, with no container left that would show it."""

    def setUp(self):
        super().setUp()
        self.job = self.fake.image("job:1", ago=400 * DAY, tagged=400 * DAY)
        self.fake.image("idle:1", ago=400 * DAY, tagged=400 * DAY)
        self.fake.image(label="loose", ago=400 * DAY, tagged=400 * DAY)

    def settle(self, goes):
        self.watch()
        self.long_ago()
        self.assertEqual(len(self.plan().goes()), goes)
        self.fake.forget()

    def run_with(self, happening, goes=3):
        """It happens when the containers were read again."""
        self.settle(goes)
        listed = []

        def at_second_list(request):
            listed.append(request)
            if len(listed) == 2:
                happening()
        self.fake.on("GET", "/containers/json.all=1$", at_second_list, None)
        return self.call(0, "run", "--json")

    def test_a_job_keeps_its_image(self):
        start = int(time.time())

        def job():
            self.fake.job("nightly", "job:1")
            self.wait_until_used(self.job, start)
        run = self.run_with(job)
        self.assertEqual(run.verdict("job:1")["outcome"], "changed", run)
        self.assertIn("used meanwhile", run.verdict("job:1")["detail"])
        self.assertEqual(self.fake.names(), {"job:1"})
        self.assertEqual(len(self.fake.deletes), 2)

    def test_a_pull_of_what_is_there_keeps_it(self):
        def pull():
            self.fake.emit("image", "pull", "job:1", name="job")
            self.wait_for_rows(lambda rows: rows[0][0], "SELECT pulled FROM objects WHERE id = ?", self.job.id)
        run = self.run_with(pull)
        self.assertEqual(run.verdict("job:1")["outcome"], "changed", run)

    def test_a_watcher_that_ends_keeps_what_goes_for_want_of_use(self):
        run = self.run_with(lambda: self.end(self.watchers[-1]) and None)
        self.assertEqual(self.fake.deletes, [])
        self.assertIn("nobody watches", run.verdict("job:1")["detail"])

    def test_a_watcher_that_is_held_up_keeps_what_goes_for_want_of_use(self):
        self.settle(3)
        self.watchers[-1].send_signal(signal.SIGSTOP)
        run = self.call(0, "run", "--json")
        self.watchers[-1].send_signal(signal.SIGCONT)
        self.assertEqual(self.fake.deletes, [])
        self.assertIn("nobody watches", run.verdict("job:1")["detail"])

    def test_use_by_rank_needs_no_watcher_that_was_not_there(self):
        self.program.set_policy("[images all]\nname = *\norder-by = used\nkeep-last = 1\ngroup-by = none\n"
                                "min-age = 0s\nmax-remove = 100%\n")
        self.call(0, "run")
        self.assertEqual(len(self.fake.deletes), 1)

    def test_other_rules_need_no_watcher(self):
        self.program.set_policy(USED.replace("age-from    = used", "age-from = created"))
        self.run_with(lambda: self.end(self.watchers[-1]) and None)
        self.assertEqual(len(self.fake.deletes), 3)

    def test_the_containers_that_go_along_are_no_use_since_then(self):
        self.program.set_policy(USED + "[containers all]\nstate = exited, created\nkeep-within = 1s\nmin-age = 0s\n")
        for state in ("exited", "created"):
            self.fake.container(state, self.fake.image(f"{state}:1", ago=400 * DAY, tagged=400 * DAY), state,
                                ago=200 * DAY)
        self.run_with(lambda: None, 7)
        self.assertEqual(self.fake.names(), set())


class Volumes(WatchCase):
    policy = """
[volumes named]
anonymous   = no
name        = data
keep-within = 1d
min-age     = 0s
"""

    def test_a_named_volume_is_judged_by_the_use_that_was_seen(self):
        self.fake.volume("data", ago=400 * DAY)
        self.call(0, "run")
        self.seen_long_ago()
        self.execute("UPDATE objects SET untagged_since = untagged_since - ?", 100 * DAY)
        self.assertEqual(self.plan().verdict("data")["reason_code"], "unwatched")
        self.watch()
        self.assertRegex(self.reason("data"), "^use unknown until .*, since when reclaimd-watch runs, kept for 1d")
        self.execute("UPDATE watched SET since = since - ?", 90 * DAY)
        self.assertEqual(self.plan().verdict("data")["reason_code"], "quarantine")
        self.fake.emit("volume", "unmount", "data", container="x", driver="local")
        self.wait_for_rows(lambda rows: rows == [("data",)], "SELECT name FROM volume_uses")
        self.assertRegex(self.reason("data"), r"^last used \d+s ago, kept for 1d")

    def goes_now(self):
        """The volume would go, and an image before it."""
        self.program.set_policy(self.policy + "[images all]\nrepository = *\nkeep-within = 1s\n"
                                              "min-age = 0s\nmax-remove = 100%\n")
        self.fake.volume("data", ago=400 * DAY)
        self.fake.image("old:1")
        self.call(0, "run", "--mode=observe")
        self.watch()
        self.seen_long_ago()
        self.execute("UPDATE objects SET untagged_since = untagged_since - ?", 100 * DAY)
        self.execute("UPDATE objects SET announced = ? WHERE kind = 'volume'", int(time.time()) - 8 * DAY)
        self.execute("UPDATE watched SET since = since - ?", 90 * DAY)
        self.assertEqual(self.plan().goes(), {"data", "old:1"})

    def test_use_that_is_seen_while_images_go_keeps_a_volume(self):
        self.goes_now()

        def use(_request):
            self.fake.emit("volume", "mount", "data", container="x", driver="local")
            self.wait_for_rows(lambda rows: rows == [("data",)], "SELECT name FROM volume_uses")
        self.fake.on("DELETE", "/images/", use)
        run = self.call(0, "run", "--json")
        self.assertEqual(run.verdict("data")["outcome"], "changed", run)
        self.assertIn("data", self.fake.volumes)

    def test_a_watcher_that_ends_while_images_go_keeps_a_volume(self):
        self.goes_now()
        self.fake.on("DELETE", "/images/", lambda _request: self.end(self.watchers[0]) and None)
        run = self.call(0, "run", "--json")
        self.assertEqual(run.verdict("data")["outcome"], "changed", run)
        self.assertIn("data", self.fake.volumes)

    def test_an_unused_volume_goes_after_the_images(self):
        self.goes_now()
        run = self.call(0, "run", "--json")
        self.assertEqual(run.verdict("data")["outcome"], "removed", run)

    def test_check_says_that_none_goes_only_while_nobody_watches(self):
        self.assertIn("anonymous = no: nothing watches the engine", self.call(0, "check").stderr)
        self.watch()
        self.assertEqual(self.call(0, "check").stderr, "")


class Names(WatchCase):
    policy = """
[images tagged]
repository  = *
keep-within = 30d
min-age     = 0s
max-remove  = 100%
"""

    def test_a_pull_of_what_was_there_already_makes_it_new_again(self):
        image = self.fake.image("tool:1", ago=400 * DAY, tagged=None)
        self.watch()
        self.long_ago()
        self.assertEqual(self.plan().goes(), {"tool:1"})
        self.fake.emit("image", "pull", "tool:1", name="tool")
        self.wait_for_rows(lambda rows: rows and rows[0][0], "SELECT pulled FROM objects WHERE id = ?", image.id)
        plan = self.plan()
        self.assertEqual(plan.goes(), set())
        self.assertRegex(plan.verdict("tool:1")["reason"], r"^pulled \d+s ago, kept for 30d")
        # The next look does not forget it.
        self.call(0, "run")
        self.assertTrue(self.rows("SELECT pulled FROM objects WHERE id = ?", image.id)[0][0])

    def test_a_build_loses_its_name_to_the_next_one(self):
        first = self.fake.image("app:1", label="first")
        self.watch()
        for label in ("second", "third"):
            image = self.fake.image(label=label)
            self.fake.tag(image, "app:1")
            self.fake.emit("image", "tag", image.id, name="app:1")
        self.wait_for_rows(lambda rows: len(rows) == 3, "SELECT image FROM image_names")
        lost = {image: at for image, at in self.rows("SELECT image, lost FROM image_names WHERE name = 'app:1'")}
        self.assertIsNone(lost.pop(image.id))
        self.assertIn(first.id, lost)
        for at in lost.values():
            self.assertAlmostEqual(at, time.time(), delta=30)
        shown = self.call(0, "explain", first.id).stdout
        self.assertIn("it had    app:1", shown)
        self.assertEqual(self.plan().verdict(first.id)["verdict"], "keep")


class Gaps(WatchCase):
    def test_a_watcher_that_was_killed_leaves_a_gap_that_counts_as_use(self):
        self.fake.image("old:1", ago=400 * DAY, tagged=400 * DAY)
        self.end(self.watch(), signal.SIGKILL)
        self.assertIn("last use unknown", self.reason("old:1"))
        self.watch()
        self.seen_long_ago()
        self.execute("UPDATE watched SET since = since - ?, until = until - 600 WHERE id = 1", 90 * DAY)
        self.assertEqual(len(self.intervals()), 2)
        self.assertRegex(self.reason("old:1"), r"^use unknown between .* \d\d:\d\d and .* \d\d:\d\d, kept for")

    def test_nobody_believes_an_interval_while_nobody_watches(self):
        self.fake.image("old:1", ago=400 * DAY, tagged=400 * DAY)
        watcher = self.watch()
        self.long_ago()
        self.assertEqual(self.plan().goes(), {"old:1"})
        self.end(watcher, signal.SIGKILL)
        self.assertEqual(self.plan().goes(), set())

    def test_a_watcher_that_writes_no_more_is_not_believed(self):
        self.fake.image("old:1", ago=400 * DAY, tagged=400 * DAY)
        watcher = self.watch()
        self.long_ago()
        watcher.send_signal(signal.SIGSTOP)
        self.execute("UPDATE watched SET until = until - 91")
        goes = self.plan().goes()
        watcher.send_signal(signal.SIGCONT)
        self.assertEqual(goes, set())

    def test_a_watcher_that_was_held_up_may_have_missed_what_the_engine_dropped(self):
        self.fake.image("job:1")
        watcher = self.watch()
        watcher.send_signal(signal.SIGSTOP)
        for number in range(100):
            self.fake.emit("volume", "mount", f"data-{number}")
        time.sleep(7)
        watcher.send_signal(signal.SIGCONT)
        self.wait_for_rows(lambda rows: rows == [(100,)], "SELECT count(*) FROM volume_uses")
        self.wait_for_rows(lambda rows: len(rows) == 2, "SELECT id FROM watched")
        self.assertIn("the watcher was held up", self.end(watcher))

    def test_what_the_engine_remembers_fills_the_gap(self):
        image = self.fake.image("job:1")
        watcher = self.watch()
        self.fake.job("before", "job:1")
        self.wait_for_rows(lambda rows: rows and rows[0][0], "SELECT last_event FROM watched")
        self.fake.wait_for(lambda: self.rows("SELECT last_event FROM watched")[0][0] ==
                           self.fake.ring[-1]["timeNano"])
        self.end(watcher)
        self.execute("UPDATE objects SET last_used = 5")
        start = int(time.time())
        container = self.fake.container("meanwhile", "job:1", "running")
        self.fake.emit("container", "start", container.id, image="job:1", name="meanwhile")
        self.watch()
        self.wait_until_used(image, start)
        self.assertEqual(len(self.intervals()), 1)

    def test_where_it_remembers_too_little_the_gap_stays(self):
        self.fake.image("job:1")
        watcher = self.watch()
        self.fake.job("before", "job:1")
        self.wait_for_rows(lambda rows: rows and rows[0][0], "SELECT last_event FROM watched")
        self.end(watcher)
        for number in range(256):
            self.fake.emit("container", "exec_start: probe", "0" * 64, image="job:1")
        self.watch()
        self.assertEqual(len(self.intervals()), 2)

    def test_later_events_are_no_proof_that_it_remembers_all(self):
        image = self.fake.image("job:1")
        watcher = self.watch()
        self.fake.job("before", "job:1")
        self.wait_for_rows(lambda rows: rows and rows[0][0], "SELECT last_event FROM watched")
        self.end(watcher)
        self.fake.restart()
        self.execute("UPDATE objects SET last_used = 5")
        self.fake.job("after", "job:1", listed=False)
        self.watch()
        self.wait_until_used(image, 6)
        self.assertEqual(len(self.intervals()), 2)

    def test_an_engine_that_was_restarted_remembers_nothing(self):
        self.fake.image("job:1")
        watcher = self.watch()
        self.fake.job("before", "job:1")
        self.wait_for_rows(lambda rows: rows and rows[0][0], "SELECT last_event FROM watched")
        self.fake.restart()
        self.wait_for_rows(lambda rows: len(rows) == 2, "SELECT id FROM watched")
        self.fake.wait_for(self.fake.listens)
        self.fake.job("after", "job:1")
        said = self.end(watcher)
        self.assertIn("the events of the engine broke off", said)
        self.assertIn("nobody watched between", said)

    def test_a_connection_that_broke_is_taken_up_again_without_a_gap(self):
        image = self.fake.image("job:1")
        watcher = self.watch()
        self.fake.job("before", "job:1")
        self.fake.wait_for(lambda: self.rows("SELECT last_event FROM watched")[0][0] ==
                           self.fake.ring[-1]["timeNano"])
        for _ in range(2):
            self.fake.end_events()
            self.fake.wait_for(lambda: not self.fake.listens())
            self.execute("UPDATE objects SET last_used = 5")
            start = int(time.time())
            container = self.fake.container(f"job-{start}", "job:1", "running")
            self.fake.emit("container", "start", container.id, image="job:1", name=container.name)
            self.wait_until_used(image, start)
            self.wait_until_watched()
        self.assertEqual(len(self.intervals()), 1)
        self.end(watcher)

    def test_while_the_connection_is_away_nobody_watches(self):
        self.fake.image("old:1", ago=400 * DAY, tagged=400 * DAY)
        self.watch()
        self.long_ago()
        self.assertEqual(self.plan().goes(), {"old:1"})
        self.fake.on("GET", "/events", CLOSE, times=None)
        self.fake.end_events()
        self.wait_for_rows(lambda rows: rows == [(0,)], "SELECT open FROM watched")
        self.assertEqual(self.plan().goes(), set())


class Stream(WatchCase):
    def event(self, action, container, image):
        return (json.dumps({"Type": "container", "Action": action, "Actor": {
            "ID": container.id, "Attributes": {"image": image, "name": container.name, "ü": "ü"}},
            "timeNano": time.time_ns()}, ensure_ascii=False) + "\n").encode()

    def test_events_may_come_in_any_pieces(self):
        image = self.fake.image("job:1")
        self.watch()
        container = self.fake.container("job", "job:1", "running")
        start = int(time.time())
        data = self.event("create", container, "job:1") + self.event("start", container, "job:1")
        for byte in data[:-1]:
            self.fake.send_events(bytes([byte]))
        self.wait_until_used(image, start)
        self.fake.send_events(data[-1:])
        self.assertEqual(len(self.intervals()), 1)

    def test_garbage_ends_the_connection_and_leaves_a_gap(self):
        for garbage in (b"]", b'{"Type":', b"\xff\xfe", b"{]}\n", b"null\n"):
            with self.subTest(garbage):
                watcher = self.watch()
                count = len(self.intervals())
                self.fake.send_events(garbage)
                if garbage == b'{"Type":':
                    self.fake.end_events()
                self.wait_for_rows(lambda rows, count=count: len(rows) == count + 1 and rows[-1][0],
                                   "SELECT open FROM watched ORDER BY id")
                self.end(watcher)

    def test_an_event_that_is_not_understood_makes_a_gap_but_the_rest_counts(self):
        image = self.fake.image("job:1")
        watcher = self.watch()
        for event in ({"Type": 7}, {"Type": "container", "Action": "start", "timeNano": 5},
                      {"Type": "container", "Action": "start", "Actor": {"ID": "", "Attributes": {}},
                       "timeNano": time.time_ns()}):
            count = len(self.intervals())
            self.fake.send_events(json.dumps(event).encode())
            self.fake.send_events(b"\n")
            self.wait_for_rows(lambda rows, count=count: len(rows) > count, "SELECT id FROM watched")
        self.fake.job("job", "job:1")
        self.wait_until_used(image, 1)
        self.assertEqual(self.fake.listens(), 1)
        self.assertIn("not understood", self.end(watcher))

    def test_events_of_other_kinds_are_no_matter(self):
        self.watch()
        self.fake.send_events(b'{"Type":"container","Action":"mount","Actor":{"ID":"x"},"timeNano":1}\n')
        self.fake.send_events(b'{"Type":"plugin","Action":"pull","Actor":{"ID":""},"timeNano":1}\n')
        self.fake.emit("volume", "mount", "data")
        self.wait_for_rows(lambda rows: rows == [("data",)], "SELECT name FROM volume_uses")
        self.assertEqual(len(self.intervals()), 1)

    def test_an_engine_that_refuses_its_events_is_asked_again(self):
        self.fake.on("GET", "/events", refusal(500, "no \x1bevents"))
        watcher = self.watch()
        self.fake.wait_for(self.fake.listens)
        self.wait_until_watched()
        self.assertIn("the engine does not tell its events: 500 no \\x1bevents", self.end(watcher))

    def test_three_hours_in_fast_motion_leave_the_memory_flat(self):
        self.fake.image("job:1")
        for number in range(20):
            self.fake.container(f"probed-{number}", "job:1", "running")
        watcher = self.watch()
        sizes = []
        start = time.time() - 60 * 180
        for minute in range(180):
            at = start + 60 * minute
            for number in range(50):
                self.fake.job(f"job-{minute}-{number}", "job:1", at + number, listed=False)
            if minute % 20 == 19:
                last = self.fake.ring[-1]["timeNano"]
                self.fake.wait_for(lambda last=last: self.rows(
                    "SELECT max(last_event) FROM watched")[0][0] >= last, 120)
                sizes.append(self.resident(watcher))
        self.assertEqual(self.fake.listens(), 1)
        if not SANITIZED:
            # Caches fill, and a burst of events takes some that malloc gives back when it likes.
            self.assertLess(min(sizes[-3:]), max(sizes[:3]) + 1024, f"kB of {sizes}")
        self.end(watcher)

    def resident(self, process):
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


class Together(WatchCase):
    policy = USED

    def test_a_second_watcher_says_so(self):
        self.watch()
        second = self.call(75, "watch")
        self.assertIn(f"another reclaimd watches {self.fake.socket}", second.stderr)

    def test_a_run_does_not_wait_for_the_watcher_nor_the_watcher_for_a_run(self):
        for number in range(50):
            self.fake.image(f"app:{number}")
        watcher = self.watch()
        runs = 0
        for number in range(400):
            image = self.fake.image(f"new:{number}", label=f"new-{number}")
            self.fake.emit("image", "tag", image.id, name=f"new:{number}")
            if number % 40 == 0:
                run = self.call(0, "run")
                self.assertNotIn("state", run.stderr)
                runs += 1
        self.wait_for_rows(lambda rows: rows == [(400,)],
                           "SELECT count(*) FROM image_names WHERE name LIKE 'new:%'")
        self.assertNotIn("state", self.end(watcher))
        self.assertEqual(runs, 10)

    def test_while_somebody_else_holds_the_state_what_is_seen_waits(self):
        image = self.fake.image("job:1")
        watcher = self.watch()
        path = next((self.program.folder / "state").glob("*.sqlite"))
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            self.fake.job("job", "job:1")
            time.sleep(1.5)
            other.execute("ROLLBACK")
        self.wait_until_used(image, 1)
        self.end(watcher)
        self.assertEqual(len(self.intervals()), 1)

    def test_a_state_that_was_removed_is_not_written_on(self):
        watcher = self.watch()
        next((self.program.folder / "state").glob("*.sqlite")).unlink()
        self.fake.emit("volume", "mount", "data")
        _, said = watcher.communicate(timeout=30)
        self.assertEqual(watcher.returncode, 1, said)
        self.assertIn(b"it was removed or replaced", said)

    def test_a_state_that_cannot_be_used_ends_it(self):
        self.call(0, "run")
        state = next((self.program.folder / "state").glob("*.sqlite"))
        state.unlink()
        state.mkdir()
        self.assertIn("not a file", self.call(1, "watch").stderr)

    def test_an_engine_that_is_not_there_yet_is_waited_for(self):
        socket = self.program.socket
        self.program.socket = self.program.folder / "later.sock"
        watcher = self.program.start("watch")
        self.watchers.append(watcher)
        time.sleep(0.5)
        os.symlink(socket, self.program.socket)
        self.fake.wait_for(self.fake.listens)
        said = self.end(watcher)
        self.assertIn("waiting for it", said)


class Check(WatchCase):
    def test_it_says_that_nothing_goes_by_used_only_while_nobody_watches(self):
        own = "--user " if os.geteuid() else ""
        self.assertIn(f"systemctl {own}enable --now reclaimd-watch.service", self.call(0, "check").stderr)
        watcher = self.watch()
        self.assertEqual(self.call(0, "check").stderr, "")
        self.end(watcher)
        self.assertIn("nothing watches the engine", self.call(0, "check").stderr)


if __name__ == "__main__":
    unittest.main()
