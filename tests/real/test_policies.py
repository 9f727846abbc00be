"""The shipped policies beside `docker system prune -f --filter until=…`, the real command on the same world:
what their comments say of the difference."""

import re
import time
import unittest

from harness import registry
from harness.engines import Engine
from harness.program import REPOSITORY, Program

# Seconds in place of hours; the rest is as shipped.
SHORT = {"24h": "2s", "7d": "1h"}


def shipped(name):
    text = (REPOSITORY / "policies" / name).read_text()
    return re.sub(r"^(keep-within *= *)(\S+)$", lambda found: found[1] + SHORT[found[2]], text, flags=re.M)


class BesideSystemPrune(unittest.TestCase):
    def build_world(self, client):
        client.import_root("base:1")
        client.run("ended", "base:1")
        client.run("failed", "base:1", ["false"])
        client.run_on("long-ago", "base:1")
        client.create("created", "base:1")
        client.run_on("to-be-restarted", "base:1", restart="unless-stopped")
        client.stop("to-be-restarted")
        client.run("toolbox", "base:1", labels={"com.github.containers.toolbox": "true"})
        client.run("distrobox", "base:1", labels={"manager": "distrobox"})
        client.run("buildx_buildkit_builder0", "base:1")
        client.run("by-hand", "base:1", labels={"reclaimd.keep": "yes"})
        with registry.Registry() as server:
            digest = server.push("example/wanted", "1", registry.Image({"wanted": b"1"}))
            self.wanted = client.pull(f"{server.address}/example/wanted@{digest}")

    def builds(self, client, program):
        made = []
        for number in range(3):
            made.append(client.build("example/image:latest", f"FROM base:1\nRUN echo {number} >/number\n"))
            program("run", "--mode=observe")
        return made

    def test_it_keeps_what_prune_takes(self):
        with Engine("d20") as engine, \
                Program(engine.socket, shipped("exited.ini"), "[run]\nmin-age = 1s\n") as program:
            client = engine.client
            self.build_world(client)
            (program.folder / "dangling.ini").write_text(shipped("dangling.ini"))
            both = ("--policy", str(program.folder / "dangling.ini"))
            oldest, superseded, latest = self.builds(client, program)
            client.stop("long-ago")
            ended = time.monotonic()
            time.sleep(1)

            plan = program("plan", "--json", *both)
            self.assertNotIn("long-ago", plan.goes())      # it ended a moment ago
            time.sleep(max(0, ended + 4 - time.monotonic()))
            plan = program("plan", "--json", *both)
            goes = plan.goes()
            # long-ago was ended by a signal: its logs stay, as those of failed.
            self.assertEqual({name for name in goes if not name.startswith("sha256:")}, {"ended"})
            self.assertIn(oldest, goes)
            self.assertFalse({superseded, latest, self.wanted} & goes, plan)

            containers = set(client.containers())
            said = engine.inside("docker", "-H", f"unix://{engine.socket}", "system", "prune", "-f",
                                 "--filter", "until=1s", check=True).stdout
            self.assertIn("Total reclaimed space", said)
            taken = containers - set(client.containers())
            self.assertLessEqual({"created", "to-be-restarted", "toolbox", "distrobox",
                                  "buildx_buildkit_builder0", "by-hand", "failed", "ended"}, taken)
            images = client.image_ids()
            self.assertNotIn(self.wanted, images)          # pulled a moment ago, by digest
            self.assertNotIn(superseded, images)           # nothing is left to go back to


class Shipped(unittest.TestCase):
    def test_each_is_read_without_a_mistake(self):
        for path in sorted((REPOSITORY / "policies").glob("*.ini")):
            with self.subTest(path.name), Program("/nowhere", path.read_text()) as program:
                self.assertEqual(program("check").status, 0, path)
