"""Installed with `make install` into a booted systemd, against a real Docker Engine: timer, service,
sandbox, journal, and what an administrator sees when something is wrong."""

import json
import os
import pathlib
import re
import shutil
import stat
import tempfile
import time
import types
import unittest

from harness import journal
from harness.boot import Boot, make
from harness.engines import Engine
from harness.fake import Fake

NOTICE, INFO, WARNING, ERR = "5", "6", "4", "3"
OBJECT_REMOVED = "b2be74d1cee748438d7ced308353ef80"
RULE_REMOVED = "71a38f8c61ff40108aefc7340c588663"
RUN_REMOVED = "4ec9b96243484371adcce32e5bece293"
RUN_NOTHING = "3290cc5beff64e138bd95d1c9090ba20"
NO_RUN = "aeab93b2e2a94898b2a9bc1c5a399aa7"

SERVICE = "reclaimd.service"
WATCH = "reclaimd-watch.service"
EXITED = """
[containers exited]
state       = exited
keep-within = 0s
min-age     = 0s
"""
DANGLING = """
[images dangling]
dangling    = yes
keep-within = 0s
min-age     = 0s
"""
# Seconds in place of hours.
SHORT = {"24h": "1s", "7d": "1s", "4weeks": "1h"}

# Timers never fire by themselves; but what a timer refers to stays loaded, and keeps its result.
RESET = """
rm -rf /etc/reclaimd/* /var/lib/reclaimd /run/reclaimd /run/systemd/system/* /etc/systemd/system/reclaimd*
mkdir -p /etc/reclaimd/policies.d /etc/systemd/system/reclaimd.timer.d /etc/systemd/system/reclaimd.service.d
printf '[Unit]\\nStartLimitIntervalSec=0\\n' >/etc/systemd/system/reclaimd.service.d/often.conf
printf '[Timer]\\nOnCalendar=\\nPersistent=no\\nOnActiveSec=1d\\n' >/etc/systemd/system/reclaimd.timer.d/test.conf
systemctl daemon-reload
systemctl restart reclaimd.timer
"""
CLEAN_UP = """
systemctl stop 'reclaimd*.timer' 'reclaimd*.service' 'docker.*' 'podman.*'
systemctl reset-failed
"""
# One call for all that a start has to tell.
START = """
journalctl --sync
cursor=$(journalctl -n 1 --show-cursor -o cat | sed -n 's/^-- cursor: //p')
systemctl start "$1" >&2
status=$?
systemctl show -P Result "$1"
journalctl --sync
journalctl -u "$1" -o json --all --after-cursor="$cursor"
exit $status
"""

world = types.SimpleNamespace()


def named_after_us():
    """Files and folders of the booted system that bear our name; not those of this machine's builds."""
    found = world.boot.run("find /usr /etc /var/lib /var/log -xdev -name '*reclaimd*' "
                           "-not -path '/etc/systemd/system/*'")
    return set(found.stdout.split("\n")) - {""}


def setUpModule():
    make("all", "/none")
    world.engine = Engine("d20").start()
    unittest.addModuleCleanup(world.engine.stop)
    world.client = world.engine.client
    world.client.import_root("base:1")
    world.fake = Fake().start()
    unittest.addModuleCleanup(world.fake.close)
    world.boot = Boot(binds=[(world.engine.socket, "/run/docker.sock"),
                             (world.engine.run, "/run/engine"),
                             (world.engine.data_root, world.engine.data_root),
                             (world.fake.folder, "/run/fake")]).start()
    unittest.addModuleCleanup(world.boot.stop)
    world.before = named_after_us()
    make("install", world.boot.root)


