"""The shipped policies for what Compose, CI runners and builders leave behind, on a real engine."""

import re
import time
import unittest

from harness.cage import own_network
from harness.engines import Engine
from harness.program import REPOSITORY, Program

SETTINGS = "[run]\nmin-age = 1s\n"
GITLAB = {"com.gitlab.gitlab-runner.managed": "true", "com.gitlab.gitlab-runner.type": "build"}
TASK = "GITEA-ACTIONS-TASK-571_WORKFLOW-SQ-Scan-NET_JOB-build"


def shipped(name):
    """Seconds in place of hours and days; the rest is as shipped."""
    text = (REPOSITORY / "policies" / name).read_text()
    return re.sub(r"^(keep-within *= *)\S+$", r"\g<1>1s", text, flags=re.M)


def compose(project, service=None):
    labels = {"com.docker.compose.project": project}
    return {**labels, "com.docker.compose.service": service} if service else labels


class Leftovers(unittest.TestCase):
    def names(self, client):
        return ({name for name in client.containers()} |
                {network["Name"] for network in client.get("/networks")} |
                {volume["Name"] for volume in client.get("/volumes")["Volumes"]})

    def network(self, client, name, labels=None):
        client.json("POST", "/networks/create", {"Name": name, "Internal": True, "Labels": labels or {}})

    def volume(self, client, name, labels=None):
        client.json("POST", "/volumes/create", {"Name": name, "Labels": labels or {}})

    def settle(self, program):
        """Three runs: containers go, their networks are seen without user, and go."""
        for _ in range(3):
            outcome = program("run", "--json")
            self.assertEqual(outcome.status, 0, outcome)
            time.sleep(2.1)
        return outcome

    def test_an_old_preview_goes_and_other_projects_stay(self):
        with own_network(), Engine("d20") as engine, Program(engine.socket, shipped("preview.ini"), SETTINGS) as program:
            client = engine.client
            client.import_root("base:1")
            for project in ("pr-123", "pr-124", "shop"):
                self.network(client, f"{project}_default", compose(project))
                self.volume(client, f"{project}_db", compose(project))
                container = client.json("POST", f"/containers/create?name={project}-web-1", {
                    "Image": "base:1", "Cmd": ["sleep", "1000"], "Labels": compose(project, "web"),
                    "Volumes": {"/tmp/anonymous": {}},
                    "HostConfig": {"NetworkMode": f"{project}_default", "Binds": [f"{project}_db:/db"],
                                   "RestartPolicy": {"Name": "unless-stopped"}}})["Id"]
                client.start(container)
                if project != "pr-124":
                    client.stop(container)
            before = self.names(client)
            time.sleep(1.1)
            last = self.settle(program)
            gone = before - self.names(client)
            self.assertLessEqual({"pr-123-web-1", "pr-123_default"}, gone)
            self.assertEqual({name for name in gone if "pr-" not in name},
                             {name for name in gone if re.fullmatch("[0-9a-f]{64}", name)})
            self.assertEqual(len(gone), 3)              # and its anonymous volume
            self.assertEqual(last.verdict("pr-123_db")["reason_code"], "unwatched", last)
            client.start("shop-web-1")

    def test_tasks_of_gitea_that_were_cut_off_go(self):
        with own_network(), Engine("d20") as engine, Program(engine.socket, shipped("gitea-runner.ini"), SETTINGS) as program:
            client = engine.client
            client.import_root("base:1")
            client.run(TASK, "base:1", volumes=[f"{TASK}:/workspace", f"{TASK}-env:/var/run/act"])
            client.run("gitea", "base:1")
            self.network(client, f"{TASK}-build-network")
            time.sleep(1.1)
            last = self.settle(program)
            self.assertLessEqual({"gitea", TASK, f"{TASK}-env"}, self.names(client))
            self.assertNotIn(f"{TASK}-build-network", self.names(client))
            self.assertEqual(set(client.containers()), {"gitea"})
            self.assertEqual(last.verdict(TASK)["reason_code"], "unwatched", last)

    def test_jobs_of_gitlab_that_were_cut_off_go(self):
        with own_network(), Engine("d20") as engine, Program(engine.socket, shipped("gitlab-runner.ini"), SETTINGS) as program:
            client = engine.client
            client.import_root("base:1")
            cache = "runner-gxwcus4-project-21-concurrent-0-cache-3c3f060a0374fc8bc39395164f415a70"
            client.run("runner-gxwcus4-project-21-concurrent-0-build-2", "base:1", labels=GITLAB,
                       volumes=[f"{cache}:/cache"])
            client.run("gitlab-runner", "base:1")
            self.network(client, "runner-gxwcus4-project-21-concurrent-0-job-789-network", GITLAB)
            self.network(client, "runner-of-somebody-else")
            time.sleep(1.1)
            last = self.settle(program)
            self.assertEqual(set(client.containers()), {"gitlab-runner"})
            self.assertEqual({name for name in self.names(client) if "runner-" in name and name != "gitlab-runner"},
                             {cache, "runner-of-somebody-else"})
            self.assertEqual(last.verdict(cache)["reason_code"], "unwatched", last)

    def test_builders_that_were_stopped_go_and_their_cache_waits(self):
        with own_network(), Engine("d20") as engine, Program(engine.socket, shipped("builders.ini"), SETTINGS) as program:
            client = engine.client
            client.import_root("base:1")
            for name in ("old0", "busy0"):
                client.run_on(f"buildx_buildkit_{name}", "base:1", restart="unless-stopped",
                              volumes=[f"buildx_buildkit_{name}_state:/var/lib/buildkit"])
            client.stop("buildx_buildkit_old0")
            time.sleep(1.1)
            last = self.settle(program)
            self.assertEqual(set(client.containers()), {"buildx_buildkit_busy0"})
            self.assertEqual(last.verdict("buildx_buildkit_old0_state")["reason_code"], "unwatched", last)
            self.assertEqual(last.verdict("buildx_buildkit_busy0_state")["reason"],
                             "in use by buildx_buildkit_busy0, to empty it: docker buildx prune --builder busy")


if __name__ == "__main__":
    unittest.main()
