"""Every verb: its exit status, what it prints where, and what it does not."""

import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time

from harness.fake import HANG, Answer, FakeCase, as_nobody, digest, readable
from harness.program import BINARY, REPOSITORY

POLICY = """
[containers exited]
state       = exited, dead
keep-within = 1h
keep-label  = keep=yes

[images dangling]
dangling    = any
keep-within = 1h
min-age     = 0s
max-remove  = 100%
"""

GO_ALL = "[containers all]\nname = *\nkeep-within = 0s\nmin-age = 0s\n"


def world(fake):
    """What goes, what stays, and of each why."""
    fake.image("base:1")
    fake.image("app:1", "app:2")
    fake.container("done", "base:1")
    fake.container("failed", "base:1", exit_code=3)
    fake.container("pinned", "base:1", labels={"keep": "yes"})
    fake.container("young", "base:1", ago=60)
    fake.container("on", "base:1", "running")
    fake.container("always", "base:1", restart="always")


class Case(FakeCase):
    policy = POLICY

    def assert_one_line(self, outcome, *words):
        """One line on stderr that has the words, nothing on stdout."""
        self.assertEqual(outcome.stdout, "", outcome)
        self.assertEqual(len(outcome.stderr.splitlines()), 1, outcome)
        self.assertTrue(outcome.stderr.startswith("reclaimd: "), outcome)
        for word in words:
            self.assertIn(word, outcome.stderr)


class CommandLine(Case):
    def wrong(self, *arguments):
        outcome = self.call(2, *arguments)
        self.assertEqual(outcome.stdout, "")
        self.assertIn("--help", outcome.stderr)
        self.assertEqual(self.fake.requests, [])
        return outcome

    def bare(self, *arguments, **environment):
        return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, env={**self.program.environment, **environment})

    def test_help_goes_to_stdout_and_names_every_command_and_status(self):
        outcome = self.bare("--help")
        self.assertEqual((outcome.returncode, outcome.stderr), (0, ""))
        for word in ("plan", "run", "check", "show-config", "--dry-run", "69", "75", "78"):
            self.assertIn(word, outcome.stdout)

    def test_help_is_given_whatever_else_is_asked(self):
        for verb in ("plan", "run", "check", "show-config"):
            self.assertEqual(self.bare(verb, "--help").returncode, 0)
        self.assertEqual(self.fake.requests, [])

    def test_the_version_names_the_libraries(self):
        outcome = self.bare("--version")
        self.assertEqual((outcome.returncode, outcome.stderr), (0, ""))
        self.assertRegex(outcome.stdout, r"^reclaimd \d+\.\d+\S*\nlibcurl \S+, json-c \S+, SQLite \S+\n$")

    def test_no_command_is_a_wrong_command_line(self):
        self.assert_one_line(self.wrong(), "no command given")

    def test_an_unknown_command_is_named(self):
        self.assert_one_line(self.wrong("prune"), "unknown command 'prune'")

    def test_what_was_meant_is_suggested(self):
        for word, meant in (("pln", "plan"), ("show-confg", "show-config"), ("--jsn", "--json"),
                            ("--polcy=x", "--policy"), ("--needfree=1GB", "--need-free")):
            self.assertIn(f"(did you mean '{meant}'?)", self.wrong(word).stderr)
        for word in ("everything", "--everything", "-x"):
            self.assertNotIn("did you mean", self.wrong(word).stderr)

    def test_an_unknown_command_is_shown_escaped(self):
        outcome = self.wrong("\x1b[31mrun")
        self.assertNotIn("\x1b", outcome.stderr)

    def test_an_unknown_option_is_one_line_and_a_pointer(self):
        lines = self.wrong("run", "--force").stderr.splitlines()
        self.assertIn("--force", lines[0])
        self.assertLessEqual(len(lines), 2)

    def test_of_letters_in_one_word_the_unknown_one_is_named(self):
        for arguments in (("run", "-xn"), ("run", "-nx"), ("-nxa", "run")):
            self.assertIn("'-x' is no option", self.wrong(*arguments).stderr)

    def test_the_manual_has_the_same_options_for_the_same_commands(self):
        manual = (REPOSITORY / "agent/man/reclaimd.8").read_text().split(".SH OPTIONS")[1].split(".SH ")[0]
        told = {name: text for block in manual.replace("\\-", "-").split(".TP\n")[1:]
                for heading, _, text in [block.partition("\n")] for name in re.findall(r"--[a-z-]+", heading)}
        shown = dict(re.findall(r"^  (?:-., |    )(--[a-z-]+) .*?((?: \([a-z ]+\))?)$", self.bare("--help").stdout, re.M))
        self.assertEqual(set(shown), set(told))
        for name, verbs in shown.items():
            words = re.findall("[a-z]+", verbs)
            self.assertIn(f"({', '.join(words)})" if words else "", told[name].replace("\n", " "), name)

    def test_an_option_without_its_value_is_one_line_and_a_pointer(self):
        lines = self.wrong("run", "--only").stderr.splitlines()
        self.assertIn("--only", lines[0])
        self.assertLessEqual(len(lines), 2)

    def test_a_word_too_many_is_refused(self):
        for verb in ("plan", "run", "check", "show-config"):
            self.assert_one_line(self.wrong(verb, "more"), verb, "too many")

    def test_options_of_other_commands_are_refused(self):
        for verb, option in (("plan", "--dry-run"), ("plan", "--mode=observe"), ("plan", "--only=x"),
                             ("check", "--json"), ("check", "--all"), ("show-config", "--json")):
            self.assert_one_line(self.wrong(verb, option), option.split("=")[0])

    def test_an_unknown_mode_is_refused(self):
        self.assert_one_line(self.wrong("run", "--mode=delete"), "remove or observe", "delete")

    def test_an_instance_is_a_plain_name(self):
        for name in ("", "a/b", "..", ".hidden"):
            self.wrong("run", "--instance", name)

    def test_remote_hosts_are_refused(self):
        for host in ("tcp://localhost:2375", "ssh://root@localhost", "unix://relative", "/run/docker.sock",
                     "npipe:////./pipe/docker_engine", "", "http://localhost"):
            for verb in ("plan", "run"):
                self.assert_one_line(self.call(2, verb, "--host", host), "unix:///PATH", f"'{host}'")
        self.assertEqual(self.fake.requests, [])

    def test_remote_hosts_are_refused_in_the_environment_too(self):
        arguments = [one for one in self.program.command("plan")[1:]
                     if one not in ("--host", f"unix://{self.fake.socket}")]
        outcome = self.bare(*arguments, DOCKER_HOST="tcp://localhost:2375")
        self.assertEqual(outcome.returncode, 2)
        self.assertIn("$DOCKER_HOST", outcome.stderr)

    def test_the_environment_names_the_engine_and_the_option_wins(self):
        arguments = [one for one in self.program.command("plan")[1:]
                     if one not in ("--host", f"unix://{self.fake.socket}")]
        outcome = self.bare(*arguments, DOCKER_HOST=f"unix://{self.fake.socket}")
        self.assertEqual(outcome.returncode, 0, outcome)
        self.call(0, "plan", DOCKER_HOST="unix:///nowhere")

    def test_the_setting_names_the_engine_and_wins_over_the_environment(self):
        self.program.set_settings(f"[engine]\nhost = unix://{self.fake.socket}\n")
        arguments = [one for one in self.program.command("plan")[1:]
                     if one not in ("--host", f"unix://{self.fake.socket}")]
        outcome = self.bare(*arguments, DOCKER_HOST="unix:///nowhere")
        self.assertEqual(outcome.returncode, 0, outcome)

    def test_a_proxy_in_the_environment_changes_nothing(self):
        self.call(0, "plan", http_proxy="http://127.0.0.1:9", ALL_PROXY="http://127.0.0.1:9")


