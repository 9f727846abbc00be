"""A socket before an engine's, on which something may happen at a request: what a race needs."""

import contextlib
import pathlib
import re
import select
import socket
import tempfile
import threading


class Relay:
    """with Relay(socket) as relay: relay.socket is its path."""

    def __init__(self, engine_socket):
        self.engine_socket = str(engine_socket)
        self.folder = tempfile.TemporaryDirectory(prefix="rcl-relay-")
        self.socket = str(pathlib.Path(self.folder.name) / "engine.sock")
        self.hooks = []
        self.listener = socket.socket(socket.AF_UNIX)

    def before(self, pattern, action):
        """Calls action once, before the first request whose first line has the pattern goes on to the engine."""
        self.hooks.append([re.compile(pattern), action])

    def __enter__(self):
        self.listener.bind(self.socket)
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.folder.cleanup()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, socket.socket(socket.AF_UNIX) as engine, contextlib.suppress(OSError):
            engine.connect(self.engine_socket)
            other = {client: engine, engine: client}
            while True:
                for end in select.select([client, engine], [], [])[0]:
                    data = end.recv(1 << 16)
                    if not data:
                        return
                    if end is client:
                        self._look(data)
                    other[end].sendall(data)

    def _look(self, data):
        """A request comes whole: they are short, and none follows before its answer."""
        line = data.partition(b"\r\n")[0].decode(errors="replace")
        for hook in self.hooks[:]:
            if hook[0].search(line):
                self.hooks.remove(hook)
                hook[1]()
