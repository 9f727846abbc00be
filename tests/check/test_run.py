"""A run of the tests that is killed leaves nothing, or nothing that the next one does not remove."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from harness import cage, places
from harness.program import REPOSITORY

# Starts what would wait for ever for an engine, says so, and waits to be ended.
VICTIM = """
import sys, time
sys.path.insert(0, sys.argv[1])
from harness import places
from harness.program import Program
places.use_for_all()
watcher = Program("/nowhere/docker.sock").start("watch")
print(watcher.stderr.readline().decode(), flush=True)
time.sleep(100)
"""


class Killed(unittest.TestCase):
    def setUp(self):
        self.own = pathlib.Path(tempfile.mkdtemp(prefix="rcl-own-", dir=places.folder()))
        self.temporary = pathlib.Path(tempfile.mkdtemp(prefix="rcl-tmp-"))
        for folder in (self.own, self.temporary):
            self.addCleanup(shutil.rmtree, folder, ignore_errors=True)

    def start(self, *words):
        return self.start_python(subprocess.DEVNULL, str(REPOSITORY / "tests/run"), *words)

    def start_python(self, stdout, *words):
        run = subprocess.Popen([sys.executable, "-B", *words], start_new_session=True,
                               stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.DEVNULL,
                               env={**os.environ, places.VARIABLE: str(self.own), "TMPDIR": str(self.temporary)})
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        return run

    def start_and_look(self):
        """A run in the middle of a test, and the folders it has by then."""
        run = self.start("check", "test_watch")
        self.until(lambda: list(self.own.glob("*/rcl-program-*")) and list(self.temporary.glob("*/rcl-fake-*")))
        run.send_signal(signal.SIGSTOP)
        return run, self.folders()

    def folders(self):
        return sorted([*self.own.glob("*"), *self.temporary.glob("*")])

    def left(self):
        """Folders, and processes that were told of one."""
        found = self.folders()
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if str(self.own).encode() in (process / "environ").read_bytes():
                    found.append((process / "comm").read_text().strip())
            except OSError:
                pass
        return found

    def until(self, condition, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, self.left())
            time.sleep(0.02)

    def test_alone_or_with_its_group_it_leaves_nothing(self):
        for kill in (os.kill, os.killpg):
            with self.subTest(kill.__name__):
                run, folders = self.start_and_look()
                self.assertEqual(len(folders), 2)
                kill(run.pid, signal.SIGKILL)
                run.wait()
                self.until(lambda: not self.left())

    def test_a_program_that_waits_ends_with_it(self):
        run = self.start_python(subprocess.PIPE, "-c", VICTIM, str(REPOSITORY / "tests"))
        with run.stdout:
            self.assertIn(b"waiting for it", run.stdout.readline())
        run.kill()
        run.wait()
        self.until(lambda: not self.left())

    def test_with_its_reapers_it_leaves_what_the_next_run_removes(self):
        run, folders = self.start_and_look()
        for process in [*cage.children(run.pid), run.pid]:
            os.kill(process, signal.SIGKILL)
        run.wait()
        self.assertEqual(self.folders(), folders)
        self.start("check", "no-such-file").wait()
        self.until(lambda: not self.left())

    def test_while_it_lives_the_next_run_leaves_it_alone(self):
        _, folders = self.start_and_look()
        inside = [entry for folder in folders for entry in folder.iterdir()]
        self.start("check", "no-such-file").wait()
        self.until(lambda: self.folders() == folders)
        self.assertEqual([entry for folder in folders for entry in folder.iterdir()], inside)

    def test_what_no_run_has_locked_stays(self):
        for name, file in (("rcl-run-strange", "else"), ("rcl-run-empty", None), ("other", "alive")):
            (self.own / name).mkdir()
            if file:
                (self.own / name / file).touch()
        folders = self.folders()
        self.start("check", "no-such-file").wait()
        self.until(lambda: self.folders() == folders)
