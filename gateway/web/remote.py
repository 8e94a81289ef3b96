"""A gateway from outside: the HTTP client of the command line and of the demonstration.

>>> with Remote("http://localhost:8000") as remote:
...     remote.sign_in(address, passphrase)
...     remote.get("/v1/records")["items"]
"""

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

import httpx

from gateway.errors import GatewayError


class RemoteProblem(GatewayError):
    """The gateway refused a request, and says why (RFC 9457 problem details)."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        """HTTP status code."""
        self.problem = dict(problem)
        """The problem details: type, title, detail and what else the gateway says."""
        super().__init__(str(self.problem.get("detail") or self.problem.get("title") or f"HTTP {status}"))

    @property
    def kind(self) -> str:
        """The last part of the problem's type."""
        return str(self.problem.get("type", "")).rpartition("/")[2].rpartition(":")[2]


class RemoteUnavailable(GatewayError):
    """The gateway does not answer."""


class Remote:
    """One person's connection to a gateway."""

    def __init__(self, url: str, *, token: str | None = None, timeout: float = 120.0) -> None:
        self.url = url
        self.token = token
        self._http = httpx.Client(base_url=url, timeout=timeout)

    def sign_in(self, address: str, passphrase: str) -> dict[str, Any]:
        """Open a session with the passphrase of a keystore held there.

        Raises:
            RemoteProblem: refused.
            RemoteUnavailable: no answer.
        """
        session: dict[str, Any] = self.post("/v1/session/passphrase", {"address": address, "passphrase": passphrase})
        self.token = str(session["token"])
        return session

    def get(self, path: str, **params: Any) -> Any:
        """The JSON answer of a GET; parameters that are None are left out."""
        kept = {name: value for name, value in params.items() if value is not None}
        return self._request("GET", path, params=kept).json()

    def each(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Every item of a paged list."""
        cursor = None
        while True:
            page = self.get(path, cursor=cursor, **params)
            yield from page["items"]
            cursor = page.get("next")
            if not cursor:
                return

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, idempotency_key: str | None = None) -> Any:
        """The JSON answer of a POST; the same idempotency key has one effect, however often it is sent."""
        answer = self._request("POST", path, json=body or {}, key=idempotency_key or str(uuid4()))
        return answer.json() if answer.content else None

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON answer of a PUT or DELETE."""
        answer = self._request(method, path, json=body, key=str(uuid4()))
        return answer.json() if answer.content else None

    def upload(
        self,
        path: str,
        content: bytes,
        media_type: str,
        *,
        idempotency_key: str | None = None,
        title: str = "",
        **params: Any,
    ) -> Any:
        """Send bytes and, percent-encoded in a header, their title; the JSON answer."""
        kept = {name: value for name, value in params.items() if value is not None}
        headers = {"content-type": media_type, "record-title": quote(title)}
        key = idempotency_key or str(uuid4())
        return self._request("POST", path, content=content, params=kept, key=key, headers=headers).json()

    def fetch(self, path: str, body: Mapping[str, Any]) -> tuple[bytes, str]:
        """The bytes and media type that a POST answers with."""
        answer = self._request("POST", path, json=body)
        return answer.content, answer.headers.get("content-type", "application/octet-stream")

    def stream(self, path: str, body: Mapping[str, Any]) -> Iterator[bytes]:
        """The bytes that a POST answers with, as they come.

        Raises:
            RemoteProblem: refused.
            RemoteUnavailable: no answer, or it broke off: what came so far is not the whole.
        """
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            with self._http.stream("POST", path, headers=headers, json=body) as answer:
                if answer.is_error:
                    answer.read()
                    raise RemoteProblem(answer.status_code, _problem_of(answer))
                yield from answer.iter_bytes()
        except httpx.TransportError as failure:
            raise RemoteUnavailable(f"no gateway answers at {self.url}, or it broke off: try again") from failure

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _request(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        sent = dict(headers or {})
        if self.token:
            sent["authorization"] = f"Bearer {self.token}"
        if key:
            sent["idempotency-key"] = key
        try:
            answer = self._http.request(method, path, headers=sent, **options)
        except httpx.TransportError as failure:
            raise RemoteUnavailable(f"no gateway answers at {self.url}: start one with `make serve`") from failure
        if answer.is_error:
            raise RemoteProblem(answer.status_code, _problem_of(answer))
        return answer


def _problem_of(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        problem: Mapping[str, Any] = answer.json()
    except ValueError:
        problem = {"title": f"HTTP {answer.status_code}"}
    return problem
