"""A booted systemd of its own: PID 1, journald and a message bus in a container over this machine's
files, which nothing in it can change. All lies in a mount and a PID namespace below one process, so
that nothing is left behind however the tests end."""

import pathlib
import shlex
import shutil
import subprocess
import uuid

from . import cage, places, roots
from .program import REPOSITORY

BUILD = "build/boot"  # built for another prefix than build/: the program names its own places

# What the container is made of: this machine's root or another, read only below a layer in memory. Its own
# units, settings and journal are hidden; what a boot needs comes from /lib/systemd.
SCRIPT = """
set -eu
mount --make-rprivate /
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
	if [ -e "$hierarchy/cgroup.procs" ]; then
		mkdir "$hierarchy/$NAME"
		echo $$ >"$hierarchy/$NAME/cgroup.procs"
	fi
done
mount -t tmpfs -o mode=755 tmpfs "$STAGE"
cd "$STAGE"
mkdir upper work root top empty
base=$BASE
if [ -n "$TOP" ]; then
	mount -t overlay -o "lowerdir=$TOP:$STAGE/empty" overlay top
	base="$STAGE/top:$BASE"
fi
mount -t overlay -o "lowerdir=$base,upperdir=upper,workdir=work" overlay root
for place in etc/systemd/system etc/systemd/user etc/systemd/journald.conf.d \\
		var/log/journal var/lib/systemd var/lib/reclaimd etc/reclaimd \\
		usr/lib/reclaimd usr/local/lib/reclaimd usr/local/bin/reclaimd; do
	rm -rf "root/$place"
done
rm -f root/lib/systemd/system-generators/* root/usr/local/lib/systemd/system-generators/*
rm -f root/etc/systemd/*.conf root/etc/fstab
mkdir -p root/etc/systemd/system root/var/lib/systemd
printf '%s\\n' "$MACHINE_ID" >upper/machine-id
mv upper/machine-id root/etc/machine-id
for unit in $MASKED; do ln -s /dev/null "root/etc/systemd/system/$unit"; done
printf '[Unit]\\nWants=dbus.socket\\nRequires=basic.target\\nAfter=basic.target\\nAllowIsolate=yes\\n' \\
	>root/etc/systemd/system/tests.target
systemd-nspawn --quiet --boot --register=no --keep-unit --private-network --console=pipe \\
	--system-call-filter=@keyring --link-journal=no --resolv-conf=off --timezone=off --machine=tests \\
	-D "$STAGE/root" "$@" -- --unit=tests.target --show-status=no
"""

# Slow, or about devices and users that do not matter here.
MASKED = ("systemd-udevd.service", "systemd-udevd-control.socket", "systemd-udevd-kernel.socket",
          "systemd-udev-trigger.service", "systemd-hwdb-update.service", "ldconfig.service",
          "systemd-journal-catalog-update.service", "systemd-update-done.service",
          "systemd-sysusers.service", "systemd-firstboot.service", "systemd-binfmt.service",
          "systemd-machine-id-commit.service", "systemd-update-utmp.service",
          "systemd-random-seed.service", "systemd-modules-load.service", "systemd-sysctl.service",
          "kmod-static-nodes.service", "systemd-tmpfiles-clean.timer", "systemd-resolved.service",
          "systemd-networkd.socket", "systemd-networkd.service", "systemd-timesyncd.service",
          "systemd-logind.service", "console-getty.service", "apparmor.service",
          "systemd-ask-password-console.path", "systemd-ask-password-wall.path",
          "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount",
          "sys-kernel-tracing.mount", "sys-fs-fuse-connections.mount", "proc-sys-fs-binfmt_misc.automount")


# Podman in here: networks and control groups cannot be made, a layer in memory cannot hold its own, and
# only where one /proc is seen whole may a user mount another.
PODMAN = """
set -e
mkdir -p /etc/containers /var/lib/containers /run/proc
printf '[containers]\\nnetns = "none"\\ncgroups = "disabled"\\n' >/etc/containers/containers.conf
mount -t tmpfs tmpfs /var/lib/containers
mount -t proc proc /run/proc
"""

# Where a namespace shows cgroups of version 2, a process finds its own only if that is one of them.
ENTER = """
group="/sys/fs/cgroup/$1/payload"
shift
if [ -d "$group" ]; then
	mkdir -p "$group/tests"
	echo $$ >"$group/tests/cgroup.procs"
fi
exec nsenter "$@"
"""

NAMESPACES = ("--mount", "--uts", "--ipc", "--pid", "--cgroup")


