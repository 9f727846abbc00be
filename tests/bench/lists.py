"""Lists as Docker 20.10 sends them: entries recorded from one (a build and a container of it), told apart
by IDs, names and times."""

import hashlib
import json
import time

CONTAINER = {
    "Id": "", "Names": [], "Image": "", "ImageID": "", "Command": "true", "Created": 0, "Ports": [],
    "Labels": {"com.example.ci.job": "", "com.example.ci.pipeline": "77",
               "org.opencontainers.image.revision": "0123456789",
               "org.opencontainers.image.source": "https://git.example.com/app"},
    "State": "exited", "Status": "Exited (0) 2 days ago", "HostConfig": {"NetworkMode": "none"},
    "NetworkSettings": {"Networks": {"none": {
        "IPAMConfig": None, "Links": None, "Aliases": None,
        "NetworkID": "b4f5a6425e02cd60ee35fa3cce81af3232fc44a5ee13c653dcc6dcad52dad917",
        "EndpointID": "", "Gateway": "", "IPAddress": "", "IPPrefixLen": 0, "IPv6Gateway": "",
        "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0, "MacAddress": "", "DriverOpts": None}}},
    "Mounts": [],
}
IMAGE = {
    "Containers": -1, "Created": 0, "Id": "",
    "Labels": {"org.opencontainers.image.revision": "",
               "org.opencontainers.image.source": "https://git.example.com/app"},
    "ParentId": "", "RepoDigests": None, "RepoTags": [], "SharedSize": -1, "Size": 1982320,
    "VirtualSize": 1982320,
}
PER_REPOSITORY = 50
PER_IMAGE = 10
DAY = 86400


def _id(kind, number):
    return hashlib.sha256(f"{kind} {number}".encode()).hexdigest()


def _has_name(image):
    return image % 5 > 0


def _used(container):
    """The image of a container: some containers each, and one that has its name. For the others the list
    shows an ID, and the name costs a request."""
    return container // PER_IMAGE * 5 + 1


def _reference(number):
    return f"registry.example.com/team/app-{number // PER_REPOSITORY}:build-{number}"


def _encode(entries):
    return b"[" + b",".join(json.dumps(entry, separators=(",", ":")).encode() for entry in entries) + b"]\n"


def containers(n, now=None):
    """The answer to /containers/json?all=1, newest first; of each image some."""
    now = int(now or time.time())
    return _encode({**CONTAINER, "Id": _id("container", i), "Names": [f"/job-{i}-build"],
                    "Image": _reference(_used(i)), "ImageID": "sha256:" + _id("image", _used(i)),
                    "Created": now - DAY - 60 * i,
                    "Labels": {**CONTAINER["Labels"], "com.example.ci.job": str(i)}}
                   for i in range(n))


def images(n, now=None):
    """The answer to /images/json?all=1, newest first; a fifth has lost its name."""
    now = int(now or time.time())
    return _encode({**IMAGE, "Created": now - 2 * DAY - 60 * i, "Id": "sha256:" + _id("image", i),
                    "Labels": {**IMAGE["Labels"], "org.opencontainers.image.revision": _id("git", i)[:10]},
                    **({"RepoTags": [_reference(i)]} if _has_name(i) else
                       {"RepoTags": ["<none>:<none>"], "RepoDigests": ["<none>@<none>"]})}
                   for i in range(n))
