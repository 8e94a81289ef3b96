"""Records that others propose to a patient: shown, and answered by her or by whom she has named for it."""

from collections.abc import Sequence

from fastapi import APIRouter, Response

from gateway.consents import proposals
from gateway.consents.proposals import Proposal
from gateway.portal import wording
from gateway.portal.forms import Done, Form, FormDep
from gateway.portal.view import View
from gateway.sending import Errand
from ledger.types import Address

router = APIRouter(prefix="/patient/proposals")


@router.post("")
def answer(form: FormDep) -> Response:
    """Accept a record that was proposed to the reader, or turn it down."""
    say = form.view.say
    accepted, turned_down = say("Accepted: it counts as yours now."), say("Turned down: it does not count.")
    return answered(form, form.view.address, "/portal/patient/records", accepted, turned_down)


def answered(form: Form, patient: Address, back: str, accepted: str, turned_down: str) -> Response:
    """Do what the form says with what was proposed to a patient; the ledger refuses whoever may not.

    Args:
        back: the page to go on with.
        accepted, turned_down: what is said there.
    """
    view = form.view

    def do(errand: Errand) -> Done:
        takes_it = form.one("answer") == "accept"
        proposals.answer(view.gateway, view.identity, patient, _digest(form.one("digest")), takes_it, errand)
        return Done(back, accepted if takes_it else turned_down)

    return form.once(do)


def rows_of(view: View, found: Sequence[Proposal]) -> list[dict[str, str]]:
    """Proposals for a list (`patient/proposals.html`)."""
    names = view.names(*{one.author for one in found})
    return [
        {
            "digest": one.digest.hex(),
            "who": names[one.author],
            "kinds": wording.categories(view.language, one.categories),
        }
        for one in found
    ]


def _digest(text: str) -> bytes:
    """What a form sends as a digest; nothing, if it is none."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
