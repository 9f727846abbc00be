#!/usr/bin/env python3
"""make demo: reclaimd on a private Docker Engine full of a believable mess.

Everything lies under build/ and in namespaces that end with this process; an installed engine, the host's
journal and its units are left alone."""

import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from harness.engines import Engine
from harness.journal import Journal
from harness.program import BINARY, Program

POLICY = """\
[containers failed]              # a container that failed keeps its logs;
exit-code   = 1-255              # shipped (exited.ini): for 7d
keep-within = 1h
keep-label  = reclaimd.keep=yes

[containers exited]              # the others go some time after they ended;
state       = exited, dead       # shipped: 24h
keep-within = 5s
keep-label  = reclaimd.keep=yes

[images dangling]                # builds that lost their name to a newer one;
dangling    = yes                # shipped (dangling.ini): the newest of each
keep-last   = 1                  # repository stays for 4weeks, the others 24h
keep-within = 5s
"""
SETTINGS = "[run]\nmin-age = 2s\n"


def say(text):
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def without_comments(policy):
    """The demo's comments stand behind the keys, where the format has none."""
    return "".join(line.split("#")[0].rstrip() + "\n" for line in policy.splitlines())


def fill(client, program):
    """A day on a developer's machine, in seconds."""
    client.import_root("example/base:1")
    for number in range(1, 5):
        client.build("example/image:latest", "FROM example/base:1\nCOPY app /app\n"
                     f"RUN echo build {number} >/version\n", {"app": os.urandom(4_000_000)})
        # The timer's run, which only looks: it learns that this build was example/image:latest.
        program("run", "--mode=observe")
    image = "example/image:latest"
    writes = ["sh", "-c", "dd if=/dev/urandom of=/log bs=1000 count=2000 2>/dev/null"]
    for number in range(1, 9):
        client.run(f"job-{number}", image, writes)
    client.run("migration", image, ["sh", "-c", "exit 3"])
    client.run("import-failed", image, ["false"])
    client.run("audit", image, labels={"reclaimd.keep": "yes"})
    client.run_on("web", image, restart="always")
    client.run_on("db", "example/base:1", restart="unless-stopped")
    client.stop("db")


def show(program, journal, *arguments):
    print(f"$ reclaimd {' '.join(arguments)}", flush=True)
    result = journal.run(program.command(*arguments), program.environment)
    print(result.stdout + result.stderr, end="", flush=True)
    if result.returncode:
        raise SystemExit(f"reclaimd ended with status {result.returncode}")


def main():
    if os.geteuid() != 0:
        raise SystemExit("make demo needs root, for an engine of its own: sudo make demo")
    if subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode:
        raise SystemExit("make demo mounts, in a namespace of its own, and here even root may not: "
                         "a container wants --privileged for it")
    if not BINARY.exists():
        raise SystemExit(f"{BINARY} is missing: make")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    say("A private Docker Engine, unpacked under build/ and not installed")
    with Engine("own") as engine, Journal() as journal, \
            Program(engine.socket, without_comments(POLICY), SETTINGS) as program:
        print(f"Docker {engine.client.get('/version')['Version']} at {engine.socket}")
        say("Filling it: four builds of example/image:latest, containers that ended, failed, run")
        fill(engine.client, program)
        say("Two policies, with seconds where the shipped ones have hours and days")
        print(POLICY, end="")
        time.sleep(6)
        say("What would go, what stays, and why (nothing is touched)")
        show(program, journal, "plan", "--all")
        say("The same, for real")
        show(program, journal, "run")
        say("Once more: nothing is left to do")
        show(program, journal, "run")
        say("The report in the journal")
        print("$ journalctl -t reclaimd")
        print(journal.read("-t", "reclaimd", "-o", "cat"), end="")
    say("Gone: the engine, its data and the journal")


if __name__ == "__main__":
    main()
