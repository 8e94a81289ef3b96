"""Every write one can make, as an `Act`: what to send where, not yet signed by anybody. One function an act.

>>> act = Acts(contract).withdraw(grantee, scope_number(0))
>>> entry = outbox.enqueue(act, signer=patient)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.abi import Abi
from ledger.care import Question
from ledger.codes import Category, EmergencyReason, Power, ReviewOutcome, Role
from ledger.eip712 import Domain, TypedData, digest, grant_data
from ledger.keccak import keccak256
from ledger.types import Address, ConsentTerms, HandOut, Opening, PrescriptionState, Subject, raw


@dataclass(frozen=True, slots=True)
class Act:
    """A call to the ledger that somebody may sign and send."""

    kind: str
    """Name of the contract's function."""
    to: Address
    data: bytes
    """Calldata."""


@dataclass(frozen=True, slots=True)
class SignedGrant:
    """A consent that its patient signed (EIP-712 `ConsentGrant`)."""

    patient: Address
    grantee: Address
    scope: bytes
    terms: ConsentTerms
    document: bytes
    deadline: int
    r: bytes
    vs: bytes

    def typed_data(self, domain: Domain) -> TypedData:
        """What the patient signed."""
        return grant_data(
            domain,
            grantee=self.grantee,
            scope=self.scope,
            terms=self.terms,
            document=self.document,
            deadline=self.deadline,
        )

    def leaf(self, domain: Domain) -> bytes:
        """Its leaf in a batch of consents, hashed twice so that no inner node passes for a leaf."""
        return keccak256(keccak256(digest(self.typed_data(domain)) + raw(self.patient).rjust(32, b"\0")))

    def as_tuple(self) -> tuple[str, bytes, int, bytes, bytes, bytes]:
        """The struct as the ABI takes it: the deadline in the high 40 bits of the terms."""
        terms = self.terms.pack() | self.deadline << 216
        return (self.grantee, self.scope, terms, self.document, self.r, self.vs)


@dataclass(frozen=True, slots=True)
class Redemption:
    """A fill key's signature for one pharmacist and one fence (EIP-712 `Redemption`)."""

    path: tuple[bytes, ...]
    deadline: int
    r: bytes
    vs: bytes

    def as_tuple(self, body: bytes) -> tuple[bytes, int, bytes, bytes]:
        """The struct as the ABI takes it; `body`: digest of the sealed prescription."""
        return (body, self.deadline, self.r, self.vs)


