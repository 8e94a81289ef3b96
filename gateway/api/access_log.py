"""Who opened, or tried to open, which record: for the patient, the reader concerned, and auditors; with proofs that
nothing was left out, changed or moved, and numbers without persons for those who manage an organization."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from gateway.api.breakglass import OpeningOut, shown
from gateway.api.models import Out
from gateway.api.paging import Cursor, Limit, Page, link_next, next_of, number_of
from gateway.emergencies.breakglass import openings_over
from gateway.errors import InvalidInput, NotFound
from gateway.identity.names import visible_names
from gateway.log.accesslog import Line
from gateway.log.checkpoints import anchored
from gateway.log.counts import DAY, count_attempts
from gateway.log.evidence import checkpoint_evidence, line_evidence, log_key
from gateway.notices import sentences
from gateway.services import Gateway
from gateway.web.deps import Caller, CallerDep, GatewayDep
from ledger.codes import Role

router = APIRouter(prefix="/v1", tags=["access log"])

MOST_DAYS = 366

LineNumber = Annotated[int, Path(ge=0, lt=2**53, description="Its position in the log.")]
Size = Annotated[int, Query(ge=1, lt=2**53, description="Lines of a checkpoint that is on the ledger.")]
Evidence = dict[str, Any]
"""An evidence file (`gateway/verify/README.md`)."""


class LineOut(Out):
    """One line of the log."""

    seq: int = Field(description="Its position in the log.")
    at: int
    reader: str
    reader_name: str | None
    patient: str
    digest: str
    purpose: str
    permitted: bool
    reason: str
    basis: str
    basis_id: str
    correlation: str
    sentence: str = Field(description="The same for people.")
    leaf: str = Field(description="The line's exact bytes, UTF-8: what the Merkle tree is made over.")


class LogPage(Page[LineOut]):
    """One page of the log."""

    emergencies: list[OpeningOut] = Field(
        default=[], description="On top of the first page: every time that the glass was broken over the caller."
    )


class CheckpointOut(Out):
    """A checkpoint that is on the ledger."""

    size: int = Field(description="Number of lines.")
    root: str = Field(description="RFC 6962 Merkle root over them.")
    block: int
    transaction: str


class LogKeyOut(Out):
    """Whose log this is, and the key that signs its checkpoints."""

    operator: str
    key: str = Field(description="Name, id and Ed25519 key, as notes are verified with (C2SP signed-note).")
    introduction: str = Field(description="The operator's EIP-191 signature over the key.")


class CountOut(Out):
    """Attempts of one kind on one day."""

    day: str
    purpose: str
    permitted: bool
    number: int | None = Field(description="null: fewer than five")


@router.get("/access-log", summary="Who looked, and who was refused")
def access_log(
    request: Request,
    response: Response,
    caller: CallerDep,
    gateway: GatewayDep,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> LogPage:
    """The lines about the caller's records and those of her own attempts; to auditors, all. Newest first."""
    before = number_of(cursor) if cursor else None
    found = gateway.log.page(**_may_see(caller), before=before, limit=limit)
    following = next_of(found, limit, lambda line: str(line.seq))
    link_next(request, response, following)
    broken = [] if cursor else openings_over(gateway, caller.address, 50)
    emergencies = shown(gateway, caller.address, broken)
    return LogPage(items=_shown(gateway, caller, found), next=following, emergencies=emergencies)


@router.get("/access-log/checkpoints", summary="Checkpoints on the ledger")
def checkpoints(
    request: Request, response: Response, gateway: GatewayDep, limit: Limit = 50, cursor: Cursor = None
) -> Page[CheckpointOut]:
    """To anybody: they say how many lines there are and nothing of what is in them. Newest first."""
    below = number_of(cursor) - 1 if cursor else None
    found = anchored(gateway, most=below, limit=limit, newest=True)
    following = next_of(found, limit, lambda one: str(one.size))
    link_next(request, response, following)
    items = [
        CheckpointOut(
            size=one.size, root=one.root.hex(), block=one.block_number, transaction="0x" + one.transaction_hash.hex()
        )
        for one in found
    ]
    return Page(items=items, next=following)


@router.get("/access-log/checkpoint", summary="The newest checkpoint on the ledger, signed")
def checkpoint(gateway: GatewayDep, size: Size | None = None) -> Evidence:
    """To anybody, as evidence: the signed note, the key, and where the ledger has it. `size` names an older one."""
    return checkpoint_evidence(gateway, size=size).as_json()


