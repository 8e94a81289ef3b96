"""A node's JSON-RPC, thin and fast: one request, or many in one round trip.

    >>> node = Node("http://127.0.0.1:8545")
    >>> quantity(node.request("eth_chainId"))
    31337
    >>> head(node).number
    12

web3.py spends some milliseconds on each call for middleware and formatting; posting, indexing and deciding happen
thousands of times a minute, so they speak JSON-RPC directly. Every method used through here may be repeated without
harm (a signed transaction that is sent twice is still one), so a connection that broke is tried once more.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Self

from urllib3 import PoolManager
from urllib3.exceptions import HTTPError, ProtocolError

from ledger.errors import NodeRejected, NodeUnavailable, NodeWentBack

Call = tuple[str, tuple[Any, ...]]
"""A method and its parameters."""

BATCH = 100
"""Calls in one HTTP request: beyond this nothing is gained, and nodes in use accept it."""

_CONNECTIONS = 16
"""Kept open for the next request."""
_HEADERS = {"content-type": "application/json"}


class Node:
    """A JSON-RPC node over HTTP. Safe to share between threads."""

    def __init__(self, url: str, *, timeout: float = 30.0) -> None:
        self.url = url
        # Of the HTTP clients at hand the one that adds least: 0.1 ms a request, where others add half a millisecond.
        self._http = PoolManager(maxsize=_CONNECTIONS, timeout=timeout, retries=False, headers=_HEADERS)
        self._ids = count(1)

    def request(self, method: str, *params: Any) -> Any:
        """The result of one request.

        Raises:
            NodeUnavailable: the node does not answer.
            NodeRejected: it answers with an error; a revert's bytes are in `data`.
        """
        number = next(self._ids)
        answer = self._post({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        if not isinstance(answer, dict):
            raise NodeUnavailable(f"{method}: the answer is not a JSON-RPC response")
        result = _result(method, answer)
        if isinstance(result, NodeRejected):
            raise result
        return result

    def batch(self, calls: Sequence[Call], *, size: int = BATCH) -> list[Any]:
        """The results of many requests, in their order; one that failed is a `NodeRejected` in its place.

        Raises:
            NodeUnavailable: the node does not answer.
        """
        results: list[Any] = []
        for start in range(0, len(calls), size):
            results += self._batch(calls[start : start + size])
        return results

    def close(self) -> None:
        """Close the connections."""
        self._http.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _batch(self, calls: Sequence[Call]) -> list[Any]:
        ids = [next(self._ids) for _ in calls]
        answers = self._post(
            [
                {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
                for number, (method, params) in zip(ids, calls, strict=True)
            ]
        )
        if not isinstance(answers, list):
            raise NodeUnavailable(f"the node does not answer batches: {str(answers)[:200]}")
        by_id = {answer.get("id"): answer for answer in answers}  # a server may answer in any order
        if any(number not in by_id for number in ids):
            raise NodeUnavailable(f"the node answered {len(by_id)} of a batch of {len(ids)} requests")
        return [_result(method, by_id[number]) for number, (method, _) in zip(ids, calls, strict=True)]

    def _post(self, payload: Any) -> Any:
        if not self.url.startswith(("http://", "https://")):
            raise NodeUnavailable(f"{self.url!r} is no URL of a node: name it with http:// or https://")
        body = json.dumps(payload, separators=(",", ":")).encode()
        try:
            try:
                response = self._http.request("POST", self.url, body=body)
            except ProtocolError:  # it may have met a connection that the node closed while it was idle
                response = self._http.request("POST", self.url, body=body)
        except HTTPError as failure:
            raise NodeUnavailable(f"the node does not answer: {failure}") from failure
        try:
            return json.loads(response.data)
        except ValueError as failure:
            raise NodeUnavailable(f"the node answered HTTP {response.status} without JSON") from failure


@dataclass(frozen=True, slots=True)
class Head:
    """A block by number and hash; remembered, it tells whether the chain is still the same."""

    number: int
    hash: bytes


def head(node: Node) -> Head:
    """The newest block."""
    return head_of(node.request("eth_getBlockByNumber", "latest", False))


def head_of(block: dict[str, Any]) -> Head:
    """Number and hash of a block as the node tells it."""
    return Head(quantity(block["number"]), unhex(block["hash"]))


def check_head(node: Node, remembered: Head) -> None:
    """Check that a block seen before is still on the node's chain, and so all before it.

    Raises:
        NodeWentBack: it is gone, or another stands in its place.
    """
    found = node.request("eth_getBlockByNumber", hex(remembered.number), False)
    if found is None or unhex(found["hash"]) != remembered.hash:
        raise NodeWentBack(remembered.number, "0x" + remembered.hash.hex(), found and found["hash"])


def quantity(value: str) -> int:
    """A JSON-RPC number."""
    return int(value, 16)


def unhex(value: str) -> bytes:
    """JSON-RPC bytes."""
    return bytes.fromhex(value[2:])


def enhex(value: bytes) -> str:
    """Bytes for JSON-RPC."""
    return "0x" + value.hex()


def _result(method: str, answer: dict[str, Any]) -> Any:
    error = answer.get("error")
    if error is None:
        return answer.get("result")
    return NodeRejected(method, int(error.get("code", 0)), str(error.get("message", "")), error.get("data"))
