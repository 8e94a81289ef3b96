"""Options and output that the gas commands share: what gas is worth, where results go, a progress bar on the side.

with reported(), progress_bar() as tell:
    put_out(study_operations(network, seed="1", runs=100, progress=tell), Output())
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TimeElapsedColumn

from gateway.cli.terminal import terminal, words
from ledger.errors import LedgerError
from ledger.gas.prices import BlockSpace, Price
from ledger.gas.result import Result, as_csv, as_json, show_tables, write_files
from ledger.gas.sheets import Terms

Seed = Annotated[str, typer.Option(help="Everybody's keys and every digest follow from it: same seed, same gas.")]
Runs = Annotated[int, typer.Option(min=1, max=10_000, help="How often each is measured.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print everything as JSON, every run's receipt included.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print the main table as CSV.")]
Out = Annotated[
    Path | None, typer.Option(help="Folder for all tables as CSV, all charts as PNG and SVG, and result.json.")
]
GasPrices = Annotated[list[str], typer.Option("--gas-price", help="Gwei a unit of gas; may be given several times.")]
EtherPrices = Annotated[
    list[str], typer.Option("--ether-price", help="Price of an ether in the currency; may be given several times.")
]
Currency = Annotated[str, typer.Option(help="Name of the currency.")]
BlockGas = Annotated[int, typer.Option("--block-gas-limit", min=1, help="Gas in a block of a free-gas network.")]
BlockTime = Annotated[str, typer.Option("--block-time", help="Seconds from block to block of a free-gas network.")]

GAS_PRICES = ["1", "20"]
ETHER_PRICES = ["2500"]
CURRENCY = "EUR"
BLOCK_GAS = 30_000_000
BLOCK_TIME = "5"


@dataclass(frozen=True, slots=True)
class Output:
    """Where a result goes."""

    as_json: bool = False
    as_csv: bool = False
    folder: Path | None = None


def terms_of(gas_prices: list[str], ether_prices: list[str], currency: str, block_gas: int, block_time: str) -> Terms:
    """What gas is worth, from the options.

    Raises:
        BadParameter: a price that is no number, or a block time that is not above zero.
    """
    gwei = [_decimal("--gas-price", text) for text in gas_prices]
    ethers = [_decimal("--ether-price", text) for text in ether_prices]
    seconds = _decimal("--block-time", block_time)
    if seconds == 0:
        raise typer.BadParameter("--block-time must be above zero")
    prices = tuple(Price(gas, ether, currency) for ether in dict.fromkeys(ethers) for gas in dict.fromkeys(gwei))
    return Terms(prices, BlockSpace(block_gas, seconds))


def _decimal(option: str, text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        raise typer.BadParameter(f"{option} {text}: not a number from zero up")
    return value


def put_out(result: Result, output: Output) -> None:
    """Print a result as asked, and write its files."""
    if output.as_json:
        sys.stdout.write(as_json(result))
    elif output.as_csv:
        sys.stdout.write(as_csv(result))
    else:
        console = terminal()
        if not console.is_terminal:
            console = terminal(width=200)  # a file or a pipe has no width of its own
        show_tables(result, console)
    if output.folder:
        written = write_files(result, output.folder)
        terminal(stderr=True).print(f"Written to {output.folder}: {', '.join(written)}", highlight=False)


@contextmanager
def progress_bar() -> Iterator[Callable[[str], None]]:
    """A line on the error stream that says what is being measured, while it is being watched."""
    console = terminal(stderr=True)
    columns = (SpinnerColumn(), words("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda what: progress.update(task, description=what)


@contextmanager
def reading_bar(path: Path) -> Iterator[Callable[[int], None]]:
    """A bar over the lines of a file."""
    console = terminal(stderr=True)
    columns = (words("reading {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        lines = path.read_bytes().count(b"\n") if console.is_terminal and path.is_file() else None
        task = progress.add_task(path.name, total=lines)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def reported() -> Iterator[None]:
    """What goes wrong, as one line; the command ends with 1."""
    try:
        yield
    except LedgerError as failure:
        console = terminal(stderr=True)
        console.print("error: ", style="bold", end="", highlight=False)
        console.print(f"{type(failure).__name__}: {failure}", highlight=False)
        raise typer.Exit(1) from failure
