"""Quadlet files: what they name is what Podman's own generator makes of them, and it stays while their units
are stopped."""

import os
import pathlib
import re
import shlex
import subprocess
import unittest

from harness import engines
from harness.program import Outcome, Program

BUILD = pathlib.Path(os.environ.get("RECLAIMD_BUILD", pathlib.Path(__file__).parents[2] / "build"))
GENERATOR = "/usr/lib/systemd/system-generators/podman-system-generator"

FILES = {
    "etc/containers/systemd/web.container": """
        [Unit]
        Description=Web
        [Container]
        Image=quay.io/example/web
        Volume=data.volume:/data:Z
        Volume=plain:/plain
        Volume=/srv/web:/srv
        Volume=/anonymous
        Volume=%h/web:/home
        Network=front.network:ip=10.0.0.9
        Network=by-hand
        Mount=type=volume,source=named.volume,destination=/named
        Mount=type=image,source=files.image,destination=/files
        PodmanArgs=--volume args:/args \\
            --network=args
        """,
    "etc/containers/systemd/web.container.d/10-volume.conf": "[Container]\nVolume=drop-in:/drop-in\n",
    "etc/containers/systemd/container.d/all.conf": "[Container]\nVolume=all:/all\n",
    "etc/containers/systemd/built.container": """
        [Container]
        Image=app.build
        Pod=group.pod
        """,
    "etc/containers/systemd/fetched.container": """
        [Container]
        Image=\\
        # between
        files.image
        Volume=gone:/gone
        Volume=
        Volume=kept:/kept
        """,
    "etc/containers/systemd/job@.container": """
        [Container]
        Image=quay.io/example/job:%i
        Volume=job-%i:/data
        Volume=store@.volume:/store
        """,
    "etc/containers/systemd/sub/data.volume": "[Volume]\n",
    "etc/containers/systemd/named.volume": "[Volume]\nVolumeName=other-name\n",
    "etc/containers/systemd/store@.volume": "[Volume]\n",
    "etc/containers/systemd/from-image.volume": "[Volume]\nDriver=image\nImage=quay.io/example/in-volume:1\n",
    "usr/share/containers/systemd/front.network": "[Network]\n",
    "usr/share/containers/systemd/back.network": "[Network]\nNetworkName=\"behind\"\n",
    "etc/containers/systemd/files.image": "[Image]\nImage=quay.io/example/files:2\nImageTag=localhost/files:mine\n",
    "etc/containers/systemd/app.build": """
        [Build]
        ImageTag=localhost/app:7
        File=/srv/Containerfile
        SetWorkingDirectory=unit
        Volume=cache:/cache
        Network=build-net
        """,
    "etc/containers/systemd/group.pod": "[Pod]\nVolume=data.volume:/data\nNetwork=back.network\n",
    "etc/containers/systemd/set.kube": "[Kube]\nYaml=set.yml\nNetwork=kube-net\n",
    "etc/containers/systemd/set.yml": """
        apiVersion: v1
        kind: Pod
        metadata: {name: set}
        spec:
          containers:
          - name: one
            image: quay.io/example/one:1
          volumes:
          - name: files
            persistentVolumeClaim:
              claimName: set-claim
        """,
}

OPTIONS = {"-v": "volume", "--volume": "volume", "--network": "network", "--mount": "mount", "--tag": "image"}
LAST = {("run",): "image", ("image", "pull"): "image", ("volume", "create"): "volume",
        ("network", "create"): "network"}


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(re.sub(r"^ {8}", "", text, flags=re.M))


def named_by(arguments):
    """(kind, value) of all that a command line of podman names."""
    for words, kind in LAST.items():
        if tuple(arguments[1:1 + len(words)]) == words:
            yield kind, arguments[-1]
    for option, value in zip(arguments, arguments[1:] + [""]):
        option, equals, attached = option.partition("=")
        if option in OPTIONS:
            yield OPTIONS[option], attached if equals else value
        if option == "--opt" and value.startswith("image="):
            yield "image", value.removeprefix("image=")


