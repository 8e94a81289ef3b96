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

import re
from collections.abc import Iterator, Sequence
from io import BytesIO

from ipfshttpclient import multipart

from offchain_store.digest import MAX_BLOCK, Cid, Codec, cid_of, reader_of
from offchain_store.errors import BlockMissing, InvalidName, SlipMissing, StoreRejected, StoreUnavailable
from offchain_store.kubo_rpc import KuboRpc, says
from offchain_store.store import MAX_SLIP, checked_name, checked_slip

_SLIPS = "/consent-ledger/slips"
_READER = re.compile("[0-9a-f]{40}")
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
        self._rpc = KuboRpc(address, timeout=timeout)

    def close(self) -> None:
        """Close the connections; another call opens new ones."""
        self._rpc.close()

    def get(self, name: bytes | Cid) -> bytes:
        """The block, from this node or from one that it is connected to.

        Raises:
            BlockMissing, BackendError
            TooLarge: what the node sends is no block.
        """
        cid = cid_of(name)
        try:
            return self._rpc.read("/block/get", str(cid), most=MAX_BLOCK)
        except StoreRejected as error:
            if says(error, "could not find", "not found"):
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
            self._rpc.call("/pin/add", str(given), opts={"recursive": "false"}, forgive=("already pinned",))
        return given

    def has(self, name: bytes | Cid) -> bool:
        """Whether the block is on this node."""
        try:
            self._rpc.call("/block/stat", str(cid_of(name)), offline=True)
        except StoreRejected as error:
            if says(error, "could not find", "not found"):
                return False
            raise
        return True

    def delete(self, name: bytes | Cid) -> None:
        """Unpin and remove a block from this node."""
        cid = str(cid_of(name))
        self._rpc.call("/pin/rm", cid, forgive=("not pinned",))
        for answer in self._rpc.call("/block/rm", cid, opts={"force": "true"}):
            if answer.get("Error"):
                raise StoreRejected("the IPFS node", str(answer["Error"]))

    def list(self) -> Iterator[Cid]:
        """The names of all pinned blocks."""
        for answer in self._rpc.lines("/pin/ls", opts={"stream": "true", "type": "all", "quiet": "true"}):
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
        now = name if self._link_slip(name, path) else self._slip_block(path)
        for block in {before, name} - {None, now}:
            self._rpc.call("/block/rm", str(block), opts={"force": "true"})

    def get_slip(self, record: bytes, reader: bytes) -> bytes:
        """The slip.

        Raises:
            SlipMissing, BackendError
            TooLarge: what the node sends is no slip.
        """
        try:
            return self._rpc.read("/files/read", _slip_path(record, reader), most=MAX_SLIP)
        except StoreRejected as error:
            if says(error, "does not exist"):
                raise SlipMissing(record, reader) from error
            raise

    def delete_slip(self, record: bytes, reader: bytes) -> None:
        """Remove a slip and its bytes from this node."""
        path = _slip_path(record, reader)
        block = self._slip_block(path)
        if block is not None:
            self._rpc.call("/files/rm", path, opts={"force": "true"})
            self._rpc.call("/block/rm", block, opts={"force": "true"})

    def list_slips(self, record: bytes) -> Sequence[bytes]:
        """The readers for whom there is a slip, in order."""
        try:
            entries = self._rpc.answer("Entries", "/files/ls", _slips_path(record))
        except StoreRejected as error:
            if says(error, "does not exist"):
                return []
            raise
        names = [str(entry["Name"]) for entry in entries or () if isinstance(entry, dict) and "Name" in entry]
        return sorted(bytes.fromhex(name) for name in names if _READER.fullmatch(name))

    def _slip_block(self, path: str) -> str | None:
        """The name of the block behind a slip: it has to go when the slip goes, or is replaced."""
        try:
            return str(self._rpc.answer("Hash", "/files/stat", path))
        except StoreRejected as error:
            if says(error, "does not exist"):
                return None
            raise

    def _link_slip(self, name: str, path: str) -> bool:
        """Whether the slip stands; if not, somebody else changed it in the same moment, and what he did comes last.

        The node unlinks the old file, puts the new one and flushes it, each by itself: between any two of these
        steps another call may put or unlink a file of that name.
        """
        try:
            self._rpc.call("/files/cp", f"/ipfs/{name}", path, opts={"parents": "true", "force": "true"})
        except StoreRejected as error:
            if says(error, "already has entry", "does not exist"):
                return False
            raise
        return True

    def _put(self, block: bytes, codec: Codec, *, pin: bool) -> Cid:
        body, headers = multipart.stream_files(BytesIO(block), chunk_size=MAX_BLOCK)
        opts = {"cid-codec": _CODEC_NAMES[codec], "mhtype": "sha2-256", "pin": str(pin).lower()}
        return Cid.parse(str(self._rpc.answer("Key", "/block/put", opts=opts, data=body, headers=headers)))


def _slips_path(record: bytes) -> str:
    return f"{_SLIPS}/{Cid.root(record)}"


def _slip_path(record: bytes, reader: bytes) -> str:
    return f"{_slips_path(record)}/{reader_of(reader).hex()}"
