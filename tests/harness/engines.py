"""Private real engines, each in a cage, over a root of its own: nothing is installed, and of each nothing is
left, however the tests end."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import uuid

from . import cage, client, places, roots
from .roots import CACHE, Unavailable

CGROUPS = pathlib.Path("/sys/fs/cgroup")

# The root: the layers, read only, below one in memory. Folders of one file system that lie in each other
# are no layers, unless one is first made a file system of its own; where that would be an overlay over an
# overlay over an overlay (this machine's root is one, as in a container), the kernel refuses, and it is a copy.
# The folders of sockets and of data are the same inside and outside.
ROOT_SCRIPT = """
set -eu
mount --make-rprivate /
stage="$RUN/stage"
mkdir "$stage"
mount -t tmpfs -o mode=755 tmpfs "$stage"
cd "$stage"
mkdir upper work root top empty
if [ -n "$TOP" ]; then
	if [ "$(stat -f -c %T "$TOP")" = overlayfs ]; then
		cp -a "$TOP/." top
	else
		mount -t overlay -o "lowerdir=$TOP:$stage/empty" overlay top
	fi
	BASE="$stage/top:$BASE"
fi
mount -t overlay -o "lowerdir=$BASE,upperdir=upper,workdir=work" overlay root
cd root
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
rm -rf etc/docker
mkdir -p ".$RUN" ".$DATA" .outside
mount --bind "$RUN" ".$RUN"
mount --bind "$DATA" ".$DATA"
pivot_root . .outside
cd /
umount -l .outside
"""

DOCKER_SCRIPT = ROOT_SCRIPT + """
cat >"$RUN/containerd.toml" <<END
version = 2
root = "$DATA/containerd"
state = "$RUN/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$RUN/c.sock"
END
containerd -c "$RUN/containerd.toml" &
until [ -S "$RUN/c.sock" ]; do sleep 0.05; done
dockerd --containerd="$RUN/c.sock" --data-root "$DATA/docker" --exec-root "$RUN/exec" \\
	--pidfile "$RUN/docker.pid" -H "unix://$RUN/docker.sock" --cgroup-parent "/$NAME" \\
	--bridge=none --iptables=false --ip6tables=false $OPTIONS &
wait
"""

# Beside cgroups of version 1 there is one empty hierarchy of version 2: what Podman 5 and 6 want. In a
# namespace of its own nothing that the engine makes in it is outside $NAME.
PODMAN_SCRIPT = ROOT_SCRIPT + """
groups=/sys/fs/cgroup
[ -e "$groups/cgroup.procs" ] || groups="$groups/unified"
mkdir -p "$groups/$NAME/engine"
echo $$ >"$groups/$NAME/cgroup.procs"
export ENGINE_GROUP="$groups/$NAME/engine"
exec unshare --cgroup sh -eu -c '
echo $$ >"$ENGINE_GROUP/cgroup.procs"
# No file system is mounted right over itself.
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
cd /sys/fs/cgroup
if [ -z "$(cat cgroup.controllers)" ]; then
	# Without controllers it refuses what Podman writes to hand them on.
	mkdir -p libpod_parent
	touch "$RUN/nothing"
	for group in . libpod_parent; do mount --bind "$RUN/nothing" "$group/cgroup.subtree_control"; done
fi
mkdir -p /etc/containers
cat >"$RUN/containers.conf" <<END
[containers]
netns = "none"
pids_limit = 0
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
END
echo "{\\"default\\":[{\\"type\\":\\"insecureAcceptAnything\\"}]}" >/etc/containers/policy.json
printf "[storage]\\ndriver = \\"overlay\\"\\ngraphroot = \\"$DATA/podman\\"\\nrunroot = \\"$RUN/run\\"\\n" \\
	>/etc/containers/storage.conf
