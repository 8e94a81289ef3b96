"""Emergencies: preference, breaking the glass, the openings, and auditors' reviews."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.context import act_sentence, current, told

app = typer.Typer(no_args_is_help=True, help="Emergencies: preference, breaking the glass, reviews.")


@app.command("preference")
@told
def preference(
    context: typer.Context,
    categories: Annotated[
        str | None, typer.Option(help="What an emergency may open: names, separated by commas; '' for nothing.")
    ] = None,
    over_denials: Annotated[
        bool | None, typer.Option("--over-denials/--not-over-denials", help="Also for whom you deny.")
    ] = None,
) -> None:
    """What an emergency may open of yours; with options, say so anew."""
    shell = current(context)
    with shell.remote() as remote:
        now = remote.get("/v1/emergency/preference")
        if categories is None and over_denials is None:
            shell.show(now, lambda: _preference(now))
            return
        names = now["categories"] if categories is None else [name for name in categories.split(",") if name]
        over = now["over_denials"] if over_denials is None else over_denials
        act = remote.send("PUT", "/v1/emergency/preference", {"categories": names, "over_denials": over})
    shell.show(act, lambda: act_sentence(act, "Your emergency preference is set."))


@app.command("open")
@told
def break_glass(
    context: typer.Context,
    patient: Annotated[str, typer.Argument(help="Address or handle.")],
    reason: Annotated[str, typer.Option(help="unresponsive, cannot-decide, life-in-danger or delay-harms.")],
    hours: Annotated[int, typer.Option(min=1, max=24, help="After which it is over by itself.")] = 4,
) -> None:
    """Break the glass, as emergency staff. The patient is told at once, and an auditor judges it."""
    shell = current(context)
    body = {"patient": shell.address(patient), "reason": reason, "hours": hours}
    with shell.remote() as remote:
        act = remote.post("/v1/emergency/openings", body)
    done = f"The glass is broken for {hours} hours: open records with --purpose BTG."
    shell.show(act, lambda: act_sentence(act, done))


@app.command("list")
@told
def openings(
    context: typer.Context,
    patient: Annotated[str | None, typer.Option(help="For her delegates: address or handle.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Those that you opened.")] = False,
    to_review: Annotated[bool, typer.Option("--to-review", help="To auditors: what nobody has judged.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
) -> None:
    """Who broke the glass, newest first."""
    shell = current(context)
    about = shell.address(patient) if patient else None
    with shell.remote() as remote:
        asked = {"patient": about, "mine": mine or None, "to_review": to_review or None, "limit": limit}
        found = remote.get("/v1/emergency/openings", **asked)["items"]
    shell.show(found, lambda: "\n".join(map(_line, found)) or "Nobody has.")


@app.command("review")
@told
def review(
    context: typer.Context,
    patient: Annotated[str, typer.Argument(help="Address or handle.")],
    clinician: Annotated[str, typer.Argument(help="Address or handle.")],
    number: Annotated[int, typer.Argument(min=1, help="Which of the clinician's openings.")],
    outcome: Annotated[str, typer.Option(help="justified, unjustified or unclear.")],
    report: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="A text file that says why.")],
) -> None:
    """Judge an opening, as an auditor who was not involved."""
    shell = current(context)
    path = _path(shell.address(patient), shell.address(clinician), number)
    with shell.remote() as remote:
        act = remote.post(f"{path}/review", {"outcome": outcome, "report": report.read_text()})
    shell.show(act, lambda: act_sentence(act, "Judged."))


@app.command("report")
@told
def report(
    context: typer.Context,
    patient: Annotated[str, typer.Argument(help="Address or handle.")],
    clinician: Annotated[str, typer.Argument(help="Address or handle.")],
    number: Annotated[int, typer.Argument(min=1, help="Which of the clinician's openings.")],
) -> None:
    """The report of a review, for those whom it concerns."""
    shell = current(context)
    path = _path(shell.address(patient), shell.address(clinician), number)
    with shell.remote() as remote:
        found = remote.get(f"{path}/report")
    shell.show(found, lambda: str(found["report"]))


def _path(patient: str, clinician: str, number: int) -> str:
    return f"/v1/emergency/openings/{patient}/{clinician}/{number}"


def _line(one: dict[str, Any]) -> str:
    open_now = "OPEN NOW  " if one["is_open"] else ""
    return f"{open_now}{one['sentence']}\n  {one['patient']} {one['clinician']} {one['number']}"


def _preference(now: dict[str, Any]) -> str:
    kinds = ", ".join(now["categories"]) or "nothing"
    return f"An emergency may open: {kinds}; {'also' if now['over_denials'] else 'not'} for whom you deny."