class Acts:
    """Builds acts for one deployment; the NatSpec of `contracts/interfaces/` says what each does and who may."""

    def __init__(self, contract: Address, abi: Abi | None = None) -> None:
        self._contract = contract
        self._abi = abi or Abi.shipped()

    def _act(self, kind: str, *args: Any) -> Act:
        return Act(kind, self._contract, self._abi.encode(kind, *args))

    # --- participants

    def admit(self, organization: Address, roles: Role) -> Act:
        return self._act("admit", organization, int(roles))

    def register(self, participant: Address, roles: Role) -> Act:
        return self._act("register", participant, int(roles))

    def register_with_key_card(self, participant: Address, roles: Role, key_card: bytes) -> Act:
        return self._act("registerWithKeyCard", participant, int(roles), key_card)

    def set_roles(self, participant: Address, roles: Role) -> Act:
        return self._act("setRoles", participant, int(roles))

    def set_suspension(self, participant: Address, suspended: bool) -> Act:
        return self._act("setSuspension", participant, suspended)

    def publish_key_card(self, key_card: bytes) -> Act:
        return self._act("publishKeyCard", key_card)

    def set_preferences(self, *, emergency: Category, barred_authors: Category, over_denials: bool = False) -> Act:
        return self._act("setPreferences", int(emergency), over_denials, int(barred_authors))

    def link(self, identifier: bytes, participant: Address) -> Act:
        return self._act("link", identifier, participant)

    def open_team(self, number: int) -> Act:
        return self._act("openTeam", number)

    def set_membership(self, team: Address, member: Address, joined: bool) -> Act:
        return self._act("setMembership", team, member, joined)

    # --- consents

    def grant(self, grantee: Address, scope: bytes, terms: ConsentTerms, document: bytes) -> Act:
        return self._act("grant", grantee, scope, terms.pack(), document)

    def grant_signed(self, signed: SignedGrant) -> Act:
        return self._act("grantSigned", signed.as_tuple())

    def grant_many_signed(self, signed: Sequence[SignedGrant]) -> Act:
        return self._act("grantManySigned", [grant.as_tuple() for grant in signed])

    def withdraw(self, grantee: Address, scope: bytes) -> Act:
        return self._act("withdraw", grantee, scope)

    def withdraw_signed(
        self, patient: Address, grantee: Address, scope: bytes, deadline: int, r: bytes, vs: bytes
    ) -> Act:
        return self._act("withdrawSigned", patient, grantee, scope, deadline, r, vs)

    def set_denial(self, grantee: Address, denied: bool) -> Act:
        return self._act("setDenial", denied, grantee)

    def set_denial_signed(
        self, patient: Address, grantee: Address, denied: bool, deadline: int, r: bytes, vs: bytes
    ) -> Act:
        return self._act("setDenialSigned", patient, grantee, denied, deadline, r, vs)

    def anchor_consents(self, root: bytes, count: int, manifest: bytes) -> Act:
        return self._act("anchorConsents", root, count, manifest)

    # --- records

    def anchor(self, digest: bytes, subject: Subject) -> Act:
        return self._act("anchor", digest, subject.pack())

    def anchor_as_member(self, digest: bytes, subject: Subject, team: Address) -> Act:
        return self._act("anchorAsMember", digest, subject.pack(), team)

    def propose(self, digest: bytes, subject: Subject) -> Act:
        return self._act("propose", digest, subject.pack())

    def answer(self, digest: bytes, subject: Subject, author: Address, accepted: bool) -> Act:
        return self._act("answer", digest, subject.pack(), author, accepted)

    def supersede(self, superseded: bytes, digest: bytes, subject: Subject) -> Act:
        return self._act("supersede", superseded, digest, subject.pack())

    def retract(self, digest: bytes, subject: Subject) -> Act:
        return self._act("retract", digest, subject.pack())

    def anchor_batch(self, root: bytes, count: int, manifest: bytes) -> Act:
        return self._act("anchorBatch", root, count, manifest)

    def retract_in_batch(self, root: bytes, index: int) -> Act:
        return self._act("retractInBatch", root, index)

    def supersede_in_batch(
        self, root: bytes, index: int, superseded: bytes, digest: bytes, subject: Subject, path: Sequence[bytes]
    ) -> Act:
        """Args:
        superseded: digest of the record of the batch; `subject` and `path` are its own.
        digest: of the correction.
        """
        return self._act("supersedeInBatch", root, index, superseded, digest, subject.pack(), list(path))

    def accept_in_batch(self, root: bytes, index: int, digest: bytes, subject: Subject, path: Sequence[bytes]) -> Act:
        return self._act("acceptInBatch", root, index, digest, subject.pack(), list(path))

    def turn_down_in_batch(
        self, root: bytes, index: int, digest: bytes, subject: Subject, path: Sequence[bytes]
    ) -> Act:
        return self._act("turnDownInBatch", root, index, digest, subject.pack(), list(path))

    # --- prescriptions

    def issue(self, terms_hash: bytes, subject: Subject) -> Act:
        return self._act("issue", subject.pack(), terms_hash)

    def dispense_presented(self, opening: Opening, redemption: Redemption, hand_out: HandOut, record: bytes) -> Act:
        return self._act(
            "dispensePresented",
            opening.as_tuple(),
            list(redemption.path),
            redemption.as_tuple(opening.digest),
            hand_out.pack(),
            record,
        )

    def dispense_granted(self, opening: Opening, hand_out: HandOut, record: bytes) -> Act:
        return self._act("dispenseGranted", opening.as_tuple(), hand_out.pack(), record)

    def reserve_presented(self, opening: Opening, redemption: Redemption) -> Act:
        return self._act(
            "reservePresented", opening.as_tuple(), list(redemption.path), redemption.as_tuple(opening.digest)
        )

    def reserve_granted(self, opening: Opening) -> Act:
        return self._act("reserveGranted", opening.as_tuple())

    def dispense_reserved(self, opening: Opening, fence: int, hand_out: HandOut, record: bytes) -> Act:
        return self._act("dispenseReserved", opening.as_tuple(), fence, hand_out.pack(), record)

    def release(self, opening: Opening, fence: int) -> Act:
        return self._act("release", opening.as_tuple(), fence)

    def cancel(self, opening: Opening) -> Act:
        return self._act("cancel", opening.as_tuple())

    def void(self, opening: Opening) -> Act:
        return self._act("void", opening.as_tuple())

    def set_pause(self, opening: Opening, paused: bool) -> Act:
        return self._act("setPause", opening.as_tuple(), paused)

    def settle(self, prescription: bytes) -> Act:
        return self._act("settle", prescription)

    def undo(self, opening: Opening, before: PrescriptionState) -> Act:
        return self._act("undo", opening.as_tuple(), before.word)

    # --- delegations

    def set_delegation(self, delegate: Address, *, powers: Power, categories: Category, until: int) -> Act:
        """As the patient: name a delegate, or replace what he may do; `until` in seconds since 1970."""
        return self._act("setDelegation", delegate, int(powers), int(categories), until)

    def end_delegation(self, delegate: Address) -> Act:
        """As the patient: end a delegation at once."""
        return self._act("setDelegation", delegate, 0, 0, 0)

    def set_delegation_signed(
        self,
        patient: Address,
        delegate: Address,
        *,
        powers: Power,
        categories: Category,
        until: int,
        deadline: int,
        r: bytes,
        vs: bytes,
    ) -> Act:
        """As anybody: submit what the patient signed (`eip712.delegation_data`); three zeros end it."""
        terms = (int(powers), int(categories), until)
        return self._act("setDelegationSigned", patient, delegate, *terms, deadline, r, vs)

    def resign(self, patient: Address) -> Act:
        """As the delegate: give up what the patient delegated."""
        return self._act("resign", patient)

    def grant_for(self, patient: Address, grantee: Address, scope: bytes, terms: ConsentTerms, document: bytes) -> Act:
        """As a delegate with the power to grant."""
        return self._act("grantFor", patient, grantee, scope, terms.pack(), document)

    def withdraw_for(self, patient: Address, grantee: Address, scope: bytes) -> Act:
        """As a delegate with the power to withdraw."""
        return self._act("withdrawFor", patient, grantee, scope)

    def deny_for(self, patient: Address, grantee: Address) -> Act:
        """As a delegate with the power to withdraw, for all sixteen categories."""
        return self._act("denyFor", patient, grantee)

    def answer_for(self, digest: bytes, subject: Subject, author: Address, accepted: bool) -> Act:
        """As a delegate with the power to accept."""
        return self._act("answerFor", digest, subject.pack(), author, accepted)

    def accept_in_batch_for(
        self, root: bytes, index: int, digest: bytes, subject: Subject, path: Sequence[bytes]
    ) -> Act:
        """As a delegate with the power to accept."""
        return self._act("acceptInBatchFor", root, index, digest, subject.pack(), list(path))

    def turn_down_in_batch_for(
        self, root: bytes, index: int, digest: bytes, subject: Subject, path: Sequence[bytes]
    ) -> Act:
        """As a delegate with the power to accept."""
        return self._act("turnDownInBatchFor", root, index, digest, subject.pack(), list(path))

    # --- asking for access

    def ask(self, question: Question) -> Act:
        """As the question's asker."""
        return self._act("ask", question.patient, question.terms.pack(), question.reason)

    def grant_as_asked(self, question: Question, scope: bytes, terms: ConsentTerms, document: bytes) -> Act:
        """As the patient, or her delegate with the power to grant: what was asked, or less."""
        return self._act("grantAsAsked", question.as_tuple(), scope, terms.pack(), document)

    def decline(self, question: Question) -> Act:
        """As the patient, or her delegate with the power to grant."""
        return self._act("decline", question.as_tuple())

    def take_back(self, question: Question) -> Act:
        """As the question's asker."""
        return self._act("takeBack", question.as_tuple())

    # --- second signatures

    def await_cosignature(self, digest: bytes, subject: Subject) -> Act:
        """As a record's author."""
        return self._act("awaitCosignature", digest, subject.pack())

    def cosign(self, digest: bytes, subject: Subject, author: Address) -> Act:
        """As the patient; under what she wrote herself, as a writer whom she lets write."""
        return self._act("cosign", digest, subject.pack(), author)

    def cosign_signed(
        self, digest: bytes, subject: Subject, author: Address, deadline: int, r: bytes, vs: bytes
    ) -> Act:
        """As anybody: submit the patient's signature (`eip712.cosignature_data`)."""
        return self._act("cosignSigned", digest, subject.pack(), author, deadline, r, vs)

    # --- emergencies

    def break_glass(self, patient: Address, reason: EmergencyReason, *, hours: int, correlation: bytes) -> Act:
        """As emergency staff; `hours` from 1 to 24, `correlation` the digest of the activity's correlation id."""
        return self._act("breakGlass", patient, int(reason), hours, correlation)

    def review_break_glass(
        self, patient: Address, clinician: Address, number: int, outcome: ReviewOutcome, report: bytes
    ) -> Act:
        """As an auditor; `number`: which of the clinician's openings; `report`: digest of the sealed report."""
        return self._act("reviewBreakGlass", patient, clinician, number, int(outcome), report)

    # --- access log

    def anchor_checkpoint(self, size: int, root: bytes) -> Act:
        return self._act("anchorCheckpoint", size, root)
