"""The rules of safety, as far as they show in what the engine is asked."""

import concurrent.futures
import fcntl
import os
import re
import signal
import subprocess
import threading
import time
import unittest

from harness.fake import (CLOSE_AFTER, FAULTS, JSON_FAULTS, SANITIZER, SLOW_FAULTS, WORDS, Answer, Fake,
                          FakeCase, Fault, digest, refusal)
from harness.program import DOCUMENTED, ONE_BY_ONE, Program

# All that is not held goes at once.
ALL = """
[containers exited]
state       = exited, dead
keep-within = 0s
min-age     = 0s

[images all]
name        = *
dangling    = any
keep-within = 0s
min-age     = 0s
max-remove  = 100%
"""


def small_world(fake):
    """One of each that matters: a container and its image that go, names, parents; and what stays."""
    base = fake.image("base:1")
    app = fake.image("app:1", "app:2", parent=base)
    fake.image(parent=base, label="old")
    fake.container("done", app)
    fake.container("on", "base:1", "running")


class Case(FakeCase):
    policy = ALL
    settings = ONE_BY_ONE

    def after_planning(self, action):
        """The world changes when the plan stands, before anything is looked up again."""
        before = len(self.fake.requests)
        self.call(0, "plan")
        self.fake.at(len(self.fake.requests) - before, action)

    def run_json(self, status=0, *arguments):
        return self.call(status, "run", "--json", *arguments)


class Asked(Case):
    """What the program asks for, and what it never does."""

    def test_no_request_forces_prunes_or_takes_volumes_along(self):
        small_world(self.fake)
        self.call(0, "run")
        self.assertEqual(self.fake.names(), {"base:1", "on"})
        for request in self.fake.requests:
            self.assertNotRegex(request.target, r"force|[?&]v=|/prune|system/df")
            self.assertIn(request.method, ("GET", "DELETE"))

    def test_every_removal_of_an_image_forbids_pruning_its_parents(self):
        small_world(self.fake)
        self.call(0, "run")
        images = [one for one in self.fake.deletes if "/images/" in one]
        self.assertEqual(len(images), 3)
        for one in images:
            self.assertTrue(one.endswith("?noprune=1"), one)

    def test_what_is_not_stopped_is_not_even_asked_to_go(self):
        self.fake.image("base:1")
        for state in ("running", "paused", "restarting", "removing", "stopping", "unheard-of"):
            self.fake.container(state, "base:1", state)
        self.program.set_policy("[containers all]\nname = *\nkeep-within = 0s\nmin-age = 0s\n"
                                "state = exited, created, dead\n")
        self.call(0, "run")
        self.assertEqual(self.fake.deletes, [])

    def test_one_that_is_only_created_stays_unless_the_rule_says_so(self):
        self.fake.image("base:1")
        self.fake.container("new", "base:1", "created")
        self.program.set_policy("[containers all]\nname = *\nkeep-within = 0s\nmin-age = 0s\n")
        self.call(0, "run")
        self.assertIn("new", self.fake.names())
        self.program.set_policy("[containers all]\nname = *\nkeep-within = 0s\nmin-age = 0s\n"
                                "state = created\n")
        self.call(0, "run")
        self.assertNotIn("new", self.fake.names())

    def test_what_is_to_be_restarted_stays(self):
        self.fake.image("base:1")
        for policy in ("always", "unless-stopped", "on-failure", "no", ""):
            self.fake.container("is-" + policy, "base:1", restart=policy)
        self.call(0, "run")
        self.assertEqual({"is-always", "is-unless-stopped", "base:1"}, self.fake.names())

    def failed(self, name, **options):
        container = self.fake.container(name, "base:1", restart="on-failure", exit_code=1, **options)
        container.max_retries = 3
        return container

    def test_what_failed_stays_while_it_has_retries(self):
        self.fake.image("base:1")
        self.failed("left").retries = 2
        self.failed("used-up").retries = 3
        self.failed("endless").max_retries = 0
        run = self.call(0, "run", "--json")
        self.assertEqual({"left", "endless", "base:1"}, self.fake.names())
        self.assertEqual(run.verdict("left")["reason"], "stopped, but to be restarted: restart policy "
                         "on-failure, 1 of 3 retries left")

    def test_what_failed_and_tells_no_retries_stays(self):
        self.fake.image("base:1")
        container = self.failed("untold")
        container.retries = 3
        inspect = container.inspect()
        inspect["HostConfig"]["RestartPolicy"] = {"Name": "on-failure"}
        container.extra_inspect = inspect
        self.failed("uncounted").extra_inspect = {"RestartCount": None}
        self.call(0, "run")
        self.assertEqual({"untold", "uncounted", "base:1"}, self.fake.names())

    def test_of_what_is_to_be_restarted_no_day_is_named_on_which_it_goes(self):
        self.fake.image("base:1")
        for policy in ("always", "no"):
            self.fake.container("is-" + policy, "base:1", restart=policy, ago=60)
        for keep_within in ("0s", "1d"):
            self.program.set_policy(f"[containers all]\nname = *\nkeep-within = {keep_within}\n")
            plan = self.call(0, "plan", "--json", "--all")
            self.assertNotIn("goes from", plan.verdict("is-always")["reason"])
        self.assertIn("goes from", plan.verdict("is-no")["reason"])

    def test_what_is_to_be_restarted_goes_if_the_rule_names_its_policy(self):
        self.fake.image("base:1")
        self.fake.container("always", "base:1", restart="always")
        self.fake.container("unless", "base:1", restart="unless-stopped")
        self.program.set_policy("[containers all]\nrestart-policy = always\nkeep-within = 0s\n"
                                "min-age = 0s\n")
        self.call(0, "run")
        self.assertEqual({"unless", "base:1"}, self.fake.names())

    def test_a_negated_pattern_names_no_restart_policy(self):
        self.fake.image("base:1")
        self.fake.container("always", "base:1", restart="always")
        self.program.set_policy("[containers all]\nrestart-policy = !no\nkeep-within = 0s\n"
                                "min-age = 0s\n")
        self.call(0, "run")
        self.assertIn("always", self.fake.names())


