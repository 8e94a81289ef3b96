"""Whether the gateway lives, and whether it can work: for whatever watches over it."""

from fastapi import APIRouter, Response

from gateway.api.models import Out
from gateway.web.deps import GatewayDep
from ledger.errors import LedgerError
from ledger.rpc import head

router = APIRouter(tags=["health"])

_MOST_BEHIND = 20
"""Blocks that the index may be behind a chain that it can keep up with."""


class Health(Out):
    """State of the parts."""

    status: str
    node: str
    index_behind: int | None
    """Blocks that are not yet indexed."""


@router.get("/health/live", summary="The process lives")
def live() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/health/ready", summary="The gateway can work", responses={503: {"model": Health}})
def ready(gateway: GatewayDep, response: Response) -> Health:
    """503 while the node does not answer or the index is far behind the chain."""
    try:
        newest = head(gateway.node).number
    except LedgerError:
        response.status_code = 503
        return Health(status="not ready", node="does not answer", index_behind=None)
    behind = max(0, newest - gateway.indexer.block)
    if behind > _MOST_BEHIND:
        response.status_code = 503
    return Health(status="ok" if behind <= _MOST_BEHIND else "catching up", node="ok", index_behind=behind)
