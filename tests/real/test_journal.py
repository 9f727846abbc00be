"""What a run writes to the journal: sent to a real journald, read back with journalctl."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from harness import places
from harness.engines import Engine
from harness.journal import Journal
from harness.program import REPOSITORY, Program

NOTICE, INFO, WARNING, ERR = "5", "6", "4", "3"

OBJECT_REMOVED = "b2be74d1cee748438d7ced308353ef80"
OBJECT_TAGGED = "fde7799d65c54893bf658974380971cc"
TAG_FAILED = "491ca288668d44a08115ac89bde97df0"
RULE_REMOVED = "71a38f8c61ff40108aefc7340c588663"
OBJECT_FAILED = "698bc721181b43d2a8ed7ef0940f96ef"
RUN_REMOVED = "4ec9b96243484371adcce32e5bece293"
RUN_NOTHING = "3290cc5beff64e138bd95d1c9090ba20"
FIRST_LOOK = "a3f1c164a0cd4aceb5bfee4c99045856"
BRAKE = "199d723c67ca46ed9e4be2e497fec88b"
NO_RUN = "aeab93b2e2a94898b2a9bc1c5a399aa7"

LEARNING = """
[containers failed]
exit-code   = 1-255
keep-within = {time}
min-age     = {time}

[containers exited]
state       = exited
keep-within = {time}
min-age     = {time}

