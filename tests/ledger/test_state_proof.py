"""Storage proven from a block's hash alone: what a real node proves is read back, and what was tampered with is not."""

from collections.abc import Iterator
from hashlib import sha256
from secrets import token_bytes
from typing import Any

import pytest

from ledger.code import contracts
from ledger.codes import Category
from ledger.keccak import keccak256
from ledger.rpc import Node, enhex, unhex
from ledger.state_proof import (
    StateProof,
    StateProofInvalid,
    batch_slot,
    collect,
    consent_slot,
    record_slot,
)
from ledger.types import Consent, ConsentTerms, Subject, address_of
from tests.gateway.people import World, populate, running

NOBODY = address_of(bytes(range(20)))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A ledger with something on it."""
    with running(tmp_path_factory.mktemp("chain"), block_time=None) as gateway:
        yield populate(gateway)


@pytest.fixture(scope="module")
def digests(world: World) -> list[bytes]:
    """Anchored records: enough that the trie branches."""
    found = [sha256(bytes([n])).digest() for n in range(40)]
    for digest in found:
        world.act(
            world.gateway.ledger.acts.anchor(digest, Subject(world.patient.address, Category.JOURNAL)), world.patient
        )
    return found


def test_every_word_reads_as_the_node_itself_tells_it(world: World, digests: list[bytes]) -> None:
    ledger, node = world.gateway.ledger, world.gateway.node
    scope = world.let(world.patient, world.doctor.address, Category.LABORATORY)
    root = token_bytes(32)
    world.act(ledger.acts.anchor_batch(root, 3, token_bytes(32)), world.technician)
    pair = (world.patient.address, world.doctor.address, scope)
    single = (world.patient.address, world.laboratory.address, digests[0])
    terms = ConsentTerms(Category.JOURNAL, 1, not_before=0, expiry=world.now() + 1_000)
    world.act(ledger.acts.grant(single[1], single[2], terms, bytes(32)), world.patient)
    slots = [*map(record_slot, digests), consent_slot(*pair), consent_slot(*single), batch_slot(root)]

    proof = collect(node, ledger.address, slots)

    assert proof is not None
    newest = node.request("eth_getBlockByNumber", hex(proof.number), False)
    assert proof.block_hash == unhex(newest["hash"])
    assert proof.time == int(newest["timestamp"], 16)
    for slot in slots:
        word = int(node.request("eth_getStorageAt", ledger.address, hex(slot), hex(proof.number)), 16)
        assert word
        assert proof.word(ledger.address, slot) == word
    for digest in digests:
        assert proof.word(ledger.address, record_slot(digest)) == ledger.record_word(digest)
    for consent in (pair, single):
        assert Consent.unpack(proof.word(ledger.address, consent_slot(*consent))) == ledger.consent(*consent)


class Hasty(Node):
    """A node that mines a block before it proves, and proves that one's state: the first time, or every time."""

    def __init__(self, world: World, *, times: int) -> None:
        super().__init__(world.gateway.node.url)
        self._world, self._times = world, times

    def request(self, method: str, *params: object) -> Any:
        if method == "eth_getProof" and self._times:
            self._times -= 1
            self._world.let(self._world.patient, self._world.doctor.address, Category.LABORATORY)
            return super().request(method, *params[:-1], "latest")
        return super().request(method, *params)


def test_a_proof_of_another_block_is_not_taken_for_the_newest_ones(world: World, digests: list[bytes]) -> None:
    slots, ledger = [record_slot(digests[0])], world.gateway.ledger
    with Hasty(world, times=1) as node:
        proof = collect(node, ledger.address, slots)
        assert proof is not None
        assert proof.word(ledger.address, slots[0]) == ledger.record_word(digests[0])
    with Hasty(world, times=100) as node:
        assert collect(node, ledger.address, slots) is None


def test_nothing_there_is_proven_as_nothing(world: World, digests: list[bytes]) -> None:
    absent = [record_slot(token_bytes(32)) for _ in range(10)]
    proof = collect(world.gateway.node, world.gateway.ledger.address, absent)

    assert proof is not None
    assert [proof.word(world.gateway.ledger.address, slot) for slot in absent] == [0] * 10


def test_what_was_not_asked_for_is_not_proven(world: World, digests: list[bytes]) -> None:
    proof = collect(world.gateway.node, world.gateway.ledger.address, [record_slot(digests[0])])
    assert proof is not None

    with pytest.raises(StateProofInvalid, match="not among what was proven"):
        [proof.word(world.gateway.ledger.address, record_slot(digest)) for digest in digests[1:]]
    with pytest.raises(StateProofInvalid):
        proof.word(NOBODY, 0)


def test_a_changed_node_proves_nothing(world: World, digests: list[bytes]) -> None:
    slot = record_slot(digests[0])
    proof = collect(world.gateway.node, world.gateway.ledger.address, [slot])
    assert proof is not None
    for name, node in proof.nodes.items():
        for at in range(0, len(node), 7):
            changed = bytearray(node)
            changed[at] ^= 1
            others = [one for other, one in proof.nodes.items() if other != name]
            with pytest.raises(StateProofInvalid):
                StateProof.of(proof.header, [*others, bytes(changed)]).word(world.gateway.ledger.address, slot)


def test_another_header_is_another_block(world: World, digests: list[bytes]) -> None:
    proof = collect(world.gateway.node, world.gateway.ledger.address, [record_slot(digests[0])])
    assert proof is not None
    changed = bytearray(proof.header)
    changed[-1] ^= 1

    assert StateProof.of(bytes(changed), []).block_hash != proof.block_hash
    for header in (b"", b"\xc0", b"\x80", proof.header[:-1], proof.header + b"\0"):
        with pytest.raises(StateProofInvalid):
            StateProof.of(header, proof.nodes.values()).word(world.gateway.ledger.address, 0)


def test_the_variables_are_where_the_compiler_puts_them() -> None:
    names = {name for name, *_ in contracts()[-1].storage}

    assert {"_records", "_batches", "_participants"} <= names


def test_a_network_that_hashes_otherwise_is_told_apart(world: World) -> None:
    class Qbft(Node):
        """A node whose hashes leave something out."""

        def request(self, method: str, *params: object) -> object:
            answer = super().request(method, *params)
            if method == "eth_getBlockByNumber":
                answer["hash"] = enhex(keccak256(b"without the seals"))
            return answer

    with Qbft(world.gateway.node.url) as node:
        assert collect(node, world.gateway.ledger.address, []) is None
