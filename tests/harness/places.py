"""Where the tests make folders: all below one or two that are the run's own. A reaper removes these when the run
has ended, however it ended; what is left because the reaper was killed too the next run removes."""

import contextlib
import fcntl
import functools
import os
import pathlib
import subprocess
import tempfile

from . import cage

NAME = "rcl-run-"
VARIABLE = "RECLAIMD_TEST_FOLDER"  # what runs below a run has its folders below that run's

_held = []


@functools.cache
def below(base):
    """This run's folder in another one, made when it is first asked for."""
    _sweep(base)
    folder = pathlib.Path(tempfile.mkdtemp(prefix=NAME, dir=base))
    _held.append((cage.Reaper(None, folder), _lock(folder)))
    folder.chmod(0o755)
    return folder


@functools.cache
def folder():
    """This run's folder for what the program reads: as root it refuses policies in a folder below one that
    others may write to, as /tmp is."""
    return below(os.environ.get(VARIABLE) or ("/run" if os.geteuid() == 0 else _temporary()))


@functools.cache
def _temporary():
    return tempfile.gettempdir()


def use_for_all():
    """Has temporary files, and what unit tests make, in this run's folders too. Not by $TMPDIR, which commands in
    an engine's root would inherit."""
    os.environ[VARIABLE] = str(folder())
    tempfile.tempdir = str(below(_temporary()))


def _lock(folder):
    """As long as the run lives its folder is locked; a folder without the file is nobody's to remove."""
    lock = os.open(folder / "new", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.rename(folder / "new", folder / "alive")
    return lock


def _sweep(base):
    for folder in pathlib.Path(base).glob(NAME + "*"):
        # A lock that is had, or a file that is not there or not ours: not ours to remove.
        with contextlib.suppress(OSError):
            if folder.lstat().st_uid != os.geteuid():
                continue
            with (folder / "alive").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=False)
