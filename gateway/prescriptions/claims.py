"""Being let in at the counter: by a code that the patient presents, or by her consent and a prescription slip.

>>> shown = qr.decode(text)
>>> check(gateway, pharmacist.address, shown).standing.units_now
30
>>> b"".join(read(gateway, pharmacist, Counter(shown), correlation).content)
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.clocks import chain_time
from gateway.errors import InvalidInput
from gateway.flow import Retrieved, authorize
from gateway.identity.keystore import Identity
from gateway.notices.told import Told
from gateway.prescriptions.access import now_of, open_slip
from gateway.prescriptions.bodies import located_by
from gateway.prescriptions.qr import Presentation
from gateway.prescriptions.refusals import Claim, ClaimRefused, refusal
from gateway.prescriptions.slips import PrescriptionSlip, Reading
from gateway.prescriptions.standing import Standing, standing
from gateway.reading import open_verified
from ledger.acts import Redemption
from ledger.client import presentation_basis
from ledger.codes import Category, Purpose, Reason
from ledger.eip712 import presentation_data, redemption_data, sign
from ledger.errors import AccessDenied, ContractRejected
from ledger.types import Address, Opening

if TYPE_CHECKING:
    from gateway.services import Gateway

READ_SECONDS = 300
"""How long a presented code lets its body be read at one go."""


CLAIM_SECONDS = 120
"""How long a signed claim may take to reach the ledger."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a pharmacist may do with a presented code."""

    presentation: Presentation
    standing: Standing
    refused: ClaimRefused | None
    """Why she may not claim; None: she may."""


@dataclass(frozen=True, slots=True)
class Counter:
    """How the pharmacist is let in: by a presented code, or by a slip and the patient's consent."""

    presentation: Presentation | None = None
    prescription: bytes | None = None
    """Id of a prescription that she has a slip of."""


def check(gateway: "Gateway", pharmacist: Address, shown: Presentation) -> Checked:
    """What may be done with a presented code now; claims nothing and leaves no trace on the ledger."""
    claim, redemption = signed_claim(gateway, pharmacist, shown)
    now = now_of(gateway, shown.opening)
    stands = standing(now.state, shown.opening.terms, at=now.at, holder=now.holder)
    refused = None
    try:
        gateway.ledger.rehearse(gateway.ledger.acts.reserve_presented(shown.opening, redemption), pharmacist)
    except ContractRejected as failure:
        refused = refusal(failure, claim, now)
    return Checked(shown, stands, refused)


def read(gateway: "Gateway", pharmacist: Identity, counter: Counter, correlation: str) -> Retrieved:
    """Open the body of a prescription that is presented, reserved under a presented code, or granted.

    Raises:
        ClaimRefused: the code is no good (any more); the sentence says why.
        AccessDenied: the ledger denies for another reason.
        NotFound: no code, and no slip of this prescription.
        RecordMissing, RecordAltered, RecordNeverAnchored
    """
    shown = counter.presentation
    if shown is not None:
        opening, key = shown.opening, shown.record_key
        leave: Reading | None = leave_to_read(gateway, pharmacist.address, shown, chain_time(gateway) + READ_SECONDS)
    else:
        slip = slip_of(gateway, pharmacist, counter)
        opening, key, leave = slip.opening, slip.record_key, slip.reading
    offered = [presentation_basis(opening, leave.path, leave.deadline, leave.r, leave.vs)] if leave else []
    # The body's digest is nowhere on the ledger before the first claim: the opening itself says where it stands.
    looking = replace(gateway, finders=(lambda _gateway, _digest: located_by(opening),))
    try:
        located, decision = authorize(
            looking, pharmacist.address, opening.digest, purpose=Purpose.TREAT, correlation=correlation, offered=offered
        )
    except AccessDenied as denied:
        if denied.reason is not Reason.PRESENTATION_INVALID:
            raise
        claim = Claim(opening, pharmacist.address, fill=shown.fill if shown else None)
        raise refusal(ContractRejected("FillKeyInvalid", {}), claim, now_of(gateway, opening)) from denied
    header, content, size = open_verified(gateway.store, opening.digest, key)
    return Retrieved(located, header, content, size, decision)


def categories_at(gateway: "Gateway", pharmacist: Identity, counter: Counter) -> Category:
    """The categories of a prescription, which its dispense record has too.

    Raises:
        NotFound
    """
    if counter.presentation is not None:
        return counter.presentation.opening.subject.categories
    return slip_of(gateway, pharmacist, counter).opening.subject.categories


def signed_claim(gateway: "Gateway", pharmacist: Address, shown: Presentation) -> tuple[Claim, Redemption]:
    """The fill key's signature for this pharmacist, the next number and the next two minutes."""
    fence = gateway.ledger.prescription(shown.id).fence + 1
    deadline = chain_time(gateway) + CLAIM_SECONDS
    data = redemption_data(
        gateway.ledger.domain,
        prescription=shown.id,
        fill=shown.fill,
        pharmacist=pharmacist,
        fence=fence,
        deadline=deadline,
    )
    claim = Claim(shown.opening, pharmacist, fence=fence, fill=shown.fill)
    return claim, Redemption(shown.path, deadline, *sign(data, shown.fill_key))


def leave_to_read(gateway: "Gateway", reader: Address, shown: Presentation, deadline: int) -> Reading:
    data = presentation_data(
        gateway.ledger.domain, prescription=shown.id, fill=shown.fill, reader=reader, deadline=deadline
    )
    return Reading(shown.fill, shown.path, deadline, *sign(data, shown.fill_key))


def granted_opening(gateway: "Gateway", pharmacist: Identity, counter: Counter) -> Opening:
    """The opening, with the patient's consent that lets this pharmacist, or her pharmacy, in."""
    opening = slip_of(gateway, pharmacist, counter).opening
    participant = gateway.index.participant(pharmacist.address)
    grantees = [pharmacist.address, *([participant.organization] if participant else [])]
    found = gateway.index.bases(
        opening.subject.patient, grantees, opening.subject.categories, Purpose.TREAT.bit, chain_time(gateway)
    )
    numbered = [one for one in found if not any(one.scope[:30])]
    best = min(numbered, key=lambda one: (one.withdrawn, grantees.index(one.grantee)), default=None)
    subject = opening.subject
    if best is not None:
        number = int.from_bytes(best.scope, "big")
        subject = replace(subject, consent_number=number, via_organization=best.grantee != pharmacist.address)
    return replace(opening, subject=subject)


def slip_of(gateway: "Gateway", pharmacist: Identity, counter: Counter) -> PrescriptionSlip:
    if counter.prescription is None:
        raise InvalidInput("code", Told("present a code, or name a prescription that you have a slip of"))
    return open_slip(gateway, pharmacist, counter.prescription)