class UnitTest(unittest.TestCase):
    """Each test starts as if freshly installed; engine and journal go on."""

    def setUp(self):
        self.boot, self.engine, self.client = world.boot, world.engine, world.client
        self.boot.run(RESET)
        self.addCleanup(self.boot.run, CLEAN_UP, check=False)
        for name in self.client.containers():
            self.client.request("DELETE", f"/containers/{name}", force=1)

    # What an administrator does

    def policy(self, text, name="test.ini", instance=""):
        self.boot.write(pathlib.Path("/etc/reclaimd") / instance / "policies.d" / name, text)

    def settings(self, text, instance=""):
        self.boot.write(pathlib.Path("/etc/reclaimd") / instance / "reclaimd.conf", text)

    def drop_in(self, text, unit=SERVICE, name="test.conf"):
        self.boot.write(f"/etc/systemd/system/{unit}.d/{name}", text)
        self.boot.run("systemctl daemon-reload")

    def timer(self, *lines, unit="reclaimd"):
        self.drop_in("\n".join(["[Timer]", "OnCalendar=", "Persistent=no", "RandomizedDelaySec=0",
                                "AccuracySec=1ms", *lines, ""]), f"{unit}.timer")
        self.boot.run(f"systemctl restart {unit}.timer")

    # What there is to see

    def entries(self, unit=SERVICE, after=None):
        self.boot.run("journalctl --sync")
        options = f"--after-cursor='{after}'" if after else ""
        return journal.decode(self.boot.run(f"journalctl -u {unit} -o json --all {options}").stdout)

    def cursor(self):
        shown = self.boot.run("journalctl --sync; journalctl -n 1 --show-cursor").stdout
        return shown.rsplit("-- cursor: ", 1)[1].strip()

    def show(self, *names, unit=SERVICE):
        shown = self.boot.run(["systemctl", "show", unit, "-p", ",".join(names)]).stdout
        return dict(line.split("=", 1) for line in shown.splitlines())

    def start(self, unit=SERVICE, ok=True):
        """Starts the service, waits for its end, gives what the program wrote to the journal."""
        result = self.boot.run(["sh", "-c", START, "sh", unit], check=False)
        unit_result, _, lines = result.stdout.partition("\n")
        entries = journal.decode(lines)
        said = "\n".join(entry["MESSAGE"] for entry in entries) + result.stderr
        self.assertEqual(result.returncode == 0, ok, said)
        self.assertEqual(unit_result == "success", ok, said)
        return [entry for entry in entries if entry["SYSLOG_IDENTIFIER"] == "reclaimd"]

    def summary(self, entries):
        found = [entry for entry in entries if entry.get("MESSAGE_ID") in (RUN_REMOVED, RUN_NOTHING)]
        self.assertEqual(len(found), 1, [entry["MESSAGE"] for entry in entries])
        return found[0]

    def check_failed(self, entries, status, *words):
        """A failed unit, and one line that says why."""
        shown = self.show("ActiveState", "ExecMainStatus")
        self.assertEqual(shown, {"ActiveState": "failed", "ExecMainStatus": str(status)})
        self.assertEqual(len(entries), 1, [entry["MESSAGE"] for entry in entries])
        self.assertEqual(entries[0]["PRIORITY"], ERR)
        for word in words:
            self.assertIn(word, entries[0]["MESSAGE"])
        status = self.boot.run(f"systemctl status {SERVICE}", check=False).stdout
        self.assertIn(entries[0]["MESSAGE"], status)

    def exited(self, *names, command=("true",), **options):
        for name in names:
            self.client.run(name, "base:1", command, **options)

    def rebuild(self, reference, number):
        """Each test's builds are its own: the engine's cache would give the same image again."""
        return self.client.build(reference, f"FROM base:1\nRUN echo {self.id()} {number} >/it\n")


