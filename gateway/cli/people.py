"""Signing in and out, and who there is."""

import os
from typing import Annotated

import typer

from gateway.cli.context import current, short, table_of, told, when
from gateway.demo_people import load
from gateway.web.remote import Remote

app = typer.Typer(no_args_is_help=True)


@app.command("people")
@told
def people(context: typer.Context) -> None:
    """The demonstration's people on this machine, by the handle that `sign-in` takes."""
    shell = current(context)
    cast = load(shell.data_dir)
    rows = [(one.handle, one.name, one.address) for one in cast.values()]
    value = [{"handle": handle, "name": name, "address": address} for handle, name, address in rows]
    shell.show(value, lambda: table_of("Demonstration", ("handle", "name", "address"), rows))


@app.command("sign-in")
@told
def sign_in(
    context: typer.Context,
    who: Annotated[str, typer.Argument(help="An address, or the handle of one of the demonstration's people.")],
) -> None:
    """Open a session with a passphrase: asked for, or in CONSENT_LEDGER_PASSPHRASE, or a demonstration's."""
    shell = current(context)
    address = shell.address(who)
    demo = load(shell.data_dir).get(who)
    typed = os.environ.get("CONSENT_LEDGER_PASSPHRASE")
    passphrase = demo.passphrase if demo else typed or typer.prompt("Passphrase", hide_input=True, err=True)
    with Remote(shell.url) as remote:
        session = remote.sign_in(address, passphrase)
        shell.keep({"url": shell.url, "token": session["token"]})
        me = remote.get("/v1/session")
    shell.show(me, lambda: f"Signed in as {me['name'] or me['address']} ({', '.join(me['roles'])}).")


@app.command("sign-out")
@told
def sign_out(context: typer.Context) -> None:
    """End the session; the keys are locked."""
    shell = current(context)
    with shell.remote() as remote:
        remote.send("DELETE", "/v1/session")
    shell.keep(None)
    shell.show({"signed_in": False}, lambda: "Signed out.")


@app.command("whoami")
@told
def whoami(context: typer.Context) -> None:
    """Who is signed in, and until when."""
    shell = current(context)
    with shell.remote() as remote:
        me = remote.get("/v1/session")
    shell.show(
        me,
        lambda: (
            f"{me['name'] or short(me['address'])}, {', '.join(me['roles'])}"
            f"{', of ' + me['organization_name'] if me['organization_name'] else ''};"
            f" until {when(me['expires_at'])} at the latest."
        ),
    )


@app.command("news")
@told
def news(
    context: typer.Context, limit: Annotated[int, typer.Option(min=1, max=200, help="Most lines to show.")] = 20
) -> None:
    """What has happened that concerns you."""
    shell = current(context)
    with shell.remote() as remote:
        page = remote.get("/v1/notifications", limit=limit)
    shell.show(page["items"], lambda: "\n".join(item["text"] for item in page["items"]) or "Nothing yet.")
