"""A node of a swarm: what services and their tasks use stays, whether or not a container is here."""

from harness.fake import FAULTS, JSON_FAULTS, FakeCase, digest, refusal

POLICY = """
[containers exited]
state       = exited, dead, created
keep-within = 0s
min-age     = 0s

[images all]
name        = *
dangling    = any
keep-within = 0s
min-age     = 0s
max-remove  = 100%
"""

TASK = {"com.docker.swarm.task.id": "t1", "com.docker.swarm.service.name": "web",
        "com.docker.swarm.task.name": "web.1.t1"}


class Case(FakeCase):
    policy = POLICY

    def run_json(self, status=0):
        return self.call(status, "run", "--json")

    def reason(self, run, name):
        return run.verdict(name)["reason"]


class Manager(Case):
    def setUp(self):
        super().setUp()
        self.fake.join_swarm()

    def test_the_image_of_a_service_without_replicas_stays_and_the_reason_names_it(self):
        self.fake.image("app:1", "app:one")
        self.fake.image("app:2")
        self.fake.service("web", "app:1", replicas=0)
        run = self.run_json()
        self.assertEqual(self.fake.names(), {"app:1"})
        self.assertEqual(self.reason(run, "app:1"), "in use by service web")
        self.assertEqual(self.reason(run, "app:one"), "stays with its other name app:1")
        self.assertEqual(run.stderr, "")

    def test_names_are_compared_whole(self):
        """As the command line writes them: with registry, tag, and the digest that the tag had."""
        old, new = digest("old"), digest("new")
        self.fake.image("redis:7", f"redis@{new}", label="new")
        self.fake.image(f"redis@{old}", label="old")
        self.fake.image("other/redis:7", label="other")
        self.fake.service("cache", f"docker.io/library/redis:7@{old}")
        self.run_json()
        self.assertEqual(self.fake.names(), {"new", "old"})

    def test_an_image_by_its_id(self):
        for name in ("whole", "bare", "short", "none"):
            self.fake.image(label=name)
        self.fake.service("a", digest("image whole"))
        self.fake.service("b", digest("image bare")[7:])
        self.fake.service("c", digest("image short")[7:19])
        run = self.run_json()
        self.assertEqual(self.fake.names(), {"whole", "bare", "short"})
        self.assertEqual(self.reason(run, digest("image short")), "in use by service c")

    def test_what_a_rollback_needs_stays(self):
        self.fake.image("app:1")
        self.fake.image("app:2")
        self.fake.service("web", "app:2", previous="app:1")
        self.run_json()
        self.assertEqual(self.fake.names(), {"app:1", "app:2"})

    def test_the_image_of_a_task_stays_wherever_it_runs(self):
        self.fake.image("app:1")
        self.fake.image("app:2")
        self.fake.image("app:3")
        service = self.fake.service("web", "app:2", replicas=1)
        self.fake.task(service, "app:1")
        self.fake.task({**service, "ID": "gone"}, "app:3")
        run = self.run_json()
        self.assertEqual(self.fake.names(), {"app:1", "app:2", "app:3"})
        self.assertEqual(self.reason(run, "app:1"), "in use by task of service web")
        self.assertEqual(self.reason(run, "app:2"), "in use by service web")
        self.assertRegex(self.reason(run, "app:3"), "^in use by task [0-9a-f]{25}$")

    def test_a_plugin_and_an_attachment_have_no_image(self):
        self.fake.image("app:1")
        service = self.fake.service("plugin", "x")
        service["Spec"]["TaskTemplate"] = {"PluginSpec": {"Name": "p", "Remote": "app:1"}, "Runtime": "plugin"}
        self.fake.task(service)
        task = self.fake.task(service)
        task["Spec"] = {"NetworkAttachmentSpec": {"ContainerID": "0" * 64}}
        task["ServiceID"] = None
        self.run_json()
        self.assertEqual(self.fake.names(), set())

    def test_a_service_made_between_plan_and_removal_saves_its_image(self):
        self.fake.image("app:1")
        self.fake.image("app:2")
        seen = []

        def second_look(_request):
            seen.append(1)
            if len(seen) == 2:
                self.fake.service("web", "app:1")

        self.fake.on("GET", "/services", second_look, None)
        run = self.run_json()
        self.assertEqual(self.fake.names(), {"app:1"})
        self.assertEqual(run.verdict("app:1")["outcome"], "in-use")
        self.assertEqual(run.verdict("app:1")["detail"], "used by service web")

    def test_without_a_second_look_at_the_services_no_image_goes(self):
        self.fake.image("app:1")
        self.fake.container("done", "app:1")
        seen = []
        self.fake.on("GET", "/services", lambda _: seen.append(1) or (
            refusal(500, "no leader") if len(seen) == 2 else None), None)
        run = self.run_json()
        self.assertEqual(self.fake.names(), {"app:1"})
        self.assertIn("no leader", run.verdict("app:1")["detail"])


