"""A night's results: handed in, posted as one root, and each of them a record like any other."""

import io
import json
import signal
import subprocess
import sys
from collections import Counter as Tally
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.batches import posting as batches
from gateway.batches import records as batch_records
from gateway.batches.follow import follow
from gateway.batches.index import BatchIndex, Reading
from gateway.batches.manifest import Group, Item, Manifest, get_manifest, leaf, path_in, put_manifest, tree_of
from gateway.batches.seal import NewItem
from gateway.batches.store import BatchStore
from gateway.consents.proposals import answer, proposals_to
from gateway.errors import KeyCardMissing, NotFound, RecordAltered, RequestConflict
from gateway.flow import Deposited, Draft, deposit, retrieve
from gateway.identity.keystore import Identity
from gateway.log.evidence import record_evidence
from gateway.verify.chain import Chain
from gateway.verify.checks import check
from ledger.codes import Category, Purpose, RecordState, Role
from ledger.devnet import Devnet
from ledger.errors import AccessDenied, ContractRejected
from ledger.merkle import MerkleTree
from ledger.types import ZERO_ADDRESS, Address, Subject, record_leaf
from offchain_store.digest import Cid, Codec
from tests.gateway.people import World, populate, running

LAB = Category.LABORATORY


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("gateway")) as gateway:
        world = populate(gateway)
        world.let(world.patient, world.laboratory.address, LAB, write=True)
        yield world


@pytest.fixture(scope="module")
def neighbour(world: World) -> Identity:
    """A patient who lets the technician herself write."""
    neighbour = world.person(world.hospital, Role.PATIENT)
    world.let(neighbour, world.technician.address, LAB, write=True)
    return neighbour


@pytest.fixture(scope="module")
def stranger(world: World) -> Identity:
    """A patient who lets nobody of the laboratory write."""
    return world.person(world.hospital, Role.PATIENT)


def results(patient: Identity, count: int, prefix: str = "r") -> list[NewItem]:
    return [
        NewItem(f"{prefix}-{n}", patient.address, LAB, "application/json", f'{{"value":{n}}}'.encode(), "Potassium")
        for n in range(count)
    ]


def posted(world: World, name: str, items: list[NewItem]) -> batches.Progress:
    batch = batches.open_batch(world.gateway, world.technician.address, name)
    batches.add(world.gateway, world.technician.address, batch.job, items)
    return batches.post(world.gateway, world.technician.address, batch.job, wait=15.0)


def digest_of(world: World, batch: batches.Progress, item: str) -> bytes:
    found = batches.item_of(world.gateway, world.technician.address, batch.job, item)
    assert found is not None
    return found[1]


def opened(world: World, reader: Identity, digest: bytes, purpose: Purpose = Purpose.PATRQT) -> tuple[bytes, str]:
    found = retrieve(world.gateway, reader, digest, purpose=purpose, correlation="test")
    return b"".join(found.content), found.decision.state.name


def test_every_result_of_a_batch_opens_for_its_patient_and_its_author(
    world: World, neighbour: Identity, stranger: Identity
) -> None:
    items = [
        *results(world.patient, 3, "ana"),
        *results(neighbour, 2, "ben"),
        *results(stranger, 2, "eve"),
    ]
    batch = posted(world, "mixed", items)
    assert (batch.state, batch.items, batch.proposals) == ("anchored", 7, 2)
    for item, patient in zip(items, [world.patient] * 3 + [neighbour] * 2 + [stranger] * 2, strict=True):
        digest = digest_of(world, batch, item.id)
        state = "PROPOSED" if patient is stranger else "ANCHORED"
        assert opened(world, patient, digest) == (item.content, state)
        assert opened(world, world.technician, digest, Purpose.TREAT) == (item.content, state)
        for other in {id(one): one for one in (world.patient, neighbour, stranger)}.values():
            if other is not patient:
                with pytest.raises(AccessDenied):
                    opened(world, other, digest)


