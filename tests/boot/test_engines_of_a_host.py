"""A booted host with several engines as Debian packages them, with their own units: Docker beside Podman,
engines that sleep behind their sockets, and the Podman and the Docker of users."""

import contextlib
import json
import pathlib
import re
import time
import types
import unittest

from harness import journal, roots
from harness.boot import Boot, make
from harness.client import Client, EngineError
from harness.engines import Engine

OBJECT_REMOVED = "b2be74d1cee748438d7ced308353ef80"
RUN_ENDS = ("4ec9b96243484371adcce32e5bece293", "3290cc5beff64e138bd95d1c9090ba20")

SERVICE, PODMAN_SERVICE = "reclaimd.service", "reclaimd@podman.service"
WATCH, PODMAN_WATCH = "reclaimd-watch.service", "reclaimd-watch@podman.service"
PODMAN_HOST = "[engine]\nhost = unix:///run/podman/podman.sock\n"
EXITED = """
[containers exited]
name        = {}
state       = exited, created
keep-within = 0s
min-age     = 0s
"""
DANGLING = """
[images dangling]
dangling    = yes
keep-within = 0s
min-age     = 0s
"""
UNUSED = """
[volumes anonymous]
name        = *
keep-within = 0s
min-age     = 0s

[networks unused]
name        = *
keep-within = 0s
min-age     = 0s
"""
USED = """
[images unused]
name        = *
age-from    = used
keep-within = 30d
"""
# As dockerd-rootless-setuptool.sh writes it, but that its network is one that leads nowhere.
DOCKER_OF_A_USER = """
[Service]
Environment=PATH=/usr/sbin:/usr/bin
Environment=DOCKERD_ROOTLESS_ROOTLESSKIT_NET=host DOCKERD_ROOTLESS_ROOTLESSKIT_PORT_DRIVER=none
Environment="DOCKERD_ROOTLESS_ROOTLESSKIT_FLAGS=unshare --net"
ExecStart=/usr/share/docker.io/contrib/dockerd-rootless.sh --bridge=none --iptables=false --ip6tables=false
Delegate=yes
KillMode=mixed
"""
PREPARE = """
set -e
mkdir -p /etc/systemd/system/docker.service.d /var/lib/docker
mount -t tmpfs tmpfs /var/lib/docker
printf '[Service]\\nExecStart=\\nExecStart=dockerd -H fd:// --containerd=/run/containerd/containerd.sock' \\
	>/etc/systemd/system/docker.service.d/test.conf
printf ' --bridge=none --iptables=false --ip6tables=false\\n' >>/etc/systemd/system/docker.service.d/test.conf
getent group docker >/dev/null || groupadd --system docker
systemctl daemon-reload
systemctl start podman.socket
"""
RESET = """
systemctl stop 'reclaimd*.timer' 'reclaimd*.service' docker.socket docker.service
rm -rf /etc/reclaimd/* /var/lib/reclaimd /run/reclaimd /run/docker.sock
mkdir -p /etc/reclaimd/policies.d
for unit in reclaimd reclaimd@podman; do
	mkdir -p "/etc/systemd/system/$unit.service.d"
	printf '[Unit]\\nStartLimitIntervalSec=0\\n' >"/etc/systemd/system/$unit.service.d/often.conf"
done
systemctl daemon-reload
systemctl reset-failed
"""

world = types.SimpleNamespace()


def setUpModule():
    make("all", "/none")
    world.docker = Engine("d20").start()
    unittest.addModuleCleanup(world.docker.stop)
    world.docker.client.import_root("base:1")
    layers = [layer for name in ("rootless-docker", "rootless", "own-podman", "own") for layer in roots.layers(name)]
    world.boot = Boot(binds=[(world.docker.run, "/run/engine"),
                             (world.docker.data_root, world.docker.data_root)],
                      layers=layers, unmasked=["systemd-logind.service"]).start()
    unittest.addModuleCleanup(world.boot.stop)
    make("install", world.boot.root)
    world.boot.keep_journal()
    world.boot.prepare_podman()
    world.boot.run(PREPARE)
    world.podman = Client(world.boot.root / "run/podman/podman.sock")
    world.podman.import_root("base:1")


def wait(condition, seconds=30):
    def holds():
        # Podman cannot list images while one of them goes.
        with contextlib.suppress(EngineError):
            return condition()

    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come to that:\n" +
                                 world.boot.run("journalctl -n 50 --no-pager").stdout)
        time.sleep(0.1)


