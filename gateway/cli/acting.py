"""Acting for a patient who has named you her delegate: what you do says for ever that you did it for her."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.context import act_sentence, current, short, table_of, told, when
from gateway.cli.prescriptions import present_into

app = typer.Typer(
    no_args_is_help=True, help="Act for a patient: grant, withdraw, deny, answer, show a prescription, resign."
)

Patient = Annotated[str, typer.Argument(help="For whom: address or handle.")]

_DAY = 86_400


@app.command("consents")
@told
def consents(context: typer.Context, patient: Patient) -> None:
    """Her consents that you may act on."""
    shell = current(context)
    with shell.remote() as remote:
        page = remote.get(f"/v1/for/{shell.address(patient)}/consents")
    rows = [
        (
            item["id"],
            item["grantee_name"] or short(item["grantee"]),
            ", ".join(item["categories"]),
            "for ever" if item["expiry"] is None else when(item["expiry"]),
            item["state"],
        )
        for item in page["items"]
    ]
    shell.show(page["items"], lambda: table_of("Consents", ("id", "to", "categories", "until", "state"), rows))


@app.command("grant")
@told
def grant(
    context: typer.Context,
    patient: Patient,
    grantee: Annotated[str, typer.Argument(help="Person, team or organization: address or handle.")],
    categories: Annotated[str, typer.Option(help="Names, separated by commas.")],
    days: Annotated[int, typer.Option(min=1, help="For how long; no longer than you may act.")],
    purposes: Annotated[str, typer.Option(help="HL7 purposes of use, separated by commas.")] = "TREAT",
    may_write: Annotated[bool, typer.Option("--may-write", help="They may also write records about her.")] = False,
) -> None:
    """Let somebody read her records; never yourself."""
    shell = current(context)
    body = {
        "grantee": shell.address(grantee),
        "categories": categories.split(","),
        "purposes": purposes.upper().split(","),
        "may_write": may_write,
        "expiry": int(time.time()) + days * _DAY,
    }
    with shell.remote() as remote:
        granted = remote.post(f"/v1/for/{shell.address(patient)}/consents", body)
    shell.show(granted, lambda: f"{act_sentence(granted['act'], 'Granted for her.')}\nConsent {granted['id']}")


@app.command("withdraw")
@told
def withdraw(context: typer.Context, patient: Patient, consent: Annotated[str, typer.Argument(help="Its id.")]) -> None:
    """Withdraw one of her consents."""
    _act(context, "DELETE", patient, f"consents/{consent}", "Withdrawn for her.")


@app.command("deny")
@told
def deny(
    context: typer.Context, patient: Patient, who: Annotated[str, typer.Argument(help="Address or handle.")]
) -> None:
    """Deny somebody everything of hers; only she lifts it."""
    _act(context, "PUT", patient, f"denials/{current(context).address(who)}", "Denied for her.")


@app.command("proposals")
@told
def proposals(context: typer.Context, patient: Patient) -> None:
    """What waits for her answer, and you may give it."""
    shell = current(context)
    with shell.remote() as remote:
        page = remote.get(f"/v1/for/{shell.address(patient)}/proposals")
    rows = [(item["digest"], item["sentence"]) for item in page["items"]]
    shell.show(page["items"], lambda: table_of("Proposals", ("digest", "what"), rows))


@app.command("accept")
@told
def accept(context: typer.Context, patient: Patient, digest: str) -> None:
    """Take in a record that was proposed to her."""
    _act(context, "POST", patient, f"proposals/{digest}/answer", "Accepted for her.", {"accepted": True})


@app.command("turn-down")
@told
def turn_down(context: typer.Context, patient: Patient, digest: str) -> None:
    """Turn down a record that was proposed to her."""
    _act(context, "POST", patient, f"proposals/{digest}/answer", "Turned down for her.", {"accepted": False})


@app.command("present")
@told
def present(
    context: typer.Context,
    patient: Patient,
    prescription: Annotated[str, typer.Argument(help="Its id.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="QR code as .svg or .png, or the text as .txt.")],
    fill: Annotated[int | None, typer.Option(min=1, max=12, help="Default: the one that is due.")] = None,
) -> None:
    """A code for one fill of her prescription. Whoever holds it can have that fill dispensed, once."""
    shell = current(context)
    present_into(shell, f"/v1/for/{shell.address(patient)}/prescriptions/{prescription}/present", output, fill)


@app.command("resign")
@told
def resign(context: typer.Context, patient: Patient) -> None:
    """Give up what she has delegated to you."""
    _act(context, "DELETE", patient, "", "Resigned.")


def _act(
    context: typer.Context, method: str, patient: str, path: str, done: str, body: dict[str, Any] | None = None
) -> None:
    shell = current(context)
    where = f"/v1/for/{shell.address(patient)}/{path}".rstrip("/")
    with shell.remote() as remote:
        act = remote.post(where, body) if method == "POST" else remote.send(method, where, body)
    shell.show(act, lambda: act_sentence(act, done))
