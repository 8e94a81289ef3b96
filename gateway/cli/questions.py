"""Asking a patient for access, and answering: with yes, with less, with no."""

import time
from typing import Annotated, Any

import typer

from gateway.cli.context import act_sentence, current, table_of, told

app = typer.Typer(no_args_is_help=True, help="Questions: ask a patient for access; grant it, narrow it, decline.")

_DAY = 86_400


@app.command("list")
@told
def questions(
    context: typer.Context,
    asked: Annotated[bool, typer.Option("--asked", help="Those that you asked, with the answers.")] = False,
    patient: Annotated[str | None, typer.Option(help="Those that you may answer for her, as her delegate.")] = None,
) -> None:
    """What you are asked and can still answer."""
    shell = current(context)
    with shell.remote() as remote:
        if patient is not None:
            page = remote.get(f"/v1/for/{shell.address(patient)}/questions")
        else:
            page = remote.get("/v1/questions", asked=asked or None)
    rows = [(item["id"], item["sentence"], item["reason"], item["state"]) for item in page["items"]]
    shell.show(page["items"], lambda: table_of("Questions", ("id", "question", "why", "state"), rows))


@app.command("ask")
@told
def ask(
    context: typer.Context,
    patient: Annotated[str, typer.Argument(help="Address or handle.")],
    categories: Annotated[str, typer.Option(help="Names, separated by commas.")],
    reason: Annotated[str, typer.Option(help="Why, in plain words; it is sealed for her.", prompt="Why")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="For how long.")],
    purposes: Annotated[str, typer.Option(help="HL7 purposes of use, separated by commas.")] = "TREAT",
    may_write: Annotated[bool, typer.Option("--may-write", help="Ask to write records about her too.")] = False,
) -> None:
    """Ask a patient for access. A question permits nothing."""
    shell = current(context)
    body = {
        "patient": shell.address(patient),
        "categories": categories.split(","),
        "purposes": purposes.upper().split(","),
        "expiry": int(time.time()) + days * _DAY,
        "may_write": may_write,
        "reason": reason,
    }
    with shell.remote() as remote:
        asked = remote.post("/v1/questions", body)
    shell.show(asked, lambda: f"{act_sentence(asked['act'], 'Asked.')}\nQuestion {asked['id']}")


@app.command("grant")
@told
def grant(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="Its id.")],
    categories: Annotated[str | None, typer.Option(help="Only these of what is asked.")] = None,
    purposes: Annotated[str | None, typer.Option(help="Only these of what is asked.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="For no longer than this.")] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="They may read, and not write.")] = False,
) -> None:
    """Grant what is asked, or less."""
    shell = current(context)
    body: dict[str, Any] = {
        "categories": categories.split(",") if categories else None,
        "purposes": purposes.upper().split(",") if purposes else None,
        "expiry": int(time.time()) + days * _DAY if days else None,
        "may_write": False if read_only else None,
    }
    with shell.remote() as remote:
        granted = remote.post(f"/v1/questions/{question}/grant", body)
    shell.show(granted, lambda: f"{act_sentence(granted['act'], 'Granted.')}\nConsent {granted['id']}")


@app.command("decline")
@told
def decline(context: typer.Context, question: Annotated[str, typer.Argument(help="Its id.")]) -> None:
    """Say no; nobody asks why."""
    shell = current(context)
    with shell.remote() as remote:
        act = remote.post(f"/v1/questions/{question}/decline")
    shell.show(act, lambda: act_sentence(act, "Declined."))


@app.command("take-back")
@told
def take_back(context: typer.Context, question: Annotated[str, typer.Argument(help="Its id.")]) -> None:
    """Take one of your questions back."""
    shell = current(context)
    with shell.remote() as remote:
        act = remote.send("DELETE", f"/v1/questions/{question}")
    shell.show(act, lambda: act_sentence(act, "Taken back."))
