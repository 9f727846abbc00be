"""A private journald without a PID 1: in a mount and a PID namespace whose /run is its own, so that what
runs inside writes to it, and only to it."""

import json
import pathlib
import subprocess
import uuid

from . import cage

# This machine's /run stays visible at /run/host: the tests' sockets and settings lie there.
SCRIPT = """
set -eu
mount --make-rprivate /
mount --rbind /run /mnt
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/host /run/systemd/journald.conf.d
mount --move /mnt /run/host
printf '[Journal]\\nStorage=volatile\\nReadKMsg=no\\nAudit=no\\nForwardToSyslog=no\\nForwardToWall=no\\n%s\\n' \\
	"$SETTINGS" >/run/systemd/journald.conf.d/tests.conf
exec /lib/systemd/systemd-journald
"""

# What came into being since then appears under its own path, too.
ENTER = """
for folder in /run/host/rcl-*; do
	here="/run/${folder##*/}"
	if [ -d "$folder" ] && [ ! -d "$here" ]; then mkdir "$here"; mount --bind "$folder" "$here"; fi
done
exec "$@"
"""


class Journal:
    """`with Journal() as journal: journal.run(program.command("run"), program.environment)`, then
    journal.entries(). settings are lines for journald.conf."""

    def __init__(self, settings=""):
        self.settings = settings
        self.cage = None

    def start(self):
        self.cage = cage.Cage(SCRIPT, SETTINGS=self.settings)
        try:
            self.cage.wait_until(self._listens, "journald")
        except BaseException:
            self.stop()
            raise
        return self

    def _listens(self):
        systemd = pathlib.Path(f"/proc/{self.cage.first}/root/run/systemd")
        # Before its own /run is there, this machine's is seen, which may have a journald.
        return (systemd / "journald.conf.d/tests.conf").exists() and \
            (systemd / "journal/io.systemd.journal").exists()

    def run(self, command, environment=None, timeout=120):
        """Runs a list of words where this journald is the journal; the completed process."""
        return subprocess.run(
            ["nsenter", "--target", str(self.cage.first), "--mount", "--pid", "--",
             "sh", "-c", ENTER, "sh", *map(str, command)],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, cwd="/",
            encoding="utf-8", errors="surrogateescape",
            env=cage.ENVIRONMENT if environment is None else environment)

    def read(self, *options, **environment):
        """What journalctl prints."""
        self.run(["journalctl", "--sync"]).check_returncode()
        result = self.run(["journalctl", "--no-pager", "-D", "/run/log/journal", *options],
                          {**cage.ENVIRONMENT, **environment})
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        return result.stdout

    def entries(self, *matches):
        """Entries, oldest first, as dictionaries."""
        return decode(self.read("-o", "json", "--all", *matches))

    def stop(self):
        if self.cage:
            self.cage.end()
            self.cage = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def decode(text):
    """`journalctl -o json` as a list of dictionaries; a field with several values is a list."""
    return [json.loads(line) for line in text.splitlines()]


def fixture(path, entries):
    """Writes a journal file at path (which ends in .journal) as if journald had written it: entries are
    dictionaries of fields, trusted ones like _SYSTEMD_UNIT too. "time" is the entry's, in seconds."""
    export = b""
    boot_id = uuid.uuid4().hex
    for number, entry in enumerate(entries, 1):
        fields = {"__REALTIME_TIMESTAMP": str(int(entry["time"] * 1e6)),
                  "__MONOTONIC_TIMESTAMP": str(number), "_BOOT_ID": boot_id,
                  **{name: value for name, value in entry.items() if name != "time"}}
        for name, value in fields.items():
            value = value if isinstance(value, bytes) else str(value).encode()
            # The form for values that may contain anything.
            export += name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n" \
                if b"\n" in value else name.encode() + b"=" + value + b"\n"
        export += b"\n"
    subprocess.run(["/lib/systemd/systemd-journal-remote", "-o", path, "-"], input=export, check=True,
                   capture_output=True)
