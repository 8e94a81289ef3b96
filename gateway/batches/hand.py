"""One process of a crew (`gateway.crew`): does what comes in by its standard input until that ends.

    python -m gateway.hand

Eight bytes of length, then a pickle: a module's function and its argument. The answer has the same frame: its result in
a tuple, or None if it failed. Nothing is read but what the process that started this one writes.
"""

import os
import pickle
import signal
import sys
from contextlib import suppress
from queue import Queue
from threading import Thread
from typing import IO, Any

READY = b"\1"
"""What a process writes once it can work."""

_LENGTH = 8


def send(stream: IO[bytes], message: Any) -> None:
    """Write one message.

    Raises:
        OSError: the other side is gone.
    """
    content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(len(content).to_bytes(_LENGTH, "big"))
    stream.write(content)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one message.

    Raises:
        EOFError: the other side is gone.
    """
    length = int.from_bytes(_read(stream, _LENGTH), "big")
    return pickle.loads(_read(stream, length))  # noqa: S301 - both ends are one program


def main() -> None:
    """Work until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    with open(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # whatever is printed must not get in between
        answers.write(READY)
        answers.flush()
        # Read beside the work: who asks may write more before reading an answer, and must not wait for it.
        asked: Queue[tuple[Any, Any] | None] = Queue()
        Thread(target=_listen, args=(asked,), name="listen", daemon=True).start()
        while (task := asked.get()) is not None:
            try:
                send(answers, _attempt(*task))
            except BrokenPipeError:
                return


def _listen(asked: "Queue[tuple[Any, Any] | None]") -> None:
    with suppress(EOFError):
        while True:
            asked.put(receive(sys.stdin.buffer))
    asked.put(None)


def _attempt(work: Any, portion: Any) -> tuple[Any] | None:
    """An exception need not survive pickling: who asked tries the portion again, and meets it there."""
    try:
        return (work(portion),)
    except Exception:
        return None


def _read(stream: IO[bytes], length: int) -> bytes:
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return content


if __name__ == "__main__":
    main()