class InUse(Case):
    def test_an_image_that_a_container_uses_stays_with_all_its_names(self):
        self.fake.image("app:1", "app:2", "other/app:1")
        self.fake.container("user", "app:2", "running")
        self.call(0, "run")
        self.assertEqual(self.fake.deletes, [])

    def test_an_image_that_a_stopped_container_uses_stays_too(self):
        self.fake.image("app:1")
        self.fake.container("user", "app:1", restart="always")
        self.call(0, "run")
        self.assertEqual(self.fake.deletes, [])

    def test_the_name_that_a_container_was_made_from_stays_though_it_moved_on(self):
        """The engine would untag it without complaint."""
        old = self.fake.image("app:1", label="old")
        self.fake.container("user", "app:1", "running")
        self.fake.tag(self.fake.image("app:also", label="new"), "app:1")
        run = self.run_json()
        self.assertEqual(self.fake.deletes, [])
        self.assertEqual(run.verdict("app:1")["guard"], "in-use", run)
        self.assertEqual(run.verdict("app:also")["guard"], "other-reference", run)
        self.assertIn(old.label, self.fake.names())

    def test_a_name_counts_however_it_is_written(self):
        old = self.fake.image(label="old")
        self.fake.container("user", old, "running", config_image="docker.io/library/app")
        self.fake.image("app:latest")
        self.call(0, "run")
        self.assertEqual(self.fake.deletes, [])

    def test_an_image_that_a_container_mounts_stays_with_all_its_names(self):
        """Docker 28's answer, then Podman's. Podman removes it, and the container cannot start any more."""
        for name, mount in (("named", {"Name": "tool:1", "Source": "/var/lib/docker/overlay2/1/merged"}),
                            ("full", {"Source": "docker.io/library/tool:1"}), ("short", {"Source": "tool:1"}),
                            ("id", {"Source": digest("image tool:1")}),
                            ("begun", {"Source": digest("image tool:1")[7:19]}),
                            ("odd", {"Source": "What Is That"})):
            with self.subTest(name):
                self.fake.image("tool:1", "tool:2")
                self.fake.image("base:1")
                user = self.fake.container("user", "base:1", restart="always")
                user.mounts = [{"Type": "image", "Destination": "/t", "Mode": "", "RW": False, **mount}]
                run = self.run_json()
                self.assertEqual(self.fake.deletes, [])
                self.assertIn("user", run.verdict("tool:1")["reason"])

    def test_a_container_that_mounts_an_image_meanwhile_saves_it(self):
        self.fake.image("tool:1")
        self.fake.image("base:1")
        self.fake.container("done", "base:1")
        user = self.fake.container("user", "base:1", "running")
        self.after_planning(lambda _: setattr(user, "mounts", [
            {"Type": "image", "Source": "tool:1", "Destination": "/t"}]))
        self.call(0, "run")
        self.assertIn("tool:1", self.fake.names())
        self.assertNotIn("done", self.fake.names())

    def test_the_engines_count_of_users_counts(self):
        self.fake.image("app:1").extra = {"Containers": 1}
        run = self.run_json()
        self.assertEqual(self.fake.deletes, [])
        self.assertEqual(run.verdict("app:1")["guard"], "in-use-counted", run)

    def test_an_image_of_a_read_only_store_stays_and_is_no_failure(self):
        """Podman lists what lies in an additional image store, and refuses to remove it."""
        for name, references in (("tagged", ["os:1", "os:2"]), ("untagged", [])):
            with self.subTest(name):
                image = self.fake.image(*references, label=name)
                image.extra = {"ReadOnly": True}
                run = self.run_json()
                self.assertEqual(self.fake.deletes, [])
                verdict = run.verdict(references[0] if references else image.id)
                self.assertEqual(verdict["guard"], "not-ours", run)
                self.assertIn("read-only", verdict["reason"])

    def test_if_a_containers_image_cannot_be_named_no_tagged_image_goes(self):
        old = self.fake.image("moved:1", label="old")
        user = self.fake.container("user", "moved:1", "running")
        self.fake.tag(self.fake.image(label="new"), "moved:1")
        self.fake.image("unused:1")
        self.fake.on("GET", f"/containers/{user.id}/json", refusal(500, "no"), times=None)
        run = self.program("run", "--json")
        self.assertEqual(self.fake.deletes, [], run)
        self.assertIn("user", run.stderr + run.stdout)
        self.assertIn(old.label, self.fake.names())


