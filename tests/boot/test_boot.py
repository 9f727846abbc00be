"""The harness itself: a booted systemd leaves nothing, though its tests are killed."""

import os
import pathlib
import subprocess
import sys
import time
import unittest

VICTIM = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from harness.boot import Boot
boot = Boot().start()
print(boot.stage, boot.name, os.readlink(f"/proc/{boot.leader}/ns/pid"), flush=True)
time.sleep(100)
"""


def left(stage, name, namespace):
    """What is still there of it."""
    found = [stage] if os.path.exists(stage) else []
    for place in (name, f"*/{name}"):
        found += pathlib.Path("/sys/fs/cgroup").glob(place)
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
            if state not in "ZX" and os.readlink(process / "ns" / "pid") == namespace:
                found.append(process)
        except OSError:
            pass
    return found


class Ended(unittest.TestCase):
    def test_killed(self):
        victim = subprocess.Popen([sys.executable, "-c", VICTIM, pathlib.Path(__file__).parents[1]],
                                  stdout=subprocess.PIPE, text=True,
                                  env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        words = victim.stdout.readline().split()
        self.assertEqual(len(words), 3)
        self.assertGreater(len(left(*words)), 3)
        victim.kill()
        victim.communicate()
        deadline = time.monotonic() + 30
        while left(*words) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(left(*words), [])
