"""Prescriptions as JSON."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Annotated, Self

from pydantic import Base64Bytes, Field, JsonValue

from gateway.api.models import ActOut, DigestField, In, Number, Out, Seconds
from gateway.errors import InvalidInput
from gateway.prescriptions.access import Listed
from gateway.prescriptions.claims import Checked, Counter
from gateway.prescriptions.dispensing import Dispensed, DispenseRecord, Reserved
from gateway.prescriptions.offline import OfflineCheck
from gateway.prescriptions.qr import decode
from gateway.prescriptions.refusals import ClaimRefused
from gateway.prescriptions.standing import Standing
from gateway.prescriptions.terms import StatedTerms
from gateway.services import Gateway
from ledger.codes import Category
from ledger.index import PrescriptionChange
from ledger.types import Address, PrescriptionTerms
from offchain_store.errors import HeaderInvalid
from offchain_store.record import Header

Units = Annotated[Number, Field(ge=1, le=2**24 - 1)]
Code = Annotated[str, Field(max_length=2_000, description="What the QR code says; a secret of its bearer.")]


class DocumentIn(In):
    """A document that will be sealed: a FHIR resource as JSON, or other bytes in base64."""

    resource: dict[str, JsonValue] | None = Field(default=None, description="A FHIR R4 resource.")
    content: Base64Bytes | None = Field(default=None, description="Other content, in base64, with its media type.")
    media_type: Annotated[str, Field(max_length=255)] = "application/fhir+json"
    title: Annotated[str, Field(max_length=1000)] = ""

    def bytes_(self) -> bytes:
        """The content.

        Raises:
            InvalidInput: neither or both are given.
        """
        if (self.resource is None) == (self.content is None):
            raise InvalidInput("resource", "give either a resource or content")
        if self.content is not None:
            return self.content
        return json.dumps(self.resource, ensure_ascii=False, separators=(",", ":")).encode()

    def header(self, gateway: Gateway, categories: Category) -> Header:
        """The header that is sealed with it."""
        created = datetime.fromtimestamp(int(gateway.clock()), UTC)
        try:
            return Header(self.media_type.lower(), int(categories), self.title, created)
        except HeaderInvalid as failure:
            raise InvalidInput("media_type", str(failure)) from failure


class TermsIn(In):
    """What the prescriber states herself; it goes before what a MedicationRequest says."""

    fills: Annotated[Number, Field(ge=1, le=12)] | None = None
    per_fill: Units | None = Field(default=None, description="Most units a fill.")
    quantity: Units | None = Field(default=None, description="Units in all; default: a full fill each time.")
    min_interval: Annotated[Number, Field(ge=0, le=2**32 - 1)] | None = Field(
        default=None, description="Seconds between fills."
    )
    not_before: Seconds | None = None
    expiry: Seconds | None = None
    grantable: bool = Field(
        default=False, description="A pharmacy with the patient's consent may claim it without a code."
    )

    def stated(self) -> StatedTerms:
        return StatedTerms(**self.model_dump())


class TermsOut(Out):
    fills: int
    per_fill: int
    quantity: int
    min_interval: int
    not_before: int
    expiry: int
    grantable: bool

    @classmethod
    def of(cls, terms: PrescriptionTerms) -> Self:
        return cls(
            fills=terms.fills,
            per_fill=terms.per_fill,
            quantity=terms.quantity,
            min_interval=terms.min_interval,
            not_before=terms.not_before,
            expiry=terms.expiry,
            grantable=terms.grantable,
        )


class StandingOut(Out):
    """Where a prescription stands."""

    state: str = Field(
        description="not-yet, issued, too-soon, reserved, partly-dispensed, paused, cancelling, dispensed, cancelled, "
        "entered-in-error or expired"
    )
    sentence: str
    fill: int = Field(description="The fill that is due, counted from 1.")
    units_now: int = Field(description="Most units that may be handed out now; 0: none.")
    units_left: int
    fills_left: int
    from_time: int | None = Field(description="When it can be filled again, where only time is in the way.")
    holder: str | None = Field(description="Who has reserved it.")

    @classmethod
    def of(cls, stands: Standing) -> Self:
        return cls(
            state=stands.word.value,
            sentence=stands.sentence,
            fill=stands.fill + 1,
            units_now=stands.units_now,
            units_left=stands.units_left,
            fills_left=stands.fills_left,
            from_time=stands.from_time,
            holder=stands.holder,
        )


class PrescriptionOut(Out):
    """A prescription as somebody sees it who is part of it; without a slip only that it is there."""

    id: str
    patient: str
    patient_name: str | None
    prescriber: str
    prescriber_name: str | None
    categories: list[str]
    digest: str | None = Field(description="Of the sealed body; open it as any record.")
    terms: TermsOut | None
    standing: StandingOut | None
    can_present: bool = Field(description="The caller holds the fill keys.")
    cursor: str

    @classmethod
    def of(cls, one: Listed, names: Mapping[Address, str], cursor: str) -> Self:
        indexed, slip = one.indexed, one.slip
        return cls(
            id=indexed.prescription.hex(),
            patient=indexed.patient,
            patient_name=names.get(indexed.patient),
            prescriber=indexed.prescriber,
            prescriber_name=names.get(indexed.prescriber),
            categories=indexed.categories.labels(),
            digest=slip.opening.digest.hex() if slip else None,
            terms=TermsOut.of(slip.opening.terms) if slip else None,
            standing=StandingOut.of(one.standing) if one.standing else None,
            can_present=bool(slip and slip.fill_keys),
            cursor=cursor,
        )


class ChangeOut(Out):
    """One thing that happened to a prescription."""

    change: str = Field(description="claimed, dispensed, released, undone or changed")
    status: str
    by: str
    by_name: str | None
    at: int = Field(description="Seconds since 1970.")
    fills_used: int
    units_used: int
    owing: int
    record: str | None = Field(description="Of a hand-out: digest of the dispense record.")

    @classmethod
    def of(cls, one: PrescriptionChange, names: Mapping[Address, str], at: int) -> Self:
        return cls(
            change=one.change,
            status=one.state.status.name.lower().replace("_", "-"),
            by=one.by,
            by_name=names.get(one.by),
            at=at,
            fills_used=one.state.fills_used,
            units_used=one.state.units_used,
            owing=one.state.owing,
            record=one.record.hex() if one.record and any(one.record) else None,
        )


class CounterIn(In):
    """How the pharmacist is let in: by a presented code, or by a prescription that she has a slip of."""

    code: Code | None = None
    prescription: DigestField | None = None

    def counter(self) -> Counter:
        """Raises:
        InvalidInput: neither or both, or no code at all.
        """
        if (self.code is None) == (self.prescription is None):
            raise InvalidInput("code", "give either a code or a prescription")
        if self.code is not None:
            return Counter(presentation=decode(self.code))
        return Counter(prescription=bytes.fromhex(self.prescription or ""))


class HandOutIn(In):
    """What is handed out."""

    units: Units
    owed: bool = Field(default=False, description="The rest of this fill is owed, to be collected later.")
    record: DocumentIn | None = Field(default=None, description="The MedicationDispense, sealed and anchored with it.")

    def dispensed(self, gateway: Gateway, categories: Category) -> DispenseRecord | None:
        if self.record is None:
            return None
        return DispenseRecord(self.record.header(gateway, categories), BytesIO(self.record.bytes_()))


class RefusedOut(Out):
    """Why a claim would be refused now."""

    reason: str
    sentence: str
    facts: dict[str, int]

    @classmethod
    def of(cls, refused: ClaimRefused) -> Self:
        return cls(reason=refused.reason, sentence=refused.sentence, facts=dict(refused.facts))


class CheckedOut(Out):
    """What a presented code is good for now."""

    id: str
    fill: int = Field(description="The fill that the code is for, counted from 1.")
    digest: str
    patient: str
    prescriber: str
    prescriber_name: str | None
    terms: TermsOut
    standing: StandingOut
    refused: RefusedOut | None = Field(description="Why the caller may not claim it; null: she may.")

    @classmethod
    def of(cls, checked: Checked, names: Mapping[Address, str]) -> Self:
        shown = checked.presentation
        opening = shown.opening
        return cls(
            id=shown.id.hex(),
            fill=shown.fill + 1,
            digest=opening.digest.hex(),
            patient=opening.subject.patient,
            prescriber=opening.prescriber,
            prescriber_name=names.get(opening.prescriber),
            terms=TermsOut.of(opening.terms),
            standing=StandingOut.of(checked.standing),
            refused=RefusedOut.of(checked.refused) if checked.refused else None,
        )


class OfflineOut(Out):
    """What a code proves without asking the ledger, and what it does not."""

    id: str
    sound: bool = Field(description="Nothing speaks against it; whether it was used already is not known.")
    proven: list[str]
    refuted: list[str]
    not_proven: list[str]
    as_of_block: int | None

    @classmethod
    def of(cls, prescription: bytes, found: OfflineCheck) -> Self:
        return cls(
            id=prescription.hex(),
            sound=found.sound,
            proven=list(found.proven),
            refuted=list(found.refuted),
            not_proven=list(found.not_proven),
            as_of_block=found.as_of_block,
        )


class IssuedOut(Out):
    id: str
    digest: str
    terms: TermsOut
    act: ActOut


class PresentedOut(Out):
    """What the patient shows for one fill: a secret of its bearer."""

    id: str
    fill: int
    code: str
    image: str | None = Field(description="The QR code, base64.")
    image_type: str | None


class DispensedOut(Out):
    id: str
    record: str | None
    act: ActOut

    @classmethod
    def of(cls, done: Dispensed) -> Self:
        record = done.record.hex() if done.record else None
        return cls(id=done.prescription.hex(), record=record, act=ActOut.of(done.entry))


class ReservedOut(Out):
    id: str
    fence: int = Field(description="Number of the claim, needed to dispense under it or to give it back.")
    until: int
    act: ActOut

    @classmethod
    def of(cls, done: Reserved) -> Self:
        return cls(id=done.prescription.hex(), fence=done.fence, until=done.until, act=ActOut.of(done.entry))


def pictured(image: bytes | None, kind: str | None) -> tuple[str | None, str | None]:
    """Image and media type as JSON."""
    return (base64.b64encode(image).decode(), kind) if image is not None else (None, None)
