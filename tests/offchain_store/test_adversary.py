"""A dishonest store: whatever it does, opening ends in a named error, and works again once it is honest."""

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offchain_store.digest import Cid, Codec
from offchain_store.envelope import open_record, seal
from offchain_store.errors import (
    BackendError,
    BlockMissing,
    OpeningError,
    StoreError,
    StoreUnavailable,
    TooLarge,
    WrongDigest,
)
from offchain_store.keys import KeyCard, SealingKey, unwrap_key, wrap_key
from offchain_store.store import MAX_SLIP, VerifiedStore, check_record, delete_record
from tests.offchain_store.conftest import HEADER
from tests.offchain_store.simulator import Simulator, Spoil, digest_that_is_none, flipped

CONTENT = bytes(range(256)) * 2
READER = b"r" * 20


def _missing(name: Cid, block: bytes) -> bytes:
    raise BlockMissing(name.digest)


def _away(name: Cid, block: bytes) -> bytes:
    raise StoreUnavailable("the simulator", "told to fail")


ATTACKS: dict[str, tuple[Spoil, type[StoreError]]] = {
    "a bit is flipped": (lambda name, block: flipped(block, 3), WrongDigest),
    "the end is cut": (lambda name, block: block[:-1], WrongDigest),
    "a byte follows": (lambda name, block: block + b"\0", WrongDigest),
    "nothing is left": (lambda name, block: b"", WrongDigest),
    "another block": (lambda name, block: b"\xa0", WrongDigest),
    "far too much": (lambda name, block: bytes(2 << 20), WrongDigest),
    "it is gone": (_missing, BlockMissing),
    "the store is away": (_away, BackendError),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("wrapped", [False, True])
def test_an_attack_on_any_block_is_named_and_passes(attack: str, wrapped: bool) -> None:
    simulator = Simulator()
    store = VerifiedStore(simulator) if wrapped else simulator
    sealed = seal(BytesIO(CONTENT), HEADER, store, chunk_size=100)
    spoil, error = ATTACKS[attack]
    for victim in list(simulator.blocks):
        simulator.spoil = lambda name, block, v=victim: spoil(name, block) if name == v else block
        with pytest.raises(error):
            open_record(store, sealed.digest, sealed.record_key)
        with pytest.raises(error):
            check_record(store, sealed.digest)
        simulator.spoil = None
        assert open_record(store, sealed.digest, sealed.record_key).content == CONTENT


def test_any_two_blocks_swapped_are_noticed() -> None:
    simulator = Simulator()
    store = VerifiedStore(simulator)
    sealed = seal(BytesIO(CONTENT), HEADER, store, chunk_size=100)
    names = list(simulator.blocks)
    for first in names:
        for second in names:
            if first != second:
                swap = {first: second, second: first}
                simulator.spoil = lambda name, block, s=swap: simulator.blocks[s.get(name, name)]
                with pytest.raises(WrongDigest):
                    open_record(store, sealed.digest, sealed.record_key)


def test_an_older_record_in_place_of_a_newer_is_noticed() -> None:
    simulator = Simulator()
    store = VerifiedStore(simulator)
    older = seal(BytesIO(b"dose 5 mg"), HEADER, store)
    newer = seal(BytesIO(b"dose 2 mg"), HEADER, store)
    simulator.spoil = lambda name, block: simulator.blocks[Cid.root(older.digest)]
    with pytest.raises(WrongDigest):
        open_record(store, newer.digest, newer.record_key)


@settings(deadline=None, max_examples=150)
@given(
    victim=st.integers(0, 6),
    damage=st.sampled_from(["half", "backwards", "twice", "flipped", "replaced"]),
    bit=st.integers(0, 8 * 100 - 1),
    other=st.binary(max_size=200),
)
def test_random_damage_never_gives_other_content(victim: int, damage: str, bit: int, other: bytes) -> None:
    simulator = Simulator()
    sealed = seal(BytesIO(CONTENT), HEADER, simulator, chunk_size=100)
    name, block = list(simulator.blocks.items())[victim]
    spoilt = {
        "half": block[: len(block) // 2],
        "backwards": block[::-1],
        "twice": block * 2,
        "flipped": flipped(block, bit % (8 * len(block))),
        "replaced": other,
    }[damage]
    simulator.spoil = lambda got, honest: spoilt if got == name else honest
    with pytest.raises(WrongDigest):
        open_record(simulator, sealed.digest, sealed.record_key)


def _with_slips() -> tuple[Simulator, SealingKey, bytes, bytes]:
    simulator, key = Simulator(), SealingKey.generate()
    card = KeyCard.unsigned(READER, key)
    digests = []
    for content in (b"first", b"second"):
        sealed = seal(BytesIO(content), HEADER, simulator)
        for _ in range(2):
            simulator.put_slip(sealed.digest, READER, wrap_key(sealed.record_key, record=sealed.digest, card=card))
        digests.append(sealed.digest)
    return simulator, key, digests[0], digests[1]


def test_a_spoilt_slip_gives_no_key() -> None:
    simulator, key, record, other = _with_slips()
    store = VerifiedStore(simulator)
    for spoil in (
        lambda versions: flipped(versions[-1], 100),
        lambda versions: versions[-1][:-1],
        lambda versions: versions[-1] + b"\0",
        lambda versions: b"",
        lambda versions: simulator.slips[other, READER][-1],
    ):
        simulator.spoil_slip = spoil
        with pytest.raises(OpeningError):
            unwrap_key(store.get_slip(record, READER), record=record, reader=READER, key=key)
    simulator.spoil_slip = lambda versions: bytes(MAX_SLIP + 1)
    with pytest.raises(TooLarge):
        store.get_slip(record, READER)
    simulator.spoil_slip = None
    record_key = unwrap_key(store.get_slip(record, READER), record=record, reader=READER, key=key)
    assert open_record(store, record, record_key).content == b"first"


def test_an_older_slip_gives_the_same_key_or_none() -> None:
    """A slip holds nothing but the key of the one record, so an older one can do no harm."""
    simulator, key, record, _ = _with_slips()
    simulator.spoil_slip = lambda versions: versions[0]
    record_key = unwrap_key(simulator.get_slip(record, READER), record=record, reader=READER, key=key)
    assert open_record(simulator, record, record_key).content == b"first"


def test_a_store_that_names_a_block_otherwise_is_caught() -> None:
    simulator = Simulator()
    simulator.rename = digest_that_is_none
    with pytest.raises(WrongDigest):
        VerifiedStore(simulator).put(b"block", Codec.RAW)


def test_a_rotten_root_is_deleted_all_the_same() -> None:
    simulator, _, record, other = _with_slips()
    simulator.spoil = lambda name, block: flipped(block, 0)
    delete_record(VerifiedStore(simulator), record)
    simulator.spoil = None
    assert list(simulator.list_slips(record)) == []
    assert not simulator.has(record)
    assert simulator.has(other)


def test_a_store_that_is_away_deletes_nothing_in_silence() -> None:
    simulator, _, record, _ = _with_slips()
    simulator.spoil = _away
    with pytest.raises(StoreUnavailable):
        delete_record(VerifiedStore(simulator), record)
    assert simulator.has(record)