class WholeOrNotAtAll(Case):
    def test_a_pinned_name_keeps_the_others(self):
        self.fake.image("app:1", "app:stable", "other/app:1")
        self.program.set_policy(ALL + "keep-tag = stable\n")
        self.call(0, "run")
        self.assertEqual(self.fake.deletes, [])

    def test_a_name_that_no_rule_owns_keeps_the_others(self):
        self.fake.image("app:1", "other/app:1")
        self.program.set_policy("[images app]\nrepository = app\nkeep-within = 0s\nmin-age = 0s\n")
        run = self.run_json()
        self.assertEqual(self.fake.deletes, [])
        self.assertIn("other/app:1", run.verdict("app:1")["reason"])

    def test_names_go_one_at_a_time_each_looked_up_before(self):
        image = self.fake.image("app:1", "app:2", "other/app:3")
        self.run_json()
        tail = [str(one) for one in self.fake.requests[-8:]]
        look, users = f"GET .*/images/{image.id}/json", "GET .*/containers/json.all=1&filters="
        for line, pattern in zip(tail, [look, users, "DELETE .*/app:1.noprune=1",
                                        look, users, "DELETE .*/app:2.noprune=1",
                                        look, f"DELETE .*/{image.id}.noprune=1"]):
            self.assertRegex(line, pattern)

    def test_whatever_takes_the_last_name_at_the_last_moment_keeps_it(self):
        """A build that ends between the look and the DELETE."""
        self.fake.image("app:1", label="old")
        self.fake.on("DELETE", "/images/", lambda request: self.fake.tag(
            self.fake.image(label="new"), "app:1"))
        self.call(0, "run")
        self.assertEqual(self.fake.names(), {"new"})
        self.assertEqual(set(self.fake.by_reference), {"app:1"})

    def test_a_name_more_at_the_last_moment_saves_the_image(self):
        image = self.fake.image("app:1")
        self.fake.on("DELETE", "/images/", lambda request: self.fake.tag(image, "precious:1"))
        self.assertEqual(self.outcomes(self.run_json())["app:1"], "in-use")
        self.assertEqual(set(image.references), {"app:1", "precious:1"})

    def test_digests_go_with_the_last_tag_of_their_repository(self):
        self.fake.image("app:1", "app:2", "app@" + digest("app"))
        run = self.run_json()
        self.assertEqual(self.fake.names(), set())
        self.assertEqual(set(self.outcomes(run).values()), {"removed"})

    def test_an_image_with_a_digest_only_goes(self):
        image = self.fake.image("app@" + digest("app"))
        self.run_json()
        self.assertEqual(self.fake.names(), set())
        self.assertEqual(self.fake.deletes, [f"DELETE /v1.41/images/{image.id}?noprune=1"])

    def test_what_was_pulled_by_digest_is_not_dangling(self):
        self.fake.image("app@" + digest("app"))
        self.program.set_policy("[images dangling]\ndangling = yes\nkeep-within = 0s\nmin-age = 0s\n")
        self.call(0, "run")
        self.assertEqual(self.fake.deletes, [])

    def test_children_go_before_their_parents(self):
        top = self.fake.image(label="0")
        for number in range(1, 6):
            top = self.fake.image(label=str(number), parent=top)
        self.program.set_settings("")  # with connections that could overtake each other
        self.call(0, "run")
        self.assertEqual(self.fake.removed, ["5", "4", "3", "2", "1", "0"])

    def test_a_parent_of_what_stays_stays(self):
        parent = self.fake.image(label="parent")
        self.fake.image("app:1", parent=parent)
        self.fake.container("user", "app:1", "running")
        self.call(0, "run")
        self.assertEqual(self.fake.deletes, [])

    def test_images_that_are_each_others_parents_stay(self):
        one, other = self.fake.image(label="one"), self.fake.image(label="other")
        one.parent, other.parent = other.id, one.id
        self.call(0, "run")
        self.assertEqual(self.fake.deletes, [])


class Young(Case):
    """Ages that the engine does not know count from now."""

    def test_nothing_younger_than_an_hour_goes_unless_the_policy_says_so(self):
        self.fake.image("base:1")
        self.fake.container("young", "base:1", ago=3000)
        self.fake.container("old", "base:1", ago=4000)
        self.program.set_policy("[containers all]\nname = *\nkeep-within = 0s\n")
        self.call(0, "run")
        self.assertEqual(self.fake.removed, ["old"])

    def test_an_old_build_date_is_no_age(self):
        self.fake.image("pulled:1", ago=10 * 365 * 86400, tagged=None)
        self.program.set_policy("[images all]\nname = *\nkeep-within = 1d\nmin-age = 0s\n")
        self.call(0, "run")
        self.assertEqual(self.fake.deletes, [])

    def test_min_age_asks_for_the_arrival_even_if_the_rule_asks_for_the_build_date(self):
        self.fake.image("pulled:1", ago=10 * 365 * 86400, tagged=None)
        self.program.set_policy("[images all]\nname = *\nkeep-within = 1d\nage-from = created\n")
        self.call(0, "run")
        self.assertEqual(self.fake.deletes, [])

    def test_what_never_ran_is_as_old_as_its_creation(self):
        self.fake.image("base:1")
        self.fake.container("new", "base:1", "created", ago=600)
        self.program.set_policy("[containers all]\nstate = created\nkeep-within = 1d\nmin-age = 0s\n")
        self.call(0, "run")
        self.assertEqual(self.fake.deletes, [])

    def test_an_untagged_image_that_nobody_saw_before_stays(self):
        self.fake.image(label="old")
        self.program.set_policy("[images dangling]\ndangling = yes\nkeep-within = 1h\n")
        run = self.call(0, "run")
        self.assertEqual(self.fake.deletes, [])
        self.assertIn("first look at this engine: 1 age unknown", run.stdout)

    def test_a_finish_time_that_the_engine_does_not_tell_keeps_the_container_and_its_image(self):
        self.fake.image("base:1")
        old = self.fake.container("old", "base:1")
        self.fake.on("GET", f"/containers/{old.id}/json", refusal(500, "no"), times=None)
        run = self.program("run", "--json")
        self.assertEqual(self.fake.deletes, [], run)
        self.assertIn("no", run.stderr)


