"""The access log in an archive: what proves its lines, up to the newest.

>>> anchor_log(gateway)
>>> evidence_of_line(gateway, line)["kind"]
'access-line'
"""

from typing import TYPE_CHECKING, Any

from gateway.errors import LineNotAnchored
from gateway.log.accesslog import Line
from gateway.log.checkpoints import anchor_now
from gateway.log.evidence import line_evidence
from gateway.sending import await_entry

if TYPE_CHECKING:
    from gateway.services import Gateway


def anchor_log(gateway: "Gateway") -> None:
    """Have the newest lines counted by a checkpoint on the ledger, so that they are proven as well."""
    for _ in range(2):  # the first may be one that was on its way, and counts fewer
        checkpoint = anchor_now(gateway)
        if checkpoint is None:
            return
        await_entry(gateway, checkpoint, gateway.settings.wait_seconds)


def evidence_of_line(gateway: "Gateway", line: Line) -> dict[str, Any] | None:
    """A line's evidence as JSON; None: no checkpoint on the ledger counts it yet."""
    try:
        return line_evidence(gateway, line).as_json()
    except LineNotAnchored:
        return None  # the ledger was slow to take the last checkpoint in: the line is told, and not proven
