"""What must survive on a real engine, whatever else is done to it at the same time."""

import threading
import time
import unittest

from harness import registry
from harness.client import EngineError
from harness.engines import Engine, Unavailable, wanted
from harness.program import Program
from harness.relay import Relay
from harness.world import pull

# All that is not held goes at once, but for the default min-age.
YOUNG = """
[images all]
name        = *
dangling    = any
keep-within = 0s
max-remove  = 100%
"""

NOW = YOUNG + "min-age = 0s\n"


class Case(unittest.TestCase):
    policy = NOW

    def setUp(self):
        self.start("d20")

    def start(self, name):
        self.engine = Engine(name).start()
        self.addCleanup(self.engine.stop)
        self.client = self.engine.client
        self.program = Program(self.engine.socket, self.policy)
        self.addCleanup(self.program.close)
        self.client.import_root("base:1")

    def build(self, reference, text, **options):
        return self.client.build(reference, f"FROM base:1\nRUN echo {text} >/x\n", **options)

    def run_ok(self, *arguments):
        run = self.program("run", "--json", *arguments)
        self.assertEqual(run.status, 0, run)
        return run


class Joined(Case):
    """Docker removes a container that another one cannot start without, or not be made anew."""

    policy = "[containers all]\nstate = created\nkeep-within = 0s\nmin-age = 0s\n"
    # How the other one needs it.
    WAYS = {"net": {"NetworkMode": "container:net"}, "pid": {"PidMode": "container:pid"},
            "ipc": {"IpcMode": "container:ipc"},
            "volumes": {"VolumesFrom": ["volumes:ro"]},
            "link": {"NetworkMode": "default", "Links": ["/link:/link-user/alias"]}}

    def test_what_another_one_needs_to_start_stays(self):
        for way, host in self.WAYS.items():
            network = "default" if way == "link" else "none"
            self.client.create(way, "base:1", ("sleep", "100"),
                               host={"IpcMode": "shareable", "NetworkMode": network})
            self.client.create(f"{way}-user", "base:1", ("true",), restart="always", host=host)
        self.client.create("alone", "base:1")
        run = self.run_ok()
        self.assertEqual(run.goes(), {"alone"}, run)
        for way in self.WAYS:
            self.assertIn(f"{way}-user", run.verdict(way)["reason"])
            self.client.start(way)
            self.client.start(f"{way}-user")


class SecondName(Case):
    """Engines take a name from a container that uses it, if the image has another one."""

    policy = "[images apps]\nname = app\nkeep-within = 0s\nmin-age = 0s\nmax-remove = 100%\n"

    def setUp(self):
        """On each engine in turn instead."""

    def each(self, check):
        for name in wanted():
            with self.subTest(name):
                self.start(name)
                check()
                self.engine.stop()

    def check(self):
        self.image = self.client.import_root("app:1", 1)
        self.client.tag("app:1", "app:2")
        self.assertEqual(len(self.program("plan", "--json").goes()), 2)
        with Relay(self.engine.socket) as relay:
            self.program.socket = relay.socket
            # The image was looked up, and the containers before it.
            relay.before("GET .*/containers/json.all=1&filters=",
                         lambda: self.client.create("late", "app:2"))
            run = self.run_ok()
        self.assertEqual(relay.hooks, [])
        self.assertEqual({row["outcome"] for row in run.json["objects"] if row["verdict"] == "remove"}, {"in-use"})
        self.assertEqual({tag.rpartition("/")[2] for tag in self.client.tags()}, {"app:1", "app:2", "base:1"})
        self.client.start("late")

    def check_moved(self):
        old = self.client.import_root("app:1", 1)
        new = self.client.import_root("new:1", 2)
        with Relay(self.engine.socket) as relay:
            self.program.socket = relay.socket
            relay.before("DELETE .*images", lambda: self.client.tag("new:1", "app:1"))
            run = self.run_ok()
        self.assertEqual(relay.hooks, [])
        self.assertEqual([row["outcome"] for row in run.json["objects"] if row["verdict"] == "remove"], ["removed"])
        self.assertEqual(self.client.image_id("app:1"), new)
        self.assertNotIn(old, self.client.image_ids())

    def test_a_name_that_moves_at_the_last_moment_stays_with_its_new_image(self):
        self.each(self.check_moved)

    def test_a_container_that_comes_meanwhile_keeps_the_names_of_its_image(self):
        self.each(self.check)


