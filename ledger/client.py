"""The ledger as one object: what it knows (views), what may be read (`decide`), what one may do (`acts`).

>>> ledger = HealthLedger(node, deployment)
>>> ledger.decide(AccessRequest(reader, Purpose.TREAT, digest, subject, author), AnchorProof(), bases).permitted
True
"""

from collections.abc import Sequence
from typing import Any, Protocol

from eth_abi.abi import encode

from ledger.abi import Abi
from ledger.acts import Act, Acts, SignedGrant
from ledger.care import BreakGlass, Cosignature, Delegation, QuestionStanding, Review, Signatures
from ledger.codes import AnchorKind, BasisKind, Reason, RecordState
from ledger.eip712 import Domain
from ledger.errors import NodeRejected
from ledger.types import (
    ZERO_ADDRESS,
    AccessRequest,
    Address,
    AnchorProof,
    Basis,
    Batch,
    Consent,
    Decision,
    Opening,
    Participant,
    PrescriptionState,
    Subject,
    address_of,
    scope_number,
)

Block = int | str
"""A block number, or "latest"."""


class Node(Protocol):
    """The little of a JSON-RPC node that the client needs."""

    def request(self, method: str, *params: Any) -> Any:
        """The result of one JSON-RPC request.

        Raises:
            NodeUnavailable: the node does not answer.
            NodeRejected: it answers with an error; a revert's bytes are in `data`.
        """
        ...


