"""The memory between runs: without it a run goes on, says so once, and keeps what only it could release."""

import os
import resource
import shutil
import sqlite3
import subprocess
import threading
import unittest

from harness.fake import NOBODY, Fake, FakeCase, as_nobody, digest, readable, refusal
from harness.program import Outcome, Program

POLICY = """
[containers exited]
state       = exited
keep-within = 1h

[images dangling]
dangling    = yes
keep-within = 1h
"""


def world(fake):
    """One container that goes by itself, one image that only the memory can release."""
    fake.image("base:1")
    fake.container("done", "base:1")
    fake.image(label="old")


def state_file(program):
    files = [one for one in (program.folder / "state").iterdir() if one.suffix == ".sqlite"]
    assert len(files) == 1, files
    return files[0]


def learn(program, seconds=7200):
    """A run that saw all there is, that long ago."""
    outcome = program("run", "--mode=observe")
    assert outcome.status == 0, outcome
    with sqlite3.connect(state_file(program)) as database:
        database.execute("UPDATE objects SET first_seen = first_seen - ?, untagged_since = "
                         "untagged_since - ?, last_used = last_used - ?", (seconds, seconds, seconds))
        database.execute("UPDATE image_names SET first_seen = first_seen - ?, lost = lost - ?",
                         (seconds, seconds))
        database.execute("UPDATE looks SET last = last - ?", (seconds,))
    database.close()


class Case(FakeCase):
    policy = POLICY

    def setUp(self):
        super().setUp()
        world(self.fake)

    @property
    def file(self):
        return state_file(self.program)


class Memory(Case):
    def test_what_was_seen_long_enough_goes(self):
        learn(self.program)
        run = self.call(0, "run")
        self.assertEqual(set(self.fake.removed), {"done", "old"})
        self.assertEqual(run.stderr, "")

    def test_what_was_seen_just_now_stays(self):
        self.call(0, "run")
        run = self.call(0, "run")
        self.assertEqual(self.fake.removed, ["done"])
        self.assertEqual(run.stderr, "")

    def test_a_first_look_says_so_and_when_it_goes(self):
        run = self.call(0, "run")
        self.assertRegex(run.stdout, r"first look at this engine: 1 age unknown; it goes from .* on")
        self.assertNotIn("first look", self.call(0, "run").stdout)

    def test_explain_calls_the_first_look_by_its_name(self):
        self.fake.image("new:1", tagged=9 * 86400)
        self.program.set_policy("[images all]\nname = *\nkeep-last = 1\n")
        learn(self.program)
        shown = self.call(0, "explain", "new:1").stdout
        self.assertRegex(shown, "tagged 9d ago .the engine says so")
        self.assertRegex(shown, "min-age: .*first seen .* ago")

    def test_a_name_that_was_lost_is_remembered(self):
        image = self.fake.image("app:latest")
        self.call(0, "run", "--mode=observe")
        self.fake.image("app:latest", label="rebuilt")
        plan = self.call(0, "plan", "--json")
        self.assertIn("was app:latest", plan.verdict(image.id)["reason"])

    def test_an_image_with_a_digest_is_dangling_only_if_it_was_seen_with_a_name(self):
        image = self.fake.image("app:1", "app@" + digest("app"), label="seen")
        self.fake.image("other@" + digest("other"), label="never seen")
        learn(self.program)
        self.fake.untag("app:1")
        learn(self.program)
        self.call(0, "run")
        self.assertNotIn(image.label, self.fake.names())
        self.assertIn("never seen", self.fake.names())

    def test_a_name_that_came_and_went_begins_a_new_count(self):
        learn(self.program)
        self.fake.tag(self.fake.images[digest("image old")], "app:1")
        self.call(0, "run", "--mode=observe")
        self.fake.untag("app:1")
        self.call(0, "run")
        self.assertIn("old", self.fake.names())

    def test_a_name_that_an_old_image_got_since_is_as_new_as_it_is_seen(self):
        """So does a pull or load of what is there already, and any tag with Podman: no engine tells when."""
        self.program.set_policy("[images tagged]\nname = app*\nkeep-within = 0s\nmax-remove = 100%\n")
        superseded = self.fake.image("app:1", label="superseded", tagged=None)
        other = self.fake.image("app:2", label="other", tagged=30 * 86400)
        self.fake.untag("app:1")
        learn(self.program)
        self.assertEqual(self.call(0, "plan", "--json").goes(), {"app:2"})
        self.fake.tag(superseded, "app:1")
        self.fake.tag(other, "app:3")
        plan = self.call(0, "plan", "--json", "--all")
        self.assertEqual(plan.goes(), set())
        for name in ("app:1", "app:3"):
            self.assertRegex(plan.verdict(name)["reason"], "^never seen with this name before: counts from now, "
                             "younger than min-age 1h, goes from ")
        self.call(0, "run")
        plan = self.call(0, "plan", "--json", "--all")
        self.assertRegex(plan.verdict("app:1")["reason"], r"^first seen with this name \d+s ago, younger than")
        learn(self.program)
        self.assertEqual(self.call(0, "plan", "--json").goes(), {"app:1", "app:2", "app:3"})

    def test_a_name_that_an_image_has_again_is_new_again(self):
        self.program.set_policy("[images tagged]\nname = app:1\nkeep-within = 0s\nmax-remove = 100%\n")
        image = self.fake.image("app:1", tagged=None)
        learn(self.program)
        self.fake.untag("app:1")
        learn(self.program)
        self.fake.tag(image, "app:1")
        self.call(0, "run", "--mode=observe")
        self.assertEqual(self.call(0, "plan", "--json").goes(), set())

    def test_what_is_gone_is_forgotten(self):
        learn(self.program)
        image = self.fake.images[digest("image old")]
        self.fake.drop(image)
        self.call(0, "run", "--mode=observe")
        self.fake.image(label="old")
        self.call(0, "run")
        self.assertIn("old", self.fake.names())

    def test_a_list_that_was_not_read_makes_nothing_be_forgotten(self):
        learn(self.program)
        self.fake.on("GET", "/images/json", refusal(500, "no"))
        self.program("run", "--mode=observe")
        self.call(0, "run")
        self.assertNotIn("old", self.fake.names())

    def test_a_plan_reads_it_and_does_not_write_it(self):
        learn(self.program)
        before = self.file.read_bytes()
        self.assertIn(digest("image old"), self.call(0, "plan", "--json").goes())
        self.assertEqual(self.file.read_bytes(), before)
        self.assertEqual([one.name for one in self.file.parent.iterdir()], [self.file.name])

    def test_two_engines_do_not_share_it(self):
        learn(self.program)
        other, program = self.another()
        program.environment = {**program.environment,
                               "STATE_DIRECTORY": self.program.environment["STATE_DIRECTORY"]}
        world(other)
        self.assertEqual(program("run").status, 0)
        self.assertIn("old", other.names())

    def test_an_engine_whose_data_lies_elsewhere_is_looked_at_anew(self):
        """Another one listens there, or it has begun anew: it may have got the same images a minute ago."""
        learn(self.program)
        self.fake.data_root = self.fake.folder / "moved"
        (self.fake.data_root / "overlay2").mkdir(parents=True)
        self.assertIn("first look", self.call(0, "plan").stdout)
        self.call(0, "run")
        self.assertIn("old", self.fake.names())
        learn(self.program)
        self.call(0, "run")
        self.assertNotIn("old", self.fake.names())

    def test_everybody_may_read_it_and_nobody_else_write(self):
        self.call(0, "run")
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o644)
        self.assertEqual(self.file.parent.stat().st_mode & 0o777, 0o755)


