"""Make the test vectors of `offchain_store`: envelopes, key slips, key cards and bundles, good and bad.

    python -m scripts.store_vectors        # writes tests/vectors/store; changes nothing if nothing changed

All is made from fixed keys. Only sealing a slip takes randomness that cannot be given, so a slip that stands in the
file and still opens is kept.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eth_account import Account
from eth_account.messages import encode_defunct

from offchain_store import dagcbor
from offchain_store.bundle import Bundle
from offchain_store.digest import Cid, Codec
from offchain_store.envelope import nonce, seal
from offchain_store.errors import StoreError
from offchain_store.keys import KeyCard, SealingKey, unwrap_key, wrap_key
from offchain_store.record import Header
from offchain_store.root import Keys, Root, derive_keys

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "store"

HEADER = Header("application/fhir+json", category=2, title="Kalium", created=datetime(2026, 5, 4, 8, 30, tzinfo=UTC))
RECORD_KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
CHUNK = 64
SIGNING = sha256(b"consent-ledger test vector: signing key").digest()
SEED = sha256(b"consent-ledger test vector: sealing key").digest()
OTHER_SEED = sha256(b"consent-ledger test vector: another sealing key").digest()

Case = dict[str, Any]


@dataclass
class Collected:
    """A sink that keeps blocks in memory, in order."""

    blocks: dict[Cid, bytes] = field(default_factory=dict)

    def put(self, block: bytes, codec: Codec) -> Cid:
        """Keep a block."""
        name = Cid.of(codec, block)
        self.blocks[name] = block
        return name


def content(size: int) -> bytes:
    """Bytes that a person can follow."""
    return bytes(index % 251 for index in range(size))


def envelope_cases() -> Iterator[Case]:
    """Envelopes, and what opening each must end in."""
    for name, size in (
        ("empty", 0),
        ("inline", 11),
        ("inline_full_chunk", CHUNK),
        ("two_chunks", CHUNK + 1),
        ("two_full_chunks", 2 * CHUNK),
        ("three_chunks", 2 * CHUNK + 9),
    ):
        yield _envelope(name, "ok", *_sealed(size), size=size)
    yield _envelope("largest_inline", "ok", *_sealed(1 << 16, chunk_size=(1 << 20) - 16), size=1 << 16, brief=True)

    yield _envelope("another_record_key", "wrong_key", *_sealed(11), record_key=OTHER_KEY)
    root, blocks = _sealed(2 * CHUNK + 9)
    first, second, third = root.links
    yield _lying("root_altered_in_store", root, blocks, Cid.of(Codec.DAG_CBOR, root.encode()), _flipped(root.encode()))
    yield _lying("chunk_altered_in_store", root, blocks, second, _flipped(blocks[second]))
    yield _lying("chunks_swapped_in_store", root, blocks, first, blocks[second])
    yield _lying("root_missing", root, blocks, Cid.of(Codec.DAG_CBOR, root.encode()), None)
    yield _lying("last_chunk_missing", root, blocks, third, None)

    # From here on the digest is that of the bad root: what a careless or malicious author could anchor.
    yield _envelope("commitment_altered", "wrong_key", replace(root, commitment=_flipped(root.commitment)), blocks)
    yield _envelope("header_altered", "altered", replace(root, sealed_header=_flipped(root.sealed_header)), blocks)
    yield _envelope("header_empty", "altered", replace(root, sealed_header=b""), blocks)
    yield _envelope("length_altered", "altered", replace(root, size=root.size - 1), blocks)
    altered = _flipped(blocks[second])
    changed = replace(root, links=(first, Cid.of(Codec.RAW, altered), third))
    yield _envelope("chunk_altered", "altered", changed, {**blocks, Cid.of(Codec.RAW, altered): altered})
    yield _envelope("chunks_reordered", "reordered", replace(root, links=(second, first, third)), blocks)
    yield _envelope("chunk_repeated", "reordered", replace(root, links=(first, first, third)), blocks)
    yield _envelope("link_dropped", "truncated", replace(root, links=(first, second)), blocks)
    yield _envelope("link_added", "trailing_data", replace(root, links=(first, second, third, third)), blocks)
    yield _envelope("cut_at_a_chunk", "truncated", _relaid(root, links=(first, second), size=2 * CHUNK), blocks)
    yield _envelope("goes_on_after_the_last", "trailing_data", *_going_on())
    shorter = _relaid(root, links=(first, second, second), size=root.size)
    yield _envelope("last_chunk_too_long", "trailing_data", shorter, blocks)
    yield _envelope("middle_chunk_too_short", "truncated", replace(root, links=(first, third, third)), blocks)

    plain = dagcbor.decode_map(root.encode(), what="root")
    for name, outcome, block in _bad_roots(plain, root.encode()):
        yield _case(name, outcome, block, {Cid.of(Codec.DAG_CBOR, block): block, **blocks})


def _bad_roots(plain: Mapping[str, Any], good: bytes) -> Iterator[tuple[str, str, bytes]]:
    links, encode = plain["links"], dagcbor.encode
    without = {key: value for key, value in plain.items() if key != "length"}
    bare = {key: value for key, value in plain.items() if key != "links"}
    chunk = dagcbor.encode("chunk")
    yield "version_2", "bad_version", encode({**plain, "version": 2})
    yield "version_missing", "bad_version", encode({key: plain[key] for key in plain if key != "version"})
    yield "root_cut", "truncated", good[:-1]
    yield "root_empty", "truncated", b""
    yield "root_with_a_byte_after", "trailing_data", good + b"\0"
    yield "field_missing", "malformed", encode(without)
    yield "field_unknown", "malformed", encode({**plain, "more": 1})
    yield "no_content", "malformed", encode(bare)
    yield "inline_and_linked", "malformed", encode({**plain, "inline": bytes(16)})
    yield "inline_where_linked", "malformed", encode({**bare, "inline": bytes(int(plain["length"]) + 16)})
    yield "linked_where_inline", "malformed", encode({**plain, "length": 11, "links": links[:1]})
    yield "chunk_of_nothing", "malformed", encode({**plain, "chunk": 0})
    yield "chunk_too_large", "malformed", encode({**plain, "chunk": (1 << 20) - 15})
    yield "link_to_dag_cbor", "malformed", encode({**plain, "links": [Cid.root(link.digest) for link in links]})
    yield "link_is_bytes", "malformed", encode({**plain, "links": [bytes(link) for link in links]})
    yield "link_is_cidv0", "malformed", good.replace(b"\x58\x25\x00\x01\x55\x12\x20", b"\x58\x23\x00\x12\x20")
    yield "root_is_a_list", "malformed", encode([1])
    yield "number_not_shortest", "malformed", good.replace(chunk + b"\x18\x40", chunk + b"\x19\x00\x40")
    yield "map_of_indefinite_length", "malformed", b"\xbf" + good[1:] + b"\xff"
    yield "number_is_a_float", "malformed", good.replace(chunk + b"\x18\x40", chunk + b"\xfb\x40\x50" + bytes(6))
    yield "key_is_not_utf8", "malformed", good.replace(chunk, b"\x65\xff\xff\xff\xff\xff")
    yield "keys_out_of_order", "malformed", good.replace(chunk, b"\x65zhunk")
    yield "key_twice", "malformed", b"\xa7" + encode("chunk") + b"\x18\x40" + good[1:]
    yield "nested_without_end", "malformed", b"\x81" * 5_000


def slip_cases(known: Mapping[str, Case]) -> Iterator[Case]:
    """Key slips; those in `known` that still open are used again."""
    record, other_record = sha256(b"a record").digest(), sha256(b"another record").digest()
    reader, other_reader = bytes(range(20)), bytes(range(1, 21))
    card = KeyCard.unsigned(reader, SealingKey(SEED))
    for number in (1, 2):
        name = f"suite_{number}"
        slip = bytes.fromhex(known.get(name, {}).get("slip", ""))
        try:
            kept = unwrap_key(slip, record=record, reader=reader, key=SealingKey(SEED)) == RECORD_KEY
        except StoreError:
            kept = False
        if not kept:
            slip = wrap_key(RECORD_KEY, record=record, card=card, number=number)
        good = {"record": record, "reader": reader, "seed": SEED, "slip": slip}

        def case(case_name: str, outcome: str, *, of: Mapping[str, bytes] = good, **changed: bytes) -> Case:
            return {"name": case_name, "outcome": outcome} | {
                key: value.hex() for key, value in {**of, **changed}.items()
            }

        yield case(name, "ok", record_key=RECORD_KEY)
        yield case(f"{name}_other_record", "wrong_recipient", record=other_record)
        yield case(f"{name}_other_reader", "wrong_recipient", reader=other_reader)
        yield case(f"{name}_other_key", "wrong_recipient", seed=OTHER_SEED)
        yield case(f"{name}_altered", "wrong_recipient", slip=_flipped(slip))
        yield case(f"{name}_cut", "truncated", slip=slip[:-1])
        yield case(f"{name}_with_a_byte_after", "trailing_data", slip=slip + b"\0")
        yield case(f"{name}_version_2", "bad_version", slip=b"\x02" + slip[1:])
        yield case(f"{name}_suite_255", "bad_version", slip=slip[:1] + b"\xff" + slip[2:])
        yield case(f"{name}_empty", "truncated", slip=b"")


def card_cases() -> Iterator[Case]:
    """Key cards, signed as an Ethereum personal message (EIP-191)."""
    account = Account.from_key(SIGNING)
    owner = bytes.fromhex(account.address[2:])
    unsigned = KeyCard.unsigned(owner, SealingKey(SEED))
    card = unsigned.signed(_signature(unsigned))
    fields = dagcbor.decode_map(card.encode(), what="card")
    keys: Any = fields["keys"]

    def case(name: str, outcome: str, block: bytes) -> Case:
        return {"name": name, "outcome": outcome, "card": block.hex()}

    def resigned(**changed: Any) -> bytes:
        changed_card = replace(unsigned, **changed)
        return changed_card.signed(_signature(changed_card)).encode()

    yield {
        **case("both_suites", "ok", card.encode()),
        "digest": card.digest.hex(),
        "message": card.message().decode(),
        "owner": owner.hex(),
        "seed": SEED.hex(),
        "keys": {str(number): public.hex() for number, public in card.keys},
    }
    yield case("with_a_suite_unknown_here", "ok", resigned(keys=(*card.keys, (200, b"?" * 9))))
    yield case("not_signed", "forged", unsigned.encode())
    yield case("signed_for_other_keys", "forged", replace(card, keys=card.keys[:1]).encode())
    yield case("signed_by_somebody_else", "forged", resigned(owner=bytes(range(20))))
    yield case("signature_altered", "forged", card.signed(_flipped(card.signature, at=5)).encode())
    yield case("version_2", "bad_version", dagcbor.encode({**fields, "version": 2}))
    yield case("cut", "truncated", card.encode()[:-1])
    yield case("with_a_byte_after", "trailing_data", card.encode() + b"\0")
    yield case("suites_out_of_order", "malformed", dagcbor.encode({**fields, "keys": keys[::-1]}))
    yield case("suite_twice", "malformed", dagcbor.encode({**fields, "keys": [keys[0], keys[0]]}))
    yield case("no_keys", "malformed", dagcbor.encode({**fields, "keys": []}))
    yield case("key_too_short", "malformed", dagcbor.encode({**fields, "keys": [[1, bytes(31)]]}))
    yield case("owner_too_short", "malformed", dagcbor.encode({**fields, "owner": owner[1:]}))


def bundle_cases() -> Iterator[Case]:
    """Bundles of slip digests."""
    slips = [(sha256(bytes((index,))).digest(), bytes(range(20)), bytes((index,)) * 82) for index in range(3)]
    bundle = Bundle.of(slips)
    fields = dagcbor.decode_map(bundle.encode(), what="bundle")
    entries: Any = fields["entries"]

    def case(name: str, outcome: str, block: bytes) -> Case:
        return {"name": name, "outcome": outcome, "bundle": block.hex()}

    yield {
        **case("three_slips", "ok", bundle.encode()),
        "digest": bundle.digest.hex(),
        "slips": [[part.hex() for part in slip] for slip in slips],
    }
    yield case("empty", "ok", Bundle.of([]).encode())
    yield case("version_2", "bad_version", dagcbor.encode({**fields, "version": 2}))
    yield case("cut", "truncated", bundle.encode()[:-1])
    yield case("with_a_byte_after", "trailing_data", bundle.encode() + b"\0")
    yield case("out_of_order", "malformed", dagcbor.encode({**fields, "entries": entries[::-1]}))
    yield case("entry_twice", "malformed", dagcbor.encode({**fields, "entries": [entries[0], entries[0]]}))
    yield case("entry_too_short", "malformed", dagcbor.encode({**fields, "entries": [entries[0][:2]]}))
    yield case(
        "reader_too_short", "malformed", dagcbor.encode({**fields, "entries": [[bytes(32), bytes(19), bytes(32)]]})
    )


def _sealed(size: int, *, chunk_size: int = CHUNK) -> tuple[Root, dict[Cid, bytes]]:
    sink = Collected()
    sealed = seal(BytesIO(content(size)), HEADER, sink, record_key=RECORD_KEY, chunk_size=chunk_size)
    return Root.decode(sink.blocks[Cid.root(sealed.digest)]), sink.blocks


def _keys() -> Keys:
    return derive_keys(RECORD_KEY)


def _relaid(root: Root, *, links: tuple[Cid, ...], size: int) -> Root:
    """The root with other links and length, its header sealed anew: what only a holder of the record key can make."""
    return Root.of(_keys(), HEADER, chunk_size=root.chunk_size, size=size, links=links)


def _going_on() -> tuple[Root, dict[Cid, bytes]]:
    """The second of three chunks is sealed as the last."""
    keys, sink = _keys(), Collected()
    for index, last in enumerate((False, True, True)):
        bound = Root.bound(keys.commitment, CHUNK)
        sink.put(AESGCM(keys.content).encrypt(nonce(index, last=last), content(CHUNK), bound), Codec.RAW)
    return Root.of(keys, HEADER, chunk_size=CHUNK, size=3 * CHUNK, links=tuple(sink.blocks)), sink.blocks


def _envelope(name: str, outcome: str, root: Root, blocks: Mapping[Cid, bytes], **more: Any) -> Case:
    block = root.encode()
    linked = {link: blocks[link] for link in root.links}
    return _case(name, outcome, block, {Cid.of(Codec.DAG_CBOR, block): block, **linked}, **more)


def _lying(name: str, root: Root, blocks: Mapping[Cid, bytes], where: Cid, answer: bytes | None) -> Case:
    answers = {cid: block for cid, block in blocks.items() if cid != where}
    if answer is None:
        return _case(name, "missing", root.encode(), answers)
    return _case(name, "wrong_digest", root.encode(), {**answers, where: answer})


def _case(
    name: str,
    outcome: str,
    root: bytes,
    blocks: Mapping[Cid, bytes],
    *,
    record_key: bytes = RECORD_KEY,
    size: int | None = None,
    brief: bool = False,
) -> Case:
    """A case; `blocks` is what the store answers, which need not be what it was asked for."""
    case: Case = {
        "name": name,
        "outcome": outcome,
        "digest": sha256(root).hexdigest(),
        "record_key": record_key.hex(),
    }
    if not brief:
        case["blocks"] = {str(cid): block.hex() for cid, block in sorted(blocks.items())}
    if size is not None:
        case["size"] = size
        case["content_sha256"] = sha256(content(size)).hexdigest()
        case["header"] = {
            "media_type": HEADER.media_type,
            "category": HEADER.category,
            "title": HEADER.title,
            "created": HEADER.created.isoformat(),
        }
    return case


def _flipped(value: bytes, *, at: int = -1) -> bytes:
    """With the lowest bit of one byte turned over."""
    changed = bytearray(value)
    changed[at] ^= 1
    return bytes(changed)


def _signature(card: KeyCard) -> bytes:
    signed = Account.sign_message(encode_defunct(card.message()), SIGNING)
    return bytes(signed.signature)


def make(folder: Path) -> None:
    """Write the vectors into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    slips = folder / "slip.json"
    known = {case["name"]: case for case in json.loads(slips.read_text())["cases"]} if slips.exists() else {}
    for name, about, cases in (
        (
            "envelope",
            "`blocks` is what the store answers; opening `digest` with `record_key` ends in `outcome`",
            envelope_cases(),
        ),
        (
            "slip",
            "`slip` opened with the sealing key of `seed`, for `record` and `reader`, ends in `outcome`",
            slip_cases(known),
        ),
        (
            "card",
            "decoding `card`, its signature checked as an EIP-191 personal message, ends in `outcome`",
            card_cases(),
        ),
        ("bundle", "decoding `bundle` ends in `outcome`", bundle_cases()),
    ):
        vectors = {"about": f"offchain_store/README.md: {about}.", "cases": list(cases)}
        (folder / f"{name}.json").write_text(json.dumps(vectors, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
