"""A small client of the Docker Engine API over a unix socket."""

import http.client
import io
import json
import socket
import tarfile
import time
import urllib.parse

SHELL = "/bin/busybox"


class EngineError(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status = status


class _Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Client:
    """Speaks to the engine at `socket_path`; every call raises EngineError on a status of 400 and up."""

    def __init__(self, socket_path, version="1.41"):
        self.socket_path = str(socket_path)
        self.prefix = f"/v{version}"
        self.built = {}  # when, by reference

    def request(self, method, path, body=None, headers=None, timeout=120, **query):
        connection = _Connection(self.socket_path, timeout)
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if query:
            path += "?" + urllib.parse.urlencode(query)
        try:
            connection.request(method, self.prefix + path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise EngineError(answer.status, data.decode(errors="replace"))
        return data

    def json(self, method, path, body=None, **query):
        data = self.request(method, path, body, **query)
        return json.loads(data) if data else None

    def get(self, path, **query):
        return self.json("GET", path, **query)

    def events(self, since, **filters):
        """What the engine tells and told from then on, one after the other, without end."""
        connection = _Connection(self.socket_path, 60)
        query = urllib.parse.urlencode({"since": int(since),
                                        "filters": json.dumps(filters, separators=(",", ":"))})
        try:
            connection.request("GET", f"{self.prefix}/events?{query}")
            for line in connection.getresponse():
                yield json.loads(line)
        finally:
            connection.close()

    # Images

    def import_root(self, reference, extra_bytes=0, labels=None):
        """Imports a root with a static busybox, and a file of extra_bytes, as `reference`."""
        changes = [f'LABEL "{key}"="{value}"' for key, value in (labels or {}).items()]
        # Podman 4 takes no notice of a tag that is given apart.
        query = [("fromSrc", "-"), ("repo", reference)]
        query += [("changes", change) for change in changes]
        self.request("POST", "/images/create?" + urllib.parse.urlencode(query),
                     busybox_root(extra_bytes), {"Content-Type": "application/x-tar"})
        return self.image_id(reference)

    def build(self, reference, dockerfile, files=None, buildkit=False, labels=None):
        """Builds from a Dockerfile (text) and files (name to bytes); returns the image's ID. Builds of one name
        are a second apart: engines tell times in seconds, and nobody could tell which is the newer one."""
        last = self.built.get(reference)
        time.sleep(max(0, last + 1.1 - time.monotonic()) if last else 0)
        context = tar_of({"Dockerfile": dockerfile.encode(), **(files or {})})
        query = {"t": reference, "version": 2 if buildkit else 1}
        if buildkit:
            query["networkmode"] = "none"
        if labels:
            query["labels"] = json.dumps(labels)
        answer = self.request("POST", "/build?" + urllib.parse.urlencode(query), context,
                              {"Content-Type": "application/x-tar"})
        for line in answer.splitlines():
            if b'"error"' in line:
                raise EngineError(500, line.decode())
        self.built[reference] = time.monotonic()
        return self.image_id(reference)

    def image_id(self, reference):
        return self.get(f"/images/{reference}/json")["Id"]

    def image_ids(self):
        return {image["Id"] for image in self.get("/images/json", all=1)}

    def tags(self):
        return {tag for image in self.get("/images/json")
                for tag in image["RepoTags"] or [] if not tag.startswith("<none>")}

    def tag(self, source, reference):
        repository, tag = reference.rsplit(":", 1)
        self.request("POST", f"/images/{source}/tag", repo=repository, tag=tag)

    def load(self, archive):
        """An archive as `docker save` writes it."""
        self.request("POST", "/images/load", archive, {"Content-Type": "application/x-tar"})

    def pull(self, reference):
        """By tag or by digest, from a registry that speaks plain HTTP on a loopback address."""
        answer = self.request("POST", "/images/create", fromImage=reference)
        for line in answer.splitlines():
            if b'"error"' in line:
                raise EngineError(500, line.decode())
        return self.image_id(reference)

    def untag(self, reference):
        self.request("DELETE", f"/images/{reference}", noprune=1)

    # Containers

    def create(self, name, image, command=("true",), labels=None, restart=None, volumes=None,
               host=None):
        """host: more of its HostConfig."""
        config = {"Image": image, "Cmd": list(command), "Labels": labels or {},
                  "HostConfig": {"NetworkMode": "none", **(host or {})}}
        if restart:
            config["HostConfig"]["RestartPolicy"] = {"Name": restart}
        if volumes:
            config["HostConfig"]["Binds"] = volumes
        return self.json("POST", "/containers/create?name=" + name, config)["Id"]

    def start(self, container):
        self.request("POST", f"/containers/{container}/start")

    def wait(self, container):
        return self.json("POST", f"/containers/{container}/wait")["StatusCode"]

    def run(self, name, image, command=("true",), **options):
        """Creates, starts and waits for the end."""
        container = self.create(name, image, command, **options)
        self.start(container)
        self.wait(container)
        return container

    def run_on(self, name, image, command=("sleep", "100000"), **options):
        """Creates and starts something that keeps running."""
        container = self.create(name, image, command, **options)
        self.start(container)
        return container

    def stop(self, container):
        self.request("POST", f"/containers/{container}/stop", t=0)

    def kill(self, container):
        self.request("POST", f"/containers/{container}/kill")
        return self.wait(container)

    def pause(self, container):
        self.request("POST", f"/containers/{container}/pause")

    def containers(self):
        """Every container's first name to its state. One that Podman did not clean up after it ended it lists as
        "stopped", for ever."""
        return {entry["Names"][0].lstrip("/"): entry["State"].replace("stopped", "exited")
                for entry in self.get("/containers/json", all=1)}


def tar_of(files, links=()):
    """A tar archive of files (name to bytes) and symbolic links (name, target)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o755
            tar.addfile(info, io.BytesIO(data))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type = tarfile.SYMTYPE
            info.linkname = target
            tar.addfile(info)
    return buffer.getvalue()


def busybox_root(extra_bytes=0):
    with open(SHELL, "rb") as file:
        busybox = file.read()
    files = {"bin/busybox": busybox}
    if extra_bytes:
        files["data"] = b"\xa5" * extra_bytes
    names = ("sh", "true", "false", "sleep", "echo", "cat", "touch", "mkdir", "dd")
    return tar_of(files, [(f"bin/{name}", "busybox") for name in names])