class HostTest(unittest.TestCase):
    def setUp(self):
        self.boot, self.docker, self.podman = world.boot, world.docker.client, world.podman
        self.boot.run(RESET, check=False)
        self.addCleanup(self.boot.run, RESET, check=False)
        for client in (self.docker, self.podman):
            for name in client.containers():
                client.request("DELETE", f"/containers/{name}", force=1)

    def docker_runs(self):
        """The Docker that runs containers is one of outside."""
        self.boot.run("ln -s /run/engine/docker.sock /run/docker.sock")

    def write(self, path, text):
        self.boot.write(pathlib.Path("/etc/reclaimd") / path, text)

    def exited(self, client, *names):
        for name in names:
            client.run(name, "base:1")

    def state(self, *units):
        return self.boot.run(["systemctl", "is-active", *units], check=False).stdout.split()

    def journal(self, *matches):
        """What reclaimd wrote since the test began, of all engines and users."""
        self.boot.run("journalctl --sync")
        shown = self.boot.run(["journalctl", "-o", "json", "--all", "SYSLOG_IDENTIFIER=reclaimd", *matches]).stdout
        return journal.decode(shown)

    def start(self, unit=SERVICE):
        """Starts it, waits for its end, gives what it reported."""
        before = {entry["__CURSOR"] for entry in self.journal()}
        self.boot.run(["systemctl", "start", unit])
        return [entry for entry in self.journal(f"_SYSTEMD_UNIT={unit}") if entry["__CURSOR"] not in before]

    def summary(self, entries):
        found = [entry for entry in entries if entry.get("MESSAGE_ID") in RUN_ENDS]
        self.assertEqual(len(found), 1, [entry["MESSAGE"] for entry in entries])
        return found[0]

    def removed(self, entries):
        return sorted(entry["RECLAIMD_NAME"] for entry in entries
                      if entry.get("MESSAGE_ID") == OBJECT_REMOVED)


class Beside(HostTest):
    """Docker for the main instance, Podman for `reclaimd@podman`."""

    def setUp(self):
        super().setUp()
        self.docker_runs()
        self.write("podman/reclaimd.conf", PODMAN_HOST)

    def both(self, *names):
        for client in (self.docker, self.podman):
            self.exited(client, *names)

    def test_each_cleans_its_own_engine_by_its_own_policies(self):
        self.write("policies.d/a.ini", EXITED.format("docker-*"))
        self.write("podman/policies.d/a.ini", EXITED.format("podman-*"))
        self.both("docker-1", "podman-1", "other")
        docker = self.start()
        self.assertEqual(self.docker.containers().keys(), {"podman-1", "other"})
        self.assertEqual(self.podman.containers().keys(), {"docker-1", "podman-1", "other"})
        podman = self.start(PODMAN_SERVICE)
        self.assertEqual(self.docker.containers().keys(), {"podman-1", "other"})
        self.assertEqual(self.podman.containers().keys(), {"docker-1", "other"})

        self.assertEqual(self.removed(docker), ["docker-1"])
        self.assertEqual(self.removed(podman), ["podman-1"])
        for entries, socket, folder in ((docker, "/run/docker.sock", "/etc/reclaimd/policies.d/"),
                                        (podman, "/run/podman/podman.sock",
                                         "/etc/reclaimd/podman/policies.d/")):
            self.assertEqual(self.summary(entries)["RECLAIMD_ENGINE_SOCKET"], socket)
            for entry in entries:
                if entry.get("MESSAGE_ID") == OBJECT_REMOVED:
                    self.assertTrue(entry["RECLAIMD_SOURCE"].startswith(folder), entry)
        locks = self.boot.run("ls /run/reclaimd/lock").stdout.split()
        states = self.boot.run("ls /var/lib/reclaimd").stdout.split()
        self.assertEqual((len(locks), len(states)), (2, 2), (locks, states))

    def test_neither_s_policies_reach_the_other(self):
        self.both("stays")
        self.write("policies.d/a.ini", EXITED.format("*"))
        self.assertIn("/etc/reclaimd/podman/policies.d", self.start(PODMAN_SERVICE)[0]["MESSAGE"])
        self.boot.run("mkdir /etc/reclaimd/podman/policies.d && "
                      "mv /etc/reclaimd/policies.d/a.ini /etc/reclaimd/podman/policies.d/")
        self.assertIn("no policy is active", self.start()[0]["MESSAGE"])
        self.assertEqual(self.docker.containers().keys(), {"stays"})
        self.assertEqual(self.podman.containers().keys(), {"stays"})

    def test_the_main_one_s_do_not_either_while_docker_is_gone(self):
        self.write("reclaimd.conf", "[engine]\nhost = unix:///run/docker.sock\n")
        self.write("policies.d/a.ini", EXITED.format("*"))
        self.exited(self.podman, "stays")
        self.boot.run("rm /run/docker.sock")
        self.boot.run(f"systemctl start {SERVICE}", check=False)
        self.assertEqual(self.state(SERVICE), ["failed"])
        self.assertEqual(self.podman.containers().keys(), {"stays"})

    def test_one_does_not_wait_for_the_other(self):
        for folder in ("policies.d", "podman/policies.d"):
            self.write(f"{folder}/a.ini", EXITED.format("*"))
        self.start()
        self.both("goes")
        self.boot.run("systemd-run -q --unit=holder flock /run/reclaimd/lock/*docker.sock.lock "
                      "sleep 100; until ! flock -n /run/reclaimd/lock/*docker.sock.lock true; "
                      "do sleep 0.05; done")
        self.addCleanup(self.boot.run, "systemctl stop holder.service")
        self.assertIn("another run", self.start()[0]["MESSAGE"])
        self.assertEqual(self.removed(self.start(PODMAN_SERVICE)), ["goes"])
        self.assertEqual(self.docker.containers().keys(), {"goes"})

    def test_a_watcher_each(self):
        for folder, unit in (("", WATCH), ("podman/", PODMAN_WATCH)):
            self.write(f"{folder}policies.d/a.ini", USED)
            instance = ["--instance", "podman"] if folder else []
            said = self.boot.run(["reclaimd", *instance, "check"]).stderr
            self.assertIn(f"systemctl enable --now {unit}", said)
        self.boot.run(["systemctl", "start", WATCH, PODMAN_WATCH])
        self.assertEqual(self.state(WATCH, PODMAN_WATCH), ["active"] * 2)
        for unit in (WATCH, PODMAN_WATCH):
            wait(lambda: "Watching the engine since" in
                 self.boot.run(["systemctl", "show", "-P", "StatusText", unit]).stdout)


