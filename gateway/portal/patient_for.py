"""Acting for somebody who has named one her delegate: what one may do, and her records that one may read."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Response

from gateway.api.paging import place_cursor, place_of
from gateway.consents.delegates import live_delegation, require
from gateway.consents.delegating import resign
from gateway.portal import doctor_patients, doctor_record, wording
from gateway.portal.forms import Done, FormDep
from gateway.portal.language import mark
from gateway.portal.showing import FLAGS
from gateway.portal.view import View, ViewDep
from gateway.sending import Errand
from ledger.codes import ORDINARY, SENSITIVE, Power, Purpose, Role
from ledger.index_care import CareIndex
from ledger.types import Address, address_of

router = APIRouter(prefix="/patient/for")

Whom = Annotated[str, Path(pattern="^0x[0-9a-fA-F]{40}$")]
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
_HERE = "/portal/patient/for"
_PAGE = 25
POWERS_FOR: dict[Power, str] = {
    Power.READ: mark("read records"),
    Power.GRANT: mark("let others read"),
    Power.WITHDRAW: mark("withdraw consents, and keep people out"),
    Power.PRESENT: mark("show prescriptions at a pharmacy"),
    Power.ACCEPT: mark("accept records that are proposed"),
}
"""What a delegate may do, said to him."""


@dataclass(frozen=True, slots=True)
class Leave:
    """What somebody lets the reader do for her, as the ledger has it now."""

    patient: str
    name: str
    may: str
    kinds: str
    until: str
    may_read: bool
    may_grant: bool
    may_withdraw: bool
    may_keep_out: bool
    may_present: bool
    may_accept: bool

    @property
    def may_share(self) -> bool:
        """Whether the reader has anything to do with who can see her records."""
        return self.may_grant or self.may_withdraw


@router.get("")
def for_whom(view: ViewDep) -> Response:
    """Those who have named the reader."""
    view.require(Role.PATIENT)
    found = CareIndex(view.gateway.ledger_database).delegations_to(view.address, at=view.now)
    leaves = [leave for one in found if (leave := leave_of(view, one.patient)) is not None]
    return view.page("patient/for.html", leaves=leaves)


@router.get("/{whom}")
def records(view: ViewDep, whom: Whom, cursor: str = "") -> Response:
    """Her records of the kinds that were delegated."""
    view.require(Role.PATIENT)
    patient = address_of(whom)
    require(view.gateway, view.address, patient, Power.READ)
    rows, following = doctor_patients.records_of(view, patient, limit=_PAGE, before=place_of(cursor or None))
    shown = [
        {
            "digest": row.digest.hex(),
            "kinds": wording.categories(view.language, row.categories),
            "author": row.author_name,
            "day": view.language.day(row.written_at) if row.written_at else "",
        }
        for row in rows
    ]
    return view.page(
        "patient/for_records.html",
        leave=leave_of(view, patient),
        rows=shown,
        following=place_cursor(following) if following else None,
        first=not cursor,
    )


@router.get("/{whom}/{digest}")
def record(view: ViewDep, whom: Whom, digest: Digest) -> Response:
    """One of them: opened for her family's sake, and a line in her log that says who did."""
    view.require(Role.PATIENT)
    require(view.gateway, view.address, address_of(whom), Power.READ)
    one = doctor_record.opened(view, bytes.fromhex(digest), Purpose.FAMRQT)
    return view.page("patient/for_record.html", one=one, FLAGS=FLAGS, back=f"{_HERE}/{whom}")


@router.get("/{whom}/{digest}/content")
def content(view: ViewDep, whom: Whom, digest: Digest) -> Response:
    """Its bytes."""
    view.require(Role.PATIENT)
    require(view.gateway, view.address, address_of(whom), Power.READ)
    inline = view.request.query_params.get("as") != "file"
    return doctor_record.content(view, bytes.fromhex(digest), Purpose.FAMRQT, inline=inline)


@router.post("/{whom}/resign")
def give_up(form: FormDep, whom: Whom) -> Response:
    """Act for her no more."""
    view = form.view

    def do(errand: Errand) -> Done:
        resign(view.gateway, view.identity, address_of(whom), errand)
        return Done(_HERE, view.say("You act for them no more."))

    return form.once(do)


def leave_of(view: View, patient: Address) -> Leave | None:
    """What a patient lets the reader do, in words; None: nothing (any more)."""
    live = live_delegation(view.gateway, view.address, patient)
    if live is None:
        return None
    return Leave(
        patient=patient,
        name=view.names(patient)[patient],
        may=view.language.listed([view.say(POWERS_FOR[power]) for power in live.powers]),
        kinds=wording.categories(view.language, live.categories),
        until=view.language.day(live.until),
        may_read=bool(live.powers & Power.READ),
        may_grant=bool(live.powers & Power.GRANT),
        may_withdraw=bool(live.powers & Power.WITHDRAW),
        may_keep_out=bool(live.powers & Power.WITHDRAW) and not (ORDINARY | SENSITIVE) & ~live.categories,
        may_present=bool(live.powers & Power.PRESENT),
        may_accept=bool(live.powers & Power.ACCEPT),
    )
