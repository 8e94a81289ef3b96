"""Many pharmacies want the last fill at the same moment: one gets it, and every other is told why not."""

import io
from collections import Counter as Tally
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import pytest

from gateway.identity.keystore import Identity
from gateway.prescriptions import dispensing
from gateway.prescriptions import issuing as prescriptions
from gateway.prescriptions.access import now_of
from gateway.prescriptions.claims import Counter
from gateway.prescriptions.issuing import Order
from gateway.prescriptions.qr import Presentation
from gateway.prescriptions.refusals import Claim, ClaimRefused, refusal
from gateway.sending import rejection_of
from ledger.acts import Redemption
from ledger.codes import Category, Role
from ledger.eip712 import redemption_data, sign
from ledger.outbox import Posting, State
from ledger.types import HandOut, PrescriptionTerms
from tests.gateway.people import World, populate, running

CLAIMS = 1_000
PHARMACISTS = 10


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    # Blocks at intervals: claims of all pharmacists meet in the same ones, as they would on a real network.
    with running(tmp_path_factory.mktemp("gateway"), block_time=0.05) as gateway:
        world = populate(gateway)
        world.let(world.patient, world.doctor.address, Category.MEDICATION, write=True)
        yield world


@pytest.fixture(scope="module")
def pharmacists(world: World) -> list[Identity]:
    more = [world.person(world.pharmacies[i % 2], Role.PHARMACIST) for i in range(PHARMACISTS - 2)]
    return [world.pharmacist, world.other_pharmacist, *more]


def presented(world: World, *, fills: int = 1) -> Presentation:
    """A code for the last fill of a prescription."""
    terms = PrescriptionTerms(fills, 30, 30 * fills, 0, world.now() - 10, world.now() + 86_400)
    order = Order(world.patient.address, Category.MEDICATION, terms, world.header(Category.MEDICATION))
    issued = prescriptions.issue(world.gateway, world.doctor, order, io.BytesIO(b"body"), world.errand())
    for fill in range(fills - 1):
        shown = prescriptions.present(world.gateway, world.patient, issued.prescription, fill=fill)
        dispensing.dispense(world.gateway, world.pharmacist, Counter(shown), 30, world.errand())
    return prescriptions.present(world.gateway, world.patient, issued.prescription)


def test_of_a_thousand_concurrent_claims_of_the_last_fill_exactly_one_succeeds(
    world: World, pharmacists: list[Identity]
) -> None:
    gateway = world.gateway
    shown = presented(world, fills=3)
    fence = gateway.ledger.prescription(shown.id).fence + 1
    deadline = world.now() + 600
    redemptions = {}
    for pharmacist in pharmacists:
        data = redemption_data(
            gateway.ledger.domain,
            prescription=shown.id,
            fill=shown.fill,
            pharmacist=pharmacist.address,
            fence=fence,
            deadline=deadline,
        )
        redemptions[pharmacist.address] = Redemption(shown.path, deadline, *sign(data, shown.fill_key))
    postings = [
        Posting(
            gateway.ledger.acts.dispense_presented(
                shown.opening, redemptions[pharmacist.address], HandOut(30), n.to_bytes(32, "big")
            ),
            pharmacist.address,
            f"claim-{n}",
            gas=300_000,
        )
        for n in range(1, CLAIMS // PHARMACISTS + 1)
        for pharmacist in pharmacists
    ]
    started = perf_counter()
    entries = gateway.outbox.enqueue_many(postings)
    ended = [gateway.outbox.wait(entry.id, State.MINED, 100) for entry in entries]
    seconds = perf_counter() - started

    won = [entry for entry in ended if entry.state is not State.FAILED]
    assert len(won) == 1
    assert len(ended) == CLAIMS
    state = gateway.ledger.prescription(shown.id)
    assert (state.fills_used, state.units_used, state.status.name) == (3, 90, "COMPLETED")
    assert won[0].block_number is not None
    gateway.wait_indexed(won[0].block_number, 10)

    now = now_of(gateway, shown.opening)
    reasons: Tally[tuple[str, str]] = Tally()
    for entry in ended:
        if entry.state is State.FAILED:
            claim = Claim(shown.opening, entry.signer, fence=fence, fill=shown.fill)
            told = refusal(rejection_of(entry), claim, now)
            reasons[told.reason, told.sentence.partition(" dispensed ")[0]] += 1
    assert reasons == {
        ("already-dispensed", "Another pharmacy"): CLAIMS - CLAIMS // PHARMACISTS,
        ("already-dispensed", "You"): CLAIMS // PHARMACISTS - 1,
    }
    assert seconds < 100


def test_pharmacists_at_ten_counters_are_each_told_what_happened(world: World, pharmacists: list[Identity]) -> None:
    shown = presented(world)

    def try_it(pharmacist: Identity) -> str:
        try:
            dispensing.dispense(world.gateway, pharmacist, Counter(shown), 30, world.errand())
        except ClaimRefused as told:
            return f"{told.status} {told.sentence.partition(' on ')[0]}"
        return "done"

    with ThreadPoolExecutor(PHARMACISTS) as threads:
        outcomes = Tally(threads.map(try_it, pharmacists))
    assert outcomes == {"done": 1, "409 Another pharmacy dispensed this fill": PHARMACISTS - 1}


def test_reserving_at_once_leaves_one_holder_and_the_others_know_until_when(
    world: World, pharmacists: list[Identity]
) -> None:
    shown = presented(world)

    def try_it(pharmacist: Identity) -> str:
        try:
            dispensing.reserve(world.gateway, pharmacist, Counter(shown), world.errand())
        except ClaimRefused as told:
            return told.reason if told.facts["until"] > world.now() else "no time told"
        return "held"

    with ThreadPoolExecutor(PHARMACISTS) as threads:
        outcomes = Tally(threads.map(try_it, pharmacists))
    assert outcomes == {"held": 1, "reserved-by-another": PHARMACISTS - 1}