class Retried(Case):
    """Under on-failure, exactly what comes back with the engine stays."""

    policy = "[containers all]\nstate = exited, created, dead\nkeep-within = 0s\nmin-age = 0s\n"
    SLEEP = ("sleep", "1000")
    # Its command, how many retries, and how it is ended; what ends by itself is not.
    ENDS = {"succeeded": (("true",), 3, None), "used-up": (("false",), 1, None),
            "stopped": (SLEEP, 3, "stop"), "stopped-endless": (SLEEP, 0, "stop"), "killed": (SLEEP, 3, "kill"),
            "backing-off": (("false",), 0, "stop"), "never-started": (SLEEP, 3, None),
            "failed-to-start": (("/no/such/command",), 3, None)}
    COME_BACK = {"stopped", "stopped-endless", "killed", "backing-off"}

    def setUp(self):
        pass

    def make(self):
        for name, (command, retries, end) in self.ENDS.items():
            policy = {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": retries}}
            self.client.create(name, "base:1", command, host=policy)
            if name == "never-started":
                continue
            try:
                self.client.start(name)
            except EngineError:
                self.assertEqual(name, "failed-to-start")
            if end:
                getattr(self.client, end)(name)
        deadline = time.monotonic() + 60
        while self.facts("used-up")["RestartCount"] < 1 or self.client.containers()["used-up"] != "exited":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)

    def facts(self, name):
        return self.client.get(f"/containers/{name}/json")

    def starts(self):
        return {name: self.facts(name)["State"]["StartedAt"] for name in self.ENDS}

    def restart_engine(self):
        self.engine.halt()
        self.engine.start()
        if self.engine.is_podman:
            unit = self.engine.inside("cat", "/usr/lib/systemd/system/podman-restart.service", check=True).stdout
            starts = [line.partition("=")[2].replace("$LOGGING", "") for line in unit.splitlines()
                      if line.startswith("ExecStart=")]
            self.assertEqual(len(starts), 1)
            self.engine.inside("env", f"CONTAINERS_CONF={self.engine.run}/containers.conf", "sh", "-c",
                               starts[0], check=True)

    def test_what_the_engine_starts_again_stays(self):
        for name in wanted():
            with self.subTest(engine=name):
                self.start(name)
                self.make()
                plan, before = self.program("plan", "--json"), self.starts()
                self.restart_engine()
                come_back = set() if self.engine.is_podman else self.COME_BACK
                deadline = time.monotonic() + 60
                while not come_back <= (again := {one for one, at in self.starts().items() if at != before[one]}):
                    self.assertLess(time.monotonic(), deadline, again)
                    time.sleep(0.1)
                self.assertEqual(again, come_back)
                self.assertEqual(plan.goes(), set(self.ENDS) - come_back, plan)
                for one in come_back:
                    self.assertEqual(plan.verdict(one)["reason_code"], "restart-policy")


class BuildInFlight(Case):
    """A build takes a while, and runs go on beside it; what it stands on is nobody's but for it."""

    STEPS = 5
    SECONDS = 4

    def dockerfile(self, mark):
        steps = "".join(f"RUN sleep {self.SECONDS} && echo {mark} {step} >/{step}\n" for step in range(self.STEPS))
        return f"FROM base:1\n{steps}"

    def build_beside_runs(self, buildkit, after=lambda: True):
        """Returns what went in the runs, which begin when `after` says so."""
        outcome = {}

        def build():
            try:
                outcome["image"] = self.client.build("built:1", self.dockerfile("x"), buildkit=buildkit)
            except Exception as error:
                outcome["error"] = error

        builder = threading.Thread(target=build)
        builder.start()
        while builder.is_alive() and not after():
            time.sleep(0.05)
        went, runs, started = set(), 0, time.monotonic()
        while builder.is_alive():
            went |= self.run_ok().goes()
            runs += 1
            time.sleep(0.2)
        builder.join()
        self.assertNotIn("error", outcome)
        self.assertGreater(time.monotonic() - started, self.STEPS * self.SECONDS)
        self.assertGreater(runs, self.STEPS)
        self.assertIn(outcome["image"], self.client.image_ids())
        self.client.run("works", "built:1", ["cat", f"/{self.STEPS - 1}"])
        return went

    def test_a_classic_one_under_the_default_min_age(self):
        self.program.set_policy(YOUNG)
        self.assertEqual(self.build_beside_runs(buildkit=False), set())

    def test_a_classic_one_on_an_old_base(self):
        """What was there before the build may go at once, but its base does not, nor what it makes."""
        self.program.set_policy("[images others]\nname = base*, other*\nkeep-within = 0s\nmin-age = 0s\n"
                                "max-remove = 100%\n" + YOUNG)
        self.build("other:1", "other")
        went = self.build_beside_runs(buildkit=False, after=self.client.containers)
        self.assertEqual(went, {"other:1"})

    def test_one_by_buildkit_under_the_default_min_age(self):
        for name in [name for name in wanted() if name.startswith("d")]:
            with self.subTest(engine=name):
                if name != self.engine.name:
                    try:
                        self.start(name)
                    except Unavailable as why:
                        self.skipTest(str(why))
                self.program.set_policy(YOUNG)
                self.assertEqual(self.build_beside_runs(buildkit=True), set())