class Plan(Case):
    def test_a_plan_removes_nothing_and_writes_nothing(self):
        world(self.fake)
        before = self.fake.world()
        self.call(0, "plan")
        self.assertEqual(self.fake.deletes, [])
        self.assertEqual(self.fake.world(), before)
        self.assertFalse((self.program.folder / "state").exists())
        self.assertFalse((self.program.folder / "run").exists())

    def test_it_names_the_engine_what_goes_and_why(self):
        world(self.fake)
        plan = self.call(0, "plan")
        self.assertEqual(plan.stderr, "")
        self.assertIn(f"Docker 20.10.24 at {self.fake.socket}", plan.stdout)
        self.assertRegex(plan.stdout, r"container done .*exited 2h ago")
        self.assertIn("would remove 2 containers, 1 image (2 tags)", plan.stdout)
        self.assertNotIn("pinned by", plan.stdout)

    def test_with_all_it_says_why_the_others_stay(self):
        world(self.fake)
        plan = self.call(0, "plan", "--all")
        for words in ("pinned by keep-label", "running", "in use by", "restart policy always",
                      "younger than"):
            self.assertIn(words, plan.stdout)

    def test_json_has_a_row_for_every_object(self):
        world(self.fake)
        self.fake.image(label="untagged")
        plan = self.call(0, "plan", "--json").json
        self.assertEqual({one["name"] for one in plan["objects"] if one["kind"] == "container"},
                         {one.name for one in self.fake.containers.values()})
        self.assertEqual({one["name"] for one in plan["objects"] if one["kind"] == "tag"},
                         set(self.fake.by_reference))
        self.assertEqual([one["id"] for one in plan["objects"] if one["kind"] == "image"],
                         [digest("image untagged")])
        self.assertEqual(len(plan["objects"]), 6 + 3 + 1)

    def test_json_says_all_that_it_promises(self):
        world(self.fake)
        plan = self.call(0, "plan", "--json")
        self.assertEqual(plan.stderr, "")
        self.assertEqual(plan.json["version"], 1)
        self.assertEqual(plan.json["engine"]["socket"], str(self.fake.socket))
        self.assertEqual(plan.json["engine"]["name"], "Docker")
        for one in plan.json["objects"]:
            self.assertLessEqual({"kind", "id", "name", "verdict", "guard", "rule", "source", "reason",
                                  "bytes", "age_s"}, set(one))
            self.assertIn(one["verdict"], ("remove", "keep"))
            self.assertTrue(one["reason"], one)
        done = plan.verdict("done")
        self.assertEqual((done["rule"], done["bytes"], done["guard"]), ("exited", 100, None))
        self.assertTrue(done["source"].endswith("policy.ini:2"), done)
        self.assertAlmostEqual(done["age_s"], 7200, delta=60)
        totals = plan.json["totals"]
        self.assertEqual(totals["remove"]["containers"], 2)
        self.assertEqual(totals["keep"]["containers"], 4)
        self.assertEqual((totals["remove"]["images"], totals["remove"]["tags"]), (1, 2))
        self.assertEqual((totals["keep"]["images"], totals["keep"]["tags"]), (1, 1))
        self.assertEqual(totals["remove"]["bytes"], 2 * 100 + 1000)

    def test_an_unknown_age_is_null(self):
        self.fake.image("app:1", tagged=None)
        self.assertIsNone(self.call(0, "plan", "--json").verdict("app:1")["age_s"])

    def test_an_empty_engine_is_no_failure(self):
        plan = self.call(0, "plan")
        self.assertIn("nothing to remove; kept 0", plan.stdout)
        self.assertEqual(self.call(0, "plan", "--json").json["objects"], [])

    def test_without_a_policy_it_says_so_and_how_to_activate_one(self):
        self.program.set_policy("")
        world(self.fake)
        plan = self.call(0, "plan")
        self.assertIn("no policy is active", plan.stderr)
        self.assertIn("ln -s ", plan.stderr)

    def test_a_full_pipe_or_device_is_no_success(self):
        world(self.fake)
        with open("/dev/full", "wb") as full:
            status = subprocess.run(self.program.command("plan", "--json"), stdout=full,
                                    stderr=subprocess.PIPE, env=self.program.environment,
                                    timeout=60).returncode
        self.assertEqual(status, 1)

    def test_sizes_of_layers_are_counted_once(self):
        base = self.fake.image("base:1", size=5000)
        self.fake.container("on", "base:1", "running")
        shared = [*base.layers, (digest("shared"), 300)]
        self.fake.image("a:1", layers=[*shared, (digest("a"), 20)])
        self.fake.image("b:1", layers=[*shared, (digest("b"), 3)])
        plan = self.call(0, "plan", "--json").json
        self.assertEqual(plan["totals"]["remove"]["bytes"], 323)

    def test_it_takes_a_hundred_thousand_objects(self):
        base = self.fake.image("base:1")
        for number in range(50000):
            self.fake.container(f"c{number}", base, "running")
            self.fake.image(f"app:{number}", label=f"i{number}", tagged=60)
        self.program.set_policy("[containers all]\nname = *\nkeep-within = 0s\n"
                                "[images old]\nrepository = none\nkeep-last = 1\n")
        plan = self.call(0, "plan", "--json")
        self.assertEqual(len(plan.json["objects"]), 100001)


