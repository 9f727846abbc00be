"""The policy of six lines in the README, on a real engine: what stays, what goes, what gets a name, and that plan
and explain tell of each why."""

import re
import time
import unittest

from harness.engines import Engine
from harness.program import REPOSITORY, Program

SETTINGS = "[run]\nmin-age = 1s\n"
SERVICE = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
# Built in no order; 1.10.0 is the highest.
VERSIONS = ("1.10.0", "1.2.0", "1.9.0", "1.8.0", "1.3.0", "1.7.1", "1.7.0", "1.1.0")


def policy():
    text = (REPOSITORY / "README.md").read_text()
    found = re.search(r"^```ini\n(\[images way-back\]\n.*?)^```", text, re.M | re.S)[1]
    assert len(found.splitlines()) == 7, found      # the name of the section, and six
    return found


class WayBack(unittest.TestCase):
    def build(self, reference, content):
        return self.client.build(reference, "FROM base:1\nCOPY content /content\n",
                                 {"content": f"{content}\n".encode() * 100_000})

    def deploy(self, number):
        image = self.build("app:latest", f"deploy {number}")
        if "web" in self.client.containers():
            self.client.request("DELETE", "/containers/web", force=1)
        self.client.run_on("web", "app:latest", labels=SERVICE)
        self.look()
        return image

    def look(self):
        self.assertEqual(self.program("run", "--mode=observe").status, 0)

    def build_world(self):
        self.client.import_root("base:1")
        made = {version: self.build(f"app:{version}", version) for version in VERSIONS}
        self.client.tag("app:1.2.0", "app:stable")
        made["main"] = self.build("app:main", "main")
        made["ran-first"] = self.deploy(0)
        made["ran-before"] = self.deploy(1)
        made["never-ran"] = self.build("app:latest", "never ran")
        self.look()
        made["latest"] = self.deploy(2)
        return made

    def setUp(self):
        self.engine = Engine("d20").start()
        self.addCleanup(self.engine.stop)
        self.program = Program(self.engine.socket, policy(), SETTINGS)
        self.addCleanup(self.program.close)
        self.client = self.engine.client
        self.made = self.build_world()
        time.sleep(2.1)

    def expected(self):
        """Of each object in the plan: its verdict, and what the reason says."""
        named = r"among the last 2 that shop/web ran, to be named app:superseded-\d{8}-[0-9a-f]{12} \(was app:latest\)"
        return {
            "web": ("keep", "running"),
            "base:1": ("keep", r"one of 1 in base, keep-last = 5"),
            "app:latest": ("keep", "in use by web"),
            "app:stable": ("keep", "pinned by keep-tag"),
            "app:1.2.0": ("keep", "stays with its other name app:stable"),
            "app:1.10.0": ("keep", "newest of 13 in app, keep-last = 5"),
            "app:1.9.0": ("keep", "2nd newest of 13 in app, keep-last = 5"),
            "app:1.8.0": ("keep", "3rd newest of 13 in app, keep-last = 5"),
            "app:1.7.1": ("keep", "4th newest of 13 in app, keep-last = 5"),
            "app:1.7.0": ("keep", "5th newest of 13 in app, keep-last = 5"),
            "app:1.3.0": ("remove", r"tagged \d+s ago, 6th newest of 13 in app, keep-last = 5"),
            "app:1.1.0": ("remove", r"tagged \d+s ago, 8th newest of 13 in app, keep-last = 5"),
            "app:main": ("remove", r"tagged \d+s ago, \d+th newest of 13 in app, keep-last = 5"),
            self.made["ran-before"]: ("tag", named),
            self.made["never-ran"]: ("remove", r"first seen untagged \d+s ago, \d+th newest of 13 in app, .*"),
            self.made["ran-first"]: ("remove", r"first seen untagged \d+s ago, \d+th newest of 13 in app, .*"),
        }

    def check_plan(self, plan, expected):
        self.assertEqual(len(plan.json["objects"]), len(expected), plan)
        for name, (verdict, reason) in expected.items():
            with self.subTest(name):
                said = plan.verdict(name)
                self.assertEqual(said["verdict"], verdict, said)
                self.assertRegex(said["reason"], f"^{reason}$")

    def check_explain(self, expected):
        """Why is it still here? Why does it go? In the words of the plan."""
        for name, (verdict, reason) in expected.items():
            with self.subTest(name):
                said = self.program("explain", name.removeprefix("sha256:")[:12])
                self.assertEqual(said.status, 0, said)
                self.assertRegex(said.stdout, f"(?m)^  verdict +{'goes' if verdict == 'remove' else 'stays'}: {reason}$")
                self.assertNotRegex(said.stdout, r"[{}]|0s ago \(not known")

    def test_the_policy_of_six_lines(self):
        expected = self.expected()
        plan = self.program("plan", "--all", "--json")
        self.check_plan(plan, expected)
        self.check_explain(expected)
        table = self.program("plan", "--all").stdout
        self.assertIn("would remove 5 images (3 tags)", table)
        self.assertIn("would name 1 superseded image", table)
        self.assertNotRegex(table, r"[{}]")
        self.assertNotRegex(table, r"(?m)^tag .*unknown +(remove|keep)")

        run = self.program("run", "--json")
        self.assertEqual(run.status, 0, run)
        kept = self.made["ran-before"]
        name = self.client.get(f"/images/{kept}/json")["RepoTags"]
        self.assertRegex(" ".join(name), rf"^app:superseded-\d{{8}}-{kept.split(':')[1][:12]}$")
        self.assertEqual(self.client.tags(), {one for one in expected if ":" in one and expected[one][0] == "keep"} |
                         set(name))
        for gone in ("never-ran", "ran-first", "main"):
            self.assertNotIn(self.made[gone], self.client.image_ids())
        self.assertEqual(self.program("run", "--json").goes(), set())
        # The night when it is needed.
        self.client.request("DELETE", "/containers/web", force=1)
        self.client.run_on("web", name[0], labels=SERVICE)


if __name__ == "__main__":
    unittest.main()
