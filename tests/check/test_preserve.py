"""preserve-as: superseded images get a name, and go by the rule that gave it."""

import concurrent.futures
import json
import os
import signal
import sqlite3
import threading
import time
import unittest

from harness.fake import CLOSE, CLOSE_AFTER, Fake, FakeCase, digest, refusal
from harness.program import ONE_BY_ONE, Program

RULE = """
[images superseded]
dangling    = yes
keep-last   = 2
max-age     = 14d
min-age     = 0s
preserve-as = {repository}:superseded-{created}-{id}
"""

DAY = 86400


def build(fake, program, number, reference="app:latest"):
    """Takes the name from the build before; a run sees that."""
    image = fake.image(reference, label=f"v{number}", ago=10000 - number, tagged=10000 - number)
    seen = program("run", "--mode=observe")
    assert seen.status == 0, seen
    return image


def superseded_name(image, reference="app"):
    day = time.strftime("%Y%m%d", time.gmtime(image.created))
    return f"{reference}:superseded-{day}-{image.id[7:19]}"


class Case(FakeCase):
    policy = RULE
    settings = ONE_BY_ONE

    def builds(self, count):
        return [build(self.fake, self.program, number) for number in range(count)]

    def later(self, seconds):
        """All that was seen, and done, was so much longer ago."""
        for image in self.fake.images.values():
            image.tagged -= seconds
        for path in (self.program.folder / "state").glob("*.sqlite"):
            with sqlite3.connect(path) as database:
                for table, column in (("objects", "first_seen"), ("objects", "untagged_since"),
                                      ("objects", "last_used"), ("image_names", "first_seen"),
                                      ("image_names", "lost"), ("looks", "last"), ("preserved", "at")):
                    database.execute(f"UPDATE {table} SET {column} = {column} - ?", (seconds,))
            database.close()

    def run_json(self, status=0, *arguments):
        return self.call(status, "run", "--json", *arguments)

    def tags(self, run):
        """Of all that was to get a name, how it ended."""
        return {entry["id"]: entry["outcome"] for entry in run.json["objects"]
                if entry["verdict"] == "tag"}

    def references(self, *images):
        return [set(image.references) for image in images]