[images dangling]
dangling    = yes
keep-within = {time}
min-age     = {time}
"""

POLICY = LEARNING.format(time="0s")

TAGGED = """
[images old]
name        = old-*
dangling    = no
age-from    = created
keep-within = 0s
min-age     = 0s
max-remove  = {limit}
"""

CATALOG = REPOSITORY / "config" / "reclaimd.catalog"
DATABASE = "var/lib/systemd/catalog/database"


class JournalTest(unittest.TestCase):
    """One engine for all, a journald and a memory of its own for each test."""

    @classmethod
    def setUpClass(cls):
        cls.engine = Engine("d20").start()
        cls.addClassCleanup(cls.engine.stop)
        cls.client = cls.engine.client
        cls.client.import_root("base:1")
        cls.client.run_on("running", "base:1")

    def setUp(self):
        self.journal = Journal().start()
        self.addCleanup(self.journal.stop)
        self.program = Program(self.engine.socket, POLICY)
        self.addCleanup(self.program.close)

    def run_program(self, *arguments, status=0):
        """Runs it and gives the entries that it wrote."""
        known = len(self.entries())
        result = self.journal.run(self.program.command(*arguments), self.program.environment)
        self.assertEqual(result.returncode, status, result)
        self.result = result
        return self.entries()[known:]

    def entries(self):
        return self.journal.entries("SYSLOG_IDENTIFIER=reclaimd")

    def exited(self, *names, command=("true",)):
        for name in names:
            self.client.run(name, "base:1", command)

    def rebuild(self, reference, times):
        """Builds again and again, each build seen by a run; the IDs of those that lost the name."""
        builds = []
        for _ in range(times):
            builds.append(self.client.build(
                reference, "FROM base:1\nCOPY data /data\n", {"data": os.urandom(50_000)}))
            self.run_program("run", "--mode=observe")
        return builds[:-1]

    def one(self, entries, message_id):
        found = [entry for entry in entries if entry["MESSAGE_ID"] == message_id]
        self.assertEqual(len(found), 1, entries)
        return found[0]

    def check_twins(self, entry):
        """Each number of bytes has what people read beside it, and nothing else has."""
        names = {name for name in entry if name.startswith("RECLAIMD_")}
        twins = {name.removesuffix("_PRETTY") for name in names if name.endswith("_PRETTY")}
        bytes_fields = {name for name in names
                        if name.endswith("BYTES") or
                        name.endswith(("CLAIMED", "CLAIM", "MEASURED", "_BEFORE", "_AFTER", "PREDICTED",
                                       "WOULD_FREE", "PRESSURE_NEEDED"))}
        self.assertEqual(twins, bytes_fields)
        for name in twins:
            self.assertRegex(entry[name], r"^-?\d+$")
            self.assertRegex(entry[name + "_PRETTY"], r"^-?[\d.]+[kMGT]?B$")


class Run(JournalTest):
    def test_each_object_that_went_has_an_entry_and_the_run_a_summary(self):
        containers = {name: self.client.run(name, "base:1") for name in ("one", "two")}
        containers["bad"] = self.client.run("bad", "base:1", ["false"])
        builds = self.rebuild("app:1", 3)
        entries = self.run_program("run")

        removed = [entry for entry in entries if entry["MESSAGE_ID"] == OBJECT_REMOVED]
        self.assertEqual({(entry["RECLAIMD_KIND"], entry["RECLAIMD_ID"]) for entry in removed},
                         {("container", name) for name in containers.values()} |
                         {("image", name) for name in builds})
        summary = self.one(entries, RUN_REMOVED)
        self.assertEqual(len(entries), len(removed) + 1)
        self.assertIs(entries[-1], summary)

        for entry in entries:
            self.assertEqual(entry["PRIORITY"], NOTICE)
            self.assertEqual(entry["SYSLOG_IDENTIFIER"], "reclaimd")
            self.assertEqual(entry["RECLAIMD_ENGINE"], "Docker")
            self.assertEqual(entry["RECLAIMD_ENGINE_SOCKET"], str(self.engine.socket))
            self.assertRegex(entry["RECLAIMD_ENGINE_VERSION"], r"^20\.10")
            self.assertRegex(entry["RECLAIMD_RUN_ID"], "^[0-9a-f]{32}$")
            self.check_twins(entry)
        self.assertEqual(len({entry["RECLAIMD_RUN_ID"] for entry in entries}), 1)

        by_name = {entry["RECLAIMD_NAME"]: entry for entry in removed}
        self.assertLessEqual(containers.keys(), by_name.keys())
        for name, rule in (("one", "exited"), ("two", "exited"), ("bad", "failed")):
            entry = by_name[name]
            self.assertEqual(entry["RECLAIMD_RULE"], rule)
            self.assertRegex(entry["RECLAIMD_SOURCE"], r"^/.*/policy\.ini:\d+$")
            self.assertEqual(entry["RECLAIMD_OUTCOME"], "removed")
            self.assertRegex(entry["MESSAGE"], rf"^removed container {name} \(.*\): exited")
            self.assertIn(entry["RECLAIMD_REASON"], entry["MESSAGE"])
            self.assertRegex(entry["RECLAIMD_AGE_S"], r"^\d+$")
        for entry in removed:
            if entry["RECLAIMD_KIND"] == "image":
                self.assertEqual(entry["RECLAIMD_FORMER_NAME"], "app:1")
                self.assertGreaterEqual(int(entry["RECLAIMD_BYTES"]), 50_000)
                self.assertRegex(entry["MESSAGE"], r"^removed image <none> .*was app:1")

        self.assertRegex(
            summary["MESSAGE"],
            r"^removed 3 containers, 2 images; reclaimed (up to )?10\dkB "
            r"\(free: .*B → .*B.*\); kept \d+ \(running 1, in use 1.*\)$")
        self.assertEqual(summary["RECLAIMD_REMOVED_CONTAINERS"], "3")
        self.assertEqual(summary["RECLAIMD_REMOVED_IMAGES"], "2")
        self.assertEqual(summary["RECLAIMD_MODE"], "remove")
        self.assertEqual(summary["RECLAIMD_TRIGGER"], "manual")
        self.assertGreaterEqual(int(summary["RECLAIMD_CLAIMED"]), 100_000)
        self.assertEqual(int(summary["RECLAIMD_MEASURED"]),
                         int(summary["RECLAIMD_FREE_AFTER"]) - int(summary["RECLAIMD_FREE_BEFORE"]))
        # What the shell shows is what the journal says.
        self.assertIn(summary["MESSAGE"], self.result.stdout)

    def test_the_entries_of_one_run_are_found_by_its_id(self):
        self.exited("mine")
        run_id = self.run_program("run")[-1]["RECLAIMD_RUN_ID"]
        self.run_program("run")
        found = self.journal.entries("RECLAIMD_RUN_ID=" + run_id)
        self.assertEqual([entry["MESSAGE_ID"] for entry in found], [OBJECT_REMOVED, RUN_REMOVED])

    def test_nothing_to_do_is_information(self):
        entries = self.run_program("run")
        summary = self.one(entries, RUN_NOTHING)
        self.assertEqual(len(entries), 1)
        self.assertEqual(summary["PRIORITY"], INFO)
        self.assertRegex(summary["MESSAGE"], r"^nothing to remove; kept \d+ \(running 1")
        self.assertEqual(summary["RECLAIMD_REMOVED_CONTAINERS"], "0")
        self.assertEqual(summary["RECLAIMD_KEPT_RUNNING"], "1")
        self.check_twins(summary)

    def test_a_run_that_only_observes_says_what_would_go_and_that_nothing_did(self):
        self.exited("observed")
        entries = self.run_program("run", "--mode=observe")
        summary = self.one(entries, RUN_NOTHING)
        self.assertEqual(len(entries), 1)
        self.assertEqual(summary["PRIORITY"], INFO)
        self.assertEqual(summary["RECLAIMD_MODE"], "observe")
        self.assertEqual(summary["RECLAIMD_WOULD_REMOVE_CONTAINERS"], "1")
        self.assertRegex(summary["MESSAGE"], "^would remove 1 container; .*observe")
        self.assertIn("observed", self.client.containers())
        self.client.request("DELETE", "/containers/observed")

    def test_what_only_looks_writes_nothing(self):
        self.exited("looked-at")
        for arguments in (["plan"], ["run", "--dry-run"], ["check"], ["show-config"]):
            self.assertEqual(self.run_program(*arguments), [], arguments)
        self.assertIn("looked-at", self.client.containers())
        self.client.request("DELETE", "/containers/looked-at")

    def test_the_first_look_says_that_ages_are_unknown(self):
        for number in range(2):
            self.client.build("learn:1", f"FROM base:1\nRUN echo {number} >/learn\n")
        self.run_program("run")
        self.program.forget()
        policy = LEARNING.format(time="1s").replace("dangling    = yes", "dangling    = any")
        self.program.set_policy(policy)
        image = self.client.image_id("learn:1")
        self.client.build("learn:1", "FROM base:1\nRUN echo last >/learn\n")
        first = self.one(self.run_program("run"), FIRST_LOOK)
        self.assertEqual(first["PRIORITY"], INFO)
        self.assertGreaterEqual(int(first["RECLAIMD_UNKNOWN_AGES"]), 1)
        self.assertRegex(first["MESSAGE"], "^first look at this engine: .*unknown")
        time.sleep(2.1)
        again = self.run_program("run")
        self.assertEqual({entry["MESSAGE_ID"] for entry in again}, {OBJECT_REMOVED, RUN_REMOVED})
        self.assertIn(image, {entry.get("RECLAIMD_ID") for entry in again})

    def test_beyond_the_limit_of_entries_there_is_one_for_each_rule(self):
        self.exited("good-1", "good-2", "good-3", "good-4")
        self.exited("bad-1", "bad-2", command=["false"])
        self.program.set_settings("[report]\nentries = 2\n")
        entries = self.run_program("run")
        single = [entry for entry in entries if entry["MESSAGE_ID"] == OBJECT_REMOVED]
        rules = [entry for entry in entries if entry["MESSAGE_ID"] == RULE_REMOVED]
        self.assertEqual(len(single), 2)
        self.assertEqual(self.one(entries, RUN_REMOVED)["RECLAIMD_REMOVED_CONTAINERS"], "6")
        self.assertEqual(len(entries), len(single) + len(rules) + 1)

        counted = {entry["RECLAIMD_RULE"]: int(entry["RECLAIMD_REMOVED"]) for entry in rules}
        self.assertEqual(len(counted), len(rules))
        for entry in single:
            counted[entry["RECLAIMD_RULE"]] = counted.get(entry["RECLAIMD_RULE"], 0) + 1
        self.assertEqual(counted, {"exited": 4, "failed": 2})
        for entry in rules:
            self.assertEqual(entry["PRIORITY"], NOTICE)
            self.assertEqual(entry["RECLAIMD_SECTION"], "containers")
            self.assertRegex(entry["MESSAGE"], rf"^rule {entry['RECLAIMD_RULE']}: removed \d more")
            self.check_twins(entry)

    def test_names_from_strangers_do_not_forge_lines_or_fields(self):
        label = "x\nPRIORITY=0\x1b[31m"
        self.client.run("odd", "base:1", labels={"l": label})
        self.client.build("odd:1", "FROM base:1\nRUN echo odd >/odd\n", labels={"l": label})
        for entry in self.run_program("run"):
            self.assertEqual(entry["PRIORITY"], NOTICE)
            for text in entry.values():
                self.assertNotRegex(text, r"[\x00-\x1f\x7f]")
        self.client.request("DELETE", "/images/odd:1")

    def test_an_object_that_cannot_be_removed_is_a_warning(self):
        self.exited("stuck", "free")
        container = self.client.get("/containers/stuck/json")
        stuck = pathlib.Path(container["GraphDriver"]["Data"]["UpperDir"])
        if subprocess.run(["chattr", "+i", stuck], capture_output=True).returncode != 0:
            self.skipTest("this file system has no immutable files")
        self.addCleanup(self.client.request, "DELETE", "/containers/stuck")
        self.addCleanup(subprocess.run, ["chattr", "-i", stuck], check=True)
        entries = self.run_program("run", status=3)
        failed = self.one(entries, OBJECT_FAILED)
        self.assertEqual(failed["PRIORITY"], WARNING)
        self.assertEqual(failed["RECLAIMD_ID"], container["Id"])
        self.assertEqual(failed["RECLAIMD_NAME"], "stuck")
        self.assertEqual(failed["RECLAIMD_OUTCOME"], "failed")
        self.assertIn("operation not permitted", failed["RECLAIMD_DETAIL"])
        self.assertRegex(failed["MESSAGE"], "^could not remove container stuck: .*not permitted")
        self.assertEqual(self.one(entries, OBJECT_REMOVED)["RECLAIMD_NAME"], "free")
        summary = self.one(entries, RUN_REMOVED)
        self.assertEqual(summary["RECLAIMD_FAILED"], "1")
        self.assertEqual(summary["RECLAIMD_REMOVED_CONTAINERS"], "1")


class Brake(JournalTest):
    def setUp(self):
        super().setUp()
        for number in range(3):
            self.client.build(f"old-{number}:1", f"FROM base:1\nRUN echo {number} >/old\n")

    def test_the_brake_is_a_warning_and_nothing_goes(self):
        self.program.set_policy(TAGGED.format(limit="2"))
        tags = self.client.tags()
        entries = self.run_program("run", status=4)
        brake = self.one(entries, BRAKE)
        self.assertEqual(brake["PRIORITY"], WARNING)
        self.assertEqual(brake["RECLAIMD_WOULD_REMOVE"], "3")
        self.assertEqual(brake["RECLAIMD_LIMIT"], "2")
        self.assertEqual(brake["RECLAIMD_RULE"], "old")
        self.assertRegex(brake["MESSAGE"], r"^brake: 3 of \d+ .*would go.*plan.*max-remove")
        self.assertFalse([entry for entry in entries
                          if entry["MESSAGE_ID"] in (OBJECT_REMOVED, RUN_REMOVED)])
        self.assertEqual(self.client.tags(), tags)


class NoRun(JournalTest):
    def check_no_run(self, entries, status):
        self.assertEqual(len(entries), 1, entries)
        entry = self.one(entries, NO_RUN)
        self.assertEqual(entry["PRIORITY"], ERR)
        self.assertEqual(entry["RECLAIMD_EXIT_STATUS"], str(status))
        return entry

    def test_an_engine_that_is_not_there_is_an_error(self):
        missing = self.program.folder / "none.sock"
        entries = self.run_program("--host", f"unix://{missing}", "run", status=69)
        entry = self.check_no_run(entries, 69)
        self.assertIn(str(missing), entry["MESSAGE"])
        self.assertEqual(entry["RECLAIMD_ENGINE_SOCKET"], str(missing))

    def test_a_refused_configuration_is_an_error_that_says_where(self):
        self.program.set_policy("[containers x]\nstaet = exited\nkeep-wihtin = 1h\n")
        entry = self.check_no_run(self.run_program("run", status=78), 78)
        problems = entry["RECLAIMD_PROBLEM"]
        self.assertRegex(problems[0], r"policy\.ini:2: .*'staet'.*'state'")
        self.assertRegex(problems[1], r"policy\.ini:3: .*'keep-wihtin'.*'keep-within'")
        # The line alone, as `systemctl status` shows it, tells why.
        self.assertRegex(entry["MESSAGE"], r"policy\.ini:2: .*'staet'")


class Catalog(JournalTest):
    """The texts that `journalctl -x` shows beside the entries, from a catalog compiled for the test."""

    def setUp(self):
        super().setUp()
        root = pathlib.Path(tempfile.mkdtemp(prefix="rcl-catalog-", dir=places.folder()))
        self.addCleanup(shutil.rmtree, root)
        folder = root / "usr/lib/systemd/catalog"
        folder.mkdir(parents=True)
        shutil.copy(CATALOG, folder)
        (root / DATABASE).parent.mkdir(parents=True)
        subprocess.run(["journalctl", "--update-catalog", f"--root={root}"], check=True,
                       capture_output=True)
        # journalctl knows one place only.
        place = pathlib.Path("/") / DATABASE
        self.journal.run(["sh", "-c", 'mkdir -p "$1" && mount --bind "$2" "$1"', "sh", place.parent,
                          (root / DATABASE).parent]).check_returncode()

    def explained(self):
        return self.journal.read("-x", "-o", "short", "SYSLOG_IDENTIFIER=reclaimd")

    def test_names_that_were_given_and_one_that_was_not_have_an_entry(self):
        self.program.set_policy("[images superseded]\ndangling = yes\nkeep-last = 9\nmin-age = 0s\n"
                                "preserve-as = {repository}:named-{id}\n")
        named, refused = self.rebuild("named:1", 3)
        names = {image: f"named:named-{image[7:19]}" for image in (named, refused)}
        self.client.tag("base:1", names[refused])
        for name in (*names.values(), refused):
            self.addCleanup(self.client.untag, name)
        entries = self.run_program("run")
        entry = self.one(entries, OBJECT_TAGGED)
        self.assertEqual((entry["PRIORITY"], entry["RECLAIMD_ID"], entry["RECLAIMD_NEW_NAME"]),
                         (NOTICE, named, names[named]))
        self.assertTrue(entry["MESSAGE"].startswith(f"named image <none> {named[7:19]} {names[named]}: "))
        self.assertEqual(entry["RECLAIMD_FORMER_NAME"], "named:1")
        entry = self.one(entries, TAG_FAILED)
        self.assertEqual((entry["PRIORITY"], entry["RECLAIMD_ID"]), (WARNING, refused))
        self.assertIn("is the name of another image", entry["RECLAIMD_DETAIL"])
        self.assertEqual(self.one(entries, RUN_NOTHING)["RECLAIMD_TAGGED"], "1")
        text = self.explained()
        self.assertIn(f"Subject: Named a superseded image {names[named]}", text)
        self.assertIn(f"Subject: Could not name a superseded image {names[refused]}", text)
        self.assertNotRegex(text, r"@[A-Z_]+@")

    def test_entries_are_explained(self):
        self.exited("gone")
        self.run_program("run")
        self.run_program("run")
        self.program.set_policy("[containers x]\n")
        self.run_program("run", status=78)
        text = self.explained()
        for line in ("Subject: Removed container gone", "Defined-By: reclaimd",
                     "Documentation: man:reclaimd(8)", "It belonged to the rule exited (",
                     "Subject: The run removed something", "1 containers and 0 images",
                     "Subject: The run removed nothing", "Subject: No run", "status 78"):
            self.assertIn(line, text)
        # A field that an entry lacks would stay as @NAME@.
        self.assertNotRegex(text, r"@[A-Z_]+@")

    def test_each_kind_of_entry_that_the_program_knows_is_explained(self):
        source = (REPOSITORY / "agent/report/event.c").read_text()
        known = set(re.findall(r'"([0-9a-f]{32})"', source))
        self.assertGreater(len(known), 5)
        listed = self.journal.run(["journalctl", "--no-pager", "--list-catalog"]).stdout
        self.assertEqual({line.split()[0] for line in listed.splitlines()}, known)