class Explain(Case):
    UNKNOWN = "reclaimd: there is no container, image, volume, network or build cache record "

    def test_names_that_are_known_are_explained_beside_those_that_are_not(self):
        world(self.fake)
        outcome = self.call(1, "explain", "gone", "done", "nor\x1bthis", "young")
        self.assertEqual(re.findall(r"^container (\w+) ", outcome.stdout, re.M), ["done", "young"])
        self.assertEqual(outcome.stderr, f"{self.UNKNOWN}'gone'\n{self.UNKNOWN}'nor\\x1bthis'\n")
        self.assertEqual(len(re.findall(r"^  verdict ", outcome.stdout, re.M)), 2)

    def test_of_ages_that_are_one_only_one_is_told(self):
        """A container that never started ended when it was created."""
        self.fake.image("base:1")
        self.fake.container("made", "base:1", "created")
        self.assertEqual(self.call(0, "explain", "made").stdout.count("(the engine says so)"), 1)

    def test_its_json_is_one_document_whatever_is_known(self):
        world(self.fake)
        for names, known in ((("done", "gone", "young"), ["done", "young"]), (("gone",), [])):
            outcome = self.call(1, "explain", "--json", *names)
            self.assertEqual([entry["name"] for entry in outcome.json["objects"]], known)
            self.assertEqual(outcome.stderr, f"{self.UNKNOWN}'gone'\n")

    def test_with_no_name_that_is_known_stdout_is_empty(self):
        world(self.fake)
        self.assert_one_line(self.call(1, "explain", "gone"), "'gone'")

    def test_the_beginning_of_several_ids_is_not_guessed(self):
        world(self.fake)
        for end in ("1", "2"):
            self.fake.container(f"twin-{end}", "base:1").id = "decade" + end * 58
        outcome = self.call(1, "explain", "decade", "done")
        self.assertIn("'decade' may be one of:\n  container twin-1\n  container twin-2\n", outcome.stderr)
        self.assertEqual(re.findall(r"^container (\S+) ", outcome.stdout, re.M), ["done"])

    def test_a_repository_is_told_its_tags(self):
        self.fake.image("shop/web:1", "shop/web:2")
        self.fake.image("shop/web-db:1")
        outcome = self.call(1, "explain", "shop/web")
        self.assertIn("'shop/web' may be one of:\n  tag shop/web:1\n  tag shop/web:2\n", outcome.stderr)
        self.assertNotIn("web-db", outcome.stderr)

    def test_the_beginning_of_an_images_id_means_all_of_its_names(self):
        image = self.fake.image("app:1", "app:2")
        shown = self.call(0, "explain", image.id[7:19]).stdout
        self.assertEqual(re.findall(r"^tag (\S+) ", shown, re.M), ["app:1", "app:2"])


