"""A fake engine: answers as Docker 20.10 (API 1.41) does, from a world in memory.

    with Fake() as fake:
        base = fake.image("base:1")
        fake.container("done", "base:1")
        fake.on("DELETE", "/containers/", CLOSE)             # a fault
        fake.on("DELETE", "/images/", lambda request: …)     # the world changes before the answer
        …
        fake.removed        # what went, in order
        fake.requests       # all that was asked
        fake.unexpected     # what no engine of ours should ever be asked

Faults stand at the end, FAULTS has them all by name."""

import collections
import hashlib
import json
import os
import pathlib
import queue
import re
import select
import shutil
import socket
import tempfile
import threading
import time
import unittest
import urllib.parse

from . import fake_others, program

NEVER = "0001-01-01T00:00:00Z"
NOBODY = 65534
RING = 256  # past events that an engine remembers


def digest(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def rfc3339(seconds):
    if seconds is None:
        return NEVER
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1e9):09}Z"


def familiar(reference):
    return reference.removeprefix("docker.io/").removeprefix("library/")


def repository(reference):
    return reference.split("@")[0].rsplit(":", 1)[0] if "@" not in reference else reference.split("@")[0]


def is_digest(reference):
    return "@" in reference


class Answer:
    """What goes back: a body of bytes, or one that becomes JSON."""

    def __init__(self, status, body=b"", kind="application/json"):
        self.status = status
        self.body = body if isinstance(body, bytes) else (json.dumps(body) + "\n").encode()
        self.kind = kind

    def head(self, length=None, chunked=False):
        words = {200: "OK", 201: "Created", 204: "No Content", 404: "Not Found", 409: "Conflict"}
        lines = [f"HTTP/1.1 {self.status} {words.get(self.status, 'Whatever')}",
                 "Api-Version: {api}", "Docker-Experimental: false", "Ostype: linux",
                 "Server: {server}", f"Content-Type: {self.kind}"]
        if chunked:
            lines.append("Transfer-Encoding: chunked")
        elif self.status != 204:
            lines.append(f"Content-Length: {len(self.body) if length is None else length}")
        return "\r\n".join(lines) + "\r\n\r\n"


def numbers(version):
    return tuple(map(int, version.split(".")))


def refusal(status, message):
    return Answer(status, {"message": message})


class Object:
    """Every change drops the text that lists are made of."""

    def __setattr__(self, name, value):
        self.__dict__["_text"] = None
        self.__dict__[name] = value

    def text(self):
        if self._text is None:
            self.__dict__["_text"] = json.dumps(self.entry()).encode()
        return self._text


class Container(Object):
    def __init__(self, fake, name, image, config_image):
        self.fake = fake
        self.id = hashlib.sha256(("container " + name).encode()).hexdigest()
        self.name = name
        self.image = image.id
        self.config_image = config_image
        self.state = "exited"
        self.exit_code = 0
        self.created = self.started = self.finished = None
        self.labels = {}
        self.restart = "no"
        self.retries = self.max_retries = 0
        self.size = 0
        self.mounts = []
        self.extra = {}  # fields that its list entry has in place of, or beside, the true ones
        self.extra_inspect = {}

    @property
    def is_on(self):
        return self.state in ("running", "paused", "restarting")

    def shown_image(self):
        """Docker shows the name only as long as that means the same image."""
        named = self.fake.by_reference.get(familiar(self.config_image))
        return self.config_image if named and named.id == self.image else self.image

    def entry(self):
        return {"Id": self.id, "Names": ["/" + self.name], "Image": self.shown_image(),
                "ImageID": self.image, "Command": "true", "Created": int(self.created), "Ports": [],
                "Labels": self.labels, "State": self.state, "Status": self.state,
                "HostConfig": {"NetworkMode": "none"},
                "NetworkSettings": {"Networks": {"none": {
                    "IPAMConfig": None, "Links": None, "Aliases": None, "NetworkID": digest("none")[7:],
                    "EndpointID": "", "Gateway": "", "DriverOpts": None}}},
                "Mounts": self.mounts, **self.extra}

    def inspect(self):
        return {"Id": self.id, "Created": rfc3339(self.created), "Path": "true", "Args": [],
                "State": {"Status": self.state, "Running": self.is_on, "Paused": self.state == "paused",
                          "Restarting": self.state == "restarting", "OOMKilled": False,
                          "Dead": self.state == "dead", "Pid": 4711 if self.is_on else 0,
                          "ExitCode": self.exit_code, "Error": "", "StartedAt": rfc3339(self.started),
                          "FinishedAt": rfc3339(self.finished)},
                "Image": self.image, "Name": "/" + self.name,
                "RestartCount": self.retries, "Driver": "overlay2",
                "Platform": "linux", "ExecIDs": None,
                "HostConfig": {"Binds": None, "NetworkMode": "none", "AutoRemove": False,
                               "RestartPolicy": {"Name": self.restart,
                                                 "MaximumRetryCount": self.max_retries}},
                "Mounts": self.mounts,
                "Config": {"Hostname": self.id[:12], "Image": self.config_image, "Labels": self.labels},
                "NetworkSettings": {"Networks": {"none": {"NetworkID": digest("none")[7:]}}},
                **self.extra_inspect}


