"""Bodies that stream by: read in a worker thread as a file while they arrive, never held or spooled as a whole."""

import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import anyio.from_thread
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from gateway.errors import BodyTooLarge, InvalidInput


class Body:
    """A request's body as a file to read from, for the thread that seals it; everything read is hashed on the way."""

    def __init__(self, chunks: AsyncIterator[bytes], *, most: int, mac: hmac.HMAC) -> None:
        self._chunks = chunks
        self._most = most
        self._mac = mac
        self._buffer = bytearray()
        self._ended = False
        self._taken = 0

    def read(self, size: int = -1) -> bytes:
        """As a binary file's `read`.

        Raises:
            BodyTooLarge, InvalidInput
        """
        while not self._ended and (size < 0 or len(self._buffer) < size):
            self._fill()
        taken = bytes(self._buffer) if size < 0 else bytes(self._buffer[:size])
        del self._buffer[: len(taken)]
        return taken

    def drain(self) -> None:
        """Read and hash what is left, and keep nothing of it."""
        while not self._ended:
            self._fill()
            self._buffer.clear()

    def digest(self) -> bytes:
        """The keyed hash of the whole body, after it has been read to its end."""
        self.drain()
        return self._mac.digest()

    def _fill(self) -> None:
        try:
            chunk = anyio.from_thread.run(self._next)
        except ClientDisconnect as failure:
            raise InvalidInput("body", "the connection ended before it did") from failure
        if chunk is None:
            self._ended = True
            return
        self._mac.update(chunk)
        self._taken += len(chunk)
        if self._taken > self._most:
            raise BodyTooLarge(self._most)
        self._buffer += chunk

    async def _next(self) -> bytes | None:
        return await anext(self._chunks, None)


@dataclass(slots=True)
class _Part:
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        _, options = parse_options_header(self.headers.get("content-disposition", ""))
        return options.get(b"name", b"").decode(errors="replace")


class Multipart:
    """A `multipart/form-data` body of two parts in this order: `metadata` (JSON) and `content`."""

    def __init__(self, content_type: str, chunks: AsyncIterator[bytes], *, most_metadata: int) -> None:
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if not boundary:
            raise InvalidInput("Content-Type", "multipart without a boundary")
        self._chunks = chunks
        self._most_metadata = most_metadata
        self._parts: list[_Part] = []
        self._out: list[tuple[int, bytes]] = []
        self._complete = False
        callbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._value,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
            "on_end": self._end,
        }
        self._name = b""
        self._text = b""
        self._parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]

    async def metadata(self) -> bytes:
        """The first part, as a whole.

        Raises:
            InvalidInput: it is not `metadata`, or too large.
        """
        found = b""
        while len(self._parts) < 2 and not self._complete:
            if not await self._feed():
                break
            found += b"".join(data for part, data in self._out if part == 1)
            self._out = [(part, data) for part, data in self._out if part != 1]
            if len(found) > self._most_metadata:
                raise InvalidInput("metadata", f"more than {self._most_metadata} bytes")
        if not self._parts or self._parts[0].name != "metadata":
            raise InvalidInput("metadata", "the first part must be `metadata`")
        return found

    def content_type(self) -> str:
        """Of the second part."""
        return self._parts[1].headers.get("content-type", "") if len(self._parts) > 1 else ""

    async def content(self) -> AsyncIterator[bytes]:
        """The second part as it arrives.

        Raises:
            InvalidInput: it is not `content`, is cut off, or something follows it.
        """
        if len(self._parts) < 2 or self._parts[1].name != "content":
            raise InvalidInput("content", "the second part must be `content`")
        while True:
            for part, data in self._out:
                if part != 2:
                    raise InvalidInput("body", "two parts, `metadata` and `content`, and no more")
                yield data
            self._out = []
            if not await self._feed():
                break
        if not self._complete:
            raise InvalidInput("body", "it ends before its last part does")

    async def _feed(self) -> bool:
        chunk = await anext(self._chunks, None)
        if chunk is None:
            return False
        try:
            self._parser.write(chunk)
        except FormParserError as failure:
            raise InvalidInput("body", "not multipart/form-data") from failure
        return True

    def _begin(self) -> None:
        if len(self._parts) == 2:
            raise InvalidInput("body", "two parts, `metadata` and `content`, and no more")
        self._parts.append(_Part())

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._text += data[start:end]
        if len(self._text) > 1000:
            raise InvalidInput("body", "a part's header is too long")

    def _header_end(self) -> None:
        self._parts[-1].headers[self._name.decode("latin-1").lower()] = self._text.decode("latin-1")
        self._name = self._text = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._out.append((len(self._parts), data[start:end]))

    def _end(self) -> None:
        self._complete = True
