"""The store on a real IPFS node: garbage collection, restarts, and a node that is away."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest

from offchain_store.digest import Cid, Codec
from offchain_store.envelope import open_record, seal, seal_record
from offchain_store.errors import InvalidName, StoreError, StoreRejected, StoreUnavailable
from offchain_store.ipfs import IpfsStore
from offchain_store.record import Header, Record
from offchain_store.root import CHUNK_SIZE
from offchain_store.store import VerifiedStore, delete_record
from tests.offchain_store.kubo import IpfsNode

RECORD, ANA = b"\1" * 32, b"a" * 20
NAME = Cid.of(Codec.RAW, b"hello world")


def test_garbage_collection_keeps_records_and_slips(ipfs: IpfsStore, ipfs_node: IpfsNode, header: Header) -> None:
    content = bytes(CHUNK_SIZE + 1)
    sealed = seal_record(Record(header, content), ipfs)
    ipfs.put_slip(sealed.digest, ANA, b"slip")
    ipfs_node.collect_garbage()
    assert open_record(ipfs, sealed.digest, sealed.record_key).content == content
    assert ipfs.get_slip(sealed.digest, ANA) == b"slip"
    delete_record(ipfs, sealed.digest)


def test_garbage_collection_while_sealing_takes_no_chunk(ipfs: IpfsStore, ipfs_node: IpfsNode, header: Header) -> None:
    class Collecting:
        """Lets the node collect before every put."""

        def put(self, block: bytes, codec: Codec) -> Cid:
            ipfs_node.collect_garbage()
            return ipfs.put(block, codec)

    sealed = seal(BytesIO(bytes(100)), header, Collecting(), chunk_size=40)
    assert open_record(ipfs, sealed.digest, sealed.record_key).content == bytes(100)


def test_deleted_and_replaced_slips_leave_no_bytes_on_the_node(ipfs: IpfsStore) -> None:
    first, second = b"the first slip", b"the second slip"
    ipfs.put_slip(RECORD, ANA, first)
    ipfs.put_slip(RECORD, ANA, second)
    assert not ipfs.has(Cid.of(Codec.RAW, first))
    assert ipfs.has(Cid.of(Codec.RAW, second))
    ipfs.delete_slip(RECORD, ANA)
    assert not ipfs.has(Cid.of(Codec.RAW, second))


@pytest.fixture
def own_node(kubo: str, tmp_path: Path) -> Iterator[IpfsNode]:
    node = IpfsNode(kubo, tmp_path)
    node.start()
    yield node
    node.stop()


def test_a_node_that_stops_is_unavailable_and_has_all_when_it_is_back(own_node: IpfsNode, header: Header) -> None:
    store = IpfsStore(own_node.address, timeout=10)
    sealed = seal_record(Record(header, bytes(CHUNK_SIZE + 1)), store)
    store.put_slip(sealed.digest, ANA, b"slip")
    own_node.stop()
    for act in (
        lambda: store.get(sealed.digest),
        lambda: store.put(b"block", Codec.RAW),
        lambda: store.has(sealed.digest),
        lambda: store.delete(sealed.digest),
        lambda: list(store.list()),
        lambda: store.get_slip(sealed.digest, ANA),
        lambda: store.put_slip(sealed.digest, ANA, b"slip"),
        lambda: store.list_slips(sealed.digest),
        lambda: store.delete_slip(sealed.digest, ANA),
    ):
        with pytest.raises(StoreUnavailable):
            act()
    store.close()
    own_node.start()
    again = IpfsStore(own_node.address, timeout=10)
    assert open_record(again, sealed.digest, sealed.record_key).content == bytes(CHUNK_SIZE + 1)
    assert again.get_slip(sealed.digest, ANA) == b"slip"
    again.close()


def test_a_node_that_never_answers_is_unavailable_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = IpfsStore(f"/ip4/127.0.0.1/tcp/{silent.getsockname()[1]}", timeout=0.3)
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            store.get(NAME)
        assert time.monotonic() - started < 30
        store.close()


LIES = {
    "no JSON": b"hello",
    "an empty answer": b"",
    "another answer": b'{"Bytes": 1}',
    "a list": b"[1]",
    "another name": b'{"Key": "nonsense", "Hash": "nonsense", "Entries": [{"Name": "nonsense"}]}',
    "far too much": b"0" * (2 << 20),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_no_ipfs_node_is_named(lie: str) -> None:
    class Liar(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", str(len(LIES[lie])))
            self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(LIES[lie])

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        store = IpfsStore(f"/ip4/127.0.0.1/tcp/{server.server_port}", timeout=5)
        try:
            with pytest.raises(StoreError):
                VerifiedStore(store).get(NAME)
            with pytest.raises(StoreError):
                store.put(b"hello world", Codec.RAW)
            with pytest.raises(StoreError):
                store.put_slip(RECORD, ANA, b"slip")
            if lie == "another name":
                assert list(store.list_slips(RECORD)) == []
            else:
                with pytest.raises(StoreError):
                    store.list_slips(RECORD)
        finally:
            store.close()
            server.shutdown()
            serving.join()


def test_the_environment_sets_no_proxy_between(ipfs_node: IpfsNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    store = IpfsStore(ipfs_node.address)
    assert store.get(store.put(b"hello world", Codec.RAW)) == b"hello world"
    store.delete(NAME)
    store.close()


def test_what_the_node_refuses_is_told(ipfs: IpfsStore) -> None:
    with pytest.raises(StoreRejected) as caught:
        ipfs._rpc.call("/pin/add", "nonsense")
    assert "nonsense" in caught.value.reason


@pytest.mark.parametrize("address", ["", "nonsense", "http://127.0.0.1:5001", "/ip4/127.0.0.1/udp/5001"])
def test_what_is_no_multiaddr_is_refused(address: str) -> None:
    with pytest.raises(InvalidName):
        IpfsStore(address)