class Named(Case):
    def test_superseded_builds_that_stay_get_a_name(self):
        first, second, latest = self.builds(3)
        plan = self.call(0, "plan", "--json")
        self.assertEqual(plan.verdict(first.id)["verdict"], "tag")
        self.assertEqual(plan.verdict(first.id)["preserve_as"], superseded_name(first))
        self.assertIsNone(plan.verdict("app:latest")["preserve_as"])
        self.assertEqual(plan.json["totals"]["tag"]["images"], 2)
        self.assertEqual(self.fake.tagged, [])
        run = self.run_json()
        self.assertEqual(self.tags(run), {first.id: "tagged", second.id: "tagged"}, run)
        self.assertEqual(self.references(first, second, latest),
                         [{superseded_name(first)}, {superseded_name(second)}, {"app:latest"}])
        self.assertEqual(self.fake.deletes, [])

    def test_a_second_run_does_nothing_new(self):
        self.builds(3)
        self.call(0, "run")
        before = self.fake.world()
        self.fake.forget()
        for _ in range(2):
            run = self.run_json()
            self.assertEqual((self.fake.tagged, self.fake.deletes), ([], []))
            self.assertEqual({one["verdict"] for one in run.json["objects"]}, {"keep"})
        self.assertEqual(self.fake.world(), before)

    def test_the_oldest_goes_by_its_name_when_its_place_is_taken(self):
        first, second, third, latest = self.builds(4)
        self.call(0, "run")
        self.assertEqual(self.fake.removed, ["v0"])
        newest = build(self.fake, self.program, 4)
        self.fake.forget()
        run = self.run_json()
        self.assertEqual(run.verdict(superseded_name(second))["outcome"], "removed")
        self.assertEqual(self.fake.names(), {"v2", "v3", "v4"})
        self.assertEqual(self.references(third, latest, newest),
                         [{superseded_name(third)}, {superseded_name(latest)}, {"app:latest"}])

    def test_the_age_goes_on_where_the_name_was_given(self):
        first, second, _latest = self.builds(3)
        self.later(13 * DAY)
        self.call(0, "run")
        self.assertEqual(len(self.fake.tagged), 2)
        run = self.run_json()
        self.assertGreater(run.verdict(superseded_name(first))["age_s"], 12 * DAY)
        self.later(2 * DAY)
        run = self.run_json()
        self.assertEqual(run.verdict(superseded_name(first))["reason_code"], "max-age")
        self.assertEqual(self.fake.names(), {"v2"})

    def test_if_the_memory_is_lost_the_age_starts_anew(self):
        first, _second, _latest = self.builds(3)
        self.later(13 * DAY)
        self.call(0, "run")
        self.program.forget()
        self.call(0, "run")
        self.later(13 * DAY)
        self.call(0, "run")
        self.assertEqual(self.fake.names(), {"v0", "v1", "v2"})
        self.later(2 * DAY)
        self.call(0, "run")
        self.assertEqual(self.fake.names(), {"v2"})

    def test_tags_come_before_images_go(self):
        self.builds(4)
        self.call(0, "run")
        methods = [one.method for one in self.fake.requests if one.method != "GET"]
        self.assertEqual(methods, ["POST", "POST", "DELETE"])

    def test_each_is_looked_up_and_its_name_directly_before(self):
        first, _latest = self.builds(2)
        self.call(0, "run")
        tail = [str(one) for one in self.fake.requests[-3:]]
        self.assertEqual(tail, [f"GET /v1.41/images/{first.id}/json",
                                f"GET /v1.41/images/{superseded_name(first)}/json",
                                f"POST /v1.41/images/{first.id}/tag?repo=app&tag="
                                f"{superseded_name(first).split(':')[1]}"])

    def test_an_image_in_use_gets_a_name_too(self):
        first = self.builds(1)[0]
        self.fake.container("user", "app:latest", "running")
        build(self.fake, self.program, 1)
        self.call(0, "run")
        self.assertEqual(self.references(first), [{superseded_name(first)}])

    def test_without_a_known_name_it_stays_unnamed_and_says_so(self):
        unknown = self.fake.image(label="unknown")
        run = self.run_json()
        self.assertEqual(run.verdict(unknown.id)["verdict"], "keep")
        self.assertIn("nobody knows what it was called", run.verdict(unknown.id)["reason"])
        self.assertEqual(self.fake.tagged, [])

    ANY = """[images app]
dangling    = any
name        = *
keep-last   = 1
keep-within = 0s
min-age     = 0s
max-remove  = 100%
"""

    def test_what_has_the_name_is_newer_than_what_lost_it(self):
        """Though the one lost it after the other was tagged."""
        for preserve in "", "preserve-as = {repository}:superseded-{created}-{id}\n":
            self.fake, self.program = self.another()
            self.program.set_policy(self.ANY + preserve)
            with self.subTest(preserve=preserve):
                first, second = self.builds(2)
                plan = self.call(0, "plan", "--json")
                self.assertEqual(plan.verdict("app:latest")["verdict"], "keep", plan)
                self.assertEqual(plan.verdict(first.id)["verdict"], "remove", plan)

    def test_an_image_stays_for_its_time_after_it_lost_its_name(self):
        for preserve in "", "preserve-as = {repository}:superseded-{created}-{id}\n":
            self.fake, self.program = self.another()
            self.program.set_policy(self.ANY.replace("keep-last   = 1\nkeep-within = 0s",
                                                     "keep-within = 1h") + preserve)
            with self.subTest(preserve=preserve):
                first, second = self.builds(2)
                plan = self.call(0, "plan", "--json")
                self.assertEqual(plan.verdict(first.id)["verdict"], "tag" if preserve else "keep", plan)
                self.assertEqual(plan.goes(), {"app:latest"}, plan)

    def test_the_registry_stands_as_the_engine_spells_it(self):
        image = build(self.fake, self.program, 0, "registry.example.com:5000/team/app:1.0")
        build(self.fake, self.program, 1, "registry.example.com:5000/team/app:1.0")
        self.call(0, "run")
        self.assertEqual(self.references(image),
                         [{superseded_name(image, "registry.example.com:5000/team/app")}])

    def test_one_that_was_superseded_by_a_pull_is_named_by_its_digest_if_nothing_else_is_known(self):
        image = self.fake.image("app@" + digest("app"), label="pulled")
        self.program.set_policy(RULE.replace("dangling    = yes", "dangling    = any"))
        self.call(0, "run")
        self.assertIn(superseded_name(image), image.references)
        self.fake.forget()
        run = self.run_json()
        self.assertEqual((self.fake.tagged, self.fake.deletes), ([], []), run)

    def test_another_tag_beside_it_makes_it_one_like_any_other(self):
        first, _second, _latest = self.builds(3)
        self.call(0, "run")
        self.fake.tag(first, "app:rollback")
        self.program.set_policy(RULE.replace("keep-last   = 2", "keep-within = 0s"))
        run = self.run_json()
        self.assertEqual(self.fake.names(), {"v0", "v2"}, run)
        self.assertEqual(run.verdict(superseded_name(first))["reason_code"], "no-rule")

    def test_a_name_of_its_own_again_makes_it_new_again(self):
        first, _second, _latest = self.builds(3)
        self.call(0, "run")
        self.later(13 * DAY)
        self.fake.tag(first, "app:rollback")
        self.call(0, "run")
        self.fake.untag("app:rollback")
        self.call(0, "run")
        self.later(2 * DAY)
        self.call(0, "run")
        self.assertEqual(self.fake.names(), {"v0", "v2"})

    def test_a_container_of_the_name_keeps_it(self):
        first, _second, _latest = self.builds(3)
        self.call(0, "run")
        self.fake.container("rolled-back", superseded_name(first), restart="always")
        self.later(20 * DAY)
        self.call(0, "run")
        self.assertEqual(self.fake.names(), {"v0", "v2", "rolled-back"})

    def test_other_rules_do_not_take_it_but_their_pins_hold(self):
        first, second, _latest = self.builds(3)
        others = "\n[images all]\nrepository = app\ntag = superseded-*\nkeep-within = 0s\nmin-age = 0s\n"
        self.program.set_policy(RULE + others)
        self.call(0, "run")
        self.call(0, "run")
        self.assertEqual(self.fake.removed, [])
        pin = f"keep-tag = *{first.id[7:19]}\n"
        self.program.set_policy(RULE.replace("keep-last   = 2", "keep-within = 0s") + others + pin)
        run = self.run_json()
        self.assertEqual(self.fake.removed, [superseded_name(second), "v1"])
        self.assertEqual(run.verdict(superseded_name(first))["rule"], "all")


