"""Consents signed off the ledger and anchored as one list: proven one by one from node and store alone, or not."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.consents.collected import find_collected, follow_collected
from gateway.consents.collecting import anchor_collected, get_list, put_list, tree_of
from gateway.errors import InvalidInput, RecordAltered
from gateway.identity.keystore import Identity
from gateway.log.evidence import signed_consent_evidence
from gateway.verify.checks import check
from gateway.verify.evidence import SignedConsentEvidence, encode_evidence
from gateway.verify.reading import read_evidence
from gateway.verify.result import Result, Verdict
from ledger import eip712
from ledger.acts import SignedGrant
from ledger.codes import Category, Purpose, Role, purposes_mask
from ledger.errors import ContractRejected
from ledger.types import ConsentTerms, consent_id, scope_number
from offchain_store.digest import Cid, Codec
from tests.gateway.conftest import Cast
from tests.gateway.logs import chain_of
from tests.gateway.people import World, populate, running

DAY = 86_400
TREAT = purposes_mask(Purpose.TREAT)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("gateway")) as gateway:
        yield populate(gateway)


def signed_by(
    domain: eip712.Domain, patient: Identity, grantee: str, now: int, *, number: int = 0, **changes: Any
) -> SignedGrant:
    """A consent to read laboratory results for a year, signed; `changes` stand in it too."""
    terms = ConsentTerms(Category.LABORATORY, TREAT, now - DAY, now + 365 * DAY)
    plain: dict[str, Any] = {
        "patient": patient.address,
        "grantee": grantee,
        "scope": scope_number(number),
        "terms": terms,
        "document": bytes(32),
        "deadline": now + 30 * DAY,
    }
    unsigned = SignedGrant(**(plain | changes), r=bytes(32), vs=bytes(32))
    r, vs = eip712.sign(unsigned.typed_data(domain), bytes(patient.account.key))
    return replace(unsigned, r=r, vs=vs)


def campaign(world: World, *more: SignedGrant, **changes: Any) -> tuple[Identity, SignedConsentEvidence]:
    """A patient who signed that the doctor may read; with others' consents anchored, and the evidence of hers."""
    patient = world.person(world.hospital, Role.PATIENT)
    hers = signed_by(world.gateway.ledger.domain, patient, world.doctor.address, world.now(), **changes)
    neighbours = [
        signed_by(world.gateway.ledger.domain, world.patient, world.doctor.address, world.now(), number=n)
        for n in range(3)
    ]
    world.gateway.sessions.open(world.hospital.address, world.hospital)
    anchor_collected(world.gateway, world.hospital.address, [*neighbours, hers, *more], world.errand())
    found = find_collected(world.gateway, consent_id(hers.patient, hers.grantee, hers.scope))
    assert found is not None
    assert found.signed == hers
    return patient, signed_consent_evidence(world.gateway, found)


def checked(world: World, evidence: SignedConsentEvidence) -> Result:
    """Against the node, after it was written to a file and read."""
    read = read_evidence(encode_evidence(evidence))
    assert read == evidence
    with chain_of(world.gateway) as chain:
        return check(read, chain=chain, store=world.gateway.store)


def test_a_signed_consent_is_proven_with_who_anchored_it_and_that_it_is_live(world: World) -> None:
    patient, evidence = campaign(world)
    result = checked(world, evidence)
    assert result.verdict is Verdict.PROVEN, result.sentence
    assert f"By her signature {patient.address} let {world.doctor.address} read laboratory for TREAT" in result.sentence
    assert f"anchored by {world.hospital.address} on" in result.sentence
    assert (result.facts["state"], result.facts["denied"]) == ("live", False)
    assert result.facts["anchored_by"] == world.hospital.address
    assert len(result.facts["anchor"]["transaction"]) == 66
    offline = check(evidence, chain=None, store=None)
    assert offline.verdict is Verdict.CONSISTENT


def test_it_says_when_she_has_withdrawn_or_denies(world: World) -> None:
    acts = world.gateway.ledger.acts
    patient, evidence = campaign(world)
    world.act(acts.set_denial(world.doctor.address, True), patient)
    assert "she denies this grantee everything" in checked(world, evidence).sentence
    world.act(acts.withdraw(world.doctor.address, evidence.signed.scope), patient)
    result = checked(world, evidence)
    assert (result.verdict, result.facts["state"]) == (Verdict.PROVEN, "withdrawn")


