"""Checkpoints of an access log as signed notes: what C2SP's `tlog-checkpoint` and `signed-note` say, with Ed25519.

>>> signer = NoteSigner("consent-ledger/43771/0x.../0x...", seed)
>>> note = signer.sign(Checkpoint(signer.name, 17, root).text())
>>> Checkpoint.parse(open_note(note, signer.key)).size
17

A note is text, an empty line, and a line for each signature:

    consent-ledger/43771/0x5fbd.../0xf39f...
    17
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — consent-ledger/43771/0x5fbd.../0xf39f... Az3grlgt...

The origin names chain, contract and operator, so that a note of one log never passes for another's.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.errors import LedgerError
from ledger.types import Address

MOST_NOTE = 16_384
"""Bytes of a note at most."""
MOST_SIGNATURES = 16

_ED25519 = b"\x01"
_DASH = "— "
_SIZE = re.compile(r"0|[1-9][0-9]{0,19}")


class NoteInvalid(LedgerError):
    """Text that is no signed note, is not signed by the key in question, or is no checkpoint."""


@dataclass(frozen=True, slots=True)
class NoteKey:
    """Who signs notes: a name and an Ed25519 public key."""

    name: str
    public: bytes
    """32 bytes, RFC 8032."""

    @property
    def id(self) -> bytes:
        """The four bytes by which signatures name the key."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        """The key as text, `name+id+key`: how Go's `sumdb/note` and its kin write it."""
        return f"{self.name}+{self.id.hex()}+{_base64(_ED25519 + self.public)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a key's text, in its one spelling.

        Raises:
            NoteInvalid: it is none, of another kind, or its id is not its own.
        """
        name, _, rest = text.partition("+")
        stated, _, encoded = rest.partition("+")
        raw = _unbase64(encoded)
        if not _is_name(name) or raw is None or len(raw) != 33 or raw[:1] != _ED25519:
            raise NoteInvalid("that is no Ed25519 key of a note: name+id+key")
        key = cls(name, raw[1:])
        if key.id.hex() != stated:
            raise NoteInvalid("the key's id is not its own: it was mistyped or put together from two")
        return key


class NoteSigner:
    """Signs notes under a name."""

    def __init__(self, name: str, seed: bytes) -> None:
        """
        Args:
            seed: 32 bytes, secret.
        """
        if not _is_name(name):
            raise NoteInvalid("a name has no spaces and no plus sign, and is not empty")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = NoteKey(name, self._private.public_key().public_bytes_raw())

    @property
    def name(self) -> str:
        return self.key.name

    def sign(self, text: str) -> str:
        """The note of a text.

        Raises:
            NoteInvalid: the text does not end its last line, or has control characters.
        """
        _require_text(text)
        signature = self.key.id + self._private.sign(text.encode())
        return f"{text}\n{_DASH}{self.name} {_base64(signature)}\n"


def open_note(note: str, key: NoteKey) -> str:
    """The text of a note that this key signed. Signatures of other keys are ignored.

    Raises:
        NoteInvalid: no note, not signed by this key, or signed wrongly.
    """
    if len(note.encode(errors="replace")) > MOST_NOTE:
        raise NoteInvalid(f"longer than the {MOST_NOTE} bytes of a note")
    text, separator, signatures = note.rpartition("\n\n")
    text += "\n"
    if not separator or not signatures.endswith("\n"):
        raise NoteInvalid("no note: text, an empty line and signatures, each line ended")
    _require_text(text)
    lines = signatures[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteInvalid(f"more than {MOST_SIGNATURES} signatures")
    # Every line is read before any is believed: a malformed one spoils the note.
    signed = [found for name, id_, found in map(_signature, lines) if (name, id_) == (key.name, key.id)]
    if not signed:
        raise NoteInvalid("not signed by this log's key")
    for signature in signed:
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError) as failure:
            raise NoteInvalid("the signature is not this key's over this text") from failure
    return text


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log was at one moment."""

    origin: str
    """Which log: see `origin_of`."""
    size: int
    """Number of lines."""
    root: bytes
    """RFC 6962 root over them, 32 bytes."""

    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a checkpoint, in its one spelling and without extension lines.

        Raises:
            NoteInvalid: not that.
        """
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0] or not _SIZE.fullmatch(lines[1]):
            raise NoteInvalid("no checkpoint: origin, size and root, a line each")
        root = _unbase64(lines[2])
        size = int(lines[1])
        if root is None or len(root) != 32 or size >= 2**64:
            raise NoteInvalid("no checkpoint: its root is not 32 bytes, or its size more than 2**64 - 1")
        return cls(lines[0], size, root)


def origin_of(chain_id: int, contract: Address, operator: Address) -> str:
    """The name of an operator's log on one deployment."""
    return f"consent-ledger/{chain_id}/{contract.lower()}/{operator.lower()}"


def introduction(key: NoteKey) -> str:
    """What an operator signs (EIP-191) with the key of her address, so that whoever knows the address knows the key."""
    return f"This key signs the checkpoints of my access log:\n{key}\n"


def _signature(line: str) -> tuple[str, bytes, bytes]:
    """Name, key id and signature of a signature line."""
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    raw = _unbase64(encoded)
    if not line.startswith(_DASH) or not _is_name(name) or raw is None or len(raw) < 5:
        raise NoteInvalid("a line of its signatures is none")
    return name, raw[:4], raw[4:]


def _require_text(text: str) -> None:
    if not text.endswith("\n") or any(ord(sign) < 0x20 and sign != "\n" for sign in text):
        raise NoteInvalid("a note's text ends with its last line and has no control characters")


def _is_name(name: str) -> bool:
    return bool(name) and not any(sign.isspace() or sign == "+" or ord(sign) < 0x20 for sign in name)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _unbase64(text: str) -> bytes | None:
    """The bytes of canonical base64; None: it is not that."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return value if _base64(value) == text else None
