"""One world, the same answer: every engine in turn, judged by what a thing is and not by what the engine
calls it. `RECLAIMD_TEST_ENGINES=all` takes all of them."""

import time
import unittest

from harness import engines, world
from harness.program import Program

DANGLING = """
[containers exited]
state       = exited, dead
keep-within = 0s
min-age     = 0s
keep-label  = keep=yes

[images dangling]
dangling    = yes
keep-within = 2s
min-age     = 1s
keep-label  = keep=yes
"""

EVERYTHING = """
[containers exited]
state       = exited, dead
keep-within = 0s
min-age     = 0s
keep-label  = keep=yes

[images all]
name        = *
dangling    = any
keep-within = 0s
min-age     = 0s
keep-label  = keep=yes
max-remove  = 100%
"""

# What each thing's verdict is under DANGLING, after a run that only looked.
EXPECTED = {
    "exited-0": "remove: expired",
    "exited-1": "remove: expired",
    "exited-137": "remove: expired",
    "running": "keep: running",
    "paused": "keep: running",
    "server": "keep: running",
    "of-moved": "keep: running",
    "created": "keep: no-rule",
    "of-superseded": "keep: no-rule",
    "stopped-always": "keep: restart-policy",
    "stopped-unless-stopped": "keep: restart-policy",
    "pinned": "keep: pinned",
    "in-pod": "keep: no-rule",
    "infra": "keep: not-ours",
    "base": "keep: in-use",
    "superseded-1": "remove: expired",
    "superseded-2": "remove: expired",
    "superseded-3": "remove: expired",
    "superseded-pinned": "keep: pinned",
    "superseded-used": "keep: in-use",
    "latest": "keep: no-rule",
    "of-pinned-name": "keep: no-rule",
    "multi": "keep: no-rule",
    "child": "keep: no-rule",
    "parent": "keep: child",
    "of-running": "keep: in-use",
    "used-by-id": "keep: in-use",
    "used-by-name": "keep: in-use, no-rule",
    "undated": "keep: no-rule",
    "pulled": "keep: no-rule",
    "digest-only": "keep: maybe-wanted",
    "superseded-by-pull": "keep: maybe-wanted",
    "of-second-pull": "keep: no-rule",
    "held-by-buildah": "keep: in-use",
}

# What an engine honestly tells otherwise.

# The containerd store drops the digest of what a newer pull superseded, so nothing is in doubt.
CONTAINERD_STORE = {
    "superseded-by-pull": "remove: expired",
}

PODMAN = {
    # Its History remembers the name that was lost.
    "superseded-by-pull": "remove: expired",
}

# Under EVERYTHING these images stay.
SURVIVORS = {"base", "superseded-pinned", "superseded-used", "of-running", "used-by-id", "used-by-name",
             "held-by-buildah"}


def verdicts_on(plan, identity):
    """All rows of an object: 'keep: in-use, no-rule'."""
    rows = [entry for entry in plan["objects"] if entry["id"] == identity]
    words = {entry["verdict"] for entry in rows}
    reasons = sorted({entry["reason_code"] for entry in rows})
    return f"{' and '.join(sorted(words))}: {', '.join(reasons)}"


class Same(unittest.TestCase):
    maxDiff = None

    def on(self, name):
        try:
            return engines.Engine(name)
        except engines.Unavailable as reason:
            self.skipTest(f"{name}: {reason}")

    def check(self, name):
        with self.on(name) as engine:
            made = world.build(engine)
            things = {**made.containers, **made.images}
            with Program(engine.socket, DANGLING) as program:
                self.assertEqual(program("run", "--mode=observe").status, 0)
                time.sleep(3.1)
                self.check_verdicts(engine, program, things)
                program.set_policy(EVERYTHING)
                self.check_survivors(engine, program, made)

    def check_verdicts(self, engine, program, things):
        expected = {**EXPECTED, **(PODMAN if engine.is_podman else {}),
                    **(CONTAINERD_STORE if engine.name in ("d28c", "dmain") else {})}
        plan = program("plan", "--json").json
        self.assertEqual({thing: verdicts_on(plan, identity) for thing, identity in things.items()},
                         {thing: expected[thing] for thing in things})

    def check_survivors(self, engine, program, made):
        run = program("run", "--json")
        self.assertEqual(run.status, 0, run)
        left = {identity.removeprefix("sha256:") for identity in engine.client.image_ids()}
        self.assertEqual({thing for thing, identity in made.images.items()
                          if identity.removeprefix("sha256:") in left},
                         SURVIVORS & set(made.images))
        self.assertIn("nothing to remove", program("run").stdout)


def add_test(name):
    def test(self):
        self.check(name)
    setattr(Same, f"test_{name}", test)


for engine_name in engines.wanted():
    add_test(engine_name)
