"""One record as somebody sees it who is not its patient: opened for a stated purpose, verified, shown, in the log.

>>> one = opened(view, digest, Purpose.TREAT)
>>> one.shown.kind
'results'
"""

from dataclasses import dataclass
from uuid import uuid4

from fastapi import Response
from fastapi.responses import StreamingResponse

from gateway import flow
from gateway.consents import cosigning
from gateway.errors import NotFound
from gateway.flow import Retrieved
from gateway.portal.headers import INLINE_DOCUMENT
from gateway.portal.showing import Shown, kind_of, show
from gateway.portal.view import View
from ledger.care import Signatures
from ledger.codes import Purpose
from ledger.types import Address
from offchain_store.record import Header

_INLINE = ("pdf", "picture")


@dataclass(frozen=True, slots=True)
class Opened:
    """A record that the ledger let somebody open just now."""

    digest: bytes
    patient: Address
    patient_name: str
    author: Address
    author_name: str
    header: Header
    shown: Shown
    size: int
    until: int
    """Seconds since 1970 until which the decision holds; 0: no end."""
    signatures: Signatures | None
    """None: of a batch, which has its author's alone."""


def opened(view: View, digest: bytes, purpose: Purpose) -> Opened:
    """Open it; what it says goes to nobody but this page.

    Raises:
        AccessDenied, RecordError: it cannot be opened; the attempt is in the log all the same.
    """
    found = _retrieve(view, digest, purpose)
    kind = kind_of(found.header.media_type)
    if kind is not None or not found.is_in_memory:
        shown = Shown(kind or "file")
    else:
        shown = show(b"".join(found.content), found.header.media_type, view.language)
    patient, author = found.located.subject.patient, found.located.author
    names = view.names(patient, author)
    return Opened(
        digest=digest,
        patient=patient,
        patient_name=names[patient],
        author=author,
        author_name=names[author],
        header=found.header,
        shown=shown,
        size=found.size,
        until=found.decision.until,
        signatures=_signatures(view, digest),
    )


def content(view: View, digest: bytes, purpose: Purpose, *, inline: bool) -> Response:
    """Its bytes: to be shown within a page, or to be kept."""
    found = _retrieve(view, digest, purpose)
    kind = kind_of(found.header.media_type)
    if inline and kind in _INLINE:
        headers = {"Content-Security-Policy": INLINE_DOCUMENT, "Content-Disposition": "inline"}
        return StreamingResponse(found.content, headers=headers, media_type=found.header.media_type)
    headers = {"Content-Disposition": 'attachment; filename="record"', "Content-Length": str(found.size)}
    return StreamingResponse(found.content, headers=headers, media_type="application/octet-stream")


def _retrieve(view: View, digest: bytes, purpose: Purpose) -> Retrieved:
    return flow.retrieve(view.gateway, view.identity, digest, purpose=purpose, correlation=str(uuid4()))


def _signatures(view: View, digest: bytes) -> Signatures | None:
    try:
        return cosigning.signatures(view.gateway, digest)
    except NotFound:
        return None