class BetweenPlanAndRun(Case):
    """Approved is what was looked at: whatever has changed since stays."""

    def approve(self):
        plan = self.program("plan", "--json")
        self.assertEqual(plan.status, 0, plan)
        path = self.program.folder / "plan.json"
        path.write_text(plan.stdout)
        return plan, str(path)

    def test_a_tag_that_moved_to_a_new_build(self):
        old = self.build("app:1", "old")
        plan, path = self.approve()
        self.assertIn("app:1", plan.goes())
        new = self.build("app:1", "new")
        run = self.run_ok("--only", path)
        self.assertEqual(run.goes(), set())
        self.assertEqual(self.client.image_id("app:1"), new)
        self.assertIn(old, self.client.image_ids())

    def test_a_tag_that_moved_to_another_image_that_was_to_go(self):
        self.build("app:1", "one")
        two = self.build("app:2", "two")
        plan, path = self.approve()
        self.assertLessEqual({"app:1", "app:2"}, plan.goes())
        self.client.tag("app:2", "app:1")
        run = self.run_ok("--only", path)
        self.assertEqual(run.goes(), set())
        self.assertEqual((self.client.image_id("app:1"), self.client.image_id("app:2")), (two, two))

    def test_a_pull_that_moved_the_tag_and_one_that_is_new(self):
        with registry.Registry() as server:
            name = f"{server.address}/example/app"
            server.push("example/app", "1", registry.Image({"a": b"old"}))
            old = self.client.pull(f"{name}:1")
            plan, path = self.approve()
            self.assertIn(f"{name}:1", plan.goes())
            server.push("example/app", "1", registry.Image({"a": b"new"}))
            server.push("example/app", "2", registry.Image({"a": b"other"}))
            new, other = self.client.pull(f"{name}:1"), self.client.pull(f"{name}:2")
            run = self.run_ok("--only", path)
            self.assertEqual(run.goes(), {"base:1"})
            self.assertLessEqual({old, new, other}, self.client.image_ids())
            self.assertEqual(self.client.image_id(f"{name}:1"), new)


class FirstRun(Case):
    policy = YOUNG

    def test_a_pulled_image_of_an_old_build_with_and_without_state(self):
        with registry.Registry() as server:
            server.push("example/old", "1", registry.Image({"a": b"old"}, created="2019-01-01T00:00:00Z"))
            digest = server.push("example/digest", "1", registry.Image({"b": b"old"}, created="2019-01-01T00:00:00Z"))
            tagged = self.client.pull(f"{server.address}/example/old:1")
            by_digest = self.client.pull(f"{server.address}/example/digest@{digest}")
            for again in range(3):
                run = self.run_ok()
                self.assertEqual(run.goes(), set())
                if again == 1:
                    self.program.forget()
            # Nothing can be remembered.
            self.assertEqual(self.program("run", "--json", STATE_DIRECTORY="/proc/nowhere").goes(), set())
            self.assertLessEqual({tagged, by_digest}, self.client.image_ids())


class Whole(Case):
    def test_several_names_one_of_them_pinned(self):
        image = self.build("app:1", "x")
        for reference in ("app:latest", "other/app:1", "app:2"):
            self.client.tag(image, reference)
        self.program.set_policy(NOW + "keep-tag = latest\n")
        run = self.run_ok()
        self.assertEqual(self.client.tags(), {"app:1", "app:latest", "other/app:1", "app:2", "base:1"})
        self.assertEqual(run.verdict("other/app:1")["reason"], "stays with its other name app:latest")

    def test_the_newest_of_each_repository_for_any_count(self):
        made = []
        for number in range(5):
            made.append(self.build(f"app:{number}", number))
            if number == 1:
                self.client.tag(made[1], "lib:1")    # the newest there, not here
            time.sleep(1.1)
        for count in (4, 2, 1):
            self.program.set_policy(NOW.replace("name        = *", "name = app:*, lib:*") +
                                    f"keep-last = {count}\ngroup-by = repository\n")
            self.run_ok()
            stays = {f"app:{number}" for number in range(5 - count, 5)} | {"app:1", "lib:1"}
            self.assertEqual(self.client.tags() - {"base:1"}, stays)