class Boot:
    """`with Boot(binds=[(host, inside)]) as boot: boot.run("systemctl status")`. Of layers (roots.layers()) come
    programs and units that this machine lacks; unmasked are units of MASKED that are wanted after all. base is
    the root of another machine."""

    def __init__(self, binds=(), layers=(), unmasked=(), base="/"):
        self.layers = [layer for layer in layers if layer != pathlib.Path("/")]
        self.base = base
        self.masked = [unit for unit in MASKED if unit not in unmasked]
        self.binds = [f"--bind={host}:{inside}" for host, inside in binds]
        self.name = "reclaimd-boot-" + uuid.uuid4().hex[:12]
        self.stage = places.folder() / self.name
        self.leader = None
        self.cage = None

    @property
    def root(self):
        """Its files, seen from here; absolute links in them lead elsewhere."""
        return pathlib.Path(f"/proc/{self.leader}/root")

    def start(self):
        missing = [tool for tool in ("systemd-nspawn", "dbus-daemon") if not shutil.which(tool)]
        if missing:
            raise RuntimeError(f"not installed: {', '.join(missing)}")
        self.stage.mkdir(mode=0o755)
        self.reaper = cage.Reaper(self.name, self.stage)
        self.cage = cage.Cage(SCRIPT, *self.binds, NAME=self.name, STAGE=self.stage,
                              MACHINE_ID=uuid.uuid4().hex, MASKED=" ".join(self.masked),
                              TOP=":".join(map(str, self.layers)), BASE=self.base)
        try:
            self.cage.wait_until(self._has_booted, "systemd")
        except BaseException:
            self.stop()
            raise
        return self

    def _has_booted(self):
        self.leader = self.leader or _init_below(self.cage.process.pid)
        return self.leader and self.run("systemctl is-active --quiet tests.target",
                                        check=False).returncode == 0

    def run(self, command, check=True, timeout=120, text=None, online=False, **environment):
        """Runs a shell command (or a list of words) inside; text is what it reads. What is online has this
        machine's network."""
        words = ["sh", "-c", command] if isinstance(command, str) else [str(w) for w in command]
        result = subprocess.run(
            ["sh", "-c", ENTER, "sh", self.name, "--target", str(self.leader), *NAMESPACES,
             *([] if online else ["--net"]), "--", *words],
            cwd="/",
            input=text if text is not None else "", capture_output=True, timeout=timeout,
            encoding="utf-8", errors="surrogateescape", env={**cage.ENVIRONMENT, **environment})
        if check and result.returncode != 0:
            shown = command if isinstance(command, str) else shlex.join(words)
            raise AssertionError(f"`{shown}` ended with {result.returncode}:\n"
                                 f"{result.stdout}{result.stderr}")
        return result

    def write(self, path, text):
        """A file inside, root's, with the folders that it lies in."""
        self.run(["sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1"', "sh", path], text=text)

    def stop(self):
        if self.cage:
            self.cage.end()
            self.cage = None
            self.reaper.reap()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def prepare_podman(self):
        """What the Podman of layers needs to run here, root's and a user's."""
        self.run(PODMAN)

    def prepare_apt(self):
        """What apt of a base needs to be run online."""
        self.write("/etc/apt/apt.conf.d/tests", roots.apt_settings())
        self.write("/etc/resolv.conf", pathlib.Path("/etc/resolv.conf").read_text())
        self.run("apt-get -qq update", online=True)

    def keep_journal(self):
        """Users have journals of their own only where it is kept."""
        self.run("mkdir -p /var/log/journal && journalctl --flush")

    def add_user(self, name):
        """Somebody who may run things while not logged in, with a home of their own; needs systemd-logind."""
        self.run(f"useradd --no-create-home --home-dir /home/{name} --shell /bin/sh {name} && mkdir -p /home/{name} && "
                 f"mount -t tmpfs -o mode=700,uid=$(id -u {name}),gid=$(id -g {name}) tmpfs /home/{name}")
        return User(self, name)


class User:
    def __init__(self, boot, name):
        self.boot = boot
        self.name = name
        self.uid = int(boot.run(["id", "-u", name]).stdout)
        self.home = f"/home/{name}"
        self.runtime = f"/run/user/{self.uid}"

    def log_in(self):
        """Starts the user's systemd, as a login would."""
        self.boot.run(f"systemctl start user@{self.uid}.service")

    def run(self, command, **options):
        """As Boot.run(), with what a login sets."""
        return self.boot.run(["setpriv", f"--reuid={self.name}", f"--regid={self.name}", "--init-groups",
                              "sh", "-c", f"cd && {command}"], HOME=self.home, USER=self.name,
                             XDG_RUNTIME_DIR=self.runtime, **options)

    def write(self, path, text):
        """A file below the home."""
        self.run(f'mkdir -p "$(dirname "{path}")" && cat >"{path}"', text=text)


def make(target, root, prefix="/usr"):
    """`make install` and its like, into a root of which this machine sees the files."""
    subprocess.run(["make", "-s", f"O={BUILD}", f"prefix={prefix}", "sysconfdir=/etc", target,
                    f"DESTDIR={root}"], cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


def _init_below(pid):
    """The PID 1 of the innermost PID namespace below a process, once it is systemd; else None."""
    for child in cage.children(pid):
        found = _init_below(child)
        if found:
            return found
        try:
            status = pathlib.Path(f"/proc/{child}/status").read_text()
            name = pathlib.Path(f"/proc/{child}/comm").read_text().strip()
        except OSError:
            continue
        numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
        if name == "systemd" and numbers[-1] == "1":
            return child
    return None
