"""The benchmark works; its numbers are nobody's promise here."""

import os
import shutil
import subprocess
import sys
import unittest

from harness.program import REPOSITORY, SANITIZED


class Bench(unittest.TestCase):
    @unittest.skipUnless(shutil.which("valgrind"), "needs valgrind")
    def test_large_worlds(self):
        result = subprocess.run([sys.executable, REPOSITORY / "tests/bench/bench.py", "large", "growth"],
                                env={**os.environ, "BENCH_QUICK": "1"}, capture_output=True, text=True,
                                stdin=subprocess.DEVNULL, timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)
        table = [line for line in result.stdout.splitlines() if line.startswith("|")]
        self.assertEqual(len(table), 2 + 3 + 7, result.stdout)


def load_tests(_loader, tests, _pattern):
    """Valgrind and sanitizers do not go together."""
    return unittest.TestSuite() if SANITIZED else tests
