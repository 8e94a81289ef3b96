"""Who opened, or tried to open, which record: for the patient, the reader concerned, and auditors."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from gateway import sentences
from gateway.api.models import Out
from gateway.api.paging import Cursor, Limit, Page, link_next, next_of, number_of
from gateway.deps import CallerDep, GatewayDep
from gateway.names import visible_names
from ledger.codes import Role

router = APIRouter(prefix="/v1", tags=["access log"])


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


@router.get("/access-log", summary="Who looked, and who was refused")
def access_log(
    request: Request,
    response: Response,
    caller: CallerDep,
    gateway: GatewayDep,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[LineOut]:
    """The lines about the caller's records and those of her own attempts; to auditors, all. Newest first."""
    found = gateway.log.page(
        patients=[caller.address],
        reader=caller.address,
        everybody=bool(caller.roles & Role.AUDITOR),
        before=number_of(cursor) if cursor else None,
        limit=limit,
    )
    names = visible_names(gateway, caller.address, {line.attempt.reader for line in found})
    following = next_of(found, limit, lambda line: str(line.seq))
    link_next(request, response, following)
    items = [
        LineOut(
            seq=line.seq,
            at=line.attempt.at,
            reader=line.attempt.reader,
            reader_name=names.get(line.attempt.reader),
            patient=line.attempt.patient,
            digest=line.attempt.digest.hex(),
            purpose=line.attempt.purpose.name,
            permitted=line.attempt.permitted,
            reason=line.attempt.reason.name.lower(),
            basis=line.attempt.basis.name.lower(),
            basis_id=line.attempt.basis_id.hex(),
            correlation=line.attempt.correlation,
            sentence=sentences.of_attempt(
                line.attempt, viewer=caller.address, reader_name=names.get(line.attempt.reader)
            ),
            leaf=line.leaf.decode(),
        )
        for line in found
    ]
    return Page(items=items, next=following)
