"""Named volumes go in two steps: announced first, and only if nobody uses them meanwhile."""

import unittest

from harness.fake import CLOSE

from .test_watch import DAY, WatchCase

POLICY = """
[volumes caches]
anonymous   = no
name        = cache-*
keep-within = 1d
quarantine  = 7d
min-age     = 0s
max-remove  = 100%
"""


class Quarantine(WatchCase):
    policy = POLICY

    def setUp(self):
        super().setUp()
        self.volume = self.fake.volume("cache-a", ago=400 * DAY)
        self.fake.volume("precious", ago=400 * DAY)

    def age(self, days):
        """All that the state knows of becomes that much older, the watcher's time included."""
        for column in ("first_seen", "untagged_since", "announced"):
            self.execute(f"UPDATE objects SET {column} = {column} - ?", days * DAY)
        self.execute("UPDATE watched SET since = since - ?", days * DAY)

    def announced(self):
        return self.rows("SELECT announced IS NOT NULL FROM objects WHERE kind = 'volume' AND id = 'cache-a'")

    def settle(self):
        """Seen without user for long, watched all the time."""
        self.call(0, "run")
        self.watch()
        self.age(30)

    def verdict(self):
        return self.plan().verdict("cache-a")

    def test_it_is_announced_and_goes_a_week_later(self):
        self.settle()
        self.assertEqual(self.verdict()["reason_code"], "quarantine")
        said = self.call(0, "run").stdout
        self.assertIn("announced the removal of 1 volume", said)
        self.assertIn("cache-a", said)              # the row is there without --all
        self.assertEqual(self.announced(), [(1,)])
        said = self.call(0, "run").stdout
        self.assertNotIn("announced the removal", said)   # once
        self.age(6)
        self.assertRegex(self.verdict()["reason"], "quarantine 7d, goes from .* on")
        self.call(0, "run")
        self.assertIn("cache-a", self.fake.volumes)
        self.age(1)
        outcome = self.call(0, "run", "--json")
        self.assertEqual(outcome.verdict("cache-a")["outcome"], "removed", outcome)
        self.assertEqual(set(self.fake.volumes), {"precious"})

    def test_use_in_between_starts_the_time_anew(self):
        self.settle()
        self.call(0, "run")
        self.age(6)
        self.fake.emit("volume", "mount", "cache-a", container="x", driver="local")
        self.fake.emit("volume", "unmount", "cache-a", container="x", driver="local")
        self.wait_for_rows(lambda rows: rows == [("cache-a",)], "SELECT name FROM volume_uses")
        self.assertEqual(self.verdict()["reason_code"], "keep-within")
        self.age(1)
        self.execute("UPDATE volume_uses SET at = at - ?", 2 * DAY)
        self.assertEqual(self.verdict()["reason_code"], "quarantine")
        self.assertIn("announced the removal of 1 volume", self.call(0, "run").stdout)
        self.assertIn("cache-a", self.fake.volumes)

    def test_a_container_seen_at_a_run_starts_the_time_anew(self):
        self.settle()
        self.call(0, "run")
        self.fake.image("base:1")
        container = self.fake.container("user", "base:1")
        self.fake.mount(container, self.volume)
        self.call(0, "run")
        self.assertEqual(self.announced(), [(0,)])
        self.fake.drop(container)
        self.call(0, "run")
        self.age(3)
        self.assertTrue(self.verdict()["reason"].startswith("first seen unused"), self.verdict())
        self.assertEqual(self.verdict()["reason_code"], "quarantine")
        self.assertIn("would announce the removal of 1 volume", self.call(0, "plan").stdout)

    def test_a_watcher_that_was_away_starts_the_time_anew(self):
        self.settle()
        self.call(0, "run")
        self.end(self.watchers.pop())
        self.age(8)
        self.assertEqual(self.verdict()["reason_code"], "unwatched")
        self.call(0, "run")
        self.watch()
        self.execute("DELETE FROM watched WHERE open = 0")
        self.assertEqual(self.verdict()["reason_code"], "keep-within")
        self.call(0, "run")
        self.assertIn("cache-a", self.fake.volumes)

    def test_one_that_was_made_anew_is_another_one(self):
        self.settle()
        self.call(0, "run")
        self.age(8)
        self.fake.volumes.clear()
        self.fake.volume("cache-a", ago=10)
        outcome = self.call(0, "run", "--json")
        self.assertEqual(outcome.goes(), set())
        self.assertIn("cache-a", self.fake.volumes)

    def test_a_lost_state_starts_the_time_anew(self):
        self.settle()
        self.call(0, "run")
        self.end(self.watchers.pop())
        self.program.forget()
        self.call(0, "run")
        self.watch()
        self.assertNotEqual(self.verdict()["verdict"], "remove")
        self.call(0, "run")
        self.assertIn("cache-a", self.fake.volumes)

    def test_looking_announces_nothing(self):
        self.settle()
        for arguments in (("plan",), ("run", "--dry-run"), ("run", "--mode=observe"), ("explain", "cache-a")):
            self.call(0, *arguments)
            self.assertEqual(self.announced(), [(0,)], arguments)

    def test_the_brake_announces_nothing(self):
        self.settle()
        self.program.set_policy(POLICY + "\n[networks all]\nname = *\nkeep-within = 0s\nmin-age = 0s\n"
                                         "max-remove = 0\n")
        self.fake.network("free")
        self.call(4, "run")
        self.assertEqual(self.announced(), [(0,)])

    def test_what_could_not_be_remembered_was_not_announced(self):
        self.settle()
        self.end(self.watchers.pop())
        path = next((self.program.folder / "state").glob("*.sqlite"))
        path.write_bytes(b"garbage")
        self.assertNotIn("announced", self.call(0, "run").stdout)
        self.assertIn("cache-a", self.fake.volumes)

    def test_a_pin_ends_it(self):
        self.settle()
        self.call(0, "run")
        self.program.set_policy(POLICY + "keep-name = cache-a\n")
        self.age(30)
        self.call(0, "run")
        self.assertIn("cache-a", self.fake.volumes)

    def test_many_at_once(self):
        for number in range(30):
            self.fake.volume(f"cache-{number}", ago=400 * DAY)
        self.settle()
        self.assertIn("announced the removal of 31 volumes", self.call(0, "run").stdout)
        self.age(7)
        self.fake.on("DELETE", "/volumes/cache-7$", CLOSE, times=None)
        outcome = self.call(3, "run", "--json")
        self.assertEqual(set(self.fake.volumes), {"precious", "cache-7"}, outcome)


if __name__ == "__main__":
    unittest.main()