class Asleep(HostTest):
    """What a socket starts ends again; what was stopped stays so."""

    def wait_until_asleep(self):
        wait(lambda: self.state("podman.service", "podman.socket") == ["inactive", "active"], 20)

    def test_podman_goes_back_to_sleep_after_a_run_and_after_a_plan(self):
        self.write("podman/reclaimd.conf", PODMAN_HOST)
        self.write("podman/policies.d/a.ini", EXITED.format("*"))
        self.exited(self.podman, "goes")
        self.wait_until_asleep()
        self.assertEqual(self.removed(self.start(PODMAN_SERVICE)), ["goes"])
        self.assertEqual(self.state("podman.service"), ["active"])
        self.wait_until_asleep()
        self.boot.run("reclaimd --instance podman plan")
        self.wait_until_asleep()

    def docker_units(self):
        """Docker's own, none of which runs."""
        self.boot.run("systemctl start docker.socket")
        self.assertEqual(self.state("docker.socket", "docker.service"), ["active", "inactive"])
        self.write("policies.d/a.ini", EXITED.format("goes"))
        return Client(self.boot.root / "run/docker.sock")

    def check_stopped(self):
        self.assertEqual(self.state("docker.socket", "docker.service"), ["active", "inactive"])

    def test_a_docker_that_is_stopped_stays_stopped(self):
        docker = self.docker_units()
        for _ in range(2):
            entries = self.start()
            self.assertEqual(["/run/docker.sock: engine is not running; not started"],
                             [entry["MESSAGE"] for entry in entries])
            self.check_stopped()
            for verb in ("plan", "run"):
                self.boot.run(["reclaimd", verb])
                self.check_stopped()
            # In between it runs, and is cleaned.
            self.boot.run("systemctl start docker.service")
            docker.import_root("base:1")
            docker.create("goes", "base:1")
            self.assertEqual(self.removed(self.start()), ["goes"])
            self.boot.run("systemctl stop docker.service")

    def test_nor_does_a_watcher_start_it_again(self):
        self.docker_units()
        status = ["systemctl", "show", "-P", "StatusText", WATCH]
        self.boot.run(["systemctl", "start", "docker.service", WATCH])
        wait(lambda: "Watching the engine since" in self.boot.run(status).stdout)
        self.boot.run("systemctl stop docker.service")
        wait(lambda: "engine is not running; not started" in self.boot.run(status).stdout)
        time.sleep(5)
        self.check_stopped()
        self.boot.run("systemctl start docker.service")
        wait(lambda: "Watching the engine since" in self.boot.run(status).stdout)


