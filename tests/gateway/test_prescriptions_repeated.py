"""Claims that were cut off and are asked for again under their key: done once, and answered with what the first one has
done, however far it came."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.errors import NotFound
from gateway.identity.keystore import Identity
from gateway.prescriptions import dispensing, issuing
from gateway.prescriptions.claims import Counter
from gateway.prescriptions.dispensing import Dispensed, DispenseRecord
from gateway.prescriptions.issuing import Order
from gateway.prescriptions.refusals import ClaimRefused
from gateway.sending import Errand
from ledger.codes import Category
from ledger.errors import IdempotencyConflict
from ledger.outbox import State
from ledger.types import PrescriptionTerms
from tests.gateway.people import World, populate, running
from tests.waiting import until

DAY = 86_400
MEDICATION = Category.MEDICATION


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("gateway")) as gateway:
        world = populate(gateway)
        world.let(world.patient, world.doctor.address, MEDICATION, write=True)
        yield world


def issued(world: World) -> bytes:
    """A prescription of two fills of 30, and its id."""
    terms = PrescriptionTerms(2, 30, 60, 0, world.now() - 10, world.now() + 90 * DAY, grantable=True)
    order = Order(world.patient.address, MEDICATION, terms, world.header(MEDICATION))
    return issuing.issue(world.gateway, world.doctor, order, io.BytesIO(b"{}"), world.errand()).prescription


def shown(world: World, prescription: bytes, fill: int | None = None) -> Counter:
    return Counter(issuing.present(world.gateway, world.patient, prescription, fill=fill))


def hand_out(world: World, counter: Counter, errand: Errand, units: int = 30, **more: Any) -> Dispensed:
    record = DispenseRecord(world.header(MEDICATION), io.BytesIO(b"lot 7"))
    return dispensing.dispense(world.gateway, world.pharmacist, counter, units, errand, dispensed=record, **more)


def cut(*_: object, **__: object) -> None:
    raise NotFound("cut off here")


def came_to(done: Dispensed) -> tuple[bytes, bytes | None, int]:
    """What an answer says, but for how far its act has come meanwhile."""
    return done.prescription, done.record, done.entry.id


def changes_of(world: World, prescription: bytes) -> list[tuple[str, bytes | None]]:
    return [(one.change, one.record) for one in world.gateway.index.prescription_changes(prescription)]


def blocks_in(world: World) -> int:
    return sum(1 for _ in world.gateway.store.list())


def test_a_claim_that_is_mined_when_it_is_repeated_is_answered_as_the_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    prescription = issued(world)
    counter, errand = shown(world, prescription), world.errand()
    with monkeypatch.context() as cutting:
        cutting.setattr(dispensing, "remember_body", cut)
        with pytest.raises(NotFound):
            hand_out(world, counter, errand)
    (done,) = changes_of(world, prescription)
    before = blocks_in(world)

    again, once_more = hand_out(world, counter, errand), hand_out(world, counter, errand)

    assert came_to(again) == came_to(once_more)
    assert (again.prescription, again.record, again.entry.state) == (prescription, done[1], State.MINED)
    assert changes_of(world, prescription) == [("dispensed", again.record)]
    assert blocks_in(world) == before, "it was sealed again"


def test_a_claim_that_is_on_its_way_when_it_is_repeated_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    prescription = issued(world)
    counter = shown(world, prescription)
    first = world.errand(wait=0.0)
    with monkeypatch.context() as cutting:
        cutting.setattr(dispensing, "remember_body", cut)
        with pytest.raises(NotFound):
            hand_out(world, counter, first)
    again = hand_out(world, counter, Errand(first.correlation, first.key, wait=15.0))
    assert again.entry.state is State.MINED
    assert changes_of(world, prescription) == [("dispensed", again.record)]


def test_a_reservation_and_what_follows_are_repeated_alike(world: World) -> None:
    gateway, pharmacist, prescription = world.gateway, world.pharmacist, issued(world)
    counter, claiming = shown(world, prescription), world.errand()
    first = dispensing.reserve(gateway, pharmacist, counter, claiming)
    again = dispensing.reserve(gateway, pharmacist, counter, claiming)
    assert (again.fence, again.until, again.entry.id) == (first.fence, first.until, first.entry.id)

    record, errand = DispenseRecord(world.header(MEDICATION), io.BytesIO(b"lot 8")), world.errand()

    def rest() -> Dispensed:
        return dispensing.dispense_reserved(
            gateway, pharmacist, prescription, first.fence, 30, errand, dispensed=record
        )

    done = rest()
    assert came_to(rest()) == came_to(done)
    late = dispensing.reserve(gateway, pharmacist, counter, claiming)
    assert (late.fence, late.until) == (first.fence, first.until), "not what has become of it since"

    undoing = world.errand()
    undone = dispensing.undo(gateway, pharmacist, counter, undoing)
    assert dispensing.undo(gateway, pharmacist, counter, undoing).id == undone.id
    assert [change for change, _ in changes_of(world, prescription)] == ["claimed", "dispensed", "undone"]


def other_fill(world: World, prescription: bytes, counter: Counter, errand: Errand) -> Dispensed:
    return hand_out(world, shown(world, prescription, fill=1), errand)


def other_units(world: World, prescription: bytes, counter: Counter, errand: Errand) -> Dispensed:
    return hand_out(world, counter, errand, units=29)


def other_promise(world: World, prescription: bytes, counter: Counter, errand: Errand) -> Dispensed:
    return hand_out(world, counter, errand, owed=True)


def other_prescription(world: World, prescription: bytes, counter: Counter, errand: Errand) -> Dispensed:
    return hand_out(world, shown(world, issued(world)), errand)


@pytest.mark.parametrize("another", [other_fill, other_units, other_promise, other_prescription])
def test_a_key_is_for_one_claim_alone(
    world: World, another: Callable[[World, bytes, Counter, Errand], Dispensed]
) -> None:
    prescription = issued(world)
    counter, errand = shown(world, prescription), world.errand()
    hand_out(world, counter, errand)
    with pytest.raises(IdempotencyConflict):
        another(world, prescription, counter, errand)
    assert len(changes_of(world, prescription)) == 1


def test_a_claim_that_was_refused_is_refused_again_in_words(world: World) -> None:
    prescription = issued(world)
    counter, errand = shown(world, prescription), world.errand()
    rival: Identity = world.other_pharmacist
    dispensing.reserve(world.gateway, rival, counter, world.errand())
    for _ in range(2):
        with pytest.raises(ClaimRefused) as refused:
            dispensing.dispense(world.gateway, world.pharmacist, counter, 30, errand)
        assert refused.value.reason == "reserved-by-another"
    until(lambda: world.gateway.ledger.prescription(prescription).fence == 1)
