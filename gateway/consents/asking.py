"""Asking a patient for access: for which records, for what, until when, and why; she grants that or less, or declines.

>>> asked = ask(gateway, doctor, ana.address, terms, "We plan your operation together.", errand)
>>> grant_as_asked(gateway, ana, question, narrower, errand)

The reason is sealed for the patient, for the asker, and for delegates of hers who may answer; the ledger has its
digest. A question permits nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from secrets import token_bytes
from typing import TYPE_CHECKING

from gateway.consents.acting import hand_over_for
from gateway.consents.consenting import hand_over, is_on_chain
from gateway.consents.delegates import delegates_of
from gateway.consents.granting import Granted, Granting, grant_by
from gateway.errors import InvalidInput, SlipMissing
from gateway.identity.keystore import Identity
from gateway.notices.sentences import PURPOSES, kinds, listed, moment
from gateway.notices.told import Told
from gateway.reading import open_verified
from gateway.sending import Errand, await_entry, earlier, send
from gateway.slips.slips import hand_out, unwrap
from ledger.acts import Act
from ledger.care import Question
from ledger.codes import Category, Power, purposes_in
from ledger.outbox import Entry
from ledger.types import FOREVER, Address, ConsentTerms, consent_id
from offchain_store.envelope import seal
from offchain_store.record import Header

if TYPE_CHECKING:
    from gateway.services import Gateway

LONGEST_REASON = 2000
"""Characters: what a tired person reads on a phone."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on its way to the ledger."""

    question: Question
    entry: Entry


def ask(
    gateway: "Gateway", asker: Identity, patient: Address, terms: ConsentTerms, reason: str, errand: Errand
) -> Asked:
    """Ask a patient for access.

    Raises:
        InvalidInput: no reason, or one that is too long.
        KeyCardMissing: the patient has no key card: nobody can seal a reason for her.
        ContractRejected: the ledger refuses, for one because she denies the asker.
    """
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise InvalidInput("reason", Told("say why in 1 to {most} characters", {"most": LONGEST_REASON}))
    sent = earlier(gateway, asker.address, errand)
    if sent is not None:
        # The same errand, cut off before it was answered: what was asked, and the sealed reason, are in the act.
        asked = ConsentTerms.unpack(int.from_bytes(sent.data[36:68], "big"))
        question = Question(asker.address, patient, asked, sent.data[68:100])
        return Asked(question, await_entry(gateway, sent, errand.wait))
    acts = gateway.ledger.acts
    gateway.ledger.rehearse(acts.ask(Question(asker.address, patient, terms, token_bytes(32))), asker.address)
    question = Question(asker.address, patient, terms, _seal_reason(gateway, asker.address, patient, terms, reason))
    return Asked(question, send(gateway, acts.ask(question), signer=asker.address, errand=errand))


def reason_of(gateway: "Gateway", reader: Identity, question: Question) -> str:
    """Why somebody asks, for the patient, the asker, or a delegate who may answer; verified against the ledger's
    digest.

    Raises:
        SlipMissing: it was not sealed for this reader.
        RecordMissing, RecordAltered
    """
    record_key = unwrap(gateway, reader.address, reader.sealing, question.reason)
    if record_key is None:
        raise SlipMissing(question.reason, "the reason was not sealed for you")
    _, chunks, _ = open_verified(gateway.store, question.reason, record_key)
    return b"".join(chunks).decode(errors="replace")


def grant_as_asked(
    gateway: "Gateway", signer: Identity, question: Question, terms: ConsentTerms, errand: Errand
) -> Granted:
    """Grant what was asked, or less, as the patient or her delegate with the power to grant.

    Raises:
        ContractRejected: more than was asked, answered already, or not the signer's to answer.
    """

    def act(scope: bytes, document: bytes) -> Act:
        return gateway.ledger.acts.grant_as_asked(question, scope, terms, document)

    granted = grant_by(gateway, signer, Granting(question.patient, question.asker, terms, act, 132), errand)
    if is_on_chain(granted.entry):
        if signer.address == question.patient:
            hand_over(gateway, signer)
        else:
            hand_over_for(gateway, signer, consent_id(question.patient, question.asker, granted.scope))
    return granted


def decline(gateway: "Gateway", signer: Identity, question: Question, errand: Errand) -> Entry:
    """Say no, as the patient or her delegate with the power to grant.

    Raises:
        ContractRejected: answered already, or not the signer's to answer.
    """
    return send(gateway, gateway.ledger.acts.decline(question), signer=signer.address, errand=errand)


def take_back(gateway: "Gateway", asker: Identity, question: Question, errand: Errand) -> Entry:
    """Take a question back, as its asker.

    Raises:
        ContractRejected: answered already, or somebody else's.
    """
    return send(gateway, gateway.ledger.acts.take_back(question), signer=asker.address, errand=errand)


def sentence(question: Question, asker: str) -> str:
    """A question in plain words."""
    terms = question.terms
    purposes = listed([PURPOSES[purpose] for purpose in purposes_in(terms.purposes)])
    until = "without an end" if terms.expiry == FOREVER else f"until {moment(terms.expiry)}"
    also = " They ask to write records about you as well." if terms.may_write else ""
    return f"{asker} asks to read your records ({kinds(terms.categories)}) {purposes}, {until}.{also}"


def _seal_reason(gateway: "Gateway", asker: Address, patient: Address, terms: ConsentTerms, reason: str) -> bytes:
    """Seal the reason for both sides, and for those who may answer for her; its digest."""
    created = datetime.fromtimestamp(int(gateway.clock()), UTC)
    header = Header("text/plain", int(Category.CONSENT_DOCUMENT), "Reason", created)
    sealed = seal(BytesIO(reason.strip().encode()), header, gateway.store)
    answering = delegates_of(gateway, patient, Power.GRANT, terms.categories, int(gateway.clock()))
    hand_out(gateway, sealed.digest, sealed.record_key, [patient, asker, *answering], required=(patient, asker))
    return sealed.digest
