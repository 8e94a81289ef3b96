"""The ledger's storage at one block, proven: to whoever knows that block's hash, no node needs to be believed or asked.

>>> proof = collect(node, ledger.address, [record_slot(digest)])       # EIP-1186, `eth_getProof`
>>> proof.word(ledger.address, record_slot(digest)) == ledger.record_word(digest)
True

A block's hash commits to its header, the header to the root of all accounts, an account to the root of its storage:
two Merkle Patricia tries, whose nodes on the way are kept here by their hashes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import rlp  # type: ignore[import-untyped]

from ledger.code import contracts
from ledger.errors import LedgerError
from ledger.keccak import keccak256
from ledger.rpc import Node, enhex, unhex
from ledger.types import Address

_AT_ONCE = 100
"""Slots asked for in one request."""
_TRIES = 5
"""Of proving the newest block: while anvil mines the next one, it proves that one's state instead."""
_EMPTY = keccak256(rlp.encode(b""))
"""Root of a trie with nothing in it."""
_HEADER = (
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
    "difficulty",
    "number",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "extraData",
    "mixHash",
    "nonce",
    "baseFeePerGas",
    "withdrawalsRoot",
    "blobGasUsed",
    "excessBlobGas",
    "parentBeaconBlockRoot",
    "requestsHash",
)
"""A header's fields in their order; a network's fork says how far down the list it goes."""
_NUMBERS = frozenset(
    ("difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas")
)


class StateProofInvalid(LedgerError):
    """Bytes that do not prove what they are to prove."""


@dataclass(frozen=True, slots=True)
class StateProof:
    """A block's header, and what leads from it to some storage words."""

    header: bytes
    """RLP."""
    nodes: Mapping[bytes, bytes]
    """Trie nodes by their hashes."""

    @classmethod
    def of(cls, header: bytes, nodes: Iterable[bytes]) -> Self:
        """The proof with these nodes; whether they are of any use shows in asking."""
        return cls(header, {keccak256(node): node for node in nodes})

    @property
    def block_hash(self) -> bytes:
        """What somebody must know to be on the chain, for anything here to be proven."""
        return keccak256(self.header)

    @property
    def number(self) -> int:
        """The block's."""
        return int.from_bytes(self._field("number"), "big")

    @property
    def time(self) -> int:
        """The block's, in seconds since 1970."""
        return int.from_bytes(self._field("timestamp"), "big")

    def word(self, contract: Address, slot: int) -> int:
        """A contract's storage word at that block; 0 where nothing is stored.

        Raises:
            StateProofInvalid: the proof does not show it.
        """
        account = self._find(self._field("stateRoot"), keccak256(unhex(contract)))
        if account is None:
            raise StateProofInvalid("there was no such contract at that block")
        fields = _decoded(account)
        if not isinstance(fields, list) or len(fields) != 4:
            raise StateProofInvalid("what the trie holds is no account")
        value = self._find(fields[2], keccak256(slot.to_bytes(32, "big")))
        if value is None:
            return 0
        word = _decoded(value)
        if not isinstance(word, bytes) or len(word) > 32:
            raise StateProofInvalid("what the trie holds is no storage word")
        return int.from_bytes(word, "big")

    def _field(self, name: str) -> bytes:
        fields = _decoded(self.header)
        place = _HEADER.index(name)
        if not isinstance(fields, list) or not 15 <= len(fields) <= len(_HEADER) or isinstance(fields[place], list):
            raise StateProofInvalid("the bytes are no block's header")
        return bytes(fields[place])

    def _find(self, root: bytes, key: bytes) -> bytes | None:
        """What a trie holds under a key; None: nothing."""
        if root == _EMPTY:
            return None
        node: Any = self._node(root)
        path = key.hex()
        while True:
            if node == b"":
                return None
            if not isinstance(node, list) or len(node) not in (2, 17):
                raise StateProofInvalid("a node of the trie is malformed")
            if len(node) == 17:
                if not path:
                    return bytes(node[16]) or None
                child, path = node[int(path[0], 16)], path[1:]
            else:
                part, is_leaf = _part(node[0])
                if is_leaf:
                    return bytes(node[1]) if part == path else None
                if not path.startswith(part):
                    return None
                child, path = node[1], path[len(part) :]
            node = self._node(child) if isinstance(child, bytes) and len(child) == 32 else child

    def _node(self, name: bytes) -> Any:
        if name not in self.nodes:
            raise StateProofInvalid("a node of the trie is missing: this is not among what was proven")
        return _decoded(self.nodes[name])


