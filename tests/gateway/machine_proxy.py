"""A bad line between a gateway and its node: a TCP proxy that delays, overtakes, drops and tears the node's answers.

>>> with Proxy(devnet.port) as line:
...     node = Node(line.url)
...     line.trouble("drop", 2)       # the node does what it is asked; the next two answers are never heard of

What is asked always reaches the node. An answer is taken to begin with the first bytes that come back after a request:
JSON-RPC over HTTP/1.1 has one request at a time on each connection.
"""

import socket
from collections import Counter, deque
from contextlib import suppress
from threading import Condition, Event, Lock, Thread
from types import TracebackType
from typing import Literal, Self

Fault = Literal["delay", "overtake", "drop", "tear"]
"""Late; after the next answer on another connection; never, and the connection ends; half of it, and it ends."""
FAULTS: tuple[Fault, ...] = ("delay", "overtake", "drop", "tear")

_LATE = 0.4
"""Seconds that a delayed answer is late, and that one waits at most to be overtaken."""
_CHUNK = 1 << 16


class Proxy:
    """Listens on a free port of the loopback, until it is closed; the node behind it may die and come back."""

    def __init__(self, port: int) -> None:
        """
        Args:
            port: of the node on 127.0.0.1.
        """
        self._node = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.2)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.done: Counter[Fault] = Counter()
        """How many answers had each fault."""
        self._plan: deque[Fault] = deque()
        self._lock = Lock()
        self._passing = Condition(self._lock)
        self._passed = 0
        self._closing = Event()
        self._lines: set[_Line] = set()
        self._accepting = Thread(target=self._accept, name="proxy")
        self._accepting.start()

    def trouble(self, fault: Fault, answers: int) -> None:
        """Let something happen to the next answers, behind what is planned already."""
        with self._lock:
            self._plan.extend([fault] * answers)

    def calm(self) -> None:
        """Let every answer through from now on."""
        with self._lock:
            self._plan.clear()

    def next_fault(self) -> Fault | None:
        """What happens to the answer that begins now; None: nothing."""
        with self._lock:
            if not self._plan:
                return None
            fault = self._plan.popleft()
            self.done[fault] += 1
            return fault

    def hold_back(self, fault: Fault | None) -> None:
        """Wait as long as an answer with this fault has to."""
        if fault == "delay":
            self._closing.wait(_LATE)
        with self._passing:
            if fault == "overtake":
                before = self._passed
                self._passing.wait_for(lambda: self._passed > before or self._closing.is_set(), _LATE)
            self._passed += 1
            self._passing.notify_all()

    def forget(self, line: "_Line") -> None:
        """A connection has ended."""
        with self._lock:
            self._lines.discard(line)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            client.settimeout(None)
            try:
                node = socket.create_connection(self._node)
            except OSError:  # it is dead just now: so is the connection
                client.close()
                continue
            line = _Line(self, client, node)
            with self._lock:
                self._lines.add(line)
            line.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End every connection."""
        self._closing.set()
        self._accepting.join()
        self._listener.close()
        with self._lock:
            lines = list(self._lines)
        for line in lines:
            line.end()
            line.join()


class _Line:
    """One connection, and the one behind it."""

    def __init__(self, proxy: Proxy, client: socket.socket, node: socket.socket) -> None:
        self._proxy = proxy
        self._client, self._node = client, node
        self._asked = Event()
        """Nothing of the answer to the last request has come yet."""
        self._threads = [Thread(target=self._ask, name="proxy-ask"), Thread(target=self._answer, name="proxy-answer")]

    def start(self) -> None:
        for thread in reversed(self._threads):  # the first waits for the other when it ends
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def end(self) -> None:
        """End both sides; whoever reads from them stops."""
        for side in (self._client, self._node):
            with suppress(OSError):  # it has ended already
                side.shutdown(socket.SHUT_RDWR)

    def _ask(self) -> None:
        with suppress(OSError):
            while content := self._client.recv(_CHUNK):
                self._asked.set()
                self._node.sendall(content)
        self.end()
        self._threads[1].join()
        self._client.close()
        self._node.close()
        self._proxy.forget(self)

    def _answer(self) -> None:
        with suppress(OSError):
            while content := self._node.recv(_CHUNK):
                fault = None
                if self._asked.is_set():
                    self._asked.clear()
                    fault = self._proxy.next_fault()
                    self._proxy.hold_back(fault)
                if fault == "drop":
                    break
                if fault == "tear":
                    self._client.sendall(content[: len(content) // 2])
                    break
                self._client.sendall(content)
        self.end()