class OfAUser(HostTest):
    """An engine of a user who is not logged in."""

    @classmethod
    def start_engine(cls, name, socket, command, **options):
        cls.user = world.boot.add_user(name)
        world.boot.run(["loginctl", "enable-linger", name])
        cls.user.log_in()
        cls.user.run(command, **options)
        cls.socket = f"{cls.user.runtime}/{socket}"
        cls.client = Client(f"{world.boot.root}{cls.socket}")

    def setUp(self):
        super().setUp()
        self.forget()
        self.addCleanup(self.forget)
        for name in self.client.containers():
            self.client.request("DELETE", f"/containers/{name}", force=1)

    def forget(self):
        self.user.run("systemctl --user disable --now reclaimd.timer; systemctl --user stop 'reclaimd*.service'; "
                      "systemctl --user reset-failed; "
                      "rm -rf .config/reclaimd .config/systemd/user/reclaimd* .local/state/reclaimd "
                      '"$XDG_RUNTIME_DIR/reclaimd"; systemctl --user daemon-reload', check=False)

    def policy(self, text):
        self.user.write(".config/reclaimd/policies.d/a.ini", text)

    def run_by_the_timer_until(self, condition):
        """A run after the other, at once."""
        self.user.write(".config/systemd/user/reclaimd.timer.d/test.conf",
                        "[Timer]\nOnCalendar=\nRandomizedDelaySec=0\nAccuracySec=1ms\nOnActiveSec=1s\n"
                        "OnUnitInactiveSec=500ms\n")
        self.user.run("systemctl --user daemon-reload && systemctl --user enable --now reclaimd.timer")
        wait(condition)
        self.user.run("systemctl --user stop reclaimd.timer; "
                      "while systemctl --user is-active -q reclaimd; do sleep 0.1; done", check=False)

    def removed_by_the_unit(self):
        """The names of what the user's unit removed, each from the user's engine."""
        removed = [entry for entry in self.journal(f"_UID={self.user.uid}") if entry.get("MESSAGE_ID") == OBJECT_REMOVED]
        for entry in removed:
            self.assertEqual((entry["_SYSTEMD_USER_UNIT"], entry["RECLAIMD_ENGINE_SOCKET"]), (SERVICE, self.socket))
        return {entry["RECLAIMD_NAME"] for entry in removed}

    def state_file(self):
        return f"{self.user.home}/.local/state/reclaimd/{self.socket.strip('/').replace('/', '-')}.sqlite"

    def check_state(self):
        """One state and one lock, both the user's."""
        states = self.user.run('find / -xdev -name "*.sock.sqlite" 2>/dev/null; '
                               'find "$HOME" -name "*.sqlite" -path "*/reclaimd/*"', check=False).stdout
        self.assertEqual(states.split(), [self.state_file()])
        self.assertEqual(len(self.user.run('ls "$XDG_RUNTIME_DIR/reclaimd/lock"').stdout.split()), 1)
        self.assertEqual(self.boot.run("ls /var/lib/reclaimd", check=False).stdout, "")

    def wait_until_watched(self):
        wait(lambda: "Watching the engine since" in
             self.user.run("systemctl --user show -P StatusText reclaimd-watch").stdout)