def collect(node: Node, contract: Address, slots: Sequence[int]) -> StateProof | None:
    """Prove storage words at the newest block; None: this network hashes its headers otherwise, or its node proves
    nothing of its own newest block.

    Raises:
        NodeUnavailable: the node does not answer.
        NodeRejected: it does not prove at all, or not so many.
    """
    for _ in range(_TRIES):
        block = node.request("eth_getBlockByNumber", "latest", False)
        header = encode_header(block)
        if keccak256(header) != unhex(block["hash"]):
            return None  # such as QBFT, which leaves the validators' seals out of the hash
        proof = StateProof.of(header, _trie_nodes(node, contract, slots, block["number"]))
        if _shows(proof, contract, slots):
            return proof
    return None


def _trie_nodes(node: Node, contract: Address, slots: Sequence[int], block: str) -> set[bytes]:
    nodes: set[bytes] = set()
    for start in range(0, max(len(slots), 1), _AT_ONCE):
        keys = [enhex(slot.to_bytes(32, "big")) for slot in slots[start : start + _AT_ONCE]]
        proof = node.request("eth_getProof", contract, keys, block)
        for path in (proof["accountProof"], *(one["proof"] for one in proof["storageProof"])):
            nodes.update(map(unhex, path))
    return nodes


def _shows(proof: StateProof, contract: Address, slots: Sequence[int]) -> bool:
    try:
        for slot in slots:
            proof.word(contract, slot)
    except StateProofInvalid:
        return False
    return True


def encode_header(block: Mapping[str, Any]) -> bytes:
    """A block's header as RLP, from the node's JSON."""
    fields = [_encoded(name, block[name]) for name in _HEADER if block.get(name) is not None]
    return bytes(rlp.encode(fields))


def record_slot(digest: bytes) -> int:
    """Where the ledger keeps a single record's word."""
    return _mapped(digest, _slot("_records"))


def batch_slot(root: bytes) -> int:
    """Where it keeps a batch's."""
    return _mapped(root, _slot("_batches"))


def consent_slot(patient: Address, grantee: Address, scope: bytes) -> int:
    """Where it keeps a consent's: in a mapping behind the patient's own word, under the key of `types/Consent.sol`."""
    who = unhex(grantee).rjust(32, b"\0")
    if int.from_bytes(scope, "big") < 1 << 16:
        key = int.from_bytes(who, "big") | int.from_bytes(scope, "big") << 160
    else:
        key = int.from_bytes(keccak256(who + scope), "big") | 1 << 255
    hers = _mapped(unhex(patient).rjust(32, b"\0"), _slot("_participants"))
    return _mapped(key.to_bytes(32, "big"), hers + 1)


def _mapped(key: bytes, slot: int) -> int:
    return int.from_bytes(keccak256(key + slot.to_bytes(32, "big")), "big")


def _slot(name: str) -> int:
    """Of a state variable, as the shipped compiler output lays it out."""
    return {variable: slot for variable, slot, _, _ in contracts()[-1].storage}[name]


def _encoded(name: str, value: str) -> bytes:
    if name in _NUMBERS:
        number = int(value, 16)
        return number.to_bytes((number.bit_length() + 7) // 8, "big")
    return unhex(value)


def _part(encoded: bytes) -> tuple[str, bool]:
    """The nibbles of a short node, and whether it is a leaf (hex-prefix encoding)."""
    nibbles = encoded.hex()
    if not nibbles or int(nibbles[0], 16) > 3:
        raise StateProofInvalid("a node of the trie is malformed")
    flags = int(nibbles[0], 16)
    return nibbles[1 if flags & 1 else 2 :], bool(flags & 2)


def _decoded(encoded: bytes) -> Any:
    try:
        return rlp.decode(encoded)
    except rlp.DecodingError as failure:
        raise StateProofInvalid("bytes of the proof are no RLP") from failure
