"""Every command of the README, in its order, as a new user would type them on a booted machine with a real
Docker Engine. `make demo` and `make test` have tests of their own; apt has no network in here."""

import re
import unittest

from harness.boot import Boot
from harness.engines import Engine
from harness.program import REPOSITORY

ELSEWHERE = ("make demo", "make test", "apt-get install")


def commands():
    text = (REPOSITORY / "README.md").read_text()
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S):
        for line in block.splitlines():
            if line.strip() and not any(word in line for word in ELSEWHERE):
                yield line


class Readme(unittest.TestCase):
    def test_every_command_works_in_its_order(self):
        with Engine("d20") as engine, \
                Boot(binds=[(engine.socket, "/run/docker.sock"),
                            (engine.data_root, engine.data_root)]) as boot:
            engine.client.import_root("base:1")
            engine.client.run("web-1", "base:1")
            # sudo is not there, and root needs none.
            boot.run(["sh", "-c", f"git clone -q --no-hardlinks {REPOSITORY} /srv/reclaimd && "
                      "printf '#!/bin/sh\\nexec \"$@\"\\n' >/usr/local/bin/sudo && "
                      "chmod +x /usr/local/bin/sudo"])
            seen = {}
            for command in commands():
                result = boot.run(["sh", "-c", f"cd /srv/reclaimd && {command}"], check=False,
                                  timeout=600)
                self.assertEqual(result.returncode, 0, f"{command}\n{result.stdout}{result.stderr}")
                seen[command] = result.stdout + result.stderr
            self.assertIn("no mistake", seen["sudo reclaimd check"])
            self.assertIn("web-1", seen["sudo reclaimd plan --all"])
            self.assertIn("keep-within", seen["sudo reclaimd explain web-1"])