class Said(Case):
    def test_the_table_shows_names_to_be_given(self):
        first, _second, _latest = self.builds(3)
        plan = self.call(0, "plan")
        self.assertRegex(plan.stdout, r"KIND +NAME +SIZE +AGE +VERDICT")
        self.assertRegex(plan.stdout, rf"image <none> {first.id[7:19]} .* tag +superseded .*"
                                      rf"to be named {superseded_name(first)} \(was app:latest\)")
        self.assertIn("nothing to remove; would name 2 superseded images; kept 3", plan.stdout)
        run = self.call(0, "run")
        self.assertIn("nothing to remove; named 2 superseded images; kept 3", run.stdout)
        self.assertNotIn("superseded images", self.call(0, "run").stdout)

    def test_explain_says_it(self):
        first, _second, _latest = self.builds(3)
        said = self.call(0, "explain", first.id[7:19]).stdout
        self.assertRegex(said, rf"verdict +stays: .*to be named {superseded_name(first)}")
        self.call(0, "run")
        said = self.call(0, "explain", superseded_name(first)).stdout
        self.assertIn("[images superseded]", said)
        self.assertIn("owns it", said)
        self.assertRegex(said, "ages +created .*\n +untagged ")

    def test_a_failure_is_counted(self):
        self.builds(3)
        self.fake.on("POST", "/tag", refusal(500, "the disk is full"))
        run = self.call(3, "run")
        self.assertIn("named 1 of 2 superseded images", run.stdout)
        self.assertIn("the disk is full", run.stdout)


