"""How many removals are under way at a time, by the setting and by who started the run."""

import threading
import time

from harness.fake import FakeCase

POLICY = """
[containers all]
name        = *
keep-within = 0s
min-age     = 0s
[images all]
name        = *
dangling    = any
keep-within = 0s
min-age     = 0s
max-remove  = 100%
"""


class Pace(FakeCase):
    policy = POLICY

    def most_at_once(self, setting, **environment):
        """Of containers and of images, in a run that removes both."""
        for number in range(6):
            self.fake.image(f"app:{number}")
            self.fake.container(f"job-{number}", f"app:{number}")
        lock, under_way, most = threading.Lock(), {}, {}

        def take_a_while(request):
            kind = request.path.split("/")[1]
            with lock:
                under_way[kind] = under_way.get(kind, 0) + 1
                most[kind] = max(most.get(kind, 0), under_way[kind])
            time.sleep(0.05)
            with lock:
                under_way[kind] -= 1

        self.fake.on("DELETE", "", take_a_while, times=None)
        self.program.set_settings(f"[run]\n{setting}\n")
        self.call(0, "run", **environment)
        self.assertEqual(self.fake.names(), set())
        self.fake.forget()
        return most["containers"], most["images"]

    def test_gentle_is_one_at_a_time(self):
        self.assertEqual(self.most_at_once("pace = gentle"), (1, 1))

    def test_a_run_of_the_timer_is_gentle_unless_told_otherwise(self):
        timer = {"TRIGGER_UNIT": "reclaimd.timer"}
        self.assertEqual(self.most_at_once("", **timer), (1, 1))
        self.assertGreater(min(self.most_at_once("pace = fast", **timer)), 1)

    def test_any_other_run_is_fast(self):
        self.assertGreater(min(self.most_at_once("")), 1)
