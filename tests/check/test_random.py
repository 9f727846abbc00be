"""Random worlds with all kinds of objects under random policies, run until nothing changes: what is left must be what
a plain rule, written down here once more and sharing nothing with the program, says must stay."""

import contextlib
import fnmatch
import os
import random
import sqlite3
import unittest

from harness.fake import CLOSE, CLOSE_AFTER, FakeCase, refusal
from harness.program import DOCUMENTED

# More with RANDOM_WORLDS=500; a failure names the seed, RANDOM_SEED=N is that one alone.
WORLDS = int(os.environ.get("RANDOM_WORLDS", "10"))
SEEDS = [int(os.environ["RANDOM_SEED"])] if "RANDOM_SEED" in os.environ else range(WORLDS)
HOUR, DAY = 3600, 86400


class World:
    """A fake engine's world and policy by one seed, and what must stay of it."""

    def __init__(self, fake, seed):
        self.fake, self.random = fake, random.Random(seed)
        self.rules = {kind: self.random.random() < 0.85 for kind in
                      ("containers", "images", "volumes", "networks", "build-cache")}
        self.remove_volumes = self.random.random() < 0.5
        self.keep_tag = self.random.choice(["", "stable", "v*"])
        self.keep_label = self.random.choice(["", "keep"])
        self.dangling = self.random.choice(["any", "yes", "no"])
        self.within = self.random.choice([0, 6 * HOUR])
        self.min_age = self.random.choice([0, HOUR])
        self.parents, self.users, self.named_by_service = {}, {}, set()
        self.young, self.ended = {}, {}
        self.make()

    def some(self, things, most):
        return self.random.sample(things, min(len(things), self.random.randint(0, most)))

    def ago(self):
        return self.random.choice([60, 3 * HOUR, 2 * DAY, 50 * DAY])

    def labels(self):
        return {"keep": "yes"} if self.random.random() < 0.15 else {}

    # What there is

    def make_images(self):
        fake, count = self.fake, self.random.randint(2, 9)
        images = []
        for index in range(count):
            parent = self.random.choice(images) if images and self.random.random() < 0.4 else None
            names = [f"{name}:{tag}" for name, tag in
                     {(f"app{index}", self.random.choice(["1", "2", "stable", "v3"])) for _ in range(2)}]
            tagged = self.ago()
            images.append(fake.image(*self.some(names, 2), label=f"i{index}", parent=parent, ago=80 * DAY,
                                     tagged=tagged, labels=self.labels()))
            self.young[images[-1].id] = tagged
        return images

    def make_containers(self, images):
        fake = self.fake
        for index in range(self.random.randint(1, 8)):
            image = self.random.choice(images)
            name = self.random.choice([image, *image.tags])
            state = self.random.choice(["exited"] * 5 + ["running", "created", "paused", "dead"])
            ago = self.ago()
            container = fake.container(f"c{index}", name, state, ago=ago, labels=self.labels(),
                                       restart=self.random.choice(["no"] * 4 + ["always", "unless-stopped", "on-failure"]),
                                       exit_code=self.random.choice([0, 0, 1, 137]))
            container.retries = self.random.randint(0, 3)
            container.max_retries = self.random.choice([0, 2, 3])
            self.ended[container.id] = ago
            self.users[container.id] = {"volumes": set(), "networks": set(), "joined": None}

    def tie(self):
        """Volumes, networks and one another's network, to containers."""
        fake = self.fake
        volumes = [fake.volume() for _ in range(4)] + [fake.volume(f"named{i}") for i in range(2)]
        networks = [fake.network(f"n{i}") for i in range(4)] + [fake.network("bridge")]
        containers = list(fake.containers.values())
        for container in containers:
            held = self.users[container.id]
            for volume in self.some(volumes, 2):
                held["volumes"].add(volume["Name"])
                if self.random.random() < 0.7:
                    fake.mount(container, volume)
                else:
                    container.mounts = [*container.mounts, {
                        "Type": "bind", "Source": volume["Mountpoint"] + self.random.choice(["", "/a/b"]),
                        "Destination": "/bound", "Mode": "", "RW": True, "Propagation": "rprivate"}]
            choice = self.random.random()
            if choice < 0.4:
                network = self.random.choice(networks)
                held["networks"].add(network["Name"])
                fake.connect(container, network, self.random.choice([None, network["Id"][:12], network["Id"]]))
            elif choice < 0.55:
                other = self.random.choice(containers)
                if other is not container:
                    held["joined"] = other.id
                    container.extra = {"HostConfig": {"NetworkMode": "container:" + other.id},
                                       "NetworkSettings": {"Networks": {}}}

    def make_cache(self):
        made = []
        for index in range(self.random.randint(0, 6)):
            name, ago = f"r{index}", self.ago()
            parent = self.random.choice(made) if made and self.random.random() < 0.5 else ""
            self.fake.record(name, ago=ago, parent=parent, InUse=self.random.random() < 0.15,
                             Shared=self.random.random() < 0.15,
                             Type=self.random.choice(["regular"] * 5 + ["internal"]))
            self.parents[name] = (parent, ago)
            made.append(name)

    def make(self):
        fake = self.fake
        images = self.make_images()
        self.make_containers(images)
        # A name that moves: the container was created from it and still holds it.
        movable = [one for image in images for one in image.tags]
        for name in self.some(movable, 1):
            fake.tag(self.random.choice(images), name)
        self.tie()
        self.make_cache()
        if self.random.random() < 0.3:
            fake.join_swarm()
            names = self.some([one for image in images for one in image.tags], 2)
            for index, name in enumerate(names):
                volume = self.random.choice(list(fake.volumes))
                network = self.random.choice(list(fake.networks.values()))
                fake.service(f"s{index}", name, mounts=[volume], networks=[network["Id"]])
                self.named_by_service |= {("image", name), ("volume", volume), ("network", network["Name"])}

    def policy(self):
        ages = f"min-age = {self.min_age}s\nkeep-within = {self.within}s\nmax-remove = 100%\n"
        label = f"keep-label = {self.keep_label}\n" if self.keep_label else ""
        tag = f"keep-tag = {self.keep_tag}\n" if self.keep_tag else ""
        volumes = f"remove-volumes = {'yes' if self.remove_volumes else 'no'}\n"
        texts = {
            "containers": f"[containers all]\nname = *\n{ages}{label}{volumes}",
            "images": f"[images all]\nname = *\ndangling = {self.dangling}\n{ages}{label}{tag}",
            "volumes": f"[volumes all]\nname = *\n{ages}",
            "networks": f"[networks all]\nname = *\n{ages}",
            "build-cache": f"[build-cache all]\nname = *\n{ages}",
        }
        return "".join(text for kind, text in texts.items() if self.rules[kind])

    # What must stay

    def kept_by_label(self, labels):
        return bool(self.keep_label) and self.keep_label in (labels or {})

    def is_young(self, ago):
        """Some seconds pass while the test runs; no age lies near a limit."""
        return ago < max(self.min_age, self.within)

    @staticmethod
    def comes_back(one):
        failed = one.exit_code != 0 and not 0 < one.max_retries <= one.retries
        return one.restart in ("always", "unless-stopped") or one.restart == "on-failure" and failed

    def staying_containers(self):
        fake = self.fake
        staying = {one.id for one in fake.containers.values()
                   if not self.rules["containers"] or one.state not in ("exited", "dead")
                   or self.comes_back(one) or self.kept_by_label(one.labels)
                   or self.is_young(self.ended[one.id])}
        while True:
            joined = {self.users[one]["joined"] for one in staying} - {None}
            if joined <= staying:
                return staying
            staying |= joined

    def image_stays(self, image, staying):
        fake = self.fake
        users = [fake.containers[one] for one in staying]
        if not self.rules["images"] or any(one.image == image.id for one in users):
            return True
        if any(one.config_image in image.tags for one in users) or self.kept_by_label(image.labels):
            return True
        if any(("image", tag) in self.named_by_service for tag in image.tags):
            return True
        if self.keep_tag and any(fnmatch.fnmatchcase(tag.rsplit(":", 1)[1], self.keep_tag) for tag in image.tags):
            return True
        return self.is_young(self.young[image.id]) or \
            self.dangling == ("yes" if image.tags else "no")

    def staying_images(self, staying):
        """An image with children goes after the last of them, an untagged one even where no rule is for it."""
        images = self.fake.images
        kept = set()
        for image in sorted(images.values(), key=lambda one: -int(one.label[1:])):
            children = [one.id for one in images.values() if one.parent == image.id]
            if any(one in kept for one in children):
                kept.add(image.id)
            elif children and not image.tags:
                if self.untagged_parent_stays(image, staying):
                    kept.add(image.id)
            elif self.image_stays(image, staying):
                kept.add(image.id)
        return kept

    def untagged_parent_stays(self, image, staying):
        users = [self.fake.containers[one] for one in staying]
        return not self.rules["images"] or any(one.image == image.id for one in users) or \
            self.kept_by_label(image.labels)

    def untagged_parents(self):
        images = self.fake.images.values()
        return {image.label for image in images
                if not image.tags and any(one.parent == image.id for one in images)}

    def staying_volumes(self, staying):
        held = {name for one in staying for name in self.users[one]["volumes"]}
        return {name for name in self.fake.volumes
                if name in held or ("volume", name) in self.named_by_service or name.startswith("named")
                or not self.rules["volumes"]}

    def staying_networks(self, staying):
        held = {name for one in staying for name in self.users[one]["networks"]}
        return {one["Name"] for one in self.fake.networks.values()
                if one["Name"] in held or ("network", one["Name"]) in self.named_by_service
                or one["Name"] == "bridge" or not self.rules["networks"]}

    def staying_cache(self):
        kept = set()
        for name in sorted(self.parents, reverse=True):
            record, (_, ago) = self.fake.cache[name], self.parents[name]
            if not self.rules["build-cache"] or record["InUse"] or record["Shared"] or \
                    record["Type"] == "internal" or self.is_young(ago) or \
                    any(parent == name and child in kept for child, (parent, _) in self.parents.items()):
                kept.add(name)
        return kept

    def must_stay(self):
        """Less what is only certain once a container is really gone."""
        staying = self.staying_containers()
        return {
            "containers": {self.fake.containers[one].name for one in staying},
            "images": {self.fake.images[one].label for one in self.staying_images(staying)},
            "volumes": self.staying_volumes(staying),
            "networks": self.staying_networks(staying),
            "build-cache": self.staying_cache(),
        }

    def left(self):
        fake = self.fake
        return {
            "containers": {one.name for one in fake.containers.values()},
            "images": {one.label for one in fake.images.values()},
            "volumes": set(fake.volumes),
            "networks": {one["Name"] for one in fake.networks.values()},
            "build-cache": set(fake.cache),
        }