class Rootless(OfAUser):
    """Podman."""

    @classmethod
    def setUpClass(cls):
        cls.start_engine("reclaimd-ci", "podman/podman.sock", "systemctl --user enable --now podman.socket")
        cls.client.import_root("base:1")

    def superseded(self):
        """An image that lost its name to a newer one."""
        old = self.client.import_root("app:1", extra_bytes=1)
        self.client.import_root("app:1", extra_bytes=2)
        return old

    def test_it_is_podman_s_own_of_a_user(self):
        info = json.loads(self.user.run("podman info --format json").stdout)
        self.assertTrue(info["host"]["security"]["rootless"])
        self.assertTrue(info["store"]["graphRoot"].startswith(self.user.home))

    def test_the_timer_cleans_it(self):
        self.policy(EXITED.format("*") + DANGLING)
        self.exited(self.client, "exited")
        self.client.run("failed", "base:1", ["false"])
        old = self.superseded()
        self.exited(self.podman, "of-the-system")
        self.run_by_the_timer_until(lambda: not self.client.containers() and old not in self.client.image_ids())
        self.assertLessEqual({"localhost/app:1", "localhost/base:1"},
                             {tag.replace("docker.io/library", "localhost") for tag in self.client.tags()})
        self.assertEqual(self.podman.containers().keys(), {"of-the-system"})

        self.assertLessEqual({"exited", "failed"}, self.removed_by_the_unit())
        shown = self.user.run("journalctl --user -u reclaimd -o cat").stdout
        self.assertIn("removed container exited", shown)

    def test_state_and_lock_are_the_user_s_and_a_shell_s_plan_sees_them(self):
        self.policy(DANGLING.replace("0s", "1h", 1))
        self.client.import_root("app:1", extra_bytes=1)
        self.user.run("systemctl --user start reclaimd.service")
        self.superseded()
        self.user.run("systemctl --user start reclaimd.service")
        self.check_state()
        before = self.user.run("md5sum .local/state/reclaimd/*").stdout
        self.assertRegex(self.user.run("reclaimd plan --all").stdout, "untagged.*was .*app:1")
        self.assertEqual(self.user.run("md5sum .local/state/reclaimd/*").stdout, before)

    def test_neither_it_nor_the_system_s_run_touches_the_other_s(self):
        self.docker_runs()
        self.write("podman/reclaimd.conf", PODMAN_HOST)
        for folder in ("policies.d", "podman/policies.d"):
            self.write(f"{folder}/a.ini", EXITED.format("*"))
        self.policy(EXITED.format("mine"))
        for client in (self.docker, self.podman, self.client):
            self.exited(client, "mine", "other")
        self.user.run("systemctl --user start reclaimd.service")
        self.assertEqual(self.client.containers().keys(), {"other"})
        self.assertEqual(self.podman.containers().keys(), {"mine", "other"})
        for unit in (SERVICE, PODMAN_SERVICE):
            self.start(unit)
        self.assertEqual(self.client.containers().keys(), {"other"})
        self.assertEqual((self.docker.containers(), self.podman.containers()), ({}, {}))

    def test_policies_and_settings_of_the_system_do_not_reach_it(self):
        self.write("policies.d/0.ini", EXITED.format("*"))
        self.write("reclaimd.conf.d/0.conf", "[engine]\nhost = unix:///run/docker.sock\n")
        self.write("reclaimd.conf", "[run]\nmode = observe\n")
        self.exited(self.client, "mine", "other")
        self.user.run("systemctl --user start reclaimd.service")
        self.policy(EXITED.format("mine"))
        self.user.run("systemctl --user start reclaimd.service")
        self.assertEqual(self.client.containers().keys(), {"other"})

    def test_a_run_of_the_user_s_does_not_touch_the_system_s_engine(self):
        self.exited(self.podman, "stays")
        self.boot.run(f"chown {self.user.name} /run/podman && chmod 700 /run/podman && "
                      "chmod 666 /run/podman/podman.sock")
        self.addCleanup(self.boot.run, "chown root /run/podman && chmod 660 /run/podman/podman.sock")
        self.policy(EXITED.format("*"))
        result = self.user.run("reclaimd --host unix:///run/podman/podman.sock run", check=False)
        self.assertIn("sudo", result.stderr)
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(self.podman.containers().keys(), {"stays"})

    def test_it_goes_back_to_sleep(self):
        self.policy(EXITED.format("*"))
        self.user.run("systemctl --user start reclaimd.service")
        wait(lambda: self.user.run("systemctl --user is-active podman.service podman.socket",
                                   check=False).stdout.split() == ["inactive", "active"], 20)

    def test_the_watcher_watches_it(self):
        self.policy(USED)
        said = self.user.run("reclaimd check").stderr
        self.user.run(re.search("systemctl --user enable .*", said)[0])
        self.addCleanup(self.user.run, "systemctl --user disable --now reclaimd-watch.service")
        self.wait_until_watched()
        self.assertEqual(self.user.run("reclaimd check").stderr, "")
        # As long as somebody listens to it, it does not sleep.
        time.sleep(8)
        self.assertEqual(self.user.run("systemctl --user is-active podman.service").stdout.strip(), "active")

    def test_its_units_are_as_closed_as_a_user_s_can_be(self):
        # What is missing to the system's half a point, only root can grant.
        for unit in ("reclaimd.service", "reclaimd-watch.service"):
            shown = self.user.run(f"systemd-analyze --user security --no-pager {unit}").stdout
            level = float(re.search(r"Overall exposure level.*: ([\d.]+)", shown)[1])
            self.assertLessEqual(level, 6.1, shown)

    def test_systemd_finds_nothing_to_complain_about(self):
        result = self.user.run("systemd-analyze --user verify /usr/lib/systemd/user/reclaimd*")
        self.assertEqual(result.stdout + result.stderr, "")
        enabled = self.user.run("systemctl --user is-enabled reclaimd.timer reclaimd-watch.service", check=False)
        self.assertEqual(enabled.stdout.split(), ["disabled"] * 2)


