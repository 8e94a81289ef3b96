"""One file a person: her 32-byte secret in a web3 keystore (version 3, scrypt), from which all her keys follow.

>>> keystore = Keystore(folder)
>>> ana = keystore.create("Ana", passphrase)
>>> keystore.unlock(ana.address, passphrase).name
'Ana'
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount

from gateway.errors import KeystoreExists, KeystoreUnknown, PassphraseTooWeak, PassphraseWrong
from gateway.identity.secrets_at_rest import derive, open_small, seal_small, write_whole
from ledger.types import Address, address_of
from offchain_store.keys import SealingKey

_DECOY = Address("0x" + "00" * 20)


@dataclass(frozen=True, slots=True)
class Identity:
    """A person whose key is unlocked: only ever in memory."""

    address: Address
    name: str
    """Her display name."""
    secret: bytes = field(repr=False)
    """Her signing key; every other key is derived from it."""
    sealing: SealingKey = field(repr=False)
    """Opens what is sealed for her."""

    @property
    def account(self) -> LocalAccount:
        """Signs transactions and messages as her."""
        account: LocalAccount = Account.from_key(self.secret)
        return account


def identity(secret: bytes, name: str) -> Identity:
    """The identity that follows from a secret."""
    address = address_of(Account.from_key(secret).address)
    return Identity(address, name, secret, SealingKey.from_seed(derive(secret, "sealing-key")))


class Keystore:
    """The keystores of the people who trust this gateway with theirs."""

    def __init__(self, folder: Path, *, scrypt_n: int = 1 << 17, passphrase_least: int = 10) -> None:
        self._folder = folder
        self._scrypt_n = scrypt_n
        self._least = passphrase_least

    def create(self, name: str, passphrase: str, *, secret: bytes | None = None, demo: bool = False) -> Identity:
        """Make a keystore for a new secret, or a given one.

        Args:
            demo: mark the file as one of the demonstration's, whose passphrases are no secret.

        Raises:
            PassphraseTooWeak, KeystoreExists
        """
        self._require_strong(passphrase)
        person = identity(secret or token_bytes(32), name)
        if not self._write(person, passphrase, demo, exclusive=True):
            raise KeystoreExists(f"there is a keystore for {person.address} already")
        return person

    def unlock(self, address: Address, passphrase: str) -> Identity:
        """Unlock a keystore; takes as long for an unknown address as for a wrong passphrase.

        Raises:
            KeystoreUnknown, PassphraseWrong
        """
        try:
            document = self._read(address)
        except KeystoreUnknown:
            self._waste_time(passphrase)
            raise
        try:
            secret = bytes(Account.decrypt(document, passphrase))
        except ValueError:
            raise PassphraseWrong("the passphrase does not unlock this keystore") from None
        sealed = bytes.fromhex(document["profile"])
        profile = json.loads(open_small(derive(secret, "profile"), sealed, context=address.lower().encode()))
        return identity(secret, profile["name"])

    def change_passphrase(self, address: Address, old: str, new: str) -> None:
        """Raises: KeystoreUnknown, PassphraseWrong, PassphraseTooWeak"""
        self._require_strong(new)
        demo = bool(self._read(address).get("demo", False))
        self._write(self.unlock(address, old), new, demo, exclusive=False)

    def holds(self, address: Address) -> bool:
        """Whether there is a keystore for the address here."""
        return self._path(address).exists()

    def addresses(self) -> list[Address]:
        """Whose keystores are here."""
        return sorted(address_of(path.stem) for path in self._folder.glob("0x*.json"))

    def _write(self, person: Identity, passphrase: str, demo: bool, *, exclusive: bool) -> bool:
        document: dict[str, Any] = dict(
            Account.encrypt(person.secret, passphrase, kdf="scrypt", iterations=self._scrypt_n)
        )
        profile = json.dumps({"name": person.name}).encode()
        context = person.address.lower().encode()
        document["profile"] = seal_small(derive(person.secret, "profile"), profile, context=context).hex()
        document["demo"] = demo
        content = json.dumps(document, indent=2, sort_keys=True).encode() + b"\n"
        return write_whole(self._path(person.address), content, exclusive=exclusive)

    def _read(self, address: Address) -> dict[str, Any]:
        try:
            document: dict[str, Any] = json.loads(self._path(address).read_text())
        except FileNotFoundError:
            raise KeystoreUnknown(f"there is no keystore for {address} here") from None
        return document

    def _path(self, address: Address) -> Path:
        return self._folder / f"{address_of(address).lower()}.json"

    def _require_strong(self, passphrase: str) -> None:
        if len(passphrase) < self._least:
            raise PassphraseTooWeak(f"a passphrase has at least {self._least} characters")

    def _waste_time(self, passphrase: str) -> None:
        Account.encrypt(token_bytes(32), passphrase, kdf="scrypt", iterations=self._scrypt_n)