class Installation(UnitTest):
    def test_nothing_is_enabled_and_nothing_goes_until_a_policy_is_linked(self):
        self.boot.run("rm -r /etc/systemd/system/reclaimd*; systemctl daemon-reload")
        enabled = self.boot.run("systemctl is-enabled reclaimd.timer", check=False).stdout
        self.assertEqual(enabled.strip(), "disabled")
        self.exited("stays")
        said = self.start()
        self.assertEqual(len(said), 1, said)
        self.assertIn("no policy is active", said[0]["MESSAGE"])
        command = re.search(r"ln -s \S+ \S+", said[0]["MESSAGE"])[0]
        self.assertIn("stays", self.client.containers())
        # What it says works.
        self.boot.run(command)
        self.assertIn("[containers exited]", self.boot.run("reclaimd show-config").stdout)

    def test_systemd_finds_nothing_to_complain_about(self):
        result = self.boot.run("systemd-analyze verify reclaimd.service reclaimd.timer "
                               "reclaimd@second.service reclaimd@second.timer "
                               "reclaimd-watch.service reclaimd-watch@second.service")
        self.assertEqual(result.stdout + result.stderr, "")

    def test_the_timer_is_hourly_spread_and_catches_up(self):
        for unit in ("reclaimd@second.timer", "reclaimd.timer"):
            if unit == "reclaimd.timer":
                self.boot.run("rm -r /etc/systemd/system/reclaimd.timer.d; systemctl daemon-reload")
            shown = self.show("TimersCalendar", "Persistent", "RandomizedDelayUSec",
                              "FixedRandomDelay", unit=unit)
            self.assertIn("OnCalendar=*-*-* *:00:00 ", shown["TimersCalendar"])
            self.assertEqual((shown["Persistent"], shown["RandomizedDelayUSec"],
                              shown["FixedRandomDelay"]), ("yes", "10min", "yes"))

    def test_at_boot_a_run_waits_for_what_starts_containers(self):
        """They look as old as the last shutdown."""
        self.policy(EXITED)
        self.exited("web", command=("sh", "-c", "[ -e /again ] && sleep 1000; touch /again"))
        self.boot.write("/run/systemd/system/starts-web.service", "[Service]\nType=oneshot\nExecStart=sh -c "
                        "'until [ -e /run/web-is-up ]; do sleep 0.1; done'\n")
        self.boot.write("/run/systemd/system/multi-user.target.d/web.conf", "[Unit]\nWants=starts-web.service\n"
                        "After=starts-web.service\n")
        self.addCleanup(self.boot.run, "systemctl stop starts-web.service multi-user.target; rm -f /run/web-is-up")
        self.boot.run("systemctl daemon-reload; systemctl start --no-block multi-user.target reclaimd.service")
        jobs = self.boot.run("systemctl list-jobs --no-legend --plain").stdout
        self.assertRegex(jobs, r"reclaimd\.service +start +waiting")
        self.client.start("web")
        self.boot.run("touch /run/web-is-up; systemctl start reclaimd.service")
        self.assertEqual(self.show("Result"), {"Result": "success"})
        self.assertEqual(self.client.containers(), {"web": "running"})

    def test_both_manual_pages_are_found(self):
        for page, section in (("reclaimd", "8"), ("reclaimd.conf", "5")):
            where = self.boot.run(f"man -w {section} {page}", check=False).stdout
            self.assertIn(f"/usr/share/man/man{section}/{page}.{section}", where)

    def test_the_journal_explains_entries_once_the_catalog_is_compiled(self):
        self.boot.run("journalctl --update-catalog")
        self.policy(EXITED)
        self.exited("explained")
        self.start()
        self.boot.run("journalctl --sync")
        shown = self.boot.run("journalctl -x -u reclaimd -n 20").stdout
        self.assertIn("Subject: Removed container explained", shown)

    def test_uninstall_leaves_settings_and_state_only(self):
        self.addCleanup(make, "install", self.boot.root)
        self.policy(EXITED)
        self.start()
        make("uninstall", self.boot.root)
        self.assertEqual(named_after_us() - world.before, {"/etc/reclaimd", "/var/lib/reclaimd"})
        self.assertIn("containers", self.boot.run("cat /etc/reclaimd/policies.d/test.ini").stdout)
        self.boot.run("ls /var/lib/reclaimd/*.sqlite")

    def test_units_start_the_program_where_it_is_though_it_was_built_for_another_place(self):
        root = pathlib.Path(tempfile.mkdtemp(prefix="rcl-install-"))
        self.addCleanup(shutil.rmtree, root)
        self.addCleanup(make, "all", "/none")
        make("install", root, prefix="/opt")
        services = [path for path in root.rglob("reclaimd*.service")]
        self.assertEqual(len(services), 6)
        for service in services:
            self.assertIn("ExecStart=/opt/bin/reclaimd", service.read_text())
        self.assertIn(b"/opt/share/reclaimd/policies", (root / "opt/bin/reclaimd").read_bytes())

    def test_into_an_empty_root_install_puts_what_uninstall_takes_away(self):
        root = pathlib.Path(tempfile.mkdtemp(prefix="rcl-install-"))
        self.addCleanup(shutil.rmtree, root)
        make("install", root)
        installed = {str(path.relative_to(root)): path.stat().st_mode
                     for path in root.rglob("*") if path.is_file()}
        self.assertTrue(installed.pop("usr/bin/reclaimd") & stat.S_IXOTH)
        self.assertLessEqual({"usr/share/reclaimd/policies/exited.ini",
                              "usr/share/reclaimd/policies/dangling.ini",
                              "usr/share/reclaimd/policies/superseded.ini",
                              "usr/share/man/man8/reclaimd.8"}, installed.keys())
        for name in (SERVICE, "reclaimd.timer", "reclaimd@.service", "reclaimd@.timer", WATCH,
                     "reclaimd-watch@.service"):
            self.assertTrue([path for path in installed if path.endswith("systemd/system/" + name)])
        for name in (SERVICE, "reclaimd.timer", WATCH):
            self.assertTrue([path for path in installed if path.endswith("systemd/user/" + name)])
        for name, mode in installed.items():
            self.assertEqual(stat.S_IMODE(mode), 0o644, name)
        make("uninstall", root)
        self.assertEqual([path for path in root.rglob("*") if path.is_file()], [])
        self.assertTrue((root / "etc/reclaimd/policies.d").is_dir())
        self.assertFalse((root / "usr/share/reclaimd").exists())