class RootlessDocker(OfAUser):
    """Docker."""

    @classmethod
    def setUpClass(cls):
        cls.start_engine("reclaimd-docker", "docker.sock",
                         "mkdir -p .config/systemd/user && cat >.config/systemd/user/docker.service && "
                         "systemctl --user daemon-reload && systemctl --user start docker.service",
                         text=DOCKER_OF_A_USER)
        wait(pathlib.Path(cls.client.socket_path).exists)
        cls.client.import_root("base:1")

    def names(self, kind):
        found = self.client.get(f"/{kind}")
        return {entry["Name"] for entry in (found["Volumes"] if kind == "volumes" else found)}

    def test_it_is_docker_s_own_of_a_user(self):
        info = self.client.get("/info")
        self.assertIn("name=rootless", info["SecurityOptions"])
        self.assertTrue(info["DockerRootDir"].startswith(self.user.home))

    def test_the_system_s_run_does_not_touch_it(self):
        self.docker_runs()
        self.write("policies.d/a.ini", EXITED.format("*"))
        for client in (self.docker, self.client):
            self.exited(client, "exited")
        self.start()
        self.assertEqual(self.docker.containers(), {})
        self.assertEqual(self.client.containers(), {"exited": "exited"})

    def test_the_timer_cleans_it(self):
        self.docker_runs()
        self.policy(EXITED.format("*") + DANGLING + UNUSED)
        self.exited(self.client, "exited")
        old = self.client.import_root("app:1", extra_bytes=10**7)
        self.client.import_root("app:1", extra_bytes=2)
        anonymous = self.client.json("POST", "/volumes/create", {})["Name"]
        for network in ("unused", "used"):
            self.client.json("POST", "/networks/create", {"Name": network})
        self.client.run_on("runs", "base:1", volumes=["used:/data"], host={"NetworkMode": "used"})
        self.client.json("POST", "/volumes/create", {"Name": "named"})
        self.exited(self.docker, "of-the-system")
        self.run_by_the_timer_until(lambda: old not in self.client.image_ids() and "unused" not in self.names("networks"))
        self.assertEqual(self.client.containers(), {"runs": "running"})
        self.assertEqual(self.client.tags(), {"app:1", "base:1"})
        self.assertEqual(self.names("volumes"), {"named", "used"})
        self.assertEqual(self.names("networks"), {"host", "none", "used"})
        self.assertEqual(self.docker.containers().keys(), {"of-the-system"})
        self.assertLessEqual({"exited", anonymous, "unused"}, self.removed_by_the_unit())
        self.check_state()
        measured = [int(entry["RECLAIMD_MEASURED"]) for entry in self.journal(f"_UID={self.user.uid}")
                    if entry.get("MESSAGE_ID") in RUN_ENDS]
        self.assertGreaterEqual(sum(measured), 10**7)

    def test_the_watcher_watches_it(self):
        self.user.run("systemctl --user start reclaimd-watch.service")
        self.wait_until_watched()
        self.user.run(f"test -s {self.state_file()}")

    def test_whose_its_files_are_root_can_tell(self):
        self.client.run("talks", "base:1", ["echo", "something"])
        looked = self.user.run("reclaimd where --json")
        rows = {row["kind"]: row["bytes"] for row in json.loads(looked.stdout)["rows"]}
        self.assertIsNone(rows["container"])
        self.assertGreater(rows["log"], 0)
        advised = re.search("sudo (reclaimd .*)", looked.stderr)[1]
        self.assertFalse(json.loads(self.boot.run(f"{advised} --json").stdout)["unknown"])