class Failing(Case):
    """What cannot be read whole keeps every image; containers go as ever."""

    def world(self):
        self.fake.join_swarm()
        self.fake.image("app:1")
        self.fake.image("app:2")
        self.fake.container("done", "app:2")
        self.fake.task(self.fake.service("web", "app:1"))

    def kept(self, words):
        run = self.run_json()
        self.assertEqual(self.fake.names(), {"app:1", "app:2"}, run)
        self.assertEqual(self.fake.removed, ["done"])
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        self.assertIn("what the swarm's services use is not known, so no image, volume or network goes: ",
                      run.stderr)
        self.assertIn(words, run.stderr)
        self.assertEqual(self.reason(run, "app:2"),
                         "a list that it depends on could not be read: services of the swarm")

    def test_a_manager_that_does_not_list_services_or_tasks(self):
        for what in ("services", "tasks"):
            for status, words in ((500, "rpc error: context deadline exceeded"),
                                  (503, "The swarm does not have a leader."), (404, "page not found")):
                with self.subTest(what=what, status=status):
                    self.fake, self.program = self.another()
                    self.world()
                    self.fake.on("GET", f"/{what}", refusal(status, words))
                    self.kept(f"the list of {what} cannot be read: the engine answers {status} {words}")

    def test_garbage(self):
        for what in ("services", "tasks"):
            for name in sorted(JSON_FAULTS - {"null"}):  # which is how Go writes an empty list
                with self.subTest(what=what, fault=name):
                    self.fake, self.program = self.another()
                    self.world()
                    self.fake.on("GET", f"/{what}", FAULTS[name])
                    self.kept(f"the list of {what} cannot be read")

    def test_fields_that_are_wrong_or_missing(self):
        container = ("Spec", "TaskTemplate", "ContainerSpec")
        for path, wrongs in ((("ID",), (None, 7)), (("Spec",), (None, [], "x")), (("Spec", "Name"), (None, 7)),
                             (("Spec", "TaskTemplate"), (None, [])), (container, ([], "app:1")),
                             ((*container, "Image"), (None, 7, "", "not a name!")),
                             ((*container, "Mounts"), ({}, [7], [{"Source": "data"}], [{"Type": "volume", "Source": 7}])),
                             (("Spec", "TaskTemplate", "Networks"), ({}, [None], [{"Target": 7}])),
                             (("PreviousSpec",), ([], {})), (("Endpoint",), (7, {"VirtualIPs": {}}))):
            for wrong in wrongs:
                with self.subTest(path=path, wrong=wrong):
                    self.fake, self.program = self.another()
                    self.world()
                    at = self.fake.services["web"]
                    for step in path[:-1]:
                        at = at[step]
                    at[path[-1]] = wrong
                    self.kept("the list of services cannot be read")

    def test_a_state_of_the_swarm_that_is_neither_in_nor_out(self):
        for state in ("pending", "error", "locked", "unheard-of"):
            with self.subTest(state=state):
                self.fake, self.program = self.another()
                self.world()
                self.fake.join_swarm(manager=False, state=state)
                self.kept(f"the swarm is '{state}' here")
                self.assertEqual(self.fake.asked("GET", "/services|/tasks"), [])

    def test_an_engine_that_does_not_tell(self):
        self.world()
        self.fake.on("GET", "/info", refusal(500, "trouble"))
        run = self.run_json()
        self.assertEqual(self.fake.names(), {"app:1", "app:2"}, run)
        self.assertIn("the engine does not tell whether it is in a swarm", run.stderr)

    def test_build_cache_alone_would_not_matter_and_no_swarm_asks_for_nothing(self):
        self.world()
        self.fake.swarm = {"NodeID": "", "LocalNodeState": "inactive"}
        run = self.run_json()
        self.assertEqual((self.fake.names(), run.stderr), (set(), ""))
        self.assertEqual(self.fake.asked("GET", "/services|/tasks"), [])


