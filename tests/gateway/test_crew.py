"""Processes that help: the same results as without them, whatever becomes of them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest

from gateway.batches.crew import Crew
from offchain_store.errors import TooLarge
from tests.waiting import until


@pytest.fixture
def crew() -> Iterator[Crew]:
    with Crew(hands=1) as crew:
        until(crew.start)
        yield crew


def who(number: int) -> tuple[int, int]:
    """What was asked, and which process answered; it takes a moment."""
    sleep(0.002)
    return number, os.getpid()


def refuse(size: int) -> int:
    """Fails for the fourth portion, with an error that cannot be pickled."""
    if size == 3:
        raise TooLarge("portion", size=size, most=2)
    return size


def is_running(process: int) -> bool:
    """Whether a process has not ended; one that nobody has asked after yet has."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def has_imported_sealing(number: int) -> tuple[bool, int]:
    """Whether the process that answers had imported it before it was asked, and which one it is."""
    sleep(0.002)
    return "gateway.batches.seal" in sys.modules, os.getpid()


def end(number: int) -> int:
    """Kills the process that it runs in, unless that is the one which asks."""
    if os.getpid() != number:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_results_come_in_order_and_not_from_one_process_alone(crew: Crew) -> None:
    results = crew.each(who, range(200))
    assert [number for number, _ in results] == list(range(200))
    assert len({process for _, process in results}) == 2


def test_portions_and_results_larger_than_a_pipe_holds_pass(crew: Crew) -> None:
    portions = [bytes([number]) * 500_000 for number in range(40)]
    assert crew.each(bytes.swapcase, portions) == portions


@pytest.mark.parametrize("hands", [0, 1])
def test_nobody_waits_for_processes_that_have_not_started(hands: int) -> None:
    with Crew(hands) as crew:
        assert crew.each(who, range(3)) == [(number, os.getpid()) for number in range(3)]


def test_an_error_comes_from_this_process_with_its_type(crew: Crew) -> None:
    for _ in range(3):
        with pytest.raises(TooLarge, match="portion"):
            crew.each(refuse, range(20))
    assert crew.each(refuse, [0, 1]) == [0, 1]


def test_a_process_that_is_killed_is_made_up_for_and_replaced(crew: Crew) -> None:
    assert crew.each(end, [os.getpid()] * 20) == [os.getpid()] * 20
    until(crew.start)
    assert len({process for _, process in crew.each(who, range(200))}) == 2


def test_a_closed_crew_leaves_no_process_and_works_on_here() -> None:
    crew = Crew(hands=1)
    until(crew.start)
    ((_, process), *_) = sorted(crew.each(who, range(200)), key=lambda result: result[1] == os.getpid())
    assert process != os.getpid()
    crew.close()
    assert not is_running(process)
    assert crew.each(who, range(2)) == [(0, os.getpid()), (1, os.getpid())]


def test_a_process_can_work_only_once_it_has_imported_what_it_is_for() -> None:
    with Crew(hands=1, modules=["gateway.batches.seal"]) as crew:
        until(crew.start, timeout=30)
        answers = crew.each(has_imported_sealing, range(200))
    assert {imported for imported, process in answers if process != os.getpid()} == {True}


ALONE = """
import os, time
from gateway.batches.crew import Crew
from tests.gateway.test_crew import who

if __name__ == "__main__":
    crew = Crew(hands=1)
    while not crew.start():
        time.sleep(0.05)
    print(*{process for _, process in crew.each(who, range(200))} - {os.getpid()}, flush=True)
    time.sleep(60)
"""


def test_the_processes_do_not_outlive_one_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "alone.py"
    script.write_text(ALONE)
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(root)}
    ) as gateway:
        assert gateway.stdout is not None
        helper = int(gateway.stdout.readline())
        assert is_running(helper)
        gateway.kill()
    until(lambda: not is_running(helper))