class Random(FakeCase):
    def prepare(self, seed):
        fake, program = self.another()
        world = World(fake, seed)
        program.set_policy(world.policy())
        return fake, program, world

    def age(self, program):
        """All that was seen was seen long ago."""
        for path in (program.folder / "state").glob("*.sqlite"):
            with contextlib.closing(sqlite3.connect(path)) as state:
                for column in ("first_seen", "untagged_since"):
                    state.execute(f"UPDATE objects SET {column} = {column} - ?", (100 * DAY,))
                state.execute("UPDATE image_names SET first_seen = first_seen - ?", (100 * DAY,))
                state.commit()

    def run_until_nothing_changes(self, fake, program):
        worlds = [None]
        # What lost its user is first seen so by a run that changes nothing else.
        while worlds[-3:] != [fake.world()] * 3:
            worlds.append(fake.world())
            outcome = program("run", "--json")
            self.assertEqual(outcome.status, 0, outcome)
            self.age(program)

    def test_what_is_left_is_what_must_stay(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                fake, program, world = self.prepare(seed)
                if not any(world.rules.values()):
                    continue
                must_stay, parents = world.must_stay(), world.untagged_parents()
                self.assertEqual(program("run", "--mode=observe").status, 0)
                self.age(program)
                self.run_until_nothing_changes(fake, program)
                left = world.left()
                # One whose user goes later than the last that is built on it is an image like others by then.
                must_stay["images"] |= left["images"] & parents
                if world.rules["containers"] and world.remove_volumes:
                    # Those of the containers that went went along, rule or not.
                    must_stay["volumes"] &= left["volumes"] | self.held_or_named(world)
                self.assertEqual(left, must_stay, world.policy())

    def held_or_named(self, world):
        held = {name for one in world.fake.containers for name in world.users[one]["volumes"]}
        return held | {name for kind, name in world.named_by_service if kind == "volume"} | \
            {name for name in world.fake.volumes if name.startswith("named")} | \
            {name for name in world.fake.volumes if not any(name in one["volumes"] for one in world.users.values())}

    def test_nothing_that_must_stay_goes_whatever_fails(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                fake, program, world = self.prepare(seed)
                must_stay, chance = world.must_stay(), random.Random(seed)
                must_stay["volumes"] = {name for name in must_stay["volumes"] if name in self.always_held(world)}
                program("run", "--mode=observe")
                self.age(program)
                fault = chance.choice([CLOSE, CLOSE_AFTER, refusal(500, "no"), refusal(404, "gone")])
                for _ in range(4):
                    fake.forget()
                    for index in chance.sample(range(60), 4):
                        fake.at(index, fault)
                    outcome = program("run", "--json")
                    self.assertIn(outcome.status, DOCUMENTED, outcome)
                    self.age(program)
                left = world.left()
                for kind, names in must_stay.items():
                    self.assertLessEqual(names, left[kind], f"{kind}\n{world.policy()}")

    def always_held(self, world):
        staying = world.staying_containers()
        return {name for one in staying for name in world.users[one]["volumes"]} | \
            {name for kind, name in world.named_by_service if kind == "volume"} | \
            {name for name in world.fake.volumes if name.startswith("named")}


if __name__ == "__main__":
    unittest.main()