class Timer(UnitTest):
    def test_with_two_policies_linked_the_timer_fires_and_the_mess_goes(self):
        self.settings("[run]\nmin-age = 1s\n")
        for name in ("exited.ini", "dangling.ini"):
            text = self.boot.run(f"cat /usr/share/reclaimd/policies/{name}").stdout
            for long, short in SHORT.items():
                text = re.sub(rf"^(\S+ *= *){long}$", rf"\g<1>{short}", text, flags=re.M)
            self.boot.write(f"/srv/policies/{name}", text)
            self.boot.run(f"ln -s /srv/policies/{name} /etc/reclaimd/policies.d/")
        self.exited("done")
        self.exited("failed", command=["false"])
        self.exited("pet", labels={"manager": "distrobox"})
        self.client.run_on("running", "base:1")
        self.client.run_on("stopped", "base:1", restart="unless-stopped")
        self.client.stop("stopped")
        stay = {"pet", "running", "stopped"}
        cursor = self.cursor()
        self.timer("OnActiveSec=1s", "OnUnitInactiveSec=300ms")
        builds = []
        for number in range(3):
            builds.append(self.rebuild("app:1", number))
            seen = len(self.summaries(cursor))
            # The hourly run sees each build while it has its name.
            self.wait(lambda: len(self.summaries(cursor)) >= seen + 2)
        self.wait(lambda: self.client.containers().keys() == stay and
                  builds[0] not in self.client.image_ids())
        self.boot.run("systemctl stop reclaimd.timer; "
                      "while systemctl is-active -q reclaimd; do sleep 0.1; done", check=False)
        self.assertLessEqual({*builds[1:]}, self.client.image_ids())
        self.assertEqual(self.client.containers()["running"], "running")

        entries = self.entries(after=cursor)
        removed = {entry["RECLAIMD_ID"]: entry for entry in entries
                   if entry.get("MESSAGE_ID") == OBJECT_REMOVED}
        names = {entry["RECLAIMD_NAME"] for entry in removed.values()}
        self.assertLessEqual({"done", "failed"}, names)
        self.assertIn(builds[0], removed)
        self.assertFalse(stay & names)
        for summary in self.summaries(cursor):
            self.assertEqual(summary["RECLAIMD_TRIGGER"], "timer")
        sources = {pathlib.Path(entry["RECLAIMD_SOURCE"].rsplit(":", 1)[0]).name
                   for entry in removed.values()}
        self.assertEqual(sources, {"exited.ini", "dangling.ini"})

    def summaries(self, cursor):
        return [entry for entry in self.entries(after=cursor)
                if entry.get("MESSAGE_ID") in (RUN_REMOVED, RUN_NOTHING)]

    def wait(self, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline,
                            self.boot.run("journalctl -u reclaimd -n 30").stdout)
            time.sleep(0.1)

    def test_the_shipped_policies_take_nothing_that_is_fresh(self):
        self.boot.run("ln -s /usr/share/reclaimd/policies/*.ini /etc/reclaimd/policies.d/")
        self.exited("fresh")
        self.exited("fresh-failed", command=["false"])
        old = self.rebuild("fresh:1", 1)
        self.start()
        self.rebuild("fresh:1", 2)
        summary = self.summary(self.start())
        self.assertEqual(summary["PRIORITY"], INFO)
        self.assertEqual(self.client.containers().keys(), {"fresh", "fresh-failed"})
        self.assertIn(old, self.client.image_ids())

    def test_timers_are_what_install_sections_enable(self):
        self.boot.run("systemctl enable reclaimd.timer reclaimd@second.timer")
        self.addCleanup(self.boot.run, "systemctl disable reclaimd.timer reclaimd@second.timer")
        wanted = self.boot.run("ls /etc/systemd/system/timers.target.wants").stdout.split()
        self.assertLessEqual({"reclaimd.timer", "reclaimd@second.timer"}, {*wanted})