class Refrains(Case):
    """What stands in the way of a name."""

    def setUp(self):
        super().setUp()
        self.first, self.latest = self.builds(2)
        self.name = superseded_name(self.first)

    def after_planning(self, action, offset=0):
        before = len(self.fake.requests)
        self.call(0, "plan")
        self.fake.at(len(self.fake.requests) - before + offset, action)

    def outcome(self, run, outcome, *words):
        self.assertEqual(self.tags(run), {self.first.id: outcome}, run)
        for word in words:
            self.assertIn(word, run.verdict(self.first.id).get("detail", ""))

    def test_a_name_that_exists_stays_with_its_owner(self):
        owner = self.fake.image(self.name, label="owner")
        for _ in range(2):
            run = self.run_json()
            self.outcome(run, "skipped", self.name, owner.id, "not taken")
        self.assertEqual(self.fake.tagged, [])
        self.assertIs(self.fake.by_reference[self.name], owner)

    def test_one_that_appears_between_look_and_look_too(self):
        owner = self.fake.image("other:1", label="owner")
        self.after_planning(lambda request: self.fake.tag(owner, self.name))
        self.outcome(self.run_json(), "skipped", owner.id)
        self.assertIs(self.fake.by_reference[self.name], owner)

    def test_the_name_it_has_already_is_done(self):
        self.after_planning(lambda request: self.fake.tag(self.first, self.name))
        self.outcome(self.run_json(), "tagged")
        self.assertEqual(self.fake.tagged, [])

    def test_an_image_that_went_is_gone(self):
        self.after_planning(lambda request: self.fake.drop(self.first))
        self.outcome(self.run_json(), "gone")
        self.assertEqual(self.fake.tagged, [])

    def test_an_image_that_went_at_the_last_moment_is_gone(self):
        self.fake.on("POST", "/tag", lambda request: self.fake.drop(self.first))
        self.outcome(self.run_json(), "gone")

    def test_an_image_that_got_a_name_meanwhile_is_left_alone(self):
        self.after_planning(lambda request: self.fake.tag(self.first, "app:back"))
        self.outcome(self.run_json(), "changed", "app:back")
        self.assertEqual(self.fake.tagged, [])

    def test_an_engine_that_refuses_has_failed(self):
        self.fake.on("POST", "/tag", refusal(500, "the disk is full"))
        self.outcome(self.run_json(3), "failed", "the disk is full")
        self.outcome(self.run_json(), "tagged")

    def test_a_name_that_cannot_be_looked_up_is_not_given(self):
        self.fake.on("GET", f"/images/{self.name}/json", refusal(500, "no"))
        self.outcome(self.run_json(3), "failed", "cannot be looked up", "no")
        self.assertEqual(self.fake.tagged, [])

    def test_what_was_not_answered_is_looked_up_and_not_asked_again(self):
        self.fake.on("POST", "/tag", CLOSE_AFTER)
        self.outcome(self.run_json(), "tagged")
        self.assertEqual(len(self.fake.tagged), 1)

    def test_what_was_not_done_is_said(self):
        self.fake.on("POST", "/tag", CLOSE)
        self.outcome(self.run_json(3), "failed", "closed without an answer")
        self.assertEqual(len(self.fake.tagged), 1)

    def test_neither_a_dry_run_nor_an_observing_one_gives_a_name(self):
        self.call(0, "run", "--dry-run")
        self.call(0, "run", "--mode=observe")
        self.assertEqual(self.fake.tagged, [])

    def test_the_brake_stops_names_as_well(self):
        self.fake.container("done", "app:latest")
        self.program.set_policy(RULE + "[containers all]\nname = *\nkeep-within = 0s\nmin-age = 0s\n"
                                       "max-remove = 0\n")
        self.run_json(4)
        self.assertEqual(self.fake.tagged, [])

    def approved(self, change=lambda plan: None):
        plan = self.call(0, "plan", "--json").json
        change(plan)
        path = self.program.folder / "plan.json"
        path.write_text(json.dumps(plan))
        return ("--only", str(path))

    def test_an_approved_name_is_given(self):
        self.outcome(self.run_json(0, *self.approved()), "tagged")

    def test_one_that_is_not_approved_is_not_given(self):
        def strike(plan):
            plan["objects"] = [one for one in plan["objects"] if one["verdict"] != "tag"]

        run = self.run_json(0, *self.approved(strike))
        self.assertEqual(self.tags(run), {})
        self.assertIn("not named: the approved plan", run.verdict(self.first.id)["reason"])
        self.assertEqual(self.fake.tagged, [])

    def test_an_approved_name_is_no_leave_to_remove(self):
        only = self.approved()
        self.program.set_policy(RULE.replace("keep-last   = 2", "keep-within = 0s"))
        self.call(0, "run", *only)
        self.assertEqual(self.fake.deletes, [])

    def test_a_name_that_nobody_asked_for_is_not_added_by_a_plan(self):
        def rename(plan):
            for one in plan["objects"]:
                one["preserve_as"] = one["preserve_as"] and "evil:1"

        self.run_json(0, *self.approved(rename))
        self.assertEqual(self.fake.tagged, [])


