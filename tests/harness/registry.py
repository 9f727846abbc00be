"""Images that no engine of ours built: made by hand, to be loaded from a file or pulled from a registry of
our own on a loopback address."""

import gzip
import hashlib
import http.server
import json
import re
import threading

from . import client

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def _digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Image:
    """One layer: files (name to bytes), or a root with busybox. created: as the image says
    itself; None: it says nothing."""

    def __init__(self, files=None, labels=None, created="2015-04-01T12:00:00Z"):
        self.layer = client.tar_of(files) if files else client.busybox_root()
        config = {"architecture": "amd64", "os": "linux",
                  "config": {"Cmd": ["true"], "Labels": labels or {}},
                  "rootfs": {"type": "layers", "diff_ids": [_digest(self.layer)]},
                  "history": [{"created_by": "by hand"}]}
        if created:
            config["created"] = config["history"][0]["created"] = created
        self.config = json.dumps(config).encode()

    def archive(self, reference):
        """What `docker load` reads."""
        manifest = [{"Config": "config.json", "RepoTags": [reference], "Layers": ["layer.tar"]}]
        return client.tar_of({"manifest.json": json.dumps(manifest).encode(),
                              "config.json": self.config, "layer.tar": self.layer})


class Registry:
    """`with Registry() as registry:` serves what was pushed to it at registry.address (host:port)."""

    def __init__(self):
        self.blobs = {}
        self.manifests = {}
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # To who tries TLS first, the answer must look like HTTP for him to do without.
            default_request_version = "HTTP/1.1"

            def do_GET(self, with_body=True):
                kind, data = registry.find(self.path)
                self.send_response(200 if data is not None else 404)
                data = data or b""
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                if kind == MANIFEST:
                    self.send_header("Docker-Content-Digest", _digest(data))
                self.end_headers()
                if with_body:
                    self.wfile.write(data)

            def do_HEAD(self):
                self.do_GET(with_body=False)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_port}"

    def push(self, repository, tag, image):
        """Returns the digest of its manifest; a tag that is there moves to it."""
        layer = gzip.compress(image.layer, mtime=0)
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "size": len(image.config), "digest": _digest(image.config)},
            "layers": [{"mediaType": LAYER, "size": len(layer), "digest": _digest(layer)}]}).encode()
        for data in (layer, image.config):
            self.blobs[_digest(data)] = data
        for name in (tag, _digest(manifest)):
            self.manifests[repository, name] = manifest
        return _digest(manifest)

    def find(self, path):
        """The content type and the body of an answer; None: there is nothing."""
        if path == "/v2/":
            return "application/json", b"{}"
        if match := re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", path):
            return MANIFEST, self.manifests.get(match.groups())
        if match := re.fullmatch(r"/v2/.+/blobs/([^/]+)", path):
            return "application/octet-stream", self.blobs.get(match[1])
        return "application/json", None

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
