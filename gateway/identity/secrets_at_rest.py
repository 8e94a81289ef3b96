"""Small things that are stored sealed: AES-256-GCM under a key derived for one purpose, bound to where they stand.

>>> key = derive(secret, "profile")
>>> open_small(key, seal_small(key, b"Ana", context=b"0x11..."), context=b"0x11...")
b'Ana'
"""

import os
from pathlib import Path
from secrets import token_bytes

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import KeystoreError

_LABEL = "consent-ledger/v1/"


def derive(secret: bytes, purpose: str, length: int = 32) -> bytes:
    """A key for one purpose from a 32-byte secret: HKDF-SHA256, the purpose as its label."""
    return HKDF(SHA256(), length, salt=None, info=(_LABEL + purpose).encode()).derive(secret)


def seal_small(key: bytes, content: bytes, *, context: bytes) -> bytes:
    """Seal under a fresh nonce; `context` must be given again to open."""
    nonce = token_bytes(12)
    return nonce + AESGCM(key).encrypt(nonce, content, context)


def open_small(key: bytes, sealed: bytes, *, context: bytes) -> bytes:
    """The content.

    Raises:
        KeystoreError: not sealed under this key and for this context.
    """
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], context)
    except (InvalidTag, ValueError) as failure:
        raise KeystoreError("a sealed value does not open: it is damaged, or its key file was replaced") from failure


def key_file(path: Path) -> bytes:
    """The 32 bytes of a key file that only its owner can read; made at random if there is none.

    Raises:
        KeystoreError: the file does not hold 32 bytes.
    """
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except FileNotFoundError:
        write_whole(path, token_bytes(32).hex().encode() + b"\n", exclusive=True)
        return key_file(path)
    except ValueError as failure:
        raise KeystoreError(f"{path.name} is not a key file") from failure
    if len(secret) != 32:
        raise KeystoreError(f"{path.name} holds {len(secret)} bytes, not 32")
    return secret


def write_whole(path: Path, content: bytes, *, exclusive: bool = False) -> bool:
    """Write a private file (0600), whole or not at all; `exclusive`: keep what is there. Whether it was written."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f".{path.name}.{token_bytes(6).hex()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        if exclusive:
            os.link(partial, path)
        else:
            partial.replace(path)
    except FileExistsError:
        return False
    finally:
        partial.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return True