def test_a_batch_is_listed_for_each_patient_with_her_results_alone(world: World, neighbour: Identity) -> None:
    batch = posted(world, "listed", [*results(world.patient, 5, "a"), *results(neighbour, 4, "b")])
    found = batch_records.records_about(world.gateway, [neighbour.address], 4)
    assert {one.record.root for one in found} == {batch.root}
    assert {one.record.item.patient for one in found} == {neighbour.address}
    first = batch_records.records_about(world.gateway, [world.patient.address], 2)
    rest = batch_records.records_about(world.gateway, [world.patient.address], 3, before=first[-1].record.where)
    assert [one.record.index for one in (*first, *rest)] == [4, 3, 2, 1, 0]


def test_a_standing_reader_opens_what_was_posted_while_the_patient_slept(world: World) -> None:
    world.let(world.patient, world.doctor.address, LAB)
    batch = posted(world, "standing", results(world.patient, 2))
    world.gateway.sessions.close_all(world.patient.address)
    assert opened(world, world.doctor, digest_of(world, batch, "r-1"), Purpose.TREAT)[0] == b'{"value":1}'
    with pytest.raises(AccessDenied):
        opened(world, world.pharmacist, digest_of(world, batch, "r-1"), Purpose.TREAT)
    world.gateway.sessions.open(world.patient.address, world.patient)


def test_retracting_one_result_leaves_its_neighbours(world: World) -> None:
    batch = posted(world, "retracted", results(world.patient, 300))
    victim = digest_of(world, batch, "r-255")
    batch_records.retract(world.gateway, world.technician.address, victim, world.errand())
    assert opened(world, world.patient, victim)[1] == "RETRACTED"
    assert batch_records.record_of(world.gateway, victim).state is RecordState.RETRACTED
    for near in ("r-254", "r-256", "r-0", "r-299"):
        assert opened(world, world.patient, digest_of(world, batch, near))[1] == "ANCHORED"
        assert batch_records.record_of(world.gateway, digest_of(world, batch, near)).state is RecordState.ANCHORED
    with pytest.raises(ContractRejected, match="BatchRecordGone"):
        batch_records.retract(world.gateway, world.technician.address, victim, world.errand())
    with pytest.raises(ContractRejected, match=r"RoleMissing|NotTheBatchAuthor"):
        batch_records.retract(world.gateway, world.doctor.address, digest_of(world, batch, "r-0"), world.errand())


def correct(world: World, patient: Identity, wrong: bytes, content: bytes) -> Deposited:
    """The technician puts another result in the place of one of a batch."""
    draft = Draft(patient.address, LAB, world.header(LAB), supersedes=wrong)
    return deposit(world.gateway, world.technician, draft, io.BytesIO(content), world.errand())


def test_a_result_is_corrected_by_one_that_stands_in_its_place(world: World, neighbour: Identity) -> None:
    batch = posted(world, "corrected", results(neighbour, 2))
    wrong = digest_of(world, batch, "r-0")
    corrected = correct(world, neighbour, wrong, b"corrected")
    assert not corrected.proposed
    listed = batch_records.record_of(world.gateway, wrong)
    assert (listed.state, listed.successor) == (RecordState.SUPERSEDED, corrected.digest)
    assert opened(world, neighbour, wrong)[1] == "SUPERSEDED"
    assert opened(world, neighbour, corrected.digest) == (b"corrected", "ANCHORED")
    assert opened(world, neighbour, digest_of(world, batch, "r-1"))[1] == "ANCHORED"
    with pytest.raises(ContractRejected, match="RecordStateUnfit"):
        correct(world, neighbour, wrong, b"once more")
    with pytest.raises(ContractRejected, match="ProofInvalid"):
        correct(world, world.patient, digest_of(world, batch, "r-1"), b"about somebody else")


