"""What a gateway keeps secret: keystores, names, organizations' sealing keys, key files."""

import json
import os
from pathlib import Path
from secrets import token_bytes

import pytest
from eth_account import Account

from gateway.database import create_tables, open_database
from gateway.errors import (
    KeystoreError,
    KeystoreExists,
    KeystoreUnknown,
    PassphraseTooWeak,
    PassphraseWrong,
)
from gateway.identity.custody import Custody
from gateway.identity.directory import Directory, keyed_identifier
from gateway.identity.keystore import Keystore, identity
from gateway.identity.secrets_at_rest import key_file, open_small, seal_small
from ledger.types import address_of

PASSPHRASE = "correct horse battery"


def keystore(folder: Path) -> Keystore:
    return Keystore(folder, scrypt_n=2)


def test_a_keystore_is_a_web3_one_and_holds_no_name(tmp_path: Path) -> None:
    made = keystore(tmp_path).create("Canary Wren", PASSPHRASE)
    (path,) = tmp_path.glob("*.json")

    assert Account.decrypt(path.read_text(), PASSPHRASE) == made.secret
    assert b"Canary" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["demo"] is False


def test_all_keys_follow_from_the_secret(tmp_path: Path) -> None:
    made = keystore(tmp_path).create("Ana", PASSPHRASE)

    unlocked = keystore(tmp_path).unlock(made.address, PASSPHRASE)

    assert unlocked == made
    assert unlocked.sealing == identity(made.secret, "").sealing
    assert unlocked.sealing.seed != made.secret
    assert str(made.account.address) == made.address
    assert made.secret.hex() not in repr(made)


def test_a_keystore_refuses_by_name(tmp_path: Path) -> None:
    store = keystore(tmp_path)
    made = store.create("Ana", PASSPHRASE)

    with pytest.raises(PassphraseWrong):
        store.unlock(made.address, PASSPHRASE + "?")
    with pytest.raises(KeystoreUnknown):
        store.unlock(address_of(bytes(20)), PASSPHRASE)
    with pytest.raises(KeystoreExists):
        store.create("Ana", PASSPHRASE, secret=made.secret)
    with pytest.raises(PassphraseTooWeak):
        store.create("Bea", "short")
    assert store.addresses() == [made.address]


def test_a_name_is_sealed_to_its_address(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'names.db'}")
    create_tables(engine)
    directory = Directory(engine, bytes(32))
    ana, bea = address_of(bytes([1]) * 20), address_of(bytes([2]) * 20)
    directory.put(ana, "Canary")
    directory.put(ana, "Canary Wren")

    assert directory.names([ana, bea]) == {ana: "Canary Wren"}
    with pytest.raises(KeystoreError):
        Directory(engine, bytes([1]) * 32).name(ana)
    engine.dispose()
    assert b"Canary" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_one_number_written_in_several_ways_is_one_identifier() -> None:
    key = token_bytes(32)
    ways = ["123-456-7890", "123 456 7890", " 1234567890", "１２３4567890", "123.456.7890"]

    assert len({keyed_identifier(key, "urn:x", way) for way in ways}) == 1
    assert keyed_identifier(key, "urn:x", "ab1") == keyed_identifier(key, "urn:x", "AB1")
    assert keyed_identifier(key, "urn:x", "1") != keyed_identifier(key, "urn:y", "1")
    assert keyed_identifier(key, "urn:x", "1") != keyed_identifier(token_bytes(32), "urn:x", "1")


def test_custody_gives_back_what_it_keeps_and_only_under_its_key(tmp_path: Path) -> None:
    key, organization = token_bytes(32), identity(token_bytes(32), "Hospital")
    Custody(tmp_path, key).keep(organization)

    assert Custody(tmp_path, key).find(organization.address) == organization.sealing
    assert Custody(tmp_path, key).find(address_of(bytes(20))) is None
    assert Custody(tmp_path, key).organizations() == [organization.address]
    with pytest.raises(KeystoreError):
        Custody(tmp_path, token_bytes(32)).find(organization.address)


def test_a_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "x.key"

    assert key_file(path) == key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    os.truncate(path, 10)
    with pytest.raises(KeystoreError):
        key_file(path)


def test_a_small_seal_is_bound_to_its_context() -> None:
    key = token_bytes(32)
    sealed = seal_small(key, b"x", context=b"a")

    assert open_small(key, sealed, context=b"a") == b"x"
    for wrong in (sealed[:-1], sealed[:5], b"", bytes(len(sealed))):
        with pytest.raises(KeystoreError):
            open_small(key, wrong, context=b"a")
    with pytest.raises(KeystoreError):
        open_small(key, sealed, context=b"b")
