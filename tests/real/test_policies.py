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


def in_seconds(name, keep_within="1s", **values):
    """A shipped policy that a test can wait for."""
    text = (REPOSITORY / "policies" / name).read_text()
    for key, value in {"keep_within": keep_within, **values}.items():
        text, n = re.subn(rf"^({key.replace('_', '-')} *= *)\S+$", rf"\g<1>{value}", text, flags=re.M)
        assert n > 0, key
    return text


def service(name):
    return {"com.docker.compose.project": "shop", "com.docker.compose.service": name}


class Tagged(unittest.TestCase):
    """Many tags, of which each policy keeps what its comments say. The engine tells whole seconds."""

    def build(self, client, reference, labels=None):
        return client.build(reference, f"FROM base:1\nRUN echo {reference} >/name\n", labels=labels)

    def apps(self, client):
        return client.tags() - {"base:1"}

    def learn(self, program, seconds=2.1):
        self.assertEqual(program("run", "--mode=observe").status, 0)
        time.sleep(seconds)

    def run_twice(self, client, program):
        """What goes in one run goes at once: a second finds nothing more."""
        for _ in range(2):
            run = program("run", "--json")
            self.assertEqual(run.status, 0, run)
            left = self.apps(client)
        self.assertEqual(run.goes(), set())
        return left

    def test_releases_keeps_the_last_versions_and_the_way_back(self):
        with Engine("d20") as engine, Program(engine.socket, in_seconds("releases.ini"),
                                              "[run]\nmin-age = 1s\n") as program:
            client = engine.client
            client.import_root("base:1")
            versions = ("1.1.0", "1.2.0", "1.3.0", "1.8.0", "1.9.0", "1.10.0", "2.0.0-rc.1")
            for version in versions:
                self.build(client, f"app:{version}")
            client.tag("app:1.10.0", "app:latest")
            client.tag("app:1.3.0", "app:stable")
            for reference in ("other/app:0.1", "app:7", "app:main", "app:3f2c1a9"):
                self.build(client, reference)
            for number in range(3):
                client.build("pinned:1.0", f"FROM base:1\nRUN echo {number} >/x\n", labels={"reclaimd.keep": "yes"})
                client.tag("pinned:1.0", f"pinned:1.{number}.0")
            # Two deploys, of which the containers are replaced; the second is there.
            client.run("web", "app:1.2.0", labels=service("web"))
            self.learn(program, 0)
            client.request("DELETE", "/containers/web")
            client.run_on("web", "app:1.9.0", labels=service("web"))
            time.sleep(2.1)
            left = self.run_twice(client, program)
            self.assertEqual({tag for tag in left if tag.startswith("app:")}, {
                "app:2.0.0-rc.1", "app:1.10.0", "app:latest", "app:1.9.0",  # the highest three
                "app:1.2.0",                                               # what web ran before
                "app:1.3.0", "app:stable",                                 # whole or not at all
                "app:7", "app:main", "app:3f2c1a9"})                        # no versions
            self.assertLessEqual({"other/app:0.1", "pinned:1.0", "pinned:1.0.0", "pinned:1.1.0"}, left)
            self.assertIn("web", program("explain", "app:1.2.0").stdout)

    def test_releases_takes_nothing_on_a_first_look(self):
        with Engine("d20") as engine, Program(
                engine.socket, (REPOSITORY / "policies" / "releases.ini").read_text()) as program:
            engine.client.import_root("base:1")
            for number in range(6):
                self.build(engine.client, f"app:1.{number}.0")
            program("run")
            self.assertEqual(len(self.apps(engine.client)), 6)

    def sha(self, number):
        return f"{number:x}".rjust(7, "a")

    def test_ci_tags_keeps_the_newest_of_each_branch(self):
        with Engine("d20") as engine, Program(
                engine.socket, in_seconds("ci-tags.ini", keep_within="0s", keep_last="1"),
                "[run]\nmin-age = 1s\n") as program:
            client = engine.client
            client.import_root("base:1")
            for number in range(3):
                sha = self.sha(number)
                self.build(client, f"app:main-{sha}")
                for repository in ("app", "lib"):
                    for branch in ("fix", "fix-login"):
                        self.build(client, f"{repository}:{branch}-{sha}", {"ci.branch": f"{repository} {branch}"})
                self.build(client, f"app:old-{sha}")
                if number == 0:
                    client.tag(f"app:fix-{sha}", "app:demo")
                time.sleep(1.1)
            self.build(client, "app:release-notes")
            client.run("job", f"lib:fix-{self.sha(1)}")
            self.learn(program)
            left = self.run_twice(client, program)
            last = self.sha(2)
            self.assertEqual(left, {
                f"app:main-{last}", f"app:fix-{last}", f"app:fix-login-{last}", f"lib:fix-{last}",
                f"lib:fix-login-{last}", f"app:old-{last}",
                f"app:fix-{self.sha(0)}", "app:demo",        # whole or not at all
                f"lib:fix-{self.sha(1)}",                    # a container of it is there
                "app:release-notes"})                        # no SHA

    def test_ci_tags_forgets_a_branch_that_builds_no_more(self):
        with Engine("d20") as engine, Program(
                engine.socket, in_seconds("ci-tags.ini", keep_within="0s", max_age="2s"),
                "[run]\nmin-age = 1s\n") as program:
            client = engine.client
            client.import_root("base:1")
            self.build(client, f"app:fix-{self.sha(1)}", {"ci.branch": "app fix"})
            self.build(client, f"app:main-{self.sha(1)}", {"ci.branch": "app main"})
            self.learn(program, 3.1)
            self.assertEqual(self.run_twice(client, program), {f"app:main-{self.sha(1)}"})


class Shipped(unittest.TestCase):
    def test_each_is_read_without_a_mistake(self):
        for path in sorted((REPOSITORY / "policies").glob("*.ini")):
            with self.subTest(path.name), Program("/nowhere", path.read_text()) as program:
                self.assertEqual(program("check").status, 0, path)

    def test_all_of_one_folder_and_those_of_the_readme_too(self):
        with Program("/nowhere") as program:
            # Those of a checkout may be a user's, which root refuses.
            folder = program.folder / "policies"
            folder.mkdir()
            for path in (REPOSITORY / "policies").glob("*.ini"):
                (folder / path.name).write_text(path.read_text())
            self.assertEqual(program("check", "--policy", str(folder)).status, 0)
        blocks = re.findall(r"^```ini\n(.*?)^```", (REPOSITORY / "README.md").read_text(), re.M | re.S)
        self.assertGreater(len(blocks), 3)
        for block in blocks:
            with self.subTest(block), Program("/nowhere", block) as program:
                self.assertEqual(program("check").status, 0)
