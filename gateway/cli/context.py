"""What every command shares: which gateway, who is signed in, and whether to answer for people or as JSON."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Column, Table

from gateway.cli.terminal import terminal
from gateway.demo_people import load
from gateway.errors import GatewayError
from gateway.identity.secrets_at_rest import write_whole
from gateway.settings import Settings
from gateway.web.remote import Remote, RemoteProblem, RemoteUnavailable
from ledger.errors import LedgerError
from ledger.types import address_of
from offchain_store.errors import StoreError

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_URL = "http://localhost:8000"


@dataclass(slots=True)
class Shell:
    """Where a command's answers go, and which gateway it speaks to."""

    url: str
    as_json: bool
    session_file: Path
    data_dir: Path
    console: Console

    def show(self, value: Any, table: Callable[[], Table | str]) -> None:
        """Print an answer: as JSON if asked for, else as a table or sentence."""
        if self.as_json:
            print(json.dumps(value, indent=2, ensure_ascii=False))
        else:
            self.console.print(table())

    def session(self) -> dict[str, Any]:
        """The session that `sign-in` left; empty if there is none."""
        try:
            kept: dict[str, Any] = json.loads(self.session_file.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return kept

    def keep(self, session: dict[str, Any] | None) -> None:
        """Remember a session in a private file; None: forget it."""
        if session is None:
            self.session_file.unlink(missing_ok=True)
        else:
            write_whole(self.session_file, json.dumps(session).encode() + b"\n")

    @contextmanager
    def remote(self) -> Iterator[Remote]:
        """The gateway, as whoever is signed in."""
        session = self.session()
        token = session.get("token") if session.get("url") == self.url else None
        with Remote(self.url, token=token) as remote:
            yield remote

    def address(self, who: str) -> str:
        """An address, from an address or the handle of one of the demonstration's people.

        Raises:
            typer.BadParameter: neither.
        """
        if who.startswith("0x"):
            try:
                return address_of(who)
            except ValueError:
                raise typer.BadParameter(f"{who} is not an address") from None
        people = load(self.data_dir)
        if who not in people:
            known = ", ".join(people) or "none here: `consent-ledger serve` makes them"
            raise typer.BadParameter(f"{who!r} is neither an address nor one of the demonstration's people ({known})")
        return people[who].address


def shell_of(url: str | None, as_json: bool) -> Shell:
    """The shell that the environment describes."""
    settings = Settings()
    folder = Path(os.environ.get("CONSENT_LEDGER_HOME") or typer.get_app_dir("consent-ledger"))
    return Shell(
        url=(url or os.environ.get("CONSENT_LEDGER_GATEWAY") or DEFAULT_URL).rstrip("/"),
        as_json=as_json,
        session_file=folder / "session.json",
        data_dir=settings.data_dir,
        console=terminal(),
    )


def current(context: typer.Context) -> Shell:
    """The shell of the running command."""
    shell = context.find_root().obj
    assert isinstance(shell, Shell)
    return shell


def told(command: Callable[P, R]) -> Callable[P, R]:
    """Turn what can go wrong into a sentence and exit status 1; never a stack trace."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except RemoteProblem as problem:
            print(f"Refused ({problem.status}): {problem}", file=sys.stderr)
        except RemoteUnavailable as failure:
            print(str(failure), file=sys.stderr)
        except (GatewayError, LedgerError, StoreError) as failure:
            print(f"{type(failure).__name__}: {failure}", file=sys.stderr)
        except OSError as failure:
            print(f"{failure.filename or 'file'}: {failure.strerror}", file=sys.stderr)
        raise typer.Exit(1)

    return wrapped


def table_of(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table; what is missing shows as a dash."""
    # Folded, never cut off: what stands in a table is what the next command is given.
    table = Table(*(Column(name, overflow="fold") for name in columns), title=title, title_justify="left")
    for row in rows:
        table.add_row(*("-" if cell in (None, "") else str(cell) for cell in row))
    return table


def when(seconds: int | None) -> str:
    """A time for people."""
    if seconds is None:
        return "-"
    if seconds >= 2**40 - 1:
        return "for ever"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def short(address: str) -> str:
    """An address where no name is known."""
    return f"{address[:8]}...{address[-4:]}" if address.startswith("0x") and len(address) == 42 else address


def act_sentence(act: dict[str, Any], done: str) -> str:
    """What became of an act."""
    if act.get("block") is not None:
        return f"{done} In block {act['block']}, for {act['gas_used']:,} gas."
    return f"{done} On its way to the ledger as act {act['id']} ({act['state']})."