class Image(Object):
    def __init__(self, label):
        self.label = label
        self.id = digest("image " + label)
        self.references = ()  # familiar, tags and digests
        self.parent = ""
        self.labels = None
        self.created = 0
        self.tagged = None
        self.layers = []  # (diff ID, bytes), the base first
        self.extra = {}
        self.extra_inspect = {}

    @property
    def tags(self):
        return [reference for reference in self.references if not is_digest(reference)]

    @property
    def digests(self):
        return [reference for reference in self.references if is_digest(reference)]

    @property
    def size(self):
        return sum(size for _, size in self.layers)

    def entry(self):
        tags, digests = self.tags, self.digests or None
        if not tags:
            tags = ["<none>:<none>"]
            if digests:
                tags = [repository(digests[0]) + ":<none>"]
            else:
                digests = ["<none>@<none>"]
        return {"Containers": -1, "Created": int(self.created), "Id": self.id, "Labels": self.labels,
                "ParentId": self.parent, "RepoDigests": digests, "RepoTags": tags, "SharedSize": -1,
                "Size": self.size, "VirtualSize": self.size, **self.extra}

    def inspect(self):
        return {"Id": self.id, "RepoTags": self.tags, "RepoDigests": self.digests,
                "Parent": self.parent, "Comment": "", "Created": rfc3339(self.created),
                "Container": "", "DockerVersion": "20.10.24", "Author": "",
                "Config": {"Labels": self.labels}, "Architecture": "amd64", "Os": "linux",
                "Size": self.size, "VirtualSize": self.size, "GraphDriver": {"Name": "overlay2"},
                "RootFS": {"Type": "layers", "Layers": [layer for layer, _ in self.layers]},
                "Metadata": {"LastTagTime": rfc3339(self.tagged)}, **self.extra_inspect}

    def history(self):
        return [{"Comment": "", "Created": int(self.created), "CreatedBy": "/bin/sh -c true",
                 "Id": "<missing>", "Size": size, "Tags": None} for _, size in reversed(self.layers)]


class Request:
    def __init__(self, method, target, index):
        self.method = method
        self.target = target
        self.index = index
        self.path = re.sub(r"^/v[0-9.]+(?=/)", "", target)

    def __repr__(self):
        return f"{self.method} {self.target}"


class Hook:
    def __init__(self, matches, action, times):
        self.matches = matches
        self.action = action
        self.left = times


class Wire:
    """One connection, as faults see it."""

    def __init__(self, fake, connection):
        self.fake = fake
        self.connection = connection

    def send(self, data):
        self.connection.sendall(data if isinstance(data, bytes) else data.encode())

    def head(self, answer, **options):
        self.send(self.fake.spoken(answer.head(**options)))

    def answer(self, answer):
        data = self.fake.spoken(answer.head()).encode()
        self.send(data + answer.body)
        return True

    def wait_until_closed(self, seconds):
        """Whether the other side went away within that time."""
        ready, _, _ = select.select([self.connection], [], [], seconds)
        return bool(ready)


class Stream:
    """The answer to somebody who listens to events: it ends when somebody ends it."""

    def __init__(self, fake, filters):
        self.fake = fake
        self.filters = filters
        self.pieces = queue.SimpleQueue()

    def wants(self, event):
        return event["Type"] in self.filters["type"] and event["Action"] in self.filters["event"]

    def send(self, wire):
        try:
            wire.head(Answer(200), chunked=True)
            while not self.fake.closing:
                try:
                    piece = self.pieces.get(timeout=0.1)
                except queue.Empty:
                    if wire.wait_until_closed(0):
                        break
                    continue
                if piece is None:
                    break
                wire.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        finally:
            with self.fake.lock:
                self.fake.streams.remove(self)
        return False