class Report(UnitTest):
    def test_the_unit_s_journal_and_status_read_well(self):
        self.policy(EXITED + DANGLING)
        self.exited("one", "two")
        self.rebuild("report:1", 1)
        self.start()
        self.exited("three")
        self.rebuild("report:1", 2)
        entries = self.start()
        self.assertEqual([entry["PRIORITY"] for entry in entries], [NOTICE] * len(entries))
        self.assertRegex(entries[0]["MESSAGE"], r"^removed container three \(0B\): exited")
        summary = self.summary(entries)
        self.assertIs(entries[-1], summary)
        self.assertEqual(len(entries), 3)
        self.assertRegex(summary["MESSAGE"],
                         r"^removed 1 container, 1 image; reclaimed .*B \(free: .*B → .*B.*\); kept \d+ ")
        self.assertEqual(summary["RECLAIMD_TRIGGER"], "manual")
        for entry in entries:
            self.assertEqual(entry["_SYSTEMD_UNIT"], SERVICE)
        # As people read it: what was sent once stands there once.
        text = self.boot.run(f"journalctl -u reclaimd -o cat "
                             f"RECLAIMD_RUN_ID={summary['RECLAIMD_RUN_ID']}").stdout.splitlines()
        self.assertEqual(text, [entry["MESSAGE"] for entry in entries])
        status = self.boot.run("systemctl status reclaimd", check=False).stdout
        self.assertIn(f'Status: "{summary["MESSAGE"]}"', status)
        self.assertEqual(status.count(entries[0]["MESSAGE"]), 1)

    def test_a_second_run_removes_nothing(self):
        self.policy(EXITED)
        self.exited("one")
        self.assertEqual(self.summary(self.start())["RECLAIMD_REMOVED_CONTAINERS"], "1")
        entries = self.start()
        self.assertEqual(len(entries), 1)
        self.assertEqual(entries[0]["MESSAGE_ID"], RUN_NOTHING)
        self.assertEqual(entries[0]["PRIORITY"], INFO)
        self.assertRegex(self.show("StatusText")["StatusText"], "^nothing to remove; kept")

    def test_observe_removes_nothing_and_says_what_would_go(self):
        self.policy(EXITED)
        self.settings("[run]\nmode = observe\n")
        self.exited("observed")
        summary = self.summary(self.start())
        self.assertEqual(summary["RECLAIMD_MODE"], "observe")
        self.assertRegex(summary["MESSAGE"], "^would remove 1 container; .*observe")
        self.assertEqual(self.client.containers(), {"observed": "exited"})
        self.assertIn("would remove", self.show("StatusText")["StatusText"])

    def test_the_brake_fails_the_unit_and_nothing_goes(self):
        self.policy(EXITED + "max-remove = 1\n")
        self.exited("one", "two")
        entries = self.start(ok=False)
        self.assertEqual(self.show("ExecMainStatus"), {"ExecMainStatus": "4"})
        self.assertEqual(entries[0]["PRIORITY"], WARNING)
        self.assertRegex(entries[0]["MESSAGE"], "^brake: 2 of 2 .*would go")
        self.assertEqual(self.client.containers().keys(), {"one", "two"})
        self.assertRegex(self.show("StatusText")["StatusText"], "^brake: ")

    def test_of_5000_containers_nothing_is_lost_to_the_rate_limit(self):
        fake = world.fake
        fake.image("base:1")
        for number in range(5000):
            fake.container(f"many-{number:04}", "base:1")
        self.settings("[engine]\nhost = unix:///run/fake/docker.sock\n")
        self.policy(EXITED)
        cursor = self.cursor()
        entries = self.start()
        self.assertEqual(len(fake.containers), 0)
        by_kind = [len([entry for entry in entries if entry.get("MESSAGE_ID") == kind])
                   for kind in (OBJECT_REMOVED, RULE_REMOVED, RUN_REMOVED)]
        self.assertEqual(by_kind, [1000, 1, 1])
        rule = next(entry for entry in entries if entry.get("MESSAGE_ID") == RULE_REMOVED)
        self.assertEqual(rule["RECLAIMD_REMOVED"], "4000")
        self.assertEqual(self.summary(entries)["RECLAIMD_REMOVED_CONTAINERS"], "5000")
        names = {entry["RECLAIMD_NAME"] for entry in entries if "RECLAIMD_NAME" in entry}
        self.assertEqual(len(names), 1000)
        suppressed = self.boot.run(f"journalctl -u systemd-journald --after-cursor='{cursor}' -o cat")
        self.assertNotIn("uppressed", suppressed.stdout)