class Run(Case):
    def test_run_and_plan_agree_object_by_object(self):
        world(self.fake)
        self.program.set_policy(POLICY.replace("dangling    = any", "dangling    = any\nage-from    = tagged"))
        base = self.fake.by_reference["base:1"]
        self.fake.image(label="old", parent=base)
        plan = self.call(0, "plan", "--json").json
        dry = self.call(0, "run", "--dry-run", "--json").json
        run = self.call(0, "run", "--json").json

        def verdicts(report):
            return [(one["kind"], one["id"], one["name"], one["verdict"], one["rule"], one["bytes"])
                    for one in report["objects"]]

        self.assertEqual(verdicts(plan), verdicts(run))
        self.assertEqual(verdicts(plan), verdicts(dry))
        self.assertEqual(set(self.fake.removed), {
            *(one["name"] for one in plan["objects"] if one["verdict"] == "remove" and one["name"]),
            "app:1", "old"})

    def test_a_second_run_finds_nothing(self):
        world(self.fake)
        self.call(0, "run")
        deletes = len(self.fake.deletes)
        run = self.call(0, "run")
        self.assertIn("nothing to remove", run.stdout)
        self.assertEqual(len(self.fake.deletes), deletes)

    def test_it_says_what_went(self):
        world(self.fake)
        run = self.call(0, "run")
        self.assertEqual(run.stderr, "")
        self.assertIn("removed 2 containers, 1 image (2 tags); reclaimed up to 1.2kB", run.stdout)
        self.assertRegex(run.stdout, r"reclaimed .*\(free: .* → .*\)")
        self.assertRegex(run.stdout, r"kept \d+ \(")

    def test_json_adds_outcomes_and_what_was_measured(self):
        world(self.fake)
        run = self.call(0, "run", "--json")
        for one in run.json["objects"]:
            self.assertEqual(one["outcome"], "removed" if one["verdict"] == "remove" else None, one)
        measured = run.json["measured"]
        self.assertGreaterEqual(measured["filesystem_bytes"], measured["before"])
        self.assertGreater(measured["after"], 0)

    def test_what_cannot_be_measured_is_null_not_zero(self):
        world(self.fake)
        self.fake.data_root = pathlib.Path("/nowhere")
        run = self.call(0, "run", "--json")
        self.assertIsNone(run.json["measured"]["before"])
        self.assertIsNone(run.json["measured"]["after"])
        self.assertIn("free: unknown", self.again().stdout)

    def again(self):
        self.fake.container("again", "base:1")
        return self.call(0, "run")

    def test_a_dry_run_removes_nothing_writes_nothing_and_takes_no_lock(self):
        world(self.fake)
        self.call(0, "run", "--dry-run")
        self.assertEqual(self.fake.deletes, [])
        self.assertFalse((self.program.folder / "state").exists())
        self.assertFalse((self.program.folder / "run").exists())

    def test_observing_removes_nothing_but_remembers(self):
        world(self.fake)
        self.program.set_settings("[run]\nmode = observe\n")
        run = self.call(0, "run")
        self.assertEqual(self.fake.deletes, [])
        self.assertIn("mode = observe removes nothing", run.stdout)
        self.assertEqual(len(list((self.program.folder / "state").iterdir())), 1)

    def test_only_the_option_overrides_observing(self):
        world(self.fake)
        self.program.set_settings("[run]\nmode = observe\n")
        self.call(0, "run", "--mode=remove")
        self.assertEqual(self.fake.names(), {"base:1", "pinned", "young", "on", "always"})

    def test_the_option_makes_a_run_observe(self):
        world(self.fake)
        self.call(0, "run", "--mode=observe")
        self.assertEqual(self.fake.deletes, [])

    def test_without_a_policy_nothing_is_even_asked(self):
        self.program.set_policy("# nothing\n")
        world(self.fake)
        run = self.call(0, "run")
        self.assertIn("no policy is active", run.stderr)
        self.assertEqual(self.fake.requests, [])

    def test_quiet_says_nothing_on_stderr(self):
        self.program.set_policy("")
        self.assertEqual(self.call(0, "run", "--quiet").stderr, "")

    def test_verbose_shows_every_request(self):
        world(self.fake)
        run = self.call(0, "run", "-v")
        self.assertIn("GET /v1.41/containers/json?all=1", run.stderr)

    def test_several_connections_lose_nothing(self):
        self.fake.image("base:1")
        for number in range(100):
            self.fake.container(f"c{number}", "base:1")
        run = self.call(0, "run", "--json")
        self.assertEqual(len(self.fake.containers), 0)
        self.assertEqual(run.json["totals"]["remove"]["containers"], 100)

    def test_sizes_are_asked_for_candidates_only_and_in_batches(self):
        self.fake.image("base:1")
        for number in range(150):
            self.fake.container(f"c{number}", "base:1", size=7)
            self.fake.container(f"on{number}", "base:1", "running", size=1000)
        plan = self.call(0, "plan", "--json").json
        self.assertEqual(plan["totals"]["remove"]["bytes"], 150 * 7)
        self.assertEqual(len(self.fake.asked("GET", "size=1")), 2)