class Broken(Case):
    """A memory that would have released the image, spoiled in one way or the other."""

    def spoiled(self, words):
        plan = self.call(0, "plan", "--json")
        self.assertNotIn(digest("image old"), plan.goes())
        run = self.call(0, "run", "--json")
        self.assertEqual(self.fake.removed, ["done"], run)
        for outcome in (plan, run):
            self.assertEqual(len(outcome.stderr.splitlines()), 1, outcome)
            self.assertIn(words, outcome.stderr)
            self.assertIn(str(self.program.folder / "state"), outcome.stderr)

    def spoil(self, change, words):
        learn(self.program)
        change(self.file)
        self.spoiled(words)

    def sql(self, *statements):
        def change(path):
            database = sqlite3.connect(path)
            for statement in statements:
                database.execute(statement)
            database.commit()
            database.close()
        return change

    def test_one_that_is_missing_is_begun_without_a_word(self):
        learn(self.program)
        self.file.unlink()
        self.assertEqual(self.call(0, "run").stderr, "")
        self.assertEqual(self.fake.removed, ["done"])
        self.assertTrue(self.file.exists())

    def test_an_empty_file_is_begun_without_a_word(self):
        learn(self.program)
        self.file.write_bytes(b"")
        self.assertEqual(self.call(0, "run").stderr, "")
        self.assertEqual(self.fake.removed, ["done"])

    def test_garbage(self):
        self.spoil(lambda path: path.write_bytes(os.urandom(8192)), "broken")

    def test_text(self):
        self.spoil(lambda path: path.write_text("hello\n"), "broken")

    def test_half_of_it(self):
        self.spoil(lambda path: os.truncate(path, path.stat().st_size // 2), "broken")

    def test_only_its_first_page(self):
        self.spoil(lambda path: os.truncate(path, 4096), "broken")

    def test_only_its_header(self):
        self.spoil(lambda path: os.truncate(path, 100), "broken")

    def test_pages_that_are_overwritten(self):
        def overwrite(path):
            data = bytearray(path.read_bytes())
            data[4096:] = os.urandom(len(data) - 4096)
            path.write_bytes(data)
        self.spoil(overwrite, "broken")

    def test_a_table_that_is_missing(self):
        self.spoil(self.sql("DROP TABLE objects"), "broken")

    def test_a_newer_schema(self):
        self.spoil(self.sql("PRAGMA user_version = 99"), "its schema is version 99")

    def test_another_programs_file(self):
        self.spoil(self.sql("PRAGMA application_id = 1"), "not reclaimd's")

    def test_a_folder(self):
        def replace(path):
            path.unlink()
            path.mkdir()
        self.spoil(replace, "not a file")

    def test_a_fifo_is_not_waited_for(self):
        def replace(path):
            path.unlink()
            os.mkfifo(path)
        self.spoil(replace, "not a file")

    def test_a_link(self):
        def replace(path):
            path.rename(path.parent.parent / "elsewhere.sqlite")
            path.symlink_to(path.parent.parent / "elsewhere.sqlite")
        self.spoil(replace, "not a file")

    def test_a_file_that_others_may_write(self):
        self.spoil(lambda path: path.chmod(0o666), "others may write")

    def test_a_folder_that_others_may_write(self):
        self.spoil(lambda path: path.parent.chmod(0o777), "others may write")

    def test_a_place_that_is_a_file(self):
        def replace(path):
            shutil.rmtree(path.parent)
            path.parent.write_text("")
        self.spoil(replace, "state")

    def test_times_ahead_of_the_clock_release_nothing_and_are_said(self):
        learn(self.program, -100 * 86400)
        run = self.call(0, "run")
        self.assertIn("ahead of the clock", run.stderr)
        self.assertEqual(self.fake.removed, ["done"])


class Unwritable(Case):
    """What was learnt still holds, what is new cannot be added."""

    def run_as_user(self, **options):
        os.chown(self.fake.socket, *self.user)
        self.fake.folder.chmod(0o755)
        return Outcome(subprocess.run(
            as_nobody(readable(self.program, "run", "--json")), capture_output=True, timeout=60,
            stdin=subprocess.DEVNULL, env=self.program.environment, **options))

    @property
    def user(self):
        return (NOBODY, NOBODY) if os.geteuid() == 0 else (-1, -1)

    def test_read_only(self):
        learn(self.program)
        for folder in ("run",):
            shutil.rmtree(self.program.folder / folder, ignore_errors=True)
            (self.program.folder / folder).mkdir()
            os.chown(self.program.folder / folder, *self.user)
        self.file.chmod(0o444)
        self.file.parent.chmod(0o555)
        self.addCleanup(self.file.parent.chmod, 0o755)
        run = self.run_as_user()
        self.assertEqual(run.status, 0, run)
        self.assertEqual(self.fake.removed, ["done"], run)
        self.assertEqual(len(run.stderr.splitlines()), 1, run)
        self.assertIn("cannot be written", run.stderr)

    def test_a_folder_that_cannot_be_made(self):
        self.program.folder.joinpath("run").mkdir()
        os.chown(self.program.folder / "run", *self.user)
        self.program.environment["STATE_DIRECTORY"] = "/proc/nowhere/state"
        run = self.run_as_user()
        self.assertEqual(run.status, 0, run)
        self.assertEqual(self.fake.removed, ["done"], run)
        self.assertEqual(len(run.stderr.splitlines()), 1, run)

    def test_a_full_disk(self):
        """Files that may not grow are what a full disk looks like from inside."""
        learn(self.program)
        for number in range(300):
            self.fake.image(f"new:{number}")
        size = self.file.stat().st_size
        run = Outcome(subprocess.run(
            self.program.command("run", "--json"), capture_output=True, timeout=60,
            stdin=subprocess.DEVNULL, env=self.program.environment, restore_signals=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))))
        self.assertEqual(run.status, 0, run)
        self.assertIn("done", self.fake.removed)
        self.assertEqual(len(run.stderr.splitlines()), 1, run)
        self.assertIn(str(self.file), run.stderr)
        self.fake.forget()
        self.assertEqual(self.call(0, "run").stderr, "")


