"""A night's results: handed in with a progress bar, posted once, resumed by calling the same command again."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from gateway.cli.context import act_sentence, current, table_of, told
from gateway.cli.terminal import words
from gateway.errors import InvalidInput
from gateway.web.remote import Remote, RemoteProblem

app = typer.Typer(no_args_is_help=True, help="Batches: thousands of results under one anchor.")

_CHUNK = 500_000
"""Bytes of results in one request: base64 and names keep it below the gateway's limit."""


@dataclass(frozen=True, slots=True)
class Result:
    """One result on its way into a batch."""

    name: str
    """The file's name, or its line: what the item is called."""
    content: bytes
    system: str
    value: str
    """The patient's number, from the FHIR resource's subject."""


def results_in(source: Path) -> Iterator[Result | tuple[str, str]]:
    """The results of a folder of FHIR JSON files, or of an NDJSON file; for what cannot be read, its name and why."""
    if source.is_dir():
        for path in sorted(source.glob("*.json")):
            yield _result(path.name, path.read_bytes())
    else:
        with source.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _result(f"line {number}", line.strip())


def _result(name: str, content: bytes) -> Result | tuple[str, str]:
    try:
        identifier = json.loads(content)["subject"]["identifier"]
        return Result(name, content, str(identifier["system"]), str(identifier["value"]))
    except ValueError:
        return name, "not JSON"
    except (KeyError, TypeError):
        return name, "its subject has no identifier with system and value"


@app.command("post")
@told
def post(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(exists=True, help="Folder of FHIR JSON files, or an NDJSON file.")],
    name: Annotated[str, typer.Option(help="Of your choice; the same name goes on with the same batch.")],
    categories: Annotated[str, typer.Option(help="Names, separated by commas.")] = "laboratory",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Post the others where some cannot be read.")] = False,
) -> None:
    """Hand in all results and post them as one batch. Interrupted, the same command goes on and posts nothing twice."""
    shell = current(context)
    found = list(results_in(source))
    results = [one for one in found if isinstance(one, Result)]
    bad = [one for one in found if not isinstance(one, Result)]
    with shell.remote() as remote:
        patients, unknown = match(remote, results)
        bad += [(one.name, "its patient's number leads to nobody") for one in results if _number(one) in unknown]
        good = [one for one in results if _number(one) not in unknown]
        if bad and not skip_bad:
            for label, why in bad:
                print(f"{label}: {why}")
            raise InvalidInput(source.name, f"{len(bad)} of {len(found)} cannot be posted; mend them or --skip-bad")
        if not good:
            raise InvalidInput(source.name, "there is nothing to post")
        posted = hand_in(remote, name, good, patients, categories.split(","), console=shell.console)
    value = {**posted, "skipped": [{"item": label, "reason": why} for label, why in bad]}
    shell.show(value, lambda: _sentence(posted, bad))


@app.command("list")
@told
def batches(context: typer.Context) -> None:
    """Your batches, newest first, with the gas of each result."""
    shell = current(context)
    with shell.remote() as remote:
        found = remote.get("/v1/batches")
    rows = [(item["id"][:16], item["state"], item["items"], item["proposals"], _each(item)) for item in found]
    columns = ("batch", "state", "results", "proposals", "gas a result")
    shell.show(found, lambda: table_of("Batches", columns, rows))


@app.command("retract")
@told
def retract(context: typer.Context, digest: str) -> None:
    """Declare one result of a batch entered in error; its neighbours stay as they are."""
    shell = current(context)
    with shell.remote() as remote:
        act = remote.post(f"/v1/batch-records/{digest}/retract")
    shell.show(act, lambda: act_sentence(act, "Retracted."))


def match(remote: Remote, results: list[Result]) -> tuple[dict[tuple[str, str], str], set[tuple[str, str]]]:
    """The address behind each patient's number, and the numbers that lead to nobody."""
    patients: dict[tuple[str, str], str] = {}
    unknown: set[tuple[str, str]] = set()
    for system, value in dict.fromkeys(_number(one) for one in results):
        try:
            found = remote.post("/v1/identifiers/find", {"system": system, "value": value})
            patients[system, value] = found["address"]
        except RemoteProblem as problem:
            if problem.status != 404:
                raise
            unknown.add((system, value))
    return patients, unknown


def hand_in(
    remote: Remote,
    name: str,
    results: list[Result],
    patients: dict[tuple[str, str], str],
    categories: list[str],
    *,
    console: Console,
) -> dict[str, Any]:
    """Hand the results in, a request at a time, and post the batch; how it ended."""
    batch = remote.post("/v1/batches", {"name": name})
    columns = (words("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    if batch["state"] == "open":
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("sealing", total=len(results))
            for chunk in _chunks(results):
                items = [_item(one, patients, categories) for one in chunk]
                remote.post(f"/v1/batches/{batch['id']}/items", {"items": items})
                progress.advance(task, len(chunk))
    posted: dict[str, Any] = remote.post(f"/v1/batches/{batch['id']}/post")
    return posted


def _chunks(results: list[Result]) -> Iterator[list[Result]]:
    chunk: list[Result] = []
    size = 0
    for one in results:
        if chunk and size + len(one.content) > _CHUNK:
            yield chunk
            chunk, size = [], 0
        chunk.append(one)
        size += len(one.content) + 500
    if chunk:
        yield chunk


def _item(one: Result, patients: dict[tuple[str, str], str], categories: list[str]) -> dict[str, Any]:
    content = base64.b64encode(one.content).decode()
    return {"id": one.name, "patient": patients[_number(one)], "categories": categories, "content": content}


def _number(one: Result) -> tuple[str, str]:
    return one.system, one.value


def _each(item: dict[str, Any]) -> str | None:
    gas = item["act"] and item["act"]["gas_used"]
    return f"{gas / item['items']:,.0f}" if gas else None


def _sentence(posted: dict[str, Any], bad: list[tuple[str, str]]) -> str:
    done = f"Batch of {posted['items']:,} results, {posted['proposals']} of them proposals: {posted['state']}."
    lines = [act_sentence(posted["act"], done)] if posted["act"] else [done]
    each = _each(posted)
    if each:
        lines.append(f"{each} gas a result.")
    return "\n".join([*lines, *(f"Left out: {label}: {why}" for label, why in bad)])
