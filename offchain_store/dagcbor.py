"""The part of dag-cbor that the formats use, strictly: one form for each value, all others refused.

    >>> encode({"version": 1, "inline": b"..."}).hex()
    'a266696e6c696e65432e2e2e6776657273696f6e01'
    >>> decode(bytes.fromhex("a16776657273696f6e01"), what="example")
    {'version': 1}

The decoder is written out because it reads bytes from strangers: for any input it must end in a value or in one of
three named errors, which the libraries' decoders (assertions, recursion without bound) do not promise. The tests hold
it against the `dag-cbor` library and IPLD's own fixtures. No floats, negative numbers, booleans or null: no format
here has them.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from offchain_store.digest import Cid
from offchain_store.errors import InvalidName, Malformed, TrailingData, Truncated

Value: TypeAlias = "int | bytes | str | Cid | Sequence[Value] | Mapping[str, Value]"

_DEEPEST = 4
_UNSIGNED, _BYTES, _TEXT, _LIST, _MAP, _TAG = 0, 2, 3, 4, 5, 6
_CID_TAG = 42


def encode(value: Value) -> bytes:
    """The one encoding of a value."""
    match value:
        case bool():
            raise TypeError("no format here has booleans")
        case int():
            return _head(_UNSIGNED, value)
        case bytes():
            return _head(_BYTES, len(value)) + value
        case str():
            text = value.encode()
            return _head(_TEXT, len(text)) + text
        case Cid():
            return _head(_TAG, _CID_TAG) + encode(b"\0" + bytes(value))
        case Mapping():
            keys = sorted(value, key=_key_order)
            return _head(_MAP, len(keys)) + b"".join(encode(key) + encode(value[key]) for key in keys)
        case Sequence():
            return _head(_LIST, len(value)) + b"".join(map(encode, value))


def decode(encoded: bytes, *, what: str) -> Value:
    """The value of its one encoding; `what` names it in errors.

    Raises:
        Truncated, TrailingData, Malformed
    """
    reader = _Reader(encoded, what)
    value = reader.item(_DEEPEST)
    if reader.position != len(encoded):
        raise TrailingData(what)
    return value


def decode_map(encoded: bytes, *, what: str) -> dict[str, Value]:
    """As `decode`, where the value must be a map.

    Raises:
        Truncated, TrailingData, Malformed
    """
    value = decode(encoded, what=what)
    if not isinstance(value, dict):
        raise Malformed(what, "it is no map")
    return value


def _head(major: int, argument: int) -> bytes:
    if argument < 0 or argument >= 1 << 64:
        raise ValueError(f"{argument} does not fit an unsigned integer of 64 bits")
    if argument < 24:
        return bytes((major << 5 | argument,))
    for info, width in ((24, 1), (25, 2), (26, 4)):
        if argument < 1 << 8 * width:
            return bytes((major << 5 | info,)) + argument.to_bytes(width, "big")
    return bytes((major << 5 | 27,)) + argument.to_bytes(8, "big")


def _key_order(key: str) -> tuple[int, bytes]:
    text = key.encode()
    return len(text), text


class _Reader:
    __slots__ = ("encoded", "position", "what")

    def __init__(self, encoded: bytes, what: str) -> None:
        self.encoded = encoded
        self.position = 0
        self.what = what

    def item(self, depth: int) -> Value:
        major, argument = self._read_head()
        if major == _UNSIGNED:
            return argument
        if major == _BYTES:
            return self._take(argument)
        if major == _TEXT:
            return self._text(argument)
        if major == _TAG and argument == _CID_TAG:
            return self._cid()
        if depth == 0 and major in (_LIST, _MAP):
            raise Malformed(self.what, "it is nested too deeply")
        if major == _LIST:
            return [self.item(depth - 1) for _ in self._count(argument)]
        if major == _MAP:
            return self._map(argument, depth - 1)
        raise Malformed(self.what, f"no value of this kind (major type {major}) belongs in it")

    def _read_head(self) -> tuple[int, int]:
        first = self._take(1)[0]
        major, info = first >> 5, first & 31
        if info < 24:
            return major, info
        if info > 27:
            raise Malformed(self.what, "a length is indefinite or reserved")
        width = 1 << info - 24
        argument = int.from_bytes(self._take(width), "big")
        if argument < (24 if width == 1 else 1 << 4 * width):
            raise Malformed(self.what, "a number is not in its shortest form")
        return major, argument

    def _take(self, count: int) -> bytes:
        taken = self.encoded[self.position : self.position + count]
        if len(taken) != count:
            raise Truncated(self.what)
        self.position += count
        return taken

    def _count(self, count: int) -> range:
        if count > len(self.encoded) - self.position:  # every item takes a byte at least
            raise Truncated(self.what)
        return range(count)

    def _text(self, length: int) -> str:
        try:
            return self._take(length).decode()
        except UnicodeDecodeError as error:
            raise Malformed(self.what, "a text is not UTF-8") from error

    def _map(self, count: int, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        last = (-1, b"")
        for _ in self._count(count):
            major, length = self._read_head()
            if major != _TEXT:
                raise Malformed(self.what, "a key is no text")
            key = self._text(length)
            order = _key_order(key)
            if order <= last:
                raise Malformed(self.what, "its keys are not in order, or one comes twice")
            last = order
            found[key] = self.item(depth)
        return found

    def _cid(self) -> Cid:
        major, length = self._read_head()
        if major != _BYTES:
            raise Malformed(self.what, "a link is no bytes")
        value = self._take(length)
        if not value.startswith(b"\0"):
            raise Malformed(self.what, "a link does not begin with the identity multibase")
        try:
            return Cid.from_bytes(value[1:])
        except InvalidName as error:
            raise Malformed(self.what, "a link is not a CIDv1 with SHA-256 and codec raw or dag-cbor") from error
