"""What a patient shows at the counter: one fill of one prescription as a short text and as a QR code.

    >>> text = encode(presentation)
    >>> decode(text) == presentation
    True
    >>> svg(text)[:5]
    b'<?xml'

Whoever holds the text can have the fill claimed: it is a secret, never logged, never part of a URL.
"""

import io
from dataclasses import dataclass, field

import cbor2
import segno
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_keys.datatypes import PrivateKey
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from gateway.errors import InvalidInput
from gateway.notices.told import Told
from ledger.codes import Category
from ledger.eip712 import compact
from ledger.types import Address, Opening, PrescriptionTerms, Subject, address_of, fill_key_leaf, raw

PREFIX = "CLRX1:"
"""Opens every text; the digit is the version of what follows."""

_VERSION = 1
_TERMS_BYTES = 22
_LONGEST_TEXT = 2_000
_BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
"""RFC 9285's alphabet, which is that of a QR code's alphanumeric mode: 5.5 bits of the code a character."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """All that a pharmacist needs for one fill: to claim it, to find the body and to open it."""

    opening: Opening
    fill: int
    """Number of the fill, from 0."""
    fill_key: bytes = field(repr=False)
    """Secret key of the fill, 32 bytes."""
    path: tuple[bytes, ...]
    """Merkle path from the fill key's leaf to the opening's root."""
    record_key: bytes = field(repr=False)
    """Opens the sealed body, 32 bytes."""
    endorsement: bytes = b""
    """The prescriber's compact signature over the prescription's id, 64 bytes; empty if she gave none."""

    @property
    def id(self) -> bytes:
        """The prescription's id, 32 bytes."""
        return self.opening.id()


def encode(presentation: Presentation) -> str:
    """The text of a presentation: prefix, then version byte and canonical CBOR in base45.

    The root of the fill keys is not in it: it follows from the fill key and the path.
    """
    opening = presentation.opening
    fields = [
        raw(opening.prescriber),
        raw(opening.subject.patient),
        int(opening.subject.categories),
        opening.digest,
        opening.terms.pack().to_bytes(_TERMS_BYTES, "big"),
        presentation.fill,
        presentation.fill_key,
        b"".join(presentation.path),
        presentation.record_key,
        presentation.endorsement,
    ]
    return PREFIX + base45_encode(bytes([_VERSION]) + cbor2.dumps(fields, canonical=True))


def decode(text: str) -> Presentation:
    """Read a presentation back.

    Raises:
        InvalidInput: not such a text, cut short, mistyped or of another version. The text is not in the message.
    """
    text = text.strip("\r\n\t")  # a blank at the end is a digit
    if not text.startswith(PREFIX) or len(text) > _LONGEST_TEXT:
        raise InvalidInput("code", Told("a prescription code starts with {prefix}", {"prefix": PREFIX}))
    payload = base45_decode(text.removeprefix(PREFIX))
    if payload[:1] != bytes([_VERSION]):
        raise InvalidInput("code", Told("this prescription code is of another version: update this gateway"))
    try:
        fields = cbor2.loads(payload[1:])
        canonical = cbor2.dumps(fields, canonical=True) == payload[1:]
    except (cbor2.CBORError, ValueError, TypeError, RecursionError):
        canonical = False
        fields = None
    if not canonical or not _is_shaped(fields):
        raise InvalidInput("code", Told("this prescription code is damaged: scan it again"))
    return _presentation(*fields)


def _presentation(
    prescriber: bytes,
    patient: bytes,
    categories: int,
    digest: bytes,
    terms: bytes,
    fill: int,
    fill_key: bytes,
    path: bytes,
    record_key: bytes,
    endorsement: bytes,
) -> Presentation:
    steps = tuple(path[i : i + 32] for i in range(0, len(path), 32))
    opening = Opening(
        prescriber=address_of(prescriber),
        subject=Subject(address_of(patient), Category(categories)),
        digest=digest,
        fill_keys=_root(steps, fill_key_leaf(fill, fill_address(fill_key))),
        terms=PrescriptionTerms.unpack(int.from_bytes(terms, "big")),
    )
    return Presentation(opening, fill, fill_key, steps, record_key, endorsement)


def _root(path: tuple[bytes, ...], leaf: bytes) -> bytes:
    """Where a Merkle path leads from a leaf."""
    node = leaf
    for sibling in path:
        node = keccak(min(node, sibling) + max(node, sibling))
    return node


