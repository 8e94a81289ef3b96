"""Results by the thousand: a batch takes items in any number of requests, and is posted once; and its records."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Base64Bytes, Field

from gateway import listing
from gateway.api.models import (
    ActOut,
    AddressField,
    CategoryNames,
    DigestField,
    In,
    Out,
    categories_of,
    hexed,
)
from gateway.api.paging import Cursor, Limit, Page, link_next, next_of, number_of
from gateway.batches import posting as batches
from gateway.batches import records as batch_records
from gateway.batches.index import Place
from gateway.batches.records import ListedRecord
from gateway.batches.seal import NewItem
from gateway.erasure.tombstones import Tombstones
from gateway.errors import InvalidInput, NotFound
from gateway.identity.directory import keyed_identifier
from gateway.identity.names import visible_names
from gateway.services import Gateway
from gateway.web.deps import CallerDep, CorrelationDep, ErrandDep, GatewayDep
from gateway.web.once import OnceRoute
from ledger.codes import Role
from ledger.types import Address

router = APIRouter(prefix="/v1/batches", tags=["batches"], route_class=OnceRoute)
records = APIRouter(prefix="/v1/batch-records", tags=["batches"], route_class=OnceRoute)

WRITERS = Role.PRACTITIONER | Role.PRESCRIBER | Role.LABORATORY | Role.PHARMACIST | Role.EMERGENCY | Role.ORGANIZATION

_NAME = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}"


class BatchIn(In):
    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="Of the author's choice: the same name is the same batch. Only a keyed digest of it is kept."
    )


class IdentifierIn(In):
    """A patient by an identifier from outside."""

    system: Annotated[str, Field(min_length=1, max_length=255)]
    value: Annotated[str, Field(min_length=1, max_length=255)]


class ItemIn(In):
    """One result."""

    id: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="The client's own name for it, unique in the batch; only a keyed digest of it is kept."
    )
    patient: AddressField | None = None
    identifier: IdentifierIn | None = Field(default=None, description="In place of the patient's address.")
    categories: CategoryNames = Field(default_factory=lambda: ["laboratory"])
    media_type: Annotated[str, Field(pattern=f"^{_NAME}/{_NAME}$")] = "application/fhir+json"
    title: Annotated[str, Field(max_length=200)] = ""
    content: Annotated[Base64Bytes, Field(max_length=batches.MOST_CONTENT)] = Field(description="In base64.")


class ItemsIn(In):
    items: Annotated[list[ItemIn], Field(min_length=1, max_length=batches.MOST_AT_ONCE)]


class AddedOut(Out):
    accepted: int
    unchanged: int = Field(description="Handed in before with the same content.")


class FindIn(In):
    id: Annotated[str, Field(min_length=1, max_length=200)]


class FoundOut(Out):
    index: int
    digest: str


class BatchOut(Out):
    """How far a batch has come."""

    id: str
    state: str = Field(description="open, posting, posted, anchored or failed")
    items: int
    proposals: int = Field(description="Items whose patients had not let the author write: they count once accepted.")
    root: str | None
    manifest: str | None
    act: ActOut | None
    created_at: int

    @classmethod
    def of(cls, progress: batches.Progress) -> "BatchOut":
        return cls(
            id=progress.job.hex(),
            state=progress.state,
            items=progress.items,
            proposals=progress.proposals,
            root=hexed(progress.root) if progress.root else None,
            manifest=hexed(progress.manifest) if progress.manifest else None,
            act=ActOut.of(progress.entry) if progress.entry else None,
            created_at=progress.created_at,
        )


class BatchRecordOut(Out):
    """One record of a batch as the ledger knows it; open it as any record."""

    digest: str
    patient: str
    patient_name: str | None
    author: str
    author_name: str | None
    categories: list[str]
    state: str = Field(description="proposed, anchored, superseded, retracted, turned_down, taken_back or erased")
    superseded_by: str | None
    root: str
    index: int
    cursor: str


@router.post("", summary="Open a batch", status_code=201)
def open_batch(body: BatchIn, gateway: GatewayDep, caller: CallerDep) -> BatchOut:
    """By whoever writes records. Opening it again, by the same name, gives the same batch."""
    caller.require_role(WRITERS)
    return BatchOut.of(batches.open_batch(gateway, caller.address, body.name))


@router.get("", summary="The caller's batches")
def mine(gateway: GatewayDep, caller: CallerDep, limit: Limit = 50) -> list[BatchOut]:
    """Newest first."""
    return [BatchOut.of(progress) for progress in batches.batches_by(gateway, caller.address, limit)]


@router.get("/{batch}", summary="How far a batch has come")
def progress(batch: DigestField, gateway: GatewayDep, caller: CallerDep) -> BatchOut:
    return BatchOut.of(batches.progress(gateway, caller.address, bytes.fromhex(batch)))


@router.post("/{batch}/items", summary="Hand in results")
def add(batch: DigestField, body: ItemsIn, gateway: GatewayDep, caller: CallerDep) -> AddedOut:
    """Each is sealed for its patient, the author and all who may read it now. What is accepted is safe; the same item
    again changes nothing, another content under its name is refused."""
    items = [_item(gateway, item) for item in body.items]
    added = batches.add(gateway, caller.address, bytes.fromhex(batch), items)
    return AddedOut(accepted=added.accepted, unchanged=added.unchanged)


@router.post("/{batch}/find", summary="Where one result stands")
def find(batch: DigestField, body: FindIn, gateway: GatewayDep, caller: CallerDep) -> FoundOut:
    """By the client's own name for it."""
    found = batches.item_of(gateway, caller.address, bytes.fromhex(batch), body.id)
    if found is None:
        raise NotFound("no item of this name was accepted")
    return FoundOut(index=found[0], digest=found[1].hex())