class Only(Case):
    """Only what an approved plan has as well."""

    def approve(self, text=None):
        path = self.program.folder / "plan.json"
        path.write_text(self.call(0, "plan", "--json").stdout if text is None else text)
        return path

    def test_what_was_approved_goes(self):
        world(self.fake)
        self.call(0, "run", "--only", str(self.approve()))
        self.assertLessEqual({"done", "failed"}, set(self.fake.removed))

    def test_what_came_later_stays(self):
        world(self.fake)
        path = self.approve()
        self.fake.container("late", "base:1")
        run = self.call(0, "run", "--json", "--only", str(path))
        self.assertIn("late", self.fake.names())
        self.assertIn("approved", run.verdict("late")["reason"])

    def test_what_was_struck_out_stays(self):
        world(self.fake)
        plan = self.call(0, "plan", "--json").json
        plan["objects"] = [one for one in plan["objects"] if one["name"] != "done"]
        self.call(0, "run", "--only", str(self.approve(json.dumps(plan))))
        self.assertIn("done", self.fake.names())
        self.assertNotIn("failed", self.fake.names())

    def test_an_approved_name_does_not_take_its_image_along(self):
        self.fake.image("app:1", "app:2")
        self.program.set_policy("[images all]\nname = *\nkeep-within = 0s\nmin-age = 0s\n")
        plan = self.call(0, "plan", "--json").json
        plan["objects"] = [one for one in plan["objects"] if one["name"] == "app:1"]
        self.call(0, "run", "--only", str(self.approve(json.dumps(plan))))
        self.assertEqual(self.fake.deletes, [])

    def test_what_is_approved_but_not_planned_now_stays(self):
        world(self.fake)
        plan = self.call(0, "plan", "--json").json
        for one in plan["objects"]:
            one["verdict"] = "remove"
        path = self.approve(json.dumps(plan))
        self.call(0, "run", "--only", str(path))
        self.assertLessEqual({"pinned", "young", "on", "always", "base:1"}, self.fake.names())

    def test_a_name_that_moved_to_another_image_is_not_approved(self):
        self.fake.image("app:1", label="old")
        self.program.set_policy("[images all]\nname = *\nkeep-within = 0s\nmin-age = 0s\n")
        path = self.approve()
        self.fake.image("app:1", label="new")
        self.call(0, "run", "--only", str(path))
        self.assertIn("app:1", self.fake.by_reference)

    def refused(self, path, *words):
        run = self.call(1, "run", "--only", str(path))
        self.assert_one_line(run, str(path), *words)
        self.assertEqual(self.fake.deletes, [])

    def test_a_plan_for_another_engine_is_refused(self):
        world(self.fake)
        path = self.approve()
        self.fake.id = "ANOTHER"
        self.refused(path, "another engine")

    def test_a_plan_for_another_socket_is_refused(self):
        world(self.fake)
        text = self.call(0, "plan", "--json").stdout.replace(str(self.fake.socket), "/run/other.sock")
        self.refused(self.approve(text), "/run/other.sock")

    def test_a_plan_of_another_version_is_refused(self):
        world(self.fake)
        text = self.call(0, "plan", "--json").stdout.replace('"version":1,', '"version":2,')
        self.refused(self.approve(text), "version 2")

    def test_garbage_is_refused(self):
        world(self.fake)
        for text in ("", "garbage", "[]", "{}", '{"version":1}', "null", "\0", '{"version":1,"objects":{}}',
                     '{"version":"1","objects":[]}', "[" * 5000, self.call(0, "plan", "--json").stdout[:-50]):
            self.refused(self.approve(text))

    def test_a_file_that_is_absent_or_a_folder_is_refused(self):
        world(self.fake)
        self.refused(self.program.folder / "absent.json", "No such file or directory")
        self.refused(self.program.folder)


class Layers(Case):
    """What goes is worth its own layers; the engine is asked for no more than that hangs on."""

    def branches(self, parent):
        for name in ("left", "right"):
            self.fake.image(label=name, size=50, parent=parent)
        self.fake.image("other:1", size=7, parent=parent)
        self.program.set_policy("[images dangling]\ndangling = yes\nkeep-within = 0s\nmin-age = 0s\n"
                                "age-from = created\n")
        plan = self.call(0, "plan", "--json")
        self.assertEqual(plan.json["totals"]["remove"]["bytes"], 100, plan)
        return {one.path.split("/")[2] for one in self.fake.asked("GET", "/history")}

    def test_sizes_of_images_tell_it_where_chains_part_at_an_image(self):
        self.assertEqual(self.branches(self.fake.image("base:1", size=1000)), set())

    def test_histories_of_what_goes_tell_it_where_they_part_below(self):
        base = self.fake.image("base:1", size=1000)
        del self.fake.images[base.id], self.fake.by_reference["base:1"]
        base.id = ""
        self.fake.children[""] = set()
        self.assertEqual(self.branches(base),
                         {image.id for image in self.fake.images.values() if not image.tags})


