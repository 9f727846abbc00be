"""What engines are made of: packages that are unpacked, never installed, since installing an engine starts a
system daemon. Kept in $RECLAIMD_TEST_CACHE, or build/engines."""

import fcntl
import lzma
import os
import pathlib
import platform
import re
import shutil
import subprocess
import tempfile
import unittest

from . import cage

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("RECLAIMD_TEST_CACHE", REPOSITORY / "build" / "engines"))

DOCKER = ("docker.io", "containerd", "runc", "libdevmapper1.02.1")

RELEASE = platform.freedesktop_os_release().get("VERSION_CODENAME")
PODMAN = ("podman", "buildah", "conmon", "crun", "runc", "catatonit", "netavark",
          "golang-github-containers-common", "golang-github-containers-image", "libdevmapper1.02.1", "libyajl2")
LIBRARIES_OF_PODMAN = {
    "bookworm": ("libgpgme11", "libassuan0", "libglib2.0-0", "libsubid4"),
    "trixie": ("libgpgme11t64", "libgpg-error0", "libassuan9", "libglib2.0-0t64", "libsubid5"),
}

# Over this machine's own root, of whatever Debian this is: what that may lack, libraries included.
UNPACKED = {
    "own": DOCKER,
    "own-podman": PODMAN + LIBRARIES_OF_PODMAN.get(RELEASE, ()),
    # What Podman wants beside that, to run for a user who is not root.
    "rootless": ("uidmap",),
    # The same for Docker, which has the user's systemd make cgroups of version 2.
    "rootless-docker": ("rootlesskit", "dbus-user-session"),
}

# The engines of Debian 12 are this machine's if it is one.
OF_BOOKWORM = {"d20": "own", "p43": "own-podman"}

# A whole root of another release, for the engines of that release.
RELEASES = ("bookworm", "trixie", "sid")
INCLUDED = ("docker.io", "containerd", "runc", "podman", "buildah", "conmon", "crun", "catatonit",
            "netavark", "iptables", "ca-certificates", "busybox-static")

# A new machine: nothing but what lets it boot.
MACHINE = ("systemd", "dbus")


class Unavailable(unittest.SkipTest):
    """This machine cannot have that engine; the text says why."""


def layers(name):
    """The folders that make up an engine's root, the topmost first; made on the first call."""
    if name in OF_BOOKWORM:
        name = OF_BOOKWORM[name] if RELEASE == "bookworm" else "bookworm"
    if name in UNPACKED:
        return [_cached(name, lambda folder: _unpack(folder, UNPACKED[name])), pathlib.Path("/")]
    if name in RELEASES:
        return [_cached(name, lambda folder: _debootstrap(folder, name, INCLUDED))]
    if name.startswith("machine-"):
        release = name.removeprefix("machine-")
        return [_cached(name, lambda folder: _debootstrap(folder, release, MACHINE))]
    if name == "dmain":
        return [_dockerd_main(), *layers("sid")]
    if name == "experimental":
        return [_cached(name, _experimental), *layers("sid")]
    raise ValueError(name)


def _cached(name, make):
    """The folder of that name, made by make(empty folder) unless it is there; whole or not at all."""
    roots = CACHE / "roots"
    roots.mkdir(parents=True, exist_ok=True)
    folder = roots / name
    with open(roots / f".{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = roots / f"{name}.new"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder


def _run(command, **options):
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    if result.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{result.stdout[-2000:]}")
    return result.stdout


def _unpack(folder, packages, options=()):
    # Where packages still say /lib, it must not hide the link of that name in the root below.
    for name in ("bin", "lib", "lib64", "sbin"):
        (folder / "usr" / name).mkdir(parents=True)
        (folder / name).symlink_to(f"usr/{name}")
    with tempfile.TemporaryDirectory(dir=folder.parent) as debs:
        # apt gives up its rights, and then may not write here.
        download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", *options, "download", *packages]
        try:
            _run(download, cwd=debs)
        except RuntimeError:
            # Its lists may be old, or not there yet.
            _run(["apt-get", "-qq", *options, "update"])
            _run(download, cwd=debs)
        for deb in sorted(pathlib.Path(debs).glob("*.deb")):
            with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as tar:
                subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", folder],
                               stdin=tar.stdout, check=True)
            if tar.returncode:
                raise RuntimeError(f"{deb.name} cannot be unpacked")


def _mirror():
    """The mirror that apt uses for this release."""
    targets = _run(["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"])
    for line in targets.splitlines():
        site, release = line.split()
        if "-" not in release:
            return site
    raise Unavailable("apt knows no mirror")


def apt_settings():
    """How this machine's apt reaches its mirror, for the configuration of another apt."""
    lines = _run(["apt-config", "dump"]).splitlines()
    return "".join(f"{line}\n" for line in lines if re.match("Acquire::(https?|Check|Retries)", line))


def _debootstrap(folder, release, packages):
    if not shutil.which("debootstrap"):
        raise Unavailable("debootstrap is not installed")
    # Its mounts and processes are gone with it, however it ends.
    _run([*cage.ALONE, "debootstrap", "--variant=minbase", "--include=" + ",".join(packages), release, folder,
          _mirror()])
    shutil.rmtree(folder / "var/cache/apt/archives")


def _experimental(folder):
    """Podman of Debian experimental, with what it needs newer than in sid."""
    with tempfile.TemporaryDirectory(prefix="rcl-apt-") as apt:
        apt = pathlib.Path(apt)
        status = layers("sid")[0] / "var/lib/dpkg/status"
        (apt / "sources.list").write_text("".join(
            f"deb {_mirror()} {release} main\n" for release in ("experimental", "sid")))
        for part in ("lists/partial", "cache/archives/partial"):
            (apt / part).mkdir(parents=True)
        options = [word for setting in (
            f"Dir::Etc::SourceList={apt}/sources.list", "Dir::Etc::SourceParts=-",
            "Dir::Etc::Preferences=-", "Dir::Etc::PreferencesParts=-",
            f"Dir::State={apt}", f"Dir::State::Status={status}", f"Dir::Cache={apt}/cache",
            "APT::Default-Release=sid", "APT::Sandbox::User=root") for word in ("-o", setting)]
        _run(["apt-get", "-qq", *options, "update"])
        wanted = _run(["apt-get", "-qq", *options, "install", "--simulate",
                       "--no-install-recommends", "podman/experimental",
                       "golang-github-containers-common/experimental"])
        packages = [line.split()[1] for line in wanted.splitlines() if line.startswith("Inst ")]
        versions = [line.split("(")[1].split()[0] for line in wanted.splitlines()
                    if line.startswith("Inst ")]
        _unpack(folder, [f"{name}={version}" for name, version in zip(packages, versions)], options)


def _dockerd_main():
    """A dockerd of Docker's main branch, from the file that DOCKERD_MAIN names, packed with xz or not."""
    source = os.environ.get("DOCKERD_MAIN")
    if not source:
        raise Unavailable("DOCKERD_MAIN names no dockerd of Docker's main branch")
    source = pathlib.Path(source)

    def copy(folder):
        target = folder / "usr/local/sbin/dockerd"
        target.parent.mkdir(parents=True)
        opener = lzma.open if source.suffix == ".xz" else open
        with opener(source, "rb") as packed, open(target, "wb") as plain:
            shutil.copyfileobj(packed, plain)
        target.chmod(0o755)

    return _cached(f"dmain-{int(source.stat().st_mtime)}-{source.stat().st_size}", copy)