class Worker(Case):
    def test_its_own_containers_count_and_it_says_so_once(self):
        self.fake.join_swarm(manager=False)
        self.fake.image("app:1")
        self.fake.image("app:2")
        self.fake.container("web.1.t1", "app:1", "running", labels=TASK)
        run = self.run_json()
        self.assertEqual(self.fake.names(), {"app:1", "web.1.t1"})
        self.assertEqual(len(run.stderr.splitlines()), 1)
        self.assertIn("this node is a worker of a swarm", run.stderr)
        self.assertEqual(self.fake.asked("GET", "/services|/tasks"), [])


class Tasks(Case):
    """Containers of tasks are swarm's to remove."""

    def setUp(self):
        super().setUp()
        self.fake.join_swarm(manager=False)
        self.fake.image("app:1")
        self.fake.container("web.1.t1", "app:1", labels=TASK)
        self.fake.container("done", "app:1")

    def goes(self, selector):
        self.program.set_policy(f"[containers x]\n{selector}\nkeep-within = 0s\nmin-age = 0s\n")
        self.run_json()
        return "web.1.t1" not in self.fake.names()

    def test_a_rule_for_all_does_not_take_them(self):
        run = self.run_json()
        self.assertEqual(self.fake.names(), {"app:1", "web.1.t1"})
        self.assertEqual(self.reason(run, "web.1.t1"), "a task of swarm service web")
        self.assertEqual(run.verdict("web.1.t1")["guard"], "swarm-task")
        self.assertEqual(self.reason(run, "app:1"), "in use by web.1.t1")

    def test_neither_do_other_labels_nor_a_negation_nor_a_name(self):
        for selector in ("label = com.docker.*", "label = *", "label = !com.docker.swarm.node.id", "name = web.*",
                         "name = *\nlabel = !nothing"):
            with self.subTest(selector=selector):
                self.assertFalse(self.goes(selector))

    def test_a_rule_that_names_a_label_of_swarm_does(self):
        for selector in ("label = com.docker.swarm.task.id", "label = com.docker.swarm.*",
                         "label = com.docker.swarm.service.name=web", "label = other, com.docker.swarm.task.name=web.*"):
            with self.subTest(selector=selector):
                self.setUp()
                self.assertTrue(self.goes(selector))


class Others(Case):
    """Volumes and networks that a service names, by name or ID, are in use without a container."""

    policy = """
[volumes anonymous]
name        = *
keep-within = 0s
min-age     = 0s
max-remove  = 100%

[networks all]
name        = *
keep-within = 0s
min-age     = 0s
"""

    def setUp(self):
        super().setUp()
        self.fake.join_swarm()
        self.volumes = [self.fake.volume()["Name"] for _ in range(3)]
        self.networks = [self.fake.network(name) for name in ("by-name", "by-id", "address", "free")]
        service = self.fake.service("web", "app:1", mounts=self.volumes[:1],
                                    networks=("by-name", self.networks[1]["Id"]))
        service["Endpoint"]["VirtualIPs"][0]["NetworkID"] = self.networks[2]["Id"]
        self.fake.task(self.fake.service("other", "app:1", mounts=self.volumes[1:2]))

    def left(self):
        return set(self.fake.volumes) | {one["Name"] for one in self.fake.networks.values()}

    def test_they_stay_and_others_go(self):
        run = self.run_json()
        self.assertEqual(self.left(), {*self.volumes[:2], "by-name", "by-id", "address"})
        self.assertEqual(self.reason(run, self.volumes[0]), "in use by service web")
        self.assertEqual(self.reason(run, "by-name"), "in use by service web")

    def test_a_list_that_fails_keeps_them_all(self):
        before = self.left()
        for what in ("services", "tasks"):
            self.fake.on("GET", f"/{what}", refusal(500, "trouble"))
            run = self.run_json()
            self.assertEqual(self.left(), before)
            self.assertIn("services of the swarm", self.reason(run, "free"))

    def test_a_service_that_comes_meanwhile_keeps_its_own(self):
        seen = []

        def second_look(_request):
            seen.append(1)
            if len(seen) == 2:
                self.fake.service("late", "app:1", mounts=self.volumes[2:], networks=("free",))

        self.fake.on("GET", "/services", second_look, None)
        before = self.left()
        self.run_json()
        self.assertEqual(self.left(), before)