class Check(Case):
    def test_check_asks_the_engine_nothing(self):
        check = self.call(0, "check")
        self.assertEqual(self.fake.requests, [])
        self.assertIn("policy.ini", check.stdout)
        self.assertIn("2 rules, no mistake", check.stdout)
        self.assertEqual(check.stderr, "")

    def test_check_without_a_policy_says_so(self):
        self.program.set_policy("")
        check = self.call(0, "check")
        self.assertIn("no policy is active", check.stderr)
        self.assertNotIn("no mistake", check.stdout)

    def test_show_config_says_where_each_value_came_from(self):
        self.program.set_settings("[run]\nmin-age = 2h\n")
        shown = self.call(0, "show-config")
        self.assertEqual(self.fake.requests, [])
        self.assertIn(f"# {self.program.folder}/settings.conf:2\nmin-age = 2h", shown.stdout)
        self.assertIn(f"# {self.program.folder}/policy.ini:3\nstate = exited, dead", shown.stdout)
        self.assertIn("# default\nmode = remove", shown.stdout)

    def defaults(self, policy):
        self.program.set_policy(policy)
        shown = self.call(0, "show-config").stdout
        return re.findall(r"^#(\S+ = .*)$", shown[shown.index("[", shown.index("[report]") + 1):], re.M)

    def test_show_config_says_the_defaults_that_a_rule_goes_by(self):
        for policy, wanted in (
                ("[containers a]\nname = *\nkeep-last = 2\n", [
                    "state = exited, dead (default)", "group-by = image (default)", "age-from = finished (default)",
                    "order-by = finished (default)", "min-age = 1h (default)"]),
                ("[containers a]\nstate = dead\nkeep-within = 1h\nage-from = created\nmin-age = 2h\n", []),
                ("[images a]\nname = *\nkeep-last = 2\nage-from = created\n", [
                    "dangling = no (default)", "group-by = repository (default)", "order-by = created (default)",
                    "min-age = 1h (default)"]),
                ("[images a]\ndangling = any\nkeep-last = 2\n", [
                    "group-by = repository (default)", "age-from = untagged, tagged for what has a tag (default)",
                    "order-by = tagged (default)", "min-age = 1h (default)"]),
                ("[images a]\nname = *\nwhen-used-above = 85%\nuntil-used-below = 70%\n", [
                    "dangling = no (default)", "age-from = tagged (default)", "min-age = 1h (default)",
                    "order = least-recently-used (default)"]),
                ("[images a]\nname = *\naction = keep\n", ["dangling = no (default)"]),
                ("[volumes a]\nname = cache-*\nanonymous = no\nkeep-within = 1d\n", [
                    "quarantine = 7d (default)", "age-from = untagged (default)", "min-age = 1h (default)"]),
                ("[volumes a]\nname = *\nkeep-within = 1d\n", [
                    "anonymous = yes (default)", "age-from = untagged (default)", "min-age = 1h (default)"]),
                ("[build-cache a]\nname = *\nkeep-storage = 20GB\n", [
                    "age-from = used (default)", "min-age = 1h (default)"])):
            with self.subTest(policy=policy):
                self.assertEqual(self.defaults(policy), wanted)

    def test_show_config_says_where_a_rule_has_a_setting_from(self):
        self.program.set_settings("[run]\nmin-age = 2h\n")
        self.assertIn(f"min-age = 2h ({self.program.folder}/settings.conf:2)",
                      self.defaults("[containers a]\nname = *\nkeep-last = 2\n"))

    def test_what_show_config_prints_is_read_again(self):
        text = self.call(0, "show-config").stdout
        rules = text[text.index("[containers"):]
        self.program.set_policy(rules)
        again = self.call(0, "show-config").stdout

        def keys(shown):
            return [line for line in shown.splitlines() if not line.startswith("#")]

        self.assertEqual(keys(again), keys(text))


