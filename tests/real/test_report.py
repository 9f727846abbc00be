"""`reclaimd report`: past runs, from a real journald and from journal files made for the test."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import shutil
import struct
import subprocess
import tempfile
import termios
import unittest

from harness import places
from harness.journal import Journal, fixture
from harness.program import BINARY, Program

REMOVED = "4ec9b96243484371adcce32e5bece293"
NOTHING = "3290cc5beff64e138bd95d1c9090ba20"
MISSED = "ae0263d996844bdea6ef21b1e7321991"
BRAKE = "199d723c67ca46ed9e4be2e497fec88b"
NO_RUN = "aeab93b2e2a94898b2a9bc1c5a399aa7"
POLICY = "[containers exited]\nstate = exited\nkeep-within = 1h\n"
START = 1_790_000_000  # 2026-09-21 14:13:20 UTC
DOCKER, PODMAN = "/run/docker.sock", "/run/podman/podman.sock"


def entry(message_id=REMOVED, time=START, **fields):
    """An entry as a run of root's leaves it; None takes a field away."""
    fields = {
        "time": time, "MESSAGE": "removed 2 containers", "MESSAGE_ID": message_id,
        "_TRANSPORT": "journal", "_UID": 0, "_COMM": "reclaimd", "_EXE": "/usr/bin/reclaimd",
        "RECLAIMD_RUN_ID": "0" * 32, "RECLAIMD_ENGINE": "Docker", "RECLAIMD_ENGINE_VERSION": "20.10.24",
        "RECLAIMD_ENGINE_SOCKET": DOCKER, "RECLAIMD_TRIGGER": "timer", "RECLAIMD_MODE": "remove",
        "RECLAIMD_REMOVED_CONTAINERS": 2, "RECLAIMD_REMOVED_IMAGES": 1, "RECLAIMD_CLAIMED": 1_500_000,
        "RECLAIMD_CLAIMED_IS_UPPER_BOUND": 1, "RECLAIMD_MEASURED": -2_000, "RECLAIMD_KEPT": 7,
        "RECLAIMD_FAILED": 1, **fields}
    return {name: value for name, value in fields.items() if value is not None}


def no_run(**fields):
    return {"time": START, "MESSAGE": "the engine is not there", "MESSAGE_ID": NO_RUN,
            "_TRANSPORT": "journal", "_UID": 0, "RECLAIMD_EXIT_STATUS": 69, **fields}


class ReportTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rcl-report-", dir=places.folder()))
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, *entries, name="a.journal"):
        fixture(self.folder / name, entries)

    def report(self, *arguments, status=0, wrap=(), **environment):
        result = subprocess.run(
            [*wrap, BINARY, "report", "-D", self.folder, *arguments], capture_output=True,
            stdin=subprocess.DEVNULL, timeout=60, env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8",
                                                       **environment})
        self.assertEqual(result.returncode, status, result)
        self.stderr = result.stderr.decode()
        return result.stdout.decode()

    def on_terminal(self, columns):
        """The lines that a terminal of so many columns shows."""
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with subprocess.Popen([BINARY, "report", "-D", self.folder], stdout=its, stdin=subprocess.DEVNULL,
                              env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"}) as process:
            os.close(its)
            shown = b""
            with os.fdopen(ours, "rb", buffering=0) as terminal, contextlib.suppress(OSError):
                while (data := terminal.read(65536)):
                    shown += data
        self.assertEqual(process.returncode, 0)
        return shown.decode().splitlines()

    def data(self, *arguments):
        return json.loads(self.report("--json", *arguments))


class Table(ReportTest):
    def test_an_empty_journal_is_one_line(self):
        self.assertEqual(self.report(), "the journal has no such runs of reclaimd\n")
        self.assertEqual(self.stderr, "")
        data = self.data()
        self.assertEqual((data["version"], data["runs"], data["warnings"]), (1, [], []))

    def test_a_folder_that_is_not_there_is_an_error(self):
        shutil.rmtree(self.folder)
        self.addCleanup(self.folder.mkdir)
        self.report(status=1)
        self.assertIn(str(self.folder), self.stderr)

    def test_several_runs_and_their_totals(self):
        self.write(entry(), entry(NOTHING, START + 60, RECLAIMD_MODE="observe", RECLAIMD_MEASURED=None,
                                  RECLAIMD_REMOVED_CONTAINERS=None, RECLAIMD_REMOVED_IMAGES=None,
                                  RECLAIMD_CLAIMED=None, RECLAIMD_FAILED=0,
                                  RECLAIMD_WOULD_REMOVE_IMAGES=4),
                   entry(MISSED, START + 120, RECLAIMD_MEASURED=3_000))
        lines = self.report().splitlines()
        self.assertEqual(len(lines), 6, lines)
        self.assertRegex(lines[0], "^WHEN +ENGINE +SOCKET +TRIGGER +REMOVED +CLAIMED +MEASURED +KEPT +FAILED")
        self.assertRegex(lines[1], r"^2026-09-21 14:13:20 Docker 20.10.24 /run/docker.sock +timer +"
                                   r"2 containers, 1 image +≤1.5MB +-2kB +7 +1 +-")
        self.assertRegex(lines[2], r"none \(would: 4 images\) +- +- +7 +0 observe")
        self.assertIn("missed the mark", lines[3])
        self.assertEqual(lines[5], "3 runs: removed 4 containers, 2 images; claimed up to 3MB, "
                                   "measured 1kB; 2 failed")

    def test_it_fits_a_terminal_of_eighty_columns(self):
        self.write(entry(), entry(BRAKE, START + 60, MESSAGE="brake: 412 of 600 tagged images would go; look at 'plan'"),
                   entry(MISSED, START + 120, RECLAIMD_TRIGGER="shell"))
        lines = self.on_terminal(80)
        self.assertEqual(lines[0], "ENGINE Docker 20.10.24, SOCKET /run/docker.sock")
        self.assertRegex(lines[1], "^WHEN +TRIGGER +REMOVED +CLAIMED +MEASURED +KEPT +FAILED$")
        table = lines[:lines.index("")]
        self.assertLessEqual(max(map(len, table)), 80, table)
        self.assertIn("missed the mark", " ".join(" ".join(table).split()))
        self.assertEqual(self.on_terminal(200), self.report().splitlines())

    def test_the_brake_and_a_run_that_did_not_happen_are_rows(self):
        self.write(entry(BRAKE, MESSAGE="brake: 3 of 4 tagged images would go"),
                   entry(NOTHING, RECLAIMD_REMOVED_CONTAINERS=0, RECLAIMD_REMOVED_IMAGES=0), no_run(time=START + 9))
        text = self.report()
        self.assertIn("brake: 3 of 4 tagged images would go", text)
        self.assertIn("no run: the engine is not there", text)
        self.assertIn("1 run: removed nothing;", text)
        self.assertTrue(text.endswith("; 1 did not happen; 1 warning\n"), text)
        kinds = [(row["kind"], row["exit_status"]) for row in self.data()["warnings"]]
        self.assertEqual(kinds, [("brake", None), ("no-run", 69)])

    def test_json_has_numbers_and_null_for_what_is_unknown(self):
        self.write(entry(RECLAIMD_MEASURED="12x", RECLAIMD_KEPT="9" * 40, RECLAIMD_FAILED="-3"))
        data = self.data()
        run, = data["runs"]
        self.assertEqual((run["at"], run["claimed"], run["claimed_is_upper_bound"], run["missed"]),
                         (START, 1_500_000, True, False))
        self.assertEqual((run["measured"], run["kept"], run["failed"]), (None, None, None))
        self.assertEqual((run["removed"]["containers"], run["removed"]["volumes"]), (2, None))
        self.assertEqual(run["engine"], {"name": "Docker", "version": "20.10.24", "socket": DOCKER})
        self.assertIsNone(data["totals"]["measured"])

    def test_two_engines_are_told_apart_and_one_can_be_asked_for(self):
        self.write(entry(), entry(time=START + 1, RECLAIMD_ENGINE="Podman", RECLAIMD_ENGINE_SOCKET=PODMAN),
                   no_run(time=START + 2))
        text = self.report()
        self.assertIn(DOCKER, text)
        self.assertIn(PODMAN, text)
        data = self.data("--host", f"unix://{PODMAN}")
        self.assertEqual([run["engine"]["name"] for run in data["runs"]], ["Podman"])
        # Which engine it would have been is not known: it may be this one.
        self.assertEqual(len(data["warnings"]), 1)

    def test_another_locale_gets_ascii(self):
        self.write(entry())
        text = self.report(LC_ALL="C")
        self.assertTrue(text.isascii())
        self.assertIn("<=1.5MB", text)


class Since(ReportTest):
    def test_the_bound_belongs_to_it(self):
        self.write(*(entry(time=START + second) for second in (-1, 0, 1)))
        for since in (f"@{START}", "2026-09-21 14:13:20", "2026-09-21 14:13:20 UTC"):
            found = [run["at"] for run in self.data("--since", since)["runs"]]
            self.assertEqual(found, [START, START + 1], since)
        self.assertEqual(len(self.data("--since", "2026-09-21")["runs"]), 3)
        self.assertEqual(self.data("--since", "2026-09-22")["runs"], [])

    def test_what_is_no_time_is_a_mistake_of_the_caller(self):
        for since in ("", "soon", "2026-02-30", "7", "2026-11-24 25:00", "7d x", "@-1"):
            self.report("--since", since, status=2)
            self.assertIn("is no time", self.stderr)


class Hostile(ReportTest):
    def test_entries_of_others_do_not_count(self):
        self.write(entry(_UID=1000, _COMM="reclaimd"), entry(_UID=None),
                   entry(_COMM="dockerd", _EXE="/usr/bin/dockerd"), entry(_EXE="/usr/bin/conmon"),
                   entry(_EXE="/tmp/not-reclaimd"), entry(_TRANSPORT="stdout"), entry("f" * 32))
        self.assertEqual(self.report(), "the journal has no such runs of reclaimd\n")

    def test_entries_of_processes_that_had_ended_and_of_replaced_programs_count(self):
        self.write(entry(_COMM=None, _EXE=None), entry(time=START + 1, _EXE="/usr/bin/reclaimd (deleted)"))
        self.assertEqual(len(self.data()["runs"]), 2)

    def test_ones_own_entries_count(self):
        self.write(entry(_UID=12345))
        os.chmod(self.folder, 0o755)
        os.chmod(self.folder / "a.journal", 0o644)
        own = ("setpriv", "--reuid=12345", "--clear-groups")
        self.assertIn("1 run:", self.report(wrap=own))
        self.assertNotIn("1 run:", self.report())

    def test_contents_forge_no_lines_and_break_nothing(self):
        for value in (b"x\nfake row", b"\x1b[31mred", b"\xff\xfe", b"a\0b", b"\xe2\x80\xaeright to left",
                      b"A" * 700_000, b""):
            with self.subTest(value=value[:20]):
                (self.folder / "a.journal").unlink(missing_ok=True)
                self.write(entry(RECLAIMD_ENGINE=value, RECLAIMD_TRIGGER=value, RECLAIMD_MODE=value,
                                 RECLAIMD_RUN_ID=value, RECLAIMD_CLAIMED=value),
                           no_run(MESSAGE=value, time=START + 1))
                text = self.report()
                self.assertEqual(len(text.splitlines()), 5, text[:2000])
                self.assertNotRegex(text, r"[\x00-\x09\x0b-\x1f\x7f\u202e]")
                self.assertLess(len(text), 50_000)
                self.assertIsNone(self.data()["runs"][0]["claimed"])


class Unreadable(ReportTest):
    def test_a_damaged_file_is_named_and_the_others_are_read(self):
        self.write(entry())
        (self.folder / "b.journal").write_bytes(b"no journal at all" * 1000)
        self.assertIn("1 run:", self.report())
        self.assertIn(f"{self.folder}/b.journal cannot be read", self.stderr)
        self.assertEqual(len(self.data()["problems"]), 1)

    def test_damage_within_a_file_never_crashes(self):
        self.write(*(entry(time=START + number) for number in range(20)))
        whole = (self.folder / "a.journal").read_bytes()
        used = len(whole.rstrip(b"\0"))
        for cut in range(300, used, max(1, (used - 300) // 15)):
            damaged = bytearray(whole)
            damaged[cut:cut + 64] = b"\xff" * len(damaged[cut:cut + 64])
            (self.folder / "a.journal").write_bytes(damaged)
            self.report("--json")
            (self.folder / "a.journal").write_bytes(whole[:cut])
            self.report("--json")
            self.assertTrue(self.stderr, cut)

    def test_without_permission_the_groups_are_named(self):
        self.write(entry())
        os.chmod(self.folder, 0o755)
        os.chmod(self.folder / "a.journal", 0o600)
        stranger = ("setpriv", "--reuid=12345", "--clear-groups")
        self.assertEqual(self.report(status=1, wrap=stranger), "")
        self.assertEqual(len(self.stderr.splitlines()), 1)
        self.assertIn("group systemd-journal or adm", self.stderr)
        os.chmod(self.folder, 0o700)
        self.report(status=1, wrap=stranger)
        self.assertIn("group systemd-journal or adm", self.stderr)


class Journald(unittest.TestCase):
    def test_what_a_run_wrote_is_read_back_and_what_others_wrote_is_not(self):
        with Journal() as journal, Program("/run/rcl-none.sock", POLICY) as program:
            result = journal.run(program.command("run"), program.environment)
            self.assertEqual(result.returncode, 69, result)
            # Whose process is gone before journald looks has no name there, so this one stays for a moment.
            forge = (f"import socket, time; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto("
                     f"b'MESSAGE_ID={NO_RUN}\\nMESSAGE=forged\\nPRIORITY=3\\n', "
                     f"'/run/systemd/journal/socket'); time.sleep(0.5)")
            for user in (0, 12345):
                journal.run(["setpriv", f"--reuid={user}", "--clear-groups", "/usr/bin/python3", "-c",
                             forge]).check_returncode()
            self.assertEqual(len(journal.entries(f"MESSAGE_ID={NO_RUN}")), 3)
            result = journal.run([BINARY, "report", "--json", "-D", "/run/log/journal"])
            self.assertEqual(result.returncode, 0, result)
            row, = json.loads(result.stdout)["warnings"]
            self.assertEqual((row["kind"], row["exit_status"]), ("no-run", 69))
            self.assertIn("rcl-none.sock", row["message"])
