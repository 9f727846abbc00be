"""The Debian package on a new Debian machine: built there by a user with no right, installed with apt, upgraded,
removed and purged."""

import os
import re
import subprocess
import types
import unittest

from harness import roots
from harness.boot import Boot
from harness.engines import Engine
from harness.program import REPOSITORY

RELEASE = os.environ.get("RECLAIMD_TEST_RELEASE", "bookworm")
TIMER, SERVICE, WATCH = "reclaimd.timer", "reclaimd.service", "reclaimd-watch.service"
SECOND_TIMER, SECOND_WATCH = "reclaimd@podman.timer", "reclaimd-watch@podman.service"
EXITED = """
[containers exited]
state       = exited
keep-within = 0s
min-age     = 0s
"""
APT = "DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends"
PREPARE = f"""
set -e
cd /srv/reclaimd
{APT} build-dep ./
{APT} install build-essential lintian libpam-systemd dbus-user-session
"""
# The next version has another policy and a changed one.
NEXT = """
set -e
cd /srv
rm -rf next
dpkg-deb -R "$1" next
sed -i "s/^Version: .*/&+next/" next/DEBIAN/control
echo "# next" >>next/usr/share/reclaimd/policies/exited.ini
cp next/usr/share/reclaimd/policies/exited.ini next/usr/share/reclaimd/policies/next.ini
dpkg-deb --root-owner-group -b next "$2"
"""
CLEAN_UP = f"""
{APT} purge reclaimd
rm -rf /etc/systemd/system/reclaimd* /run/docker.sock
systemctl daemon-reload
systemctl reset-failed
"""

world = types.SimpleNamespace()


def setUpModule():
    world.engine = Engine("d20").start()
    unittest.addModuleCleanup(world.engine.stop)
    world.engine.client.import_root("base:1")
    world.boot = boot = Boot(base=roots.layers(f"machine-{RELEASE}")[0],
                             binds=[(world.engine.run, "/run/engine"),
                                    (world.engine.data_root, world.engine.data_root)],
                             unmasked=["systemd-logind.service"]).start()
    unittest.addModuleCleanup(boot.stop)
    boot.keep_journal()
    boot.prepare_apt()
    copy_sources(boot.root / "srv/reclaimd")
    boot.run(PREPARE, online=True, timeout=1200)
    world.user = boot.add_user("reclaimd-builder")
    boot.run(["cp", "-r", "/srv/reclaimd", world.user.home])
    boot.run(["chown", "-R", f"{world.user.name}:", f"{world.user.home}/reclaimd"])
    world.said = world.user.run("cd reclaimd && dpkg-buildpackage -us -uc -b 2>&1", timeout=1800).stdout
    boot.run(f"cp {world.user.home}/reclaimd_*.deb /srv/reclaimd.deb")
    boot.run(["sh", "-c", NEXT, "sh", "/srv/reclaimd.deb", "/srv/next.deb"])
    world.before = named_after_us()


