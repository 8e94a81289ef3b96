"""Sealing a group: the same whoever does it, and every record under the key of its place."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from gateway.batches.crew import Crew
from gateway.batches.seal import (
    NewItem,
    NewSlip,
    SealedGroup,
    compartment_key,
    compartment_name,
    record_key,
    seal_group,
)
from gateway.identity.cards import card_of
from gateway.identity.keystore import Identity, identity
from ledger.codes import Category
from offchain_store.digest import Cid, Codec
from offchain_store.envelope import open_record
from offchain_store.errors import HeaderInvalid, WrongKey
from offchain_store.keys import unwrap_key
from offchain_store.root import INLINE_MOST
from tests.offchain_store.simulator import Simulator
from tests.waiting import until

NOW = datetime(2026, 5, 4, tzinfo=UTC)
MASTER, BUNDLE = b"m" * 32, b"b" * 32
KINDS = (Category.LABORATORY, Category.LABORATORY | Category.GENETICS)
PEOPLE = [identity(bytes([number]) * 32, "patient") for number in range(1, 4)]


@pytest.fixture(params=["alone", "with others"])
def crew(request: pytest.FixtureRequest) -> Iterator[Crew]:
    with Crew(hands=0 if request.param == "alone" else 1) as crew:
        if crew.hands:
            until(crew.start)
        yield crew


def items(count: int) -> list[NewItem]:
    """Small ones, and one among them that does not stand in its root."""
    return [
        NewItem(
            str(n), PEOPLE[n % 3].address, KINDS[n % 2], "text/plain", b"x" * (n if n != 7 else INLINE_MOST + n), "T"
        )
        for n in range(count)
    ]


def slips() -> list[NewSlip]:
    found = []
    for person in PEOPLE:
        for kind in KINDS:
            name, key = compartment_name(BUNDLE, person.address, kind), compartment_key(MASTER, person.address, kind)
            found.append(NewSlip(name, key, card_of(person)))
    return found


def opened(group: SealedGroup, place: int, item: NewItem, reader: Identity) -> bytes:
    """A record by its compartment's slip, as its patient opens it."""
    store = Simulator()
    for block, codec in group.blocks:
        store.put(block, codec)
    name, own = compartment_name(BUNDLE, item.patient, item.categories), bytes.fromhex(reader.address[2:])
    (slip,) = (slip for record, owner, slip in group.slips if (record, owner) == (name, own))
    key = record_key(unwrap_key(slip, record=name, reader=own, key=reader.sealing), place)
    digest = Cid.of(Codec.DAG_CBOR, group.blocks[group.roots[place]][0]).digest
    record = open_record(store, digest, key)
    assert (record.header.category, record.header.title, record.header.created) == (int(item.categories), "T", NOW)
    return record.content


@pytest.mark.parametrize("count", [9, 700])
def test_every_record_opens_by_the_slip_of_its_compartment(crew: Crew, count: int) -> None:
    wanted = items(count)
    group = seal_group(wanted, MASTER, slips(), created=NOW, crew=crew)
    assert len(group.roots) == count
    assert len(group.blocks) == count + 1
    for place in (0, 1, 6, 7, 8, count - 1):
        assert opened(group, place, wanted[place], PEOPLE[place % 3]) == wanted[place].content
    with pytest.raises(WrongKey):
        opened(group, 0, wanted[3], PEOPLE[0])


def test_blocks_are_the_same_whoever_seals_them() -> None:
    with Crew(hands=1) as crew, Crew(hands=0) as nobody:
        until(crew.start)
        one, other = (seal_group(items(1_500), MASTER, created=NOW, crew=who) for who in (crew, nobody))
    assert one == other


def test_a_header_that_is_none_is_refused_with_its_name_wherever_it_is_met(crew: Crew) -> None:
    wanted = items(700)
    wanted[3] = NewItem("3", PEOPLE[0].address, KINDS[0], "no media type", b"x")
    with pytest.raises(HeaderInvalid, match="media type"):
        seal_group(wanted, MASTER, created=NOW, crew=crew)