def names_in(units):
    """The lines "KIND NAME" for what the generated units run."""
    for command in re.findall(r"^Exec\w+=(.*)$", units, re.M):
        for kind, value in named_by(shlex.split(command)):
            if kind == "mount":
                fields = dict(field.partition("=")[::2] for field in value.split(","))
                kind, value = fields["type"], fields.get("source", "")
            elif kind == "volume":
                value = value.split(":")[0] if ":" in value or "create" in command else ""
            elif kind == "network":
                value = value.split(":")[0]
            if kind not in ("image", "volume", "network") or not value or value[0] in "/%":
                continue
            value = value.replace("%i", "instance")
            if kind == "image" and ":" not in value:
                value += ":latest"
            yield f"{kind} {value}"


def look_up(root, names):
    """Where each of the names is found by the program's own reader, "-" if it is not."""
    result = subprocess.run([BUILD / "tests/unit/test_quadlet"], input="\n".join(names), text=True, check=True,
                            capture_output=True, env={**os.environ, "RECLAIMD_QUADLET_ROOT": str(root)})
    return {" ".join(line.split()[:2]): line.split()[2] for line in result.stdout.splitlines()}


NAMES = {"image quay.io/example/web:latest", "image localhost/files:mine", "image localhost/app:7",
         "image quay.io/example/in-volume:1", "volume systemd-data", "volume other-name", "volume kept",
         "volume drop-in", "volume systemd-from-image", "network systemd-front", "network behind",
         "network args"}


class BesideTheGenerator(unittest.TestCase):
    """All that Podman's generator makes of the files is found; Podman 4.3 has none."""

    def assert_found(self, root, names):
        found = look_up(root, sorted(names))
        self.assertEqual(set(found), names)
        self.assertFalse([name for name, where in found.items() if where == "-"])

    def generate(self, engine):
        engine.inside("cp", "-r", f"{engine.run}/root/.", "/", check=True)
        return engine.inside("sh", "-c", f"{GENERATOR} -dryrun 2>&1", check=True).stdout

    def test_every_name_is_found(self):
        for name in engines.wanted():
            if not name.startswith("p"):
                continue
            with self.subTest(name), engines.Engine(name) as engine:
                write(engine.run / "root", FILES)
                self.assert_found(engine.run / "root", NAMES | {"image quay.io/example/one:1",
                                                                "volume set-claim"})
                if name == "p43":
                    continue
                units = self.generate(engine)
                self.assertEqual(units.count("ExecStart="),
                                 sum(not path.endswith((".conf", ".yml")) for path in FILES), units)
                names = set(names_in(units))
                self.assertLessEqual(NAMES, names)
                self.assert_found(engine.run / "root", names)


POLICY = """
[images all]
name        = *
dangling    = any
keep-within = 0s
min-age     = 0s
max-remove  = 100%

[volumes all]
name        = *
keep-within = 0s
min-age     = 0s

[networks all]
name        = *
keep-within = 0s
min-age     = 0s
"""

# /etc with more files in it, for one command.
WITH_ETC = """
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work overlay /etc
cp -r "$1/etc/." /etc
shift
exec "$@"
"""