@pytest.mark.parametrize(("begins", "ends", "state"), [(-9, -5, "expired"), (5, 9, "not-yet")])
def test_it_says_whether_its_period_is_over_or_to_come(world: World, begins: int, ends: int, state: str) -> None:
    now = world.now()
    terms = ConsentTerms(Category.LABORATORY, TREAT, now + begins * DAY, now + ends * DAY)
    _, evidence = campaign(world, terms=terms)
    assert checked(world, evidence).facts["state"] == state


def bent(evidence: SignedConsentEvidence, **changes: Any) -> SignedConsentEvidence:
    return replace(evidence, signed=replace(evidence.signed, **changes))


def test_what_she_did_not_sign_is_contradicted(world: World) -> None:
    _, evidence = campaign(world)
    signed = evidence.signed
    wider = replace(signed.terms, categories=Category.LABORATORY | Category.GENETICS)
    for forged in (
        bent(evidence, terms=wider),
        bent(evidence, terms=replace(signed.terms, may_write=True)),
        bent(evidence, document=b"\x01" * 32),
        bent(evidence, deadline=signed.deadline + 1),
        bent(evidence, r=signed.vs),
        bent(evidence, vs=bytes(32)),
    ):
        result = checked(world, forged)
        assert (result.verdict, "did not sign" in result.sentence) == (Verdict.CONTRADICTED, True), result.sentence
    other = bent(evidence, grantee=world.pharmacist.address)
    assert checked(world, other).verdict is Verdict.CONTRADICTED


def test_what_stands_in_no_anchored_list_is_not_proven(world: World) -> None:
    _, evidence = campaign(world)
    elsewhere = replace(evidence, path=(*evidence.path[1:], bytes(32)))
    assert checked(world, elsewhere).verdict is Verdict.CONTRADICTED
    patient = world.person(world.hospital, Role.PATIENT)
    mine = signed_by(world.gateway.ledger.domain, patient, world.doctor.address, world.now())
    tree = tree_of(world.gateway.ledger.domain, [mine])
    made_up = SignedConsentEvidence(
        ledger=evidence.ledger,
        anchor=None,
        consent=consent_id(mine.patient, mine.grantee, mine.scope),
        signed=mine,
        root=tree.root,
        path=(),
    )
    assert checked(world, made_up).verdict is Verdict.NEVER_ANCHORED
    world.act(world.gateway.ledger.acts.anchor_batch(tree.root, 1, bytes(32)), world.technician)
    assert checked(world, made_up).verdict is Verdict.NEVER_ANCHORED, "a list of records"


def test_what_was_anchored_too_late_counts_for_nothing(world: World) -> None:
    _, evidence = campaign(world, deadline=world.now() - 1)
    result = checked(world, evidence)
    assert (result.verdict, "after her signature's end" in result.sentence) == (Verdict.CONTRADICTED, True)


def test_terms_that_nobody_can_grant_count_for_nothing(world: World) -> None:
    terms = ConsentTerms(Category.LABORATORY, Purpose.BTG.bit, 0, world.now() + DAY)
    _, evidence = campaign(world, terms=terms)
    assert checked(world, evidence).verdict is Verdict.CONTRADICTED


def test_who_is_no_patient_consents_to_nothing(world: World) -> None:
    doctor = world.person(world.hospital, Role.PRACTITIONER)
    hers = signed_by(world.gateway.ledger.domain, doctor, world.pharmacist.address, world.now())
    campaign(world, hers)
    found = find_collected(world.gateway, consent_id(hers.patient, hers.grantee, hers.scope))
    assert found is not None
    assert checked(world, signed_consent_evidence(world.gateway, found)).verdict is Verdict.CONTRADICTED


def test_what_she_grants_on_the_ledger_under_the_same_number_counts_instead(world: World) -> None:
    patient, evidence = campaign(world)
    world.let(patient, world.doctor.address, Category.LABORATORY)
    result = checked(world, evidence)
    assert (result.verdict, "that one counts" in result.sentence) == (Verdict.CONTRADICTED, True)


