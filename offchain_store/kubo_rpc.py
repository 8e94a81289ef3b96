"""Calls of an IPFS node's RPC by way of `ipfshttpclient`, every failure with a name of ours.

>>> rpc = KuboRpc("/ip4/127.0.0.1/tcp/5001", timeout=30)
>>> rpc.answer("Version", "/version")
'0.41.0'
"""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ipfshttpclient
import requests
from ipfshttpclient.exceptions import Error, ErrorResponse, StatusError

from offchain_store.errors import InvalidName, StoreRejected, StoreUnavailable, TooLarge

_NODE = "the IPFS node"
_LONGEST_LINE = 16 << 20


class KuboRpc:
    """A node's RPC; may be used from several threads. Nothing is asked of the node before the first call."""

    def __init__(self, address: str, *, timeout: float) -> None:
        try:
            # Not `ipfshttpclient.connect`, which refuses every node of the last years.
            self._client = ipfshttpclient.Client(address, timeout=timeout)
        except (Error, ValueError) as error:
            raise InvalidName(address, "a multiaddr such as /ip4/127.0.0.1/tcp/5001") from error
        self._opening = threading.Lock()

    def close(self) -> None:
        """Close the connections; another call opens new ones."""
        self._client.close()

    def read(self, path: str, argument: str, *, most: int) -> bytes:
        """A call that answers with bytes, not more than `most` of which are read."""
        answer = bytearray()
        for part in self._stream(path, argument):
            answer += part
            if len(answer) > most:
                raise TooLarge("node's answer", size=len(answer), most=most)
        return bytes(answer)

    def lines(self, path: str, *arguments: str, **request: Any) -> Iterator[dict[str, Any]]:
        """A call that answers with lines of JSON.

        Read here and not by `ipfshttpclient`, whose reader takes time by the square of what a broken node sends.
        """
        rest = bytearray()
        for part in self._stream(path, *arguments, **request):
            *lines, rest = (rest + part).split(b"\n")
            yield from map(_parsed, lines)
            if len(rest) > _LONGEST_LINE:
                raise TooLarge("node's answer", size=len(rest), most=_LONGEST_LINE)
        if rest:
            yield _parsed(rest)

    def _stream(self, path: str, *arguments: str, **request: Any) -> Iterator[bytes]:
        self._open_session()
        with _as_store_errors(), self._client._client.request(path, arguments, stream=True, **request) as parts:
            yield from parts

    def call(
        self, path: str, *arguments: str, forgive: tuple[str, ...] = (), **request: Any
    ) -> Sequence[dict[str, Any]]:
        """A call to its end; for what `ipfshttpclient` has no method of its own, or an old one."""
        try:
            return [*self.lines(path, *arguments, **request)]
        except StoreRejected as error:
            if forgive and says(error, *forgive):
                return []
            raise

    def answer(self, field: str, path: str, *arguments: str, **request: Any) -> Any:
        """One field of a call's only answer."""
        answers = self.call(path, *arguments, **request)
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


def says(error: StoreRejected, *phrases: str) -> bool:
    """Whether the node gave one of these reasons; it has no codes for them."""
    return any(phrase in error.reason for phrase in phrases)


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


def _parsed(line: bytes | bytearray) -> dict[str, Any]:
    try:
        answer = json.loads(line) if line else {}
    except ValueError as error:
        raise StoreRejected(_NODE, "its answer is no JSON") from error
    return answer if isinstance(answer, dict) else {}