def copy_sources(folder):
    """What is or would be committed, as it is now."""
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=REPOSITORY,
                           check=True, capture_output=True).stdout
    folder.mkdir()
    with subprocess.Popen(["tar", "-c", "--null", "-T", "-"], cwd=REPOSITORY, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as packer, \
            subprocess.Popen(["tar", "-x", "--no-same-owner", "-C", folder], stdin=packer.stdout):
        packer.stdin.write(names)
        packer.stdin.close()


def named_after_us():
    """What bears the program's name on the machine, but for what the tests put there, logs, and pages that man
    keeps once somebody read them."""
    found = world.boot.run("find /usr /lib /etc /var /run /home -xdev -name '*reclaimd*' "
                           "-not -path '/var/log/*' -not -path '/var/cache/man/*'")
    return {path for path in found.stdout.split() if not path.startswith((world.user.home, "/run/engine"))}


class Built(unittest.TestCase):
    def test_with_its_tests(self):
        tally = re.search(r"^(\d+) passed, (\d+) failed, \d+ skipped$", world.said, re.M)
        self.assertGreater(int(tally[1]), 800)
        self.assertEqual(int(tally[2]), 0)

    def test_without_a_warning_of_the_compiler(self):
        self.assertNotRegex(world.said, r"(?m)^\S+\.[ch]:\d+:\d+: warning")

    def test_lintian_has_no_complaint(self):
        result = world.user.run("lintian --fail-on error,warning --info reclaimd_*.changes", check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_it_leaves_no_files_in_the_sources(self):
        world.user.run("cd reclaimd && debian/rules clean")
        left = world.user.run(f"cd reclaimd && diff -rq /srv/reclaimd . | grep -v ': build$'", check=False).stdout
        self.assertEqual(left, "")

    def test_the_licence_is_there_whole(self):
        world.user.run("dpkg-deb -x reclaimd_*.deb unpacked")
        self.addCleanup(world.user.run, "rm -r unpacked")
        words = (REPOSITORY / "LICENSE").read_text().partition("Permission")[2].split()
        shipped = world.user.run("cat unpacked/usr/share/doc/reclaimd/copyright").stdout
        self.assertIn(words, [shipped.replace("\n .\n", "\n").partition("Permission")[2].split()])


class PackageTest(unittest.TestCase):
    """Each test has the machine as if the package had never been there."""

    def setUp(self):
        self.boot, self.client = world.boot, world.engine.client
        self.addCleanup(self.boot.run, CLEAN_UP)
        for name in self.client.containers():
            self.client.request("DELETE", f"/containers/{name}", force=1)

    def install(self, package="/srv/reclaimd.deb"):
        return self.boot.run(f"{APT} install {package}", online=True)

    def docker_runs(self):
        self.boot.run("ln -s /run/engine/docker.sock /run/docker.sock")

    def policy(self, text=EXITED):
        self.boot.write("/etc/reclaimd/policies.d/test.ini", text)

    def units(self, verb, *units):
        """What `systemctl is-active` or `is-enabled` says of each."""
        return self.boot.run(["systemctl", *verb.split(), *units], check=False).stdout.split()

    def pid(self, unit):
        return int(self.boot.run(["systemctl", "show", "-P", "MainPID", unit]).stdout)

    def instance(self):
        """A second one, for the same engine."""
        self.boot.write("/etc/reclaimd/podman/reclaimd.conf", "[engine]\nhost = unix:///run/engine/docker.sock\n")
        self.boot.write("/etc/reclaimd/podman/policies.d/test.ini", EXITED)

    def hold_a_run(self):
        """A run that takes long, under way."""
        self.boot.write(f"/etc/systemd/system/{SERVICE}.d/test.conf",
                        "[Service]\nExecStart=\nExecStart=sleep infinity\n")
        self.boot.run(f"systemctl daemon-reload; systemctl start --no-block {SERVICE}; "
                      f"until [ $(systemctl is-active {SERVICE}) = activating ]; do sleep 0.1; done")


class Installed(PackageTest):
    def test_on_a_machine_without_an_engine(self):
        said = self.install()
        version = self.boot.run("dpkg-query -W -f '${Version}' reclaimd").stdout
        self.assertEqual(self.boot.run("reclaimd --version").stdout.split()[:2], ["reclaimd", version])
        self.assertIn("no policy", self.boot.run("reclaimd check", check=False).stderr)
        self.assertEqual(self.boot.run("dpkg --verify reclaimd").stdout, "")
        self.assertNotIn("unable", said.stderr)
        self.boot.run(["systemctl", "start", SERVICE])
        self.assertEqual(self.boot.run("systemctl --failed --plain --no-legend").stdout, "")

    def test_only_the_timer_is_on(self):
        self.install()
        self.assertEqual(self.units("is-enabled", TIMER, SERVICE, WATCH), ["enabled", "static", "disabled"])
        self.assertEqual(self.units("is-active", TIMER, SERVICE, WATCH), ["active", "inactive", "inactive"])
        self.assertEqual(self.units("--global is-enabled", TIMER, WATCH), ["disabled", "disabled"])
        self.assertIn(SERVICE, self.boot.run("systemctl list-timers --no-legend").stdout)

    def test_what_is_in_it(self):
        self.install()
        units = self.boot.run("dpkg -L reclaimd | grep -E '/systemd/(system|user)/.'").stdout.split()
        self.assertEqual(len(units), 9)
        for manager in ("system", "user"):
            # An instance, of a template.
            names = [unit.replace("@.", "@podman.") for unit in units if f"/{manager}/" in unit]
            result = self.boot.run(["systemd-analyze", f"--{manager}", "verify", *names], check=False,
                                   XDG_RUNTIME_DIR="/run")
            self.assertEqual((result.returncode, result.stdout + result.stderr), (0, ""))
        self.boot.run("gzip -t /usr/share/man/man8/reclaimd.8.gz /usr/share/man/man5/reclaimd.conf.5.gz "
                      "/usr/share/doc/reclaimd/README.md.gz")
        shipped = {path.name for path in (REPOSITORY / "policies").glob("*.ini")}
        self.assertEqual(set(self.boot.run("ls /usr/share/reclaimd/policies").stdout.split()), shipped)
        for policy in shipped:
            self.boot.run(["reclaimd", "--policy", f"/usr/share/reclaimd/policies/{policy}", "check"])
        self.boot.run("cmp /usr/share/reclaimd/reclaimd.conf /srv/reclaimd/config/reclaimd.conf")
        # All that lies in /etc is the administrator's.
        self.assertEqual(self.boot.run("dpkg-query -W -f '${Conffiles}' reclaimd").stdout, "")
        self.assertEqual(self.boot.run("find /etc/reclaimd").stdout.split(),
                         ["/etc/reclaimd", "/etc/reclaimd/policies.d"])
        self.assertIn("reclaimd", self.boot.run("journalctl --list-catalog").stdout)

    def test_a_run(self):
        self.install()
        self.docker_runs()
        self.boot.run("ln -s /usr/share/reclaimd/policies/dangling.ini /etc/reclaimd/policies.d/")
        self.policy()
        self.client.run("goes", "base:1")
        self.client.create("stays", "base:1")
        self.assertIn("no mistake", self.boot.run("reclaimd check").stdout)
        self.boot.run(["systemctl", "start", SERVICE])
        self.assertEqual(self.client.containers().keys(), {"stays"})
        self.assertIn("removed 1 container", self.boot.run(["journalctl", "-u", SERVICE]).stdout)


class Upgraded(PackageTest):
    """To the next version, from one that somebody uses."""

    def setUp(self):
        super().setUp()
        self.install()
        self.docker_runs()

    def upgrade(self):
        self.install("/srv/next.deb")
        self.assertIn("+next", self.boot.run("dpkg-query -W -f '${Version}' reclaimd").stdout)
        self.boot.run("cmp /usr/share/reclaimd/policies/exited.ini /usr/share/reclaimd/policies/next.ini")

    def test_settings_state_and_links_stay(self):
        self.boot.run("ln -s /usr/share/reclaimd/policies/exited.ini /etc/reclaimd/policies.d/")
        self.boot.write("/etc/reclaimd/reclaimd.conf", "[run]\nmode = observe\n")
        self.boot.write("/etc/reclaimd/pinned.d/test.list", "base:1\n")
        self.instance()
        self.boot.run(["systemctl", "start", SERVICE])
        facts = "find /etc/reclaimd /var/lib/reclaimd -printf '%p %l %m %u %T@\\n' | sort; " \
                "sha256sum /etc/reclaimd/*.* /etc/reclaimd/*/* /var/lib/reclaimd/*.sqlite"
        before = self.boot.run(facts, check=False).stdout
        self.assertIn(".sqlite", before)
        self.upgrade()
        changed = self.boot.run(facts, check=False).stdout
        # The policy behind the link is the package's.
        self.assertEqual(*(re.sub(r"\w+  (?=/etc/reclaimd/policies.d/exited.ini)", "", text)
                           for text in (before, changed)))
        self.assertIn("observe", self.boot.run("reclaimd show-config").stdout)

    def test_the_timer_goes_on(self):
        self.upgrade()
        self.assertEqual(self.units("is-enabled", TIMER, WATCH), ["enabled", "disabled"])
        self.assertEqual(self.units("is-active", TIMER, WATCH), ["active", "inactive"])

    def test_a_timer_that_was_switched_off_stays_off(self):
        self.boot.run(["systemctl", "disable", "--now", TIMER])
        self.upgrade()
        self.assertEqual(self.units("is-enabled", TIMER), ["disabled"])
        self.assertEqual(self.units("is-active", TIMER), ["inactive"])

    def test_watchers_that_run_go_on_as_the_new_version(self):
        self.instance()
        self.boot.run("ln -s /usr/share/reclaimd/policies/exited.ini /etc/reclaimd/policies.d/")
        # The second one is started, not enabled, and watches alone: one watches an engine at a time.
        for watcher in (WATCH, SECOND_WATCH):
            self.boot.run(["systemctl", "start", watcher])
            before = self.pid(watcher)
            self.assertGreater(before, 0)
            self.install("--reinstall /srv/reclaimd.deb")
            self.assertEqual(self.units("is-active", watcher), ["active"])
            self.assertNotIn(self.pid(watcher), (0, before))
            self.boot.run(["systemctl", "stop", watcher])

    def test_a_run_that_is_under_way_is_not_ended(self):
        self.hold_a_run()
        before = self.pid(SERVICE)
        self.upgrade()
        self.assertEqual((self.units("is-active", SERVICE), self.pid(SERVICE)), (["activating"], before))


class Removed(PackageTest):
    def setUp(self):
        super().setUp()
        self.install()
        self.docker_runs()
        self.policy()
        self.instance()
        self.client.create("stays", "base:1")
        self.boot.run(["systemctl", "start", SERVICE])
        self.hold_a_run()
        self.boot.run(["systemctl", "enable", "--now", WATCH, SECOND_TIMER])
        self.boot.run(["systemctl", "enable", SECOND_WATCH])
        self.engine_s = self.engine_files()

    def engine_files(self):
        return self.boot.run(f"find {world.engine.data_root} /run/engine | sort").stdout

    def check_nothing_of_the_engine_s_went(self):
        self.assertEqual(self.client.containers().keys(), {"stays"})
        self.assertEqual(len(self.client.json("GET", "/images/json")), 1)
        self.assertEqual(self.engine_files(), self.engine_s)

    def test_settings_and_state_stay(self):
        self.boot.run(f"{APT} remove reclaimd")
        units = (TIMER, SECOND_TIMER, SERVICE, WATCH, SECOND_WATCH)
        self.assertEqual(self.units("is-active", *units), ["inactive"] * len(units))
        self.assertEqual(self.boot.run("dpkg -L reclaimd | grep -v -E '^/(etc|usr|lib|var|\\.)(/reclaimd)?$'",
                                       check=False).stdout.split(), ["/etc/reclaimd/policies.d"])
        self.boot.run("test -s /etc/reclaimd/policies.d/test.ini && test -s /etc/reclaimd/podman/reclaimd.conf && "
                      "ls /var/lib/reclaimd/*.sqlite && test ! -e /usr/bin/reclaimd && test ! -e /usr/share/reclaimd")
        self.check_nothing_of_the_engine_s_went()

    def test_a_timer_of_a_user_ends(self):
        world.user.log_in()
        self.addCleanup(self.boot.run, ["systemctl", "stop", f"user@{world.user.uid}.service"])
        world.user.run("systemctl --user daemon-reload && systemctl --user start reclaimd.timer")
        self.boot.run(f"{APT} remove reclaimd")
        self.assertEqual(world.user.run("systemctl --user is-active reclaimd.timer", check=False).stdout, "inactive\n")

    def test_what_comes_back_is_as_it_was(self):
        self.boot.run(["systemctl", "disable", TIMER])
        self.boot.run(f"{APT} remove reclaimd")
        self.install()
        self.assertEqual(self.units("is-enabled", TIMER, WATCH, SECOND_TIMER), ["disabled", "enabled", "enabled"])
        self.assertEqual(self.units("is-active", TIMER), ["inactive"])

    def test_purged_nothing_is_left(self):
        self.boot.run(f"rm -r /etc/systemd/system/{SERVICE}.d")
        self.boot.run(f"{APT} purge reclaimd")
        self.assertEqual(named_after_us(), world.before)
        self.assertEqual(self.boot.run("systemctl list-units --all --plain --no-legend 'reclaimd*'").stdout, "")
        self.check_nothing_of_the_engine_s_went()

    def test_purged_after_it_was_removed(self):
        self.boot.run(f"rm -r /etc/systemd/system/{SERVICE}.d")
        self.boot.run(f"{APT} remove reclaimd && {APT} purge reclaimd")
        self.assertEqual(named_after_us(), world.before)
        self.check_nothing_of_the_engine_s_went()


if __name__ == "__main__":
    unittest.main()
