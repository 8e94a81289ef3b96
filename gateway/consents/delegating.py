"""Delegates: whom a patient lets act for her, in what, for which categories, until when; named and ended by her alone.

>>> name_delegate(gateway, ana, son.address, Leave(Power.READ | Power.GRANT, Category.LABORATORY, until), errand)
>>> end_delegation(gateway, ana, son.address, errand)       # at once; he is told nothing

Naming somebody who may read hands over the key slips of what he may read; narrowing or ending takes them back. The
ledger decides whatever slips there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from gateway.bookmarks import Bookmark
from gateway.consents.consenting import is_on_chain, remember_handed_over, take_back, were_handed_over
from gateway.consents.delegates import Delegated, delegations_of
from gateway.consents.fill_keys import give_all_fill_keys, take_back_fill_keys
from gateway.identity.keystore import Identity
from gateway.sending import Errand, send
from gateway.slips.handing import hand_over_reach
from gateway.slips.reach import Reach
from ledger import events_care
from ledger.codes import Category, Power
from ledger.outbox import Entry
from ledger.types import Address, address_of, raw

if TYPE_CHECKING:
    from gateway.services import Gateway


followed = Bookmark("delegations_followed")
"""How far the changes of delegations have been gone through."""

_AT_ONCE = 100
_LABEL = b"consent-ledger/v1/delegation"


@dataclass(frozen=True, slots=True)
class Leave:
    """What a patient lets a delegate do."""

    powers: Power
    categories: Category
    """Sensitive ones only if they are named."""
    until: int
    """Seconds since 1970; two years at most."""


def name_delegate(gateway: "Gateway", patient: Identity, delegate: Address, leave: Leave, errand: Errand) -> Entry:
    """Name a delegate, or replace what he may do, as the patient.

    Raises:
        ContractRejected: nobody whom one can name, nothing delegated, or no end to come.
    """
    act = gateway.ledger.acts.set_delegation(
        delegate, powers=leave.powers, categories=leave.categories, until=leave.until
    )
    entry = send(gateway, act, signer=patient.address, errand=errand)
    if is_on_chain(entry):
        take_back_from(gateway, patient.address, delegate)
        hand_over_to_delegates(gateway, patient)
    return entry


def end_delegation(gateway: "Gateway", patient: Identity, delegate: Address, errand: Errand) -> Entry:
    """End a delegation as the patient: at once, without the delegate, and without a word to him.

    Raises:
        ContractRejected: there is none.
    """
    entry = send(gateway, gateway.ledger.acts.end_delegation(delegate), signer=patient.address, errand=errand)
    if is_on_chain(entry):
        take_back_from(gateway, patient.address, delegate)
    return entry


def resign(gateway: "Gateway", delegate: Identity, patient: Address, errand: Errand) -> Entry:
    """Give up what a patient has delegated, as the delegate.

    Raises:
        ContractRejected: she has delegated nothing.
    """
    entry = send(gateway, gateway.ledger.acts.resign(patient), signer=delegate.address, errand=errand)
    if is_on_chain(entry):
        take_back_from(gateway, patient, delegate.address)
    return entry


def hand_over_to_delegates(gateway: "Gateway", patient: Identity) -> int:
    """Make the slips and fill keys that live delegations call for and nobody has made yet, with the patient's key; how
    many were made.

    Can be cut off anywhere and called again: what is there is not made twice.
    """
    now = int(gateway.clock())
    live = [one for one in delegations_of(gateway, patient.address) if one.gives(Power.READ | Power.PRESENT, now)]
    done = were_handed_over(gateway, patient.address) if live else set()
    made = 0
    for one in live:
        if _key(one) in done:
            continue
        if Power.READ in one.powers:
            made += hand_over_reach(gateway, Reach(patient.address, one.categories), [one.delegate], patient)
        if Power.PRESENT in one.powers:
            made += give_all_fill_keys(gateway, patient, one.delegate, one.categories)
        remember_handed_over(gateway, _key(one), patient.address)
    return made


def take_back_from(gateway: "Gateway", patient: Address, delegate: Address) -> int:
    """Remove a delegate's slips and fill keys, but for what he may still read or present; how many were removed."""
    return take_back(gateway, patient, delegate) + take_back_fill_keys(gateway, patient, delegate)


def follow_delegations(gateway: "Gateway") -> None:
    """A chore: what was named, narrowed or ended by whatever way it came to the ledger, taken back and handed over."""
    for patient, delegate in _changed(gateway):
        take_back_from(gateway, patient, delegate)
    for address in gateway.sessions.signed_in():
        signed_in = gateway.sessions.unlocked(address)
        if signed_in is not None:
            hand_over_to_delegates(gateway, signed_in)


def _changed(gateway: "Gateway") -> Iterator[tuple[Address, Address]]:
    """Patient and delegate of every change since the last time; each counts as gone through once the next is asked
    for."""
    for change in followed.behind(gateway, events_care.delegations, limit=_AT_ONCE):
        yield address_of(change.patient), address_of(change.delegate)
        followed.move(gateway, (change.block_number, change.log_index))


def _key(one: Delegated) -> bytes:
    """The name of one saying of the patient's: naming him again is another."""
    place = f"{one.position[0]}-{one.position[1]}".encode()
    return sha256(_LABEL + raw(one.patient) + raw(one.delegate) + place).digest()
