"""The program under test, with a configuration and folders of its own."""

import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile

from . import cage, places

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("RECLAIMD", REPOSITORY / "build" / "reclaimd"))


# Its memory is not what the program's would be.
SANITIZED = BINARY.exists() and b"__asan_init" in BINARY.read_bytes()


# Settings with which requests come one after the other.
ONE_BY_ONE = "[engine]\nconnections = 1\n"

# How a call may end that is no misuse, by the manual page.
DOCUMENTED = {0, 1, 3, 4, 69, 75, 78}


class Outcome:
    """How a call ended: status, stdout, stderr; .json is stdout decoded."""

    def __init__(self, result):
        self.status = result.returncode
        self.stdout = result.stdout.decode(errors="surrogateescape")
        self.stderr = result.stderr.decode(errors="surrogateescape")

    @property
    def json(self):
        return json.loads(self.stdout)

    def verdict(self, name):
        """The object with that name (a tag's reference, a container's name) or ID."""
        found = [entry for entry in self.json["objects"] if name in (entry["name"], entry["id"])]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} objects are {name}:\n{self.stdout}")
        return found[0]

    def goes(self):
        """Names (or IDs, where there is no name) of all that is to be removed."""
        return {entry["name"] or entry["id"] for entry in self.json["objects"]
                if entry["verdict"] == "remove"}

    def __repr__(self):
        return f"status {self.status}\n{self.stdout}\n{self.stderr}"


class Program:
    """Calls reclaimd against one socket with one policy; wrap makes another command of the call. Use as a
    context manager, or close()."""

    def __init__(self, socket, policy="", settings="", wrap=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rcl-program-", dir=places.folder()))
        self.socket = socket
        self.wrap = wrap or (lambda *command: list(command))
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "STATE_DIRECTORY": str(self.folder / "state"),
            "RUNTIME_DIRECTORY": str(self.folder / "run"),
            "TZ": "UTC",
            **{key: os.environ[key] for key in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
               if key in os.environ},
        }
        self.set_policy(policy)
        self.set_settings(settings)

    def set_policy(self, text):
        (self.folder / "policy.ini").write_text(text)

    def set_settings(self, text):
        (self.folder / "settings.conf").write_text(text)

    def forget(self):
        shutil.rmtree(self.folder / "state", ignore_errors=True)

    def remembered(self, query, *values):
        """Rows of the state; none as long as there is no such table."""
        for path in (self.folder / "state").glob("*.sqlite"):
            with contextlib.closing(sqlite3.connect(path.as_uri() + "?mode=ro", uri=True,
                                                    timeout=10)) as state:
                with contextlib.suppress(sqlite3.OperationalError):
                    return state.execute(query, values).fetchall()
        return []

    def command(self, *arguments):
        return self.wrap(str(BINARY), "--config", str(self.folder / "settings.conf"), "--policy",
                         str(self.folder / "policy.ini"), "--host", f"unix://{self.socket}", *arguments)

    def __call__(self, *arguments, timeout=120, **environment):
        return Outcome(subprocess.run(self.command(*arguments), capture_output=True,
                                      stdin=subprocess.DEVNULL, timeout=timeout,
                                      env={**self.environment, **environment}))

    def start(self, *arguments, **environment):
        """Does not wait; returns the subprocess.Popen. Not for a thread that ends before it shall."""
        return subprocess.Popen([*cage.MORTAL, *self.command(*arguments)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                env={**self.environment, **environment})

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
