"""Consents that patients signed off the ledger, anchored by an organization as one Merkle root.

    >>> anchor_collected(gateway, clinic.address, [signed, ...], errand).state
    <State.MINED: 'mined'>

Their list is kept in the store under the digest that the anchor's event names. Its root block (dag-cbor) is `{version,
count, rows}`; `rows` links blocks of rows (dag-cbor, one byte string), 205 bytes each, in order: patient (20), grantee
(20), scope (32), terms (32, packed as the contract has them), document (32), deadline (uint40), r (32), vs (32).
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gateway.batches.manifest import BatchTree
from gateway.errors import InvalidInput, RecordAltered
from gateway.sending import Errand, send
from ledger.acts import SignedGrant
from ledger.eip712 import Domain
from ledger.outbox import Entry
from ledger.types import Address, ConsentTerms, address_of, raw
from offchain_store import dagcbor
from offchain_store.digest import Cid, Codec, Digest
from offchain_store.errors import OpeningError
from offchain_store.store import Blocks

if TYPE_CHECKING:
    from gateway.services import Gateway

VERSION = 1
ROW = 205
"""Bytes of a row."""
MOST_ROWS = 4_096
"""Rows in a block: 839,680 bytes."""
MOST = 100_000
"""Consents in a list."""


def anchor_collected(gateway: "Gateway", organization: Address, signed: Sequence[SignedGrant], errand: Errand) -> Entry:
    """Put the list of signed consents and anchor its root, as the organization that collected them.

    Raises:
        InvalidInput: none, or too many.
        ContractRejected: the caller is no organization, or this list was anchored before.
    """
    if not 0 < len(signed) <= MOST:
        raise InvalidInput("consents", f"collect from 1 to {MOST} at a time")
    tree = tree_of(gateway.ledger.domain, signed)
    digest = put_list(gateway.store, signed)
    act = gateway.ledger.acts.anchor_consents(tree.root, len(signed), digest)
    return send(gateway, act, signer=organization, errand=errand)


def tree_of(domain: Domain, signed: Sequence[SignedGrant]) -> BatchTree:
    """The Merkle tree over signed consents."""
    return BatchTree([one.leaf(domain) for one in signed])


def put_list(store: Blocks, signed: Sequence[SignedGrant]) -> Digest:
    """Store a list, its root last; the same list always has the same digest."""
    rows = b"".join(map(row_of, signed))
    links: list[dagcbor.Value] = [
        store.put(dagcbor.encode(rows[start : start + ROW * MOST_ROWS]), Codec.DAG_CBOR)
        for start in range(0, len(rows), ROW * MOST_ROWS)
    ]
    root = dagcbor.encode({"version": VERSION, "count": len(signed), "rows": links})
    return store.put(root, Codec.DAG_CBOR).digest


def get_list(store: Blocks, digest: bytes) -> list[SignedGrant]:
    """Read a list.

    Raises:
        RecordAltered: what the digest names is no such list.
        StoreError: the store does not have it, or does not answer.
    """
    try:
        root = dagcbor.decode_map(store.get(Cid.root(digest)), what="list of consents")
        links = root.get("rows")
        if set(root) != {"version", "count", "rows"} or root["version"] != VERSION or not isinstance(links, list):
            raise RecordAltered(digest, "it is no list of consents of a version known here")
        found = [signed for link in links for signed in _rows(store, digest, link)]
    except OpeningError as failure:
        raise RecordAltered(digest, f"its list cannot be read ({failure.outcome})") from failure
    if len(found) != root["count"]:
        raise RecordAltered(digest, "its list names more or fewer consents than it says")
    return found


def row_of(signed: SignedGrant) -> bytes:
    """A consent as the list has it."""
    return b"".join(
        (
            raw(signed.patient),
            raw(signed.grantee),
            signed.scope,
            signed.terms.pack().to_bytes(32, "big"),
            signed.document,
            signed.deadline.to_bytes(5, "big"),
            signed.r,
            signed.vs,
        )
    )


def consent_in(row: bytes) -> SignedGrant:
    """The consent of a row."""
    return SignedGrant(
        patient=address_of(row[:20]),
        grantee=address_of(row[20:40]),
        scope=row[40:72],
        terms=ConsentTerms.unpack(int.from_bytes(row[72:104], "big")),
        document=row[104:136],
        deadline=int.from_bytes(row[136:141], "big"),
        r=row[141:173],
        vs=row[173:205],
    )


def _rows(store: Blocks, digest: bytes, link: object) -> Iterator[SignedGrant]:
    if not isinstance(link, Cid) or link.codec is not Codec.DAG_CBOR:
        raise RecordAltered(digest, "a part of its list is malformed")
    rows = dagcbor.decode(store.get(link), what="list of consents")
    if not isinstance(rows, bytes) or not rows or len(rows) % ROW:
        raise RecordAltered(digest, "a part of its list is malformed")
    return (consent_in(rows[start : start + ROW]) for start in range(0, len(rows), ROW))