class HealthLedger:
    """One deployed HealthLedger on one node. Holds no key and caches nothing."""

    def __init__(self, node: Node, address: Address, chain_id: int) -> None:
        self.address = address
        self.chain_id = chain_id
        self.domain = Domain(chain_id, address)
        """The EIP-712 domain of everything signed for this deployment."""
        self.acts = Acts(address)
        self.abi = Abi.shipped()
        self._node = node

    # --- what it knows

    def participant(self, participant: Address, block: Block = "latest") -> Participant | None:
        """A person, organization or team; None if never registered."""
        return Participant.unpack(self._view("participantOf", participant, block=block))

    def key_card(self, participant: Address, block: Block = "latest") -> bytes | None:
        """Digest of the participant's key card, 32 bytes; None if she published none."""
        digest: bytes = self._view("keyCardOf", participant, block=block)
        return digest if any(digest) else None

    def participant_by(self, identifier: bytes, block: Block = "latest") -> Address | None:
        """Whom a keyed outside identifier (32 bytes) leads to; None: nobody."""
        found = address_of(self._view("participantBy", identifier, block=block))
        return None if found == ZERO_ADDRESS else found

    def is_member(self, team: Address, member: Address, block: Block = "latest") -> bool:
        return bool(self._view("isMember", team, member, block=block))

    def consent(self, patient: Address, grantee: Address, scope: bytes, block: Block = "latest") -> Consent:
        """The consent of a pair and scope, whatever became of it."""
        return Consent.unpack(self._view("consentOf", patient, grantee, scope, block=block))

    def is_denied(self, patient: Address, grantee: Address, block: Block = "latest") -> bool:
        return self.consent(patient, grantee, scope_number(0), block).denied

    def was_denied(self, patient: Address, grantee: Address, time: int, block: Block = "latest") -> bool:
        """Whether the patient denied a person, team or organization at a second that is past."""
        return bool(self._view("wasDenied", patient, grantee, time, block=block))

    def record_word(self, digest: bytes, block: Block = "latest") -> int:
        """The storage word of a single record; 0 if never anchored."""
        return int(self._view("recordOf", digest, block=block))

    def record_state(self, digest: bytes, block: Block = "latest") -> RecordState:
        return RecordState(self.record_word(digest, block) >> 16 & 0xFF)

    def batch(self, root: bytes, block: Block = "latest") -> Batch | None:
        """A batch of records or consents; None if never anchored."""
        return Batch.unpack(self._view("batchOf", root, block=block))

    def batch_record(self, root: bytes, index: int, block: Block = "latest") -> tuple[bool, bool, bool]:
        """Whether one record of a batch was accepted, superseded, retracted."""
        accepted, superseded, retracted = self._view("batchRecordOf", root, index, block=block)
        return accepted, superseded, retracted

    def is_turned_down_in_batch(self, root: bytes, index: int, block: Block = "latest") -> bool:
        """Whether the patient turned one record of a batch down."""
        return bool(self._view("isTurnedDownInBatch", root, index, block=block))

    def prescription(self, prescription: bytes, block: Block = "latest") -> PrescriptionState:
        """What has become of a prescription; status NONE if never issued."""
        return PrescriptionState.unpack(self._view("prescriptionOf", prescription, block=block))

    def holder(self, prescription: bytes, block: Block = "latest") -> Address | None:
        """Who claimed last by reserving."""
        found = address_of(self._view("holderOf", prescription, block=block))
        return None if found == ZERO_ADDRESS else found

    def checkpoint(self, operator: Address, block: Block = "latest") -> tuple[int, int]:
        """Size and time of an operator's last access-log checkpoint; zeros if none."""
        size, anchored_at = self._view("checkpointOf", operator, block=block)
        return size, anchored_at

    # --- care

    def delegation(self, patient: Address, delegate: Address, block: Block = "latest") -> Delegation:
        """What the patient lets this person do in her name; no powers if nothing, or no longer."""
        return Delegation.unpack(self._view("delegationOf", patient, delegate, block=block))

    def break_glass(self, patient: Address, clinician: Address, block: Block = "latest") -> BreakGlass | None:
        """The clinician's last opening over this patient; None if there was none."""
        return BreakGlass.unpack(self._view("breakGlassOf", patient, clinician, block=block))

    def review(self, patient: Address, clinician: Address, number: int, block: Block = "latest") -> Review | None:
        """The review of one opening; None if it was not reviewed."""
        return Review.unpack(self._view("reviewOf", patient, clinician, number, block=block))

    def break_glass_tally(self, organization: Address, block: Block = "latest") -> tuple[int, int]:
        """How often an organization's people broke the glass, and how many of those openings were reviewed."""
        opened, reviewed = self._view("breakGlassTallyOf", organization, block=block)
        return opened, reviewed

    def question(self, question: bytes, block: Block = "latest") -> QuestionStanding:
        """What has become of a question, by its id; state NONE if it was never asked."""
        return QuestionStanding.unpack(self._view("questionOf", question, block=block))

    def cosignature(self, digest: bytes, block: Block = "latest") -> Cosignature:
        """The second signature under a record, or that there is none."""
        return Cosignature.unpack(self._view("cosignatureOf", digest, block=block))

    def signatures(self, digest: bytes, subject: Subject, author: Address, block: Block = "latest") -> Signatures:
        """Who signed a record and when; count 0 unless this author anchored it about this subject."""
        found = self._view("signaturesOf", digest, subject.pack(), author, block=block)
        count, awaited, anchored_by, anchored_at, cosigner, cosigned_at = found
        return Signatures(
            count=count,
            awaited=awaited,
            author=address_of(anchored_by) if count else None,
            anchored_at=anchored_at,
            cosigner=address_of(cosigner) if cosigned_at else None,
            cosigned_at=cosigned_at,
        )

    # --- what may be read

    def decide(
        self,
        request: AccessRequest,
        anchor_proof: AnchorProof,
        bases: Sequence[Basis],
        block: Block = "latest",
    ) -> Decision:
        """The ledger's decision at a block; a denial is an outcome, not an exception.

        Raises:
            ContractRejected: more than 16 bases, or a malformed proof of a basis.
        """
        result = self._view(
            "decide",
            request.as_tuple(),
            anchor_proof.as_tuple(),
            [basis.as_tuple() for basis in bases],
            block=block,
        )
        permitted, reason, basis, basis_id, until, state = result
        return Decision(
            permitted=permitted,
            reason=Reason(reason),
            basis=BasisKind(basis),
            basis_id=basis_id,
            until=until,
            state=RecordState(state),
        )

    # --- asking what an act would do

    def rehearse(self, act: Act, sender: Address, block: Block = "latest") -> None:
        """Run an act without sending it.

        Raises:
            ContractRejected: it would revert; the exception bears the custom error's name.
        """
        self._call(act.data, block, sender)

    def _view(self, name: str, *args: Any, block: Block) -> Any:
        return self.abi.decode_output(name, self._call(self.abi.encode(name, *args), block))

    def _call(self, data: bytes, block: Block, sender: Address | None = None) -> bytes:
        transaction = {"to": self.address, "data": "0x" + data.hex()}
        if sender:
            transaction["from"] = sender
        at = hex(block) if isinstance(block, int) else block
        try:
            result: str = self._node.request("eth_call", transaction, at)
        except NodeRejected as rejected:
            if isinstance(rejected.data, str) and rejected.data.startswith("0x"):
                raise self.abi.rejection(bytes.fromhex(rejected.data[2:])) from None
            raise
        return bytes.fromhex(result[2:])


def signed_consent_basis(signed: SignedGrant, root: bytes, path: Sequence[bytes]) -> Basis:
    """The basis of a signed consent that was anchored in a batch."""
    kind = "((address,bytes32,uint256,bytes32,bytes32,bytes32),bytes32,bytes32[])"
    proof = encode([kind], [(signed.as_tuple(), root, list(path))])
    return Basis(BasisKind.SIGNED_CONSENT, signed.grantee, signed.scope, proof)


def presentation_basis(opening: Opening, path: Sequence[bytes], deadline: int, r: bytes, vs: bytes) -> Basis:
    """The basis of a presented fill key (EIP-712 `Presentation`)."""
    kind = "(bytes32,uint256,bytes32[],uint40,bytes32,bytes32)"
    proof = encode([kind], [(opening.fill_keys, opening.terms.pack(), list(path), deadline, r, vs)])
    return Basis(BasisKind.PRESENTATION, proof=proof)


def prescription_proof(opening: Opening) -> AnchorProof:
    """Evidence that a prescription's body was anchored when it was issued."""
    return AnchorProof(AnchorKind.PRESCRIPTION, root=opening.fill_keys, path=(opening.terms.word(),))
