"""Every command of the README, in its order, as a new user would type them on a booted machine with a real
Docker Engine, a real Podman and a user. `make demo` and `make test` have tests of their own; apt has no network
in here."""

import re
import unittest

from harness import roots
from harness.boot import Boot
from harness.engines import Engine
from harness.program import REPOSITORY

ELSEWHERE = ("make demo", "make test", "apt-get install")
OF_A_USER = "Rootless"


def commands():
    """The heading and the command."""
    for section in re.split("^## ", (REPOSITORY / "README.md").read_text(), flags=re.M):
        for block in re.findall(r"^```sh\n(.*?)^```", section, re.M | re.S):
            for line in block.splitlines():
                if line.strip() and not any(word in line for word in ELSEWHERE):
                    yield section.splitlines()[0], line


class Readme(unittest.TestCase):
    def test_every_command_works_in_its_order(self):
        layers = [layer for name in ("rootless", "own-podman") for layer in roots.layers(name)]
        with Engine("d20") as engine, \
                Boot(binds=[(engine.socket, "/run/docker.sock"),
                            (engine.data_root, engine.data_root)],
                     layers=layers, unmasked=["systemd-logind.service"]) as boot:
            engine.client.import_root("base:1")
            engine.client.run("web-1", "base:1")
            boot.keep_journal()
            boot.prepare_podman()
            user = boot.add_user("reclaimd-somebody")
            user.log_in()
            # sudo is not there, and root needs none. The checkout may be somebody else's.
            boot.run(["sh", "-c", "git config --global safe.directory '*' && "
                      f"git clone -q --no-hardlinks {REPOSITORY} /srv/as-the-readme-says && "
                      "printf '#!/bin/sh\\nexec \"$@\"\\n' >/usr/local/bin/sudo && "
                      "chmod +x /usr/local/bin/sudo"])
            seen = {}
            for heading, command in commands():
                if heading.startswith(OF_A_USER) and not command.startswith("sudo "):
                    result = user.run(command, check=False)
                else:
                    result = boot.run(["sh", "-c", f"cd /srv/as-the-readme-says && {command}"], check=False,
                                      timeout=600, USER=user.name)
                self.assertEqual(result.returncode, 0, f"{command}\n{result.stdout}{result.stderr}")
                seen[command] = result.stdout + result.stderr
            for of in ("sudo reclaimd", "sudo reclaimd --instance podman", "reclaimd"):
                self.assertIn("no mistake", seen[f"{of} check"])
            self.assertIn("web-1", seen["sudo reclaimd plan --all"])
            self.assertIn("keep-within", seen["sudo reclaimd explain web-1"])
            self.assertIn("/run/podman/podman.sock", seen["sudo reclaimd --instance podman plan --all"])
            self.assertIn(f"{user.runtime}/podman/podman.sock", seen["reclaimd plan --all"])
            self.assertIn("nothing to remove", seen["journalctl --user -u reclaimd"])
            self.assertEqual(boot.run(["ls", "/var/lib/systemd/linger"]).stdout.split(), [user.name])