class Interrupted(Case):
    """Killed at any request, a run leaves nothing half done that the next does not finish."""

    @staticmethod
    def interrupt(index):
        with Fake() as fake, Program(fake.socket, RULE, ONE_BY_ONE) as program:
            fake.image("precious:1")
            for number in range(5):
                build(fake, program, number)
            fake.forget()
            started, processes = threading.Event(), []

            def kill(request):
                started.wait(30)
                processes[0].kill()
                processes[0].wait(30)

            if index is not None:
                fake.at(index, kill)
            processes.append(program.start("run", "--json"))
            started.set()
            processes[0].communicate(timeout=120)
            requests, status = len(fake.requests), processes[0].returncode
            fake.hooks.clear()
            removed = set(fake.removed)
            again = program("run", "--json")
            late = program("plan", "--json")
            ages = [one["age_s"] for one in late.json["objects"] if "superseded" in (one["name"] or "")]
            return {"status": status, "again": again.status, "end": fake.world(), "requests": requests,
                    "removed": removed, "unexpected": fake.unexpected, "ages": ages}

    def test_after_kill_9_the_next_run_reaches_the_same_end(self):
        whole = self.interrupt(None)
        self.assertEqual(whole["removed"], {"v0", "v1"})
        with concurrent.futures.ThreadPoolExecutor(2 * (os.cpu_count() or 2)) as pool:
            killed = list(pool.map(self.interrupt, range(whole["requests"])))
        for index, one in enumerate(killed):
            with self.subTest(index):
                self.assertEqual(one["status"], -signal.SIGKILL, one)
                self.assertEqual((one["again"], one["end"]), (0, whole["end"]), one)
                self.assertLessEqual(one["removed"], whole["removed"])
                self.assertEqual(one["unexpected"], [])
                # Whoever killed it, the names are known as ours.
                self.assertEqual(len(one["ages"]), 2)
                self.assertNotIn(None, one["ages"], one)


class Refused(FakeCase):
    def test_check_has_file_and_line(self):
        for template, words in (("{repository}:old", "has no {id}"),
                                ("{repository}:{what}-{id}", "'{what}' is none of"),
                                ("{repository}:{id}/", "no name with a valid tag")):
            self.program.set_policy(f"[images a]\ndangling = yes\nkeep-last = 1\n"
                                    f"preserve-as = {template}\n")
            for verb in ("check", "run"):
                said = self.call(78, verb).stderr
                self.assertIn("policy.ini:4: preserve-as: ", said)
                self.assertIn(words, said)


if __name__ == "__main__":
    unittest.main()