mkdir -p "$DATA/tmp"
export CONTAINERS_CONF="$RUN/containers.conf" TMPDIR="$DATA/tmp"
podman $OPTIONS system service -t 0 "unix://$RUN/podman.sock" &
wait
'
"""

# The data on a file system of its own, of which nothing outside these namespaces knows.
DISK_SCRIPT = """
set -eu
mount --make-rprivate /
mount -o loop "$DISK" "$DATA" || mount -t tmpfs -o "size=$(stat -c %s "$DISK")" tmpfs "$DATA"
unshare --mount sh -c "$SCRIPT"
exit
"""

ROOMY = 4_000_000_000  # bytes of a disk, of which only those that are used are there

OVERLAY2 = "--storage-driver=overlay2"
CONTAINERD_STORE = "--feature containerd-snapshotter=true"

# Name: the root, the script, the socket, options.
ENGINES = {
    "own": ("own", DOCKER_SCRIPT, "docker.sock", OVERLAY2),
    "d20": ("d20", DOCKER_SCRIPT, "docker.sock", OVERLAY2),
    "d26": ("trixie", DOCKER_SCRIPT, "docker.sock", OVERLAY2),
    "d28": ("sid", DOCKER_SCRIPT, "docker.sock", OVERLAY2),
    "d28c": ("sid", DOCKER_SCRIPT, "docker.sock", CONTAINERD_STORE),
    "dmain": ("dmain", DOCKER_SCRIPT, "docker.sock", ""),
    "p43": ("p43", PODMAN_SCRIPT, "podman.sock", ""),
    "p54": ("trixie", PODMAN_SCRIPT, "podman.sock", ""),
    "p58": ("sid", PODMAN_SCRIPT, "podman.sock", ""),
    "p61": ("experimental", PODMAN_SCRIPT, "podman.sock", ""),
}


def wanted():
    """The engines that the tests are to run on: $RECLAIMD_TEST_ENGINES (names, or all), else those of
    Debian 12."""
    names = os.environ.get("RECLAIMD_TEST_ENGINES", "d20 p43").split()
    return [name for name in ENGINES if name != "own"] if names == ["all"] else names


def _data_folder():
    """The units' sandbox hides homes and temporary folders, where a checkout may lie; what an engine
    keeps must be seen from within."""
    folder = (CACHE / "data").resolve()
    if str(folder).startswith(("/home/", "/root/", "/tmp/", "/var/tmp/")):
        return pathlib.Path("/var/lib")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def is_overlay(folder):
    """Whether it can be no engine's data, of which the upper layers of others are made."""
    return subprocess.run(["stat", "-f", "-c", "%T", folder], check=True, capture_output=True,
                          text=True).stdout.strip() == "overlayfs"


class Engine:
    """A private engine. `with Engine("d20") as engine:` gives one that is up and empty; engine.client
    speaks to it, engine.socket is its path, engine.data_root where its data lies (of Docker with
    containerd's image store: engine.containerd_root). Raises Unavailable where there cannot be one.
    Not to be started in a thread that ends before the engine shall. With disk (bytes) its data is alone on
    an ext4 of that size; without loop devices on a tmpfs. So it is where there could be no data otherwise."""

    def __init__(self, name, options="", disk=None):
        root, self.script, socket_name, own_options = ENGINES[name]
        self.name = name
        self.layers = roots.layers(root)
        self.options = f"{own_options} {options}"
        # Socket paths are short; the data lies on a real disk, where overlay2 works.
        self.run = pathlib.Path(tempfile.mkdtemp(prefix="rcl-", dir=places.folder()))
        self.data = pathlib.Path(tempfile.mkdtemp(prefix=f"rcl-{name}-", dir=places.below(_data_folder())))
        disk = disk or (ROOMY if is_overlay(self.data) else None)
        self.disk = self.data.with_suffix(".img") if disk else None
        self.cgroup = "reclaimd-test-" + uuid.uuid4().hex[:12]
        self.reaper = cage.Reaper(self.cgroup, self.run, self.data, *filter(None, [self.disk]))
        if disk:
            with self.disk.open("wb") as file:
                file.truncate(disk)
            subprocess.run(["mkfs.ext4", "-q", "-F", str(self.disk)], check=True)
        self.socket = self.run / socket_name
        self.is_podman = socket_name == "podman.sock"
        self.data_root = self.data / ("podman" if self.is_podman else "docker")
        self.containerd_root = self.data / "containerd"
        self.client = client.Client(self.socket)
        self.cage = None

    def start(self):
        self.cage = cage.Cage(DISK_SCRIPT if self.disk else self.script, SCRIPT=self.script,
                              DISK=self.disk or "", RUN=self.run, DATA=self.data, NAME=self.cgroup,
                              OPTIONS=self.options, TOP=":".join(map(str, self.layers[:-1])),
                              BASE=self.layers[-1])
        try:
            self.cage.wait_until(self._answers, self.name)
        except BaseException:
            self.stop()
            raise
        return self

    def _answers(self):
        with contextlib.suppress(OSError, client.EngineError):
            self.client.request("GET", "/_ping", timeout=5)
            return True
        return False

    @property
    def leader(self):
        """The first process inside; `nsenter --target` it to look around."""
        return self.cage.first

    def beside(self, *command):
        """The command, so that it sees this machine's files and the engine's disk."""
        return ["nsenter", "--target", str(self.leader), "--mount", "--pid", "--", *map(str, command)]

    def inside(self, *command, **options):
        """Runs a command in the engine's root; the completed process."""
        return subprocess.run(["nsenter", "--target", str(self.leader), "--mount", "--pid", "--cgroup",
                               "--", *map(str, command)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, **options)

    def halt(self):
        """Ends the engine and everything in it; its data stays, start() takes it up again."""
        if self.cage:
            _thaw(self.cgroup)
            self.cage.end()
            self.cage = None
        for left in self.run.iterdir() if self.run.exists() else ():
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink()

    def stop(self):
        self.halt()
        self.reaper.reap()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def _thaw(name):
    """A paused container does not even die."""
    for top in (CGROUPS / name, CGROUPS / "unified" / name):
        for path in top.rglob("cgroup.freeze"):
            with contextlib.suppress(OSError):
                path.write_text("0")
    for path in (CGROUPS / "freezer" / name).rglob("freezer.state"):
        with contextlib.suppress(OSError):
            path.write_text("THAWED")
