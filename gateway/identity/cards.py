"""Key cards: put into the store under their digest, published on the ledger, checked whenever they are used.

>>> digest = cards.put(ana)                  # then: register_with_key_card(ana.address, roles, digest)
>>> wrap_key(record_key, record=record, card=cards.of(ana.address))
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import lru_cache

from eth_account import Account
from eth_account.messages import encode_defunct

from gateway.errors import InvalidInput, KeyCardError, KeyCardInvalid, KeyCardMissing
from gateway.identity.keystore import Identity
from ledger.client import HealthLedger
from ledger.index import Index
from ledger.types import Address, raw
from offchain_store.digest import Codec, Digest
from offchain_store.errors import BlockMissing, OpeningError
from offchain_store.keys import KeyCard
from offchain_store.store import Blocks

_REMEMBERED = 10_000


def card_of(person: Identity) -> KeyCard:
    """A person's key card, signed by her."""
    card = KeyCard.unsigned(raw(person.address), person.sealing)
    signed = person.account.sign_message(encode_defunct(card.message()))
    return card.signed(bytes(signed.signature))


def signer_of(message: bytes, signature: bytes) -> str:
    """Who signed a message as wallets do (EIP-191).

    Raises:
        ValueError: the bytes are no signature.
    """
    try:
        return str(Account.recover_message(encode_defunct(message), signature=signature))
    except Exception as failure:  # eth-keys raises several unrelated kinds
        raise ValueError("no signature") from failure


class Cards:
    """The key cards of all participants."""

    def __init__(
        self, store: Blocks, ledger: HealthLedger, index: Index, *, held: Mapping[Address, KeyCard] | None = None
    ) -> None:
        """`held`: cards of nobody on the ledger, whose keys this gateway itself holds."""
        self._store = store
        self._held = held or {}
        self._ledger = ledger
        self._index = index
        # By digest: what a digest names never changes, only which digest is somebody's.
        self._decoded = lru_cache(_REMEMBERED)(self._decode)

    def put(self, person: Identity) -> Digest:
        """Put a person's card into the store; the digest to publish."""
        return self._store.put(card_of(person).encode(), Codec.DAG_CBOR).digest

    def put_signed(self, owner: Address, block: bytes) -> Digest:
        """Put a card that its owner signed elsewhere.

        Raises:
            InvalidInput: not a card, not hers, or not signed by her.
        """
        try:
            card = KeyCard.decode(block, signer_of)
        except OpeningError as failure:
            raise InvalidInput("key_card", str(failure)) from failure
        if card.owner.hex() != owner[2:].lower():
            raise InvalidInput("key_card", "it is somebody else's")
        return self._store.put(block, Codec.DAG_CBOR).digest

    def of(self, owner: Address) -> KeyCard:
        """The card that a participant has published.

        Raises:
            KeyCardMissing: she has published none.
            KeyCardInvalid: the store does not have it, or it is not hers.
        """
        return self._of(owner, self._index.key_cards_of([owner]).get(owner))

    def of_many(self, owners: Collection[Address]) -> dict[Address, KeyCard]:
        """The cards of those who have published a usable one."""
        published = self._index.key_cards_of(list(owners))
        found = {}
        for owner in owners:
            with suppress(KeyCardError):
                found[owner] = self._of(owner, published.get(owner))
        return found

    def _of(self, owner: Address, published: bytes | None) -> KeyCard:
        if owner in self._held:
            return self._held[owner]
        digest = published if published and any(published) else self._ledger.key_card(owner)
        if digest is None or not any(digest):
            raise KeyCardMissing(owner, "none is published; she does so by signing in here once")
        return self._decoded(owner, digest)

    def _decode(self, owner: Address, digest: bytes) -> KeyCard:
        try:
            card = KeyCard.decode(self._store.get(digest), signer_of)
        except BlockMissing as failure:
            raise KeyCardInvalid(owner, "the store does not have it") from failure
        except OpeningError as failure:
            raise KeyCardInvalid(owner, str(failure)) from failure
        if card.owner.hex() != owner[2:].lower():
            raise KeyCardInvalid(owner, "it is somebody else's")
        return card