class Changes(Case):
    """What changed since the plan was made survives."""

    def container_that(self, change):
        self.fake.image("base:1")
        container = self.fake.container("done", "base:1")
        self.after_planning(lambda request: change(container))
        return self.run_json()

    def assert_survives(self, run, name, outcome, kind="containers"):
        self.assertEqual([one for one in self.fake.deletes if f"/{kind}/" in one], [])
        self.assertEqual(self.outcomes(run)[name], outcome, run)

    def test_a_container_that_was_started_survives(self):
        run = self.container_that(self.fake.start_container)
        self.assert_survives(run, "done", "changed")
        self.assertIn("done", self.fake.names())

    def test_a_container_that_ran_again_survives(self):
        self.assert_survives(self.container_that(self.fake.rerun), "done", "changed")

    def test_a_container_that_was_renamed_survives(self):
        run = self.container_that(lambda container: setattr(container, "name", "precious"))
        self.assert_survives(run, "done", "changed")

    def test_a_container_that_is_to_be_restarted_now_survives(self):
        run = self.container_that(lambda container: setattr(container, "restart", "always"))
        self.assert_survives(run, "done", "changed")

    def test_the_image_of_a_container_that_survives_stays(self):
        run = self.container_that(self.fake.start_container)
        self.assertEqual(self.outcomes(run)["base:1"], "in-use", run)
        self.assertEqual(self.fake.deletes, [])

    def test_a_container_that_somebody_else_removed_is_gone(self):
        run = self.container_that(self.fake.drop)
        self.assert_survives(run, "done", "gone")

    def test_404_to_a_removal_means_gone(self):
        self.fake.image("base:1")
        done = self.fake.container("done", "base:1")
        self.fake.on("DELETE", "/containers/", lambda request: self.fake.drop(done))
        self.assertEqual(self.outcomes(self.run_json())["done"], "gone")

    def test_409_to_a_removal_means_in_use(self):
        self.fake.image("base:1")
        done = self.fake.container("done", "base:1")
        self.fake.on("DELETE", "/containers/", lambda request: self.fake.start_container(done))
        run = self.run_json()
        self.assertEqual(self.outcomes(run), {"done": "in-use", "base:1": "in-use"})
        self.assertEqual(self.fake.names(), {"done", "base:1"})

    def test_a_removal_that_somebody_else_began_is_no_failure(self):
        self.fake.image("base:1")
        self.fake.container("done", "base:1")
        self.fake.on("DELETE", "/containers/",
                     refusal(409, "removal of container 1 is already in progress"))
        self.assertEqual(self.outcomes(self.run_json())["done"], "changed")

    def image_that(self, change, references=("app:1", "app:2")):
        image = self.fake.image(*references, label="image")
        self.after_planning(lambda request: change(image))
        return self.run_json()

    def test_an_image_that_got_another_name_survives_with_all(self):
        run = self.image_that(lambda image: self.fake.tag(image, "precious:1"))
        self.assertEqual(self.outcomes(run), {"app:1": "changed", "app:2": "changed"})
        self.assertEqual(self.fake.deletes, [])

    def test_an_untagged_image_that_got_a_name_survives(self):
        run = self.image_that(lambda image: self.fake.tag(image, "precious:1"), ())
        self.assertEqual(list(self.outcomes(run).values()), ["changed"])
        self.assertEqual(self.fake.deletes, [])

    def test_an_image_that_was_pushed_or_pulled_meanwhile_survives(self):
        run = self.image_that(lambda image: self.fake.tag(image, "app@" + digest("new")))
        self.assertEqual(self.outcomes(run), {"app:1": "changed", "app:2": "changed"})
        self.assertEqual(self.fake.deletes, [])

    def test_a_name_that_moved_to_another_image_survives(self):
        other = self.fake.image("other:1")
        run = self.image_that(lambda image: self.fake.tag(other, "app:1"))
        self.assertEqual(self.outcomes(run)["app:1"], "changed")
        self.assertIn("app:1", self.fake.by_reference)
        self.assertIs(self.fake.by_reference["app:1"], other)

    def test_a_name_that_comes_between_two_removals_saves_the_rest(self):
        image = self.fake.image("app:1", "app:2", "app:3")
        self.fake.on("DELETE", "/images/app:1",
                     lambda request: self.fake.tag(image, "precious:1"))
        run = self.run_json()
        self.assertEqual(self.outcomes(run), {"app:1": "removed", "app:2": "changed",
                                              "app:3": "changed"})
        self.assertEqual(set(image.references), {"app:2", "app:3", "precious:1"})

    def test_a_name_that_goes_by_other_hands_between_two_removals_saves_the_rest(self):
        image = self.fake.image("app:1", "app:2", "app:3")
        self.fake.on("DELETE", "/images/app:1", lambda request: self.fake.untag("app:2"))
        self.run_json()
        self.assertEqual(set(image.references), {"app:3"})

    def test_an_image_that_somebody_else_removed_is_gone(self):
        run = self.image_that(self.fake.drop)
        self.assertEqual(self.outcomes(run), {"app:1": "gone", "app:2": "gone"})

    def test_409_to_the_removal_of_an_image_means_in_use(self):
        image = self.fake.image("app:1")
        self.fake.on("DELETE", "/images/",
                     lambda request: self.fake.container("new", image) and None)
        run = self.run_json()
        self.assertEqual(self.outcomes(run), {"app:1": "in-use"})
        self.assertIn("app:1", self.fake.names())

    def test_404_to_the_removal_of_an_image_means_gone(self):
        image = self.fake.image("app:1")
        self.fake.on("DELETE", "/images/", lambda request: self.fake.drop(image))
        self.assertIn(self.outcomes(self.run_json())["app:1"], ("gone", "removed"))

    def test_an_image_that_was_built_upon_meanwhile_survives_with_its_parents(self):
        top = self.fake.image(label="top")
        parent = self.fake.image(label="parent", parent=top)
        image = self.fake.image(label="image", parent=parent)
        self.fake.on("DELETE", "/images/",
                     lambda request: self.fake.image("new:1", parent=image) and None)
        run = self.run_json()
        self.assertEqual(self.outcomes(run),
                         {image.id: "in-use", parent.id: "skipped", top.id: "skipped"})
        self.assertEqual(len(self.fake.deletes), 1)

    def test_a_container_of_a_second_name_saves_all_that_are_left(self):
        """The engine would take each name but the last from it."""
        for at, kept in (("GET /images/.*/json", {"app:1", "app:2", "lib:1"}),
                         ("DELETE /images/app:1", {"app:2", "lib:1"})):
            with self.subTest(at):
                image = self.fake.image("app:1", "app:2", "lib:1")
                self.fake.on(*at.split(),
                             lambda request: self.fake.container("new", image) and None)
                run = self.run_json()
                self.assertEqual(set(image.references), kept)
                self.assertEqual({name for name, outcome in self.outcomes(run).items()
                                  if outcome == "in-use"}, kept)
                self.fake.drop(self.fake.containers[next(iter(self.fake.containers))])
                self.fake.drop(image)

    def test_a_digest_of_another_repository_is_a_name_too(self):
        image = self.fake.image("app:1", "origin@" + digest("one"))
        self.fake.on("GET", "/images/.*/json", lambda request: self.fake.container("new", image) and None)
        self.assertEqual(self.outcomes(self.run_json())["app:1"], "in-use")
        self.assertEqual(self.fake.deletes, [])

    def test_an_engine_that_does_not_tell_its_containers_then_keeps_the_name(self):
        image = self.fake.image("app:1", "app:2")
        self.fake.on("GET", "filters=", refusal(500, "out of order"))
        self.assertEqual(self.outcomes(self.run_json(3)), {"app:1": "failed", "app:2": "failed"})
        self.assertEqual(set(image.references), {"app:1", "app:2"})

    def test_the_last_name_is_not_asked_about(self):
        self.fake.image("app:1", "app@" + digest("one"))
        self.assertEqual(self.outcomes(self.run_json())["app:1"], "removed")
        self.assertEqual(self.fake.asked("GET", "filters="), [])

    def test_a_container_made_while_containers_went_saves_its_image(self):
        self.fake.image("app:1", "app:2")
        self.fake.container("done", "app:1")
        self.fake.on("DELETE", "/containers/",
                     lambda request: self.fake.container("new", "app:2", "running") and None)
        run = self.run_json()
        self.assertEqual(self.outcomes(run), {"done": "removed", "app:1": "in-use", "app:2": "in-use"})
        self.assertEqual(self.fake.names(), {"new", "app:1"})

    def test_a_container_that_holds_just_the_name_saves_the_image_too(self):
        """Its own image is another one: the engine would untag this one without complaint."""
        self.fake.image("app:1", "app:2")
        old = self.fake.image("app:old", label="old")
        self.fake.container("done", "app:1")
        self.fake.container("user", old, "running")

        def restart_from_name(request):
            self.fake.container("new", old, "running", config_image="app:2")

        self.fake.on("DELETE", "/containers/", restart_from_name)
        run = self.run_json()
        self.assertEqual(self.outcomes(run)["app:2"], "in-use", run)
        self.assertIn("app:2", self.fake.by_reference)

    def test_without_a_second_look_at_the_containers_no_image_goes(self):
        self.fake.image("app:1")
        self.fake.container("done", "app:1")
        self.fake.on("DELETE", "/containers/", lambda request: self.fake.on(
            "GET", "/containers/json", refusal(500, "no second look")))
        run = self.program("run", "--json")
        self.assertEqual(self.outcomes(run), {"done": "removed", "app:1": "skipped"})
        self.assertEqual(self.fake.names(), {"app:1"})
        self.assertIn("no second look", run.stdout + run.stderr)

    def test_the_second_look_comes_after_the_containers_and_before_the_images(self):
        small_world(self.fake)
        self.call(0, "run")
        kinds = ["list" if str(one).endswith("/containers/json?all=1") else
                 "container" if "DELETE" in str(one) and "/containers/" in str(one) else
                 "image" for one in self.fake.requests
                 if str(one).endswith("/containers/json?all=1") or one.method == "DELETE"]
        self.assertEqual(kinds[:4], ["list", "container", "list", "image"])

    def test_a_removal_without_an_answer_is_looked_up(self):
        self.fake.image("base:1")
        self.fake.container("done", "base:1")
        self.fake.on("DELETE", "/", CLOSE_AFTER, times=2)
        self.assertEqual(self.outcomes(self.run_json()), {"done": "removed", "base:1": "removed"})

    def test_a_removal_is_not_sent_again_without_another_look(self):
        """The connection broke when the name was gone; by now it is the name of something else."""
        self.fake.image("app:1", label="old")

        def removed_and_rebuilt(_wire, compute):
            if compute().status == 200:
                self.fake.image("app:1", label="new")
            return False

        self.fake.on("DELETE", "/images/", Fault(removed_and_rebuilt))
        self.run_json()
        self.assertEqual(self.fake.names(), {"new"})
        self.assertIn("app:1", self.fake.by_reference)

    def test_an_object_that_fails_is_a_failure_and_the_others_go(self):
        self.fake.image("base:1")
        self.fake.container("done", "base:1")
        self.fake.container("stuck", "base:1")
        stuck = [one.id for one in self.fake.containers.values() if one.name == "stuck"][0]
        self.fake.on("DELETE", f"/containers/{stuck}", refusal(500, "device or resource busy"), None)
        run = self.run_json(3)
        self.assertEqual(self.outcomes(run), {"done": "removed", "stuck": "failed", "base:1": "in-use"})
        self.assertIn("device or resource busy", run.verdict("stuck")["detail"])