@router.get("/access-log/consistency", summary="That a later log begins with an earlier one")
def consistency(
    gateway: GatewayDep,
    earlier: Annotated[int, Query(alias="from", ge=1, lt=2**53, description="Lines of the earlier checkpoint.")],
    later: Annotated[
        int | None, Query(alias="to", ge=1, lt=2**53, description="Lines of the later one; default: the newest.")
    ] = None,
) -> Evidence:
    """To anybody, as evidence: that between two checkpoints on the ledger no line was changed, moved or removed."""
    return checkpoint_evidence(gateway, size=later, earlier=earlier).as_json()


@router.get("/access-log/key", summary="The key that signs checkpoints")
def key(gateway: GatewayDep) -> LogKeyOut:
    """To anybody. The operator's address signs for it, so that whoever knows the address can trust it."""
    return LogKeyOut(**log_key(gateway).as_json())


@router.get("/access-log/counts", summary="Numbers without persons")
def counts(
    caller: CallerDep,
    gateway: GatewayDep,
    since: Annotated[int | None, Query(ge=0, lt=2**40, description="Seconds since 1970; default: 30 days ago.")] = None,
    until: Annotated[int | None, Query(ge=0, lt=2**40, description="Seconds since 1970; default: now.")] = None,
) -> list[CountOut]:
    """To organizations: how often their own people opened records and were refused, by day and purpose; to auditors, of
    everybody. Numbers below five are not told."""
    caller.require_role(Role.ORGANIZATION | Role.AUDITOR)
    end = int(gateway.clock()) + 1 if until is None else until
    start = max(end - 30 * DAY, 0) if since is None else since
    if not start <= end <= start + MOST_DAYS * DAY:
        raise InvalidInput("since", f"is not before `until`, or more than {MOST_DAYS} days before it")
    organization = None if caller.roles & Role.AUDITOR else caller.address
    return [
        CountOut(day=one.day, purpose=one.purpose.name, permitted=one.permitted, number=one.number)
        for one in count_attempts(gateway, organization, since=start, until=end)
    ]


@router.get("/access-log/{line}", summary="One line")
def line(line: LineNumber, caller: CallerDep, gateway: GatewayDep) -> LineOut:
    """To those whom it concerns, and to auditors."""
    return _shown(gateway, caller, [_found(gateway, caller, line)])[0]


@router.get("/access-log/{line}/proof", summary="That a line stands in the log")
def proof(line: LineNumber, caller: CallerDep, gateway: GatewayDep) -> Evidence:
    """To those whom it concerns, and to auditors, as evidence: the line, the hashes that lead from it to the first
    checkpoint on the ledger that counts it, and that checkpoint, signed. 409 until there is one."""
    return line_evidence(gateway, _found(gateway, caller, line)).as_json()


def _may_see(caller: Caller) -> dict[str, Any]:
    """Whose lines the caller may see; what `AccessLog.page` takes."""
    return {
        "patients": [caller.address],
        "reader": caller.address,
        "everybody": bool(caller.roles & Role.AUDITOR),
    }


def _found(gateway: Gateway, caller: Caller, number: int) -> Line:
    found = gateway.log.line(number, **_may_see(caller))
    if found is None:
        raise NotFound("no such line, or not for you to see")
    return found


def _shown(gateway: Gateway, caller: Caller, found: list[Line]) -> list[LineOut]:
    names = visible_names(gateway, caller.address, {one.attempt.reader for one in found})
    return [
        LineOut(
            seq=one.seq,
            at=one.attempt.at,
            reader=one.attempt.reader,
            reader_name=names.get(one.attempt.reader),
            patient=one.attempt.patient,
            digest=one.attempt.digest.hex(),
            purpose=one.attempt.purpose.name,
            permitted=one.attempt.permitted,
            reason=one.attempt.reason.name.lower(),
            basis=one.attempt.basis.name.lower(),
            basis_id=one.attempt.basis_id.hex(),
            correlation=one.attempt.correlation,
            sentence=sentences.of_attempt(
                one.attempt, viewer=caller.address, reader_name=names.get(one.attempt.reader)
            ),
            leaf=one.leaf.decode(),
        )
        for one in found
    ]
