"""Mutants take minutes, and most of the suite leaves a core idle: they are tried beside it from its beginning, one at a
time and after everything else, and asked for at its end."""

import os
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from scripts.compile import ROOT
from tests.mutants.mutants import MUTANTS, Mutant

Trial = Future[tuple[int, str]]
"""Exit status of the property test, and what it said."""


class Trials:
    """The mutants that are being tried."""

    def __init__(self, mutants: list[Mutant], *, at_once: int, kindness: int) -> None:
        self._kindness = kindness
        self._running: set[subprocess.Popen[str]] = set()
        self._workers = ThreadPoolExecutor(at_once)
        self.of: dict[str, Trial] = {each.breaks: self._workers.submit(self._try, each) for each in mutants}

    def stop(self) -> None:
        """End what runs, try nothing more."""
        self._workers.shutdown(wait=False, cancel_futures=True)
        for process in list(self._running):
            os.killpg(process.pid, signal.SIGKILL)  # the property test that it started as well
        self._workers.shutdown()

    def _try(self, mutant: Mutant) -> tuple[int, str]:
        command = ["nice", "-n", str(self._kindness), sys.executable, "-m", "tests.mutants.trying"]
        with subprocess.Popen(
            [*command, str(MUTANTS.index(mutant))],
            cwd=ROOT,
            text=True,
            process_group=0,  # in a session of its own Linux would share the cores out evenly, however kind it is
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            self._running.add(process)
            said, _ = process.communicate()
            self._running.discard(process)
        return process.returncode, said


_TRIALS = pytest.StashKey[Trials]()


def _is_here(item: pytest.Item) -> bool:
    return Path(__file__).parent in item.path.parents


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_is_here)


def pytest_collection_finish(session: pytest.Session) -> None:
    chosen = [item.callspec.params["mutant"] for item in session.items if _is_here(item)]  # type: ignore[attr-defined]
    if chosen and not session.config.option.collectonly:
        alone = len(chosen) == len(session.items)
        at_once, kindness = (os.cpu_count() or 1, 0) if alone else (1, 19)
        session.config.stash[_TRIALS] = Trials(chosen, at_once=at_once, kindness=kindness)


def pytest_unconfigure(config: pytest.Config) -> None:
    if trials := config.stash.get(_TRIALS, None):
        trials.stop()


@pytest.fixture
def trial(request: pytest.FixtureRequest, mutant: Mutant) -> Trial:
    """The trial of this mutant, under way since the suite began."""
    return request.config.stash[_TRIALS].of[mutant.breaks]