class Brake(Case):
    policy = "[images all]\nname = *\nkeep-within = 0s\nmin-age = 0s\n"

    def images(self, n, used):
        for number in range(n):
            self.fake.image(f"app:{number}")
            if number < used:
                self.fake.container(f"user-{number}", f"app:{number}", "running")

    def assert_braked(self, *arguments):
        run = self.call(4, "run", *arguments)
        self.assertIn("brake: ", run.stdout)
        self.assertEqual(self.fake.deletes, [])
        return run

    def test_more_than_half_of_the_tagged_images_stop_the_run(self):
        self.images(21, used=10)
        run = self.assert_braked()
        self.assertIn("11 of 21 tagged images would go; look at 'reclaimd plan', then set max-remove",
                      run.stdout)

    def test_half_of_them_do_not(self):
        self.images(22, used=11)
        self.call(0, "run")
        self.assertEqual(len(self.fake.deletes), 11)

    def test_few_images_have_no_brake(self):
        self.images(20, used=0)
        self.call(0, "run")
        self.assertEqual(len(self.fake.deletes), 20)

    def test_a_dry_run_ends_the_same_way(self):
        self.images(21, used=0)
        self.assert_braked("--dry-run")

    def test_a_plan_shows_it_and_ends_well(self):
        self.images(21, used=0)
        self.assertIn("brake: 21 of 21 tagged images would go", self.call(0, "plan").stdout)

    def test_images_count_as_images_however_many_names_they_have(self):
        self.images(21, used=11)
        self.fake.image(*(f"many:{number}" for number in range(20)))
        self.call(0, "run")

    def test_one_brake_stops_every_kind(self):
        self.images(3, used=1)
        self.fake.container("done", "app:0")
        self.program.set_policy(ALL.replace("max-remove  = 100%", "max-remove  = 1"))
        run = self.assert_braked()
        self.assertIn("rule all", run.stdout)

    def test_the_setting_holds_for_containers_too(self):
        self.images(1, used=0)
        self.fake.container("a", "app:0")
        self.fake.container("b", "app:0")
        self.program.set_policy(ALL)
        self.program.set_settings("[run]\nmax-remove = 1\n")
        self.assert_braked()

    def test_json_is_whole_under_the_brake(self):
        self.images(21, used=0)
        run = self.call(4, "run", "--json")
        self.assertEqual(len(run.json["objects"]), 21)
        self.assertFalse(any("outcome" in one and one["outcome"] for one in run.json["objects"]))

    def test_observing_under_the_brake_is_the_brake(self):
        self.images(21, used=0)
        self.assert_braked("--mode=observe")


