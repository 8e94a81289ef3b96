"""Hers to erase: records by themselves or all of them; and the list of what was disposed of."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from gateway.api.models import ActOut, DigestField, In, Out
from gateway.api.paging import Cursor, Limit, Page, link_next, next_of, number_of
from gateway.erasure import erasing as erasure
from gateway.erasure.disposals import DisposalLine, Disposals
from gateway.notices.sentences import moment
from gateway.web.deps import CallerDep, ErrandDep, GatewayDep
from gateway.web.once import OnceRoute
from ledger.codes import Role

router = APIRouter(prefix="/v1", tags=["hers to take and to erase"], route_class=OnceRoute)


class ErasureIn(In):
    """What is to be erased: some records, or everything."""

    digests: list[DigestField] = Field(default=[], max_length=500)
    everything: bool = False


class DisposalOut(Out):
    """One record that is no more."""

    seq: int
    digest: str
    at: int
    cause: Literal["erasure", "retention"]
    basis: str = Field(description="The rule that it rests on; empty for the patient's wish.")
    categories: list[str]
    blocks: int = Field(description="Sealed blocks destroyed here.")
    readers: list[str] = Field(description="Who had a key slip here: what they copied is outside.")
    sentence: str
    line: str = Field(description="The line's exact bytes, UTF-8: what is signed.")
    signature: str = Field(description="EIP-191, by the organization that runs the gateway.")


class KeptOut(Out):
    """A record that was not erased."""

    digest: str
    reason: str
    until: int | None = Field(description="From when on it may be; null: that depends.")


class ErasedOut(Out):
    """What became of the wish."""

    erased: list[DisposalOut]
    kept: list[KeptOut]
    unfinished: list[str] = Field(description="Nobody opens these; a key that they share is parted when it can be.")
    receipt: str | None = Field(description="Digest of the receipt, among the caller's records.")
    act: ActOut | None


@router.post("/erasure", summary="Erase records for good")
def erase(body: ErasureIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ErasedOut:
    """By the patient. Every key slip and sealed block that this gateway holds is destroyed; a signed line says so, and
    a receipt lies among her records. What must be kept by law or is still in use stays, with the reason."""
    if body.everything:
        done = erasure.erase_everything(gateway, caller.identity, errand)
    else:
        digests = [bytes.fromhex(digest) for digest in body.digests]
        done = erasure.erase(gateway, caller.identity, digests, errand)
    return ErasedOut(
        erased=[_disposal(line) for line in done.lines],
        kept=[KeptOut(digest=one.digest.hex(), reason=one.reason, until=one.until) for one in done.kept],
        unfinished=[digest.hex() for digest in done.unfinished],
        receipt=done.receipt.hex() if done.receipt else None,
        act=ActOut.of(done.entry) if done.entry else None,
    )


@router.get("/disposals", summary="What was disposed of")
def disposals(
    request: Request,
    response: Response,
    caller: CallerDep,
    gateway: GatewayDep,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DisposalOut]:
    """To patients what was about them, to organizations what their people wrote, to auditors all. Newest first."""
    found = Disposals(gateway.database, gateway.operator).page(
        concerned=[caller.address],
        everybody=bool(caller.roles & Role.AUDITOR),
        before=number_of(cursor) if cursor else None,
        limit=limit,
    )
    following = next_of(found, limit, lambda line: str(line.seq))
    link_next(request, response, following)
    return Page(items=[_disposal(line) for line in found], next=following)


def _disposal(line: DisposalLine) -> DisposalOut:
    fields = line.fields
    why = "as the patient wished" if fields["cause"] == "erasure" else f"its time was over ({fields['basis']})"
    kinds = " and ".join(label.replace("-", " ") for label in fields["categories"])
    return DisposalOut(
        seq=line.seq,
        digest=fields["digest"],
        at=fields["at"],
        cause=fields["cause"],
        basis=fields["basis"],
        categories=fields["categories"],
        blocks=fields["blocks"],
        readers=fields["readers"],
        sentence=f"A record ({kinds}) was destroyed on {moment(fields['at'])}: {why}.",
        line=line.line.decode(),
        signature=line.signature.hex(),
    )
