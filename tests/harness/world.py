"""The world that every engine gets: what a collector meets, each thing once."""

from . import client, registry

KEEP = {"keep": "yes"}


class World:
    """IDs of containers and images by what they are in the world, whatever the engine calls them; and
    what this engine cannot have, with the reason."""

    def __init__(self):
        self.containers = {}
        self.images = {}
        self.cannot = {}


def build(engine):
    """Fills an empty engine."""
    world = World()
    _containers(engine.client, world)
    _builds(engine.client, world)
    _used_by_name(engine.client, world)
    _strangers(engine, world)
    if engine.is_podman:
        _podman_only(engine, world)
    else:
        world.cannot["pod"] = world.cannot["held-by-buildah"] = "only Podman has it"
    return world


def _containers(to, world):
    made = world.containers
    world.images["base"] = to.import_root("base:1")
    made["exited-0"] = to.run("exited-0", "base:1")
    made["exited-1"] = to.run("exited-1", "base:1", ["false"])
    made["exited-137"] = to.run_on("exited-137", "base:1")
    to.kill(made["exited-137"])
    made["running"] = to.run_on("running", "base:1")
    made["paused"] = to.run_on("paused", "base:1")
    to.pause(made["paused"])
    made["created"] = to.create("created", "base:1")
    for policy in ("always", "unless-stopped"):
        made[f"stopped-{policy}"] = to.run_on(f"stopped-{policy}", "base:1", restart=policy)
        to.stop(made[f"stopped-{policy}"])
    made["pinned"] = to.run("pinned", "base:1", labels=KEEP)


def _build(to, reference, content, *lines, base="base:1"):
    steps = ("COPY content /content", *lines)
    return to.build(reference, f"FROM {base}\n" + "\n".join(steps) + "\n",
                    {"content": f"{reference} {content}\n".encode() * 1000})


def _builds(to, world):
    made = world.images
    for number in (1, 2, 3):
        made[f"superseded-{number}"] = _build(to, "app:latest", f"build {number}")
    made["latest"] = _build(to, "app:latest", "build 4")
    made["superseded-pinned"] = _build(to, "pinned:1", "old", "LABEL keep=yes")
    made["of-pinned-name"] = _build(to, "pinned:1", "new")
    # A stopped container was made from it while it had its name.
    made["superseded-used"] = _build(to, "used:1", "old")
    world.containers["of-superseded"] = to.create("of-superseded", made["superseded-used"])
    _build(to, "used:1", "new")
    made["multi"] = _build(to, "multi:1", "multi")
    for reference in ("multi:2", "other/multi:1"):
        to.tag("multi:1", reference)
    made["child"] = _build(to, "child:1", "parent", "LABEL step=2", "LABEL step=3")
    parent = next(entry["ParentId"] for entry in to.get("/images/json", all=1)
                  if entry["Id"] == made["child"])
    if parent:
        made["parent"] = "sha256:" + parent.removeprefix("sha256:")
    else:
        world.cannot["parent"] = "its builds leave no images between"
    made["of-running"] = _build(to, "server:1", "server")
    world.containers["server"] = to.run_on("server", "server:1")


def _used_by_name(to, world):
    """The name that a running container was made from has gone to another image, which has a second."""
    world.images["used-by-id"] = _build(to, "moved:1", "old")
    world.containers["of-moved"] = to.run_on("of-moved", "moved:1")
    world.images["used-by-name"] = _build(to, "moved:1", "new")
    to.tag("moved:1", "moved:also")


def _strangers(engine, world):
    """What came from elsewhere: an image says itself when it was built, years ago, or does not."""
    to, made = engine.client, world.images
    to.load(registry.Image(created=None).archive("undated:1"))
    made["undated"] = to.image_id("undated:1")
    with registry.Registry() as server:
        for name in ("pulled", "digest-only", "superseded-by-pull"):
            digest = server.push("example/" + name, "1", registry.Image({name: b"1"}))
            where = f"{server.address}/example/{name}"
            made[name] = pull(engine, f"{where}@{digest}" if name == "digest-only" else f"{where}:1")
        server.push("example/superseded-by-pull", "1", registry.Image({name: b"2"}))
        made["of-second-pull"] = pull(engine, f"{where}:1")


def pull(engine, reference):
    """From a registry of ours, by tag or by digest; the image's ID."""
    if not engine.is_podman:
        return engine.client.pull(reference)
    # Only Podman's own API takes a registry without TLS.
    libpod = client.Client(engine.socket, "4.0.0")
    libpod.request("POST", "/libpod/images/pull", reference=reference, tlsVerify="false")
    return engine.client.image_id(reference)


def _podman_only(engine, world):
    libpod = client.Client(engine.socket, "4.0.0")
    pod = libpod.json("POST", "/libpod/pods/create",
                      {"name": "pod", "netns": {"nsmode": "none"}})["Id"]
    made = libpod.json("POST", "/libpod/containers/create",
                       {"name": "in-pod", "image": "base:1", "command": ["true"], "pod": pod})
    world.containers["in-pod"] = made["Id"]
    world.containers["infra"] = libpod.get(f"/libpod/pods/{pod}/json")["InfraContainerID"]
    world.images["held-by-buildah"] = _build(engine.client, "buildah:1", "held")
    engine.inside("buildah", "from", "--name", "working", "docker.io/library/buildah:1", check=True)
