"""The acts of care that a step can name: delegates, questions, second signatures, emergencies.

>>> VERBS["grantFor"](stage, stage.who("carer"), to="doctor")
Act(kind='grantFor', ...)
"""

from typing import Any

from ledger.acts import Act
from ledger.care import Question, break_glass_basis, delegation_basis
from ledger.codes import DELEGABLE, Category, EmergencyReason, Purpose, ReviewOutcome
from ledger.eip712 import cosignature_data, delegation_data, sign
from ledger.gas.people import Person
from ledger.gas.stage import DAY, Stage, Verb, subject
from ledger.gas.verbs_reading import view
from ledger.types import AccessRequest, AnchorProof, Basis, ConsentTerms, scope_number

ALL = Category(0xFFFF)


def until(stage: Stage) -> int:
    """When what is delegated here ends."""
    return stage.epoch + 300 * DAY


def terms(stage: Stage) -> ConsentTerms:
    """What is asked for, and granted for her: laboratory results, to be treated, while the delegation lasts."""
    return ConsentTerms(Category.LABORATORY, Purpose.TREAT.bit, stage.epoch - DAY, until(stage))


# --- delegations


def set_delegation(stage: Stage, by: Person, *, to: str = "carer") -> Act:
    return stage.acts.set_delegation(stage.address(to), powers=DELEGABLE, categories=ALL, until=until(stage))


def end_delegation(stage: Stage, by: Person, *, to: str = "carer") -> Act:
    return stage.acts.end_delegation(stage.address(to))


def set_delegation_signed(stage: Stage, by: Person, *, to: str = "carer") -> Act:
    patient, delegate, deadline = stage.who("patient"), stage.address(to), until(stage)
    data = delegation_data(
        stage.domain,
        patient=patient.address,
        delegate=delegate,
        powers=DELEGABLE,
        categories=ALL,
        until=until(stage),
        changes=0,
        deadline=deadline,
    )
    r, vs = sign(data, patient.key)
    return stage.acts.set_delegation_signed(
        patient.address,
        delegate,
        powers=DELEGABLE,
        categories=ALL,
        until=until(stage),
        deadline=deadline,
        r=r,
        vs=vs,
    )


def resign(stage: Stage, by: Person) -> Act:
    return stage.acts.resign(stage.address("patient"))


def grant_for(stage: Stage, by: Person, *, to: str) -> Act:
    patient, grantee = stage.address("patient"), stage.address(to)
    return stage.acts.grant_for(patient, grantee, scope_number(0), terms(stage), stage.random())


def withdraw_for(stage: Stage, by: Person, *, to: str) -> Act:
    return stage.acts.withdraw_for(stage.address("patient"), stage.address(to), scope_number(0))


def deny_for(stage: Stage, by: Person, *, to: str) -> Act:
    return stage.acts.deny_for(stage.address("patient"), stage.address(to))


def answer_for(stage: Stage, by: Person, *, author: str, accepted: bool = True) -> Act:
    about = subject(stage, "patient")
    return stage.acts.answer_for(stage.things["record"], about, stage.address(author), accepted)


def turn_down_in_batch(stage: Stage, by: Person) -> Act:
    return stage.acts.turn_down_in_batch(*_in_batch(stage))


def accept_in_batch_for(stage: Stage, by: Person) -> Act:
    return stage.acts.accept_in_batch_for(*_in_batch(stage))


def turn_down_in_batch_for(stage: Stage, by: Person) -> Act:
    return stage.acts.turn_down_in_batch_for(*_in_batch(stage))


def _in_batch(stage: Stage) -> tuple[Any, ...]:
    things = stage.things
    return things["root"], 7, things["digest"], things["about"], things["path"]


# --- asking


def ask(stage: Stage, by: Person) -> Act:
    stage.things["question"] = Question(by.address, stage.address("patient"), terms(stage), stage.random())
    return stage.acts.ask(stage.things["question"])


def grant_as_asked(stage: Stage, by: Person, *, number: int = 0) -> Act:
    scope = scope_number(number)
    return stage.acts.grant_as_asked(stage.things["question"], scope, terms(stage), stage.random())


def decline(stage: Stage, by: Person) -> Act:
    return stage.acts.decline(stage.things["question"])


