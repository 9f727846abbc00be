"""What the tests start as root has a mount and a PID namespace of its own: with its first process all that
it started, and every mount, is gone; and that process goes with the one that runs the tests, however that ends."""

import os
import pathlib
import select
import subprocess
import tempfile

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "LANG": "C.UTF-8", "HOME": "/root", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "cat"}

# Lives on its own until its input ends, because it is told to or with the tests' process. Then it takes away
# what outlives killed processes. What is paused does not even die.
REAPER = """
trap '' INT TERM HUP
cat >/dev/null
cgroup=$1
shift
for _ in $(seq 200); do
	left=
	for group in /sys/fs/cgroup/"$cgroup" /sys/fs/cgroup/*/"$cgroup"; do
		[ -e "$group" ] || continue
		find "$group" -name freezer.state -exec sh -c 'echo THAWED >"$1"' sh {} ';'
		find "$group" -name cgroup.freeze -exec sh -c 'echo 0 >"$1"' sh {} ';'
		find "$group" -depth -type d -exec rmdir {} +
		[ ! -e "$group" ] || left=yes
	done
	for folder; do
		rm -rf --one-file-system "$folder"
		[ ! -e "$folder" ] || left=yes
	done
	[ -n "$left" ] || exit 0
	sleep 0.1
done
exit 1
"""


class Cage:
    """Runs a shell script in new namespaces. Not to be made in a thread that ends before it shall."""

    def __init__(self, script, *arguments, **environment):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork",
             "--kill-child=KILL", "--mount-proc", "sh", "-c", script, "sh", *map(str, arguments)],
            env={**ENVIRONMENT, **{name: str(value) for name, value in environment.items()}},
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd="/", start_new_session=True)

    @property
    def is_running(self):
        return self.process.poll() is None

    @property
    def first(self):
        """The first process inside; None before it began and after it ended."""
        return next(iter(children(self.process.pid)), None)

    def said(self):
        """The end of what was printed inside."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-4000:]

    def end(self):
        """Ends everything inside; returns when that has ended."""
        first = self.first
        try:
            last = os.pidfd_open(first) if first else None
        except ProcessLookupError:
            last = None
        self.process.kill()
        self.process.wait()
        if last is not None:
            # It ends after all the others in its namespace.
            select.select([last], [], [], 30)
            os.close(last)
        self.log.close()


class Reaper:
    """Removes folders and, in every hierarchy, a cgroup: at reap() or when the tests' process has ended."""

    def __init__(self, cgroup, *folders):
        self.what = (cgroup, *map(str, folders))
        self.process = subprocess.Popen(["sh", "-c", REAPER, "sh", *self.what], stdin=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
                                        start_new_session=True)

    def reap(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise RuntimeError(f"something is left of {', '.join(self.what)}")


def children(pid):
    """The PIDs of a process's children."""
    try:
        return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
                for child in (task / "children").read_text().split()]
    except OSError:
        return []