class HostileNames(Case):
    """Names and labels come from strangers."""

    policy = GO_ALL + "[images all]\nname = *\ndangling = any\nkeep-within = 0s\nmin-age = 0s\n"
    NAMES = {"escape": "\x1b[31mred\x1b[0m", "title": "\x1b]0;owned\x07", "newline": "two\nlines",
             "return": "over\rwritten", "nul": "a\0b", "rtl": "\u202egpj.exe", "isolate": "\u2066x\u2069",
             "mark": "\u200fx", "arabic mark": "\u061cx", "c1": "\x9b31m", "delete": "\x7f",
             "line": "\u2028x", "backslash": "a\\x1b", "long": "n" * 60000, "astral": "\U0001f433",
             "tab": "a\tb", "bell": "\x07", "quote": '"\'$(reboot)`', "bom": "\ufeffx"}
    UNSAFE = {chr(one) for one in [*range(32), *range(0x7f, 0xa0), 0x061c, 0x200e, 0x200f, 0x2028, 0x2029,
                                   *range(0x202a, 0x202f), *range(0x2066, 0x206a), 0xfeff]} - {"\n"}

    def setUp(self):
        super().setUp()
        self.fake.image("base:1")
        for key, name in self.NAMES.items():
            container = self.fake.container("c-" + key.replace(" ", "-"), "base:1",
                                            labels={"label " + name: name})
            container.extra = {"Names": ["/" + name]}
            container.extra_inspect = {"Name": "/" + name}

    def test_they_are_shown_escaped(self):
        for arguments in (("plan", "--all"), ("run", "--dry-run"), ("run",)):
            outcome = self.call(0, *arguments)
            self.assertEqual(self.UNSAFE & set(outcome.stdout + outcome.stderr), set(), arguments)
            for line in outcome.stdout.splitlines()[2:2 + len(self.NAMES)]:
                self.assertTrue(line.startswith("container "), line[:200])

    def test_their_json_is_valid_and_whole(self):
        plan = self.call(0, "plan", "--json")
        names = {one["name"] for one in plan.json["objects"] if one["kind"] == "container"}
        self.assertEqual(names, {name.replace("\0", "\ufffd") for name in self.NAMES.values()})
        self.assertEqual({chr(one) for one in range(32)} & set(plan.stdout), {"\n"})

    def test_they_go_like_others(self):
        self.call(0, "run")
        self.assertEqual(self.fake.containers, {})

    def test_they_pass_in_a_locale_without_such_characters(self):
        for locale in ("C", "C.UTF-8", "POSIX"):
            self.call(0, "plan", "--all", LC_ALL=locale)

    def test_long_labels_are_no_trouble(self):
        image = self.fake.image("labelled:1", labels={"a" * 60000: "b" * 60000, "nul": "\0", "": ""})
        plan = self.call(0, "plan", "--json")
        self.assertEqual(plan.verdict("labelled:1")["id"], image.id)

    def test_groups_named_by_strangers_are_shown_escaped(self):
        self.program.set_policy("[containers all]\nname = *\nkeep-last = 1\nkeep-within = 0s\n"
                                "group-by = label:who\nmin-age = 0s\n")
        for number in range(3):
            self.fake.container(f"g{number}", "base:1", labels={"who": "\x1b[31m\u202e\n\0"})
        plan = self.call(0, "plan", "--all")
        self.assertIn("of 3 in ", plan.stdout)
        self.assertEqual(self.UNSAFE & set(plan.stdout), set())

    def test_what_the_engine_says_of_itself_is_escaped_too(self):
        self.fake.server = "Docker/20\x1b[31m\x7f (linux)"
        self.assertEqual(self.UNSAFE & set(self.call(0, "plan").stdout), set())
        self.fake.server = "a proxy"
        self.fake.on("GET", "/version", Answer(200, {"Version": "20\x1b[31m\n\u202e", "ApiVersion": "1.41",
                                                     "MinAPIVersion": "1.12"}))
        self.assertEqual(self.UNSAFE & set(self.call(0, "plan").stdout), set())

    def test_names_of_images_that_could_be_other_requests_are_never_sent(self):
        for name in ("../containers/json:1", "a/../b:1", "app:1?force=1", "app:1#x", "app:1%2f", "a b:1",
                     "-:1", "http://evil/x:1", "app:1\r\nX: y"):
            self.fake, self.program = self.another()
            self.fake.image(label="evil").extra = {"RepoTags": [name]}
            outcome = self.program("run")
            with self.subTest(name=name):
                self.assertEqual(self.fake.deletes, [], outcome)
                self.assertIn("list of images cannot be read", outcome.stderr)

    def test_ids_that_could_be_other_requests_are_never_sent(self):
        for name in ("..", "a/../../images/json", "x?force=1", "", "0" * 65, "A" * 64):
            self.fake, self.program = self.another()
            self.fake.image("base:1")
            self.fake.container("evil", "base:1").extra = {"Id": name}
            outcome = self.program("run")
            with self.subTest(name=name):
                self.assertEqual(self.fake.deletes, [], outcome)


class Server:
    """Something that listens on a unix socket and is no engine: calls answer(connection) for each."""

    def __init__(self, answer):
        self.folder = tempfile.TemporaryDirectory(prefix="rcl-server-")
        self.path = os.path.join(self.folder.name, "s.sock")
        self.answer = answer
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen(16)
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
                self.open.append(connection)
                if self.answer(connection):
                    connection.close()
            except OSError:
                return

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        for one in [self.socket, *self.open]:
            one.close()
        self.folder.cleanup()


def web_server(connection):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 6\r\n\r\nhello\n")
    return True


def not_found(connection):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    return True


def echo(connection):
    connection.sendall(connection.recv(65536))
    return True


def speaks_first(connection):
    connection.sendall(b"220 mail.example.com ESMTP\r\n")
    connection.recv(65536)
    return True


def says_nothing(_connection):
    return False


def hangs_up(_connection):
    return True