class OneAtATime(Case):
    def held(self, program):
        """A run that waits for its engine, and the event that lets it go on."""
        waiting, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        def wait(request):
            waiting.set()
            go_on.wait(60)

        self.fake.on("GET", "/info", wait)
        process = program.start("run", "--json")
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.assertTrue(waiting.wait(30))
        return process, go_on

    def test_a_second_run_is_refused_and_asks_nothing(self):
        small_world(self.fake)
        process, go_on = self.held(self.program)
        before = len(self.fake.requests)
        run = self.call(75, "run")
        self.assertEqual(len(self.fake.requests), before)
        self.assertIn(f"another run for {self.fake.socket} holds the lock", run.stderr)
        self.assertEqual(len(run.stderr.splitlines()), 1)
        go_on.set()
        self.assertEqual(process.wait(60), 0)
        self.assertEqual(self.fake.names(), {"base:1", "on"})

    def test_plans_and_dry_runs_are_not_refused(self):
        process, go_on = self.held(self.program)
        self.call(0, "plan")
        self.call(0, "run", "--dry-run")
        go_on.set()
        self.assertEqual(process.wait(60), 0)

    def test_another_engine_is_not_locked(self):
        process, go_on = self.held(self.program)
        other, _ = self.another()
        command = self.program.command("run")
        command[command.index(f"unix://{self.fake.socket}")] = f"unix://{other.socket}"
        other_run = subprocess.run(command, capture_output=True, env=self.program.environment)
        self.assertEqual(other_run.returncode, 0, other_run.stderr)
        go_on.set()
        process.wait(60)

    def test_one_socket_by_two_names_is_one_engine(self):
        process, go_on = self.held(self.program)
        link = self.fake.folder / "link.sock"
        link.symlink_to(self.fake.socket)
        self.program.socket = link
        self.call(75, "run")
        go_on.set()
        process.wait(60)

    def test_a_run_that_was_killed_leaves_no_lock(self):
        process, go_on = self.held(self.program)
        process.kill()
        process.wait()
        go_on.set()
        self.call(0, "run")

    def test_the_lock_is_one_that_others_can_take(self):
        self.call(0, "run")
        lock = next((self.program.folder / "run").rglob("*.lock"))
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.call(75, "run")

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a socket away")
    def test_somebody_elses_engine_is_looked_at_and_left_alone(self):
        small_world(self.fake)
        os.chown(self.fake.socket, 65534, 65534)
        run = self.call(1, "run")
        self.assertIn("belongs to another user", run.stderr)
        self.assertEqual(self.fake.requests, [])
        self.call(0, "plan")


def names_in(fake):
    """Names of containers and references of images, as a plan has them; digests go with their tags."""
    return {one.name for one in fake.containers.values()} | \
        {reference for reference in fake.by_reference if "@" not in reference} | \
        {image.id for image in fake.images.values() if not image.references}


class Cell:
    """One run with one thing gone wrong, and what came of it."""

    def __init__(self, index, name):
        self.index = index
        self.name = name

    def __repr__(self):
        return f"request {self.index} ({self.request}): {self.name}"


def makes_a_difference(name, request):
    """Nobody reads JSON in the answers to these, and what is asked for does nothing."""
    if request.path == "/_ping" or str(request).startswith("DELETE /v1.41/containers/"):
        return name not in JSON_FAULTS
    return request.method == "DELETE" or not name.startswith("done, ")