def test_the_correction_of_a_proposed_result_is_proposed(world: World) -> None:
    stranger = world.person(world.hospital, Role.PATIENT)
    world.let(stranger, world.doctor.address, LAB)
    batch = posted(world, "proposed and corrected", results(stranger, 1))
    corrected = correct(world, stranger, digest_of(world, batch, "r-0"), b"corrected")
    assert corrected.proposed
    assert [one.digest for one in proposals_to(world.gateway, stranger.address, limit=5)] == [corrected.digest]
    with pytest.raises(AccessDenied, match="not yet accepted"):
        opened(world, world.doctor, corrected.digest, Purpose.TREAT)


def transactions_of(world: World, who: Identity) -> int:
    return int(world.gateway.node.request("eth_getTransactionCount", who.address, "pending"), 16)


def test_what_she_let_be_written_is_not_turned_down_and_says_so_before_it_is_sent(world: World) -> None:
    batch = posted(world, "with leave", results(world.patient, 1))
    digest = digest_of(world, batch, "r-0")
    sent = transactions_of(world, world.patient)
    for accepted in (False, True):
        with pytest.raises(ContractRejected, match="RecordStateUnfit"):
            answer(world.gateway, world.patient, world.patient.address, digest, accepted, world.errand())
    assert transactions_of(world, world.patient) == sent
    assert batch_records.record_of(world.gateway, digest).state is RecordState.ANCHORED
    assert opened(world, world.patient, digest)[1] == "ANCHORED"


def test_what_is_turned_down_is_neither_corrected_nor_retracted(world: World) -> None:
    stranger = world.person(world.hospital, Role.PATIENT)
    batch = posted(world, "turned down", results(stranger, 1))
    digest = digest_of(world, batch, "r-0")
    answer(world.gateway, stranger, stranger.address, digest, False, world.errand())
    with pytest.raises(ContractRejected, match="BatchRecordGone"):
        batch_records.retract(world.gateway, world.technician.address, digest, world.errand())
    with pytest.raises(ContractRejected, match="RecordStateUnfit"):
        correct(world, stranger, digest, b"corrected")
    assert batch_records.record_of(world.gateway, digest).state is RecordState.TURNED_DOWN


def test_leave_that_was_withdrawn_before_the_batch_came_to_the_ledger_leaves_proposals(world: World) -> None:
    """The list was closed with her leave; the ledger, and so every list here, goes by what held at the anchor."""
    patient = world.person(world.hospital, Role.PATIENT)
    world.let(patient, world.technician.address, LAB, write=True)
    early = posted(world, "in time", results(patient, 1))
    world.travel(2)  # a consent is no longer live in the second of its withdrawal
    author = world.technician.address
    late = batches.open_batch(world.gateway, author, "too late")
    batches.add(world.gateway, author, late.job, results(patient, 1))
    store = BatchStore(world.gateway.database)
    store.close(late.job, author, [(patient.address, LAB, author, 0)])
    world.act(world.gateway.ledger.acts.withdraw(author, bytes(32)), patient)
    late = batches.post(world.gateway, author, late.job, wait=15)
    kept, waits = digest_of(world, early, "r-0"), digest_of(world, late, "r-0")
    assert batch_records.record_of(world.gateway, kept).state is RecordState.ANCHORED
    assert opened(world, patient, kept)[1] == "ANCHORED"
    assert batch_records.record_of(world.gateway, waits).state is RecordState.PROPOSED
    assert opened(world, patient, waits)[1] == "PROPOSED"
    assert [one.digest for one in proposals_to(world.gateway, patient.address, limit=5)] == [waits]


