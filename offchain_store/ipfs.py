"""A store on an IPFS node (Kubo), spoken to over its RPC on the loopback interface or inside a private network.

    >>> store = IpfsStore("/ip4/127.0.0.1/tcp/5001")
    >>> name = store.put(b"hello world", Codec.RAW)
    >>> store.get(name)
    b'hello world'

Every block has a pin of its own, so that garbage collection keeps it and deleting one never waits for another: a
recursive pin of the root would hold the chunks that erasing removes first. Slips are files under `/consent-ledger` in
the node's mutable file system: a slip comes and goes under a fixed name, which content addressing alone does not
offer, and what is linked there is kept from garbage collection too. The node is for this store alone.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import ipfshttpclient
import requests
from ipfshttpclient import multipart
from ipfshttpclient.exceptions import Error, ErrorResponse, StatusError

from offchain_store.digest import MAX_BLOCK, Cid, Codec, cid_of, reader_of
from offchain_store.errors import (
    BlockMissing,
    InvalidName,
    SlipMissing,
    StoreRejected,
    StoreUnavailable,
    TooLarge,
)
from offchain_store.store import MAX_SLIP, checked_name, checked_slip

_NODE = "the IPFS node"
_SLIPS = "/consent-ledger/slips"
_CODEC_NAMES = {Codec.RAW: "raw", Codec.DAG_CBOR: "dag-cbor"}


class IpfsStore:
    """Blocks and slips on an IPFS node; may be used from several threads."""

    def __init__(self, address: str, *, timeout: float = 30.0) -> None:
        """Nothing is asked of the node yet.

        Args:
            address: the node's RPC as a multiaddr.
            timeout: seconds for one call; a block that only other nodes have is waited for as long.

        Raises:
            InvalidName: no multiaddr.
        """
        try:
            # Not `ipfshttpclient.connect`, which refuses every node of the last years.
            self._client = ipfshttpclient.Client(address, timeout=timeout)
        except (Error, ValueError) as error:
            raise InvalidName(address, "a multiaddr such as /ip4/127.0.0.1/tcp/5001") from error
        self._opening = threading.Lock()

    def close(self) -> None:
        """Close the connections; another call opens new ones."""
        self._client.close()

    def get(self, name: bytes | Cid) -> bytes:
        """The block, from this node or from one that it is connected to.

        Raises:
            BlockMissing, BackendError
            TooLarge: what the node sends is no block.
        """
        cid = cid_of(name)
        try:
            return self._read("/block/get", str(cid), most=MAX_BLOCK)
        except StoreRejected as error:
            if _says(error, "could not find", "not found"):
                raise BlockMissing(cid.digest) from error
            raise
        except StoreUnavailable as error:
            # An online node that asks others in vain is as silent as one that is away.
            if not self.has(cid):
                raise BlockMissing(cid.digest) from error
            raise

    def put(self, block: bytes, codec: Codec) -> Cid:
        """Keep and pin a block.

        Raises:
            TooLarge, BackendError
        """
        checked_name(block, codec)
        given = self._put(block, codec, pin=codec is Codec.RAW)
        if codec is Codec.DAG_CBOR:
            self._call("/pin/add", str(given), opts={"recursive": "false"}, forgive=("already pinned",))
        return given

    def has(self, name: bytes | Cid) -> bool:
        """Whether the block is on this node."""
        try:
            self._call("/block/stat", str(cid_of(name)), offline=True)
        except StoreRejected as error:
            if _says(error, "could not find", "not found"):
                return False
            raise
        return True

    def delete(self, name: bytes | Cid) -> None:
        """Unpin and remove a block from this node."""
        cid = str(cid_of(name))
        self._call("/pin/rm", cid, forgive=("not pinned",))
        for answer in self._call("/block/rm", cid, opts={"force": "true"}):
            if answer.get("Error"):
                raise StoreRejected(_NODE, str(answer["Error"]))

    def list(self) -> Iterator[Cid]:
        """The names of all pinned blocks."""
        for answer in self._call("/pin/ls", opts={"stream": "true", "type": "all", "quiet": "true"}):
            try:
                yield Cid.parse(str(answer.get("Cid")))
            except InvalidName:  # pinned by something else, as a new node's empty folder is
                continue

    def put_slip(self, record: bytes, reader: bytes, slip: bytes) -> None:
        """Keep a slip, in place of the one that may be there.

        Raises:
            TooLarge, BackendError
        """
        path = _slip_path(record, reader)
        before = self._slip_block(path)
        name = str(self._put(checked_slip(slip), Codec.RAW, pin=False))
        self._call("/files/cp", f"/ipfs/{name}", path, opts={"parents": "true", "force": "true"})
        if before not in (None, name):
            self._call("/block/rm", str(before), opts={"force": "true"})

    def get_slip(self, record: bytes, reader: bytes) -> bytes:
        """The slip.

        Raises:
            SlipMissing, BackendError
            TooLarge: what the node sends is no slip.
        """
        try:
            return self._read("/files/read", _slip_path(record, reader), most=MAX_SLIP)
        except StoreRejected as error:
            if _says(error, "does not exist"):
                raise SlipMissing(record, reader) from error
            raise

    def delete_slip(self, record: bytes, reader: bytes) -> None:
        """Remove a slip and its bytes from this node."""
        path = _slip_path(record, reader)
        block = self._slip_block(path)
        if block is not None:
            self._call("/files/rm", path, opts={"force": "true"})
            self._call("/block/rm", block, opts={"force": "true"})

    def list_slips(self, record: bytes) -> Sequence[bytes]:
        """The readers for whom there is a slip, in order."""
        try:
            entries = self._answer("Entries", "/files/ls", _slips_path(record))
        except StoreRejected as error:
            if _says(error, "does not exist"):
                return []
            raise
        return sorted(bytes.fromhex(entry["Name"]) for entry in entries or ())

    def _slip_block(self, path: str) -> str | None:
        """The name of the block behind a slip: it has to go when the slip goes, or is replaced."""
        try:
            return str(self._answer("Hash", "/files/stat", path))
        except StoreRejected as error:
            if _says(error, "does not exist"):
                return None
            raise

    def _put(self, block: bytes, codec: Codec, *, pin: bool) -> Cid:
        body, headers = multipart.stream_files(BytesIO(block), chunk_size=MAX_BLOCK)
        opts = {"cid-codec": _CODEC_NAMES[codec], "mhtype": "sha2-256", "pin": str(pin).lower()}
        return Cid.parse(str(self._answer("Key", "/block/put", opts=opts, data=body, headers=headers)))

    def _read(self, path: str, argument: str, *, most: int) -> bytes:
        """A call that answers with bytes, not more than `most` of which are read."""
        self._open_session()
        answer = bytearray()
        with _as_store_errors(), self._client._client.request(path, (argument,), stream=True) as parts:
            for part in parts:
                answer += part
                if len(answer) > most:
                    raise TooLarge("node's answer", size=len(answer), most=most)
        return bytes(answer)

    def _call(
        self,
        path: str,
        *arguments: str,
        opts: Mapping[str, str] | None = None,
        forgive: tuple[str, ...] = (),
        **request: Any,
    ) -> Sequence[dict[str, Any]]:
        """A call that answers with lines of JSON; for what `ipfshttpclient` has no method of its own, or an old one."""
        self._open_session()
        try:
            with _as_store_errors():
                answers = self._client._client.request(path, arguments, opts=opts or {}, decoder="json", **request)
        except StoreRejected as error:
            if forgive and _says(error, *forgive):
                return []
            raise
        return [dict(answer) for answer in answers]

    def _answer(self, field: str, path: str, *arguments: str, **request: Any) -> Any:
        """One field of a call's only answer."""
        answers = self._call(path, *arguments, **request)
        if len(answers) != 1 or field not in answers[0]:
            raise StoreRejected(_NODE, f"its answer has no {field}")
        return answers[0][field]

    def _open_session(self) -> None:
        """One session with kept-alive connections, in place of one for each call.

        Its adapter is that of `requests` itself: the client's own passes urllib3 an argument that urllib3 is about to
        drop. And no proxy comes between us and the node, whatever the environment says.
        """
        with self._opening:
            transport = self._client._client
            if transport._session is not None:
                return
            session = transport._make_session()
            session.family = 0
            session.trust_env = False
            for scheme in ("http://", "https://"):
                session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=32))
            transport._session = session


@contextmanager
def _as_store_errors() -> Iterator[None]:
    """Gives what the client raises a name of ours; the reason says what failed, not where."""
    try:
        yield
    except ErrorResponse as error:
        raise StoreRejected(_NODE, str(error)) from error
    except StatusError as error:
        raise StoreRejected(_NODE, "it answered with an HTTP error") from error
    except (Error, requests.RequestException) as error:
        raise StoreUnavailable(_NODE, type(error).__name__) from error


def _says(error: StoreRejected, *phrases: str) -> bool:
    return any(phrase in error.reason for phrase in phrases)


def _slips_path(record: bytes) -> str:
    return f"{_SLIPS}/{Cid.root(record)}"


def _slip_path(record: bytes, reader: bytes) -> str:
    return f"{_slips_path(record)}/{reader_of(reader).hex()}"
