"""Who looked at a patient's records, in sentences; each line with its proof."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import JSONResponse

from gateway.errors import InvalidInput, LineNotAnchored, NotFound
from gateway.log.accesslog import Line
from gateway.log.evidence import line_evidence
from gateway.portal import wording
from gateway.portal.emergency import OUTCOMES, REASONS
from gateway.portal.language import mark
from gateway.portal.view import View, ViewDep
from ledger.codes import BasisKind, Role
from ledger.index_care import CareIndex
from ledger.types import Address

router = APIRouter(prefix="/patient/looked")

Number = Annotated[int, Path(ge=0, lt=2**53)]
_OPEN_NOW = mark("{who} has broken the glass: {why}. Until {when} they may open what your wish for emergencies allows.")
_WAS_OPEN = mark("{who} broke the glass: {why}. It ended {when}.")
_PAGE = 30
_FETCHED = 120


@dataclass(frozen=True, slots=True)
class Entry:
    """One sentence about one line, or about several of one activity of her own."""

    seq: int
    sentence: str
    permitted: bool
    by_emergency: bool
    """By breaking the glass."""
    for_you: bool
    """By somebody whom she has named to act for her."""
    digest: str


@dataclass(frozen=True, slots=True)
class Opening:
    """One time that the glass was broken."""

    sentence: str
    judged: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class EntryPage:
    entries: tuple[Entry, ...]
    following: str | None


def lines_of(view: View, *, limit: int = _PAGE, before: str | None = None, others: bool = False) -> EntryPage:
    """The lines about her, newest first; what she opened herself in one go is one sentence.

    Args:
        others: leave out what she opened herself.
    """
    if before and not (before.isascii() and before.isdigit() and len(before) < 16):
        raise InvalidInput("cursor", "take it from the page before")
    lines = view.gateway.log.page(patients=[view.address], before=int(before) if before else None, limit=_FETCHED)
    names = view.names(*{line.attempt.reader for line in lines})
    groups: list[list[Line]] = []
    for line in lines:
        if others and line.attempt.reader == view.address:
            continue
        last = groups[-1][0].attempt if groups else None
        own = line.attempt.reader == view.address and line.attempt.permitted
        if last and own and last.reader == view.address and last.correlation == line.attempt.correlation:
            groups[-1].append(line)
        else:
            groups.append([line])
    shown = groups[:limit]
    more = len(groups) > limit or len(lines) == _FETCHED
    following = str(shown[-1][-1].seq) if more and shown else None
    return EntryPage(tuple(_entry(view, group, names) for group in shown), following)


def openings_of(view: View) -> list[Opening]:
    """Every time that somebody broke the glass over her, newest first."""
    found = CareIndex(view.gateway.ledger_database).openings_over(view.address, 20)
    names = view.names(*{one.clinician for one in found})
    shown = []
    for one in found:
        is_open = one.until > view.now
        text = view.say(
            _OPEN_NOW if is_open else _WAS_OPEN,
            who=names[one.clinician],
            when=view.language.moment(one.until),
            why=view.say(REASONS[one.reason]),
        )
        judged = view.say(OUTCOMES[one.outcome]) if one.outcome else view.say("An auditor has yet to judge it.")
        shown.append(Opening(text, judged, is_open))
    return shown


@router.get("")
def looked(view: ViewDep, cursor: str = "") -> Response:
    """The log in sentences."""
    view.require(Role.PATIENT)
    page = lines_of(view, before=cursor)
    return view.page(
        "patient/looked.html",
        entries=page.entries,
        following=page.following,
        first=not cursor,
        openings=[] if cursor else openings_of(view),
    )


@router.get("/{seq}")
def line(view: ViewDep, seq: Number) -> Response:
    """One line, and what proves it."""
    view.require(Role.PATIENT)
    found = _line(view, seq)
    names = view.names(found.attempt.reader)
    try:
        evidence = line_evidence(view.gateway, found).as_json()
    except LineNotAnchored:
        evidence = None
    return view.page(
        "patient/line.html",
        entry=_entry(view, [found], names),
        line=found,
        evidence=evidence,
        basis=view.say(_BASES[found.attempt.basis]) if found.attempt.basis in _BASES else "",
    )


@router.get("/{seq}/proof")
def proof(view: ViewDep, seq: Number) -> Response:
    """The evidence as a file, for the stand-alone verifier."""
    view.require(Role.PATIENT)
    headers = {"Content-Disposition": f'attachment; filename="access-line-{seq}.json"'}
    return JSONResponse(line_evidence(view.gateway, _line(view, seq)).as_json(), headers=headers)


_BASES = {
    BasisKind.OWN_RECORD: mark("It is your own record."),
    BasisKind.AUTHOR: mark("They wrote it themselves."),
    BasisKind.CONSENT: mark("You let them, by a consent."),
    BasisKind.SIGNED_CONSENT: mark("You let them, by a consent that you signed."),
    BasisKind.PRESENTATION: mark("You showed them a prescription."),
    BasisKind.DELEGATION: mark("You have named them as your delegate."),
    BasisKind.BREAK_GLASS: mark("They broke the glass in an emergency."),
}


def _line(view: View, seq: int) -> Line:
    found = view.gateway.log.line(seq, patients=[view.address], reader=view.address, everybody=False)
    if found is None:
        raise NotFound("no such line, or not for you to see")
    return found


def _entry(view: View, group: list[Line], names: Mapping[Address, str]) -> Entry:
    first = group[0]
    attempt = first.attempt
    if len(group) > 1:
        when = view.language.moment(attempt.at)
        said = view.say("You opened {count} of your records in one go, {when}.", count=len(group), when=when)
    else:
        said = wording.attempt(view.language, attempt, viewer=view.address, who=names[attempt.reader])
    return Entry(
        first.seq,
        said,
        attempt.permitted,
        by_emergency=attempt.basis is BasisKind.BREAK_GLASS,
        for_you=attempt.permitted and attempt.basis is BasisKind.DELEGATION,
        digest=attempt.digest.hex(),
    )
