"""Teams: grantees whose members change while a patient's consent does not."""

from typing import Annotated, Any

import typer
from rich.table import Table

from gateway.cli.context import Shell, act_sentence, current, short, table_of, told

app = typer.Typer(no_args_is_help=True, help="Teams: open, list, let somebody join or leave.")

Team = Annotated[str, typer.Argument(help="The team's address.")]
Member = Annotated[str, typer.Argument(help="Address, or handle of one of the demonstration's people.")]


@app.command("open")
@told
def open_team(context: typer.Context, name: str) -> None:
    """Open a team of your organization; a patient grants to its address as to a person's."""
    shell = current(context)
    with shell.remote() as remote:
        made = remote.post("/v1/teams", {"name": name})
    shell.show(made, lambda: act_sentence(made["act"], f"Opened: {name} is {made['team']}."))


@app.command("list")
@told
def teams(
    context: typer.Context,
    opened: Annotated[bool, typer.Option("--opened", help="Those that your organization opened.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Most of them to show.")] = 50,
) -> None:
    """The teams you are in, or those that your organization opened, and who is in them now."""
    shell = current(context)
    with shell.remote() as remote:
        found = remote.get("/v1/teams/opened", limit=limit)["items"] if opened else remote.get("/v1/teams")
    shell.show(found, lambda: _table(found))


@app.command("join")
@told
def join(context: typer.Context, team: Team, member: Member) -> None:
    """Let somebody join; what the team may read she can read from now on, without the patients being asked again."""
    shell = current(context)
    _change(shell, "PUT", team, member, "Joined.")


@app.command("leave")
@told
def leave(context: typer.Context, team: Team, member: Member) -> None:
    """Let somebody leave, or leave yourself: no decision from the next block on rests on the team."""
    shell = current(context)
    _change(shell, "DELETE", team, member, "Left.")


def _change(shell: Shell, method: str, team: str, member: str, done: str) -> None:
    path = f"/v1/teams/{shell.address(team)}/members/{shell.address(member)}"
    with shell.remote() as remote:
        act = remote.send(method, path)
    shell.show(act, lambda: act_sentence(act, done))


def _table(found: list[dict[str, Any]]) -> Table:
    rows = [
        (
            one["name"] or short(one["team"]),
            one["team"],
            ", ".join(member["name"] or short(member["address"]) for member in one["members"]),
        )
        for one in found
    ]
    return table_of("Teams", ("name", "address", "members"), rows)
