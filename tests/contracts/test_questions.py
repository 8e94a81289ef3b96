"""Asking a patient for access: who may, what she may answer, and that a question permits nothing."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ledger.acts import Act
from ledger.care import Question, QuestionStanding
from ledger.codes import Category, DelegatedAct, Power, Purpose, QuestionState, Reason, Role
from ledger.types import FOREVER, ConsentTerms, scope_number
from tests.contracts.actors import DAY, DOCUMENT, consent_basis, terms
from tests.contracts.carers import BOTH, LAB, CareWorld
from tests.contracts.evm import START, Event, refused

FIRST = scope_number(0)


@pytest.fixture
def world() -> CareWorld:
    return CareWorld()


def standing(world: CareWorld, question: Question) -> QuestionStanding:
    return QuestionStanding.unpack(world.chain.view("questionOf", question.id()))


def narrow() -> ConsentTerms:
    """Less than is asked for: one category, to read, for a month."""
    return terms(LAB, expiry=START + 30 * DAY)


# --- asking


def test_a_question_is_put_once_and_permits_nothing(world: CareWorld) -> None:
    digest = world.anchor(world.ada, world.ada)
    question = world.question(world.doctor)
    sent = world.send(world.doctor, world.acts.ask(question))
    values = {
        "id": question.id(),
        "patient": world.ada.address,
        "asker": world.doctor.address,
        "terms": question.terms.pack(),
        "reason": question.reason,
    }
    assert sent.events == (Event("QuestionAsked", values),)
    assert sent.output == question.id()
    assert standing(world, question) == QuestionStanding(QuestionState.OPEN, START, 0)
    request = world.request(world.doctor, digest, world.ada)
    assert world.chain.decide(request, [consent_basis(world.doctor)]).reason == Reason.NO_BASIS
    with refused("QuestionAlreadyAsked", id=question.id()):
        world.send(world.doctor, world.acts.ask(question))


def test_whom_she_denies_cannot_ask_herself_or_for_a_denied_organization(world: CareWorld) -> None:
    world.deny(world.ada, world.doctor)
    with refused("AskingDenied", patient=world.ada.address, asker=world.doctor.address):
        world.ask(world.doctor)
    assert world.ask(world.nurse).asker == world.nurse.address
    world.deny(world.ada, world.hospital)
    for asker in (world.nurse, world.hospital):
        with refused("AskingDenied", asker=asker.address):
            world.ask(asker, text="again")


def test_only_who_takes_part_asks_and_only_a_live_patient_is_asked(world: CareWorld) -> None:
    with refused("RoleMissing", participant=world.stranger.address):
        world.ask(world.stranger)
    with refused("GranteeInvalid", grantee=world.ada.address):
        world.ask(world.ada)
    with refused("RoleMissing", participant=world.doctor.address, anyOf=Role.PATIENT):
        world.send(world.nurse, world.acts.ask(replace(world.question(world.nurse), patient=world.doctor.address)))
    world.suspend(world.hospital, world.ada.address)
    with refused("SuspendedParticipant", participant=world.ada.address):
        world.ask(world.doctor)


def test_the_suspended_do_not_ask(world: CareWorld) -> None:
    world.suspend(world.hospital, world.doctor.address)
    with refused("SuspendedParticipant", participant=world.doctor.address):
        world.ask(world.doctor)
    world.suspend(world.consortium, world.hospital.address)
    with refused("SuspendedOrganization", participant=world.nurse.address):
        world.ask(world.nurse)


def test_nobody_asks_for_ever_for_nothing_or_for_a_time_that_is_over(world: CareWorld) -> None:
    for what in (terms(LAB, expiry=FOREVER), terms(Category(0)), terms(LAB, Purpose.BTG)):
        with refused("ConsentTermsInvalid", terms=what.pack()):
            world.ask(world.doctor, what)
    for not_before, expiry in ((START, START), (START + 9, START + 9), (START - 9, START)):
        with refused("ConsentPeriodEmpty", notBefore=not_before, expiry=expiry):
            world.ask(world.doctor, terms(LAB, not_before=not_before, expiry=expiry))


# --- answering


@pytest.mark.parametrize("what", [terms(may_write=True), narrow()])
def test_she_grants_what_was_asked_or_less_and_the_grant_names_the_question(
    world: CareWorld, what: ConsentTerms
) -> None:
    question = world.ask(world.doctor)
    world.chain.pass_time(7)
    scope = scope_number(3)
    sent = world.send(world.ada, world.acts.grant_as_asked(question, scope, what, DOCUMENT))
    assert [event.name for event in sent.events] == ["ConsentGranted", "QuestionGranted"]
    assert sent.events[1].values == {"id": question.id(), "patient": world.ada.address, "scope": scope}
    assert world.chain.consent(world.ada.address, world.doctor.address, scope).terms == what
    assert standing(world, question) == QuestionStanding(QuestionState.GRANTED, START, START + 7)


@pytest.mark.parametrize(
    "wider",
    [
        terms(BOTH | Category.GENETICS),
        terms(BOTH, Purpose.TREAT, Purpose.HRESCH),
        terms(BOTH, not_before=START - 1),
        terms(BOTH, expiry=START + 90 * DAY + 1),
        terms(BOTH, expiry=FOREVER),
        terms(BOTH, may_write=True),
    ],
)
def test_an_answer_gives_no_more_than_was_asked(world: CareWorld, wider: ConsentTerms) -> None:
    question = world.ask(world.doctor, terms(BOTH))
    with refused("AnswerWider", id=question.id()):
        world.send(world.ada, world.acts.grant_as_asked(question, FIRST, wider, DOCUMENT))
    assert standing(world, question).state == QuestionState.OPEN


def test_an_answer_obeys_the_rules_of_every_grant(world: CareWorld) -> None:
    question = world.ask(world.doctor)
    world.grant(world.ada, world.doctor)
    with refused("ConsentScopeUsed"):
        world.send(world.ada, world.acts.grant_as_asked(question, FIRST, narrow(), DOCUMENT))
    world.chain.go_to(START + 31 * DAY)
    with refused("ConsentPeriodEmpty"):
        world.send(world.ada, world.acts.grant_as_asked(question, scope_number(1), narrow(), DOCUMENT))


def test_she_declines(world: CareWorld) -> None:
    question = world.ask(world.doctor)
    sent = world.send(world.ada, world.acts.decline(question))
    assert sent.events == (Event("QuestionDeclined", {"id": question.id(), "patient": world.ada.address}),)
    assert standing(world, question).state == QuestionState.DECLINED


def test_the_asker_takes_it_back_and_nobody_else(world: CareWorld) -> None:
    question = world.ask(world.doctor)
    for other in (world.nurse, world.ada):
        with refused("NotTheAsker", caller=other.address, asker=world.doctor.address):
            world.send(other, world.acts.take_back(question))
    sent = world.send(world.doctor, world.acts.take_back(question))
    assert sent.events == (Event("QuestionTakenBack", {"id": question.id(), "patient": world.ada.address}),)
    assert standing(world, question).state == QuestionState.TAKEN_BACK


def ways(world: CareWorld, question: Question) -> dict[QuestionState, tuple[str, Act]]:
    return {
        QuestionState.GRANTED: ("ada", world.acts.grant_as_asked(question, FIRST, narrow(), DOCUMENT)),
        QuestionState.DECLINED: ("ada", world.acts.decline(question)),
        QuestionState.TAKEN_BACK: ("doctor", world.acts.take_back(question)),
    }


@pytest.mark.parametrize("first", [QuestionState.GRANTED, QuestionState.DECLINED, QuestionState.TAKEN_BACK])
def test_a_question_is_answered_once(world: CareWorld, first: QuestionState) -> None:
    question = world.ask(world.doctor)
    who, act = ways(world, question)[first]
    world.send(getattr(world, who), act)
    for who, act in ways(world, question).values():
        with refused("QuestionNotOpen", id=question.id(), state=int(first)):
            world.send(getattr(world, who), act)
    with refused("QuestionAlreadyAsked"):
        world.send(world.doctor, world.acts.ask(question))


Change = Callable[[CareWorld, Question], Question]


@pytest.mark.parametrize(
    "change",
    [
        lambda world, question: replace(question, asker=world.nurse.address),
        lambda world, question: replace(question, terms=terms(BOTH | Category.GENETICS, may_write=True)),
        lambda world, question: replace(question, reason=bytes(32)),
    ],
)
def test_nobody_answers_a_question_that_was_not_asked(world: CareWorld, change: Change) -> None:
    question = change(world, world.ask(world.doctor))
    with refused("QuestionNotOpen", id=question.id(), state=int(QuestionState.NONE)):
        world.send(world.ada, world.acts.grant_as_asked(question, FIRST, narrow(), DOCUMENT))
    with refused("QuestionNotOpen", id=question.id()):
        world.send(world.ada, world.acts.decline(question))


def test_nobody_answers_what_another_patient_was_asked(world: CareWorld) -> None:
    question = world.ask(world.doctor)
    for other in (world.ben, world.doctor, world.hospital):
        with refused("DelegationMissing", patient=world.ada.address, delegate=other.address):
            world.send(other, world.acts.grant_as_asked(question, FIRST, narrow(), DOCUMENT))
        with refused("DelegationMissing", patient=world.ada.address):
            world.send(other, world.acts.decline(question))
    hers = replace(question, patient=world.ben.address)
    with refused("QuestionNotOpen", state=int(QuestionState.NONE)):
        world.send(world.ben, world.acts.grant_as_asked(hers, FIRST, narrow(), DOCUMENT))


# --- by a delegate


def test_a_delegate_answers_within_what_was_delegated_and_it_says_so(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, Power.GRANT, LAB)
    question = world.ask(world.doctor)
    with refused("DelegationExceeded", categories=int(BOTH)):
        world.send(world.carer, world.acts.grant_as_asked(question, FIRST, terms(may_write=True), DOCUMENT))
    with refused("DelegationExceeded", categories=int(BOTH)):
        world.send(world.carer, world.acts.decline(question))
    sent = world.send(world.carer, world.acts.grant_as_asked(question, FIRST, narrow(), DOCUMENT))
    assert [event.name for event in sent.events] == ["ConsentGranted", "QuestionGranted", "DoneByDelegate"]
    assert sent.events[2].values == {
        "patient": world.ada.address,
        "delegate": world.carer.address,
        "what": question.id(),
        "act": int(DelegatedAct.GRANT_AS_ASKED),
    }


def test_a_delegate_declines_and_it_says_so(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, Power.GRANT, BOTH)
    question = world.ask(world.doctor)
    sent = world.send(world.carer, world.acts.decline(question))
    assert [event.name for event in sent.events] == ["QuestionDeclined", "DoneByDelegate"]
    assert sent.events[1].values["act"] == int(DelegatedAct.DECLINE)


def test_a_delegate_answers_no_longer_than_he_is_one_and_not_for_a_suspended_patient(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, Power.GRANT, BOTH, until=START + 10)
    question = world.ask(world.doctor)
    with refused("DelegationOutlived", expiry=START + 30 * DAY, until=START + 10):
        world.send(world.carer, world.acts.grant_as_asked(question, FIRST, narrow(), DOCUMENT))
    world.suspend(world.hospital, world.ada.address)
    short = terms(LAB, expiry=START + 10)
    for act in (world.acts.grant_as_asked(question, FIRST, short, DOCUMENT), world.acts.decline(question)):
        with refused("SuspendedParticipant", participant=world.ada.address):
            world.send(world.carer, act)
    world.chain.go_to(START + 10)
    with refused("DelegationMissing"):
        world.send(world.carer, world.acts.decline(question))