@pytest.mark.parametrize("denies_her", [True, False])
def test_old_leave_lets_nobody_write_whom_the_patient_denies_whoever_put_the_list_together(
    world: World, denies_her: bool
) -> None:
    """Another program names the old consent in the leaves all the same: the ledger, and every list here, goes by the
    denial, as long as it lasted."""
    patient, author = world.person(world.hospital, Role.PATIENT), world.technician.address
    world.let(patient, author, LAB, write=True)
    denied = author if denies_her else world.laboratory.address
    store, set_denial = BatchStore(world.gateway.database), world.gateway.ledger.acts.set_denial
    chain = Chain(world.gateway.node, world.gateway.ledger, 0)

    def post(name: str) -> bytes:
        batch = batches.open_batch(world.gateway, author, f"{name} {patient.address}")
        batches.add(world.gateway, author, batch.job, results(patient, 1))
        store.close(batch.job, author, [(patient.address, LAB, author, 0)])
        posted = batches.post(world.gateway, author, batch.job, wait=15)
        world.travel(1)  # what she says next, she says in another second
        return digest_of(world, posted, "r-0")

    def stand(expected: str, *digests: bytes) -> None:
        for digest in digests:
            assert batch_records.record_of(world.gateway, digest).state.name == expected
            assert opened(world, patient, digest)[1] == expected
            verdict = check(record_evidence(world.gateway, digest), chain=chain, store=None)
            assert verdict.facts["state"] == expected.lower()

    before = post("before")
    world.act(set_denial(denied, True), patient)
    first = post("first")
    world.act(set_denial(denied, False), patient)
    between = post("between")
    world.act(set_denial(denied, True), patient)
    second = post("second")
    stand("ANCHORED", before, between)
    stand("PROPOSED", first, second)


def test_a_proposed_result_counts_once_its_patient_accepts_it(world: World, stranger: Identity) -> None:
    world.let(stranger, world.doctor.address, LAB)
    batch = posted(world, "proposed", results(stranger, 2))
    accepted, other = digest_of(world, batch, "r-0"), digest_of(world, batch, "r-1")
    with pytest.raises(AccessDenied, match="not yet accepted"):
        opened(world, world.doctor, accepted, Purpose.TREAT)
    with pytest.raises(NotFound):
        batch_records.accept(world.gateway, world.patient.address, accepted, world.errand())
    batch_records.accept(world.gateway, stranger.address, accepted, world.errand())
    assert opened(world, world.doctor, accepted, Purpose.TREAT) == (b'{"value":0}', "ANCHORED")
    with pytest.raises(AccessDenied, match="not yet accepted"):
        opened(world, world.doctor, other, Purpose.TREAT)


def test_handing_the_same_results_in_again_changes_nothing_and_other_content_is_refused(world: World) -> None:
    author = world.technician.address
    batch = batches.open_batch(world.gateway, author, "again")
    assert batches.open_batch(world.gateway, author, "again").job == batch.job
    items = results(world.patient, 4)
    assert batches.add(world.gateway, author, batch.job, items) == batches.Added(4, 0)
    assert batches.add(world.gateway, author, batch.job, items[2:]) == batches.Added(0, 2)
    more = [*items, *results(world.patient, 1, "new")]
    assert batches.add(world.gateway, author, batch.job, more) == batches.Added(1, 4)
    changed = NewItem("r-0", world.patient.address, LAB, "application/json", b"other", "Potassium")
    with pytest.raises(batches.ItemConflict) as conflict:
        batches.add(world.gateway, author, batch.job, [changed])
    assert "r-0" not in str(conflict.value)
    assert batches.progress(world.gateway, author, batch.job).items == 5
    with pytest.raises(NotFound):
        batches.add(world.gateway, world.doctor.address, batch.job, items)


def test_posting_twice_posts_once_and_closes_the_list(world: World) -> None:
    batch = posted(world, "once", results(world.patient, 2))
    again = batches.post(world.gateway, world.technician.address, batch.job, wait=15.0)
    assert (again.root, again.manifest) == (batch.root, batch.manifest)
    assert again.entry is not None
    assert batch.entry is not None
    assert again.entry.id == batch.entry.id
    with pytest.raises(RequestConflict, match="closed"):
        batches.add(world.gateway, world.technician.address, batch.job, results(world.patient, 1, "late"))
    empty = batches.open_batch(world.gateway, world.technician.address, "empty")
    with pytest.raises(RequestConflict, match="empty"):
        batches.post(world.gateway, world.technician.address, empty.job)


