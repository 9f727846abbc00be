"""The fake engine's volumes, networks and build cache, as Docker 20.10 shows them."""

import hashlib
import json
import time


def _time(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Others:
    """What Fake has beside containers and images. `mount` and `connect` give them to a container."""

    ROUTES = (
        ("GET", r"/v{}/volumes", "list_volumes"),
        ("GET", r"/v{}/volumes/([^/?]+)", "inspect_volume"),
        ("GET", r"/v{}/networks", "list_networks"),
        ("GET", r"/v{}/networks/([^/?]+)", "inspect_network"),
        ("GET", r"/v{}/containers/json\?all=1&filters=([^&]+)", "filter_containers"),
        ("GET", r"/v{}/system/df", "disk_usage"),
        ("DELETE", r"/v{}/volumes/([^/?]+)", "delete_volume"),
        ("DELETE", r"/v{}/networks/([^/?]+)", "delete_network"),
        ("POST", r"/v{}/build/prune\?filters=([^&]+)", "prune_cache"),
    )

    def __init__(self):
        self.volumes = {}   # by name
        self.networks = {}  # by ID
        self.cache = {}     # by ID
        self.volume_warnings = None

    # The world

    def volume(self, name=None, ago=86400, labels=None, driver="local", size=1000, scope="local"):
        """A volume with that name, or one that the engine named; returns its entry."""
        name = name or hashlib.sha256(f"volume {len(self.volumes)}".encode()).hexdigest()
        self.volumes[name] = {
            "CreatedAt": _time(self.now - ago), "Driver": driver, "Labels": labels,
            "Mountpoint": f"{self.data_root}/volumes/{name}/_data", "Name": name, "Options": None,
            "Scope": scope, "_size": size}
        return self.volumes[name]

    def network(self, name, ago=86400, labels=None, **more):
        identity = hashlib.sha256(("network " + name).encode()).hexdigest()
        self.networks[identity] = {
            "Name": name, "Id": identity, "Created": _time(self.now - ago), "Scope": "local",
            "Driver": "bridge", "EnableIPv6": False, "Internal": False, "Attachable": False,
            "Ingress": False, "ConfigFrom": {"Network": ""}, "ConfigOnly": False, "Containers": {},
            "Options": {}, "Labels": labels or {}, **more}
        return self.networks[identity]

    def record(self, identity, ago=86400, parent="", size=1000, **more):
        """A record of the build cache; ago: seconds since it was used last."""
        self.cache[identity] = {
            "ID": identity, "Parent": parent, "Type": "regular", "Description": "mount / from exec",
            "InUse": False, "Shared": False, "Size": size, "CreatedAt": _time(self.now - ago - 60),
            "LastUsedAt": _time(self.now - ago), "UsageCount": 1, **more}
        return self.cache[identity]

    def mount(self, container, volume):
        container.mounts = [*container.mounts, {
            "Type": "volume", "Name": volume["Name"], "Source": volume["Mountpoint"],
            "Destination": "/data", "Driver": "local", "Mode": "z", "RW": True, "Propagation": ""}]

    def connect(self, container, network, by=None):
        """by: what the container was created with. One that never ran is in no network yet."""
        ran = container.state != "created"
        container.extra = {"HostConfig": {"NetworkMode": by or network["Name"]},
                           "NetworkSettings": {"Networks": {
                               network["Name"] if ran else by or network["Name"]:
                                   {"NetworkID": network["Id"] if ran else ""}}}}

    # The API

    def _shown(self, volume):
        return {key: value for key, value in volume.items() if not key.startswith("_")}

    def _list_volumes(self):
        return self.answer(200, {"Volumes": [self._shown(one) for one in self.volumes.values()],
                                 "Warnings": self.volume_warnings})

    def _inspect_volume(self, name):
        volume = self.volumes.get(name)
        return self.answer(200, self._shown(volume)) if volume else \
            self.answer(404, {"message": f"get {name}: no such volume"})

    def _delete_volume(self, name):
        if name not in self.volumes:
            return self.answer(404, {"message": f"get {name}: no such volume"})
        users = [one.id for one in self.containers.values()
                 if any(mount.get("Name") == name for mount in one.mounts)]
        if users:
            return self.answer(409, {"message": f"remove {name}: volume is in use - [{users[0]}]"})
        del self.volumes[name]
        self.removed.append(name)
        return self.answer(204, b"")

    def _list_networks(self):
        return self.answer(200, list(self.networks.values()))

    def _inspect_network(self, identity):
        network = self.networks.get(identity)
        return self.answer(200, network) if network else \
            self.answer(404, {"message": f"network {identity} not found"})

    def _users_of_network(self, value):
        """By the key, or the beginning of the ID, as the real one's filter does."""
        return [one for one in self.containers.values()
                if any(value == key or end.get("NetworkID", "").startswith(value) for key, end in
                       one.entry()["NetworkSettings"]["Networks"].items())]

    def _users_of_image(self, value):
        return [one for one in self.containers.values() if one.image.rpartition(":")[2] == value]

    def _filter_containers(self, filters):
        wanted = json.loads(filters)
        users = {"network": self._users_of_network, "ancestor": self._users_of_image}
        if len(wanted) != 1 or not set(wanted) <= set(users):
            self.unexpected.append(f"filters {filters}")
        return self.answer(200, [one.entry() for key in wanted for value in wanted[key]
                                 for one in users[key](value)])

    def _delete_network(self, identity):
        """The network of a stopped container goes: that is how engines are."""
        network = self.networks.get(identity)
        if not network:
            return self.answer(404, {"message": f"network {identity} not found"})
        if any(one.is_on for one in self._users_of_network(identity)):
            return self.answer(403, {"message": f"error while removing network: network {network['Name']} "
                                                f"id {identity} has active endpoints"})
        del self.networks[identity]
        self.removed.append(network["Name"])
        return self.answer(204, b"")

    def _disk_usage(self):
        return self.answer(200, {
            "LayersSize": 0, "Images": [], "Containers": [],
            "Volumes": [{**self._shown(one), "UsageData": {"RefCount": 0, "Size": one["_size"]}}
                        for one in self.volumes.values()],
            "BuildCache": list(self.cache.values()) or None})

    def _prune_cache(self, filters):
        wanted = json.loads(filters)
        if set(wanted) != {"id", "until"} or len(wanted["id"]) != 1:
            self.unexpected.append(f"filters {filters}")
        identity, = wanted["id"]
        record = self.cache.get(identity)
        limit = _time(time.time() - int(wanted["until"][0].removesuffix("s")))
        stays = not record or record["InUse"] or record["Shared"] or record["LastUsedAt"] > limit or \
            any(one["Parent"] == identity for one in self.cache.values())
        if stays:
            return self.answer(200, {"CachesDeleted": None, "SpaceReclaimed": 0})
        del self.cache[identity]
        self.removed.append(identity)
        return self.answer(200, {"CachesDeleted": [identity], "SpaceReclaimed": record["Size"]})