class NoEngine(Case):
    """One line that names the socket and what to do, exit status 69."""

    settings = "[engine]\ntimeout = 1s\n"

    def refused(self, path, *words):
        self.program.socket = path
        for verb in ("plan", "run"):
            self.assert_one_line(self.call(69, verb), f"reclaimd: {path}: ", *words)

    def refused_server(self, answer, *words):
        server = Server(answer)
        self.addCleanup(server.close)
        self.refused(server.path, *words)

    def test_a_socket_that_is_absent(self):
        self.refused(self.program.folder / "absent.sock", "no such socket", "--host")

    def test_a_folder_that_is_absent(self):
        self.refused(self.program.folder / "absent" / "docker.sock", "no such socket")

    def test_a_plain_file(self):
        path = self.program.folder / "file"
        path.write_text("")
        self.refused(path, "is no socket")

    def test_a_folder(self):
        self.refused(self.program.folder, "is no socket")

    def test_a_socket_where_nobody_listens(self):
        path = self.program.folder / "dead.sock"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        self.refused(path, "nobody listens there")

    def test_a_path_that_is_too_long_for_a_socket(self):
        self.program.socket = "/" + "x" * 300
        self.assert_one_line(self.call(69, "plan"), "/xxx", "too long")

    def test_a_socket_that_may_not_be_opened(self):
        if os.geteuid() == 0:
            self.refused_as_another_user()
            return
        self.fake.socket.chmod(0)
        self.refused(self.fake.socket, "permission denied", "use sudo")

    def refused_as_another_user(self):
        self.fake.folder.chmod(0o755)
        self.fake.socket.chmod(0o660)
        outcome = subprocess.run(
            as_nobody(readable(self.program, "plan")), capture_output=True, text=True,
            env=self.program.environment, timeout=60)
        self.assertEqual(outcome.returncode, 69, outcome)
        self.assertIn(f"{self.fake.socket}: permission denied; use sudo", outcome.stderr)
        self.assertEqual(len(outcome.stderr.splitlines()), 1)

    def test_a_web_server(self):
        self.refused_server(web_server, "not a container engine")

    def test_a_web_server_without_such_a_page(self):
        self.refused_server(not_found, "not a container engine", "404")

    def test_an_echo(self):
        self.refused_server(echo, "not a container engine")

    def test_a_server_that_speaks_first(self):
        self.refused_server(speaks_first, "not a container engine")

    def test_one_that_hangs_up(self):
        self.refused_server(hangs_up)

    def test_one_that_says_nothing(self):
        self.refused_server(says_nothing, "no answer within the time limit")

    def test_an_engine_that_hangs_after_the_greeting(self):
        for path in ("/info", "/containers/json", "/images/json"):
            self.fake.on("GET", path, HANG, times=None)
        outcome = self.call(69, "run")
        self.assertIn("the list of images cannot be read: no answer within the time limit", outcome.stderr)
        self.assertIn(f"nothing could be read from {self.fake.socket}", outcome.stderr)

    def test_a_proxy_that_hides_the_version_and_hangs(self):
        self.fake.server = "nginx/1.22.1"
        self.fake.on("GET", "/version", HANG, times=None)
        self.refused(self.fake.socket, "no answer within the time limit")

    def test_the_version_is_asked_for_only_where_the_ping_does_not_tell_it(self):
        for server, asked in (("Docker/20.10.24 (linux)", False), ("Docker/ (linux)", True), ("Docker", True),
                              ("nginx/1.22.1", True)):
            self.fake.server = server
            self.fake.forget()
            with self.subTest(server=server):
                self.assertEqual(self.call(0, "plan", "--json").json["engine"]["version"], "20.10.24")
                self.assertEqual("/version" in [one.target for one in self.fake.requests], asked)

    def test_an_engine_whose_api_is_too_old(self):
        self.fake.api = "1.39"
        self.refused(self.fake.socket, "too old", "1.39", "1.40")

    def test_an_engine_whose_api_is_too_new(self):
        self.fake.api, self.fake.min_api = "1.99", "1.90"
        self.refused(self.fake.socket, "too new", "1.90")

    def test_an_engine_that_is_newer_and_can_still_speak_ours(self):
        self.fake.api, self.fake.min_api = "1.99", "1.24"
        self.call(0, "plan")
        self.assertNotIn("v1.99", self.versions_spoken())

    def versions_spoken(self):
        spoken = {one.target.split("/")[1] for one in self.fake.requests} - {"_ping", "version"}
        self.assertEqual(len(spoken), 1)
        return spoken

    def test_an_engine_that_speaks_nothing_below_1_44(self):
        """Docker 29.0 to 29.2. An image that has lost its name has null in place of "<none>:<none>"."""
        world(self.fake)
        self.fake.api, self.fake.min_api = "1.52", "1.44"
        for nothing in ([], None):
            self.fake.image().extra = {"RepoTags": nothing, "RepoDigests": nothing}
        self.program.set_policy(POLICY.replace("dangling    = any", "dangling    = yes").replace("1h", "1s"))
        self.call(0, "plan")
        time.sleep(1.1)
        self.call(0, "run", "--mode=observe")
        time.sleep(1.1)
        plan = self.call(0, "plan", "--json")
        self.assertEqual(plan.json["engine"]["api"], "1.51")
        self.assertEqual(len([name for name in plan.goes() if name.startswith("sha256:")]), 2, plan)
        self.assertEqual(plan.goes(), self.call(0, "run", "--json").goes())
        self.assertEqual(self.versions_spoken(), {"v1.51"})
        self.assertEqual(len([one for one in self.fake.deletes if "/images/" in one]), 2)

    def test_an_engine_whose_lowest_is_above_our_highest(self):
        self.fake.api, self.fake.min_api = "1.70", "1.60"
        self.refused(self.fake.socket, "too new", "speaks API 1.60 at least", "1.51 at most")
        self.assertFalse([one for one in self.fake.requests if one.target not in ("/_ping", "/version")])

    def test_an_api_version_that_is_none(self):
        self.fake.api = "two"
        self.refused(self.fake.socket, "not a container engine")
