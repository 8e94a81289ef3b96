"""One process of a crew (`gateway.batches.crew`): does what comes in by a connection until that ends.

    python -m gateway.batches.hand 7 gateway.batches.seal

The first argument is the connection's file descriptor; the others are modules, imported before this process says that
it can work: that takes longer than most of the work. A message is a module's function and its argument; the answer is
its result in a tuple, or None if it failed. Nothing is read but what the process that started this one writes.
"""

import signal
import sys
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from queue import Queue
from threading import Thread
from typing import Any

READY = "ready"
"""What a process sends once it can work."""


def main(descriptor: str, *modules: str) -> None:
    """Work until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    for name in modules:
        import_module(name)
    with Connection(int(descriptor)) as asking, suppress(BrokenPipeError, ConnectionResetError):
        asking.send(READY)
        # Read beside the work: who asks may write more before reading an answer, and must not wait for it.
        asked: Queue[tuple[Any, Any] | None] = Queue()
        Thread(target=_listen, args=(asking, asked), name="listen", daemon=True).start()
        while (task := asked.get()) is not None:
            asking.send(_attempt(*task))


def _listen(asking: Connection, asked: "Queue[tuple[Any, Any] | None]") -> None:
    with suppress(EOFError, ConnectionResetError):
        while True:
            asked.put(asking.recv())
    asked.put(None)


def _attempt(work: Any, portion: Any) -> tuple[Any] | None:
    """An exception need not survive pickling: who asked tries the portion again, and meets it there."""
    try:
        return (work(portion),)
    except Exception:
        return None


if __name__ == "__main__":
    main(*sys.argv[1:])
