"""Proposals: what others wrote about you without your leave, until you accept it or turn it down."""

from typing import Annotated

import typer

from gateway.cli.context import act_sentence, current, short, table_of, told

app = typer.Typer(no_args_is_help=True, help="Proposals: list, accept, turn down.")


@app.command("list")
@told
def proposals(context: typer.Context, limit: Annotated[int, typer.Option(min=1, max=200)] = 50) -> None:
    """What waits for your answer, newest first."""
    shell = current(context)
    with shell.remote() as remote:
        page = remote.get("/v1/proposals", limit=limit)
    rows = [
        (
            item["digest"],
            ", ".join(item["categories"]),
            item["author_name"] or short(item["author"]),
            "in a batch" if item["batch"] else "by itself",
        )
        for item in page["items"]
    ]
    shell.show(page["items"], lambda: table_of("Proposals", ("digest", "categories", "by", "came"), rows))


@app.command("accept")
@told
def accept(context: typer.Context, digest: str) -> None:
    """Take a proposed record in, alone or of a batch."""
    _answer(context, digest, True, "Accepted: it counts as yours now.")


@app.command("turn-down")
@told
def turn_down(context: typer.Context, digest: str) -> None:
    """Turn a proposed record down; it never counts as yours."""
    _answer(context, digest, False, "Turned down.")


def _answer(context: typer.Context, digest: str, accepted: bool, done: str) -> None:
    shell = current(context)
    with shell.remote() as remote:
        act = remote.post(f"/v1/proposals/{digest}/answer", {"accepted": accepted})
    shell.show(act, lambda: act_sentence(act, done))