class Mounted(Case):
    """A container that has an image as a mount; Podman would remove it, Docker the first of its names."""

    def setUp(self):
        """On each engine in turn instead."""

    def mount(self):
        if self.engine.is_podman:
            self.engine.inside("podman", "create", "--network=none", "--name=mounting",
                               "--mount=type=image,source=tool:1,destination=/t", "base:1", "true", check=True)
            return
        self.client.prefix = "/v1.48"
        self.client.json("POST", "/containers/create?name=mounting", {
            "Image": "base:1", "Cmd": ["true"], "HostConfig": {
                "NetworkMode": "none", "Mounts": [{"Type": "image", "Source": "tool:1", "Target": "/t"}]}})

    def test_the_image_stays_with_its_names(self):
        for name in wanted():
            if name in ("own", "d20", "d26"):   # do not know such mounts
                continue
            with self.subTest(name):
                self.start(name)
                self.client.import_root("tool:1", 1000)
                self.client.tag("tool:1", "tool:2")
                self.client.import_root("unused:1", 2000)
                self.mount()
                run = self.run_ok()
                tags = {tag.removeprefix("docker.io/library/") for tag in self.client.tags()}
                self.assertEqual(tags, {"base:1", "tool:1", "tool:2"}, run)


class PulledAgain(Case):
    """An image of long ago gets a name by a pull of what is there already: hardly an engine tells when."""

    policy = "[images app]\nname = */app:*\nkeep-within = 0s\nmin-age = 2s\nmax-remove = 100%\n"

    def setUp(self):
        """On each engine in turn instead."""

    def test_it_stays(self):
        for name in wanted():
            with self.subTest(name), registry.Registry() as server:
                self.start(name)
                for tag in ("old", "new"):
                    server.push("app", tag, registry.Image({"app": b"1"}))
                pull(self.engine, f"{server.address}/app:old")
                self.run_ok("--mode=observe")
                time.sleep(2.1)
                self.assertEqual(self.program("plan", "--json").goes(), {f"{server.address}/app:old"})
                pull(self.engine, f"{server.address}/app:new")
                run = self.run_ok()
                self.assertEqual(run.goes(), set(), run)
                self.assertEqual(run.verdict(f"{server.address}/app:new")["reason_code"], "too-young")


class ReadOnlyStore(Case):
    """Podman's additional image stores: what the system brings along, in /usr for example."""

    def setUp(self):
        """On each Podman in turn instead."""

    def add_store(self, *references):
        """Starts it anew with copies of these in such a store."""
        store, archive = self.engine.data / "store", self.engine.data / "archive"
        for reference in references:
            self.engine.inside("podman", "save", "-o", archive, reference, check=True)
            self.engine.inside("podman", "--root", store, "--runroot", "/run/copy", "load", "-i", archive,
                               check=True)
            archive.unlink()
        self.engine.halt()
        self.engine.options += f" --storage-opt=additionalimagestore={store}"
        self.engine.start()

    def test_what_lies_there_stays_and_hinders_nothing(self):
        for name in wanted():
            if not name.startswith("p"):
                continue
            with self.subTest(name):
                self.start(name)
                for number, reference in enumerate(("system:1", "both:1", "unused:1")):
                    self.client.import_root(reference, 1000 + number)
                self.add_store("system:1", "both:1")
                self.client.request("DELETE", "/images/system:1")
                run = self.run_ok()
                self.assertEqual(run.verdict("system:1")["guard"], "not-ours", run)
                self.assertEqual(run.verdict("both:1")["guard"], "not-ours", run)
                self.assertEqual({tag.removeprefix("docker.io/library/") for tag in self.client.tags()},
                                 {"system:1", "both:1"}, run)


