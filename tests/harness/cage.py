"""What the tests start as root has a mount and a PID namespace of its own: with its first process all that
it started, and every mount, is gone; and that process goes with the one that runs the tests, however that ends."""

import contextlib
import ctypes
import fcntl
import os
import pathlib
import select
import socket
import struct
import subprocess
import tempfile
import time

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
		[ -n "$cgroup" ] && [ -e "$group" ] || continue
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


# Before a command: it ends with the thread that starts it, and so with the tests.
MORTAL = ("setpriv", "--pdeathsig", "KILL")

# The same, and it has new namespaces, which end with it.
ALONE = (*MORTAL, "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL",
         "--mount-proc")

CLONE_NEWNET, SIOCSIFFLAGS, IFF_UP = 0x40000000, 0x8914, 1


def _call(function, *arguments):
    if function(*arguments) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def own_network():
    """What this thread starts within it has a network of its own, with nothing but the loopback address. It
    is gone, with all interfaces that were made in it, when nothing of that runs any more."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call(libc.unshare, CLONE_NEWNET)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
                fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
            yield
        finally:
            _call(libc.setns, before, CLONE_NEWNET)
    finally:
        os.close(before)


class Cage:
    """Runs a shell script in new namespaces. Not to be made in a thread that ends before it shall."""

    def __init__(self, script, *arguments, **environment):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [*ALONE, "sh", "-c", script, "sh", *map(str, arguments)],
            env={**ENVIRONMENT, **{name: str(value) for name, value in environment.items()}},
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd="/", start_new_session=True)

    @property
    def is_running(self):
        return self.process.poll() is None

    @property
    def first(self):
        """The first process inside; None before it began and after it ended."""
        return next(iter(children(self.process.pid)), None)

    def wait_until(self, is_up, name, seconds=60):
        """RuntimeError, with the end of what was printed inside, if it ends before is_up() is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.is_running:
            if is_up():
                return
            time.sleep(0.05)
        raise RuntimeError(f"{name} did not come up:\n{self.said()}")

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
    """Removes folders and, in every hierarchy, a cgroup (None: none): at reap() or when the tests' process has
    ended."""

    def __init__(self, cgroup, *folders):
        self.what = (cgroup or "", *map(str, folders))
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
