"""Consents that change while a batch is put together: once it is posted, exactly those who may read it have its key
slips, whoever is signed in by then."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.batches import posting as batches
from gateway.batches import settling
from gateway.batches.index import BatchIndex
from gateway.batches.seal import NewItem, compartment_name
from gateway.batches.store import BatchStore, JobState
from gateway.consents.consenting import finish_handing_over, grant, set_denial, withdraw
from gateway.consents.delegating import follow_delegations
from gateway.identity.keystore import Identity
from gateway.slips.sweeping import sweep
from ledger.codes import Category, Power, Purpose, Role, purposes_mask
from ledger.types import ConsentTerms, raw, scope_number
from tests.gateway.people import World, populate, running
from tests.gateway.test_batches import LAB, digest_of, opened, results

Change = Callable[[World, Identity], Any]
GENES = LAB | Category.GENETICS


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A gateway whose chores are done by hand."""
    with running(tmp_path_factory.mktemp("gateway")) as gateway:
        yield populate(gateway)


@pytest.fixture
def patient(world: World) -> Identity:
    """Lets the technician write, who is signed in, and nobody else read."""
    world.gateway.sessions.open(world.technician.address, world.technician)
    patient = world.person(world.hospital, Role.PATIENT)
    world.let(patient, world.technician.address, LAB, write=True)
    return patient


def terms(world: World, categories: Category = LAB) -> ConsentTerms:
    return ConsentTerms(categories, purposes_mask(Purpose.TREAT), 0, world.now() + 86_400)


def let_doctor(world: World, patient: Identity, categories: Category = LAB) -> bytes:
    """As she does it at this gateway, slips included; the scope."""
    errand = world.errand()
    return grant(world.gateway, patient, world.doctor.address, terms(world, categories), errand=errand).scope


def handed_in(world: World, name: str, items: list[NewItem]) -> bytes:
    gateway, author = world.gateway, world.technician.address
    job = batches.open_batch(gateway, author, name).job
    batches.add(gateway, author, job, items)
    return job


def post(world: World, job: bytes) -> batches.Progress:
    found = batches.post(world.gateway, world.technician.address, job, wait=15.0)
    assert found.state == "anchored", found
    return found


def readers(world: World, job: bytes, patient: Identity, categories: Category = LAB) -> set[bytes]:
    """Who has slips for a patient's records of a batch, but for its author and the custodian for emergencies."""
    (group, _), *_ = BatchStore(world.gateway.database).sealed(job)
    slips = world.gateway.store.list_slips(compartment_name(group.bundle, patient.address, categories))
    return set(slips) - {raw(world.gateway.escrow.address), raw(world.technician.address)}


def state_of(world: World, job: bytes) -> JobState:
    return BatchStore(world.gateway.database).job(job, world.technician.address).state


def test_who_was_let_read_meanwhile_opens_it_while_the_patient_sleeps(world: World, patient: Identity) -> None:
    job = handed_in(world, "granted", results(patient, 2))
    let_doctor(world, patient)
    world.gateway.sessions.close_all(patient.address)
    batch = post(world, job)
    assert readers(world, job, patient) == {raw(patient.address)}

    settling.settle_batches(world.gateway)

    assert state_of(world, job) is JobState.SETTLED
    assert readers(world, job, patient) == {raw(patient.address), raw(world.doctor.address)}
    assert opened(world, world.doctor, digest_of(world, batch, "r-1"), Purpose.TREAT)[0] == b'{"value":1}'
    assert batches.progress(world.gateway, world.technician.address, job).state == "anchored"


def test_what_a_consent_does_not_cover_gets_no_slip_from_it(world: World, patient: Identity) -> None:
    other = world.person(world.hospital, Role.PATIENT)
    genes = NewItem("genes", patient.address, GENES, "text/plain", b"BRCA1")
    job = handed_in(world, "narrow", [*results(patient, 1), *results(other, 1, "o"), genes])
    let_doctor(world, patient)
    post(world, job)

    settling.settle_batches(world.gateway)

    assert raw(world.doctor.address) in readers(world, job, patient)
    assert readers(world, job, patient, GENES) == {raw(patient.address)}
    assert readers(world, job, other) == {raw(other.address)}


def withdrawn(world: World, patient: Identity) -> None:
    scope = scope_number(0)
    withdraw(world.gateway, patient, world.doctor.address, scope, errand=world.errand())


def denied(world: World, patient: Identity) -> None:
    set_denial(world.gateway, patient, world.doctor.address, True, errand=world.errand())


def organization_denied(world: World, patient: Identity) -> None:
    set_denial(world.gateway, patient, world.hospital.address, True, errand=world.errand())


@pytest.mark.parametrize("end", [withdrawn, denied, organization_denied])
def test_who_is_let_read_no_more_keeps_no_slip(world: World, patient: Identity, end: Change) -> None:
    let_doctor(world, patient)
    job = handed_in(world, end.__name__, results(patient, 1))
    assert raw(world.doctor.address) in readers(world, job, patient)
    end(world, patient)
    sweep(world.gateway)
    post(world, job)
    world.gateway.sessions.close_all(world.technician.address)

    settling.settle_batches(world.gateway)

    assert readers(world, job, patient) == {raw(patient.address)}
    assert state_of(world, job) is JobState.SETTLED, "removing takes no key"


