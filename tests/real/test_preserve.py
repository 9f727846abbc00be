"""superseded.ini as shipped: superseded builds get a name on real engines, can be run by it, and go when
their time is over."""

import time
import unittest

from harness import engines
from harness.engines import Engine
from harness.program import REPOSITORY, Program

SHIPPED = (REPOSITORY / "policies" / "superseded.ini").read_text()
SETTINGS = "[run]\nmin-age = 1s\n"


class OnRealEngines(unittest.TestCase):
    def build(self, number):
        """Takes app:latest from the build before; a run sees that."""
        image = self.client.build("app:latest", "FROM base:1\nCOPY number /number\n",
                                  {"number": f"{number}\n".encode()})
        self.assertEqual(self.program("run", "--mode=observe").status, 0)
        return image

    def run_json(self):
        run = self.program("run", "--json")
        self.assertEqual(run.status, 0, run)
        return run

    def names(self, image):
        return set(self.client.get(f"/images/{image}/json")["RepoTags"])

    def named(self, run):
        """Of all that was to get a name: the ID, the name and how it ended."""
        return {entry["id"]: (entry["preserve_as"], entry["outcome"]) for entry in run.json["objects"]
                if entry["verdict"] == "tag"}

    def outcomes(self, run):
        return {entry["id"]: entry["outcome"] for entry in run.json["objects"]
                if entry["verdict"] == "remove"}

    def superseded_get_names(self):
        first, second, _third = images = [self.build(number) for number in range(3)]
        run = self.run_json()
        named = self.named(run)
        self.assertEqual({image: outcome for image, (_name, outcome) in named.items()},
                         {first: "tagged", second: "tagged"}, run)
        today = time.strftime("%Y%m%d", time.gmtime())
        for image in (first, second):
            name = named[image][0]
            self.assertRegex(name, rf"^(docker\.io/library/|localhost/)?app:superseded-{today}-"
                                   rf"{image.removeprefix('sha256:')[:12]}$")
            self.assertEqual(self.names(image), {name})
        return images, {image: name for image, (name, _outcome) in named.items()}

    def they_can_be_run(self, names, images):
        for number, image in enumerate(images[:2]):
            container = self.client.create("back", names[image], ["sh", "-c", f"test $(cat /number) = {number}"])
            self.client.start(container)
            self.assertEqual(self.client.wait(container), 0)
            self.client.request("DELETE", f"/containers/{container}")

    def a_second_run_does_nothing_new(self):
        before = self.client.tags()
        run = self.run_json()
        self.assertEqual({entry["verdict"] for entry in run.json["objects"]}, {"keep"}, run)
        self.assertEqual(self.client.tags(), before)

    def a_name_that_exists_stays_with_its_owner(self, third):
        fourth = self.build(3)
        name = self.program("plan", "--json").verdict(third)["preserve_as"]
        base = self.client.image_id("base:1")
        self.client.tag(base, name)
        run = self.run_json()
        self.assertEqual(self.named(run), {third: (name, "skipped")}, run)
        self.assertIn(base, run.verdict(third)["detail"])
        self.assertEqual(self.client.image_id(name), base)
        self.client.untag(name)
        self.assertEqual(self.named(self.run_json()), {third: (name, "tagged")})
        return fourth, name

    def the_older_go(self, images, name):
        first, second, third, fourth = images
        self.program.set_policy(SHIPPED.replace("keep-last     = 3", "keep-last     = 1"))
        time.sleep(2)
        run = self.run_json()
        self.assertEqual(self.outcomes(run), {first: "removed", second: "removed"}, run)
        here = self.client.image_ids()
        self.assertFalse({first, second} & here)
        self.assertLessEqual({third, fourth}, here)
        self.assertEqual(self.names(third), {name})

    def check_engine(self, engine):
        self.client = engine.client
        self.client.import_root("base:1")
        images, names = self.superseded_get_names()
        self.they_can_be_run(names, images)
        self.a_second_run_does_nothing_new()
        fourth, name = self.a_name_that_exists_stays_with_its_owner(images[2])
        self.the_older_go([*images, fourth], name)
        self.a_second_run_does_nothing_new()

    def test_superseded_builds_are_preserved_and_retired(self):
        for name in engines.wanted():
            with self.subTest(name):
                try:
                    engine = Engine(name)
                except engines.Unavailable as reason:
                    self.skipTest(str(reason))
                with engine, Program(engine.socket, SHIPPED, SETTINGS) as self.program:
                    self.check_engine(engine)


if __name__ == "__main__":
    unittest.main()