class Sandbox(UnitTest):
    def test_its_exposure_is_at_most_half_a_point(self):
        for unit in (SERVICE, "reclaimd@second.service", WATCH, "reclaimd-watch@second.service"):
            shown = self.boot.run(f"systemd-analyze security --no-pager {unit}").stdout
            level = float(re.search(r"Overall exposure level.*: ([\d.]+)", shown)[1])
            self.assertLessEqual(level, 0.5, shown)

    def test_free_space_is_known_in_it(self):
        data = self.engine.data_root
        # A checkout may lie where the sandbox does not look: then the drop-in for such a data root.
        if any(data.is_relative_to(hidden) for hidden in ("/home", "/root", "/run/user")):
            self.drop_in("[Service]\nProtectHome=read-only\n")
        if any(data.is_relative_to(hidden) for hidden in ("/tmp", "/var/tmp")):
            self.drop_in("[Service]\nPrivateTmp=no\n")
        self.policy(EXITED)
        self.exited("one")
        summary = self.summary(self.start())
        free = os.statvfs(data)
        self.assertEqual(int(summary["RECLAIMD_FILESYSTEM_BYTES"]), free.f_blocks * free.f_frsize)
        self.assertAlmostEqual(int(summary["RECLAIMD_FREE_AFTER"]), free.f_bavail * free.f_frsize,
                               delta=2e9)

    def test_lock_and_state_are_written_and_everybody_may_read_the_state(self):
        self.policy(EXITED)
        self.start()
        locks = self.boot.run("ls /run/reclaimd/lock").stdout.split()
        self.assertEqual(len(locks), 1)
        folder = self.boot.run("stat -c '%a %U' /var/lib/reclaimd").stdout.strip()
        self.assertEqual(folder, "755 root")
        states = self.boot.run("ls /var/lib/reclaimd/*.sqlite").stdout.split()
        self.assertEqual(len(states), 1)
        self.boot.run(f"setpriv --reuid=nobody --regid=nogroup --clear-groups cat {states[0]}"
                      " >/dev/null")

    def test_everybody_s_plan_sees_what_the_timer_s_run_sees(self):
        self.policy(DANGLING.replace("0s", "1h", 1))
        self.rebuild("seen:1", 1)
        self.start()
        self.rebuild("seen:1", 2)
        self.start()
        mode = stat.S_IMODE(self.engine.socket.stat().st_mode)
        self.engine.socket.chmod(0o666)
        self.addCleanup(self.engine.socket.chmod, mode)
        before = self.boot.run("md5sum /var/lib/reclaimd/*").stdout
        shown = self.boot.run("env -u HOME setpriv --reuid=nobody --regid=nogroup "
                              "--clear-groups reclaimd plan --all")
        self.assertRegex(shown.stdout, r"untagged.*was seen:1")
        self.assertEqual(shown.stderr, "")
        self.assertEqual(self.boot.run("md5sum /var/lib/reclaimd/*").stdout, before)

    def test_a_lock_that_another_run_holds_is_no_failure(self):
        self.policy(EXITED)
        self.start()
        self.exited("waits")
        self.boot.run("flock /run/reclaimd/lock/*.lock sleep 60 >/dev/null 2>&1 & "
                      "until ! flock -n /run/reclaimd/lock/*.lock true; do sleep 0.05; done; "
                      "echo $! >/run/holder")
        self.addCleanup(self.boot.run, "pkill -P $(cat /run/holder); kill $(cat /run/holder)",
                        check=False)
        entries = self.start()
        self.assertEqual(self.show("ExecMainStatus"), {"ExecMainStatus": "75"})
        self.assertEqual(len(entries), 1)
        self.assertIn("another run", entries[0]["MESSAGE"])
        self.assertIn("waits", self.client.containers())