@router.post("/{batch}/post", summary="Post a batch")
def post(
    batch: DigestField, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep, correlation: CorrelationDep
) -> BatchOut:
    """Closes the list and anchors it as one root. Posting again, after whatever cut it off, changes nothing."""
    _ = caller.identity  # her key signs
    name = bytes.fromhex(batch)
    return BatchOut.of(batches.post(gateway, caller.address, name, wait=errand.wait, correlation=correlation))


@records.get("", summary="List records that came in batches")
def about(
    request: Request,
    response: Response,
    gateway: GatewayDep,
    caller: CallerDep,
    patient: Annotated[AddressField | None, Query(description="Whose; default: the caller's own.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[BatchRecordOut]:
    """To the patient all, to others those that they wrote or that live consents cover. Newest first."""
    whose = Address(patient or caller.address)
    found = batch_records.records_about(gateway, [whose], limit, _place(cursor))
    following = next_of(found, limit, _cursor)
    link_next(request, response, following)
    return Page(items=_shown(gateway, caller.address, whose, found), next=following)


@records.get("/{digest}", summary="One record of a batch")
def one(digest: DigestField, gateway: GatewayDep, caller: CallerDep) -> BatchRecordOut:
    found = batch_records.record_of(gateway, bytes.fromhex(digest))
    shown = _shown(gateway, caller.address, found.record.item.patient, [found])
    if not shown:
        raise NotFound("no such record, or not for you to know of")
    return shown[0]


@records.post("/{digest}/accept", summary="Take a proposed record in")
def accept(digest: DigestField, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep) -> ActOut:
    """By the patient."""
    return ActOut.of(batch_records.accept(gateway, caller.identity.address, bytes.fromhex(digest), errand))


@records.post("/{digest}/retract", summary="Declare a record entered in error")
def retract(digest: DigestField, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep) -> ActOut:
    """By its author; its neighbours in the batch stay as they are."""
    return ActOut.of(batch_records.retract(gateway, caller.identity.address, bytes.fromhex(digest), errand))


def _item(gateway: Gateway, item: ItemIn) -> NewItem:
    if (item.patient is None) == (item.identifier is None):
        raise InvalidInput("items.patient", "give either a patient or an identifier")
    if item.patient is not None:
        patient = Address(item.patient)
    else:
        assert item.identifier is not None
        keyed = keyed_identifier(gateway.consortium_key, item.identifier.system, item.identifier.value)
        found = gateway.ledger.participant_by(keyed)
        if found is None:
            raise InvalidInput("items.identifier", "an identifier leads to nobody")
        patient = found
    if not item.title.isprintable():
        raise InvalidInput("items.title", "one printable line")
    return NewItem(item.id, patient, categories_of(item.categories), item.media_type, item.content, item.title)


def _shown(gateway: Gateway, viewer: Address, patient: Address, found: list[ListedRecord]) -> list[BatchRecordOut]:
    visible = listing.visible(gateway, viewer, patient, [one.indexed for one in found])
    known = {one.digest for one in visible}
    names = visible_names(gateway, viewer, {one.record.author for one in found} | {patient})
    erased = Tombstones(gateway.database, gateway.settings.data_dir).among(list(known))
    return [
        BatchRecordOut(
            digest=one.record.item.digest.hex(),
            patient=one.record.item.patient,
            patient_name=names.get(one.record.item.patient),
            author=one.record.author,
            author_name=names.get(one.record.author),
            categories=one.record.item.categories.labels(),
            state="erased" if one.record.item.digest in erased else one.state.name.lower(),
            superseded_by=one.successor.hex() if one.successor else None,
            root=hexed(one.record.root),
            index=one.record.index,
            cursor=_cursor(one),
        )
        for one in found
        if one.record.item.digest in known
    ]


def _cursor(one: ListedRecord) -> str:
    return "-".join(str(number) for number in one.record.where)


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    parts = cursor.split("-")
    if len(parts) != 3:
        raise InvalidInput("cursor", "take it from the page before")
    block, index, position = (number_of(part) for part in parts)
    return block, index, position
