"""What must be true of batches whatever has failed: chain, lists, proofs, slips and outbox say what the model says."""

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from gateway.batches.seal import compartment_name
from gateway.verify.chain import Chain
from gateway.verify.checks import check
from gateway.verify.evidence import RecordEvidence
from gateway.verify.reading import read_evidence
from gateway.verify.result import Verdict
from ledger.errors import NodeError
from ledger.types import consent_id, scope_number
from offchain_store.local import LocalStore
from offchain_store.store import Blocks
from tests.contracts.consent_model import Scope
from tests.gateway.machine_batch_model import BatchModel
from tests.gateway.machine_checks import MOST, acts_by, asked, index_follows
from tests.gateway.machine_process import PATIENCE
from tests.gateway.machine_world import World
from tests.waiting import until


def settle(world: World, model: BatchModel) -> None:
    """Wait until the chain agrees with the model, and what the gateway has read of it is the chain as it is now."""

    def differs() -> str | None:
        try:
            return chain_differs(world, model) or (None if not world.troubled or index_follows(world) else "index")
        except NodeError:  # it is coming back
            return "node"

    await_no(differs)
    world.troubled = False


def await_no(difference: Callable[[], str | None]) -> None:
    """Wait until there is none; the last one is in the failure if there always is one."""
    seen: list[str | None] = [None]

    def is_gone() -> bool:
        seen[0] = difference()
        return seen[0] is None

    try:
        until(is_gone, PATIENCE)
    except AssertionError as failure:
        raise AssertionError(f"not as the model has it: {seen[0]}") from failure


def chain_differs(world: World, model: BatchModel) -> str | None:
    """The first thing on the chain that is not as the model has it: anchors, records, consents, denials."""
    ledger, at = world.ledger, world.addresses
    for batch in model.posted:
        found = ledger.batch(batch.root)
        meant = (at["technician"], batch.anchored_at, 1, batch.count)
        if found is None or (found.author, found.anchored_at, found.kind, found.count) != meant:
            return f"anchor of a batch: {found}"
    for digest, record in model.records.items():
        result = model.results.get(digest)
        if result is None:
            if ledger.record_state(digest).name != record.state:
                return "state of a single record"
            continue
        three = tuple(name in result.changes for name in ("accepted", "superseded", "retracted"))
        if ledger.batch_record(result.root, result.index) != three:
            return f"record {result.index} of a batch: {three} in the model"
        if ledger.is_turned_down_in_batch(result.root, result.index) != ("turned_down" in result.changes):
            return f"answer to record {result.index} of a batch"
    for (patient, grantee, scope), granted in model.consents.items():
        consent = ledger.consent(at[patient], at[grantee], scope_bytes(scope))
        if consent.terms != granted.terms or bool(consent.withdrawn_at) != (granted.withdrawn_at is not None):
            return f"consent {scope!r} to {grantee}"
    for patient in (name for name, person in model.people.items() if person.is_patient):
        for name in model.people:
            if name != patient and ledger.is_denied(at[patient], at[name]) != ((patient, name) in model.denials):
                return f"denial of {name}"
    return None


def scope_bytes(scope: int | bytes | str) -> bytes:
    """A consent's scope on the chain: its number, or the one record's digest."""
    return scope if isinstance(scope, bytes) else scope_number(int(scope))


def id_of(world: World, scope: Scope) -> str:
    """A consent's name."""
    patient, grantee, number = scope
    return consent_id(world.addresses[patient], world.addresses[grantee], scope_bytes(number)).hex()


def lists_differ(world: World, model: BatchModel, patient: str, viewer: str) -> str | None:
    """The first list about a patient that does not have exactly what the viewer may know of, or has something twice."""
    at, about = world.addresses, [digest for digest, record in model.records.items() if record.patient == patient]
    expected = [
        as_listed(world, model, digest)
        for digest in about
        if digest in model.results and model.may_know_of(viewer, digest)
    ]
    found = [as_found(item) for item in pages(world, viewer, f"/v1/batch-records?patient={at[patient]}")]
    if sorted(found) != sorted(expected):
        return f"records of batches about {patient}, for {viewer}: {found}, not {expected}"
    if viewer == patient:
        waiting = sorted(digest.hex() for digest in about if model.records[digest].state == "PROPOSED")
        if sorted(item["digest"] for item in pages(world, patient, "/v1/proposals")) != waiting:
            return f"proposals to {patient}"
        single = sorted((one.hex(), model.records[one].state.lower()) for one in about if one not in model.results)
        if sorted((item["digest"], item["state"]) for item in pages(world, patient, "/v1/records")) != single:
            return f"single records about {patient}"
    if viewer == "technician":
        mine = [(one["id"], one["state"], one["items"]) for one in pages(world, viewer, "/v1/batches")]
        meant = [(one.job, "anchored", one.count) for one in model.posted]
        if sorted(one for one in mine if one[1] != "open") != sorted(meant):
            return f"batches: {mine}, not {meant}"
    return None


def pages(world: World, who: str, path: str) -> list[dict[str, Any]]:
    """All items of a list: a run has fewer of each kind than a page."""
    body = world.ask(who, "GET", f"{path}{'&' if '?' in path else '?'}limit={MOST}").json()
    items: list[dict[str, Any]] = body if isinstance(body, list) else body["items"]
    return items