def held(statement, results):
    """A run while another program holds the memory; it waits for a while."""
    with Fake() as fake, Program(fake.socket, POLICY) as program:
        world(fake)
        learn(program)
        writer = sqlite3.connect(state_file(program), isolation_level=None)
        writer.execute(statement)
        outcome = program("run", "--json")
        results[statement] = outcome, list(fake.removed)
        writer.close()


HELD = {}
WAITING = []


def setUpModule():
    for statement in ("BEGIN EXCLUSIVE", "BEGIN IMMEDIATE"):
        WAITING.append(threading.Thread(target=held, args=(statement, HELD)))
        WAITING[-1].start()


def tearDownModule():
    for thread in WAITING:
        thread.join()


class ZHeld(unittest.TestCase):
    """Last, so that the wait is over by then."""

    def result(self, statement):
        for thread in WAITING:
            thread.join()
        outcome, removed = HELD[statement]
        self.assertEqual(outcome.status, 0, outcome)
        self.assertEqual(len(outcome.stderr.splitlines()), 1, outcome)
        self.assertIn("another program holds it", outcome.stderr)
        return removed

    def test_held_so_that_it_cannot_be_read_it_releases_nothing(self):
        self.assertEqual(self.result("BEGIN EXCLUSIVE"), ["done"])

    def test_held_by_a_writer_it_can_still_be_read(self):
        self.assertEqual(set(self.result("BEGIN IMMEDIATE")), {"done", "old"})
