"""Delegates: whom you let act for you, in what, until when; and what they did."""

import time
from typing import Annotated

import typer

from gateway.cli.context import act_sentence, current, short, table_of, told, when
from ledger.codes import ORDINARY

app = typer.Typer(no_args_is_help=True, help="Delegates: name, list, end; what was done for you.")

_DAY = 86_400


@app.command("list")
@told
def delegates(
    context: typer.Context,
    received: Annotated[bool, typer.Option("--received", help="For whom you may act.")] = False,
) -> None:
    """Who may act for you now; or for whom you may."""
    shell = current(context)
    with shell.remote() as remote:
        found = remote.get("/v1/delegations", received=received or None)
    other = "patient" if received else "delegate"
    rows = [
        (
            item[f"{other}_name"] or short(item[other]),
            item[other],
            ", ".join(item["powers"]),
            ", ".join(item["categories"]),
            when(item["until"]),
        )
        for item in found
    ]
    columns = (other, "address", "may", "categories", "until")
    shell.show(found, lambda: table_of("Delegations", columns, rows))


@app.command("name")
@told
def name(
    context: typer.Context,
    delegate: Annotated[str, typer.Argument(help="A registered person: address or handle.")],
    powers: Annotated[str, typer.Option(help="read, grant, withdraw, present, accept; separated by commas.")],
    categories: Annotated[str, typer.Option(help="Names, separated by commas; `all` leaves sensitive ones out.")],
    days: Annotated[int, typer.Option(min=1, max=729, help="For how long; two years at most.")],
) -> None:
    """Let somebody act for you, or replace what he may do. He can never delegate on."""
    shell = current(context)
    body = {
        "powers": powers.split(","),
        "categories": ORDINARY.labels() if categories == "all" else categories.split(","),
        "until": int(time.time()) + days * _DAY,
    }
    with shell.remote() as remote:
        act = remote.send("PUT", f"/v1/delegations/{shell.address(delegate)}", body)
    shell.show(act, lambda: act_sentence(act, "Named."))


@app.command("end")
@told
def end(context: typer.Context, delegate: Annotated[str, typer.Argument(help="Address or handle.")]) -> None:
    """End a delegation at once; the delegate is not asked and not told."""
    shell = current(context)
    with shell.remote() as remote:
        act = remote.send("DELETE", f"/v1/delegations/{shell.address(delegate)}")
    shell.show(act, lambda: act_sentence(act, "Ended."))


@app.command("done")
@told
def done(context: typer.Context, limit: Annotated[int, typer.Option(min=1, max=200)] = 20) -> None:
    """What delegates did for you, newest first. What they opened stands in the access log."""
    shell = current(context)
    with shell.remote() as remote:
        page = remote.get("/v1/done-for-me", limit=limit)
    shell.show(page["items"], lambda: "\n".join(item["sentence"] for item in page["items"]) or "Nothing yet.")
