"""Finding a patient by what one has: her number, as her organization wrote it down, or her address on the ledger.

Numbers come in bodies, never in addresses of pages, and only a keyed hash of one is compared.
"""

from gateway.demo_people import IDENTIFIER_SYSTEM
from gateway.identity.directory import keyed_identifier
from gateway.portal.errors import FormRefused
from gateway.portal.language import mark
from gateway.portal.view import View
from ledger.codes import Role
from ledger.types import Address, address_of

SYSTEM = IDENTIFIER_SYSTEM
"""Which numbers are meant unless another system is named."""
_NOBODY = mark("This number leads to nobody here. Look at it again, or ask the patient’s organization.")


def find_patient(view: View, text: str, system: str = "") -> Address:
    """The patient whom a number or an address leads to.

    Raises:
        FormRefused: it leads to nobody, or to somebody who is no patient.
    """
    text = text.strip()
    if not text or len(text) > 255:
        raise FormRefused({"patient": view.say(mark("Write the patient’s number or her address on the ledger."))})
    if text.startswith("0x"):
        try:
            found: Address | None = address_of(text)
        except ValueError as failure:
            sentence = mark("An address begins with 0x and has 40 letters and digits after it.")
            raise FormRefused({"patient": view.say(sentence)}) from failure
    else:
        keyed = keyed_identifier(view.gateway.consortium_key, system.strip() or SYSTEM, text)
        found = view.gateway.ledger.participant_by(keyed)
    known = view.gateway.ledger.participant(found) if found else None
    if found is None or known is None or not known.roles & Role.PATIENT:
        raise FormRefused({"patient": view.say(_NOBODY)})
    return found
