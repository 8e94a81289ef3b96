"""`consent-ledger verify ...`: evidence checked against a node and a store, with no gateway and no database.

Prints one sentence, or JSON; ends with status 0 if it was proven, 1 if it is not so (altered, missing, never anchored,
contradicted), 2 if it could not be decided.
"""

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from gateway.errors import GatewayError
from gateway.verify import consent as consents
from gateway.verify import record as records
from gateway.verify.asked import Asked
from gateway.verify.chain import Chain
from gateway.verify.checks import check
from gateway.verify.evidence import Evidence, LedgerName
from gateway.verify.reading import read_evidence
from gateway.verify.result import Result, Verdict
from ledger.errors import LedgerError
from ledger.types import Address, address_of, scope_number
from offchain_store.errors import StoreError

app = typer.Typer(
    no_args_is_help=True,
    help="Check what ledger, store and access log prove, with no gateway. Status: 0 proven, 1 not so, 2 undecided.",
)

NodeOption = Annotated[
    str | None,
    typer.Option("--node", envvar="CONSENT_LEDGER_NODE_URL", help="URL of any Ethereum node of the ledger's network."),
]
DeploymentOption = Annotated[
    Path | None,
    typer.Option(
        "--deployment",
        envvar="CONSENT_LEDGER_DEPLOYMENT",
        help="Deployment file that says which ledger you trust; default: the one that the evidence names.",
    ),
]
StoreOption = Annotated[
    str | None,
    typer.Option("--store", help="Folder of a local store, or multiaddress of an IPFS node's RPC; none: no bytes."),
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Ask no node: says what the evidence alone proves.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
FileArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Evidence file.")]


@app.command("record")
def record(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="Evidence file, or the digest of a record that was anchored alone.")],
    node: NodeOption = None,
    deployment: DeploymentOption = None,
    store: StoreOption = None,
    offline: OfflineOption = False,
    key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="File with the record key, 64 hexadecimal digits.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write what the key opens.")] = None,
    as_json: JsonOption = False,
) -> None:
    """That the bytes in a store are those that were anchored, by whom, about whom, when; and that a key opens them."""
    asked = Asked(node, deployment, store, offline)

    def find(chain: Chain | None) -> Evidence | Result:
        if Path(what).is_file():
            return _read(Path(what), "record")
        digest = _word(what, "neither a file nor a digest")
        if chain is None:
            return Result("record", Verdict.UNDECIDED, "A digest alone proves nothing offline: give an evidence file.")
        found = records.evidence_of(chain, digest)
        never = f"Record {digest.hex()} was never anchored alone on this ledger."
        return found or Result("record", Verdict.NEVER_ANCHORED, never)

    record_key = _word(key.read_text().strip(), "no record key") if key else None
    _run(context, asked, find, _named(what), as_json, record_key, output)


@app.command("consent")
def consent(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="Evidence file.")] = None,
    patient: Annotated[str | None, typer.Option(help="Instead of a file: who consented.")] = None,
    grantee: Annotated[str | None, typer.Option(help="Instead of a file: whom she let.")] = None,
    number: Annotated[int, typer.Option(min=0, max=65_535, help="Which of the pair's consents.")] = 0,
    node: NodeOption = None,
    deployment: DeploymentOption = None,
    store: StoreOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """That a patient consented, to what, when, and how it stands now; on the ledger itself, or by a signature in a list
    that was anchored there."""

    def find(chain: Chain | None) -> Evidence | Result:
        if file is not None:
            return _read(file, "consent", "signed-consent")
        if chain is None or patient is None or grantee is None:
            raise typer.BadParameter("give an evidence file, or both --patient and --grantee and a node")
        found = consents.evidence_of(chain, _address(patient), _address(grantee), scope_number(number))
        never = f"{patient} never granted {grantee} a consent of this number on this ledger."
        return found or Result("consent", Verdict.NEVER_ANCHORED, never)

    asked = Asked(node, deployment, store, offline)
    _run(context, asked, find, _named(str(file)) if file else None, as_json)


@app.command("prescription")
def prescription(
    context: typer.Context,
    file: FileArgument,
    node: NodeOption = None,
    deployment: DeploymentOption = None,
    store: StoreOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """That a prescription was issued on these terms, what was handed out on it, and where it stands."""
    _of_kind(context, file, "prescription", Asked(node, deployment, store, offline), as_json)


@app.command("access-line")
def access_line(
    context: typer.Context,
    file: FileArgument,
    node: NodeOption = None,
    deployment: DeploymentOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """That a line stands in an access log, unchanged since a checkpoint of the log was anchored."""
    _of_kind(context, file, "access-line", Asked(node, deployment, None, offline), as_json)


@app.command("checkpoint")
def checkpoint(
    context: typer.Context,
    file: FileArgument,
    node: NodeOption = None,
    deployment: DeploymentOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """That a checkpoint of an access log is the anchored one, and begins with the earlier one in the file."""
    _of_kind(context, file, "checkpoint", Asked(node, deployment, None, offline), as_json)


def _of_kind(context: typer.Context, file: Path, kind: str, asked: Asked, as_json: bool) -> None:
    _run(context, asked, lambda chain: _read(file, kind), _named(str(file)), as_json)


def _run(
    context: typer.Context,
    asked: Asked,
    find: Callable[[Chain | None], Evidence | Result],
    named: LedgerName | None,
    as_json: bool,
    key: bytes | None = None,
    output: Path | None = None,
) -> None:
    """Check, print, end."""
    root: Any = context.find_root().obj
    as_json = as_json or bool(getattr(root, "as_json", False))
    kind = context.info_name or ""
    try:
        with ExitStack() as stack:
            chain = stack.enter_context(asked.chain(named))
            found = find(chain)
            if not isinstance(found, Result):
                sink: BinaryIO | None = stack.enter_context(output.open("wb")) if output else None
                found = check(found, chain=chain, store=asked.blocks(stack), key=key, output=sink)
    except (GatewayError, LedgerError, StoreError) as failure:
        found = Result(kind, Verdict.UNDECIDED, f"It could not be checked: {failure}.")
    except OSError as failure:
        found = Result(kind, Verdict.UNDECIDED, f"It could not be checked: {failure.strerror or 'a file'}.")
    finish(found, as_json=as_json)


def finish(result: Result, *, as_json: bool) -> None:
    """Print a result and end with its status."""
    print(json.dumps(result.as_json(), indent=2, ensure_ascii=False) if as_json else result.sentence)
    sys.stdout.flush()
    raise typer.Exit(result.status)


def _read(file: Path, kind: str, *others: str) -> Evidence | Result:
    evidence = read_evidence(file.read_bytes())
    if evidence.kind not in (kind, *others):
        return Result(kind, Verdict.UNDECIDED, f"The file is evidence of another kind: {evidence.kind}.")
    return evidence


def _named(what: str) -> LedgerName | None:
    """The ledger that an evidence file names; None: that is no evidence file."""
    path = Path(what)
    if not path.is_file():
        return None
    try:
        return read_evidence(path.read_bytes()).ledger
    except GatewayError:
        return None  # reading it again says why


def _word(text: str, otherwise: str) -> bytes:
    try:
        word = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        word = b""
    if len(word) != 32:
        raise typer.BadParameter(f"{otherwise}: 64 hexadecimal digits")
    return word


def _address(text: str) -> Address:
    try:
        return address_of(text)
    except ValueError:
        raise typer.BadParameter("an address is 0x and 40 hexadecimal digits") from None
