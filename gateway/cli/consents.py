"""Consents and denials, as the patient makes and ends them."""

import time
from typing import Annotated

import typer

from gateway.cli.context import act_sentence, current, short, table_of, told, when
from ledger.codes import ORDINARY

app = typer.Typer(no_args_is_help=True, help="Consents: list, grant, withdraw; deny somebody, or lift that.")

_DAY = 86_400


@app.command("list")
@told
def consents(
    context: typer.Context,
    received: Annotated[bool, typer.Option("--received", help="Those that let you read.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
) -> None:
    """Who may read what of yours, for which purpose and until when."""
    shell = current(context)
    with shell.remote() as remote:
        page = remote.get("/v1/consents", received=received or None, limit=limit)
    rows = [
        (
            item["id"],
            item["patient_name" if received else "grantee_name"] or short(item["patient" if received else "grantee"]),
            ", ".join(item["categories"]),
            ", ".join(item["purposes"]) + (" + write" if item["may_write"] else ""),
            "for ever" if item["expiry"] is None else when(item["expiry"]),
            item["given"],
            item["state"],
        )
        for item in page["items"]
    ]
    whose = "by" if received else "to"
    columns = ("id", whose, "categories", "purposes", "until", "given", "state")
    shell.show(page["items"], lambda: table_of("Consents", columns, rows))


@app.command("grant")
@told
def grant(
    context: typer.Context,
    grantee: Annotated[str, typer.Argument(help="Person, team or organization: address or handle.")],
    categories: Annotated[str, typer.Option(help="Names, separated by commas; `all` leaves sensitive ones out.")],
    purposes: Annotated[str, typer.Option(help="HL7 purposes of use, separated by commas.")] = "TREAT",
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="For how long.")] = None,
    forever: Annotated[bool, typer.Option("--forever", help="Without an end, if you say so.")] = False,
    may_write: Annotated[bool, typer.Option("--may-write", help="They may also write records about you.")] = False,
    record: Annotated[str | None, typer.Option(help="Only this one record, by its digest.")] = None,
) -> None:
    """Let somebody read."""
    shell = current(context)
    if (days is None) == (not forever):
        raise typer.BadParameter("say for how many --days, or --forever")
    body = {
        "grantee": shell.address(grantee),
        "categories": ORDINARY.labels() if categories == "all" else categories.split(","),
        "purposes": purposes.upper().split(","),
        "may_write": may_write,
        "forever": forever,
        "expiry": None if days is None else int(time.time()) + days * _DAY,
        "record": record,
    }
    with shell.remote() as remote:
        granted = remote.post("/v1/consents", body)
    shell.show(granted, lambda: f"{act_sentence(granted['act'], 'Granted.')}\nConsent {granted['id']}")


@app.command("withdraw")
@told
def withdraw(context: typer.Context, consent: Annotated[str, typer.Argument(help="Its id.")]) -> None:
    """Withdraw a consent: from the next decision on nothing rests on it."""
    shell = current(context)
    with shell.remote() as remote:
        act = remote.send("DELETE", f"/v1/consents/{consent}")
    shell.show(act, lambda: act_sentence(act, "Withdrawn."))


@app.command("deny")
@told
def deny(context: typer.Context, who: Annotated[str, typer.Argument(help="Address or handle.")]) -> None:
    """Deny a person, team or organization everything; it wins over every consent."""
    shell = current(context)
    with shell.remote() as remote:
        act = remote.send("PUT", f"/v1/denials/{shell.address(who)}")
    shell.show(act, lambda: act_sentence(act, "Denied."))


@app.command("lift")
@told
def lift(context: typer.Context, who: Annotated[str, typer.Argument(help="Address or handle.")]) -> None:
    """Lift a denial; your consents to them count again."""
    shell = current(context)
    with shell.remote() as remote:
        act = remote.send("DELETE", f"/v1/denials/{shell.address(who)}")
    shell.show(act, lambda: act_sentence(act, "Lifted."))


@app.command("denials")
@told
def denials(context: typer.Context) -> None:
    """Whom you deny."""
    shell = current(context)
    with shell.remote() as remote:
        found = remote.get("/v1/denials")
    rows = [(item["grantee_name"], item["grantee"]) for item in found]
    shell.show(found, lambda: table_of("Denied", ("name", "address"), rows))