class Pod(Case):
    """A pod starts with all its containers; Podman removes each of them all the same."""

    policy = "[containers all]\nname = *\nkeep-within = 0s\nmin-age = 0s\n"

    def setUp(self):
        """On each Podman in turn instead."""

    def podman(self, *arguments):
        self.engine.inside("env", f"CONTAINERS_CONF={self.engine.run}/containers.conf", "podman", *arguments,
                           check=True)

    def test_what_ended_in_it_stays_while_it_runs(self):
        for name in wanted():
            if not name.startswith("p"):
                continue
            with self.subTest(name):
                self.start(name)
                self.podman("pod", "create", "--name", "pod", "--infra=false", "--share=")
                self.podman("create", "--pod=pod", "--name=init", "--init-ctr=always", "base:1", "true")
                self.podman("create", "--pod=pod", "--name=main", "base:1", "sleep", "1000")
                self.podman("pod", "start", "pod")
                self.client.wait("init")
                run = self.run_ok()
                self.assertEqual(run.goes(), set(), run)
                self.assertEqual(run.verdict("init")["reason"], "in use by the pod of main")
                self.podman("pod", "stop", "--time=0", "pod")
                self.assertEqual(self.run_ok().goes(), {"init", "main"})


class ManifestList(Case):
    """`podman build --manifest`: the images have no name, and the list is run and pushed by its own."""

    def setUp(self):
        """On each Podman in turn instead."""

    def build_list(self):
        """The ID of the one image in it."""
        context = self.engine.data / "context"
        context.mkdir()
        (context / "file").write_bytes(b"1")
        (context / "Containerfile").write_text("FROM base:1\nCOPY file /\n")
        before = self.client.image_ids()
        self.engine.inside("podman", "build", "--manifest=list:1", "--pull=never", context, check=True)
        return (self.client.image_ids() - before).pop()

    def test_its_images_stay_as_long_as_it_is_there(self):
        for name in wanted():
            if not name.startswith("p"):
                continue
            with self.subTest(name):
                self.start(name)
                member = self.build_list()
                run = self.run_ok()
                self.assertIn("localhost/list:1", run.verdict(member)["reason"])
                self.engine.inside("podman", "manifest", "push", "--all", "list:1", "dir:/run/pushed", check=True)
                self.engine.inside("podman", "manifest", "rm", "list:1", check=True)
                self.run_ok()
                self.assertNotIn(member, self.client.image_ids())


class WayBack(Case):
    """keep-last-run = 2: the images that a service ran last, however many builds came between."""

    policy = """
[images releases]
repository    = shop/*
keep-last-run = 2
group-by      = service
min-age       = 1s
max-remove    = 100%
"""
    LABELS = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}

    def deploy(self, version):
        image = self.build("shop/web:latest", f"version {version}")
        self.client.tag("shop/web:latest", f"shop/web:{version}")
        # As Compose does: the old container is replaced.
        if "shop-web-1" in self.client.containers():
            self.client.stop("shop-web-1")
            self.client.request("DELETE", "/containers/shop-web-1")
        self.client.run_on("shop-web-1", "shop/web:latest", labels=self.LABELS)
        self.run_ok()
        return image

    def never_run(self, version):
        for number in range(5):
            self.build("shop/web:latest", f"never {version} {number}")
            self.client.tag("shop/web:latest", f"shop/web:{version}-{number}")
        self.run_ok()

    def settle(self):
        """Beyond min-age; what is left."""
        time.sleep(2.1)
        self.run_ok()
        return {tag for tag in self.client.tags() if tag.startswith("shop/")}

    def test_three_deploys_with_builds_between_and_the_rollback(self):
        for version in range(3):
            self.deploy(version)
            if version < 2:
                self.never_run(version)
            time.sleep(1.1)
        left = self.settle()
        self.assertEqual(left, {"shop/web:1", "shop/web:2", "shop/web:latest"})
        # latest~1
        self.client.stop("shop-web-1")
        self.client.request("DELETE", "/containers/shop-web-1")
        self.client.run_on("shop-web-1", "shop/web:1", labels=self.LABELS)
        self.assertEqual(self.settle(), {"shop/web:1", "shop/web:2", "shop/web:latest"})

    def test_from_an_empty_state(self):
        for version in range(3):
            self.deploy(version)
            time.sleep(1.1)
        self.program.forget()
        # min-age counts from this look anew; what ran before is forgotten, what runs is known.
        self.run_ok()
        self.assertEqual(self.settle(), {"shop/web:2", "shop/web:latest"})
        self.deploy(3)
        self.never_run(3)
        # The name that the container was made from stays, though a build that never ran has it now.
        self.assertEqual(self.settle(), {"shop/web:2", "shop/web:3", "shop/web:3-4", "shop/web:latest"})
