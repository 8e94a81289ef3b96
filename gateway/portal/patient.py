"""A patient's home, and her records: routes; what the pages say is gathered in `patient_records`."""

from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Path, Response
from fastapi.responses import StreamingResponse

from gateway import flow
from gateway.consents import cosigning, proposals
from gateway.notices.notify import notices
from gateway.portal import patient_proposals, patient_records, patient_sharing, wording
from gateway.portal.forms import Done, FormDep
from gateway.portal.headers import INLINE_DOCUMENT
from gateway.portal.patient_looked import lines_of, openings_of
from gateway.portal.showing import FLAGS, kind_of
from gateway.portal.view import View, ViewDep
from gateway.sending import Errand
from ledger.codes import Purpose, RecordState, Role
from ledger.index_care import CareIndex

router = APIRouter(prefix="/patient")

Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
_SHOWN_ELSEWHERE = ("record-anchored", "record-proposed", "batch-anchored", "question-asked", "consent-ending")
_ENDINGS = {
    "application/pdf": "pdf",
    "application/fhir+json": "json",
    "application/json": "json",
    "image/png": "png",
    "image/jpeg": "jpg",
    "text/plain": "txt",
    "application/dicom": "dcm",
}


@router.get("")
def home(view: ViewDep) -> Response:
    """Three questions: what is new, who can see my records, who looked."""
    view.require(Role.PATIENT)
    # What stands on the page anyway is not said twice.
    found = [one for one in notices(view.gateway, view.address, 12) if one.kind not in _SHOWN_ELSEWHERE][:3]
    names = view.names(*{person for one in found for person in one.people})
    news = [wording.notice(view.language, one, names) for one in found]
    return view.page(
        "patient/home.html",
        name=view.names(view.address)[view.address],
        news=news,
        newest=patient_records.newest(view, 3),
        proposals=proposals.proposals_to(view.gateway, view.address, 3),
        questions=patient_sharing.questions_to(view),
        consents=patient_sharing.live_consents(view, limit=4).consents,
        openings=[one for one in openings_of(view) if one.is_open],
        looked=lines_of(view, limit=4, others=True).entries,
    )


@router.get("/records")
def records(view: ViewDep, cursor: str = "") -> Response:
    """The list, a page at a time; proposals first."""
    view.require(Role.PATIENT)
    page = patient_records.listed(view, before=cursor)
    waiting = [] if cursor else proposals.proposals_to(view.gateway, view.address, 10)
    return view.page(
        "patient/records.html",
        rows=page.rows,
        following=page.following,
        first=not cursor,
        proposals=patient_proposals.rows_of(view, waiting),
    )


@router.get("/records/{digest}")
def record(view: ViewDep, digest: Digest, over: str = "") -> Response:
    """One record: opened, verified, shown."""
    view.require(Role.PATIENT)
    name = bytes.fromhex(digest)
    one = patient_records.opened(view, name)
    state = one.holding.state
    return view.page(
        "patient/record.html",
        one=one,
        FLAGS=FLAGS,
        kinds=wording.categories(view.language, one.holding.categories),
        said="" if state is RecordState.ANCHORED else view.say(wording.STATES[state]),
        asked=over == "time",
        lines=patient_records.over_time(view, name, one.shown.results) if over == "time" else (),
        signatures=_signatures(view, one),
        awaits_signature=_awaits_signature(view, name),
    )


@router.get("/records/{digest}/content")
def content(view: ViewDep, digest: Digest) -> Response:
    """A record's bytes, verified. Only a PDF or a picture is given for showing in the page; all else is a download, so
    that nothing in a record can act as a page of this site."""
    view.require(Role.PATIENT)
    found = flow.retrieve(
        view.gateway, view.identity, bytes.fromhex(digest), purpose=Purpose.PATRQT, correlation=str(uuid4())
    )
    media_type = found.header.media_type
    inline = kind_of(media_type) in ("pdf", "picture") and view.request.query_params.get("as") != "file"
    disposition = "inline" if inline else "attachment"
    ending = _ENDINGS.get(media_type.partition(";")[0], "bin")
    headers = {
        "Content-Disposition": f'{disposition}; filename="record.{ending}"',
        "Content-Length": str(found.size),
        "Content-Security-Policy": INLINE_DOCUMENT if inline else "default-src 'none'; sandbox",
        "X-Frame-Options": "SAMEORIGIN" if inline else "DENY",
    }
    return StreamingResponse(found.content, headers=headers, media_type=media_type)


@router.post("/records/{digest}/sign")
def sign(form: FormDep, digest: Digest) -> Response:
    """Sign a record as the second."""
    view = form.view

    def do(errand: Errand) -> Done:
        cosigning.cosign(view.gateway, view.identity, bytes.fromhex(digest), errand)
        return Done(f"/portal/patient/records/{digest}", view.say("Signed: the record has two signatures now."))

    return form.once(do)


def _signatures(view: View, one: patient_records.Opened) -> str:
    """Who has signed, where a second signature was asked for; else nothing is said."""
    if one.holding.kind != "single":
        return ""
    found = cosigning.signatures(view.gateway, one.holding.digest)
    if found.count == 2 and found.author and found.cosigner:
        names = view.names(found.author, found.cosigner)
        signed = [names[found.author], names[found.cosigner]]
        return view.say("two: {who}", who=view.language.listed(signed))
    return view.say("one; a second one is asked for") if found.awaited else ""


def _awaits_signature(view: View, digest: bytes) -> bool:
    return digest in CareIndex(view.gateway.ledger_database).awaiting_cosignature(view.address, 200)
