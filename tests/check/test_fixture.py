"""Journals made up for tests read back as they were written."""

import pathlib
import subprocess
import tempfile
import unittest

from harness import journal


@unittest.skipUnless(pathlib.Path("/lib/systemd/systemd-journal-remote").exists(),
                     "systemd-journal-remote is not installed")
class Fixture(unittest.TestCase):
    def test_it_reads_back(self):
        with tempfile.TemporaryDirectory() as folder:
            journal.fixture(f"{folder}/old.journal", [
                {"time": 1700000000.5, "MESSAGE": "first", "_SYSTEMD_UNIT": "reclaimd.service"},
                {"time": 1700003600, "MESSAGE": "two\nlines", "PRIORITY": 5, "RECLAIMD_BYTES": 1 << 40}])
            read = journal.decode(subprocess.run(
                ["journalctl", "-D", folder, "-o", "json", "--all"], capture_output=True, text=True,
                check=True).stdout)
            self.assertEqual([entry["MESSAGE"] for entry in read], ["first", "two\nlines"])
            self.assertEqual(read[0]["__REALTIME_TIMESTAMP"], "1700000000500000")
            self.assertEqual(read[0]["_SYSTEMD_UNIT"], "reclaimd.service")
            self.assertEqual((read[1]["PRIORITY"], read[1]["RECLAIMD_BYTES"]), ("5", str(1 << 40)))
