"""Retention: what an organization no longer keeps is destroyed in its time, with a signed line; nothing else is."""

import io
from collections.abc import Iterator
from dataclasses import replace
from time import time

import pytest
from sqlalchemy import func, select

from gateway.database import reading
from gateway.erasure import erasing as erasure
from gateway.erasure.disposals import Cause, DisposalLine, Disposals
from gateway.erasure.retention import change_rule, dispose_due, due
from gateway.erasure.rules import Rule, remove_rule, rules_of
from gateway.erasure.shredding import is_left
from gateway.errors import InvalidInput, RecordErased
from gateway.export.holdings import holding_of
from gateway.flow import Draft, deposit
from gateway.identity.keystore import Identity
from gateway.prescriptions import issuing as prescriptions
from gateway.prescriptions.access import open_slip
from gateway.prescriptions.issuing import Order
from gateway.services import Gateway
from ledger.codes import Category, Purpose, Role
from ledger.types import PrescriptionTerms
from tests.gateway.conftest import Cast
from tests.gateway.people import World, populate, running
from tests.gateway.test_erasure import opened, posted

DAY = 86_400
LAB, NOTE, PLAN, MEDICATION = Category.LABORATORY, Category.ENCOUNTER, Category.CARE_PLAN, Category.MEDICATION


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world"), block_time=None, retention_sweep_seconds=0) as gateway:
        world = populate(gateway)
        world.let(world.patient, world.laboratory.address, LAB, write=True)
        world.let(world.patient, world.doctor.address, NOTE | PLAN | MEDICATION, write=True)
        yield world


