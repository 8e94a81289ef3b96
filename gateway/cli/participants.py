"""Who takes part: organizations that the consortium admits, and the people whom an organization registers."""

import os
from typing import Annotated

import typer

from gateway.cli.context import act_sentence, current, short, table_of, told

organizations = typer.Typer(no_args_is_help=True, help="Organizations: admit one, for the consortium.")
participants = typer.Typer(
    no_args_is_help=True, help="Participants: register, list, give other roles, suspend; for organizations."
)

Who = Annotated[str, typer.Argument(help="Address, or handle of one of the demonstration's people.")]
Roles = Annotated[str, typer.Option(help="Names, separated by commas: practitioner, prescriber, laboratory, ...")]


def new_passphrase(whose: str) -> str:
    """A passphrase for a new keystore: from CONSENT_LEDGER_NEW_PASSPHRASE, or typed twice. It stands in no command."""
    return os.environ.get("CONSENT_LEDGER_NEW_PASSPHRASE") or str(
        typer.prompt(f"New passphrase for {whose}", hide_input=True, confirmation_prompt=True, err=True)
    )


@organizations.command("admit")
@told
def admit(context: typer.Context, name: str, roles: Roles) -> None:
    """Admit an organization with the roles that it may give to its people; its keystore is made at the gateway."""
    shell = current(context)
    body = {"name": name, "roles": roles.split(","), "passphrase": new_passphrase(name)}
    with shell.remote() as remote:
        made = remote.post("/v1/organizations", body)
    shell.show(made, lambda: act_sentence(made["act"], f"Admitted: {name} is {made['address']}."))


@participants.command("register")
@told
def register(
    context: typer.Context,
    name: str,
    roles: Roles,
    address: Annotated[str | None, typer.Option(help="Of somebody who keeps her keys herself.")] = None,
) -> None:
    """Register a person of your organization; without an address her keystore is made at the gateway."""
    shell = current(context)
    body = {"name": name, "roles": roles.split(",")}
    whose = {"passphrase": new_passphrase(name)} if address is None else {"address": shell.address(address)}
    with shell.remote() as remote:
        made = remote.post("/v1/participants", {**body, **whose})
    shell.show(made, lambda: act_sentence(made["act"], f"Registered: {name} is {made['address']}."))


@participants.command("list")
@told
def people_of(context: typer.Context, limit: Annotated[int, typer.Option(min=1, max=200)] = 50) -> None:
    """Your organization's people, newest first."""
    shell = current(context)
    with shell.remote() as remote:
        found = remote.get("/v1/participants", limit=limit)["items"]
    rows = [
        (
            one["name"] or short(one["address"]),
            one["address"],
            ", ".join(one["roles"]),
            "suspended" if one["suspended"] else "",
        )
        for one in found
    ]
    shell.show(found, lambda: table_of("People", ("name", "address", "roles", "state"), rows))


@participants.command("roles")
@told
def set_roles(context: typer.Context, who: Who, roles: Roles) -> None:
    """Give somebody other roles in place of all she has."""
    shell = current(context)
    with shell.remote() as remote:
        act = remote.send("PUT", f"/v1/participants/{shell.address(who)}/roles", {"roles": roles.split(",")})
    shell.show(act, lambda: act_sentence(act, "Changed."))


@participants.command("suspend")
@told
def suspend(context: typer.Context, who: Who) -> None:
    """Suspend a person or, for the consortium, an organization: she can do and open nothing from the next block on."""
    _set_suspension(context, who, True)


@participants.command("reinstate")
@told
def reinstate(context: typer.Context, who: Who) -> None:
    """Lift a suspension."""
    _set_suspension(context, who, False)


def _set_suspension(context: typer.Context, who: str, suspended: bool) -> None:
    shell = current(context)
    with shell.remote() as remote:
        act = remote.send("PUT", f"/v1/participants/{shell.address(who)}/suspension", {"suspended": suspended})
    shell.show(act, lambda: act_sentence(act, "Suspended." if suspended else "Reinstated."))
