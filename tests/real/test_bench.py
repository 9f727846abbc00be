"""The benchmark's rows on a real engine work; its numbers are nobody's promise here."""

import os
import subprocess
import sys
import unittest

from harness.program import REPOSITORY


class Bench(unittest.TestCase):
    def test_rows_on_an_engine(self):
        result = subprocess.run([sys.executable, REPOSITORY / "tests/bench/bench.py", "host"],
                                env={**os.environ, "BENCH_QUICK": "1"}, capture_output=True, text=True,
                                stdin=subprocess.DEVNULL, timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)
        table = [line for line in result.stdout.splitlines() if line.startswith("|")]
        self.assertGreater(len(table), 2 + 5, result.stdout)