@pytest.fixture(autouse=True)
def _no_rules(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test sets its own."""
    yield
    if "world" in request.fixturenames:
        world: World = request.getfixturevalue("world")
        for organization in (world.hospital, world.laboratory):
            for rule in rules_of(world.gateway, organization.address):
                remove_rule(world.gateway, organization.address, rule.category)


def in_days(world: World, days: float) -> Gateway:
    """The same gateway, so many days later."""
    return replace(world.gateway, clock=lambda: time() + days * DAY)


def rule(world: World, organization: Identity, category: Category, *, keep: int = 0, dispose: int | None) -> None:
    """A rule in days."""
    seconds = None if dispose is None else dispose * DAY
    change_rule(world.gateway, organization.address, Rule(category, keep * DAY, seconds, "protocol 7, section 11"))


def written(world: World, author: Identity, categories: Category) -> bytes:
    draft = Draft(world.patient.address, categories, world.header(categories, "text/plain"))
    return deposit(world.gateway, author, draft, io.BytesIO(b"seen today"), world.errand()).digest


def line_of(world: World, digest: bytes) -> DisposalLine | None:
    return Disposals(world.gateway.database, world.gateway.operator).of(digest)


def test_a_record_goes_in_its_time_and_a_signed_line_says_why(world: World) -> None:
    digest = written(world, world.doctor, NOTE)
    rule(world, world.hospital, NOTE, keep=30, dispose=90)

    dispose_due(in_days(world, 89))
    assert line_of(world, digest) is None
    assert opened(world, world.patient, digest, Purpose.PATRQT) == b"seen today"

    dispose_due(in_days(world, 91))
    line = line_of(world, digest)
    assert line is not None
    assert line.is_signed_by(world.gateway.operator.address)
    assert (line.fields["cause"], line.fields["basis"]) == ("retention", "protocol 7, section 11")
    assert line.fields["organization"] == world.hospital.address.lower()
    with pytest.raises(RecordErased):
        opened(world, world.patient, digest, Purpose.PATRQT)
    holding = holding_of(world.gateway, digest)
    assert holding is not None
    assert not is_left(world.gateway, holding)


def test_nothing_else_goes_with_it(world: World) -> None:
    own = written(world, world.patient, NOTE)
    other_kind = written(world, world.doctor, PLAN)
    both = written(world, world.doctor, NOTE | PLAN)
    (elsewhere,) = posted(world, world.patient, b"4.1")
    rule(world, world.hospital, NOTE, dispose=90)

    dispose_due(in_days(world, 400))

    for digest in (own, other_kind, both, elsewhere):
        assert line_of(world, digest) is None
        assert world.gateway.store.has(digest)


def test_a_record_of_two_kinds_stays_as_long_as_the_longer_rule_says(world: World) -> None:
    both = written(world, world.doctor, NOTE | PLAN)
    rule(world, world.hospital, NOTE, dispose=10)
    rule(world, world.hospital, PLAN, dispose=50)

    dispose_due(in_days(world, 49))
    assert line_of(world, both) is None

    dispose_due(in_days(world, 51))
    assert line_of(world, both) is not None


def test_a_changed_rule_is_judged_anew(world: World) -> None:
    digest = written(world, world.doctor, NOTE)
    rule(world, world.hospital, NOTE, dispose=10)
    dispose_due(in_days(world, 1))
    rule(world, world.hospital, NOTE, dispose=500)

    dispose_due(in_days(world, 11))
    assert line_of(world, digest) is None

    remove_rule(world.gateway, world.hospital.address, NOTE)
    rule(world, world.hospital, PLAN, dispose=1)
    dispose_due(in_days(world, 1_000))
    assert line_of(world, digest) is None, "no rule concerns it any more"


def test_a_nights_results_go_together_with_their_common_key(world: World) -> None:
    results = posted(world, world.patient, b"one", b"two")
    rule(world, world.laboratory, LAB, dispose=90)

    later = in_days(world, 91)
    dispose_due(later)

    for digest in results:
        holding = holding_of(world.gateway, digest)
        assert holding is not None
        assert not is_left(world.gateway, holding)
        assert line_of(world, digest) is not None
    with reading(world.gateway.database) as connection:
        assert connection.execute(select(func.count()).select_from(due).where(due.c.digest.in_(results))).scalar() == 0


def test_what_she_has_erased_from_a_batch_takes_nothing_else_with_it_before_its_time(world: World) -> None:
    gone, kept = posted(world, world.patient, b"gone", b"kept")
    rule(world, world.laboratory, LAB, dispose=90)
    erasure.erase(world.gateway, world.patient, [gone], world.errand())

    dispose_due(in_days(world, 89))
    assert opened(world, world.patient, kept, Purpose.PATRQT) == b"kept"

    dispose_due(in_days(world, 91))
    lines = [line_of(world, digest) for digest in (gone, kept)]
    assert [line.fields["cause"] for line in lines if line] == ["erasure", "retention"]
    assert not world.gateway.store.has(kept)


def test_a_prescription_waits_until_it_can_no_longer_be_dispensed(world: World) -> None:
    now = world.now()
    terms = PrescriptionTerms(1, 30, 30, 0, now - 10, now + 30 * DAY)
    order = Order(world.patient.address, MEDICATION, terms, world.header(MEDICATION))
    done = prescriptions.issue(world.gateway, world.doctor, order, io.BytesIO(b"20 mg"), world.errand())
    body = open_slip(world.gateway, world.patient, done.prescription).opening.digest
    rule(world, world.hospital, MEDICATION, dispose=1)

    dispose_due(in_days(world, 2))
    assert world.gateway.store.has(body)

    prescriptions.cancel(world.gateway, world.doctor, done.prescription, world.errand())
    dispose_due(in_days(world, 4))
    assert not world.gateway.store.has(body)
    assert line_of(world, body) is not None


def test_a_disposal_that_was_cut_off_is_finished_without_the_patient(world: World) -> None:
    patient = world.person(world.hospital, Role.PATIENT)
    first, second = posted(world, patient, b"one", b"two")
    world.gateway.sessions.close_all(patient.address)
    for digest in (first, second):
        holding = holding_of(world.gateway, digest)
        assert holding is not None
        erasure.begin(world.gateway, holding, cause=Cause.RETENTION, basis="protocol 7", correlation="c" * 8)

    erasure.finish_erasures(world.gateway)

    assert line_of(world, first) is not None
    assert line_of(world, second) is not None
    assert not world.gateway.store.has(first)


def test_it_is_looked_at_intervals_only(world: World) -> None:
    calm = replace(world.gateway, settings=world.gateway.settings.model_copy(update={"retention_sweep_seconds": DAY}))
    rule(world, world.hospital, NOTE, dispose=10)
    dispose_due(replace(calm, clock=lambda: time() + 20 * DAY))
    digest = written(world, world.doctor, NOTE)

    dispose_due(replace(calm, clock=lambda: time() + 20.5 * DAY))
    assert line_of(world, digest) is None

    dispose_due(replace(calm, clock=lambda: time() + 21.5 * DAY))
    assert line_of(world, digest) is not None


@pytest.mark.parametrize(
    "bad", [Rule(NOTE, 10, 5, "x"), Rule(NOTE, -1, None, "x"), Rule(NOTE, 0, 0, "x"), Rule(NOTE | PLAN, 0, 1, "x")]
)
def test_a_rule_that_contradicts_itself_is_refused(world: World, bad: Rule) -> None:
    with pytest.raises(InvalidInput):
        change_rule(world.gateway, world.hospital.address, bad)


def test_an_organization_sets_its_own_rules_and_nobody_else_does(cast: Cast) -> None:
    body = {"keep_days": 30, "dispose_days": 90, "basis": "protocol 7"}
    assert cast.hospital.put("/v1/retention/imaging", json=body).json() == {"category": "imaging", **body}
    assert cast.doctor.get("/v1/retention").json() == cast.hospital.get("/v1/retention").json()
    assert cast.laboratory.get("/v1/retention").json() == []
    for person in (cast.doctor, cast.patient):
        assert person.put("/v1/retention/imaging", json=body).status_code == 403
        assert person.delete("/v1/retention/imaging").status_code == 403
    for path, change in (
        ("nonsense", {}),
        ("imaging", {"dispose_days": 10}),
        ("imaging", {"keep_days": True}),
        ("imaging", {"basis": "two\nlines"}),
        ("imaging", {"more": 1}),
    ):
        assert cast.hospital.put(f"/v1/retention/{path}", json=body | change).status_code == 422
    assert cast.hospital.delete("/v1/retention/imaging").status_code == 204
    assert cast.hospital.get("/v1/retention").json() == []
