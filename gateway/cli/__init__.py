"""The command line: every journey of patient, laboratory, doctor, pharmacist and researcher, and the gateway itself.

Commands speak to a gateway over HTTP (`--gateway`, or CONSENT_LEDGER_GATEWAY; by default the one on this machine), as
whoever has signed in. `--json` answers for programs.
"""

from typing import Annotated

import typer

from gateway.cli import (
    access_log,
    acting,
    batches,
    breakglass,
    consents,
    cosignatures,
    delegates,
    erasure,
    export,
    operating,
    participants,
    people,
    prescriptions,
    proposals,
    questions,
    records,
    teams,
)
from gateway.cli.context import shell_of, told
from gateway.cli.gas import app as gas
from gateway.settings import Settings
from gateway.verify.archive_command import app as verify

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A patient's consent on a ledger, her sealed records off it.",
)
app.add_typer(people.app)
app.add_typer(records.app, name="records")
app.add_typer(proposals.app, name="proposals")
app.add_typer(cosignatures.app, name="signatures")
app.add_typer(consents.app, name="consents")
app.add_typer(questions.app, name="questions")
app.add_typer(delegates.app, name="delegates")
app.add_typer(acting.app, name="act-for")
app.add_typer(batches.app, name="batches")
app.add_typer(prescriptions.app, name="prescriptions")
app.add_typer(participants.organizations, name="organizations")
app.add_typer(participants.participants, name="participants")
app.add_typer(teams.app, name="teams")
app.add_typer(gas, name="gas")
app.add_typer(access_log.app, name="access-log")
app.add_typer(verify, name="verify")
app.command("deploy")(operating.deploy)
app.command("consortium")(operating.consortium)
app.command("export")(export.export)
app.command("erase")(erasure.erase)
app.command("disposals")(erasure.disposals)
app.add_typer(erasure.retention, name="retention")
app.add_typer(breakglass.app, name="emergency")


@app.callback()
def options(
    context: typer.Context,
    gateway: Annotated[str | None, typer.Option(help="URL of the gateway.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """A patient's consent on a ledger, her sealed records off it."""
    context.obj = shell_of(gateway, as_json)


@app.command()
@told
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default: the loopback.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Default: 8000.")] = None,
) -> None:
    """Serve a gateway, with a local development network unless a node is named; its state survives a restart."""
    from gateway.serve import serve as serve_gateway  # starting takes a second that other commands need not wait

    settings = Settings()
    if host is not None:
        settings = settings.model_copy(update={"host": host})
    if port is not None:
        settings = settings.model_copy(update={"port": port})
    sentence = f"Open {settings.origin}/ in a browser; the API is at {settings.origin}/docs. Stop with Ctrl-C."
    print("Starting: the first time takes a while.", flush=True)
    serve_gateway(settings, lambda: print(sentence, flush=True))


def main() -> None:
    """Entry point of `consent-ledger`."""
    app()