def test_who_was_let_read_after_it_was_posted_and_before_it_was_read_here_has_slips(
    world: World, patient: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = handed_in(world, "late", results(patient, 1))
    with monkeypatch.context() as late:
        late.setattr(batches, "follow", lambda gateway: None)
        post(world, job)
        let_doctor(world, patient)
    settling.settle_batches(world.gateway)
    assert state_of(world, job) is JobState.POSTED, "its manifest was not read: granting does not reach it yet"
    batches.follow_batches(world.gateway)

    settling.settle_batches(world.gateway)

    assert readers(world, job, patient) == {raw(patient.address), raw(world.doctor.address)}


def test_a_delegate_who_was_named_meanwhile_has_slips(world: World, patient: Identity) -> None:
    son = world.person(world.hospital, Role.PATIENT)
    job = handed_in(world, "delegated", results(patient, 1))
    act = world.gateway.ledger.acts.set_delegation
    until = world.now() + 86_400
    world.act(act(son.address, powers=Power.READ, categories=LAB, until=until), patient)
    follow_delegations(world.gateway)
    post(world, job)
    settling.settle_batches(world.gateway)
    assert readers(world, job, patient) == {raw(patient.address), raw(son.address)}


@pytest.mark.parametrize("who", ["author", "patient"])
def test_with_neither_here_it_waits_for_whoever_signs_in_first(world: World, patient: Identity, who: str) -> None:
    gateway = world.gateway
    job = handed_in(world, f"waits for {who}", results(patient, 2))
    let_doctor(world, patient)
    batch = post(world, job)
    for one in (patient, world.technician):
        gateway.sessions.close_all(one.address)
    settling.settle_batches(gateway)
    assert state_of(world, job) is JobState.WAITING
    assert batches.progress(gateway, world.technician.address, job).state == "anchored"
    settling.settle_batches(gateway)
    finish_handing_over(gateway)
    assert readers(world, job, patient) == {raw(patient.address)}

    back = world.technician if who == "author" else patient
    gateway.sessions.open(back.address, back)
    finish_handing_over(gateway)
    settling.settle_batches(gateway)

    assert readers(world, job, patient) == {raw(patient.address), raw(world.doctor.address)}
    gateway.sessions.close_all(patient.address)
    assert opened(world, world.doctor, digest_of(world, batch, "r-0"), Purpose.TREAT)[0] == b'{"value":0}'
    gateway.sessions.open(world.technician.address, world.technician)
    settling.settle_batches(gateway)
    assert state_of(world, job) is JobState.SETTLED


def test_a_consent_for_one_of_its_records_gives_its_slip_if_it_names_its_kind(world: World, patient: Identity) -> None:
    batch = post(world, handed_in(world, "one of them", results(patient, 2)))
    first, second = (digest_of(world, batch, item) for item in ("r-0", "r-1"))
    for digest, categories in ((first, Category.IMAGING), (second, LAB)):
        about, errand = terms(world, categories), world.errand()
        grant(world.gateway, patient, world.doctor.address, about, errand=errand, record=digest)
    assert world.gateway.store.list_slips(first) == []
    assert world.gateway.store.list_slips(second) == [raw(world.doctor.address)]


def test_an_organization_that_posts_as_itself_need_not_be_signed_in(world: World, patient: Identity) -> None:
    gateway, laboratory = world.gateway, world.laboratory
    world.let(patient, laboratory.address, LAB, write=True)
    gateway.sessions.open(laboratory.address, laboratory)
    job = batches.open_batch(gateway, laboratory.address, "by itself").job
    batches.add(gateway, laboratory.address, job, results(patient, 1))
    let_doctor(world, patient)
    assert batches.post(gateway, laboratory.address, job, wait=15.0).state == "anchored"
    gateway.sessions.close_all(laboratory.address)
    settling.settle_batches(gateway)
    assert raw(world.doctor.address) in readers(world, job, patient)


def test_what_was_erased_meanwhile_is_sealed_for_nobody_again(world: World, patient: Identity) -> None:
    job = handed_in(world, "erased", results(patient, 1))
    let_doctor(world, patient)
    post(world, job)
    (record,) = BatchIndex(world.gateway.database).records_about([patient.address], 5)
    name = compartment_name(record.bundle, patient.address, LAB)
    for reader in world.gateway.store.list_slips(name):
        world.gateway.store.delete_slip(name, reader)

    settling.settle_batches(world.gateway)

    assert readers(world, job, patient) == set()
    assert state_of(world, job) is JobState.SETTLED


def test_a_batch_that_left_the_chain_for_a_while_is_looked_at_anew(world: World, patient: Identity) -> None:
    job = handed_in(world, "back again", results(patient, 1))
    batch = post(world, job)
    settling.settle_batches(world.gateway)
    scope = let_doctor(world, patient)
    assert raw(world.doctor.address) in readers(world, job, patient)
    assert batch.root is not None
    BatchIndex(world.gateway.database).drop(batch.root)
    withdraw(world.gateway, patient, world.doctor.address, scope, errand=world.errand())
    sweep(world.gateway)

    batches.follow_batches(world.gateway)
    settling.settle_batches(world.gateway)

    assert readers(world, job, patient) == {raw(patient.address)}


def test_where_nothing_changed_no_slip_is_looked_at_and_posting_again_changes_nothing(
    world: World, patient: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_doctor(world, patient)
    job = handed_in(world, "unchanged", results(patient, 2))
    post(world, job)
    monkeypatch.setattr(settling, "_settle_compartment", None)
    settling.settle_batches(world.gateway)
    assert state_of(world, job) is JobState.SETTLED
    before = post(world, job)
    settling.settle_batches(world.gateway)
    assert state_of(world, job) is JobState.SETTLED
    assert post(world, job) == before