class Fake(fake_others.Others):
    """A fake engine that listens on .socket; use as a context manager, or start() and close()."""

    def __init__(self):
        super().__init__()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rcl-fake-"))
        self.socket = self.folder / "docker.sock"
        self.data_root = self.folder / "data"
        (self.data_root / "overlay2").mkdir(parents=True)
        self.api = "1.41"
        self.server = "Docker/20.10.24 (linux)"
        self.min_api = "1.12"
        self.id = "FAKE:ENGINE"
        self.now = time.time()
        self.swarm = {"NodeID": "", "LocalNodeState": "inactive"}
        self.services = {}    # by name
        self.tasks = []
        self.containers = {}  # by ID
        self.images = {}      # by ID
        self.by_reference = {}
        self.users = collections.defaultdict(set)     # containers by the name that they were created from
        self.children = collections.defaultdict(set)  # images by their parent's ID
        self.layer_users = collections.Counter()
        self.requests = []
        self.unexpected = []
        self.removed = []
        self.hooks = []
        self.lock = threading.RLock()
        self.connections = set()
        self.threads = []
        self.closing = False
        self.listener = None
        self.ring = collections.deque(maxlen=RING)
        self.streams = []

    # The world

    def image(self, *references, label=None, parent=None, ago=86400, tagged=86400, labels=None,
              layers=None, size=1000):
        """An image with those references (tags, digests), or untagged; label names it in tests."""
        image = Image(label or (references[0] if references else f"untagged-{len(self.images)}"))
        image.labels = labels
        image.created = self.now - ago
        image.tagged = None if tagged is None else self.now - tagged
        own = [(digest("layer " + image.label), size)] if layers is None else layers
        image.layers = (parent.layers if parent else []) + own
        if parent:
            image.parent = parent.id
            self.children[parent.id].add(image.id)
        self.layer_users.update(layer for layer, _ in image.layers)
        self.images[image.id] = image
        for reference in references:
            self.tag(image, reference)
        return image

    def container(self, name, image, state="exited", ago=7200, exit_code=0, labels=None, restart="no",
                  size=100, config_image=None):
        """A container of an image (an Image, or a reference); ago: seconds since it ended."""
        of = image if isinstance(image, Image) else self.by_reference[familiar(image)]
        named = config_image or (image if isinstance(image, str) else image.id)
        container = Container(self, name, of, named)
        container.state = state
        container.exit_code = exit_code
        container.created = self.now - ago - 60
        if state != "created":
            container.started = self.now - ago - 30
        if not container.is_on and state != "created":
            container.finished = self.now - ago
        container.labels = labels or {}
        container.restart = restart
        container.size = size
        self.containers[container.id] = container
        self.users[familiar(named)].add(container.id)
        return container

    def join_swarm(self, manager=True, state="active"):
        self.swarm = {"NodeID": "zzqcq2ch38hv1b5zpzmdt30ud", "NodeAddr": "127.0.0.1", "LocalNodeState": state,
                      "ControlAvailable": manager, "Error": "", "RemoteManagers": None}

    def service(self, name, image, replicas=0, previous=None, mounts=(), networks=()):
        """A service of a swarm, and its entry, which a test may change; its tasks are the test's to make."""
        def spec(of):
            return {"Name": name, "Labels": {}, "Mode": {"Replicated": {"Replicas": replicas}},
                    "TaskTemplate": {"ContainerSpec": {
                        "Image": of, "Init": False, "Isolation": "default",
                        "Mounts": [{"Type": "volume", "Source": one, "Target": "/" + one} for one in mounts]},
                        "Networks": [{"Target": one} for one in networks], "ForceUpdate": 0, "Runtime": "container"},
                    "EndpointSpec": {"Mode": "vip"}}

        self.services[name] = {
            "ID": hashlib.sha256(("service " + name).encode()).hexdigest()[:25], "Version": {"Index": 12},
            "CreatedAt": rfc3339(self.now), "UpdatedAt": rfc3339(self.now), "Spec": spec(image),
            "Endpoint": {"Spec": {"Mode": "vip"}, "VirtualIPs": [{"NetworkID": "ingress-id", "Addr": "10.0.0.2/24"}]},
            **({"PreviousSpec": spec(previous)} if previous else {})}
        return self.services[name]

    def task(self, service, image=None, state="running"):
        """A task of a service (its entry), which may run another image than the service has now."""
        spec = json.loads(json.dumps(service["Spec"]["TaskTemplate"]))
        if image:
            spec["ContainerSpec"]["Image"] = image
        self.tasks.append({
            "ID": hashlib.sha256(f"task {len(self.tasks)}".encode()).hexdigest()[:25], "Version": {"Index": 13},
            "CreatedAt": rfc3339(self.now), "UpdatedAt": rfc3339(self.now), "Labels": {}, "Spec": spec,
            "ServiceID": service["ID"], "Slot": 1, "NodeID": "elsewhere", "Status": {"State": state},
            "DesiredState": "running",
            "NetworksAttachments": [{"Network": {"ID": "ingress-id"}, "Addresses": ["10.0.0.3/24"]}]})
        return self.tasks[-1]

    def tag(self, image, reference):
        """As `docker tag` does, it takes the name from whichever image has it."""
        with self.lock:
            self.untag(reference)
            self.by_reference[reference] = image
            image.references = tuple(sorted((*image.references, reference)))
            self._renamed(reference)

    def untag(self, reference):
        with self.lock:
            image = self.by_reference.pop(reference, None)
            if image:
                image.references = tuple(one for one in image.references if one != reference)
                self._renamed(reference)

    def _renamed(self, reference):
        for container in self.users.get(reference, ()):
            if container in self.containers:
                self.containers[container].name = self.containers[container].name

    def start_container(self, container):
        with self.lock:
            container.state = "running"
            container.started = time.time()
            container.finished = None

    def rerun(self, container):
        """Started and ended again: it looks as before, but is not."""
        with self.lock:
            container.started = time.time() - 2
            container.finished = time.time() - 1

    def drop(self, thing):
        """Somebody else removes it."""
        with self.lock:
            if isinstance(thing, Container):
                self.containers.pop(thing.id, None)
            else:
                self._drop_image(thing)

    # What it tells

    def emit(self, kind, action, actor, at=None, **attributes):
        """An event, to whoever listens."""
        nanoseconds = int((time.time() if at is None else at) * 1e9)
        event = {"Type": kind, "Action": action, "Actor": {"ID": actor, "Attributes": attributes},
                 "scope": "local", "time": nanoseconds // 10**9, "timeNano": nanoseconds}
        self.send_events((json.dumps(event) + "\n").encode(), event)

    def send_events(self, data, event=None):
        """Bytes as they are, to whoever listens; an event is remembered, too."""
        with self.lock:
            if event:
                self.ring.append(event)
            for stream in self.streams:
                if not event or stream.wants(event):
                    stream.pieces.put(data)

    def end_events(self):
        """The connections of all who listen break."""
        with self.lock:
            for stream in self.streams:
                stream.pieces.put(None)

    def restart(self):
        """As if the engine were started anew: what it remembered is gone."""
        with self.lock:
            self.ring.clear()
        self.end_events()

    def job(self, name, image, at=None, labels=None, listed=True):
        """`docker run --rm`: it came and went. listed: whether it could be inspected meanwhile."""
        attributes = {"image": image, "name": name, **(labels or {})}
        container = self.container(name, image, "running", labels=labels)
        if not listed:
            self.drop(container)
        for action in ("create", "start", "die"):
            self.emit("container", action, container.id, at, **attributes)
        if listed and at is None:
            self.wait_for(lambda: self.asked("GET", f"/containers/{container.id}/json"))
        self.drop(container)
        self.emit("container", "destroy", container.id, at, **attributes)

    def wait_for(self, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("waited in vain")
            time.sleep(0.01)

    def listens(self):
        with self.lock:
            return len(self.streams)

    def world(self):
        """All there is, to compare."""
        with self.lock:
            return frozenset(
                [("container", one.name, one.state) for one in self.containers.values()] +
                [("image", one.label, one.references) for one in self.images.values()] +
                [("volume", name) for name in self.volumes] +
                [("network", one["Name"]) for one in self.networks.values()] +
                [("build-cache", name) for name in self.cache])

    def names(self):
        """Names of containers and labels of images that exist."""
        with self.lock:
            return {one.name for one in self.containers.values()} | \
                {one.label for one in self.images.values()}

    # What tests ask

    @property
    def tagged(self):
        """The names that images were asked to be given."""
        return [re.sub(r".*repo=([^&]+)&tag=", r"\1:", request.target) for request in self.requests
                if request.method == "POST"]

    @property
    def deletes(self):
        return [str(request) for request in self.requests if request.method == "DELETE"]

    def asked(self, method, pattern):
        return [request for request in list(self.requests)
                if request.method == method and re.search(pattern, request.path)]

    def on(self, method, pattern, action, times=1):
        """At a request whose path (less the version) has the pattern: a callable is called with the
        request, before it is answered; what it returns, or action itself, is the answer: an Answer,
        a Fault, or None for what the engine would say. times=None: always."""
        self.hooks.append(Hook(lambda request: request.method == method and
                               re.search(pattern, request.path), action, times))

    def at(self, index, action):
        """The same, at the n-th request from now on, counted from 0, and when it is sent again."""
        index += len(self.requests)
        self.hooks.append(Hook(lambda request: request.index == index or request.index > index and
                               all(str(one) == str(request) for one in self.requests[index:]), action, None))

    def spoken(self, head):
        """With what every answer says of the engine."""
        return head.replace("{api}", self.api).replace("{server}", self.server)

    def forget(self):
        """What was asked and what should happen; the world stays."""
        with self.lock:
            self.requests, self.hooks, self.removed = [], [], []

    # The server

    def start(self):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(self.socket))
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def close(self):
        self.closing = True
        with self.lock:
            ends = [self.listener, *self.connections] if self.listener else []
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in list(self.threads):
            thread.join(5)
        for end in ends:
            end.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while not self.closing:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _serve(self, connection):
        wire = Wire(self, connection)
        try:
            with connection.makefile("rb") as stream:
                while not self.closing and self._serve_one(stream, wire):
                    pass
        except (OSError, ValueError):
            pass  # the other side went away
        finally:
            with self.lock:
                self.connections.discard(connection)
            connection.close()

    def _serve_one(self, stream, wire):
        line = stream.readline(1 << 20)
        if not line:
            return False
        method, target, _ = line.decode("latin-1").split(" ", 2)
        length = 0
        while (header := stream.readline(1 << 16).strip()):
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        stream.read(length)
        with self.lock:
            request = Request(method, target, len(self.requests))
            self.requests.append(request)
            answer = next((hook for hook in self.hooks if hook.left != 0 and hook.matches(request)),
                          None)
            if answer and answer.left:
                answer.left -= 1
        answer = answer.action if answer else None
        if callable(answer) and not isinstance(answer, Fault):
            answer = answer(request)
        if isinstance(answer, Fault):
            return answer.send(wire, lambda: self._route(request))
        answer = answer or self._route(request)
        return answer.send(wire) if isinstance(answer, Stream) else wire.answer(answer)

    # The API

    ROUTES = (
        ("GET", r"/_ping", "ping"),
        ("GET", r"/version", "version"),
        ("GET", r"/v{}/info", "info"),
        ("GET", r"/v{}/services", "list_services"),
        ("GET", r"/v{}/tasks", "list_tasks"),
        ("GET", r"/v{}/containers/json\?all=1", "list_containers"),
        ("GET", r"/v{}/containers/json\?all=1&size=1&filters=([^&]+)", "size_containers"),
        ("GET", r"/v{}/containers/([^/?]+)/json", "inspect_container"),
        ("GET", r"/v{}/images/json\?all=1", "list_images"),
        ("GET", r"/v{}/images/([^?]+)/json", "inspect_image"),
        ("GET", r"/v{}/images/([^?]+)/history", "image_history"),
        ("POST", r"/v{}/images/(sha256:[0-9a-f]+)/tag\?repo=([^&]+)&tag=([^&]+)", "tag_image"),
        ("GET", r"/v{}/events\?since=([0-9]+)&filters=([^&]+)", "events"),
        ("DELETE", r"/v{}/containers/([^/?]+)", "delete_container"),
        ("DELETE", r"/v{}/images/([^?]+)\?noprune=1", "delete_image"),
    )

    def _route(self, request):
        with self.lock:
            if self._refused_version(request):
                return self._refused_version(request)
            for method, pattern, name in (*self.ROUTES, *fake_others.Others.ROUTES):
                match = re.fullmatch(pattern.replace("{}", r"\d+\.\d+"), request.target)
                if method == request.method and match:
                    words = [urllib.parse.unquote(word) for word in match.groups()]
                    return getattr(self, "_" + name)(*words)
            self.unexpected.append(str(request))
            return refusal(404, "page not found")

    answer = staticmethod(Answer)

    def _refused_version(self, request):
        """What Docker says to a version in the path that it does not speak."""
        spoken = re.match(r"/v(\d+)\.(\d+)/", request.target)
        version = tuple(map(int, spoken.groups())) if spoken else None
        asked = ".".join(spoken.groups()) if spoken else ""
        if version and version < numbers(self.min_api):
            return refusal(400, f"client version {asked} is too old. Minimum supported API version is "
                                f"{self.min_api}, please upgrade your client to a newer version")
        if version and version > numbers(self.api):
            return refusal(400, f"client version {asked} is too new. Maximum supported API version is "
                                f"{self.api}")
        return None

    def _ping(self):
        return Answer(200, b"OK", "text/plain; charset=utf-8")

    def _version(self):
        return Answer(200, {"Platform": {"Name": ""}, "Version": "20.10.24", "ApiVersion": self.api,
                            "MinAPIVersion": self.min_api, "GitCommit": "5d6db84", "Os": "linux",
                            "Arch": "amd64", "Components": [{"Name": "Engine", "Version": "20.10.24"}]})

    def _info(self):
        return Answer(200, {"ID": self.id, "Containers": len(self.containers), "Images": len(self.images),
                            "Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"],
                                                                   ["Supports d_type", "true"]],
                            "DockerRootDir": str(self.data_root), "Name": "fake", "Labels": [],
                            "ServerVersion": "20.10.24", "Warnings": None,
                            "Swarm": self.swarm})

    def _list_services(self):
        return self._on_manager(list(self.services.values()))

    def _list_tasks(self):
        return self._on_manager(self.tasks)

    def _on_manager(self, answer):
        if not self.swarm.get("ControlAvailable"):
            return refusal(503, "This node is not a swarm manager. Worker nodes can't be used to view or modify "
                                "cluster state. Please run this command on a manager node or promote the current "
                                "node to a manager.")
        return Answer(200, answer)

    def _list_containers(self):
        newest = sorted(self.containers.values(), key=lambda one: -one.created)
        return Answer(200, b"[" + b",".join(one.text() for one in newest) + b"]\n")

    def _list_images(self):
        newest = sorted(self.images.values(), key=lambda one: -one.created)
        return Answer(200, b"[" + b",".join(one.text() for one in newest) + b"]\n")

    def _size_containers(self, filters):
        wanted = json.loads(filters)
        if set(wanted) != {"id"}:
            self.unexpected.append(f"filters {filters}")
        found = [self.containers[one] for one in wanted["id"] if one in self.containers]
        return Answer(200, [{**one.entry(), **({"SizeRw": one.size} if one.size else {}),
                             "SizeRootFs": 2000000} for one in found])

    def _inspect_container(self, name):
        container = self.containers.get(name)
        return Answer(200, container.inspect()) if container else \
            refusal(404, f"No such container: {name}")

    def _find_image(self, name):
        return self.images.get(name) or self.by_reference.get(familiar(name))

    def _inspect_image(self, name):
        image = self._find_image(name)
        return Answer(200, image.inspect()) if image else \
            refusal(404, f"no such image: {name}: No such image: {name}")

    def _image_history(self, name):
        image = self._find_image(name)
        return Answer(200, image.history()) if image else refusal(404, f"No such image: {name}")

    def _tag_image(self, name, repo, tag):
        image = self.images.get(name)
        if not image:
            return refusal(404, f"No such image: {name}")
        self.tag(image, familiar(f"{repo}:{tag}"))
        image.tagged = time.time()
        return Answer(201)

    def _events(self, since, filters):
        stream = Stream(self, json.loads(filters))
        for event in self.ring:
            if event["time"] >= int(since) and stream.wants(event):
                stream.pieces.put((json.dumps(event) + "\n").encode())
        self.streams.append(stream)
        return stream

    def _delete_container(self, name):
        container = self.containers.get(name)
        if not container:
            return refusal(404, f"No such container: {name}")
        if container.is_on:
            return refusal(409, f"You cannot remove a {container.state} container {name}. Stop the "
                                "container before attempting removal or force remove")
        self.removed.append(container.name)
        del self.containers[name]
        self.emit("container", "destroy", container.id, image=container.config_image, name=container.name)
        return Answer(204)

    # daemon/images/image_delete.go of Docker 20.10, without force and pruning

    def _delete_image(self, name):
        image = self._find_image(name)
        if not image:
            return refusal(404, f"No such image: {name}")
        records = []
        single = _is_single(image.references)
        users = [one for one in self.containers.values() if one.image == image.id]
        if name == image.id:
            if single and (conflict := self._conflict(image, users, referenced=False)):
                return conflict
            if single:
                self._remove_references(image, image.references, records)
            conflict = self._conflict(image, users, referenced=True)
            return conflict or self._delete_whole(image, records)
        if single and users:
            return refusal(409, f'conflict: unable to remove repository reference "{name}" (must force) - '
                                f"container {users[0].id[:12]} is using its referenced image "
                                f"{image.id[7:19]}")
        name = familiar(name)
        self._remove_references(image, [name], records)
        if not is_digest(name) and not any(repository(tag) == repository(name) for tag in image.tags):
            self._remove_references(image, [one for one in image.digests
                                            if repository(one) == repository(name)], records)
        if image.references or self._conflict(image, users, referenced=True):
            return Answer(200, records)
        return self._delete_whole(image, records)

    def _conflict(self, image, users, referenced):
        running = [one for one in users if one.is_on]
        if self.children[image.id]:
            how, why = "cannot", "image has dependent child images"
        elif running:
            how, why = "cannot", f"image is being used by running container {running[0].id[:12]}"
        elif referenced and image.references:
            how, why = "must", "image is referenced in multiple repositories"
        elif users:
            how, why = "must", f"image is being used by stopped container {users[0].id[:12]}"
        else:
            return None
        return refusal(409, f"conflict: unable to delete {image.id[7:19]} ({how} be forced) - {why}")

    def _remove_references(self, image, references, records):
        for reference in list(references):
            self.untag(reference)
            records.append({"Untagged": reference})
            self.removed.append(reference)

    def _delete_whole(self, image, records):
        self.removed.append(image.label)
        records.append({"Deleted": image.id})
        records += [{"Deleted": layer} for layer in self._drop_image(image)]
        return Answer(200, records)

    def _drop_image(self, image):
        if self.images.pop(image.id, None) is None:
            return []
        for reference in image.references:
            self.by_reference.pop(reference, None)
        self.children[image.parent].discard(image.id)
        layers = [layer for layer, _ in reversed(image.layers)]
        self.layer_users.subtract(layers)
        return [layer for layer in layers if self.layer_users[layer] == 0]


