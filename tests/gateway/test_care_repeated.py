"""Acts of care that were cut off after the ledger had them: asked for again, they are done once, and finished."""

from collections.abc import Iterator
from io import BytesIO
from secrets import token_bytes

import pytest

from gateway.consents import acting, asking
from gateway.consents.delegating import Leave, name_delegate
from gateway.errors import SlipMissing
from gateway.flow import Draft, deposit
from gateway.identity.keystore import Identity
from ledger import rejections
from ledger.care import Question
from ledger.codes import Category, Power, Purpose, Role, purposes_mask
from ledger.errors import IdempotencyConflict
from ledger.types import ConsentTerms, raw
from offchain_store.errors import StoreUnavailable
from tests.gateway.people import World, populate, running

DAY = 86_400


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("repeated"), block_time=None) as gateway:
        yield populate(gateway)


@pytest.fixture
def ana(world: World) -> Identity:
    return world.person(world.hospital, Role.PATIENT)


@pytest.fixture
def son(world: World, ana: Identity) -> Identity:
    """Her delegate for reading and granting."""
    delegate = world.person(world.hospital, Role.PATIENT)
    leave = Leave(Power.READ | Power.GRANT, Category.LABORATORY, world.now() + 30 * DAY)
    name_delegate(world.gateway, ana, delegate.address, leave, world.errand())
    return delegate


def terms(world: World) -> ConsentTerms:
    now = world.now()
    return ConsentTerms(Category.LABORATORY, purposes_mask(Purpose.TREAT), now, now + 20 * DAY)


def record_of(world: World, patient: Identity) -> bytes:
    draft = Draft(patient.address, Category.LABORATORY, world.header(Category.LABORATORY))
    return deposit(world.gateway, patient, draft, BytesIO(b"K 4.1"), world.errand()).digest


def failing(*_: object, **__: object) -> int:
    raise StoreUnavailable("store", "gone for a moment")


def test_a_grant_for_her_cut_off_before_its_slips(
    world: World, ana: Identity, son: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = record_of(world, ana)
    world.gateway.sessions.close_all(ana.address)
    errand, asked = world.errand(), terms(world)
    with monkeypatch.context() as cut:
        cut.setattr(acting, "hand_over_reach", failing)
        with pytest.raises(StoreUnavailable):
            acting.grant_for(world.gateway, son, ana.address, world.doctor.address, asked, errand=errand)
    assert raw(world.doctor.address) not in world.gateway.store.list_slips(digest)

    granted = acting.grant_for(world.gateway, son, ana.address, world.doctor.address, asked, errand=errand)

    consents = world.gateway.index.consents_of(ana.address, 10)
    assert [consent.scope for consent in consents] == [granted.scope]
    assert raw(world.doctor.address) in world.gateway.store.list_slips(digest)


def test_a_question_and_its_answer_repeated_are_one(world: World, ana: Identity) -> None:
    gateway, doctor, asked = world.gateway, world.doctor, terms(world)
    errand = world.errand()
    first, again = (
        asking.ask(gateway, doctor, ana.address, asked, "To plan your operation.", errand) for _ in range(2)
    )
    assert again.question == first.question
    assert asking.reason_of(gateway, ana, again.question) == "To plan your operation."
    with pytest.raises(SlipMissing):
        asking.reason_of(gateway, world.pharmacist, again.question)

    answer = world.errand()
    granted = [asking.grant_as_asked(gateway, ana, first.question, asked, answer) for _ in range(2)]

    assert granted[0].scope == granted[1].scope
    assert len(gateway.index.consents_of(ana.address, 10)) == 1


def test_an_errand_is_for_one_act_alone(world: World, ana: Identity, son: Identity) -> None:
    errand = world.errand()
    name_delegate(
        world.gateway,
        ana,
        world.technician.address,
        Leave(Power.READ, Category.IMAGING, world.now() + DAY),
        errand,
    )
    with pytest.raises(IdempotencyConflict):
        name_delegate(
            world.gateway,
            ana,
            son.address,
            Leave(Power.READ, Category.IMAGING, world.now() + DAY),
            errand,
        )


def test_a_question_that_was_never_asked_is_answered_by_nobody(world: World, ana: Identity) -> None:
    made_up = Question(world.doctor.address, ana.address, terms(world), token_bytes(32))

    with pytest.raises(rejections.QuestionNotOpen):
        asking.grant_as_asked(world.gateway, ana, made_up, made_up.terms, world.errand())
    with pytest.raises(rejections.QuestionNotOpen):
        asking.decline(world.gateway, ana, made_up, world.errand())
    assert world.gateway.index.consents_of(ana.address, 10) == []
