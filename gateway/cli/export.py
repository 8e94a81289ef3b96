"""Hers to take: everything as one archive; `consent-ledger verify archive` checks it, years later."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.context import current, told
from gateway.errors import InvalidInput


@told
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to write the archive, such as mine.zip.")],
    patient: Annotated[str | None, typer.Option(help="As her delegate: address or handle; default: yours.")] = None,
    purpose: Annotated[str, typer.Option(help="As a delegate: FAMRQT or PWATRNY.")] = "PATRQT",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file of that name.")] = False,
) -> None:
    """Take everything with you: records, consents, access log and proofs, as one archive in open formats."""
    shell = current(context)
    if file.exists() and not overwrite:
        raise InvalidInput(file.name, "there is such a file already; name another, or say --overwrite")
    body: dict[str, Any] = {"purpose": purpose.upper()}
    if patient is not None:
        body["patient"] = shell.address(patient)
    part = file.with_name(f"{file.name}.part")
    size = 0
    try:
        with shell.remote() as remote, open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            for chunk in remote.stream("/v1/export", body):
                size += out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)  # whole, or not at all
    finally:
        part.unlink(missing_ok=True)
    shell.show(
        {"file": str(file), "bytes": size},
        lambda: f"All of it, {size:,} bytes, is in {file}. It holds records in the clear: keep it well.",
    )
