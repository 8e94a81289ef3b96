"""Hers to erase, and how long organizations keep what they write."""

from typing import Annotated, Any

import typer

from gateway.cli.context import current, table_of, told, when
from gateway.errors import InvalidInput

retention = typer.Typer(no_args_is_help=True, help="How long an organization keeps what its people write.")

_DAY = 86_400


@told
def erase(
    context: typer.Context,
    digests: Annotated[list[str] | None, typer.Argument(help="Digests of records of yours.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="All records about you.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again: this cannot be undone.")] = False,
) -> None:
    """Erase records for good: their keys are destroyed, and nobody can open them here any more. Export first."""
    shell = current(context)
    if bool(digests) == everything:
        raise InvalidInput("digests", "name records, or say --everything")
    if not yes and not typer.confirm("What is erased cannot be brought back. Erase?"):
        raise typer.Exit(1)
    with shell.remote() as remote:
        done = remote.post("/v1/erasure", {"everything": True} if everything else {"digests": digests})
    shell.show(done, lambda: _told(done))


@told
def disposals(
    context: typer.Context, limit: Annotated[int, typer.Option(min=1, max=200, help="Most lines to show.")] = 20
) -> None:
    """What was disposed of, and why: signed lines."""
    shell = current(context)
    with shell.remote() as remote:
        found = remote.get("/v1/disposals", limit=limit)["items"]
    shell.show(found, lambda: "\n".join(item["sentence"] for item in found) or "Nothing yet.")


@retention.command("list")
@told
def rules(context: typer.Context) -> None:
    """The rules of your organization."""
    shell = current(context)
    with shell.remote() as remote:
        found = remote.get("/v1/retention")
    rows = [(one["category"], one["keep_days"], one["dispose_days"], one["basis"]) for one in found]
    columns = ("category", "kept at least (days)", "disposed of after (days)", "where it is written")
    shell.show(found, lambda: table_of("Retention", columns, rows))


@retention.command("set")
@told
def set_rule(
    context: typer.Context,
    category: Annotated[str, typer.Argument(help="Such as laboratory.")],
    keep: Annotated[int, typer.Option(min=0, help="Days before which such a record is not erased.")],
    basis: Annotated[str, typer.Option(help="Where that is written; patients are shown it.")],
    dispose: Annotated[int | None, typer.Option(min=1, help="Days after which it is disposed of.")] = None,
) -> None:
    """Set a rule, as your organization."""
    shell = current(context)
    body = {"keep_days": keep, "dispose_days": dispose, "basis": basis}
    with shell.remote() as remote:
        rule = remote.send("PUT", f"/v1/retention/{category}", body)
    shell.show(rule, lambda: f"Set: {category} is kept {keep} days at least.")


@retention.command("remove")
@told
def remove_rule(context: typer.Context, category: Annotated[str, typer.Argument(help="Such as laboratory.")]) -> None:
    """Remove a rule, as your organization."""
    shell = current(context)
    with shell.remote() as remote:
        remote.send("DELETE", f"/v1/retention/{category}")
    shell.show({"category": category}, lambda: f"No rule for {category} any more.")


def _told(done: dict[str, Any]) -> str:
    lines = [one["sentence"] for one in done["erased"]]
    for one in done["kept"]:
        until = f" It may be from {when(one['until'])} on." if one["until"] else ""
        lines.append(f"Kept {one['digest'][:16]}: {one['reason']}.{until}")
    lines += [
        f"Nobody opens {digest[:16]} any more; a shared key is yet to be parted." for digest in done["unfinished"]
    ]
    if done["receipt"]:
        lines.append(f"The receipt is among your records: {done['receipt']}")
    return "\n".join(lines) or "There was nothing to erase."