def test_a_batch_that_the_ledger_refused_is_posted_once_the_reason_is_gone(world: World) -> None:
    author = world.technician
    batch = batches.open_batch(world.gateway, author.address, "suspended meanwhile")
    batches.add(world.gateway, author.address, batch.job, results(world.patient, 3))
    suspend = world.gateway.ledger.acts.set_suspension
    world.act(suspend(author.address, True), world.laboratory)
    with pytest.raises(ContractRejected, match="SuspendedParticipant"):
        batches.post(world.gateway, author.address, batch.job, wait=15.0)
    assert batches.progress(world.gateway, author.address, batch.job).state == "failed"
    batches.resume(world.gateway)
    world.act(suspend(author.address, False), world.laboratory)
    done = batches.post(world.gateway, author.address, batch.job, wait=15.0)
    assert done.state == "anchored"
    again = batches.post(world.gateway, author.address, batch.job, wait=15.0)
    assert again.entry == done.entry


def test_a_patient_without_a_key_card_stops_the_request_before_anything_is_kept(world: World) -> None:
    nobody = NewItem("x", Address("0x" + "11" * 20), LAB, "text/plain", b"x")
    batch = batches.open_batch(world.gateway, world.technician.address, "no card")
    before = set(world.gateway.store.list())
    with pytest.raises(KeyCardMissing):
        batches.add(world.gateway, world.technician.address, batch.job, [*results(world.patient, 1), nobody])
    assert set(world.gateway.store.list()) == before
    assert batches.progress(world.gateway, world.technician.address, batch.job).items == 0


def test_the_manifest_rebuilds_the_tree_and_every_path_leads_to_the_anchored_root(world: World) -> None:
    batch = posted(world, "manifest", results(world.patient, 37))
    assert batch.manifest is not None
    assert batch.root is not None
    manifest = get_manifest(world.gateway.store, batch.manifest)
    author = world.technician.address
    tree = tree_of(manifest, author)
    assert tree.root == batch.root
    for index, item in enumerate(manifest.items()):
        assert leaf(index, item, author) == record_leaf(index, item.digest, item.subject(author))
        assert path_in(tree.packed(), index) == tree.path(index)
    assert MerkleTree([leaf(i, one, author) for i, one in enumerate(manifest.items())]).root == batch.root


def test_a_tampered_manifest_is_refused(world: World) -> None:
    batch = posted(world, "tampered", results(world.patient, 3))
    assert batch.manifest is not None
    gateway = world.gateway
    manifest = get_manifest(gateway.store, batch.manifest)
    group = manifest.groups[0]
    swapped = Manifest((Group.of(group.bundle, (group.items[1], group.items[0], *group.items[2:])),))
    assert tree_of(swapped, world.technician.address).root != batch.root
    forged = put_manifest(gateway.store, swapped)

    # A batch whose event names a manifest of other records: nothing of it is believed.
    other = MerkleTree([record_leaf(0, bytes(32), Subject(world.patient.address, LAB))]).root
    world.act(gateway.ledger.acts.anchor_batch(other, 3, forged), world.technician)
    assert follow(gateway) == []
    index = BatchIndex(gateway.database)
    assert index.reading_of(other) is Reading.REFUSED
    assert {record.root for record in index.records_about([world.patient.address], 1_000)}.isdisjoint({other})

    for content in (b"\xa0", b"\x00", b"not a manifest"):
        name = gateway.store.put(content, Codec.DAG_CBOR)
        with pytest.raises(RecordAltered):
            get_manifest(gateway.store, name.digest)


