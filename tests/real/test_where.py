"""The ledger of a real engine's file system: planted logs, an orphan and a deleted file held open are each in a
row of their own, and all rows together are what the file system says."""

import contextlib
import os
import pathlib
import subprocess
import time
import unittest

from harness import engines
from harness.client import EngineError
from harness.engines import Engine
from harness.program import Program

MB = 10**6
SIZE = 600 * MB
DAY = 24 * 3600


def each_with(store):
    """Wanted engines whose layers lie in overlay2, or elsewhere."""
    docker = ("d20", "d26", "d28")
    return [name for name in engines.wanted() if (name in docker) == (store == "overlay2") and name != "own"]


class Where(unittest.TestCase):
    @contextlib.contextmanager
    def place(self, name):
        with Engine(name, disk=SIZE) as engine:
            settings = f"[engine]\ndata-root = {engine.containerd_root}\n" if name == "d28c" else ""
            with Program(engine.socket, "", settings, wrap=engine.beside) as program:
                # Through a process that lives there: nothing here sees the mount.
                yield engine, program, pathlib.Path(f"/proc/{engine.leader}/root{engine.data}")

    def build_world(self, client):
        client.import_root("root:1")
        for number in (1, 2):
            client.build(f"app:{number}", f"FROM base:1\nCOPY data /{number}\n" if number == 2 else
                         "FROM root:1\nCOPY data /base\n", {"data": os.urandom(20 * MB)})
            if number == 1:
                client.request("POST", "/images/app:1/tag?repo=base&tag=1")

    def plant(self, path, size):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))

    def rows(self, program):
        outcome = program("where", "--json", timeout=300)
        self.assertEqual(outcome.status, 0, outcome)
        return outcome.json

    def of_kind(self, ledger, kind):
        return {row["name"]: row["bytes"] for row in ledger["rows"] if row["kind"] == kind}

    def assert_near(self, bytes_, wanted):
        self.assertLess(abs(bytes_ - wanted), 0.02 * wanted, (bytes_, wanted))

    def test_everything_in_its_row(self):
        with self.place("d20") as (engine, program, disk):
            client, docker = engine.client, disk / "docker"
            self.build_world(client)
            container = client.create("talker", "app:2")
            client.request("POST", "/volumes/create", {"Name": "data"})
            self.plant(docker / "containers" / container / f"{container}-json.log", 30 * MB)
            self.plant(docker / "containers" / container / f"{container}-json.log.1", 10 * MB)
            self.plant(docker / "volumes" / "data" / "_data" / "file", 15 * MB)
            self.plant(docker / "tmp" / "GetImageBlob123", 9 * MB)
            for name, age in (("a" * 64, DAY), ("b" * 64, 0)):
                self.plant(docker / "overlay2" / name / "diff" / "file", 12 * MB)
                os.utime(docker / "overlay2" / name, (time.time() - age,) * 2)
            self.plant(docker / "gone", 25 * MB)
            with self.holding(engine, docker / "gone", engine.data / "docker" / "gone"):
                os.sync()
                self.check(self.rows(program))
                table = program("where")
                self.assertIn('"max-size": "10m"', table.stdout)
                self.assertLess(len(table.stdout.splitlines()), 40, table)

    @contextlib.contextmanager
    def holding(self, engine, path, inside):
        """A process beside the engine has the file open, which is deleted then."""
        script = 'exec 3<"$0"; rm "$0"; exec sleep 300'
        holder = subprocess.Popen(engine.beside("sh", "-c", script, inside), stdin=subprocess.DEVNULL)
        try:
            while path.exists():
                time.sleep(0.05)
            yield
        finally:
            holder.kill()
            holder.wait()

    def check(self, ledger):
        used = ledger["filesystem"]["used"]
        self.assertFalse(ledger["unknown"], ledger)
        self.assertEqual(ledger["over"], 0)
        self.assert_near(self.of_kind(ledger, "log")["talker"], 40 * MB)
        self.assert_near(self.of_kind(ledger, "volume")["data"], 15 * MB)
        self.assert_near(self.of_kind(ledger, "unfinished")[None], 9 * MB)
        orphans = self.of_kind(ledger, "orphan")
        self.assertEqual(list(orphans), ["a" * 64])
        self.assert_near(orphans["a" * 64], 12 * MB)
        self.assertIn("b" * 64, self.of_kind(ledger, "not-attributed"))
        held = self.of_kind(ledger, "held-open")
        self.assertEqual(len(held), 1, held)
        self.assert_near(next(iter(held.values())), 25 * MB)
        images = {row["name"]: row for row in ledger["rows"] if row["kind"] == "image"}
        self.assert_near(images["app:2"]["bytes"], 20 * MB)
        self.assertGreater(images["app:2"]["shared"], 20 * MB)
        # Beside the engine's data there is only containerd's: next to nothing is left.
        self.assertLess(self.of_kind(ledger, "rest")[None], 0.02 * used, ledger)

    def test_a_deleted_file_that_a_container_holds_open(self):
        for name in each_with("overlay2"):
            with self.subTest(name), self.place(name) as (engine, program, _):
                client = engine.client
                client.import_root("root:1")
                script = "dd if=/dev/urandom of=/f bs=1M count=20; exec 3</f; rm /f; exec sleep 100000"
                client.run_on("holder", "root:1", command=("/bin/busybox", "sh", "-c", script))
                deadline = time.monotonic() + 30
                held = {}
                while not held and time.monotonic() < deadline:
                    time.sleep(0.5)
                    held = self.of_kind(self.rows(program), "held-open")
                self.assertEqual(len(held), 1, held)
                self.assert_near(next(iter(held.values())), 20 * 2**20)

    def test_what_buildkit_holds_is_no_orphan(self):
        for name in each_with("overlay2"):
            with self.subTest(name), self.place(name) as (engine, program, disk):
                client = engine.client
                client.import_root("root:1")
                for number in (1, 2):
                    client.build("app:1", f"FROM root:1\nCOPY data /data\nRUN echo {number} >/made\n",
                                 {"data": os.urandom(10 * MB)}, buildkit=True)
                for image in set(client.image_ids()):
                    with contextlib.suppress(EngineError):
                        client.request("DELETE", f"/images/{image}")
                # So old that nobody would wait for whose they are to be noted.
                for folder in (disk / "docker" / "overlay2").iterdir():
                    os.utime(folder, (time.time() - DAY,) * 2)
                ledger = self.rows(program)
                self.assertEqual(self.of_kind(ledger, "orphan"), {})
                self.assertEqual(self.of_kind(ledger, "not-attributed"), {})
                self.assertGreater(sum(self.of_kind(ledger, "build-cache").values()), 10 * MB)

    def test_where_files_do_not_tell(self):
        """Sizes are the engine's, and what nobody attributes is so called."""
        for name in each_with("other"):
            with self.subTest(name), self.place(name) as (engine, program, _):
                self.build_world(engine.client)
                engine.client.create("talker", "app:2")
                ledger = self.rows(program)
                self.assertFalse(ledger["walked"])
                images = {row["name"].rpartition("/")[2]: row for row in ledger["rows"] if row["kind"] == "image"}
                # Containerd keeps what does not pack well twice.
                copies = 2 if name in ("d28c", "dmain") else 1
                self.assert_near(images["app:2"]["bytes"], copies * 20 * MB)
                self.assertGreater(images["app:2"]["shared"], copies * 20 * MB)
                self.assertIn("rest", {row["kind"] for row in ledger["rows"]})
                self.assertRegex(program("where").stdout, r"not attributed .*logs, orphans")


if __name__ == "__main__":
    unittest.main()