def as_listed(world: World, model: BatchModel, digest: bytes) -> tuple[Any, ...]:
    """A record of a batch as a list must show it."""
    record, result = model.records[digest], model.results[digest]
    by = result.changes.get("superseded")
    author, root = world.addresses[record.author], "0x" + result.root.hex()
    return (digest.hex(), record.state.lower(), root, result.index, author, by.hex() if by else "")


def as_found(item: dict[str, Any]) -> tuple[Any, ...]:
    """The same of what a list shows."""
    keys = ("digest", "state", "root", "index", "author")
    return (*(item[key] for key in keys), item["superseded_by"] or "")


# --- proofs


def check_proof(
    world: World, model: BatchModel, digest: bytes, evidence: dict[str, Any], store: Blocks | None = None
) -> None:
    """Evidence leads from a record to the root that its author anchored, and from no neighbour of it: walked here by
    the rule alone, and by the stand-alone verifier against the chain and, if there is one, the store."""
    record, result, place = model.records[digest], model.results[digest], evidence["place"]
    patient = world.addresses[record.patient]
    assert (place["kind"], place["root"], place["index"]) == ("batch", result.root.hex(), result.index)
    assert (evidence["patient"], evidence["author"]) == (patient, world.addresses[record.author])
    path = [bytes.fromhex(node) for node in place["path"]]
    leave = place["consent_number"] | place["via_organization"] << 16 | place["proposed"] << 17
    about = int(patient, 16) | int(record.categories) << 160 | leave << 176
    assert root_over(path, result.index, digest, about) == result.root
    assert root_over(path, result.index + 1, digest, about) != result.root

    read = read_evidence(evidence)
    assert isinstance(read, RecordEvidence)
    verdict = check(read, chain=Chain(world.node, world.ledger, world.deployment.block), store=store)
    assert verdict.verdict is Verdict.PROVEN, verdict.sentence
    (batch,) = [one for one in model.posted if one.root == result.root]
    assert (verdict.facts["anchored_at"], verdict.facts["state"]) == (batch.anchored_at, record.state.lower())


def root_over(path: Collection[bytes], index: int, digest: bytes, about: int) -> bytes:
    """Where a path leads to from a record: hashed twice, then in sorted pairs."""
    node = keccak(keccak(encode(["uint32", "bytes32", "uint256"], [index, digest, about])))
    for sibling in path:
        node = keccak(min(node, sibling) + max(node, sibling))
    return bytes(node)


# --- what the gateway has done


def slips_differ(world: World, model: BatchModel) -> str | None:
    """A key slip of somebody who is not let read what it opens: by a consent of her own, for on the strength of another
    no slip is made. The patient has hers; what the author and her laboratory keep is not looked at."""
    store, query = LocalStore(world.folder / "store"), "SELECT digest, bundle FROM batch_records"
    for digest, bundle in asked(world.folder / "gateway.db", query):
        record = model.records[digest]
        shared = compartment_name(bundle, world.addresses[record.patient], record.categories)
        for name, whole in ((shared, True), (digest, False)):
            slips = set(store.list_slips(name))
            for who in world.addresses.keys() - {"technician", "laboratory"}:
                address = world.addresses[who]
                if bytes.fromhex(address[2:]) in slips and not model.may_have_slip(who, digest, whole=whole):
                    return f"{who} has a slip for {'all of a kind' if whole else 'one record'} of {record.patient}"
    return None


def slips_lack(world: World, model: BatchModel) -> str | None:
    """A grantee who is let read all of a kind and has no key slip for it. The author opens all by another."""
    store, query = LocalStore(world.folder / "store"), "SELECT digest, bundle FROM batch_records"
    for digest, bundle in asked(world.folder / "gateway.db", query):
        record = model.records[digest]
        name = compartment_name(bundle, world.addresses[record.patient], record.categories)
        slips = set(store.list_slips(name))
        for key in model.consents:
            who = key[1]
            meant = isinstance(key[2], int) and who != record.author and model.reaches(key, who, digest)
            address = bytes.fromhex(world.addresses[who][2:])
            if meant and not model.is_denied(record.patient, who) and address not in slips:
                return f"{who} has no slip for {record.categories!r} of {record.patient}"
    return None


_POSTED = "SELECT state FROM batch_jobs WHERE state <> 'open'"


def is_handed_over(world: World, model: BatchModel) -> bool:
    """Whether the slips of all live consents have been made, and each batch has those of its moment."""
    if any(state != "settled" for (state,) in asked(world.folder / "gateway.db", _POSTED)):
        return False
    done = {name for (name,) in asked(world.folder / "gateway.db", "SELECT consent_id FROM handed_over")}
    live = [scope for scope, granted in model.consents.items() if granted.is_live(model.now)]
    return done.issuperset(bytes.fromhex(id_of(world, scope)) for scope in live)


def check_nothing_twice(world: World, model: BatchModel, acts: Counter[str]) -> None:
    """The chain has told of each batch once, and of no other; everybody has done what she was told that she had done,
    and nothing else. The gateway is not running.

    Args:
        acts: how many of each there must be.
    """
    told = [root for (root,) in asked(world.folder / "index.db", "SELECT root FROM batches")]
    assert sorted(told) == sorted(batch.root for batch in model.posted)
    assert acts_by(world) == acts
