"""The access log: who looked, and the proof of it."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.context import Shell, current, table_of, told, when
from gateway.database import open_database
from gateway.errors import NotPermitted
from gateway.log.audit import audit_database
from gateway.settings import Settings
from gateway.verify.asked import Asked
from gateway.verify.audit import Audit, audit_lines
from gateway.verify.checks import check
from gateway.verify.commands import DeploymentOption, NodeOption, finish
from gateway.verify.evidence import encode_evidence
from gateway.verify.log import Anchored, anchored_of
from gateway.verify.reading import read_evidence
from ledger.codes import Role
from ledger.types import Address

app = typer.Typer(
    invoke_without_command=True,
    help="Who looked at your records and who was refused, in sentences; and the proof of it.",
)

EvidenceOption = Annotated[
    Path | None, typer.Option("--evidence", dir_okay=False, help="Write the evidence to a file, for `verify`.")
]


@app.callback()
@told
def access_log(
    context: typer.Context, limit: Annotated[int, typer.Option(min=1, max=200, help="Most lines to show.")] = 20
) -> None:
    """Who looked at your records and who was refused, in sentences."""
    if context.invoked_subcommand is not None:
        return
    shell = current(context)
    with shell.remote() as remote:
        page = remote.get("/v1/access-log", limit=limit)
    # What was opened in an emergency stands on top, however long ago it was.
    lines = [f"  !!!   {when(one['opened_at'])}  {one['sentence']}" for one in page["emergencies"]]
    lines += [f"{item['seq']:>6}  {when(item['at'])}  {item['sentence']}" for item in page["items"]]
    shell.show(page["items"], lambda: "\n".join(lines) or "Nobody yet.")


@app.command("prove")
@told
def prove(
    context: typer.Context,
    line: Annotated[int, typer.Argument(min=0, help="Number of the line, as `access-log` shows it.")],
    evidence: EvidenceOption = None,
    node: NodeOption = None,
    deployment: DeploymentOption = None,
) -> None:
    """Prove that a line stands in the log, unchanged since a checkpoint was anchored."""
    _prove(context, f"/v1/access-log/{line}/proof", {}, evidence, Asked(node, deployment, None, node is None))


@app.command("checkpoint")
@told
def checkpoint(
    context: typer.Context,
    evidence: EvidenceOption = None,
    node: NodeOption = None,
    deployment: DeploymentOption = None,
) -> None:
    """The newest checkpoint on the ledger, signed by whoever runs the gateway."""
    _prove(context, "/v1/access-log/checkpoint", {}, evidence, Asked(node, deployment, None, node is None))


@app.command("consistency")
@told
def consistency(
    context: typer.Context,
    earlier: Annotated[int, typer.Argument(min=1, help="Lines of the earlier checkpoint.")],
    later: Annotated[int | None, typer.Argument(min=1, help="Lines of the later one; default: the newest.")] = None,
    evidence: EvidenceOption = None,
    node: NodeOption = None,
    deployment: DeploymentOption = None,
) -> None:
    """Prove that between two checkpoints no line was changed, moved or removed."""
    sizes = {"from": earlier, "to": later}
    _prove(context, "/v1/access-log/consistency", sizes, evidence, Asked(node, deployment, None, node is None))


@app.command("counts")
@told
def counts(
    context: typer.Context, days: Annotated[int, typer.Option(min=1, max=366, help="How far back.")] = 30
) -> None:
    """How often records were opened and refused, by day and purpose; no persons. For organizations and auditors."""
    shell = current(context)
    until = int(time.time()) + 1
    with shell.remote() as remote:
        found = remote.get("/v1/access-log/counts", since=until - days * 86_400, until=until)
    rows = [
        (item["day"], item["purpose"], "opened" if item["permitted"] else "refused", item["number"] or "fewer than 5")
        for item in found
    ]
    shell.show(found, lambda: table_of("Attempts", ("day", "purpose", "answer", "number"), rows))


@app.command("check")
@told
def check_log(
    context: typer.Context,
    operator: Annotated[str, typer.Option(help="Whose log: the address of the organization that runs the gateway.")],
    node: Annotated[str, typer.Option("--node", envvar="CONSENT_LEDGER_NODE_URL", help="URL of any node.")],
    deployment: DeploymentOption = None,
    database: Annotated[
        str | None,
        typer.Option(help="URL of the gateway's database, or of a copy; default: the one in the data folder."),
    ] = None,
    as_auditor: Annotated[
        bool, typer.Option("--as-auditor", help="Get the lines from the gateway, as the auditor who is signed in.")
    ] = False,
) -> None:
    """Go through a whole log, in its database or as the gateway tells it, against the ledger. Status as of `verify`."""
    shell = current(context)
    settings = Settings()
    asked = Asked(node, deployment or settings.deployment_path, None, offline=False)
    whose = Address(shell.address(operator))
    with asked.chain(None) as chain:
        assert chain is not None, "only offline is there none"
        # The ledger first: what is counted there must then be in the log.
        known = anchored_of(chain, whose)
        audit = _audit_remote(shell, known) if as_auditor else _audit_database(settings, database, known)
    finish(audit.result(whose), as_json=shell.as_json)


def _audit_database(settings: Settings, url: str | None, known: Sequence[Anchored]) -> Audit:
    engine = open_database(url or settings.database("gateway"))
    try:
        return audit_database(engine, known)
    finally:
        engine.dispose()


def _audit_remote(shell: Shell, known: Sequence[Anchored]) -> Audit:
    """The gateway gives the newest first, so all lines are held in memory, half a kilobyte each."""
    with shell.remote() as remote:
        if Role.AUDITOR.label not in remote.get("/v1/session")["roles"]:
            raise NotPermitted("only an auditor sees every line: sign in as one, or give the database")
        found = [(item["seq"], item["leaf"].encode()) for item in remote.each("/v1/access-log", limit=200)]
    return audit_lines(reversed(found), known)


def _prove(
    context: typer.Context, path: str, query: dict[str, int | None], evidence: Path | None, asked: Asked
) -> None:
    """Get evidence, check it here, and say what it proves; the gateway's word is not taken for it."""
    shell = current(context)
    with shell.remote() as remote:
        found = read_evidence(remote.get(path, **query))
    if evidence is not None:
        evidence.write_bytes(encode_evidence(found))
    with asked.chain(found.ledger) as chain:
        result = check(found, chain=chain, store=None)
    if evidence is not None and not shell.as_json:
        print(f"Evidence in {evidence}: `consent-ledger verify {found.kind} {evidence} --node URL` checks it anywhere.")
    finish(result, as_json=shell.as_json)