class Watch(UnitTest):
    USED = """
[images unused]
name        = *
dangling    = any
age-from    = used
keep-within = 30d
min-age     = 0s
max-remove  = 100%
"""

    def wait(self, condition, seconds=30):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, self.boot.run(f"systemctl status {WATCH}",
                                                                      check=False).stdout)
            time.sleep(0.1)

    def status(self):
        return self.show("StatusText", unit=WATCH)["StatusText"]

    def start_watch(self):
        self.boot.run(f"systemctl start {WATCH}")
        self.wait(lambda: "Watching the engine since" in self.status())

    def reason(self, name):
        shown = json.loads(self.boot.run("reclaimd plan --json --all").stdout)
        return next(entry["reason"] for entry in shown["objects"] if entry["name"] == name)

    def test_it_is_there_for_whoever_enables_it(self):
        shown = self.boot.run(f"systemctl is-enabled {WATCH}", check=False).stdout
        self.assertEqual(shown.strip(), "disabled")
        self.boot.run(f"systemctl enable {WATCH}")
        self.boot.run(f"systemctl disable {WATCH}")

    def test_a_job_that_came_and_went_is_known_to_a_shell_s_plan(self):
        self.policy(self.USED)
        self.assertIn("nothing watches the engine", self.boot.run("reclaimd check").stderr)
        self.start_watch()
        self.assertEqual(self.boot.run("reclaimd check").stderr, "")
        # What is used in the second in which it was first seen is as old as that.
        time.sleep(1.1)
        self.client.run("job", "base:1")
        self.client.request("DELETE", "/containers/job")
        self.wait(lambda: "last used" in self.reason("base:1"))
        self.boot.run(f"systemctl stop {WATCH}")
        shown = self.show("ActiveState", "Result", unit=WATCH)
        self.assertEqual(shown, {"ActiveState": "inactive", "Result": "success"})
        self.assertIn("last use unknown", self.reason("base:1"))

    def test_killed_it_comes_back_and_says_what_it_missed(self):
        self.drop_in("[Service]\nRestartSec=100ms\n", unit=WATCH)
        self.start_watch()
        cursor = self.cursor()
        self.boot.run(f"systemctl kill -s KILL {WATCH}")
        self.wait(lambda: self.show("NRestarts", unit=WATCH)["NRestarts"] == "1" and
                  "Watching the engine since" in self.status())
        said = "\n".join(entry["MESSAGE"] for entry in self.entries(WATCH, cursor))
        self.assertIn("nobody watched between", said)

    def test_a_second_one_is_no_failure(self):
        self.start_watch()
        self.boot.run("mkdir -p /etc/reclaimd/second")
        self.boot.run("systemctl start reclaimd-watch@second.service")
        self.wait(lambda: self.show("ActiveState", unit="reclaimd-watch@second.service") ==
                  {"ActiveState": "inactive"})
        failed = self.boot.run("systemctl is-failed reclaimd-watch@second.service", check=False)
        self.assertEqual(failed.stdout.strip(), "inactive")
        said = [entry["MESSAGE"] for entry in self.entries("reclaimd-watch@second.service")]
        self.assertIn("another reclaimd watches /run/docker.sock", said)

    def test_an_engine_that_is_not_there_is_waited_for(self):
        self.settings("[engine]\nhost = unix:///run/later.sock\n")
        self.boot.run(f"systemctl start {WATCH}")
        self.wait(lambda: "Waiting: " in self.status())
        self.boot.run("ln -s /run/docker.sock /run/later.sock")
        self.addCleanup(self.boot.run, "rm /run/later.sock")
        self.wait(lambda: "Watching the engine since" in self.status())

    def test_a_broken_setting_fails_it_once(self):
        self.settings("[engine]\nhosts = x\n")
        self.boot.run(f"systemctl start {WATCH}", check=False)
        self.wait(lambda: self.show("ActiveState", unit=WATCH) == {"ActiveState": "failed"})
        shown = self.show("NRestarts", "ExecMainStatus", unit=WATCH)
        self.assertEqual(shown, {"NRestarts": "0", "ExecMainStatus": "78"})


class Trouble(UnitTest):
    def test_a_wrong_socket_fails_the_unit_and_one_line_says_why(self):
        self.policy(EXITED)
        self.settings("[engine]\nhost = unix:///run/nowhere.sock\n")
        self.check_failed(self.start(ok=False), 69, "/run/nowhere.sock: no such socket")

    def test_a_broken_policy_fails_the_unit_and_one_line_says_why(self):
        self.policy("[containers x]\nstaet = exited\nkeep-within = 1h\n")
        self.exited("stays")
        self.check_failed(self.start(ok=False), 78, "/etc/reclaimd/policies.d/test.ini:2:", "staet")
        self.assertIn("stays", self.client.containers())

    def test_after_the_cause_is_gone_the_unit_is_well_again(self):
        self.policy("nonsense\n")
        self.start(ok=False)
        self.policy(EXITED)
        self.start()
        self.assertEqual(self.show("ActiveState"), {"ActiveState": "inactive"})