def test_only_an_organization_anchors_a_list_and_each_once(world: World) -> None:
    gateway = world.gateway
    signed = [signed_by(gateway.ledger.domain, world.patient, world.doctor.address, world.now(), number=77)]
    with pytest.raises(ContractRejected, match="RoleMissing"):
        anchor_collected(gateway, world.doctor.address, signed, world.errand())
    anchor_collected(gateway, world.hospital.address, signed, world.errand())
    with pytest.raises(ContractRejected, match="BatchAlreadyAnchored"):
        anchor_collected(gateway, world.hospital.address, signed, world.errand())
    with pytest.raises(InvalidInput):
        anchor_collected(gateway, world.hospital.address, [], world.errand())


def test_a_list_is_believed_only_as_the_anchored_root_has_it(world: World) -> None:
    gateway = world.gateway
    signed = [
        signed_by(gateway.ledger.domain, world.patient, world.doctor.address, world.now(), number=100 + n)
        for n in range(3)
    ]
    swapped = put_list(gateway.store, [*signed[1:], signed[0]])
    root = tree_of(gateway.ledger.domain, signed).root
    world.act(gateway.ledger.acts.anchor_consents(root, 3, swapped), world.hospital)
    assert root not in follow_collected(gateway)
    assert find_collected(gateway, consent_id(signed[0].patient, signed[0].grantee, signed[0].scope)) is None
    for content in (b"\xa0", b"\x00", b"no list"):
        with pytest.raises(RecordAltered):
            get_list(gateway.store, gateway.store.put(content, Codec.DAG_CBOR).digest)


def test_a_list_that_is_not_there_yet_is_read_when_it_comes(world: World) -> None:
    gateway = world.gateway
    signed = [signed_by(gateway.ledger.domain, world.patient, world.doctor.address, world.now(), number=200)]
    id_ = consent_id(signed[0].patient, signed[0].grantee, signed[0].scope)
    digest = put_list(gateway.store, signed)
    block = gateway.store.get(Cid.root(digest))
    gateway.store.delete(Cid.root(digest))
    root = tree_of(gateway.ledger.domain, signed).root
    world.act(gateway.ledger.acts.anchor_consents(root, 1, digest), world.hospital)
    assert find_collected(gateway, id_) is None
    gateway.store.put(block, Codec.DAG_CBOR)
    found = find_collected(gateway, id_)
    assert found is not None
    assert found.signed == signed[0]


def test_a_list_of_thousands_is_stored_in_blocks_and_read_back(world: World) -> None:
    one = signed_by(world.gateway.ledger.domain, world.patient, world.doctor.address, world.now())
    many = [replace(one, scope=scope_number(n)) for n in range(4_100)]
    assert get_list(world.gateway.store, put_list(world.gateway.store, many)) == many


def test_evidence_of_a_signed_consent_is_for_its_two_sides(cast: Cast) -> None:
    gateway, ana = cast.served.gateway, cast.new_patient()
    key, clinic = (gateway.sessions.unlocked(who.address) for who in (ana, cast.hospital))
    assert key is not None
    assert clinic is not None
    now = int(gateway.clock())
    signed = signed_by(gateway.ledger.domain, key, cast.doctor.address, now)
    entry = gateway.outbox.enqueue(
        gateway.ledger.acts.anchor_consents(
            tree_of(gateway.ledger.domain, [signed]).root, 1, put_list(gateway.store, [signed])
        ),
        signer=clinic.address,
        idempotency_key="campaign",
    )
    entry = gateway.outbox.wait(entry.id)
    assert entry.block_number is not None
    gateway.wait_indexed(entry.block_number, 15)
    path = f"/v1/consents/{consent_id(signed.patient, signed.grantee, signed.scope).hex()}/evidence"
    for person in (ana, cast.doctor):
        evidence = read_evidence(person.get(path).content)
        with chain_of(gateway) as chain:
            assert check(evidence, chain=chain, store=gateway.store).verdict is Verdict.PROVEN
    for person in (cast.colleague, cast.stranger, cast.hospital, cast.patient):
        assert person.get(path).status_code == 404
    assert ana.get(f"/v1/consents/{'00' * 32}/evidence").status_code == 404
