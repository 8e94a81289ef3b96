"""A whole gateway over HTTP in a process of its own, with one route more: a record's bytes, unverified.

    python -m scripts.bench.serving SETTINGS.json       # prints {"port": ..., "token": ...}, serves until killed

The route is the baseline of opening a record: the same app, server, session and request, but the bytes come from a
plain file, with no decision, no log, no verification and no opening.
"""

import json
import socket
import sys
from pathlib import Path

import uvicorn
from fastapi import APIRouter, Response

from gateway.api.models import DigestField
from gateway.api.records import OpenIn
from gateway.identity.keystore import identity
from gateway.serve import whole_gateway
from gateway.settings import Settings
from gateway.web.deps import SessionDep


def plain_router(folder: Path) -> APIRouter:
    """`POST /bench/plain/{digest}`: the file of that name in `folder`."""
    router = APIRouter()

    @router.post("/bench/plain/{digest}")
    def plain(digest: DigestField, body: OpenIn, session: SessionDep) -> Response:
        return Response((folder / digest).read_bytes(), media_type="application/fhir+json")

    return router


def main(description: Path) -> None:
    """Serve what the description says: settings, reader's key, folder of plain files."""
    described = json.loads(description.read_text())
    with (
        whole_gateway(Settings(**described["settings"])) as (gateway, app),
        # With the protocol named: asyncio leaves Nagle's algorithm on where it is 0, and that costs 40 ms a request.
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening,
    ):
        listening.bind(("127.0.0.1", 0))
        app.include_router(plain_router(Path(described["plain"])))
        reader = identity(bytes.fromhex(described["reader"]), "reader")
        token = gateway.sessions.open(reader.address, reader)
        print(json.dumps({"port": listening.getsockname()[1], "token": token}), flush=True)
        config = uvicorn.Config(app, access_log=False, log_config=None)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