def _is_single(references):
    """Whether there is at most one tag, and all digests are of its repository."""
    tags = [one for one in references if not is_digest(one)]
    names = {repository(one) for one in references}
    return len(tags) <= 1 and len(names) <= 1


# Faults: what may happen to an answer.

class Fault:
    def __init__(self, send):
        """send(wire, compute) sends something and returns whether the connection stays;
        compute() does what was asked and returns the true answer."""
        self.send = send


def _close(_wire, _compute):
    return False


def _close_after(_wire, compute):
    compute()
    return False


def _reset_in_head(wire, compute):
    compute()
    wire.send("HTTP/1.1 200 O")
    return False


def _cut(wire, compute):
    """Half of what was promised."""
    answer = compute()
    wire.head(answer)
    wire.send(answer.body[:len(answer.body) // 2])
    return False


def _cut_chunks(wire, compute):
    answer = compute()
    wire.head(answer, chunked=True)
    half = answer.body[:len(answer.body) // 2]
    if half:
        wire.send(b"%x\r\n%s\r\n" % (len(half), half))
    return False


def _half_json(wire, compute):
    answer = compute()
    answer.body = answer.body[:len(answer.body) // 2]
    return wire.answer(answer)


def _too_long(wire, compute):
    answer = compute()
    wire.head(answer, length=len(answer.body) + 1000)
    wire.send(answer.body)
    return False


def _too_short(wire, compute):
    """What comes behind the promised length would be the next answer."""
    answer = compute()
    wire.head(answer, length=max(len(answer.body) - 20, 1))
    wire.send(answer.body)
    return True


def _hang(wire, _compute):
    wire.wait_until_closed(30)
    return False


def _hang_after(wire, compute):
    compute()
    wire.wait_until_closed(30)
    return False


def _drip(wire, compute):
    """A byte now and then: it never stops for long, and never ends."""
    answer = compute()
    data = answer.head().replace("{api}", wire.fake.api).encode() + answer.body
    for byte in data:
        if wire.fake.closing or wire.wait_until_closed(0.05):
            break
        wire.send(bytes([byte]))
    return False


def _endless(wire, compute):
    compute()
    wire.send("HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\n"
              "Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n")
    chunk = b"%x\r\n%s\r\n" % (1 << 20, b" " * (1 << 20))
    while not wire.fake.closing and not wire.wait_until_closed(0.02):
        wire.send(chunk)
    return False


def _endless_head(wire, _compute):
    wire.send("HTTP/1.1 200 OK\r\n")
    while not wire.fake.closing and not wire.wait_until_closed(0.01):
        wire.send("X-Filler: " + "x" * 4000 + "\r\n")
    return False


HUGE = b'{"Id":"' + b"x" * (17 << 20) + b'"}'


def _huge(wire, compute):
    """One value that is larger than any object may be."""
    before, behind = (b"[", b"]") if compute().body[:1] == b"[" else (b"", b"")
    wire.head(Answer(200), length=len(before + behind) + len(HUGE))
    for part in (before, HUGE, behind):
        wire.send(part)
    return True


def _status(status, body=b"", kind="application/json"):
    return lambda wire, _compute: wire.answer(Answer(status, body, kind))


def _body(body):
    def send(wire, compute):
        answer = compute()
        answer.status, answer.body = 200, body
        return wire.answer(answer)
    return send


def swapped(value):
    """The same JSON with every value of another type."""
    if isinstance(value, dict):
        return {key: swapped(one) for key, one in value.items()}
    if isinstance(value, list):
        return [swapped(one) for one in value] or {}
    if isinstance(value, str):
        return 7
    return "seven"


def _wrong_types(wire, compute):
    answer = compute()
    try:
        answer.body = json.dumps(swapped(json.loads(answer.body))).encode()
    except ValueError:
        pass  # no JSON, like the answer to a ping
    return wire.answer(answer)


def _trailing(wire, compute):
    """Something behind the end of the JSON."""
    answer = compute()
    if answer.body:
        answer.body = answer.body.rstrip() + b"]"
    return wire.answer(answer)


def _broken_text(wire, compute):
    answer = compute()
    answer.body = answer.body.replace(b'"', b'"\xff', 1)
    return wire.answer(answer)


CLOSE = Fault(_close)
CLOSE_AFTER = Fault(_close_after)
HANG = Fault(_hang)
WORDS = "the storage driver \x1b[31mis on fire\x1b[0m"

FAULTS = {
    "closed without an answer": CLOSE,
    "done, and closed without an answer": CLOSE_AFTER,
    "cut in the head": Fault(_reset_in_head),
    "cut in the body": Fault(_cut),
    "cut in a chunk": Fault(_cut_chunks),
    "half a JSON": Fault(_half_json),
    "length too long": Fault(_too_long),
    "length too short": Fault(_too_short),
    "500 with words": Fault(_status(500, {"message": WORDS})),
    "500 that is no JSON": Fault(_status(500, b"<html>\x00\x1b]0;oops\x07\n</html>", "text/html")),
    "404": Fault(_status(404, {"message": "page not found"})),
    "200 that is empty": Fault(_body(b"")),
    "null": Fault(_body(b"null")),
    "a list or an object in place of the other": Fault(
        lambda wire, compute: wire.answer(Answer(200, b"{}" if compute().body[:1] == b"[" else b"[]"))),
    "wrong types": Fault(_wrong_types),
    "garbage behind the JSON": Fault(_trailing),
    "text that is no UTF-8": Fault(_broken_text),
    "a NUL in the JSON": Fault(_body(b'[{"Id":"a\0b"}]')),
    "JSON nested deeply": Fault(_body(b"[" * 100000)),
    "a huge value": Fault(_huge),
    "not HTTP": Fault(lambda wire, _compute: wire.send("SSH-2.0-OpenSSH_9.2p1 Debian\r\n") or False),
}

# Those that only matter where JSON is read.
JSON_FAULTS = {"half a JSON", "200 that is empty", "null", "a list or an object in place of the other",
               "wrong types", "garbage behind the JSON", "text that is no UTF-8", "a NUL in the JSON",
               "JSON nested deeply"}

# Those that end at the time limit.
SLOW_FAULTS = {
    "hangs": HANG,
    "done, and hangs": Fault(_hang_after),
    "drips": Fault(_drip),
    "endless": Fault(_endless),
    "endless head": Fault(_endless_head),
}


def readable(one, *arguments):
    """A command line of the program that another user can run, with its configuration."""
    one.folder.chmod(0o755)
    binary = one.folder / "reclaimd"
    if not binary.exists():
        shutil.copyfile(program.BINARY, binary)
        binary.chmod(0o755)
    return [str(binary), *one.command(*arguments)[1:]]


def as_nobody(command):
    """The command line that runs another one as a user without rights; as it is unless we are root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]


# What a build with sanitizers says when it found something.
SANITIZER = r"Sanitizer|runtime error:"


class FakeCase(unittest.TestCase):
    """A fake engine and the program for each test."""

    maxDiff = None
    policy = ""
    settings = ""

    def setUp(self):
        self.fake, self.program = self.another()

    def another(self):
        """A second pair, of its own."""
        fake = Fake().start()
        self.addCleanup(self.check, fake)
        self.addCleanup(fake.close)
        one = program.Program(fake.socket, self.policy, self.settings)
        self.addCleanup(one.close)
        return fake, one

    def check(self, fake):
        self.assertEqual(fake.unexpected, [], "the program asked what it must never ask")

    def call(self, status, *arguments, **options):
        outcome = self.program(*arguments, **options)
        self.assertEqual(outcome.status, status, outcome)
        self.assertNotRegex(outcome.stderr, SANITIZER)
        return outcome

    def outcomes(self, run):
        """Of all that was to go, how it ended, by name or ID."""
        return {entry["name"] or entry["id"]: entry["outcome"] for entry in run.json["objects"]
                if entry["verdict"] == "remove"}