def test_a_manifest_that_is_not_there_yet_is_read_when_it_comes(world: World) -> None:
    gateway = world.gateway
    items = tuple(Item(bytes([n]) * 32, world.patient.address, LAB) for n in range(3))
    manifest = Manifest((Group.of(bytes(32), items),))
    digest = put_manifest(gateway.store, manifest)
    block = gateway.store.get(Cid.root(digest))
    gateway.store.delete(Cid.root(digest))
    root = tree_of(manifest, world.technician.address).root
    world.act(gateway.ledger.acts.anchor_batch(root, 3, digest), world.technician)
    assert follow(gateway) == []
    assert BatchIndex(gateway.database).reading_of(root) is Reading.MISSING
    gateway.store.put(block, Codec.DAG_CBOR)
    assert follow(gateway) == [root]
    assert BatchIndex(gateway.database).reading_of(root) is Reading.READ


def test_the_manifest_of_a_batch_with_ten_thousand_results_fits_its_blocks(world: World) -> None:
    store = world.gateway.store
    items = tuple(Item(n.to_bytes(32, "big"), world.patient.address, LAB) for n in range(8_192))
    manifest = Manifest((Group.of(bytes(32), items), Group.of(b"\1" * 32, items[:2_000])))
    digest = put_manifest(store, manifest)
    assert len(get_manifest(store, digest)) == 10_192
    author = world.technician.address
    assert tree_of(get_manifest(store, digest), author).root == tree_of(manifest, author).root


@pytest.mark.parametrize("number", [0, 1, 65_535])
def test_a_leaf_says_which_consent_lets_the_author_write_as_the_ledger_reads_it(world: World, number: int) -> None:
    author, patient = world.technician.address, world.patient.address
    for writer in (ZERO_ADDRESS, author, world.laboratory.address):
        item = Item(bytes(range(32)), patient, LAB, writer, number)
        leave = (writer == world.laboratory.address, writer == ZERO_ADDRESS)
        assert leaf(9, item, author) == record_leaf(9, item.digest, Subject(patient, LAB, number, *leave))


@pytest.mark.timeout(600)  # six processes, and a thousand records opened one by one
def test_a_batch_of_a_thousand_is_posted_once_though_the_gateway_is_killed_again_and_again(tmp_path: Path) -> None:
    """A process hands in 1,000 results of 20 patients and posts them; it is killed five times on the way."""
    stdout = ""
    with Devnet.start(tmp_path / "chain", block_time=None) as devnet:
        for kill in ("add 2", "add 5", "close", "manifest", "sent", "never"):
            run = subprocess.run(
                [sys.executable, "-m", "tests.gateway.batch_worker", str(tmp_path / "gateway"), devnet.url, kill],
                cwd=Path(__file__).parents[2],
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
            assert run.returncode == (0 if kill == "never" else -signal.SIGKILL), run.stderr[-2000:]
            stdout = run.stdout
    report = json.loads(stdout.splitlines()[-1])
    assert report["state"] == "anchored"
    assert report["batches"] == 1
    assert report["items"] == report["distinct"] == 1_000
    assert report["acts"] == 1
    assert report["opened"] == 1_000
    assert Tally(report["patients"].values()) == {50: 20}


@pytest.mark.parametrize("denies_her", [True, False])
def test_an_author_whom_a_patient_denies_can_only_propose(world: World, denies_her: bool) -> None:
    """Her old leave to write stands; the denial, of the author or of her organization, is above it."""
    patient = world.person(world.hospital, Role.PATIENT)
    world.let(patient, world.technician.address, LAB, write=True)
    denied = world.technician.address if denies_her else world.laboratory.address
    world.act(world.gateway.ledger.acts.set_denial(denied, True), patient)
    batch = posted(world, f"denied {patient.address}", results(patient, 1))
    assert batch.proposals == 1
    digest = digest_of(world, batch, "r-0")
    assert batch_records.record_of(world.gateway, digest).state is RecordState.PROPOSED