class Stopped(unittest.TestCase):
    """An image that only the file of a stopped unit names."""

    def call(self, program, *arguments):
        return Outcome(subprocess.run(
            ["unshare", "--mount", "sh", "-c", WITH_ETC, "sh", program.folder, *program.command(*arguments)],
            env=program.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=120))

    def setting(self, name):
        engine = self.enterContext(engines.Engine(name))
        for image in ("quay.io/example/wanted:1", "quay.io/example/idle:1"):
            engine.client.import_root(image)
        for volume in ("systemd-wanted", "systemd-idle"):
            engine.client.json("POST", "/volumes/create", {"Name": volume})
        program = self.enterContext(Program(engine.socket, POLICY))
        write(program.folder, {
            "etc/containers/systemd/wanted.container": "[Container]\nImage=quay.io/example/wanted:1\n",
            "etc/containers/systemd/wanted.volume": "[Volume]\n",
            "etc/containers/systemd/wanted.network": "[Network]\nNetworkName=wanted-net\n"})
        return engine, program

    def test_stays_with_podman(self):
        for name in engines.wanted():
            if not name.startswith("p"):
                continue
            with self.subTest(name):
                engine, program = self.setting(name)
                # Podman 6 has its networks made by a program that does not run in the root of a test.
                made = {"wanted-net", "idle-net"} if name != "p61" else set()
                for network in made:
                    engine.client.json("POST", "/networks/create", {"Name": network})
                where = "/etc/containers/systemd/wanted.container:2"
                plan = self.call(program, "plan", "--json")
                self.assertEqual(plan.goes(), {"quay.io/example/idle:1"} | made & {"idle-net"}, plan)
                self.assertEqual(plan.verdict("quay.io/example/wanted:1")["reason"], f"pinned by {where}")
                self.assertEqual(plan.verdict("systemd-wanted")["reason"],
                                 "pinned by /etc/containers/systemd/wanted.volume")
                self.assertNotIn("pinned", plan.verdict("systemd-idle")["reason"])
                if made:
                    self.assertEqual(plan.verdict("wanted-net")["reason"],
                                     "pinned by /etc/containers/systemd/wanted.network:2")
                explained = self.call(program, "explain", "quay.io/example/wanted:1")
                self.assertIn(where, explained.stdout)

                write(program.folder, {"etc/containers/systemd/broken.kube": "[Kube]\nYaml=gone.yml\n"})
                broken = self.call(program, "run")
                self.assertEqual(broken.status, 0, broken)
                self.assertIn("/etc/containers/systemd/broken.kube:2: ", broken.stderr)
                self.assertIn("no image, volume or network goes", broken.stderr)
                # It was not the engine that did not tell.
                self.assertRegex(broken.stdout, r"kept \d+ \(.*not known \d+")
                self.assertEqual(len(engine.client.tags()), 2)

                (program.folder / "etc/containers/systemd/broken.kube").unlink()
                self.assertEqual(self.call(program, "run").status, 0)
                self.assertEqual(engine.client.tags(), {"quay.io/example/wanted:1"})
                networks = {network["Name"] for network in engine.client.get("/networks")}
                self.assertEqual(networks & {"wanted-net", "idle-net"}, made & {"wanted-net"})

    def test_stays_for_the_user_who_has_the_socket(self):
        name = next((name for name in engines.wanted() if name.startswith("p")), None)
        if not name:
            self.skipTest("no Podman is wanted")
        engine, program = self.setting(name)
        for user, file in ((1234, "users/1234/idle.container"), (1234, "users/all/idle.container"),
                           (0, "users/idle.container")):
            os.chown(engine.socket, user, user)
            write(program.folder, {f"etc/containers/systemd/{file}":
                                   "[Container]\nImage=quay.io/example/idle:1\n"})
            plan = self.call(program, "plan", "--json")
            with self.subTest(file):
                # Podman says that it is no user's.
                self.assertIn("pinned by", plan.verdict("quay.io/example/wanted:1")["reason"])
                reason = plan.verdict("quay.io/example/idle:1")["reason"]
                if user:
                    self.assertEqual(reason, f"pinned by /etc/containers/systemd/{file}:2")
                else:
                    self.assertNotIn("pinned", reason)
            (program.folder / "etc/containers/systemd" / file).unlink()

    def test_is_nothing_to_docker(self):
        if "d20" not in engines.wanted():
            self.skipTest("d20 is not wanted")
        engine, program = self.setting("d20")
        self.assertEqual(self.call(program, "run").status, 0)
        self.assertFalse(engine.client.tags())