def take_back(stage: Stage, by: Person) -> Act:
    return stage.acts.take_back(stage.things["question"])


# --- second signatures


def await_cosignature(stage: Stage, by: Person) -> Act:
    return stage.acts.await_cosignature(stage.things["record"], subject(stage, "patient"))


def cosign(stage: Stage, by: Person, *, author: str) -> Act:
    return stage.acts.cosign(stage.things["record"], subject(stage, "patient"), stage.address(author))


def cosign_signed(stage: Stage, by: Person, *, author: str) -> Act:
    patient, record, deadline = stage.who("patient"), stage.things["record"], until(stage)
    writer = stage.address(author)
    data = cosignature_data(stage.domain, record=record, author=writer, signer=patient.address, deadline=deadline)
    return stage.acts.cosign_signed(record, subject(stage, "patient"), writer, deadline, *sign(data, patient.key))


# --- emergencies


def break_glass(stage: Stage, by: Person) -> Act:
    patient, reason = stage.address("patient"), EmergencyReason.UNRESPONSIVE
    return stage.acts.break_glass(patient, reason, hours=1, correlation=stage.random())


def review_break_glass(stage: Stage, by: Person, *, of: str, number: int = 1) -> Act:
    patient, clinician = stage.address("patient"), stage.address(of)
    return stage.acts.review_break_glass(patient, clinician, number, ReviewOutcome.JUSTIFIED, stage.random())


# --- questions to the ledger


def read_for_her(stage: Stage, by: Person, *, author: str) -> Act:
    """The question whether a delegate may open the stage's record."""
    return _read(stage, by, Purpose.FAMRQT, delegation_basis(by.address), author)


def read_through_glass(stage: Stage, by: Person, *, author: str) -> Act:
    """The question whether a clinician who has broken the glass may open the stage's record."""
    return _read(stage, by, Purpose.BTG, break_glass_basis(by.address), author)


def _read(stage: Stage, by: Person, purpose: Purpose, basis: Basis, author: str) -> Act:
    about, writer = subject(stage, "patient"), stage.address(author)
    request = AccessRequest(by.address, purpose, stage.things["record"], about, writer)
    return view(stage, by, "decide", request.as_tuple(), AnchorProof().as_tuple(), [basis.as_tuple()])


def look_care(stage: Stage, by: Person, *, function: str) -> Act:
    """Any of the small views of care, about the stage's patient."""
    patient, doctor, nothing = stage.address("patient"), stage.address("doctor"), stage.random()
    arguments: dict[str, tuple[Any, ...]] = {
        "delegationOf": (patient, doctor),
        "breakGlassOf": (patient, doctor),
        "reviewOf": (patient, doctor, 1),
        "breakGlassTallyOf": (stage.address("hospital"),),
        "questionOf": (nothing,),
        "cosignatureOf": (nothing,),
        "isTurnedDownInBatch": (nothing, 7),
    }
    return view(stage, by, function, *arguments[function])


def look_at_signatures(stage: Stage, by: Person, *, author: str) -> Act:
    """Who signed the stage's record."""
    about = subject(stage, "patient").pack()
    return view(stage, by, "signaturesOf", stage.things["record"], about, stage.address(author))


VERBS: dict[str, Verb] = {
    "setDelegation": set_delegation,
    "endDelegation": end_delegation,
    "setDelegationSigned": set_delegation_signed,
    "resign": resign,
    "grantFor": grant_for,
    "withdrawFor": withdraw_for,
    "denyFor": deny_for,
    "answerFor": answer_for,
    "turnDownInBatch": turn_down_in_batch,
    "acceptInBatchFor": accept_in_batch_for,
    "turnDownInBatchFor": turn_down_in_batch_for,
    "ask": ask,
    "grantAsAsked": grant_as_asked,
    "decline": decline,
    "takeBack": take_back,
    "awaitCosignature": await_cosignature,
    "cosign": cosign,
    "cosignSigned": cosign_signed,
    "breakGlass": break_glass,
    "reviewBreakGlass": review_break_glass,
    "decideForHer": read_for_her,
    "readForHer": read_for_her,
    "decideThroughGlass": read_through_glass,
    "readThroughGlass": read_through_glass,
    "lookCare": look_care,
    "lookAtSignatures": look_at_signatures,
}