def _is_shaped(fields: object) -> bool:
    """Whether the fields are of the kinds, lengths and ranges that `encode` writes."""
    if not isinstance(fields, list) or [type(one) for one in fields] != _KINDS:
        return False
    prescriber, patient, categories, digest, terms, fill, fill_key, path, record_key, endorsement = fields
    lengths = [len(one) for one in (prescriber, patient, digest, terms, fill_key, record_key)]
    return (
        lengths == [20, 20, 32, _TERMS_BYTES, 32, 32]
        and 0 < categories <= 0xFFFF
        and 0 <= fill < PrescriptionTerms.unpack(int.from_bytes(terms, "big")).fills
        and len(path) % 32 == 0
        and len(path) <= 4 * 32
        and len(endorsement) in (0, 64)
        and int.from_bytes(terms, "big") >> 169 == 0
        and is_fill_key(fill_key)
    )


_KINDS = [bytes, bytes, int, bytes, bytes, int, bytes, bytes, bytes, bytes]


# --- fill keys and the prescriber's endorsement


def is_fill_key(secret: bytes) -> bool:
    """Whether the bytes are a secp256k1 secret at all."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    return len(secret) == 32 and 0 < int.from_bytes(secret, "big") < order


def fill_address(secret: bytes) -> Address:
    """The address that stands for a fill key in the Merkle tree."""
    return address_of(PrivateKey(secret).public_key.to_canonical_address())


def endorse(prescription: bytes, secret: bytes) -> bytes:
    """The prescriber's signature (EIP-191, compact) that a prescription is hers, for checks without a network."""
    signed = Account.sign_message(_endorsed(prescription), secret)
    return b"".join(compact(bytes(signed.signature)))


def endorser(presentation: Presentation) -> Address | None:
    """Who endorsed the prescription; None if nobody did, or what stands there is no signature."""
    if not presentation.endorsement:
        return None
    r, vs = presentation.endorsement[:32], int.from_bytes(presentation.endorsement[32:], "big")
    parity, s = vs >> 255, vs & (2**255 - 1)
    signature = r + s.to_bytes(32, "big") + bytes([27 + parity])
    try:
        return address_of(Account.recover_message(_endorsed(presentation.id), signature=signature))
    except (BadSignature, ValidationError, ValueError):
        return None


def _endorsed(prescription: bytes) -> object:
    return encode_defunct(text=f"consent-ledger prescription {prescription.hex()}")


# --- the picture


def svg(text: str) -> bytes:
    """The QR code as SVG, for paper and screens."""
    out = io.BytesIO()
    _code(text).save(out, kind="svg", scale=4, border=4)
    return out.getvalue()


def png(text: str, *, scale: int = 6) -> bytes:
    """The QR code as PNG, `scale` pixels a module."""
    out = io.BytesIO()
    _code(text).save(out, kind="png", scale=scale, border=4)
    return out.getvalue()


def version(text: str) -> int:
    """The QR code's version (1 to 40): its size."""
    return int(_code(text).version)


def _code(text: str) -> segno.QRCode:
    # Level M bears a crease or a stain; a better level is taken where it costs no larger code.
    return segno.make_qr(text, error="m", boost_error=True)


# --- base45 (RFC 9285)


def base45_encode(data: bytes) -> str:
    """Two bytes as three characters, a last odd one as two."""
    out = []
    for i in range(0, len(data) - 1, 2):
        high, rest = divmod(data[i] << 8 | data[i + 1], 45 * 45)
        out += [_BASE45[rest % 45], _BASE45[rest // 45], _BASE45[high]]
    if len(data) % 2:
        out += [_BASE45[data[-1] % 45], _BASE45[data[-1] // 45]]
    return "".join(out)


def base45_decode(text: str) -> bytes:
    """The bytes of a base45 text.

    Raises:
        InvalidInput: characters or groups that no encoder writes.
    """
    digits = [_BASE45.find(character) for character in text]
    out = bytearray()
    for i in range(0, len(digits), 3):
        group = digits[i : i + 3]
        value = sum(digit * 45**place for place, digit in enumerate(group))
        size = len(group) - 1
        if -1 in group or size == 0 or value >> 8 * size:
            raise InvalidInput("code", Told("this prescription code has a mistyped character: scan it again"))
        out += value.to_bytes(size, "big")
    return bytes(out)
