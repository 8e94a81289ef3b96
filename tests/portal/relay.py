"""A cable between the gateway and its node that can be pulled and plugged in again."""

import socket
from contextlib import suppress
from threading import Lock, Thread
from urllib.parse import urlsplit


class Relay:
    """Passes every connection on to a node, until it is cut."""

    def __init__(self, node_url: str) -> None:
        parts = urlsplit(node_url)
        self._node = (parts.hostname or "127.0.0.1", parts.port or 8545)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._lock = Lock()
        self._is_cut = False
        Thread(target=self._accept, name="relay", daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self) -> None:
        """Pull the cable: what is connected is cut off, what comes is refused."""
        self._is_cut = True
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def mend(self) -> None:
        """Plug it in again."""
        self._is_cut = False

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut:
                client.close()
                continue
            node = socket.create_connection(self._node)
            with self._lock:
                self._open += [client, node]
            for source, target in ((client, node), (node, client)):
                Thread(target=_pump, args=(source, target), name="relay", daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with source, suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
