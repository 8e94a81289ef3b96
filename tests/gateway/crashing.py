"""A gateway in a process of its own that kills itself (SIGKILL) at a named step: `python -m tests.gateway.crashing`.

Arguments: folder, port, step. A step is `module.function:before` or `:after`; empty: it lives on.
"""

import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import uvicorn

from gateway.app import create_app
from tests.gateway.people import running


def die_at(step: str) -> None:
    """Wrap the function that the step names."""
    name, _, when = step.partition(":")
    module_name, _, attribute = name.partition("/")
    owner: Any = import_module(module_name)
    *path, last = attribute.split(".")
    for part in path:
        owner = getattr(owner, part)
    original: Callable[..., Any] = getattr(owner, last)

    def dying(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            original(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, last, dying)


def main() -> None:
    """Serve until the step, or until told to stop."""
    folder, port, step = sys.argv[1:4]
    with running(Path(folder), port=int(port), passphrase_least=8) as gateway:
        if step:
            die_at(step)
        uvicorn.run(create_app(gateway), port=int(port), log_level="info")


if __name__ == "__main__":
    main()