class Broken:
    """Every fault at every request of a run."""

    maxDiff = None
    policy = ALL
    settings = ONE_BY_ONE
    faults = {}
    workers = 3 * (os.cpu_count() or 2)

    @classmethod
    def setUpClass(cls):
        cls.recovered = {}
        whole = cls.run_cell(Cell(-1, "nothing"), None)
        assert whole.outcome.status == 0, whole.outcome
        cls.whole = whole
        cells = [Cell(index, name) for index, request in enumerate(whole.requests)
                 for name in cls.faults if makes_a_difference(name, request)]
        with concurrent.futures.ThreadPoolExecutor(cls.workers) as pool:
            cls.cells = list(pool.map(lambda cell: cls.run_cell(cell, cls.faults[cell.name]), cells))

    @classmethod
    def run_cell(cls, cell, fault):
        with Fake() as fake, Program(fake.socket, cls.policy, cls.settings) as program:
            small_world(fake)
            cell.before = fake.names()
            if fault:
                fake.at(cell.index, fault)
            cell.outcome = program("run", "--json")
            cell.requests = list(fake.requests)
            cell.request = cell.requests[cell.index]
            cell.removed = list(fake.removed)
            cell.unexpected = list(fake.unexpected)
            cell.world = fake.world()
            cell.names = fake.names()
            cell.references = set(fake.by_reference)
            cell.end = cls.end_of_the_next_run(cell, fake, program)
        return cell

    @classmethod
    def end_of_the_next_run(cls, cell, fake, program):
        """Whatever went wrong at one request, the world that is left decides."""
        key = re.sub("[0-9a-f]{64}", "", cell.request.target), cell.world
        if key not in cls.recovered:
            fake.forget()
            program.set_settings(ONE_BY_ONE)
            again = program("run")
            cls.recovered[key] = again.status, fake.world(), fake.unexpected
        return cls.recovered[key]

    def reports(self):
        """Cells whose JSON there is, with it."""
        for cell in self.cells:
            if cell.outcome.stdout:
                yield cell, cell.outcome.json

    def assert_none(self, cells):
        self.assertEqual([f"{cell}\n{cell.outcome.stderr}" for cell in cells], [])

    def of(self, pattern, nth=0):
        """Cells at the n-th request whose path is that; null is how Go writes an empty list."""
        index = [number for number, request in enumerate(self.whole.requests)
                 if request.path.startswith(pattern)][nth]
        return [cell for cell in self.cells if cell.index == index and cell.name != "null"]

    def test_nothing_goes_that_would_not_go_otherwise(self):
        self.assert_none(cell for cell in self.cells
                         if not set(cell.removed) <= set(self.whole.removed) or cell.unexpected)

    def test_the_program_ends_and_says_how(self):
        self.assert_none(cell for cell in self.cells if cell.outcome.status not in DOCUMENTED or
                         re.search(SANITIZER, cell.outcome.stderr))

    def test_every_failure_is_named(self):
        """A run that did not say anything was just like one in which nothing went wrong. 404 and
        null are answers: there is no such thing, there is none at all."""
        self.assert_none(
            cell for cell in self.cells if not cell.outcome.stderr and
            cell.name not in ("404", "null") and
            not any(one.get("detail") for one in cell.outcome.json["objects"]) and
            (cell.world != self.whole.world or cell.outcome.status != 0))

    def test_no_control_character_comes_through(self):
        self.assert_none(cell for cell in self.cells
                         if any(ord(one) < 32 and one != "\n" or ord(one) == 127
                                for one in cell.outcome.stderr + cell.outcome.stdout))

    def test_what_is_said_to_be_removed_is_gone_and_nothing_else(self):
        wrong = []
        for cell, report in self.reports():
            if cell.name == "404":
                continue  # the engine itself said so
            for one in report["objects"]:
                name = one["name"] or one["id"]
                said = one.get("outcome") in ("removed", "gone")
                exists = name in cell.names if one["kind"] == "container" else \
                    name in cell.references if one["kind"] == "tag" else \
                    any(digest("image " + label) == one["id"] for label in cell.names)
                # What comes behind an answer that is longer than it says may spoil the look, too.
                unclear = cell.name == "length too short" and one.get("outcome") == "failed"
                if said == exists and not unclear:
                    wrong.append((str(cell), one))
        self.assertEqual(wrong, [])

    def test_the_next_run_reaches_the_same_end(self):
        self.assert_none(cell for cell in self.cells if cell.end != (0, self.whole.world, []))

    def test_without_a_list_of_containers_nothing_goes(self):
        self.assert_none(cell for cell in self.of("/containers/json") if cell.removed)

    def test_without_a_list_of_images_the_container_goes_and_no_image(self):
        """What comes behind an answer that is longer than it says may spoil the next one."""
        self.assert_none(cell for cell in self.of("/images/json") if cell.removed != ["done"] and
                         not (cell.name == "length too short" and not cell.removed))

    def test_without_a_second_list_of_containers_no_image_goes(self):
        self.assert_none(cell for cell in self.of("/containers/json?all=1", 2)
                         if cell.removed != ["done"])

    def test_without_a_greeting_the_engine_is_not_reachable(self):
        self.assert_none(cell for cell in self.cells if cell.index == 0 and cell.removed and
                         cell.outcome.status != 0)
        self.assert_none(cell for cell in self.cells if cell.index == 0 and not cell.removed and
                         (cell.outcome.status != 69 or str(len(cell.outcome.stderr.splitlines())) != "1"))


class Faults(Broken, unittest.TestCase):
    faults = FAULTS


class SlowFaults(Broken, unittest.TestCase):
    faults = SLOW_FAULTS
    settings = ONE_BY_ONE + "timeout = 1s\n"
    workers = 24


class Fields(Case):
    """A list is read whole or not at all."""

    def refused(self, kind, thing, field, value):
        good = dict(thing.entry())
        if value is None:
            good.pop(field)
            thing.entry = lambda: good
        else:
            thing.extra = {field: value}
        thing.state = thing.state if kind == "container" else None
        run = self.program("run", "--json")
        with self.subTest(kind=kind, field=field, value=value):
            self.assertIn(run.status, DOCUMENTED, run)
            self.assertIn(f"the list of {kind}s cannot be read", run.stderr)
            self.assertIn(field, run.stderr)
            wrong = "/" if kind == "container" else "/images/"
            self.assertEqual([one for one in self.fake.deletes if wrong in one], [], run)

    def fields(self, kind, values):
        for field, wrongs in values.items():
            for wrong in wrongs:
                self.fake, self.program = self.another()
                small_world(self.fake)
                things = self.fake.containers if kind == "container" else self.fake.images
                self.refused(kind, list(things.values())[-1], field, wrong)

    def test_a_container_with_a_field_that_is_wrong_or_missing_spoils_its_list(self):
        self.fields("container", {"Id": (None, 7, "", "zz"), "Names": (None, "on", [7]),
                                  "Image": (None, 7), "ImageID": (None, []), "State": (None, 7),
                                  "Created": (None, "yesterday"), "Labels": (None, [], {"a": 1}),
                                  "Mounts": ({"a": "b"},)})

    def test_an_image_with_a_field_that_is_wrong_or_missing_spoils_its_list(self):
        self.fields("image", {"Id": (None, 7, ""), "RepoTags": (None, "a:1", ["not a name!"]),
                              "RepoDigests": (None, [7]), "Created": (None, "yesterday"),
                              "Size": (None, "big"), "Labels": (None, 7), "ParentId": (7,)})

    def look(self, field, value):
        """What is looked up again does not say what it should."""
        fake, self.program = self.another()
        self.fake = fake
        fake.image("base:1")
        container = fake.container("done", "base:1")
        self.after_planning(lambda request: Answer(
            200, {**container.inspect(), field: value}))
        run = self.program("run", "--json")
        with self.subTest(field=field, value=value):
            self.assertEqual(fake.deletes, [], run)
            self.assertIn(self.outcomes(run)["done"], ("failed", "changed"))

    def test_a_look_that_does_not_tell_all_is_no_look(self):
        for field, value in (("State", None), ("State", {"Status": "exited"}), ("Id", "0" * 64),
                             ("Id", 7), ("Name", None), ("HostConfig", {}), ("Config", 3)):
            self.look(field, value)


