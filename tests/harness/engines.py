"""Private real engines: each in a mount and a PID namespace of its own, so that with one process
everything that it started, every container and every mount, is gone, however the tests end."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import uuid

from . import client

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("RECLAIMD_TEST_CACHE", REPOSITORY / "build" / "engines"))
CGROUPS = pathlib.Path("/sys/fs/cgroup")

# What is unpacked, not installed: installing docker.io would start a system daemon.
PACKAGES = {
    "d20": ("docker.io", "containerd", "runc", "libdevmapper1.02.1"),
    "p43": ("podman", "conmon", "crun", "golang-github-containers-common",
            "golang-github-containers-image", "libgpgme11", "libdevmapper1.02.1", "libassuan0",
            "libsubid4", "libyajl2", "libfuse3-3", "fuse-overlayfs", "netavark"),
}


def unpack(name):
    """The folder with the engine's packages unpacked; downloaded on the first call."""
    root = CACHE / name / "root"
    if (root / ".complete").exists():
        return root
    debs = CACHE / name / "debs"
    shutil.rmtree(root, ignore_errors=True)
    debs.mkdir(parents=True, exist_ok=True)
    root.mkdir(parents=True)
    # apt drops its rights to write into a folder that is not everybody's.
    subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *PACKAGES[name]],
                   cwd=debs, check=True)
    for deb in debs.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
    (root / ".complete").touch()
    return root


def _environment(root):
    folders = ("usr/sbin", "usr/bin", "sbin", "bin", "usr/lib/podman", "usr/libexec/podman")
    libraries = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu",
                 "usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu")
    return {
        **os.environ,
        "PATH": ":".join([*(str(root / folder) for folder in folders), os.environ["PATH"],
                          "/usr/sbin", "/sbin"]),
        "LD_LIBRARY_PATH": ":".join(str(root / folder) for folder in libraries),
    }


DOCKER_SCRIPT = """
set -eu
mount --make-rprivate /
printf 'version = 2\\nroot = "%s/containerd"\\nstate = "%s/containerd"\\n[grpc]\\naddress = "%s/c.sock"\\n' \\
	"$DATA" "$RUN" "$RUN" >"$RUN/containerd.toml"
containerd -c "$RUN/containerd.toml" &
until [ -S "$RUN/c.sock" ]; do sleep 0.05; done
dockerd --containerd="$RUN/c.sock" --data-root "$DATA/docker" --exec-root "$RUN/exec" \\
	--pidfile "$RUN/docker.pid" -H "unix://$RUN/docker.sock" --cgroup-parent "/$NAME" \\
	--bridge=none --iptables=false --ip6tables=false --storage-driver=overlay2 $OPTIONS &
wait
"""

PODMAN_SCRIPT = """
set -eu
mount --make-rprivate /
umount /sys/fs/cgroup/unified 2>/dev/null || true
cat >"$RUN/containers.conf" <<END
[containers]
cgroups="disabled"
netns="none"
default_ulimits=["nofile=1024:1024","nproc=1024:1024"]
[engine]
cgroup_manager="cgroupfs"
events_logger="file"
runtime="crun"
[engine.runtimes]
crun=["$ROOT/usr/bin/crun"]
END
sed -i "1a conmon_path=[\\"$ROOT/usr/bin/conmon\\"]" "$RUN/containers.conf" || true
sed -i '/conmon_path/d' "$RUN/containers.conf"
sed -i "s|^\\[engine\\]$|[engine]\\nconmon_path=[\\"$ROOT/usr/bin/conmon\\"]|" "$RUN/containers.conf"
export CONTAINERS_CONF="$RUN/containers.conf"
mkdir -p /etc/containers
printf '{"default":[{"type":"insecureAcceptAnything"}]}' >"$RUN/policy.json"
mount -t tmpfs tmpfs /etc/containers
cp "$RUN/policy.json" /etc/containers/policy.json
podman --root "$DATA/podman" --runroot "$RUN/run" --storage-driver overlay \\
	system service -t 0 "unix://$RUN/podman.sock" &
wait
"""


class Engine:
    """A private engine. `with Engine("d20") as engine:` gives one that is up and empty; engine.client
    speaks to it, engine.socket is its path, engine.data_root where its data lies."""

    KINDS = {"d20": (DOCKER_SCRIPT, "docker.sock", "docker"),
             "p43": (PODMAN_SCRIPT, "podman.sock", "podman")}

    def __init__(self, name, options=""):
        script, socket_name, data_name = self.KINDS[name]
        self.name = name
        self.root = unpack(name)
        self.script = script
        self.options = options
        # Socket paths are short; the data lies on a real disk, where overlay2 works.
        self.run = pathlib.Path(tempfile.mkdtemp(prefix="rcl-", dir="/run"))
        data = CACHE / "data"
        data.mkdir(parents=True, exist_ok=True)
        self.data = pathlib.Path(tempfile.mkdtemp(prefix=name + "-", dir=data))
        self.socket = self.run / socket_name
        self.data_root = self.data / data_name
        self.cgroup = "reclaimd-test-" + uuid.uuid4().hex[:12]
        self.client = client.Client(self.socket)
        self.process = None

    def start(self):
        environment = {**_environment(self.root), "RUN": str(self.run), "DATA": str(self.data),
                       "NAME": self.cgroup, "OPTIONS": self.options, "ROOT": str(self.root)}
        self.log = open(self.run / "log", "ab")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork",
             "--kill-child=KILL", "--mount-proc", "sh", "-c", self.script],
            env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            start_new_session=True)
        self._wait_until_up()
        return self

    def _wait_until_up(self, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, client.EngineError):
                self.client.request("GET", "/_ping", timeout=5)
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        text = (self.run / "log").read_text(errors="replace")
        self.stop()
        raise RuntimeError(f"{self.name} did not start:\n{text[-4000:]}")

    def halt(self):
        """Ends the engine and everything in it; its data stays, start() takes it up again."""
        if self.process:
            _thaw(self.cgroup)
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None
            self.log.close()
        self.socket.unlink(missing_ok=True)

    def stop(self):
        self.halt()
        shutil.rmtree(self.run, ignore_errors=True)
        _remove_tree(self.data)
        _remove_cgroups(self.cgroup)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def _thaw(name):
    """A paused container does not even die."""
    for path in (CGROUPS / "freezer" / name).rglob("freezer.state"):
        with contextlib.suppress(OSError):
            path.write_text("THAWED")
    for path in (CGROUPS / name).rglob("cgroup.freeze"):
        with contextlib.suppress(OSError):
            path.write_text("0")


def _remove_tree(path):
    """Killed processes hold their mounts for a moment."""
    for _ in range(50):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(0.1)
    raise RuntimeError(f"{path} cannot be removed")


def _remove_cgroups(name):
    for _ in range(20):
        left = [path for top in [CGROUPS, *CGROUPS.glob("*")] if (top / name).is_dir()
                for path in sorted((top / name).rglob("*/"), reverse=True) + [top / name]]
        if not left:
            return
        for path in left:
            with contextlib.suppress(OSError):
                path.rmdir()
        time.sleep(0.1)