class Socket(UnitTest):
    """Which engine it speaks to, and that it starts none."""

    def setUp(self):
        super().setUp()
        self.policy(EXITED)
        self.exited("gone")

    def fake_units(self, name="docker"):
        """A socket unit like the engine's own; its service leads to the real engine."""
        self.boot.write(f"/run/systemd/system/{name}.socket",
                        f"[Socket]\nListenStream=/run/units/{name}.sock\nSocketMode=0660\n")
        self.boot.write(f"/run/systemd/system/{name}.service",
                        "[Service]\nExecStart=/lib/systemd/systemd-socket-proxyd /run/engine/docker.sock\n")
        self.boot.run(f"systemctl daemon-reload; systemctl start {name}.socket")
        self.addCleanup(self.boot.run, f"systemctl stop {name}.socket {name}.service")
        self.settings(f"[engine]\nhost = unix:///run/units/{name}.sock\n")

    def state(self, unit):
        return self.show("ActiveState", unit=unit)["ActiveState"]

    def check_not_started(self):
        entries = self.start()
        self.assertEqual(len(entries), 1)
        self.assertIn("engine is not running; not started", entries[0]["MESSAGE"])
        self.assertIn("/run/units/docker.sock", entries[0]["MESSAGE"])
        self.assertEqual(self.show("ExecMainStatus"), {"ExecMainStatus": "0"})
        self.assertEqual(self.state("docker.service"), "inactive")
        self.assertEqual(self.state("docker.socket"), "active")
        self.assertIn("gone", self.client.containers())

    def test_an_engine_that_is_not_running_is_not_started(self):
        self.fake_units()
        self.check_not_started()

    def test_nor_is_it_where_there_is_no_message_bus(self):
        self.fake_units()
        self.boot.run("systemctl stop dbus.socket dbus.service")
        self.addCleanup(self.boot.run, "systemctl start dbus.socket")
        self.check_not_started()

    def test_nor_does_a_shell_s_run_or_plan_start_it(self):
        self.fake_units()
        for verb in ("plan", "run"):
            result = self.boot.run(["reclaimd", verb])
            self.assertIn("engine is not running; not started", result.stdout + result.stderr)
            self.assertEqual(self.state("docker.service"), "inactive")

    def test_one_that_runs_behind_its_socket_unit_is_used(self):
        self.fake_units()
        self.boot.run("systemctl start docker.service")
        self.assertEqual(self.summary(self.start())["RECLAIMD_REMOVED_CONTAINERS"], "1")

    def test_podman_is_there_to_be_asked(self):
        self.fake_units("podman")
        self.assertEqual(self.state("podman.service"), "inactive")
        self.assertEqual(self.summary(self.start())["RECLAIMD_REMOVED_CONTAINERS"], "1")

    def test_a_drop_in_changes_the_socket(self):
        self.drop_in("[Service]\nEnvironment=DOCKER_HOST=unix:///run/engine/docker.sock\n")
        entry = self.summary(self.start())
        self.assertEqual(entry["RECLAIMD_ENGINE_SOCKET"], "/run/engine/docker.sock")
        self.assertNotIn("gone", self.client.containers())

    def test_the_settings_change_the_socket_and_count_more_than_the_environment(self):
        self.drop_in("[Service]\nEnvironment=DOCKER_HOST=unix:///run/nowhere.sock\n")
        self.settings("[engine]\nhost = unix:///run/engine/docker.sock\n")
        entry = self.summary(self.start())
        self.assertEqual(entry["RECLAIMD_ENGINE_SOCKET"], "/run/engine/docker.sock")
        self.assertNotIn("gone", self.client.containers())


class Instance(UnitTest):
    unit = "reclaimd@second.service"

    def setUp(self):
        super().setUp()
        self.timer("OnActiveSec=1d", unit="reclaimd@second")

    def test_it_reads_its_own_settings_and_policies_only(self):
        # Each would fail the run if it were read.
        self.policy("[nonsense\n", name="broken.ini")
        self.settings("[nonsense]\n")
        self.policy(EXITED + "name = mine-*\n", instance="second")
        self.settings("[engine]\nhost = unix:///run/engine/docker.sock\n", instance="second")
        self.exited("mine-1", "other")
        summary = self.summary(self.start(self.unit))
        self.assertEqual(summary["RECLAIMD_ENGINE_SOCKET"], "/run/engine/docker.sock")
        self.assertEqual(self.client.containers().keys(), {"other"})

    def test_one_that_has_no_folder_fails_and_one_line_says_so(self):
        self.policy(EXITED)
        self.exited("stays")
        entries = self.start(self.unit, ok=False)
        self.assertEqual(len(entries), 1)
        self.assertIn("/etc/reclaimd/second", entries[0]["MESSAGE"])
        self.assertIn("stays", self.client.containers())

    def test_the_main_one_s_policies_do_not_reach_it(self):
        self.policy(EXITED)
        self.settings("", instance="second")
        self.exited("stays")
        entries = self.start(self.unit)
        self.assertEqual(len(entries), 1)
        self.assertIn("no policy is active", entries[0]["MESSAGE"])
        self.assertIn("/etc/reclaimd/second/policies.d", entries[0]["MESSAGE"])
        self.assertIn("stays", self.client.containers())

    def test_its_policies_do_not_reach_the_main_one(self):
        self.policy(EXITED, instance="second")
        self.exited("stays")
        self.assertIn("no policy is active", self.start()[0]["MESSAGE"])
        self.assertIn("stays", self.client.containers())

    def test_on_the_same_engine_it_takes_turns_with_the_main_one(self):
        self.policy(EXITED)
        self.start()
        self.policy(EXITED, instance="second")
        self.start(self.unit)
        self.assertEqual(len(self.boot.run("ls /run/reclaimd/lock").stdout.split()), 1)
        self.assertEqual(len(self.boot.run("ls /var/lib/reclaimd").stdout.split()), 1)