class Interrupted:
    """Ended at any request, a run leaves nothing half done that the next does not finish."""

    policy = ALL
    settings = ONE_BY_ONE

    @staticmethod
    def build_world(fake):
        small_world(fake)

    @classmethod
    def setUpClass(cls):
        whole = cls.interrupt(None, -1)
        cls.whole = whole
        with concurrent.futures.ThreadPoolExecutor(2 * (os.cpu_count() or 2)) as pool:
            numbers = range(len(whole["requests"]))
            cls.killed = list(pool.map(lambda index: cls.interrupt(signal.SIGKILL, index), numbers))
            cls.ended = list(pool.map(lambda index: cls.interrupt(signal.SIGTERM, index), numbers))

    @classmethod
    def interrupt(cls, number, index):
        with Fake() as fake, Program(fake.socket, cls.policy, cls.settings) as program:
            cls.build_world(fake)
            planned = program("plan", "--json").goes() if number else set()
            program.forget()
            fake.requests.clear()
            before = names_in(fake)
            started, processes = threading.Event(), []

            def send(request):
                started.wait(30)
                processes[0].send_signal(number)
                if number == signal.SIGKILL:
                    processes[0].wait(30)

            if number:
                fake.at(index, send)
            processes.append(program.start("run", "--json"))
            started.set()
            stdout, stderr = processes[0].communicate(timeout=120)
            first = {"index": index, "status": processes[0].returncode, "removed": list(fake.removed),
                     "requests": list(fake.requests), "stdout": stdout, "stderr": stderr,
                     "world": fake.world(), "planned": planned, "before": before}
            fake.hooks.clear()
            again = program("run")
            return {**first, "again": again.status, "end": fake.world(), "unexpected": fake.unexpected,
                    "left": names_in(fake)}

    def test_after_kill_9_the_next_run_reaches_the_same_end(self):
        for one in self.killed:
            self.assertEqual(one["status"], -signal.SIGKILL, one)
            self.assertEqual((one["again"], one["end"]), (0, self.whole["end"]), one)

    def test_after_sigterm_the_next_run_reaches_the_same_end(self):
        for one in self.ended:
            self.assertEqual((one["again"], one["end"]), (0, self.whole["end"]), one)

    def test_nothing_goes_that_would_not_have_gone(self):
        for one in self.killed + self.ended:
            self.assertLessEqual(set(one["removed"]), set(self.whole["removed"]))
            self.assertEqual(one["unexpected"], [])
            self.assertLessEqual(one["before"] - one["left"], one["planned"], one)

    def test_sigterm_ends_it_before_the_next_removal(self):
        for one in self.ended:
            removals = [request for request in one["requests"][one["index"] + 1:]
                        if request.method == "DELETE"]
            self.assertEqual(removals, [], one)

    def test_sigterm_ends_with_the_status_of_work_left_over_and_a_report(self):
        for one in self.ended:
            self.assertIn(one["status"], (0, 3), one)
            if one["world"] != self.whole["end"]:
                self.assertEqual(one["status"], 3, one)
                self.assertIn(b'"skipped"', one["stdout"], one)


class InterruptedEverything(Interrupted, Case):
    pass


class InterruptedNames(Interrupted, Case):
    """Images with several names, in several repositories, in groups of which the newest stay."""

    policy = """
[containers exited]
state       = exited, dead
keep-within = 0s
min-age     = 0s

[images releases]
repository    = app, lib
order-by      = version
keep-tag      = stable
keep-last     = 2
keep-last-run = 1
keep-within   = 0s
min-age       = 0s
max-remove    = 100%

[images dangling]
dangling    = yes
keep-within = 0s
min-age     = 0s
"""

    @staticmethod
    def build_world(fake):
        base = fake.image("base:1")
        step = fake.image(parent=base, label="step")
        for number in range(1, 8):
            image = fake.image(f"app:1.{number}", f"app:1.{number}.0", parent=step if number % 2 else base)
            fake.tag(image, f"lib:1.{number}")
            fake.tag(image, f"app@{digest(f'manifest {number}')}")
        fake.tag(fake.by_reference["app:1.2"], "app:stable")  # pinned, with all of its names
        fake.tag(fake.by_reference["app:1.4"], "other:1")     # no rule owns that
        fake.container("job", "app:1.1")                      # goes, and then its image
        fake.container("web", "app:1.3", "running", labels={"com.docker.compose.project": "shop",
                                                            "com.docker.compose.service": "web"})

    def test_it_is_what_was_meant(self):
        self.assertEqual(set(self.whole["removed"]) & {"job", "app:1.1", "app:1.5"}, {"job", "app:1.1", "app:1.5"})
        self.assertEqual({one for one in self.whole["left"] if one.startswith("lib:")},
                         {"lib:1.2", "lib:1.3", "lib:1.4", "lib:1.6", "lib:1.7"})


class Sigterm(Case):
    def test_a_second_sigterm_ends_it_at_once(self):
        small_world(self.fake)
        hang = threading.Event()
        self.addCleanup(hang.set)
        reached = threading.Event()

        def wait(request):
            reached.set()
            hang.wait(60)

        self.fake.on("GET", "/info", wait)
        process = self.program.start("run")
        self.assertTrue(reached.wait(30))
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, -signal.SIGTERM)
        self.assertEqual(self.fake.deletes, [])


class Words(Case):
    def test_what_an_engine_says_is_shown_escaped(self):
        small_world(self.fake)
        self.fake.on("GET", "/images/json", refusal(500, WORDS))
        run = self.program("run")
        self.assertIn("on fire", run.stderr)
        self.assertNotIn("\x1b", run.stderr + run.stdout)

    def test_every_error_is_named_not_only_the_first(self):
        small_world(self.fake)
        self.fake.on("GET", "/info", refusal(500, "first trouble"))
        self.fake.on("GET", "/containers/json", refusal(500, "second trouble"))
        run = self.program("run")
        self.assertIn("first trouble", run.stderr)
        self.assertIn("second trouble", run.stderr)
        self.assertEqual(self.fake.deletes, [])

    def test_both_lists_broken_are_both_named(self):
        small_world(self.fake)
        self.fake.on("GET", "/images/json", refusal(500, "first trouble"))
        self.fake.on("GET", "/containers/json", refusal(500, "second trouble"))
        run = self.call(69, "run")
        self.assertIn("first trouble", run.stderr)
        self.assertIn("second trouble", run.stderr)
